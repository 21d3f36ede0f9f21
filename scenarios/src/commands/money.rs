//! Commands about discounts, charges, invoices, payments and credit.

use schemas::command::{
    AddCharge, Allocate, AllocationRequest, ApplyDiscount, ChargeInvoice, ChargePrice, CreditLine,
    GrantCredit, InvoiceNow, InvoiceRequest, IssueCreditNote, RecordPayment, RedeemCoupon,
    RefundEffect, RefundPayment, VoidInvoice,
};
use schemas::ids::InvoiceId;
use schemas::terms::{DiscountTarget, ItemTarget, UnitPrice};

use super::super::steps::money::{
    ChargeStep, DiscountStep, Effect, FinalizeStep, GrantStep, NoteStep, PayStep, RedeemStep,
    RefundStep, VoidStep,
};
use super::super::world::World;
use super::catalog::off;
use super::{amount, label};

pub(super) fn discount(step: &DiscountStep, world: &World) -> Result<ApplyDiscount, String> {
    let owner = world.owner_of(&step.on, step.sub.as_deref());
    Ok(ApplyDiscount {
        customer: world.customer_id(&owner),
        discount: world.discount_id(&step.id),
        on: target(&step.on, step.sub.as_deref(), world)?,
        value: off(&step.off, world.customer(&owner).currency)?,
        duration: step.duration,
    })
}

pub(super) fn redeem(step: &RedeemStep, world: &World) -> Result<RedeemCoupon, String> {
    Ok(RedeemCoupon {
        customer: world.customer_id(&world.payer(&step.customer)),
        coupon: world.coupon_id(&step.coupon),
        discount: world.discount_id(&step.discount()),
        on: target(step.on.as_deref().unwrap_or(&step.customer), None, world)?,
    })
}

impl RedeemStep {
    /// The alias of the discount that it gives.
    pub fn discount(&self) -> String {
        self.id.clone().unwrap_or_else(|| format!("{}-{}", self.coupon, self.customer))
    }
}

/// A subscription, a customer, a price or a product, in this order.
fn target(on: &str, sub: Option<&str>, world: &World) -> Result<DiscountTarget, String> {
    if world.sub(on).is_some() {
        return Ok(DiscountTarget::Subscription(world.sub_id(on)));
    }
    if world.customers.iter().any(|(alias, _)| alias == on) {
        return Ok(DiscountTarget::Customer);
    }
    if let Some(sub) = sub.or_else(|| world.sub_with(on)) {
        let price = on.parse().map_err(|error| format!("{on:?}: {error}"))?;
        let subscription = world.sub_id(sub);
        return Ok(DiscountTarget::Item(ItemTarget { subscription, price }));
    }
    let products = world.plans.values().flatten().filter_map(|plan| plan.product.as_ref());
    match products.into_iter().find(|product| product.as_str() == on) {
        Some(product) => Ok(DiscountTarget::Product(product.clone())),
        None => Err(format!("{on:?} is no customer, subscription, price or product; name one")),
    }
}

impl World {
    /// The latest subscription whose plan has a price.
    fn sub_with(&self, price: &str) -> Option<&str> {
        let has = |plan: &str| {
            self.plan(plan, None)
                .is_some_and(|plan| plan.prices.iter().any(|known| known.id.as_str() == price))
        };
        self.subs.iter().rev().find(|(_, sub)| has(&sub.plan)).map(|(alias, _)| alias.as_str())
    }

    /// The alias of whose discount it is.
    pub(crate) fn owner_of(&self, on: &str, sub: Option<&str>) -> String {
        if self.sub(on).is_none() && self.customers.iter().any(|(alias, _)| alias == on) {
            return self.payer(on);
        }
        let sub = sub.or_else(|| self.sub_with(on)).unwrap_or(on);
        self.payer_of(sub)
    }

    /// The alias of who pays: as told, or who owes the first invoice that it settles, or the only
    /// customer.
    pub(crate) fn payer_of_payment(&self, step: &PayStep) -> String {
        let told = step.customer.clone().map(|customer| self.payer(&customer));
        let settled = step.allocate.iter().flatten().find_map(|(name, _)| self.invoice(name));
        told.or_else(|| settled.map(|(owes, _)| owes.clone())).unwrap_or_else(|| self.anyone())
    }
}

