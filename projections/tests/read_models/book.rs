//! A book written by hand: commits as the engine would make them, and ways to fold them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use event_log::{Block, EventLog, FileDisk, FileLog, LogId, LogIdentity, LogOptions, ReadError};
use projections::store::{MemoryStore, Store};
use projections::{
    Answered, Checkpoint, Commits, EachCommit, Fold, FoldError, Projection, QueryError, View,
};
use schemas::command::RunBilling;
use schemas::event::{
    Allocation, BookOpened, CustomerRegistered, CustomerSnapshot, InvoiceFinalized, InvoiceLine,
    InvoiceTotals, LineOrigin, LineSource, PaymentRecorded, RevenueSchedule, SellerSnapshot,
};
use schemas::ids::{BillingRunId, ChargeId, CommandId, CustomerId, EntityId, InvoiceId, PaymentId};
use schemas::terms::{BookClock, LineKind, Profile};
use schemas::wire::LogPosition;
use schemas::{
    Commit, CommitView, Contact, Currency, Date, Event, Fraction, Minor, Personal, Problem,
    StreamId, Timestamp, ZoneName,
};
use serde_json::Value;
use uuid::Uuid;

pub(crate) const LOG: [u8; 16] = [7; 16];

pub(crate) fn date(text: &str) -> Date {
    text.parse().expect("a date")
}

pub(crate) fn customer(n: u128) -> CustomerId {
    CustomerId::new(Uuid::from_u128(0xc0_0000 + n))
}

pub(crate) fn invoice(n: u128) -> InvoiceId {
    InvoiceId::new(Uuid::from_u128(0x10_0000 + n))
}

pub(crate) fn payment(n: u128) -> PaymentId {
    PaymentId::new(Uuid::from_u128(0xa0_0000 + n))
}

pub(crate) fn eur() -> Currency {
    "EUR".parse().expect("a currency")
}

pub(crate) fn part(n: u128, amount: i64) -> Allocation {
    Allocation { invoice: invoice(n), amount: Minor(amount) }
}

/// Commits, one after the other.
#[derive(Clone)]
pub(crate) struct Book {
    pub(crate) commits: Vec<Commit>,
    revisions: BTreeMap<StreamId, u64>,
}

impl Book {
    /// A book that was opened on a day.
    pub(crate) fn opened(day: &str) -> Self {
        let mut book = Self { commits: Vec::new(), revisions: BTreeMap::new() };
        let opened = BookOpened {
            book: "acme".parse().expect("a name"),
            profile: Profile::Billfold1,
            policies: Profile::Billfold1.policies(),
            clock: BookClock::Test(Timestamp::start_of_utc(date(day))),
        };
        book.commit(day, StreamId::Book, vec![opened.into()]);
        book
    }

    /// Appends a commit; gives its position.
    pub(crate) fn commit(&mut self, day: &str, stream: StreamId, events: Vec<Event>) -> u64 {
        let position = self.commits.len() as u64 + 1;
        let revision = self.revisions.entry(stream).or_default();
        *revision += 1;
        let now = Timestamp::start_of_utc(date(day));
        let last = self.commits.last().map_or(now, |commit| commit.recorded_at);
        let run = BillingRunId::new(Uuid::from_u128(1));
        self.commits.push(Commit {
            position,
            stream,
            revision: *revision,
            command_id: CommandId::new(Uuid::from_u128(position.into())),
            actor: "ada".parse().expect("an actor"),
            reason: None,
            recorded_at: now.max(last),
            effective_at: now,
            cause: None,
            origin: schemas::Origin::default(),
            digest: None,
            command: RunBilling { run, through: date(day), ahead: None }.into(),
            events,
        });
        position
    }

    /// Appends an event of a customer.
    pub(crate) fn event(&mut self, day: &str, n: u128, event: impl Into<Event>) -> u64 {
        self.commit(day, StreamId::Customer(customer(n)), vec![event.into()])
    }

    /// Registers a customer with the external id `c<n>`.
    pub(crate) fn customer(&mut self, day: &str, n: u128) -> u64 {
        self.customer_in(day, n, eur())
    }

    pub(crate) fn customer_in(&mut self, day: &str, n: u128, currency: Currency) -> u64 {
        let registered = CustomerRegistered {
            customer: customer(n),
            entity: EntityId::new(Uuid::from_u128(1)),
            external_id: Some(format!("c{n}").parse().expect("an external id")),
            name: Contact::Clear(format!("Customer {n}")),
            email: None,
            currency,
            zone: ZoneName::utc(),
            payment_terms_days: Some(30),
            parent: None,
            fixed_offset: None,
            address: None,
            tax_ids: Vec::new(),
            purchase_order: None,
        };
        self.event(day, n, registered)
    }

