//! Where the keys of a book's people lie: in a folder of their own beside its log.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use event_log::{Disk, FileDisk};
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

    /// The place of a book's keys; its folders are made if they are not there.
    ///
    /// # Errors
    /// What the disk says.
    pub fn key_place(&self, book: &BookName) -> io::Result<Place> {
        let place = Place::on(private(self.keys(book))?);
        match self.masters() {
            Some(folder) => Ok(place.with_master(private(folder.clone())?, book.as_str())),
            None => Ok(place),
        }
    }

    /// Opens what is sealed in a book whose log this process does not write; none where the keys
    /// cannot be looked at.
    pub fn ring(&self, book: &BookName, log: [u8; 16]) -> Option<Arc<KeyRing>> {
        match self.key_place(book) {
            Ok(place) => Some(Arc::new(KeyRing::follow(place, log))),
            Err(error) => {
                let path = self.keys(book);
                tracing::info!(%error, path = %path.display(), "personal texts stay sealed");
                None
            }
        }
    }
}

fn private(path: PathBuf) -> io::Result<Arc<dyn Disk>> {
    if !path.is_dir() {
        FileDisk::create(&path)?;
        std::fs::set_permissions(&path, Permissions::from_mode(PRIVATE))?;
    }
    Ok(Arc::new(FileDisk::open(path)?))
}
