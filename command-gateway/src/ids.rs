//! Ids of old commands in files, so that memory holds only recent ones.
//!
//! *Shape.* A file holds the ids of the commits `first..=last`, sorted, in blocks of 4 KiB, with
//! the first id of each block and a [`Filter`] in memory. Files follow each other without gaps
//! from position 1; small ones are merged into larger ones by the snapshots' follower.
//! *Ordering.* A lookup asks the filters, newest file first, and reads one block where a filter
//! says *perhaps*. It does so on the engine's thread: if that command waited while others passed,
//! a later command of its batch could overtake the one it depends on. A new id meets a wrong
//! *perhaps* about once in a thousand files asked, and then costs one read of 4 KiB; a repeated
//! one always costs it.
//! *Correctness.* Files have no authority. Every block has a checksum; a file that fails one is
//! replaced, in memory, by what the log says, and is written again by the follower.
//! *Limits.* In memory: 16 bits an id for the filter and 16 bytes for 204 ids, about 2.1 MB for a
//! million. A file that turns out damaged while it is used costs one pass over its part of the log
//! on the engine's thread, once, and 24 bytes an id until it is written again.

mod file;
mod filter;
mod shelf;
mod write;

pub(crate) use file::id_file_name;
pub use file::{IdFile, IdFileError};
pub use filter::Filter;
pub(crate) use shelf::each_id;
pub use shelf::{IdFiles, Unreadable};
pub(crate) use write::{Ids, write_ids};
