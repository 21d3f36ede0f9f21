//! A subscription that waits for its first payment.
//!
//! # Shape
//!
//! While nothing is to be paid it is what it would be without. Its first invoice above zero
//! starts the clock. Paid, it begins, under `billfold@1` with the payment; not paid in time, it
//! ends, the whole invoice is voided, and what was paid of it is credit.

use schemas::terms::{Anchor, BillingTiming, CancelCredit, EndReason};

use crate::bill::{Billing, Which, bill};
use crate::book::Book;
use crate::calendar::Calendar;
use crate::civil::{Clock, Instant};
use crate::compare::unbilled;
use crate::customer::{Customer, Source, When};
use crate::money::{put_note, undo};
use crate::passing::end;
use crate::price::whole;
use crate::subscription::{Least, Subscription, Term};
use crate::wanted::Wanted;

const HOUR: i64 = 3_600_000_000;

/// It waits: an invoice asks for its first payment, or the one that bills what is due will.
pub(crate) fn waits(book: &Book, customer: &Customer, of: &Subscription, now: Instant) -> bool {
    let Some(gate) = of.gate.filter(|gate| !gate.passed) else { return false };
    if gate.asked.is_some() {
        return true;
    }
    let due = |charge: &crate::customer::Charge| {
        charge.of == Some(of.id) && charge.setup && charge.gross > 0 && of.start <= now
    };
    let fee = customer.pending.iter().any(due);
    (fee || costs_something(customer, of, now)) && would_ask(book, customer, of, now)
}

/// Whether an invoice of it would ask for something now: discounts may leave nothing.
fn would_ask(book: &Book, customer: &Customer, of: &Subscription, now: Instant) -> bool {
    let mut then = customer.clone();
    let Ok(place) = then.place_of(of.id) else { return true };
    then.subscriptions[place] = of.clone();
    let when = When { recorded: now, effective: now };
    bill(book, &mut then, &Billing::now(Which::Of(of.id), when));
    then.subscriptions[place].waits()
}

/// Whether something above zero is due of it, before discounts.
fn costs_something(customer: &Customer, of: &Subscription, now: Instant) -> bool {
    let (rules, clock) = (&customer.rules, &customer.clock);
    let today = clock.day(now);
    let costs = |want: &Wanted| {
        let whole = whole(&want.price.terms.rate, want.price.quantity, customer.currency);
        want.due <= today && 0 < whole.rounded()
    };
    of.items.iter().enumerate().any(|(number, item)| {
        let begun = item.cycles(rules, clock, now + 1);
        begun.iter().any(|cycle| unbilled(customer, of, number, cycle).iter().any(costs))
    })
}

/// An invoice was issued: it may be the one that a subscription waits for.
pub(crate) fn asked(customer: &mut Customer, place: usize, now: Instant) {
    if customer.invoices[place].total() <= 0 {
        return;
    }
    // It asks who has something above zero on it.
    let asks = |of: &Subscription| -> bool {
        let lines = customer.invoices[place].lines.iter();
        let of_it = lines.filter(|line| line.is_of(customer, of.id));
        of_it.map(crate::customer::Line::net).sum::<i128>() > 0
    };
    let has: Vec<bool> = customer.subscriptions.iter().map(asks).collect();
    for (of, has) in customer.subscriptions.iter_mut().zip(has) {
        if let Some(gate) = &mut of.gate
            && has
            && !gate.passed
            && gate.asked.is_none()
            && of.end.is_none()
        {
            gate.asked = Some((now, place));
        }
    }
}

/// Ends what was not paid in time, and lives until then.
pub(crate) fn expire(customer: &mut Customer, when: When) {
    let now = when.recorded;
    let late = |of: &Subscription| {
        let gate = of.gate.filter(|gate| !gate.passed && of.end.is_none())?;
        let (at, place) = gate.asked?;
        let invoice = &customer.invoices[place];
        // Nothing is asked any more, or it was paid.
        let paid = invoice.voided || invoice.open() <= gate.tolerance;
        (at + gate.hours * HOUR <= now && !paid).then_some(of.id)
    };
    let found: Vec<_> = customer.subscriptions.iter().filter_map(late).collect();
    for id in &found {
        let at = customer.place_of(*id).expect("just found");
        let of = &mut customer.subscriptions[at];
        let start = of.start;
        end(of, start, CancelCredit::None, EndReason::NotPaid);
    }
    let_go(customer, when, |id| found.contains(&id));
    customer.pending.retain(|charge| charge.of.is_none_or(|of| !found.contains(&of)));
}

