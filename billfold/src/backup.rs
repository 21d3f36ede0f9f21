//! `backup` and `restore`: a book's log, copied while it is written, and put back.

use std::path::Path;

use client::Node;
use host::Folder;
use host::audit::Audit;
use schemas::text::BookName;
use terminal::{Output, Progress, View};

use crate::exit::Failure;

/// Runs `backup`.
///
/// # Errors
/// [`Failure`]: no such book, a folder that is there already, damage, a full disk.
pub fn backup(
    target: &Path,
    folder: &Folder,
    book: &BookName,
    output: &Output,
) -> Result<(), Failure> {
    let bar = Progress::start("verify", None);
    let audit = host::backup::backup(target, folder, book, &mut |_| bar.more(1))?;
    bar.finish();
    Ok(output.document(View::Any, &document(book, target, &audit))?)
}

/// Runs `restore`.
///
/// # Errors
/// [`Failure`]: the book is there already, the copy is of another book or is damaged.
pub fn restore(
    source: &Path,
    folder: &Folder,
    book: &BookName,
    output: &Output,
) -> Result<(), Failure> {
    let bar = Progress::start("verify", None);
    let (log, audit) = host::backup::restore(source, folder, book, &mut |_| bar.more(1))?;
    bar.finish();
    Ok(output.document(View::Any, &document(book, &log, &audit))?)
}

fn document(book: &BookName, path: &Path, audit: &Audit) -> Node {
    Node::object([
        ("book", Node::of(&book.as_str())),
        ("path", Node::of(&path.display().to_string())),
        ("position", Node::of(&audit.position())),
        ("commits", Node::of(&audit.report.commits)),
        ("segments", Node::of(&audit.report.segments)),
        ("head_hash", Node::of(&audit.head_hash())),
        ("merkle_root", Node::of(&audit.merkle_root())),
    ])
}
