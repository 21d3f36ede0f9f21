//! The accounts of the journal.

use core::fmt;

/// On which side an account's balance usually stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Assets and contra revenue.
    Debit,
    /// Liabilities and revenue.
    Credit,
}

/// An account of the journal. Each has one balance per currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Money received and not paid back.
    Cash,
    /// What customers owe on invoices.
    AccountsReceivable,
    /// Billed and not yet earned.
    DeferredRevenue,
    /// Earned.
    Revenue,
    /// What customers have paid or were given ahead of invoices.
    CustomerCredit,
    /// Tax collected for the state.
    TaxLiability,
    /// Contra revenue: earned on invoices that were voided later.
    Voids,
    /// Contra revenue: earned on lines that were credited later.
    CreditNotes,
    /// Contra revenue: credit given away.
    PromotionalCredit,
}

impl Account {
    /// Every account, in the order of a trial balance.
    pub const ALL: [Self; 9] = [
        Self::Cash,
        Self::AccountsReceivable,
        Self::DeferredRevenue,
        Self::CustomerCredit,
        Self::TaxLiability,
        Self::Revenue,
        Self::Voids,
        Self::CreditNotes,
        Self::PromotionalCredit,
    ];

    /// Every account, in the order of a trial balance.
    pub const fn all() -> &'static [Self] {
        &Self::ALL
    }

    /// The stable name, such as `accounts_receivable`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::AccountsReceivable => "accounts_receivable",
            Self::DeferredRevenue => "deferred_revenue",
            Self::Revenue => "revenue",
            Self::CustomerCredit => "customer_credit",
            Self::TaxLiability => "tax_liability",
            Self::Voids => "voids",
            Self::CreditNotes => "credit_notes",
            Self::PromotionalCredit => "promotional_credit",
        }
    }

    /// The side on which its balance usually stands.
    pub const fn normal_side(self) -> Side {
        match self {
            Self::Cash
            | Self::AccountsReceivable
            | Self::Voids
            | Self::CreditNotes
            | Self::PromotionalCredit => Side::Debit,
            Self::DeferredRevenue | Self::Revenue | Self::CustomerCredit | Self::TaxLiability => {
                Side::Credit
            }
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
