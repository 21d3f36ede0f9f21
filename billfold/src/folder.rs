//! The data folder: several books, each with a log and its read models, and one socket.
//!
//! ```text
//! DATA/billfold.sock            the front door of a running `billfold serve` or `billfold up`
//! DATA/project-<view>.sock      the door of a running `billfold project <view>`
//! DATA/books/<book>/log/        the block log
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

use crate::cli::Global;
use crate::exit::Failure;

/// A data folder; it need not exist.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    socket: PathBuf,
    snapshot_every: Option<u64>,
}

impl Folder {
    /// The folder that the command line names.
    pub fn of(global: &Global) -> Self {
        let socket = global.socket.clone().unwrap_or_else(|| global.data.join("billfold.sock"));
        Self { root: global.data.clone(), socket, snapshot_every: Some(global.snapshot_every) }
    }

    /// A folder at a path.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { socket: root.join("billfold.sock"), root, snapshot_every: None }
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

    /// How the gateway of a book is opened: its log, with its snapshots. If those cannot be used
    /// it starts without.
    ///
    /// # Errors
    /// [`GatewayError`] when the log's folder cannot be used.
    pub fn gateway(&self, book: &BookName) -> Result<GatewayConfig, GatewayError> {
        let config = GatewayConfig::at(self.log(book))?;
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

    fn book(&self, book: &BookName) -> PathBuf {
        self.books_folder().join(book.as_str())
    }

    /// The books of the folder, by name.
    ///
    /// # Errors
    /// [`Failure::Io`] if the folder is there and cannot be listed.
    pub fn books(&self) -> Result<Vec<BookName>, Failure> {
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
            if let Some(book) = name.filter(|book| self.log(book).is_dir()) {
                books.push(book);
            }
        }
        books.sort();
        Ok(books)
    }

    /// Makes the folders of a book.
    ///
    /// # Errors
    /// [`Failure::Io`] if that is not possible.
    pub fn make(&self, book: &BookName) -> Result<(), Failure> {
        let log = self.log(book);
        fs::create_dir_all(&log).map_err(|error| unusable(&log, error))
    }

    /// A reader of a book's log. It takes no lock.
    ///
    /// # Errors
    /// [`Failure`]: no such book, or damage with its file and offset.
    pub fn reader(&self, book: &BookName) -> Result<LogReader, Failure> {
        self.known(book)?;
        LogReader::open(self.log(book)).map_err(damaged)
    }

    /// The book is in the folder.
    ///
    /// # Errors
    /// [`Failure::Refused`] says which books are.
    pub fn known(&self, book: &BookName) -> Result<(), Failure> {
        let books = self.books()?;
        if books.contains(book) {
            return Ok(());
        }
        let root = self.root.display();
        let names: Vec<_> = books.iter().map(BookName::as_str).collect();
        Err(Failure::Refused(match names.as_slice() {
            [] => format!(
                "{root} holds no books; make one with `billfold up` or `billfold book create`"
            ),
            names => format!("{root} holds no book {book}; it has {}", names.join(", ")),
        }))
    }
}

fn unusable(path: &Path, source: io::Error) -> Failure {
    Failure::io(format!("{} cannot be used", path.display()), source)
}

/// Damage is a failed verification, wherever it is met.
pub fn damaged(error: ReadError) -> Failure {
    match error {
        ReadError::Corrupt(damage) => Failure::Verification(format!(
            "{damage}; if this is a copy that was made while its log was written, make one with \
             `billfold backup`"
        )),
        ReadError::Io { path, source } => {
            Failure::io(format!("{} cannot be read", path.display()), source)
        }
        none @ ReadError::NoLog { .. } => Failure::Refused(none.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_has_no_books_and_says_how_to_make_one() {
        let folder = Folder::at("/nonexistent/billfold");
        assert_eq!(folder.books().expect("lists"), []);
        let error = folder.known(&"main".parse().expect("a name")).expect_err("unknown");
        assert_eq!(error.code(), 1);
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
}
