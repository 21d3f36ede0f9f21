//! Lines of an invoice: the first of them in its row, the others on sheets of their own.
//!
//! An invoice may have a hundred thousand lines. A row that held them all would be written anew
//! with every payment.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::store::{Store, StoreError};
use crate::table::{Key, TableKind};

/// Lines on a sheet, and in the row.
pub(crate) const SHEET: usize = 64;

/// The lines of an invoice, numbered from 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lines<L> {
    count: u32,
    first: Vec<L>,
}

/// Where a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the row, at this place.
    Row(usize),
    /// On this sheet, from 1, at this place.
    Sheet(u32, usize),
}

/// Where the line of a number is, if it is one.
fn place_of(number: u32) -> Option<Place> {
    let at = usize::try_from(number).ok()?.checked_sub(1)?;
    let (sheet, place) = (at / SHEET, at % SHEET);
    match u32::try_from(sheet) {
        Ok(0) => Some(Place::Row(place)),
        Ok(sheet) => Some(Place::Sheet(sheet, place)),
        Err(_) => None,
    }
}

impl<L> Lines<L> {
    /// Lines in their order; those that are not in the row go to `put`, sheet by sheet.
    pub(crate) fn new(
        lines: impl IntoIterator<Item = L>,
        mut put: impl FnMut(u32, Vec<L>),
    ) -> Self {
        let mut lines = lines.into_iter();
        let first: Vec<L> = lines.by_ref().take(SHEET).collect();
        let (mut count, mut sheet) = (first.len(), 1);
        loop {
            let some: Vec<L> = lines.by_ref().take(SHEET).collect();
            if some.is_empty() {
                break;
            }
            count += some.len();
            put(sheet, some);
            sheet += 1;
        }
        Self { count: u32::try_from(count).unwrap_or(u32::MAX), first }
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// Where the line of a number is; none if there is no such line.
    pub(crate) fn place(&self, number: u32) -> Option<Place> {
        place_of(number).filter(|_| number <= self.count)
    }

    /// The line at a place in the row, to be changed.
    pub(crate) fn in_row(&mut self, place: usize) -> Option<&mut L> {
        self.first.get_mut(place)
    }
}

/// The sheets of a table, by whose they are.
pub(crate) type Sheets<K, L> = TableKind<(K, u32), Vec<L>>;

impl<L: Clone + Serialize + DeserializeOwned> Lines<L> {
    /// The line of a number, as it was last written; none if there is no such line.
    pub(crate) fn read<K: Key>(
        &self,
        (store, sheets, of): (&dyn Store, Sheets<K, L>, K),
        number: u32,
    ) -> Result<Option<L>, StoreError> {
        Ok(match self.place(number) {
            None => None,
            Some(Place::Row(place)) => self.first.get(place).cloned(),
            Some(Place::Sheet(sheet, place)) => {
                let sheet = sheets.read(store, (of, sheet))?.unwrap_or_default();
                let line = sheet.into_iter().nth(place);
                Some(line.ok_or(StoreError::Missing { what: "a line on its sheet" })?)
            }
        })
    }

    /// Shows the lines behind a number, in their order, until `each` says no.
    pub(crate) fn scan<K: Key, E: From<StoreError>>(
        &self,
        (store, sheets, of): (&dyn Store, Sheets<K, L>, K),
        after: u32,
        mut each: impl FnMut(L) -> Result<bool, E>,
    ) -> Result<(), E> {
        let Some(place) = self.place(after.saturating_add(1)) else { return Ok(()) };
        let (mut sheet, mut skipped) = match place {
            Place::Row(place) => (0, place),
            Place::Sheet(sheet, place) => (sheet, place),
        };
        loop {
            let read = match sheet {
                0 => self.first.clone(),
                sheet => match sheets.read(store, (of, sheet))? {
                    Some(lines) => lines,
                    None => return Ok(()),
                },
            };
            for line in read.into_iter().skip(skipped) {
                if !each(line)? {
                    return Ok(());
                }
            }
            (sheet, skipped) = (sheet + 1, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_in_the_row_is_on_sheets() {
        let mut sheets = Vec::new();
        let lines = Lines::new(1..=130_u32, |number, lines| sheets.push((number, lines)));
        assert_eq!((lines.count(), lines.first.len()), (130, 64));
        let found: Vec<_> = sheets.iter().map(|(n, lines)| (*n, lines[0], lines.len())).collect();
        assert_eq!(found, [(1, 65, 64), (2, 129, 2)]);
        assert_eq!(lines.place(0), None);
        assert_eq!(lines.place(64), Some(Place::Row(63)));
        assert_eq!(lines.place(65), Some(Place::Sheet(1, 0)));
        assert_eq!(lines.place(130), Some(Place::Sheet(2, 1)));
        assert_eq!(lines.place(131), None);
    }
}
