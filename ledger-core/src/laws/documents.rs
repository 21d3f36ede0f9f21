//! The laws of numbered documents.

use schemas::event::{BillingEvent, CustomerEvent, SettlementEvent};
use std::collections::BTreeMap;

use schemas::event::{CreditNoteIssued, InvoiceFinalized};
use schemas::ids::{CustomerId, EntityId};
use schemas::terms::{SeriesDefinition, SeriesKind};
use schemas::text::Code;
use schemas::{Date, Event};

use super::findings::Findings;
use super::law::Law;

/// One number series.
#[derive(Debug)]
struct Series {
    kind: SeriesKind,
    last: u64,
    last_date: Option<Date>,
}

/// Every number series, and whose customers use it.
#[derive(Debug, Default)]
pub(super) struct Documents {
    series: BTreeMap<EntityId, Vec<(Code, Series)>>,
    seller: BTreeMap<CustomerId, EntityId>,
}

impl Documents {
    /// The first definition of a seller counts.
    pub(super) fn define(&mut self, entity: EntityId, series: &[SeriesDefinition]) {
        if !self.series.contains_key(&entity) {
            self.add(entity, series);
        }
    }

    /// A seller has more series.
    pub(super) fn add(&mut self, entity: EntityId, series: &[SeriesDefinition]) {
        let fresh =
            |defined: &SeriesDefinition| Series { kind: defined.kind, last: 0, last_date: None };
        let all = series.iter().map(|defined| (defined.code.clone(), fresh(defined)));
        self.series.entry(entity).or_default().extend(all);
    }

    pub(super) fn observe(&mut self, customer: CustomerId, event: &Event, findings: &mut Findings) {
        if let Event::Customer(CustomerEvent::CustomerRegistered(registered)) = event {
            self.seller.insert(customer, registered.entity);
        } else if let Event::Billing(BillingEvent::InvoiceFinalized(invoice)) = event {
            let InvoiceFinalized { entity, series, sequence, document_date, .. } = invoice;
            self.number(*entity, series, *sequence, *document_date, findings);
            findings.check(Law::DocumentDates, *document_date <= invoice.due_date, || {
                let (id, due) = (invoice.invoice, invoice.due_date);
                format!("{id} of {document_date} is due on {due}")
            });
        } else if let Event::Settlement(SettlementEvent::CreditNoteIssued(note)) = event {
            let CreditNoteIssued { series, sequence, document_date, .. } = note;
            if let Some(entity) = self.seller.get(&customer).copied() {
                self.number(entity, series, *sequence, *document_date, findings);
            }
        }
    }

    fn number(
        &mut self,
        entity: EntityId,
        code: &Code,
        sequence: u64,
        date: Date,
        findings: &mut Findings,
    ) {
        let all = self.series.get_mut(&entity).map(Vec::as_mut_slice).unwrap_or_default();
        let Some((_, series)) = all.iter_mut().find(|(known, _)| known == code) else {
            findings.check(Law::References, false, || format!("{entity} has no series {code}"));
            return;
        };
        let expected = series.last + 1;
        findings.check(Law::Numbering, sequence == expected, || {
            format!("series {code} of {entity} has {sequence}, but {expected} is next")
        });
        series.last = sequence;
        let before = series.last_date.replace(date);
        let free = matches!(series.kind, SeriesKind::Historical);
        findings.check(
            Law::DocumentDates,
            free || before.is_none_or(|before| before <= date),
            || format!("series {code} of {entity} goes back to {date}"),
        );
    }
}
