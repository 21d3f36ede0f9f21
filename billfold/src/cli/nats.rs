//! Flags of the connection to NATS, and of `nats`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use projections::ViewName;
use schemas::subjects::SubjectPrefix;

/// Flags of the connection to NATS. Secrets are in files, never on the command line.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "NATS")]
pub struct NatsArgs {
    /// Go over NATS: addresses of one server, or of several of a cluster.
    #[arg(
        long,
        global = true,
        env = "BILLFOLD_NATS",
        value_name = "URL,URL…",
        value_delimiter = ','
    )]
    pub nats: Vec<String>,
    /// Go over NATS as a context of the nats command line says, by its name.
    #[arg(long, global = true, env = "BILLFOLD_NATS_CONTEXT", value_name = "NAME")]
    pub nats_context: Option<String>,
    /// A credentials file: the user's JWT and seed.
    #[arg(long, global = true, env = "BILLFOLD_NATS_CREDS", value_name = "FILE")]
    pub nats_creds: Option<PathBuf>,
    /// A file with the seed of the user's nkey.
    #[arg(long, global = true, env = "BILLFOLD_NATS_NKEY", value_name = "FILE")]
    pub nats_nkey: Option<PathBuf>,
    /// The user, whose password is in a file.
    #[arg(long, global = true, env = "BILLFOLD_NATS_USER", value_name = "NAME")]
    pub nats_user: Option<String>,
    /// A file with the user's password.
    #[arg(long, global = true, env = "BILLFOLD_NATS_PASSWORD_FILE", value_name = "FILE")]
    pub nats_password_file: Option<PathBuf>,
    /// Certificates of the authority that signed the server's [default: those of the machine].
    #[arg(long, global = true, env = "BILLFOLD_NATS_TLS_CA", value_name = "FILE")]
    pub nats_tls_ca: Option<PathBuf>,
    /// The client's certificate.
    #[arg(long, global = true, env = "BILLFOLD_NATS_TLS_CERT", value_name = "FILE")]
    pub nats_tls_cert: Option<PathBuf>,
    /// The key of the client's certificate.
    #[arg(long, global = true, env = "BILLFOLD_NATS_TLS_KEY", value_name = "FILE")]
    pub nats_tls_key: Option<PathBuf>,
    /// Encrypt before the server says anything; for servers with `handshake_first`.
    #[arg(long, global = true, env = "BILLFOLD_NATS_TLS_FIRST")]
    pub nats_tls_first: bool,
    /// What every subject begins with.
    #[arg(
        long,
        global = true,
        env = "BILLFOLD_NATS_PREFIX",
        value_name = "TOKENS",
        default_value = "billfold"
    )]
    pub nats_prefix: SubjectPrefix,
    /// What inboxes for replies begin with [default: `_INBOX_` and the actor].
    #[arg(long, global = true, env = "BILLFOLD_NATS_INBOX_PREFIX", value_name = "TOKENS")]
    pub nats_inbox_prefix: Option<String>,
    /// How long to ask again while there is no answer, in milliseconds.
    #[arg(
        long,
        global = true,
        env = "BILLFOLD_NATS_PATIENCE_MS",
        value_name = "N",
        default_value_t = 30_000,
        value_parser = clap::value_parser!(u64).range(1..=3_600_000)
    )]
    pub nats_patience_ms: u64,
}

/// What to set up.
#[derive(Debug, Subcommand)]
pub enum NatsCommand {
    /// Print the least that a user of a role needs, as a part of a NATS server's configuration.
    Permissions(PermissionsArgs),
    /// Make the key pair of a user: the seed goes to a new file, the public key to stdout.
    Keygen {
        /// The new file; only this user can read it.
        file: PathBuf,
    },
}

/// Flags of `nats permissions`. Book and actor are those of `--book` and `--actor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  billfold nats permissions --role gateway --book acme > gateway.conf
  billfold nats permissions --role client --book acme --actor shop --nkey UA… > shop.conf
  billfold nats permissions --role client --actor till --may command.payment.record > till.conf

Each file defines one user. In the server's configuration:
  authorization {
    include gateway.conf
    include shop.conf
    users: [ $billfold_acme_gateway, $billfold_acme_client_shop ]
  }
Passwords come from the variables of the server's environment that the files name.")]
pub struct PermissionsArgs {
    /// What the user does.
    #[arg(long, env = "BILLFOLD_NATS_PERMISSIONS_ROLE", value_name = "ROLE")]
    pub role: NatsRole,
    /// The read models of a projector [default: all].
    #[arg(
        long,
        env = "BILLFOLD_NATS_PERMISSIONS_VIEW",
        value_name = "VIEW,VIEW…",
        value_delimiter = ','
    )]
    pub view: Vec<ViewName>,
    /// The user's name, with a password [default: made of book, role and actor].
    #[arg(long, env = "BILLFOLD_NATS_PERMISSIONS_USER", value_name = "NAME")]
    pub user: Option<String>,
    /// The public key of a user without a password.
    #[arg(
        long,
        env = "BILLFOLD_NATS_PERMISSIONS_NKEY",
        value_name = "PUBLIC_KEY",
        conflicts_with = "user"
    )]
    pub nkey: Option<String>,
    /// All that a client may ask, such as `command.payment.record` or `query.>` [default:
    /// every command and query, the feed, schemas, the state of billing runs].
    #[arg(
        long,
        env = "BILLFOLD_NATS_PERMISSIONS_MAY",
        value_name = "PATH,PATH…",
        value_delimiter = ','
    )]
    pub may: Vec<String>,
}

/// What a user of a NATS server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NatsRole {
    /// Sends commands and asks, as one actor.
    Client,
    /// Serves commands, feed and schemas of a book.
    Gateway,
    /// Serves the queries of read models.
    Projector,
    /// Asks and reads, and changes nothing.
    Auditor,
}
