//! Moves become commands: numbers become ids of what there is.

use schemas::command::{
    AddCharge, AdvanceClock, Allocate, AllocationRequest, ApplyDiscount, CancelSubscription,
    ChangePlan, ChangeQuantity, ChargeInvoice, ChargePrice, CreateSubscription, DefinePlan,
    GrantCredit, InvoiceNow, InvoiceRequest, RecordPayment, RefundEffect, RefundPayment,
    RegisterCustomer, RemoveDiscount, RetirePlan, ReversePayment, RunBilling, UpdateCustomer,
    VoidInvoice,
};
use schemas::command::{
    BillingCommand, BookCommand, CatalogCommand, CustomerCommand, ProcessCommand,
    SettlementCommand, SubscriptionCommand,
};
use schemas::ids::{
    BillingRunId, ChargeId, CreditGrantId, CustomerId, DiscountId, EntityId, PaymentId, PlanId,
    RefundId, SubscriptionId,
};
use schemas::terms::{
    BillingTiming, CalendarUnit, CancelCredit, ChangeTime, CurrencyPrice, DiscountDuration,
    DiscountTarget, DiscountValue, Every, InvoiceTiming, PriceDefinition, Rate, Settle, UnitPrice,
};
use schemas::{Command, Currency, Date, Decimal, Interval, Money};
use tests::kept::instant;
use uuid::Uuid;

use crate::calendar::day_at;
use crate::drive::{Game, cents, text};
use crate::moves::{Buying, Charging, Discounting, Move, OnBook, Settling};

const ZONES: [&str; 3] = ["UTC", "Asia/Tokyo", "America/Phoenix"];
const CYCLES: [(u16, CalendarUnit); 7] = [
    (1, CalendarUnit::Month),
    (3, CalendarUnit::Month),
    (1, CalendarUnit::Year),
    (1, CalendarUnit::Week),
    (2, CalendarUnit::Week),
    (10, CalendarUnit::Day),
    (1, CalendarUnit::Month),
];
const MOST_CUSTOMERS: usize = 3;

fn pick<T: Copy>(of: &[T], number: usize) -> Option<T> {
    (!of.is_empty()).then(|| of[number % of.len()])
}

fn tenths(quantity: u32) -> Decimal {
    Decimal::from_parts(i128::from(quantity), 1).expect("small")
}

const fn timing(now: bool) -> InvoiceTiming {
    if now { InvoiceTiming::Now } else { InvoiceTiming::Next }
}

const fn settle(now: bool) -> Settle {
    if now { Settle::Now } else { Settle::Next }
}

const fn change_time(at_end: bool) -> ChangeTime {
    if at_end { ChangeTime::CycleEnd } else { ChangeTime::Now }
}

fn price(ten_thousandths: i64, currency: Currency) -> UnitPrice {
    let amount = Decimal::from_parts(i128::from(ten_thousandths), 4).expect("small");
    UnitPrice { amount, currency }
}

/// The only price of a plan, in both currencies.
fn prices(per_unit: bool, amount: i64) -> Vec<PriceDefinition> {
    let in_currency = |amount: i64, code: &str| {
        let UnitPrice { amount, currency } = price(amount, code.parse().expect("a currency"));
        let rate = if per_unit { Rate::PerUnit(amount) } else { Rate::Flat(amount) };
        CurrencyPrice { currency, rate, minimum: None }
    };
    vec![PriceDefinition {
        price: text("fee"),
        name: None,
        recurrence: None,
        every: None,
        timing: None,
        amounts: vec![in_currency(amount, "EUR"), in_currency(amount * 2 + 1, "USD")],
    }]
}

