//! `up` and `serve`: log and gateway of every book; with `up`, its read models too.

use std::fs;

use projections::Editions;
use schemas::text::BookName;

use crate::cli::ServeArgs;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::host::{Host, Role};
use crate::nats::Nats;
use crate::output::Output;
use crate::process;

/// Runs `up` and `serve`.
///
/// # Errors
/// [`Failure`] names what keeps it from starting: a second writer, a read-only folder, damage
/// with file and offset, a full disk, a socket in use.
pub fn run(
    args: &ServeArgs,
    role: Role,
    folder: &Folder,
    book: &BookName,
    editions: &Editions,
    nats: Option<&Nats>,
    output: &Output,
) -> Result<(), Failure> {
    fs::create_dir_all(folder.root())
        .map_err(|e| Failure::io(format!("{} cannot be made", folder.root().display()), e))?;
    let host = Host::new(folder.clone(), role)?.with_editions(editions.clone());
    open_all(&host, folder, book, args)?;
    let served = process::run(&host, &[folder.socket().to_path_buf()], &args.watch, nats, output);
    host.close();
    served
}

/// Every book of the folder; the named one is made if the folder is fresh.
fn open_all(
    host: &Host,
    folder: &Folder,
    book: &BookName,
    args: &ServeArgs,
) -> Result<(), Failure> {
    let books = folder.books()?;
    if books.is_empty() {
        return host.create(book, args.test_clock);
    }
    if args.test_clock.is_some() {
        return Err(Failure::Usage(format!(
            "{} has books already, and --test-clock is for a fresh folder; use `billfold book \
             create` for another test book",
            folder.root().display()
        )));
    }
    books.iter().try_for_each(|book| host.open(book))
}
