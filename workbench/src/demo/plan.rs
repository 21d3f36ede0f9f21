//! What happens in the subscription book, week by week: chosen by a seed, sent as commands.
//!
//! # Shape
//!
//! A week has four steps: [`Play::business`] (who joins, changes, leaves), [`Play::billing`],
//! then [`Play::learn`] (the invoices that came of it, as a query told them) and
//! [`Play::settlement`] (who pays, how much, what is refunded, reversed or voided).
//! The play knows only what a client can know: what it asked for, and what queries answer.

mod settlement;

use client::Order;
use schemas::command::{
    AddCharge, AdvanceClock, ApplyDiscount, CancelSubscription, ChangePlan, ChangeQuantity,
    ChargeInvoice, ChargePrice, CreateSubscription, GrantCredit, InvoiceRequest, RegisterCustomer,
    RemoveDiscount, RunBilling,
};
use schemas::ids::{
    BillingRunId, ChargeId, CommandId, CreditGrantId, CustomerId, DiscountId, InvoiceId, PaymentId,
    SubscriptionId, derive,
};
use schemas::terms::{
    CancelCredit, ChangeTime, DiscountDuration, DiscountTarget, DiscountValue, InvoiceTiming,
    Settle,
};
use schemas::text::Label;
use schemas::{Command, Contact, Date, Decimal, Interval, Minor, Money, Timestamp};
use uuid::Uuid;

use super::catalog::{NAMESPACE, Plan, Seller};
use super::random::Chance;

/// A command, and the codes of refusals that are part of life.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What is asked.
    pub order: Order,
    /// The ledger may answer with these.
    pub refusals: &'static [&'static str],
}

/// An invoice as a query told it.
#[derive(Debug, Clone)]
pub struct Bill {
    /// Whose it is.
    pub customer: CustomerId,
    /// Which.
    pub invoice: InvoiceId,
    /// The last day to pay.
    pub due_date: Date,
    /// What is open.
    pub open: Money,
}

/// How a customer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    Prompt,
    Late,
    InParts,
    TooMuch,
    Seldom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Active,
    Ending,
    Gone,
}

#[derive(Debug)]
struct Buyer {
    id: CustomerId,
    seller: Seller,
    habit: Habit,
    plan: Plan,
    quantity: u32,
    subscription: SubscriptionId,
    stage: Stage,
    discount: Option<DiscountId>,
    /// A change waits for the end of a cycle before this day: no other is asked for.
    quiet_until: Date,
}

#[derive(Debug)]
struct Paid {
    customer: CustomerId,
    payment: PaymentId,
    amount: Money,
    surplus: Minor,
}

#[derive(Debug)]
struct Promise {
    on: Date,
    customer: CustomerId,
    invoice: InvoiceId,
    amount: Money,
    surplus: Minor,
    named: bool,
}

/// The seeded play.
#[derive(Debug)]
pub struct Play {
    chance: Chance,
    space: Uuid,
    counter: u64,
    wanted: u32,
    weeks: Vec<Date>,
    buyers: Vec<Buyer>,
    promises: Vec<Promise>,
    payments: Vec<Paid>,
    unpaid: Vec<(CustomerId, InvoiceId)>,
}

impl Play {
    /// The play of a seed: so many customers from `start` (a Monday is best) to before `end`.
    pub fn new(seed: u64, customers: u32, start: Date, end: Date) -> Self {
        let mut weeks: Vec<Date> = (0..)
            .map_while(|week| start.plus_days(week * 7).ok())
            .take_while(|monday| *monday < end)
            .collect();
        // The last day, so that the books close with everything billed.
        if let Ok(last) = end.plus_days(-1)
            && weeks.last().is_some_and(|monday| *monday < last)
        {
            weeks.push(last);
        }
        Self {
            chance: Chance::new(seed),
            space: derive(NAMESPACE, &format!("play/{seed}/{customers}/{start}/{end}")),
            counter: 0,
            wanted: customers,
            weeks,
            buyers: Vec::new(),
            promises: Vec::new(),
            payments: Vec::new(),
            unpaid: Vec::new(),
        }
    }

    /// The days on which something happens.
    pub fn weeks(&self) -> Vec<Date> {
        self.weeks.clone()
    }

