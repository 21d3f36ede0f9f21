//! Named billing policies, and the profiles that are frozen sets of them.
//!
//! Where vendors bill the same change differently, the rule has a name here. A book chooses a
//! profile when it is opened and may replace single policies; what it bills by is recorded in
//! full. `docs/policies.md` explains each and prints the table of every profile.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Code;

macro_rules! policies {
    ($($(#[doc = $doc:literal])* $field:ident : $name:ident {
        $($(#[doc = $vdoc:literal])* $variant:ident $word:literal,)*
    })*) => {
        $(
            $(#[doc = $doc])*
            #[derive(
                Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
                schemars::JsonSchema,
            )]
            pub enum $name { $($(#[doc = $vdoc])* #[serde(rename = $word)] $variant,)* }

            impl $name {
                /// Its name in the documentation.
                pub const fn word(self) -> &'static str {
                    match self { $(Self::$variant => $word,)* }
                }

                /// Every one of them.
                pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            }
        )*

        /// Everything that a book bills by.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
        )]
        pub struct Policies { $($(#[doc = $doc])* pub $field: $name,)* }

        impl Policies {
            /// Every policy with the names of its rules.
            pub const NAMES: &'static [(&'static str, &'static [&'static str])] =
                &[$((stringify!($field), &[$($word,)*]),)*];

            /// Every policy with what it decides, and its rules with what they say.
            pub const SENTENCES: &'static [PolicySentences] = &[$(PolicySentences {
                policy: stringify!($field),
                decides: concat!($($doc),*).trim_ascii(),
                rules: &[$(($word, concat!($($vdoc),*).trim_ascii()),)*],
            },)*];

            /// Policy and rule of every policy, in the order of [`Policies::NAMES`].
            pub fn words(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($field), self.$field.word()),)*]
            }

            /// Replaces one policy by name.
            ///
            /// # Errors
            /// [`UnknownPolicy`] with the names that exist.
            pub fn set(&mut self, policy: &str, rule: &str) -> Result<(), UnknownPolicy> {
                match policy {
                    $(stringify!($field) => {
                        self.$field = match rule {
                            $($word => $name::$variant,)*
                            _ => return Err(unknown(policy, rule)),
                        };
                    })*
                    _ => return Err(unknown(policy, rule)),
                }
                Ok(())
            }
        }
    };
}

