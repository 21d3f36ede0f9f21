//! Contexts of the nats command line (ADR-21): where a server is, and as whom to come.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nats_connection::{Login, Secret, TlsFiles};
use serde::Deserialize;

/// Why a context cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The name cannot be one of a file.
    #[error("{0:?} is no name of a NATS context")]
    NotName(String),
    /// Nobody says where contexts are.
    #[error("NATS contexts are looked for below HOME, which is not set; use --nats")]
    NoHome,
    /// The file cannot be read.
    #[error("the NATS context {} cannot be read", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is no NATS context", path.display())]
    NotContext {
        /// Which.
        path: PathBuf,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
    /// It asks for a way in that billfold does not have.
    #[error("{} has {name}, which billfold does not use; use creds, nkey or user", path.display())]
    UnknownWay {
        /// Which.
        path: PathBuf,
        /// The field.
        name: &'static str,
    },
}

/// A context file. What billfold cannot use is refused by name, not left out in silence.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Context {
    url: String,
    user: String,
    password: String,
    token: String,
    creds: String,
    nkey: String,
    cert: String,
    key: String,
    ca: String,
    tls_first: bool,
    inbox_prefix: String,
    nsc: String,
    user_jwt: String,
    user_seed: String,
    socks_proxy: String,
}

impl Context {
    /// Reads the context of this name.
    ///
    /// # Errors
    /// [`ContextError`].
    pub fn named(name: &str) -> Result<Self, ContextError> {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            return Err(ContextError::NotName(name.to_owned()));
        }
        let folder = folder().ok_or(ContextError::NoHome)?;
        Self::read(&folder.join(format!("{name}.json")))
    }

    fn read(file: &Path) -> Result<Self, ContextError> {
        let path = || file.to_path_buf();
        let text = fs::read(file).map_err(|source| ContextError::File { path: path(), source })?;
        let context: Self = serde_json::from_slice(&text)
            .map_err(|source| ContextError::NotContext { path: path(), source })?;
        match context.unknown_way() {
            None => Ok(context),
            Some(name) => Err(ContextError::UnknownWay { path: path(), name }),
        }
    }

    fn unknown_way(&self) -> Option<&'static str> {
        let unknown = [
            ("nsc", &self.nsc),
            ("user_jwt", &self.user_jwt),
            ("user_seed", &self.user_seed),
            ("socks_proxy", &self.socks_proxy),
        ];
        unknown.into_iter().find(|(_, value)| !value.is_empty()).map(|(name, _)| name)
    }

    /// The servers; without users and passwords in their addresses.
    pub fn servers(&self) -> Vec<String> {
        let each = self.url.split(',').map(str::trim).filter(|url| !url.is_empty());
        each.map(|url| match user_of(url) {
            Some((scheme, _, host)) => format!("{scheme}{host}"),
            None => url.to_owned(),
        })
        .collect()
    }

    /// As whom to come.
    pub fn login(&self) -> Login {
        if !self.creds.is_empty() {
            return Login::Credentials(expanded(&self.creds));
        }
        if !self.nkey.is_empty() {
            return Login::Nkey(expanded(&self.nkey));
        }
        if !self.user.is_empty() {
            let password = Secret::new(self.password.as_str());
            return Login::Password { user: self.user.clone(), password };
        }
        if !self.token.is_empty() {
            return Login::Token(Secret::new(self.token.as_str()));
        }
        let Some((_, user, _)) = self.url.split(',').find_map(|url| user_of(url.trim())) else {
            return Login::None;
        };
        match user.split_once(':') {
            Some((user, password)) => {
                Login::Password { user: user.to_owned(), password: Secret::new(password) }
            }
            None => Login::Token(Secret::new(user)),
        }
    }

    /// Files of the encrypted connection.
    pub fn tls(&self) -> TlsFiles {
        let file = |text: &String| (!text.is_empty()).then(|| expanded(text));
        TlsFiles {
            ca: file(&self.ca),
            cert: file(&self.cert),
            key: file(&self.key),
            first: self.tls_first,
        }
    }

    /// What inboxes begin with.
    pub fn inbox_prefix(&self) -> Option<String> {
        (!self.inbox_prefix.is_empty()).then(|| self.inbox_prefix.clone())
    }
}

/// Scheme, user and host of an address that has a user in it.
fn user_of(url: &str) -> Option<(&str, &str, &str)> {
    let start = url.find("://").map_or(0, |at| at + 3);
    let (user, host) = url[start..].rsplit_once('@')?;
    Some((&url[..start], user, host))
}

fn folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(config.join("nats").join("context"))
}

/// A path as the nats command line reads it: `~` is the home folder.
fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        (None, _) | (_, None) => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(json: &str) -> Result<Context, ContextError> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("x.json");
        fs::write(&file, json).expect("written");
        Context::read(&file)
    }

    #[test]
    fn a_context_of_the_nats_command_line_is_read() {
        let context = context(
            r#"{"description":"prod","url":"tls://a:4222, tls://b:4222","creds":"/c/ada.creds",
                "ca":"/c/ca.pem","inbox_prefix":"_INBOX_ada","color_scheme":"","tls_first":true}"#,
        )
        .expect("a context");
        assert_eq!(context.servers(), ["tls://a:4222", "tls://b:4222"]);
        assert_eq!(context.login(), Login::Credentials("/c/ada.creds".into()));
        assert_eq!(context.tls().ca, Some("/c/ca.pem".into()));
        assert!(context.tls().first);
        assert_eq!(context.inbox_prefix().as_deref(), Some("_INBOX_ada"));
    }

    #[test]
    fn a_user_in_an_address_is_taken_out_of_it() {
        let context = context(r#"{"url":"nats://ada:open@host:4222"}"#).expect("a context");
        assert_eq!(context.servers(), ["nats://host:4222"]);
        let expected = Login::Password { user: "ada".to_owned(), password: Secret::new("open") };
        assert_eq!(context.login(), expected);
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        let failure = context(r#"{"url":"x","nsc":"nsc://o/a/u"}"#).expect_err("refused");
        assert!(failure.to_string().contains("has nsc"), "{failure}");
        let failure = context("3").expect_err("no object");
        assert!(matches!(failure, ContextError::NotContext { .. }), "{failure}");
        for name in ["", "../x", ".hidden", "a/b"] {
            let refused = Context::named(name).expect_err("no name");
            assert!(matches!(refused, ContextError::NotName(_)), "{name:?}");
        }
    }
}
