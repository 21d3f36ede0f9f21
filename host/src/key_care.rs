//! Looking after a book's keys: counted, copied for escrow, put back, wrapped by another master
//! key.
//!
//! # Correctness
//!
//! A copy is written under another name and gets its own when it is whole and durable. Before keys
//! are put back the log says which customers were erased: theirs come back destroyed.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use schemas::StreamId;
use schemas::fields::Erasure;
use schemas::ids::CustomerId;
use schemas::text::BookName;
use vault::age::{self, Identity, Recipient};
use vault::{CopyError, Counts, MasterKey, Place, Restored};

use crate::commits::Commits;
use crate::error::HostError;
use crate::folder::Folder;

/// How every file of age begins.
const AGE: &[u8] = b"age-encryption.org/";

impl Folder {
    /// The id of a book's log.
    fn log_id(&self, book: &BookName) -> Result<[u8; 16], HostError> {
        Ok(self.reader(book)?.identity().log().0)
    }

    /// The id of a book's log and the place of its keys, to write them.
    fn keyed(&self, book: &BookName) -> Result<([u8; 16], Place), HostError> {
        let log = self.log_id(book)?;
        let place = self.key_place(book).map_err(|error| unusable(&self.keys(book), error))?;
        Ok((log, place))
    }

    /// How many keys a book has; each is tried with the master key. They may be in use.
    ///
    /// # Errors
    /// [`HostError`]: no such book, no keys, no master key that fits, damage.
    pub fn count_keys(&self, book: &BookName) -> Result<Counts, HostError> {
        Ok(vault::counts(&self.key_place_as_is(book), self.log_id(book)?)?)
    }

    /// Makes keys for a book that lost its own: what was sealed stays unreadable. No process may
    /// have the book open for writing.
    ///
    /// # Errors
    /// [`HostError`]: no such book, keys that are there, keys in use, a full disk.
    pub fn init_keys(&self, book: &BookName) -> Result<(), HostError> {
        let (log, place) = self.keyed(book)?;
        Ok(vault::init(&place, log)?)
    }

    /// Copies a book's keys to a new file that only this user can read: sealed for `recipients`
    /// with the master key, or as they lie here without it. They may be in use. How many keys
    /// there are, destroyed ones included.
    ///
    /// # Errors
    /// [`HostError`]: no such book, no keys, no master key that fits, a file that is there already,
    /// a full disk.
    pub fn backup_keys(
        &self,
        book: &BookName,
        to: &Path,
        recipients: &[Recipient],
    ) -> Result<u64, HostError> {
        let (log, place) = (self.log_id(book)?, self.key_place_as_is(book));
        let partial = beside(to);
        let failed = |error| unusable(to, error);
        if to.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let copied = write_copy(&place, log, &partial, recipients, failed);
        let named = copied.and_then(|copied| {
            std::fs::rename(&partial, to).map_err(failed)?;
            Ok(copied)
        });
        if named.is_err() {
            // Why there is no copy matters more than what is left of it.
            let _left = std::fs::remove_file(&partial);
        }
        let copied = named?;
        if let Some(parent) = to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(copied)
    }

    /// Puts a copy of a book's keys back, beside those that are there. Keys of customers that the
    /// log says were erased come back destroyed. `master` is the file of the copy's master key, if
    /// that is neither in the copy nor in its place. No process may have the book open for writing.
    ///
    /// # Errors
    /// [`HostError`]: no such book, keys in use, a file that is no copy of its keys or was cut, a
    /// copy that `identity` does not open or whose master key is not there.
    pub fn restore_keys(
        &self,
        book: &BookName,
        from: &Path,
        identity: Option<&Identity>,
        master: Option<&Path>,
    ) -> Result<Restored, HostError> {
        let master = master.map(read_master).transpose()?;
        let open = || File::open(from).map(BufReader::new);
        let failed = |error| unusable(from, error);
        let is_age = open().and_then(|mut file| Ok(file.fill_buf()?.starts_with(AGE)));
        let identity = match (is_age.map_err(failed)?, identity) {
            (true, None) => return Err(HostError::SealedCopy { path: from.to_path_buf() }),
            (true, Some(identity)) => Some(identity),
            (false, None | Some(_)) => None,
        };
        let copy = || -> io::Result<Box<dyn Read>> {
            match identity {
                Some(identity) => Ok(Box::new(age::open(open()?, identity)?)),
                None => Ok(Box::new(open()?)),
            }
        };
        let (log, place) = self.keyed(book)?;
        vault::restore(&place, log, copy, master.as_ref(), || self.erased(book))
    }

