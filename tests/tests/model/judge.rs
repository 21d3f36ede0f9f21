//! Compares what the ledger decided with what the model says.
//!
//! # Shape
//!
//! Both sides are written as the same short texts: a line, a note, a balance, a scheduled
//! change. The first text that differs is the difference, and its kind is what was compared and
//! after which command, so that differences of one cause are told together.

use std::collections::BTreeMap;

use ledger_core::Ledger;
use schemas::event::{
    BillingEvent, CreditNoteIssued, InvoiceFinalized, InvoiceLine, LineRef, ScheduledChange,
    ScheduledFor, SettlementEvent, SubscriptionActivated,
};
use schemas::ids::{CustomerId, InvoiceId, SubscriptionId};
use schemas::terms::{LineKind, LotRef};
use schemas::view::{Entitlement, PendingChange, SubscriptionState};
use schemas::{Command, Decimal, Event, Minor, Span};

use crate::access::{Granted, granted, has_access, state};
use crate::book::Book;
use crate::civil::{Clock, Instant, date};
use crate::customer::{At, Customer, Document, Line, Lot, Origin, Source};
use crate::number::Exact;
use crate::subscription::{At as Time, Later, Subscription};

/// What differs first.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    pub(crate) kind: String,
    pub(crate) command: String,
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// What the ledger says is scheduled.
fn scheduled_by_ledger(clock: &Clock, of: &[PendingChange]) -> Vec<String> {
    let mut found: Vec<String> = of
        .iter()
        .map(|known| {
            let at = match known.at {
                ScheduledFor::At(at) => day(clock, at.micros()),
                ScheduledFor::Paid => "paid".to_owned(),
            };
            let what = match known.what {
                ScheduledChange::Items(_) => "change",
                ScheduledChange::Cancel(_) => "cancel",
                ScheduledChange::Pause(_) => "pause",
                ScheduledChange::Resume(_) => "resume",
            };
            format!("{what} {at}")
        })
        .collect();
    found.sort();
    found
}

fn scheduled(clock: &Clock, of: &Subscription) -> Vec<String> {
    let mut found: Vec<String> = of
        .scheduled
        .iter()
        .map(|known| {
            let at = match known.at {
                Time::Time(at) => day(clock, at),
                Time::Paid => "paid".to_owned(),
            };
            let what = match known.what {
                Later::Change(_) => "change",
                Later::Cancel(_) => "cancel",
                Later::Pause(_) => "pause",
                Later::Resume(_) => "resume",
            };
            format!("{what} {at}")
        })
        .collect();
    found.sort();
    found
}

/// A day in the customer's zone, and the time where it is not the start of one.
fn day(clock: &Clock, at: Instant) -> String {
    let (year, month, of_month) = date(clock.day(at));
    let time = clock.time_of_day(at) / 60_000_000;
    if time == 0 || clock.start_of(clock.day(at)) == at {
        format!("{year}-{month:02}-{of_month:02}")
    } else {
        format!("{year}-{month:02}-{of_month:02}T{:02}:{:02}", time / 60, time % 60)
    }
}

fn units(quantity: Decimal) -> String {
    format!("{:?}", Exact::decimal(quantity))
}

/// A line in words that both sides have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    /// Where it is: price and time, or a charge.
    what: String,
    credits: Option<At>,
    version: u32,
    quantity: String,
    gross: i128,
    net: i128,
    kind: String,
    /// It is more than a change of nothing.
    says: bool,
}

/// A credit of nothing says nothing, and nor does its charge.
fn is_something(kind: LineKind, gross: i128, net: i128) -> bool {
    let of_a_change = matches!(kind, LineKind::ProrationCredit | LineKind::ProrationCharge);
    !of_a_change || gross != 0 || net != 0
}

/// The place of a line among those of its invoice that say something.
fn place(customer: &Customer, (invoice, line): At) -> At {
    let before = customer.invoices[invoice].lines.iter().take(line);
    let says = |line: &&Line| is_something(line.kind, line.gross, line.net());
    (invoice, before.filter(says).count())
}

/// The same of a line that the ledger names.
fn place_by_ledger(customer: &Customer, invoice: InvoiceId, line: u32) -> At {
    let line = usize::try_from(line).expect("small") - 1;
    let known = customer.names.iter().position(|known| *known == invoice);
    let place = known.map(|invoice| (invoice, customer.places[invoice][line]));
    place.unwrap_or((usize::MAX, line))
}