policies! {
    /// How time is measured for proration.
    proration: Proration {
        /// Seconds of the period. Source: Stripe.
        BySecond "by_second",
        /// Milliseconds of the period. Source: Chargebee.
        ByMillisecond "by_millisecond",
        /// Whole minutes of the period. Source: Paddle.
        ByMinute "by_minute",
        /// Civil days, `[start, end)`, over the days of the period. Source: Kill Bill.
        ByDayHalfOpen "by_day_half_open",
        /// Civil days; the day on which something ends counts as used. Source: Lago.
        ByDayInclusive "by_day_inclusive",
        /// Days over 30; across a month's end the first month counts as 30. Source: Kill Bill.
        Fixed30 "fixed_30",
        /// In each calendar month, its days over the days of that month. Source: Zuora.
        Actual "actual",
        /// The days of the part over 30 for each month of the period. Source: Zuora.
        ActualOver30 "actual_over_30",
        /// 30/360; the last day of a month counts as the 30th. Source: Zuora.
        Strict30360 "strict_30_360",
    }
    /// Whether and how a ratio is rounded before it is multiplied.
    ratio: RatioRule {
        /// It is exact.
        Exact "exact",
        /// To 9 decimals, half up. Source: Kill Bill.
        Ratio9dp "ratio_9dp",
        /// To 6 decimals, half up. Source: Salesforce.
        Ratio6dp "ratio_6dp",
        /// A part of a period costs the whole period. Source: Salesforce.
        RoundUpToWholePeriod "round_up_to_whole_period",
        /// The price of a day is rounded to the minor unit, then multiplied. Source: Mlytics.
        DailyRateRoundedFirst "daily_rate_rounded_first",
    }
    /// From where the period before a leading part is reckoned.
    previous_period_from: PreviousPeriodFrom {
        /// From the day as it falls in that month: 28 February gives 28 January. Source: Kill Bill.
        ClampedDate "clamped_date",
        /// From the intended day: 28 February with anchor 31 gives 31 January.
        Anchor "anchor",
    }
    /// Where cycles start if a subscription does not say.
    default_anchor: DefaultAnchor {
        /// On the day the subscription starts.
        Anniversary "anniversary",
        /// With the calendar's month, year or week.
        Calendar "calendar",
    }
    /// Where the first whole cycle starts if an anchor day is given.
    first_boundary: FirstBoundary {
        /// On the next anchor day. Source: Stripe.
        NextAnchorDay "next_anchor_day",
        /// On the anchor day of the month of the start, or where that has passed, one interval
        /// after it. Source: Kill Bill.
        AnchorDayOfStartMonth "anchor_day_of_start_month",
    }
    /// Where cycles start after a change of their length.
    interval_change: IntervalChange {
        /// On the day of the change.
        RestartOnChange "restart_on_change",
        /// The anchor day stays. Source: Kill Bill.
        KeepAnchorDay "keep_anchor_day",
        /// With the calendar where they did, and else on the day of the subscription's start.
        /// Source: Lago.
        KeepAnchor "keep_anchor",
    }
    /// What a trial does to the anchor.
    trial_anchor: TrialAnchor {
        /// Cycles start when the trial ends. Source: Stripe.
        TrialEnd "trial_end",
        /// Cycles start with the subscription. Source: Lago.
        SubscriptionStart "subscription_start",
    }
    /// What a change of plan does to a trial that runs.
    trial_on_change: TrialOnChange {
        /// Nothing.
        Keep "keep",
        /// The new plan's trial counts from the start of the subscription. Source: Lago.
        CountFromStart "count_from_start",
    }
    /// Which offset from UTC makes a civil date.
    zone: ZoneRule {
        /// That of the zone at each instant.
        IanaZone "iana_zone",
        /// That of the zone when the customer was registered or moved, for ever. Source: Kill Bill.
        FixedOffsetAtCreation "fixed_offset_at_creation",
    }
    /// When the difference that a change makes is billed, if the command does not say.
    change_billing: ChangeBilling {
        /// With the next invoice; alone it is no reason for one. Source: Stripe,
        /// `create_prorations`.
        NextInvoice "next_invoice",
        /// On an invoice of its own; what is left waiting is billed by the next billing run.
        /// Source: Kill Bill, Lago.
        AtOnce "at_once",
    }
    /// What a cancellation does with time billed beyond the end, if the command does not say.
    cancel_default: CancelDefault {
        /// It is credited.
        Credit "credit",
        /// It is kept. Source: Stripe, `prorate` is false by default.
        Keep "keep",
    }
    /// When a billed line is credited and charged anew.
    rebill: RebillRule {
        /// Where price version or quantity differ from what was billed.
        OnPriceChange "on_price_change",
        /// After every change. Source: Stripe.
        OnEveryChange "on_every_change",
    }
    /// What a credit is reckoned on.
    credit_basis: CreditBasis {
        /// A share of what was billed, as the difference of two rounded cumulative amounts; the
        /// price that was billed where ratios or rates are rounded.
        BilledShare "billed_share",
        /// The price that was billed. Source: Stripe flexible, Lago.
        LastBilledPrice "last_billed_price",
        /// What was billed, times the part that the time is of the line's. Source: Kill Bill.
        BilledAmount "billed_amount",
        /// The price in force just before the change. Source: Stripe classic.
        CurrentPrice "current_price",
        /// All of what was billed for the cycle. Source: Lago, documentation of 2023.
        WholeFee "whole_fee",
    }
    /// Which part of a discount comes back with a credit.
    credit_discount: CreditDiscount {
        /// The share that the credited line had.
        ItemShare "item_share",
        /// A fixed amount in full, whatever share the line had. Source: Stripe classic.
        WholeDiscount "whole_discount",
    }
    /// How the last missing piece of a cycle is charged.
    missing_piece: MissingPiece {
        /// By its own ratio.
        OwnRatio "own_ratio",
        /// As the whole less what was billed at the same price, or nothing. Source: Kill Bill.
        TotalMinusBilled "total_minus_already_billed",
    }
    /// What several percentages are taken of.
    discount_stacking: DiscountStacking {
        /// Each of what the ones before have left. Source: Zuora, "sequential".
        Sequential "sequential",
        /// Each of the gross amount. Source: Zuora, "stacked".
        Stacked "stacked",
    }
    /// In which order discounts are taken.
    discount_order: DiscountOrder {
        /// Percentages before amounts, each in the order of application.
        PercentagesFirst "percentages_first",
        /// In the order of application.
        AsApplied "as_applied",
        /// From the most to the least specific target, then as applied. Source: Lago.
        MostSpecificFirst "most_specific_first",
    }
    /// How a fixed amount is shared over lines.
    discount_allocation: DiscountAllocation {
        /// In proportion; what is left over goes to the largest remainders.
        LargestRemainder "largest_remainder",
        /// In proportion, rounded down; the last line gets what is left over. Source: Stripe.
        FloorLastGetsResidue "floor_last_gets_residue",
        /// The first line first, as far as it goes. Source: Zuora.
        Waterfall "waterfall",
    }
    /// How a credit for time leaves.
    credit_document: CreditDocument {
        /// As a negative line; an invoice may fall below zero. Source: Stripe, Kill Bill, Zuora.
        InvoiceLine "invoice_line",
        /// As a note for the invoice that is credited; as a line where `credit_basis` is
        /// `whole_fee`. Source: Lago.
        CreditNote "credit_note",
        /// As a line beside its charge. What a pause or an end gives back, and what would take an
        /// invoice below zero, leaves as one note for each invoice that is credited.
        NoteWhenAlone "note_when_alone",
    }
    /// Where credit goes that a negative invoice or a payment leaves over.
    credit_target: CreditTarget {
        /// To the invoices that it credits, then to what is open, the oldest due first; what is
        /// left waits.
        CreditedFirst "credited_first",
        /// To what is open, the oldest due first; what is left waits. Source: Kill Bill.
        OldestOpen "oldest_open",
        /// It waits for the next invoice. Source: Stripe, Lago.
        Lot "lot",
    }
    /// What a change without proration leaves alone.
    none_scope: NoneScope {
        /// The time up to the first cycle that is not invoiced: nothing of it is charged or given
        /// back. A cycle that the change begins is billed whole.
        FirstUnbilledCycle "first_unbilled_cycle",
        /// The lines that were billed; time that no line charges is charged.
        BilledLines "billed_lines",
    }
    /// When a subscription begins that waits for its first payment.
    activation_start: ActivationStart {
        /// With the payment: what was paid runs from there.
        WithPayment "with_payment",
        /// With its first cycle, whenever it is paid. Source: Stripe.
        FirstCycle "first_cycle",
    }
    /// How long one-off charges and differences wait for the next invoice.
    charge_wait: ChargeWait {
        /// At most 31 days: what would wait longer goes out with the next run.
        Days31 "31_days",
        /// Until there is one. Source: Stripe, "invoice items".
        NextInvoice "next_invoice",
    }
    /// What the duration of a discount counts.
    duration_counts: DurationCounts {
        /// Cycles that it was taken off.
        BilledCycles "billed_cycles",
        /// Cycles that pass, billed or not.
        ElapsedCycles "elapsed_cycles",
    }
    /// What a discount does to the least price of a cycle.
    minimum_after_discount: MinimumAfterDiscount {
        /// The least price holds: what makes it up is reckoned after discounts and takes none.
        Holds "holds",
        /// What makes it up is reckoned before discounts and takes them.
        Discounted "discounted",
    }
}

