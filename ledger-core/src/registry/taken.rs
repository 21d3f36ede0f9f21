//! Ids that are taken: every one that a book has ever given.
//!
//! # Shape
//!
//! The ids are spread over parts by their bits. A part has most of its ids in order, side by side
//! and without room between them, and the last ones in a hash set; once these are a quarter of
//! the others, they are merged. So an id takes little more than its own 16 bytes, and a table that
//! is copied has one in 256 of all ids: of ten million it takes a fraction of a millisecond.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use uuid::Uuid;

/// Into how many parts ids are spread.
const PARTS: usize = 256;
/// A part keeps so many ids unmerged at least.
const FEW: usize = 64;

/// Ids that are taken. Membership only: the order of a hash set never shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct TakenIds {
    /// None of a book that has no id, such as most copies.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Default)]
struct Part {
    sorted: Vec<u128>,
    recent: HashSet<u128, BuildHasherDefault<IdHasher>>,
}

impl Part {
    fn contains(&self, id: u128) -> bool {
        self.recent.contains(&id) || self.sorted.binary_search(&id).is_ok()
    }

    fn insert(&mut self, id: u128) {
        if self.contains(id) {
            return;
        }
        self.recent.insert(id);
        if self.recent.len() > FEW.max(self.sorted.len() / 4) {
            self.merge();
        }
    }

    fn merge(&mut self) {
        let mut recent: Vec<u128> = self.recent.drain().collect();
        self.recent.shrink_to(FEW);
        recent.sort_unstable();
        let mut merged = Vec::with_capacity(self.sorted.len() + recent.len());
        let mut recent = recent.into_iter().peekable();
        for id in self.sorted.drain(..) {
            while let Some(earlier) = recent.next_if(|recent| *recent < id) {
                merged.push(earlier);
            }
            merged.push(id);
        }
        merged.extend(recent);
        self.sorted = merged;
    }
}

impl TakenIds {
    fn part(id: u128) -> usize {
        // Bits that the hash sets do not look at.
        usize::from(mixed(id).to_be_bytes()[2])
    }

    pub(crate) fn contains(&self, id: Uuid) -> bool {
        let id = id.as_u128();
        self.parts.get(Self::part(id)).is_some_and(|part| part.contains(id))
    }

    pub(crate) fn insert(&mut self, id: Uuid) {
        let id = id.as_u128();
        self.filled()[Self::part(id)].insert(id);
    }

    /// Room for so many.
    pub(crate) fn reserve(&mut self, ids: usize) {
        let each = ids / PARTS;
        // Spread by chance, few parts have an eighth more than others.
        for part in self.filled() {
            part.sorted.reserve_exact(each + each / 8 + 8);
        }
    }

    /// Adds many in any order. Nobody asks for one before they are put in order.
    pub(crate) fn add(&mut self, ids: impl Iterator<Item = u128>) {
        let parts = self.filled();
        for id in ids {
            parts[Self::part(id)].sorted.push(id);
        }
    }

    /// Puts those that were added in order.
    pub(crate) fn put_in_order(&mut self) {
        for part in &mut self.parts {
            part.sorted.sort_unstable();
            part.sorted.dedup();
            part.sorted.shrink_to_fit();
        }
    }

    fn filled(&mut self) -> &mut Vec<Part> {
        if self.parts.is_empty() {
            self.parts.resize_with(PARTS, Part::default);
        }
        &mut self.parts
    }

    /// All of them, in order.
    pub(crate) fn sorted(&self) -> Vec<u128> {
        let all = self.parts.iter().flat_map(|part| part.sorted.iter().chain(&part.recent));
        let mut ids: Vec<u128> = all.copied().collect();
        ids.sort_unstable();
        ids
    }
}

/// Equal sets have equal ids, merged or not.
impl PartialEq for TakenIds {
    fn eq(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
    }
}

impl Eq for TakenIds {}

/// Mixes the halves of an id. Ids are chosen by clients, so the bits are spread by two
/// multiplications; a client that makes its own ids collide slows itself only.
fn mixed(id: u128) -> u64 {
    let bytes = id.to_le_bytes();
    let (low, high) = bytes.split_at(8);
    let half = |b: &[u8]| b.try_into().map_or(0, u64::from_le_bytes);
    let mixed = half(low).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ half(high);
    (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

/// Hashes an id.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Ok(id) = bytes.try_into() {
            self.0 = mixed(u128::from_be_bytes(id));
            return;
        }
        for byte in bytes {
            self.0 = (self.0.rotate_left(8) ^ u64::from(*byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }

    fn write_u128(&mut self, id: u128) {
        self.0 = mixed(id);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_was_taken_is_taken_and_nothing_else() {
        let mut taken = TakenIds::default();
        let mut known = BTreeSet::new();
        let id = |n: u128| n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) >> 3;
        for n in 0..200_000_u128 {
            // Some are taken twice.
            let id = id(n % 150_000);
            taken.insert(Uuid::from_u128(id));
            known.insert(id);
        }
        assert!(taken.sorted().into_iter().eq(known.iter().copied()));
        let is_known = |n: u128| taken.contains(Uuid::from_u128(id(n)));
        assert!((0..150_000).all(is_known) && !(150_000..300_000).any(is_known));
        let mut again = TakenIds::default();
        again.reserve(known.len());
        again.add(known.into_iter().rev());
        again.put_in_order();
        assert!(again == taken);
    }
}
