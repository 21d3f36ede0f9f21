//! The command that a step becomes, with what a word adds to it.

use schemas::command::{
    Allocate, AllocationRequest, ApplyCredit, BillingCommand, CatalogCommand, ChangeSubscription,
    ChargePrice, CreateQuote, CreateSubscription, CreditLine, EndTrial, GrantCredit,
    IssueCreditNote, ItemRequest, MigratePlan, PayOutCredit, RampPhase, RecordPayment,
    ReleaseCredit, RevokeCredit, SubscriptionCommand, SubscriptionTerms, UpdateCustomer,
    UpdateEntity, WithdrawCharge, WithdrawMigration,
};
use schemas::ids::{
    CreditGrantId, CreditNoteId, CustomerId, EntityId, InvoiceId, PaymentId, QuoteId, RefundId,
    SubscriptionId,
};
use schemas::terms::{
    BillingTiming, CalendarUnit, ChangeTime, DiscountDuration, EarlyEnd, Every, GrantKind,
    InvoiceTiming, LeastTermRequest, LotRef, LotScope, NoteTarget, PriceDefinition, RampEnd,
    Recurrence, UnitPrice,
};
use schemas::{Command, Date, Decimal, Interval, Minor};
use uuid::Uuid;

use crate::catalog::{ZONES, mapping, rate};
use crate::commands::pick;
use crate::play::{Game, text};

use crate::steps::{GrantTerms, Step, Word};

impl Game {
    /// The command of a step and how many hours back it takes effect.
    pub(crate) fn command_of(&mut self, step: &Step) -> Option<(Command, i64)> {
        let command = match step {
            Step::Shared(action) => return self.command(action),
            Step::Told(action, words) => {
                let (mut command, back) = self.command(action)?;
                for word in words {
                    self.say(&mut command, *word);
                }
                return Some((command, back));
            }
            Step::Terms { customer: None, days } => {
                let entity = EntityId::new(Uuid::from_u128(1));
                UpdateEntity {
                    entity,
                    name: None,
                    address: None,
                    payment_terms_days: Some(*days),
                    document_retention_years: None,
                    tax_ids: None,
                    add_series: None,
                    default_series: None,
                }
                .into()
            }
            Step::Terms { customer: Some(number), days } => {
                let customer = pick(&self.customers, *number)?;
                UpdateCustomer { payment_terms_days: Some(*days), ..unchanged(customer) }.into()
            }
            Step::Elsewhere { customer, zone } => {
                let customer = pick(&self.customers, *customer)?;
                let zone = ZONES[zone % ZONES.len()].parse().expect("a zone");
                UpdateCustomer { zone: Some(zone), ..unchanged(customer) }.into()
            }
            Step::EndTrial { subscription, now, back } => {
                let (customer, subscription) = pick(&self.subscriptions, *subscription)?;
                let invoice = now.then_some(InvoiceTiming::Now);
                return Some((EndTrial { customer, subscription, invoice }.into(), *back));
            }
            Step::WithdrawCharge { charge } => {
                let (customer, charge) = pick(&self.charges, *charge)?;
                WithdrawCharge { customer, charge }.into()
            }
            Step::Note { invoice, line, percent, to_credit } => {
                self.note(*invoice, *line, *percent, *to_credit)?
            }
            Step::Grant { customer, cents, terms } => self.grant(*customer, *cents, terms)?,
            Step::Apply { lot, invoice, percent } => {
                let (customer, lot) = pick(&self.lots, *lot)?;
                let invoice = self.invoice_of(customer, *invoice)?;
                let account = self.kept.ledger.customer(customer)?;
                let open = account.invoice(invoice)?.open().0;
                let amount = percent.map(|percent| open * percent / 100);
                let amount = amount.map(|cents| Minor(cents).of(self.currency(customer)));
                ApplyCredit { customer, lot, invoice, amount }.into()
            }
            Step::Release { lot, invoice, cents } => {
                let (customer, lot) = pick(&self.lots, *lot)?;
                let invoice = self.invoice_of(customer, *invoice)?;
                let amount = cents.map(|cents| Minor(cents).of(self.currency(customer)));
                ReleaseCredit { customer, lot, invoice, amount }.into()
            }
            Step::Revoke { lot } => {
                let (customer, lot) = pick(&self.lots, *lot)?;
                let LotRef::Grant(grant) = lot else { return None };
                RevokeCredit { customer, grant, reason: text("because") }.into()
            }
            Step::PayOut { lot, cents, back } => {
                let (customer, lot) = pick(&self.lots, *lot)?;
                let amount = cents.map(|cents| Minor(cents).of(self.currency(customer)));
                let (refund, reason) = (RefundId::new(self.id()), text("because"));
                let paid = PayOutCredit { customer, refund, lot, amount, reason };
                return Some((paid.into(), *back));
            }
            Step::PayTo { invoice, percent, more } => self.pay_to(*invoice, *percent, *more)?,
            Step::Both { subscription, plan, quantity, at_end } => {
                let (customer, subscription) = pick(&self.subscriptions, *subscription)?;
                ChangeSubscription {
                    customer,
                    subscription,
                    plan: Some(pick(&self.plans, *plan)?),
                    version: None,
                    quantity: Some(whole(i64::from(*quantity))),
                    items: None,
                    anchor: None,
                    map: None,
                    keep_prices: None,
                    keep_scheduled: None,
                    when: if *at_end { ChangeTime::CycleEnd } else { ChangeTime::Now },
                    proration: None,
                }
                .into()
            }
            Step::WithdrawMigration { number } => {
                let (plan, from_version) = pick(&self.migrations, *number)?;
                WithdrawMigration { plan, from_version }.into()
            }
            Step::MigrateWhatIsThere { subscription, to, days, map } => {
                self.migration(*subscription, *to, *days, *map)?
            }
            Step::OfferRamp { customer, plan, days, phases } => {
                let customer = pick(&self.customers, *customer)?;
                let mut with = self.ramp(i32::from(*days), *phases);
                if days % 3 == 1 {
                    self.say_of_terms(
                        customer,
                        &mut with,
                        Word::PhaseMonths(1 + u16::from(days % 2)),
                    );
                }
                if days % 4 == 2 {
                    self.say_of_terms(customer, &mut with, Word::RampEnds);
                }
                let with = Some(with);
                let quote = QuoteId::new(self.id());
                self.quotes.push((customer, quote));
                CreateQuote {
                    customer,
                    quote,
                    plan: pick(&self.plans, *plan)?,
                    version: None,
                    quantity: Some(whole(3)),
                    with,
                    valid_until: self.today(30),
                }
                .into()
            }
        };
        Some((command, 0))
    }

