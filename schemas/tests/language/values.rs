//! One value of every variant of every enum that is stored inside records.
//!
//! Each list stands beside a match without a wildcard: a new variant does not compile until it
//! has a value here.

use core::str::FromStr;

use schemas::command::{
    Allocate, AllocationRequest, ChargeInvoice, ChargePrice, InvoiceRequest, PriceMapping,
    RefundEffect,
};
use schemas::event::{
    ChangeAgreed, DiscountBasis, DraftedOf, EndAgreed, ItemNamed, LineSource, PlanVersion,
    RefundedTo, RevenueSchedule, RoundingSubject, ScheduledChange, ScheduledFor, TermsChange,
};
use schemas::fraction::RoundingMode;
use schemas::party::{Address, TaxId};
use schemas::personal::SealedText;
use schemas::terms::{
    ActivationStart, Anchor, BillingTiming, BookClock, CalendarUnit, CancelCredit, CancelDefault,
    ChangeBilling, ChangeTime, ChargeWait, CreditBasis, CreditDiscount, CreditDocument,
    CreditTarget, CustomerDetail, DefaultAnchor, Differs, DiscountAllocation, DiscountDuration,
    DiscountOrder, DiscountStacking, DiscountTarget, DiscountValue, DurationCounts, EarlyEnd,
    EndReason, Every, FirstBoundary, GrantKind, GrantScope, IntervalChange, InvoiceTiming,
    ItemTarget, LineKind, LotRef, LotScope, MinimumAfterDiscount, MissingPiece, NoneScope,
    NoteTarget, PackageRate, PercentageRate, PreviousPeriodFrom, Profile, Proration, RampEnd, Rate,
    RatioRule, RebillRule, Recurrence, Renewal, SeriesKind, Settle, Tier, TrialAnchor,
    TrialOnChange, UnitPrice, ZoneRule,
};
use schemas::{Contact, Currency, Date, Decimal, Fraction, Interval, Minor, Money, Personal};
use schemas::{Span, StreamId, Timestamp, ZoneName};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a constant of these tests.
pub(crate) fn of<T: FromStr<Err: core::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("{text} does not read: {error:?}"))
}

/// An id with `n` in its last digits.
pub(crate) fn id<T: FromStr<Err: core::fmt::Debug>>(n: u32) -> T {
    of(&format!("01930000-0000-7000-8000-{n:012}"))
}

/// Euros, in minor units.
pub(crate) fn eur(minor: i64) -> Money {
    Minor(minor).of(of("EUR"))
}

/// A price in euros.
pub(crate) fn price(amount: &str) -> UnitPrice {
    UnitPrice { amount: of(amount), currency: of("EUR") }
}

/// An exact fraction.
pub(crate) fn fraction(numerator: i128, denominator: i128) -> Fraction {
    Fraction::new(numerator, denominator).expect("a fraction")
}

/// A sealed personal text.
pub(crate) fn sealed() -> Personal {
    sealed_text().into()
}

fn sealed_text() -> SealedText {
    SealedText { key: id(90), nonce: [7; 24], ciphertext: vec![1, 2, 3, 255] }
}

/// A sealed contact detail.
pub(crate) fn sealed_contact() -> Contact {
    let document = SealedText { key: id(91), ..sealed_text() };
    Contact::Sealed { own: sealed_text(), document, mark: [5; 16] }
}

/// A clear contact detail.
pub(crate) fn contact(text: &str) -> Contact {
    Contact::Clear(text.to_owned())
}

/// A clear personal text.
pub(crate) fn clear(text: &str) -> Personal {
    Personal::Clear(text.to_owned())
}

/// An address whose lines are these texts.
pub(crate) fn address<T>(texts: [T; 3]) -> Address<T> {
    let [line, postal_code, city] = texts;
    Address { lines: vec![line], postal_code: Some(postal_code), city, country: of("GB") }
}

/// A tax id with this number.
pub(crate) fn tax_id<T>(value: T) -> TaxId<T> {
    TaxId { scheme: of("gb_vat"), value }
}

macro_rules! every_variant {
    ($($function:ident $type:ident {
        $($name:literal $pattern:pat $(if $guard:expr)? => $value:expr,)*
    })*) => {
        $(
            /// Every variant with its name.
            pub(crate) fn $function() -> Vec<(&'static str, $type)> {
                let _named = |value: &$type| match value { $($pattern $(if $guard)? => $name,)* };
                vec![$(($name, $value),)*]
            }
        )*

        /// Every value of this module: type, variant, stored bytes.
        pub(crate) fn all() -> Vec<(&'static str, &'static str, Vec<u8>)> {
            let mut all = policies();
            $(
                for (name, value) in $function() {
                    all.push((stringify!($type), name, stored(&value)));
                }
            )*
            all
        }
    };
}

