//! Where the keys of a scope lie, found by what their ids begin with.
//!
//! *Limits.* Some 30 bytes a key. It is kept in parts, because a map that grows stands still for
//! as long as it takes to move all of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::scope::Hint;

const PARTS: usize = 64;

#[derive(Debug, Default)]
struct Part {
    first: HashMap<u64, u32>,
    /// Where a scope has more than one: the later ones.
    more: HashMap<u64, Vec<u32>>,
}

#[derive(Debug)]
pub(crate) struct Index(Vec<Mutex<Part>>);

impl Default for Index {
    fn default() -> Self {
        Self((0..PARTS).map(|_| Mutex::default()).collect())
    }
}

impl Index {
    /// Entries are put in whole, so a panicking thread leaves a usable part.
    fn part(&self, hint: Hint) -> MutexGuard<'_, Part> {
        let [first, ..] = hint.0.to_be_bytes();
        let part = usize::from(first) % PARTS;
        self.0[part].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, hint: Hint, slot: u32) {
        let mut part = self.part(hint);
        let first = *part.first.entry(hint.0).or_insert(slot);
        if first != slot {
            part.more.entry(hint.0).or_default().push(slot);
        }
    }

    /// Slots that may hold a key of the scope, the newest first.
    pub(crate) fn slots(&self, hint: Hint) -> Vec<u32> {
        let part = self.part(hint);
        let more = part.more.get(&hint.0).into_iter().flatten().rev();
        more.chain(part.first.get(&hint.0)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_comes_first_and_each_once() {
        let index = Index::default();
        for slot in [3, 5, 8, 3] {
            index.insert(Hint(7), slot);
        }
        assert_eq!(index.slots(Hint(7)), [8, 5, 3]);
        assert!(index.slots(Hint(8)).is_empty());
    }
}
