//! Plays a history on a ledger, and asks the model after each command.
//!
//! # Shape
//!
//! The moves and the commands they become are those of `tests/tests/histories`. The model gets
//! commands and times only. Events are read on the ledger's side alone: to know what moves can
//! name, and what the ledger decided.

use std::collections::BTreeMap;

use ledger_core::Stamp;
use schemas::command::{
    BillCustomer, BillingCommand, BookCommand, CatalogCommand, DefineEntity, OpenBook,
    ProcessCommand, SellerCommand,
};
use schemas::event::{BillingEvent, BookEvent, CustomerEvent, SettlementEvent, SubscriptionEvent};
use schemas::ids::{
    BillingRunId, ChargeId, CommandId, CouponId, CustomerId, DiscountId, EntityId, InvoiceId,
    PaymentId, PlanId, QuoteId, SubscriptionId,
};
use schemas::terms::{BookClock, LotRef, Policies, Profile, SeriesDefinition, SeriesKind};
use schemas::text::Code;
use schemas::{Command, Currency, Date, Event, Rejection, StreamId, Timestamp, ZoneName};
use tests::kept::{Kept, instant};
use uuid::Uuid;

use crate::customer::When;
use crate::features::Features;
use crate::judge::{self, Difference};
use crate::model::Model;
use crate::moves::{Move, Plan, Setting};
use crate::steps::{History, Step};

/// Refusals that are limits of the ledger and say nothing about billing: the history ends there.
const LIMITS: [&str; 8] = [
    "too_many",
    "too_many_cycles",
    "too_many_items",
    "commit_too_large",
    "amount_out_of_range",
    "amount_too_large",
    "date_out_of_range",
    "customer_parked",
];

/// Whether a refusal is a limit. Cycles can be laid anew ahead, where what was billed ahead in a
/// plan that was scheduled takes a migration of it to another interval: changes wait for that.
fn is_limit(rejection: &Rejection, stamp: &Stamp) -> bool {
    let today = stamp.recorded_at.micros().div_euclid(86_400_000_000);
    if let Rejection::BeforeAnchor { anchor, .. } = rejection {
        return today + 1 < i64::from(anchor.days());
    }
    LIMITS.contains(&rejection.code())
}

/// A book that is played on, beside the model.
pub(crate) struct Game {
    pub(crate) kept: Kept,
    pub(crate) model: Model,
    pub(crate) features: Features,
    currencies: BTreeMap<CustomerId, Currency>,
    pub(crate) now: i64,
    ids: u128,
    pub(crate) plans: Vec<PlanId>,
    /// Plans and versions that were to be left, whether that was accepted or not.
    pub(crate) migrations: Vec<(PlanId, u32)>,
    pub(crate) coupons: Vec<CouponId>,
    pub(crate) customers: Vec<CustomerId>,
    pub(crate) children: Vec<CustomerId>,
    pub(crate) subscriptions: Vec<(CustomerId, SubscriptionId)>,
    pub(crate) quotes: Vec<(CustomerId, QuoteId)>,
    pub(crate) discounts: Vec<(CustomerId, DiscountId)>,
    pub(crate) charges: Vec<(CustomerId, ChargeId)>,
    pub(crate) payments: Vec<(CustomerId, PaymentId, i64)>,
    pub(crate) invoices: Vec<(CustomerId, InvoiceId)>,
    /// Every lot of credit there was.
    pub(crate) lots: Vec<(CustomerId, LotRef)>,
    /// The first difference; nothing is played after it.
    pub(crate) found: Option<Difference>,
    /// What happened, for people: a line for each command.
    pub(crate) told: Vec<String>,
    /// Why the model did not care, and how often.
    pub(crate) left_open: BTreeMap<String, u64>,
    over: bool,
}

pub(crate) fn text<T: core::str::FromStr>(text: &str) -> T
where
    T::Err: core::fmt::Debug,
{
    text.parse().expect("a valid text")
}

/// The policies that a setting replaces.
fn replaced(setting: &Setting) -> BTreeMap<Code, Code> {
    let rule = |(policy, rule): &(usize, usize)| {
        let (policy, rules) = Policies::NAMES[policy % Policies::NAMES.len()];
        (text(policy), text(rules[rule % rules.len()]))
    };
    setting.replaced.iter().map(rule).collect()
}

/// Plays a history to its first difference, or to its end.
pub(crate) fn play(history: &History) -> Game {
    let mut game = Game::new(&history.setting);
    game.begin(&history.setting);
    for step in &history.steps {
        if game.is_over() {
            break;
        }
        game.step(step);
    }
    game.features.came_to(&game.model);
    game
}