/// The stored bytes of a value, once they have been shown to read back.
fn stored<T: Serialize + DeserializeOwned + PartialEq + core::fmt::Debug>(value: &T) -> Vec<u8> {
    let bytes = postcard::to_allocvec(value).expect("encodes");
    let back: T = schemas::commit::decode_stored(&bytes, "a sample").expect("reads back");
    assert_eq!(&back, value);
    bytes
}

macro_rules! every_rule {
    ($($type:ident)*) => {
        /// Every rule of every policy; their lists are made with the enums themselves.
        fn policies() -> Vec<(&'static str, &'static str, Vec<u8>)> {
            let mut all = Vec::new();
            $(for rule in $type::ALL {
                all.push((stringify!($type), rule.word(), stored(rule)));
            })*
            all
        }
    };
}

every_rule! {
    Proration RatioRule PreviousPeriodFrom DefaultAnchor FirstBoundary IntervalChange TrialAnchor
    TrialOnChange ZoneRule ChangeBilling CancelDefault RebillRule CreditBasis CreditDiscount
    MissingPiece DiscountStacking DiscountOrder DiscountAllocation CreditDocument CreditTarget
    NoneScope ActivationStart ChargeWait DurationCounts MinimumAfterDiscount
}

/// Two adjacent tiers.
fn tiers() -> Vec<Tier> {
    let zero = Decimal::ZERO;
    vec![
        Tier { up_to: Some(of("5")), unit: of("7"), flat: of("1.5"), percent: zero },
        Tier { up_to: None, unit: of("6.5"), flat: zero, percent: of("0.25") },
    ]
}

