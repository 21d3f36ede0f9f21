//! Sample events of subscriptions, discounts and quotes.

use schemas::command::{Activation, ItemRequest, PriceMapping, RampPhase, SubscriptionTerms};
use schemas::event::{
    ActivationAgreed, BilledAhead, Calendar, CancellationUndone, ChangeScheduled, CouponDefined,
    CycleCut, CycleOpened, Dimension, DiscountApplied, DiscountRemoved, FirstCycle, ItemChange,
    ItemMoved, ItemStarted, ItemTerms, LaterTerms, LeastTerm, LeftAlone, LineMoved, LineRef,
    MigrationTaken, PaymentAwaited, PricesMapped, QuoteAccepted, QuoteCreated, QuoteOffer,
    QuoteVoided, RampAgreed, RampStep, Relocated, RenewalSet, ScheduledChangeWithdrawn,
    SubscriptionActivated, SubscriptionCanceled, SubscriptionChanged, SubscriptionCreated,
    SubscriptionMigrated, SubscriptionMoved, SubscriptionPaused, SubscriptionRelocated,
    SubscriptionResumed, Term, TermRenewed, TermsChange,
};
use schemas::terms::{
    Anchor, BillingTiming, CalendarUnit, DiscountDuration, DiscountTarget, EarlyEnd, EndReason,
    Every, LeastTermRequest, RampEnd, Rate, Renewal, Settle, TermRequest,
};
use schemas::{Event, Minor, Timestamp};

use super::{Samples, grants};
use crate::values::{self, InvoicedAt, id, of};

const MONTH: Every = Every { count: 1, unit: CalendarUnit::Month };

/// A price of a plan as one subscription has it.
pub(crate) fn item_terms(invoiced: InvoicedAt) -> ItemTerms {
    ItemTerms {
        plan: id(3),
        version: 1,
        price: of("seat"),
        name: of("Team"),
        product: Some(of("storage")),
        every: MONTH,
        timing: match invoiced {
            InvoicedAt::Advance => BillingTiming::InAdvance,
            InvoicedAt::Arrears => BillingTiming::InArrears,
        },
        lead_days: 30,
        currency: of("EUR"),
        rate: Rate::PerUnit(of("9.9")),
        own_rate: false,
        minimum: Some(of("25")),
        plan_grants: grants(),
        grants: grants().split_off(2),
    }
}

fn calendar() -> Calendar {
    Calendar {
        from: of("2024-01-17T00:00:00Z"),
        first: of("2024-01-31T00:00:00Z"),
        day: Some(31),
        every: MONTH,
        aligned: false,
    }
}

/// Changes of every kind of one item and more.
pub(crate) fn item_changes() -> Vec<ItemChange> {
    let set = || TermsChange::Set(Box::new(item_terms(InvoicedAt::Advance)));
    let changes = [
        (false, TermsChange::Keep, Some(of("7.25")), None),
        (false, set(), None, Some(calendar())),
        (true, set(), Some(of("1")), Some(calendar())),
        (true, TermsChange::Remove, None, None),
    ];
    (0..)
        .zip(changes)
        .map(|(item, (add_on, terms, quantity, calendar))| ItemChange {
            item,
            add_on,
            terms,
            quantity,
            calendar,
            left_alone_until: calendar.map(|calendar| calendar.first),
        })
        .collect()
}

/// What a subscription may ask for beside its plan, all of it.
pub(crate) fn subscription_terms() -> SubscriptionTerms {
    let item =
        |rate, remove| ItemRequest { price: of("seat"), quantity: Some(of("12")), rate, remove };
    let phase = |days: &str, items| RampPhase {
        days: Some(of(days)),
        months: None,
        items,
        discount_percent: Some(of("12.5")),
    };
    SubscriptionTerms {
        items: Some(vec![item(Some(Rate::PerUnit(of("8"))), None), item(None, Some(true))]),
        anchor: Some(Anchor::Day(31)),
        trial_days: Some(14),
        term: Some(TermRequest { length: MONTH, renewal: Renewal::RenewOnce }),
        ramp: Some(vec![
            phase("2024-01-31/2025-01-31", None),
            phase("2025-01-31/2026-01-31", Some(vec![item(None, None)])),
            RampPhase { days: None, months: Some(3), items: None, discount_percent: None },
        ]),
        ramp_end: Some(RampEnd::End),
        least_term: Some(LeastTermRequest { length: MONTH, early_end: EarlyEnd::Refused }),
        activation: Some(Activation { expires_after_hours: 23, tolerance: Some(values::eur(150)) }),
        beneficiary: Some(id(13)),
        quote: Some(id(15)),
        dimensions: Some(dimensions()),
    }
}

fn dimensions() -> Vec<Dimension> {
    vec![Dimension { key: of("channel"), value: of("partner") }]
}

