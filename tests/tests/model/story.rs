//! A short way to tell the model a story, for figures that were worked by hand.
//!
//! # Shape
//!
//! One book, one customer who pays in euros, names instead of ids. Each verb submits one command
//! at the clock's time; what differs from the plainest command is said in a closure.

use std::collections::BTreeMap;

use schemas::command::{
    AcceptQuote, AddCharge, ApplyDiscount, BillCustomer, CancelSubscription, ChangeSubscription,
    ChargeInvoice, ChargePrice, CreateQuote, CreateSubscription, DefineEntity, DefinePlan,
    GrantCredit, InvoiceNow, InvoiceRequest, ItemRequest, MigratePlan, OpenBook, PauseSubscription,
    PriceMapping, RecordPayment, RefundEffect, RefundPayment, RegisterCustomer, ResumeSubscription,
    ReversePayment, UncancelSubscription, VoidInvoice, WithdrawMigration,
};
use schemas::command::{BookCommand, SellerCommand};
use schemas::ids::{
    BillingRunId, ChargeId, CreditGrantId, CustomerId, DiscountId, EntityId, InvoiceId, PaymentId,
    PlanId, QuoteId, RefundId, SubscriptionId,
};
use schemas::terms::{
    BillingTiming, BookClock, CalendarUnit, CancelCredit, ChangeTime, DiscountDuration,
    DiscountTarget, DiscountValue, Every, InvoiceTiming, PriceDefinition, Profile, Settle,
};
use schemas::text::Code;
use schemas::{Command, Currency, Date, Decimal, Minor, Timestamp, ZoneName};
use uuid::Uuid;

use crate::customer::{Customer, Document, Refused, When};
use crate::model::Model;
use crate::play::text;
use crate::subscription::Place;

mod prices;

pub(crate) use prices::{add_on, flat, per_unit, setup};

pub(crate) const MONTH: Every = Every { count: 1, unit: CalendarUnit::Month };
pub(crate) const YEAR: Every = Every { count: 1, unit: CalendarUnit::Year };

/// A story that is being told.
pub(crate) struct Story {
    model: Model,
    now: i64,
    names: u128,
}

/// The id of a name.
pub(crate) fn id(name: &str) -> Uuid {
    let number = name.bytes().fold(7_u128, |sum, byte| sum * 257 + u128::from(byte));
    Uuid::from_u128(number)
}

fn euro() -> Currency {
    text("EUR")
}

fn number(text_of: &str) -> Decimal {
    text(text_of)
}

pub(crate) fn date(of: &str) -> Date {
    text(of)
}

pub(crate) fn subscription(name: &str) -> SubscriptionId {
    SubscriptionId::new(id(name))
}

pub(crate) fn item(name: &str) -> ItemRequest {
    ItemRequest { price: text(name), quantity: None, rate: None, remove: None }
}

impl Story {
    /// A book of a profile, and a customer in UTC.
    pub(crate) fn under(profile: Profile) -> Self {
        Self::with(profile, &[])
    }

    /// A book of which some policies are replaced.
    pub(crate) fn with(profile: Profile, replaced: &[(&str, &str)]) -> Self {
        let mut story = Self { model: Model::default(), now: 0, names: 0 };
        let policies = replaced.iter().map(|(policy, rule)| (text(policy), text(rule))).collect();
        story.begin(profile, Some(policies), "UTC", "2010-01-01");
        story
    }

    /// A customer of a zone that is registered at a time.
    pub(crate) fn in_zone(profile: Profile, zone: &str, registered: &str) -> Self {
        let mut story = Self { model: Model::default(), now: 0, names: 0 };
        story.begin(profile, None, zone, registered);
        story
    }

