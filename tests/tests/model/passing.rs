//! Time passes: what was scheduled happens, terms are renewed, migrations are taken.
//!
//! # Shape
//!
//! [`pass`] looks for the earliest thing that is due, lets it happen, and looks again. It issues
//! nothing: documents are made by commands and runs alone. A cycle that is billed ahead is
//! looked at on a copy for which the time has passed.

use schemas::Decimal;
use schemas::command::{ChangeSubscription, ItemRequest};
use schemas::ids::ChargeId;
use schemas::terms::{CancelCredit, EndReason, Renewal, Settle};
use uuid::Uuid;

use crate::activation::ends_at;
use crate::book::Book;
use crate::change::{Asked, apply};
use crate::civil::{Clock, Instant};
use crate::customer::{Charge, Customer, Line, Refused, Source};
use crate::migrate;
use crate::rules::Rules;
use crate::subscription::{At, End, Later, Leaving, Subscription, Term};

/// What one looks at a subscription with.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) clock: &'a Clock,
    pub(crate) book: &'a Book,
    pub(crate) customer: &'a Customer,
}

/// Something that happens by itself.
enum Happens {
    Scheduled(u32),
    TermEnds,
    Migrates(usize),
}

/// What was to happen by an instant has happened, to all subscriptions of a customer.
pub(crate) fn time_passes(book: &Book, customer: &mut Customer, to: Instant) {
    let seen = customer.clone();
    let view = View { rules: &book.rules, clock: &seen.clock, book, customer: &seen };
    for of in &mut customer.subscriptions {
        pass(&view, of, to);
    }
    ask_fees(customer);
}

/// The fee for an early end is charged when the end comes, unless one stands.
fn ask_fees(customer: &mut Customer) {
    for at in 0..customer.subscriptions.len() {
        let of = &mut customer.subscriptions[at];
        let Some(gross) = of.owes_fee.take() else { continue };
        let (subscription, asked) = (of.id, of.fees.clone());
        let billed = |line: &Line| match line.source {
            Source::Charge(id) => asked.contains(&id) && line.left() > 0,
            Source::Cycle(_) => false,
        };
        let waits = customer.pending.iter().any(|charge| asked.contains(&charge.id));
        if waits || customer.charging().any(|(_, line)| billed(line)) {
            continue;
        }
        // The ledger mints its id; nothing asks for it by name.
        let id = ChargeId::new(Uuid::from_u128(u128::MAX - customer.charges.len() as u128));
        let of = Some(subscription);
        let charge = Charge { id, gross, quantity: Decimal::ONE, of, setup: false, due: true };
        customer.subscriptions[at].fees.push(id);
        customer.charges.push(charge.clone());
        customer.pending.push(charge);
    }
}

/// Lets everything happen up to and at an instant.
pub(crate) fn pass(view: &View<'_>, subscription: &mut Subscription, to: Instant) {
    // A subscription that cannot do what was scheduled must not be asked for ever.
    for _ in 0..10_000 {
        let Some((at, what)) = next(view, subscription, to) else { return };
        match what {
            Happens::Scheduled(number) => match migrates_before(view, subscription, number, at) {
                Some(item) => migrate::take(view, subscription, item, at),
                None => happen(view, subscription, number, at),
            },
            Happens::TermEnds => renew(view, subscription),
            Happens::Migrates(item) => migrate::take(view, subscription, item, at),
        }
    }
    panic!("time does not pass: {subscription:?}");
}

fn next(view: &View<'_>, of: &Subscription, to: Instant) -> Option<(Instant, Happens)> {
    if of.end.is_some() {
        return None;
    }
    let scheduled = of.scheduled.iter().filter_map(|scheduled| match scheduled.at {
        At::Time(at) => Some((at, 1, Happens::Scheduled(scheduled.number))),
        At::Paid => None,
    });
    let term = of.term.map(|term| (term.end, 0, Happens::TermEnds));
    // No cycle begins while it waits for its first payment.
    let items = if of.waits() { 0 } else { of.items.len() };
    let moves = (0..items).filter_map(|item| {
        migrate::next(view, of, item, to).map(|at| (at, 2, Happens::Migrates(item)))
    });
    let all = scheduled.chain(term).chain(moves).filter(|(at, ..)| *at <= to);
    all.min_by_key(|(at, order, what)| {
        let number = match what {
            Happens::Scheduled(number) => *number,
            Happens::TermEnds | Happens::Migrates(_) => 0,
        };
        (*at, *order, number)
    })
    .map(|(at, _, what)| (at, what))
}

/// The item that a migration moves at the instant of a change that can only come after it: it names
/// what the migration brings.
fn migrates_before(view: &View<'_>, of: &Subscription, number: u32, at: Instant) -> Option<usize> {
    let scheduled = of.scheduled.iter().find(|known| known.number == number)?;
    let Later::Change(change) = &scheduled.what else { return None };
    if of.waits() || apply(view, &mut of.clone(), change, (at, Asked::Before(number))).is_ok() {
        return None;
    }
    (0..of.items.len()).find(|item| migrate::next(view, of, *item, at) == Some(at))
}

