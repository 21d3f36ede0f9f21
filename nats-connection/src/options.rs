//! How a NATS server is reached, and as whom.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};

use crate::errors::NatsError;

/// How often the connection is looked at; the library gives it up after two silent ones.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// How long one try to connect may take.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// As whom to come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Login {
    /// As nobody.
    #[default]
    None,
    /// With a credentials file: a user's JWT and seed.
    Credentials(PathBuf),
    /// With an nkey, whose seed is in a file.
    Nkey(PathBuf),
    /// With a name, and a password that is in a file.
    PasswordFile {
        /// The name.
        user: String,
        /// Its first line is the password.
        file: PathBuf,
    },
    /// With a name and a password.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// With a token.
    Token(Secret),
}

impl Login {
    /// Who that is, for messages.
    fn who(&self) -> String {
        match self {
            Self::None => "a connection without a user".to_owned(),
            Self::Credentials(path) => format!("the credentials in {}", path.display()),
            Self::Nkey(path) => format!("the nkey in {}", path.display()),
            Self::PasswordFile { user, .. } | Self::Password { user, .. } => format!("user {user}"),
            Self::Token(_) => "the token".to_owned(),
        }
    }
}

/// Files of an encrypted connection. It is encrypted too if the server asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of the authorities that sign servers; those of the machine if left out.
    pub ca: Option<PathBuf>,
    /// The client's certificate.
    pub cert: Option<PathBuf>,
    /// The key of the client's certificate.
    pub key: Option<PathBuf>,
    /// Encrypt before the server says anything; the server must be configured for it.
    pub first: bool,
}

/// How a NATS server is reached, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsOptions {
    /// Addresses of one server, or of several of a cluster.
    pub servers: Vec<String>,
    /// As whom.
    pub login: Login,
    /// The encrypted connection.
    pub tls: TlsFiles,
    /// The name of the connection, as the server shows it.
    pub name: String,
    /// What inboxes for replies begin with.
    pub inbox_prefix: Option<String>,
    /// Wait in the background for a server that cannot be reached at first, and for ever.
    pub waits_for_server: bool,
    /// How many messages of one subscription may wait to be read.
    pub subscription_capacity: usize,
}

