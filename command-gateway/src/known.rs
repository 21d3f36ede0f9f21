//! Ids of accepted commands, for ever.
//!
//! *Shape.* Generations of a fixed size. A commit has one command, so the n-th id of a generation
//! that starts at position p is the command of position p + n: only ids are kept, and an open
//! table of 32-bit slots that finds them. A slot holds an index and eleven bits of the hash.
//! *Limits.* About 24 bytes an id. Nothing is ever moved or grown, so no command waits while a
//! table is rebuilt. A lookup asks every generation, then the files of [`crate::ids`]. Once files
//! cover a generation it is dropped, so memory holds the ids that the files do not have yet, and
//! at most one generation more. Without snapshots nothing is dropped.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use schemas::ids::CommandId;

use crate::ids::{IdFiles, Unreadable};

/// Ids in one generation.
const GENERATION: usize = 1 << 18;
/// Bits of a slot that hold the index, counted from one.
const INDEX_BITS: u32 = 21;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

/// All accepted command ids with their positions.
#[derive(Debug)]
pub struct KnownCommands {
    /// Keyed at random, so that nobody can choose ids that collide.
    hasher: RandomState,
    generations: VecDeque<Generation>,
    size: usize,
    /// The last position whose id was pushed, or was known from the start.
    last: u64,
    files: Option<Arc<IdFiles>>,
}

#[derive(Debug)]
struct Generation {
    first_position: u64,
    ids: Vec<CommandId>,
    slots: Vec<u32>,
}

impl Default for KnownCommands {
    fn default() -> Self {
        Self::with_generations_of(GENERATION)
    }
}

impl KnownCommands {
    /// No ids yet; `size` of them to a generation, at most 262,144.
    pub fn with_generations_of(size: usize) -> Self {
        let size = size.clamp(1, GENERATION);
        let (hasher, generations) = (RandomState::new(), VecDeque::new());
        Self { hasher, generations, size, last: 0, files: None }
    }

    /// The ids that files have. The next one pushed is that of the position behind `last`, which
    /// must not be behind what the files cover.
    pub(crate) fn in_files(files: Arc<IdFiles>, last: u64) -> Self {
        debug_assert!(last <= files.covers(), "ids between files and memory are missing");
        Self { last, files: Some(files), ..Self::default() }
    }

    /// Old ids are in these files from now on; generations that they cover are dropped.
    pub(crate) fn adopt(&mut self, files: Arc<IdFiles>) {
        let covered = files.covers();
        self.files = Some(files);
        while self.generations.front().is_some_and(|oldest| oldest.last() <= covered) {
            self.generations.pop_front();
        }
    }

    /// Where the command was accepted, if it was.
    ///
    /// # Errors
    /// [`Unreadable`] when neither files nor the log can tell.
    pub fn position_of(&self, id: CommandId) -> Result<Option<u64>, Unreadable> {
        let hash = self.hasher.hash_one(id);
        let recent = self.generations.iter().rev();
        match (recent.into_iter().find_map(|generation| generation.find(id, hash)), &self.files) {
            (None, Some(files)) => files.position_of(id),
            (found, _) => Ok(found),
        }
    }

    /// Remembers the command of the next position; the first is 1.
    pub fn push(&mut self, id: CommandId) {
        let hash = self.hasher.hash_one(id);
        self.last += 1;
        if self.generations.back().is_none_or(|last| last.ids.len() == self.size) {
            let first_position = self.last;
            self.generations.push_back(Generation {
                first_position,
                ids: Vec::with_capacity(self.size),
                slots: vec![0; (self.size * 2).next_power_of_two()],
            });
        }
        if let Some(last) = self.generations.back_mut() {
            last.push(id, hash);
        }
    }

    /// How many there are: the last position.
    pub fn len(&self) -> u64 {
        self.last
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.last == 0
    }

    /// How many are in memory.
    pub fn in_memory(&self) -> u64 {
        self.generations.front().map_or(0, |oldest| self.last + 1 - oldest.first_position)
    }
}

/// The upper bits choose the tag, the lower ones the slot, so that the two are independent.
fn tag_of(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(0) & !INDEX_MASK
}

impl Generation {
    /// The position of its last id.
    fn last(&self) -> u64 {
        self.first_position + self.ids.len() as u64 - 1
    }

    fn start_of(&self, hash: u64) -> usize {
        usize::try_from(hash & (self.slots.len() as u64 - 1)).unwrap_or(0)
    }