impl Game {
    fn new(setting: &Setting) -> Self {
        let (days, hour, minute) = setting.start;
        let first = Timestamp::start_of_utc(Date::new(2024, 1, 1).expect("a date")).micros();
        let now = first + ((days * 24 + hour) * 60 + minute) * 60_000_000;
        let mut game = Self {
            kept: Kept::default(),
            model: Model::default(),
            features: Features::default(),
            currencies: BTreeMap::new(),
            now,
            ids: 0,
            plans: Vec::new(),
            migrations: Vec::new(),
            coupons: Vec::new(),
            customers: Vec::new(),
            children: Vec::new(),
            subscriptions: Vec::new(),
            quotes: Vec::new(),
            discounts: Vec::new(),
            charges: Vec::new(),
            payments: Vec::new(),
            invoices: Vec::new(),
            lots: Vec::new(),
            found: None,
            told: Vec::new(),
            left_open: BTreeMap::new(),
            over: false,
        };
        game.open(setting);
        game
    }

    const fn is_over(&self) -> bool {
        self.over || self.found.is_some()
    }

    fn open(&mut self, setting: &Setting) {
        let policies = replaced(setting);
        let profile = Profile::ALL[setting.profile % Profile::ALL.len()];
        self.features.book(profile, policies.len());
        let stamp = self.stamp(0);
        let open = Command::Book(BookCommand::OpenBook(OpenBook {
            book: text("model"),
            profile,
            policies: (!policies.is_empty()).then_some(policies),
            clock: BookClock::Test(instant(self.now)),
        }));
        self.submit(&open, &stamp);
        let series = |code: &str, kind| SeriesDefinition {
            code: text(code),
            kind,
            prefix: text(code),
            digits: 4,
        };
        let entity = Command::Seller(SellerCommand::DefineEntity(DefineEntity {
            entity: EntityId::new(Uuid::from_u128(1)),
            name: text("Seller"),
            zone: ZoneName::utc(),
            payment_terms_days: 14,
            series: vec![series("INV", SeriesKind::Invoice), series("CRN", SeriesKind::CreditNote)],
            document_retention_years: None,
            address: None,
            tax_ids: None,
        }));
        let stamp = self.stamp(0);
        self.submit(&entity, &stamp);
    }

    /// What every history begins with: two plans and a customer.
    fn begin(&mut self, setting: &Setting) {
        for (number, rate, price) in [(0, 9, 100_000), (1, 0, 299_900)] {
            let plan = Plan {
                number,
                every: 0,
                arrears: false,
                rate,
                price,
                trial: 0,
                lead: 0,
                second: None,
                minimum: None,
                setup: false,
            };
            self.step(&Step::Shared(Move::Define(plan)));
        }
        let register = Move::Register { zone: setting.zone, currency: 0, child: false };
        self.step(&Step::Shared(register));
    }

