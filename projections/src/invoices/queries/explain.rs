//! `invoices.explain`: lines with everything that their amounts follow from.

use std::collections::BTreeMap;

use schemas::Event;
use schemas::event::{DiscountBasis, DiscountPart, LineRef, LineSource, TermsInForce};
use schemas::ids::{DiscountId, InvoiceId};
use schemas::query::{DEFAULT_LINES, InvoicesExplain, InvoicesGet};
use schemas::terms::DiscountTarget;
use schemas::view::{
    CreditBefore, CreditedLine, DiscountBefore, DiscountShare, EventPlace, GivenDiscount,
    InvoiceExplanation, LineExplanation, MadeBy, MadeByRole, OtherLine, SharedDiscount,
};
use schemas::{Minor, Timestamp};

use super::super::rows::{BY_ID, DIRECTORY, InvoiceRow, LineRow, Made, SOURCES, Taken};
use super::super::sources::CustomerSources;
use super::documents::{find, invoice_at};
use crate::answer::{answer, invalid, limit, not_found, request, token};
use crate::directory::Needle;
use crate::projection::{QueryError, View};
use crate::store::StoreError;

pub(super) fn explain(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let asked: InvoicesExplain = request(body)?;
    let lines = limit("/line_limit", asked.line_limit, DEFAULT_LINES)?;
    let named = InvoicesGet {
        invoice: asked.invoice,
        external_id: asked.external_id,
        number: asked.number,
        ..InvoicesGet::default()
    };
    if asked.line.is_some() && asked.after_line.is_some() {
        return Err(invalid(
            "/after_line",
            "one line has no page; leave `line` or `after_line` out",
        ));
    }
    let (_, row) = find(view, &named)?;
    let after = asked.after_line.unwrap_or(0);
    let wanted = |found: &&LineRow| match asked.line {
        Some(line) => found.line.line == line,
        None => found.line.line > after,
    };
    let mut shown = row.lines.iter().filter(wanted);
    let given: Vec<&LineRow> = shown.by_ref().take(lines).collect();
    if let (Some(line), true) = (asked.line, given.is_empty()) {
        return Err(not_found(format!("line {line} of {}", row.number.as_str()), view));
    }
    let next_line = shown.next().and_then(|_| given.last()).map(|row| row.line.line);
    let mut explained = Explained::of(view, &row)?;
    let lines = given.into_iter().map(|line| explained.line(line)).collect::<Result<_, _>>()?;
    answer(view, document(view, &row, lines, next_line))
}

fn document(
    view: &View<'_>,
    row: &InvoiceRow,
    lines: Vec<LineExplanation>,
    next_line: Option<u32>,
) -> InvoiceExplanation {
    InvoiceExplanation {
        invoice: row.invoice,
        number: row.number.clone(),
        customer: row.customer,
        currency: row.currency,
        digits: row.currency.exponent(),
        document_date: row.document_date,
        due_date: row.due_date,
        profile: row.profile,
        policies: row.policies,
        engine_version: row.engine_version,
        input_revision: row.input_revision,
        run: row.run,
        issued_by: place(view, row.made),
        totals: row.totals,
        line_count: u32::try_from(row.lines.len()).unwrap_or(u32::MAX),
        lines,
        next_line,
    }
}

/// One invoice with what its lines refer to.
struct Explained<'a> {
    view: &'a View<'a>,
    row: &'a InvoiceRow,
    sources: CustomerSources,
    /// Other invoices that lines refer to.
    others: BTreeMap<InvoiceId, InvoiceRow>,
}

impl<'a> Explained<'a> {
    fn of(view: &'a View<'a>, row: &'a InvoiceRow) -> Result<Self, StoreError> {
        let sources = SOURCES.read(view.store, row.customer)?.unwrap_or_default();
        Ok(Self { view, row, sources, others: BTreeMap::new() })
    }

    fn line(&mut self, row: &LineRow) -> Result<LineExplanation, QueryError> {
        let credited = row.line.credits.map(|at| self.credited(at, row)).transpose()?;
        let others =
            row.origin.others.iter().map(|at| self.other(*at)).collect::<Result<_, _>>()?;
        let parts = match &credited {
            Some(credited) => &credited.line.discounts,
            None => &row.line.discounts,
        };
        let discounts = self.given(parts);
        let mut events = self.events(row);
        if let Some(credited) = &credited {
            let issued = self.others.get(&credited.invoice).map(|row| row.made);
            events.extend(issued.map(|made| (MadeByRole::CreditedInvoice, made)));
        }
        Ok(LineExplanation {
            sharing: self.sharing(row),
            in_force: row.origin.in_force.as_ref().map(|terms| TermsInForce {
                rate: terms.rate.clone(),
                minimum: terms.minimum,
                quantity: terms.quantity,
            }),
            events: self.in_order(row, events),
            line: row.line.clone(),
            credited,
            others,
            discounts,
        })
    }

    fn credited(&mut self, at: LineRef, by: &LineRow) -> Result<CreditedLine, QueryError> {
        let invoice = self.invoice(at.invoice)?;
        let row = line_of(invoice, at)?;
        Ok(CreditedLine {
            invoice: invoice.invoice,
            number: invoice.number.clone(),
            policies: invoice.policies,
            line: row.line.clone(),
            before: by.origin.before.iter().map(before).collect(),
        })
    }

    fn other(&mut self, at: LineRef) -> Result<OtherLine, QueryError> {
        let row = if at.invoice == self.row.invoice {
            line_of(self.row, at)?
        } else {
            line_of(self.invoice(at.invoice)?, at)?
        };
        Ok(OtherLine {
            at,
            span: row.line.pricing.as_ref().map(|pricing| pricing.span),
            ratio: row.line.ratio,
            gross: row.line.gross,
        })
    }