fn hours_back(action: &Move) -> i64 {
    match *action {
        // Known for so long that changes can be backdated.
        Move::Book(OnBook::Register { .. }) => 24 * 120,
        Move::Buy(
            Buying::Subscribe { back, .. }
            | Buying::ChangePlan { back, .. }
            | Buying::ChangeQuantity { back, .. }
            | Buying::Cancel { back, .. },
        )
        | Move::Charge(Charging::Once { back, .. })
        | Move::Settle(
            Settling::Pay { back, .. }
            | Settling::Refund { back, .. }
            | Settling::Void { back, .. },
        ) => back,
        Move::Book(_)
        | Move::Discount(_)
        | Move::Charge(Charging::Terms { .. } | Charging::InvoiceNow { .. })
        | Move::Settle(Settling::Reverse { .. } | Settling::Grant { .. }) => 0,
    }
}

impl Game {
    /// The command of a move, and how many hours back it takes effect; none if there is nothing
    /// that it could name.
    pub(crate) fn command(&mut self, action: &Move) -> Option<(Command, i64)> {
        let command = match action {
            Move::Book(action) => self.book_command(action),
            Move::Buy(action) => self.buying_command(action),
            Move::Discount(action) => self.discount_command(action),
            Move::Charge(action) => self.charge_command(action),
            Move::Settle(action) => self.settling_command(action),
        };
        Some((command?, hours_back(action)))
    }

    fn book_command(&mut self, action: &OnBook) -> Option<Command> {
        Some(match *action {
            OnBook::Advance { hours } => {
                let to = instant(self.now + hours * 3_600_000_000);
                Command::Book(BookCommand::AdvanceClock(AdvanceClock { to }))
            }
            OnBook::Register { zone, dollars, terms } => {
                if self.customers.len() >= MOST_CUSTOMERS {
                    return None;
                }
                let customer = CustomerId::new(self.id());
                Command::Customer(CustomerCommand::RegisterCustomer(RegisterCustomer {
                    customer,
                    entity: EntityId::new(Uuid::from_u128(1)),
                    external_id: None,
                    name: "Customer".parse().expect("a name"),
                    email: None,
                    currency: if dollars { "USD" } else { "EUR" }.parse().expect("a currency"),
                    zone: Some(ZONES[zone].parse().expect("a zone")),
                    payment_terms_days: Some(terms),
                    parent: None,
                    address: None,
                    tax_ids: None,
                    purchase_order: None,
                }))
            }
            OnBook::DefinePlan { plan, every, arrears, per_unit, price: amount } => {
                let new = PlanId::new(self.id());
                if plan >= self.plans.len() {
                    self.plans.push(new);
                }
                let plan = pick(&self.plans, plan)?;
                let (count, unit) = CYCLES[every];
                Command::Catalog(CatalogCommand::DefinePlan(DefinePlan {
                    plan,
                    name: text("Plan"),
                    product: None,
                    every: Every { count, unit },
                    timing: if arrears {
                        BillingTiming::InArrears
                    } else {
                        BillingTiming::InAdvance
                    },
                    trial_days: None,
                    lead_days: None,
                    prices: prices(per_unit, amount),
                }))
            }
            OnBook::RetirePlan { plan } => {
                Command::Catalog(CatalogCommand::RetirePlan(RetirePlan {
                    plan: pick(&self.plans, plan)?,
                }))
            }
            OnBook::Run { back_days } => {
                let today = i32::try_from(day_at(self.now, 0)).expect("this century");
                let run = BillingRunId::new(self.id());
                let through = Date::from_days(today - back_days)?;
                Command::Process(ProcessCommand::RunBilling(RunBilling { run, through }))
            }
        })
    }

