//! `up`: everything in one process over a data folder, until it is told to stop.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use command_gateway::door::nats::Serving;
use command_gateway::door::{DoorError, DoorLimits, SocketDoor};
use schemas::text::BookName;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::UpArgs;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::host::{Host, chain};
use crate::nats::Nats;
use crate::output::{Node, Output};
use crate::talk;

/// Runs `up`.
///
/// # Errors
/// [`Failure`] names what keeps it from starting: a second writer, a read-only folder, damage
/// with file and offset, a full disk, a socket in use.
pub fn run(
    args: &UpArgs,
    folder: &Folder,
    book: &BookName,
    nats: Option<&Nats>,
    output: &Output,
) -> Result<(), Failure> {
    fs::create_dir_all(folder.root())
        .map_err(|e| Failure::io(format!("{} cannot be made", folder.root().display()), e))?;
    let mut host = Host::new(folder.clone())?;
    open_all(&mut host, folder, book, args)?;
    let served = serve(&host, folder, nats, output);
    host.close();
    served
}

/// Every book of the folder; the named one is made if the folder is fresh.
fn open_all(
    host: &mut Host,
    folder: &Folder,
    book: &BookName,
    args: &UpArgs,
) -> Result<(), Failure> {
    let books = folder.books()?;
    if books.is_empty() {
        return host.create(book, args.test_clock, true);
    }
    if args.test_clock.is_some() {
        return Err(Failure::Usage(format!(
            "{} has books already, and --test-clock is for a fresh folder; use `billfold book \
             create` for another test book",
            folder.root().display()
        )));
    }
    books.iter().try_for_each(|book| host.open(book, true))
}

/// How long the first subscriptions may take before the process says that it is ready anyway:
/// a NATS server that is not there yet is waited for in the background.
const NATS_TIME: Duration = Duration::from_secs(2);

fn serve(
    host: &Host,
    folder: &Folder,
    nats: Option<&Nats>,
    output: &Output,
) -> Result<(), Failure> {
    host.runtime().block_on(async {
        let bound = SocketDoor::bind(folder.socket(), DoorLimits::default()).await;
        let door = bound.map_err(|error| not_bound(&error))?;
        let no_signals = |error| Failure::io("signals cannot be heard", error);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
        let on_nats = match nats {
            None => None,
            Some(nats) => Some(start_nats(host, nats).await?),
        };
        ready(host, folder, output)?;
        let (close, closing) = watch::channel(false);
        let serving = tokio::spawn(door.serve(Arc::clone(host.router()), closing));
        let stopped = tokio::select! {
            _ = interrupt.recv() => Ok("interrupt"),
            _ = terminate.recv() => Ok("terminate"),
            broken = host.broken() => Err(broken),
        };
        // Whoever listened is gone already if this fails.
        let _gone = close.send(true);
        if let Some(on_nats) = on_nats {
            on_nats.close().await;
        }
        serving.await.map_err(|error| Failure::Internal(format!("the socket's task: {error}")))?;
        let signal = stopped?;
        tracing::info!(signal, "stopping");
        talk::say("billfold: stopped");
        Ok(())
    })
}

async fn start_nats(host: &Host, nats: &Nats) -> Result<Serving, Failure> {
    let (_, door) = nats.door("billfold up").await?;
    let serving = door.start(Arc::clone(host.router()), host.services()).await;
    let serving = serving.map_err(|error| crate::nats::unusable(&error))?;
    if !serving.is_ready_within(NATS_TIME).await {
        let servers = nats.servers();
        talk::say(&format!("billfold: NATS at {servers} is not there yet; waiting for it"));
    }
    Ok(serving)
}

/// One line when it answers.
fn ready(host: &Host, folder: &Folder, output: &Output) -> Result<(), Failure> {
    let books = host.positions();
    let socket = folder.socket().display().to_string();
    let rows: Vec<_> = books
        .iter()
        .map(|(book, position)| json!({"book": book.as_str(), "position": position}))
        .collect();
    let document = Node::of(&json!({"status": "ready", "socket": socket, "books": rows}));
    output.item(&document, || {
        let books: Vec<_> =
            books.iter().map(|(book, position)| format!("{book} at {position}")).collect();
        format!("ready: {socket}, books: {}", books.join(", "))
    })
}

fn not_bound(error: &DoorError) -> Failure {
    Failure::Internal(chain(error))
}
