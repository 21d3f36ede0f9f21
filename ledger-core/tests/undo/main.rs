//! Taking back: every row of the table is played, and what follows is compared with a book in
//! which the command never was.

#![allow(clippy::needless_pass_by_value, reason = "JSON is written where it is used")]

#[path = "../support/mod.rs"]
mod support;

mod plays;
mod refused;
mod ways;

use std::collections::{BTreeMap, BTreeSet};

use ledger_core::undo::{Done, Past, Stays, Step, also, takes_back, undoing};
use ledger_core::{Ledger, Stamp};
use schemas::ids::{CommandId, CustomerId};
use schemas::inverse::{INVERSES, Inverse};
use schemas::{Command, Event, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use plays::{Play, Same, plays};
use support::{TestBook, at, id};

/// A book that keeps what was done in it.
pub(crate) struct Kept {
    pub(crate) book: TestBook,
    pub(crate) done: Vec<(CommandId, Timestamp, Command, Vec<Event>)>,
}

impl Kept {
    pub(crate) fn new() -> Self {
        Self::of(json!({}))
    }

    /// A book in which some policies are others.
    pub(crate) fn of(policies: Value) -> Self {
        let mut book = TestBook::of("billfold@1", policies, "2024-01-01");
        book.with_customer_and_plans();
        Self { book, done: Vec::new() }
    }

    /// Must be accepted.
    pub(crate) fn given(&mut self, name: &str, body: Value) -> &mut Self {
        let command = Command::from_json(name, body.to_string().as_bytes()).expect("a command");
        let events = self.book.given(name, body);
        let number = self.done.len() as u128 + 1;
        let command_id = CommandId::new(Uuid::from_u128(number));
        self.done.push((command_id, self.now(), command, events));
        self
    }

    fn now(&self) -> Timestamp {
        self.book.ledger.test_clock().expect("a test book")
    }

    fn standing(&self) -> Value {
        standing(&self.book.ledger, self.now())
    }

    /// The next weeks are billed.
    fn bill_later(&mut self) {
        for day in ["2024-02-10", "2024-03-10", "2024-04-10"] {
            self.book.on(day);
            self.book.bill(day);
        }
    }

    /// What takes the last command back, by what was before it.
    pub(crate) fn undoing(&self, before: &Ledger) -> Result<(CommandId, Vec<Step>), Stays> {
        self.undoing_by(before, self.done.len() - 1)
    }

    /// The same where only the first `known` commits are.
    pub(crate) fn undoing_by(
        &self,
        before: &Ledger,
        known: usize,
    ) -> Result<(CommandId, Vec<Step>), Stays> {
        let (last, earlier) = self.done.split_last().expect("something was done");
        let earlier = &earlier[..known];
        let of = |kept: &'_ (CommandId, Timestamp, Command, Vec<Event>)| kept.2.stream();
        let stream = of(last);
        let commits: Vec<Done<'_>> =
            earlier.iter().filter(|kept| of(kept) == stream).map(done).collect();
        let past = Past { ledger: before, commits: &commits };
        let reason = "taken back".parse().expect("a reason");
        Ok((last.0, undoing(&done(last), &past, &reason)?))
    }
}

fn done(kept: &(CommandId, Timestamp, Command, Vec<Event>)) -> Done<'_> {
    let (command_id, effective_at, command, events) = kept;
    Done { command_id: *command_id, effective_at: *effective_at, command, events }
}

/// Decides the steps in order and folds them in; their names.
fn take_back(kept: &mut Kept, undone: CommandId, steps: Vec<Step>) -> Vec<&'static str> {
    let mut names = Vec::new();
    let mut steps = std::collections::VecDeque::from(steps);
    while let Some(step) = steps.pop_front() {
        let at = step.effective_at.unwrap_or(kept.now());
        let stamp =
            Stamp { command_id: step.id(undone), recorded_at: kept.now(), effective_at: at };
        let decided = kept.book.ledger.decide(&step.command, &stamp);
        let events = decided.unwrap_or_else(|no| panic!("{}: {no}", step.name));
        let position = 1_000 + names.len() as u64;
        let stream = step.command.stream();
        kept.book.ledger.fold(position, stream, &stamp, &events).expect("it names what is there");
        names.push(step.command.kind().name);
        let behind = steps.make_contiguous();
        for more in
            also(&step, &events, behind, &kept.book.ledger).expect("small").into_iter().rev()
        {
            steps.push_front(more);
        }
    }
    names
}

/// What is agreed and owed, without what a book remembers for ever.
fn standing(ledger: &Ledger, now: Timestamp) -> Value {
    let customer: CustomerId = id("c").parse().expect("an id");
    let entity = id("e").parse().expect("an id");
    let found = ledger.customer(customer).expect("registered");
    let subscriptions = ledger.subscriptions_of(customer).expect("registered");
    let ended = |view: &schemas::view::Subscription| view.end.is_some_and(|end| end <= view.start);
    let later = at(&now.utc_date().plus_days(40).expect("a day").to_string());
    let agreed = subscriptions.into_iter().map(|subscription| {
        let view = |at| {
            let view = ledger.subscription_view(customer, subscription, at, now).expect("it");
            let items = view.items.iter().filter_map(|item| {
                let terms = item.terms.as_ref()?;
                Some(json!([terms.plan, terms.version, terms.price, terms.rate, item.quantity]))
            });
            let scheduled = view.scheduled.iter().map(|due| json!([due.at, due.what]));
            let items: BTreeMap<String, Value> =
                items.map(|item| (item[2].to_string(), item)).collect();
            let shown = json!({
                "state": view.state, "end": view.end, "term": view.term, "items": items,
                "scheduled": scheduled.collect::<Vec<_>>(), "discounts": view.discounts.len(),
            });
            (!ended(&view)).then_some(shown)
        };
        json!([view(now), view(later)])
    });
    let agreed: Vec<Value> = agreed.filter(|shown| *shown != json!([null, null])).collect();
    json!({
        "owed": found.owed().to_string(), "credit": found.credit(), "agreed": agreed,
        "customer": ledger.customer_view(customer).expect("registered"),
        "seller": without(ledger.entity_view(entity).expect("defined"), "series"),
    })
}