    fn buying_command(&mut self, action: &Buying) -> Option<Command> {
        Some(match *action {
            Buying::Subscribe { customer, plan, first, quantity, now, .. } => {
                let customer = pick(&self.customers, customer)?;
                let plan = pick(&self.plans, plan)?;
                let subscription = SubscriptionId::new(self.id());
                Command::Subscription(SubscriptionCommand::CreateSubscription(CreateSubscription {
                    customer,
                    subscription,
                    plan,
                    version: first.then_some(1),
                    quantity: (quantity % 3 != 0).then(|| tenths(quantity)),
                    invoice: Some(timing(now)),
                    with: None,
                }))
            }
            Buying::ChangePlan { subscription, plan, at_end, now, .. } => {
                let (customer, subscription) = pick(&self.subscriptions, subscription)?;
                let plan = pick(&self.plans, plan)?;
                let (when, proration) = (change_time(at_end), Some(settle(now)));
                let version = None;
                Command::Subscription(SubscriptionCommand::ChangePlan(ChangePlan {
                    customer,
                    subscription,
                    plan,
                    version,
                    when,
                    proration,
                }))
            }
            Buying::ChangeQuantity { subscription, quantity, at_end, now, .. } => {
                let (customer, subscription) = pick(&self.subscriptions, subscription)?;
                let quantity = tenths(quantity);
                let (when, proration) = (change_time(at_end), Some(settle(now)));
                Command::Subscription(SubscriptionCommand::ChangeQuantity(ChangeQuantity {
                    customer,
                    subscription,
                    quantity,
                    when,
                    proration,
                }))
            }
            Buying::Cancel { subscription, at_end, keep, .. } => {
                let (customer, subscription) = pick(&self.subscriptions, subscription)?;
                let when = change_time(at_end);
                let credit = keep.then_some(CancelCredit::None);
                Command::Subscription(SubscriptionCommand::CancelSubscription(CancelSubscription {
                    customer,
                    subscription,
                    when,
                    credit,
                }))
            }
        })
    }

    fn discount_command(&mut self, action: &Discounting) -> Option<Command> {
        Some(match *action {
            Discounting::Give { customer, subscription, percent, value, lasts } => {
                let discount = DiscountId::new(self.id());
                let (customer, on) = match subscription {
                    Some(number) => {
                        let (customer, subscription) = pick(&self.subscriptions, number)?;
                        (customer, DiscountTarget::Subscription(subscription))
                    }
                    None => (pick(&self.customers, customer)?, DiscountTarget::Customer),
                };
                let value = if percent {
                    // 0.5 to 100 percent
                    let tenths = i128::from(value % 200 + 1) * 5;
                    DiscountValue::Percent(Decimal::from_parts(tenths, 1).expect("small"))
                } else {
                    DiscountValue::Amount(cents(value, self.currency(customer)))
                };
                let duration = match lasts {
                    0 => DiscountDuration::Forever,
                    1 => DiscountDuration::Once,
                    more => DiscountDuration::Cycles(more),
                };
                let apply = ApplyDiscount { customer, discount, on, value, duration };
                Command::Subscription(SubscriptionCommand::ApplyDiscount(apply))
            }
            Discounting::Remove { discount } => {
                let (customer, discount) = pick(&self.discounts, discount)?;
                Command::Subscription(SubscriptionCommand::RemoveDiscount(RemoveDiscount {
                    customer,
                    discount,
                }))
            }
        })
    }

    fn charge_command(&mut self, action: &Charging) -> Option<Command> {
        Some(match *action {
            Charging::Once { customer, price: amount, quantity, days, now, historical, .. } => {
                let customer = pick(&self.customers, customer)?;
                let currency = self.currency(customer);
                let service = days.map(|days| {
                    let today = i32::try_from(day_at(self.now, 0)).expect("this century");
                    let at = |day| Date::from_days(day).expect("this century");
                    Interval::new(at(today - 10), at(today - 10 + days)).expect("not empty")
                });
                let series = historical.then(|| text("HIST"));
                let request =
                    ChargeInvoice::Now(InvoiceRequest { series, ..InvoiceRequest::default() });
                Command::Billing(BillingCommand::AddCharge(AddCharge {
                    customer,
                    charge: ChargeId::new(self.id()),
                    description: "Charge".parse().expect("a text"),
                    price: if quantity % 2 == 0 {
                        ChargePrice::Total(cents(amount, currency))
                    } else {
                        ChargePrice::PerUnit(price(amount, currency))
                    },
                    quantity: (quantity > 5).then(|| tenths(quantity)),
                    service,
                    invoice: now.then_some(request),
                }))
            }
            Charging::Terms { customer, days } => {
                Command::Customer(CustomerCommand::UpdateCustomer(UpdateCustomer {
                    customer: pick(&self.customers, customer)?,
                    external_id: None,
                    name: None,
                    email: None,
                    payment_terms_days: Some(days),
                    address: None,
                    tax_ids: None,
                    zone: None,
                    purchase_order: None,
                    clear: None,
                }))
            }
            Charging::InvoiceNow { customer } => {
                let customer = pick(&self.customers, customer)?;
                Command::Billing(BillingCommand::InvoiceNow(InvoiceNow { customer, invoice: None }))
            }
        })
    }

