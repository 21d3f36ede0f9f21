//! A customer moves to another zone: days stay in order, cycles without gaps, and what was agreed
//! for later keeps its day.

#![allow(clippy::needless_pass_by_value, reason = "JSON is written where it is used")]

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use schemas::event::{
    CustomerZoneChanged, CycleCut, CycleOpened, LineSource, SubscriptionChanged,
    SubscriptionRelocated, TermRenewed,
};
use schemas::{Event, Span, Timestamp};
use serde_json::{Value, json};

use support::{TestBook, at, id, pairs, subscription};

/// A book with a customer in a zone and a plan of 31.00 for each of so many units of time.
fn living_in(zone: &str, (profile, policies): (&str, Value), every: (u16, &str)) -> TestBook {
    let mut book = TestBook::of(profile, policies, "2024-01-01");
    let customer = json!({
        "customer": id("c"), "entity": id("e"), "name": "C", "currency": "EUR", "zone": zone,
    });
    book.given("customer.register", customer);
    book.plan("plan", "31", "in_advance", "per_unit", every.0, every.1);
    book
}

fn ours() -> (&'static str, Value) {
    ("billfold@1", json!({}))
}

fn moves(book: &mut TestBook, zone: &str) -> Vec<Event> {
    book.given("customer.update", json!({"customer": id("c"), "zone": zone}))
}

fn moved(events: &[Event]) -> CustomerZoneChanged {
    events.iter().find_map(Event::get).cloned().expect("it moves")
}

#[test]
fn the_next_cycle_is_the_first_that_ends_in_the_new_zone() {
    let mut book = living_in("Asia/Tokyo", ours(), (1, "month"));
    book.on("2024-01-14T15:00:00Z");
    book.subscribe("plan", json!({}));
    book.on("2024-01-20T03:00:00Z");
    let change = moved(&moves(&mut book, "America/New_York"));
    assert_eq!(change.from.to_string(), "2024-02-15");
    assert_eq!(change.at, at("2024-02-14T15:00:00Z"));
    // By days it is the 15th to the 15th; the second cycle ends at midnight in New York.
    let billed = book.billed(&["2024-02-15", "2024-03-15", "2024-04-16"]);
    let expected = [
        ("2024-01-15/2024-02-15", 3_100),
        ("2024-02-15/2024-03-15", 3_100),
        ("2024-03-15/2024-04-15", 3_100),
        ("2024-04-15/2024-05-15", 3_100),
    ];
    assert_eq!(billed, pairs(&expected));
    let spans = book.invoices.iter().flat_map(|invoice| &invoice.lines);
    let spans: Vec<_> =
        spans.map(|line| line.pricing.as_ref().expect("a cycle").span.to_string()).collect();
    let expected = [
        "2024-01-14T15:00:00Z/2024-02-14T15:00:00Z",
        "2024-02-14T15:00:00Z/2024-03-15T04:00:00Z",
        "2024-03-15T04:00:00Z/2024-04-15T04:00:00Z",
        "2024-04-15T04:00:00Z/2024-05-15T04:00:00Z",
    ];
    assert_eq!(spans, expected);
}

#[test]
fn what_was_agreed_for_a_later_day_is_due_on_that_day() {
    // Given a term of half a year, a change for 1 May and another for tomorrow.
    let mut book = living_in("Asia/Tokyo", ours(), (1, "month"));
    book.on("2024-01-14T15:00:00Z");
    book.subscribe(
        "plan",
        json!({"term": {"length": {"count": 6, "unit": "month"}, "renewal": "renew"}}),
    );
    book.bill("2024-01-14");
    for (quantity, on) in [("2", "2024-01-21"), ("3", "2024-05-01")] {
        let body = json!({"quantity": quantity, "when": {"on": on}});
        book.given("subscription.change_quantity", support::with(subscription(), body));
    }
    // When the customer moves.
    book.on("2024-01-20T03:00:00Z");
    let events = moves(&mut book, "America/New_York");
    // Then what is before the move stays, and what is behind it keeps its day.
    let relocated: Vec<_> = events
        .iter()
        .filter_map(Event::get::<SubscriptionRelocated>)
        .flat_map(|moved| moved.instants.iter().map(|pair| (pair.from, pair.to)))
        .collect();
    let expected = [
        (at("2024-04-30T15:00:00Z"), at("2024-05-01T04:00:00Z")),
        (at("2024-07-14T15:00:00Z"), at("2024-07-15T04:00:00Z")),
    ];
    assert_eq!(relocated, expected);
    let mut changed = Vec::new();
    let mut renewed = Vec::new();
    for day in ["2024-02-15", "2024-05-02", "2024-07-16"] {
        book.on(day);
        let events = billing(&mut book, day);
        changed.extend(events.iter().filter_map(Event::get::<SubscriptionChanged>).map(|e| e.from));
        renewed.extend(events.iter().filter_map(Event::get::<TermRenewed>).map(|e| e.term));
    }
    assert_eq!(changed, [at("2024-01-20T15:00:00Z"), at("2024-05-01T04:00:00Z")]);
    let renewed: Vec<_> = renewed.into_iter().flatten().map(|term| term.span.to_string()).collect();
    assert_eq!(renewed, ["2024-07-15T04:00:00Z/2025-01-15T05:00:00Z"]);
}

