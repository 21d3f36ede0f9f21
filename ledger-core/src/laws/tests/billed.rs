//! What the laws of agreements and of what is billed by them say when one fact is changed.

use schemas::event::{
    Calendar, ChargeAdded, CouponDefined, CycleCut, CycleOpened, DiscountApplied, DiscountBasis,
    DiscountPart, EventAt, FirstCycle, InvoiceLine, ItemChange, LinePricing, LineSource,
    SubscriptionCanceled, SubscriptionChanged, SubscriptionCreated, SubscriptionPaused, Term,
    TermRenewed, TermsChange,
};
use schemas::fraction::Fraction;
use schemas::ids::{ChargeId, CouponId, DiscountId, SubscriptionId};
use schemas::terms::{
    CalendarUnit, CancelCredit, DiscountDuration, DiscountTarget, DiscountValue, EndReason, Every,
    LineKind, Rate, Renewal, Settle,
};
use schemas::{Decimal, Span};

use super::*;

const MONTH: Every = Every { count: 1, unit: CalendarUnit::Month };

fn subscription() -> SubscriptionId {
    SubscriptionId::new(id(50))
}

fn span(days: &str) -> Span {
    let (start, end) = days.split_once('/').expect("two days");
    Span::new(at(start), at(end)).expect("a span")
}

pub(super) fn created(subscription: SubscriptionId) -> Event {
    SubscriptionCreated {
        subscription,
        start: at("2026-03-01"),
        items: Vec::new(),
        trial_end: None,
        activation: None,
        term: Some(term("2026-03-01/2026-06-01")),
        least_term: None,
        anchor: None,
        beneficiary: None,
        quote: None,
        dimensions: Vec::new(),
    }
    .into()
}

fn term(days: &str) -> Term {
    Term { span: span(days), length: MONTH, renewal: Renewal::Renew }
}

pub(super) fn opened(subscription: SubscriptionId, cycle: u32, days: &str) -> Event {
    let (item, span) = (0, span(days));
    CycleOpened { subscription, item, cycle, span, full: span }.into()
}

/// A line of 10.00 for time of a cycle.
fn charge(number: u32, cycle: u32, days: &str) -> InvoiceLine {
    let mut charge = line(number, 1000);
    charge.source = LineSource::Cycle { subscription: subscription(), item: 0, cycle };
    charge.pricing = Some(Box::new(LinePricing {
        price: "fee".parse().expect("a code"),
        product: None,
        rate: Rate::Flat(Decimal::from(10)),
        minimum: None,
        whole: Fraction::whole(1000),
        span: span(days),
        full: span("2026-03-01/2026-04-01"),
        every: MONTH,
        segment: None,
        zone: "UTC".parse().expect("a label"),
        time: 1,
        complement: None,
        in_force: None,
    }));
    charge
}

/// Gives time of a line of the first invoice back.
fn credit(number: u32, amount: i64, cycle: u32, days: &str) -> InvoiceLine {
    let mut credit = charge(number, cycle, days);
    (credit.kind, credit.gross, credit.net) =
        (LineKind::ProrationCredit, Minor(-amount), Minor(-amount));
    credit.credits = Some(LineRef { invoice: InvoiceId::new(Uuid::nil()), line: 1 });
    credit
}

/// The n-th invoice.
fn billed(sequence: u64, lines: Vec<InvoiceLine>) -> Event {
    let gross: i64 = lines.iter().map(|line| line.gross.0).sum();
    let total: i64 = lines.iter().map(|line| line.net.0).sum();
    let mut next = invoice(lines, total);
    (next.totals.gross, next.totals.discount) = (Minor(gross), Minor(gross - total));
    next.sequence = sequence;
    next.invoice = InvoiceId::new(id(u128::from(sequence) - 1));
    if total < 0 {
        next.credit_generated = Minor(-total);
    }
    next.into()
}

/// A seller, a customer, and a subscription with two cycles.
fn begun() -> Log {
    let mut log = Log(vec![]);
    log.push(StreamId::Book, "2026-03-01", vec![entity()]);
    log.add("2026-03-01", vec![registered()]);
    let cycle = |number, days| opened(subscription(), number, days);
    log.with(
        "2026-03-01",
        vec![
            created(subscription()),
            cycle(0, "2026-03-01/2026-04-01"),
            cycle(1, "2026-04-01/2026-05-01"),
        ],
    )
}

fn broken(events: Vec<Event>) -> Vec<Law> {
    begun().with("2026-03-01", events).broken()
}

fn first() -> Event {
    billed(1, vec![charge(1, 0, "2026-03-01/2026-04-01")])
}