    /// A command says more.
    fn say(&self, command: &mut Command, word: Word) {
        match command {
            Command::Subscription(command) => self.say_of_subscription(command, word),
            Command::Billing(command) => self.say_of_billing(command, word),
            Command::Catalog(CatalogCommand::DefinePlan(c)) => {
                if let Word::ArrearsBeside = word {
                    let beside = c.prices.iter_mut().skip(1);
                    let recurs =
                        |price: &&mut PriceDefinition| price.recurrence != Some(Recurrence::Setup);
                    beside.filter(recurs).for_each(|p| p.timing = Some(BillingTiming::InArrears));
                }
            }
            Command::Catalog(CatalogCommand::DefineCoupon(c)) => {
                if let Word::Months(count) = word {
                    c.duration = DiscountDuration::Months(count);
                }
            }
            Command::Catalog(_)
            | Command::Settlement(_)
            | Command::Customer(_)
            | Command::Book(_)
            | Command::Seller(_)
            | Command::Process(_) => {}
        }
    }

    fn say_of_subscription(&self, command: &mut SubscriptionCommand, word: Word) {
        if let SubscriptionCommand::CreateSubscription(c) = command {
            if let Word::Start(days) = word {
                c.start = Some(self.today(days));
            } else if let Word::Version(number) = word {
                c.version = Some(number);
            } else {
                self.say_of_terms(c.customer, c.with.get_or_insert_default(), word);
            }
        } else if let SubscriptionCommand::CreateQuote(c) = command {
            if let Word::Version(number) = word {
                c.version = Some(number);
            } else {
                self.say_of_terms(c.customer, c.with.get_or_insert_default(), word);
            }
        } else if let SubscriptionCommand::AcceptQuote(c) = command {
            if let Word::Start(days) = word {
                c.start = Some(self.today(days));
            } else if let Word::Cites = word
                && let Some(quote) = self.model.customers[&c.customer].quotes.get(&c.quote)
            {
                let (start, invoice) = (c.start, c.invoice);
                let cites = CreateSubscription { start, invoice, ..quote.cited_by(c.subscription) };
                *command = SubscriptionCommand::CreateSubscription(cites);
            }
        } else if let SubscriptionCommand::CancelSubscription(c) = command {
            c.waive_fee = matches!(word, Word::Waived).then_some(true);
        } else if let SubscriptionCommand::ApplyDiscount(c) = command {
            if let Word::Months(count) = word {
                c.duration = DiscountDuration::Months(count);
            }
        } else if let SubscriptionCommand::ChangePlan(c) = command {
            if let Word::Version(number) = word {
                c.version = Some(number);
            } else if let Word::KeepsPrices = word {
                c.keep_prices = Some(true);
            } else if let Word::KeepsScheduled = word {
                c.keep_scheduled = Some(true);
            }
        }
    }