    fn begin(
        &mut self,
        profile: Profile,
        policies: Option<BTreeMap<Code, Code>>,
        zone: &str,
        registered: &str,
    ) {
        let story = self;
        story.on(registered);
        let clock = BookClock::Test(Timestamp::from_micros(story.now).expect("a time"));
        let book = text("story");
        story.must(Command::Book(BookCommand::OpenBook(OpenBook {
            book,
            profile,
            policies,
            clock,
        })));
        story.must(Command::Seller(SellerCommand::DefineEntity(DefineEntity {
            entity: EntityId::new(id("seller")),
            name: text("Seller"),
            zone: ZoneName::utc(),
            payment_terms_days: 30,
            series: Vec::new(),
            document_retention_years: None,
            address: None,
            tax_ids: None,
        })));
        story.must(
            RegisterCustomer {
                customer: Self::customer(),
                entity: EntityId::new(id("seller")),
                external_id: None,
                name: text("Customer"),
                email: None,
                currency: euro(),
                zone: Some(zone.parse().expect("a zone")),
                payment_terms_days: None,
                parent: None,
                address: None,
                tax_ids: None,
                purchase_order: None,
            }
            .into(),
        );
    }

    pub(crate) fn customer() -> CustomerId {
        CustomerId::new(id("c"))
    }

    /// The clock shows a day, or a day and a time.
    pub(crate) fn on(&mut self, at: &str) {
        let at = if at.contains('T') { at.to_owned() } else { format!("{at}T00:00:00Z") };
        self.now = at.parse::<Timestamp>().expect("an instant").micros();
    }

    fn name(&mut self) -> Uuid {
        self.names += 1;
        Uuid::from_u128(self.names)
    }

    /// What the model says to a command.
    #[expect(clippy::needless_pass_by_value, reason = "a command is made to be said")]
    pub(crate) fn say(&mut self, command: Command) -> Result<Vec<Document>, Refused> {
        let when = When { recorded: self.now, effective: self.now };
        let issued = self.model.apply(&command, when)?;
        let count = self.names;
        if let Some(customer) = self.model.customers.get_mut(&Self::customer()) {
            for place in customer.names.len()..customer.invoices.len() {
                customer.names.push(InvoiceId::new(Uuid::from_u128((count << 64) + place as u128)));
            }
        }
        self.names += 1;
        Ok(issued)
    }

    pub(crate) fn must(&mut self, command: Command) {
        let shown = format!("{command:?}");
        if let Err(why) = self.say(command) {
            panic!("{why}: {shown}");
        }
    }

    pub(crate) fn plan(&mut self, name: &str, every: Every, prices: Vec<PriceDefinition>) {
        self.plan_with(name, every, prices, |_| {});
    }

    pub(crate) fn plan_with(
        &mut self,
        name: &str,
        every: Every,
        prices: Vec<PriceDefinition>,
        more: impl FnOnce(&mut DefinePlan),
    ) {
        let mut plan = DefinePlan {
            plan: PlanId::new(id(name)),
            name: text(name),
            product: None,
            every,
            timing: BillingTiming::InAdvance,
            trial_days: None,
            lead_days: None,
            prices,
            grants: None,
        };
        more(&mut plan);
        self.must(plan.into());
    }

    pub(crate) fn subscribe(
        &mut self,
        name: &str,
        plan: &str,
        more: impl FnOnce(&mut CreateSubscription),
    ) {
        let mut command = CreateSubscription {
            customer: Self::customer(),
            subscription: subscription(name),
            plan: PlanId::new(id(plan)),
            version: None,
            quantity: None,
            start: None,
            invoice: None,
            with: None,
        };
        more(&mut command);
        self.must(command.into());
    }

    /// The billing run of the clock's day.
    pub(crate) fn run(&mut self) {
        let day = i32::try_from(self.now.div_euclid(86_400_000_000)).expect("a day");
        let (customer, run) = (Self::customer(), BillingRunId::new(self.name()));
        let through = Date::from_days(day).expect("a day");
        self.must(BillCustomer { customer, run, through, ahead: false }.into());
    }

    pub(crate) fn finalize(&mut self) -> Result<Vec<Document>, Refused> {
        self.say(
            InvoiceNow { customer: Self::customer(), through: None, ahead: None, invoice: None }
                .into(),
        )
    }

    pub(crate) fn change(
        &mut self,
        name: &str,
        more: impl FnOnce(&mut ChangeSubscription),
    ) -> Result<Vec<Document>, Refused> {
        let mut command = ChangeSubscription {
            customer: Self::customer(),
            subscription: subscription(name),
            plan: None,
            version: None,
            quantity: None,
            items: None,
            anchor: None,
            map: None,
            keep_prices: None,
            keep_scheduled: None,
            when: ChangeTime::Now,
            proration: None,
        };
        more(&mut command);
        self.say(command.into())
    }