/// A policy in words, for the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicySentences {
    /// Its name.
    pub policy: &'static str,
    /// What it decides.
    pub decides: &'static str,
    /// The name of each rule and what it says, with its source.
    pub rules: &'static [(&'static str, &'static str)],
}

/// A policy or rule that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{policy} has no rule {rule:?}; known: {known}")]
pub struct UnknownPolicy {
    /// As given, cut to 64 characters.
    pub policy: String,
    /// As given, cut to 64 characters.
    pub rule: String,
    /// The rules of that policy, or every policy.
    pub known: String,
}

fn unknown(policy: &str, rule: &str) -> UnknownPolicy {
    let clipped = |text: &str| text.chars().take(64).collect::<String>();
    let rules = Policies::NAMES.iter().find(|(name, _)| *name == policy);
    let known = match rules {
        Some((_, rules)) => rules.join(", "),
        None => Policies::NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
    };
    UnknownPolicy { policy: clipped(policy), rule: clipped(rule), known }
}

/// A complete, frozen set of billing policies.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Profile {
    /// Our default: civil days, half-open; exact ratio; each line rounded half up once.
    #[serde(rename = "billfold@1")]
    Billfold1,
    /// Stripe, billing mode `flexible`.
    #[serde(rename = "stripe_flexible@1")]
    StripeFlexible1,
    /// Stripe, billing mode `classic`.
    #[serde(rename = "stripe_classic@1")]
    StripeClassic1,
    /// Kill Bill with its default catalog and invoice settings.
    #[serde(rename = "killbill@1")]
    Killbill1,
    /// Lago.
    #[serde(rename = "lago@1")]
    Lago1,
    /// Zuora, with proration by actual days of the month.
    #[serde(rename = "zuora@1")]
    Zuora1,
}

