//! Rebuilding the read models from the log, each from nothing.

use std::path::PathBuf;

use event_log::LogReader;
use host::Folder;
use projections::store::{Direction, SledStore, Store};
use projections::{Scratch, ViewName, replay};

use super::folds::{Pass, measured};
use super::plan::Script;
use crate::error::WorkError;

/// One rebuild of one read model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rebuild {
    /// What it cost, hash and flush included.
    pub(super) pass: Pass,
    /// Rows that it has.
    pub(super) rows: u64,
}

/// Rebuilds a read model from the first `commits` commits into a store of its own on the disk.
///
/// # Errors
/// [`WorkError`] of a damaged log or a store that cannot be written.
pub(super) fn rebuild(folder: &Folder, view: ViewName, commits: u64) -> Result<Rebuild, WorkError> {
    let log = folder.log(&Script::book());
    let scratch = scratch(folder);
    let place = Scratch::Folder(scratch.clone());
    let pass = measured(|| {
        let open = || LogReader::open(&log);
        let built = replay(open, &place, &[view], Some(commits), &mut |_, _| {});
        let built = built.map_err(|error| WorkError::Unplanned(error.to_string()))?;
        Ok(built.first().map_or(0, |built| built.position))
    })?;
    let rows =
        rows(&SledStore::open(&scratch.join(view.as_str())).map_err(|error| failed(&error))?)?;
    std::fs::remove_dir_all(&scratch)
        .map_err(|source| WorkError::io(format!("{} stays", scratch.display()), source))?;
    Ok(Rebuild { pass, rows })
}

fn scratch(folder: &Folder) -> PathBuf {
    folder.root().join("scratch")
}

fn rows(store: &impl Store) -> Result<u64, WorkError> {
    let mut rows = 0;
    let mut count = |_: &[u8], _: &[u8]| {
        rows += 1;
        true
    };
    store.scan(&[], &[0xff; 64], Direction::Forward, &mut count).map_err(|error| failed(&error))?;
    Ok(rows)
}

fn failed(error: &projections::store::StoreError) -> WorkError {
    WorkError::Unplanned(error.to_string())
}
