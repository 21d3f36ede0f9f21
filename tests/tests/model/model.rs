//! The model itself: commands in, documents and refusals out.
//!
//! # Shape
//!
//! A command is tried on a copy of its customer, so a refusal changes nothing. Before it, time
//! passes; after it, credit goes where it goes, what was paid begins, and what waited for a
//! payment happens.

use std::collections::BTreeMap;

use schemas::Command;
use schemas::command::{
    BillingCommand, BookCommand, CatalogCommand, ChangePlan, ChangeQuantity, ChangeSubscription,
    CustomerCommand, OpenBook, ProcessCommand, RegisterCustomer, SellerCommand, SettlementCommand,
    SubscriptionCommand,
};
use schemas::ids::{CustomerId, PlanId};
use schemas::terms::CustomerDetail;

use crate::activation;
use crate::bill::{Billing, Which, bill};
use crate::book::Book;
use crate::civil::{Clock, Instant, day_of_seller};
use crate::customer::{Customer, Document, Refused, When};
use crate::item::Item;
use crate::passing::time_passes;
use crate::rules::Rules;
use crate::{life, lots, money, moving, offers, pauses, subscribe};

#[derive(Debug, Default)]
pub(crate) struct Model {
    book: Option<Book>,
    pub(crate) customers: BTreeMap<CustomerId, Customer>,
}

impl Model {
    /// The book that is open.
    pub(crate) fn book(&self) -> &Book {
        self.book.as_ref().expect("customers are of a book")
    }

    /// The book and one of its customers.
    pub(crate) fn known(&mut self, id: CustomerId) -> Option<(&Book, &mut Customer)> {
        self.book.as_ref().zip(self.customers.get_mut(&id))
    }

    /// Whether a subscription, or something of it, begins at an instant.
    pub(crate) fn begins_at(&self, at: Instant) -> bool {
        let mut all = self.customers.values().flat_map(|customer| &customer.subscriptions);
        let begins = |item: &Item| {
            item.voices.contains_key(&at) || item.calendars.iter().any(|laid| laid.from == at)
        };
        all.any(|of| of.start == at || of.items.iter().any(begins))
    }

    /// Whether a version of a plan is there.
    pub(crate) fn has_version(&self, plan: PlanId, version: u32) -> bool {
        self.book.as_ref().is_some_and(|book| book.version(plan, version).is_ok())
    }

    /// What must come of a command.
    pub(crate) fn apply(
        &mut self,
        command: &Command,
        when: When,
    ) -> Result<Vec<Document>, Refused> {
        if let Some(book) = &mut self.book {
            book.commands += 1;
        }
        if let schemas::StreamId::Customer(id) = command.stream() {
            return self.of_customer(id, command, when);
        }
        if let Command::Book(BookCommand::OpenBook(open)) = command {
            return self.open(open);
        }
        let book = self.book.as_mut().ok_or("no book")?;
        match command {
            Command::Seller(SellerCommand::DefineEntity(entity)) => {
                book.terms_days = entity.payment_terms_days.into();
                entity.zone.as_str().clone_into(&mut book.zone);
            }
            Command::Seller(SellerCommand::UpdateEntity(entity)) => {
                if let Some(days) = entity.payment_terms_days {
                    book.terms_days = days.into();
                    let followers = self.customers.values_mut().filter(|known| !known.own_terms);
                    followers.for_each(|customer| customer.terms_days = days.into());
                }
            }
            Command::Catalog(CatalogCommand::DefinePlan(plan)) => book.define(plan)?,
            Command::Catalog(CatalogCommand::RetirePlan(retire)) => book.retire(retire.plan)?,
            Command::Catalog(CatalogCommand::MigratePlan(c)) => book.migrate(c, when.recorded)?,
            Command::Catalog(CatalogCommand::WithdrawMigration(c)) => {
                book.withdraw(c, when.recorded)?;
            }
            Command::Catalog(CatalogCommand::DefineCoupon(c)) => {
                offers::define_coupon(book, c, when)?;
            }
            Command::Process(ProcessCommand::RunBilling(run)) => {
                // Somewhere a day begins half a day and more before it does in UTC.
                let latest = day_of_seller(when.recorded + 14 * 3_600_000_000);
                if latest < i64::from(run.through.days()) {
                    return Err("the day has not come");
                }
            }
            Command::Book(_)
            | Command::Customer(_)
            | Command::Subscription(_)
            | Command::Billing(_)
            | Command::Settlement(_) => {}
        }
        Ok(Vec::new())
    }

