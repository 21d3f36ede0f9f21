//! Differences become documents: lines, discounts, notes, an invoice.
//!
//! # Shape
//!
//! [`bill`] asks for the differences, prices them, takes discounts off, and splits credits into
//! lines and notes by policy. A run makes an invoice only for a reason; a command that bills at
//! once needs none.

use schemas::ids::{ChargeId, SubscriptionId};
use schemas::terms::{BillingTiming, ChangeBilling, LineKind, MissingPiece};

use crate::activation;
use crate::book::Book;
use crate::calendar::CycleId;
use crate::civil::{Day, Stretch, day_of_seller};
use crate::compare::{Days, Difference, Gone, Missing, difference, unbilled};
use crate::credit::give_back;
use crate::customer::{At, Customer, CycleOf, Document, Invoice, Line, Origin, Source, When};
use crate::discounts::take;
use crate::lots::{expire, new_lot, sweep, use_credit};
use crate::measure::cost;
use crate::notes::{note, split};
use crate::number::Exact;
use crate::passing::View;
use crate::price::{minor, whole};
use crate::residue::Layer;
use crate::rules::{CreditDocument, Rules};
use crate::stretches::{joined, without};

/// Of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Everything of the customer.
    All,
    /// One subscription.
    Of(SubscriptionId),
    /// One charge.
    Charge(ChargeId),
    /// Cycles of a subscription that were billed and will not begin.
    WontBegin(SubscriptionId),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Billing {
    pub(crate) which: Which,
    pub(crate) when: When,
    /// Through which day; today if none.
    pub(crate) through: Option<Day>,
    /// Cycles that begin up to that day are billed, too.
    pub(crate) ahead: bool,
    /// An invoice needs a reason.
    pub(crate) run: bool,
}

impl Billing {
    /// At once, whatever there is.
    pub(crate) const fn now(which: Which, when: When) -> Self {
        Self { which, when, through: None, ahead: false, run: false }
    }
}