    fn say_of_terms(&self, customer: CustomerId, with: &mut SubscriptionTerms, word: Word) {
        let money = |cents: i64| Minor(cents).of(self.currency(customer));
        if let Word::Least(count, costs) = word {
            with.least_term = Some(LeastTermRequest {
                length: Every { count, unit: CalendarUnit::Month },
                early_end: costs.map_or(EarlyEnd::Refused, |fee| EarlyEnd::Fee(money(fee))),
            });
        } else if let Word::PhaseMonths(count) = word {
            for phase in with.ramp.iter_mut().flatten() {
                (phase.days, phase.months) = (None, Some(count));
            }
        } else if let Word::RampEnds = word {
            with.ramp_end = Some(RampEnd::End);
        } else if let Word::Tolerates(cents) = word {
            if let Some(activation) = &mut with.activation {
                activation.tolerance = Some(money(cents));
            }
        } else if let Word::OwnPrice(price) = word {
            let rate = Some(rate(9, price));
            let (price, quantity, remove) = (text("fee"), None, None);
            let request = ItemRequest { price, quantity, rate, remove };
            with.items.get_or_insert_default().push(request);
        }
    }

    fn say_of_billing(&self, command: &mut BillingCommand, word: Word) {
        if let BillingCommand::AddCharge(c) = command
            && let Word::Units(units) = word
            && let ChargePrice::Total(total) = c.price
        {
            let (mantissa, currency) = (i128::from(total.minor().0), self.currency(c.customer));
            // Tenths of a cent.
            let amount = Decimal::from_parts(mantissa, 3).expect("small");
            c.price = ChargePrice::PerUnit(UnitPrice { amount, currency });
            c.quantity = Some(whole(units));
        } else if let BillingCommand::InvoiceNow(c) = command
            && let Word::Through(days, ahead) = word
        {
            (c.through, c.ahead) = (Some(self.today(days)), Some(ahead));
        }
    }

    fn open_of(&self, number: usize) -> Option<(CustomerId, schemas::ids::InvoiceId, i64)> {
        let (customer, invoice) = pick(&self.invoices, number)?;
        let account = self.kept.ledger.customer(customer)?;
        Some((customer, invoice, account.invoice(invoice)?.open().0))
    }

    /// An invoice of a customer.
    fn invoice_of(&self, customer: CustomerId, number: usize) -> Option<InvoiceId> {
        let of = |(owes, _): &&(CustomerId, InvoiceId)| *owes == customer;
        let own: Vec<(CustomerId, InvoiceId)> = self.invoices.iter().filter(of).copied().collect();
        pick(&own, number).map(|(_, invoice)| invoice)
    }

