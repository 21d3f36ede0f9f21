//! `nats permissions`: the least that a user of a role needs, for a NATS server's configuration.
//!
//! # Shape
//!
//! One file defines one user as a variable of the configuration; `users` of the server's
//! `authorization` names the variables of all that it includes.
//!
//! # Correctness
//!
//! - The actor stands in the subject, and a client may publish only with its own. So nobody acts
//!   as somebody else.
//! - Each client hears only the inbox of its own name. So nobody reads the replies of others.
//! - Who serves may subscribe only to what its role serves, only in the queue group of its role,
//!   and may publish nothing but one reply to each request. So no client answers as a gateway,
//!   and no projector sends commands.
//! - The service API (`$SRV`) says which books there are and how far they are: auditors may ask
//!   it, and those who serve hear it.
//!
//! `tests/tests/nats_permissions.rs` tries each forbidden act with a real server.

use std::fmt::Write as _;

use projections::ViewName;
use schemas::subjects::{GATEWAY_GROUP, INBOX_PREFIX, Role, SubjectPrefix, of_role, registry};
use schemas::text::{Actor, BookName};
use terminal::text;

use crate::cli::{Global, NatsRole, PermissionsArgs};
use crate::exit::Failure;

/// Requests to the service API.
const SERVICE_VERBS: [&str; 3] = ["PING", "INFO", "STATS"];
/// What a client may ask unless it is told.
const CLIENT_MAY: [&str; 5] =
    ["command.>", "query.>", "feed.read", "schema.get", "admin.run_status"];
/// What an auditor may ask.
const AUDITOR_MAY: [&str; 5] =
    ["query.>", "feed.read", "schema.get", "admin.status", "admin.run_status"];

/// Runs `nats permissions`.
///
/// # Errors
/// [`Failure::Usage`] for what does not go together.
pub fn run(args: &PermissionsArgs, global: &Global) -> Result<(), Failure> {
    let user = User::of(args, global)?;
    Ok(text(user.to_config().trim_end())?)
}

/// A user with what it may do.
#[derive(Debug)]
struct User {
    variable: String,
    who: Who,
    publish: Vec<String>,
    subscribe: Vec<String>,
    answers: bool,
    about: String,
}

#[derive(Debug)]
enum Who {
    Password { user: String, variable: String },
    Nkey(String),
}

impl User {
    fn of(args: &PermissionsArgs, global: &Global) -> Result<Self, Failure> {
        let (book, actor, prefix) = (&global.book, &global.actor, &global.nats.nats_prefix);
        if args.role != NatsRole::Projector && !args.view.is_empty() {
            return Err(Failure::Usage("--view belongs to the role projector".to_owned()));
        }
        if args.role != NatsRole::Client && !args.may.is_empty() {
            return Err(Failure::Usage("--may belongs to the role client".to_owned()));
        }
        let (name, about) = match args.role {
            NatsRole::Client => (format!("{book}-client-{actor}"), format!("client {actor}")),
            NatsRole::Auditor => (format!("{book}-auditor-{actor}"), format!("auditor {actor}")),
            NatsRole::Gateway => (format!("{book}-gateway"), "gateway".to_owned()),
            NatsRole::Projector => {
                let mut name = format!("{book}-projector");
                for view in &args.view {
                    let _infallible = write!(name, "-{view}");
                }
                (name, "projector".to_owned())
            }
        };
        let inbox = global.nats.nats_inbox_prefix.clone();
        let inbox = inbox.unwrap_or_else(|| format!("{INBOX_PREFIX}{actor}"));
        let (publish, subscribe) = match args.role {
            NatsRole::Client => (asked(prefix, book, actor, &may(args)?), vec![inbox + ".>"]),
            NatsRole::Auditor => {
                let mut publish = asked(prefix, book, actor, &AUDITOR_MAY.map(str::to_owned));
                publish.extend(service_api());
                (publish, vec![inbox + ".>"])
            }
            NatsRole::Gateway => (Vec::new(), served(prefix, book, &[Role::Gateway])),
            NatsRole::Projector => (Vec::new(), served(prefix, book, &roles(&args.view))),
        };
        Ok(Self {
            variable: format!("billfold-{name}").replace('-', "_"),
            who: who(args, name)?,
            publish,
            subscribe,
            answers: matches!(args.role, NatsRole::Gateway | NatsRole::Projector),
            about: format!("{about} of book {book}"),
        })
    }

    fn to_config(&self) -> String {
        let Self { variable, about, .. } = self;
        let mut out = String::new();
        let mut line = |text: &str| {
            out.push_str(text);
            out.push('\n');
        };
        line(&format!("# billfold: {about}. Include it in `authorization` and add ${variable}"));
        line("# to its `users`.");
        line(&format!("{variable} = {{"));
        match &self.who {
            Who::Nkey(key) => line(&format!("  nkey: {key}")),
            Who::Password { user, variable } => {
                line(&format!("  user: \"{user}\""));
                line("  # From the environment of nats-server; a bcrypt hash is best.");
                line(&format!("  password: ${variable}"));
            }
        }
        line("  permissions: {");
        line(&match self.publish.as_slice() {
            [] => "    publish: { deny: [\">\"] }".to_owned(),
            some => format!("    publish: {{ allow: {} }}", list(some)),
        });
        line(&format!("    subscribe: {{ allow: {} }}", list(&self.subscribe)));
        if self.answers {
            line("    # One reply to each request, wherever the request says, and nothing else.");
            line("    allow_responses: { max: 1, expires: \"1m\" }");
        }
        line("  }");
        line("}");
        out
    }
}

