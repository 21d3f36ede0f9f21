//! The oracle: what customers owe by the policy text, reckoned day by day.
//!
//! It reads commands and answers what must come of them. It keeps no cleverness: every line
//! knows the set of its live days, every question walks the days or the invoices again. It
//! shares the types of commands with the ledger, and no arithmetic.

use schemas::command::{
    BillingCommand, CatalogCommand, CustomerCommand, SettlementCommand, SubscriptionCommand,
};
use std::collections::{BTreeMap, BTreeSet};

use schemas::command::{DefinePlan, RegisterCustomer};
use schemas::ids::{ChargeId, CustomerId, DiscountId, PaymentId, PlanId, SubscriptionId};
use schemas::terms::{BillingTiming, DiscountDuration, DiscountTarget, DiscountValue, Rate};
use schemas::{Command, Currency};

use crate::calendar::day_at;
use crate::changes::{give_discount, remove_discount};
use crate::rational::Ratio;
use crate::timeline::{Subscription, Terms, Version};

/// The command must be refused; the word says why, for messages.
pub(crate) type Refused = &'static str;

/// When a command is decided and when it takes effect, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct When {
    pub(crate) recorded: i64,
    pub(crate) effective: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Discount {
    pub(crate) id: DiscountId,
    pub(crate) on: DiscountTarget,
    pub(crate) value: DiscountValue,
    pub(crate) duration: DiscountDuration,
    pub(crate) first_cycle: usize,
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

    pub(crate) fn active(&mut self, id: SubscriptionId) -> Result<&mut Subscription, Refused> {
        let found = self.subscriptions.get_mut(&id).ok_or("unknown subscription")?;
        if found.end.is_some() { Err("subscription ended") } else { Ok(found) }
    }

    /// The first cycle that nothing is billed of, nor of one after it.
    pub(crate) fn first_unbilled(&self, id: SubscriptionId) -> usize {
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
    /// Versions, and whether it is retired.
    pub(crate) plans: BTreeMap<PlanId, (Vec<Version>, bool)>,
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
        let found = self.plans[&plan].0.iter().find(|known| known.number == version);
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
        if let Command::Customer(CustomerCommand::RegisterCustomer(register)) = command {
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
        if let Command::Catalog(CatalogCommand::DefinePlan(plan)) = command {
            self.define(plan)?;
        } else if let Command::Catalog(CatalogCommand::RetirePlan(retire)) = command {
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
        let [price] = &plan.prices[..] else { unreachable!("the moves define one price") };
        let amount = |rate: &Rate| {
            let (Rate::Flat(amount) | Rate::PerUnit(amount)) = rate else {
                unreachable!("the moves define flat and per-unit prices")
            };
            Ratio::decimal(*amount)
        };
        versions.push(Version {
            plan: plan.plan,
            number: u32::try_from(versions.len()).expect("few") + 1,
            every: plan.every,
            advance: plan.timing == BillingTiming::InAdvance,
            per_unit: price.amounts.iter().any(|p| matches!(p.rate, Rate::PerUnit(_))),
            prices: price.amounts.iter().map(|p| (p.currency, amount(&p.rate))).collect(),
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
            Command::Subscription(SubscriptionCommand::CreateSubscription(c)) => {
                self.subscribe(customer, c, when)
            }
            Command::Subscription(SubscriptionCommand::ChangePlan(c)) => {
                self.change_plan(customer, c, when)
            }
            Command::Subscription(SubscriptionCommand::ChangeQuantity(c)) => {
                self.change_quantity(customer, c, when)
            }
            Command::Subscription(SubscriptionCommand::CancelSubscription(c)) => {
                self.cancel(customer, c, when)
            }
            Command::Subscription(SubscriptionCommand::ApplyDiscount(c)) => {
                give_discount(customer, c)
            }
            Command::Subscription(SubscriptionCommand::RemoveDiscount(c)) => {
                remove_discount(customer, c)
            }
            Command::Billing(BillingCommand::AddCharge(c)) => self.charge(customer, c, when),
            Command::Billing(BillingCommand::InvoiceNow(_)) => {
                let before = customer.invoices.len();
                let today = day_at(when.recorded, customer.offset);
                self.bill(customer, |_| true, |_| true, today, day_at(when.recorded, 0));
                if customer.invoices.len() == before { Err("nothing to invoice") } else { Ok(()) }
            }
            Command::Billing(BillingCommand::BillCustomer(c)) => {
                let through = i64::from(c.through.days());
                self.bill(customer, |_| true, |_| true, through, day_at(when.recorded, 0));
                Ok(())
            }
            Command::Customer(CustomerCommand::UpdateCustomer(c)) => {
                let days = c.payment_terms_days.ok_or("nothing to change")?;
                customer.terms_days = i64::from(days);
                Ok(())
            }
            Command::Settlement(
                SettlementCommand::VoidInvoice(_)
                | SettlementCommand::RecordPayment(_)
                | SettlementCommand::ReversePayment(_)
                | SettlementCommand::RefundPayment(_)
                | SettlementCommand::GrantCredit(_),
            ) => {
                unreachable!("the driver settles by invoice place")
            }
            Command::Subscription(
                SubscriptionCommand::ChangeSubscription(_)
                | SubscriptionCommand::UncancelSubscription(_)
                | SubscriptionCommand::WithdrawChange(_)
                | SubscriptionCommand::PauseSubscription(_)
                | SubscriptionCommand::ResumeSubscription(_)
                | SubscriptionCommand::SetRenewal(_)
                | SubscriptionCommand::CreateQuote(_)
                | SubscriptionCommand::AcceptQuote(_)
                | SubscriptionCommand::VoidQuote(_)
                | SubscriptionCommand::RedeemCoupon(_),
            )
            | Command::Settlement(SettlementCommand::IssueCreditNote(_))
            | Command::Customer(
                CustomerCommand::ParkCustomer(_)
                | CustomerCommand::ReleaseCustomer(_)
                | CustomerCommand::EraseCustomer(_)
                | CustomerCommand::AnnotateInvoice(_),
            ) => {
                unreachable!("the moves have no {command:?}")
            }
            Command::Book(_)
            | Command::Seller(_)
            | Command::Catalog(_)
            | Command::Process(_)
            | Command::Customer(CustomerCommand::RegisterCustomer(_)) => {
                unreachable!("not a customer's billing: {command:?}")
            }
        }
    }

    /// The customer, to settle it.
    pub(crate) fn customer_mut(&mut self, id: CustomerId) -> &mut Customer {
        self.customers.get_mut(&id).expect("the driver names registered customers")
    }
}

/// Major to minor units.
pub(crate) fn minor_units(major: Ratio, currency: Currency) -> Ratio {
    major.times(Ratio::whole(10_i128.pow(u32::from(currency.exponent()))))
}
