//! How far the log is, for those who ask how a read model stands.
//!
//! *Limits.* The time of the head is read from its block. Finding it means walking the blocks
//! since the last time someone asked, or one segment at most.

use std::sync::{Mutex, PoisonError};

use event_log::{LogReader, ReadError};

/// The log's head and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogHead {
    /// The last durable position; 0 before the first.
    pub(crate) position: u64,
    /// When it was recorded, in microseconds since 1970 UTC.
    pub(crate) time: Option<i64>,
}

/// Looks at the log's head with a reader of its own.
#[derive(Debug)]
pub(crate) struct Heads {
    looking: Mutex<(LogReader, LogHead)>,
}

impl Heads {
    pub(crate) fn new(reader: LogReader) -> Self {
        let none = LogHead { position: 0, time: None };
        Self { looking: Mutex::new((reader, none)) }
    }

    /// The last durable position, without its time.
    pub(crate) fn position(&self) -> Result<u64, ReadError> {
        let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(looking.0.durable_head()?.last_position().unwrap_or(0))
    }

    /// The head and its time.
    pub(crate) fn head(&self) -> Result<LogHead, ReadError> {
        let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let (reader, known) = &mut *looking;
        let position = reader.durable_head()?.last_position().unwrap_or(0);
        if position > known.position {
            reader.seek(position)?;
            let time = reader.next_block()?.map(|block| block.header().time);
            *known = LogHead { position, time };
        }
        Ok(*known)
    }
}
