//! How much of a line is taken back, split by what was earned of it.

use schemas::event::{Amendment, LineRef, LineReversal, RevenueSchedule};
use schemas::{Date, Interval, Minor, Rejection};

use crate::billing::state::{Billing, Line};
use crate::money::rounding::narrow;

/// How a line's recognised and unrecognised parts stand before a day, in minor units.
struct Standing {
    recognised: i64,
    unrecognised: i64,
}

impl Standing {
    fn of(line: &Line, day: Date) -> Result<Self, Rejection> {
        let through = line.earning.recognised_through(day.plus_days(-1)?);
        Ok(Self {
            recognised: line.earned.0 + through.0,
            unrecognised: line.earning.amount.0 - through.0,
        })
    }
}

/// A whole line reversed: all that is left of it after credit notes.
///
/// # Errors
/// A date that cannot be computed.
pub(super) fn whole_line(line: &Line, number: u32, day: Date) -> Result<LineReversal, Rejection> {
    let stands = Standing::of(line, day)?;
    Ok(LineReversal {
        line: number,
        net: Minor(stands.recognised + stands.unrecognised),
        tax: Minor::ZERO,
        recognised: Minor(stands.recognised),
        unrecognised: Minor(stands.unrecognised),
        kept: Minor::ZERO,
        amended: None,
    })
}

/// Takes `share` off a line: what was earned and what was not, in proportion.
///
/// # Errors
/// [`Rejection::UnknownInvoice`]; a date that cannot be computed.
pub(super) fn part_of_line(
    billing: &Billing,
    at: LineRef,
    share: i64,
    day: Date,
) -> Result<LineReversal, Rejection> {
    let line = billing.named(at).ok_or(Rejection::UnknownInvoice { invoice: at.invoice })?;
    let stands = Standing::of(line, day)?;
    let whole = i128::from(stands.recognised) + i128::from(stands.unrecognised);
    // Rounded down. As the share is at most the whole, what is left of it is at most all of the
    // unrecognised part.
    let recognised = narrow(i128::from(share) * i128::from(stands.recognised) / whole)?;
    let unrecognised = share - recognised;
    assert!(unrecognised <= stands.unrecognised, "a share is never more than the whole");
    let rest = stands.unrecognised - unrecognised;
    let amended = (rest != 0).then(|| rest_of_service(line.earning.schedule, day)).transpose()?;
    Ok(LineReversal {
        line: at.line,
        net: Minor(share),
        tax: Minor::ZERO,
        recognised: Minor(recognised),
        unrecognised: Minor(unrecognised),
        kept: Minor(stands.recognised - recognised),
        amended: amended.map(|service| Amendment { service, amount: Minor(rest) }),
    })
}

/// Takes credited time off a line: for each piece its days and how much. What was earned of these
/// days is taken back from what was earned, the rest from what will be.
///
/// # Errors
/// A date that cannot be computed.
pub(super) fn time_of_line(
    line: &Line,
    number: u32,
    pieces: &[(Interval, Minor)],
    day: Date,
) -> Result<LineReversal, Rejection> {
    let stands = Standing::of(line, day)?;
    let net: i64 = pieces.iter().map(|(_, net)| net.0).sum();
    let mut earned = 0;
    for (days, net) in pieces {
        let passed = day.min(days.end()).days_since(days.start()).max(0);
        let length = days.end().days_since(days.start()).max(1);
        earned += narrow(i128::from(net.0) * i128::from(passed) / i128::from(length))?;
    }
    // Revenue is reckoned on the whole line and rounded on its own: each side gives what it has.
    let recognised = earned.max(net - stands.unrecognised).min(stands.recognised).min(net);
    let unrecognised = net - recognised;
    let rest = stands.unrecognised - unrecognised;
    let then = || match line.earning.schedule {
        RevenueSchedule::Point(_) => rest_of_service(line.earning.schedule, day),
        RevenueSchedule::Straight(service) => days_left(service, pieces, day),
    };
    let amended = if rest == 0 { None } else { Some(then()?) };
    Ok(LineReversal {
        line: number,
        net: Minor(net),
        tax: Minor::ZERO,
        recognised: Minor(recognised),
        unrecognised: Minor(unrecognised),
        kept: Minor(stands.recognised - recognised),
        amended: amended.map(|service| Amendment { service, amount: Minor(rest) }),
    })
}

/// The days from `day` on that are not credited at their start or end; at least one.
fn days_left(
    service: Interval,
    pieces: &[(Interval, Minor)],
    day: Date,
) -> Result<Interval, Rejection> {
    let (mut start, mut end) = (service.start().max(day), service.end());
    let at = start;
    while let Some((piece, _)) = pieces.iter().find(|(p, _)| p.start() < end && end <= p.end()) {
        end = piece.start();
    }
    while let Some((piece, _)) =
        pieces.iter().find(|(p, _)| p.start() <= start && start < p.end() && p.end() < end)
    {
        start = piece.end();
    }
    if start < end {
        return Ok(Interval::new(start, end)?);
    }
    Ok(Interval::new(at, at.plus_days(1)?)?)
}

/// The days from `day` on over which a line is still earned; at least `day` itself.
fn rest_of_service(schedule: RevenueSchedule, day: Date) -> Result<Interval, Rejection> {
    let (start, end) = match schedule {
        RevenueSchedule::Point(date) => (date, date.plus_days(1)?),
        RevenueSchedule::Straight(days) => (days.start(), days.end()),
    };
    let start = start.max(day);
    Ok(Interval::new(start, end.max(start.plus_days(1)?))?)
}
