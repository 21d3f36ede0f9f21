//! What a line that charges some time would give back for it.

use schemas::Span;
use schemas::event::LineSource;

use crate::time_sets::without;
use crate::watch::Seen;

impl Seen {
    /// Something would be given back for this time. Of time that cost nothing, of which nothing is
    /// left, or whose share is less than a minor unit, no document says that it is charged no more.
    pub(crate) fn gives_back(&self, time: Span) -> bool {
        let Some(pricing) = &self.line.pricing else { return false };
        let of = |amount: i64| i128::from(amount) * i128::from(time.micros());
        let whole = i128::from(pricing.span.micros());
        let live: i128 = self.live.iter().map(|span| i128::from(span.micros())).sum();
        let gross_left = self.line.gross.0 - self.credited_gross;
        let left = self.line.net.0 - self.credited - self.noted;
        whole <= of(self.line.gross.0)
            && live <= of(gross_left)
            && (self.line.net.0 == 0 || live <= of(left))
    }

    /// It charges time of this cycle of its item.
    pub(crate) fn is_charging(&self, number: u32) -> bool {
        match self.line.source {
            LineSource::Cycle { cycle, .. } => cycle == number && !self.live.is_empty(),
            LineSource::Charge(_) | LineSource::Invoice => false,
        }
    }

    /// A part of this time that it charges and would give something back for.
    pub(crate) fn charges(&self, time: Span) -> Option<Span> {
        let mut both = self.live.iter().filter_map(|live| live.overlap(time));
        both.find(|both| self.gives_back(*both))
    }
}

/// How many times something was given back without a word, since it was nothing: for time that a
/// line charges still though it is not `due`, or that another line charges by now.
pub(crate) fn unsaid(lines: &[&Seen], due: &[Span]) -> usize {
    let of_line = |(at, line): (usize, &&Seen)| {
        let beyond = due.iter().fold(line.live.clone(), |set, span| without(&set, *span));
        let later = lines[at + 1..].iter().flat_map(|other| &other.live);
        let both = |later: &&Span| line.live.iter().any(|live| live.overlap(**later).is_some());
        beyond.len() + later.filter(both).count()
    };
    lines.iter().enumerate().map(of_line).sum()
}

/// Time that two of these lines charge, and would give something back for.
pub(crate) fn charged_twice(lines: &[&Seen]) -> Option<Span> {
    lines.iter().enumerate().find_map(|(at, line)| {
        let taken = line.live.iter().filter(|live| line.gives_back(**live));
        let others = &lines[at + 1..];
        taken.copied().find_map(|live| {
            let mut both = others.iter().filter_map(|other| other.charges(live));
            both.find(|both| line.gives_back(*both))
        })
    })
}
