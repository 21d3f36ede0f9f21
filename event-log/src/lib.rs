//! What is durable: blocks, hash chain, Merkle tree, recovery, tailing.
//!
//! # Architecture invariants
//!
//! - **No meaning.** A commit is bytes. Nothing here decodes one.
//! - **No wall clock, no randomness.** Times come from the caller; the simulated disk is seeded.
//! - **No answer before durability.** `append` returns after the sync of its block.
//! - **No second try.** A failed write or sync poisons the log; nothing syncs again and hopes.
//! - **No writing reader.** [`LogReader`] and [`verify()`] take no lock and change no byte.
//! - **No Merkle work on the append path.** The tree is a follower's.
//! - **No async, no network, no unsafe code.**

mod append;
mod append_path;
mod beyond;
mod block;
mod block_body;
mod block_header;
mod block_view;
mod copy;
mod damage;
mod disk;
mod file_disk;
mod file_log;
mod folder;
mod frames;
mod give_way;
mod head;
mod identity;
mod layout;
pub mod merkle;
mod options;
pub mod probe;
mod reader;
mod recover;
mod segment;
mod signal;
pub mod sim;
mod spare;
mod tail;
mod verify;
mod walk;
mod watermark;
mod writable;

pub use append::{AppendError, Appended, EventLog};
pub use block::{Block, BlockError};
pub use block_body::{Commits, MAX_BODY_BYTES, MAX_COMMIT_BYTES};
pub use block_header::{BLOCK_HEADER_BYTES, BlockHeader, BlockKind, Hash};
pub use block_view::BlockView;
pub use copy::{Copied, CopyError, copy};
pub use damage::{Damage, Fault, ReadError, Record};
pub use disk::{Disk, DiskFile, DiskLock, LockError};
pub use file_disk::FileDisk;
pub use file_log::FileLog;
pub use give_way::give_way;
pub use head::Head;
pub use identity::{IdentityError, LogId, LogIdentity, MAX_BOOK_BYTES};
pub use options::{LogOptions, OpenError};
pub use reader::{LogReader, Readers};
pub use recover::{CheckOnOpen, RecoveryReport};
pub use tail::TornTail;
pub use verify::{VerifyReport, WatermarkState, verify};
