//! NATS as the command line describes it: flags, and a context of the nats command line.

pub mod keygen;
pub mod permissions;

use std::time::Duration;

use client::nats::{Context, Nats};
use nats_connection::{Login, NatsOptions, TlsFiles};
use schemas::subjects::INBOX_PREFIX;
use schemas::text::Actor;

use crate::cli::NatsArgs;
use crate::exit::Failure;

/// What the flags say; none if they do not say NATS.
///
/// # Errors
/// [`Failure::Usage`] for flags that do not go together, [`Failure::Io`] for a context that
/// cannot be read.
pub fn of(args: &NatsArgs, actor: &Actor) -> Result<Option<Nats>, Failure> {
    let context = args.nats_context.as_deref().map(Context::named).transpose()?;
    if args.nats.is_empty() && context.is_none() {
        return Ok(None);
    }
    let context = context.unwrap_or_default();
    refuse_secrets(&args.nats)?;
    let servers = if args.nats.is_empty() { context.servers() } else { args.nats.clone() };
    let mut options = NatsOptions::to(servers);
    options.login = login(args)?.unwrap_or_else(|| context.login());
    let theirs = context.tls();
    options.tls = TlsFiles {
        ca: args.nats_tls_ca.clone().or(theirs.ca),
        cert: args.nats_tls_cert.clone().or(theirs.cert),
        key: args.nats_tls_key.clone().or(theirs.key),
        first: args.nats_tls_first || theirs.first,
    };
    let inbox = args.nats_inbox_prefix.clone().or_else(|| context.inbox_prefix());
    options.inbox_prefix = Some(inbox.unwrap_or_else(|| format!("{INBOX_PREFIX}{actor}")));
    let patience = Duration::from_millis(args.nats_patience_ms);
    Ok(Some(Nats { options, prefix: args.nats_prefix.clone(), patience }))
}

/// Command lines are seen by everyone on the machine.
fn refuse_secrets(servers: &[String]) -> Result<(), Failure> {
    if servers.iter().any(|server| server.contains('@')) {
        return Err(Failure::Usage(
            "an address with a user or password in it is seen by others; use --nats-user with \
             --nats-password-file, --nats-creds or --nats-nkey"
                .to_owned(),
        ));
    }
    Ok(())
}

fn login(args: &NatsArgs) -> Result<Option<Login>, Failure> {
    let given = [args.nats_creds.is_some(), args.nats_nkey.is_some(), args.nats_user.is_some()];
    if given.iter().filter(|given| **given).count() > 1 {
        return Err(Failure::Usage(
            "one user at a time: give --nats-creds, --nats-nkey or --nats-user".to_owned(),
        ));
    }
    if let Some(path) = &args.nats_creds {
        return Ok(Some(Login::Credentials(path.clone())));
    }
    if let Some(path) = &args.nats_nkey {
        return Ok(Some(Login::Nkey(path.clone())));
    }
    match (&args.nats_user, &args.nats_password_file) {
        (Some(user), Some(file)) => {
            Ok(Some(Login::PasswordFile { user: user.clone(), file: file.clone() }))
        }
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(Failure::Usage(
            "a user needs its password, and a password its user: give --nats-user and \
             --nats-password-file"
                .to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn nats(flags: &[&str]) -> Result<Option<Nats>, Failure> {
        let typed = ["billfold"].iter().chain(flags).chain(&["book", "list"]);
        let global = Cli::try_parse_from(typed).expect("parses").global;
        of(&global.nats, &global.actor)
    }

    #[test]
    fn without_a_server_nothing_goes_over_nats() {
        assert!(nats(&["--nats-user=ada"]).expect("no mistake").is_none());
    }

    #[test]
    fn each_actor_has_an_inbox_of_its_own() {
        let nats = nats(&["--nats=a:4222,b:4222", "--actor=ada"]).expect("fits").expect("NATS");
        assert_eq!(nats.options.inbox_prefix.as_deref(), Some("_INBOX_ada"));
        assert_eq!(nats.options.servers_text(), "a:4222, b:4222");
        assert_eq!(nats.prefix.as_str(), "billfold");
    }

    #[test]
    fn secrets_stay_off_the_command_line_and_users_are_whole() {
        for wrong in [
            &["--nats=nats://ada:secret@localhost"][..],
            &["--nats=localhost", "--nats-user=ada"],
            &["--nats=localhost", "--nats-password-file=f"],
            &["--nats=localhost", "--nats-creds=f", "--nats-nkey=g"],
        ] {
            let failure = nats(wrong).expect_err("refused");
            assert_eq!(failure.code(), 2, "{wrong:?}");
            assert!(!failure.to_string().contains("secret"), "{failure}");
        }
    }
}
