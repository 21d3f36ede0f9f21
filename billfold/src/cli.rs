//! The command line: what can be typed.
//!
//! Every flag has an environment variable that starts with `BILLFOLD_`; a test walks the tree
//! and checks it.

mod ask;
mod bench;
mod id;
mod keys;
mod log;
mod nats;
mod policy;
mod serve;
mod undo;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use host::Folder;
use schemas::Timestamp;
use schemas::terms::Profile;
use schemas::text::{Actor, BookName};
use terminal::Format;
use workbench::demo::DemoSettings;

pub use ask::{ExplainArgs, QueryArgs, SubmitArgs};
pub use bench::{
    AgeBenchArgs, BenchArgs, BenchGroup, BenchWhat, BillingBenchArgs, NatsBenchArgs,
    RestartBenchArgs,
};
pub use id::{IdArgs, IdKind};
pub use keys::{CustomerCommand, KeysBackupArgs, KeysCommand, KeysRestoreArgs};
pub use log::{FeedArgs, InspectArgs, ReplayArgs, TailArgs, VerifyArgs};
pub use nats::{NatsArgs, NatsCommand, NatsRole, PermissionsArgs};
pub use policy::{Opening, Replaced};
pub use serve::{ProjectArgs, ServeArgs, WatchArgs};
pub use undo::UndoArgs;

/// The billing ledger that can explain every amount.
#[derive(Debug, Parser)]
#[command(name = "billfold", version, after_help = crate::exit::HELP, max_term_width = 100)]
pub struct Cli {
    /// What every subcommand has.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every subcommand.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The data folder.
    #[arg(
        long,
        global = true,
        env = "BILLFOLD_DATA",
        value_name = "DIR",
        default_value = "./billfold-data"
    )]
    pub data: PathBuf,
    /// Which book.
    #[arg(long, global = true, env = "BILLFOLD_BOOK", value_name = "NAME", default_value = "main")]
    pub book: BookName,
    /// Who asks; recorded with every command.
    #[arg(long, global = true, env = "BILLFOLD_ACTOR", value_name = "NAME", default_value = "cli")]
    pub actor: Actor,
    /// Form of the data on stdout [default: table on a terminal, else json].
    #[arg(long, global = true, env = "BILLFOLD_OUTPUT", value_name = "FORM")]
    pub output: Option<Form>,
    /// The Unix socket of a running `billfold up` [default: billfold.sock in the data folder].
    #[arg(long, global = true, env = "BILLFOLD_SOCKET", value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// A folder with the master keys, one file for each book [default: beside the other keys].
    #[arg(long, global = true, env = "BILLFOLD_MASTER_KEYS", value_name = "DIR")]
    pub master_keys: Option<PathBuf>,
    /// Make a snapshot of a book that is open here every so many commits; 0 for never.
    #[arg(
        long,
        global = true,
        env = "BILLFOLD_SNAPSHOT_EVERY",
        value_name = "COMMITS",
        default_value_t = 250_000
    )]
    pub snapshot_every: u64,
    /// What is said on stderr: error, warn, info, debug, trace, or a filter such as
    /// `command_gateway=debug`.
    #[arg(long, global = true, env = "BILLFOLD_LOG", value_name = "LEVEL", default_value = "warn")]
    pub log: String,
    /// The connection to NATS.
    #[command(flatten)]
    pub nats: NatsArgs,
}

/// Forms of the data on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Table,
    /// One document.
    Json,
    /// One row a line.
    Jsonl,
}

impl From<Form> for Format {
    fn from(form: Form) -> Self {
        match form {
            Form::Table => Self::Table,
            Form::Json => Self::Json,
            Form::Jsonl => Self::Jsonl,
        }
    }
}

impl Global {
    /// The form that is asked for.
    pub fn format(&self) -> Option<Format> {
        self.output.map(Format::from)
    }

