//! Moves become commands: numbers become ids of what there is.

use schemas::command::{
    AcceptQuote, Activation, AddCharge, ApplyCredit, ApplyDiscount, CancelSubscription, ChangePlan,
    ChangeQuantity, ChangeSubscription, ChargeInvoice, ChargePrice, CreateQuote,
    CreateSubscription, GrantCredit, InvoiceNow, InvoiceRequest, ItemRequest, PauseSubscription,
    PayOutCredit, RampPhase, RecordPayment, RedeemCoupon, RefundEffect, RefundPayment,
    ReleaseCredit, RemoveDiscount, ResumeSubscription, ReversePayment, RevokeCredit, SetRenewal,
    SubscriptionTerms, UncancelSubscription, VoidInvoice, VoidQuote, WithdrawChange,
};
use schemas::event::Dimension;
use schemas::ids::{CustomerId, InvoiceId};
use schemas::terms::{
    Anchor, CalendarUnit, CancelCredit, ChangeTime, DiscountDuration, DiscountTarget, Every,
    InvoiceTiming, ItemTarget, LotRef, RampEnd, Rate, Renewal, Settle, TermRequest,
};
use schemas::{Command, Date, Decimal, Interval, Minor, Money};

use crate::catalog::{discount_value, rate};
use crate::moves::{Anchored, Lent, Move, Terms, Then, What};
use crate::play::{Game, text};

pub(crate) fn pick<T: Clone>(of: &[T], number: usize) -> Option<T> {
    (!of.is_empty()).then(|| of[number % of.len()].clone())
}

pub(crate) fn decimal(mantissa: i64, scale: u32) -> Decimal {
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
        | Move::Grant { .. }
        | Move::Credit { .. } => 0,
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

    pub(crate) fn today(&self, days: i64) -> Date {
        let day = self.now.div_euclid(86_400_000_000) + days;
        Date::from_days(i32::try_from(day).expect("this century")).expect("this century")
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
            (0..terms.ramp.min(3))
                .map(|n| RampPhase {
                    days: Some(Interval::new(day(n), day(n + 1)).expect("not empty")),
                    months: None,
                    items: Some(vec![ItemRequest {
                        // Only where the model plays, the last of three has its own price.
                        rate: (n == 2 && terms.ramp > 3).then(|| Rate::PerUnit(decimal(75, 1))),
                        ..request("fee", i64::try_from(n).expect("few") + 1)
                    }]),
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
            least_term: None,
            ramp,
            ramp_end: (terms.ramp > 3).then_some(RampEnd::End),
            activation: terms
                .activation
                .then_some(Activation { expires_after_hours: 72, tolerance: None }),
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
                    start: None,
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
            return Some(
                CancelSubscription { customer, subscription, when, credit, waive_fee: None }.into(),
            );
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
            map: None,
            keep_prices: None,
            keep_scheduled: None,
            when,
            proration,
        };
        match what {
            What::Plan(plan) => {
                let plan = pick(&self.plans, *plan)?;
                let version = None;
                return Some(
                    ChangePlan {
                        customer,
                        subscription,
                        plan,
                        version,
                        map: None,
                        keep_prices: None,
                        keep_scheduled: None,
                        when,
                        proration,
                    }
                    .into(),
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
            return Some(
                AcceptQuote { customer, quote, subscription, start: None, invoice }.into(),
            );
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
            return Some(InvoiceNow { customer, through: None, ahead: None, invoice: None }.into());
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
        if let Move::Grant { customer, cents, days } = action {
            let customer = pick(&self.customers, *customer)?;
            let amount = Minor(*cents).of(self.currency(customer));
            let grant = schemas::ids::CreditGrantId::new(self.id());
            let expires = days.map(|days| self.today(days));
            let plain = GrantCredit::plain(customer, grant, amount, reason);
            return Some(GrantCredit { expires, ..plain }.into());
        }
        if let Move::Credit { lot, invoice, what } = action {
            return self.lent(*lot, *invoice, *what);
        }
        None
    }

    /// What becomes of a lot, with one of its customer's invoices.
    fn lent(&mut self, lot: usize, invoice: usize, what: Lent) -> Option<Command> {
        let grants_only = matches!(what, Lent::Revoke);
        let is_grant = |lot: &LotRef| matches!(lot, LotRef::Grant(_));
        let lots = self.lots.iter().filter(|(_, lot)| !grants_only || is_grant(lot));
        let (customer, lot) = pick(&lots.copied().collect::<Vec<_>>(), lot)?;
        let account = self.kept.ledger.customer(customer)?;
        let open_only = matches!(what, Lent::Apply);
        let is_open = |id: InvoiceId| account.invoice(id).is_some_and(|i| i.open().is_positive());
        let of = |(owes, id): &&(CustomerId, InvoiceId)| {
            *owes == customer && (!open_only || is_open(*id))
        };
        let own: Vec<_> = self.invoices.iter().filter(of).copied().collect();
        let invoice = pick(&own, invoice).map(|(_, invoice)| invoice);
        let (amount, reason) = (None, text("because"));
        Some(match what {
            Lent::Apply => ApplyCredit { customer, lot, invoice: invoice?, amount }.into(),
            Lent::Release => ReleaseCredit { customer, lot, invoice: invoice?, amount }.into(),
            Lent::Revoke => {
                let LotRef::Grant(grant) = lot else { return None };
                RevokeCredit { customer, grant, reason }.into()
            }
            Lent::PayOut => {
                let refund = schemas::ids::RefundId::new(self.id());
                PayOutCredit { customer, refund, lot, amount, reason }.into()
            }
        })
    }

    fn part(&self, of: i128, percent: i64, customer: CustomerId) -> Money {
        let amount = i64::try_from(of * i128::from(percent) / 100).expect("an amount");
        Minor(amount).of(self.currency(customer))
    }
}

fn renewal_of(number: usize) -> Renewal {
    [Renewal::Renew, Renewal::RenewOnce, Renewal::Evergreen, Renewal::Cancel][number % 4]
}
