//! A folder for the books of scenarios, gone in the end.

use std::fs;
use std::path::PathBuf;

use client::edge;
use host::Folder;

use crate::run::Stopped;

/// A folder for the books of scenarios, gone in the end.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A fresh one, where the machine keeps temporary files.
    ///
    /// # Errors
    /// [`Stopped::Scratch`].
    pub fn make() -> Result<Self, Stopped> {
        let path =
            std::env::temp_dir().join(format!("billfold-scenario-{}", edge::fresh().simple()));
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(Self(path)),
            Err(source) => Err(Stopped::Scratch { path, source }),
        }
    }

    /// The folder of the `n`-th book.
    pub fn folder(&self, n: usize) -> Folder {
        Folder::at(self.0.join(n.to_string()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left of it lies in the folder for temporary files.
        let _left = fs::remove_dir_all(&self.0);
    }
}
