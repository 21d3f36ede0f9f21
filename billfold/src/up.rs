//! `up` and `serve`: log and gateway of every book; with `up`, its read models too.

use std::fs;

use client::nats::Nats;
use host::{Folder, Host, Role, opened};
use projections::Editions;
use schemas::text::BookName;
use terminal::Output;

use crate::cli::{Opening, ServeArgs};
use crate::exit::Failure;
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
    let opening = args.opening();
    if books.is_empty() {
        return Ok(host.make(opening.command(book)?)?);
    }
    if opening.test_clock.is_some() {
        return Err(Failure::Usage(format!(
            "{} has books already, and --test-clock is for a fresh folder; use `billfold book \
             create` for another test book",
            folder.root().display()
        )));
    }
    if opening.asks_for_policies() {
        agrees(folder, book, &books, &opening)?;
    }
    Ok(books.iter().try_for_each(|book| host.open(book))?)
}

/// A book keeps what it was opened with for ever: flags may repeat that, not change it.
fn agrees(
    folder: &Folder,
    book: &BookName,
    books: &[BookName],
    opening: &Opening,
) -> Result<(), Failure> {
    let root = folder.root().display();
    if !books.contains(book) {
        return Err(Failure::Usage(format!(
            "{root} has books already, and none is {book}; --profile and --policy are for the \
             book of a fresh folder: use `billfold book create {book}`"
        )));
    }
    // A log whose first commit was cut off is told about when it is opened.
    let Some(opened) = opened(folder, book)? else { return Ok(()) };
    let wanted = opening.policies()?;
    if opened.profile == opening.profile() && opened.policies == wanted {
        return Ok(());
    }
    let (has, asked) = (opened.profile.name(), opening.profile().name());
    let differ = opened.policies.words().into_iter().zip(wanted.words());
    let differ = differ.filter(|(has, asked)| has != asked);
    let differ = differ.map(|((policy, has), (_, asked))| format!("{policy}: {has}, not {asked}"));
    Err(Failure::Usage(format!(
        "book {book} bills by {has}, and {asked} was asked for ({}); a book keeps its policies: \
         leave --profile and --policy out, or make another book with `billfold book create`",
        differ.collect::<Vec<_>>().join("; ")
    )))
}