/// Bills a customer through a day; all that comes of it.
fn billing(book: &mut TestBook, day: &str) -> Vec<Event> {
    let body = json!({"customer": id("c"), "run": id(day), "through": day, "ahead": false});
    book.given("customer.bill", body)
}

#[test]
fn a_trial_ends_on_its_day_in_the_new_zone() {
    let mut book = living_in("America/New_York", ours(), (1, "month"));
    book.on("2024-01-10T05:00:00Z");
    book.subscribe("plan", json!({"trial_days": 30}));
    moves(&mut book, "Asia/Tokyo");
    assert_eq!(book.billed(&["2024-02-09"]), pairs(&[("2024-02-09/2024-03-09", 3_100)]));
    let line = &book.invoices.last().expect("an invoice").lines[0];
    let span = line.pricing.as_ref().expect("a cycle").span;
    assert_eq!(span.to_string(), "2024-02-08T15:00:00Z/2024-03-08T15:00:00Z");
}

#[test]
fn a_move_that_has_not_come_can_be_corrected_and_taken_back() {
    let mut book = living_in("Asia/Tokyo", ours(), (1, "month"));
    book.on("2024-01-14T15:00:00Z");
    book.subscribe("plan", json!({}));
    book.bill("2024-01-14");
    let body = json!({"quantity": "3", "when": {"on": "2024-05-01"}});
    book.given("subscription.change_quantity", support::with(subscription(), body));
    let before = book.ledger.clone();
    let first = moved(&moves(&mut book, "America/New_York"));
    let second = moved(&moves(&mut book, "America/Chicago"));
    assert_eq!((first.from, first.at), (second.from, second.at));
    assert_eq!(moves(&mut book, "America/Chicago"), [], "it is on its way there already");
    moves(&mut book, "Asia/Tokyo");
    let state = |ledger: &ledger_core::Ledger| {
        let customer = id("c").parse().expect("an id");
        let subscription = id("s").parse().expect("an id");
        let now = at("2024-01-14T15:00:00Z");
        ledger.subscription_view(customer, subscription, now, now).expect("it is there")
    };
    assert_eq!(state(&book.ledger), state(&before));
    let billed = book.billed(&["2024-02-15"]);
    let expected = [("2024-01-15/2024-02-15", 3_100), ("2024-02-15/2024-03-15", 3_100)];
    assert_eq!(billed, pairs(&expected));
}

#[test]
fn who_keeps_an_offset_for_ever_gets_that_of_the_new_zone() {
    let mut book = living_in("America/Los_Angeles", ("killbill@1", json!({})), (1, "month"));
    book.on("2024-01-10T08:00:00Z");
    book.subscribe("plan", json!({}));
    book.bill("2024-01-10");
    let change = moved(&moves(&mut book, "Europe/Berlin"));
    assert_eq!((change.at, change.fixed_offset), (at("2024-02-10T08:00:00Z"), Some(3_600)));
    book.billed(&["2024-02-11", "2024-03-11", "2024-04-11"]);
    let last = &book.invoices.last().expect("an invoice").lines[0];
    let pricing = last.pricing.as_ref().expect("a cycle");
    // Summer time has begun in Berlin; the offset is that of the day of the move.
    assert_eq!(pricing.span.to_string(), "2024-04-09T23:00:00Z/2024-05-09T23:00:00Z");
    assert_eq!(pricing.zone.as_str(), "+01:00");
}

const ZONES: [&str; 8] = [
    "UTC",
    "Asia/Tokyo",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Kiritimati",
    "Africa/Cairo",
];

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    Moves(usize),
    Quantity(u8),
    QuantityOn(u8, u16),
    Passes(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..ZONES.len()).prop_map(Step::Moves),
        1 => (1..6_u8).prop_map(Step::Quantity),
        2 => (1..6_u8, 1..60_u16).prop_map(|(units, days)| Step::QuantityOn(units, days)),
        4 => (1..1_000_u32).prop_map(Step::Passes),
    ];
    proptest::collection::vec(step, 1..12)
}

/// Profile and policies: by days and by seconds, and with an offset that is kept.
fn rules() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        Just(("billfold@1", json!({}))),
        Just(("billfold@1", json!({"proration": "by_second"}))),
        Just(("stripe_flexible@1", json!({}))),
        Just(("lago@1", json!({}))),
        Just(("killbill@1", json!({}))),
    ]
}