/// The place of a line that a command names by its number on the ledger's invoice.
pub(crate) fn line_of(customer: &Customer, invoice: usize, line: usize) -> usize {
    let Some(said) = customer.places.get(invoice).and_then(|places| places.get(line)) else {
        return line;
    };
    let lines = &customer.invoices[invoice].lines;
    let says = |at: &usize| {
        let line = &lines[*at];
        is_something(line.kind, line.gross, line.net())
    };
    (0..lines.len()).filter(says).nth(*said).unwrap_or(lines.len())
}

fn shown(customer: &Customer, line: &Line) -> Shown {
    let clock = &customer.clock;
    let what = match (&line.price, line.source) {
        (Some(price), Source::Cycle(of)) => format!(
            "{} of {:?} {}/{}",
            price.terms.price,
            of.subscription,
            day(clock, line.time.0),
            day(clock, line.time.1)
        ),
        (Some(_) | None, _) => "charge".to_owned(),
    };
    let top = if line.kind == LineKind::MinimumTrueUp { " least" } else { "" };
    Shown {
        what: format!("{what}{top}"),
        credits: line.credits.map(|at| place(customer, at)),
        version: line.price.as_ref().map_or(0, |price| price.terms.version),
        quantity: units(line.quantity),
        gross: line.gross,
        net: line.net(),
        kind: format!("{:?}", line.kind),
        says: is_something(line.kind, line.gross, line.net()),
    }
}

/// Where cycles lie that were moved in the commit: by subscription, item and cycle.
type Moved = BTreeMap<(SubscriptionId, u16), Vec<Span>>;

/// What was paid as soon as it was billed may begin with its payment.
fn moved(events: &[Event]) -> Moved {
    let begun = events.iter().filter_map(|event| event.get::<SubscriptionActivated>());
    let items = begun.flat_map(|begun| {
        let items = begun.moved.iter().flat_map(|moved| &moved.items);
        items.map(|item| ((begun.subscription, item.item), item.cycles.clone()))
    });
    items.collect()
}

fn shown_by_ledger(customer: &Customer, clock: &Clock, moved: &Moved, line: &InvoiceLine) -> Shown {
    let place = |at: LineRef| place_by_ledger(customer, at.invoice, at.line);
    let what = match (&line.pricing, line.source) {
        (Some(pricing), schemas::event::LineSource::Cycle { subscription, item, cycle }) => {
            let there = moved.get(&(subscription, item));
            let span = there.and_then(|cycles| cycles.get(cycle as usize)).unwrap_or(&pricing.span);
            format!(
                "{} of {subscription:?} {}/{}",
                pricing.price,
                day(clock, span.start().micros()),
                day(clock, span.end().micros())
            )
        }
        (Some(_) | None, _) => "charge".to_owned(),
    };
    let top = if line.kind == LineKind::MinimumTrueUp { " least" } else { "" };
    Shown {
        what: format!("{what}{top}"),
        credits: line.credits.map(place),
        version: line.plan.map_or(0, |plan| plan.version),
        quantity: units(line.quantity),
        gross: line.gross.0.into(),
        net: line.net.0.into(),
        kind: format!("{:?}", line.kind),
        says: is_something(line.kind, line.gross.0.into(), line.net.0.into()),
    }
}

fn in_order(mut lines: Vec<Shown>) -> Vec<Shown> {
    lines.retain(|line| line.says);
    lines.sort();
    lines
}

/// What is compared of a line.
type Key = fn(&Shown) -> String;

/// Which part of two lists of lines differs first.
fn part_that_differs(wanted: &[Shown], found: &[Shown]) -> Option<&'static str> {
    let each = |of: &[Shown], key: Key| {
        let mut keys: Vec<String> = of.iter().map(key).collect();
        keys.sort();
        keys
    };
    let keys: [(&'static str, Key); 6] = [
        ("which lines", |line| format!("{} {}", line.what, line.credits.is_some())),
        ("version of a line", |line| format!("{} {}", line.what, line.version)),
        ("quantity of a line", |line| format!("{} {}", line.what, line.quantity)),
        ("gross of a line", |line| format!("{} {}", line.what, line.gross)),
        ("net of a line", |line| format!("{} {} {}", line.what, line.gross, line.net)),
        ("kind of a line", |line| format!("{} {}", line.what, line.kind)),
    ];
    keys.into_iter().find(|(_, key)| each(wanted, *key) != each(found, *key)).map(|(name, _)| name)
}

