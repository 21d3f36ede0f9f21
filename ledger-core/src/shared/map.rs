//! A sorted map that overlays share.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{CHUNK, Shared};

/// Rows in the order of their keys.
type Chunk<K, V> = Shared<Vec<(K, V)>>;

/// Chunks in order, none empty. Beside each what it begins with: no key of it lies before that, and
/// none of those before it behind. A search looks at these, side by side.
type Group<K, V> = Shared<Vec<(K, Chunk<K, V>)>>;

/// Groups in order, none empty, each beside what it begins with.
type Groups<K, V> = Shared<Vec<(K, Group<K, V>)>>;

/// Where a chunk is: its group, and its place there.
type Place = (usize, usize);

/// A map in the order of its keys. What a clone changes costs a chunk, a pointer for each other
/// one of its group, and a pointer for each other group.
#[derive(Debug, Clone)]
pub(crate) struct Map<K, V> {
    /// All of it while that is a chunk at most: most maps stay small, and then need no pointers.
    few: Vec<(K, V)>,
    /// Once it was more than a chunk.
    many: Option<Groups<K, V>>,
}

/// A sorted set that overlays share.
pub(crate) type Set<K> = Map<K, ()>;

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self { few: Vec::new(), many: None }
    }
}

impl<K: Copy + Ord, V: Clone> Map<K, V> {
    fn chunks(&self) -> impl DoubleEndedIterator<Item = &Chunk<K, V>> + Clone {
        let groups = self.many.as_deref().map_or(&[][..], Vec::as_slice);
        groups.iter().flat_map(|(_, group)| group.iter().map(|(_, chunk)| chunk))
    }

    pub(crate) fn len(&self) -> usize {
        self.few.len() + self.chunks().map(|chunk| chunk.len()).sum::<usize>()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.few.is_empty() && self.many.is_none()
    }

    /// The chunk in which a key lies, if it is there: the last one that begins up to it.
    fn chunk_of(groups: &[(K, Group<K, V>)], key: K) -> Place {
        let group = groups.partition_point(|(first, _)| *first <= key).saturating_sub(1);
        let chunks = &groups[group].1;
        let chunk = chunks.partition_point(|(first, _)| *first <= key).saturating_sub(1);
        (group, chunk)
    }

    /// A chunk, to be changed.
    fn rows_mut(groups: &mut Groups<K, V>, (group, chunk): Place) -> &mut Vec<(K, V)> {
        let group = Shared::make_mut(&mut Shared::make_mut(groups)[group].1);
        Shared::make_mut(&mut group[chunk].1)
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        let rows: &[(K, V)] = match &self.many {
            None => &self.few,
            Some(groups) => {
                let (group, chunk) = Self::chunk_of(groups, key);
                &groups[group].1[chunk].1
            }
        };
        let at = rows.binary_search_by_key(&key, |(found, _)| *found).ok()?;
        Some(&rows[at].1)
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        if !self.contains(key) {
            // What is not there is not copied to be looked at.
            return None;
        }
        let rows = match &mut self.many {
            None => &mut self.few,
            Some(groups) => {
                let place = Self::chunk_of(groups, key);
                Self::rows_mut(groups, place)
            }
        };
        let at = rows.binary_search_by_key(&key, |(found, _)| *found).ok()?;
        Some(&mut rows[at].1)
    }

    /// Puts a value, in the place of one that is there.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.many.is_none() && (self.few.len() < CHUNK || self.contains(key)) {
            match self.few.binary_search_by_key(&key, |(found, _)| *found) {
                Ok(at) => self.few[at].1 = value,
                Err(at) => {
                    if self.few.is_empty() {
                        self.few.reserve_exact(1);
                    }
                    self.few.insert(at, (key, value));
                }
            }
            return;
        }
        let few = &mut self.few;
        let all = || {
            let (first, rows) = (few.first().map_or(key, |(first, _)| *first), std::mem::take(few));
            Shared::new(vec![(first, Shared::new(vec![(first, Shared::new(rows))]))])
        };
        let groups = self.many.get_or_insert_with(all);
        let (group, chunk) = Self::chunk_of(groups, key);
        let is_last = (group + 1, chunk + 1) == (groups.len(), groups[group].1.len());
        let rows = Self::rows_mut(groups, (group, chunk));
        match rows.binary_search_by_key(&key, |(found, _)| *found) {
            Ok(place) => rows[place].1 = value,
            Err(place) if rows.len() < CHUNK => rows.insert(place, (key, value)),
            // Keys mostly come in their order: full chunks stay full then.
            Err(place) if is_last && place == rows.len() => {
                let mut fresh = Vec::with_capacity(CHUNK);
                fresh.push((key, value));
                Self::put(Shared::make_mut(groups), (group, chunk + 1), fresh, is_last);
            }
            Err(place) => {
                let mut upper = rows.split_off(CHUNK / 2);
                match place.checked_sub(rows.len()) {
                    Some(place) => upper.insert(place, (key, value)),
                    None => rows.insert(place, (key, value)),
                }
                Self::put(Shared::make_mut(groups), (group, chunk + 1), upper, is_last);
            }
        }
    }

    /// Puts a chunk at its place; a group that is full is split, or stays full at the end.
    fn put(
        groups: &mut Vec<(K, Group<K, V>)>,
        (group, chunk): Place,
        rows: Vec<(K, V)>,
        is_last: bool,
    ) {
        let Some((first, _)) = rows.first() else { return };
        let (first, fresh) = (*first, (*first, Shared::new(rows)));
        let full = Shared::make_mut(&mut groups[group].1);
        if full.len() < CHUNK {
            full.insert(chunk, fresh);
        } else if is_last {
            groups.push((first, Shared::new(vec![fresh])));
        } else {
            let mut upper = full.split_off(CHUNK / 2);
            match chunk.checked_sub(full.len()) {
                Some(chunk) => upper.insert(chunk, fresh),
                None => full.insert(chunk, fresh),
            }
            groups.insert(group + 1, (upper[0].0, Shared::new(upper)));
        }
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        if !self.contains(key) {
            return None;
        }
        let Some(groups) = &mut self.many else {
            let at = self.few.binary_search_by_key(&key, |(found, _)| *found).ok()?;
            return Some(self.few.remove(at).1);
        };
        let (group, chunk) = Self::chunk_of(groups, key);
        let rows = Self::rows_mut(groups, (group, chunk));
        let place = rows.binary_search_by_key(&key, |(found, _)| *found).ok()?;
        let (_, value) = rows.remove(place);
        if rows.is_empty() {
            let groups = Shared::make_mut(groups);
            Shared::make_mut(&mut groups[group].1).remove(chunk);
            if groups[group].1.is_empty() {
                groups.remove(group);
            }
            if groups.is_empty() {
                self.many = None;
            }
        }
        Some(value)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> + Clone {
        let rows = self.few.iter().chain(self.chunks().flat_map(|chunk| chunk.iter()));
        rows.map(|(key, value)| (*key, value))
    }

    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = K> + Clone + '_ {
        self.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &V> + Clone {
        self.iter().map(|(_, value)| value)
    }
}

