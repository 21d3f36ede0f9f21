//! Moves become commands: numbers become ids of what there is.

use schemas::command::{
    AcceptQuote, Activation, AddCharge, AdvanceClock, ApplyDiscount, CancelSubscription,
    ChangePlan, ChangeQuantity, ChangeSubscription, ChargeInvoice, ChargePrice, CreateQuote,
    CreateSubscription, DefineCoupon, DefinePlan, GrantCredit, InvoiceNow, InvoiceRequest,
    ItemRequest, MigratePlan, PauseSubscription, RampPhase, RecordPayment, RedeemCoupon,
    RefundEffect, RefundPayment, RegisterCustomer, RemoveDiscount, ResumeSubscription, RetirePlan,
    ReversePayment, RunBilling, SetRenewal, SubscriptionTerms, UncancelSubscription, VoidInvoice,
    VoidQuote, WithdrawChange,
};
use schemas::event::Dimension;
use schemas::ids::{CustomerId, EntityId};
use schemas::terms::{
    Anchor, BillingTiming, CalendarUnit, CancelCredit, ChangeTime, CurrencyPrice, DiscountDuration,
    DiscountTarget, DiscountValue, Every, InvoiceTiming, ItemTarget, PackageRate, PercentageRate,
    PriceDefinition, Rate, Recurrence, Renewal, Settle, TermRequest, Tier,
};
use schemas::{Command, Currency, Date, Decimal, Interval, Minor, Money, Personal};
use uuid::Uuid;

use crate::moves::{Anchored, Move, Plan, Terms, Then, What};
use crate::play::{Game, instant, text};

/// Zones with and without summer time, at half hours and quarters, with midnights that are
/// skipped, and with a summer time that is below the winter's.
pub(crate) const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Tehran",
    "Pacific/Chatham",
];
const CURRENCIES: [&str; 4] = ["EUR", "USD", "JPY", "KWD"];
const CYCLES: [(u16, CalendarUnit); 10] = [
    (1, CalendarUnit::Month),
    (1, CalendarUnit::Month),
    (1, CalendarUnit::Month),
    (3, CalendarUnit::Month),
    (6, CalendarUnit::Month),
    (1, CalendarUnit::Year),
    (1, CalendarUnit::Week),
    (2, CalendarUnit::Week),
    (10, CalendarUnit::Day),
    (5, CalendarUnit::Month),
];
const MOST_CUSTOMERS: usize = 4;

pub(crate) fn pick<T: Clone>(of: &[T], number: usize) -> Option<T> {
    (!of.is_empty()).then(|| of[number % of.len()].clone())
}

fn every(number: usize) -> Every {
    let (count, unit) = CYCLES[number % CYCLES.len()];
    Every { count, unit }
}

fn decimal(mantissa: i64, scale: u32) -> Decimal {
    Decimal::from_parts(i128::from(mantissa), scale).expect("small")
}

/// Whole units and tenths.
fn units(quantity: u32) -> Decimal {
    if quantity.is_multiple_of(5) {
        decimal(quantity.into(), 1)
    } else {
        decimal(quantity.into(), 0)
    }
}

fn settle(number: usize) -> Option<Settle> {
    [
        None,
        None,
        Some(Settle::Now),
        Some(Settle::Now),
        Some(Settle::Next),
        Some(Settle::Next),
        Some(Settle::None),
    ][number % 7]
}

const fn timing(now: bool) -> InvoiceTiming {
    if now { InvoiceTiming::Now } else { InvoiceTiming::Next }
}

fn rate(kind: usize, price: i64) -> Rate {
    let amount = decimal(price, 4);
    let tier = |up_to: Option<i64>, unit: i64, flat: i64| Tier {
        up_to: up_to.map(|n| decimal(n, 0)),
        unit: decimal(unit, 4),
        flat: decimal(flat, 4),
        percent: Decimal::ZERO,
    };
    let tiers = || {
        vec![
            tier(Some(5), price, price / 2),
            tier(Some(20), price / 2, 0),
            tier(None, price / 3, 0),
        ]
    };
    match kind {
        0..=2 => Rate::Flat(amount),
        3 => Rate::Graduated(tiers()),
        4 => Rate::Volume(tiers()),
        5 => Rate::Package(PackageRate {
            price: amount,
            size: decimal(7, 0),
            free_units: decimal(3, 0),
        }),
        6 if price % 2 == 0 => Rate::Percentage(PercentageRate {
            percent: decimal(price % 200, 1),
            fixed: decimal(25, 2),
            free_amount: Decimal::ONE,
            min: Some(decimal(5, 1)),
            max: Some(decimal(500, 0)),
        }),
        6 => Rate::Capacity(tiers()),
        _ => Rate::PerUnit(amount),
    }
}