    /// Every customer that the log says was erased.
    fn erased(&self, book: &BookName) -> Result<Vec<(CustomerId, Erasure)>, HostError> {
        let mut erased = Vec::new();
        Commits::of(self, book)?.each_new(|commit| {
            if let StreamId::Customer(customer) = commit.stream {
                let events = commit.events.iter().filter_map(schemas::Event::erases);
                erased.extend(events.map(|erasure| (customer, erasure)));
            }
            Ok::<_, HostError>(())
        })?;
        Ok(erased)
    }

    /// Makes another master key for a book and wraps every key with it; how many there are. No
    /// process may have the book open for writing.
    ///
    /// # Errors
    /// [`HostError`]: no such book, keys in use, damage, a full disk.
    pub fn rotate_keys(&self, book: &BookName) -> Result<u64, HostError> {
        let (log, place) = self.keyed(book)?;
        Ok(vault::rotate(&place, log)?)
    }
}

/// Writes a copy of keys to a file that only this user can read, durably; how many there are.
fn write_copy(
    place: &Place,
    log: [u8; 16],
    to: &Path,
    recipients: &[Recipient],
    failed: impl Fn(io::Error) -> HostError,
) -> Result<u64, HostError> {
    let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).clone();
    let mut file = BufWriter::new(options.open(to).map_err(&failed)?);
    let copied = if recipients.is_empty() {
        vault::backup(place, log, false, &mut file)?
    } else {
        let mut sealing = age::seal(&mut file, recipients).map_err(&failed)?;
        let copied = vault::backup(place, log, true, &mut sealing)?;
        sealing.finish().map_err(&failed)?;
        copied
    };
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(&failed)?;
    Ok(copied)
}

/// Writes a new identity for escrow to a new file that only this user can read; whom copies are
/// sealed for that it opens.
///
/// # Errors
/// [`HostError`]: the file is there already, or cannot be written.
pub fn make_identity(file: &Path) -> Result<Recipient, HostError> {
    let identity = Identity::random()?;
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = opened.and_then(|mut file| {
        writeln!(file, "# public key: {}", identity.recipient())?;
        writeln!(file, "{}", *identity.to_line())?;
        file.sync_all()
    });
    written.map_err(|error| unusable(file, error))?;
    Ok(identity.recipient())
}

/// Reads an identity from its file.
///
/// # Errors
/// [`HostError`]: the file cannot be read, or holds none.
pub fn read_identity(file: &Path) -> Result<Identity, HostError> {
    let text = std::fs::read_to_string(file).map_err(|error| unusable(file, error))?;
    text.parse().map_err(|error| unusable(file, io::Error::new(io::ErrorKind::InvalidData, error)))
}

fn read_master(file: &Path) -> Result<MasterKey, HostError> {
    let read = File::open(file).and_then(|mut file| MasterKey::read(&mut file));
    read.map_err(|error| unusable(file, error))?.ok_or_else(|| {
        let none = "it holds no master key; name the file `master` of the keys";
        unusable(file, io::Error::new(io::ErrorKind::InvalidData, none))
    })
}

/// The name of a copy that is not finished.
fn beside(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    target.with_file_name(name)
}

fn unusable(path: &Path, source: io::Error) -> HostError {
    HostError::io(format!("{} cannot be used", path.display()), source)
}

impl From<CopyError> for HostError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Keys(error) => error.into(),
            CopyError::Copy(source) => Self::io("the copy of the keys cannot be used", source),
            other @ (CopyError::NoCopy
            | CopyError::Cut
            | CopyError::OtherLog
            | CopyError::NoMaster
            | CopyError::OtherMaster) => Self::KeyCopy(other),
        }
    }
}
