//! The master key: wraps all other keys of a book.
//!
//! *Shape.* A text file of one line, so that it can be kept in any place for secrets:
//! `billfold-master-1 `, 64 hexadecimal digits, a line feed.
//! *Ordering.* A new master key is durable under a name of its own before the first key is wrapped
//! by it, and takes the old one's name when no key is wrapped by that any more.

use std::fmt::Write as _;
use std::io;

use event_log::Disk;
use zeroize::Zeroizing;

use crate::file::wipe;
use crate::key::{KEY_BYTES, Key};
use crate::place::{Place, VaultError};

const PREFIX: &str = "billfold-master-1 ";
const LENGTH: usize = PREFIX.len() + 2 * KEY_BYTES + 1;

/// A master key from a file of its own.
#[derive(Debug)]
pub struct MasterKey(pub(crate) Key);

impl MasterKey {
    /// Reads such a file; `None` if it holds none.
    ///
    /// # Errors
    /// What `from` says.
    pub fn read(from: &mut impl io::Read) -> io::Result<Option<Self>> {
        let mut text = Zeroizing::new([0; LENGTH]);
        match from.read_exact(text.as_mut_slice()) {
            Ok(()) => Ok(parse(text.as_slice()).map(Self)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Where the next master key waits.
fn next(place: &Place) -> String {
    format!("{}.new", place.master_name)
}

/// Where the one before is until it is wiped.
fn old(place: &Place) -> String {
    format!("{}.old", place.master_name)
}

fn failed(place: &Place, name: &str) -> impl FnOnce(io::Error) -> VaultError + use<> {
    VaultError::io(place.master.path(name))
}

/// Reads the key of this id, wherever a rotation that was cut off left it, and finishes that.
///
/// # Errors
/// [`VaultError::Master`] if it is not there.
pub(crate) fn settle(place: &Place, id: [u8; 16]) -> Result<Key, VaultError> {
    let (name, next) = (place.master_name.as_str(), next(place));
    let current = read(place.master.as_ref(), name).map_err(failed(place, name))?;
    let waiting = read(place.master.as_ref(), &next).map_err(failed(place, &next))?;
    if let Some(key) = current.filter(|key| key.id() == id) {
        remove(place, &next)?;
        remove(place, &old(place))?;
        return Ok(key);
    }
    match waiting.filter(|key| key.id() == id) {
        Some(key) => {
            put_in_place(place)?;
            Ok(key)
        }
        None => Err(missing(place)),
    }
}

/// Reads the key of this id and changes nothing.
///
/// # Errors
/// [`VaultError::Master`] if it is not there.
pub(crate) fn find(place: &Place, id: [u8; 16]) -> Result<Key, VaultError> {
    for name in [place.master_name.clone(), next(place)] {
        let key = read(place.master.as_ref(), &name).map_err(failed(place, &name))?;
        if let Some(key) = key.filter(|key| key.id() == id) {
            return Ok(key);
        }
    }
    Err(missing(place))
}

fn missing(place: &Place) -> VaultError {
    VaultError::Master { path: place.master.path(&place.master_name) }
}

/// The master key that is there; one is made if there is none.
///
/// # Errors
/// [`VaultError::Master`] if something else is there.
pub(crate) fn first(place: &Place) -> Result<Key, VaultError> {
    let name = place.master_name.as_str();
    if let Some(key) = read(place.master.as_ref(), name).map_err(failed(place, name))? {
        return Ok(key);
    }
    if place.master.open_read(name).is_ok() {
        return Err(missing(place));
    }
    let key = prepare(place)?;
    put_in_place(place)?;
    Ok(key)
}

/// Makes the master key durable that a rotation leads to.
pub(crate) fn prepare(place: &Place) -> Result<Key, VaultError> {
    let key = Key::random()?;
    let next = next(place);
    remove(place, &next)?;
    write(place, &next, &key)?;
    Ok(key)
}

/// The prepared key takes its place; the one before is overwritten.
pub(crate) fn put_in_place(place: &Place) -> Result<(), VaultError> {
    let (name, next, old) = (place.master_name.as_str(), next(place), old(place));
    match place.master.rename(name, &old) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(place, name)(error)),
    }
    place.master.rename(&next, name).map_err(failed(place, &next))?;
    place.master.sync_folder().map_err(failed(place, name))?;
    remove(place, &old)
}

fn read(disk: &dyn Disk, name: &str) -> io::Result<Option<Key>> {
    let file = match disk.open_read(name) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = Zeroizing::new([0; LENGTH]);
    let read = file.read_at(text.as_mut_slice(), 0)?;
    Ok(parse(text.get(..read).unwrap_or_default()))
}

/// The key in a line of text; `None` if it holds none.
pub(crate) fn parse(text: &[u8]) -> Option<Key> {
    let digits = text.strip_prefix(PREFIX.as_bytes())?.get(..2 * KEY_BYTES)?;
    let digits = std::str::from_utf8(digits).ok()?;
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(Key::from_bytes(*bytes))
}

/// The line of text that holds a key.
pub(crate) fn line(key: &Key) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(LENGTH));
    text.push_str(PREFIX);
    for byte in key.bytes() {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    text.push('\n');
    text
}

fn write(place: &Place, name: &str, key: &Key) -> Result<(), VaultError> {
    let written = || -> io::Result<()> {
        let file = place.master.create(name)?;
        file.write_at(line(key).as_bytes(), 0)?;
        file.sync_data()?;
        place.master.sync_folder()
    };
    written().map_err(failed(place, name))
}

/// Overwrites and removes a file that may be there.
fn remove(place: &Place, name: &str) -> Result<(), VaultError> {
    let removed = || -> io::Result<()> {
        match place.master.open(name) {
            Ok(file) => wipe(file.as_ref())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        place.master.remove(name)?;
        place.master.sync_folder()
    };
    removed().map_err(failed(place, name))
}