    /// The data folder.
    pub fn folder(&self) -> Folder {
        let folder = Folder::at(&self.data).with_snapshots_every(self.snapshot_every);
        let folder = match &self.socket {
            Some(socket) => folder.with_socket(socket),
            None => folder,
        };
        match &self.master_keys {
            Some(masters) => folder.with_master_keys(masters),
            None => folder,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process: ledger, read models, Unix socket.
    Up(ServeArgs),
    /// Run log and gateway of every book: commands, batches, feed.
    Serve(ServeArgs),
    /// Keep read models of every book beside a running `serve`, and answer their queries.
    Project(ProjectArgs),
    /// Make and list books.
    Book {
        /// What to do with books.
        #[command(subcommand)]
        command: BookCommand,
    },
    /// Submit a command, such as `customer.register`; or `batch` with a file of them.
    Submit(SubmitArgs),
    /// Take back what a batch, a session or somebody did: show what would be done, and do it.
    Undo(UndoArgs),
    /// Ask a read model or the gateway, such as `query invoices list`.
    Query(QueryArgs),
    /// Show why an invoice, or a line of it, is what it is.
    Explain(ExplainArgs),
    /// Print commits as they are in the log.
    Tail(TailArgs),
    /// Print the feed: commits as the running ledger gives them to any client.
    Feed(FeedArgs),
    /// Show one commit, or all commits about one thing, with events and entries.
    Inspect(InspectArgs),
    /// Take over history from a file.
    Import {
        /// What kind of file.
        #[command(subcommand)]
        command: ImportCommand,
    },
    /// Rebuild every read model from the log in a scratch folder and compare content hashes.
    Replay(ReplayArgs),
    /// Check the log: checksums, chain, Merkle root, positions, revisions, the ledger's laws.
    Verify(VerifyArgs),
    /// Real purchases and two years of a subscription business, reported and audited.
    Demo(DemoArgs),
    /// Play scenario files against fresh books and compare what is expected.
    Scenario(ScenarioArgs),
    /// Measure commands, replay and read models on this machine, then check the books.
    Bench(BenchArgs),
    /// JSON Schemas of commands, events, queries and answers.
    Schema {
        /// What to print.
        #[command(subcommand)]
        command: SchemaCommand,
    },
    /// Set up a NATS server for billfold: permissions by role, and keys.
    Nats {
        /// What to set up.
        #[command(subcommand)]
        command: NatsCommand,
    },
    /// Show where gateway and read models stand: positions, lag, queues, sync times, alarms.
    Status,
    /// Copy a book's log into a fresh folder while it is written, and verify the copy.
    Backup {
        /// The folder of the copy.
        to: PathBuf,
    },
    /// Put a copy of a book's log into a data folder that has no such book.
    Restore {
        /// The folder of the copy.
        from: PathBuf,
    },
    /// Look after the keys of a book's people: copies, another master key.
    Keys {
        /// What to do.
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// What one customer has a right to.
    Customer {
        /// What to do.
        #[command(subcommand)]
        command: CustomerCommand,
    },
    /// Look for what is wrong with this folder and machine, and say what to do.
    Doctor(DoctorArgs),
    /// Print fresh ids for a shell, such as `billfold id customer`.
    Id(IdArgs),
    /// Print a completion script.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

/// Flags of `scenario`.
#[derive(Debug, Args)]
pub struct ScenarioArgs {
    /// Scenario files; each holds one scenario, or several as YAML documents.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The published case whose figures `$case` reads, where a scenario names none.
    #[arg(long, env = "BILLFOLD_CASE", value_name = "FILE#ID")]
    pub case: Option<String>,
    /// The folder of cases that scenarios name [default: where the scenario file is].
    #[arg(long, env = "BILLFOLD_CASES", value_name = "DIR")]
    pub cases: Option<PathBuf>,
}

/// What to do with books.
#[derive(Debug, Subcommand)]
pub enum BookCommand {
    /// Make a book.
    Create {
        /// Its name.
        name: BookName,
        /// Make it a test book whose clock starts here.
        #[arg(long, env = "BILLFOLD_BOOK_CREATE_TEST_CLOCK", value_name = "INSTANT")]
        test_clock: Option<Timestamp>,
        /// What it bills by; `billfold@1` if left out.
        #[arg(long, env = "BILLFOLD_BOOK_CREATE_PROFILE", value_name = "NAME",
              value_parser = policy::profile())]
        profile: Option<Profile>,
        /// Replace a policy of the profile, as in `proration=by_second`; may be repeated.
        #[arg(long = "policy", env = "BILLFOLD_BOOK_CREATE_POLICY", value_name = "NAME=RULE",
              value_delimiter = ',', value_parser = policy::policy)]
        policies: Vec<Replaced>,
    },
    /// List the books of the folder.
    List,
}

/// What to import.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Purchases: customer id, date YYYYMMDD, quantity, value; blank-separated, one header line.
    Purchases(ImportArgs),
}