const BILLFOLD: Policies = Policies {
    proration: Proration::ByDayHalfOpen,
    ratio: RatioRule::Exact,
    previous_period_from: PreviousPeriodFrom::Anchor,
    default_anchor: DefaultAnchor::Anniversary,
    first_boundary: FirstBoundary::NextAnchorDay,
    interval_change: IntervalChange::RestartOnChange,
    trial_anchor: TrialAnchor::TrialEnd,
    trial_on_change: TrialOnChange::Keep,
    zone: ZoneRule::IanaZone,
    change_billing: ChangeBilling::NextInvoice,
    cancel_default: CancelDefault::Credit,
    rebill: RebillRule::OnPriceChange,
    credit_basis: CreditBasis::BilledShare,
    credit_discount: CreditDiscount::ItemShare,
    missing_piece: MissingPiece::OwnRatio,
    discount_stacking: DiscountStacking::Sequential,
    discount_order: DiscountOrder::PercentagesFirst,
    discount_allocation: DiscountAllocation::LargestRemainder,
    credit_document: CreditDocument::NoteWhenAlone,
    credit_target: CreditTarget::CreditedFirst,
    none_scope: NoneScope::FirstUnbilledCycle,
    activation_start: ActivationStart::WithPayment,
    charge_wait: ChargeWait::Days31,
    duration_counts: DurationCounts::BilledCycles,
    minimum_after_discount: MinimumAfterDiscount::Holds,
};

/// What no vendor does as we do.
const VENDOR: Policies = Policies {
    credit_document: CreditDocument::InvoiceLine,
    credit_target: CreditTarget::Lot,
    activation_start: ActivationStart::FirstCycle,
    charge_wait: ChargeWait::NextInvoice,
    minimum_after_discount: MinimumAfterDiscount::Discounted,
    ..BILLFOLD
};

const STRIPE_FLEXIBLE: Policies = Policies {
    proration: Proration::BySecond,
    cancel_default: CancelDefault::Keep,
    rebill: RebillRule::OnEveryChange,
    credit_basis: CreditBasis::LastBilledPrice,
    discount_order: DiscountOrder::AsApplied,
    discount_allocation: DiscountAllocation::FloorLastGetsResidue,
    ..VENDOR
};

const STRIPE_CLASSIC: Policies = Policies {
    credit_basis: CreditBasis::CurrentPrice,
    credit_discount: CreditDiscount::WholeDiscount,
    ..STRIPE_FLEXIBLE
};

const KILLBILL: Policies = Policies {
    ratio: RatioRule::Ratio9dp,
    previous_period_from: PreviousPeriodFrom::ClampedDate,
    first_boundary: FirstBoundary::AnchorDayOfStartMonth,
    interval_change: IntervalChange::KeepAnchorDay,
    zone: ZoneRule::FixedOffsetAtCreation,
    change_billing: ChangeBilling::AtOnce,
    credit_basis: CreditBasis::BilledAmount,
    missing_piece: MissingPiece::TotalMinusBilled,
    credit_target: CreditTarget::OldestOpen,
    ..VENDOR
};

const LAGO: Policies = Policies {
    proration: Proration::ByDayInclusive,
    default_anchor: DefaultAnchor::Calendar,
    interval_change: IntervalChange::KeepAnchor,
    trial_anchor: TrialAnchor::SubscriptionStart,
    trial_on_change: TrialOnChange::CountFromStart,
    change_billing: ChangeBilling::AtOnce,
    credit_basis: CreditBasis::LastBilledPrice,
    discount_order: DiscountOrder::MostSpecificFirst,
    credit_document: CreditDocument::CreditNote,
    ..VENDOR
};

const ZUORA: Policies = Policies {
    proration: Proration::Actual,
    credit_basis: CreditBasis::LastBilledPrice,
    discount_allocation: DiscountAllocation::Waterfall,
    ..VENDOR
};

impl Profile {
    /// Every profile.
    pub const ALL: &'static [Self] = &[
        Self::Billfold1,
        Self::StripeFlexible1,
        Self::StripeClassic1,
        Self::Killbill1,
        Self::Lago1,
        Self::Zuora1,
    ];

    /// Its name, such as `billfold@1`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Billfold1 => "billfold@1",
            Self::StripeFlexible1 => "stripe_flexible@1",
            Self::StripeClassic1 => "stripe_classic@1",
            Self::Killbill1 => "killbill@1",
            Self::Lago1 => "lago@1",
            Self::Zuora1 => "zuora@1",
        }
    }

    /// Its policies. They never change: a changed rule is a new profile.
    pub const fn policies(self) -> Policies {
        match self {
            Self::Billfold1 => BILLFOLD,
            Self::StripeFlexible1 => STRIPE_FLEXIBLE,
            Self::StripeClassic1 => STRIPE_CLASSIC,
            Self::Killbill1 => KILLBILL,
            Self::Lago1 => LAGO,
            Self::Zuora1 => ZUORA,
        }
    }

    /// Its policies with some replaced.
    ///
    /// # Errors
    /// [`UnknownPolicy`] for a name that does not exist.
    pub fn with(self, replaced: &BTreeMap<Code, Code>) -> Result<Policies, UnknownPolicy> {
        let mut policies = self.policies();
        for (policy, rule) in replaced {
            policies.set(policy.as_str(), rule.as_str())?;
        }
        Ok(policies)
    }
}