pub(super) fn charge(step: &ChargeStep, world: &World) -> Result<AddCharge, String> {
    let customer = world.payer(&step.customer);
    let price = match (&step.amount, step.unit) {
        (Some(total), _) => ChargePrice::Total(amount(total, &customer, world)?),
        (None, unit) => ChargePrice::PerUnit(UnitPrice {
            amount: unit.unwrap_or(schemas::Decimal::ZERO),
            currency: world.customer(&customer).currency,
        }),
    };
    let invoice =
        if step.now { ChargeInvoice::Now(InvoiceRequest::default()) } else { ChargeInvoice::Next };
    Ok(AddCharge {
        customer: world.customer_id(&customer),
        charge: world.charge_id(&step.id),
        description: label(&step.id)?.into(),
        price,
        quantity: step.quantity,
        service: step.service,
        invoice: Some(invoice),
    })
}

/// None where the invoice of that name is finalized already: it is so as soon as it exists.
pub(super) fn finalize(step: &FinalizeStep, world: &World) -> Option<InvoiceNow> {
    if step.invoice.as_deref().is_some_and(|name| world.invoice(name).is_some()) {
        return None;
    }
    let customer = step.customer.as_deref().map_or_else(|| world.anyone(), |it| world.payer(it));
    Some(InvoiceNow { customer: world.customer_id(&customer), invoice: None })
}

/// The invoice of a name; one that no invoice has for a name without one.
fn invoice(name: &str, world: &World) -> (String, InvoiceId) {
    let nobodys = || (world.anyone(), InvoiceId::new(world.derived("invoice", name)));
    world.invoice(name).cloned().unwrap_or_else(nobodys)
}

pub(super) fn void(step: &VoidStep, world: &World) -> Result<VoidInvoice, String> {
    let (owes, invoice) = invoice(&step.invoice, world);
    Ok(VoidInvoice {
        customer: world.customer_id(&owes),
        invoice,
        reason: label("scenario")?.into(),
        rebill: step.rebill,
    })
}

pub(super) fn grant(step: &GrantStep, world: &World) -> Result<GrantCredit, String> {
    let customer = world.payer(&step.customer);
    let alias = step.id.clone().unwrap_or_else(|| world.unnamed.to_string());
    Ok(GrantCredit {
        customer: world.customer_id(&customer),
        grant: world.grant_id(&alias),
        amount: amount(&step.amount, &customer, world)?,
        reason: label("scenario")?.into(),
    })
}

pub(super) fn pay(step: &PayStep, world: &World) -> Result<RecordPayment, String> {
    let customer = world.payer_of_payment(step);
    let request = |(name, part): &(String, String)| {
        let (_, invoice) = invoice(name, world);
        Ok(AllocationRequest { invoice, amount: amount(part, &customer, world)? })
    };
    let allocate = step.allocate.as_ref().map(|parts| {
        parts.iter().map(request).collect::<Result<Vec<_>, String>>().map(Allocate::To)
    });
    Ok(RecordPayment {
        customer: world.customer_id(&customer),
        payment: world.payment_id(&step.id),
        amount: amount(&step.amount, &customer, world)?,
        external_id: None,
        method: None,
        allocate: allocate.transpose()?,
    })
}

/// The alias of who made a payment.
pub(super) fn who_paid(payment: &str, world: &World) -> String {
    world.payments.get(payment).cloned().unwrap_or_else(|| world.anyone())
}

pub(super) fn refund(step: &RefundStep, world: &World) -> Result<RefundPayment, String> {
    let customer = who_paid(&step.payment, world);
    let alias = step.id.clone().unwrap_or_else(|| world.unnamed.to_string());
    Ok(RefundPayment {
        customer: world.customer_id(&customer),
        payment: world.payment_id(&step.payment),
        refund: world.refund_id(&alias),
        amount: amount(&step.amount, &customer, world)?,
        effect: match step.effect {
            Effect::Reopen => RefundEffect::Reopen,
            Effect::CreditNote => RefundEffect::CreditNote(None),
            Effect::CustomerCredit => RefundEffect::CustomerCredit,
        },
        reason: label("scenario")?.into(),
    })
}

pub(super) fn note(step: &NoteStep, world: &World) -> Result<IssueCreditNote, String> {
    let (owes, invoice) = invoice(&step.invoice, world);
    let line = |(line, part): &(u32, String)| {
        Ok(CreditLine { line: *line, amount: amount(part, &owes, world)? })
    };
    Ok(IssueCreditNote {
        customer: world.customer_id(&owes),
        note: world.note_id(&step.id),
        invoice,
        lines: step.lines.iter().map(line).collect::<Result<_, String>>()?,
    })
}