fn list<T: std::fmt::Debug>(of: &[T]) -> String {
    let lines: Vec<String> = of.iter().map(|one| format!("\n    {one:?}")).collect();
    lines.concat()
}

type Note = (usize, Vec<(usize, i128)>);

fn notes(customer: &Customer, of: &[&CreditNoteIssued]) -> Vec<Note> {
    let mut found: Vec<Note> = of
        .iter()
        .map(|note| {
            let place = customer.names.iter().position(|known| *known == note.invoice);
            let of = |line: u32| place_by_ledger(customer, note.invoice, line).1;
            let lines = note.lines.iter().map(|line| (of(line.line), i128::from(line.net.0)));
            let mut lines: Vec<(usize, i128)> = lines.filter(|(_, net)| *net != 0).collect();
            lines.sort_unstable();
            (place.unwrap_or(usize::MAX), lines)
        })
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    found.sort();
    found
}

/// The places of an invoice's lines among those that say something.
fn places_of(invoice: &InvoiceFinalized) -> Vec<usize> {
    let mut before = 0;
    let place = |line: &InvoiceLine| {
        let (gross, net) = (line.gross.0.into(), line.net.0.into());
        let says = is_something(line.kind, gross, net);
        before += usize::from(says);
        if says { before - 1 } else { usize::MAX }
    };
    invoice.lines.iter().map(place).collect()
}

/// Everything that a customer was issued last, for people.
pub(crate) fn documents(customer: &Customer) -> String {
    customer.invoices.last().map_or_else(String::new, |invoice| {
        let lines: Vec<Shown> = invoice.lines.iter().map(|line| shown(customer, line)).collect();
        list(&lines)
    })
}

/// The first difference after a command that both sides accept.
pub(crate) fn compare(
    (book, known): (&Book, &mut Customer),
    (ledger, id): (&Ledger, CustomerId),
    command: &Command,
    (events, documents): (&[Event], &[Document]),
    now: Instant,
) -> Option<Difference> {
    let name = command.kind().name;
    let account = ledger.customer(id)?;
    let differ = |kind: &str, expected: String, got: String| {
        Some(Difference {
            kind: format!("{kind} after {name}"),
            command: format!("{command:?}"),
            expected,
            got,
        })
    };
    let moved = moved(events);
    let mut invoices: Vec<&InvoiceFinalized> = Vec::new();
    let mut issued: Vec<&CreditNoteIssued> = Vec::new();
    for event in events {
        if let Event::Billing(BillingEvent::InvoiceFinalized(invoice)) = event {
            invoices.push(invoice);
        } else if let Event::Settlement(SettlementEvent::CreditNoteIssued(note)) = event {
            issued.push(note);
        }
    }
    let wanted: Vec<usize> = documents
        .iter()
        .filter_map(|document| match document {
            Document::Invoice(place) => Some(*place),
            Document::Note(..) => None,
        })
        .collect();
    let names: Vec<InvoiceId> = invoices.iter().map(|invoice| invoice.invoice).collect();
    let places: Vec<Vec<usize>> = invoices.iter().map(|invoice| places_of(invoice)).collect();
    for (number, place) in wanted.iter().enumerate() {
        let lines = |place: usize| {
            in_order(known.invoices[place].lines.iter().map(|l| shown(known, l)).collect())
        };
        let Some(invoice) = invoices.get(number) else {
            return differ("an invoice is missing", list(&lines(*place)), "none".to_owned());
        };
        let found = in_order(
            invoice.lines.iter().map(|l| shown_by_ledger(known, &known.clock, &moved, l)).collect(),
        );
        let wanted = lines(*place);
        if let Some(part) = part_that_differs(&wanted, &found) {
            return differ(part, list(&wanted), list(&found));
        }
    }
    if let Some(more) = invoices.get(wanted.len()) {
        let lines: Vec<Shown> =
            more.lines.iter().map(|l| shown_by_ledger(known, &known.clock, &moved, l)).collect();
        return differ("an invoice too many", "none".to_owned(), list(&lines));
    }
    known.names.extend(names);
    known.places.extend(places);
    let mut wanted: Vec<Note> = documents
        .iter()
        .filter_map(|document| match document {
            Document::Note(at, lines) => {
                let of = |line: usize| place(known, (*at, line)).1;
                let mut lines: Vec<_> = lines.iter().map(|(line, net)| (of(*line), *net)).collect();
                lines.sort_unstable();
                Some((*at, lines))
            }
            Document::Invoice(_) => None,
        })
        .filter(|(_, lines): &Note| !lines.is_empty())
        .collect();
    wanted.sort();
    let found = notes(known, &issued);
    if wanted != found {
        return differ("notes", list(&wanted), list(&found));
    }
    known.note_names.extend(issued.iter().map(|note| note.note));
    let (owed, credit) = (known.owed(), known.credit());
    let got = (account.owed(), i128::from(account.credit().0));
    if (owed, credit) != got {
        return differ("balance", format!("owed {owed}, credit {credit}"), format!("{got:?}"));
    }
    let (mut wanted, mut got) = (lots(known), account.lots().collect::<Vec<_>>());
    wanted.sort_unstable();
    got.sort_unstable();
    if wanted != got {
        return differ("lots", list(&wanted), list(&got));
    }
    for (place, name) in known.names.iter().enumerate() {
        let open = known.invoices[place].open();
        let got = account.invoice(*name).map_or(0, |invoice| i128::from(invoice.open().0));
        if open != got {
            return differ("open", format!("{open} of invoice {place}"), got.to_string());
        }
    }
    if matches!(command, Command::Subscription(_) | Command::Billing(_)) {
        return known
            .subscriptions
            .iter()
            .find_map(|of| stands((book, known), ledger, (id, of), now, &differ));
    }
    None
}