/// Flags of `import purchases`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file; `-` is stdin.
    pub file: PathBuf,
    /// Where the rows come from; part of every id and external id [default: the file's stem].
    #[arg(long, env = "BILLFOLD_IMPORT_SOURCE", value_name = "NAME")]
    pub source: Option<schemas::text::Code>,
    /// The currency of the values.
    #[arg(long, env = "BILLFOLD_IMPORT_CURRENCY", value_name = "CODE", default_value = "USD")]
    pub currency: schemas::Currency,
}

/// Flags of `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Where to put the books; must be empty [default: a fresh temporary folder].
    #[arg(long, env = "BILLFOLD_DEMO_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The seed of the subscription book; the same seed gives the same book.
    #[arg(long, env = "BILLFOLD_DEMO_SEED", value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// Customers of the subscription book.
    #[arg(long, env = "BILLFOLD_DEMO_CUSTOMERS", value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub customers: u32,
    /// Months of the subscription book.
    #[arg(long, env = "BILLFOLD_DEMO_MONTHS", value_name = "N", default_value_t = 24,
          value_parser = clap::value_parser!(u32).range(1..=120))]
    pub months: u32,
}

impl DemoArgs {
    /// The demo that is asked for.
    pub fn settings(&self) -> DemoSettings {
        let Self { dir, seed, customers, months } = self.clone();
        DemoSettings { dir, seed, customers, months }
    }
}

/// What to print of the schemas.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Names of all schemas.
    List,
    /// One schema.
    Get {
        /// Its name, such as `payment.record` or `answer/invoices.list`.
        name: String,
    },
    /// All schemas, as files in a folder.
    Dump {
        /// The folder.
        dir: PathBuf,
    },
    /// Every endpoint with its messages, as an `AsyncAPI` 3.0 document.
    Asyncapi,
}

/// Flags of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Syncs to measure.
    #[arg(long, env = "BILLFOLD_DOCTOR_SYNCS", value_name = "N", default_value_t = 200,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub syncs: u32,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn flags_without_variable(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for argument in command.get_arguments() {
            let Some(long) = argument.get_long() else { continue };
            let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned());
            let named = variable.is_some_and(|name| name.starts_with("BILLFOLD_"));
            if !named && !matches!(long, "help" | "version") {
                found.push(format!("{path} --{long}"));
            }
        }
        for child in command.get_subcommands() {
            flags_without_variable(child, &format!("{path} {}", child.get_name()), found);
        }
    }

    #[test]
    fn the_tree_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_a_variable() {
        let mut found = Vec::new();
        flags_without_variable(&Cli::command(), "billfold", &mut found);
        assert!(found.is_empty(), "without a variable: {found:?}");
    }

    #[test]
    fn no_two_flags_share_a_variable() {
        /// They are roles of one process and have their flags in common.
        const ROLES: [&str; 2] = ["serve", "project"];
        fn collect(command: &clap::Command, names: &mut Vec<String>) {
            let variables = command.get_arguments().filter_map(clap::Arg::get_env);
            names.extend(variables.map(|name| name.to_string_lossy().into_owned()));
            let own = |child: &&clap::Command| !ROLES.contains(&child.get_name());
            command.get_subcommands().filter(own).for_each(|child| collect(child, names));
        }
        let mut names = Vec::new();
        collect(&Cli::command(), &mut names);
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn what_is_typed_is_what_is_meant() {
        let typed = ["billfold", "submit", "payment.record", "amount=1:EUR", "--book", "acme"];
        let cli = Cli::try_parse_from(typed).expect("parses");
        assert_eq!(cli.global.book.as_str(), "acme");
        let Command::Submit(submit) = cli.command else { panic!("not submit") };
        assert_eq!((submit.name.as_str(), submit.fields.len()), ("payment.record", 1));
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        for typed in [
            vec!["billfold", "--book", "a b", "verify"],
            vec!["billfold", "submit", "x.y", "--effective-at", "yesterday"],
            vec!["billfold", "submit", "x.y", "--id", "pay_12"],
            vec!["billfold", "tail", "--after", "-1"],
            vec!["billfold", "import", "purchases", "f", "--currency", "XYZ"],
            vec!["billfold", "book", "create", "b", "--profile", "lago"],
            vec!["billfold", "up", "--policy", "proration=by_moon"],
            vec!["billfold", "frobnicate"],
        ] {
            let error = Cli::try_parse_from(&typed).expect_err("refused");
            assert_eq!(error.exit_code(), 2, "{typed:?}");
        }
    }
}
