//! Subscriptions and quotes: what is bought, and what is not as in the plan.

use schemas::Decimal;
use schemas::command::DefinePlan;
use schemas::ids::PlanId;
use schemas::terms::{PriceDefinition, Rate, Recurrence};
use schemas::text::Code;
use serde_json::{Map, Value, json};

use super::catalog::rate;
use crate::draft::Draft;
use crate::fields::Fields;
use crate::trouble::Trouble;
use crate::yaml::{self, Yaml};

/// What one price of a subscription has of its own.
struct Item {
    price: Code,
    quantity: Option<Decimal>,
    /// Another figure in the price's own model.
    unit: Option<Decimal>,
    /// Another price altogether.
    rate: Option<Rate>,
    /// The add-on ends.
    remove: bool,
}

/// Quantities and prices: `quantity`, `unit` and `items`.
#[derive(Default)]
struct Items {
    /// Of every price of the plan.
    quantity: Option<Decimal>,
    /// A figure for the only price of the plan.
    unit: Option<Decimal>,
    by_price: Vec<Item>,
}

impl Items {
    fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        let mut read = Self::default();
        for node in f.list("items")? {
            let mut fields = Fields::of("items", node, f.place().step)?;
            read.by_price.push(item(&mut fields)?);
            fields.done()?;
        }
        if is_mapping(f.node("quantity")) {
            for (price, figure) in figures(f, "quantity")? {
                read.of(price).quantity = Some(figure);
            }
        } else {
            read.quantity = f.parsed("quantity")?;
        }
        if is_mapping(f.node("unit")) {
            for (price, figure) in figures(f, "unit")? {
                read.of(price).unit = Some(figure);
            }
        } else {
            read.unit = f.parsed("unit")?;
        }
        Ok(read)
    }

    fn of(&mut self, price: Code) -> &mut Item {
        let index = self.by_price.iter().position(|item| item.price == price);
        let index = index.unwrap_or_else(|| {
            self.by_price.push(Item::of(price));
            self.by_price.len() - 1
        });
        &mut self.by_price[index]
    }

    /// As the command has them; none if nothing is said. `spread`: the quantity of all is said of
    /// each price, where the command has no place for it.
    fn requests(
        mut self,
        f: &Fields<'_>,
        plan: Option<&DefinePlan>,
        spread: bool,
    ) -> Result<Option<Value>, Trouble> {
        // What is said of all prices is of those that recur, as a command's quantity is.
        let recurs = |price: &&PriceDefinition| {
            price.recurrence.is_none_or(|recurrence| recurrence == Recurrence::Recurring)
        };
        let prices = plan.map_or(&[][..], |plan| plan.prices.as_slice());
        let prices: Vec<&PriceDefinition> = prices.iter().filter(recurs).collect();
        if let Some(unit) = self.unit {
            let [only] = prices[..] else {
                let why = "`unit` is of one price; write `unit: {PRICE: FIGURE}`";
                return Err(Trouble::wrong(f.place_of("unit"), why));
            };
            self.by_price.push(Item { unit: Some(unit), ..Item::of(only.price.clone()) });
        }
        if let Some(quantity) = self.quantity.filter(|_| spread) {
            let flat = |price: &&&PriceDefinition| {
                price.amounts.first().is_some_and(|it| matches!(it.rate, Rate::Flat(_)))
            };
            for price in prices.iter().filter(|price| !flat(price)) {
                let item = self.of(price.price.clone());
                item.quantity = item.quantity.or(Some(quantity));
            }
        }
        let requests = self.by_price.iter().map(|item| item.request(f, plan));
        let requests: Vec<Value> = requests.collect::<Result<_, _>>()?;
        Ok((!requests.is_empty()).then(|| requests.into()))
    }
}

impl Item {
    fn of(price: Code) -> Self {
        Self { price, quantity: None, unit: None, rate: None, remove: false }
    }

    fn request(&self, f: &Fields<'_>, plan: Option<&DefinePlan>) -> Result<Value, Trouble> {
        let rate = match (self.unit, &self.rate) {
            (None, rate) => rate.clone(),
            (Some(unit), _) => Some(self.with_unit(unit, f, plan)?),
        };
        let remove = self.remove.then_some(true);
        let Self { price, quantity, .. } = self;
        Ok(json!({"price": price, "quantity": quantity, "rate": rate, "remove": remove}))
    }

    /// The plan's price with another figure.
    fn with_unit(
        &self,
        unit: Decimal,
        f: &Fields<'_>,
        plan: Option<&DefinePlan>,
    ) -> Result<Rate, Trouble> {
        let prices = plan.map_or(&[][..], |plan| plan.prices.as_slice());
        let found = prices.iter().find(|it| it.price == self.price);
        let Some(amount) = found.and_then(|price| price.amounts.first()) else {
            let known: Vec<_> = prices.iter().map(|price| price.price.as_str()).collect();
            let what = format!("price `{}` of the plan", self.price);
            return Err(Trouble::unknown(f.place_in("unit", self.price.as_str()), what, known));
        };
        amount.rate.with_amount(unit).ok_or_else(|| {
            let why = format!("{} has tiers; write the whole price in `items`", self.price);
            Trouble::wrong(f.place_in("unit", self.price.as_str()), why)
        })
    }
}