    pub(crate) fn move_to(&mut self, name: &str, plan: &str) {
        let plan = PlanId::new(id(plan));
        self.change(name, |c| c.plan = Some(plan)).expect("the plan can be changed");
    }

    pub(crate) fn move_when(&mut self, name: &str, plan: &str, when: ChangeTime) {
        let plan = PlanId::new(id(plan));
        self.change(name, |c| (c.plan, c.when) = (Some(plan), when)).expect("it can be changed");
    }

    pub(crate) fn move_unsettled(&mut self, name: &str, plan: &str) {
        let plan = PlanId::new(id(plan));
        let how = Some(Settle::None);
        self.change(name, |c| (c.plan, c.proration) = (Some(plan), how))
            .expect("it can be changed");
    }

    pub(crate) fn quantity(&mut self, name: &str, units: &str, when: ChangeTime) {
        let changed = self.change(name, |c| (c.quantity, c.when) = (Some(number(units)), when));
        changed.expect("the quantity can be changed");
    }

    pub(crate) fn cancel(&mut self, name: &str, when: ChangeTime, credit: CancelCredit) {
        let (customer, subscription) = (Self::customer(), subscription(name));
        let credit = Some(credit);
        self.must(
            CancelSubscription { customer, subscription, when, credit, waive_fee: None }.into(),
        );
    }

    pub(crate) fn uncancel(&mut self, name: &str) -> Result<Vec<Document>, Refused> {
        let (customer, subscription) = (Self::customer(), subscription(name));
        self.say(UncancelSubscription { customer, subscription }.into())
    }

    pub(crate) fn pause(
        &mut self,
        name: &str,
        when: ChangeTime,
        credit: Settle,
        resume_on: Option<Date>,
    ) {
        let (customer, subscription) = (Self::customer(), subscription(name));
        let credit = Some(credit);
        self.must(PauseSubscription { customer, subscription, when, credit, resume_on }.into());
    }

    pub(crate) fn resume(&mut self, name: &str, proration: Settle) {
        let (customer, subscription) = (Self::customer(), subscription(name));
        let (when, proration) = (ChangeTime::Now, Some(proration));
        self.must(ResumeSubscription { customer, subscription, when, proration }.into());
    }

    pub(crate) fn charge(&mut self, name: &str, cents: i64, now: bool) {
        self.must(
            AddCharge {
                customer: Self::customer(),
                charge: ChargeId::new(id(name)),
                description: text("Charge"),
                price: ChargePrice::Total(Minor(cents).of(euro())),
                quantity: None,
                service: None,
                invoice: now.then(|| ChargeInvoice::Now(InvoiceRequest::default())),
            }
            .into(),
        );
    }

    pub(crate) fn discount(&mut self, value: &str, on: DiscountTarget, duration: DiscountDuration) {
        self.give(DiscountValue::Percent(number(value)), on, duration);
    }

    /// A fixed amount off, for ever.
    pub(crate) fn amount_off(&mut self, cents: i64, on: DiscountTarget) {
        self.give(DiscountValue::Amount(Minor(cents).of(euro())), on, DiscountDuration::Forever);
    }

    fn give(&mut self, value: DiscountValue, on: DiscountTarget, duration: DiscountDuration) {
        let discount = DiscountId::new(self.name());
        let customer = Self::customer();
        self.must(ApplyDiscount { customer, discount, on, value, duration }.into());
    }

    pub(crate) fn pay(&mut self, name: &str, cents: i64) {
        self.must(
            RecordPayment {
                customer: Self::customer(),
                payment: PaymentId::new(id(name)),
                amount: Minor(cents).of(euro()),
                external_id: None,
                method: None,
                allocate: None,
            }
            .into(),
        );
    }

