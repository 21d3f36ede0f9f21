//! The data folder: several books, each with a log and its read models, and one socket.
//!
//! ```text
//! DATA/billfold.sock            the front door of a running `billfold serve` or `billfold up`
//! DATA/project-<view>.sock      the door of a running `billfold project <view>`
//! DATA/books/<book>/log/        the block log
//! DATA/books/<book>/keys/       keys of people; no part of the log, nor of a copy of it
//! DATA/books/<book>/snapshots/  snapshots and sorted command ids; rebuilt from the log too
//! DATA/books/<book>/views/      the read models; all of it can be rebuilt from the log
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use command_gateway::{GatewayConfig, GatewayError, Snapshots};
use event_log::{LogReader, ReadError};
use projections::ViewName;
use schemas::text::BookName;

use crate::error::HostError;

/// A data folder; it need not exist.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    socket: PathBuf,
    snapshot_every: Option<u64>,
    masters: Option<PathBuf>,
}

impl Folder {
    /// A folder at a path.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let socket = root.join("billfold.sock");
        Self { root, socket, snapshot_every: None, masters: None }
    }

    /// The same with its front door elsewhere.
    #[must_use]
    pub fn with_socket(mut self, socket: impl Into<PathBuf>) -> Self {
        self.socket = socket.into();
        self
    }

    /// The same with a snapshot of an open book every so many commits; none by 0.
    #[must_use]
    pub fn with_snapshots_every(mut self, commits: u64) -> Self {
        self.snapshot_every = Some(commits);
        self
    }

    /// The same with master keys in a folder elsewhere, one file for each book.
    #[must_use]
    pub fn with_master_keys(mut self, folder: impl Into<PathBuf>) -> Self {
        self.masters = Some(folder.into());
        self
    }

    pub(crate) fn masters(&self) -> Option<&PathBuf> {
        self.masters.as_ref()
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the front door is.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Where a process that keeps only read models answers for one of them.
    pub fn view_socket(&self, view: ViewName) -> PathBuf {
        self.root.join(format!("project-{view}.sock"))
    }

    /// Where a book's log is.
    pub fn log(&self, book: &BookName) -> PathBuf {
        self.book(book).join("log")
    }

    /// Where a book's read models are.
    pub fn views(&self, book: &BookName) -> PathBuf {
        self.book(book).join("views")
    }

    /// Where a book's snapshots are.
    pub fn snapshots(&self, book: &BookName) -> PathBuf {
        self.book(book).join("snapshots")
    }

    /// How the gateway of a book is opened: its log and its keys, with its snapshots. If those
    /// cannot be used it starts without.
    ///
    /// # Errors
    /// [`GatewayError`] when the folder of the log or of the keys cannot be used.
    pub fn gateway(&self, book: &BookName) -> Result<GatewayConfig, GatewayError> {
        let keys = self
            .key_place(book)
            .map_err(|source| GatewayError::Folder { path: self.keys(book), source })?;
        let config = GatewayConfig::at(self.log(book))?.with_keys(keys);
        let path = self.snapshots(book);
        match Snapshots::at(&path) {
            Ok(snapshots) => Ok(config.with_snapshots(match self.snapshot_every {
                Some(commits) => snapshots.every(commits),
                None => snapshots,
            })),
            Err(error) => {
                let path = path.display();
                tracing::warn!(%error, %path, "no snapshots: their folder cannot be used");
                Ok(config)
            }
        }
    }

    fn books_folder(&self) -> PathBuf {
        self.root.join("books")
    }

    pub(crate) fn book(&self, book: &BookName) -> PathBuf {
        self.books_folder().join(book.as_str())
    }

    /// The books of the folder, by name; also those of which only the keys are left.
    ///
    /// # Errors
    /// [`HostError::Io`] if the folder is there and cannot be listed.
    pub fn books(&self) -> Result<Vec<BookName>, HostError> {
        let folder = self.books_folder();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unusable(&folder, error)),
        };
        let mut books = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unusable(&folder, error))?;
            let name = entry.file_name().into_string().ok().and_then(|name| name.parse().ok());
            if let Some(book) = name.filter(|book| self.log(book).is_dir() || self.has_keys(book)) {
                books.push(book);
            }
        }
        books.sort();
        Ok(books)
    }

    /// Makes the folders of a book.
    ///
    /// # Errors
    /// [`HostError::Io`] if that is not possible.
    pub fn make(&self, book: &BookName) -> Result<(), HostError> {
        let log = self.log(book);
        fs::create_dir_all(&log).map_err(|error| unusable(&log, error))
    }

    /// A reader of a book's log. It takes no lock.
    ///
    /// # Errors
    /// [`HostError`]: no such book, or damage with its file and offset.
    pub fn reader(&self, book: &BookName) -> Result<LogReader, HostError> {
        self.known(book)?;
        Ok(LogReader::open(self.log(book))?)
    }

    /// The book's log was not lost.
    ///
    /// # Errors
    /// [`HostError::LogLost`] where there are keys and no log. They are made behind the log's first
    /// block: where there are keys, there was one.
    pub(crate) fn not_lost(&self, book: &BookName) -> Result<(), HostError> {
        let log = self.log(book);
        let has_none =
            || !log.is_dir() || matches!(LogReader::open(&log), Err(ReadError::NoLog { .. }));
        if self.has_keys(book) && has_none() {
            return Err(HostError::LogLost { book: book.clone(), log });
        }
        Ok(())
    }

    fn has_keys(&self, book: &BookName) -> bool {
        self.keys(book).join("keys").exists()
    }

    /// The book is in the folder.
    ///
    /// # Errors
    /// [`HostError::NoBooks`], [`HostError::NoSuchBook`]; [`HostError::LogLost`].
    pub fn known(&self, book: &BookName) -> Result<(), HostError> {
        let books = self.books()?;
        if books.contains(book) {
            return self.not_lost(book);
        }
        let root = self.root.clone();
        if books.is_empty() {
            return Err(HostError::NoBooks { root });
        }
        let known = books.iter().map(ToString::to_string).collect();
        Err(HostError::NoSuchBook { root, book: book.clone(), known })
    }
}

