//! Ids of accepted commands, for ever.
//!
//! *Shape.* Generations of a fixed size. A commit has one command, so the n-th id of a generation
//! that starts at position p is the command of position p + n: only ids are kept, and an open
//! table of 32-bit slots that finds them. A slot holds an index and eleven bits of the hash.
//! *Limits.* About 24 bytes an id. Nothing is ever moved or grown, so no command waits while a
//! table is rebuilt. A lookup asks every generation. Older generations will move to sorted files
//! beside their segments; [`KnownCommands`] is where those will be asked.

use std::hash::{BuildHasher, RandomState};

use schemas::ids::CommandId;

/// Ids in one generation.
const GENERATION: usize = 1 << 20;
/// Bits of a slot that hold the index, counted from one.
const INDEX_BITS: u32 = 21;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

/// All accepted command ids with their positions.
#[derive(Debug)]
pub struct KnownCommands {
    /// Keyed at random, so that nobody can choose ids that collide.
    hasher: RandomState,
    generations: Vec<Generation>,
    size: usize,
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
    /// No ids yet; `size` of them to a generation, at most a million.
    pub fn with_generations_of(size: usize) -> Self {
        let size = size.clamp(1, GENERATION);
        Self { hasher: RandomState::new(), generations: Vec::new(), size }
    }

    /// Where the command was accepted, if it was.
    pub fn position_of(&self, id: CommandId) -> Option<u64> {
        let hash = self.hasher.hash_one(id);
        self.generations.iter().rev().find_map(|generation| generation.find(id, hash))
    }

    /// Remembers the command of the next position; the first is 1.
    pub fn push(&mut self, id: CommandId) {
        let hash = self.hasher.hash_one(id);
        if self.generations.last().is_none_or(|last| last.ids.len() == self.size) {
            let first_position = self.len() + 1;
            self.generations.push(Generation {
                first_position,
                ids: Vec::with_capacity(self.size),
                slots: vec![0; (self.size * 2).next_power_of_two()],
            });
        }
        if let Some(last) = self.generations.last_mut() {
            last.push(id, hash);
        }
    }

    /// How many there are: the last position.
    pub fn len(&self) -> u64 {
        self.generations.last().map_or(0, |last| last.first_position - 1 + last.ids.len() as u64)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.generations.is_empty()
    }
}

/// The upper bits choose the tag, the lower ones the slot, so that the two are independent.
fn tag_of(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(0) & !INDEX_MASK
}

impl Generation {
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
    use schemas::ids::derive;
    use uuid::Uuid;

    use super::*;

    fn id(n: u64) -> CommandId {
        CommandId::new(derive(Uuid::nil(), &n.to_string()))
    }

    #[test]
    fn every_id_is_found_at_its_position_across_generations() {
        let mut known = KnownCommands::with_generations_of(100);
        assert!(known.is_empty());
        for n in 1..=1_050 {
            assert_eq!(known.position_of(id(n)), None);
            known.push(id(n));
        }
        assert_eq!(known.len(), 1_050);
        for n in 1..=1_050 {
            assert_eq!(known.position_of(id(n)), Some(n));
        }
        assert_eq!(known.position_of(id(0)), None);
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
            assert_eq!(known.position_of(id), Some(bit + 1));
        }
        assert_eq!(known.position_of(CommandId::new(Uuid::from_u128(base))), None);
    }
}