    pub(crate) fn refund(
        &mut self,
        payment: &str,
        cents: i64,
        effect: RefundEffect,
    ) -> Result<Vec<Document>, Refused> {
        let refund = RefundId::new(self.name());
        self.say(
            RefundPayment {
                customer: Self::customer(),
                payment: PaymentId::new(id(payment)),
                refund,
                amount: Minor(cents).of(euro()),
                effect,
                reason: text("because"),
            }
            .into(),
        )
    }

    pub(crate) fn reverse(&mut self, payment: &str) {
        let (customer, payment) = (Self::customer(), PaymentId::new(id(payment)));
        self.must(ReversePayment { customer, payment, reason: text("because") }.into());
    }

    pub(crate) fn grant(&mut self, cents: i64) {
        let (customer, grant) = (Self::customer(), CreditGrantId::new(self.name()));
        let amount = Minor(cents).of(euro());
        self.must(GrantCredit::plain(customer, grant, amount, text("because")).into());
    }

    pub(crate) fn void(&mut self, place: usize, rebill: bool) {
        let invoice = self.model.customers[&Self::customer()].names[place];
        let customer = Self::customer();
        self.must(VoidInvoice { customer, invoice, reason: text("because"), rebill }.into());
    }

    pub(crate) fn migrate(
        &mut self,
        plan: &str,
        from_version: u32,
        to_version: u32,
        on: &str,
    ) -> Result<Vec<Document>, Refused> {
        self.migrate_by(plan, (from_version, to_version), on, &[])
    }

    /// With prices that become others than their ids say; an empty name is none.
    pub(crate) fn migrate_by(
        &mut self,
        plan: &str,
        (from_version, to_version): (u32, u32),
        on: &str,
        map: &[(&str, &str)],
    ) -> Result<Vec<Document>, Refused> {
        let mapping = |(from, to): &(&str, &str)| PriceMapping {
            from: text(from),
            to: (!to.is_empty()).then(|| text(to)),
        };
        let map = Some(map.iter().map(mapping).collect());
        let (plan, on) = (PlanId::new(id(plan)), date(on));
        self.say(MigratePlan { plan, from_version, to_version, on, map }.into())
    }

    pub(crate) fn withdraw_migration(
        &mut self,
        plan: &str,
        from_version: u32,
    ) -> Result<Vec<Document>, Refused> {
        self.say(WithdrawMigration { plan: PlanId::new(id(plan)), from_version }.into())
    }

    pub(crate) fn offer(&mut self, plan: &str, until: &str, more: impl FnOnce(&mut CreateQuote)) {
        let mut command = CreateQuote {
            customer: Self::customer(),
            quote: QuoteId::new(id("q")),
            plan: PlanId::new(id(plan)),
            version: None,
            quantity: None,
            with: None,
            valid_until: date(until),
        };
        more(&mut command);
        self.must(command.into());
    }

    pub(crate) fn accept(&mut self, name: &str) {
        let (customer, quote) = (Self::customer(), QuoteId::new(id("q")));
        let (subscription, invoice) = (subscription(name), Some(InvoiceTiming::Now));
        self.must(AcceptQuote { customer, quote, subscription, start: None, invoice }.into());
    }

    pub(crate) fn state(&self) -> &Customer {
        &self.model.customers[&Self::customer()]
    }

    /// Totals of the invoices, in order.
    pub(crate) fn totals(&self) -> Vec<i128> {
        self.state().invoices.iter().map(crate::customer::Invoice::total).collect()
    }

    /// Open, and credit.
    pub(crate) fn balance(&self) -> (i128, i128) {
        (self.state().owed(), self.state().credit())
    }

    pub(crate) fn place(&self, name: &str) -> Place {
        let at = self.state().place_of(subscription(name)).expect("it was subscribed");
        crate::access::place(
            (self.model.book(), self.state()),
            &self.state().subscriptions[at],
            self.now,
        )
    }

    /// Nets of the lines of an invoice.
    pub(crate) fn nets(&self, place: usize) -> Vec<i128> {
        self.state().invoices[place].lines.iter().map(crate::customer::Line::net).collect()
    }
}

/// Invoiced in the same commit.
pub(crate) fn at_once(command: &mut CreateSubscription) {
    command.invoice = Some(InvoiceTiming::Now);
}
