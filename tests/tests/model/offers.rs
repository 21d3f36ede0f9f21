//! Quotes, discounts, coupons and one-off charges.
//!
//! # Shape
//!
//! What is offered or given is kept as the command said it; what it is worth is worked out on
//! each invoice.

use std::collections::BTreeMap;

use schemas::Decimal;
use schemas::command::{
    AcceptQuote, AddCharge, ApplyDiscount, ChargeInvoice, ChargePrice, CreateQuote,
    CreateSubscription, DefineCoupon, RedeemCoupon, RemoveDiscount, VoidQuote, WithdrawCharge,
};
use schemas::ids::{CustomerId, SubscriptionId};
use schemas::terms::{DiscountDuration, DiscountTarget, DiscountValue};

use crate::bill::{Billing, Which, bill};
use crate::book::{Book, Coupon, Version};
use crate::civil::{Day, day_of_seller};
use crate::customer::{Charge, Customer, Discount, Refused, When};
use crate::item::Item;
use crate::number::Exact;
use crate::price::minor;
use crate::subscribe::begin;

/// What is offered, with the version that it was offered at.
#[derive(Debug, Clone)]
pub(crate) struct Quote {
    offer: CreateQuote,
    version: Version,
    until: Day,
    closed: bool,
}

impl Quote {
    /// What it offers, as a subscription that cites it.
    pub(crate) fn cited_by(&self, subscription: SubscriptionId) -> CreateSubscription {
        let mut command = as_subscription(&self.offer, subscription, None);
        command.with.get_or_insert_default().quote = Some(self.offer.quote);
        command
    }
}

pub(crate) fn quote(
    book: &Book,
    customer: &mut Customer,
    command: &CreateQuote,
    children: &[CustomerId],
    when: When,
) -> Result<(), Refused> {
    let version = book.on_sale(command.plan, command.version, customer.currency)?.clone();
    let until = i64::from(command.valid_until.days());
    if until < customer.clock.day(when.recorded) {
        return Err("it would be over already");
    }
    // What could not be accepted is not offered.
    let mut tried = customer.clone();
    let id = SubscriptionId::new(uuid::Uuid::from_u128(u128::MAX));
    begin(book, &mut tried, &as_subscription(command, id, None), &version, children, when)?;
    let quote = Quote { offer: command.clone(), version, until, closed: false };
    if customer.quotes.insert(command.quote, quote).is_some() {
        return Err("it exists already");
    }
    Ok(())
}

fn as_subscription(
    offer: &CreateQuote,
    subscription: SubscriptionId,
    invoice: Option<schemas::terms::InvoiceTiming>,
) -> CreateSubscription {
    CreateSubscription {
        customer: offer.customer,
        subscription,
        plan: offer.plan,
        version: offer.version,
        quantity: offer.quantity,
        start: None,
        invoice,
        with: offer.with.clone(),
    }
}

pub(crate) fn accept(
    book: &Book,
    customer: &mut Customer,
    command: &AcceptQuote,
    children: &[CustomerId],
    when: When,
) -> Result<(), Refused> {
    // Whatever day it is accepted for, it is accepted today.
    let today = customer.clock.day(when.recorded);
    let quote = customer.quotes.get_mut(&command.quote).ok_or("unknown quote")?;
    if quote.closed {
        return Err("it is closed");
    }
    if quote.until < today {
        return Err("it is over");
    }
    quote.closed = true;
    let version = quote.version.clone();
    let (start, id) = (command.start, command.quote);
    let mut command = as_subscription(&quote.offer, command.subscription, command.invoice);
    command.start = start;
    command.with.get_or_insert_default().quote = Some(id);
    begin(book, customer, &command, &version, children, when)
}

/// A subscription may say which quote it fulfils: it is then what was offered, and closes it.
pub(crate) fn cited(
    book: &Book,
    customer: &mut Customer,
    command: &CreateSubscription,
    when: When,
) -> Result<(), Refused> {
    let mut asked = command.with.clone().unwrap_or_default();
    let Some(id) = asked.quote.take() else { return Ok(()) };
    let today = customer.clock.day(when.recorded);
    let version = book.on_sale(command.plan, command.version, customer.currency)?;
    let quote = customer.quotes.get_mut(&id).ok_or("unknown quote")?;
    if quote.closed || quote.until < today {
        return Err("it is closed, or over");
    }
    let units = |said: Option<Decimal>| said.unwrap_or(Decimal::ONE);
    let offered = quote.offer.with.clone().unwrap_or_default();
    let same = quote.offer.plan == command.plan
        && quote.version.number == version.number
        && units(quote.offer.quantity) == units(command.quantity)
        && offered == asked;
    if !same {
        return Err("it offers something else");
    }
    quote.closed = true;
    Ok(())
}

pub(crate) fn void_quote(customer: &mut Customer, command: &VoidQuote) -> Result<(), Refused> {
    let quote = customer.quotes.get_mut(&command.quote).ok_or("unknown quote")?;
    if std::mem::replace(&mut quote.closed, true) { Err("it is closed") } else { Ok(()) }
}

fn is_valid(customer: &Customer, value: &DiscountValue) -> Result<(), Refused> {
    match value {
        DiscountValue::Percent(percent) => {
            let percent = Exact::decimal(*percent);
            if percent <= Exact::ZERO || Exact::whole(100) < percent {
                return Err("no such percentage");
            }
        }
        DiscountValue::Amount(amount) => {
            if amount.minor().0 <= 0 {
                return Err("not positive");
            }
            if amount.currency() != customer.currency {
                return Err("another currency");
            }
        }
    }
    Ok(())
}

