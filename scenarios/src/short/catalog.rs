//! Customers, plans and coupons.

use schemas::terms::{PackageRate, PercentageRate, Rate, Tier};
use schemas::{Currency, Decimal, Money};
use serde_json::{Value, json};

use crate::draft::Draft;
use crate::fields::Fields;
use crate::trouble::Trouble;
use crate::yaml::Yaml;

/// `id` is the alias, the name and the id in the other system.
pub(super) fn customer(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    if !d.said.list("tax")?.is_empty() {
        return Err(Trouble::unsupported(d.said.place_of("tax"), "key `tax` of `customer`"));
    }
    let id = d.said.need("id")?;
    d.of(d.names.customer_id(id));
    d.put("external_id", id);
    d.put("name", id);
    if !d.said.has("currency") {
        d.put("currency", json!(d.names.currency));
    }
    Ok(true)
}

/// The same figures in every currency that a customer pays in.
pub(super) fn plan(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    let id = d.said.need("id")?;
    if !d.said.has("name") {
        d.put("name", id);
    }
    if !d.said.has("every") {
        d.put("every", json!({"count": 1, "unit": "month"}));
    }
    let mut prices = Vec::new();
    for node in d.said.list("prices")? {
        prices.push(price(d, node)?);
    }
    d.put("prices", prices);
    let step = d.place().step;
    let grants = grants(&mut d.said, step)?;
    d.put("grants", grants);
    Ok(true)
}

/// `map: {PRICE: PRICE}`, with `none` for a price that ends.
pub(super) fn migrate(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    let map: Vec<Value> = d
        .said
        .texts("map")?
        .into_iter()
        .map(|(from, to)| json!({"from": from, "to": (to != "none").then_some(to)}))
        .collect();
    d.put("map", map);
    Ok(true)
}

/// What a plan or a price grants: a feature, a limit where it has one, and what that is for.
fn grants(f: &mut Fields<'_>, step: Option<usize>) -> Result<Vec<Value>, Trouble> {
    let grant = |node: &Yaml| {
        let mut f = Fields::of("grants", node, step)?;
        let feature = f.need("feature")?;
        let limit = f.parsed::<Decimal>("limit")?;
        let per = f.word("per", &[("subscription", "subscription"), ("unit", "unit")])?;
        let limit = match (limit, per) {
            (Some(amount), per) => Some(json!({"amount": amount, "per": per})),
            (None, Some(_)) => return Err(f.missing("limit")),
            (None, None) => None,
        };
        f.done().map(|()| json!({"feature": feature, "limit": limit}))
    };
    f.list("grants")?.iter().map(grant).collect()
}

/// A price with its model and figures; a metered one is not supported.
fn price(d: &Draft<'_>, node: &Yaml) -> Result<Value, Trouble> {
    let mut f = Fields::of("prices", node, d.place().step)?;
    f.only("schedule", &["by_day"])?;
    if let Some(meter) = f.text("meter")? {
        return Err(f.unsupported("meter", meter));
    }
    let timings = [("in_advance", "in_advance"), ("in_arrears", "in_arrears")];
    let kinds = [("recurring", "recurring"), ("setup", "setup"), ("add_on", "add_on")];
    let id = f.need("id")?;
    let mut price = json!({
        "price": id,
        "name": id,
        "every": f.every("every")?,
        "timing": f.word("bill", &timings)?,
        "recurrence": f.word("recurrence", &kinds)?,
    });
    price["grants"] = grants(&mut f, d.place().step)?.into();
    let (rate, minimum) = (rate(&mut f)?, f.not_zero("minimum")?);
    let amount =
        |currency: &Currency| json!({"currency": currency, "rate": rate, "minimum": minimum});
    price["amounts"] = d.names.currencies.iter().map(amount).collect();
    f.done().map(|()| price)
}