#[test]
fn no_time_is_charged_twice() {
    let next = charge(1, 1, "2026-04-01/2026-05-01");
    assert_eq!(broken(vec![first(), billed(2, vec![next])]), []);
    let again = |lines| broken(vec![first(), billed(2, lines)]);
    let rest = || charge(1, 0, "2026-03-10/2026-04-01");
    assert_eq!(again(vec![rest()]), [Law::ChargedOnce]);
    let given = |amount, days| again(vec![rest(), credit(2, amount, 0, days)]);
    assert_eq!(given(700, "2026-03-10/2026-04-01"), [], "it was given back beside it");
    assert_eq!(given(700, "2026-03-11/2026-04-01"), [Law::ChargedOnce]);
    // what makes up a least price is for the same time
    let mut least = rest();
    least.kind = LineKind::MinimumTrueUp;
    assert_eq!(again(vec![least]), []);
    // and nothing is charged by a line of nothing
    let mut free = rest();
    (free.gross, free.net) = (Minor(0), Minor(0));
    assert_eq!(again(vec![free]), []);
}

#[test]
fn time_is_given_back_once() {
    let back =
        |days| billed(2, vec![credit(1, 300, 0, days), charge(2, 1, "2026-04-01/2026-05-01")]);
    let twice = |days| {
        let mut next = vec![credit(1, 300, 0, days)];
        next[0].line = 1;
        broken(vec![first(), back("2026-03-10/2026-04-01"), billed(3, next)])
    };
    assert_eq!(twice("2026-03-05/2026-03-10"), []);
    assert_eq!(twice("2026-03-05/2026-03-11"), [Law::ChargedOnce]);
}

#[test]
fn what_is_marked_is_forfeited_where_cycles_are_laid_anew() {
    let calendar = Calendar {
        from: at("2026-03-10"),
        first: at("2026-03-10"),
        day: Some(10),
        every: MONTH,
        aligned: false,
    };
    let change = |left_alone_until, calendar| SubscriptionChanged {
        subscription: subscription(),
        from: at("2026-03-10"),
        items: vec![ItemChange {
            item: 0,
            add_on: false,
            terms: TermsChange::Keep,
            quantity: None,
            calendar,
            left_alone_until,
        }],
        settle: Settle::None,
        change: None,
        trial_end: None,
        anchor: None,
        prices: None,
        ramp_withdrawn_from: None,
        later: Vec::new(),
        repeats: Vec::new(),
        billed_ahead: Vec::new(),
    };
    let anew = |changes: Vec<SubscriptionChanged>| {
        let mut events = vec![first()];
        for (cycle, end) in [(0, "2026-03-10"), (1, "2026-04-01")] {
            let (subscription, item, end) = (subscription(), 0, at(end));
            events.push(CycleCut { subscription, item, cycle, end }.into());
        }
        events.extend(changes.into_iter().map(Event::from));
        events.push(opened(subscription(), 2, "2026-03-10/2026-04-10"));
        events.push(billed(2, vec![charge(1, 2, "2026-03-10/2026-04-10")]));
        broken(events)
    };
    let until = Some(at("2026-04-01"));
    assert_eq!(anew(vec![change(until, Some(calendar))]), []);
    assert_eq!(anew(vec![change(until, None), change(None, Some(calendar))]), []);
    assert_eq!(anew(vec![change(None, Some(calendar))]), [Law::ChargedOnce]);
    assert_eq!(anew(vec![change(until, None)]), [Law::ChargedOnce]);
}

#[test]
fn a_charge_is_billed_once_and_as_it_was_added() {
    let charge = ChargeId::new(id(60));
    let added = ChargeAdded {
        charge,
        description: "Help".parse().expect("a text"),
        currency: eur(),
        quantity: Decimal::ONE,
        unit_price: None,
        exact: Fraction::whole(500),
        gross: Minor(500),
        service: None,
        subscription: None,
        price: None,
        early_termination: false,
    };
    let of = |sequence, amount| {
        let mut line = line(1, amount);
        line.source = LineSource::Charge(charge);
        billed(sequence, vec![line])
    };
    assert_eq!(broken(vec![added.clone().into(), of(1, 500)]), []);
    assert_eq!(broken(vec![added.clone().into(), of(1, 501)]), [Law::Totals]);
    assert_eq!(broken(vec![added.into(), of(1, 500), of(2, 500)]), [Law::ChargedOnce]);
}

