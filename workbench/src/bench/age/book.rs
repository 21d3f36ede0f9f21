//! A book whose customers are all alike, and how they come by what they have behind them.
//!
//! *Shape.* Everything is made by real commands on a test clock: the clock is set to the day on
//! which a cycle begins, a run bills it, and all that was invoiced is paid.

use std::time::{Duration, Instant};

use client::edge;
use command_gateway::{CommandRequest, Gateway, GatewayConfig, GatewayHandle, Snapshots};
use host::Folder;
use schemas::command::{
    AddCharge, AdvanceClock, ChargeInvoice, ChargePrice, InvoiceRequest, OpenBook, RecordPayment,
    RunBilling,
};
use schemas::ids::{
    BillingRunId, ChargeId, CustomerId, EntityId, InvoiceId, PaymentId, PlanId, SubscriptionId,
    derive,
};
use schemas::runs::RunState;
use schemas::terms::{BookClock, Profile};
use schemas::text::Actor;
use schemas::{Command, Currency, Date, Minor, Timestamp};
use serde_json::{Value, json};

use super::shape::Shape;
use crate::bench::billing::made;
use crate::bench::load::{Run, Until, drive};
use crate::bench::plan::Script;
use crate::bench::{QUEUE, SETTING_UP};
use crate::error::WorkError;

/// What a subscription costs for a cycle, in cents: before and after a change of plan.
pub(super) const PRICES: [i64; 2] = [10_00, 15_00];
/// What a one-off charge is, in cents.
pub(super) const CHARGE: Minor = Minor(1_00);
/// One-off charges are spread over so many days.
const DAYS: u64 = 20;
/// How long a run may take.
const PATIENCE: Duration = Duration::from_hours(1);

/// A book that may be open.
pub(super) struct Book {
    pub(super) shape: Shape,
    folder: Folder,
    gateway: Option<Gateway>,
    actor: Actor,
    pub(super) currency: Currency,
    entity: EntityId,
    /// At both of the prices.
    pub(super) plans: [PlanId; 2],
    pub(super) customers: Vec<CustomerId>,
    /// Those of the first customer, then those of the second …
    pub(super) subscriptions: Vec<SubscriptionId>,
    /// The first run that billed somebody.
    first: Option<BillingRunId>,
    /// The day on which the last cycle that is billed began.
    cycle: Date,
}

impl Book {
    /// An empty book with sellers and plans.
    ///
    /// # Errors
    /// [`WorkError`] when it cannot be made.
    pub(super) fn make(shape: Shape, folder: &Folder) -> Result<Self, WorkError> {
        let name = Script::book();
        folder.make(&name)?;
        let log = command_gateway::fresh_log_id()
            .map_err(|source| WorkError::io("no randomness for the log's id", source))?;
        let cycle =
            Date::new(2_024, 1, 1).map_err(|error| WorkError::Unplanned(error.to_string()))?;
        let clock = BookClock::Test(Timestamp::start_of_utc(cycle));
        let open = OpenBook { book: name, profile: Profile::Billfold1, policies: None, clock };
        let mut book = Self {
            shape,
            folder: folder.clone(),
            gateway: None,
            actor: "bench".parse().expect("a token of ASCII letters is an actor"),
            currency: "EUR".parse().expect("the euro is a currency"),
            entity: EntityId::new(edge::fresh()),
            plans: [PlanId::new(edge::fresh()), PlanId::new(edge::fresh())],
            customers: (0..shape.customers).map(|_| CustomerId::new(edge::fresh())).collect(),
            subscriptions: (0..shape.customers * shape.subscriptions)
                .map(|_| SubscriptionId::new(edge::fresh()))
                .collect(),
            first: None,
            cycle,
        };
        book.gateway = Some(Gateway::create(&plain(folder)?, log, open)?);
        Ok(book)
    }

    /// Opens it once it is closed; how long that took.
    ///
    /// # Errors
    /// [`WorkError`] when it cannot be opened.
    pub(super) fn reopen(&mut self, config: &GatewayConfig) -> Result<Duration, WorkError> {
        self.close();
        let started = Instant::now();
        self.gateway = Some(Gateway::open(config)?);
        Ok(started.elapsed())
    }