    fn settling_command(&mut self, action: &Settling) -> Option<Command> {
        let reason = "because".parse().expect("a text");
        Some(match *action {
            Settling::Pay { customer, percent, told, .. } => {
                let customer = pick(&self.customers, customer)?;
                self.payment_of(customer, percent, told)
            }
            Settling::Reverse { payment } => {
                let (customer, payment) = pick(&self.payments, payment)?;
                Command::Settlement(SettlementCommand::ReversePayment(ReversePayment {
                    customer,
                    payment,
                    reason,
                }))
            }
            Settling::Refund { payment, percent, effect, .. } => {
                let (customer, payment) = pick(&self.payments, payment)?;
                let paid = self.oracle.customer_mut(customer).payments.get(&payment);
                let paid = paid.map_or(100, |paid| match effect {
                    2 => paid.credit,
                    _ => paid.amount - paid.refunded,
                });
                let amount = i64::try_from(paid).expect("small") * percent / 100;
                let effect = match effect {
                    0 => RefundEffect::Reopen,
                    2 => RefundEffect::CustomerCredit,
                    _ => RefundEffect::CreditNote(None),
                };
                Command::Settlement(SettlementCommand::RefundPayment(RefundPayment {
                    customer,
                    payment,
                    refund: RefundId::new(self.id()),
                    amount: cents(amount, self.currency(customer)),
                    effect,
                    reason,
                }))
            }
            Settling::Grant { customer, cents: amount } => {
                let customer = pick(&self.customers, customer)?;
                let amount = cents(amount, self.currency(customer));
                let grant = CreditGrantId::new(self.id());
                Command::Settlement(SettlementCommand::GrantCredit(GrantCredit {
                    customer,
                    grant,
                    amount,
                    reason,
                }))
            }
            Settling::Void { invoice, rebill, .. } => {
                let (customer, invoice) = pick(&self.all_invoices, invoice)?;
                Command::Settlement(SettlementCommand::VoidInvoice(VoidInvoice {
                    customer,
                    invoice,
                    reason,
                    rebill,
                }))
            }
        })
    }

    /// A payment of a part of what is owed, or of one invoice; sometimes too much for it.
    fn payment_of(&mut self, customer: CustomerId, percent: i64, told: Option<usize>) -> Command {
        let payment = PaymentId::new(self.id());
        let currency = self.currency(customer);
        let part = |open: i128| i64::try_from(open).expect("small") * percent / 100;
        let of_customer = self.invoices.get(&customer).map(Vec::as_slice).unwrap_or_default();
        let owed = self.oracle.customer_mut(customer).owed();
        let (amount, allocate) = match told.filter(|_| !of_customer.is_empty()) {
            // Where nothing is owed the payment is all customer credit, or now and then nothing.
            None if owed == 0 => (percent % 50 * 10, None),
            None => (part(owed), (percent % 2 == 0).then_some(Allocate::OldestFirst)),
            Some(number) => {
                let place = number % of_customer.len();
                let invoice = of_customer[place];
                let open = self.oracle.customer_mut(customer).invoices[place].open();
                let amount = cents(part(open), currency);
                let rest = if percent % 5 == 0 { -1 } else { percent };
                let parts = vec![AllocationRequest { invoice, amount }];
                (part(open) + rest, Some(Allocate::To(parts)))
            }
        };
        let amount: Money = cents(amount, currency);
        Command::Settlement(SettlementCommand::RecordPayment(RecordPayment {
            customer,
            payment,
            amount,
            external_id: None,
            method: None,
            allocate,
        }))
    }
}