/// Bills what is due; issues nothing where nothing is.
pub(crate) fn bill(book: &Book, customer: &mut Customer, billing: &Billing) {
    let now = billing.when.recorded;
    // Also for what the command itself wrote, such as a start on a version that is to be left.
    crate::passing::time_passes(book, customer, billing.when.recorded);
    if billing.which == Which::All {
        activation::expire(customer, billing.when);
    }
    let today = When { effective: now, ..billing.when };
    activation::let_go(customer, today, |id| match billing.which {
        Which::All => true,
        Which::Of(of) | Which::WontBegin(of) => of == id,
        Which::Charge(_) => false,
    });
    if billing.which == Which::All {
        expire(customer, day_of_seller(now));
    }
    let today = customer.clock.day(now);
    let told = billing.through.unwrap_or(today);
    let through = told.min(today);
    let begins = if billing.ahead { told.max(through) } else { through };
    let days = Days { used: through, begins, told: billing.ahead };
    let begun = now;
    let seen = customer.clone();
    let view = View { rules: &book.rules, clock: &seen.clock, book, customer: &seen };
    let mut differences: Vec<(usize, Difference)> = Vec::new();
    for (place, subscription) in seen.subscriptions.iter().enumerate() {
        let named = match billing.which {
            Which::All => true,
            Which::Of(id) | Which::WontBegin(id) => subscription.id == id,
            Which::Charge(_) => false,
        };
        if !named {
            continue;
        }
        let wont_begin = matches!(billing.which, Which::WontBegin(_));
        if subscription.waits() && subscription.end.is_none() && !wont_begin {
            // No cycle is billed while it waits for its first payment.
            differences.push((place, Difference::default()));
            continue;
        }
        let mut found = difference(&view, &seen, subscription, begun, days);
        if wont_begin {
            let begins =
                |at: At| seen.line(at).cycle().is_none_or(|cycle| subscription.begins(cycle.start));
            found.gone.retain(|gone| !begins(gone.line));
            found.missing.clear();
        }
        differences.push((place, found));
    }
    let charges: Vec<ChargeId> = seen
        .pending
        .iter()
        .filter(|charge| {
            let of = charge.of.and_then(|id| seen.subscriptions.iter().find(|of| of.id == id));
            // It is due when it begins, or would have; what never began was not set up.
            of.is_none_or(|of| {
                let begins = of.end.as_ref().is_none_or(|end| of.start < end.at);
                of.start <= now && (begins || !charge.setup)
            })
        })
        .filter(|charge| match billing.which {
            Which::All => true,
            Which::Of(id) => charge.of == Some(id),
            Which::Charge(id) => charge.id == id,
            Which::WontBegin(_) => false,
        })
        .map(|charge| charge.id)
        .collect();
    if billing.run && !has_reason(&view, &differences, &charges, now) {
        return;
    }
    let mut credits: Vec<(Line, bool)> = Vec::new();
    let mut of_nothing: Vec<(usize, At, Line, bool)> = Vec::new();
    let mut lines: Vec<Line> = Vec::new();
    for (place, found) in &differences {
        let subscription = &seen.subscriptions[*place];
        for gone in &found.gone {
            let line = customer.line(gone.line).clone();
            let credit = give_back(&view, subscription, (gone.line, &line), gone.time);
            if is_worth(&credit) {
                is_given_back(customer, *place, gone.line, &credit);
            } else {
                of_nothing.push((*place, gone.line, credit.clone(), gone.alone));
            }
            credits.push((credit, gone.alone));
        }
        for missing in &found.missing {
            let more = charge_lines(&view, customer, missing, &lines);
            lines.extend(more);
            let known = &mut customer.subscriptions[*place].again;
            is_billed(known, &missing.of, missing.what.time);
        }
        if billing.which != Which::WontBegin(subscription.id) {
            customer.subscriptions[*place].owes_a_bill = false;
        }
    }
    lines.extend(charges.iter().map(|id| {
        let charge = seen.pending.iter().find(|known| known.id == *id).expect("it waits");
        plain(Source::Charge(*id), charge.gross, charge.quantity)
    }));
    crate::residue::settle_up(&view, &credits, &mut lines, Layer::Price);
    take(&book.rules, customer, today, &mut lines);
    crate::residue::settle_up(&view, &credits, &mut lines, Layer::Left);
    top_up(&view, &mut lines);
    let other = credits.iter().filter(|(_, alone)| !alone).map(|(line, _)| line.net());
    let below = other.chain(lines.iter().map(Line::net)).sum::<i128>() < 0;
    let (noted, mut beside) = split(&book.rules, credits, &lines);
    // What gives back nothing is said on an invoice that is issued anyway, or not at all.
    let issued = !beside.is_empty() || !lines.is_empty();
    for (place, at, credit, alone) in of_nothing {
        let says = match book.rules.credit_document() {
            CreditDocument::InvoiceLine => true,
            CreditDocument::CreditNote => false,
            CreditDocument::NoteWhenAlone => !alone && !below,
        };
        if issued && says {
            is_given_back(customer, place, at, &credit);
            beside.push(credit);
        }
    }
    note(customer, &noted, billing.when);
    if billing.which == Which::All {
        // What goes back to a lot whose last day has passed is gone.
        expire(customer, day_of_seller(now));
    }
    let mut lines: Vec<Line> = beside.into_iter().chain(lines).collect();
    // What is given back of an item stands before what it costs; charges stand last.
    lines.sort_by_key(|line| {
        let of = line.cycle().map(|of| (customer.place_of(of.subscription).ok(), of.item));
        (of.is_none(), of, line.charges())
    });
    customer.pending.retain(|charge| !charges.contains(&charge.id));
    if !lines.is_empty() {
        finalize(&book.rules, customer, lines, billing.when);
    }
}

/// Time that was to be billed again is.
fn is_billed(known: &mut Vec<(usize, CycleId, Stretch)>, cycle: &CycleOf, time: Stretch) {
    let again = std::mem::take(known);
    for (item, id, old) in again {
        let same = (item, id) == (cycle.item, cycle.id);
        let left = if same { without(&[old], &[time]) } else { vec![old] };
        known.extend(left.into_iter().map(|time| (item, id, time)));
    }
}

/// Whether a run makes an invoice.
fn has_reason(
    view: &View<'_>,
    differences: &[(usize, Difference)],
    charges: &[ChargeId],
    now: i64,
) -> bool {
    let customer = view.customer;
    // What gives back nothing is no reason for anything.
    let worth = |gone: &&Gone| customer.line(gone.line).gross != 0;
    let pending = |id: &ChargeId| customer.pending.iter().find(|charge| charge.id == *id);
    let any = charges.len()
        + differences
            .iter()
            .map(|(_, d)| d.gone.iter().filter(worth).count() + d.missing.len())
            .sum::<usize>();
    if any == 0 {
        return false;
    }
    let due = differences.iter().any(|(place, found)| {
        let subscription = &customer.subscriptions[*place];
        let owed = subscription.owes_a_bill || subscription.end.is_some();
        let again = |of: &CycleOf, time| subscription.bills_again(of.item, of.id, time);
        let gone =
            |gone: &Gone| customer.line(gone.line).cycle().is_some_and(|of| again(of, gone.time));
        found.missing.iter().any(|missing| missing.reason || again(&missing.of, missing.what.time))
            || found.gone.iter().any(gone)
            || (owed && found.gone.iter().filter(worth).count() + found.missing.len() > 0)
    });
    // A setup fee is due when its subscription begins; one with a trial waits for its first cycle.
    let set_up = |charge: &crate::customer::Charge| {
        let of = charge.of.and_then(|id| customer.subscriptions.iter().find(|of| of.id == id));
        charge.setup && of.is_some_and(|of| of.trial_end.is_none_or(|end| end <= now))
    };
    let again = charges.iter().filter_map(pending).any(|charge| charge.due || set_up(charge));
    let at_once = view.rules.of.change_billing == ChangeBilling::AtOnce;
    let waits = || {
        // How long something waits is reckoned from today.
        let (today, days) = (view.clock.day(now), view.rules.charge_wait());
        match next_invoice(view, now, today) {
            Some(next) => today + days < next,
            // What no invoice is to come for is not forgotten.
            None => true,
        }
    };
    due || again || at_once || waits()
}

