//! Discounts, charges, invoices, payments and credit notes.

use schemas::Decimal;
use serde_json::{Value, json};

use super::catalog::off;
use crate::draft::Draft;
use crate::names::{invoice_number, not_an_invoice};
use crate::shape::money;
use crate::trouble::Trouble;

/// What is discounted: a customer, a subscription, a price (of `sub`) or a product.
fn target(d: &Draft<'_>, on: &str, sub: Option<&str>) -> Result<Value, Trouble> {
    let found = d.names.target(on, sub).map(|target| json!(target));
    let what = "is no customer, subscription, price or product; name one";
    found.ok_or_else(|| Trouble::wrong(d.said.place_of("on"), format!("{on:?} {what}")))
}

pub(super) fn discount(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    let (on, sub) = (d.said.need("on")?, d.said.text("sub")?);
    let owner = d.names.owner_of_target(on, sub);
    d.of(owner);
    let value = off(&mut d.said, d.names.customer(owner).currency)?;
    d.put("on", target(d, on, sub)?);
    d.put("value", value);
    Ok(true)
}

/// The discount is called as the coupon and the customer are, if it has no name of its own.
pub(super) fn redeem(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    let (coupon, customer) = (d.said.need("coupon")?, d.said.need("customer")?);
    d.name("coupon", coupon);
    let id = d.said.text("id")?.map(str::to_owned);
    d.name("discount", &id.unwrap_or_else(|| format!("{coupon}-{customer}")));
    let on = d.said.text("on")?.unwrap_or(customer);
    d.put("on", target(d, on, None)?);
    Ok(true)
}

/// `amount` is what it costs in all, `unit` what one costs.
pub(super) fn charge(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    let (amount, unit) = (d.said.text("amount")?, d.said.parsed::<Decimal>("unit")?);
    let currency = d.names.customer(d.customer()).currency;
    let price = match (amount, unit) {
        (Some(text), None) => {
            let total = money(text, currency).map_err(|why| d.said.wrong("amount", &why))?;
            json!({"total": total})
        }
        (None, Some(unit)) => json!({"per_unit": {"amount": unit, "currency": currency}}),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Trouble::wrong(d.place(), "a charge has an `amount` or a `unit`"));
        }
    };
    d.put("price", price);
    let id = d.said.need("id")?;
    d.put("description", id);
    Ok(true)
}

/// Where the invoice of that name is finalized already there is nothing to do: it is so as soon
/// as it exists.
pub(super) fn finalize(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    let invoice = d.said.text("invoice")?;
    if let Some(name) = invoice.filter(|name| invoice_number(name).is_none()) {
        return Err(d.said.wrong("invoice", &not_an_invoice(name)));
    }
    if invoice.is_some_and(|name| d.names.invoice(name).is_some()) {
        return Ok(false);
    }
    if !d.has("customer") {
        d.of(d.names.anyone());
    }
    Ok(true)
}

/// Who pays is told, or owes the first invoice that is settled, or is the first customer. Only
/// settled payments in the invoice's currency are supported.
pub(super) fn pay(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    if let Some(rate) = d.said.parsed::<Decimal>("rate")?.filter(|rate| *rate != Decimal::ONE) {
        return Err(d.said.unsupported("rate", &rate.to_string()));
    }
    if !d.has("customer") {
        let names = d.said.texts("allocate").unwrap_or_default();
        let settled = names.iter().find_map(|(name, _)| d.names.invoice(name));
        d.of(settled.map_or_else(|| d.names.anyone(), |(owes, _)| owes));
    }
    d.put_as("allocate", "allocate")?;
    Ok(true)
}

/// `sub` is the only subscription that it pays for.
pub(super) fn grant_credit(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    if let Some(sub) = d.said.text("sub")? {
        d.put("scope", json!({"subscription": d.names.sub_id(sub)}));
    }
    Ok(true)
}

/// Whose credit is paid out is who has the lot.
#[expect(clippy::unnecessary_wraps, reason = "as the table's rows take it")]
pub(super) fn pay_out(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    if !d.said.has("customer")
        && let Some(owner) = d.said.peek("lot").and_then(|lot| d.names.owner_of_lot(lot))
    {
        d.of(owner);
    }
    Ok(true)
}

/// Which lines are credited, and by how much.
pub(super) fn credit_note(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    let invoice = d.said.need("invoice")?;
    d.name("invoice", invoice);
    let currency = d.names.customer(d.customer()).currency;
    let mut lines = Vec::new();
    for (line, amount) in d.said.texts("lines")? {
        let wrong = |why: &str| d.said.wrong_in("lines", line, &why);
        let number = line.parse::<u32>();
        let number = number.map_err(|_| {
            wrong(&format!("{line:?} is no number of a line; write 1 for the first"))
        })?;
        let amount = money(amount, currency).map_err(|why| wrong(&why))?;
        lines.push(json!({"line": number, "amount": amount}));
    }
    d.put("lines", lines);
    Ok(true)
}
