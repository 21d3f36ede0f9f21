//! A small book on a test clock, driven by JSON commands: given, when, then.

#![allow(unreachable_pub, dead_code, clippy::needless_pass_by_value)]

use std::collections::BTreeMap;

use ledger_core::process::{Job, Unable};
use ledger_core::snapshot::Loader;
use ledger_core::{Customer, Ledger, Stamp};
use schemas::event::{CreditNoteIssued, InvoiceFinalized, InvoiceLine};
use schemas::ids::{CommandId, CustomerId};
use schemas::time::without_zones;
use schemas::{Command, Event, Rejection, StreamId, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

/// A fixed UUID for an alias.
pub fn id(alias: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, alias.as_bytes()).to_string()
}

/// A book with one entity `e`, and customers, plans … by alias.
pub struct TestBook {
    pub ledger: Ledger,
    now: Timestamp,
    commands: u128,
    position: u64,
    pub invoices: Vec<InvoiceFinalized>,
    pub notes: Vec<CreditNoteIssued>,
}

pub fn at(text: &str) -> Timestamp {
    let text = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    text.parse().expect("an instant")
}

impl TestBook {
    /// A book open since 2024-01-01 with entity `e` in UTC.
    pub fn open() -> Self {
        Self::of("billfold@1", json!({}), "2024-01-01")
    }

    /// A book of a profile, open since a day, with entity `e` in UTC.
    pub fn of(profile: &str, policies: Value, since: &str) -> Self {
        let mut book = Self {
            ledger: Ledger::default(),
            now: at(since),
            commands: 0,
            position: 0,
            invoices: Vec::new(),
            notes: Vec::new(),
        };
        book.given(
            "book.open",
            json!({
                "book": "test", "profile": profile, "policies": policies,
                "clock": {"test": at(since)},
            }),
        );
        book.given(
            "entity.define",
            json!({
                "entity": id("e"), "name": "Example Ltd", "zone": "UTC", "payment_terms_days": 30,
                "series": [
                    {"code": "inv", "kind": "invoice", "prefix": "INV", "digits": 6},
                    {"code": "cn", "kind": "credit_note", "prefix": "CN", "digits": 6},
                    {"code": "old", "kind": "historical", "prefix": "OLD", "digits": 6},
                ],
            }),
        );
        book
    }

    /// The same with customer `c` in EUR and plans `basic` (30.00) and `pro` (60.00) a month.
    pub fn with_plans() -> Self {
        let mut book = Self::open();
        book.with_customer_and_plans();
        book
    }

    /// Customer `c` in EUR and plans `basic` (30.00) and `pro` (60.00) a month.
    pub fn with_customer_and_plans(&mut self) {
        self.given(
            "customer.register",
            json!({
                "customer": id("c"), "entity": id("e"), "name": "Customer", "currency": "EUR",
            }),
        );
        for (plan, amount) in [("basic", "30"), ("pro", "60")] {
            self.plan(plan, amount, "in_advance", "flat", 1, "month");
        }
    }

    pub fn plan(
        &mut self,
        plan: &str,
        amount: &str,
        timing: &str,
        model: &str,
        n: u16,
        unit: &str,
    ) {
        self.given(
            "plan.define",
            json!({
                "plan": id(plan), "name": plan, "every": {"count": n, "unit": unit},
                "timing": timing,
                "prices": [{
                    "price": "fee", "amounts": [{"currency": "EUR", "rate": {model: amount}}],
                }],
            }),
        );
    }

    /// Moves the clock.
    pub fn on(&mut self, day: &str) -> &mut Self {
        self.given("book.advance_clock", json!({"to": at(day)}));
        self.now = at(day);
        self
    }

    fn stamp(&mut self, effective_at: Timestamp) -> Stamp {
        self.commands += 1;
        let command_id = CommandId::new(Uuid::from_u128(self.commands));
        Stamp { command_id, recorded_at: self.now, effective_at }
    }

    /// Decides and folds in.
    pub fn when(&mut self, name: &str, body: Value) -> Result<Vec<Event>, Rejection> {
        self.when_effective(self.now, name, body)
    }

    pub fn when_effective(
        &mut self,
        effective_at: Timestamp,
        name: &str,
        body: Value,
    ) -> Result<Vec<Event>, Rejection> {
        let command = Command::from_json(name, body.to_string().as_bytes()).expect("a command");
        self.submit(effective_at, &command)
    }

    fn submit(
        &mut self,
        effective_at: Timestamp,
        command: &Command,
    ) -> Result<Vec<Event>, Rejection> {
        let stamp = self.stamp(effective_at);
        let events = self.ledger.decide(command, &stamp)?;
        let position = self.next_position();
        let stream = command.stream();
        let folded = without_zones(|| self.ledger.fold(position, stream, &stamp, &events));
        folded.expect("a decision names what is there");
        let invoices = events.iter().filter_map(|event| event.get::<InvoiceFinalized>());
        self.invoices.extend(invoices.cloned());
        let notes = events.iter().filter_map(|event| event.get::<CreditNoteIssued>());
        self.notes.extend(notes.cloned());
        // Some books are too large for looking at all of it every time.
        if self.commands < 100 || self.commands.is_multiple_of(1_000) {
            assert!(restored(&self.ledger) == self.ledger, "a ledger and its pieces differ");
        }
        Ok(events)
    }