    /// Issues an invoice with the external id `x<n>`, due after 30 days.
    pub(crate) fn invoice(&mut self, day: &str, of: u128, n: u128, lines: Vec<InvoiceLine>) -> u64 {
        let issued = finalized(day, n, lines);
        self.event(day, of, issued)
    }

    /// Records a payment with the external id `p<n>`; what no invoice takes becomes credit.
    pub(crate) fn payment(
        &mut self,
        day: &str,
        of: u128,
        n: u128,
        amount: i64,
        on: &[Allocation],
    ) -> u64 {
        let taken: i64 = on.iter().map(|part| part.amount.0).sum();
        let recorded = PaymentRecorded {
            payment: payment(n),
            external_id: Some(format!("p{n}").parse().expect("an external id")),
            amount: Minor(amount).of(eur()),
            method: None,
            posting_date: date(day),
            allocations: on.to_vec(),
            to_credit: Minor(amount - taken),
        };
        self.event(day, of, recorded)
    }

    /// Writes the commits from `from` on to a log in blocks of so many.
    pub(crate) fn append(&self, log: &mut FileLog, from: usize, block_of: usize) {
        for commits in self.commits[from..].chunks(block_of) {
            let time = commits.last().map_or(0, |commit| commit.recorded_at.micros());
            let mut block = Block::new(time);
            for commit in commits {
                block.push(&commit.to_bytes()).expect("the block has room");
            }
            let next = log.head().next_position;
            log.append(next, &mut block).expect("appends");
        }
    }

    /// A new log with these commits in blocks of so many.
    pub(crate) fn log(&self, folder: &Path, block_of: usize) -> FileLog {
        let identity = LogIdentity::new(LogId(LOG), "acme", 0).expect("a name");
        std::fs::create_dir_all(folder).expect("a folder");
        let disk = Arc::new(FileDisk::open(folder).expect("a folder"));
        let options =
            LogOptions { segment_bytes: 4 << 20, prepare_ahead: false, ..LogOptions::at(0) };
        let mut log = FileLog::create(disk, &identity, options).expect("a new log");
        self.append(&mut log, 0, block_of);
        log
    }

    /// Folds all commits into memory, with a batch after every `batch_of` commits.
    pub(crate) fn fold<P: Projection>(&self, batch_of: usize) -> Folded {
        self.try_fold::<P>(batch_of).expect("folds")
    }

    pub(crate) fn try_fold<P: Projection>(&self, batch_of: usize) -> Result<Folded, FoldError> {
        let store = MemoryStore::default();
        let mut fold = Fold::<P>::from(Checkpoint::start(LOG, P::VERSION));
        for (number, commit) in self.commits.iter().enumerate() {
            fold.apply(&store, &commit.to_bytes(), &[1; 32])?;
            if (number + 1) % batch_of == 0 {
                store.apply(fold.take().0)?;
            }
        }
        store.apply(fold.take().0)?;
        Ok(Folded { store, commits: self.commits.clone(), answer: P::answer })
    }
}

type Answer = fn(&View<'_>, &str, &[u8]) -> Result<Answered, QueryError>;

/// The commits of a book, or none of them.
struct Kept<'a>(&'a [Commit]);

impl Commits for Kept<'_> {
    fn read(&self, positions: &BTreeSet<u64>, each: &mut EachCommit<'_>) -> Result<(), ReadError> {
        for commit in self.0.iter().filter(|commit| positions.contains(&commit.position)) {
            each(commit.position, &commit.to_bytes());
        }
        Ok(())
    }
}

/// A read model in memory.
pub(crate) struct Folded {
    pub(crate) store: MemoryStore,
    commits: Vec<Commit>,
    answer: Answer,
}

impl Folded {
    pub(crate) fn ask(&self, name: &str, body: &str) -> Result<Value, Problem> {
        self.ask_with(&Kept(&self.commits), name, body)
    }

    /// Asks when the log gives these commits.
    pub(crate) fn ask_with(
        &self,
        commits: &dyn Commits,
        name: &str,
        body: &str,
    ) -> Result<Value, Problem> {
        let last = self.commits.last();
        let position = last.map_or(0, |commit| commit.position);
        let view = View {
            store: &self.store,
            position: LogPosition { log: Uuid::from_bytes(LOG), position },
            time: last.map(|commit| commit.recorded_at),
            generation: 1,
        };
        match (self.answer)(&view, name, body.as_bytes()) {
            Ok(answered) => {
                let bytes = answered.finish(commits)?;
                Ok(serde_json::from_slice(&bytes).expect("an answer is JSON"))
            }
            Err(QueryError::Problem(problem)) => Err(*problem),
            Err(QueryError::Store(error)) => panic!("the store fails: {error}"),
        }
    }

