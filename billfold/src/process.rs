//! A process that serves, as a person sees it: a line when it is ready, a word when it stops.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use client::Node;
use client::nats::Nats;
use host::process::Doors;
use host::{Host, opened};
use schemas::terms::Profile;
use schemas::text::BookName;
use serde_json::json;
use terminal::{Output, PrintError};

use crate::cli::WatchArgs;
use crate::exit::Failure;
use crate::talk;

/// Serves until a signal comes or an engine stops.
///
/// # Errors
/// [`Failure`]: a socket in use, or an engine that stopped by itself.
pub(crate) fn run(
    host: &Host,
    sockets: &[PathBuf],
    watch: &WatchArgs,
    nats: Option<&Nats>,
    output: &Output,
) -> Result<(), Failure> {
    let doors = Doors { sockets, nats, metrics: watch.metrics, say: &talk::tell };
    host::process::run(host, doors, |metrics| {
        Ok::<(), Failure>(ready(host, sockets, metrics, output)?)
    })?;
    talk::tell("stopped");
    Ok(())
}

/// One line when it answers.
fn ready(
    host: &Host,
    sockets: &[PathBuf],
    metrics: Option<SocketAddr>,
    output: &Output,
) -> Result<(), PrintError> {
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
        "metrics": metrics.map(|address| address.to_string()),
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
    let opened = opened(host.folder(), book);
    opened.ok().flatten().map(|opened| opened.profile)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