fn is_mapping(node: Option<&Yaml>) -> bool {
    node.is_some_and(|node| matches!(node.value, yaml::Value::Map(_)))
}

fn figures(f: &mut Fields<'_>, key: &str) -> Result<Vec<(Code, Decimal)>, Trouble> {
    let entries = f.texts(key)?;
    let read = |(price, text): (&str, &str)| {
        let code = price.parse().map_err(|error| f.wrong_in(key, price, &error))?;
        Ok((code, text.parse().map_err(|error| f.wrong_in(key, price, &error))?))
    };
    entries.into_iter().map(read).collect()
}

fn item(f: &mut Fields<'_>) -> Result<Item, Trouble> {
    let price = f.need_parsed("price")?;
    let (quantity, remove) = (f.parsed("quantity")?, f.flag("remove")?);
    let own = f.rest();
    let (unit, rate) = if own.contains(&"model") || own.contains(&"tiers") {
        (None, Some(rate(f)?))
    } else {
        (f.parsed("unit")?, None)
    };
    Ok(Item { price, quantity, unit, rate, remove })
}

/// Keys of terms that the command has under another name, or in another form.
const TERMS: [(&str, &str); 6] = [
    ("anchor", "anchor"),
    ("trial", "trial_days"),
    ("term", "term"),
    ("least_term", "least_term"),
    ("ramp_end", "ramp_end"),
    ("activation", "activation"),
];

/// `subscribe` and `quote`: who uses it is named, and who pays is its parent, if it has one.
pub(super) fn subscribe(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    let user = d.names.customer_id(d.said.need("customer")?);
    let payer = d.names.payer(user);
    d.of(payer);
    let alias = d.said.need("plan")?;
    d.name("plan", alias);
    let version = d.said.whole("version", 1..=u32::MAX)?;
    let plan = d.names.plan(d.names.plan_id(alias), version);
    let items = Items::read(&mut d.said)?;
    let mut with = Map::new();
    let quantity = items.quantity;
    with.extend(items.requests(&d.said, plan, false)?.map(|items| ("items".to_owned(), items)));
    for (key, field) in TERMS {
        let value = d.inside(key, "SubscriptionTerms", field)?;
        with.extend(value.map(|value| (field.to_owned(), value)));
    }
    with.extend(ramp(d, plan)?.map(|phases| ("ramp".to_owned(), phases)));
    with.extend(dimensions(d)?.map(|all| ("dimensions".to_owned(), all)));
    if payer != user {
        with.insert("beneficiary".to_owned(), json!(user));
    }
    d.put("version", json!(version));
    d.put("quantity", json!(quantity));
    if !with.is_empty() {
        d.put("with", with);
    }
    Ok(true)
}

/// Phases of the term, each with its days.
fn ramp(d: &mut Draft<'_>, plan: Option<&DefinePlan>) -> Result<Option<Value>, Trouble> {
    let mut phases = Vec::new();
    for node in d.said.list("ramp")? {
        let mut f = Fields::of("ramp", node, d.place().step)?;
        let days = f.text("days")?;
        let months = f.whole("months", 1..=u16::MAX.into())?;
        let items = Items::read(&mut f)?.requests(&f, plan, true)?;
        let discount = f.not_zero("discount")?;
        f.done()?;
        phases.push(json!({
            "days": days,
            "months": months,
            "items": items,
            "discount_percent": discount,
        }));
    }
    Ok((!phases.is_empty()).then(|| phases.into()))
}

/// Where it was sold, and more that reports group by.
fn dimensions(d: &mut Draft<'_>) -> Result<Option<Value>, Trouble> {
    let mut all = d.said.texts("metadata")?;
    all.extend(d.said.text("channel")?.map(|channel| ("channel", channel)));
    let each = all.iter().map(|(key, value)| json!({"key": key, "value": value}));
    Ok((!all.is_empty()).then(|| each.collect()))
}

/// `change`: figures of prices are those of the plan that it changes to, or has.
pub(super) fn change(d: &mut Draft<'_>) -> Result<bool, Trouble> {
    let sub = d.names.sub_id(d.said.need("sub")?);
    let version = d.said.whole("version", 1..=u32::MAX)?;
    let told: Option<PlanId> = d.said.peek("plan").map(|alias| d.names.plan_id(alias));
    let plan = told.or_else(|| d.names.sub(sub).map(|bought| bought.plan));
    let plan = plan.and_then(|plan| d.names.plan(plan, version));
    let items = Items::read(&mut d.said)?;
    let quantity = items.quantity;
    let items = items.requests(&d.said, plan, false)?;
    d.put("version", json!(version));
    d.put("quantity", json!(quantity));
    d.put("items", json!(items));
    let map = mapping(d)?;
    d.put("map", json!(map));
    Ok(true)
}

/// Which price becomes which: `{old: new}`, and `{old: ends}` for one that ends.
fn mapping(d: &mut Draft<'_>) -> Result<Option<Value>, Trouble> {
    if !is_mapping(d.said.node("map")) {
        return Ok(None);
    }
    let each = d.said.texts("map")?.into_iter().map(|(from, to)| {
        let to = Some(to).filter(|to| *to != "ends");
        json!({"from": from, "to": to})
    });
    Ok(Some(each.collect()))
}
