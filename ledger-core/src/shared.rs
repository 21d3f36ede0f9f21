//! State that copies share: what a decision tries itself on.
//!
//! # Shape
//!
//! The collections of a customer lie behind [`Shared`] pointers. A clone of a customer copies
//! pointers; what an event then touches is copied up, element by element, and the rest is read
//! through. So an **overlay** (a customer as it would be after some events) costs what these
//! events touch and not what the customer has.
//!
//! # Correctness
//!
//! Whoever has no overlay out changes its state in place: `Arc::make_mut` copies only what is
//! shared. Two copies never see each other's changes.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

mod map;

pub(crate) use map::{Map, Set};

/// A part of the state that overlays share until they change it.
pub(crate) type Shared<T> = Arc<T>;

/// How many items a full chunk of a [`List`] has.
const CHUNK: usize = 64;

/// A list that grows at its end. Clones share its full chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List<T> {
    /// None until a chunk is full: most lists stay short, and then cost no allocation.
    full: Option<Shared<Vec<Shared<Vec<T>>>>>,
    last: Vec<T>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { full: None, last: Vec::new() }
    }
}

impl<T: Clone> List<T> {
    fn full(&self) -> &[Shared<Vec<T>>] {
        self.full.as_deref().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn len(&self) -> usize {
        self.full().len() * CHUNK + self.last.len()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        let (chunk, index) = (at / CHUNK, at % CHUNK);
        if chunk == self.full().len() {
            return self.last.get(index);
        }
        self.full().get(chunk)?.get(index)
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let (chunk, index) = (at / CHUNK, at % CHUNK);
        if chunk == self.full().len() {
            return self.last.get_mut(index);
        }
        let full = Shared::make_mut(self.full.as_mut()?);
        Shared::make_mut(full.get_mut(chunk)?).get_mut(index)
    }

    pub(crate) fn push(&mut self, item: T) {
        self.last.push(item);
        if self.last.len() == CHUNK {
            let chunk = Shared::new(std::mem::take(&mut self.last));
            Shared::make_mut(self.full.get_or_insert_default()).push(chunk);
        }
    }

    /// Keeps the first items.
    pub(crate) fn truncate(&mut self, len: usize) {
        if len < self.len() {
            let kept: Vec<T> = self.iter().take(len).cloned().collect();
            *self = Self::default();
            for item in kept {
                self.push(item);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.full().iter().flat_map(|chunk| chunk.iter()).chain(&self.last)
    }

    /// The place of the last item that `is` takes.
    pub(crate) fn rposition(&self, is: impl Fn(&T) -> bool) -> Option<usize> {
        if let Some(at) = self.last.iter().rposition(&is) {
            return Some(self.full().len() * CHUNK + at);
        }
        let chunks = self.full().iter().enumerate().rev();
        chunks
            .into_iter()
            .find_map(|(number, chunk)| chunk.iter().rposition(&is).map(|at| number * CHUNK + at))
    }
}

/// Stored as its items.
impl<T: Clone + Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq as _;
        let mut items = serializer.serialize_seq(Some(self.len()))?;
        for item in self.iter() {
            items.serialize_element(item)?;
        }
        items.end()
    }
}

impl<'de, T: Clone + Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<T>::deserialize(deserializer)?;
        u32::try_from(items.len()).map_err(|_| de::Error::custom("the list is too long"))?;
        let mut list = Self::default();
        for item in items {
            list.push(item);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(length: usize) -> List<usize> {
        let mut list = List::default();
        (0..length).for_each(|item| list.push(item));
        list
    }

    #[test]
    fn a_list_finds_what_was_pushed_and_reads_back() {
        for length in [0, 1, 63, 64, 65, 200] {
            let list = list(length);
            assert_eq!(list.len(), length);
            assert!((0..length).all(|at| list.get(at) == Some(&at)));
            assert_eq!(list.get(length), None);
            assert!(list.iter().copied().eq(0..length));
            assert!((0..length).all(|at| list.rposition(|item| *item == at) == Some(at)));
            let bytes = postcard::to_allocvec(&list).expect("encodes");
            assert_eq!(postcard::from_bytes::<List<usize>>(&bytes), Ok(list));
        }
    }

    #[test]
    fn a_clone_shares_full_chunks_and_never_sees_changes() {
        let mut first = list(200);
        let second = first.clone();
        *first.get_mut(3).expect("it is there") = 1_000;
        first.push(7);
        assert_eq!((first.get(3), second.get(3)), (Some(&1_000), Some(&3)));
        assert_eq!((first.len(), second.len()), (201, 200));
        let shares = |at: usize| Shared::ptr_eq(&first.full()[at], &second.full()[at]);
        assert!(!shares(0) && shares(1) && shares(2));
    }
}
