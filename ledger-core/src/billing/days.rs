//! Sets of days, as ordered disjoint intervals.

use schemas::Interval;

/// The days of `set` that are not in `taken`.
pub(crate) fn without(set: &[Interval], taken: Interval) -> Vec<Interval> {
    let mut left = Vec::with_capacity(set.len() + 1);
    for days in set {
        if days.overlap(taken).is_none() {
            left.push(*days);
            continue;
        }
        left.extend(Interval::new(days.start(), taken.start()).ok());
        left.extend(Interval::new(taken.end(), days.end()).ok());
    }
    left
}

/// The days of `set` and those of `added`, joined where they touch.
pub(crate) fn with(set: &[Interval], added: Interval) -> Vec<Interval> {
    let mut all: Vec<Interval> = set.iter().copied().chain([added]).collect();
    all.sort_unstable();
    let mut joined: Vec<Interval> = Vec::with_capacity(all.len());
    for days in all {
        match joined.last_mut() {
            Some(last) if days.start() <= last.end() => {
                if let Ok(both) = Interval::new(last.start(), last.end().max(days.end())) {
                    *last = both;
                }
            }
            Some(_) | None => joined.push(days),
        }
    }
    joined
}

/// The days of `of` that are in `set`.
pub(crate) fn within(set: &[Interval], of: Interval) -> Vec<Interval> {
    set.iter().filter_map(|days| days.overlap(of)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(text: &str) -> Interval {
        text.parse().expect("an interval")
    }

    #[test]
    fn taking_days_away_and_giving_them_back_is_the_same_set() {
        let month = days("2026-01-01/2026-02-01");
        let week = days("2026-01-10/2026-01-17");
        let left = without(&[month], week);
        assert_eq!(left, [days("2026-01-01/2026-01-10"), days("2026-01-17/2026-02-01")]);
        assert_eq!(with(&left, week), [month]);
        assert_eq!(within(&left, days("2026-01-09/2026-01-18")).len(), 2);
        assert_eq!(without(&left, month), []);
    }
}
