//! The oracle: what customers owe by the policy text, reckoned day by day.
//!
//! It reads commands and answers what must come of them. It keeps no cleverness: every line
//! knows the set of its live days, every question walks the days or the invoices again. It
//! shares the types of commands with the ledger, and no arithmetic.

use std::collections::{BTreeMap, BTreeSet};

use schemas::command::{
    AddCharge, ApplyDiscount, CancelSubscription, ChangePlan, ChangeQuantity, ChargeInvoice,
    ChargePrice, CreateSubscription, DefinePlan, RegisterCustomer, RemoveDiscount,
};
use schemas::ids::{ChargeId, CustomerId, DiscountId, PaymentId, PlanId, SubscriptionId};
use schemas::terms::{
    BillingTiming, CancelCredit, ChangeTime, DiscountDuration, DiscountTarget, DiscountValue,
    Every, InvoiceTiming, PricingModel,
};
use schemas::{Command, Currency, Decimal};

use crate::calendar::{boundary, day_at};
use crate::rational::Ratio;

/// The command must be refused; the word says why, for messages.
pub(crate) type Refused = &'static str;

/// When a command is decided and when it takes effect, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct When {
    pub(crate) recorded: i64,
    pub(crate) effective: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) plan: PlanId,
    pub(crate) version: u32,
    every: Every,
    advance: bool,
    per_unit: bool,
    prices: Vec<(Currency, Ratio)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Cycle {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) denominator: i64,
    pub(crate) waived: BTreeSet<i64>,
}

#[derive(Debug, Clone)]
enum Change {
    Plan(Version),
    Quantity(Decimal),
    Cancel,
}

#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    start: i64,
    anchor: i64,
    anchor_cycle: usize,
    plans: BTreeMap<i64, Version>,
    quantities: BTreeMap<i64, Decimal>,
    scheduled: Vec<(i64, Change)>,
    pub(crate) cycles: Vec<Cycle>,
    pub(crate) end: Option<(i64, CancelCredit)>,
}

/// What is in force on one day: what must be charged for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) plan: PlanId,
    pub(crate) version: u32,
    pub(crate) quantity: Decimal,
    pub(crate) units: Decimal,
    pub(crate) advance: bool,
}

impl Subscription {
    pub(crate) fn version_on(&self, day: i64) -> &Version {
        self.plans.range(..=day).next_back().expect("none before the start").1
    }

    fn quantity_on(&self, day: i64) -> Decimal {
        *self.quantities.range(..=day).next_back().expect("none before the start").1
    }

    /// What is in force on a day; nothing after the end.
    pub(crate) fn terms_on(&self, day: i64) -> Option<Terms> {
        if day < self.start || self.end.is_some_and(|(end, _)| end <= day) {
            return None;
        }
        let version = self.version_on(day);
        let quantity = self.quantity_on(day);
        let units = if version.per_unit { quantity } else { Decimal::ONE };
        let (plan, number, advance) = (version.plan, version.version, version.advance);
        Some(Terms { plan, version: number, quantity, units, advance })
    }

    fn every(&self) -> Every {
        self.plans.last_key_value().expect("never empty").1.every
    }

    fn next_start(&self) -> i64 {
        self.boundary(self.cycles.len())
    }

    fn boundary(&self, cycle: usize) -> i64 {
        let n = i64::try_from(cycle - self.anchor_cycle).expect("small");
        boundary(self.anchor, self.every(), n)
    }

    /// Opens cycles and lets scheduled changes take effect, up to and on `through`.
    pub(crate) fn catch_up(&mut self, through: i64) {
        loop {
            let next = self.next_start();
            let due = self.scheduled.iter().position(|(at, _)| *at <= next && *at <= through);
            if let Some(index) = due {
                let (at, change) = self.scheduled.remove(index);
                self.take_effect(at, change);
                continue;
            }
            if next > through || self.end.is_some_and(|(end, _)| end <= next) {
                return;
            }
            let end = self.boundary(self.cycles.len() + 1);
            let waived = BTreeSet::new();
            self.cycles.push(Cycle { start: next, end, denominator: end - next, waived });
        }
    }

