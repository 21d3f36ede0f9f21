//! The one binary: the command line, and what it leads to.
//!
//! # Shape
//!
//! [`cli`] says what can be typed, [`run`] leads each subcommand to its module. What needs
//! answers asks a [`door`]: a running process over NATS or its socket, or a `host` that opens the
//! book in this process. What only looks at the log ([`commits`], [`verify`], [`replay`]) reads
//! it beside the writer. [`exit`] says which exit code each failure of a library has.
//!
//! # Architecture invariants
//!
//! - No rule of billing lives here: commands are decided by the ledger, answers come from queries.
//! - Flags are read here and nowhere else; what works gets plain settings.
//! - stdout is data, stderr is talk; both are written through `terminal`.
//! - Nothing here writes to a log but through a gateway.

#![allow(
    clippy::result_large_err,
    reason = "a problem is made once, for a request that failed, and moved into its reply"
)]

pub mod backup;
pub mod book;
pub mod cli;
pub mod commits;
pub mod customer;
pub mod doctor;
pub mod door;
pub mod exit;
pub mod explain;
pub mod feed;
pub mod keys;
pub mod nats;
mod process;
pub mod project;
pub mod query;
pub mod replay;
pub mod scenario;
pub mod schema;
pub mod status;
pub mod submit;
pub mod talk;
pub mod up;
pub mod verify;
pub mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use client::Ask;
use host::{Folder, Role};
use projections::Editions;
use schemas::query::GATEWAY_VIEWS;
use terminal::{Output, raw, text};
use workbench::import::purchases;
use workbench::{WorkError, bench, demo, undo};

use cli::{
    BenchArgs, BenchWhat, Cli, Command, CustomerCommand, ImportArgs, ImportCommand, NatsCommand,
};
use door::Place;
use exit::Failure;
use query::Question;

/// The engine's thread keeps most of what it allocates. glibc grows a thread's heap page by page,
/// with a system call for each: a tenth of a billing run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let format = cli.global.format();
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
    let folder = global.folder();
    let output = Output::new(global.format());
    let (book, actor) = (&global.book, &global.actor);
    // Only what goes over NATS reads the flags of NATS.
    let nats = || nats::of(&global.nats, actor);
    let at = |work: &dyn Fn(&Place<'_>) -> Result<(), Failure>| {
        let nats = nats()?;
        work(&Place { nats: nats.as_ref(), folder: &folder, book, actor })
    };
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
            at(&|place| place.with_writer(|door| submit::run(&args, door, &output)))
        }
        Command::Query(args) => at(&|place| {
            let question = Question::of(&args)?;
            if GATEWAY_VIEWS.contains(&args.view.as_str()) {
                return place.with_writer(|door| query::run(question, door, &output));
            }
            place.with_reader(&args.view, |door| query::run(question, door, &output))
        }),
        Command::Explain(args) => {
            at(&|place| place.with_reader("invoices", |door| explain::run(&args, door, &output)))
        }
        Command::Tail(args) => commits::tail(&args, &folder, book, &output),
        Command::Feed(args) => at(&|place| {
            if args.follow && place.nats.is_none() {
                feed::somebody_serves(place)?;
            }
            place.with_writer(|door| feed::run(&args, door, &output))
        }),
        Command::Undo(args) => {
            let settings = args.settings();
            at(&|place| place.with_writer(|door| Ok(undo::run(&settings, door, &output)?)))
        }
        Command::Inspect(args) => commits::inspect(&args, &folder, book, &output),
        Command::Import { command: ImportCommand::Purchases(args) } => {
            at(&|place| place.with_writer(|door| import(&args, door, &output)))
        }
        Command::Replay(args) => at(&|place| replay::run(&args, place, &output)),
        Command::Verify(args) => at(&|place| verify::run(&args, place, &output)),
        Command::Demo(args) => Ok(demo::run(&args.settings(), global.format())?),
        Command::Scenario(args) => scenario::run(&args, global.format()),
        Command::Bench(args) => Ok(measure(&args, &folder, &output)?),
        Command::Schema { command } => schema::run(&command, &output),
        Command::Status => at(&|place| status::run(place, &output)),
        Command::Backup { to } => backup::backup(&to, &folder, book, &output),
        Command::Restore { from } => backup::restore(&from, &folder, book, &output),
        Command::Keys { command } => keys::run(&command, &folder, book, &output),
        Command::Customer { command: CustomerCommand::Export { customer } } => {
            customer::export(customer, &folder, book, &output)
        }
        Command::Doctor(args) => doctor::run(&args, &folder, &output),
        Command::Nats { command: NatsCommand::Permissions(args) } => {
            nats::permissions::run(&args, &global)
        }
        Command::Nats { command: NatsCommand::Keygen { file } } => nats::keygen::run(&file),
        Command::Id(args) => Ok((0..args.count).try_for_each(|_| text(&args.kind.fresh()))?),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "billfold", &mut script);
            Ok(raw(&[&script])?)
        }
    }
}

fn measure(args: &BenchArgs, folder: &Folder, output: &Output) -> Result<(), WorkError> {
    match &args.what {
        None => bench::run(&args.settings(), folder, output),
        Some(BenchWhat::Nats(args)) => bench::nats::run(&args.settings(), folder, output),
        Some(BenchWhat::Restart(args)) => bench::restart::run(&args.settings(), folder, output),
        Some(BenchWhat::Billing(args)) => bench::billing::run(&args.settings(), folder, output),
        Some(BenchWhat::Age(args)) => bench::age::run(&args.settings(), folder, output),
    }
}

fn import(args: &ImportArgs, door: &impl Ask, output: &Output) -> Result<(), Failure> {
    let source = match &args.source {
        Some(source) => source.clone(),
        None => purchases::source_of(&args.file)?,
    };
    let file = submit::read(&args.file)?;
    Ok(purchases::run(&file, source, args.currency, door, output)?)
}
