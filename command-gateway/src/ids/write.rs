//! Writing a file of ids, from fresh ones and from files that it replaces.

use std::sync::Arc;

use event_log::{Disk, Hash, LogId};

use super::file::{
    BLOCK, BLOCK_CRC_AT, COUNT_AT, ENTRIES, ENTRY, IdFile, IdFileError, IdFooter, Sorted,
    id_file_name,
};
use super::filter::Filter;
use crate::sink::Sink;

/// Which ids a file is to hold.
pub(crate) struct Ids<'a> {
    pub(crate) log: LogId,
    /// The hash of the block that holds the last of them.
    pub(crate) block_hash: Hash,
    /// Files that are replaced, without gaps, oldest first.
    pub(crate) merged: &'a [Arc<IdFile>],
    /// Ids behind them with their positions, sorted by id; not empty.
    pub(crate) fresh: Sorted,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// Writes a file of that number, durably. Its name is not yet durable.
pub(crate) fn write_ids(disk: &dyn Disk, number: u64, ids: Ids<'_>) -> Result<(), IdFileError> {
    let name = id_file_name(number);
    let io = |source| IdFileError::Io { name: name.clone(), source };
    let count = ids.last - ids.first + 1;
    let mut footer = IdFooter {
        log: ids.log,
        first: ids.first,
        last: ids.last,
        block_hash: ids.block_hash,
        blocks: count.div_ceil(ENTRIES as u64),
        filter_bytes: 0,
        index_crc: 0,
    };
    let mut filter = Filter::with_room_for(count, footer.filter_key());
    let mut fences = Vec::new();
    let mut sink = Sink::create(disk, &name).map_err(io)?;
    let mut block = Entries::default();
    let mut merge = Merge::of(ids.merged, ids.fresh)?;
    let mut found = 0;
    while let Some((id, position)) = merge.next()? {
        let outside = || IdFileError::Damaged { name: name.clone(), what: "a foreign position" };
        let after = position.checked_sub(ids.first).and_then(|after| u32::try_from(after).ok());
        let after = after.filter(|_| position <= ids.last).ok_or_else(outside)?;
        if block.count == 0 {
            fences.push(id);
        }
        filter.insert(id);
        found += 1;
        if block.push(id, after) {
            sink.put(&block.sealed()).map_err(io)?;
        }
    }
    if found != count {
        return Err(IdFileError::Damaged { name, what: "ids are missing" });
    }
    if block.count > 0 {
        sink.put(&block.sealed()).map_err(io)?;
    }
    let mut index: Vec<u8> = fences.iter().flat_map(|id| id.to_be_bytes()).collect();
    index.extend(filter.to_bytes());
    footer.filter_bytes = filter.bytes();
    footer.index_crc = crc32c::crc32c(&index);
    sink.put(&index).and_then(|()| sink.put(&footer.encode())).map_err(io)?;
    sink.finish().map_err(io)?;
    Ok(())
}

/// The block that is being filled.
struct Entries {
    bytes: [u8; BLOCK],
    count: usize,
}

impl Default for Entries {
    fn default() -> Self {
        Self { bytes: [0; BLOCK], count: 0 }
    }
}

impl Entries {
    /// Adds an entry; whether the block is full now.
    fn push(&mut self, id: u128, after: u32) -> bool {
        let at = self.count * ENTRY;
        self.bytes[at..at + 16].copy_from_slice(&id.to_be_bytes());
        self.bytes[at + 16..at + ENTRY].copy_from_slice(&after.to_le_bytes());
        self.count += 1;
        self.count == ENTRIES
    }

    /// The block's bytes; it is empty afterwards.
    fn sealed(&mut self) -> [u8; BLOCK] {
        let Self { mut bytes, count } = std::mem::take(self);
        let count = u32::try_from(count).unwrap_or(0);
        bytes[COUNT_AT..COUNT_AT + 4].copy_from_slice(&count.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..BLOCK_CRC_AT]);
        bytes[BLOCK_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// One of the sources of a merge.
struct Source<'a> {
    file: Option<&'a IdFile>,
    block: u64,
    entries: std::vec::IntoIter<(u128, u64)>,
    head: Option<(u128, u64)>,
}

impl Source<'_> {
    fn advance(&mut self) -> Result<(), IdFileError> {
        self.head = self.entries.next();
        while self.head.is_none()
            && let Some(file) = self.file
            && self.block < file.footer.blocks
        {
            self.entries = file.block(self.block)?.into_iter();
            self.block += 1;
            self.head = self.entries.next();
        }
        Ok(())
    }
}