    /// Sellers and plans, before anything else.
    pub fn opening(&mut self) -> Vec<Planned> {
        let sellers = Seller::ALL.map(Seller::define);
        let plans = Plan::ALL.map(Plan::define);
        sellers.into_iter().chain(plans).map(|command| self.must(command, None)).collect()
    }

    /// Moves the clock to the day.
    pub fn clock(&mut self, today: Date) -> Planned {
        self.must(AdvanceClock { to: nine_oclock(today) }.into(), None)
    }

    /// Who joins, changes and leaves in the week up to the day.
    pub fn business(&mut self, week: usize) -> Vec<Planned> {
        let today = self.weeks[week];
        let mut planned = Vec::new();
        for index in 0..self.buyers.len() {
            self.live(index, today, &mut planned);
        }
        // Three quarters of the time for all to join.
        let joining = (self.weeks.len() * 3 / 4).max(1);
        let all = self.wanted as usize;
        let target = (all * (week + 1)).div_ceil(joining).min(all);
        while self.buyers.len() < target {
            let back = if week == 0 { 0 } else { self.chance.below(7) };
            self.join(today, back, &mut planned);
        }
        planned
    }

    /// The billing run of the day.
    pub fn billing(&mut self, today: Date) -> Planned {
        let run = BillingRunId::new(self.mint());
        self.must(RunBilling { run, through: today, ahead: None }.into(), None)
    }

    fn join(&mut self, today: Date, back: u32, planned: &mut Vec<Planned>) {
        let number = self.buyers.len() + 1;
        let seller = *self.chance.one_of(&[Seller::Europe, Seller::Europe, Seller::America]);
        let zone = *self.chance.one_of(&seller.zones());
        let habit = match self.chance.below(100) {
            0..65 => Habit::Prompt,
            65..82 => Habit::Late,
            82..90 => Habit::InParts,
            90..95 => Habit::TooMuch,
            _ => Habit::Seldom,
        };
        let days = i32::try_from(back).unwrap_or(0);
        let effective = today.plus_days(-days).map_or(nine_oclock(today), nine_oclock);
        let id = CustomerId::new(self.mint());
        let command = RegisterCustomer {
            customer: id,
            entity: seller.id(),
            external_id: Some(format!("saas-{number:05}").parse().expect("digits and a hyphen")),
            name: Contact::Clear(format!("Customer {number:05}")),
            email: Some(Contact::Clear(format!("billing+{number:05}@example.com"))),
            currency: seller.currency(),
            zone: Some(zone.parse().expect("written in the catalog as a zone")),
            payment_terms_days: None,
            parent: None,
            address: None,
            tax_ids: None,
            purchase_order: None,
        };
        planned.push(self.must(command.into(), Some(effective)));
        let (plan, quantity) = self.choice();
        self.buyers.push(Buyer {
            id,
            seller,
            habit,
            plan,
            quantity,
            subscription: SubscriptionId::new(Uuid::nil()),
            stage: Stage::Gone,
            discount: None,
            quiet_until: today,
        });
        self.subscribe(number - 1, Some(effective), planned);
    }

    fn choice(&mut self) -> (Plan, u32) {
        match self.chance.below(100) {
            0..45 => (Plan::Starter, 1),
            45..75 => (Plan::Team, self.chance.between(2, 60)),
            75..85 => (Plan::Enterprise, 1),
            _ => (Plan::Metered, self.chance.between(500, 80_000)),
        }
    }

    fn subscribe(&mut self, index: usize, at: Option<Timestamp>, planned: &mut Vec<Planned>) {
        let subscription = SubscriptionId::new(self.mint());
        let now = self.chance.in_thousand(600);
        let buyer = &mut self.buyers[index];
        buyer.subscription = subscription;
        buyer.stage = Stage::Active;
        let command = CreateSubscription {
            customer: buyer.id,
            subscription,
            plan: buyer.plan.id(),
            version: None,
            quantity: buyer.plan.is_per_unit().then(|| Decimal::from(buyer.quantity)),
            start: None,
            invoice: Some(if now { InvoiceTiming::Now } else { InvoiceTiming::Next }),
            with: None,
        };
        planned.push(self.must(command.into(), at));
    }