/// The day on which the next cycle of the customer is billed, by what is known now.
fn next_invoice(view: &View<'_>, now: i64, through: Day) -> Option<Day> {
    let mut days: Vec<Day> = Vec::new();
    for subscription in &view.customer.subscriptions {
        if subscription.end.is_some() || subscription.waits() {
            continue;
        }
        let mut known = subscription.clone();
        known.pauses = subscription.known_pauses();
        for (number, item) in subscription.items.iter().enumerate() {
            let horizon = view.clock.start_of(through + 500);
            for cycle in item.cycles(view.rules, view.clock, horizon.max(now)) {
                // What is billed already is no next invoice.
                let wants = unbilled(view.customer, &known, number, &cycle);
                let mut lines = view.customer.charging();
                let begun = lines.any(|(_, line)| {
                    let same = |of: &crate::customer::CycleOf| {
                        (of.subscription, of.item, of.id) == (known.id, number, cycle.id)
                    };
                    line.cycle().is_some_and(same) && !line.live.is_empty()
                });
                // Nor is a difference, which waits for one.
                let began = item.terms.keys().next().is_some_and(|at| known.start < *at);
                let added = began && cycle.id == (0, 0) && cycle.start != cycle.full.0;
                let given_up =
                    item.waived.iter().any(|(_, time)| time.0 < cycle.end && cycle.start < time.1);
                let whole = !begun && !added && !given_up;
                let again =
                    |want: &crate::wanted::Wanted| known.bills_again(number, cycle.id, want.time);
                let due = |want: &crate::wanted::Wanted| {
                    whole || again(want) || want.price.terms.timing == BillingTiming::InArrears
                };
                days.extend(wants.into_iter().filter(due).map(|want| {
                    let goes_on = known.pauses.iter().any(|p| p.until == Some(want.time.0));
                    // What follows a pause is billed when it goes on.
                    let from = if goes_on && (!begun || again(&want)) {
                        view.clock.day(want.time.0)
                    } else {
                        want.due
                    };
                    want.due.max(from)
                }));
            }
        }
    }
    days.into_iter().filter(|day| through < *day).min()
}

fn plain(source: Source, gross: i128, quantity: schemas::Decimal) -> Line {
    Line {
        source,
        kind: LineKind::OneOff,
        price: None,
        time: (0, 0),
        full: (0, 0),
        quantity,
        whole: Exact::whole(gross),
        gross,
        discounts: Vec::new(),
        credits: None,
        live: Vec::new(),
        stands: false,
        returned: Vec::new(),
        credited_units: 0,
        credited: 0,
        credited_gross: 0,
        noted: 0,
        by_notes: 0,
    }
}

/// A piece of a cycle as a line, and beside it what is missing to the least price. `before` are the
/// lines that the bill has already.
fn charge_lines(
    view: &View<'_>,
    customer: &Customer,
    missing: &Missing,
    before: &[Line],
) -> Vec<Line> {
    let price = &missing.what.price;
    let (time, full) = (missing.what.time, missing.what.full);
    let whole = whole(&price.terms.rate, price.quantity, customer.currency);
    let every = price.terms.every;
    let part = |whole: Exact| cost(view.rules, view.clock, whole, (time, full), every).rounded();
    let rest = |tops_up, whole| rest_of_cycle(view, customer, (missing, before), (tops_up, whole));
    let gross = rest(false, whole).unwrap_or_else(|| part(whole));
    let kind = if missing.first { LineKind::Recurring } else { LineKind::ProrationCharge };
    let line = Line {
        kind,
        price: Some(price.clone()),
        time,
        full,
        whole,
        live: vec![time],
        ..plain(Source::Cycle(missing.of), gross, price.quantity)
    };
    let least = price.terms.minimum.map(|least| minor(Exact::decimal(least), customer.currency));
    let short = least.map(|least| least.minus(whole)).filter(|short| Exact::ZERO < *short);
    let holds = view.rules.minimum_holds();
    match (least, short) {
        (Some(least), _) if holds => {
            let gross = part(least);
            let top = Line { kind: LineKind::MinimumTrueUp, whole: least, gross, ..line.clone() };
            vec![line, top]
        }
        (Some(_), Some(short)) => {
            let gross = rest(true, short).unwrap_or_else(|| part(short));
            let top = Line { kind: LineKind::MinimumTrueUp, whole: short, gross, ..line.clone() };
            vec![line, top]
        }
        (Some(_) | None, _) => vec![line],
    }
}

