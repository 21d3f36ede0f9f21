//! Sample commands, events and commits: at least one of each kind, each with a name.

mod commands;
mod commits;
mod events;
mod settlement;
mod subscriptions;

pub(crate) use commands::{commands, older_commands};
pub(crate) use commits::{commits, small_commits};
pub(crate) use events::{Older, events, older_events};
pub(crate) use subscriptions::{billed_ahead, item_terms, subscription_terms};

use schemas::terms::{CurrencyPrice, Grant, GrantLimit, PriceDefinition, Rate, SeriesDefinition};

use crate::values::{self, of};

/// A record and what its sample shows.
pub(crate) type Named<T> = (String, T);

/// Samples as they are gathered.
pub(crate) struct Samples<T>(Vec<Named<T>>);

impl<T> Samples<T> {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// All of them.
    pub(crate) fn done(self) -> Vec<Named<T>> {
        self.0
    }

    /// One with its name.
    pub(crate) fn add(&mut self, name: &str, record: impl Into<T>) {
        self.0.push((name.to_owned(), record.into()));
    }

    /// One for each value, with the value's name.
    pub(crate) fn add_each<V, R: Into<T>>(
        &mut self,
        values: Vec<(&str, V)>,
        record: impl Fn(V) -> R,
    ) {
        for (name, value) in values {
            self.add(name, record(value));
        }
    }
}

/// A number series of each kind.
pub(crate) fn series() -> Vec<SeriesDefinition> {
    values::series_kinds()
        .into_iter()
        .map(|(code, kind)| SeriesDefinition { code: of(code), kind, prefix: of("AC"), digits: 6 })
        .collect()
}

/// The rates of sample plans. Golden bytes of a plan stay what they are: a rate that is added
/// later has its bytes among [`values`].
pub(crate) fn rates_of_plans() -> Vec<(&'static str, Rate)> {
    values::rates().into_iter().take(7).collect()
}

/// Features with and without limits.
pub(crate) fn grants() -> Vec<Grant> {
    let limit = |per| Some(GrantLimit { amount: of("2.5"), per });
    let scopes = values::grant_scopes().into_iter().map(|(_, scope)| limit(Some(scope)));
    let limits = [None, limit(None)].into_iter().chain(scopes);
    let names = ["sso", "projects", "storage", "users"];
    names.into_iter().zip(limits).map(|(name, limit)| Grant { feature: of(name), limit }).collect()
}

/// A price for each rate, in euros and dollars, with and without what may be left out.
pub(crate) fn prices(rates: Vec<(&'static str, Rate)>) -> Vec<PriceDefinition> {
    let recurrences = values::recurrences();
    let timings = values::billing_timings();
    let everies = values::everies();
    rates
        .into_iter()
        .enumerate()
        .map(|(n, (name, rate))| PriceDefinition {
            price: of(name),
            name: (n > 0).then(|| of("Seats")),
            recurrence: n.checked_sub(1).map(|n| recurrences[n % recurrences.len()].1),
            every: n.checked_sub(2).map(|_| everies[0].1),
            timing: n.checked_sub(1).map(|n| timings[n % timings.len()].1),
            amounts: vec![
                CurrencyPrice { currency: of("EUR"), rate: rate.clone(), minimum: None },
                CurrencyPrice { currency: of("USD"), rate, minimum: Some(of("25")) },
            ],
            grants: (n > 3).then(grants),
        })
        .collect()
}
