//! The one binary: wires ledger, log, read models and doors together.
//!
//! # Shape
//!
//! [`cli`] says what can be typed, [`run`] leads each subcommand to its module. What needs
//! answers asks a [`door`]: a running `billfold up` over its socket, or a [`host`] that opens
//! the book in this process. What only looks at the log ([`commits`], [`verify`], [`replay`])
//! reads it beside the writer.
//!
//! # Architecture invariants
//!
//! - No rule of billing lives here: commands are decided by the ledger, answers come from queries.
//! - Ids and the machine's time are made in [`edge`] and nowhere else.
//! - stdout is data and is written through [`output`]; stderr is talk, through [`talk`].
//! - Nothing here writes to a log but through a gateway.

#![allow(
    clippy::result_large_err,
    reason = "a problem is made once, for a request that failed, and moved into its reply"
)]

pub mod backup;
pub mod bench;
pub mod book;
pub mod cli;
pub mod commits;
pub mod demo;
pub mod doctor;
pub mod door;
pub mod edge;
pub mod exit;
pub mod explain;
pub mod feed;
pub mod folder;
pub mod host;
pub mod import;
pub mod metrics;
pub mod nats;
pub mod output;
pub mod process;
pub mod project;
pub mod query;
pub mod replay;
pub mod runs;
pub mod scenario;
pub mod schema;
pub mod status;
pub mod submit;
pub mod submitter;
pub mod talk;
pub mod up;
pub mod verify;
pub mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::{Cli, Command, ImportCommand, NatsCommand};
use exit::Failure;
use folder::Folder;
use host::Role;
use output::Output;
use projections::Editions;
use schemas::query::GATEWAY_VIEWS;

/// Runs one command line.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run_editions(args, &Editions::default())
}

/// Runs one command line with other editions of read models than those of the build.
pub fn run_editions(args: impl IntoIterator<Item = OsString>, editions: &Editions) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to stdout with 0, mistakes to stderr with 2; a reader that has gone
            // does not matter to either.
            let _gone = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let format = cli.global.output;
    match dispatch(cli, editions) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            talk::report(&failure, format);
            failure.exit()
        }
    }
}

fn dispatch(cli: Cli, editions: &Editions) -> Result<(), Failure> {
    let Cli { global, command } = cli;
    talk::start(&global.log)?;
    let folder = Folder::of(&global);
    let output = Output::new(global.output);
    let (book, actor) = (&global.book, &global.actor);
    let nats = || nats::Nats::of(&global.nats, actor);
    match command {
        Command::Up(args) => {
            let role = Role::everything();
            up::run(&args, role, &folder, book, editions, nats()?.as_ref(), &output)
        }
        Command::Serve(args) => {
            let role = Role::gateway();
            up::run(&args, role, &folder, book, editions, nats()?.as_ref(), &output)
        }
        Command::Project(args) => project::run(&args, &folder, editions, nats()?.as_ref(), &output),
        Command::Book { command } => book::run(&command, &folder, actor, &output),
        Command::Submit(args) => {
            door::with_writer(nats()?.as_ref(), &folder, book, actor, |door| {
                submit::run(&args, door, &output)
            })
        }
        Command::Query(args) if GATEWAY_VIEWS.contains(&args.view.as_str()) => {
            door::with_writer(nats()?.as_ref(), &folder, book, actor, |door| {
                query::run(&args, door, &output)
            })
        }
        Command::Query(args) => door::with_reader(nats()?.as_ref(), &folder, book, actor, |door| {
            query::run(&args, door, &output)
        }),
        Command::Explain(args) => {
            door::with_reader(nats()?.as_ref(), &folder, book, actor, |door| {
                explain::run(&args, door, &output)
            })
        }
        Command::Tail(args) => commits::tail(&args, &folder, book, &output),
        Command::Feed(args) => {
            let nats = nats()?;
            if args.follow && nats.is_none() {
                feed::somebody_serves(&folder, book, actor)?;
            }
            door::with_writer(nats.as_ref(), &folder, book, actor, |door| {
                feed::run(&args, door, &output)
            })
        }
        Command::Inspect(args) => commits::inspect(&args, &folder, book, &output),
        Command::Import { command: ImportCommand::Purchases(args) } => {
            door::with_writer(nats()?.as_ref(), &folder, book, actor, |door| {
                import::purchases::run(&args, door, &output)
            })
        }
        Command::Replay(args) => {
            let live = replay::live_hashes(nats()?.as_ref(), &folder, book, actor)?;
            let compared = replay::compare(&folder, book, live, args.scratch.as_deref())?;
            replay::report(book, &compared, &output)
        }
        Command::Verify(args) => {
            verify::run(&args, nats()?.as_ref(), &folder, book, actor, &output)
        }
        Command::Demo(args) => demo::run(&args, global.output),
        Command::Scenario(args) => scenario::run(&args, global.output),
        Command::Bench(args) => bench::run(&args, &folder, &output),
        Command::Schema { command } => schema::run(&command, &output),
        Command::Status => status::run(nats()?.as_ref(), &folder, book, actor, &output),
        Command::Backup { to } => backup::backup(&to, &folder, book, &output),
        Command::Restore { from } => backup::restore(&from, &folder, book, &output),
        Command::Doctor(args) => doctor::run(&args, &folder, &output),
        Command::Nats { command: NatsCommand::Permissions(args) } => {
            nats::permissions::run(&args, &global, &output)
        }
        Command::Nats { command: NatsCommand::Keygen { file } } => nats::keygen::run(&file),
        Command::Id(args) => {
            (0..args.count).try_for_each(|_| output::text(&edge::prefixed(args.kind)))
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "billfold", &mut script);
            output::raw(&[&script])
        }
    }
}
