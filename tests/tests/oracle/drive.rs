//! Plays moves on a ledger and on the oracle, and compares after every commit.

use schemas::command::{
    BillingCommand, BookCommand, ProcessCommand, SellerCommand, SettlementCommand,
};
use schemas::event::{BillingEvent, BookEvent, CustomerEvent, SettlementEvent, SubscriptionEvent};
use std::collections::BTreeMap;

use ledger_core::Stamp;
use schemas::command::{
    AdvanceClock, Allocate, AllocationRequest, BillCustomer, DefineEntity, OpenBook, RefundEffect,
};
use schemas::event::{CreditApplied, InvoiceFinalized, RevenueSchedule};
use schemas::ids::{
    CommandId, CustomerId, DiscountId, EntityId, InvoiceId, PaymentId, PlanId, SubscriptionId,
};
use schemas::terms::{BookClock, Profile, SeriesDefinition, SeriesKind};
use schemas::{
    Command, Currency, Date, Event, Minor, Money, Rejection, StreamId, Timestamp, ZoneName,
};
use tests::kept::{Kept, instant, neutral};
use uuid::Uuid;

use crate::calendar::day_at;
use crate::model::{Customer, Line, Oracle, Refused, When};
use crate::moves::{Between, Charging, Move, OnBook, Settling, Step};
use crate::settling::Effect;

/// How often each command was accepted and each rejection met.
pub(crate) type Counts = BTreeMap<String, u64>;

/// Panics say what differs; proptest shrinks on them.
#[derive(Debug)]
pub(crate) struct Game {
    pub(crate) kept: Kept,
    pub(crate) oracle: Oracle,
    pub(crate) now: i64,
    ids: u128,
    pub(crate) plans: Vec<PlanId>,
    pub(crate) customers: Vec<CustomerId>,
    pub(crate) subscriptions: Vec<(CustomerId, SubscriptionId)>,
    pub(crate) discounts: Vec<(CustomerId, DiscountId)>,
    pub(crate) payments: Vec<(CustomerId, PaymentId)>,
    /// Invoices of each customer in the order of finalization: the oracle's places.
    pub(crate) invoices: BTreeMap<CustomerId, Vec<InvoiceId>>,
    /// What credit notes took off each line.
    noted: BTreeMap<(InvoiceId, u32), i128>,
    pub(crate) all_invoices: Vec<(CustomerId, InvoiceId)>,
    pub(crate) counts: Counts,
}

pub(crate) fn text<T: TryFrom<String>>(text: &str) -> T
where
    T::Error: core::fmt::Debug,
{
    T::try_from(text.to_owned()).expect("a valid text")
}

pub(crate) fn cents(amount: i64, currency: Currency) -> Money {
    Minor(amount).of(currency)
}

impl Game {
    /// A book on a test clock with a seller, two plans and a customer.
    pub(crate) fn new() -> Self {
        let now = Timestamp::start_of_utc(Date::new(2024, 1, 10).expect("a date")).micros()
            + 10 * 3_600_000_000;
        let mut game = Self {
            kept: Kept::default(),
            oracle: Oracle::default(),
            now,
            ids: 0,
            plans: Vec::new(),
            customers: Vec::new(),
            subscriptions: Vec::new(),
            discounts: Vec::new(),
            payments: Vec::new(),
            invoices: BTreeMap::new(),
            noted: BTreeMap::new(),
            all_invoices: Vec::new(),
            counts: Counts::new(),
        };
        game.must(&Command::Book(BookCommand::OpenBook(OpenBook {
            book: text("oracle"),
            profile: Profile::Billfold1,
            policies: None,
            clock: BookClock::Test(instant(now)),
        })));
        let series = |code: &str, kind| SeriesDefinition {
            code: text(code),
            kind,
            prefix: text(code),
            digits: 4,
        };
        game.must(&Command::Seller(SellerCommand::DefineEntity(DefineEntity {
            entity: EntityId::new(Uuid::from_u128(1)),
            name: text("Seller"),
            zone: ZoneName::utc(),
            payment_terms_days: 14,
            series: vec![
                series("INV", SeriesKind::Invoice),
                series("CRN", SeriesKind::CreditNote),
                series("HIST", SeriesKind::Historical),
            ],
            document_retention_years: None,
        })));
        for (plan, per_unit, price) in [(0, true, 100_000), (1, false, 290_000)] {
            let arrears = false;
            game.play(Move::Book(OnBook::DefinePlan { plan, every: 0, arrears, per_unit, price }));
        }
        game.play(Move::Book(OnBook::Register { zone: 0, dollars: false, terms: 14 }));
        game
    }

