//! The life of a process that serves: doors open, books that appear are opened, a signal ends it.
//!
//! # Ordering
//!
//! On a signal the doors take nothing new and answer what is under way. Only then do read models
//! stop and engines close their logs, which is the caller's `Host::close`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use command_gateway::door::{DoorLimits, SocketDoor};
use schemas::terms::Profile;
use schemas::text::BookName;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::WatchArgs;
use crate::exit::{Failure, chain};
use crate::host::Host;
use crate::metrics::Listening;
use crate::nats::Nats;
use crate::nats::process::OnNats;
use crate::output::{Node, Output};
use crate::talk;

/// How often the data folder is looked at for books that someone made.
const LOOK: Duration = Duration::from_secs(1);

/// Serves until a signal comes or an engine stops.
///
/// # Errors
/// [`Failure`]: a socket in use, or an engine that stopped by itself.
pub fn run(
    host: &Host,
    sockets: &[PathBuf],
    watch: &WatchArgs,
    nats: Option<&Nats>,
    output: &Output,
) -> Result<(), Failure> {
    let (stop, stopping) = channel();
    thread::scope(|scope| {
        scope.spawn(move || look_for_books(host, &stopping));
        let served = host.runtime().block_on(serve(host, sockets, watch, nats, output));
        drop(stop);
        served
    })
}

async fn serve(
    host: &Host,
    sockets: &[PathBuf],
    watch: &WatchArgs,
    nats: Option<&Nats>,
    output: &Output,
) -> Result<(), Failure> {
    // Heard before the first door opens: whoever is answered may ask it to stop at once.
    let no_signals = |error| Failure::io("signals cannot be heard", error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut doors = Vec::new();
    for path in sockets {
        let bound = SocketDoor::bind(path, DoorLimits::default()).await;
        doors.push(bound.map_err(|error| Failure::Internal(chain(&error)))?);
    }
    let mut on_nats = match nats {
        None => None,
        Some(nats) => Some(OnNats::start(host, nats).await?),
    };
    let metrics = match watch.metrics {
        None => None,
        Some(address) => Some(Listening::on(address).await?),
    };
    ready(host, sockets, metrics.as_ref(), output)?;
    let (close, closing) = watch::channel(false);
    let mut serving = JoinSet::new();
    if let Some(metrics) = metrics {
        serving.spawn(metrics.serve(Arc::clone(host.reports()), closing.clone()));
    }
    for door in doors {
        serving.spawn(door.serve(Arc::clone(host.router()), closing.clone()));
    }
    let stopped = tokio::select! {
        _ = interrupt.recv() => Ok("interrupt"),
        _ = terminate.recv() => Ok("terminate"),
        broken = host.broken() => Err(broken),
        failed = OnNats::keep_up(&mut on_nats, host) => Err(failed),
    };
    // Whoever listened is gone already if this fails.
    let _gone = close.send(true);
    if let Some(on_nats) = on_nats {
        on_nats.close().await;
    }
    while let Some(ended) = serving.join_next().await {
        ended.map_err(|error| Failure::Internal(format!("a socket's task: {error}")))?;
    }
    let signal = stopped?;
    tracing::info!(signal, "stopping");
    talk::say("billfold: stopped");
    Ok(())
}

/// One line when it answers.
fn ready(
    host: &Host,
    sockets: &[PathBuf],
    metrics: Option<&Listening>,
    output: &Output,
) -> Result<(), Failure> {
    let books = host.positions();
    let shown: Vec<_> = sockets.iter().map(|path| shown(path)).collect();
    let views: Vec<_> = host.role().views.iter().map(|view| view.as_str()).collect();
    let rows: Vec<_> = books
        .iter()
        .map(|(book, position)| {
            let profile = profile(host, book);
            json!({"book": book.as_str(), "position": position, "profile": profile})
        })
        .collect();
    let document = Node::of(&json!({
        "status": "ready",
        "commands": host.role().gateway,
        "views": views,
        "sockets": shown,
        "metrics": metrics.map(|metrics| metrics.address().to_string()),
        "books": rows,
    }));
    output.item(&document, || {
        let named = |(book, position): &(BookName, u64)| {
            let profile = profile(host, book).filter(|profile| *profile != Profile::Billfold1);
            let profile = profile.map(|profile| format!(" ({})", profile.name()));
            format!("{book} at {position}{}", profile.unwrap_or_default())
        };
        let books: Vec<_> = books.iter().map(named).collect();
        let books = if books.is_empty() { "none yet".to_owned() } else { books.join(", ") };
        format!("ready: {}, books: {books}", shown.join(", "))
    })
}

/// What a book bills by, if its log can say so.
fn profile(host: &Host, book: &BookName) -> Option<Profile> {
    let opened = crate::book::opened(host.folder(), book);
    opened.ok().flatten().map(|opened| opened.profile)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Opens books that appear in the folder, until told to stop.
fn look_for_books(host: &Host, stopping: &Receiver<()>) {
    let mut given_up = Vec::new();
    while stopping.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        for book in host.folder().books().unwrap_or_default() {
            if !host.has(&book) && !given_up.contains(&book) && is_made(host, &book) {
                open(host, &book, &mut given_up);
            }
        }
    }
}

/// Whether the book's first commit is durable: whoever makes it is done then.
fn is_made(host: &Host, book: &BookName) -> bool {
    let head = host.folder().reader(book).ok().and_then(|mut log| log.durable_head().ok());
    head.is_some_and(|head| head.last_position().is_some())
}

fn open(host: &Host, book: &BookName, given_up: &mut Vec<BookName>) {
    match host.open(book) {
        Ok(()) => tracing::info!(%book, "a new book is open"),
        // Whoever made it may still be closing it.
        Err(Failure::InUse(why)) => tracing::debug!(%book, why, "not opened yet"),
        Err(failure) => {
            let why = format!("book {book} stays closed: {failure}; start again");
            talk::say(&format!("billfold: {why}"));
            host.reports().not_opened(why);
            given_up.push(book.clone());
        }
    }
}