/// What is left of each lot, by the name that the ledger gives it.
fn lots(known: &Customer) -> Vec<(LotRef, Minor)> {
    let named = |lot: &Lot| {
        let name = match lot.origin {
            Origin::Payment(id) => LotRef::Payment(id),
            Origin::Grant(id, _) => LotRef::Grant(id),
            Origin::Invoice(place) => LotRef::Invoice(known.names[place]),
            Origin::Note(place) => LotRef::CreditNote(known.note_names[place]),
        };
        (name, Minor(i64::try_from(lot.left).expect("small")))
    };
    known.lots.iter().filter(|lot| lot.left > 0).map(named).collect()
}

/// The first difference in where a subscription stands.
fn stands(
    (book, known): (&Book, &Customer),
    ledger: &Ledger,
    (id, of): (CustomerId, &Subscription),
    now: Instant,
    differ: &dyn Fn(&str, String, String) -> Option<Difference>,
) -> Option<Difference> {
    let differ = |kind: &str, expected: String, got: String| {
        differ(kind, format!("of {:?}: {expected}", of.id), got)
    };
    let at = schemas::Timestamp::from_micros(now)?;
    let view = match ledger.subscription_view(id, of.id, at, at) {
        Ok(view) => view,
        Err(why) => return differ("no view", String::new(), why.to_string()),
    };
    let wanted = state((book, known), of, now);
    if view.state != wanted {
        return differ("state", format!("{wanted:?}"), format!("{:?}", view.state));
    }
    let end = of.known_end().map(|(at, _)| day(&known.clock, at));
    let got = view.end.map(|at| day(&known.clock, at.micros()));
    if end != got && wanted != SubscriptionState::Expired {
        return differ("the end", format!("{end:?}"), format!("{got:?}"));
    }
    let (end, got) = (of.trial_end, view.trial_end.map(schemas::Timestamp::micros));
    if end != got {
        return differ("the end of the trial", format!("{end:?}"), format!("{got:?}"));
    }
    let wanted = scheduled(&known.clock, of);
    let found = scheduled_by_ledger(&known.clock, &view.scheduled);
    if wanted != found && of.end.is_none() {
        return differ("what is scheduled", list(&wanted), list(&found));
    }
    let user = of.beneficiary.unwrap_or(id);
    let answers = ledger.access_of(id, user, at).unwrap_or_default();
    let got = answers.iter().find(|answer| answer.subscription == of.id);
    let wanted = has_access((book, known), of, now);
    if got.is_some_and(|got| got.access != wanted) {
        return differ("access", wanted.to_string(), format!("{got:?}"));
    }
    let wanted = granted((book, known), of, now);
    let grants = got.into_iter().flat_map(|got| &got.grants);
    let limit = |of: &Entitlement| of.limit.map(Exact::decimal);
    let got: Granted = grants.map(|of| (of.feature.to_string(), limit(of))).collect();
    if wanted != got {
        return differ("what is granted", format!("{wanted:?}"), format!("{got:?}"));
    }
    None
}