#[test]
fn totals_are_those_of_the_lines() {
    let wrong = |change: fn(&mut InvoiceFinalized)| {
        let mut wrong = invoice(vec![charge(1, 0, "2026-03-01/2026-04-01")], 1000);
        change(&mut wrong);
        broken(vec![wrong.into()])
    };
    assert_eq!(wrong(|_| ()), []);
    assert_eq!(wrong(|invoice| invoice.totals.gross = Minor(1001)), [Law::Totals]);
    assert_eq!(wrong(|invoice| invoice.totals.discount = Minor(1)), [Law::Totals]);
    assert_eq!(wrong(|invoice| invoice.totals.net = Minor(999)), [Law::Totals]);
    assert_eq!(wrong(|invoice| invoice.totals.tax = Minor(1)), [Law::Totals]);
    assert_eq!(wrong(|invoice| invoice.due_date = date("2026-02-28")), [Law::DocumentDates]);
    // a void takes all of each line back
    let void = |reversed| {
        let mut events = vec![first()];
        events.push(voided(vec![reversal(400, reversed - 400, 0)], [reversed, 0, 0]));
        begun().with("2026-03-05", events).broken()
    };
    assert_eq!(void(1000), []);
    assert!(void(999).contains(&Law::Totals));
}

#[test]
fn what_a_note_takes_off_is_what_it_credits() {
    let noted = |taken: i64, credited: i64| {
        let whole = credited_by(reversal(400, taken - 400, 0), taken, 1000 - taken);
        let Event::Settlement(SettlementEvent::CreditNoteIssued(mut note)) = whole else {
            panic!("a note")
        };
        note.credits = vec![credit(1, credited, 0, "2026-03-10/2026-04-01")];
        begun().with("2026-03-05", vec![first(), note.into()]).broken()
    };
    assert_eq!(noted(700, 700), []);
    assert_eq!(noted(700, 699), [Law::Totals]);
}

#[test]
fn cycles_follow_each_other_and_have_their_lines() {
    let open = |cycle, days| broken(vec![opened(subscription(), cycle, days)]);
    assert_eq!(open(2, "2026-05-01/2026-06-01"), []);
    assert_eq!(open(3, "2026-05-01/2026-06-01"), [Law::Cycles]);
    assert_eq!(open(2, "2026-05-02/2026-06-01"), [Law::Cycles], "a gap");
    assert_eq!(open(2, "2026-04-30/2026-06-01"), [Law::Cycles], "a day twice");
    let line = |cycle, days| broken(vec![billed(1, vec![charge(1, cycle, days)])]);
    assert_eq!(line(1, "2026-04-01/2026-04-10"), []);
    assert_eq!(line(1, "2026-03-31/2026-04-10"), [Law::Cycles]);
    assert_eq!(line(2, "2026-05-01/2026-05-10"), [Law::References]);
    let (subscription, item) = (subscription(), 0);
    let cut = |cycle, end: &str| CycleCut { subscription, item, cycle, end: at(end) };
    assert_eq!(broken(vec![cut(1, "2026-05-02").into()]), [Law::Cycles]);
    let anew = opened(subscription, 2, "2026-04-10/2026-05-10");
    assert_eq!(broken(vec![cut(1, "2026-04-10").into(), anew]), []);
}

#[test]
fn what_happens_to_a_subscription_lies_in_its_life() {
    let subscription = subscription();
    let pause = |from: &str| -> Event {
        let (from, settle) = (at(from), Settle::Next);
        SubscriptionPaused { subscription, from, settle, change: None }.into()
    };
    assert_eq!(broken(vec![pause("2026-03-10")]), []);
    assert_eq!(broken(vec![pause("2026-02-10")]), [Law::SubscriptionDates]);
    let again = vec![pause("2026-03-10"), pause("2026-03-12")];
    assert_eq!(broken(again), [Law::SubscriptionDates]);
    let end = |end: &str| -> Event {
        SubscriptionCanceled {
            subscription,
            end: at(end),
            credit: CancelCredit::None,
            reason: EndReason::Canceled,
            change: None,
            begun: at(end),
            fee_waived: false,
        }
        .into()
    };
    let later = || opened(subscription, 2, "2026-05-01/2026-06-01");
    assert_eq!(broken(vec![end("2026-05-02"), later()]), []);
    assert_eq!(broken(vec![end("2026-05-01"), later()]), [Law::SubscriptionDates]);
    assert_eq!(broken(vec![end("2026-02-01")]), [Law::SubscriptionDates]);
    let renewed = |days| broken(vec![TermRenewed { subscription, term: Some(term(days)) }.into()]);
    assert_eq!(renewed("2026-06-01/2026-09-01"), []);
    assert_eq!(renewed("2026-06-02/2026-09-01"), [Law::SubscriptionDates]);
    let stranger = SubscriptionId::new(id(51));
    assert_eq!(broken(vec![opened(stranger, 0, "2026-03-01/2026-04-01")]), [Law::References]);
}

