//! Invoices, and previews of them, with their lines.

use schemas::command::{ProcessCommand, RunBilling};
use schemas::event::{InvoiceFinalized, InvoiceLine};
use schemas::ids::CustomerId;
use schemas::text::Label;
use schemas::view::{Invoice, InvoicePreview};
use schemas::{Command, Currency, Fraction, Minor, Personal};
use serde_json::json;

use super::Found;
use crate::expect::Expect;
use crate::report::Difference;
use crate::run::{Runner, Stopped};
use crate::trouble::Place;
use crate::value::{DayZone, Got, Wanted};
use crate::verbs::Verb;

/// What is wanted of one line.
type WantedLine = [(String, Wanted)];

impl Runner<'_> {
    pub(super) fn check_invoice(
        &mut self,
        place: Place,
        expect: &Expect,
        name: &str,
    ) -> Result<(), Stopped> {
        let Some((owes, id)) = self.names.invoice(name) else {
            let why = match self.names.invoices.len() {
                0 => "no invoice was finalized".to_owned(),
                1 => "one invoice was finalized: i1".to_owned(),
                count => format!("{count} invoices were finalized: i1 to i{count}"),
            };
            self.absent(place, name, why);
            return Ok(());
        };
        let asked: Result<Invoice, _> =
            self.ask("invoices", "get", &json!({"invoice": id, "as_of": self.today()}))?;
        let (document, view) = match (self.seen.invoice(id).cloned(), asked) {
            (Some(document), Ok(view)) => (document, view),
            (_, Err(code)) => {
                self.absent(place, name, code);
                return Ok(());
            }
            (None, Ok(_)) => {
                self.absent(place, name, "the log has no such invoice".to_owned());
                return Ok(());
            }
        };
        let summary = &view.invoice;
        let currency = summary.currency;
        let money = |money: schemas::Money| Got::Money(money.minor(), currency);
        for (key, wanted) in &expect.values {
            let got = match key.as_str() {
                "total" => money(summary.total),
                "net" => money(summary.net),
                "gross" => money(summary.gross),
                "discount" => money(summary.discount),
                "tax" => money(summary.tax),
                "credit" | "credit_applied" => money(summary.credit_applied),
                "credit_generated" => money(summary.credit_generated),
                "paid" => money(summary.paid),
                "open" => money(summary.balance_due),
                "due" => Got::Date(summary.due_date),
                "date" => Got::Date(summary.document_date),
                "status" => Got::Word(word(&summary.status)),
                "overdue" => Got::Word(summary.overdue.to_string()),
                "line_count" => Got::Count(document.lines.len()),
                "memo" => said(view.memo.as_ref().map(readable)),
                "purchase_order" => said(view.purchase_order.as_ref().map(Label::to_string)),
                "seller" => Got::Word(view.seller.name.to_string()),
                "seller_city" => {
                    let address = view.seller.address.as_ref();
                    said(address.map(|address| address.city.to_string()))
                }
                "to" => Got::Word(readable(&summary.customer_name)),
                "to_country" => {
                    let address = view.customer_address.as_ref();
                    said(address.map(|address| address.country.to_string()))
                }
                _ => Got::Word(summary.number.to_string()),
            };
            let explain = match key.as_str() {
                "total" => self.told(&document),
                // Somebody may look for `overdue` in the status, which only says what is paid.
                "status" | "overdue" => format!(
                    "{} is open, the last day to pay is {} and today is {}",
                    money(summary.balance_due),
                    summary.due_date,
                    self.today(),
                ),
                _ => String::new(),
            };
            let path = format!("{name}.{key}");
            self.compare(place, path, wanted, Some(currency), Found { got, explain });
        }
        let days = self.days_of(owes);
        self.check_lines(place, expect, name, &document.lines, currency, &days);
        Ok(())
    }

    /// What a billing run would bill every customer, or what another verb would invoice.
    pub(super) fn check_preview(
        &mut self,
        place: Place,
        expect: &Expect,
        verb: &Verb,
    ) -> Result<(), Stopped> {
        let documents = self.previewed(place, verb)?;
        let owes = documents.first().map_or_else(|| self.names.anyone(), |(owes, _)| *owes);
        let currency = self.names.customer(owes).currency;
        let lines: Vec<InvoiceLine> =
            documents.iter().flat_map(|(_, document)| document.lines.clone()).collect();
        let sum = |of: fn(&InvoiceFinalized) -> Minor| {
            let each = documents.iter().map(|(_, document)| of(document));
            Got::Money(Minor::sum(each).unwrap_or_default(), currency)
        };
        for (key, wanted) in &expect.values {
            let got = match key.as_str() {
                "total" => sum(|document| document.totals.total),
                "net" => sum(|document| document.totals.net),
                "gross" => sum(|document| document.totals.gross),
                "discount" => sum(|document| document.totals.discount),
                "tax" => sum(|document| document.totals.tax),
                "credit_applied" => sum(|document| document.credit_applied),
                _ => Got::Count(lines.len()),
            };
            let path = format!("preview.{key}");
            self.compare(place, path, wanted, Some(currency), got.into());
        }
        let days = self.days_of(owes);
        self.check_lines(place, expect, "preview", &lines, currency, &days);
        Ok(())
    }

    fn previewed(
        &mut self,
        place: Place,
        verb: &Verb,
    ) -> Result<Vec<(CustomerId, InvoiceFinalized)>, Stopped> {
        let Some(made) = verb.command(&self.names)? else { return Ok(Vec::new()) };
        let Command::Process(ProcessCommand::RunBilling(RunBilling { through, .. })) = made else {
            return self.previewed_command(place, &made);
        };
        let mut documents = Vec::new();
        let customers: Vec<_> = self.names.customers.iter().map(|(id, _)| *id).collect();
        for customer in customers {
            let body = json!({"customer": customer, "through": through});
            let asked: Result<InvoicePreview, _> = self.ask("preview", "run", &body)?;
            match asked {
                Ok(preview) => documents.extend(preview.invoice.map(|it| (customer, it))),
                Err(code) => self.absent(place, "preview", code),
            }
        }
        Ok(documents)
    }

    /// Lines in verb and nothing else, or each somewhere.
    fn check_lines(
        &mut self,
        place: Place,
        expect: &Expect,
        name: &str,
        lines: &[InvoiceLine],
        currency: Currency,
        days: &DayZone,
    ) {
        let Some(wanted) = &expect.lines else { return };
        let pairs = if expect.exact {
            let count = Wanted::from(wanted.len().to_string().as_str());
            let path = format!("{name}.lines");
            self.compare(place, path, &count, None, Got::Count(lines.len()).into());
            (0..wanted.len()).map(|at| (at < lines.len()).then_some(at)).collect()
        } else {
            self.paired(wanted, lines, currency, days)
        };
        for (at, (wanted, line)) in wanted.iter().zip(pairs).enumerate() {
            let path = format!("{name}.lines.{}", at + 1);
            if let Some(line) = line {
                self.check_line(place, &path, wanted, &lines[line], currency, days);
            } else {
                let why = format!("the document has {} lines", lines.len());
                self.absent(place, &path, why);
            }
        }
    }

    /// For each wanted line one of the document's that no other has: one that fits, or else the
    /// one that differs least.
    fn paired(
        &self,
        wanted: &[Vec<(String, Wanted)>],
        lines: &[InvoiceLine],
        currency: Currency,
        days: &DayZone,
    ) -> Vec<Option<usize>> {
        let wrong = |want: &WantedLine, line: &InvoiceLine| {
            let misses = |(key, value): &&(String, Wanted)| {
                !value.is(&self.line_value(key, line, currency, days))
            };
            want.iter().filter(misses).count()
        };
        let mut free: Vec<usize> = (0..lines.len()).collect();
        let mut pairs = vec![None; wanted.len()];
        // Lines that fit go first, so that none is taken by one that does not.
        for fits in [true, false] {
            for (want, pair) in wanted.iter().zip(&mut pairs).filter(|(_, pair)| pair.is_none()) {
                let best = free.iter().copied().min_by_key(|at| (wrong(want, &lines[*at]), *at));
                let Some(best) = best.filter(|at| !fits || wrong(want, &lines[*at]) == 0) else {
                    continue;
                };
                free.retain(|at| *at != best);
                *pair = Some(best);
            }
        }
        pairs
    }

    fn check_line(
        &mut self,
        place: Place,
        path: &str,
        wanted: &WantedLine,
        line: &InvoiceLine,
        currency: Currency,
        days: &DayZone,
    ) {
        for (key, value) in wanted {
            let got = self.line_value(key, line, currency, days);
            let explain = self.line_told(line, currency, days);
            let found = Found { got, explain };
            self.compare(place, format!("{path}.{key}"), value, Some(currency), found);
        }
    }

    fn line_value(&self, key: &str, line: &InvoiceLine, currency: Currency, days: &DayZone) -> Got {
        let nothing = || Got::Nothing;
        let text = |text: Option<String>| text.map_or_else(nothing, Got::Word);
        match key {
            "kind" => Got::Word(word(&line.kind)),
            "item" => match &line.pricing {
                Some(pricing) => Got::Word(pricing.price.to_string()),
                None => text(self.source(line.source)),
            },
            "service" => match (&line.pricing, line.service) {
                (Some(pricing), _) => Got::Span(pricing.span, days.clone()),
                (None, service) => service.map_or_else(nothing, Got::Days),
            },
            "net" => Got::Money(line.net, currency),
            "gross" => Got::Money(line.gross, currency),
            "discount" => match minus(line.gross, line.net) {
                Some(discount) => Got::Money(discount, currency),
                None => Got::Nothing,
            },
            // No tax is reckoned yet.
            "tax" => Got::Money(Minor::ZERO, currency),
            "ratio" => Got::Ratio(size(line.ratio)),
            "exact" => Got::Exact(line.exact, currency),
            "quantity" => Got::Number(line.quantity),
            "unit" => line.unit_price.map_or_else(nothing, Got::Number),
            "plan" => {
                let plan = line.plan.and_then(|plan| self.names.alias(plan.plan.uuid()));
                text(plan.map(str::to_owned))
            }
            "version" => {
                let version = line.plan.and_then(|plan| usize::try_from(plan.version).ok());
                version.map_or_else(nothing, Got::Count)
            }
            _ => text(self.source(line.source)),
        }
    }

    /// A line in words.
    fn line_told(&self, line: &InvoiceLine, currency: Currency, days: &DayZone) -> String {
        let value = |key| self.line_value(key, line, currency, days);
        let sign = if line.ratio.numerator() < 0 { "-" } else { "" };
        let part = line.pricing.as_ref().map(|pricing| pricing.part_of_a_cycle(line.ratio));
        format!(
            "line {}: {} of {} for {}, {} x {sign}{} = {} before rounding, net {}",
            line.line,
            value("kind"),
            value("item"),
            value("service"),
            line.pricing.as_ref().map_or_else(
                || value("gross").to_string(),
                |pricing| Got::Exact(pricing.whole, currency).to_string()
            ),
            part.unwrap_or_else(|| line.ratio.to_string()),
            value("exact"),
            value("net"),
        )
    }

    /// The lines of a document in words.
    fn told(&self, document: &InvoiceFinalized) -> String {
        let found = self.names.invoices.iter().find(|(_, id)| *id == document.invoice);
        let days = found.map(|(owes, _)| self.days_of(*owes));
        let days = days.unwrap_or(DayZone::Offset(0));
        let line = |line| self.line_told(line, document.currency, &days);
        document.lines.iter().map(line).collect::<Vec<_>>().join("; ")
    }
}