    /// One week of one customer.
    fn live(&mut self, index: usize, today: Date, planned: &mut Vec<Planned>) {
        let drawn = self.chance.below(1_000);
        match self.buyers[index].stage {
            Stage::Gone if drawn < 8 => {
                let (plan, quantity) = self.choice();
                let buyer = &mut self.buyers[index];
                (buyer.plan, buyer.quantity) = (plan, quantity);
                self.subscribe(index, None, planned);
            }
            Stage::Gone | Stage::Ending => {}
            Stage::Active if drawn < 28 && today < self.buyers[index].quiet_until => {}
            Stage::Active => match drawn {
                0..7 => self.move_up(index, planned),
                7..10 => self.move_down(index, today, planned),
                10..28 => self.resize(index, today, planned),
                28..33 => self.discount(index, planned),
                33..36 => self.no_discount(index, planned),
                36..41 => self.charge(index, today, planned),
                41..43 => self.grant(index, planned),
                43..47 => self.leave(index, planned),
                _ => {}
            },
        }
    }

    fn move_up(&mut self, index: usize, planned: &mut Vec<Planned>) {
        let Some(plan) = self.buyers[index].plan.larger() else { return };
        self.change_plan(index, plan, ChangeTime::Now, planned);
        if plan.is_per_unit() {
            let quantity = self.chance.between(2, 20);
            self.change_quantity(index, quantity, ChangeTime::Now, None, planned);
        }
    }

    fn move_down(&mut self, index: usize, today: Date, planned: &mut Vec<Planned>) {
        let Some(plan) = self.buyers[index].plan.smaller() else { return };
        self.wait_for_cycle(index, today);
        self.change_plan(index, plan, ChangeTime::CycleEnd, planned);
    }

    /// The longest cycle of the plan from today on.
    fn wait_for_cycle(&mut self, index: usize, today: Date) {
        let buyer = &mut self.buyers[index];
        let days = if buyer.plan == Plan::Enterprise { 367 } else { 32 };
        buyer.quiet_until = today.plus_days(days).unwrap_or(today);
    }

    fn change_plan(
        &mut self,
        index: usize,
        plan: Plan,
        when: ChangeTime,
        planned: &mut Vec<Planned>,
    ) {
        let now = self.chance.in_thousand(500);
        let buyer = &mut self.buyers[index];
        // One flat price, whatever the quantity was: back to 1 first.
        let shrink = !plan.is_per_unit() && buyer.quantity != 1;
        buyer.plan = plan;
        if shrink {
            self.change_quantity(index, 1, when, None, planned);
        }
        let buyer = &self.buyers[index];
        let command = ChangePlan {
            customer: buyer.id,
            subscription: buyer.subscription,
            plan: plan.id(),
            version: None,
            map: None,
            keep_prices: None,
            keep_scheduled: None,
            when,
            proration: now.then_some(Settle::Now),
        };
        planned.push(self.must(command.into(), None));
    }

    /// More or fewer seats, or another month's usage; sometimes told some days late.
    fn resize(&mut self, index: usize, today: Date, planned: &mut Vec<Planned>) {
        let buyer = &self.buyers[index];
        let (plan, old) = (buyer.plan, buyer.quantity);
        let quantity = match plan {
            Plan::Starter | Plan::Enterprise => return,
            Plan::Team if self.chance.in_thousand(700) => old + self.chance.between(1, 10),
            Plan::Team => (old / 2).max(1),
            Plan::Metered => self.chance.between(500, 120_000),
        };
        let when =
            if self.chance.in_thousand(150) { ChangeTime::CycleEnd } else { ChangeTime::Now };
        if when == ChangeTime::CycleEnd {
            self.wait_for_cycle(index, today);
        }
        let back = self.chance.below(5);
        let late = (when == ChangeTime::Now && self.chance.in_thousand(150)).then_some(back);
        let at = late.and_then(|days| today.plus_days(-i32::try_from(days).ok()?).ok());
        self.change_quantity(index, quantity, when, at.map(nine_oclock), planned);
    }

    fn change_quantity(
        &mut self,
        index: usize,
        quantity: u32,
        when: ChangeTime,
        at: Option<Timestamp>,
        planned: &mut Vec<Planned>,
    ) {
        let buyer = &mut self.buyers[index];
        buyer.quantity = quantity;
        let command = ChangeQuantity {
            customer: buyer.id,
            subscription: buyer.subscription,
            quantity: Decimal::from(quantity),
            when,
            proration: None,
        };
        planned.push(self.must(command.into(), at));
    }