    pub(crate) fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids << 32)
    }

    pub(crate) fn currency(&self, customer: CustomerId) -> Currency {
        self.currencies[&customer]
    }

    /// What moves pay a part of.
    pub(crate) fn owed(&self, customer: CustomerId) -> i128 {
        self.kept.ledger.customer(customer).expect("it was registered").owed()
    }

    fn stamp(&mut self, back: i64) -> Stamp {
        Stamp {
            command_id: CommandId::new(self.id()),
            recorded_at: instant(self.now),
            effective_at: instant(self.now - back * 3_600_000_000),
        }
    }

    fn step(&mut self, step: &Step) {
        let Some((command, back)) = self.command_of(step) else { return };
        if moves_versions(&command) && self.model.begins_at(self.now) {
            // At one instant it is chance whether a cycle or its migration was first.
            return;
        }
        let stamp = self.stamp(back);
        self.submit(&command, &stamp);
        if let Command::Process(ProcessCommand::RunBilling(run)) = &command
            && !self.is_over()
        {
            self.bill(run.run, run.through);
        }
    }

    /// Every customer is billed: whom the ledger leaves out, the model must have nothing for.
    fn bill(&mut self, run: BillingRunId, through: Date) {
        let due = self.kept.ledger.due_customers(through, None, usize::MAX);
        for customer in self.customers.clone() {
            if self.is_over() {
                return;
            }
            let bill = BillCustomer { customer, run, through, ahead: false };
            let command = Command::Billing(BillingCommand::BillCustomer(bill));
            let stamp = self.stamp(0);
            if due.contains(&customer) {
                self.submit(&command, &stamp);
                continue;
            }
            if i64::from(through.days()) < self.model.customers[&customer].clock.day(self.now) {
                // What was known by then decides, and not what time has brought since.
                continue;
            }
            // Only asked: what a run does beside documents waits for the day on which it is due.
            let when = when_of(&stamp);
            let before = self.model.customers[&customer].clone();
            let expected = self.model.apply(&command, when);
            let after = self.model.customers.insert(customer, before);
            if expected.is_ok_and(|documents| !documents.is_empty()) {
                let shown = after.as_ref().map(judge::documents).unwrap_or_default();
                self.found = Some(Difference {
                    kind: "a run forgets a customer".to_owned(),
                    command: format!("{command:?}"),
                    expected: shown,
                    got: "the customer is not due".to_owned(),
                });
            }
        }
    }

    /// Decides on both sides and compares.
    fn submit(&mut self, command: &Command, stamp: &Stamp) {
        let decided = self.kept.decide(command, stamp);
        if let Err(rejection) = &decided
            && is_limit(rejection, stamp)
        {
            *self.left_open.entry(format!("a limit: {}", rejection.code())).or_default() += 1;
            self.over = true;
            return;
        }
        let expected = self.model.apply(command, when_of(stamp));
        let name = command.kind().name;
        let answer = decided.as_ref().err().map_or("accepted", Rejection::code);
        let (at, of) = (stamp.recorded_at, stamp.effective_at);
        let back = if at == of { String::new() } else { format!(", effective {of}") };
        self.told.push(format!("{at}{back} {name}: {answer}"));
        let (events, documents) = match (decided, expected) {
            (Ok(events), Ok(documents)) => (events, documents),
            (Err(_), Err(_)) => return,
            (Ok(_), Err(why)) => {
                self.differ(format!("{name} is accepted: {why}"), command, why, "accepted");
                return;
            }
            (Err(rejection), Ok(_)) => {
                let kind = format!("{name} is refused: {}", rejection.code());
                self.differ(kind, command, "accepted", &Rejection::to_string(&rejection));
                return;
            }
        };
        if std::env::var_os("BILLFOLD_MODEL_EVENTS").is_some() {
            self.told.extend(events.iter().map(|event| format!("    {event:?}")));
        }
        self.kept.commit(command, stamp, &events);
        self.remember(&events, command.stream());
        self.features.met(command, stamp, &self.model);
        if let StreamId::Customer(customer) = command.stream() {
            let known = self.model.known(customer).expect("it was registered");
            let ledger = (&self.kept.ledger, customer);
            let found = judge::compare(known, ledger, command, (&events, &documents), self.now);
            self.found = found;
        }
    }

    fn differ(&mut self, kind: String, command: &Command, expected: &str, got: &str) {
        let (expected, got) = (expected.to_owned(), got.to_owned());
        self.found = Some(Difference { kind, command: format!("{command:?}"), expected, got });
    }

    /// What later moves can name.
    fn remember(&mut self, events: &[Event], stream: StreamId) {
        for event in events {
            if let Event::Book(BookEvent::ClockAdvanced(advanced)) = event {
                self.now = advanced.to.micros();
            }
            let StreamId::Customer(customer) = stream else { continue };
            if let Event::Customer(CustomerEvent::CustomerRegistered(e)) = event {
                self.currencies.insert(e.customer, e.currency);
                self.customers.push(e.customer);
                if e.parent.is_some() {
                    self.children.push(e.customer);
                }
            } else if let Event::Subscription(SubscriptionEvent::SubscriptionCreated(e)) = event {
                self.subscriptions.push((customer, e.subscription));
            } else if let Event::Subscription(SubscriptionEvent::DiscountApplied(e)) = event {
                // Those of a ramp have ids that no command names.
                let known = self.model.customers.get(&customer);
                if known.is_some_and(|of| of.discounts.iter().any(|d| d.id == e.discount)) {
                    self.discounts.push((customer, e.discount));
                }
            } else if let Event::Settlement(SettlementEvent::PaymentRecorded(e)) = event {
                self.payments.push((customer, e.payment, e.amount.minor().0));
                self.lots.push((customer, LotRef::Payment(e.payment)));
            } else if let Event::Settlement(SettlementEvent::CreditGranted(e)) = event {
                self.lots.push((customer, LotRef::Grant(e.grant)));
            } else if let Event::Billing(BillingEvent::ChargeAdded(e)) = event {
                // Setup fees and fees for early ends have ids that no command names.
                let known = self.model.customers.get(&customer);
                if known.is_some_and(|of| of.charges.iter().any(|c| c.id == e.charge)) {
                    self.charges.push((customer, e.charge));
                }
            } else if let Event::Billing(BillingEvent::InvoiceFinalized(e)) = event {
                self.invoices.push((customer, e.invoice));
                if e.credit_generated.is_positive() {
                    self.lots.push((customer, LotRef::Invoice(e.invoice)));
                }
            }
        }
    }
}

const fn moves_versions(command: &Command) -> bool {
    matches!(
        command,
        Command::Catalog(CatalogCommand::MigratePlan(_) | CatalogCommand::WithdrawMigration(_))
    )
}

fn when_of(stamp: &Stamp) -> When {
    When { recorded: stamp.recorded_at.micros(), effective: stamp.effective_at.micros() }
}
