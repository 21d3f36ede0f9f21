//! Plays a history on a ledger: decides, commits, and shows every commit to the laws.

use schemas::command::{
    BillingCommand, BookCommand, ProcessCommand, SellerCommand, SubscriptionCommand,
};
use schemas::event::{
    BillingEvent, BookEvent, CreditApplied, CustomerEvent, DueSet, SettlementEvent,
    SubscriptionEvent,
};
use std::collections::BTreeMap;

use ledger_core::{Claims, Stamp};
use schemas::command::{BillCustomer, DefineEntity, InvoiceNow, OpenBook};
use schemas::ids::{
    CommandId, CouponId, CustomerId, DiscountId, EntityId, InvoiceId, PaymentId, PlanId, QuoteId,
    SubscriptionId,
};
use schemas::terms::{BookClock, LotRef, Policies, Profile, SeriesDefinition, SeriesKind};
use schemas::text::Code;
use schemas::{Command, Currency, Date, Event, Rejection, StreamId, Timestamp, ZoneName};
use tests::kept::{Kept, instant, neutral};
use tests::recording::Recording;
use uuid::Uuid;

use crate::moves::{History, Move, Plan, Setting};
use crate::planted::Mistake;
use crate::watch::{Broken, Watch};

/// How often each thing was met: kind and name.
pub(crate) type Counts = BTreeMap<(&'static str, String), u64>;

/// A book that is played on. It panics where a law of the ledger breaks, and collects what the
/// watch finds.
pub(crate) struct Game {
    pub(crate) kept: Kept,
    watch: Watch,
    mistake: Option<Mistake>,
    pub(crate) recording: Option<Recording>,
    currencies: BTreeMap<CustomerId, Currency>,
    pub(crate) now: i64,
    ids: u128,
    pub(crate) plans: Vec<PlanId>,
    pub(crate) coupons: Vec<CouponId>,
    pub(crate) customers: Vec<CustomerId>,
    pub(crate) children: Vec<CustomerId>,
    pub(crate) subscriptions: Vec<(CustomerId, SubscriptionId)>,
    pub(crate) quotes: Vec<(CustomerId, QuoteId)>,
    pub(crate) discounts: Vec<(CustomerId, DiscountId)>,
    pub(crate) payments: Vec<(CustomerId, PaymentId, i64)>,
    pub(crate) invoices: Vec<(CustomerId, InvoiceId)>,
    /// Every lot of credit there was.
    pub(crate) lots: Vec<(CustomerId, LotRef)>,
    pub(crate) broken: Vec<Broken>,
    pub(crate) counts: Counts,
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

/// Plays a history to its end; gives what the laws of the watch say and what was met.
pub(crate) fn play(history: &History, mistake: Option<Mistake>) -> (Vec<Broken>, Counts) {
    let mut game = Game::new(&history.setting, mistake, None);
    game.begin(&history.setting);
    for (action, preview) in &history.moves {
        game.step(action, *preview);
        if !game.broken.is_empty() {
            return (game.broken, game.counts);
        }
    }
    game.finish();
    (game.broken, game.counts)
}

impl Game {
    /// A book on a test clock with a seller.
    pub(crate) fn new(
        setting: &Setting,
        mistake: Option<Mistake>,
        recording: Option<Recording>,
    ) -> Self {
        let (days, hour, minute) = setting.start;
        let first = Timestamp::start_of_utc(Date::new(2024, 1, 1).expect("a date")).micros();
        let now = first + ((days * 24 + hour) * 60 + minute) * 60_000_000;
        let mut game = Self {
            kept: Kept::default(),
            watch: Watch::default(),
            mistake,
            recording,
            currencies: BTreeMap::new(),
            now,
            ids: 0,
            plans: Vec::new(),
            coupons: Vec::new(),
            customers: Vec::new(),
            children: Vec::new(),
            subscriptions: Vec::new(),
            quotes: Vec::new(),
            discounts: Vec::new(),
            payments: Vec::new(),
            invoices: Vec::new(),
            lots: Vec::new(),
            broken: Vec::new(),
            counts: Counts::new(),
        };
        game.open(setting);
        game
    }

    fn open(&mut self, setting: &Setting) {
        let policies = replaced(setting);
        self.must(&Command::Book(BookCommand::OpenBook(OpenBook {
            book: text("histories"),
            profile: Profile::ALL[setting.profile % Profile::ALL.len()],
            policies: (!policies.is_empty()).then_some(policies),
            clock: BookClock::Test(instant(self.now)),
        })));
        let series = |code: &str, kind| SeriesDefinition {
            code: text(code),
            kind,
            prefix: text(code),
            digits: 4,
        };
        self.must(&Command::Seller(SellerCommand::DefineEntity(DefineEntity {
            entity: EntityId::new(Uuid::from_u128(1)),
            name: text("Seller"),
            zone: ZoneName::utc(),
            payment_terms_days: 14,
            series: vec![series("INV", SeriesKind::Invoice), series("CRN", SeriesKind::CreditNote)],
            document_retention_years: None,
            address: None,
            tax_ids: None,
        })));
    }

    /// What every history begins with: two plans and a customer.
    pub(crate) fn begin(&mut self, setting: &Setting) {
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
            self.step(&Move::Define(plan), false);
        }
        let register = Move::Register { zone: setting.zone, currency: 0, child: false };
        self.step(&register, false);
    }

    pub(crate) fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids << 32)
    }

    pub(crate) fn currency(&self, customer: CustomerId) -> Currency {
        self.currencies[&customer]
    }

    pub(crate) fn owed(&self, customer: CustomerId) -> i128 {
        self.kept.ledger.customer(customer).expect("it was registered").owed()
    }

    pub(crate) fn count(&mut self, kind: &'static str, name: impl Into<String>) {
        *self.counts.entry((kind, name.into())).or_default() += 1;
    }

    fn must(&mut self, command: &Command) {
        let stamp = self.stamp(0);
        self.submit(command, &stamp).expect("the set-up is accepted");
    }

    pub(crate) fn stamp(&mut self, back: i64) -> Stamp {
        Stamp {
            command_id: CommandId::new(self.id()),
            recorded_at: instant(self.now),
            effective_at: instant(self.now - back * 3_600_000_000),
        }
    }

    /// Forgets what earlier histories made, so that moves name none of it.
    pub(crate) fn forget(&mut self) {
        self.plans.clear();
        self.coupons.clear();
        self.customers.clear();
        self.children.clear();
        self.subscriptions.clear();
        self.quotes.clear();
        self.discounts.clear();
        self.payments.clear();
        self.invoices.clear();
        self.lots.clear();
    }

    /// Plays one move, with a preview on a copy first.
    pub(crate) fn step(&mut self, action: &Move, preview: bool) {
        let Some((command, back)) = self.command(action) else { return };
        let stamp = self.stamp(back);
        let foreseen = if preview { self.preview(&command, &stamp) } else { None };
        let decided = self.submit(&command, &stamp);
        if let Some(foreseen) = foreseen {
            assert_eq!(
                neutral(decided, |_| ()),
                neutral(foreseen, |_| ()),
                "the preview of {command:?}"
            );
            self.count("check", "preview equals charge");
        }
        if let Command::Process(ProcessCommand::RunBilling(run)) = &command {
            self.bill(run.run, run.through);
        }
        self.count_phases();
    }

    /// Decides on a copy of the customer, then lets other customers' commits pass.
    fn preview(
        &mut self,
        command: &Command,
        stamp: &Stamp,
    ) -> Option<Result<Vec<Event>, Rejection>> {
        let StreamId::Customer(customer) = command.stream() else { return None };
        if let Some(recording) = &mut self.recording {
            recording.preview(command, stamp);
        }
        let mut copy = self.kept.ledger.copy_for(Some(customer), &Claims::of(command));
        let foreseen = self.kept.decide_on(&mut copy, command, stamp);
        let other = self.customers.iter().position(|known| *known != customer)?;
        let coupon = matches!(command, Command::Subscription(SubscriptionCommand::RedeemCoupon(_)));
        if !coupon {
            self.step(&Move::Grant { customer: other, cents: 17, days: None }, false);
            let charge =
                Move::Charge { customer: other, cents: 999, days: None, now: true, back: 0 };
            self.step(&charge, false);
        }
        Some(foreseen)
    }

    /// Decides, commits and shows the commit to the laws.
    pub(crate) fn submit(
        &mut self,
        command: &Command,
        stamp: &Stamp,
    ) -> Result<Vec<Event>, Rejection> {
        let decided = self.kept.decide(command, stamp);
        if let Some(recording) = &mut self.recording {
            let refused = decided.as_ref().err().map(Rejection::code);
            recording.submit(command, stamp, refused.unwrap_or("accepted"));
        }
        let events = match decided {
            Ok(events) => events,
            Err(rejection) => {
                assert!(!rejection.to_string().is_empty());
                self.count("rejection", rejection.code());
                return Err(rejection);
            }
        };
        self.count("command", command.kind().name);
        self.commit(command, stamp, &events);
        self.remember(&events, command.stream());
        Ok(events)
    }

    fn commit(&mut self, command: &Command, stamp: &Stamp, events: &[Event]) {
        let mut commit = self.kept.commit(command, stamp, events);
        if let Some(mistake) = &mut self.mistake {
            mistake.make(&self.watch, &mut commit);
        }
        self.broken.extend(self.watch.observe(&commit));
    }

    /// What later moves can name, and what was met.
    fn remember(&mut self, events: &[Event], stream: StreamId) {
        for event in events {
            self.count("event", event.kind().name);
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
                self.discounts.push((customer, e.discount));
            } else if let Event::Settlement(SettlementEvent::PaymentRecorded(e)) = event {
                self.payments.push((customer, e.payment, e.amount.minor().0));
                self.lots.push((customer, LotRef::Payment(e.payment)));
            } else if let Event::Settlement(SettlementEvent::CreditGranted(e)) = event {
                self.lots.push((customer, LotRef::Grant(e.grant)));
            } else if let Event::Billing(BillingEvent::InvoiceFinalized(e)) = event {
                self.invoices.push((customer, e.invoice));
                if e.credit_generated.is_positive() {
                    self.lots.push((customer, LotRef::Invoice(e.invoice)));
                }
                if let Some(recording) = &mut self.recording {
                    recording.invoice(e.invoice, e.number.as_str());
                }
                for (policy, rule) in e.policies.words() {
                    self.count("policy", format!("{policy}={rule}"));
                }
                for line in &e.lines {
                    self.count("line", format!("{:?}", line.kind));
                }
            }
        }
    }

    fn count_phases(&mut self) {
        let now = instant(self.now);
        for customer in self.customers.clone() {
            let found = self.kept.ledger.customer(customer).expect("it was registered");
            let phases: Vec<String> = found
                .subscriptions()
                .map(|subscription| format!("{:?}", subscription.phase(now)))
                .collect();
            for phase in phases {
                self.count("state", phase);
            }
        }
    }

    /// A run bills every due customer as it was foreseen, and a second time nothing.
    fn bill(&mut self, run: schemas::ids::BillingRunId, through: Date) {
        for customer in self.kept.ledger.due_customers(through, None, usize::MAX) {
            let bill = Command::Billing(BillingCommand::BillCustomer(BillCustomer {
                customer,
                run,
                through,
                ahead: false,
            }));
            let stamp = self.stamp(0);
            let billed = self.submit(&bill, &stamp);
            let billed = billed.unwrap_or_else(|why| panic!("an impossible state was met: {why}"));
            let is_aside = |event: &&Event| {
                event.get::<DueSet>().is_some() || event.get::<CreditApplied>().is_some()
            };
            let last = billed.iter().rev().find(|event| !is_aside(event));
            if last.is_some_and(|last| {
                !matches!(last, Event::Billing(BillingEvent::InvoiceFinalized(_)))
            }) {
                // Credit has paid the invoice, and what waited for that has changed something.
                continue;
            }
            let stamp = self.stamp(0);
            // What is refused, such as an invoice of too many lines, is refused again.
            let Ok(mut again) = self.kept.decide(&bill, &stamp) else { continue };
            if let Some(mistake) = &mut self.mistake {
                mistake.bill_again(&mut again, self.kept.log.last().map(Vec::as_slice));
            }
            if !again.is_empty() {
                let seen = format!("{bill:?} gives {again:?}");
                self.broken.push(Broken { law: "a second run bills nothing", seen });
            }
            self.count("check", "second run is empty");
        }
    }

    /// Bills all that is due, then asks the laws of the whole, and replays.
    fn finish(&mut self) {
        self.bill_all();
        if !self.broken.is_empty() {
            return;
        }
        self.broken.extend(self.watch.finish(instant(self.now)));
        for (law, times) in std::mem::take(&mut self.watch.looked) {
            *self.counts.entry(("law", law.to_owned())).or_default() += times;
        }
        self.erase_all();
        self.kept.replay();
        self.count("check", "replay and snapshot");
    }

    /// Bills all that is due.
    pub(crate) fn bill_all(&mut self) {
        for customer in self.customers.clone() {
            let all = Command::Billing(BillingCommand::InvoiceNow(InvoiceNow {
                customer,
                through: None,
                ahead: None,
                invoice: None,
            }));
            // Where credit pays the first invoice, what waited for that makes a second one.
            for _ in 0..2 {
                let stamp = self.stamp(0);
                match self.submit(&all, &stamp) {
                    Ok(events)
                        if !matches!(
                            events.last(),
                            Some(Event::Billing(BillingEvent::InvoiceFinalized(_)))
                        ) => {}
                    Ok(_) => break,
                    Err(rejection) if rejection.code() == "nothing_to_invoice" => break,
                    Err(rejection) => {
                        let seen = format!("{customer}: {rejection}");
                        self.broken.push(Broken { law: "what is due can be billed", seen });
                        return;
                    }
                }
            }
            let stamp = self.stamp(0);
            let again = self.kept.decide(&all, &stamp).map_err(|rejection| rejection.code());
            assert!(again.is_err(), "nothing is left to invoice: {again:?}");
        }
    }
}