    fn discount(&mut self, index: usize, planned: &mut Vec<Planned>) {
        let discount = DiscountId::new(self.mint());
        let value = if self.chance.in_thousand(700) {
            DiscountValue::Percent(Decimal::from(*self.chance.one_of(&[10u32, 15, 20, 25, 50])))
        } else {
            let minor = i64::from(self.chance.between(2, 30)) * 100;
            DiscountValue::Amount(Minor(minor).of(self.buyers[index].seller.currency()))
        };
        let duration = match self.chance.below(3) {
            0 => DiscountDuration::Once,
            1 => DiscountDuration::Cycles(self.chance.between(2, 6)),
            _ => DiscountDuration::Forever,
        };
        let buyer = &mut self.buyers[index];
        buyer.discount = Some(discount);
        let (customer, subscription) = (buyer.id, buyer.subscription);
        let on = if self.chance.in_thousand(700) {
            DiscountTarget::Subscription(subscription)
        } else {
            DiscountTarget::Customer
        };
        let command = ApplyDiscount { customer, discount, on, value, duration };
        planned.push(self.must(command.into(), None));
    }

    fn no_discount(&mut self, index: usize, planned: &mut Vec<Planned>) {
        let buyer = &mut self.buyers[index];
        let (customer, discount) = (buyer.id, buyer.discount.take());
        if let Some(discount) = discount {
            planned.push(self.must(RemoveDiscount { customer, discount }.into(), None));
        }
    }

    fn charge(&mut self, index: usize, today: Date, planned: &mut Vec<Planned>) {
        let buyer = &self.buyers[index];
        let (customer, currency) = (buyer.id, buyer.seller.currency());
        let (text, minor, days) = *self.chance.one_of(&[
            ("Training day", 95_000, 0),
            ("Set-up", 25_000, 0),
            ("Support package", 60_000, 90),
        ]);
        let service = today.plus_days(days).ok().and_then(|end| Interval::new(today, end).ok());
        let now = self.chance.in_thousand(600);
        let command = AddCharge {
            customer,
            charge: ChargeId::new(self.mint()),
            description: label(text).into(),
            price: ChargePrice::Total(Minor(minor).of(currency)),
            quantity: None,
            service,
            invoice: now.then(|| ChargeInvoice::Now(InvoiceRequest::default())),
        };
        planned.push(self.must(command.into(), None));
    }

    fn grant(&mut self, index: usize, planned: &mut Vec<Planned>) {
        let minor = i64::from(self.chance.between(5, 60)) * 100;
        let buyer = &self.buyers[index];
        let (customer, currency) = (buyer.id, buyer.seller.currency());
        let (grant, amount) = (CreditGrantId::new(self.mint()), Minor(minor).of(currency));
        let reason = label("For an outage").into();
        let command = GrantCredit::plain(customer, grant, amount, reason);
        planned.push(self.must(command.into(), None));
    }

    fn leave(&mut self, index: usize, planned: &mut Vec<Planned>) {
        let now = self.chance.in_thousand(500);
        let keep = self.chance.in_thousand(200);
        let buyer = &mut self.buyers[index];
        buyer.stage = if now { Stage::Gone } else { Stage::Ending };
        let command = CancelSubscription {
            customer: buyer.id,
            subscription: buyer.subscription,
            when: if now { ChangeTime::Now } else { ChangeTime::CycleEnd },
            credit: keep.then_some(CancelCredit::None),
            waive_fee: None,
        };
        planned.push(self.must(command.into(), None));
    }

    /// A command that must be accepted.
    fn must(&mut self, command: Command, effective_at: Option<Timestamp>) -> Planned {
        let id = CommandId::new(self.mint());
        Planned { order: Order { id, line: None, effective_at, command }, refusals: &[] }
    }

    fn mint(&mut self) -> Uuid {
        self.counter += 1;
        derive(self.space, &self.counter.to_string())
    }
}

fn nine_oclock(date: Date) -> Timestamp {
    Timestamp::from_micros(Timestamp::start_of_utc(date).micros() + 9 * 3_600_000_000)
        .expect("a time inside a day of the calendar")
}

fn label(text: &str) -> Label {
    text.parse().expect("written here as a label")
}
