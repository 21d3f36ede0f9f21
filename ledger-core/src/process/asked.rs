//! What a process is asked of.

use schemas::Date;

use crate::billing::Account;

/// A subscription for which a process is asked for its day.
pub(super) struct Asked<'a> {
    pub(super) account: Account<'a>,
    /// The first day on which what differs from its invoices is a reason for one.
    pub(super) differs_on: Option<Date>,
}
