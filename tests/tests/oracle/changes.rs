//! The oracle decides what is bought, changed, charged and discounted.

use schemas::Currency;
use schemas::Decimal;
use schemas::command::{
    AddCharge, ApplyDiscount, CancelSubscription, ChangePlan, ChangeQuantity, ChargeInvoice,
    ChargePrice, CreateSubscription, RemoveDiscount,
};
use schemas::ids::{PlanId, SubscriptionId};
use schemas::terms::{CancelCredit, ChangeTime, DiscountTarget, InvoiceTiming, Settle};

use crate::calendar::day_at;
use crate::model::{Charge, Customer, Discount, Oracle, Refused, When, minor_units};
use crate::rational::Ratio;
use crate::timeline::{Change, Subscription, Version};

impl Oracle {
    fn on_sale(
        &self,
        plan: PlanId,
        version: Option<u32>,
        currency: Currency,
    ) -> Result<Version, Refused> {
        let (versions, retired) = self.plans.get(&plan).ok_or("unknown plan")?;
        let wanted = version.unwrap_or(u32::try_from(versions.len()).expect("few"));
        let found = versions.iter().find(|known| known.number == wanted);
        let found = found.ok_or("unknown version")?;
        let priced = found.prices.iter().any(|(known, _)| *known == currency);
        if *retired || !priced { Err("not on sale") } else { Ok(found.clone()) }
    }

    pub(crate) fn subscribe(
        &self,
        customer: &mut Customer,
        command: &CreateSubscription,
        when: When,
    ) -> Result<(), Refused> {
        let version = self.on_sale(command.plan, command.version, customer.currency)?;
        let quantity = command.quantity.unwrap_or(Decimal::ONE);
        if quantity.is_negative() {
            return Err("quantity");
        }
        let start = day_at(when.effective, customer.offset);
        let subscription = Subscription::new(start, version, quantity);
        customer.subscriptions.insert(command.subscription, subscription);
        self.bill_if(
            customer,
            command.subscription,
            command.invoice == Some(InvoiceTiming::Now),
            when,
        );
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

    pub(crate) fn change_plan(
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
        if (now.plan, now.number) == (version.plan, version.number) {
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
        self.bill_if(customer, command.subscription, command.proration == Some(Settle::Now), when);
        Ok(())
    }

    pub(crate) fn change_quantity(
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
        if command.when == ChangeTime::CycleEnd {
            let at = subscription.cycle_end(day);
            let same = |(known, change): &(i64, Change)| {
                *known == at && matches!(change, Change::Quantity(_))
            };
            subscription.scheduled.retain(|known| !same(known));
            subscription.scheduled.push((at, Change::Quantity(command.quantity)));
        } else if subscription.quantity_on(day) != command.quantity {
            subscription.quantities.insert(day, command.quantity);
            self.bill_if(
                customer,
                command.subscription,
                command.proration == Some(Settle::Now),
                when,
            );
        }
        Ok(())
    }

    pub(crate) fn cancel(
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
            self.bill_if(customer, command.subscription, true, when);
        }
        Ok(())
    }

    fn bill_if(&self, customer: &mut Customer, id: SubscriptionId, now: bool, when: When) {
        if now {
            let today = day_at(when.recorded, customer.offset);
            let dated = day_at(when.recorded, 0);
            self.bill(customer, |found| found == id, |_| false, today, dated);
        }
    }

    pub(crate) fn charge(
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

pub(crate) fn give_discount(
    customer: &mut Customer,
    command: &ApplyDiscount,
) -> Result<(), Refused> {
    let first_cycle = match &command.on {
        DiscountTarget::Customer => 0,
        DiscountTarget::Subscription(id) => {
            customer.active(*id)?;
            customer.first_unbilled(*id)
        }
        DiscountTarget::Item(_) | DiscountTarget::Product(_) => {
            unreachable!("the moves have no such discounts")
        }
    };
    customer.discounts.push(Discount {
        id: command.discount,
        on: command.on.clone(),
        value: command.value,
        duration: command.duration,
        first_cycle,
        removed: false,
    });
    Ok(())
}

pub(crate) fn remove_discount(
    customer: &mut Customer,
    command: &RemoveDiscount,
) -> Result<(), Refused> {
    let found = customer.discounts.iter_mut().find(|found| found.id == command.discount);
    let discount = found.ok_or("unknown discount")?;
    if discount.removed {
        return Err("removed already");
    }
    discount.removed = true;
    Ok(())
}
