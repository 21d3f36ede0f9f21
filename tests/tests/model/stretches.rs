//! Sets of time: stretches taken out of, and put into, others.
//!
//! # Shape
//!
//! A set is a list of stretches; it is put in order whenever it is made, never assumed to be.

use crate::civil::{Instant, Stretch};

/// In order, without gaps of nothing between.
pub(crate) fn joined(mut of: Vec<Stretch>) -> Vec<Stretch> {
    of.retain(|(start, end)| start < end);
    of.sort_unstable();
    let mut found: Vec<Stretch> = Vec::new();
    for (start, end) in of {
        match found.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            Some(_) | None => found.push((start, end)),
        }
    }
    found
}

/// What of `from` is not in `taken`.
pub(crate) fn without(from: &[Stretch], taken: &[Stretch]) -> Vec<Stretch> {
    let mut left = joined(from.to_vec());
    for (start, end) in taken {
        left = left
            .into_iter()
            .flat_map(|(a, b)| [(a, b.min(*start)), (a.max(*end), b)])
            .filter(|(a, b)| a < b)
            .collect();
    }
    joined(left)
}

/// What is in both.
pub(crate) fn both(of: &[Stretch], with: &[Stretch]) -> Vec<Stretch> {
    let rest = without(of, with);
    without(of, &rest)
}

/// The stretches, cut at instants.
pub(crate) fn cut(of: &[Stretch], at: &[Instant]) -> Vec<Stretch> {
    let mut found = Vec::new();
    for (start, end) in joined(of.to_vec()) {
        let mut from = start;
        let mut inside: Vec<Instant> =
            at.iter().copied().filter(|at| start < *at && *at < end).collect();
        inside.sort_unstable();
        inside.dedup();
        for to in inside.into_iter().chain([end]) {
            found.push((from, to));
            from = to;
        }
    }
    found
}

#[test]
fn time_is_taken_out_and_cut() {
    assert_eq!(without(&[(0, 10)], &[(2, 3), (9, 12)]), [(0, 2), (3, 9)]);
    assert_eq!(both(&[(0, 4), (6, 9)], &[(3, 7)]), [(3, 4), (6, 7)]);
    assert_eq!(cut(&[(0, 10)], &[5, 5, 10, 2]), [(0, 2), (2, 5), (5, 10)]);
    assert_eq!(joined(vec![(3, 4), (1, 3), (7, 7)]), [(1, 4)]);
}
