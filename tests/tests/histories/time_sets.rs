//! Sets of time as lists of disjoint spans.

use schemas::{Span, Timestamp};

/// `set` without `taken`.
pub(crate) fn without(set: &[Span], taken: Span) -> Vec<Span> {
    set.iter()
        .flat_map(|span| {
            let before = Span::new(span.start(), span.end().min(taken.start()));
            let after = Span::new(span.start().max(taken.end()), span.end());
            [before, after].into_iter().flatten()
        })
        .collect()
}

/// `set` with `added`, joined where they touch.
pub(crate) fn with(set: &[Span], added: Span) -> Vec<Span> {
    let mut all = set.to_vec();
    all.push(added);
    all.sort_unstable();
    let mut joined: Vec<Span> = Vec::new();
    for span in all {
        let touches = joined.last().filter(|last| span.start() <= last.end()).copied();
        match touches.and_then(|last| Span::new(last.start(), last.end().max(span.end()))) {
            Some(both) => *joined.last_mut().expect("it touches one") = both,
            None => joined.push(span),
        }
    }
    joined
}

/// A span that ends in the far future.
pub(crate) fn from_on(start: Timestamp) -> Option<Span> {
    Span::new(start, "2900-01-01T00:00:00Z".parse().expect("an instant"))
}
