//! From the catalog and a request to the terms of items.

use schemas::command::ItemRequest;
use schemas::event::{ItemTerms, PlanVersionDefined};
use schemas::terms::{PriceDefinition, Recurrence};
use schemas::{Currency, Decimal, Rejection};

use crate::catalog::decide::check_rate;
use crate::catalog::terms::item_terms;

/// An item of a plan with the quantity that is wanted.
pub(crate) struct Wanted {
    pub(crate) terms: ItemTerms,
    pub(crate) add_on: bool,
    pub(crate) quantity: Decimal,
}

/// A setup fee of a plan.
pub(crate) struct Setup {
    pub(crate) terms: ItemTerms,
    pub(crate) quantity: Decimal,
}

/// What a plan version and a request come to.
pub(crate) struct Resolved {
    pub(crate) items: Vec<Wanted>,
    pub(crate) setup: Vec<Setup>,
}

/// The items of a plan version: its recurring prices in order, then the add-ons asked for.
pub(crate) fn resolve(
    currency: Currency,
    version: &PlanVersionDefined,
    quantity: Decimal,
    requests: &[ItemRequest],
) -> Result<Resolved, Rejection> {
    check_quantity(quantity)?;
    check_requests(version, requests)?;
    let mut resolved = Resolved { items: Vec::new(), setup: Vec::new() };
    let find = |price: &PriceDefinition| requests.iter().find(|found| found.price == price.price);
    for price in &version.prices {
        let request = find(price);
        let wanted = |request: Option<&ItemRequest>| -> Result<(ItemTerms, Decimal), Rejection> {
            let mut terms = item_terms(version, price, currency)?;
            let quantity = request.and_then(|found| found.quantity).unwrap_or(quantity);
            check_quantity(quantity)?;
            own_rate(&mut terms, request)?;
            Ok((terms, quantity))
        };
        match price.recurrence.unwrap_or(Recurrence::Recurring) {
            Recurrence::Recurring => {
                let (terms, quantity) = wanted(request)?;
                resolved.items.push(Wanted { terms, add_on: false, quantity });
            }
            Recurrence::Setup => {
                let (terms, _) = wanted(request)?;
                let quantity = request.and_then(|found| found.quantity).unwrap_or(Decimal::ONE);
                resolved.setup.push(Setup { terms, quantity });
            }
            Recurrence::AddOn => {}
        }
    }
    for request in requests {
        if let Some(wanted) = add_on(currency, version, request)? {
            resolved.items.push(wanted);
        }
    }
    if resolved.items.is_empty() {
        return Err(Rejection::InvalidItems { why: "the plan has no recurring price" });
    }
    Ok(resolved)
}

/// The add-on that a request names, if it names one.
pub(crate) fn add_on(
    currency: Currency,
    version: &PlanVersionDefined,
    request: &ItemRequest,
) -> Result<Option<Wanted>, Rejection> {
    let found = version
        .prices
        .iter()
        .find(|price| price.price == request.price && price.recurrence == Some(Recurrence::AddOn));
    let Some(price) = found else { return Ok(None) };
    let mut terms = item_terms(version, price, currency)?;
    own_rate(&mut terms, Some(request))?;
    let quantity = request.quantity.unwrap_or(Decimal::ONE);
    check_quantity(quantity)?;
    Ok(Some(Wanted { terms, add_on: true, quantity }))
}

/// A price of the subscription's own.
pub(crate) fn own_rate(
    terms: &mut ItemTerms,
    request: Option<&ItemRequest>,
) -> Result<(), Rejection> {
    if let Some(rate) = request.and_then(|found| found.rate.clone()) {
        check_rate(&terms.price, &rate)?;
        terms.rate = rate;
        terms.own_rate = true;
    }
    Ok(())
}

fn check_requests(version: &PlanVersionDefined, requests: &[ItemRequest]) -> Result<(), Rejection> {
    for (index, request) in requests.iter().enumerate() {
        if requests[..index].iter().any(|found| found.price == request.price) {
            return Err(Rejection::InvalidItems { why: "a price is named twice" });
        }
        if request.remove == Some(true) {
            return Err(Rejection::InvalidItems { why: "an item is removed that is not there" });
        }
        if !version.prices.iter().any(|price| price.price == request.price) {
            let (plan, price) = (version.plan, request.price.clone());
            return Err(Rejection::UnknownPrice { plan, price });
        }
    }
    Ok(())
}

/// Quantities that stay exact: 0 to 10^12 with at most 9 decimal places.
pub(crate) fn check_quantity(quantity: Decimal) -> Result<(), Rejection> {
    let most = Decimal::from_parts(1_000_000_000_000, 0);
    if quantity.is_negative() || Some(quantity) > most || quantity.scale() > 9 {
        return Err(Rejection::InvalidQuantity { quantity });
    }
    Ok(())
}
