//! Rejections: why a command was refused, and the way out.
//!
//! A rejection is an answer, not a fault: nothing was changed and nothing is remembered. Its
//! code is stable; its sentence is for people.

use crate::currency::Currency;
use crate::decimal::Decimal;
use crate::fraction::FractionError;
use crate::ids::{
    BillingRunId, ChargeId, CouponId, CreditGrantId, CreditNoteId, CustomerId, DiscountId,
    EntityId, InvoiceId, PaymentId, PlanId, QuoteId, RefundId, SubscriptionId,
};
use crate::money::{Minor, Money, MoneyError};
use crate::terms::{LotRef, SeriesKind};
use crate::text::{Code, ExternalId};
use crate::time::{Date, TimeError, Timestamp};

macro_rules! rejections {
    ($($(#[doc = $doc:literal])* [$status:literal $code:literal] $message:literal
        $variant:ident $({ $($field:ident : $type:ty),* $(,)? })? ,)*) => {
        /// Why the ledger refused a command.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        #[allow(missing_docs, reason = "the message beside each variant says what its fields are")]
        pub enum Rejection {
            $( $(#[doc = $doc])* #[error($message)] $variant $({ $($field: $type),* })?, )*
            /// An amount that cannot be computed.
            #[error(transparent)]
            Money(#[from] MoneyError),
            /// An exact value that cannot be held.
            #[error(transparent)]
            Fraction(#[from] FractionError),
            /// A date that cannot be computed.
            #[error(transparent)]
            Time(#[from] TimeError),
        }

        impl Rejection {
            /// The stable code, such as `unknown_plan`.
            pub const fn code(&self) -> &'static str {
                match self {
                    $( Self::$variant $({ $($field: _),* })? => $code, )*
                    Self::Money(MoneyError::Overflow) | Self::Fraction(_) => "amount_out_of_range",
                    Self::Money(MoneyError::CurrencyMismatch { .. }) => "currency_mismatch",
                    Self::Time(_) => "date_out_of_range",
                }
            }

            /// The HTTP-like status: 404, 409 or 422.
            pub const fn status(&self) -> u16 {
                match self {
                    $( Self::$variant $({ $($field: _),* })? => $status, )*
                    Self::Money(_) | Self::Fraction(_) | Self::Time(_) => 422,
                }
            }

            /// Every code with its status, for the documentation and its test.
            pub const CODES: &'static [(&'static str, u16)] = &[
                $( ($code, $status), )*
                ("amount_out_of_range", 422),
                ("date_out_of_range", 422),
            ];

            /// Every code with its sentence, for the documentation. What stands in braces is
            /// filled in.
            pub const SENTENCES: &'static [(&'static str, &'static str)] = &[
                $( ($code, $message), )*
                ("amount_out_of_range", "an amount or an exact value is larger than can be held"),
                ("date_out_of_range", "a date lies outside the years that can be computed"),
            ];
        }
    };
}

rejections! {
    // The book.
    /// The log has no book yet, or has one already.
    [409 "book_already_open"] "the book is open already; create another log for another book"
        BookAlreadyOpen,
    [409 "book_not_open"] "the log has no book yet; open one first"
        BookNotOpen,
    [422 "not_a_test_book"] "this book runs on the machine's clock; only a test book's clock can be moved"
        NotATestBook,
    [422 "clock_moves_back"] "the test clock stands at {now} and cannot go back to {to}; start a fresh book instead"
        ClockMovesBack { now: Timestamp, to: Timestamp },
    [422 "effective_in_future"] "effective {effective_at} lies after the book's present {now}; schedule the change, or advance the test clock"
        EffectiveInFuture { effective_at: Timestamp, now: Timestamp },
    [422 "effective_before_registration"] "effective {effective_at} lies before the registration of {customer} at {registered_at}; choose a later time"
        EffectiveBeforeRegistration {
            customer: CustomerId, effective_at: Timestamp, registered_at: Timestamp,
        },
    [409 "revision_conflict"] "the stream is at revision {current}, not {expected}; read it again and decide anew"
        RevisionConflict { expected: u64, current: u64 },
    [422 "commit_too_large"] "the commit would have {bytes} bytes, more than {limit}; do less at once: bill through an earlier date, or invoice less"
        CommitTooLarge { bytes: usize, limit: usize },
    [422 "internal_command"] "only the system submits this command; use the command that causes it"
        InternalCommand,

    // Entities.
    [404 "unknown_entity"] "{entity} is not an entity of this book; define it first"
        UnknownEntity { entity: EntityId },
    [409 "entity_exists"] "{entity} is defined already, with other terms; choose another id"
        EntityExists { entity: EntityId },
    [422 "invalid_series"] "{why}; an entity needs 1 to 64 series with codes and prefixes of their own, one of kind invoice, and 1 to 12 digits each"
        InvalidSeries { why: &'static str },
    [422 "invalid_payment_terms"] "payment terms of {days} days are out of range; use 0 to 365"
        InvalidPaymentTerms { days: u16 },
    [422 "invalid_retention"] "documents cannot be kept for {years} years; use 0 to 100"
        InvalidRetention { years: u8 },
    [404 "unknown_series"] "{entity} has no number series {series}; use one that it has, or add it with entity.update"
        UnknownSeries { entity: EntityId, series: Code },
    [422 "wrong_series_kind"] "number series {series} is of kind {kind}; choose one that fits the document"
        WrongSeriesKind { series: Code, kind: SeriesKind },
    [422 "series_exhausted"] "number series {series} has no numbers left"
        SeriesExhausted { series: Code },

    /// Of a seller or a customer.
    [422 "invalid_address"] "an address of {lines} lines is out of range; use 1 to 6 beside city and country"
        InvalidAddress { lines: usize },

    // Catalog.
    [404 "unknown_product"] "no plan of this book has the product {product}; define a plan with it first"
        UnknownProduct { product: Code },
    [404 "unknown_plan"] "{plan} is not a plan of this book; define it first"
        UnknownPlan { plan: PlanId },
    [404 "unknown_plan_version"] "{plan} has no version {version}; its latest is {latest}"
        UnknownPlanVersion { plan: PlanId, version: u32, latest: u32 },
    [422 "plan_retired"] "{plan} is retired; choose a plan that is on sale"
        PlanRetired { plan: PlanId },
    [422 "plan_retired"] "{plan} is retired and has no more versions; define another plan"
        NoMoreVersions { plan: PlanId },
    [422 "plan_retired"] "{plan} is retired already; subscriptions that have it go on, nothing else is to be done"
        RetiredAlready { plan: PlanId },
    [422 "no_price_in_currency"] "{plan} has no price in {currency}; define a version with one"
        NoPriceInCurrency { plan: PlanId, currency: Currency },
    [422 "invalid_prices"] "{why}; a plan has 1 to 64 prices, each of at least zero, one for each currency"
        InvalidPrices { why: &'static str },
    [422 "invalid_cycle_length"] "a cycle of {count} units is out of range; use 1 to 1000 days, 1 to 520 weeks, 1 to 120 months or 1 to 10 years"
        InvalidCycleLength { count: u16 },
    [422 "too_many_plan_versions"] "{plan} has {versions} versions, the most that are kept; define another plan"
        TooManyPlanVersions { plan: PlanId, versions: u32 },

    [422 "unknown_policy"] "{policy} has no rule {rule:?}; choose one of: {known}"
        UnknownPolicy { policy: String, rule: String, known: String },
    [422 "invalid_tiers"] "{why}; tiers rise, the last one has no upper bound, and no amount is negative"
        InvalidTiers { price: Code, why: &'static str },
    [404 "unknown_price"] "{plan} has no price {price} of that kind; use one that its version was defined with"
        UnknownPrice { plan: PlanId, price: Code },
    [404 "unknown_price"] "no price of version {from} of {plan} has a counterpart in version {to}; map {price} to one of: {others}"
        NoCounterpart { plan: PlanId, from: u32, to: u32, price: Code, others: String },
    [422 "invalid_grants"] "{why}; grant each feature once, at most 64 of them, with limits of 0 to 1000000000 and at most 3 decimal places"
        InvalidGrants { why: &'static str },
    [422 "invalid_migration"] "{why}; name two versions, and map prices of the one to prices of the other, each once"
        InvalidMigration { why: String },
    [404 "unknown_migration"] "{plan} has no migration from version {version}; {way}"
        UnknownMigration { plan: PlanId, version: u32, way: String },
    [422 "invalid_trial"] "a trial of {days} days is out of range; use 0 to 3650"
        InvalidTrial { days: u16 },
    [422 "invalid_lead"] "a lead of {days} days is out of range; use 0 to 366"
        InvalidLead { days: u16 },
    [422 "invalid_coupon"] "{why}; allow at least one redemption, and a last day that is not before the first"
        InvalidCoupon { why: &'static str },
    [409 "coupon_exists"] "{coupon} is defined already, with other terms; choose another id"
        CouponExists { coupon: CouponId },
    [404 "unknown_coupon"] "{coupon} is not a coupon of this book; define it first"
        UnknownCoupon { coupon: CouponId },
    [422 "coupon_not_valid"] "{coupon} cannot be redeemed on {today}; its window is over or has not begun"
        CouponNotValid { coupon: CouponId, today: Date },
    [409 "coupon_exhausted"] "{coupon} was redeemed {limit} times, as often as it may be"
        CouponExhausted { coupon: CouponId, limit: u32 },
    [409 "coupon_redeemed"] "{customer} has redeemed {coupon} already; a customer may do so once"
        CouponRedeemed { customer: CustomerId, coupon: CouponId },

    // Customers.
    [422 "cyclic_parents"] "{customer} cannot be paid for by {parent}: a parent pays for itself and is no child; choose the one that pays"
        CyclicParents { customer: CustomerId, parent: CustomerId },
    [409 "customer_parked"] "{customer} is parked: {reason}; submit customer.release, then do that"
        CustomerParked { customer: CustomerId, reason: String },
    [409 "not_parked"] "{customer} is not parked; it is billed as others are"
        NotParked { customer: CustomerId },
    [422 "not_a_child"] "{child} is not a child of {parent}; register it with that parent, or let it pay itself"
        NotAChild { child: CustomerId, parent: CustomerId },
    [404 "unknown_customer"] "{customer} is not a customer of this book; register it first"
        UnknownCustomer { customer: CustomerId },
    [409 "customer_exists"] "{customer} is registered already; update it, or choose another id"
        CustomerExists { customer: CustomerId },
    [409 "external_id_taken"] "external id {external_id} belongs to {owner}; it is unique in the book"
        ExternalIdTaken { external_id: ExternalId, owner: String },
    [409 "customer_erased"] "{customer} was erased and nothing new can be written of it; register a new customer"
        CustomerErased { customer: CustomerId },
    [409 "key_destroyed"] "the key of {customer}'s texts was destroyed, but this log does not say that the customer was erased: it is older than its keys; restore a later copy of the log, or erase the customer"
        KeyDestroyed { customer: CustomerId },
    [409 "customer_not_erasable"] "{customer} cannot be erased yet: {why}"
        CustomerNotErasable { customer: CustomerId, why: String },
    [422 "set_and_cleared"] "{detail} is given and cleared in one command; do one of both"
        SetAndCleared { detail: &'static str },
    [422 "nothing_to_change"] "the command names nothing to change; give at least one field"
        NothingToChange,

    // Subscriptions and discounts.
    [404 "unknown_subscription"] "{subscription} is not a subscription of this customer; create it first"
        UnknownSubscription { subscription: SubscriptionId },
    [409 "subscription_exists"] "the id {subscription} is taken in this book, by one of its kind or by something else; choose another id"
        SubscriptionExists { subscription: SubscriptionId },
    [409 "subscription_canceled"] "{subscription} ended on {end}; create a new one"
        SubscriptionCanceled { subscription: SubscriptionId, end: Date },
    [409 "cancellation_scheduled"] "a cancellation of {subscription} is scheduled already; undo it first with subscription.uncancel"
        CancellationScheduled { subscription: SubscriptionId },
    [422 "before_subscription_start"] "{at} lies before the start of {subscription} on {start}; choose a later date"
        BeforeSubscriptionStart { subscription: SubscriptionId, at: Date, start: Date },
    [422 "before_current_cycle"] "{at} lies before the current anchor of {subscription} on {anchor}; choose a later date"
        BeforeAnchor { subscription: SubscriptionId, at: Date, anchor: Date },
    [409 "beyond_end"] "{at} is not before the end of {subscription} on {end}; choose an earlier date, or undo the end with subscription.uncancel or subscription.set_renewal"
        BeyondEnd { subscription: SubscriptionId, at: Date, end: Date },
    [409 "least_term"] "{subscription} is agreed until {until} at least; cancel it from then on, or with waive_fee"
        LeastTerm { subscription: SubscriptionId, until: Date },
    [422 "start_too_late"] "{date} lies after {latest}, the last day on which it may begin; choose an earlier one"
        StartTooLate { date: Date, latest: Date },
    [409 "not_trialing"] "{subscription} is in no trial; it is paid for already"
        NotTrialing { subscription: SubscriptionId },
    [422 "unmapped_price"] "{price} of {subscription} has no counterpart in {plan}; map it to one of {choices}, or to nothing: then it ends"
        UnmappedPrice { subscription: SubscriptionId, price: Code, plan: PlanId, choices: String },
    [422 "invalid_map"] "{price} cannot be mapped: {why}; name prices that the subscription has, each once, and prices of the new plan of the same kind"
        InvalidMap { price: Code, why: &'static str },
    [404 "unknown_charge"] "{charge} does not wait for an invoice; what is invoiced is credited or voided instead"
        UnknownCharge { charge: ChargeId },
    [422 "ahead_too_far"] "{through} lies after {latest}; bill at most 366 days ahead"
        AheadTooFar { through: Date, latest: Date },
    [422 "invalid_quantity"] "quantity {quantity} is out of range; use 0 to 1000000000000 with at most 9 decimal places"
        InvalidQuantity { quantity: Decimal },
    [404 "unknown_discount"] "{discount} is not a discount of this customer; apply it first"
        UnknownDiscount { discount: DiscountId },
    [409 "discount_exists"] "the id {discount} is taken in this book, by one of its kind or by something else; choose another id"
        DiscountExists { discount: DiscountId },
    [409 "discount_ended"] "{discount} was removed already"
        DiscountEnded { discount: DiscountId },
    [422 "invalid_discount"] "{why}; use more than 0 and at most 100 percent, or a positive amount, for 1 to 1200 cycles"
        InvalidDiscount { why: &'static str },
    [422 "too_many"] "there would be more than {limit} {what}; {way}"
        TooMany { what: &'static str, limit: usize, way: &'static str },
    [422 "too_many_cycles"] "{subscription} has more than {limit} cycles to bill at once; run billing through earlier dates first"
        TooManyCycles { subscription: SubscriptionId, limit: usize },
    [422 "too_many_items"] "{subscription} has had {limit} items, which is the most; cancel it and create another"
        TooManyItems { subscription: SubscriptionId, limit: usize },

    [422 "invalid_items"] "{why}; name prices of the plan, each once, and remove add-ons only"
        InvalidItems { why: &'static str },
    [422 "invalid_anchor"] "{why}; use a day from 1 to 31, or a date"
        InvalidAnchor { why: &'static str },
    [422 "invalid_ramp"] "{why}; phases follow each other without gaps from the start of the subscription on, at most 120"
        InvalidRamp { why: &'static str },
    [422 "invalid_term"] "{why}; a term is at most 10 years long and ends after it starts"
        InvalidTerm { why: &'static str },
    [422 "invalid_activation"] "{hours} hours are out of range; use 1 to 8784"
        InvalidActivation { hours: u16 },
    [422 "date_passed"] "{date} is not after {today}; choose a later date, or make the change now"
        DatePassed { date: Date, today: Date },
    [422 "date_passed"] "a start on {date} is not after {today}; choose a later day, or leave it out to begin now"
        StartPassed { date: Date, today: Date },
    [422 "date_passed"] "a pause that holds on {from} cannot end on {date}; choose a later day, or leave it out until it is known"
        ResumePassed { date: Date, from: Date },
    [404 "unknown_change"] "{subscription} has no scheduled change {change}; list them with subscriptions.get"
        UnknownChange { subscription: SubscriptionId, change: u32 },
    [409 "not_canceled"] "{subscription} is not canceled; there is nothing to undo"
        NotCanceled { subscription: SubscriptionId },
    [409 "already_paused"] "{subscription} is paused at {at}, or a pause or the end of one is scheduled; resume it, withdraw what is scheduled, or pause it again once it goes on"
        AlreadyPaused { subscription: SubscriptionId, at: Date },
    [409 "not_paused"] "{subscription} is not paused at {at}; pause it first, or withdraw a pause that is scheduled"
        NotPaused { subscription: SubscriptionId, at: Date },
    [409 "not_active_yet"] "{subscription} waits for its first payment; record it, or cancel the subscription"
        NotActiveYet { subscription: SubscriptionId },
    [409 "nothing_open"] "nothing is open that has a line of {subscription}; make the change now"
        NothingOpen { subscription: SubscriptionId },
    [422 "no_term"] "{subscription} has no contract term; cancel it at a date instead"
        NoTerm { subscription: SubscriptionId },
    [409 "quote_exists"] "the id {quote} is taken in this book, by one of its kind or by something else; choose another id"
        QuoteExists { quote: QuoteId },
    [404 "unknown_quote"] "{quote} is not a quote of this customer; create it first"
        UnknownQuote { quote: QuoteId },
    [409 "quote_closed"] "{quote} was accepted or voided already; make another"
        QuoteClosed { quote: QuoteId },
    [409 "quote_expired"] "{quote} was valid until {until}; make another"
        QuoteExpired { quote: QuoteId, until: Date },
    [409 "not_as_quoted"] "{quote} offers another {what}; subscribe as it offers with quote.accept, or leave the quote out"
        NotAsQuoted { quote: QuoteId, what: &'static str },
    [409 "preview_stale"] "{moved} has changed since the preview; preview again and show the result"
        PreviewStale { moved: &'static str },

    // Charges and invoices.
    [409 "charge_exists"] "the id {charge} is taken in this book, by one of its kind or by something else; choose another id"
        ChargeExists { charge: ChargeId },
    [422 "negative_amount"] "{amount} is negative; give zero or more, or use credit.grant for credits"
        NegativeAmount { amount: Money },
    [422 "amount_too_large"] "{amount} minor units are more than {limit}, the most of one amount; split it"
        AmountTooLarge { amount: Minor, limit: Minor },
    [422 "amount_not_positive"] "{amount} is not more than zero; give a positive amount"
        AmountNotPositive { amount: Money },
    [422 "negative_unit_price"] "unit price {amount} is negative; give zero or more"
        NegativeUnitPrice { amount: Decimal },
    [422 "currency_mismatch"] "the customer pays in {expected}, not {found}; use an amount in {expected}"
        CurrencyMismatch { expected: Currency, found: Currency },
    [409 "invoice_exists"] "the id {invoice} is taken in this book, by one of its kind or by something else; choose another id"
        InvoiceExists { invoice: InvoiceId },
    [422 "nothing_to_invoice"] "nothing is due or pending for {customer}"
        NothingToInvoice { customer: CustomerId },
    [422 "document_date_not_allowed"] "series {series} dates its documents on the day of issue; leave the date out, or use a historical series"
        DocumentDateNotAllowed { series: Code },
    [422 "document_date_in_future"] "document date {date} lies after {today}; the past is taken over, not the future"
        DocumentDateInFuture { date: Date, today: Date },
    [422 "document_date_before_registration"] "document date {date} lies before the customer's registration on {registered}; choose a later date"
        DocumentDateBeforeRegistration { date: Date, registered: Date },
    [404 "unknown_invoice"] "{invoice} is not an invoice of this customer"
        UnknownInvoice { invoice: InvoiceId },
    [409 "invoice_voided"] "{invoice} is voided already"
        InvoiceVoided { invoice: InvoiceId },
    [409 "invoice_has_payments"] "{settled} of {invoice} is paid; reverse or refund the payments first"
        InvoiceHasPayments { invoice: InvoiceId, settled: Money },
    [409 "invoice_line_credited"] "a line of {invoice} is credited by {by}; {way}"
        InvoiceLineCredited { invoice: InvoiceId, by: String, way: &'static str },
    [409 "credit_consumed"] "{invoice} made {made} of customer credit, of which {left} is left; take the rest off the invoices that it pays with credit.release first; what was paid out cannot be voided"
        CreditConsumed { invoice: InvoiceId, made: Money, left: Money },
    [422 "before_invoice"] "{at} lies before the date of {invoice}, {document_date}; choose a later time"
        BeforeInvoice { invoice: InvoiceId, at: Date, document_date: Date },
    [409 "run_exists"] "{run} was started already; choose another id"
        RunExists { run: BillingRunId },
    [422 "through_in_future"] "{through} lies after {today}; bill when the day has come"
        ThroughInFuture { through: Date, today: Date },

    // Payments and credit.
    [409 "payment_exists"] "the id {payment} is taken in this book, by one of its kind or by something else; choose another id"
        PaymentExists { payment: PaymentId },
    [404 "unknown_payment"] "{payment} is not a payment of this customer"
        UnknownPayment { payment: PaymentId },
    [409 "payment_reversed"] "{payment} is reversed already; nothing is left to take back"
        PaymentReversed { payment: PaymentId },
    [409 "nothing_left_of_payment"] "{payment} is refunded whole already"
        NothingLeftOfPayment { payment: PaymentId },
    [422 "over_allocated"] "{allocated} is allocated, more than the payment of {amount}; allocate at most the payment"
        OverAllocated { allocated: Money, amount: Money },
    [422 "allocation_exceeds_open"] "{invoice} has {open} open, less than {allocated}; what no invoice takes becomes customer credit"
        AllocationExceedsOpen { invoice: InvoiceId, open: Money, allocated: Money },
    [422 "duplicate_allocation"] "{invoice} is named twice; give one amount for each invoice"
        DuplicateAllocation { invoice: InvoiceId },
    [422 "too_many_allocations"] "{count} allocations are more than {limit}; record several payments"
        TooManyAllocations { count: usize, limit: usize },
    [409 "refund_exists"] "the id {refund} is taken in this book, by one of its kind or by something else; choose another id"
        RefundExists { refund: RefundId },
    [422 "refund_exceeds_payment"] "{payment} has {left} left, less than {amount}; refund at most what is left"
        RefundExceedsPayment { payment: PaymentId, left: Money, amount: Money },
    [422 "refund_exceeds_allocated"] "{left} of {payment} lies on invoices, less than {amount}; refund the rest with effect customer_credit"
        RefundExceedsAllocated { payment: PaymentId, left: Money, amount: Money },
    [422 "refund_exceeds_credit"] "{left} of what was paid with {payment} is customer credit, less than {amount}; refund with effect reopen or credit_note instead"
        RefundExceedsCredit { payment: PaymentId, left: Money, amount: Money },
    [422 "refund_exceeds_kept"] "{left} of what {payment} paid can be paid back beside the credit that was paid out, less than {amount}; refund at most that"
        RefundExceedsKept { payment: PaymentId, left: Money, amount: Money },
    [409 "credit_note_exists"] "the id {note} is taken in this book, by one of its kind or by something else; choose another id"
        CreditNoteExists { note: CreditNoteId },
    [422 "credit_exceeds_invoice"] "{left} of the lines of {invoice} can still be credited, less than {amount}; refund with effect reopen instead"
        CreditExceedsInvoice { invoice: InvoiceId, left: Money, amount: Money },
    [422 "credit_exceeds_open"] "{open} of {invoice} is open, less than {amount}; issue it to credit, or refund the payment with effect credit_note"
        CreditExceedsOpen { invoice: InvoiceId, open: Money, amount: Money },
    [422 "invalid_credit_lines"] "{why}; name lines of the invoice, each once, with at most what is left of them"
        InvalidCreditLines { invoice: InvoiceId, why: &'static str },
    [409 "grant_exists"] "the id {grant} is taken in this book, by one of its kind or by something else; choose another id"
        GrantExists { grant: CreditGrantId },
    [422 "before_payment"] "{at} lies before {payment}, which was received on {posting_date}; choose a later time"
        BeforePayment { payment: PaymentId, at: Date, posting_date: Date },
    [422 "before_credit"] "{at} lies before {lot}, which is there since {arose}; choose a later time"
        BeforeCredit { lot: LotRef, at: Date, arose: Date },
    [422 "invalid_grant"] "{why}; use a last day that has not passed and a priority from -100 to 100; a prepayment has no last day and is refundable"
        InvalidGrant { why: &'static str },
    [404 "unknown_credit"] "{lot} has made no credit of this customer; list its credit with balances.lots"
        UnknownCredit { lot: LotRef },
    [409 "credit_used_up"] "nothing of {lot} is left; list the customer's credit with balances.lots"
        CreditUsedUp { lot: LotRef },
    [409 "credit_expired"] "{lot} could be used through {last_day}; grant credit anew"
        CreditExpired { lot: LotRef, last_day: Date },
    [422 "exceeds_credit"] "{left} of {lot} is left, less than {amount}; use at most that"
        ExceedsCredit { lot: LotRef, left: Money, amount: Money },
    [409 "invoice_settled"] "nothing of {invoice} is open; apply the credit to another invoice"
        InvoiceSettled { invoice: InvoiceId },
    [422 "application_exceeds_open"] "{invoice} has {open} open, less than {amount}; apply at most that"
        ApplicationExceedsOpen { invoice: InvoiceId, open: Money, amount: Money },
    [422 "out_of_scope"] "{lot} is for {subscription} only, of which {invoice} has {left} left to pay; apply at most that, or apply it to another invoice"
        OutOfScope { lot: LotRef, subscription: SubscriptionId, invoice: InvoiceId, left: Money },
    [422 "release_exceeds_part"] "{lot} has paid {part} of {invoice}; release at most that"
        ReleaseExceedsPart { lot: LotRef, invoice: InvoiceId, part: Money },
    [409 "not_revocable"] "{grant} is money that the customer paid; pay it out with credit.pay_out"
        NotRevocable { grant: CreditGrantId },
    [409 "not_refundable"] "{lot} was given for invoices only; grant credit that is refundable instead"
        NotRefundable { lot: LotRef },
    [409 "pay_out_of_payment"] "{payment} is money that was received; pay it back with payment.refund and effect customer_credit"
        PayOutOfPayment { payment: PaymentId },
    [422 "pay_out_exceeds_paid"] "{lot} comes from what invoices gave back, and of what the customer paid for invoices {left} was not paid back; pay out at most that"
        PayOutExceedsPaid { lot: LotRef, left: Money },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_snake_case_with_one_status_of_the_client() {
        let mut seen = std::collections::BTreeMap::new();
        for (code, status) in Rejection::CODES {
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
            assert!(matches!(status, 404 | 409 | 422), "{code}");
            // A code may have several sentences.
            assert_eq!(*seen.entry(*code).or_insert(*status), *status, "{code}");
        }
    }
}