/// Where something ends: what was never paid for has not begun.
pub(crate) fn ends_at(
    (book, customer): (&Book, &Customer),
    of: &Subscription,
    at: Instant,
    credit: CancelCredit,
) -> (Instant, CancelCredit) {
    if waits(book, customer, of, at - 1) { (of.start, CancelCredit::None) } else { (at, credit) }
}

/// What ended where it would have begun owes nothing: the invoice that asked for its first payment
/// is void, as a whole.
pub(crate) fn let_go(
    customer: &mut Customer,
    when: When,
    named: impl Fn(schemas::ids::SubscriptionId) -> bool,
) {
    let never_began = |of: &Subscription| {
        let (_, place) = of.gate.filter(|gate| !gate.passed)?.asked?;
        let ended = of.end.as_ref().is_some_and(|end| end.at <= of.start);
        (ended && named(of.id)).then_some((of.id, place))
    };
    let found: Vec<_> = customer.subscriptions.iter().filter_map(never_began).collect();
    for (id, place) in found {
        if customer.invoices[place].voided {
            continue;
        }
        if customer.invoices[place].has_notes || customer.is_credited_by_a_later_one(place) {
            // It stays for the sake of others, and of what notes took off; what it asks of this
            // one comes back.
            let fees: Vec<(usize, i128)> = fees_of(customer, place, id);
            if !fees.is_empty() {
                put_note(customer, place, fees, when);
            }
        } else {
            // What others have on it is billed again.
            undo(customer, place, true);
            asks_no_more(customer, place);
        }
        customer.pending.retain(|charge| charge.of != Some(id));
    }
}

/// Nobody waits for the payment of what is void: who lives is billed again, and asked anew.
fn asks_no_more(customer: &mut Customer, place: usize) {
    let living = customer.subscriptions.iter_mut().filter(|of| of.end.is_none());
    for gate in living.filter_map(|of| of.gate.as_mut()) {
        if gate.asked.is_some_and(|(_, asked)| asked == place) && !gate.passed {
            gate.asked = None;
        }
    }
}

/// What is left of the one-off lines of a subscription on an invoice.
fn fees_of(
    customer: &Customer,
    place: usize,
    id: schemas::ids::SubscriptionId,
) -> Vec<(usize, i128)> {
    let lines = customer.invoices[place].lines.iter().enumerate();
    let fees = lines.filter(|(_, line)| match line.source {
        Source::Charge(charge) => customer.charge_of(charge) == Some(id),
        Source::Cycle(_) => false,
    });
    fees.map(|(at, line)| (at, line.left())).filter(|(_, left)| *left > 0).collect()
}

/// Lets begin what is paid.
pub(crate) fn begin_paid(book: &Book, customer: &mut Customer, when: When) {
    for at in 0..customer.subscriptions.len() {
        let of = &customer.subscriptions[at];
        let Some(gate) = of.gate.filter(|gate| !gate.passed && of.end.is_none()) else { continue };
        let Some((asked, place)) = gate.asked else { continue };
        let invoice = &customer.invoices[place];
        let (voided, paid) = (invoice.voided, invoice.open() <= gate.tolerance);
        let gate = customer.subscriptions[at].gate.as_mut().expect("just found");
        if voided {
            gate.asked = None;
        } else if paid {
            gate.passed = true;
            if book.rules.starts_with_payment() {
                let paid_at = when.effective.max(asked);
                start_at(book, customer, at, (place, paid_at));
            }
        }
    }
}

