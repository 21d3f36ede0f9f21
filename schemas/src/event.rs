//! Events: what was decided, for ever.
//!
//! # Shape
//!
//! An event holds decisions (the price used, the amount, the dates, each rounding), never a
//! running total: folding events never prices again. Events of a customer's stream leave the
//! customer out, because the commit names the stream.
//!
//! [`Event`] is a union of groups, one for each room of the ledger. A fold matches its own group
//! exhaustively and passes over a whole group in one arm. On disk there are only flat numbers.

mod book;
mod customer;
mod discount;
mod invoice;
mod lot;
mod movement;
mod parts;
mod place;
mod process;
mod scheduled;
mod seller;
mod settlement;
mod subscription;

pub use crate::party::{CustomerSnapshot, SellerSnapshot};
pub use book::{
    BookOpened, ClockAdvanced, PlanMigrationSet, PlanMigrationWithdrawn, PlanRetired,
    PlanVersionDefined, PricesMapped,
};
pub use customer::{
    CustomerAddressChanged, CustomerEmailChanged, CustomerErased, CustomerExternalIdChanged,
    CustomerParked, CustomerParkedV1, CustomerPurchaseOrderChanged, CustomerRegistered,
    CustomerReleased, CustomerRenamed, CustomerTaxIdsChanged, CustomerTermsChanged,
    CustomerZoneChanged, DocumentsErased, InvoiceAnnotated,
};
pub use discount::{
    CouponDefined, DiscountApplied, DiscountRemoved, FirstCycle, QuoteAccepted, QuoteCreated,
    QuoteOffer, QuoteVoided,
};
pub use invoice::{
    ChargeAdded, ChargeWithdrawn, Complement, Dimension, DiscountBasis, DiscountPart,
    InvoiceFinalized, InvoiceLine, InvoiceTotals, LineOrigin, LinePricing, LineRef, LineSource,
    PlanVersion, RevenueSchedule, RoundingStep, RoundingSubject, SegmentFrom, TermsInForce,
    TierPart,
};
pub use lot::{LotPart, LotReturn, LotSwap, LotUse};
pub use movement::{MigrationTaken, Relocated, SubscriptionMigrated, SubscriptionRelocated};
pub use parts::{
    CreditNoteLinesDrafted, DecisionCompleted, DraftedLines, DraftedOf, InvoiceLinesDrafted,
    InvoiceLinesVoided, LinesHash, NotLinesHash, PartDrafted,
};
pub use place::EventAt;
pub use process::{BillingRunStarted, CycleSettled, DueSet, SubscriptionDue};
pub use scheduled::{
    ChangeAgreed, ChangeScheduled, EndAgreed, ItemNamed, ScheduledChange, ScheduledChangeWithdrawn,
    ScheduledFor,
};
pub use seller::{
    DOCUMENT_RETENTION_YEARS, EntityAddressChanged, EntityDefaultSeriesChanged, EntityDefined,
    EntityDefinedV1, EntityRenamed, EntitySeriesAdded, EntityTaxIdsChanged, EntityTermsChanged,
};
pub use settlement::{
    Allocation, Amendment, CreditApplied, CreditExpired, CreditGranted, CreditNoteIssued,
    CreditPaidOut, CreditReleased, CreditRevoked, InvoiceVoided, LineReversal, PaymentRecorded,
    PaymentRefunded, PaymentReversed, RefundedTo,
};
pub use subscription::{
    ActivationAgreed, BilledAhead, Calendar, CancellationUndone, CycleCut, CycleOpened, ItemChange,
    ItemMoved, ItemStarted, ItemTerms, LaterTerms, LeastTerm, LeftAlone, LineMoved, PaymentAwaited,
    RampAgreed, RampStep, RenewalSet, SubscriptionActivated, SubscriptionCanceled,
    SubscriptionChanged, SubscriptionCreated, SubscriptionMoved, SubscriptionPaused,
    SubscriptionResumed, Term, TermRenewed, TermsChange,
};

use crate::ids::SubscriptionId;
use crate::record::records;

