//! Instants, and sets of time as ordered disjoint spans.

use schemas::{Span, Timestamp};

/// The time of `set` that is not in `taken`.
pub(crate) fn without(set: &[Span], taken: Span) -> Vec<Span> {
    let mut left = Vec::with_capacity(set.len() + 1);
    for span in set {
        if span.overlap(taken).is_none() {
            left.push(*span);
            continue;
        }
        left.extend(Span::new(span.start(), taken.start()));
        left.extend(Span::new(taken.end(), span.end()));
    }
    left
}

/// The time of `set` and of `added`, joined where they touch.
pub(crate) fn with(set: &[Span], added: Span) -> Vec<Span> {
    let mut all: Vec<Span> = set.iter().copied().chain([added]).collect();
    all.sort_unstable();
    let mut joined: Vec<Span> = Vec::with_capacity(all.len());
    for span in all {
        match joined.last_mut() {
            Some(last) if span.start() <= last.end() => {
                if let Some(both) = Span::new(last.start(), last.end().max(span.end())) {
                    *last = both;
                }
            }
            Some(_) | None => joined.push(span),
        }
    }
    joined
}

/// The time of `of` that is in `set`.
pub(crate) fn within(set: &[Span], of: Span) -> Vec<Span> {
    set.iter().filter_map(|span| span.overlap(of)).collect()
}

/// The last instant before another.
pub(crate) fn just_before(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.micros() - 1).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(days: &str) -> Span {
        let (start, end) = days.split_once('/').expect("two days");
        format!("2026-01-{start}T00:00:00Z/2026-01-{end}T00:00:00Z").parse().expect("a span")
    }

    #[test]
    fn taking_time_away_and_giving_it_back_is_the_same_set() {
        let month = span("01/31");
        let week = span("10/17");
        let left = without(&[month], week);
        assert_eq!(left, [span("01/10"), span("17/31")]);
        assert_eq!(with(&left, week), [month]);
        assert_eq!(within(&left, span("09/18")).len(), 2);
        assert_eq!(without(&left, month), []);
    }
}
