//! Distributions of what was measured, without a clock: callers say which second it is.
//!
//! *Shape.* [`Buckets`] counts values in buckets that grow with them, eight to each power of two,
//! so a figure is at most an eighth too large. A [`Window`] keeps such buckets for the last six
//! spans of ten seconds. *Limits.* 2 KiB a span; recording takes no memory.

use super::Figures;

/// Buckets to each power of two.
const FINE: u64 = 8;
const BUCKETS: usize = 496;
/// Seconds of one span.
const SPAN: u64 = 10;
/// Spans of a window.
const SPANS: usize = 6;

/// How often each value was seen, about.
#[derive(Debug, Clone)]
pub struct Buckets {
    counts: Box<[u32; BUCKETS]>,
    count: u64,
    sum: u64,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { counts: Box::new([0; BUCKETS]), count: 0, sum: 0 }
    }
}

impl Buckets {
    fn record(&mut self, value: u64) {
        let bucket = &mut self.counts[bucket_of(value)];
        *bucket = bucket.saturating_add(1);
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
    }

    fn add(&mut self, other: &Self) {
        for (into, count) in self.counts.iter_mut().zip(other.counts.iter()) {
            *into = into.saturating_add(*count);
        }
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// How many of them were at most `limit`, about.
    pub fn at_most(&self, limit: u64) -> u64 {
        let upto = bucket_of(limit);
        self.counts[..=upto].iter().map(|count| u64::from(*count)).sum()
    }

    fn figures(&self) -> Figures {
        let max = self.counts.iter().rposition(|count| *count > 0).map_or(0, largest_of);
        let at = |hundredths: u64| {
            let wanted = (self.count * hundredths).div_ceil(100).max(1);
            let mut seen = 0;
            let found = self.counts.iter().position(|count| {
                seen += u64::from(*count);
                seen >= wanted
            });
            found.map_or(0, largest_of)
        };
        Figures { count: self.count, p50: at(50), p99: at(99), max }
    }
}

fn bucket_of(value: u64) -> usize {
    if value < FINE {
        return usize::try_from(value).unwrap_or(0);
    }
    let power = u64::from(value.ilog2());
    let fine = (value >> (power - 3)) % FINE;
    usize::try_from((power - 2) * FINE + fine).unwrap_or(BUCKETS - 1)
}

/// The largest value of a bucket.
fn largest_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < FINE {
        return bucket;
    }
    let (power, fine) = (bucket / FINE + 2, bucket % FINE);
    let step = 1_u64 << (power - 3);
    (1_u64 << power) + fine * step + (step - 1)
}

/// What was measured in the last minute, and since the start.
#[derive(Debug, Clone, Default)]
pub struct Window {
    spans: [(u64, Buckets); SPANS],
    total: Buckets,
}

impl Window {
    /// Records a value in the second `now` since the start.
    pub fn record(&mut self, now: u64, value: u64) {
        let span = now / SPAN;
        let slot = &mut self.spans[usize::try_from(span).unwrap_or(0) % SPANS];
        if slot.0 != span {
            *slot = (span, Buckets::default());
        }
        slot.1.record(value);
        self.total.record(value);
    }

    fn recent(&self, now: u64) -> Buckets {
        let span = now / SPAN;
        let mut recent = Buckets::default();
        for (of, buckets) in &self.spans {
            if of + SPANS as u64 > span && *of <= span {
                recent.add(buckets);
            }
        }
        recent
    }

    /// The figures of the last minute.
    pub fn figures(&self, now: u64) -> Figures {
        self.recent(now).figures()
    }

    /// The sum of the last minute's values for each of its seconds.
    pub fn per_second(&self, now: u64) -> u64 {
        let covered = (now % SPAN + 1 + SPAN * (SPANS as u64 - 1)).min(now + 1);
        self.recent(now).sum / covered
    }

    /// All values since the start.
    pub fn total(&self) -> &Buckets {
        &self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_at_most_an_eighth_too_large_and_never_too_small() {
        for value in (0..5_000).chain((0..60).map(|power| (1_u64 << power) + 12_345)) {
            let shown = largest_of(bucket_of(value));
            assert!(shown >= value && shown - value <= value / FINE, "{value}: {shown}");
        }
        assert!(bucket_of(u64::MAX) < BUCKETS);
    }

    #[test]
    fn what_is_older_than_a_minute_is_forgotten_but_for_the_total() {
        let mut window = Window::default();
        for value in 1..=100 {
            window.record(5, value);
        }
        let Figures { count, p50, p99, .. } = window.figures(5);
        assert_eq!(count, 100);
        assert!((50..=56).contains(&p50) && (99..=111).contains(&p99), "{p50} {p99}");
        assert_eq!(window.per_second(9), 505);
        assert_eq!(window.figures(59).count, 100);
        assert_eq!(window.figures(61).count, 0);
        assert_eq!((window.total().count(), window.total().sum()), (100, 5_050));
        assert_eq!(window.total().at_most(7), 7);
    }
}
