//! `backup` and `restore`: a book's log, copied while it is written, and put back.
//!
//! # Ordering
//!
//! A copy is made under another name and gets its own when it is whole, durable and verified. So
//! what has the name of a backup, or of a book's log, is one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_log::{CopyError, FileDisk, LogReader, copy};
use schemas::text::BookName;

use crate::exit::{Failure, chain};
use crate::folder::{Folder, damaged};
use crate::output::{Node, Output, View};
use crate::verify::{self, Audit};

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
    folder.known(book)?;
    refuse_what_is_there(target)?;
    let audit = copied(&folder.log(book), target)?;
    output.document(View::Any, &document(book, target, &audit))
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
    let log = folder.log(book);
    if log.exists() {
        return Err(Failure::Refused(format!(
            "{} is there already and is not overwritten; restore into a fresh data folder",
            log.display()
        )));
    }
    let reader = LogReader::open(source).map_err(damaged)?;
    let of = reader.identity().book().to_owned();
    if of != book.as_str() {
        return Err(Failure::Usage(format!(
            "{} is a copy of book {of}; restore it with --book {of}",
            source.display()
        )));
    }
    let audit = copied(source, &log)?;
    output.document(View::Any, &document(book, &log, &audit))
}

fn refuse_what_is_there(target: &Path) -> Result<(), Failure> {
    match fs::read_dir(target).map(Iterator::count) {
        Ok(0) => Ok(()),
        Ok(_) => Err(Failure::Refused(format!(
            "{} is not empty; name a fresh folder for the copy",
            target.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::io(format!("{} cannot be read", target.display()), error)),
    }
}

/// Copies the log in one folder to another, verifies the copy, and only then names it.
fn copied(from: &Path, to: &Path) -> Result<Audit, Failure> {
    let partial = beside(to);
    let unusable = |path: &Path| {
        let what = format!("{} cannot be written", path.display());
        move |error| Failure::io(what, error)
    };
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(unusable(&partial))?;
    }
    let target = FileDisk::create(&partial).map_err(unusable(&partial))?;
    let source = FileDisk::open(from)
        .map_err(|error| Failure::io(format!("{} cannot be read", from.display()), error))?;
    let copied = copy(Arc::new(source), &target).map_err(not_copied)?;
    let audit = verify::audit_at(&partial, false)?;
    if audit.report.head != copied.head {
        return Err(Failure::Verification(format!(
            "the copy in {} does not end where it was cut; try again",
            partial.display()
        )));
    }
    verify::conclude(&audit)?;
    if to.exists() {
        fs::remove_dir(to).map_err(unusable(to))?;
    }
    fs::rename(&partial, to).map_err(unusable(to))?;
    if let Some(parent) = to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(parent).and_then(|folder| folder.sync_all()).map_err(unusable(parent))?;
    }
    Ok(audit)
}

/// The name of a copy that is not finished.
fn beside(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    target.with_file_name(name)
}

fn not_copied(error: CopyError) -> Failure {
    match error {
        CopyError::Read(read) => damaged(read),
        none @ CopyError::NoWatermark { .. } => Failure::Refused(none.to_string()),
        there @ CopyError::NotEmpty { .. } => Failure::Refused(there.to_string()),
        error @ CopyError::Write { .. } => Failure::Internal(chain(&error)),
    }
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