fn discount() -> DiscountApplied {
    DiscountApplied {
        discount: DiscountId::new(id(70)),
        on: DiscountTarget::Subscription(subscription()),
        value: DiscountValue::Amount(Minor(300).of(eur())),
        duration: DiscountDuration::Once,
        coupon: None,
        first_cycles: vec![FirstCycle { item: 0, cycle: 0 }],
        item: None,
    }
}

/// A line with so much off.
fn less(mut line: InvoiceLine, off: i64, cycle: Option<&str>) -> InvoiceLine {
    line.discounts.push(DiscountPart {
        discount: DiscountId::new(id(70)),
        exact: Fraction::whole(off),
        amount: Minor(off),
        basis: DiscountBasis::Credit { of: Minor(off) },
        cycle: cycle.map(at),
        given: EventAt::here(0),
    });
    line.net = Minor(line.net.0 - off);
    line
}

#[test]
fn a_discount_keeps_to_its_budget_and_to_what_it_is_for() {
    let broken = |change: fn(&mut DiscountApplied), off: i64| {
        let mut applied = discount();
        change(&mut applied);
        let line = less(charge(1, 0, "2026-03-01/2026-04-01"), off, Some("2026-03-01"));
        broken(vec![applied.into(), billed(1, vec![line])])
    };
    assert_eq!(broken(|_| (), 300), []);
    assert_eq!(broken(|_| (), 301), [Law::Discounts]);
    assert_eq!(broken(|applied| applied.first_cycles[0].cycle = 1, 300), [Law::Discounts]);
    let elsewhere = |applied: &mut DiscountApplied| {
        applied.on = DiscountTarget::Subscription(SubscriptionId::new(id(51)));
    };
    assert_eq!(broken(elsewhere, 300), [Law::Discounts]);
    assert_eq!(broken(|applied| applied.discount = DiscountId::new(id(71)), 1), [Law::References]);
}

#[test]
fn a_discount_ends_with_its_cycles_or_invoices() {
    let two = |duration, on: DiscountTarget| {
        let by_cycle = on != DiscountTarget::Customer;
        let start = |day| by_cycle.then_some(day);
        let applied = DiscountApplied { duration, on, ..discount() };
        let march = less(charge(1, 0, "2026-03-01/2026-04-01"), 100, start("2026-03-01"));
        let april = less(charge(1, 1, "2026-04-01/2026-05-01"), 100, start("2026-04-01"));
        let (march, april) = (billed(1, vec![march]), billed(2, vec![april]));
        let Event::Billing(BillingEvent::InvoiceFinalized(mut april)) = april else {
            panic!("an invoice")
        };
        (april.document_date, april.due_date) = (date("2026-04-03"), date("2026-04-20"));
        let log = begun().with("2026-03-01", vec![applied.into(), march]);
        log.with("2026-04-03", vec![april.into()]).broken()
    };
    for on in [DiscountTarget::Customer, DiscountTarget::Subscription(subscription())] {
        assert_eq!(two(DiscountDuration::Once, on.clone()), [Law::Discounts]);
        assert_eq!(two(DiscountDuration::Cycles(2), on.clone()), []);
        assert_eq!(two(DiscountDuration::Forever, on.clone()), []);
        assert_eq!(two(DiscountDuration::Months(2), on), []);
    }
    assert_eq!(two(DiscountDuration::Months(1), DiscountTarget::Customer), [Law::Discounts]);
}

#[test]
fn a_coupon_keeps_to_its_limit_and_its_days() {
    let redeemed = |change: fn(&mut CouponDefined), times: u128| {
        let coupon = CouponId::new(id(80));
        let mut defined = CouponDefined {
            coupon,
            value: discount().value,
            duration: discount().duration,
            max_redemptions: Some(1),
            from: Some(date("2026-03-01")),
            through: Some(date("2026-03-31")),
        };
        change(&mut defined);
        let mut log = begun();
        log.push(StreamId::Book, "2026-03-01", vec![defined.into()]);
        for number in 0..times {
            let discount = DiscountApplied {
                discount: DiscountId::new(id(90 + number)),
                coupon: Some(coupon),
                ..discount()
            };
            log.add("2026-03-02", vec![discount.into()]);
        }
        log.broken()
    };
    assert_eq!(redeemed(|_| (), 1), []);
    assert_eq!(redeemed(|_| (), 2), [Law::Coupons; 2], "beyond the limit, and by one customer");
    assert_eq!(redeemed(|coupon| coupon.max_redemptions = None, 2), [Law::Coupons]);
    assert_eq!(redeemed(|coupon| coupon.from = Some(date("2026-03-03")), 1), [Law::Coupons]);
    assert_eq!(redeemed(|coupon| coupon.through = Some(date("2026-03-01")), 1), [Law::Coupons]);
    assert_eq!(redeemed(|coupon| coupon.duration = DiscountDuration::Forever, 1), [Law::Coupons]);
}
