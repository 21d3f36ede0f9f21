//! How far a read model has come: one row, written with the rows it speaks of.

use event_log::{LogReader, ReadError};
use schemas::Timestamp;
use schemas::status::Alarm;
use serde::{Deserialize, Serialize};

use crate::store::{CHECKPOINT_KEY, Store, StoreError};

/// The form of the row below.
const FORMAT: u8 = 2;

/// How far a read model has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Of which log.
    pub log: [u8; 16],
    /// The projection's version.
    pub version: u32,
    /// The last commit that is folded in; 0 before the first.
    pub position: u64,
    /// The hash of the block that holds that commit; zeros before the first.
    pub block_hash: [u8; 32],
    /// When that commit was recorded.
    pub recorded_at: Option<Timestamp>,
    /// The first part of a decision that is not complete yet; none where there is none.
    pub drafted_from: Option<u64>,
}

impl Checkpoint {
    /// Before the first commit.
    pub fn start(log: [u8; 16], version: u32) -> Self {
        Self {
            log,
            version,
            position: 0,
            block_hash: [0; 32],
            recorded_at: None,
            drafted_from: None,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![FORMAT])
            .expect("a checkpoint always encodes: memory is its only limit")
    }

    /// Reads the checkpoint of a store; none where nothing was ever written.
    ///
    /// # Errors
    /// [`StoreError`]: rebuild.
    pub fn read(store: &dyn Store) -> Result<Option<Self>, StoreError> {
        let unreadable = || StoreError::Unreadable { table: '!' };
        match store.get(CHECKPOINT_KEY)?.as_deref() {
            None => Ok(None),
            Some([FORMAT, body @ ..]) => {
                postcard::from_bytes(body).map(Some).map_err(|_| unreadable())
            }
            Some(_) => Err(unreadable()),
        }
    }

    /// Compares the checkpoint with the log it speaks of; leaves `reader` where the next block
    /// to fold is read.
    ///
    /// # Errors
    /// [`ReadError`] when the log cannot be read.
    pub fn check(&self, version: u32, reader: &mut LogReader) -> Result<Verdict, ReadError> {
        if self.log != reader.identity().log().0 {
            return Ok(Verdict::Doubt(Doubt::OtherLog));
        }
        if self.version != version {
            return Ok(Verdict::Doubt(Doubt::Version { found: self.version, expected: version }));
        }
        let head = reader.durable_head()?.last_position().unwrap_or(0);
        if self.position == 0 {
            reader.seek(1)?;
            return Ok(Verdict::Sound);
        }
        reader.seek(self.position)?;
        let holds = reader.next_block()?.map(|block| {
            let inside =
                block.first_position() <= self.position && self.position < block.next_position();
            (inside, *block.hash() == self.block_hash)
        });
        let verdict = match holds {
            Some((true, true)) => Verdict::Sound,
            Some((true, false)) => Verdict::Doubt(Doubt::OtherBlock { position: self.position }),
            Some((false, _)) | None => {
                Verdict::Doubt(Doubt::AboveHead { position: self.position, head })
            }
        };
        // The block may hold commits behind the checkpoint: read it again. Parts of a decision that
        // is not complete are folded in with the rest of it.
        reader.seek(self.drafted_from.unwrap_or(self.position))?;
        Ok(verdict)
    }
}

/// Whether a checkpoint fits its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does: go on from there.
    Sound,
    /// It does not: rebuild.
    Doubt(Doubt),
}

impl Doubt {
    /// The alarm that it raises: the log is not the one that was folded.
    pub fn alarm(&self) -> Option<Alarm> {
        let code = match self {
            Self::AboveHead { .. } => "checkpoint_above_head",
            Self::OtherBlock { .. } => "history_differs",
            Self::Store(_)
            | Self::Gone
            | Self::NoCurrent
            | Self::NoCheckpoint
            | Self::OtherLog
            | Self::Version { .. }
            | Self::Asked => return None,
        };
        let detail = format!(
            "{self}: the log lost commits, or an older copy was put in its place; find out which, \
             and compare with what clients were told"
        );
        Some(Alarm { code: code.to_owned(), detail })
    }
}

/// Why a read model is rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The store cannot be opened, read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store's files are not there any more.
    #[error("the store's files are gone")]
    Gone,
    /// There are stores, but nothing says which one counts.
    #[error("the file that names the current store cannot be read")]
    NoCurrent,
    /// The store holds rows and no checkpoint.
    #[error("the store has no checkpoint")]
    NoCheckpoint,
    /// The store was built from another log.
    #[error("the store was built from another log")]
    OtherLog,
    /// The store was built by another version of the projection.
    #[error("the store has version {found}, this build has {expected}")]
    Version {
        /// In the checkpoint.
        found: u32,
        /// In this build.
        expected: u32,
    },
    /// The log does not reach to the checkpoint.
    #[error("the checkpoint stands at {position}, the log's durable head at {head}")]
    AboveHead {
        /// In the checkpoint.
        position: u64,
        /// Of the log.
        head: u64,
    },
    /// The block that holds the checkpoint's position has another hash.
    #[error("the log's block at {position} is not the one that was folded")]
    OtherBlock {
        /// In the checkpoint.
        position: u64,
    },
    /// Someone asked for it.
    #[error("it was asked for")]
    Asked,
}