fn unusable(path: &Path, source: io::Error) -> HostError {
    HostError::io(format!("{} cannot be used", path.display()), source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_has_no_books_and_says_how_to_make_one() {
        let folder = Folder::at("/nonexistent/billfold");
        assert_eq!(folder.books().expect("lists"), []);
        let error = folder.known(&"main".parse().expect("a name")).expect_err("unknown");
        assert!(matches!(error, HostError::NoBooks { .. }), "{error}");
        assert!(error.to_string().contains("billfold up"), "{error}");
    }

    #[test]
    fn a_book_is_a_folder_with_a_log() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(scratch.path());
        let (b, a) = ("b".parse().expect("a name"), "a".parse().expect("a name"));
        folder.make(&b).expect("made");
        folder.make(&a).expect("made");
        fs::create_dir_all(scratch.path().join("books/not a book/log")).expect("made");
        fs::create_dir_all(scratch.path().join("books/empty")).expect("made");
        assert_eq!(folder.books().expect("lists"), [a, b]);
    }

    #[test]
    fn keys_without_a_log_are_a_book_whose_log_was_lost() {
        // given
        let scratch = tempfile::tempdir().expect("a folder");
        let (folder, book) = (Folder::at(scratch.path()), "main".parse().expect("a name"));
        fs::create_dir_all(folder.keys(&book)).expect("made");
        fs::write(folder.keys(&book).join("keys"), b"").expect("written");
        for log_is_there in [false, true] {
            if log_is_there {
                folder.make(&book).expect("made");
            }
            // when
            let lost = folder.known(&book).expect_err("lost");
            // then
            assert!(matches!(lost, HostError::LogLost { .. }), "{lost}");
            assert!(lost.to_string().contains("billfold restore"), "{lost}");
        }
    }
}
