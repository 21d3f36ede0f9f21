//! A customer moves to another zone: from which day on.
//!
//! Cycles that were opened keep their time. So the new clock counts from the first day that begins
//! tomorrow or later and not before the end of any of them: what is billed already ends by the old
//! clock, and the next cycle is the first that ends by the new one.

use schemas::event::CustomerZoneChanged;
use schemas::time::TimeError;
use schemas::{Timestamp, ZoneName};

use super::clock::Clock;
use super::erase::Affairs;
use super::state::Profile;

/// The move, if the customer is not on its way there already; `now` is the book's present.
///
/// # Errors
/// A day that cannot be computed.
pub(super) fn moved(
    customer: &Profile,
    zone: &ZoneName,
    now: Timestamp,
    affairs: &dyn Affairs,
) -> Result<Option<CustomerZoneChanged>, TimeError> {
    if *zone == customer.zone {
        return Ok(None);
    }
    let local = &customer.rules.local;
    let today = local.date_at(now)?;
    let tomorrow = today.plus_days(1)?;
    // What ended today may still be taken up again, with its cycles.
    let from = match affairs.cycles_end(local.start_of(today)?, now)? {
        None => tomorrow,
        Some(end) => local.first_day_from(end)?.max(tomorrow),
    };
    let at = local.start_of(from)?;
    let fixed_offset = Clock::fixed_offset(customer.rules.policies.zone, zone, at)?;
    Ok(Some(CustomerZoneChanged { zone: zone.clone(), from, at, fixed_offset }))
}
