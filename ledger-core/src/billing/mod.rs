//! Billing: what should be billed, minus what was.
//!
//! # Shape
//!
//! For every cycle that is due, the segments of an item are compared with the live time of the
//! lines already billed for that cycle ([`pieces`]). Time that a line charges at another price or
//! quantity than was in force is credited ([`credit`]); time in force that no line charges is
//! charged ([`charge`]): the exact price of a whole cycle ([`crate::catalog::models`]) times the
//! part of it ([`proration`]). Discounts come off the new charges ([`discount`]), and all of it
//! becomes one invoice ([`invoice`]). Identity is (item, cycle) and the time, never "billed
//! today?": billing again finds nothing to do.
//!
//! # Policies
//!
//! Where vendors disagree the rule is one of [`schemas::terms::Policies`]; `docs/policies.md`
//! explains each. What holds under all of them:
//!
//! - Time is half-open. A cycle keeps the whole cycle that it opened with as what proration
//!   divides by, also when it is cut.
//! - A charge is rounded once, half up (away from zero), to the minor unit; every rounding before
//!   that (of a ratio, of a rate) is a recorded step.
//! - In advance, a segment is due when its cycle starts, less the lead; in arrears, when the cycle
//!   (or the subscription) ends. Segments of one cycle are charged apart.
//! - A run makes an invoice for a reason ([`waiting`]); a change within a cycle that was billed in
//!   advance is none, unless it is billed at once. What was scheduled up to the present has
//!   happened before anything is decided, billed or not.
//! - A cycle that has not begun is billed as it will be when it begins ([`ahead`]).
//! - A credit names the line it credits and takes its share of the discounts. All credits of a
//!   line together never exceed what is left of it.
//! - An amount off is a budget: for each cycle (on a subscription or item) or each invoice (on a
//!   customer or product); a credited share goes back to the cycle's budget. No discount makes a
//!   line negative.
//! - Credits leave as lines or as notes, by the policy `credit_document`. A negative total becomes
//!   customer credit. A total of zero is settled at once. Which credit pays an invoice at
//!   finalization is asked of settlement.
//! - The invoice is dated today in the seller's zone; it is booked on its own date.

pub(crate) mod ahead;
mod archive;
pub(crate) mod asking;
mod behind;
pub(crate) mod billed;
mod charge;
mod credit;
pub(crate) mod cycles;
pub(crate) mod days;
mod discount;
pub(crate) mod draft;
pub(crate) mod evolve;
pub(crate) mod invoice;
pub(crate) mod issued;
pub(crate) mod lines;
pub(crate) mod moving;
pub(crate) mod one_off;
pub(crate) mod pieces;
pub(crate) mod place;
pub(crate) mod post;
pub(crate) mod proration;
pub(crate) mod reading;
mod residue;
pub(crate) mod state;
pub(crate) mod waiting;

use schemas::{Date, Minor};

use crate::customer::rules::Rules;
use crate::customer::state::Profile;
use crate::subscription::agreements::Agreements;
use state::Billing;

/// A customer, as billing sees it.
#[derive(Clone, Copy)]
pub(crate) struct Account<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) agreements: &'a Agreements,
    pub(crate) billing: &'a Billing,
    /// Customer credit that is available.
    pub(crate) credit: Minor,
    /// The first day on which some of it has expired.
    pub(crate) credit_expires: Option<Date>,
    /// How many commits the customer has.
    pub(crate) revision: u64,
    /// The last day on which a document was issued or something was booked.
    pub(crate) last_document: Option<Date>,
}

impl<'a> Account<'a> {
    pub(crate) fn rules(&self) -> &'a Rules {
        &self.profile.rules
    }
}