impl<K: Copy + Ord> Set<K> {
    pub(crate) fn add(&mut self, key: K) {
        if !self.contains(key) {
            self.insert(key, ());
        }
    }
}

/// Equal maps have equal rows, wherever their chunks end.
impl<K: Copy + Ord, V: Clone + PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<K: Copy + Ord, V: Clone + Eq> Eq for Map<K, V> {}

impl<K: Copy + Ord, V: Clone> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(rows: I) -> Self {
        let mut map = Self::default();
        for (key, value) in rows {
            map.insert(key, value);
        }
        map
    }
}

/// Stored as its rows.
impl<K: Copy + Ord + Serialize, V: Clone + Serialize> Serialize for Map<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq as _;
        let mut rows = serializer.serialize_seq(Some(self.len()))?;
        for row in self.iter() {
            rows.serialize_element(&row)?;
        }
        rows.end()
    }
}

impl<'de, K, V> Deserialize<'de> for Map<K, V>
where
    K: Copy + Ord + Deserialize<'de>,
    V: Clone + Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = Vec::<(K, V)>::deserialize(deserializer)?;
        if !rows.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(de::Error::custom("the keys of a map are not in order"));
        }
        Ok(rows.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Numbers in an order that splits chunks in their middle, too.
    fn mixed(count: u32) -> impl Iterator<Item = u32> {
        (0..count).map(move |number| (number * 7_919) % (2 * count + 1))
    }

    #[test]
    fn a_map_is_what_a_tree_is_whatever_is_put_and_taken() {
        for count in [0, 1, 64, 65, 1_000, 20_000] {
            let (mut map, mut tree) = (Map::default(), BTreeMap::new());
            for key in mixed(count) {
                map.insert(key, key + 1);
                tree.insert(key, key + 1);
            }
            for key in mixed(count).step_by(3) {
                assert_eq!(map.remove(key), tree.remove(&key));
            }
            for key in mixed(count).step_by(5) {
                assert_eq!(map.get_mut(key).map(|value| *value += 1).is_some(), {
                    tree.get_mut(&key).map(|value| *value += 1).is_some()
                });
            }
            assert_eq!(map.len(), tree.len());
            assert_eq!(map.is_empty(), tree.is_empty());
            assert!(map.iter().eq(tree.iter().map(|(key, value)| (*key, value))));
            assert!((0..3 * count).all(|key| map.get(key) == tree.get(&key)));
            let groups = map.many.as_deref().map_or(&[][..], Vec::as_slice);
            assert!(groups.iter().all(|(_, group)| (1..=CHUNK).contains(&group.len())));
            let bytes = postcard::to_allocvec(&map).expect("encodes");
            assert_eq!(postcard::from_bytes::<Map<u32, u32>>(&bytes), Ok(map));
        }
    }

    #[test]
    fn a_clone_never_sees_changes_and_copies_one_chunk() {
        let mut first: Map<u32, u32> = (0..1_000).map(|key| (key, key)).collect();
        let second = first.clone();
        *first.get_mut(500).expect("it is there") = 7;
        first.insert(2_000, 1);
        assert_eq!((first.get(500), second.get(500)), (Some(&7), Some(&500)));
        assert_eq!((first.len(), second.len()), (1_001, 1_000));
        let shared = first.chunks().zip(second.chunks());
        assert_eq!(shared.filter(|(a, b)| !Shared::ptr_eq(a, b)).count(), 2);
    }

    #[test]
    fn rows_out_of_order_are_no_map() {
        let bytes = postcard::to_allocvec(&[(2_u32, 0_u32), (1, 0)]).expect("encodes");
        assert!(postcard::from_bytes::<Map<u32, u32>>(&bytes[..]).is_err());
    }
}
