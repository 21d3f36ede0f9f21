//! The plainest prices of a story's plans, in euros.

use schemas::terms::{CurrencyPrice, PriceDefinition, Rate, Recurrence};

use super::{euro, number};
use crate::play::text;

pub(crate) fn price(name: &str, rate: Rate) -> PriceDefinition {
    PriceDefinition {
        price: text(name),
        name: None,
        recurrence: None,
        every: None,
        timing: None,
        amounts: vec![CurrencyPrice { currency: euro(), rate, minimum: None }],
        grants: None,
    }
}

pub(crate) fn flat(name: &str, amount: &str) -> PriceDefinition {
    price(name, Rate::Flat(number(amount)))
}

pub(crate) fn per_unit(name: &str, amount: &str) -> PriceDefinition {
    price(name, Rate::PerUnit(number(amount)))
}

pub(crate) fn setup(name: &str, amount: &str) -> PriceDefinition {
    PriceDefinition { recurrence: Some(Recurrence::Setup), ..flat(name, amount) }
}

pub(crate) fn add_on(name: &str, amount: &str) -> PriceDefinition {
    PriceDefinition { recurrence: Some(Recurrence::AddOn), ..flat(name, amount) }
}