fn hours_back(action: &Move) -> i64 {
    match *action {
        // Known for so long that changes can be backdated.
        Move::Register { .. } => 24 * 120,
        Move::Subscribe { back, .. }
        | Move::Change { back, .. }
        | Move::Cancel { back, .. }
        | Move::Pause { back, .. }
        | Move::Resume { back, .. }
        | Move::Charge { back, .. }
        | Move::Void { back, .. }
        | Move::Pay { back, .. } => back,
        Move::Advance { .. }
        | Move::Define(_)
        | Move::Retire { .. }
        | Move::Migrate { .. }
        | Move::Coupon { .. }
        | Move::Uncancel { .. }
        | Move::Withdraw { .. }
        | Move::Renewal { .. }
        | Move::Quote { .. }
        | Move::Accept { .. }
        | Move::VoidQuote { .. }
        | Move::Discount { .. }
        | Move::Undiscount { .. }
        | Move::Redeem { .. }
        | Move::InvoiceNow { .. }
        | Move::Run { .. }
        | Move::Reverse { .. }
        | Move::Refund { .. }
        | Move::Grant { .. } => 0,
    }
}

impl Game {
    /// The command of a move and how many hours back it takes effect; none if there is nothing
    /// that it could name.
    pub(crate) fn command(&mut self, action: &Move) -> Option<(Command, i64)> {
        let command = self
            .on_the_book(action)
            .or_else(|| self.on_a_subscription(action))
            .or_else(|| self.offered(action))
            .or_else(|| self.settled(action));
        Some((command?, hours_back(action)))
    }

    fn today(&self, days: i64) -> Date {
        let day = self.now.div_euclid(86_400_000_000) + days;
        Date::from_days(i32::try_from(day).expect("this century")).expect("this century")
    }

    fn on_the_book(&mut self, action: &Move) -> Option<Command> {
        if let Move::Advance { minutes } = action {
            let to = instant(self.now + minutes * 60_000_000);
            Some(AdvanceClock { to }.into())
        } else if let Move::Register { zone, currency, child } = action {
            self.register(*zone, *currency, *child)
        } else if let Move::Define(plan) = action {
            Some(self.define(plan))
        } else if let Move::Retire { plan } = action {
            Some(RetirePlan { plan: pick(&self.plans, *plan)? }.into())
        } else if let Move::Migrate { plan, days } = action {
            let plan = pick(&self.plans, *plan)?;
            Some(MigratePlan { plan, from_version: 1, to_version: 2, on: self.today(*days) }.into())
        } else if let Move::Coupon { percent, value, most } = action {
            let coupon = schemas::ids::CouponId::new(self.id());
            self.coupons.push(coupon);
            let currency = "EUR".parse().expect("a currency");
            Some(
                DefineCoupon {
                    coupon,
                    value: discount_value(*percent, *value, currency),
                    duration: DiscountDuration::Cycles(2),
                    max_redemptions: *most,
                    from: None,
                    through: Some(self.today(90)),
                }
                .into(),
            )
        } else if let Move::Run { back } = action {
            let run = schemas::ids::BillingRunId::new(self.id());
            Some(RunBilling { run, through: self.today(-back) }.into())
        } else {
            None
        }
    }

    pub(crate) fn register(
        &mut self,
        zone: usize,
        currency: usize,
        child: bool,
    ) -> Option<Command> {
        if self.customers.len() >= MOST_CUSTOMERS {
            return None;
        }
        let parent = if child { self.customers.first().copied() } else { None };
        Some(
            RegisterCustomer {
                customer: CustomerId::new(self.id()),
                entity: EntityId::new(Uuid::from_u128(1)),
                external_id: None,
                name: Personal::Clear("Customer".to_owned()),
                email: None,
                currency: text(CURRENCIES[currency % CURRENCIES.len()]),
                zone: Some(ZONES[zone % ZONES.len()].parse().expect("a zone")),
                payment_terms_days: None,
                parent,
            }
            .into(),
        )
    }