    fn find(&self, id: CommandId, hash: u64) -> Option<u64> {
        let tag = tag_of(hash);
        let mut at = self.start_of(hash);
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return None;
            }
            let index = (slot & INDEX_MASK) as usize - 1;
            if slot & !INDEX_MASK == tag && self.ids[index] == id {
                return Some(self.first_position + index as u64);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn push(&mut self, id: CommandId, hash: u64) {
        self.ids.push(id);
        // At most 2^20, which leaves room for the tag.
        let index = u32::try_from(self.ids.len()).unwrap_or(INDEX_MASK);
        let mut at = self.start_of(hash);
        while self.slots[at] != 0 {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = tag_of(hash) | index;
    }
}

#[cfg(test)]
mod tests {
    use event_log::LogId;
    use event_log::sim::SimDisk;
    use schemas::ids::derive;
    use uuid::Uuid;

    use super::*;
    use crate::ids::{IdFile, Ids, write_ids};

    fn id(n: u64) -> CommandId {
        CommandId::new(derive(Uuid::nil(), &n.to_string()))
    }

    fn found(known: &KnownCommands, id: CommandId) -> Option<u64> {
        known.position_of(id).expect("nothing is read")
    }

    #[test]
    fn every_id_is_found_at_its_position_across_generations() {
        let mut known = KnownCommands::with_generations_of(100);
        assert!(known.is_empty());
        for n in 1..=1_050 {
            assert_eq!(found(&known, id(n)), None);
            known.push(id(n));
        }
        assert_eq!(known.len(), 1_050);
        for n in 1..=1_050 {
            assert_eq!(found(&known, id(n)), Some(n));
        }
        assert_eq!(found(&known, id(0)), None);
    }

    /// A file with the ids of `1..=last`.
    fn files(last: u64) -> Arc<IdFiles> {
        let disk = SimDisk::new(1);
        let mut fresh: Vec<_> = (1..=last).map(|n| (id(n).uuid().as_u128(), n)).collect();
        fresh.sort_unstable();
        let (log, block_hash) = (LogId([7; 16]), [9; 32]);
        let ids = Ids { log, block_hash, merged: &[], fresh, first: 1, last };
        write_ids(&disk, 1, ids).expect("written");
        let file = Arc::new(IdFile::open(&disk, 1).expect("sound"));
        Arc::new(IdFiles::new(Arc::new(disk), vec![file]))
    }

    #[test]
    fn what_files_cover_leaves_memory_and_is_still_known() {
        let mut known = KnownCommands::with_generations_of(100);
        for n in 1..=950 {
            known.push(id(n));
        }
        assert_eq!(known.in_memory(), 950);
        known.adopt(files(899));
        assert_eq!(known.in_memory(), 150);
        for n in 951..=1_000 {
            known.push(id(n));
        }
        for n in 1..=1_000 {
            assert_eq!(found(&known, id(n)), Some(n));
        }
        assert_eq!(found(&known, id(1_001)), None);
        known.adopt(files(1_000));
        assert_eq!((known.in_memory(), known.len()), (0, 1_000));
        known.push(id(1_001));
        assert_eq!((found(&known, id(1_001)), found(&known, id(7))), (Some(1_001), Some(7)));
    }

    #[test]
    fn memory_holds_what_files_do_not_cover_and_at_most_a_generation_more() {
        let mut known = KnownCommands::with_generations_of(64);
        for n in 1..=5_000 {
            known.push(id(n));
            if n % 500 == 0 {
                known.adopt(files(n - 100));
                assert!(known.in_memory() <= 100 + 64, "{} at {n}", known.in_memory());
            }
        }
    }

    #[test]
    fn a_start_from_files_goes_on_behind_them() {
        let mut known = KnownCommands::in_files(files(30), 20);
        assert_eq!(known.in_memory(), 0);
        for n in 21..=40 {
            known.push(id(n));
        }
        assert!((1..=40).all(|n| found(&known, id(n)) == Some(n)));
    }

    #[test]
    fn ids_that_differ_in_one_bit_are_different() {
        let mut known = KnownCommands::with_generations_of(64);
        let base = 0x0190_0000_0000_7000_8000_0000_0000_0000_u128;
        for bit in 0..64 {
            known.push(CommandId::new(Uuid::from_u128(base ^ (1 << bit))));
        }
        for bit in 0..64 {
            let id = CommandId::new(Uuid::from_u128(base ^ (1 << bit)));
            assert_eq!(found(&known, id), Some(bit + 1));
        }
        assert_eq!(found(&known, CommandId::new(Uuid::from_u128(base))), None);
    }
}
