//! `project`: one or several read models of every book, in a process of their own.

use std::fs;

use client::nats::Nats;
use event_log::{LogReader, ReadError};
use host::{Folder, Host, Role};
use projections::Editions;
use terminal::Output;

use crate::cli::ProjectArgs;
use crate::exit::Failure;
use crate::{process, talk};

/// Runs `project`.
///
/// # Errors
/// [`Failure`]: another process keeps one of the read models, a damaged log, a socket in use.
pub fn run(
    args: &ProjectArgs,
    folder: &Folder,
    editions: &Editions,
    nats: Option<&Nats>,
    output: &Output,
) -> Result<(), Failure> {
    // Threads made from here on inherit it.
    if let Err(error) = rustix::process::setpriority_process(None, args.nice) {
        tracing::warn!(%error, "the process keeps its priority");
    }
    fs::create_dir_all(folder.root())
        .map_err(|e| Failure::io(format!("{} cannot be made", folder.root().display()), e))?;
    let mut views = args.views.clone();
    views.sort_unstable();
    views.dedup();
    let sockets: Vec<_> = views.iter().map(|view| folder.view_socket(*view)).collect();
    let host = Host::new(folder.clone(), Role::views(views))?.with_editions(editions.clone());
    open_all(&host, folder)?;
    let served = process::run(&host, &sockets, &args.watch, nats, output);
    host.close();
    served
}

/// Every book whose log is there; the others are opened when they come.
fn open_all(host: &Host, folder: &Folder) -> Result<(), Failure> {
    let mut open = 0;
    for book in folder.books()? {
        // A log that is not made yet is waited for, one that was lost is not.
        folder.known(&book)?;
        if let Err(ReadError::NoLog { .. }) = LogReader::open(folder.log(&book)) {
            continue;
        }
        host.open(&book)?;
        open += 1;
    }
    if open == 0 {
        talk::tell(&format!(
            "{} holds no book yet; waiting until `billfold serve` or `billfold book \
             create` makes one",
            folder.root().display()
        ));
    }
    Ok(())
}