    /// What is answered.
    pub(crate) fn get(&self, name: &str, body: &str) -> Value {
        self.ask(name, body).unwrap_or_else(|problem| panic!("{name} {body}: {problem:?}"))
    }

    /// Every page of a list, one after the other.
    pub(crate) fn pages(&self, name: &str, body: &str) -> Vec<Vec<Value>> {
        let mut request: Value = serde_json::from_str(body).expect("JSON");
        let mut pages = Vec::new();
        loop {
            let answer = self.get(name, &request.to_string());
            pages.push(answer["data"].as_array().expect("a list").clone());
            if answer["has_more"] == false {
                assert_eq!(answer["next"], Value::Null);
                return pages;
            }
            request["after"] = answer["next"].clone();
        }
    }
}

/// Asserts that a query is refused with this code at this pointer.
pub(crate) fn assert_refused(
    folded: &Folded,
    name: &str,
    body: &str,
    code: &str,
    pointer: Option<&str>,
) {
    let problem = folded.ask(name, body).expect_err(body);
    assert_eq!(problem.code, code, "{name} {body}: {}", problem.detail);
    let found = problem.errors.first().map(|error| error.pointer.as_str());
    assert_eq!(found, pointer, "{name} {body}: {}", problem.detail);
}

/// A line that is earned on one day.
pub(crate) fn point(number: u32, quantity: u32, net: i64, day: &str) -> InvoiceLine {
    line(number, quantity, net, RevenueSchedule::Point(date(day)))
}

/// A line that is earned evenly.
pub(crate) fn straight(number: u32, net: i64, days: &str) -> InvoiceLine {
    line(number, 1, net, RevenueSchedule::Straight(days.parse().expect("an interval")))
}

pub(crate) fn line(number: u32, quantity: u32, net: i64, schedule: RevenueSchedule) -> InvoiceLine {
    InvoiceLine {
        line: number,
        kind: LineKind::OneOff,
        description: "a thing".parse().expect("a label"),
        source: LineSource::Charge(ChargeId::new(Uuid::from_u128(number.into()))),
        plan: None,
        service: None,
        quantity: quantity.into(),
        unit_price: None,
        tiers: Vec::new(),
        pricing: None,
        ratio: Fraction::ONE,
        exact: Fraction::whole(net),
        rounding: Vec::new(),
        gross: Minor(net),
        discounts: Vec::new(),
        net: Minor(net),
        credits: None,
        schedule,
        dimensions: Vec::new(),
        origin: LineOrigin::default(),
    }
}

/// An invoice with these lines.
pub(crate) fn finalized(day: &str, n: u128, lines: Vec<InvoiceLine>) -> InvoiceFinalized {
    let total = Minor(lines.iter().map(|line| line.net.0).sum());
    let day = date(day);
    InvoiceFinalized {
        invoice: invoice(n),
        external_id: Some(format!("x{n}").parse().expect("an external id")),
        entity: EntityId::new(Uuid::from_u128(1)),
        series: "INV".parse().expect("a code"),
        sequence: u64::try_from(n).expect("small"),
        number: format!("INV-{n:06}").parse().expect("a code"),
        seller: SellerSnapshot {
            name: "Seller".parse().expect("a label"),
            address: None,
            tax_ids: Vec::new(),
        },
        bill_to: CustomerSnapshot {
            name: Personal::Clear("Ada".to_owned()),
            email: None,
            address: None,
            tax_ids: Vec::new(),
        },
        memo: None,
        purchase_order: None,
        currency: eur(),
        document_date: day,
        due_date: day.plus_days(30).expect("in range"),
        posting_date: day,
        input_revision: 1,
        profile: Profile::Billfold1,
        policies: Profile::Billfold1.policies(),
        engine_version: 1,
        run: None,
        lines,
        totals: InvoiceTotals { gross: total, net: total, total, ..InvoiceTotals::default() },
        credits: Vec::new(),
        credit_applied: Minor::ZERO,
        credit_generated: Minor(if total.0 < 0 { -total.0 } else { 0 }),
    }
}

/// The amount of a field, in minor units.
pub(crate) fn minor(value: &Value) -> i64 {
    value["amount_minor"].as_i64().expect("an amount has minor units")
}

/// Reads a commit back, as the projector does.
pub(crate) fn position_of(bytes: &[u8]) -> u64 {
    CommitView::parse(bytes).expect("a commit").position
}