/// Gives a discount on what is still to be billed.
pub(crate) fn discount(
    book: &Book,
    customer: &mut Customer,
    command: &ApplyDiscount,
) -> Result<(), Refused> {
    is_valid(customer, &command.value)?;
    let mut after = BTreeMap::new();
    let of = match &command.on {
        DiscountTarget::Customer => None,
        DiscountTarget::Subscription(id) => Some(*id),
        DiscountTarget::Item(item) => {
            if !customer.has_price(item.subscription, &item.price) {
                customer.place_of(item.subscription)?;
                return Err("it has no such price");
            }
            Some(item.subscription)
        }
        DiscountTarget::Product(product) => {
            if !book.has_product(product) {
                return Err("no plan is of this product");
            }
            None
        }
    };
    if let Some(id) = of {
        let place = customer.place_of(id)?;
        if customer.subscriptions[place].end.is_some() {
            return Err("it has ended");
        }
        for item in 0..customer.subscriptions[place].items.len() {
            if let Some(last) = customer.last_billed(id, item) {
                after.insert((id, item), last);
            }
        }
    }
    let (id, on, value) = (command.discount, command.on.clone(), command.value);
    let duration = command.duration;
    let item = match &on {
        DiscountTarget::Item(told) => customer.place_of(told.subscription).ok().and_then(|of| {
            let has =
                |item: &Item| item.last_terms().is_some_and(|terms| terms.price == told.price);
            customer.subscriptions[of].items.iter().position(has)
        }),
        DiscountTarget::Customer | DiscountTarget::Subscription(_) | DiscountTarget::Product(_) => {
            None
        }
    };
    customer.discounts.push(Discount { id, on, value, duration, after, item, removed: false });
    Ok(())
}

pub(crate) fn remove_discount(
    customer: &mut Customer,
    command: &RemoveDiscount,
) -> Result<(), Refused> {
    let found = customer.discounts.iter_mut().find(|known| known.id == command.discount);
    let discount = found.ok_or("unknown discount")?;
    if std::mem::replace(&mut discount.removed, true) { Err("removed already") } else { Ok(()) }
}

pub(crate) fn define_coupon(
    book: &mut Book,
    command: &DefineCoupon,
    when: When,
) -> Result<(), Refused> {
    if book.coupons.contains_key(&command.coupon) {
        return Err("it exists already");
    }
    let valid = match command.value {
        DiscountValue::Percent(percent) => {
            Exact::ZERO < Exact::decimal(percent) && Exact::decimal(percent) <= Exact::whole(100)
        }
        DiscountValue::Amount(amount) => 0 < amount.minor().0,
    };
    let some = !matches!(command.duration, DiscountDuration::Cycles(0));
    if !valid || !some || command.max_redemptions == Some(0) {
        return Err("no such coupon");
    }
    let made = day_of_seller(when.recorded);
    book.coupons.insert(command.coupon, Coupon { terms: command.clone(), redeemed: 0, made });
    Ok(())
}

/// Redeems a coupon; the caller counts it.
pub(crate) fn redeem(
    book: &Book,
    customer: &mut Customer,
    command: &RedeemCoupon,
    when: When,
) -> Result<(), Refused> {
    let coupon = book.coupons.get(&command.coupon).ok_or("unknown coupon")?;
    if coupon.terms.max_redemptions.is_some_and(|most| most <= coupon.redeemed) {
        return Err("it is used up");
    }
    let today = day_of_seller(when.recorded);
    let from = coupon.terms.from.map_or(coupon.made, |date| date.days().into());
    let until = coupon.terms.through.map_or(i64::MAX, |date| date.days().into());
    if today < from || until < today {
        return Err("it is not valid now");
    }
    if !customer.redeemed.insert(command.coupon) {
        return Err("it was redeemed already");
    }
    let command = ApplyDiscount {
        customer: command.customer,
        discount: command.discount,
        on: command.on.clone(),
        value: coupon.terms.value,
        duration: coupon.terms.duration,
    };
    discount(book, customer, &command)
}

/// A charge that waits is charged no more.
pub(crate) fn withdraw_charge(
    customer: &mut Customer,
    command: &WithdrawCharge,
) -> Result<(), Refused> {
    let waits = |charge: &Charge| charge.id == command.charge;
    let place = customer.pending.iter().position(waits).ok_or("it does not wait")?;
    customer.pending.remove(place);
    Ok(())
}

pub(crate) fn charge(
    book: &Book,
    customer: &mut Customer,
    command: &AddCharge,
    when: When,
) -> Result<(), Refused> {
    let quantity = command.quantity.unwrap_or(Decimal::ONE);
    let (gross, negative, currency) = match command.price {
        ChargePrice::Total(total) => {
            let minor = i128::from(total.minor().0);
            (minor, minor < 0, total.currency())
        }
        ChargePrice::PerUnit(unit) => {
            let exact = Exact::decimal(unit.amount).times(Exact::decimal(quantity));
            let gross = minor(exact, unit.currency).rounded();
            (gross, unit.amount.is_negative(), unit.currency)
        }
    };
    if negative || quantity.is_negative() {
        return Err("negative");
    }
    if currency != customer.currency {
        return Err("another currency");
    }
    if customer.charges.iter().any(|known| known.id == command.charge) {
        return Err("it exists already");
    }
    let charge = Charge { id: command.charge, gross, quantity, of: None, setup: false, due: false };
    customer.charges.push(charge.clone());
    customer.pending.push(charge);
    if let Some(ChargeInvoice::Now(_)) = &command.invoice {
        bill(book, customer, &Billing::now(Which::Charge(command.charge), when));
    }
    Ok(())
}