pub(crate) fn billed_ahead() -> BilledAhead {
    let change = item_changes().swap_remove(0);
    BilledAhead { from: of("2024-02-29T00:00:00Z"), change, nth: 2, number: 1 }
}

/// Events of the life of a subscription.
pub(super) fn subscription_events(all: &mut Samples<Event>) {
    let subscription = id(4);
    let start = of("2024-01-17T00:00:00Z");
    created(all, start);
    let full = of("2023-12-31T00:00:00Z/2024-01-31T00:00:00Z");
    let span = of("2024-01-17T00:00:00Z/2024-01-31T00:00:00Z");
    all.add("opened", CycleOpened { subscription, item: 0, cycle: 0, span, full });
    let end = of("2024-02-10T00:00:00Z");
    all.add("cut", CycleCut { subscription, item: 0, cycle: 0, end });
    for (name, change, trial_end) in [("now", None, None), ("as scheduled", Some(3), Some(end))] {
        all.add(
            name,
            SubscriptionChanged {
                subscription,
                from: end,
                items: item_changes(),
                settle: Settle::Next,
                change,
                trial_end,
                anchor: change.map(|_| Anchor::Day(28)),
                prices: change.map(|_| PricesMapped {
                    mapped: vec![PriceMapping { from: of("fee"), to: Some(of("base")) }],
                    started: vec![of("support")],
                    ended: vec![of("extra")],
                }),
                ramp_withdrawn_from: trial_end,
                later: change.map(|_| later_terms()).into_iter().collect(),
                repeats: change.map(|_| item_changes()).unwrap_or_default(),
                billed_ahead: change.map(|_| billed_ahead()).into_iter().collect(),
            },
        );
    }
    waits(all, end);
    all.add_each(values::scheduled_changes(), |what| {
        let at = values::scheduled_fors()[0].1;
        let (cycle_end, sets_aside) = (true, vec![1, 2]);
        ChangeScheduled { subscription, change: 3, at, what, cycle_end, sets_aside }
    });
    all.add_each(values::scheduled_fors(), |at| {
        let what = values::scheduled_changes().swap_remove(1).1;
        let (cycle_end, sets_aside) = (false, Vec::new());
        ChangeScheduled { subscription, change: 3, at, what, cycle_end, sets_aside }
    });
    let withdrawn =
        ScheduledChangeWithdrawn { subscription, change: 3, restores: Vec::new(), why: None };
    all.add("withdrawn", withdrawn.clone());
    all.add(
        "with what it had put aside",
        ScheduledChangeWithdrawn { restores: vec![1, 2], ..withdrawn.clone() },
    );
    let why = Some(of("the item is not there"));
    all.add("that can no longer be", ScheduledChangeWithdrawn { why, ..withdrawn });
    let canceled = SubscriptionCanceled {
        subscription,
        end,
        credit: schemas::terms::CancelCredit::None,
        reason: EndReason::Canceled,
        change: None,
        begun: end,
        fee_waived: false,
    };
    all.add_each(values::cancel_credits(), |credit| SubscriptionCanceled {
        credit,
        ..canceled.clone()
    });
    all.add_each(values::end_reasons(), |reason| SubscriptionCanceled {
        reason,
        change: Some(3),
        fee_waived: true,
        ..canceled.clone()
    });
    pauses_and_terms(all, end);
}

fn created(all: &mut Samples<Event>, start: Timestamp) {
    let item = |item, add_on| ItemStarted {
        item,
        add_on,
        terms: item_terms(InvoicedAt::Advance),
        quantity: of("5"),
        calendar: calendar(),
    };
    let bare = SubscriptionCreated {
        subscription: id(4),
        start,
        items: vec![item(0, false)],
        trial_end: None,
        activation: None,
        term: None,
        least_term: None,
        anchor: None,
        beneficiary: None,
        quote: None,
        dimensions: Vec::new(),
    };
    all.add("bare", bare.clone());
    all.add(
        "full",
        SubscriptionCreated {
            items: vec![item(0, false), item(1, true)],
            trial_end: Some(of("2024-01-31T00:00:00Z")),
            activation: Some(ActivationAgreed { expires_after_hours: 23, tolerance: Minor(150) }),
            term: Some(term()),
            least_term: Some(least_term()),
            anchor: Some(Anchor::Day(31)),
            beneficiary: Some(id(13)),
            quote: Some(id(15)),
            dimensions: dimensions(),
            ..bare
        },
    );
}

fn term() -> Term {
    let span = of("2024-01-17T00:00:00Z/2025-01-17T00:00:00Z");
    let length = Every { count: 1, unit: CalendarUnit::Year };
    Term { span, length, renewal: Renewal::Renew }
}

fn least_term() -> LeastTerm {
    let early_end = EarlyEnd::Fee(values::eur(5_000));
    LeastTerm { length: MONTH, until: of("2024-02-17T00:00:00Z"), early_end }
}