    /// Decides a command now and folds it in.
    pub fn submit_now(&mut self, command: &Command) -> Result<Vec<Event>, Rejection> {
        self.submit(self.now, command)
    }

    /// Folds one event into a customer, whatever decided it.
    pub fn fold(&mut self, customer: &str, event: &Event) {
        let stream = StreamId::Customer(id(customer).parse().expect("an id"));
        let (stamp, position) = (self.stamp(self.now), self.next_position());
        let folded = self.ledger.fold(position, stream, &stamp, std::slice::from_ref(event));
        folded.expect("it names what is there");
    }

    fn next_position(&mut self) -> u64 {
        self.position += 1;
        self.position
    }

    /// Must be accepted.
    pub fn given(&mut self, name: &str, body: Value) -> Vec<Event> {
        self.when(name, body).unwrap_or_else(|rejection| panic!("{name}: {rejection}"))
    }

    /// Subscription `s` of customer `c` begins.
    pub fn subscribe(&mut self, plan: &str, terms: Value) -> Vec<Event> {
        let body = json!({"plan": id(plan), "with": terms});
        self.given("subscription.create", with(subscription(), body))
    }

    /// Kind, days and net of the lines of the last invoice.
    pub fn last(&self) -> Vec<(String, String, i64)> {
        lines(self.invoices.last().expect("an invoice"))
    }

    /// The same of the last credit note for time.
    pub fn last_note(&self) -> Vec<(String, String, i64)> {
        self.notes.last().expect("a note").credits.iter().map(line).collect()
    }

    /// Runs billing on each day; days and nets of all its lines.
    pub fn billed(&mut self, days: &[&str]) -> Vec<(String, i64)> {
        let mut all = Vec::new();
        for day in days {
            self.on(day);
            for invoice in self.bill(day) {
                all.extend(lines(&invoice).into_iter().map(|(_, days, net)| (days, net)));
            }
        }
        all
    }

    /// Runs billing as the engine does; the invoices it made.
    pub fn bill(&mut self, through: &str) -> Vec<InvoiceFinalized> {
        let before = self.invoices.len();
        let run = Uuid::from_u128(0xb111_0000 + self.commands).to_string();
        let started = self.given("billing.run", json!({"run": run, "through": through}));
        let job = started.iter().find_map(Job::begun_by).expect("a run is a job");
        for customer in self.ledger.subjects(job.subjects()) {
            if let Err(rejection) = self.submit(self.now, &job.task(customer).command) {
                let parking = job.parking(customer, &Unable::Refused(rejection));
                let parking = parking.expect("runs leave out who is parked").command;
                self.submit(self.now, &parking).expect("it can be parked");
            }
        }
        self.invoices[before..].to_vec()
    }

    pub fn customer(&self, alias: &str) -> &Customer {
        let id: CustomerId = id(alias).parse().expect("an id");
        self.ledger.customer(id).expect("registered")
    }
}

/// The names of subscription `s` of customer `c`.
pub fn subscription() -> Value {
    json!({"customer": id("c"), "subscription": id("s")})
}

/// A JSON object with more members.
pub fn with(mut body: Value, more: Value) -> Value {
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

/// Days and nets, to compare with what was billed.
pub fn pairs(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    expected.iter().map(|(days, net)| ((*days).to_owned(), *net)).collect()
}

/// The ledger, taken apart and put together again.
pub fn restored(ledger: &Ledger) -> Ledger {
    let mut loader = Loader::new(&ledger.book_piece(), ledger.customers().count()).expect("a book");
    for (place, id) in (0..).zip(ledger.customers()) {
        let piece = ledger.customer_piece(id, Vec::new()).expect("registered");
        loader.put_customer(place, &piece).expect("a customer");
    }
    loader.add_taken(ledger.taken_piece().into_iter());
    loader.add_names(&ledger.names_piece()).expect("names");
    loader.finish().expect("every customer")
}

/// Kind, days and net amount of each line.
pub fn lines(invoice: &InvoiceFinalized) -> Vec<(String, String, i64)> {
    invoice.lines.iter().map(line).collect()
}

fn line(line: &InvoiceLine) -> (String, String, i64) {
    let kind = serde_json::to_value(line.kind).expect("a word");
    let days = line.service.map_or(String::new(), |days| days.to_string());
    (kind.as_str().expect("a word").to_owned(), days, line.net.0)
}

/// Amounts by a name, for messages.
pub fn discount_amounts(invoice: &InvoiceFinalized) -> BTreeMap<u32, i64> {
    invoice
        .lines
        .iter()
        .map(|line| (line.line, line.discounts.iter().map(|part| part.amount.0).sum()))
        .collect()
}
