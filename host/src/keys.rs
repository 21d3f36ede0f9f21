//! Where the keys of a book's people lie: in a folder of their own beside its log.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_log::FileDisk;
use schemas::text::BookName;
use vault::{KeyRing, Place};

use crate::folder::Folder;

/// Nobody but the owner may look into a folder of keys.
const PRIVATE: u32 = 0o700;

impl Folder {
    /// Where a book's keys are.
    pub fn keys(&self, book: &BookName) -> PathBuf {
        self.book(book).join("keys")
    }

    /// Where a book's master key is.
    pub fn master_key(&self, book: &BookName) -> PathBuf {
        match self.masters() {
            Some(folder) => folder.join(book.as_str()),
            None => self.keys(book).join("master"),
        }
    }

    /// The place of a book's keys for who writes them; its folders are made if they are not there.
    ///
    /// # Errors
    /// What the disk says.
    pub fn key_place(&self, book: &BookName) -> io::Result<Place> {
        make_private(&self.keys(book))?;
        if let Some(folder) = self.masters() {
            make_private(folder)?;
        }
        Ok(self.key_place_as_is(book))
    }

    /// The place of a book's keys for who only looks at them: nothing is made.
    pub(crate) fn key_place_as_is(&self, book: &BookName) -> Place {
        let disk = |path: PathBuf| Arc::new(FileDisk::awaited(path).private());
        let place = Place::on(disk(self.keys(book)));
        match self.masters() {
            Some(folder) => place.with_master(disk(folder.clone()), book.as_str()),
            None => place,
        }
    }

    /// Opens what is sealed in a book whose log this process does not write, once its keys are
    /// there.
    pub fn ring(&self, book: &BookName, log: [u8; 16]) -> Arc<KeyRing> {
        Arc::new(KeyRing::follow(self.key_place_as_is(book), log))
    }
}

/// Makes a folder that nobody but its owner may look into, if it is not there.
fn make_private(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        FileDisk::create(path)?;
        std::fs::set_permissions(path, Permissions::from_mode(PRIVATE))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: [u8; 16] = [9; 16];

    fn modes(folder: &Path) -> Vec<(String, u32)> {
        let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| {
            let entry = entry.expect("an entry");
            let mode = entry.metadata().expect("a file").permissions().mode() & 0o777;
            (entry.file_name().into_string().expect("UTF-8"), mode)
        });
        let mut modes: Vec<_> = entries.collect();
        modes.sort();
        modes
    }

    #[test]
    fn files_of_keys_are_their_owners_whatever_their_folder_is_open_to() {
        // given
        let scratch = tempfile::tempdir().expect("a folder");
        let (folder, book) = (Folder::at(scratch.path()), "main".parse().expect("a name"));
        let keys = folder.keys(&book);
        std::fs::create_dir_all(&keys).expect("made");
        std::fs::set_permissions(&keys, Permissions::from_mode(0o755)).expect("set");
        let place = folder.key_place(&book).expect("made");
        let private = ["keys", "lock", "master"].map(|name| (name.to_owned(), 0o600));
        // when and then
        vault::init(&place, LOG).expect("made");
        assert_eq!(modes(&keys), private);
        vault::rotate(&place, LOG).expect("rotated");
        assert_eq!(modes(&keys), private);
    }

    #[test]
    fn who_only_reads_makes_no_folder() {
        use schemas::personal::SealedText;
        let scratch = tempfile::tempdir().expect("a folder");
        let (folder, book) = (Folder::at(scratch.path()), "main".parse().expect("a name"));
        let ring = folder.ring(&book, LOG);
        let key = schemas::ids::KeyId::new(uuid::Uuid::from_u128(1));
        assert_eq!(ring.open(&SealedText::void(key)), vault::Opened::Unknown);
        assert!(!folder.keys(&book).exists());
    }
}