    fn grant(&mut self, customer: usize, cents: i64, terms: &GrantTerms) -> Option<Command> {
        let customer = pick(&self.customers, customer)?;
        let kinds = [GrantKind::Goodwill, GrantKind::Promotion, GrantKind::Prepayment];
        let of = |(payer, _): &&(CustomerId, SubscriptionId)| *payer == customer;
        let own: Vec<(CustomerId, SubscriptionId)> =
            self.subscriptions.iter().filter(of).copied().collect();
        let scope = terms.subscription.and_then(|number| pick(&own, number));
        let grant = CreditGrantId::new(self.id());
        let amount = Minor(cents).of(self.currency(customer));
        Some(
            GrantCredit {
                kind: Some(kinds[terms.kind % 3]),
                expires: terms.days.and_then(|days| self.today(0).plus_days(days).ok()),
                scope: scope.map(|(_, id)| LotScope::Subscription(id)),
                priority: terms.priority,
                refundable: terms.refundable,
                ..GrantCredit::plain(customer, grant, amount, text("because"))
            }
            .into(),
        )
    }

    fn note(
        &mut self,
        invoice: usize,
        line: usize,
        percent: i64,
        to_credit: bool,
    ) -> Option<Command> {
        let (customer, invoice, open) = self.open_of(invoice)?;
        let of = if to_credit { 3_000 } else { open };
        let amount = Minor(of * percent / 100).of(self.currency(customer));
        let line = u32::try_from(line).expect("small") + 1;
        let lines = vec![CreditLine { line, amount }];
        let note = CreditNoteId::new(self.id());
        let to = to_credit.then_some(NoteTarget::Credit);
        Some(IssueCreditNote { customer, note, invoice, lines, to }.into())
    }

    fn pay_to(&mut self, invoice: usize, percent: i64, more: i64) -> Option<Command> {
        let (customer, invoice, open) = self.open_of(invoice)?;
        let currency = self.currency(customer);
        let part = open * percent / 100;
        let amount = Minor(part).of(currency);
        let allocate = Some(Allocate::To(vec![AllocationRequest { invoice, amount }]));
        let payment = PaymentId::new(self.id());
        let amount = Minor(part + more).of(currency);
        let (external_id, method) = (None, None);
        Some(RecordPayment { customer, payment, amount, external_id, method, allocate }.into())
    }

    /// From the version that a subscription has to another one of its plan.
    fn migration(
        &mut self,
        subscription: usize,
        to: usize,
        days: i64,
        map: usize,
    ) -> Option<Command> {
        let (customer, subscription) = pick(&self.subscriptions, subscription)?;
        let of = &self.model.customers[&customer];
        let of = &of.subscriptions[of.place_of(subscription).ok()?];
        let terms = of.items.iter().find_map(|item| item.last_terms())?;
        let (plan, from_version) = (terms.plan, terms.version);
        let versions: Vec<u32> = (1..=9).filter(|version| *version != from_version).collect();
        let there = |version: &u32| self.model.has_version(plan, *version);
        let versions: Vec<u32> = versions.into_iter().filter(there).collect();
        let (to_version, on) = (pick(&versions, to)?, self.today(days));
        self.migrations.push((plan, from_version));
        Some(MigratePlan { plan, from_version, to_version, on, map: mapping(map) }.into())
    }

    fn ramp(&self, days: i32, phases: usize) -> SubscriptionTerms {
        let day = |n: usize| -> Date {
            let later = days * i32::try_from(n).expect("few");
            self.today(0).plus_days(later).expect("this century")
        };
        let phase = |n: usize| RampPhase {
            days: Some(Interval::new(day(n), day(n + 1)).expect("not empty")),
            months: None,
            items: Some(vec![ItemRequest {
                price: text("fee"),
                quantity: Some(whole(i64::try_from(n).expect("few") * 2 + 1)),
                rate: None,
                remove: None,
            }]),
            discount_percent: n.is_multiple_of(2).then(|| whole(10)),
        };
        let ramp = Some((0..phases).map(phase).collect());
        SubscriptionTerms { ramp, ..SubscriptionTerms::default() }
    }
}

fn unchanged(customer: CustomerId) -> UpdateCustomer {
    UpdateCustomer {
        customer,
        external_id: None,
        name: None,
        email: None,
        payment_terms_days: None,
        address: None,
        tax_ids: None,
        zone: None,
        purchase_order: None,
        clear: None,
    }
}

fn whole(number: i64) -> Decimal {
    Decimal::from_parts(i128::from(number), 0).expect("small")
}
