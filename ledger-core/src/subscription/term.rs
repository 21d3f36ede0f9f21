//! Contract terms: how long each is, and when the last one ends.

use schemas::event::Term;
use schemas::terms::{Anchor, CalendarUnit, Every, Renewal};
use schemas::{Rejection, Span, Timestamp};

use super::calendar;
use crate::customer::rules::Rules;

/// When a term ends a subscription that nobody renews; none if it goes on.
///
/// # Errors
/// A date that cannot be computed.
pub(super) fn ends_by_itself(
    term: Term,
    start: Timestamp,
    rules: &Rules,
) -> Result<Option<Timestamp>, Rejection> {
    match term.renewal {
        Renewal::Cancel => Ok(Some(term.span.end())),
        Renewal::RenewOnce => {
            term_span(start, term.span.end(), term.length, rules).map(|once| Some(once.end()))
        }
        Renewal::Renew | Renewal::Evergreen => Ok(None),
    }
}

/// The term that starts at `from`: up to the next boundary reckoned from the first term's start,
/// so that a term never drifts from its day of the month.
pub(crate) fn term_span(
    first: Timestamp,
    from: Timestamp,
    length: Every,
    rules: &Rules,
) -> Result<Span, Rejection> {
    let calendar = calendar::calendar(first, length, Some(Anchor::Anniversary), rules)?;
    // So many intervals are over by then at least.
    let longest = i64::from(length.count)
        * match length.unit {
            CalendarUnit::Day => 1,
            CalendarUnit::Week => 7,
            CalendarUnit::Month => 31,
            CalendarUnit::Year => 366,
        };
    let days = i64::from(rules.date(from)?.days_since(rules.date(first)?));
    let mut n = (days / longest).max(1);
    loop {
        if let Some(span) = Span::new(from, calendar::boundary(&calendar, n, rules)?) {
            return Ok(span);
        }
        n += 1;
    }
}
