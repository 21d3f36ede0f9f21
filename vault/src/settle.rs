//! The names of a book's key files while one takes another's place.

use std::io;

use event_log::Disk;

use crate::file::KeyFile;
use crate::place::{KEYS, Place, VaultError, is_missing};

/// Where a new key file lies until it is whole.
pub(crate) const NEW: &str = "keys.new";
/// Where the one before lies until it is overwritten.
pub(crate) const OLD: &str = "keys.old";
/// Where a key file lies whose head was damaged when a copy was put back.
pub(crate) const BAD: &str = "keys.bad";

/// Finishes a change of names that was cut off, and overwrites what is left behind.
pub(crate) fn settle(place: &Place) -> Result<(), VaultError> {
    let disk = place.disk.as_ref();
    let settled = || -> io::Result<()> {
        let names = disk.list()?;
        let has = |name: &str| names.iter().any(|known| known == name);
        if !has(KEYS) && has(OLD) {
            // The new file was whole before the old one lost its name.
            disk.rename(if has(NEW) { NEW } else { OLD }, KEYS)?;
            disk.sync_folder()?;
        }
        remove(disk, OLD)?;
        remove(disk, NEW)
    };
    settled().map_err(VaultError::io(disk.path(KEYS)))
}

/// Overwrites and removes a file that may be there.
fn remove(disk: &dyn Disk, name: &str) -> io::Result<()> {
    match KeyFile::open(disk, name) {
        Ok(file) => file.wipe()?,
        Err(error) if is_missing(&error) => return Ok(()),
        Err(error) => return Err(error),
    }
    disk.remove(name)?;
    disk.sync_folder()
}