    fn take_effect(&mut self, at: i64, change: Change) {
        match change {
            Change::Plan(version) => self.put_plan(at, version),
            Change::Quantity(quantity) => {
                self.quantities.insert(at, quantity);
            }
            Change::Cancel => self.finish(at, CancelCredit::None),
        }
    }

    fn put_plan(&mut self, from: i64, version: Version) {
        if version.every != self.every() {
            self.anchor = from;
            self.anchor_cycle = self.cycles.len();
        }
        self.plans.insert(from, version);
    }

    fn finish(&mut self, end: i64, credit: CancelCredit) {
        self.scheduled.clear();
        self.end = Some((end, credit));
    }

    /// The end of the cycle that `day` lies in, or of the last one opened.
    fn cycle_end(&self, day: i64) -> i64 {
        let mut copy = self.clone();
        copy.scheduled.clear();
        copy.catch_up(day);
        copy.cycles.last().map_or(day, |cycle| cycle.end)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Discount {
    pub(crate) id: DiscountId,
    pub(crate) on: DiscountTarget,
    pub(crate) value: DiscountValue,
    duration: DiscountDuration,
    first_cycle: usize,
    pub(crate) removed: bool,
}

impl Discount {
    /// Whether it covers its n-th cycle or invoice, counted from 0.
    pub(crate) fn lasts(&self, nth: usize) -> bool {
        match self.duration {
            DiscountDuration::Once => nth == 0,
            DiscountDuration::Cycles(count) => nth < count as usize,
            DiscountDuration::Forever => true,
        }
    }

    pub(crate) fn covers_cycle(&self, cycle: usize) -> bool {
        cycle >= self.first_cycle && self.lasts(cycle - self.first_cycle)
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Charge {
    pub(crate) id: ChargeId,
    pub(crate) gross: i128,
}

/// Invoice and line, both by place.
pub(crate) type At = (usize, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Cycle(SubscriptionId, usize),
    Charge(ChargeId),
}

/// A line, and what has become of it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) source: Source,
    pub(crate) terms: Option<Terms>,
    pub(crate) days: Vec<i64>,
    pub(crate) gross: i128,
    pub(crate) discounts: Vec<(DiscountId, i128)>,
    pub(crate) credits: Option<At>,
    pub(crate) live: BTreeSet<i64>,
    pub(crate) credited_days: i128,
    pub(crate) credited: i128,
    pub(crate) noted: i128,
}

impl Line {
    pub(crate) fn net(&self) -> i128 {
        self.gross - self.discounts.iter().map(|(_, amount)| amount).sum::<i128>()
    }

    pub(crate) fn left(&self) -> i128 {
        self.net() - self.credited - self.noted
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Invoice {
    pub(crate) due: i64,
    pub(crate) posted: i64,
    pub(crate) lines: Vec<Line>,
    pub(crate) applied: i128,
    pub(crate) generated: i128,
    pub(crate) paid: i128,
    pub(crate) noted: i128,
    pub(crate) has_notes: bool,
    pub(crate) voided: bool,
}

impl Invoice {
    pub(crate) fn total(&self) -> i128 {
        self.lines.iter().map(Line::net).sum()
    }

    pub(crate) fn open(&self) -> i128 {
        if self.voided {
            return 0;
        }
        self.total() + self.generated - self.applied - self.paid - self.noted
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) amount: i128,
    pub(crate) refunded: i128,
    pub(crate) allocations: Vec<(usize, i128)>,
    pub(crate) credit: i128,
    pub(crate) reversed: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Customer {
    pub(crate) registered: i64,
    pub(crate) offset: i64,
    pub(crate) terms_days: i64,
    pub(crate) currency: Currency,
    pub(crate) subscriptions: BTreeMap<SubscriptionId, Subscription>,
    pub(crate) discounts: Vec<Discount>,
    pub(crate) pending: Vec<Charge>,
    /// Charges on invoices, for billing again.
    pub(crate) charged: BTreeMap<ChargeId, Charge>,
    pub(crate) invoices: Vec<Invoice>,
    pub(crate) payments: BTreeMap<PaymentId, Payment>,
    pub(crate) credit: i128,
}

impl Customer {
    pub(crate) fn owed(&self) -> i128 {
        self.invoices.iter().map(Invoice::open).sum()
    }

    pub(crate) fn line_mut(&mut self, (invoice, line): At) -> &mut Line {
        &mut self.invoices[invoice].lines[line]
    }

    fn active(&mut self, id: SubscriptionId) -> Result<&mut Subscription, Refused> {
        let found = self.subscriptions.get_mut(&id).ok_or("unknown subscription")?;
        if found.end.is_some() { Err("subscription ended") } else { Ok(found) }
    }

    /// The first cycle that nothing is billed of, nor of one after it.
    fn first_unbilled(&self, id: SubscriptionId) -> usize {
        let billed = |invoice: &Invoice| -> Option<usize> {
            let cycles = invoice.lines.iter().filter_map(|line| match line.source {
                Source::Cycle(of, cycle) if of == id && line.credits.is_none() => Some(cycle),
                Source::Cycle(..) | Source::Charge(_) => None,
            });
            if invoice.voided { None } else { cycles.max() }
        };
        let waived = self.subscriptions[&id].cycles.iter().rposition(|c| !c.waived.is_empty());
        self.invoices.iter().filter_map(billed).chain(waived).max().map_or(0, |cycle| cycle + 1)
    }
}

/// Every customer and the catalog.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    plans: BTreeMap<PlanId, (Vec<Version>, bool)>,
    customers: BTreeMap<CustomerId, Customer>,
}

/// Hours east of Greenwich, for the zones that the moves use; none has summer time.
fn offset_of(zone: &str) -> i64 {
    match zone {
        "UTC" => 0,
        "Asia/Tokyo" => 9,
        "America/Phoenix" => -7,
        other => panic!("the oracle does not know {other}"),
    }
}

impl Oracle {
    pub(crate) fn customers(&self) -> impl Iterator<Item = (CustomerId, &Customer)> {
        self.customers.iter().map(|(id, customer)| (*id, customer))
    }

    /// The price of a version in a currency, in major units.
    pub(crate) fn price(&self, plan: PlanId, version: u32, currency: Currency) -> Ratio {
        let found = self.plans[&plan].0.iter().find(|known| known.version == version);
        let prices = &found.expect("it was bought").prices;
        prices.iter().find(|(known, _)| *known == currency).expect("it was bought").1
    }

    /// What must come of a command: a refusal, or the place of the invoice that it makes.
    pub(crate) fn apply(
        &mut self,
        command: &Command,
        when: When,
    ) -> Result<Option<usize>, Refused> {
        let schemas::StreamId::Customer(id) = command.stream() else {
            return self.apply_to_book(command);
        };
        if let Command::RegisterCustomer(register) = command {
            return self.register(register, when).map(|()| None);
        }
        // A refused command changes nothing: it works on a copy.
        let mut customer = self.customers.get(&id).ok_or("unknown customer")?.clone();
        if when.effective < customer.registered {
            return Err("before registration");
        }
        let before = customer.invoices.len();
        self.apply_to_customer(&mut customer, command, when)?;
        let made = (customer.invoices.len() > before).then_some(before);
        self.customers.insert(id, customer);
        Ok(made)
    }

    fn apply_to_book(&mut self, command: &Command) -> Result<Option<usize>, Refused> {
        if let Command::DefinePlan(plan) = command {
            self.define(plan)?;
        } else if let Command::RetirePlan(retire) = command {
            let plan = self.plans.get_mut(&retire.plan).ok_or("unknown plan")?;
            if plan.1 {
                return Err("retired already");
            }
            plan.1 = true;
        }
        Ok(None)
    }

    fn define(&mut self, plan: &DefinePlan) -> Result<(), Refused> {
        let (versions, retired) = self.plans.entry(plan.plan).or_default();
        if *retired {
            return Err("retired");
        }
        versions.push(Version {
            plan: plan.plan,
            version: u32::try_from(versions.len()).expect("few") + 1,
            every: plan.every,
            advance: plan.timing == BillingTiming::InAdvance,
            per_unit: plan.model == PricingModel::PerUnit,
            prices: plan.prices.iter().map(|p| (p.currency, Ratio::decimal(p.amount))).collect(),
        });
        Ok(())
    }

    fn register(&mut self, command: &RegisterCustomer, when: When) -> Result<(), Refused> {
        if self.customers.contains_key(&command.customer) {
            return Err("registered already");
        }
        let zone = command.zone.as_ref().map_or("UTC", |zone| zone.as_str());
        let customer = Customer {
            registered: when.effective,
            offset: offset_of(zone),
            terms_days: i64::from(command.payment_terms_days.unwrap_or(14)),
            currency: command.currency,
            subscriptions: BTreeMap::new(),
            discounts: Vec::new(),
            pending: Vec::new(),
            charged: BTreeMap::new(),
            invoices: Vec::new(),
            payments: BTreeMap::new(),
            credit: 0,
        };
        self.customers.insert(command.customer, customer);
        Ok(())
    }

    fn apply_to_customer(
        &self,
        customer: &mut Customer,
        command: &Command,
        when: When,
    ) -> Result<(), Refused> {
        match command {
            Command::CreateSubscription(c) => self.subscribe(customer, c, when),
            Command::ChangePlan(c) => self.change_plan(customer, c, when),
            Command::ChangeQuantity(c) => self.change_quantity(customer, c, when),
            Command::CancelSubscription(c) => self.cancel(customer, c, when),
            Command::ApplyDiscount(c) => give_discount(customer, c),
            Command::RemoveDiscount(c) => remove_discount(customer, c),
            Command::AddCharge(c) => self.charge(customer, c, when),
            Command::InvoiceNow(_) => {
                let before = customer.invoices.len();
                let today = day_at(when.recorded, customer.offset);
                self.bill(customer, |_| true, |_| true, today, day_at(when.recorded, 0));
                if customer.invoices.len() == before { Err("nothing to invoice") } else { Ok(()) }
            }
            Command::BillCustomer(c) => {
                let through = i64::from(c.through.days());
                self.bill(customer, |_| true, |_| true, through, day_at(when.recorded, 0));
                Ok(())
            }
            Command::UpdateCustomer(c) => {
                let days = c.payment_terms_days.ok_or("nothing to change")?;
                customer.terms_days = i64::from(days);
                Ok(())
            }
            Command::VoidInvoice(_)
            | Command::RecordPayment(_)
            | Command::ReversePayment(_)
            | Command::RefundPayment(_)
            | Command::GrantCredit(_) => unreachable!("the driver settles by invoice place"),
            Command::OpenBook(_)
            | Command::AdvanceClock(_)
            | Command::DefineEntity(_)
            | Command::DefinePlan(_)
            | Command::RetirePlan(_)
            | Command::RunBilling(_)
            | Command::RegisterCustomer(_) => unreachable!("not a customer's billing: {command:?}"),
        }
    }

    /// The customer, to settle it.
    pub(crate) fn customer_mut(&mut self, id: CustomerId) -> &mut Customer {
        self.customers.get_mut(&id).expect("the driver names registered customers")
    }

    fn on_sale(
        &self,
        plan: PlanId,
        version: Option<u32>,
        currency: Currency,
    ) -> Result<Version, Refused> {
        let (versions, retired) = self.plans.get(&plan).ok_or("unknown plan")?;
        let wanted = version.unwrap_or(u32::try_from(versions.len()).expect("few"));
        let found = versions.iter().find(|known| known.version == wanted);
        let found = found.ok_or("unknown version")?;
        let priced = found.prices.iter().any(|(known, _)| *known == currency);
        if *retired || !priced { Err("not on sale") } else { Ok(found.clone()) }
    }

    fn subscribe(
        &self,
        customer: &mut Customer,
        command: &CreateSubscription,
        when: When,
    ) -> Result<(), Refused> {
        let version = self.on_sale(command.plan, command.version, customer.currency)?;
        let quantity = command.quantity.unwrap_or(Decimal::ONE);
        if quantity.is_negative() || (!version.per_unit && quantity != Decimal::ONE) {
            return Err("quantity");
        }
        let start = day_at(when.effective, customer.offset);
        let subscription = Subscription {
            start,
            anchor: start,
            anchor_cycle: 0,
            plans: BTreeMap::from([(start, version)]),
            quantities: BTreeMap::from([(start, quantity)]),
            scheduled: Vec::new(),
            cycles: Vec::new(),
            end: None,
        };
        customer.subscriptions.insert(command.subscription, subscription);
        self.bill_if(customer, command.subscription, command.invoice, when);
        Ok(())
    }

    /// Brings the subscription to the day of a change and returns that day.
    fn day_of_change(
        customer: &mut Customer,
        id: SubscriptionId,
        when: When,
    ) -> Result<i64, Refused> {
        let day = day_at(when.effective, customer.offset);
        let subscription = customer.active(id)?;
        if day < subscription.start || day < subscription.anchor {
            return Err("too early");
        }
        // What was scheduled up to this day has happened.
        if subscription.scheduled.iter().any(|(at, _)| *at <= day) {
            subscription.catch_up(day);
        }
        let subscription = customer.active(id)?;
        if day < subscription.anchor { Err("too early") } else { Ok(day) }
    }

    fn change_plan(
        &self,
        customer: &mut Customer,
        command: &ChangePlan,
        when: When,
    ) -> Result<(), Refused> {
        let version = self.on_sale(command.plan, command.version, customer.currency)?;
        let day = Self::day_of_change(customer, command.subscription, when)?;
        let subscription = customer.active(command.subscription)?;
        subscription.scheduled.retain(|(_, change)| !matches!(change, Change::Plan(_)));
        if command.when == ChangeTime::CycleEnd {
            let at = subscription.cycle_end(day);
            subscription.scheduled.push((at, Change::Plan(version)));
            return Ok(());
        }
        let now = subscription.version_on(day);
        if (now.plan, now.version) == (version.plan, version.version) {
            return Ok(());
        }
        if version.every != subscription.every() {
            subscription.catch_up(day);
            let last_step = *subscription.plans.last_key_value().expect("never empty").0;
            match subscription.cycles.last_mut() {
                Some(cycle) if cycle.start <= day && last_step <= day => cycle.end = day,
                Some(_) | None => return Err("the length of past cycles is fixed"),
            }
        }
        let new_anchor = version.every != subscription.every();
        subscription.put_plan(day, version);
        if new_anchor {
            // What waited for the end of the cycle that was cut waits for the end of the new one.
            let at = subscription.boundary(subscription.cycles.len() + 1);
            subscription.scheduled.iter_mut().for_each(|scheduled| scheduled.0 = at);
        }
        self.bill_if(customer, command.subscription, command.invoice, when);
        Ok(())
    }

    fn change_quantity(
        &self,
        customer: &mut Customer,
        command: &ChangeQuantity,
        when: When,
    ) -> Result<(), Refused> {
        if command.quantity.is_negative() {
            return Err("quantity");
        }
        let day = Self::day_of_change(customer, command.subscription, when)?;
        let subscription = customer.active(command.subscription)?;
        if !subscription.version_on(day).per_unit {
            return Err("a flat price has no quantity");
        }
        subscription.scheduled.retain(|(_, change)| !matches!(change, Change::Quantity(_)));
        if command.when == ChangeTime::CycleEnd {
            let at = subscription.cycle_end(day);
            subscription.scheduled.push((at, Change::Quantity(command.quantity)));
        } else if subscription.quantity_on(day) != command.quantity {
            subscription.quantities.insert(day, command.quantity);
            self.bill_if(customer, command.subscription, command.invoice, when);
        }
        Ok(())
    }

    fn cancel(
        &self,
        customer: &mut Customer,
        command: &CancelSubscription,
        when: When,
    ) -> Result<(), Refused> {
        let day = Self::day_of_change(customer, command.subscription, when)?;
        let subscription = customer.active(command.subscription)?;
        if command.when == ChangeTime::CycleEnd {
            let canceled = |(_, change): &(i64, Change)| matches!(change, Change::Cancel);
            if subscription.scheduled.iter().any(canceled) {
                return Err("will end already");
            }
            let at = subscription.cycle_end(day);
            subscription.scheduled.push((at, Change::Cancel));
            return Ok(());
        }
        let credit = command.credit.unwrap_or(CancelCredit::Prorated);
        subscription.finish(day, credit);
        if credit == CancelCredit::Prorated {
            self.bill_if(customer, command.subscription, Some(InvoiceTiming::Now), when);
        }
        Ok(())
    }

    fn bill_if(
        &self,
        customer: &mut Customer,
        id: SubscriptionId,
        invoice: Option<InvoiceTiming>,
        when: When,
    ) {
        if invoice == Some(InvoiceTiming::Now) {
            let today = day_at(when.recorded, customer.offset);
            let dated = day_at(when.recorded, 0);
            self.bill(customer, |found| found == id, |_| false, today, dated);
        }
    }

    fn charge(
        &self,
        customer: &mut Customer,
        command: &AddCharge,
        when: When,
    ) -> Result<(), Refused> {
        let quantity = command.quantity.unwrap_or(Decimal::ONE);
        let gross = match command.price {
            ChargePrice::Total(total) if total.currency() == customer.currency => {
                i128::from(total.minor().0)
            }
            ChargePrice::PerUnit(unit) if unit.currency == customer.currency => {
                minor_units(Ratio::decimal(unit.amount), customer.currency)
                    .times(Ratio::decimal(quantity))
                    .rounded()
            }
            ChargePrice::Total(_) | ChargePrice::PerUnit(_) => return Err("currency"),
        };
        let negative = match command.price {
            ChargePrice::Total(total) => total.minor().0 < 0,
            ChargePrice::PerUnit(unit) => unit.amount.is_negative(),
        };
        if negative || quantity.is_negative() {
            return Err("negative");
        }
        customer.pending.push(Charge { id: command.charge, gross });
        if let Some(ChargeInvoice::Now(request)) = &command.invoice {
            let today = day_at(when.recorded, customer.offset);
            // History is dated when it took effect.
            let historical = request.series.is_some();
            let dated = day_at(if historical { when.effective } else { when.recorded }, 0);
            self.bill(customer, |_| false, |id| id == command.charge, today, dated);
        }
        Ok(())
    }
}

/// Major to minor units.
pub(crate) fn minor_units(major: Ratio, currency: Currency) -> Ratio {
    major.times(Ratio::whole(10_i128.pow(u32::from(currency.exponent()))))
}

fn give_discount(customer: &mut Customer, command: &ApplyDiscount) -> Result<(), Refused> {
    let first_cycle = match command.on {
        DiscountTarget::Customer => 0,
        DiscountTarget::Subscription(id) => {
            customer.active(id)?;
            customer.first_unbilled(id)
        }
    };
    customer.discounts.push(Discount {
        id: command.discount,
        on: command.on,
        value: command.value,
        duration: command.duration,
        first_cycle,
        removed: false,
    });
    Ok(())
}

fn remove_discount(customer: &mut Customer, command: &RemoveDiscount) -> Result<(), Refused> {
    let found = customer.discounts.iter_mut().find(|found| found.id == command.discount);
    let discount = found.ok_or("unknown discount")?;
    if discount.removed {
        return Err("removed already");
    }
    discount.removed = true;
    Ok(())
}