    /// Closes it, if it is open.
    pub(super) fn close(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.close();
        }
    }

    /// The engine.
    ///
    /// # Errors
    /// [`WorkError::Unplanned`] when the book is closed.
    pub(super) fn handle(&self) -> Result<GatewayHandle, WorkError> {
        let closed = || WorkError::Unplanned("the book is closed".to_owned());
        self.gateway.as_ref().map(Gateway::handle).ok_or_else(closed)
    }

    /// The folder that it lies in.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Gives the customers all that they have behind them; today is then inside a cycle.
    ///
    /// # Errors
    /// [`WorkError::Refused`] when the ledger does not take it.
    pub(super) fn live(&mut self) -> Result<(), WorkError> {
        self.define()?;
        let customers = self.shape.customers;
        self.drive(SETTING_UP, customers, |n| self.register(n))?;
        self.drive(SETTING_UP, self.subscriptions.len() as u64, |n| self.subscribe(n))?;
        let cycle = Minor(PRICES[0] * i64::try_from(self.shape.subscriptions).unwrap_or(i64::MAX));
        for n in 0..self.shape.cycles {
            let run = if n == 0 { self.bill()? } else { self.next_cycle()?.0 };
            self.first.get_or_insert(run);
            self.drive(SETTING_UP, customers, |n| self.payment(n, cycle))?;
        }
        let days = if self.shape.one_offs == 0 { 0 } else { DAYS };
        for day in 1..=days {
            self.advance_to(self.cycle, day)?;
            let until = |day| self.shape.one_offs * day / DAYS;
            let count = (until(day) - until(day - 1)) * customers;
            self.drive(SETTING_UP, count * 2, |n| match n % 2 {
                0 => self.charge(n / 2, true).1,
                _ => self.payment(n / 2, CHARGE),
            })?;
        }
        self.advance_to(self.cycle, days + 1)
    }

    /// Defines seller and plans.
    ///
    /// # Errors
    /// [`WorkError::Refused`] when the ledger does not take them.
    pub(super) fn define(&self) -> Result<(), WorkError> {
        let series = json!([{"code": "main", "kind": "invoice", "prefix": "B", "digits": 8}]);
        let entity = json!({
            "entity": self.entity, "name": "Bench", "zone": "UTC", "payment_terms_days": 30,
            "series": series,
        });
        self.send(made("entity.define", &entity))?;
        for (plan, price) in self.plans.iter().zip(PRICES) {
            let price = json!({"per_unit": format!("{}.{:02}", price / 100, price % 100)});
            let prices: Value =
                json!([{"price": "seat", "amounts": [{"currency": "EUR", "rate": price}]}]);
            let plan = json!({
                "plan": plan, "name": "Team", "every": {"count": 1, "unit": self.shape.unit()},
                "timing": "in_advance", "prices": prices,
            });
            self.send(made("plan.define", &plan))?;
        }
        Ok(())
    }

    fn register(&self, n: u64) -> Command {
        let body = json!({
            "customer": self.customer(n), "entity": self.entity, "name": format!("Customer {n}"),
            "currency": "EUR",
        });
        made("customer.register", &body)
    }

    fn subscribe(&self, n: u64) -> Command {
        let subscription = self.subscriptions[place(n, self.subscriptions.len())];
        let body = json!({
            "customer": self.customer(n / self.shape.subscriptions), "subscription": subscription,
            "plan": self.plans[0],
        });
        made("subscription.create", &body)
    }

    /// Customer `n`; after the last comes the first.
    pub(super) fn customer(&self, n: u64) -> CustomerId {
        self.customers[place(n, self.customers.len())]
    }

    /// The first invoice of a customer.
    ///
    /// # Errors
    /// [`WorkError::Refused`] when there is none.
    pub(super) fn oldest(&self, customer: CustomerId) -> Result<InvoiceId, WorkError> {
        let none = || WorkError::Refused("there is no invoice".to_owned());
        let command = command_gateway::bill_command_id(self.first.ok_or_else(none)?, customer);
        Ok(InvoiceId::new(derive(command.uuid(), "invoice")))
    }

    /// Charges customer `n`; on an invoice of its own, or with the next one.
    pub(super) fn charge(&self, n: u64, now: bool) -> (ChargeId, Command) {
        let charge = ChargeId::new(edge::fresh());
        let command = AddCharge {
            customer: self.customer(n),
            charge,
            description: "Service".parse().expect("written here as a text"),
            price: ChargePrice::Total(CHARGE.of(self.currency)),
            quantity: None,
            service: None,
            invoice: now.then(|| ChargeInvoice::Now(InvoiceRequest::default())),
        };
        (charge, command.into())
    }

    /// A payment of customer `n`.
    pub(super) fn payment(&self, n: u64, amount: Minor) -> Command {
        let command = RecordPayment {
            customer: self.customer(n),
            payment: PaymentId::new(edge::fresh()),
            amount: amount.of(self.currency),
            external_id: None,
            method: None,
            allocate: None,
        };
        command.into()
    }

    /// Sends a command; how long its answer took.
    ///
    /// # Errors
    /// [`WorkError::Refused`].
    pub(super) fn send(&self, command: Command) -> Result<Duration, WorkError> {
        let request = CommandRequest::new(edge::command_id(), self.actor.clone(), command);
        let handle = self.handle()?;
        let started = Instant::now();
        let outcome = handle.submit_blocking(request);
        let elapsed = started.elapsed();
        match outcome {
            Ok(_) => Ok(elapsed),
            Err(refusal) => Err(WorkError::Refused(refusal.to_string())),
        }
    }

    /// Keeps so many commands on their way.
    ///
    /// # Errors
    /// [`WorkError::Unplanned`] when one is refused.
    pub(super) fn drive(
        &self,
        outstanding: u32,
        commands: u64,
        mut make: impl FnMut(u64) -> Command,
    ) -> Result<Run, WorkError> {
        let until = Until { commands, time: Duration::MAX };
        let make = |n| (edge::command_id(), make(n));
        drive(&self.handle()?, &self.actor, outstanding, until, make, |_, _| {})
    }

    fn advance_to(&self, day: Date, more: u64) -> Result<(), WorkError> {
        let day = day.plus_days(i32::try_from(more).unwrap_or(i32::MAX));
        let day = day.map_err(|error| WorkError::Unplanned(error.to_string()))?;
        self.send(AdvanceClock { to: Timestamp::start_of_utc(day) }.into()).map(|_| ())
    }

    /// The next cycle begins and is billed; how long that took once the day had come.
    ///
    /// # Errors
    /// As [`Self::bill`].
    pub(super) fn next_cycle(&mut self) -> Result<(BillingRunId, Duration), WorkError> {
        self.cycle = self.shape.next_cycle(self.cycle)?;
        self.advance_to(self.cycle, 0)?;
        let started = Instant::now();
        self.bill().map(|run| (run, started.elapsed()))
    }

    /// Bills every customer today.
    ///
    /// # Errors
    /// [`WorkError::Refused`] when not all of them can be billed.
    fn bill(&self) -> Result<BillingRunId, WorkError> {
        let run = BillingRunId::new(edge::fresh());
        self.send(RunBilling { run, through: self.cycle, ahead: None }.into())?;
        let done = self.handle()?.progress().wait_run(run, PATIENCE);
        let Some(done) = done.filter(|done| done.state == RunState::Done) else {
            return Err(WorkError::Unplanned("the run does not end".to_owned()));
        };
        let customers = self.shape.customers;
        if (done.due, done.billed) != (customers, customers) {
            return Err(WorkError::Refused(format!(
                "of {customers} customers {} were due, {} billed, {} parked",
                done.due, done.billed, done.parked
            )));
        }
        Ok(run)
    }
}

/// How the book of a folder is opened without snapshots: what is there is not used, and none is
/// made.
///
/// # Errors
/// [`WorkError`] when the folder cannot be used.
pub(super) fn plain(folder: &Folder) -> Result<GatewayConfig, WorkError> {
    Ok(GatewayConfig::at(folder.log(&Script::book()))?.with_queue(QUEUE))
}

/// How it is opened with the snapshots that are there; one is made every so many commits, 0 for
/// never.
///
/// # Errors
/// [`WorkError`] when the folder cannot be used.
pub(super) fn with_snapshots(folder: &Folder, every: u64) -> Result<GatewayConfig, WorkError> {
    let path = folder.snapshots(&Script::book());
    let snapshots = Snapshots::at(&path)
        .map_err(|source| WorkError::io(format!("{} cannot be used", path.display()), source))?;
    let look_every = Duration::from_millis(5);
    let snapshots = Snapshots { look_every, ..snapshots.every(every) };
    Ok(plain(folder)?.with_snapshots(snapshots))
}

/// A place in a list that begins again behind its end.
pub(super) fn place(n: u64, length: usize) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX) % length.max(1)
}
