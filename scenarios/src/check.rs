//! Compares what is expected with what the book says.

mod document;
mod grants;
mod life;
mod lot;
mod migrations;

use schemas::event::{CreditNoteIssued, LineSource};
use schemas::ids::CustomerId;
use schemas::view::CustomerBalance;
use schemas::{Currency, Date};
use serde_json::json;

use crate::expect::{Expect, Subject};
use crate::report::Difference;
use crate::run::{Runner, Stopped};
use crate::trouble::Place;
use crate::value::{DayZone, Got, Wanted};

/// A value of the book with how it came about.
struct Found {
    got: Got,
    explain: String,
}

impl From<Got> for Found {
    fn from(got: Got) -> Self {
        Self { got, explain: String::new() }
    }
}

impl Runner<'_> {
    /// Compares everything that one step expects.
    pub(super) fn check(&mut self, place: Place, expect: &Expect) -> Result<(), Stopped> {
        match &expect.subject {
            Subject::Invoice(name) => self.check_invoice(place, expect, name),
            Subject::Preview(verb) => self.check_preview(place, expect, verb),
            Subject::Note(name) => {
                self.check_note(place, expect, name);
                Ok(())
            }
            Subject::Customer(alias) => self.check_customer(place, expect, alias),
            Subject::Sub(alias) => self.check_sub(place, expect, alias),
            Subject::Lot(alias) => self.check_lot(place, expect, alias),
            Subject::Rerun => self.check_rerun(place),
        }
    }

    /// Compares one value.
    fn compare(
        &mut self,
        place: Place,
        path: String,
        wanted: &Wanted,
        currency: Option<Currency>,
        found: Found,
    ) {
        let differs = !wanted.is(&found.got);
        let difference = differs.then(|| Difference {
            want: Some(wanted.shown(currency)),
            got: Some(found.got.to_string()),
            explain: found.explain,
            ..Difference::at(&self.scenario.id, place, path)
        });
        self.outcome.compare(difference);
    }

    /// There is no such thing, or it cannot be asked for.
    fn absent(&mut self, place: Place, path: &str, why: String) {
        self.outcome.compare(Some(Difference {
            want: Some("there".to_owned()),
            explain: why,
            ..Difference::at(&self.scenario.id, place, path)
        }));
    }

    fn check_rerun(&mut self, place: Place) -> Result<(), Stopped> {
        let before = self.seen.invoices.len();
        self.run_again(place)?;
        let new: Vec<_> = self.seen.invoices[before..]
            .iter()
            .map(|(_, invoice)| format!("{} of {}", invoice.number, invoice.totals.total))
            .collect();
        self.outcome.compare((!new.is_empty()).then(|| Difference {
            want: Some("no new invoice".to_owned()),
            got: Some(new.join(", ")),
            explain: "a second run bills nothing again".to_owned(),
            ..Difference::at(&self.scenario.id, place, "rerun")
        }));
        Ok(())
    }

    fn check_note(&mut self, place: Place, expect: &Expect, name: &str) {
        let number = name.strip_prefix('n').and_then(|number| number.parse::<usize>().ok());
        let index = number.and_then(|number| number.checked_sub(1));
        let Some((_, note)) = index.and_then(|index| self.seen.notes.get(index)) else {
            let issued = self.seen.notes.len();
            return self.absent(place, name, format!("{issued} credit notes were issued"));
        };
        let note = note.clone();
        for (key, wanted) in &expect.values {
            let got = Got::Money(note_figure(&note, key), note.currency);
            let path = format!("{name}.{key}");
            self.compare(place, path, wanted, Some(note.currency), got.into());
        }
    }

    fn check_customer(
        &mut self,
        place: Place,
        expect: &Expect,
        alias: &str,
    ) -> Result<(), Stopped> {
        let id = self.names.customer_id(alias);
        let asked: Result<CustomerBalance, _> =
            self.ask("balances", "get", &json!({"customer": id, "as_of": self.today()}))?;
        let balance = match asked {
            Ok(balance) => balance,
            Err(code) => {
                let known = self.names.there_is("unknown_customer").unwrap_or_default();
                self.absent(place, alias, format!("{code}; {known}"));
                return Ok(());
            }
        };
        let summary = &balance.customer;
        let money = |money: schemas::Money| Got::Money(money.minor(), money.currency());
        for (key, wanted) in &expect.values {
            let got = match key.as_str() {
                "open" => money(summary.open),
                "credit" => money(summary.credit),
                "balance" => money(summary.balance),
                "overdue" => money(balance.overdue),
                // A payment's rest becomes customer credit at once: nothing is ever unapplied.
                "unapplied" => Got::Money(schemas::Minor::ZERO, summary.currency),
                "invoices" => Got::Count(usize::try_from(summary.invoices).unwrap_or(usize::MAX)),
                key => self.access(id, None, key)?,
            };
            let path = format!("{alias}.{key}");
            self.compare(place, path, wanted, Some(summary.currency), got.into());
        }
        // What it may use is the only list.
        for (_, wanted) in &expect.lists {
            self.check_grants(place, alias, (id, None), wanted, expect.exact)?;
        }
        Ok(())
    }

    /// The day that the test clock shows to the seller, which decides what is overdue. The read
    /// models know that of the last commit, and the commit that moves the clock is recorded
    /// before it moves.
    fn today(&self) -> Date {
        let now = self.now;
        self.scenario.zone.date_at(now).unwrap_or_else(|_| now.utc_date())
    }

    /// Where the dates of a customer are counted.
    fn days_of(&self, customer: CustomerId) -> DayZone {
        let zone = self.names.customer(customer).zone;
        let policies = self.scenario.policies();
        let registered = self.seen.registered.get(&customer);
        let first = match (policies.zone, registered) {
            (schemas::terms::ZoneRule::FixedOffsetAtCreation, Some(at)) => {
                zone.offset_at(*at).map_or(DayZone::Zone(zone), DayZone::Offset)
            }
            (schemas::terms::ZoneRule::FixedOffsetAtCreation, None)
            | (schemas::terms::ZoneRule::IanaZone, _) => DayZone::Zone(zone),
        };
        let moves = self.seen.moves.iter().filter(|(moved, _)| *moved == customer);
        moves.fold(first, |zone, (_, changed)| zone.moved(changed))
    }

    /// The alias of what a line bills.
    fn source(&self, source: LineSource) -> Option<String> {
        match source {
            LineSource::Cycle { subscription, .. } => {
                self.names.alias(subscription.uuid()).map(str::to_owned)
            }
            LineSource::Charge(charge) => {
                let printed = || self.seen.charges.get(&charge).map(String::as_str);
                self.names.alias(charge.uuid()).or_else(printed).map(str::to_owned)
            }
            LineSource::Invoice => None,
        }
    }
}

fn note_figure(note: &CreditNoteIssued, key: &str) -> schemas::Minor {
    let sum = |of: fn(&schemas::event::LineReversal) -> schemas::Minor| {
        schemas::Minor::sum(note.lines.iter().map(of)).unwrap_or_default()
    };
    match key {
        "net" => sum(|line| line.net),
        "tax" => sum(|line| line.tax),
        _ => note.total,
    }
}
