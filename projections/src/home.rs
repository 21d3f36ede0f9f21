//! Where a read model's stores lie: `views/<view>/`, one folder for each generation.
//!
//! The file `current` names the generation in use. A rebuild fills the next one and then replaces
//! that file; what is not current is removed. The file `lock` is held by the one projector.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::checkpoint::Doubt;

/// Files of a sled database that stay where they are while it is open.
const KEPT: [&str; 2] = ["conf", "db"];

/// Why a read model's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Another projector of the same read model runs on the folder.
    #[error("{} is held by another projector; stop that one first", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The disk says no.
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
}

/// The folder of one read model, held for this projector alone.
#[derive(Debug)]
pub(crate) struct Home {
    folder: PathBuf,
    lock: File,
}

impl Home {
    /// Makes the folder if need be, and takes it.
    pub(crate) fn take(folder: PathBuf) -> Result<Self, HomeError> {
        let lock = Self::lock(&folder)?;
        Ok(Self { folder, lock })
    }

    /// Takes the folder again if someone removed it, or the lock in it.
    pub(crate) fn hold(&mut self) -> Result<(), HomeError> {
        let path = self.folder.join("lock");
        let ours = self.lock.metadata().map(|held| (held.dev(), held.ino()));
        let there = fs::metadata(&path).map(|there| (there.dev(), there.ino()));
        if ours.ok() != there.ok() {
            self.lock = Self::lock(&self.folder)?;
        }
        Ok(())
    }

    fn lock(folder: &Path) -> Result<File, HomeError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| HomeError::Io { path, source }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let path = folder.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(HomeError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(HomeError::Io { path, source }),
        }
    }

    /// The generation in use; none before the first, or if the file that names it is damaged.
    pub(crate) fn current(&self) -> Option<u64> {
        fs::read_to_string(self.folder.join("current")).ok()?.trim().parse().ok()
    }

    /// The store's folder of a generation.
    pub(crate) fn store(&self, generation: u64) -> PathBuf {
        self.folder.join(format!("g{generation:08}"))
    }

    /// A generation that was never used, with no folder of its own yet.
    pub(crate) fn next(&self) -> Result<u64, HomeError> {
        let highest = self.generations()?.into_iter().chain(self.current()).max().unwrap_or(0);
        Ok(highest + 1)
    }

    /// No store was ever made here.
    pub(crate) fn is_new(&self) -> Result<bool, HomeError> {
        Ok(self.generations()?.is_empty())
    }

    /// Makes a generation the one in use, durably.
    pub(crate) fn switch(&self, generation: u64) -> Result<(), HomeError> {
        let path = self.folder.join("current.new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&path)?;
            writeln!(file, "{generation}")?;
            file.sync_all()?;
            fs::rename(&path, self.folder.join("current"))?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| HomeError::Io { path: path.clone(), source })
    }

    /// Removes a store that was never used.
    pub(crate) fn discard(&self, generation: u64) {
        // What stays behind goes with the next rebuild that ends well.
        let _left = fs::remove_dir_all(self.store(generation));
    }

    /// Removes what an earlier rebuild left.
    pub(crate) fn remove_all_but(&self, generation: u64) -> Result<(), HomeError> {
        for other in self.generations()? {
            if other != generation {
                let path = self.store(other);
                fs::remove_dir_all(&path).map_err(|source| HomeError::Io { path, source })?;
            }
        }
        Ok(())
    }

    fn generations(&self) -> Result<Vec<u64>, HomeError> {
        let failed = |source| HomeError::Io { path: self.folder.clone(), source };
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix('g'));
            found.extend(number.and_then(|digits| digits.parse::<u64>().ok()));
        }
        Ok(found)
    }
}

/// The files of a store that is open, as they were when they were last looked at.
#[derive(Debug, Default)]
pub(crate) struct Files {
    inodes: BTreeMap<PathBuf, u64>,
}

impl Files {
    /// Looks again: whether a file went away or was replaced, which an open store does not notice.
    /// Lengths say nothing: sled itself makes its file shorter.
    pub(crate) fn look(&mut self, store: &Path) -> Result<(), Doubt> {
        for name in KEPT {
            let path = store.join(name);
            let found = fs::metadata(&path).map(|found| found.ino());
            match (self.inodes.get(&path), found) {
                (Some(inode), Ok(found)) if *inode != found => return Err(Doubt::Gone),
                (Some(_), Err(_)) => return Err(Doubt::Gone),
                (Some(_) | None, Ok(found)) => {
                    self.inodes.insert(path, found);
                }
                (None, Err(_)) => {}
            }
        }
        Ok(())
    }
}