    pub(crate) fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids << 32)
    }

    pub(crate) fn currency(&self, customer: CustomerId) -> Currency {
        let known = self.oracle.customers().find(|(id, _)| *id == customer);
        known.expect("the driver names registered customers").1.currency
    }

    fn must(&mut self, command: &Command) {
        let stamp = self.stamp(0);
        self.submit(command, &stamp).expect("the set-up is accepted");
    }

    fn stamp(&mut self, back: i64) -> Stamp {
        Stamp {
            command_id: CommandId::new(self.id()),
            recorded_at: instant(self.now),
            effective_at: instant(self.now - back * 3_600_000_000),
        }
    }

    /// Plays one step: with a preview first, if it has one.
    pub(crate) fn step(&mut self, step: &Step) {
        let Some((command, back)) = self.command(&step.action) else { return };
        let mut stamp = self.stamp(back);
        if let Some(between) = &step.preview
            && let Some(predicted) = self.preview(&command, &mut stamp, between)
        {
            let charged = self.submit(&command, &stamp);
            assert_eq!(
                neutral(charged, undated),
                neutral(predicted, undated),
                "the preview of {command:?}"
            );
            *self.counts.entry("preview".to_owned()).or_default() += 1;
        } else {
            let _ = self.submit(&command, &stamp);
        }
        self.after(&command);
    }

    fn play(&mut self, action: Move) {
        self.step(&Step { action, preview: None });
    }

    /// Decides without committing, then lets time and other commits pass.
    fn preview(
        &mut self,
        command: &Command,
        stamp: &mut Stamp,
        between: &Between,
    ) -> Option<Result<Vec<Event>, Rejection>> {
        let StreamId::Customer(customer) = command.stream() else { return None };
        let predicted = self.kept.ledger.decide(command, stamp);
        // The preview is of a day: it must be the same day everywhere.
        let later = self.now + between.minutes * 60_000_000;
        let same_day =
            [0, 9, -7].iter().all(|zone| day_at(self.now, *zone) == day_at(later, *zone));
        if same_day {
            self.clock_to(later);
        }
        let others: Vec<CustomerId> =
            self.customers.iter().copied().filter(|other| *other != customer).collect();
        for other in others.into_iter().take(between.others) {
            let index = self.customers.iter().position(|known| *known == other).expect("known");
            self.play(Move::Settle(Settling::Grant { customer: index, cents: 17 }));
            self.play(Move::Charge(Charging::Once {
                customer: index,
                price: 999,
                quantity: 10,
                days: None,
                now: true,
                historical: false,
                back: 0,
            }));
        }
        stamp.recorded_at = instant(self.now);
        Some(predicted)
    }

    fn clock_to(&mut self, to: i64) {
        let stamp = self.stamp(0);
        let command = Command::Book(BookCommand::AdvanceClock(AdvanceClock { to: instant(to) }));
        self.submit(&command, &stamp).expect("the clock moves forward");
    }

    /// Decides, commits and compares.
    fn submit(&mut self, command: &Command, stamp: &Stamp) -> Result<Vec<Event>, Rejection> {
        let decided = self.kept.ledger.decide(command, stamp);
        let expected = self.expect(command, stamp);
        match (&decided, &expected) {
            (Ok(_), Ok(_)) => {}
            (Err(rejection), Err(_)) => {
                *self.counts.entry(rejection.code().to_owned()).or_default() += 1;
                return decided;
            }
            (Ok(_), Err(why)) => panic!("accepted, but must be refused ({why}): {command:?}"),
            (Err(rejection), Ok(_)) => panic!("refused ({rejection}), but is right: {command:?}"),
        }
        let events = decided?;
        *self.counts.entry(command.kind().name.to_owned()).or_default() += 1;
        self.kept.commit(command, stamp, &events);
        self.compare(command, &events, expected.expect("just matched"));
        self.remember(&events, command.stream());
        Ok(events)
    }

    /// What later moves can name.
    fn remember(&mut self, events: &[Event], stream: StreamId) {
        for event in events {
            if let Event::Book(BookEvent::ClockAdvanced(advanced)) = event {
                self.now = advanced.to.micros();
            }
            let StreamId::Customer(customer) = stream else { continue };
            if let Event::Customer(CustomerEvent::CustomerRegistered(e)) = event {
                self.customers.push(e.customer);
            } else if let Event::Subscription(SubscriptionEvent::SubscriptionCreated(e)) = event {
                self.subscriptions.push((customer, e.subscription));
            } else if let Event::Subscription(SubscriptionEvent::DiscountApplied(e)) = event {
                self.discounts.push((customer, e.discount));
            } else if let Event::Settlement(SettlementEvent::PaymentRecorded(e)) = event {
                self.payments.push((customer, e.payment));
            }
        }
    }

    /// What the oracle says of the command: the place of the invoice that it makes.
    fn expect(&mut self, command: &Command, stamp: &Stamp) -> Result<Option<usize>, Refused> {
        let when =
            When { recorded: stamp.recorded_at.micros(), effective: stamp.effective_at.micros() };
        let StreamId::Customer(id) = command.stream() else {
            return self.oracle.apply(command, when);
        };
        let places = self.invoices.get(&id).cloned().unwrap_or_default();
        let place = |invoice: InvoiceId| {
            places.iter().position(|known| *known == invoice).ok_or("unknown invoice")
        };
        let amount = |money: Money| i128::from(money.minor().0);
        let day = day_at(when.effective, 0);
        let Command::Settlement(settling) = command else {
            return self.oracle.apply(command, when);
        };
        match settling {
            SettlementCommand::GrantCredit(c) => {
                self.settle(id, when, |x| x.grant(amount(c.amount), day))
            }
            SettlementCommand::RecordPayment(c) => self.settle(id, when, |x| {
                let told = match &c.allocate {
                    Some(Allocate::To(parts)) => {
                        let part = |part: &AllocationRequest| {
                            Ok((place(part.invoice)?, amount(part.amount)))
                        };
                        Some(parts.iter().map(part).collect::<Result<Vec<_>, Refused>>()?)
                    }
                    Some(Allocate::OldestFirst) | None => None,
                };
                x.pay(c.payment, amount(c.amount), told.as_deref(), day)
            }),
            SettlementCommand::ReversePayment(c) => {
                self.settle(id, when, |x| x.reverse(c.payment, day))
            }
            SettlementCommand::RefundPayment(c) => {
                let effect = match c.effect {
                    RefundEffect::Reopen => Effect::Reopen,
                    RefundEffect::CreditNote(_) => Effect::CreditNote,
                    RefundEffect::CustomerCredit => Effect::CustomerCredit,
                };
                self.settle(id, when, |x| x.refund(c.payment, amount(c.amount), effect, day))
            }
            SettlementCommand::VoidInvoice(c) => {
                self.settle(id, when, |x| x.void(place(c.invoice)?, c.rebill, day))
            }
            SettlementCommand::IssueCreditNote(_)
            | SettlementCommand::ApplyCredit(_)
            | SettlementCommand::ReleaseCredit(_)
            | SettlementCommand::RevokeCredit(_)
            | SettlementCommand::PayOutCredit(_) => {
                unreachable!("the moves have no {command:?}")
            }
        }
    }

    /// Settles on the oracle's side; a refusal changes nothing.
    fn settle(
        &mut self,
        id: CustomerId,
        when: When,
        change: impl FnOnce(&mut Customer) -> Result<(), Refused>,
    ) -> Result<Option<usize>, Refused> {
        let customer = self.oracle.customer_mut(id);
        if when.effective < customer.registered {
            return Err("before registration");
        }
        let mut copy = customer.clone();
        change(&mut copy)?;
        copy.sweep();
        *customer = copy;
        Ok(None)
    }

    fn compare(&mut self, command: &Command, events: &[Event], made: Option<usize>) {
        let invoices: Vec<&InvoiceFinalized> = events
            .iter()
            .filter_map(|event| {
                if let Event::Billing(BillingEvent::InvoiceFinalized(invoice)) = event {
                    Some(invoice)
                } else {
                    None
                }
            })
            .collect();
        assert_eq!(invoices.len(), usize::from(made.is_some()), "invoices of {command:?}");
        let StreamId::Customer(id) = command.stream() else { return };
        let (_, expected) =
            self.oracle.customers().find(|(known, _)| *known == id).expect("it was registered");
        if let (Some(place), Some(invoice)) = (made, invoices.first()) {
            let wanted: Vec<String> = expected.invoices[place].lines.iter().map(shown).collect();
            let found: Vec<String> = invoice.lines.iter().map(shown_line).collect();
            assert_eq!(found, wanted, "lines (left: ledger, right: oracle) of {command:?}");
            self.invoices.entry(id).or_default().push(invoice.invoice);
            self.all_invoices.push((id, invoice.invoice));
        }
        for event in events {
            let Event::Settlement(SettlementEvent::CreditNoteIssued(note)) = event else {
                continue;
            };
            for line in &note.lines {
                let noted = self.noted.entry((note.invoice, line.line)).or_default();
                *noted += i128::from(line.net.0);
            }
        }
        let customer = self.kept.ledger.customer(id).expect("it was registered");
        assert_eq!(customer.owed(), expected.owed(), "owed after {command:?}");
        assert_eq!(i128::from(customer.credit().0), expected.credit(), "credit after {command:?}");
        for (place, invoice) in self.invoices.get(&id).into_iter().flatten().enumerate() {
            let open = i128::from(customer.invoice(*invoice).expect("it was made").open().0);
            assert_eq!(open, expected.invoices[place].open(), "{invoice} after {command:?}");
            for (number, line) in (1..).zip(&expected.invoices[place].lines) {
                let noted = self.noted.get(&(*invoice, number)).copied().unwrap_or_default();
                assert_eq!(noted, line.noted, "line {number} of {invoice} after {command:?}");
            }
        }
    }

    /// What belongs to a move besides its own command: a run bills every due customer, twice.
    fn after(&mut self, command: &Command) {
        let Command::Process(ProcessCommand::RunBilling(run)) = command else { return };
        if i64::from(run.through.days()) > day_at(self.now, 0) {
            return;
        }
        let due = self.kept.ledger.due_customers(run.through, None, usize::MAX);
        let should = self.oracle.due(i64::from(run.through.days()));
        for customer in should {
            assert!(due.contains(&customer), "{customer} is due through {}", run.through);
        }
        // What each bill will be is foreseen before the others are made, and before time passes.
        let bills: Vec<(Command, Stamp, _)> = due
            .into_iter()
            .map(|customer| {
                let bill = BillCustomer { customer, run: run.run, through: run.through };
                let (bill, stamp) =
                    (Command::Billing(BillingCommand::BillCustomer(bill)), self.stamp(0));
                let foreseen = self.kept.ledger.decide(&bill, &stamp);
                (bill, stamp, foreseen)
            })
            .collect();
        if !bills.is_empty() && self.kept.log.len().is_multiple_of(3) {
            self.clock_to(self.now + 36 * 3_600_000_000);
        }
        for (bill, mut stamp, foreseen) in bills {
            stamp.recorded_at = instant(self.now);
            let billed = self.submit(&bill, &stamp);
            assert_eq!(
                neutral(billed.map(without_days), undated),
                neutral(foreseen.map(without_days), undated),
                "{bill:?} as it was foreseen"
            );
            // A second time there is nothing to bill.
            let stamp = self.stamp(0);
            let again = self.kept.ledger.decide(&bill, &stamp).expect("billing again is no error");
            assert_eq!(again, [], "billed twice: {bill:?}");
            let StreamId::Customer(id) = bill.stream() else { continue };
            let through = i64::from(run.through.days());
            let (_, customer) =
                self.oracle.customers().find(|(known, _)| *known == id).expect("it was billed");
            assert!(customer.is_fair(&self.oracle, through), "{bill:?} leaves an unfair cycle");
        }
    }
}