fn without(value: impl serde::Serialize, field: &str) -> Value {
    let mut value = serde_json::to_value(value).expect("JSON");
    value.as_object_mut().expect("an object").remove(field);
    value
}

fn play(play: &Play) -> BTreeSet<&'static str> {
    let (mut kept, mut twin) = (Kept::new(), Kept::new());
    (play.given)(&mut kept);
    (play.given)(&mut twin);
    let before = kept.book.ledger.clone();
    kept.given(play.command, play.body.clone());
    let (undone, steps) = kept
        .undoing(&before)
        .unwrap_or_else(|stays| panic!("{} {}: {stays}", play.command, play.body));
    let ids: BTreeSet<_> = steps.iter().map(|step| step.id(undone)).collect();
    assert_eq!(ids.len(), steps.len(), "{}: every step has an id of its own", play.command);
    let names = take_back(&mut kept, undone, steps);
    assert_eq!(names, play.steps, "{} {}", play.command, play.body);
    let what = format!("{} {}", play.command, play.body);
    if play.same == Same::AtOnce {
        assert_eq!(kept.standing(), twin.standing(), "{what}");
    }
    kept.bill_later();
    twin.bill_later();
    if play.same != Same::ButForMarks {
        assert_eq!(kept.standing(), twin.standing(), "{what}, later");
    }
    names.into_iter().collect()
}

#[test]
fn every_row_is_played_and_what_takes_it_back_is_what_the_table_says() {
    let mut played: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for one in plays() {
        played.entry(one.command).or_default().extend(play(&one));
    }
    for row in INVERSES {
        let Inverse::By { commands, .. } = row.inverse else {
            assert!(!played.contains_key(row.command), "{} was taken back", row.command);
            continue;
        };
        let told: BTreeSet<&str> = commands.iter().copied().collect();
        let made = played.get(row.command).cloned().unwrap_or_default();
        assert_eq!(made, told, "{}: the table and the plays differ", row.command);
    }
}

#[test]
fn a_setup_fee_that_a_run_invoiced_later_is_credited_too_paid_or_not() {
    for paid in [false, true] {
        let (mut kept, mut twin) = (Kept::new(), Kept::new());
        plays::with_setup(&mut kept);
        plays::with_setup(&mut twin);
        let before = kept.book.ledger.clone();
        let waits = json!({"plan": id("set-up"), "invoice": "next"});
        kept.given("subscription.create", support::with(plays::create(), waits));
        let (undone, steps) = kept.undoing(&before).expect("it can be");
        let billed = kept.book.bill("2024-01-01");
        assert_eq!(billed.iter().map(|issued| issued.totals.total.0).sum::<i64>(), 5_000);
        if paid {
            kept.given("payment.record", plays::pay("50"));
            twin.given("payment.record", plays::pay("50"));
        }
        let names = take_back(&mut kept, undone, steps);
        assert_eq!(names, ["subscription.cancel", "credit_note.issue"]);
        assert_eq!(kept.standing(), twin.standing(), "paid: {paid}");
    }
}

#[test]
fn a_step_is_known_by_its_id() {
    let mut kept = Kept::new();
    plays::with_setup(&mut kept);
    let before = kept.book.ledger.clone();
    kept.given(
        "subscription.create",
        support::with(plays::create(), json!({"plan": id("set-up")})),
    );
    let (undone, steps) = kept.undoing(&before).expect("it can be");
    let [cancel] = &steps[..] else { panic!("{steps:?}") };
    assert!(takes_back(cancel.id(undone), &cancel.command, undone));
    assert!(!takes_back(cancel.id(undone), &cancel.command, cancel.id(undone)));
    let stamp = Stamp {
        command_id: cancel.id(undone),
        recorded_at: kept.now(),
        effective_at: cancel.effective_at.unwrap_or(kept.now()),
    };
    let events = kept.book.ledger.decide(&cancel.command, &stamp).expect("it is accepted");
    let notes = also(cancel, &events, &[], &kept.book.ledger).expect("small");
    let [note] = &notes[..] else { panic!("{notes:?}") };
    assert!(takes_back(note.id(undone), &note.command, undone));
}

#[test]
fn a_step_has_the_same_id_whenever_it_is_made() {
    let mut kept = Kept::new();
    let before = kept.book.ledger.clone();
    kept.given("subscription.create", plays::create());
    let ids = |(undone, steps): (CommandId, Vec<Step>)| {
        steps.iter().map(|step| step.id(undone)).collect::<Vec<_>>()
    };
    let first = ids(kept.undoing(&before).expect("it can be"));
    assert_eq!(first, ids(kept.undoing(&before).expect("it can be")));
}