/// The ids of several sources in their order.
struct Merge<'a>(Vec<Source<'a>>);

impl<'a> Merge<'a> {
    fn of(files: &'a [Arc<IdFile>], fresh: Sorted) -> Result<Self, IdFileError> {
        let file = |file: &'a Arc<IdFile>| {
            let entries = Vec::new().into_iter();
            Source { file: Some(file.as_ref()), block: 0, entries, head: None }
        };
        let fresh = Source { file: None, block: 0, entries: fresh.into_iter(), head: None };
        let mut sources: Vec<_> = files.iter().map(file).chain([fresh]).collect();
        for source in &mut sources {
            source.advance()?;
        }
        Ok(Self(sources))
    }

    fn next(&mut self) -> Result<Option<(u128, u64)>, IdFileError> {
        let heads = self.0.iter_mut().filter(|source| source.head.is_some());
        let Some(least) = heads.min_by_key(|source| source.head.map(|(id, _)| id)) else {
            return Ok(None);
        };
        let found = least.head;
        least.advance()?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use event_log::sim::SimDisk;
    use schemas::ids::{CommandId, derive};
    use uuid::Uuid;

    use super::super::shelf::IdFiles;
    use super::*;

    fn id(n: u64) -> CommandId {
        CommandId::new(derive(Uuid::nil(), &n.to_string()))
    }

    fn fresh(first: u64, last: u64) -> Sorted {
        let mut ids: Vec<_> = (first..=last).map(|n| (id(n).uuid().as_u128(), n)).collect();
        ids.sort_unstable();
        ids
    }

    fn write(disk: &SimDisk, number: u64, merged: &[Arc<IdFile>], first: u64, last: u64) {
        let from = merged.first().map_or(first, |file| file.footer.first);
        let fresh = fresh(first, last);
        let (log, block_hash) = (LogId([7; 16]), [9; 32]);
        let ids = Ids { log, block_hash, merged, fresh, first: from, last };
        write_ids(disk, number, ids).expect("written");
    }

    fn open(disk: &SimDisk, number: u64) -> Arc<IdFile> {
        Arc::new(IdFile::open(disk, number).expect("a sound file"))
    }

    #[test]
    fn every_id_is_found_at_its_position_before_and_after_a_merge() {
        let disk = SimDisk::new(1);
        write(&disk, 1, &[], 1, 1_000);
        write(&disk, 2, &[], 1_001, 1_300);
        let two = vec![open(&disk, 1), open(&disk, 2)];
        write(&disk, 3, &two, 1_301, 1_500);
        for files in [two, vec![open(&disk, 3)]] {
            let files = IdFiles::new(Arc::new(disk.clone()), files);
            for n in 1..=files.covers() {
                assert_eq!(files.position_of(id(n)).expect("readable"), Some(n));
            }
            for n in 2_000..3_000 {
                assert_eq!(files.position_of(id(n)).expect("readable"), None);
            }
        }
        assert_eq!(open(&disk, 3).ids(), 1_500);
    }

    #[test]
    fn files_are_used_up_to_the_first_gap() {
        let disk = SimDisk::new(1);
        write(&disk, 1, &[], 1, 10);
        write(&disk, 2, &[], 12, 20);
        let files = vec![open(&disk, 1), open(&disk, 2)];
        assert_eq!(IdFiles::new(Arc::new(disk.clone()), files).covers(), 10);
    }

    #[test]
    fn every_flipped_bit_of_a_file_is_noticed() {
        let disk = SimDisk::new(1);
        write(&disk, 1, &[], 1, 300);
        let sound = disk.file_bytes("ids-0000000001.bfi").expect("written");
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << (at % 8);
            disk.set_file_bytes("ids-0000000001.bfi", &bytes);
            let read = IdFile::open(&disk, 1);
            let read =
                read.and_then(|file| (0..2).map(|n| file.block(n)).collect::<Result<_, _>>());
            let read: Result<Vec<Sorted>, _> = read;
            assert!(read.is_err(), "byte {at} was changed");
        }
        for length in [0, 1, 127, 128, 4_096, sound.len() - 1] {
            disk.set_file_bytes("ids-0000000001.bfi", &sound[..length]);
            assert!(IdFile::open(&disk, 1).is_err(), "cut to {length} bytes");
        }
    }
}