/// A first payment is waited for, and comes.
fn waits(all: &mut Samples<Event>, at: Timestamp) {
    let subscription = id(4);
    let awaited = PaymentAwaited { subscription, invoice: Some(id(6)), expires: at };
    all.add("asked", awaited);
    all.add("asked no more", PaymentAwaited { invoice: None, ..awaited });
    all.add("activated", SubscriptionActivated { subscription, at, moved: None });
    let span = of("2024-02-10T00:00:00Z/2024-03-10T00:00:00Z");
    let moved = SubscriptionMoved {
        start: at,
        term: Some(term()),
        least_term: Some(least_term()),
        steps: vec![(of("2024-01-17T00:00:00Z"), at)],
        items: vec![ItemMoved { item: 0, calendar: calendar(), cycles: vec![span] }],
        lines: vec![LineMoved {
            line: LineRef { invoice: id(6), line: 1 },
            kept: Minor(100),
            service: of("2024-02-10/2024-03-10"),
            left: Minor(900),
            currency: of("EUR"),
        }],
        posting_date: of("2024-02-10"),
    };
    let moved = Some(Box::new(moved));
    all.add("begins then", SubscriptionActivated { subscription, at, moved });
}

fn pauses_and_terms(all: &mut Samples<Event>, from: Timestamp) {
    let subscription = id(4);
    all.add_each(values::settles(), |settle| SubscriptionPaused {
        subscription,
        from,
        settle,
        change: None,
    });
    all.add_each(values::settles(), |settle| SubscriptionResumed {
        subscription,
        from,
        settle,
        change: Some(3),
        left_alone: vec![LeftAlone { item: 0, until: of("2024-02-29T00:00:00Z") }],
    });
    all.add("undone", CancellationUndone { subscription });
    all.add("another term", TermRenewed { subscription, term: Some(term()) });
    all.add("no term", TermRenewed { subscription, term: None });
    all.add_each(values::renewals(), |renewal| RenewalSet { subscription, renewal });
    let moved = Relocated { from: of("2024-03-01T05:00:00Z"), to: of("2024-02-29T15:00:00Z") };
    all.add("moved", SubscriptionRelocated { subscription, instants: vec![moved] });
    let discount_percent = Some(of("12.5"));
    let step = |ends| RampStep { from, items: item_changes(), discount_percent, ends };
    let steps = vec![step(false), step(true)];
    all.add("agreed", RampAgreed { subscription, discount: id(9), steps });
    let taken = |migration, from_version| MigrationTaken {
        migration,
        from_version,
        to_version: from_version + 1,
    };
    all.add(
        "migrated",
        SubscriptionMigrated {
            subscription,
            item: 0,
            from,
            plan: id(3),
            taken: vec![taken(4, 1), taken(2, 2)],
            items: item_changes(),
            later: vec![later_terms()],
        },
    );
}

fn later_terms() -> LaterTerms {
    let terms = Some(Box::new(item_terms(InvoicedAt::Arrears)));
    let steps = vec![(of("2025-01-31T00:00:00Z"), terms), (of("2025-02-28T00:00:00Z"), None)];
    LaterTerms { item: 0, steps, left_alone_until: Some(of("2025-03-31T00:00:00Z")) }
}

/// Events of discounts, coupons and quotes.
pub(super) fn offer_events(all: &mut Samples<Event>) {
    let discount = |on, value, duration| DiscountApplied {
        discount: id(9),
        on,
        value,
        duration,
        coupon: None,
        first_cycles: Vec::new(),
        item: None,
    };
    let percent = values::discount_values()[0].1;
    let once = DiscountDuration::Once;
    all.add_each(values::discount_targets(), |on| discount(on, percent, once));
    all.add_each(values::discount_values(), |v| discount(DiscountTarget::Customer, v, once));
    all.add_each(values::discount_durations(), |d| discount(DiscountTarget::Customer, percent, d));
    all.add(
        "redeemed",
        DiscountApplied {
            coupon: Some(id(14)),
            first_cycles: vec![FirstCycle { item: 0, cycle: 3 }],
            item: Some(2),
            ..discount(DiscountTarget::Subscription(id(4)), percent, once)
        },
    );
    all.add("removed", DiscountRemoved { discount: id(9) });
    let coupon = CouponDefined {
        coupon: id(14),
        value: percent,
        duration: once,
        max_redemptions: None,
        from: None,
        through: None,
    };
    all.add("without limits", coupon.clone());
    all.add(
        "limited",
        CouponDefined {
            max_redemptions: Some(100),
            from: Some(of("2024-01-01")),
            through: Some(of("2024-12-31")),
            ..coupon
        },
    );
    let offer =
        QuoteOffer { plan: id(3), version: 2, quantity: of("12"), with: subscription_terms() };
    all.add("offered", QuoteCreated { quote: id(15), valid_until: of("2024-02-29"), offer });
    all.add("accepted", QuoteAccepted { quote: id(15), subscription: id(4) });
    all.add("voided", QuoteVoided { quote: id(15) });
}
