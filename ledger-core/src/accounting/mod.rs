//! Double entry: accounts, balanced entries, and revenue by day.
//!
//! # Shape
//!
//! What an event books is a [`Posted`]: [`Entry`]s dated on its posting date, [`Earning`]s (each
//! a formula for future-dated entries from deferred revenue to revenue, written out by
//! [`recognition`]) and [`Stop`]s of earnings that lines had before. Each room posts its own
//! events; [`crate::post`] leads an event to its room.
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
mod earning;
mod entry;

pub use account::{Account, Side};
pub use earning::Earning;
pub use entry::{Entry, Posting};

use schemas::event::LineRef;
use schemas::{Currency, Date, Minor, MoneyError};

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

impl Posted {
    /// One entry, if there is one.
    pub(crate) fn only(entry: Option<Entry>) -> Self {
        Self { entries: entry.into_iter().collect(), ..Self::default() }
    }
}

/// The entry by which `amount` is earned on `date`; none for zero.
///
/// # Errors
/// [`PostError::Money`] for the smallest 64-bit number.
pub fn recognition(
    date: Date,
    currency: Currency,
    amount: Minor,
) -> Result<Option<Entry>, PostError> {
    transfer(date, currency, Account::DeferredRevenue, Account::Revenue, amount)
}

/// Debits one account and credits another by `amount`.
///
/// # Errors
/// [`PostError::Money`] for the smallest 64-bit number.
pub(crate) fn transfer(
    date: Date,
    currency: Currency,
    debit: Account,
    credit: Account,
    amount: Minor,
) -> Result<Option<Entry>, PostError> {
    let postings = vec![Posting::debit(debit, amount), Posting::credit(credit, amount)?];
    Entry::new(date, currency, postings)
}
