//! The life of a process that serves: doors open, books that appear are opened, a signal ends it.
//!
//! # Ordering
//!
//! On a signal the doors take nothing new and answer what is under way. Only then do read models
//! stop and engines close their logs, which is the caller's [`Host::close`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use client::nats::Nats;
use command_gateway::door::{DoorLimits, SocketDoor};
use schemas::text::BookName;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::books::Host;
use crate::error::ProcessError;
use crate::metrics::Listening;
use crate::on_nats::OnNats;

/// How often the data folder is looked at for books that someone made.
const LOOK: Duration = Duration::from_secs(1);

/// What a process serves on, and who hears what a person should know.
#[derive(Clone, Copy)]
pub struct Doors<'a> {
    /// Unix sockets.
    pub sockets: &'a [PathBuf],
    /// NATS.
    pub nats: Option<&'a Nats>,
    /// Metrics and health.
    pub metrics: Option<SocketAddr>,
    /// Hears sentences for people.
    pub say: &'a (dyn Fn(&str) + Sync),
}

/// Serves until a signal comes or an engine stops. `ready` is told when everything answers, with
/// the address of the metrics.
///
/// # Errors
/// [`ProcessError`]: a socket in use, an engine that stopped by itself; and what `ready` says.
pub fn run<E: From<ProcessError>>(
    host: &Host,
    doors: Doors<'_>,
    ready: impl FnOnce(Option<SocketAddr>) -> Result<(), E>,
) -> Result<(), E> {
    let (stop, stopping) = channel();
    thread::scope(|scope| {
        scope.spawn(move || look_for_books(host, &stopping, doors.say));
        let served = host.runtime().block_on(serve(host, doors, ready));
        drop(stop);
        served
    })
}

async fn serve<E: From<ProcessError>>(
    host: &Host,
    doors: Doors<'_>,
    ready: impl FnOnce(Option<SocketAddr>) -> Result<(), E>,
) -> Result<(), E> {
    // Heard before the first door opens: whoever is answered may ask it to stop at once.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ProcessError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ProcessError::Signals)?;
    let Open { sockets, mut on_nats, metrics } = open(host, doors).await?;
    ready(metrics.as_ref().map(Listening::address))?;
    let (close, closing) = watch::channel(false);
    let mut serving = JoinSet::new();
    if let Some(metrics) = metrics {
        serving.spawn(metrics.serve(Arc::clone(host.reports()), closing.clone()));
    }
    for door in sockets {
        serving.spawn(door.serve(Arc::clone(host.router()), closing.clone()));
    }
    let stopped = tokio::select! {
        _ = interrupt.recv() => Ok("interrupt"),
        _ = terminate.recv() => Ok("terminate"),
        broken = host.broken() => Err(ProcessError::from(broken)),
        failed = OnNats::keep_up(&mut on_nats, host) => Err(failed),
    };
    // Whoever listened is gone already if this fails.
    let _gone = close.send(true);
    if let Some(on_nats) = on_nats {
        on_nats.close().await;
    }
    while let Some(ended) = serving.join_next().await {
        ended.map_err(ProcessError::Task)?;
    }
    let signal = stopped?;
    tracing::info!(signal, "stopping");
    Ok(())
}

/// Doors that are open.
struct Open<'a> {
    sockets: Vec<SocketDoor>,
    on_nats: Option<OnNats<'a>>,
    metrics: Option<Listening>,
}

async fn open<'a>(host: &Host, doors: Doors<'a>) -> Result<Open<'a>, ProcessError> {
    let mut sockets = Vec::new();
    for path in doors.sockets {
        sockets.push(SocketDoor::bind(path, DoorLimits::default()).await?);
    }
    let on_nats = match doors.nats {
        None => None,
        Some(nats) => Some(OnNats::start(host, nats, doors.say).await?),
    };
    let metrics = match doors.metrics {
        None => None,
        Some(address) => {
            let listening = Listening::on(address).await;
            Some(listening.map_err(|source| ProcessError::Metrics { address, source })?)
        }
    };
    Ok(Open { sockets, on_nats, metrics })
}

/// Opens books that appear in the folder, until told to stop.
fn look_for_books(host: &Host, stopping: &Receiver<()>, say: &dyn Fn(&str)) {
    let mut given_up = Vec::new();
    while stopping.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        for book in host.folder().books().unwrap_or_default() {
            if !host.has(&book) && !given_up.contains(&book) && is_made(host, &book) {
                open_book(host, &book, &mut given_up, say);
            }
        }
    }
}

/// Whether the book's first commit is durable: whoever makes it is done then.
fn is_made(host: &Host, book: &BookName) -> bool {
    let head = host.folder().reader(book).ok().and_then(|mut log| log.durable_head().ok());
    head.is_some_and(|head| head.last_position().is_some())
}

fn open_book(host: &Host, book: &BookName, given_up: &mut Vec<BookName>, say: &dyn Fn(&str)) {
    match host.open(book) {
        Ok(()) => tracing::info!(%book, "a new book is open"),
        // Whoever made it may still be closing it.
        Err(error) if error.is_in_use() => tracing::debug!(%book, %error, "not opened yet"),
        Err(error) => {
            let why = format!("book {book} stays closed: {error}; start again");
            say(&why);
            host.reports().not_opened(why);
            given_up.push(book.clone());
        }
    }
}
