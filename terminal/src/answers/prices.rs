//! Prices, cycles and discounts in words.

use schemas::Decimal;
use schemas::event::{ItemTerms, TierPart};
use schemas::terms::{
    BillingTiming, CalendarUnit, DiscountDuration, DiscountValue, Every, PackageRate,
    PercentageRate, Rate, Tier,
};

/// A price with all that its amount follows from.
pub(super) fn rate(rate: &Rate) -> String {
    match rate {
        Rate::Flat(amount) => format!("{amount} flat"),
        Rate::PerUnit(amount) => format!("{amount} for each unit"),
        Rate::Graduated(rising) => format!("graduated: {}", tiers(rising)),
        Rate::Volume(rising) => format!("volume: {}", tiers(rising)),
        Rate::Capacity(rising) => format!("capacity: {}", tiers(rising)),
        Rate::Package(PackageRate { price, size, free_units }) => {
            format!("{price} for each package of {size}, {free_units} units free")
        }
        Rate::Percentage(share) => percentage(share),
    }
}

fn percentage(share: &PercentageRate) -> String {
    let PercentageRate { percent, fixed, free_amount, min, max } = share;
    let least = min.map(|min| format!(", at least {min}")).unwrap_or_default();
    let most = max.map(|max| format!(", at most {max}")).unwrap_or_default();
    format!("{percent} % and {fixed}, {free_amount} free{least}{most}")
}

fn tiers(tiers: &[Tier]) -> String {
    let each = tiers.iter().map(|tier| {
        let bound = tier.up_to.map_or_else(|| "above".to_owned(), |up_to| format!("to {up_to}"));
        format!("{bound}: {}", parts(tier.unit, tier.flat, tier.percent))
    });
    each.collect::<Vec<_>>().join("; ")
}

/// A tier as it priced a quantity.
pub(super) fn tier(part: &TierPart) -> String {
    let priced = parts(part.unit_price, part.flat, part.percent);
    // A capacity is paid for as a whole, whatever the quantity.
    if part.quantity == Decimal::ZERO {
        return format!("a tier at {priced}");
    }
    format!("{} in a tier at {priced}", part.quantity)
}

/// The parts of a tier's price that are not zero.
fn parts(unit: Decimal, flat: Decimal, percent: Decimal) -> String {
    let mut parts = Vec::new();
    if unit != Decimal::ZERO || (flat == Decimal::ZERO && percent == Decimal::ZERO) {
        parts.push(format!("{unit} each"));
    }
    if flat != Decimal::ZERO {
        parts.push(format!("{flat} flat"));
    }
    if percent != Decimal::ZERO {
        parts.push(format!("{percent} %"));
    }
    parts.join(", ")
}

/// Such as `3 months`.
pub(super) fn every(every: Every) -> String {
    let unit = match every.unit {
        CalendarUnit::Day => "day",
        CalendarUnit::Week => "week",
        CalendarUnit::Month => "month",
        CalendarUnit::Year => "year",
    };
    let plural = if every.count == 1 { "" } else { "s" };
    format!("{} {unit}{plural}", every.count)
}

/// How much a discount takes off.
pub(super) fn worth(value: DiscountValue) -> String {
    match value {
        DiscountValue::Percent(percent) => format!("{percent} %"),
        DiscountValue::Amount(amount) => amount.to_string(),
    }
}

/// How long a discount lasts.
pub(super) fn lasting(duration: DiscountDuration) -> String {
    match duration {
        DiscountDuration::Once => "once".to_owned(),
        DiscountDuration::Cycles(count) => format!("{count} times"),
        DiscountDuration::Months(count) => format!("for {count} months"),
        DiscountDuration::Forever => "until it is removed".to_owned(),
    }
}

/// The price in words, with its currency.
pub(super) fn price(terms: &ItemTerms) -> String {
    let least = terms.minimum.map(|minimum| format!(", at least {minimum} a cycle"));
    let least = least.unwrap_or_default();
    let own = if terms.own_rate { " (its own)" } else { "" };
    format!("{} {}{least}{own}", terms.currency, rate(&terms.rate))
}

/// The same for a cell: tiers and bounds on lines of their own.
pub(super) fn in_lines(terms: &ItemTerms) -> String {
    price(terms).replace("; ", "\n").replace(", at least ", "\nat least ")
}

/// When it is billed, in words.
pub(super) fn billed(terms: &ItemTerms) -> String {
    let when = match terms.timing {
        BillingTiming::InAdvance => "in advance",
        BillingTiming::InArrears => "in arrears",
    };
    let ahead = match terms.lead_days {
        0 => String::new(),
        1 => ", 1 day ahead".to_owned(),
        days => format!(", {days} days ahead"),
    };
    let every = every(terms.every);
    format!("every {}, {when}{ahead}", every.strip_prefix("1 ").unwrap_or(&every))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_part_of_a_price_is_named() {
        let tier = |up_to: Option<&str>, unit: &str, flat: &str, percent: &str| -> Value {
            json!({"up_to": up_to, "unit": unit, "flat": flat, "percent": percent})
        };
        let tiers = json!([tier(Some("10"), "5", "0", "0"), tier(None, "0", "20", "1.5")]);
        let free = json!([tier(Some("10"), "0", "0", "0"), tier(None, "2", "7", "0")]);
        let percentage = json!({"percent": "2.5", "fixed": "0.30", "free_amount": "100",
            "min": "1", "max": "50"});
        let unbound = json!({"percent": "2.5", "fixed": "0", "free_amount": "0",
            "min": null, "max": null});
        let package = json!({"price": "5", "size": "100", "free_units": "250"});
        for (price, words) in [
            (json!({"flat": "20"}), "20 flat"),
            (json!({"per_unit": "0.05"}), "0.05 for each unit"),
            (json!({"graduated": tiers}), "graduated: to 10: 5 each; above: 20 flat, 1.5 %"),
            (json!({"volume": free}), "volume: to 10: 0 each; above: 2 each, 7 flat"),
            (json!({"capacity": tiers}), "capacity: to 10: 5 each; above: 20 flat, 1.5 %"),
            (json!({"package": package}), "5 for each package of 100, 250 units free"),
            (json!({"percentage": percentage}), "2.5 % and 0.3, 100 free, at least 1, at most 50"),
            (json!({"percentage": unbound}), "2.5 % and 0, 0 free"),
        ] {
            let read: Rate = serde_json::from_value(price).expect("a price");
            assert_eq!(rate(&read), words);
        }
    }
}
