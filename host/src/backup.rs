//! A book's log, copied while it is written, and put back.
//!
//! # Ordering
//!
//! A copy is made under another name and gets its own when it is whole, durable and verified. So
//! what has the name of a backup, or of a book's log, is one. What does not come so far is removed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_log::{CopyError, Damage, FileDisk, LogReader, copy};
use schemas::text::BookName;

use crate::audit::{Audit, Findings, audit_at};
use crate::error::HostError;
use crate::folder::Folder;

/// Why a log was not copied.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The book or its log.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A copy overwrites nothing.
    #[error("{} is not empty; name a fresh folder for the copy", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A book is never overwritten.
    #[error(
        "{} is there already and is not overwritten; restore into a fresh data folder",
        path.display()
    )]
    AlreadyThere {
        /// The log.
        path: PathBuf,
    },
    /// The copy is of another book.
    #[error("{} is a copy of book {of}; restore it with --book {of}", path.display())]
    OtherBook {
        /// The copy.
        path: PathBuf,
        /// Its book.
        of: String,
    },
    /// The bytes could not be copied.
    #[error(transparent)]
    NotCopied(CopyError),
    /// The copy is damaged, and what was copied is not.
    #[error(
        "{} was read whole and came to {} damaged ({damage}); look at the disk of the copy, and \
         copy to another",
        from.display(),
        to.display()
    )]
    BadCopy {
        /// What was copied.
        from: PathBuf,
        /// Where to.
        to: PathBuf,
        /// What is wrong with the copy.
        damage: Box<Damage>,
    },
    /// The copy is shorter or longer than what was copied.
    #[error("the copy for {} does not end where it was cut; try again", path.display())]
    Cut {
        /// The copy.
        path: PathBuf,
    },
    /// The copy breaks the ledger's laws.
    #[error(transparent)]
    Findings(#[from] Findings),
}

/// Copies a book's log to a folder that is empty or not there.
///
/// # Errors
/// [`BackupError`]: no such book, a folder that is there already, damage, a full disk.
pub fn backup(
    target: &Path,
    folder: &Folder,
    book: &BookName,
    progress: &mut dyn FnMut(u64),
) -> Result<Audit, BackupError> {
    folder.known(book)?;
    refuse_what_is_there(target)?;
    copied(&folder.log(book), target, progress)
}

/// Makes the book of a copy; gives the log's folder too.
///
/// # Errors
/// [`BackupError`]: the book is there already, the copy is of another book or is damaged.
pub fn restore(
    source: &Path,
    folder: &Folder,
    book: &BookName,
    progress: &mut dyn FnMut(u64),
) -> Result<(PathBuf, Audit), BackupError> {
    let log = folder.log(book);
    if log.exists() {
        return Err(BackupError::AlreadyThere { path: log });
    }
    let reader = LogReader::open(source).map_err(HostError::from)?;
    let of = reader.identity().book().to_owned();
    if of != book.as_str() {
        return Err(BackupError::OtherBook { path: source.to_path_buf(), of });
    }
    let audit = copied(source, &log, progress)?;
    Ok((log, audit))
}

fn refuse_what_is_there(target: &Path) -> Result<(), BackupError> {
    match fs::read_dir(target).map(Iterator::count) {
        Ok(0) => Ok(()),
        Ok(_) => Err(BackupError::NotEmpty { path: target.to_path_buf() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            Err(HostError::io(format!("{} cannot be read", target.display()), error).into())
        }
    }
}

/// Copies the log in one folder to another, verifies the copy, and only then names it. What is not
/// finished is removed.
fn copied(from: &Path, to: &Path, progress: &mut dyn FnMut(u64)) -> Result<Audit, BackupError> {
    let partial = beside(to);
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(unusable(&partial))?;
    }
    let made = filled(from, &partial, to, progress);
    let named = made.and_then(|audit| named(&partial, to).map(|()| audit));
    if named.is_err() {
        // Why there is no copy matters more than what is left of it; the next one removes it.
        let _left = fs::remove_dir_all(&partial);
    }
    named
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> HostError + use<> {
    let what = format!("{} cannot be written", path.display());
    move |error| HostError::io(what, error)
}

/// Copies, and verifies what was made.
fn filled(
    from: &Path,
    partial: &Path,
    to: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Audit, BackupError> {
    let target = FileDisk::create(partial).map_err(unusable(partial))?;
    let source = FileDisk::open(from)
        .map_err(|error| HostError::io(format!("{} cannot be read", from.display()), error))?;
    let copied = copy(Arc::new(source), &target).map_err(not_copied)?;
    let audit = match audit_at(partial, false, progress) {
        Ok(audit) => audit,
        Err(HostError::Damaged(damage)) => {
            // Bytes are copied as they are: damage in the copy was there before, and is told with
            // the file that it is in.
            audit_at(from, true, &mut |_| {})?;
            let (from, to) = (from.to_path_buf(), to.to_path_buf());
            return Err(BackupError::BadCopy { from, to, damage });
        }
        Err(other) => return Err(other.into()),
    };
    if audit.report.head != copied.head {
        return Err(BackupError::Cut { path: to.to_path_buf() });
    }
    audit.conclude()?;
    Ok(audit)
}

/// Gives a copy its name, durably.
fn named(partial: &Path, to: &Path) -> Result<(), BackupError> {
    if to.exists() {
        fs::remove_dir(to).map_err(unusable(to))?;
    }
    fs::rename(partial, to).map_err(unusable(to))?;
    if let Some(parent) = to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(parent).and_then(|folder| folder.sync_all()).map_err(unusable(parent))?;
    }
    Ok(())
}

/// The name of a copy that is not finished.
fn beside(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    target.with_file_name(name)
}

fn not_copied(error: CopyError) -> BackupError {
    match error {
        CopyError::Read(read) => HostError::from(read).into(),
        other @ (CopyError::NoWatermark { .. }
        | CopyError::NotEmpty { .. }
        | CopyError::Write { .. }) => BackupError::NotCopied(other),
    }
}
