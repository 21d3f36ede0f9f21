//! The policies of a book, as the model bills by them.
//!
//! The arithmetic asks a policy at the one place where it decides something; no profile is named
//! anywhere.

use schemas::terms::{
    ActivationStart, Anchor, ChargeWait, CreditBasis, CreditDocument as Documents, DefaultAnchor,
    MinimumAfterDiscount, Policies,
};

pub(crate) use schemas::terms::NoneScope;

/// How a credit leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CreditDocument {
    /// As a negative line; an invoice may fall below zero.
    InvoiceLine,
    /// As a note for the invoice that is credited.
    CreditNote,
    /// Beside its charge as a line; alone, or where an invoice would fall below zero, as a note.
    NoteWhenAlone,
}

/// Days that are never reached.
pub(crate) const FOR_EVER: i64 = 1_000_000;

/// Everything that a book bills by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) of: Policies,
}

impl Rules {
    pub(crate) const fn new(of: Policies) -> Self {
        Self { of }
    }

    /// How a credit leaves. Where the whole fee comes back, Lago's older rule, it is a line.
    pub(crate) fn credit_document(&self) -> CreditDocument {
        match self.of.credit_document {
            Documents::CreditNote if self.of.credit_basis == CreditBasis::WholeFee => {
                CreditDocument::InvoiceLine
            }
            Documents::InvoiceLine => CreditDocument::InvoiceLine,
            Documents::CreditNote => CreditDocument::CreditNote,
            Documents::NoteWhenAlone => CreditDocument::NoteWhenAlone,
        }
    }

    /// A gated subscription begins with its first payment.
    pub(crate) fn starts_with_payment(&self) -> bool {
        self.of.activation_start == ActivationStart::WithPayment
    }

    /// What waits longer than so many days for its invoice goes out with the next run.
    pub(crate) const fn charge_wait(&self) -> i64 {
        match self.of.charge_wait {
            ChargeWait::Days31 => 31,
            ChargeWait::NextInvoice => FOR_EVER,
        }
    }

    /// Where cycles begin if nothing is said.
    pub(crate) const fn default_anchor(&self) -> Anchor {
        match self.of.default_anchor {
            DefaultAnchor::Anniversary => Anchor::Anniversary,
            DefaultAnchor::Calendar => Anchor::Calendar,
        }
    }

    /// The least price holds after discounts.
    pub(crate) fn minimum_holds(&self) -> bool {
        self.of.minimum_after_discount == MinimumAfterDiscount::Holds
    }
}