    fn open(&mut self, open: &OpenBook) -> Result<Vec<Document>, Refused> {
        let replaced = open.policies.clone().unwrap_or_default();
        let policies = open.profile.with(&replaced).map_err(|_| "no such policy")?;
        self.book = Some(Book::new(Rules::new(policies)));
        Ok(Vec::new())
    }

    fn register(&mut self, command: &RegisterCustomer, when: When) -> Result<(), Refused> {
        let book = self.book.as_ref().ok_or("no book")?;
        if self.customers.contains_key(&command.customer) {
            return Err("registered already");
        }
        if let Some(parent) = command.parent {
            let payer = self.customers.get(&parent).ok_or("unknown parent")?;
            if payer.parent.is_some() {
                return Err("who pays is paid for");
            }
        }
        let zone = command.zone.as_ref().map_or(book.zone.as_str(), |zone| zone.as_str());
        let days = command.payment_terms_days.map_or(book.terms_days, i64::from);
        let clock = Clock::new(&book.rules, zone, when.effective);
        let mut customer = Customer::new(
            book.rules,
            when.effective,
            (clock, zone),
            command.currency,
            days,
            command.parent,
        );
        customer.own_terms = command.payment_terms_days.is_some();
        self.customers.insert(command.customer, customer);
        Ok(())
    }

    fn of_customer(
        &mut self,
        id: CustomerId,
        command: &Command,
        when: When,
    ) -> Result<Vec<Document>, Refused> {
        if let Command::Customer(CustomerCommand::RegisterCustomer(register)) = command {
            return self.register(register, when).map(|()| Vec::new());
        }
        let children: Vec<CustomerId> = self
            .customers
            .iter()
            .filter(|(_, customer)| customer.parent == Some(id))
            .map(|(child, _)| *child)
            .collect();
        let mut customer = self.customers.get(&id).ok_or("unknown customer")?.clone();
        if when.effective < customer.registered {
            return Err("before the registration");
        }
        let book = self.book.as_mut().ok_or("no book")?;
        customer.command = book.commands;
        time_passes(book, &mut customer, when.recorded);
        dispatch(book, &mut customer, command, &children, when)?;
        time_passes(book, &mut customer, when.recorded);
        settled(book, &mut customer, when);
        if let Command::Subscription(SubscriptionCommand::RedeemCoupon(c)) = command
            && let Some(coupon) = book.coupons.get_mut(&c.coupon)
        {
            coupon.redeemed += 1;
        }
        let issued = std::mem::take(&mut customer.issued);
        self.customers.insert(id, customer);
        Ok(issued)
    }
}

/// What follows from money that has moved.
fn settled(book: &Book, customer: &mut Customer, when: When) {
    for _ in 0..3 {
        lots::let_go(customer);
        lots::sweep(&book.rules, customer, day_of_seller(when.recorded));
        lots::let_go(customer);
        activation::begin_paid(book, customer, when);
        life::when_paid(book, customer, when);
    }
}

