//! The policies of a book, as the model bills by them.
//!
//! # Shape
//!
//! [`Rules`] are the policies of the published language, and beside them those that it
//! adds, as a table with a row for each profile. The arithmetic asks a policy at the one place
//! where it decides something; no profile is named anywhere else.
//!
//! [`Rules::as_today`] are the same rules without what is new, to see what else differs.

use schemas::terms::{Policies, Profile};

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

/// What `proration: none` does to time that is not invoiced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoneScope {
    /// Money starts with the first cycle that is not invoiced.
    FirstUnbilledCycle,
    /// What was billed of the change's time stays; what was not is billed.
    BilledLines,
}

/// Policies that are not in the published language yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Added {
    pub(crate) credit_document: CreditDocument,
    pub(crate) none_scope: NoneScope,
    /// A gated subscription begins with its first payment.
    pub(crate) starts_with_payment: bool,
    /// What waits longer than so many days for its invoice goes out with the next run; so does
    /// what no invoice is to come for.
    pub(crate) charge_wait: i64,
    /// The least price holds after discounts.
    pub(crate) minimum_after_discount: bool,
}

/// Days that are never reached.
pub(crate) const FOR_EVER: i64 = 1_000_000;

const VENDORS: Added = Added {
    credit_document: CreditDocument::InvoiceLine,
    none_scope: NoneScope::FirstUnbilledCycle,
    starts_with_payment: false,
    charge_wait: FOR_EVER,
    minimum_after_discount: false,
};

const fn added(profile: Profile) -> Added {
    match profile {
        Profile::Billfold1 => Added {
            credit_document: CreditDocument::NoteWhenAlone,
            starts_with_payment: true,
            charge_wait: 31,
            minimum_after_discount: true,
            ..VENDORS
        },
        Profile::Lago1 => Added { credit_document: CreditDocument::CreditNote, ..VENDORS },
        Profile::StripeFlexible1
        | Profile::StripeClassic1
        | Profile::Killbill1
        | Profile::Zuora1 => VENDORS,
    }
}

/// Everything that a book bills by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// The published policies.
    pub(crate) of: Policies,
    /// The others.
    pub(crate) add: Added,
    /// An old price without a counterpart ends with a change of plan, instead of refusing it.
    pub(crate) lacking_ends: bool,
    /// Known faults of today are billed as they are, so that they hide nothing else.
    pub(crate) today: bool,
}

impl Rules {
    pub(crate) fn new(profile: Profile, of: Policies) -> Self {
        let mut add = added(profile);
        if of.credit_basis == schemas::terms::CreditBasis::WholeFee {
            add.credit_document = match add.credit_document {
                CreditDocument::CreditNote | CreditDocument::InvoiceLine => {
                    CreditDocument::InvoiceLine
                }
                CreditDocument::NoteWhenAlone => CreditDocument::NoteWhenAlone,
            };
        }
        Self { of, add, lacking_ends: false, today: false }
    }

    /// Without the policies that are new: what differs then is no question of these.
    pub(crate) const fn as_today(mut self) -> Self {
        self.add = Added {
            credit_document: CreditDocument::InvoiceLine,
            none_scope: NoneScope::BilledLines,
            starts_with_payment: false,
            charge_wait: FOR_EVER,
            minimum_after_discount: false,
        };
        self.lacking_ends = true;
        self.today = true;
        self
    }
}
