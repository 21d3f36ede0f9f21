//! The laws by name, and what breaking one looks like.

use core::fmt;

/// What must be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// Positions are 1, 2, 3 … without gaps.
    Positions,
    /// Revisions of a stream are 1, 2, 3 … without gaps.
    Revisions,
    /// `recorded_at` never goes back; `effective_at` is not after it, nor before registration.
    Times,
    /// An id names one thing.
    UniqueIds,
    /// What an event names exists, and belongs to the commit's stream.
    References,
    /// Debits equal credits in every currency, and stated sums are those of their parts.
    Balance,
    /// The journal's receivables are what open invoices owe.
    Receivables,
    /// The journal's customer credit is each customer's balance, which is never below zero.
    CustomerCredit,
    /// What settles and credits an invoice lies between zero and its total.
    Settlement,
    /// A payment gives back at most what it brought.
    Payments,
    /// A lot of credit is spent once, for what it is for, and not after its last day.
    Lots,
    /// Where the policy pays what is open from credit, nothing is open beside credit that can pay
    /// it.
    OpenBesideCredit,
    /// Nothing is paid before it is owed, used before it is there, or paid back before it was paid.
    SettlementDates,
    /// What is credited of a line lies between zero and the line.
    LineCredits,
    /// A line earns, in the end, what was billed and not taken off deferred revenue.
    Revenue,
    /// Totals and one-off amounts are those of the lines and charges that they sum up.
    Totals,
    /// No time of an item is charged twice, no charge is billed twice, and no time is given back
    /// that is not charged.
    ChargedOnce,
    /// Cycles of an item follow each other without a gap, and a line lies in its cycle.
    Cycles,
    /// What happens to a subscription lies in its life, and in order.
    SubscriptionDates,
    /// A discount takes off what it is for, within its budget, for as long as it lasts.
    Discounts,
    /// A coupon is redeemed on its days, within its limit, and once by a customer.
    Coupons,
    /// Numbers of a series are 1, 2, 3 … without gaps.
    Numbering,
    /// Document dates of a series that is not historical never go back; nothing is due, or taken
    /// back, before the day of its document.
    DocumentDates,
}

impl Law {
    /// Every law.
    pub const ALL: [Self; 23] = [
        Self::Positions,
        Self::Revisions,
        Self::Times,
        Self::UniqueIds,
        Self::References,
        Self::Balance,
        Self::Receivables,
        Self::CustomerCredit,
        Self::Settlement,
        Self::Payments,
        Self::Lots,
        Self::OpenBesideCredit,
        Self::SettlementDates,
        Self::LineCredits,
        Self::Revenue,
        Self::Totals,
        Self::ChargedOnce,
        Self::Cycles,
        Self::SubscriptionDates,
        Self::Discounts,
        Self::Coupons,
        Self::Numbering,
        Self::DocumentDates,
    ];

    /// The stable name, such as `line_credits`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Positions => "positions",
            Self::Revisions => "revisions",
            Self::Times => "times",
            Self::UniqueIds => "unique_ids",
            Self::References => "references",
            Self::Balance => "balance",
            Self::Receivables => "receivables",
            Self::CustomerCredit => "customer_credit",
            Self::Settlement => "settlement",
            Self::Payments => "payments",
            Self::Lots => "lots",
            Self::OpenBesideCredit => "open_beside_credit",
            Self::SettlementDates => "settlement_dates",
            Self::LineCredits => "line_credits",
            Self::Revenue => "revenue",
            Self::Totals => "totals",
            Self::ChargedOnce => "charged_once",
            Self::Cycles => "cycles",
            Self::SubscriptionDates => "subscription_dates",
            Self::Discounts => "discounts",
            Self::Coupons => "coupons",
            Self::Numbering => "numbering",
            Self::DocumentDates => "document_dates",
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A commit that breaks a law.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("commit {position} breaks the law of {law}: {detail}")]
pub struct LawBroken {
    /// Which commit.
    pub position: u64,
    /// Which law.
    pub law: Law,
    /// What is, with its values.
    pub detail: String,
}
