//! Lists that grow at their end: the last items lie in their owner's row, the rest in chunks.
//!
//! A row that grows with every event would be written again and again at its full length. Here
//! each item is written with its owner's row at most `N` times and once more with its chunk.

use serde::{Deserialize, Serialize};

/// The end of a list, and how many full chunks of `N` lie before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tail<T, const N: usize> {
    chunks: u32,
    items: Vec<T>,
}

impl<T, const N: usize> Default for Tail<T, N> {
    fn default() -> Self {
        Self { chunks: 0, items: Vec::new() }
    }
}

impl<T, const N: usize> Tail<T, N> {
    /// Appends an item. Gives back a full chunk that must be stored under its number.
    #[must_use]
    pub(crate) fn push(&mut self, item: T) -> Option<(u32, Vec<T>)> {
        let mut full = None;
        if self.items.len() >= N {
            full = Some((self.chunks, std::mem::take(&mut self.items)));
            self.chunks += 1;
        }
        self.items.push(item);
        full
    }

    /// How many chunks are stored.
    pub(crate) const fn chunks(&self) -> u32 {
        self.chunks
    }

    /// The items behind the chunks.
    pub(crate) fn items(&self) -> &[T] {
        &self.items
    }

    /// The items behind the chunks, to be changed.
    pub(crate) fn items_mut(&mut self) -> &mut [T] {
        &mut self.items
    }

    /// How many items there are in all.
    pub(crate) fn len(&self) -> u64 {
        u64::from(self.chunks) * N as u64 + self.items.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_chunk_comes_out_when_the_next_item_comes() {
        let mut list = Tail::<u8, 2>::default();
        assert_eq!(list.push(1), None);
        assert_eq!(list.push(2), None);
        assert_eq!(list.push(3), Some((0, vec![1, 2])));
        assert_eq!((list.chunks(), list.items(), list.len()), (1, &[3][..], 3));
    }
}
