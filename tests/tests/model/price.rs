//! What a whole cycle costs at a quantity: every price model, each in a line or two.
//!
//! # Shape
//!
//! [`whole`] gives the exact price in minor units. The least price stands apart, because it makes
//! a line of its own.

use schemas::terms::{Rate, Tier};
use schemas::{Currency, Decimal};

use crate::number::Exact;

/// Major to minor units.
pub(crate) fn minor(major: Exact, currency: Currency) -> Exact {
    major.times(Exact::whole(10_i128.pow(u32::from(currency.exponent()))))
}

/// The exact price of a whole cycle, in minor units.
pub(crate) fn whole(rate: &Rate, quantity: Decimal, currency: Currency) -> Exact {
    let quantity = Exact::decimal(quantity);
    minor(in_major_units(rate, quantity), currency)
}

/// Whether two prices ask the same for a whole cycle.
pub(crate) fn costs_the_same((one, other): (&Rate, &Rate), quantity: Decimal) -> bool {
    let of = |rate| in_major_units(rate, Exact::decimal(quantity));
    of(one) == of(other)
}

fn in_major_units(rate: &Rate, quantity: Exact) -> Exact {
    match rate {
        Rate::Flat(amount) => Exact::decimal(*amount),
        Rate::PerUnit(amount) => Exact::decimal(*amount).times(quantity),
        Rate::Graduated(tiers) => graduated(tiers, quantity),
        Rate::Volume(tiers) => {
            let tier = reached(tiers, quantity);
            tier_price(tier, quantity)
        }
        Rate::Capacity(tiers) => Exact::decimal(reached(tiers, quantity).flat),
        Rate::Package(package) => {
            let paid = quantity.minus(Exact::decimal(package.free_units)).most(Exact::ZERO);
            let packages = paid.over(Exact::decimal(package.size)).ceiling();
            Exact::decimal(package.price).times(Exact::whole(packages))
        }
        Rate::Percentage(share) => {
            if quantity.is_zero() {
                return Exact::ZERO;
            }
            let paid = quantity.minus(Exact::decimal(share.free_amount)).most(Exact::ZERO);
            let amount =
                paid.times(Exact::percent(share.percent)).plus(Exact::decimal(share.fixed));
            let least = share.min.map_or(amount, |min| amount.most(Exact::decimal(min)));
            share.max.map(Exact::decimal).filter(|max| *max < least).unwrap_or(least)
        }
    }
}

fn tier_price(tier: &Tier, units: Exact) -> Exact {
    let by_unit = Exact::decimal(tier.unit).plus(Exact::percent(tier.percent));
    by_unit.times(units).plus(Exact::decimal(tier.flat))
}

/// Each slice at the price of its own tier; the first tier is always entered.
fn graduated(tiers: &[Tier], quantity: Exact) -> Exact {
    let mut sum = Exact::ZERO;
    let mut from = Exact::ZERO;
    for (number, tier) in tiers.iter().enumerate() {
        if number > 0 && quantity <= from {
            break;
        }
        let to = tier.up_to.map_or(quantity, Exact::decimal);
        let units = (if quantity < to { quantity } else { to }).minus(from);
        sum = sum.plus(tier_price(tier, units));
        from = to;
    }
    sum
}

/// The tier that a quantity reaches.
fn reached(tiers: &[Tier], quantity: Exact) -> &Tier {
    let within = |tier: &&Tier| tier.up_to.is_none_or(|to| quantity <= Exact::decimal(to));
    tiers.iter().find(within).expect("the last tier has no end")
}

/// Whether the quantity is a part of what is charged for.
pub(crate) const fn counts_units(rate: &Rate) -> bool {
    !matches!(rate, Rate::Flat(_))
}

#[test]
fn tiers_as_published() {
    let decimal = |text: &str| text.parse::<Decimal>().expect("a number");
    let tier = |to: Option<&str>, unit: &str, flat: &str| Tier {
        up_to: to.map(decimal),
        unit: decimal(unit),
        flat: decimal(flat),
        percent: Decimal::ZERO,
    };
    let tiers = vec![tier(Some("5"), "7", "0"), tier(Some("10"), "6.5", "0"), tier(None, "6", "0")];
    // Stripe: 20 units cost 120 by volume and 127.50 in slices.
    let of = |rate: &Rate| in_major_units(rate, Exact::whole(20));
    assert_eq!(of(&Rate::Volume(tiers.clone())), Exact::whole(120));
    assert_eq!(of(&Rate::Graduated(tiers)), Exact::new(255, 2));
    // The flat amount of the first tier is paid for nothing, too.
    let flat = vec![tier(Some("5"), "5", "10"), tier(None, "4", "20")];
    let none = in_major_units(&Rate::Graduated(flat), Exact::ZERO);
    assert_eq!(none, Exact::whole(10));
}