fn terms() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        Just(json!({"anchor": {"day": 31}})),
        Just(json!({"anchor": "calendar"})),
        Just(json!({"trial_days": 9})),
        Just(json!({"term": {"length": {"count": 2, "unit": "month"}, "renewal": "renew"}})),
    ]
}

/// What was opened and what is billed of each item, as instants.
#[derive(Default)]
struct Seen {
    cycles: BTreeMap<u16, Vec<Span>>,
    billed: BTreeMap<u16, Vec<Span>>,
}

impl Seen {
    fn note(&mut self, events: &[Event]) {
        for event in events {
            if let Some(opened) = event.get::<CycleOpened>() {
                self.cycles.entry(opened.item).or_default().push(opened.span);
            } else if let Some(cut) = event.get::<CycleCut>() {
                let cycles = self.cycles.get_mut(&cut.item).expect("it was opened");
                let cycle = &mut cycles[cut.cycle as usize];
                *cycle = Span::new(cycle.start(), cut.end).expect("it is not cut away");
            } else if let Some(invoice) = event.get::<schemas::event::InvoiceFinalized>() {
                for line in &invoice.lines {
                    let LineSource::Cycle { item, .. } = line.source else { continue };
                    let span = line.pricing.as_ref().expect("a cycle").span;
                    let billed = self.billed.entry(item).or_default();
                    match line.credits {
                        None => billed.push(span),
                        Some(_) => take(billed, span),
                    }
                }
            } else if let Some(note) = event.get::<schemas::event::CreditNoteIssued>() {
                for line in &note.credits {
                    let LineSource::Cycle { item, .. } = line.source else { continue };
                    let span = line.pricing.as_ref().expect("a cycle").span;
                    take(self.billed.entry(item).or_default(), span);
                }
            }
        }
    }

    /// Each cycle begins where the one before ends, and no time is billed twice.
    fn check(&mut self) -> Result<(), TestCaseError> {
        for (item, cycles) in &self.cycles {
            for pair in cycles.windows(2) {
                prop_assert_eq!(pair[0].end(), pair[1].start(), "item {} {:?}", item, cycles);
            }
        }
        for (item, billed) in &mut self.billed {
            billed.sort_by_key(|span| span.start());
            for pair in billed.windows(2) {
                prop_assert_eq!(pair[0].end(), pair[1].start(), "item {} {:?}", item, billed);
            }
        }
        Ok(())
    }
}

/// Takes time out of what is billed.
fn take(billed: &mut Vec<Span>, span: Span) {
    let all = std::mem::take(billed);
    for one in all {
        let parts = [
            Span::new(one.start(), one.end().min(span.start())),
            Span::new(one.start().max(span.end()), one.end()),
        ];
        billed.extend(parts.into_iter().flatten());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn cycles_have_no_gap_and_no_time_is_billed_twice(
        first in 0..ZONES.len(),
        rules in rules(),
        every in prop_oneof![Just((1, "month")), Just((1, "week")), Just((2, "day"))],
        terms in terms(),
        steps in steps(),
    ) {
        let mut book = living_in(ZONES[first], rules, every);
        let mut now = at("2024-01-29T17:35:00Z");
        let mut seen = Seen::default();
        book.on(&now.to_string());
        seen.note(&book.subscribe("plan", terms));
        let days = |book: &mut TestBook, now: Timestamp, seen: &mut Seen| {
            book.on(&now.to_string());
            let day = now.utc_date().to_string();
            seen.note(&billing(book, &day));
        };
        days(&mut book, now, &mut seen);
        for step in steps {
            match step {
                Step::Moves(to) => seen.note(&moves(&mut book, ZONES[to])),
                Step::Quantity(units) => {
                    let body = json!({"quantity": units.to_string(), "when": "now"});
                    let body = support::with(subscription(), body);
                    seen.note(&book.given("subscription.change_quantity", body));
                }
                Step::QuantityOn(units, later) => {
                    let on = now.utc_date().plus_days(2 + i32::from(later)).expect("in range");
                    let body = json!({"quantity": units.to_string(), "when": {"on": on}});
                    let body = support::with(subscription(), body);
                    // A day may have no time of its own, where the customer crosses the date line.
                    if let Ok(events) = book.when("subscription.change_quantity", body) {
                        seen.note(&events);
                    }
                }
                Step::Passes(hours) => {
                    let micros = now.micros() + i64::from(hours) * 3_600_000_000;
                    now = Timestamp::from_micros(micros).expect("in range");
                    days(&mut book, now, &mut seen);
                }
            }
            seen.check()?;
        }
    }
}
