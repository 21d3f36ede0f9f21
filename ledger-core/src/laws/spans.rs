//! Sets of time, as disjoint spans in order. Time that is charged without gaps is one span.

use schemas::{Span, Timestamp};

/// Time that is in the set and in `span`, in pieces.
pub(super) fn within(set: &[Span], span: Span) -> impl Iterator<Item = Span> {
    let near = near(set, span.start(), span.end());
    set[near].iter().filter_map(move |part| part.overlap(span))
}

/// Takes time out of a set.
pub(super) fn take_out(set: &mut Vec<Span>, taken: Span) {
    let near = near(set, taken.start(), taken.end());
    let left: Vec<Span> = set[near.clone()]
        .iter()
        .flat_map(|part| {
            let before = Span::new(part.start(), part.end().min(taken.start()));
            let after = Span::new(part.start().max(taken.end()), part.end());
            [before, after].into_iter().flatten()
        })
        .collect();
    set.splice(near, left);
}

/// Puts time into a set; what touches is one span.
pub(super) fn put_in(set: &mut Vec<Span>, added: Span) {
    let near = near(set, added.start(), added.end());
    let start = set[near.clone()].first().map_or(added.start(), |first| first.start());
    let end = set[near.clone()].last().map_or(added.end(), |last| last.end());
    let whole = Span::new(start.min(added.start()), end.max(added.end()));
    set.splice(near, whole);
}

/// The places of spans that overlap or touch a time.
fn near(set: &[Span], start: Timestamp, end: Timestamp) -> core::ops::Range<usize> {
    let first = set.partition_point(|part| part.end() < start);
    let last = set.partition_point(|part| part.start() <= end);
    first..last.max(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(days: &str) -> Span {
        let (start, end) = days.split_once('/').expect("two days");
        format!("2026-01-{start}T00:00:00Z/2026-01-{end}T00:00:00Z").parse().expect("a span")
    }

    #[test]
    fn what_touches_is_one_span_and_what_is_taken_out_leaves_a_gap() {
        let mut set = Vec::new();
        for days in ["20/25", "01/10", "10/20"] {
            put_in(&mut set, span(days));
        }
        assert_eq!(set, [span("01/25")]);
        take_out(&mut set, span("05/07"));
        take_out(&mut set, span("24/30"));
        assert_eq!(set, [span("01/05"), span("07/24")]);
        let both: Vec<Span> = within(&set, span("04/08")).collect();
        assert_eq!(both, [span("04/05"), span("07/08")]);
        assert_eq!(within(&set, span("05/07")).count(), 0);
        put_in(&mut set, span("05/07"));
        assert_eq!(set, [span("01/24")]);
    }
}