/// A line as both sides show it: amount, days, credited line.
fn shown(line: &Line) -> String {
    let days = line.days.first().zip(line.days.last()).map(|(first, last)| (*first, last + 1));
    let credits = line.credits.map(|(_, line)| line + 1);
    format!("gross {} net {} days {days:?} credits {credits:?}", line.gross, line.net())
}

fn shown_line(line: &schemas::event::InvoiceLine) -> String {
    let recurring = line.plan.is_some();
    let days = line.service.filter(|_| recurring);
    let days = days.map(|d| (i64::from(d.start().days()), i64::from(d.end().days())));
    let credits = line.credits.map(|at| at.line);
    format!("gross {} net {} days {days:?} credits {credits:?}", line.gross, line.net)
}

/// Credit that pays something is booked on the day of the bill.
fn without_days(mut events: Vec<Event>) -> Vec<Event> {
    for event in &mut events {
        if let Some(applied) = event.get_mut::<CreditApplied>() {
            applied.posting_date = Date::MIN;
        }
    }
    events
}

/// What depends on the day on which an invoice is issued.
fn undated(invoice: &mut InvoiceFinalized) {
    (invoice.document_date, invoice.due_date) = (Date::MIN, Date::MIN);
    invoice.posting_date = Date::MIN;
    for line in &mut invoice.lines {
        if line.service.is_none() {
            line.schedule = RevenueSchedule::Point(Date::MIN);
        }
    }
}
