//! Long pieces in pages, of which a layer holds only those that no layer below it has.
//!
//! # Shape
//!
//! A piece of more than [`LONG`] bytes is cut where its bytes say so: a hash that rolls over the
//! last 64 of them ends a page. So what is added or changed somewhere changes the page that it
//! lies in, and those before and behind are the pages that they were. A page is called by its
//! bytes, the first half of their SHA-256; instead of the piece, a layer holds the names of its
//! pages.
//!
//! # Correctness
//!
//! Where a page ends decides only how much is written. A piece that was put together is what was
//! cut, or its pages would have other names.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

/// A piece of so many bytes is kept whole.
pub(crate) const LONG: usize = 64 << 10;
/// A page has so many bytes at least, unless it is the last, …
const SHORTEST: usize = 8 << 10;
/// … and so many at most.
const LONGEST: usize = 64 << 10;
/// Beyond the shortest, one place in 16,384 ends a page.
const ENDS: u64 = 0x3FFF << 50;

/// What a page is called.
pub(crate) type PageName = u128;

/// The bytes of a name.
pub(super) const NAME: usize = 16;

/// A number for each byte, to be rolled over.
const ROLLED: [u64; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    while at < 256 {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        table[at] = mixed ^ (mixed >> 31);
        at += 1;
    }
    table
};

/// The pages of a piece, in order.
pub(crate) fn pages(mut piece: &[u8]) -> Vec<&[u8]> {
    let mut pages = Vec::new();
    while !piece.is_empty() {
        let (page, rest) = piece.split_at(end_of_page(piece));
        pages.push(page);
        piece = rest;
    }
    pages
}

fn end_of_page(piece: &[u8]) -> usize {
    let most = piece.len().min(LONGEST);
    let mut rolled: u64 = 0;
    for (at, byte) in piece[..most].iter().enumerate().skip(SHORTEST - 64) {
        rolled = (rolled << 1).wrapping_add(ROLLED[usize::from(*byte)]);
        if at >= SHORTEST && rolled & ENDS == 0 {
            return at;
        }
    }
    most
}

/// What a page is called.
pub(crate) fn name_of(page: &[u8]) -> PageName {
    let sha: [u8; 32] = Sha256::digest(page).into();
    PageName::from_be_bytes(std::array::from_fn(|n| sha[n]))
}

/// The names in a piece that is in pages.
pub(crate) fn names(piece: &[u8]) -> impl Iterator<Item = PageName> {
    piece.as_chunks::<NAME>().0.iter().map(|name| PageName::from_be_bytes(*name))
}

/// Cuts a piece: the names of its pages, as bytes. Pages that `is_known` does not know are added
/// to `fresh`.
pub(crate) fn cut(
    piece: &[u8],
    is_known: impl Fn(PageName) -> bool,
    fresh: &mut BTreeMap<PageName, Vec<u8>>,
) -> Vec<u8> {
    let mut listed = Vec::new();
    for page in pages(piece) {
        let name = name_of(page);
        listed.extend_from_slice(&name.to_be_bytes());
        if !is_known(name) {
            fresh.entry(name).or_insert_with(|| page.to_vec());
        }
    }
    listed
}

#[cfg(test)]
mod tests {
    use event_log::sim::SplitMix64;

    use super::*;

    fn noise(seed: u64, length: usize) -> Vec<u8> {
        let mut random = SplitMix64::new(seed);
        (0..length).map(|_| random.next_number().to_be_bytes()[0]).collect()
    }

    #[test]
    fn what_is_put_in_somewhere_changes_a_page_or_two() {
        let before = noise(1, 1 << 20);
        let mut after = before.clone();
        after.splice(500_000..500_000, noise(2, 40));
        let mut fresh = BTreeMap::new();
        let listed = cut(&before, |_| false, &mut fresh);
        assert_eq!(names(&listed).count(), fresh.len());
        let put_together: Vec<u8> =
            names(&listed).flat_map(|name| fresh[&name].iter().copied()).collect();
        assert!(put_together == before);
        let mut changed = BTreeMap::new();
        let listed = cut(&after, |name| fresh.contains_key(&name), &mut changed);
        assert!((1..=2).contains(&changed.len()), "{} of {}", changed.len(), fresh.len());
        let page = |name| fresh.get(&name).or_else(|| changed.get(&name)).expect("a page");
        assert!(names(&listed).flat_map(page).copied().eq(after));
    }

    #[test]
    fn pages_are_never_too_short_and_never_too_long() {
        for bytes in [noise(3, 1 << 20), vec![0; 1 << 20], noise(4, 100), Vec::new()] {
            let pages = pages(&bytes);
            assert_eq!(pages.concat(), bytes);
            let mut but_the_last = pages.iter().rev().skip(1);
            assert!(but_the_last.all(|page| (SHORTEST..=LONGEST).contains(&page.len())));
        }
    }
}
