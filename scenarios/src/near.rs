//! What an author may have meant by a word that is none of a list.

use core::cmp::Reverse;

/// The most that are offered.
const MOST: usize = 3;

/// The words of a list that are near to another one, the nearest first: those that have a part
/// between underscores in common with it, or differ in few letters.
pub(crate) fn near<'a>(word: &str, all: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let parts: Vec<&str> = word.split('_').collect();
    let mut found: Vec<_> = all
        .into_iter()
        .map(|known| {
            let shared = known.split('_').filter(|part| parts.contains(part)).count();
            (steps_between(word, known), Reverse(shared), known)
        })
        .filter(|(steps, Reverse(shared), _)| *shared > 0 || steps * 3 <= word.len())
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(MOST).map(|(_, _, known)| known).collect()
}

/// How many letters have to be put in, left out or changed to make one word the other.
fn steps_between(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut slanted = row[0];
        row[0] = above + 1;
        for (at, same) in other.iter().enumerate() {
            let changed = slanted + usize::from(letter != *same);
            slanted = row[at + 1];
            row[at + 1] = changed.min(slanted + 1).min(row[at] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_near_by_letters_and_by_parts() {
        assert_eq!(steps_between("kitten", "sitting"), 3);
        assert_eq!(steps_between("", "abc"), 3);
        let all = ["unknown_plan", "coupon_exhausted", "unknown_invoice", "busy"];
        assert_eq!(near("unknown_invioce", all), ["unknown_invoice", "unknown_plan"]);
        assert_eq!(near("coupon_over", all), ["coupon_exhausted"]);
        assert_eq!(near("moon", all), Vec::<&str>::new());
    }
}