/// A scheduled change takes effect.
fn happen(view: &View<'_>, of: &mut Subscription, number: u32, at: Instant) {
    let place = of.scheduled.iter().position(|known| known.number == number);
    let place = place.expect("it was just found");
    // What is known of an end counts until it comes.
    let known = of.clone();
    let scheduled = of.scheduled.remove(place);
    if let Later::Cancel(leaving) = scheduled.what {
        leave(view, (&known, of), leaving, at);
    } else {
        take_effect(view, of, (number, scheduled.what), at);
    }
}

/// A change, end, pause or resumption takes effect at an instant.
pub(crate) fn take_effect(
    view: &View<'_>,
    of: &mut Subscription,
    (number, what): (u32, Later),
    at: Instant,
) {
    match what {
        Later::Change(change) => {
            let told = (at, Asked::Before(number));
            let touched = apply(view, of, &change, told)
                .or_else(|_| {
                    let left = possible(view, of, (*change).clone(), told)?;
                    apply(view, of, &left, told)
                })
                .unwrap_or_default();
            let now = settle(view.rules, change.proration) == Settle::Now;
            of.owes_a_bill |= now && !touched.items.is_empty();
        }
        Later::Cancel(leaving) => leave(view, (&of.clone(), of), leaving, at),
        Later::Pause(how) => {
            of.owes_a_bill |= how == Settle::Now;
            crate::pauses::pause_at(view, of, at, how);
        }
        // A pause that was to be over before it began is none.
        Later::Resume(_) if of.paused_at(at).is_none() => {
            of.scheduled.retain(|known| !matches!(known.what, Later::Pause(_)));
        }
        Later::Resume(how) => {
            of.owes_a_bill |= how == Settle::Now;
            crate::pauses::resume_at(view, of, (at, Some(number)), how);
        }
    }
}

/// What of a scheduled change can still be: prices that are not there are left out.
fn possible(
    view: &View<'_>,
    of: &Subscription,
    change: ChangeSubscription,
    told: (Instant, Asked),
) -> Result<ChangeSubscription, Refused> {
    let alone = |item: &ItemRequest| {
        let one = ChangeSubscription { items: Some(vec![item.clone()]), ..change.clone() };
        apply(view, &mut of.clone(), &one, told).is_ok()
    };
    let all = change.items.clone().unwrap_or_default();
    let items: Vec<ItemRequest> = all.iter().filter(|item| alone(item)).cloned().collect();
    let nothing = items.is_empty()
        && change.plan.is_none()
        && change.quantity.is_none()
        && change.anchor.is_none();
    if nothing || items.len() == all.len() {
        return Err("nothing of it can be");
    }
    Ok(ChangeSubscription { items: Some(items), ..change })
}

/// It is canceled for an instant, and was known until then as it was.
fn leave(
    view: &View<'_>,
    (known, of): (&Subscription, &mut Subscription),
    leaving: Leaving,
    told: Instant,
) {
    let (at, credit) = ends_at((view.book, view.customer), known, told, leaving.credit);
    of.owes_a_bill |= credit != CancelCredit::None;
    end(of, at, credit, EndReason::Canceled);
    if !leaving.waived && at == told {
        costs(of);
    }
}

/// How a difference is billed, if the command does not say.
pub(crate) fn settle(rules: &Rules, told: Option<Settle>) -> Settle {
    told.unwrap_or(match rules.of.change_billing {
        schemas::terms::ChangeBilling::NextInvoice => Settle::Next,
        schemas::terms::ChangeBilling::AtOnce => Settle::Now,
    })
}

/// A subscription that has ended before its least term owes a fee; not where nobody ever paid what
/// it waits for.
pub(crate) fn costs(of: &mut Subscription) {
    let early = of.end.as_ref().and_then(|end| of.is_early(end.at));
    if !of.waits() {
        of.owes_fee = early.and_then(|least| least.fee);
    }
}

/// It ends; what was scheduled is kept aside in case the end is undone.
pub(crate) fn end(of: &mut Subscription, at: Instant, credit: CancelCredit, reason: EndReason) {
    if credit != CancelCredit::None {
        // What was left as it was billed is given back with the end.
        crate::left_alone::thaw_living(of, at);
    }
    let mut withdrawn = std::mem::take(&mut of.scheduled);
    withdrawn.append(&mut of.set_aside);
    of.end = Some(End { at, credit, reason, begun: at - 1, withdrawn });
}

fn renew(view: &View<'_>, of: &mut Subscription) {
    let Some(term) = of.term else { return };
    let next = |renewal| {
        let told = (renewal, term.credit);
        let next = Term::new(view.clock, (term.origin, term.nth + 1), term.length, told);
        Some(Term { told: term.told, ..next })
    };
    match term.renewal {
        Renewal::Renew => of.term = next(Renewal::Renew),
        Renewal::RenewOnce => of.term = next(Renewal::Cancel),
        Renewal::Evergreen => of.term = None,
        Renewal::Cancel => {
            let (at, credit) = ends_at((view.book, view.customer), of, term.end, term.credit);
            of.owes_a_bill |= credit != CancelCredit::None;
            end(of, at, credit, EndReason::TermEnded);
            if at == term.end {
                costs(of);
            }
        }
    }
}