    pub(crate) fn define(&mut self, plan: &Plan) -> Command {
        if plan.number >= self.plans.len() {
            let new = schemas::ids::PlanId::new(self.id());
            self.plans.push(new);
        }
        let id = self.plans[plan.number % self.plans.len()];
        let price = |name: &str, rate: Rate, recurrence, every, minimum: Option<i64>| {
            let amounts = CURRENCIES.map(|code| CurrencyPrice {
                currency: text(code),
                rate: rate.clone(),
                minimum: minimum.map(|minimum| decimal(minimum, 4)),
            });
            PriceDefinition {
                price: text(name),
                name: None,
                recurrence: Some(recurrence),
                every,
                timing: None,
                amounts: amounts.to_vec(),
            }
        };
        let recurring = Recurrence::Recurring;
        let mut prices =
            vec![price("fee", rate(plan.rate, plan.price), recurring, None, plan.minimum)];
        if let Some(second) = plan.second {
            let length = (second % 3 == 0).then(|| every(second + 1));
            prices.push(price("seat", rate(second + 4, plan.price / 3), recurring, length, None));
        }
        if plan.setup {
            prices.push(price("setup", rate(0, plan.price / 5), Recurrence::Setup, None, None));
        }
        prices.push(price("extra", rate(9, plan.price / 7), Recurrence::AddOn, None, None));
        DefinePlan {
            plan: id,
            name: text("Plan"),
            product: (plan.number.is_multiple_of(2)).then(|| text("storage")),
            every: every(plan.every),
            timing: if plan.arrears { BillingTiming::InArrears } else { BillingTiming::InAdvance },
            trial_days: Some(plan.trial),
            lead_days: Some(plan.lead),
            prices,
        }
        .into()
    }

    fn anchor(&self, anchor: Anchored) -> Anchor {
        match anchor {
            Anchored::Anniversary => Anchor::Anniversary,
            Anchored::Calendar => Anchor::Calendar,
            Anchored::Day(day) => Anchor::Day(day),
            Anchored::Date(days) => Anchor::Date(self.today(days)),
        }
    }

    fn then(&self, when: Then) -> ChangeTime {
        match when {
            Then::Now => ChangeTime::Now,
            Then::CycleEnd => ChangeTime::CycleEnd,
            Then::On(days) => ChangeTime::On(self.today(days)),
            Then::WhenPaid => ChangeTime::WhenPaid,
        }
    }

    fn terms(&self, customer: CustomerId, terms: &Terms, back: i64) -> SubscriptionTerms {
        let request = |price: &str, quantity: i64| ItemRequest {
            price: text(price),
            quantity: Some(decimal(quantity, 0)),
            rate: None,
            remove: None,
        };
        let ramp = (terms.ramp > 0).then(|| {
            let start = self.now.div_euclid(3_600_000_000) - back;
            let first = i32::try_from(start.div_euclid(24)).expect("this century");
            let day = |months: usize| {
                let days = i32::try_from(months).expect("few") * 31;
                Date::from_days(first + days).expect("this century")
            };
            (0..terms.ramp)
                .map(|n| RampPhase {
                    days: Interval::new(day(n), day(n + 1)).expect("not empty"),
                    items: Some(vec![request("fee", i64::try_from(n).expect("few") + 1)]),
                    discount_percent: (n % 2 == 1).then(|| decimal(125, 1)),
                })
                .collect()
        });
        let children: Vec<CustomerId> = self.children.clone();
        SubscriptionTerms {
            items: terms.add_on.then(|| vec![request("extra", 2)]),
            anchor: terms.anchor.map(|anchor| self.anchor(anchor)),
            trial_days: terms.trial,
            term: terms.term.map(|(count, renewal)| TermRequest {
                length: Every { count, unit: CalendarUnit::Month },
                renewal: renewal_of(renewal),
            }),
            ramp,
            activation: terms.activation.then_some(Activation { expires_after_hours: 72 }),
            beneficiary: children
                .first()
                .copied()
                .filter(|child| terms.child && *child != customer),
            quote: None,
            dimensions: Some(vec![Dimension { key: text("channel"), value: text("partner") }]),
        }
    }