/// It begins with its payment: what was paid runs from there.
fn start_at(book: &Book, customer: &mut Customer, at: usize, (place, paid_at): (usize, Instant)) {
    let clock = customer.clock.clone();
    let of = &customer.subscriptions[at];
    let start = clock.moment(paid_at);
    let anchor = of.anchor.unwrap_or(book.rules.default_anchor());
    let follows_the_start = anchor == Anchor::Anniversary;
    let known = start <= of.start || of.trial_end.is_some() || !follows_the_start;
    if known || !waited_from_its_start(customer, of, place) {
        return;
    }
    let of = &mut customer.subscriptions[at];
    let id = of.id;
    let before = of.start;
    of.start = start;
    of.term =
        of.term.map(|term| Term::new(&clock, (start, 0), term.length, (term.told, term.credit)));
    of.least = of.least.map(|least| Least::new(&clock, start, least.length, least.fee));
    for number in 0..of.items.len() {
        let of = &mut customer.subscriptions[at];
        let item = &mut of.items[number];
        shift(&clock, item, (before, start));
        let Some(every) = item.last_living_terms().map(|terms| terms.every) else { continue };
        let piece = item.calendars.len();
        for discount in &mut customer.discounts {
            // What was billed before a discount was given still was.
            if let Some(last) = discount.after.get_mut(&(id, number)) {
                last.0 = piece;
            }
        }
        item.lay(Calendar::anniversary(&clock, start, every));
        let calendar = item.last_calendar().clone();
        let mut ids: Vec<crate::calendar::CycleId> = Vec::new();
        let mut asked: Vec<crate::calendar::CycleId> = Vec::new();
        for line in &mut customer.invoices[place].lines {
            let Source::Cycle(cycle) = &mut line.source else { continue };
            if (cycle.subscription, cycle.item) != (id, number) {
                continue;
            }
            // A least price has a line of its own in the same cycle.
            let nth = ids.iter().position(|id| *id == cycle.id).unwrap_or_else(|| {
                ids.push(cycle.id);
                ids.len() - 1
            });
            let bound = |n: usize| calendar.boundary(&clock, i64::try_from(n).expect("few"));
            (cycle.id, cycle.start, cycle.end) = ((piece, nth), bound(nth), bound(nth + 1));
            line.time = (cycle.start, cycle.end);
            asked.push(cycle.id);
            (line.full, line.live) = (line.time, vec![line.time]);
        }
        customer.subscriptions[at].items[number].asked = asked;
    }
}

/// Nothing of it was served before: the invoice is the first with a line of it, bills whole
/// cycles, and asks for something that was due at the start. No phase, discount by cycles, credit
/// or scheduled change hangs on its days.
fn waited_from_its_start(customer: &Customer, of: &Subscription, place: usize) -> bool {
    let asks = |line: &crate::customer::Line| match line.source {
        Source::Charge(charge) => customer.charge_of(charge) == Some(of.id) && line.net() > 0,
        Source::Cycle(cycle) => {
            let terms = (cycle.subscription == of.id)
                .then(|| of.items[cycle.item].terms_at(of.start))
                .flatten();
            let ahead = terms.is_some_and(|terms| terms.timing == BillingTiming::InAdvance);
            ahead && cycle.start == of.start && line.net() > 0
        }
    };
    let mut billed = customer.charging().filter_map(|(at, line)| Some((at, line.cycle()?, line)));
    // Nor hangs anything else on its days.
    let by_cycle = |taken: &crate::customer::Taken| {
        let discount = customer.discounts.iter().find(|known| Some(known.id) == taken.id);
        discount.is_some_and(crate::discounts::counts_cycles)
    };
    let given_back = |line: &crate::customer::Line| line.credited_units != 0 || line.by_notes != 0;
    if !of.scheduled.is_empty()
        || !of.set_aside.is_empty()
        || of.items.iter().any(|item| !item.percents.is_empty())
    {
        return false;
    }
    customer.invoices[place].lines.iter().any(asks)
        && billed.all(|(at, cycle, line)| {
            cycle.subscription != of.id
                || (at.0 == place
                    && line.time == line.full
                    && !given_back(line)
                    && !line.discounts.iter().any(by_cycle))
        })
}

/// Steps of an item keep their distance, in days, from the start.
fn shift(clock: &Clock, item: &mut crate::item::Item, (from, to): (Instant, Instant)) {
    let moved = |at: Instant| {
        if at <= from { to } else { clock.days_later(to, clock.day(at) - clock.day(from)) }
    };
    item.terms = std::mem::take(&mut item.terms).into_iter().map(|(k, v)| (moved(k), v)).collect();
    item.quantities =
        std::mem::take(&mut item.quantities).into_iter().map(|(k, v)| (moved(k), v)).collect();
    item.percents =
        std::mem::take(&mut item.percents).into_iter().map(|(k, v)| (moved(k), v)).collect();
    item.voices =
        std::mem::take(&mut item.voices).into_iter().map(|(k, v)| (moved(k), v)).collect();
    item.told = std::mem::take(&mut item.told).into_iter().map(|(k, v)| (moved(k), v)).collect();
    item.back_at = item.back_at.map(moved);
    item.ramp.iter_mut().for_each(|at| *at = moved(*at));
}