/// The last missing piece of a cycle is the whole less what was billed at the same price, also in
/// the same bill.
fn rest_of_cycle(
    view: &View<'_>,
    customer: &Customer,
    (missing, before): (&Missing, &[Line]),
    (tops_up, whole): (bool, Exact),
) -> Option<i128> {
    if view.rules.of.missing_piece == MissingPiece::OwnRatio
        || missing.what.time == missing.what.full
    {
        return None;
    }
    let same = |line: &Line| {
        let of = line.cycle().is_some_and(|of| {
            (of.subscription, of.item, of.id)
                == (missing.of.subscription, missing.of.item, missing.of.id)
        });
        let price = line.price.as_ref().is_some_and(|price| price.costs_as(&missing.what.price));
        of && price && (line.kind == LineKind::MinimumTrueUp) == tops_up
    };
    // Lines of which something was given back are not what was billed.
    let stand = customer.charging().map(|(_, line)| line).chain(before);
    let others: Vec<&Line> = stand.filter(|line| same(line) && line.live == [line.time]).collect();
    let mut time: Vec<Stretch> = others.iter().map(|line| line.time).collect();
    if time.is_empty() {
        return None;
    }
    time.push(missing.what.time);
    if joined(time) != [missing.what.full] {
        return None;
    }
    let billed: i128 = others.iter().map(|line| line.gross).sum();
    Some((whole.rounded() - billed).max(0))
}

/// The least price holds: what discounts took off below it comes back on a line of its own.
fn top_up(view: &View<'_>, lines: &mut Vec<Line>) {
    if !view.rules.minimum_holds() {
        return;
    }
    for at in 1..lines.len() {
        if lines[at].kind == LineKind::MinimumTrueUp {
            lines[at].discounts.clear();
            lines[at].gross = (lines[at].gross - lines[at - 1].net()).max(0);
        }
    }
    lines.retain(|line| line.kind != LineKind::MinimumTrueUp || line.gross != 0);
}

/// A line charges less time, and less money is left of it.
fn is_given_back(customer: &mut Customer, place: usize, at: At, credit: &Line) {
    taken_off(customer, at, credit);
    if let Some(of) = customer.line(at).cycle().copied() {
        let subscription = &mut customer.subscriptions[place];
        is_billed(&mut subscription.credited_again, &of, credit.time);
        // Where something that stood in time that was given up comes back, it is no more.
        let waived = std::mem::take(&mut subscription.items[of.item].waived);
        let left = waived.into_iter().flat_map(|(id, time)| {
            without(&[time], &[credit.time]).into_iter().map(move |time| (id, time))
        });
        subscription.items[of.item].waived = left.collect();
    }
}

/// It gives something back.
pub(crate) fn is_worth(credit: &Line) -> bool {
    credit.gross != 0 || credit.net() != 0
}

fn taken_off(customer: &mut Customer, at: At, credit: &Line) {
    let line = customer.line_mut(at);
    line.live = crate::stretches::without(&line.live, &[credit.time]);
    line.credited_units += credit.credited_units;
    line.credited -= credit.net();
    line.credited_gross -= credit.gross;
    line.returned.extend(credit.discounts.iter().copied());
}

/// An invoice is issued: credit pays it, or its negative total becomes credit.
fn finalize(rules: &Rules, customer: &mut Customer, lines: Vec<Line>, when: When) {
    let dated = day_of_seller(when.recorded);
    // What is open already comes before the new invoice.
    sweep(rules, customer, dated);
    let due = dated + customer.terms_days;
    let place = customer.invoices.len();
    customer.invoices.push(Invoice {
        issued: crate::book::Told { at: when.recorded, number: customer.command },
        dated,
        due,
        lines,
        applied: Vec::new(),
        noted: 0,
        has_notes: false,
        generated: None,
        held: false,
        voided: false,
    });
    let total = customer.invoices[place].total();
    if total < 0 {
        let lot = new_lot(customer, Origin::Invoice(place), -total, dated);
        customer.invoices[place].generated = Some((lot, -total));
    } else {
        use_credit(customer, place, dated);
    }
    customer.issued.push(Document::Invoice(place));
    activation::asked(customer, place, when.recorded);
}