    fn on_a_subscription(&mut self, action: &Move) -> Option<Command> {
        if let Move::Subscribe { customer, plan, terms, now, back } = action {
            let customer = pick(&self.customers, *customer)?;
            let plan = pick(&self.plans, *plan)?;
            let with = Some(self.terms(customer, terms, *back));
            let subscription = schemas::ids::SubscriptionId::new(self.id());
            let (quantity, invoice) = (Some(units(terms.quantity)), Some(timing(*now)));
            return Some(
                CreateSubscription {
                    customer,
                    subscription,
                    plan,
                    version: None,
                    quantity,
                    invoice,
                    with,
                }
                .into(),
            );
        }
        if let Move::Change { subscription, what, when, settle, .. } = action {
            return self.change(*subscription, what, *when, *settle);
        }
        if let Move::Cancel { subscription, when, credit, .. } = action {
            let (customer, subscription) = pick(&self.subscriptions, *subscription)?;
            let credits = [CancelCredit::Prorated, CancelCredit::None, CancelCredit::Full];
            let (when, credit) = (self.then(*when), credit.map(|n| credits[n % 3]));
            return Some(CancelSubscription { customer, subscription, when, credit }.into());
        }
        if let Move::Uncancel { subscription } = action {
            let (customer, subscription) = pick(&self.subscriptions, *subscription)?;
            return Some(UncancelSubscription { customer, subscription }.into());
        }
        if let Move::Withdraw { subscription, change } = action {
            let (customer, subscription) = pick(&self.subscriptions, *subscription)?;
            return Some(WithdrawChange { customer, subscription, change: *change }.into());
        }
        if let Move::Pause { subscription, when, settle: how, days, .. } = action {
            let (customer, subscription) = pick(&self.subscriptions, *subscription)?;
            let (when, credit) = (self.then(*when), settle(*how));
            let resume_on = days.map(|days| self.today(days));
            return Some(
                PauseSubscription { customer, subscription, when, credit, resume_on }.into(),
            );
        }
        if let Move::Resume { subscription, when, settle: how, .. } = action {
            let (customer, subscription) = pick(&self.subscriptions, *subscription)?;
            let (when, proration) = (self.then(*when), settle(*how));
            return Some(ResumeSubscription { customer, subscription, when, proration }.into());
        }
        if let Move::Renewal { subscription, renewal } = action {
            let (customer, subscription) = pick(&self.subscriptions, *subscription)?;
            let renewal = renewal_of(*renewal);
            return Some(SetRenewal { customer, subscription, renewal }.into());
        }
        None
    }

    fn change(&self, number: usize, what: &What, when: Then, how: usize) -> Option<Command> {
        let (customer, subscription) = pick(&self.subscriptions, number)?;
        let (when, proration) = (self.then(when), settle(how));
        let mut change = ChangeSubscription {
            customer,
            subscription,
            plan: None,
            version: None,
            quantity: None,
            items: None,
            anchor: None,
            when,
            proration,
        };
        match what {
            What::Plan(plan) => {
                let plan = pick(&self.plans, *plan)?;
                let version = None;
                return Some(
                    ChangePlan { customer, subscription, plan, version, when, proration }.into(),
                );
            }
            What::Quantity(quantity) => {
                let quantity = units(*quantity);
                return Some(
                    ChangeQuantity { customer, subscription, quantity, when, proration }.into(),
                );
            }
            What::Items { quantity, own_price, add_on } => {
                let mut items = vec![ItemRequest {
                    price: text("fee"),
                    quantity: Some(units(*quantity)),
                    rate: own_price.map(|price| rate(9, price)),
                    remove: None,
                }];
                if *add_on > 0 {
                    items.push(ItemRequest {
                        price: text("extra"),
                        quantity: (*add_on == 1).then(|| units(*quantity)),
                        rate: None,
                        remove: (*add_on == 3).then_some(true),
                    });
                }
                change.items = Some(items);
            }
            What::Anchor(anchor) => change.anchor = Some(self.anchor(*anchor)),
        }
        Some(change.into())
    }

    fn target(&self, number: usize, target: usize) -> Option<(CustomerId, DiscountTarget)> {
        let (customer, subscription) = pick(&self.subscriptions, number)?;
        Some((
            customer,
            match target {
                0 => DiscountTarget::Customer,
                1 => DiscountTarget::Item(ItemTarget { subscription, price: text("fee") }),
                2 => DiscountTarget::Product(text("storage")),
                _ => DiscountTarget::Subscription(subscription),
            },
        ))
    }

