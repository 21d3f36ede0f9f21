//! Double entry: every event's balanced entries.
//!
//! # Shape
//!
//! [`post`] is one pure, exhaustive function from an event to what it books: [`Entry`]s dated on
//! its posting date, [`Earning`]s (each a formula for future-dated entries from deferred revenue
//! to revenue, written out by [`recognition`]) and [`Stop`]s of earnings that lines had before.
//!
//! # Ordering
//!
//! A [`Posted`] is folded in the order stops, then earnings: a reversed line first stops as it
//! was, then is earned as amended.
//!
//! # Correctness
//!
//! An [`Entry`] that does not balance in its currency cannot be constructed. Receivables are
//! booked whole, and customer credit that pays part of an invoice, or is made by a negative one,
//! is an entry of its own. So the receivable of an invoice is the sum of its entries on
//! [`Account::AccountsReceivable`], whatever settled it.

mod account;
mod entry;
mod posting_rules;

pub use account::{Account, Side};
pub use entry::{Entry, Posting};
pub use posting_rules::{post, recognition};

use schemas::event::LineRef;
use schemas::{Currency, Date, Minor, MoneyError};

use crate::earning::Earning;

/// What one event books.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Posted {
    /// Balanced entries, dated on the event's posting date.
    pub entries: Vec<Entry>,
    /// Amounts that are earned from now on.
    pub earnings: Vec<Earning>,
    /// Lines whose earlier earnings end.
    pub stops: Vec<Stop>,
}

/// Earnings of a line end: what was earned through the day before `from` stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// Which line.
    pub line: LineRef,
    /// The first day on which they no longer count.
    pub from: Date,
}

/// An event whose amounts contradict each other. The ledger never decides one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// Debits are not credits.
    #[error(
        "the entry of {date} is off by {off_by} minor units of {currency}; verify the log, its amounts contradict each other"
    )]
    Unbalanced {
        /// The entry's date.
        date: Date,
        /// The entry's currency.
        currency: Currency,
        /// Debits less credits.
        off_by: i128,
    },
    /// A sum that the event states is not the sum of its parts.
    #[error("{what} is stated as {stated}, but its parts give {parts}; verify the log")]
    WrongSum {
        /// Which sum.
        what: &'static str,
        /// As the event says.
        stated: Minor,
        /// As its parts say.
        parts: i128,
    },
    /// An amount that cannot be held.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

#[cfg(test)]
pub(crate) mod tests;