every_variant! {
    calendar_units CalendarUnit {
        "day" CalendarUnit::Day => CalendarUnit::Day,
        "week" CalendarUnit::Week => CalendarUnit::Week,
        "month" CalendarUnit::Month => CalendarUnit::Month,
        "year" CalendarUnit::Year => CalendarUnit::Year,
    }
    billing_timings BillingTiming {
        "in_advance" BillingTiming::InAdvance => BillingTiming::InAdvance,
        "in_arrears" BillingTiming::InArrears => BillingTiming::InArrears,
    }
    rates Rate {
        "flat" Rate::Flat(_) => Rate::Flat(of("99")),
        "per_unit" Rate::PerUnit(_) => Rate::PerUnit(of("0.005")),
        "graduated" Rate::Graduated(_) => Rate::Graduated(tiers()),
        "volume" Rate::Volume(_) => Rate::Volume(tiers()),
        "package" Rate::Package(_) => Rate::Package(PackageRate {
            price: of("10"),
            size: of("100"),
            free_units: of("25"),
        }),
        "percentage" Rate::Percentage(_) => Rate::Percentage(PercentageRate {
            percent: of("1.5"),
            fixed: of("0.25"),
            free_amount: of("100"),
            min: Some(of("0.5")),
            max: None,
        }),
        "capacity" Rate::Capacity(_) => Rate::Capacity(tiers()),
    }
    recurrences Recurrence {
        "recurring" Recurrence::Recurring => Recurrence::Recurring,
        "setup" Recurrence::Setup => Recurrence::Setup,
        "add_on" Recurrence::AddOn => Recurrence::AddOn,
    }
    grant_scopes GrantScope {
        "subscription" GrantScope::Subscription => GrantScope::Subscription,
        "unit" GrantScope::Unit => GrantScope::Unit,
    }
    customer_details CustomerDetail {
        "email" CustomerDetail::Email => CustomerDetail::Email,
        "address" CustomerDetail::Address => CustomerDetail::Address,
        "purchase_order" CustomerDetail::PurchaseOrder => CustomerDetail::PurchaseOrder,
        "payment_terms_days" CustomerDetail::PaymentTermsDays => CustomerDetail::PaymentTermsDays,
    }
    series_kinds SeriesKind {
        "invoice" SeriesKind::Invoice => SeriesKind::Invoice,
        "credit_note" SeriesKind::CreditNote => SeriesKind::CreditNote,
        "historical" SeriesKind::Historical => SeriesKind::Historical,
    }
    change_times ChangeTime {
        "now" ChangeTime::Now => ChangeTime::Now,
        "cycle_end" ChangeTime::CycleEnd => ChangeTime::CycleEnd,
        "on" ChangeTime::On(_) => ChangeTime::On(of("2024-02-29")),
        "when_paid" ChangeTime::WhenPaid => ChangeTime::WhenPaid,
    }
    anchors Anchor {
        "anniversary" Anchor::Anniversary => Anchor::Anniversary,
        "calendar" Anchor::Calendar => Anchor::Calendar,
        "day" Anchor::Day(_) => Anchor::Day(31),
        "date" Anchor::Date(_) => Anchor::Date(of("2024-02-29")),
    }
    cancel_credits CancelCredit {
        "prorated" CancelCredit::Prorated => CancelCredit::Prorated,
        "none" CancelCredit::None => CancelCredit::None,
        "full" CancelCredit::Full => CancelCredit::Full,
    }
    settles Settle {
        "now" Settle::Now => Settle::Now,
        "next" Settle::Next => Settle::Next,
        "none" Settle::None => Settle::None,
    }
    differs Differs {
        "no" Differs::No => Differs::No,
        "along" Differs::Along => Differs::Along,
        "waits" Differs::Waits => Differs::Waits,
    }
    renewals Renewal {
        "renew" Renewal::Renew => Renewal::Renew,
        "renew_once" Renewal::RenewOnce => Renewal::RenewOnce,
        "evergreen" Renewal::Evergreen => Renewal::Evergreen,
        "cancel" Renewal::Cancel => Renewal::Cancel,
    }
    early_ends EarlyEnd {
        "refused" EarlyEnd::Refused => EarlyEnd::Refused,
        "fee" EarlyEnd::Fee(_) => EarlyEnd::Fee(eur(5000)),
    }
    ramp_ends RampEnd {
        "hold" RampEnd::Hold => RampEnd::Hold,
        "end" RampEnd::End => RampEnd::End,
    }
    end_reasons EndReason {
        "canceled" EndReason::Canceled => EndReason::Canceled,
        "term_ended" EndReason::TermEnded => EndReason::TermEnded,
        "not_paid" EndReason::NotPaid => EndReason::NotPaid,
    }
    invoice_timings InvoiceTiming {
        "now" InvoiceTiming::Now => InvoiceTiming::Now,
        "next" InvoiceTiming::Next => InvoiceTiming::Next,
    }
    line_kinds LineKind {
        "recurring" LineKind::Recurring => LineKind::Recurring,
        "one_off" LineKind::OneOff => LineKind::OneOff,
        "proration_charge" LineKind::ProrationCharge => LineKind::ProrationCharge,
        "proration_credit" LineKind::ProrationCredit => LineKind::ProrationCredit,
        "rounding" LineKind::Rounding => LineKind::Rounding,
        "minimum_true_up" LineKind::MinimumTrueUp => LineKind::MinimumTrueUp,
    }
    profiles Profile {
        "billfold@1" Profile::Billfold1 => Profile::Billfold1,
        "stripe_flexible@1" Profile::StripeFlexible1 => Profile::StripeFlexible1,
        "stripe_classic@1" Profile::StripeClassic1 => Profile::StripeClassic1,
        "killbill@1" Profile::Killbill1 => Profile::Killbill1,
        "lago@1" Profile::Lago1 => Profile::Lago1,
        "zuora@1" Profile::Zuora1 => Profile::Zuora1,
    }
    book_clocks BookClock {
        "wall" BookClock::Wall => BookClock::Wall,
        "test" BookClock::Test(_) => BookClock::Test(of("2024-01-01T00:00:00Z")),
    }
    discount_targets DiscountTarget {
        "customer" DiscountTarget::Customer => DiscountTarget::Customer,
        "subscription" DiscountTarget::Subscription(_) => DiscountTarget::Subscription(id(4)),
        "item" DiscountTarget::Item(_) => DiscountTarget::Item(ItemTarget {
            subscription: id(4),
            price: of("seat"),
        }),
        "product" DiscountTarget::Product(_) => DiscountTarget::Product(of("storage")),
    }
    discount_values DiscountValue {
        "percent" DiscountValue::Percent(_) => DiscountValue::Percent(of("12.5")),
        "amount" DiscountValue::Amount(_) => DiscountValue::Amount(eur(500)),
    }
    discount_durations DiscountDuration {
        "once" DiscountDuration::Once => DiscountDuration::Once,
        "cycles" DiscountDuration::Cycles(_) => DiscountDuration::Cycles(3),
        "months" DiscountDuration::Months(_) => DiscountDuration::Months(6),
        "forever" DiscountDuration::Forever => DiscountDuration::Forever,
    }
    charge_prices ChargePrice {
        "total" ChargePrice::Total(_) => ChargePrice::Total(eur(1999)),
        "per_unit" ChargePrice::PerUnit(_) => ChargePrice::PerUnit(price("0.005")),
    }
    charge_invoices ChargeInvoice {
        "next" ChargeInvoice::Next => ChargeInvoice::Next,
        "now" ChargeInvoice::Now(_) => ChargeInvoice::Now(InvoiceRequest {
            invoice: Some(id(6)),
            external_id: Some(of("order/17")),
            series: Some(of("history")),
            document_date: Some(of("1997-03-31")),
            memo: Some(clear("Thank you")),
            purchase_order: Some(of("PO 17")),
        }),
    }
    allocates Allocate {
        "oldest_first" Allocate::OldestFirst => Allocate::OldestFirst,
        "to" Allocate::To(_) => Allocate::To(vec![
            AllocationRequest { invoice: id(6), amount: eur(1000) },
            AllocationRequest { invoice: id(7), amount: eur(250) },
        ]),
    }
    refund_effects RefundEffect {
        "reopen" RefundEffect::Reopen => RefundEffect::Reopen,
        "credit_note" RefundEffect::CreditNote(_) => RefundEffect::CreditNote(Some(id(8))),
        "customer_credit" RefundEffect::CustomerCredit => RefundEffect::CustomerCredit,
    }
    terms_changes TermsChange {
        "keep" TermsChange::Keep => TermsChange::Keep,
        "set" TermsChange::Set(_) => {
            TermsChange::Set(Box::new(crate::samples::item_terms(InvoicedAt::Arrears)))
        },
        "remove" TermsChange::Remove => TermsChange::Remove,
    }
    scheduled_changes ScheduledChange {
        "items" ScheduledChange::Items(_) => ScheduledChange::Items(Box::new(ChangeAgreed {
            plan: Some(PlanVersion { plan: id(33), version: 2 }),
            quantity: Some(of("7.25")),
            items: crate::samples::subscription_terms().items.unwrap_or_default(),
            anchor: Some(Anchor::Day(31)),
            map: vec![PriceMapping { from: of("fee"), to: Some(of("base")) }],
            keep_prices: true,
            keep_scheduled: false,
            settle: Settle::Next,
            names: vec![ItemNamed { item: 1, plan: id(33), price: of("fee") }],
            billed_ahead: vec![crate::samples::billed_ahead()],
        })),
        "cancel" ScheduledChange::Cancel(_) => {
            ScheduledChange::Cancel(EndAgreed { credit: CancelCredit::Full, waive_fee: true })
        },
        "pause" ScheduledChange::Pause(_) => ScheduledChange::Pause(Settle::Now),
        "resume" ScheduledChange::Resume(_) => ScheduledChange::Resume(Settle::None),
    }
    scheduled_fors ScheduledFor {
        "at" ScheduledFor::At(_) => ScheduledFor::At(of("2024-02-29T00:00:00Z")),
        "paid" ScheduledFor::Paid => ScheduledFor::Paid,
    }
    discount_bases DiscountBasis {
        "percent" DiscountBasis::Percent { .. } => {
            DiscountBasis::Percent { percent: of("12.5"), of: Minor(1815) }
        },
        "share" DiscountBasis::Share { .. } => DiscountBasis::Share {
            budget: Minor(500),
            of: Minor(1815),
            among: Minor(3000),
        },
        "credit" DiscountBasis::Credit { .. } => DiscountBasis::Credit { of: Minor(182) },
    }
    drafted DraftedOf {
        "issued" DraftedOf::Invoice(_) => DraftedOf::Invoice(id(6)),
        "voided" DraftedOf::Void(_) => DraftedOf::Void(id(6)),
        "noted" DraftedOf::CreditNote(_) => DraftedOf::CreditNote(id(8)),
    }
    line_sources LineSource {
        "cycle" LineSource::Cycle { .. } => {
            LineSource::Cycle { subscription: id(4), item: 0, cycle: 11 }
        },
        "charge" LineSource::Charge(_) => LineSource::Charge(id(5)),
        "invoice" LineSource::Invoice => LineSource::Invoice,
    }
    rounding_subjects RoundingSubject {
        "ratio" RoundingSubject::Ratio => RoundingSubject::Ratio,
        "rate" RoundingSubject::Rate => RoundingSubject::Rate,
        "amount" RoundingSubject::Amount => RoundingSubject::Amount,
        "discount" RoundingSubject::Discount => RoundingSubject::Discount,
        "tax" RoundingSubject::Tax => RoundingSubject::Tax,
        "residue" RoundingSubject::Residue => RoundingSubject::Residue,
        "discount_residue" RoundingSubject::DiscountResidue => RoundingSubject::DiscountResidue,
    }
    rounding_modes RoundingMode {
        "half_up" RoundingMode::HalfUp => RoundingMode::HalfUp,
        "half_even" RoundingMode::HalfEven => RoundingMode::HalfEven,
        "down" RoundingMode::Down => RoundingMode::Down,
        "up" RoundingMode::Up => RoundingMode::Up,
    }
    revenue_schedules RevenueSchedule {
        "point" RevenueSchedule::Point(_) => RevenueSchedule::Point(of("2024-02-29")),
        "straight" RevenueSchedule::Straight(_) => {
            RevenueSchedule::Straight(of("2024-01-31/2024-02-29"))
        },
    }
    lot_refs LotRef {
        "of a payment" LotRef::Payment(_) => LotRef::Payment(id(10)),
        "of a grant" LotRef::Grant(_) => LotRef::Grant(id(12)),
        "of an invoice" LotRef::Invoice(_) => LotRef::Invoice(id(7)),
        "of a note" LotRef::CreditNote(_) => LotRef::CreditNote(id(8)),
    }
    lot_scopes LotScope {
        "for all" LotScope::Customer => LotScope::Customer,
        "for one subscription" LotScope::Subscription(_) => LotScope::Subscription(id(4)),
    }
    grant_kinds GrantKind {
        "goodwill" GrantKind::Goodwill => GrantKind::Goodwill,
        "promotion" GrantKind::Promotion => GrantKind::Promotion,
        "prepayment" GrantKind::Prepayment => GrantKind::Prepayment,
    }
    note_targets NoteTarget {
        "receivable" NoteTarget::Receivable => NoteTarget::Receivable,
        "credit" NoteTarget::Credit => NoteTarget::Credit,
    }
    refunded_tos RefundedTo {
        "reopened" RefundedTo::Reopened => RefundedTo::Reopened,
        "credited" RefundedTo::Credited => RefundedTo::Credited,
        "customer_credit" RefundedTo::CustomerCredit => RefundedTo::CustomerCredit,
    }
    personals Personal {
        "clear" Personal::Clear(_) => clear("Ada Lovelace"),
        "sealed" Personal::Sealed { .. } => sealed(),
    }
    contacts Contact {
        "clear" Contact::Clear(_) => contact("Ada Lovelace"),
        "sealed" Contact::Sealed { .. } => sealed_contact(),
    }
    streams StreamId {
        "book" StreamId::Book => StreamId::Book,
        "customer" StreamId::Customer(_) => StreamId::Customer(id(1)),
    }
    everies Every {
        "quarter" Every { .. } => Every { count: 3, unit: CalendarUnit::Month },
    }
    currencies Currency {
        "KWD" _any => of("KWD"),
    }
    dates Date {
        "before 1970" date if date.days() < 0 => of("1900-01-01"),
        "after 1970" _any => of("2999-12-31"),
    }
    timestamps Timestamp {
        "to the microsecond" _any => of("2026-11-21T22:35:00.000001Z"),
    }
    intervals Interval {
        "leap month" _any => of("2024-02-01/2024-03-01"),
    }
    spans Span {
        "leap day" _any => of("2024-02-29T00:00:00Z/2024-02-29T23:00:00.5Z"),
    }
    zones ZoneName {
        "Berlin" _any => of("Europe/Berlin"),
    }
    decimals Decimal {
        "negative" decimal if decimal.is_negative() => of("-0.0125"),
        "longest" _any => of("7922816251426433759354395.0335"),
    }
    fractions Fraction {
        "exact" exact if exact.denominator() < 3 => fraction(-55, 2),
        "widest" _any => fraction(i128::MAX, 2),
    }
    amounts Minor {
        "least" amount if !amount.is_positive() => Minor(i64::MIN),
        "most" _any => Minor(i64::MAX),
    }
    monies Money {
        "euros" _any => eur(-1234),
    }
}

/// When sample item terms are billed.
#[derive(Clone, Copy)]
pub(crate) enum InvoicedAt {
    /// At the start of a cycle.
    Advance,
    /// At its end.
    Arrears,
}