records! {
    /// A fact of the ledger.
    Event ("event") {
        /// The book itself.
        Book(BookEvent) {
            /// A book was opened.
            1 v 2 "book.opened" BookOpened,
            /// The test clock moved.
            2 v 1 "book.clock_advanced" ClockAdvanced,
        }
        /// Legal sellers.
        Seller(SellerEvent) {
            /// A seller was defined.
            3 v 3 "entity.defined" EntityDefined was 1 EntityDefinedV1,
            /// A seller has another legal name.
            100 v 1 "entity.renamed" EntityRenamed,
            /// A seller has another address.
            101 v 1 "entity.address_changed" EntityAddressChanged,
            /// A seller has other terms.
            102 v 1 "entity.terms_changed" EntityTermsChanged,
            /// Tax authorities know a seller otherwise.
            103 v 1 "entity.tax_ids_changed" EntityTaxIdsChanged,
            /// A seller has more number series.
            104 v 1 "entity.series_added" EntitySeriesAdded,
            /// Documents of a seller use other series.
            105 v 1 "entity.default_series_changed" EntityDefaultSeriesChanged,
        }
        /// What is on sale.
        Catalog(CatalogEvent) {
            /// A version of a plan was defined.
            4 v 3 "plan.version_defined" PlanVersionDefined,
            /// A plan was closed.
            5 v 1 "plan.retired" PlanRetired,
            /// Subscriptions of a plan version move to another.
            7 v 2 "plan.migration_set" PlanMigrationSet,
            /// A migration was withdrawn.
            65 v 1 "plan.migration_withdrawn" PlanMigrationWithdrawn,
            /// A coupon was defined.
            8 v 1 "coupon.defined" CouponDefined,
        }
        /// What happens by itself.
        Process(ProcessEvent) {
            /// A billing run began.
            6 v 2 "billing.run_started" BillingRunStarted,
            /// The day on which a customer is next billed is another one.
            9 v 1 "billing.due_set" DueSet,
            /// A part of what is decided of a command that takes more than one commit.
            120 v 1 "decision.part_drafted" PartDrafted,
            /// What was drafted in parts is so.
            121 v 1 "decision.completed" DecisionCompleted,
        }
        /// Who a customer is.
        Customer(CustomerEvent) {
            /// A customer was registered.
            10 v 4 "customer.registered" CustomerRegistered,
            /// A customer has another name.
            11 v 1 "customer.renamed" CustomerRenamed,
            /// A customer has another mail address for invoices.
            12 v 2 "customer.email_changed" CustomerEmailChanged,
            /// A customer has other payment terms.
            13 v 2 "customer.terms_changed" CustomerTermsChanged,
            /// A customer has another id in another system.
            14 v 1 "customer.external_id_changed" CustomerExternalIdChanged,
            /// A process could not do for a customer what it had to.
            15 v 2 "customer.parked" CustomerParked was 1 CustomerParkedV1,
            /// Processes take a parked customer up again.
            16 v 1 "customer.released" CustomerReleased,
            /// A customer's personal data became unreadable.
            17 v 1 "customer.erased" CustomerErased,
            /// So did what its documents say of it.
            18 v 1 "customer.documents_erased" DocumentsErased,
            /// A customer has another postal address.
            110 v 1 "customer.address_changed" CustomerAddressChanged,
            /// Tax authorities know a customer otherwise.
            111 v 1 "customer.tax_ids_changed" CustomerTaxIdsChanged,
            /// A customer moves to another zone.
            112 v 1 "customer.zone_changed" CustomerZoneChanged,
            /// Every invoice of a customer carries another purchase order.
            113 v 1 "customer.purchase_order_changed" CustomerPurchaseOrderChanged,
            /// It is known what the customer's next invoice carries.
            114 v 1 "invoice.annotated" InvoiceAnnotated,
        }
        /// What was agreed: subscriptions, quotes, discounts.
        Subscription(SubscriptionEvent) {
            /// A subscription began.
            20 v 3 "subscription.created" SubscriptionCreated,
            /// A cycle of a subscription is due to be billed.
            21 v 2 "subscription.cycle_opened" CycleOpened,
            /// A cycle ends early.
            22 v 2 "subscription.cycle_cut" CycleCut,
            /// A subscription has other terms from an instant on.
            23 v 3 "subscription.changed" SubscriptionChanged,
            /// A subscription waited for its first payment, and has it.
            24 v 3 "subscription.activated" SubscriptionActivated,
            /// An invoice asks for the payment that a subscription waits for.
            60 v 1 "subscription.payment_awaited" PaymentAwaited,
            /// A change will take effect later.
            25 v 3 "subscription.change_scheduled" ChangeScheduled,
            /// A scheduled change will not take effect.
            26 v 3 "subscription.scheduled_change_withdrawn" ScheduledChangeWithdrawn,
            /// A subscription ended.
            27 v 3 "subscription.canceled" SubscriptionCanceled,
            /// A subscription paused.
            28 v 1 "subscription.paused" SubscriptionPaused,
            /// A paused subscription went on.
            29 v 2 "subscription.resumed" SubscriptionResumed,
            /// A cancellation was undone.
            32 v 1 "subscription.cancellation_undone" CancellationUndone,
            /// Another contract term began, or none follows.
            33 v 1 "subscription.term_renewed" TermRenewed,
            /// What follows the contract term was changed.
            34 v 1 "subscription.renewal_set" RenewalSet,
            /// Terms by phases were agreed.
            35 v 2 "subscription.ramp_agreed" RampAgreed,
            /// A subscription moved to another version of its plan.
            66 v 1 "subscription.migrated" SubscriptionMigrated,
            /// What was agreed for later is due by another clock.
            115 v 1 "subscription.relocated" SubscriptionRelocated,
            /// A subscription was offered.
            36 v 2 "quote.created" QuoteCreated,
            /// An offer was accepted.
            37 v 1 "quote.accepted" QuoteAccepted,
            /// An offer was withdrawn.
            38 v 1 "quote.voided" QuoteVoided,
            /// A discount was given.
            30 v 4 "discount.applied" DiscountApplied,
            /// A discount was ended.
            31 v 1 "discount.removed" DiscountRemoved,
        }
        /// What is charged and invoiced.
        Billing(BillingEvent) {
            /// Something was charged once and waits for an invoice.
            40 v 2 "charge.added" ChargeAdded,
            /// A charge that waited for an invoice was withdrawn.
            61 v 1 "charge.withdrawn" ChargeWithdrawn,
            /// An invoice was issued.
            41 v 4 "invoice.finalized" InvoiceFinalized,
            /// Lines of a large invoice were drafted.
            122 v 1 "invoice.lines_drafted" InvoiceLinesDrafted,
        }
        /// What settles, credits or takes back what was invoiced.
        Settlement(SettlementEvent) {
            /// An invoice was voided.
            42 v 3 "invoice.voided" InvoiceVoided,
            /// Lines of a large invoice are to be voided with it.
            123 v 1 "invoice.lines_voided" InvoiceLinesVoided,
            /// A credit note was issued.
            43 v 3 "credit_note.issued" CreditNoteIssued,
            /// Lines of a large credit note were drafted.
            124 v 1 "credit_note.lines_drafted" CreditNoteLinesDrafted,
            /// Money was received.
            50 v 1 "payment.recorded" PaymentRecorded,
            /// A payment was taken back.
            51 v 2 "payment.reversed" PaymentReversed,
            /// Money was paid back.
            52 v 2 "payment.refunded" PaymentRefunded,
            /// Credit was given.
            53 v 2 "credit.granted" CreditGranted,
            /// Credit pays invoices.
            54 v 1 "credit.applied" CreditApplied,
            /// Credit that had paid an invoice is credit again.
            55 v 1 "credit.released" CreditReleased,
            /// What was left of credit was taken back.
            56 v 1 "credit.revoked" CreditRevoked,
            /// What was left of credit expired.
            57 v 1 "credit.expired" CreditExpired,
            /// Credit was paid out in cash.
            58 v 1 "credit.paid_out" CreditPaidOut,
        }
    }
}