    fn offered(&mut self, action: &Move) -> Option<Command> {
        if let Move::Quote { customer, plan, terms, days } = action {
            let customer = pick(&self.customers, *customer)?;
            let plan = pick(&self.plans, *plan)?;
            let terms = Terms { ramp: 0, ..terms.clone() };
            let (with, valid_until) = (Some(self.terms(customer, &terms, 0)), self.today(*days));
            let quote = schemas::ids::QuoteId::new(self.id());
            self.quotes.push((customer, quote));
            let (version, quantity) = (None, Some(units(terms.quantity)));
            return Some(
                CreateQuote { customer, quote, plan, version, quantity, with, valid_until }.into(),
            );
        }
        if let Move::Accept { quote, now } = action {
            let (customer, quote) = pick(&self.quotes, *quote)?;
            let subscription = schemas::ids::SubscriptionId::new(self.id());
            let invoice = Some(timing(*now));
            return Some(AcceptQuote { customer, quote, subscription, invoice }.into());
        }
        if let Move::VoidQuote { quote } = action {
            let (customer, quote) = pick(&self.quotes, *quote)?;
            return Some(VoidQuote { customer, quote }.into());
        }
        if let Move::Discount { subscription, target, percent, value, lasts } = action {
            let (customer, on) = self.target(*subscription, *target)?;
            let discount = schemas::ids::DiscountId::new(self.id());
            let value = discount_value(*percent, *value, self.currency(customer));
            let duration = match lasts {
                0 => DiscountDuration::Forever,
                1 => DiscountDuration::Once,
                more => DiscountDuration::Cycles(*more),
            };
            return Some(ApplyDiscount { customer, discount, on, value, duration }.into());
        }
        if let Move::Undiscount { discount } = action {
            let (customer, discount) = pick(&self.discounts, *discount)?;
            return Some(RemoveDiscount { customer, discount }.into());
        }
        if let Move::Redeem { subscription, coupon, target } = action {
            let (customer, on) = self.target(*subscription, *target)?;
            let coupon = pick(&self.coupons, *coupon)?;
            let discount = schemas::ids::DiscountId::new(self.id());
            return Some(RedeemCoupon { customer, coupon, discount, on }.into());
        }
        None
    }

    fn settled(&mut self, action: &Move) -> Option<Command> {
        let reason = text("because");
        if let Move::Charge { customer, cents, days, now, .. } = action {
            let customer = pick(&self.customers, *customer)?;
            let service = days.map(|days| {
                Interval::new(self.today(-10), self.today(days - 10)).expect("not empty")
            });
            let total = Minor(*cents).of(self.currency(customer));
            return Some(
                AddCharge {
                    customer,
                    charge: schemas::ids::ChargeId::new(self.id()),
                    description: text("Charge"),
                    price: ChargePrice::Total(total),
                    quantity: None,
                    service,
                    invoice: now.then(|| ChargeInvoice::Now(InvoiceRequest::default())),
                }
                .into(),
            );
        }
        if let Move::InvoiceNow { customer } = action {
            let customer = pick(&self.customers, *customer)?;
            return Some(InvoiceNow { customer, invoice: None }.into());
        }
        if let Move::Void { invoice, rebill, .. } = action {
            let (customer, invoice) = pick(&self.invoices, *invoice)?;
            return Some(VoidInvoice { customer, invoice, reason, rebill: *rebill }.into());
        }
        if let Move::Pay { customer, percent, .. } = action {
            let customer = pick(&self.customers, *customer)?;
            let amount = self.part(self.owed(customer), *percent, customer);
            let payment = schemas::ids::PaymentId::new(self.id());
            return Some(
                RecordPayment {
                    customer,
                    payment,
                    amount,
                    external_id: None,
                    method: None,
                    allocate: None,
                }
                .into(),
            );
        }
        if let Move::Reverse { payment } = action {
            let (customer, payment, _) = pick(&self.payments, *payment)?;
            return Some(ReversePayment { customer, payment, reason }.into());
        }
        if let Move::Refund { payment, percent, effect } = action {
            let (customer, payment, paid) = pick(&self.payments, *payment)?;
            let amount = self.part(i128::from(paid), *percent, customer);
            let refund = schemas::ids::RefundId::new(self.id());
            let effect = match effect {
                0 => RefundEffect::Reopen,
                1 => RefundEffect::CreditNote(None),
                _ => RefundEffect::CustomerCredit,
            };
            return Some(
                RefundPayment { customer, payment, refund, amount, effect, reason }.into(),
            );
        }
        if let Move::Grant { customer, cents } = action {
            let customer = pick(&self.customers, *customer)?;
            let amount = Minor(*cents).of(self.currency(customer));
            let grant = schemas::ids::CreditGrantId::new(self.id());
            return Some(GrantCredit { customer, grant, amount, reason }.into());
        }
        None
    }

    fn part(&self, of: i128, percent: i64, customer: CustomerId) -> Money {
        let amount = i64::try_from(of * i128::from(percent) / 100).expect("an amount");
        Minor(amount).of(self.currency(customer))
    }
}

fn renewal_of(number: usize) -> Renewal {
    [Renewal::Renew, Renewal::RenewOnce, Renewal::Evergreen, Renewal::Cancel][number % 4]
}

/// 0.5 to 100 percent, or an amount.
fn discount_value(percent: bool, value: i64, currency: Currency) -> DiscountValue {
    if percent {
        DiscountValue::Percent(decimal((value % 200 + 1) * 5, 1))
    } else {
        DiscountValue::Amount(Minor(value).of(currency))
    }
}
