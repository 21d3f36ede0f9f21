//! All files of old ids, as the engine asks them.

use std::sync::Arc;

use event_log::{Disk, LogReader, ReadError};
use schemas::CommitView;
use schemas::ids::CommandId;

use super::file::{IdFile, Sorted};

/// Neither a file of ids nor the log could say whether a command is known.
#[derive(Debug, thiserror::Error)]
#[error("old command ids cannot be read, neither from {file} nor from the log")]
pub struct Unreadable {
    /// The file.
    pub file: String,
    /// What the log said.
    #[source]
    pub source: ReadError,
}

/// Files of ids that follow each other from position 1.
#[derive(Debug)]
pub struct IdFiles {
    files: Vec<Arc<IdFile>>,
    log: Arc<dyn Disk>,
}

impl IdFiles {
    /// No files yet, of the log on `log`.
    pub fn none(log: Arc<dyn Disk>) -> Self {
        Self { files: Vec::new(), log }
    }

    /// These files, up to the first that does not follow the one before it.
    pub(crate) fn new(log: Arc<dyn Disk>, files: Vec<Arc<IdFile>>) -> Self {
        let mut covered = 0;
        let mut all = Self { files: Vec::new(), log };
        for file in files {
            if file.footer.first != covered + 1 {
                break;
            }
            covered = file.footer.last;
            all.files.push(file);
        }
        all
    }

    /// The files, oldest first.
    pub(crate) fn files(&self) -> &[Arc<IdFile>] {
        &self.files
    }

    /// Up to this position every id is in a file.
    pub fn covers(&self) -> u64 {
        self.files.last().map_or(0, |file| file.footer.last)
    }

    /// Bytes that filters take in memory.
    pub fn filter_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.filter_bytes()).sum()
    }

    /// Where the command was accepted, if its id is in a file.
    ///
    /// # Errors
    /// [`Unreadable`] when a file is damaged and the log cannot be read either.
    pub fn position_of(&self, id: CommandId) -> Result<Option<u64>, Unreadable> {
        let id = id.uuid().as_u128();
        for file in self.files.iter().rev() {
            let found = match file.find(id) {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(%error, "old command ids are read from the log instead");
                    self.mend(file)?;
                    file.find(id).unwrap_or(None)
                }
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn mend(&self, file: &IdFile) -> Result<(), Unreadable> {
        let (first, last) = (file.footer.first, file.footer.last);
        let ids = LogReader::open_on(Arc::clone(&self.log))
            .and_then(|mut reader| ids_of(&mut reader, first, last))
            .map_err(|source| Unreadable { file: file.name.clone(), source })?;
        // Another thread may have been quicker, with the same.
        let _same = file.mended.set(ids);
        Ok(())
    }
}

/// The ids of the commits `first..=last`, sorted.
pub(super) fn ids_of(reader: &mut LogReader, first: u64, last: u64) -> Result<Sorted, ReadError> {
    let mut ids = Vec::new();
    each_id(reader, first, last, |position, id| ids.push((id.uuid().as_u128(), position)))?;
    ids.sort_unstable();
    Ok(ids)
}

/// Gives the ids of the commits `first..=last` in their order. A commit that cannot be read has no
/// id; a replay would have refused the log.
pub(crate) fn each_id(
    reader: &mut LogReader,
    first: u64,
    last: u64,
    mut take: impl FnMut(u64, CommandId),
) -> Result<(), ReadError> {
    reader.seek(first)?;
    while let Some(block) = reader.next_block()? {
        for (position, bytes) in block.commits() {
            if position > last {
                return Ok(());
            }
            if position >= first
                && let Ok(commit) = CommitView::parse(bytes)
            {
                take(position, commit.command_id);
            }
        }
    }
    Ok(())
}
