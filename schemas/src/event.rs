//! Events: what was decided, for ever.
//!
//! # Shape
//!
//! An event holds decisions (the price used, the amount, the dates, each rounding), never a
//! running total: folding events never prices again. Events of a customer's stream leave the
//! customer out, because the commit names the stream.

mod book;
mod invoice;
mod settlement;
mod subscription;

pub use book::{
    BillingRunStarted, BookOpened, ClockAdvanced, CustomerEmailChanged, CustomerExternalIdChanged,
    CustomerRegistered, CustomerRenamed, CustomerTermsChanged, EntityDefined, PlanRetired,
    PlanVersionDefined,
};
pub use invoice::{
    BookingRate, ChargeAdded, CustomerSnapshot, Dimension, DiscountPart, InvoiceFinalized,
    InvoiceLine, InvoiceTotals, LineRef, LineSource, PlanVersion, RevenueSchedule, RoundingStep,
    RoundingSubject, TaxPart, TierPart,
};
pub use settlement::{
    Allocation, Amendment, CreditGranted, CreditNoteIssued, InvoiceVoided, LineReversal,
    PaymentRecorded, PaymentRefunded, PaymentReversed, RefundedTo,
};
pub use subscription::{
    ChangeScheduled, CycleCut, CycleOpened, DiscountApplied, DiscountRemoved, PlanChanged,
    PlanTerms, QuantityChanged, ScheduledChange, ScheduledChangeWithdrawn, SubscriptionCanceled,
    SubscriptionCreated,
};

use crate::record::records;

records! {
    /// A fact of the ledger.
    Event ("event") {
        /// A book was opened.
        1 v 1 "book.opened" BookOpened,
        /// The test clock moved.
        2 v 1 "book.clock_advanced" ClockAdvanced,
        /// A seller was defined.
        3 v 1 "entity.defined" EntityDefined,
        /// A version of a plan was defined.
        4 v 1 "plan.version_defined" PlanVersionDefined,
        /// A plan was closed.
        5 v 1 "plan.retired" PlanRetired,
        /// A billing run began.
        6 v 1 "billing.run_started" BillingRunStarted,
        /// A customer was registered.
        10 v 1 "customer.registered" CustomerRegistered,
        /// A customer has another name.
        11 v 1 "customer.renamed" CustomerRenamed,
        /// A customer has another address for invoices.
        12 v 1 "customer.email_changed" CustomerEmailChanged,
        /// A customer has other payment terms.
        13 v 1 "customer.terms_changed" CustomerTermsChanged,
        /// A customer has another id in another system.
        14 v 1 "customer.external_id_changed" CustomerExternalIdChanged,
        /// A subscription began.
        20 v 1 "subscription.created" SubscriptionCreated,
        /// A cycle of a subscription is due to be billed.
        21 v 1 "subscription.cycle_opened" CycleOpened,
        /// A cycle ends early.
        22 v 1 "subscription.cycle_cut" CycleCut,
        /// A subscription has another plan from a date on.
        23 v 1 "subscription.plan_changed" PlanChanged,
        /// A subscription has another quantity from a date on.
        24 v 1 "subscription.quantity_changed" QuantityChanged,
        /// A change will take effect at cycle end.
        25 v 1 "subscription.change_scheduled" ChangeScheduled,
        /// A scheduled change will not take effect.
        26 v 1 "subscription.scheduled_change_withdrawn" ScheduledChangeWithdrawn,
        /// A subscription ended.
        27 v 1 "subscription.canceled" SubscriptionCanceled,
        /// A discount was given.
        30 v 1 "discount.applied" DiscountApplied,
        /// A discount was ended.
        31 v 1 "discount.removed" DiscountRemoved,
        /// Something was charged once and waits for an invoice.
        40 v 1 "charge.added" ChargeAdded,
        /// An invoice was issued.
        41 v 1 "invoice.finalized" InvoiceFinalized,
        /// An invoice was voided.
        42 v 1 "invoice.voided" InvoiceVoided,
        /// A credit note was issued.
        43 v 1 "credit_note.issued" CreditNoteIssued,
        /// Money was received.
        50 v 1 "payment.recorded" PaymentRecorded,
        /// A payment was taken back.
        51 v 1 "payment.reversed" PaymentReversed,
        /// Money was paid back.
        52 v 1 "payment.refunded" PaymentRefunded,
        /// Credit was given.
        53 v 1 "credit.granted" CreditGranted,
    }
}
