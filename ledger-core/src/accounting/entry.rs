//! An entry: postings on one day in one currency that sum to zero.

use schemas::{Currency, Date, Minor, MoneyError};

use super::{Account, PostError};

/// One side of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// Which account.
    pub account: Account,
    /// Minor units; a debit is positive, a credit negative. Never zero inside an [`Entry`].
    pub amount: Minor,
}

impl Posting {
    /// A debit of `amount`; a negative amount is a credit.
    pub const fn debit(account: Account, amount: Minor) -> Self {
        Self { account, amount }
    }

    /// A credit of `amount`; a negative amount is a debit.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] for the smallest 64-bit number.
    pub fn credit(account: Account, amount: Minor) -> Result<Self, MoneyError> {
        Ok(Self { account, amount: amount.negated()? })
    }
}

/// Postings of one day and one currency whose debits equal their credits.
///
/// The fields are private: [`Entry::new`] is the only way in, and it checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    date: Date,
    currency: Currency,
    postings: Vec<Posting>,
}

impl Entry {
    /// A balanced entry without its postings of zero; none if nothing is left.
    ///
    /// # Errors
    /// [`PostError::Unbalanced`] when debits are not credits.
    pub fn new(
        date: Date,
        currency: Currency,
        mut postings: Vec<Posting>,
    ) -> Result<Option<Self>, PostError> {
        postings.retain(|posting| !posting.amount.is_zero());
        let off_by: i128 = postings.iter().map(|posting| i128::from(posting.amount.0)).sum();
        if off_by != 0 {
            return Err(PostError::Unbalanced { date, currency, off_by });
        }
        Ok((!postings.is_empty()).then_some(Self { date, currency, postings }))
    }

    /// The day it is booked on.
    pub const fn date(&self) -> Date {
        self.date
    }

    /// The currency of every posting.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// At least two, none of them zero, in the order in which they were made.
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}