fn list(subjects: &[String]) -> String {
    let each = subjects.iter().map(|subject| format!("      \"{subject}\"\n"));
    format!("[\n{}    ]", each.collect::<String>())
}

fn who(args: &PermissionsArgs, name: String) -> Result<Who, Failure> {
    if let Some(key) = &args.nkey {
        if key.starts_with('U') && nkeys::KeyPair::from_public_key(key).is_ok() {
            return Ok(Who::Nkey(key.clone()));
        }
        return Err(Failure::Usage(format!(
            "{key:?} is no public key of a user (56 characters, U…); `billfold nats keygen` \
             makes one"
        )));
    }
    let user = args.user.clone().unwrap_or(name);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if user.is_empty() || !user.chars().all(plain) {
        return Err(Failure::Usage(format!("{user:?} is no user name; use A-Z a-z 0-9 _ -")));
    }
    let variable = format!("{}_PASSWORD", user.replace('-', "_").to_ascii_uppercase());
    Ok(Who::Password { user, variable })
}

/// What a client may ask; each is looked for among what there is.
fn may(args: &PermissionsArgs) -> Result<Vec<String>, Failure> {
    if args.may.is_empty() {
        return Ok(CLIENT_MAY.map(str::to_owned).to_vec());
    }
    let known: Vec<String> = registry().iter().map(schemas::subjects::Registered::path).collect();
    for path in &args.may {
        let fits = |known: &String| match path.strip_suffix('>') {
            Some(start) => start.is_empty() || start.ends_with('.') && known.starts_with(start),
            None => known == path,
        };
        if !known.iter().any(fits) {
            return Err(Failure::Usage(format!(
                "{path:?} is nothing that can be asked; use for example command.payment.record, \
                 command.> or query.invoices.>"
            )));
        }
    }
    Ok(args.may.clone())
}

fn asked(prefix: &SubjectPrefix, book: &BookName, actor: &Actor, may: &[String]) -> Vec<String> {
    may.iter().map(|path| format!("{prefix}.{book}.as.{actor}.{path}")).collect()
}

fn service_api() -> impl Iterator<Item = String> {
    SERVICE_VERBS.into_iter().flat_map(|verb| [format!("$SRV.{verb}"), format!("$SRV.{verb}.>")])
}

fn roles(views: &[ViewName]) -> Vec<Role> {
    let all = if views.is_empty() { &ViewName::ALL[..] } else { views };
    all.iter().filter_map(|view| schemas::subjects::projector(view.as_str())).collect()
}

/// What roles subscribe to: their endpoints, each only in the queue group of the role.
fn served(prefix: &SubjectPrefix, book: &BookName, roles: &[Role]) -> Vec<String> {
    let mut subjects = Vec::new();
    for role in roles {
        let group = role.queue_group();
        match role {
            Role::Gateway => {
                debug_assert_eq!(group, GATEWAY_GROUP);
                subjects.push(format!("{prefix}.{book}.as.*.command.> {group}"));
                let others =
                    of_role(*role).into_iter().filter(|one| !one.path().starts_with("command."));
                subjects.extend(
                    others.map(|one| format!("{} {group}", one.served_on(prefix.as_str(), book))),
                );
            }
            Role::Projector(view) => {
                subjects.push(format!("{prefix}.{book}.as.*.query.{view}.* {group}"));
            }
        }
    }
    subjects.extend(service_api());
    subjects
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command, NatsCommand};

    fn config(flags: &[&str]) -> Result<String, Failure> {
        let typed = ["billfold", "nats", "permissions"].iter().chain(flags);
        let cli = Cli::try_parse_from(typed).expect("parses");
        let Command::Nats { command: NatsCommand::Permissions(args) } = cli.command else {
            panic!("not permissions")
        };
        User::of(&args, &cli.global).map(|user| user.to_config())
    }

    #[test]
    fn a_client_has_its_own_subjects_and_its_own_inbox_only() {
        let config = config(&["--role=client", "--book=acme", "--actor=shop"]).expect("fits");
        assert!(config.contains("billfold_acme_client_shop = {"), "{config}");
        assert!(config.contains("\"billfold.acme.as.shop.command.>\""), "{config}");
        assert!(config.contains("\"_INBOX_shop.>\""), "{config}");
        assert!(!config.contains("as.*") && !config.contains("$SRV"), "{config}");
    }

    #[test]
    fn who_serves_publishes_nothing_but_replies() {
        for role in ["--role=gateway", "--role=projector"] {
            let config = config(&[role, "--nats-prefix=emea.bill"]).expect("fits");
            assert!(config.contains("publish: { deny: [\">\"] }"), "{config}");
            assert!(config.contains("allow_responses: { max: 1"), "{config}");
            assert!(config.contains("\"emea.bill.main.as.*."), "{config}");
        }
        let revenue = config(&["--role=projector", "--view=revenue"]).expect("fits");
        assert!(revenue.contains("query.revenue.* revenue\""), "{revenue}");
        assert!(!revenue.contains("invoices") && !revenue.contains("command"), "{revenue}");
    }

    #[test]
    fn what_does_not_go_together_is_usage() {
        for wrong in [
            &["--role=client", "--view=revenue"][..],
            &["--role=auditor", "--may=command.>"],
            &["--role=client", "--may=command.payment"],
            &["--role=client", "--may=comm>"],
            &["--role=client", "--nkey=UABC"],
            &["--role=client", "--user=a b"],
        ] {
            assert_eq!(config(wrong).expect_err("refused").code(), 2, "{wrong:?}");
        }
        let may = ["--role=client", "--may=command.payment.record,query.>", "--user=till"];
        assert!(config(&may).expect("fits").contains("password: $TILL_PASSWORD"));
    }
}
