//! Lots of credit: what is left, and what they pay.

use schemas::view::Lot;
use serde_json::{Value, json};

use crate::expect::Expect;
use crate::run::{Runner, Stopped};
use crate::trouble::Place;
use crate::value::Got;

/// The most lots of a customer that are looked through.
const MOST: u32 = 500;

impl Runner<'_> {
    pub(super) fn check_lot(
        &mut self,
        place: Place,
        expect: &Expect,
        alias: &str,
    ) -> Result<(), Stopped> {
        let lot = self.names.lot(alias);
        let owner = self.names.owner_of_lot(alias).unwrap_or_else(|| self.names.anyone());
        let body = json!({"customer": owner, "limit": MOST});
        let asked: Result<Vec<Lot>, String> = self.ask("balances", "lots", &body)?;
        let found = asked.unwrap_or_default().into_iter().find(|found| found.lot == lot);
        let Some(found) = found else {
            let known = self.names.there_is("unknown_credit").unwrap_or_default();
            self.absent(place, alias, format!("it has made no credit; {known}"));
            return Ok(());
        };
        let currency = found.amount.currency();
        for (key, wanted) in &expect.values {
            let got = match key.as_str() {
                "amount" => Got::Money(found.amount.minor(), currency),
                "left" => Got::Money(found.left.minor(), currency),
                "expires" => found.expires.map_or(Got::Nothing, Got::Date),
                "refundable" => Got::Word(found.refundable.to_string()),
                _ => Got::Word(word(&json!(found.source))),
            };
            self.compare(place, format!("{alias}.{key}"), wanted, Some(currency), got.into());
        }
        for (key, wanted) in &expect.lists {
            let shown = found.uses.iter().map(|part| {
                let invoice = self.names.name_of_invoice(part.invoice);
                Got::Word(format!("{invoice} {}", part.amount.amount()))
            });
            let got: Vec<Got> = shown.collect();
            self.check_list(place, &format!("{alias}.{key}"), wanted, &got, expect.exact);
        }
        Ok(())
    }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