/// The price that `model` and its figures say.
///
/// # Errors
/// [`Trouble`]; a figure that the model has no place for is not supported.
pub(super) fn rate(f: &mut Fields<'_>) -> Result<Rate, Trouble> {
    const MODELS: [&str; 7] =
        ["flat", "per_unit", "graduated", "volume", "capacity", "package", "percentage"];
    let place = f.place();
    let tiers = f.list("tiers")?;
    let model = match f.text("model")? {
        Some(model) => model,
        None if tiers.is_empty() => "flat",
        None => return Err(f.missing("model")),
    };
    let tiers = || tiers.iter().map(|node| tier(node, place.step)).collect::<Result<_, _>>();
    let unit = |f: &mut Fields<'_>| f.need_parsed::<Decimal>("unit");
    let rate = match model {
        "flat" => Rate::Flat(unit(f)?),
        "per_unit" => match f.not_zero("free_units")? {
            None => Rate::PerUnit(unit(f)?),
            Some(free) => Rate::Graduated(vec![
                Tier { up_to: Some(free), ..open_tier(Decimal::ZERO) },
                open_tier(unit(f)?),
            ]),
        },
        "graduated" => Rate::Graduated(tiers()?),
        "volume" => Rate::Volume(tiers()?),
        "capacity" => Rate::Capacity(tiers()?),
        "package" => Rate::Package(PackageRate {
            price: unit(f)?,
            size: f.need_parsed("package")?,
            free_units: f.parsed("free_units")?.unwrap_or(Decimal::ZERO),
        }),
        "percentage" => {
            let tiers: Vec<Tier> = tiers()?;
            if tiers.is_empty() { Rate::Percentage(percentage(f)?) } else { Rate::Graduated(tiers) }
        }
        other => return Err(f.unknown("model", other, MODELS)),
    };
    // Figures of other models say nothing by 0, which is how the format prints them.
    for key in ["unit", "rate", "package", "free_units", "free_amount", "fixed", "min", "max"] {
        if rest_means_something(f, key, model)? {
            let what = format!("key `{key}` of a {model} price");
            return Err(Trouble::unsupported(f.place_of(key), what));
        }
    }
    Ok(rate)
}

/// A figure that the model did not take, and that is not zero.
fn rest_means_something(f: &mut Fields<'_>, key: &str, model: &str) -> Result<bool, Trouble> {
    Ok(f.rest().contains(&key)
        && f.not_zero(key)?.is_some()
        && !(model != "package" && key == "package"))
}

fn percentage(f: &mut Fields<'_>) -> Result<PercentageRate, Trouble> {
    let rate = f.parsed("rate")?;
    let percent = match rate {
        Some(rate) => rate,
        None => f.need_parsed("unit")?,
    };
    Ok(PercentageRate {
        percent,
        fixed: f.parsed("fixed")?.unwrap_or(Decimal::ZERO),
        free_amount: f.parsed("free_amount")?.unwrap_or(Decimal::ZERO),
        min: f.not_zero("min")?,
        max: f.not_zero("max")?,
    })
}

const fn open_tier(unit: Decimal) -> Tier {
    Tier { up_to: None, unit, flat: Decimal::ZERO, percent: Decimal::ZERO }
}

fn tier(node: &Yaml, step: Option<usize>) -> Result<Tier, Trouble> {
    let mut f = Fields::of("tiers", node, step)?;
    let up_to = match f.text("up_to")? {
        None | Some("inf" | "infinity" | ".inf" | "none") => None,
        Some(_) => f.parsed("up_to")?,
    };
    let mut figure = |key| f.parsed(key).map(|value| value.unwrap_or(Decimal::ZERO));
    let tier =
        Tier { up_to, unit: figure("unit")?, flat: figure("flat")?, percent: figure("rate")? };
    f.done().map(|()| tier)
}

/// `percent` or `amount`, of which zero says nothing; an amount is in the currency.
///
/// # Errors
/// [`Trouble`] unless exactly one of both is there.
pub(super) fn off(f: &mut Fields<'_>, currency: Currency) -> Result<Value, Trouble> {
    let percent = f.parsed::<Decimal>("percent")?;
    let text = f.text("amount")?;
    let amount = f.parsed::<Decimal>("amount")?;
    match (percent, amount, text) {
        (Some(percent), None, _) => Ok(json!({"percent": percent})),
        (Some(percent), Some(amount), _) if amount.is_zero() => Ok(json!({"percent": percent})),
        (None, Some(_), Some(text)) => of_amount(f, text, currency),
        (Some(percent), Some(_), Some(text)) if percent.is_zero() => of_amount(f, text, currency),
        _ => Err(Trouble::wrong(f.place(), "a discount has a `percent` or an `amount`")),
    }
}

fn of_amount(f: &Fields<'_>, text: &str, currency: Currency) -> Result<Value, Trouble> {
    let money = Money::parse(text, currency).map_err(|error| f.wrong("amount", &error))?;
    Ok(json!({"amount": money}))
}

/// An amount is in the book's currency, if no other is named.
pub(super) fn coupon(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    let currency = d.said.parsed("currency")?.unwrap_or(d.names.currency);
    let value = off(&mut d.said, currency)?;
    d.put("value", value);
    Ok(true)
}