fn dispatch(
    book: &Book,
    customer: &mut Customer,
    command: &Command,
    children: &[CustomerId],
    when: When,
) -> Result<(), Refused> {
    match command {
        Command::Subscription(command) => agreed(book, customer, command, children, when),
        Command::Settlement(command) => match command {
            SettlementCommand::VoidInvoice(c) => money::void(customer, c, when),
            SettlementCommand::RecordPayment(c) => money::pay(customer, c, when),
            SettlementCommand::ReversePayment(c) => money::reverse(customer, c, when),
            SettlementCommand::RefundPayment(c) => money::refund(customer, c, when),
            SettlementCommand::GrantCredit(c) => lots::grant(customer, c, when),
            SettlementCommand::IssueCreditNote(c) => money::credit_note(customer, c, when),
            SettlementCommand::ApplyCredit(c) => lots::apply(customer, c, when),
            SettlementCommand::ReleaseCredit(c) => lots::unapply(customer, c),
            SettlementCommand::RevokeCredit(c) => lots::revoke(customer, c, when),
            SettlementCommand::PayOutCredit(c) => lots::pay_out(customer, c, when),
        },
        Command::Billing(BillingCommand::AddCharge(c)) => offers::charge(book, customer, c, when),
        Command::Billing(BillingCommand::WithdrawCharge(c)) => offers::withdraw_charge(customer, c),
        Command::Billing(BillingCommand::InvoiceNow(c)) => {
            let through = c.through.map(|day| i64::from(day.days()));
            let ahead = c.ahead == Some(true);
            let today = customer.clock.day(when.recorded);
            // A year ahead is enough.
            let last = if ahead { today + 366 } else { today };
            if through.is_some_and(|day| last < day) {
                return Err("the day has not come");
            }
            let billing = Billing { through, ahead, ..Billing::now(Which::All, when) };
            bill(book, customer, &billing);
            if customer.issued.is_empty() { Err("nothing to invoice") } else { Ok(()) }
        }
        Command::Billing(BillingCommand::BillCustomer(c)) => {
            let through = Some(i64::from(c.through.days()));
            let ahead = c.ahead;
            let billing = Billing { through, ahead, run: true, ..Billing::now(Which::All, when) };
            bill(book, customer, &billing);
            Ok(())
        }
        Command::Customer(CustomerCommand::UpdateCustomer(c)) => {
            if let Some(days) = c.payment_terms_days {
                (customer.terms_days, customer.own_terms) = (days.into(), true);
            }
            if c.clear.iter().flatten().any(|detail| *detail == CustomerDetail::PaymentTermsDays) {
                (customer.terms_days, customer.own_terms) = (book.terms_days, false);
            }
            if let Some(zone) = &c.zone {
                moving::moves(customer, zone.as_str(), when.recorded);
            }
            Ok(())
        }
        Command::Customer(_)
        | Command::Book(_)
        | Command::Seller(_)
        | Command::Catalog(_)
        | Command::Process(_) => Ok(()),
    }
}

fn agreed(
    book: &Book,
    customer: &mut Customer,
    command: &SubscriptionCommand,
    children: &[CustomerId],
    when: When,
) -> Result<(), Refused> {
    match command {
        SubscriptionCommand::CreateSubscription(c) => {
            offers::cited(book, customer, c, when)?;
            subscribe::subscribe(book, customer, c, children, when)
        }
        SubscriptionCommand::ChangePlan(c) => life::change(book, customer, &of_plan(c), when),
        SubscriptionCommand::ChangeQuantity(c) => {
            life::change(book, customer, &of_quantity(c), when)
        }
        SubscriptionCommand::ChangeSubscription(c) => life::change(book, customer, c, when),
        SubscriptionCommand::CancelSubscription(c) => life::cancel(book, customer, c, when),
        SubscriptionCommand::UncancelSubscription(c) => life::uncancel(book, customer, c, when),
        SubscriptionCommand::WithdrawChange(c) => life::withdraw(book, customer, c, when),
        SubscriptionCommand::PauseSubscription(c) => pauses::pause(book, customer, c, when),
        SubscriptionCommand::ResumeSubscription(c) => pauses::resume(book, customer, c, when),
        SubscriptionCommand::EndTrial(c) => life::end_trial(book, customer, c, when),
        SubscriptionCommand::SetRenewal(c) => crate::renewal::set_renewal(book, customer, c, when),
        SubscriptionCommand::CreateQuote(c) => offers::quote(book, customer, c, children, when),
        SubscriptionCommand::AcceptQuote(c) => offers::accept(book, customer, c, children, when),
        SubscriptionCommand::VoidQuote(c) => offers::void_quote(customer, c),
        SubscriptionCommand::ApplyDiscount(c) => offers::discount(book, customer, c),
        SubscriptionCommand::RemoveDiscount(c) => offers::remove_discount(customer, c),
        SubscriptionCommand::RedeemCoupon(c) => offers::redeem(book, customer, c, when),
    }
}

/// The same change in the words of the widest command.
pub(crate) fn of_plan(c: &ChangePlan) -> ChangeSubscription {
    ChangeSubscription {
        customer: c.customer,
        subscription: c.subscription,
        plan: Some(c.plan),
        version: c.version,
        quantity: None,
        items: None,
        anchor: None,
        map: c.map.clone(),
        keep_prices: c.keep_prices,
        keep_scheduled: c.keep_scheduled,
        when: c.when,
        proration: c.proration,
    }
}

pub(crate) fn of_quantity(c: &ChangeQuantity) -> ChangeSubscription {
    ChangeSubscription {
        customer: c.customer,
        subscription: c.subscription,
        plan: None,
        version: None,
        quantity: Some(c.quantity),
        items: None,
        anchor: None,
        map: None,
        keep_prices: None,
        keep_scheduled: None,
        when: c.when,
        proration: c.proration,
    }
}