impl SubscriptionEvent {
    /// The subscription that an event is about; none if it is about none or about several.
    pub const fn subject(&self) -> Option<SubscriptionId> {
        use SubscriptionEvent as E;
        Some(match self {
            E::SubscriptionCreated(e) => e.subscription,
            E::SubscriptionRelocated(e) => e.subscription,
            E::CycleOpened(e) => e.subscription,
            E::CycleCut(e) => e.subscription,
            E::PaymentAwaited(e) => e.subscription,
            E::SubscriptionActivated(e) => e.subscription,
            E::SubscriptionChanged(e) => e.subscription,
            E::RampAgreed(e) => e.subscription,
            E::SubscriptionMigrated(e) => e.subscription,
            E::ChangeScheduled(e) => e.subscription,
            E::ScheduledChangeWithdrawn(e) => e.subscription,
            E::SubscriptionPaused(e) => e.subscription,
            E::SubscriptionResumed(e) => e.subscription,
            E::SubscriptionCanceled(e) => e.subscription,
            E::CancellationUndone(e) => e.subscription,
            E::TermRenewed(e) => e.subscription,
            E::RenewalSet(e) => e.subscription,
            E::QuoteCreated(_)
            | E::QuoteAccepted(_)
            | E::QuoteVoided(_)
            | E::DiscountApplied(_)
            | E::DiscountRemoved(_) => return None,
        })
    }
}
