//! A book's commits, read from its log beside the writer.

use event_log::LogReader;
use schemas::event::{BookEvent, BookOpened};
use schemas::text::BookName;
use schemas::wire::LogPosition;
use schemas::{Commit, Event};
use uuid::Uuid;

use crate::error::HostError;
use crate::folder::Folder;

/// A commit from its bytes.
///
/// # Errors
/// [`HostError::Commit`].
fn read(position: u64, bytes: &[u8]) -> Result<Commit, HostError> {
    Commit::from_bytes(bytes).map_err(|source| HostError::Commit { position, source })
}

/// What a book was opened with; none before its first commit is durable.
///
/// # Errors
/// [`HostError`]: no such book, or damage.
pub fn opened(folder: &Folder, book: &BookName) -> Result<Option<BookOpened>, HostError> {
    let Some(bytes) = folder.reader(book)?.read_commit(1)? else { return Ok(None) };
    let opened = |event| {
        if let Event::Book(BookEvent::BookOpened(opened)) = event { Some(opened) } else { None }
    };
    Ok(read(1, &bytes)?.events.into_iter().find_map(opened))
}

/// Reads a book's commits in their order, up to what is durable. It takes no lock.
#[derive(Debug)]
pub struct Commits {
    reader: LogReader,
    /// The last position that was given.
    at: u64,
}

impl Commits {
    /// Starts before the first.
    ///
    /// # Errors
    /// [`HostError`]: no such book, or damage with its file and offset.
    pub fn of(folder: &Folder, book: &BookName) -> Result<Self, HostError> {
        Ok(Self { reader: folder.reader(book)?, at: 0 })
    }

    /// The id of the log.
    pub fn log(&self) -> Uuid {
        Uuid::from_bytes(self.reader.identity().log().0)
    }

    /// Where a commit stands, as answers have it.
    pub fn position_of(&self, commit: &Commit) -> LogPosition {
        LogPosition { log: self.log(), position: commit.position }
    }

    /// Gives each commit that is durable and was not given yet to `each`, as long as it says that
    /// it wants more.
    ///
    /// # Errors
    /// [`HostError`] for a log that is damaged or cannot be read, and what `each` says.
    pub fn each_new<E: From<HostError>>(
        &mut self,
        mut each: impl FnMut(Commit) -> Result<(), E>,
    ) -> Result<(), E> {
        self.reader.seek(self.at + 1).map_err(HostError::from)?;
        while let Some(block) = self.reader.next_block().map_err(HostError::from)? {
            for (position, bytes) in block.commits() {
                if position > self.at {
                    self.at = position;
                    each(read(position, bytes)?)?;
                }
            }
        }
        Ok(())
    }
}
