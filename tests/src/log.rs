//! What a log holds, read as any other process would.

use std::path::Path;
use std::sync::Arc;

use event_log::{Disk, LogReader, ReadError, VerifyReport};
use projections::{Scratch, ViewHash, ViewName};
use schemas::Commit;

/// The commits of a log, as bytes.
///
/// # Errors
/// The [`ReadError`] of the first thing that cannot be read.
pub fn commit_bytes(mut reader: LogReader) -> Result<Vec<Vec<u8>>, ReadError> {
    let mut commits = Vec::new();
    while let Some(block) = reader.next_block()? {
        commits.extend(block.commits().map(|(_, bytes)| bytes.to_vec()));
    }
    Ok(commits)
}

/// The commits of a log.
///
/// # Panics
/// When one cannot be read.
pub fn commits(reader: LogReader) -> Vec<Commit> {
    let bytes = commit_bytes(reader).expect("the log can be read");
    bytes.iter().map(|bytes| Commit::from_bytes(bytes).expect("commits decode")).collect()
}

/// The log in a folder.
///
/// # Panics
/// When there is none.
pub fn reader_at(folder: &Path) -> LogReader {
    LogReader::open(folder).expect("a log")
}

/// Checks every byte of a log.
///
/// # Panics
/// When it is damaged.
pub fn verified(disk: Arc<dyn Disk>) -> VerifyReport {
    event_log::verify(disk, |_, _| ()).expect("the log is whole")
}

/// What every read model holds when it is built from the log again.
///
/// # Panics
/// When the log cannot be folded.
pub fn replayed(log: impl Fn() -> Result<LogReader, ReadError>) -> Vec<ViewHash> {
    projections::replay(log, &Scratch::Memory, &ViewName::ALL, None, &mut |_, _| ())
        .expect("the log folds")
}