impl Runner<'_> {
    /// The invoices that a command would make.
    fn previewed_command(
        &mut self,
        place: Place,
        made: &Command,
    ) -> Result<Vec<(CustomerId, InvoiceFinalized)>, Stopped> {
        let body = json!({"command": made.kind().name, "body": made.to_json()});
        let asked: Result<schemas::view::CommandPreview, String> =
            self.ask("preview", "command", &body)?;
        let preview = match asked {
            Ok(preview) => preview,
            Err(code) => {
                self.outcome.compare(Some(Difference {
                    want: Some("a preview".to_owned()),
                    got: Some(code),
                    ..Difference::at(&self.scenario.id, place, "preview")
                }));
                return Ok(Vec::new());
            }
        };
        let schemas::StreamId::Customer(customer) = made.stream() else { return Ok(Vec::new()) };
        let documents = preview.events.iter().filter_map(|record| {
            (record.kind == "invoice.finalized")
                .then(|| serde_json::from_value(record.body.clone()).ok())
                .flatten()
        });
        Ok(documents.map(|document| (customer, document)).collect())
    }
}

/// A text that is on a document, or nothing.
fn said(text: Option<String>) -> Got {
    text.map_or(Got::Nothing, Got::Word)
}

/// A personal text, as who may read it reads it.
fn readable(text: &Personal) -> String {
    text.clear().unwrap_or("(erased)").to_owned()
}

/// The name of a variant, as JSON has it.
fn word(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

fn minus(left: Minor, right: Minor) -> Option<Minor> {
    left.minus(right).ok()
}

/// A credit has the ratio of what it credits, whatever its sign.
fn size(ratio: Fraction) -> Fraction {
    if ratio.numerator() < 0 { ratio.negated().unwrap_or(ratio) } else { ratio }
}
