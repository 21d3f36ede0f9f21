//! Places: where rows that come one after the other lie, several on a page.
//!
//! Place = page × 16 + slot. A page takes 16 rows, or fewer if they are heavy. Places only grow,
//! so they stand for the order of the log.

use serde::{Deserialize, Serialize};

/// Rows on a page.
const SLOTS: u64 = 16;
/// A page of this weight takes no further row.
const FULL: u32 = 64;

/// Where the next row goes.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Places {
    page: u64,
    slots: u64,
    weight: u32,
}

impl Places {
    /// The place of the next row, which has this weight.
    pub(crate) fn take(&mut self, weight: usize) -> u64 {
        if self.slots == SLOTS || self.weight >= FULL {
            *self = Self { page: self.page + 1, slots: 0, weight: 0 };
        }
        let place = self.page * SLOTS + self.slots;
        self.slots += 1;
        self.weight = self.weight.saturating_add(u32::try_from(weight).unwrap_or(FULL));
        place
    }
}

/// The page of a place, and the slot on it.
pub(crate) fn page_of(place: u64) -> (u64, usize) {
    let slot = usize::try_from(place % SLOTS).expect("less than 16");
    (place / SLOTS, slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_when_it_has_enough_rows_or_enough_weight() {
        let mut places = Places::default();
        let light: Vec<u64> = (0..17).map(|_| places.take(1)).collect();
        assert_eq!(light, (0..17).collect::<Vec<_>>());
        assert_eq!((places.take(1_000), places.take(1)), (17, 32));
        assert_eq!(page_of(17), (1, 1));
    }
}