impl NatsOptions {
    /// The usual settings for these servers.
    pub fn to(servers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            servers: servers.into_iter().map(Into::into).collect(),
            login: Login::None,
            tls: TlsFiles::default(),
            name: "billfold".to_owned(),
            inbox_prefix: None,
            waits_for_server: false,
            subscription_capacity: 16_384,
        }
    }

    /// The servers, for messages; without what may be secret in an address.
    pub fn servers_text(&self) -> String {
        let shown = self.servers.iter().map(|server| match server.rsplit_once('@') {
            Some((_, host)) => host,
            None => server.as_str(),
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn who(&self) -> String {
        self.login.who()
    }

    pub(crate) fn addresses(&self) -> Result<Vec<ServerAddr>, NatsError> {
        if self.servers.is_empty() {
            return Err(NatsError::NoServers);
        }
        let address = |url: &String| {
            let read: Result<ServerAddr, _> = url.trim().parse();
            let usable = read.ok().filter(|a| !a.is_websocket() && !a.host().is_empty());
            let shown = || url.rsplit_once('@').map_or(url.as_str(), |(_, host)| host).to_owned();
            usable.ok_or_else(|| NatsError::Address { url: shown() })
        };
        self.servers.iter().map(address).collect()
    }

    /// What the library needs; reads every file, so that each has its own error.
    pub(crate) fn library_options(&self) -> Result<ConnectOptions, NatsError> {
        let options = ConnectOptions::new()
            .name(&self.name)
            .ping_interval(PING_INTERVAL)
            .connection_timeout(CONNECT_TIME)
            .subscription_capacity(self.subscription_capacity)
            .reconnect_delay_callback(pause_before);
        let options = match &self.inbox_prefix {
            Some(prefix) => options.custom_inbox_prefix(prefix),
            None => options,
        };
        self.with_tls(self.with_login(options)?)
    }

    fn with_login(&self, options: ConnectOptions) -> Result<ConnectOptions, NatsError> {
        Ok(match &self.login {
            Login::None => options,
            Login::Credentials(path) => {
                let what = "credentials file";
                let text = read(what, path)?;
                options.credentials(&text).map_err(|error| NatsError::NotA {
                    what,
                    path: path.clone(),
                    why: error.to_string(),
                })?
            }
            Login::Nkey(path) => {
                let seed = first_line("nkey seed file", path)?;
                if !(seed.starts_with("SU") && seed.len() == 58) {
                    let why = "its first line is no user seed (58 characters, SU…)".to_owned();
                    let what = "nkey seed file";
                    return Err(NatsError::NotA { what, path: path.clone(), why });
                }
                options.nkey(seed)
            }
            Login::PasswordFile { user, file } => {
                options.user_and_password(user.clone(), first_line("password file", file)?)
            }
            Login::Password { user, password } => {
                options.user_and_password(user.clone(), password.0.clone())
            }
            Login::Token(token) => options.token(token.0.clone()),
        })
    }

    fn with_tls(&self, mut options: ConnectOptions) -> Result<ConnectOptions, NatsError> {
        let TlsFiles { ca, cert, key, first } = &self.tls;
        if let Some(ca) = ca {
            pem("certificate authority file", ca, "CERTIFICATE")?;
            options = options.add_root_certificates(ca.clone()).require_tls(true);
        }
        match (cert, key) {
            (Some(cert), Some(key)) => {
                pem("client certificate", cert, "CERTIFICATE")?;
                pem("client key", key, "PRIVATE KEY")?;
                options =
                    options.add_client_certificate(cert.clone(), key.clone()).require_tls(true);
            }
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => return Err(NatsError::HalfCertificate),
        }
        Ok(if *first { options.tls_first() } else { options })
    }
}

/// The pause before a try to connect: none before the first, then twice as long each time.
fn pause_before(tries: usize) -> Duration {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    if doublings == 0 {
        return Duration::ZERO;
    }
    Duration::from_millis(5).saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

fn read(what: &'static str, path: &Path) -> Result<String, NatsError> {
    std::fs::read_to_string(path).map_err(|source| NatsError::File {
        what,
        path: path.to_path_buf(),
        source,
    })
}

fn first_line(what: &'static str, path: &Path) -> Result<String, NatsError> {
    let text = read(what, path)?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    line.map(str::to_owned).ok_or_else(|| NatsError::NotA {
        what,
        path: path.to_path_buf(),
        why: "it is empty".to_owned(),
    })
}

/// The library takes a file without certificates for an empty list; this says so instead.
fn pem(what: &'static str, path: &Path, holds: &str) -> Result<(), NatsError> {
    let text = read(what, path)?;
    if text.lines().any(|line| line.starts_with("-----BEGIN ") && line.contains(holds)) {
        return Ok(());
    }
    let why = format!("it has no PEM block of a {holds}");
    Err(NatsError::NotA { what, path: path.to_path_buf(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_between_tries_grow_and_are_capped() {
        let pauses: Vec<_> = (0..20).map(pause_before).collect();
        assert_eq!(pauses[..3], [0, 0, 10].map(Duration::from_millis));
        assert!(pauses.is_sorted());
        assert_eq!(pauses[19], LONGEST_PAUSE);
        assert_eq!(pause_before(usize::MAX), LONGEST_PAUSE);
    }

    #[test]
    fn a_password_in_an_address_or_a_secret_is_never_shown() {
        let mut options = NatsOptions::to(["nats://ada:open-sesame@localhost:4222"]);
        options.login =
            Login::Password { user: "ada".to_owned(), password: Secret::new("open-sesame") };
        assert!(!options.servers_text().contains("sesame"), "{}", options.servers_text());
        assert!(!format!("{:?}", options.login).contains("sesame"));
        let wrong = NatsOptions::to(["http://ada:open-sesame@localhost"]);
        let error = wrong.addresses().expect_err("no NATS");
        assert!(!error.to_string().contains("sesame"), "{error}");
    }

    #[test]
    fn each_wrong_file_has_its_own_sentence() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let error = |options: &NatsOptions| {
            options.library_options().map(|_| ()).expect_err("refused").to_string()
        };
        let mut options = NatsOptions::to(["localhost"]);
        options.login = Login::Credentials(path.clone());
        assert!(error(&options).contains("credentials file"), "{}", error(&options));
        std::fs::write(&path, "nothing in it\n").expect("written");
        assert!(error(&options).contains("is no credentials file"), "{}", error(&options));
        options.login = Login::Nkey(path.clone());
        assert!(error(&options).contains("no user seed"), "{}", error(&options));
        options.login = Login::None;
        options.tls.ca = Some(path.clone());
        assert!(error(&options).contains("no PEM block"), "{}", error(&options));
        options.tls = TlsFiles { key: Some(path), ..TlsFiles::default() };
        assert!(error(&options).contains("give both files"), "{}", error(&options));
        assert!(matches!(NatsOptions::to([""; 0]).addresses(), Err(NatsError::NoServers)));
        assert!(NatsOptions::to(["ws://localhost"]).addresses().is_err());
    }
}
