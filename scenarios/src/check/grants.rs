//! Features that a customer may use.

use schemas::ids::{CustomerId, SubscriptionId};
use schemas::view::Entitlement;

use crate::report::Difference;
use crate::run::{Runner, Stopped};
use crate::trouble::Place;
use crate::value::Wanted;

impl Runner<'_> {
    /// A feature is written with its limit behind it, if it has one; `none` is none at all. They
    /// come in any order.
    pub(super) fn check_grants(
        &mut self,
        place: Place,
        alias: &str,
        (customer, sub): (CustomerId, Option<SubscriptionId>),
        wanted: &[Wanted],
        exact: bool,
    ) -> Result<(), Stopped> {
        let got: Vec<String> = match self.access_of(customer, sub)? {
            Ok(access) => access.grants.iter().map(shown).collect(),
            Err(code) => vec![code],
        };
        let wanted: Vec<&str> = wanted.iter().map(|want| want.text.as_str()).collect();
        let holds = match &wanted[..] {
            ["none"] => got.is_empty(),
            named => {
                let there = |name: &&str| got.iter().any(|got| got == name);
                named.iter().all(there) && (!exact || named.len() == got.len())
            }
        };
        let listed = |texts: &[String]| match texts {
            [] => "none".to_owned(),
            texts => texts.join(", "),
        };
        self.outcome.compare((!holds).then(|| Difference {
            want: Some(wanted.join(", ")),
            got: Some(listed(&got)),
            explain: if exact { "exactly" } else { "among others" }.to_owned(),
            ..Difference::at(&self.scenario.id, place, format!("{alias}.grants"))
        }));
        Ok(())
    }
}

fn shown(grant: &Entitlement) -> String {
    match grant.limit {
        Some(limit) => format!("{} {limit}", grant.feature),
        None => grant.feature.to_string(),
    }
}