    /// Another invoice of the same customer.
    fn invoice(&mut self, id: InvoiceId) -> Result<&InvoiceRow, QueryError> {
        if !self.others.contains_key(&id) {
            let mut found = None;
            for place in
                DIRECTORY.find(self.view.store, Needle::new(BY_ID, id.uuid().as_bytes()))?
            {
                found =
                    found.or(Some(invoice_at(self.view, place)?).filter(|row| row.invoice == id));
            }
            let missing = StoreError::Missing { what: "an invoice that a line refers to" };
            self.others.insert(id, found.ok_or(missing)?);
        }
        self.others.get(&id).ok_or(StoreError::Missing { what: "an invoice just read" }.into())
    }

    fn given(&self, parts: &[DiscountPart]) -> Vec<GivenDiscount> {
        let found = parts.iter().filter_map(|part| {
            self.discount(part.discount).map(|(applied, made)| GivenDiscount {
                applied: applied.clone(),
                event: place(self.view, *made),
            })
        });
        found.collect()
    }

    fn discount(&self, id: DiscountId) -> Option<&(schemas::event::DiscountApplied, Made)> {
        self.sources.discounts.iter().find(|(applied, _)| applied.discount == id)
    }

    /// The lines that share each fixed discount with this one.
    fn sharing(&self, row: &LineRow) -> Vec<SharedDiscount> {
        let shared = row.line.discounts.iter().filter_map(|part| {
            let budget = self.budget(row, part)?;
            let shares = self.row.lines.iter().flat_map(|other| {
                let same = other.line.discounts.iter().filter(|found| {
                    found.discount == part.discount && self.budget(other, found) == Some(budget)
                });
                same.filter_map(|found| share(other, found))
            });
            Some(SharedDiscount { discount: part.discount, shares: shares.collect() })
        });
        shared.collect()
    }

    /// What tells the budgets of a fixed discount apart: on a subscription, the cycles' start.
    fn budget(
        &self,
        row: &LineRow,
        part: &DiscountPart,
    ) -> Option<(Minor, Minor, Option<Timestamp>)> {
        let DiscountBasis::Share { budget, of: _, among, cycle: _ } = part.basis else {
            return None;
        };
        let by_cycle = self.discount(part.discount).is_some_and(|(applied, _)| match applied.on {
            DiscountTarget::Subscription(_) | DiscountTarget::Item(_) => true,
            DiscountTarget::Customer | DiscountTarget::Product(_) => false,
        });
        Some((budget, among, row.origin.cycle_start.filter(|_| by_cycle)))
    }

    fn events(&self, row: &LineRow) -> Vec<(MadeByRole, Made)> {
        let origin = &row.origin;
        let found = [
            (MadeByRole::Price, origin.price),
            (MadeByRole::Segment, origin.segment),
            (MadeByRole::Cycle, origin.cycle),
            (MadeByRole::Charge, origin.charge),
            (MadeByRole::Change, origin.change),
            (MadeByRole::Invoice, Some(self.row.made)),
        ];
        let discounts = row.line.discounts.iter().filter_map(|part| {
            self.discount(part.discount).map(|(_, made)| (MadeByRole::Discount, *made))
        });
        let known = found.into_iter().filter_map(|(role, made)| made.map(|made| (role, made)));
        known.chain(discounts).collect()
    }

    fn in_order(&self, row: &LineRow, mut events: Vec<(MadeByRole, Made)>) -> Vec<MadeBy> {
        events.sort_by_key(|(role, made)| (made.position, made.index, *role));
        let subscription = match row.line.source {
            LineSource::Cycle { subscription, .. } => Some(subscription),
            LineSource::Charge(_) | LineSource::Invoice => None,
        };
        let made = events.into_iter().map(|(role, made)| MadeBy {
            role,
            subscription: subscription.filter(|_| match role {
                MadeByRole::Segment | MadeByRole::Cycle | MadeByRole::Change => true,
                MadeByRole::Price
                | MadeByRole::Charge
                | MadeByRole::Discount
                | MadeByRole::CreditedInvoice
                | MadeByRole::Invoice => false,
            }),
            event: place(self.view, made),
        });
        made.collect()
    }
}

fn share(row: &LineRow, part: &DiscountPart) -> Option<DiscountShare> {
    let DiscountBasis::Share { of, .. } = part.basis else { return None };
    Some(DiscountShare { line: row.line.line, of, amount: part.amount })
}

fn before(taken: &Taken) -> CreditBefore {
    let discounts = taken
        .discounts
        .iter()
        .map(|(discount, amount)| DiscountBefore { discount: *discount, amount: Minor(*amount) });
    CreditBefore {
        line: taken.line,
        credit_note: taken.note,
        span: taken.span,
        gross: Minor(taken.gross),
        discounts: discounts.collect(),
        net: Minor(taken.net),
    }
}

fn line_of(invoice: &InvoiceRow, at: LineRef) -> Result<&LineRow, StoreError> {
    let found = invoice.lines.iter().find(|row| row.line.line == at.line);
    found.ok_or(StoreError::Missing { what: "a line that another refers to" })
}

fn place(view: &View<'_>, made: Made) -> EventPlace {
    let kind = Event::KINDS.iter().find(|kind| kind.type_id == made.type_id);
    EventPlace {
        id: format!("{}:{}", token(view, made.position), made.index),
        kind: kind.map_or("", |kind| kind.name).to_owned(),
        recorded_at: made.recorded_at,
        effective_at: made.effective_at,
    }
}
