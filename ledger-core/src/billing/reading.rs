//! Invoices that are read back: folded again from the commits that made them.

use std::collections::BTreeMap;

use schemas::event::{
    BillingEvent, Event, EventAt, InvoiceFinalized, InvoiceLine, InvoiceVoided, LineRef,
    LineSource, SettlementEvent, SubscriptionEvent,
};
use schemas::ids::{ChargeId, InvoiceId};

use super::evolve::agreed::moved_to;
use super::evolve::document::Undone;
use super::state::{Billed, Billing, Line, Pending};
use crate::away::{Missing, Piece};
use crate::shared::Shared;
use crate::shelf::Shelved as _;
use crate::unmade::Unmade;

/// Invoices that come back.
pub(crate) struct Reading<'a> {
    billing: &'a Billing,
    /// By place; none until its commit was met.
    wanted: BTreeMap<u32, Option<Billed>>,
    /// Charges that these commits added.
    charges: BTreeMap<ChargeId, Shared<Pending>>,
    /// Every invoice that these commits issued: one that credits another may be voided.
    issued: BTreeMap<InvoiceId, InvoiceFinalized>,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(billing: &'a Billing, wanted: &[Missing]) -> Self {
        let lines = wanted.iter().filter_map(|missing| match missing.piece {
            Piece::Lines(place) => Some((place, None)),
            Piece::Owed(_) | Piece::Lot(_) => None,
        });
        let wanted = lines.collect();
        Self { billing, wanted, charges: BTreeMap::new(), issued: BTreeMap::new() }
    }

    /// Folds one event of these commits in, in their order.
    ///
    /// # Errors
    /// [`Unmade`] when it names what these commits have not made.
    pub(crate) fn event(&mut self, event: &Event, made: EventAt) -> Result<(), Unmade> {
        match event {
            Event::Billing(BillingEvent::ChargeAdded(added)) => {
                let pending = Pending { added: added.clone(), made, again: false };
                self.charges.insert(added.charge, Shared::new(pending));
                Ok(())
            }
            Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => self.issue(invoice, made),
            Event::Settlement(SettlementEvent::CreditNoteIssued(note)) => {
                for line in &note.credits {
                    self.credit(line, None, made);
                }
                match self.named(note.invoice) {
                    Some(billed) => {
                        billed.commits().add(made);
                        billed.take_note(note)
                    }
                    None => Ok(()),
                }
            }
            Event::Settlement(SettlementEvent::InvoiceVoided(voided)) => {
                self.void(voided, made);
                Ok(())
            }
            Event::Subscription(SubscriptionEvent::SubscriptionActivated(activated)) => {
                let Some(moved) = &activated.moved else { return Ok(()) };
                for of in &moved.lines {
                    let Some(line) = self.line(of.line, made) else { continue };
                    if let Some(span) = moved_to(line.source, activated.subscription, moved) {
                        line.run_over(span);
                    }
                    let split = (of.kept, of.left);
                    line.earn_over(of.line, of.service, split, moved.posting_date);
                }
                Ok(())
            }
            Event::Billing(BillingEvent::ChargeWithdrawn(_))
            | Event::Settlement(_)
            | Event::Subscription(_)
            | Event::Customer(_)
            | Event::Process(_)
            | Event::Book(_)
            | Event::Seller(_)
            | Event::Catalog(_) => Ok(()),
        }
    }

    /// What came back, by place.
    ///
    /// # Errors
    /// [`Unmade`] for one that these commits have not made.
    pub(crate) fn done(self) -> Result<Vec<(u32, Billed)>, Unmade> {
        let found = self.wanted.into_iter().map(|(place, billed)| {
            let billed = billed.ok_or_else(|| Unmade::named(format!("invoice {place}")))?;
            Ok((place, billed))
        });
        found.collect()
    }

    fn named(&mut self, id: InvoiceId) -> Option<&mut Billed> {
        let place = self.billing.ordinal(id)?;
        self.wanted.get_mut(&place)?.as_mut()
    }

    fn line(&mut self, at: LineRef, made: EventAt) -> Option<&mut Line> {
        let billed = self.named(at.invoice)?;
        billed.commits().add(made);
        billed.line_mut(at.line)
    }

    fn issue(&mut self, invoice: &InvoiceFinalized, made: EventAt) -> Result<(), Unmade> {
        let wanted = self.billing.ordinal(invoice.invoice);
        let wanted = wanted.filter(|place| self.wanted.contains_key(place));
        if let Some(place) = wanted {
            let charge = |line: &InvoiceLine| match line.source {
                LineSource::Charge(id) => {
                    let found = self.charges.get(&id).cloned();
                    found.map(Some).ok_or_else(|| Unmade::named(id))
                }
                LineSource::Cycle { .. } | LineSource::Invoice => Ok(None),
            };
            let charges = invoice.lines.iter().map(charge).collect::<Result<_, Unmade>>()?;
            self.wanted.insert(place, Some(Billed::issued(invoice, made, charges)));
        }
        for line in &invoice.lines {
            self.credit(line, Some(invoice.invoice), made);
        }
        self.issued.insert(invoice.invoice, invoice.clone());
        Ok(())
    }

    fn credit(&mut self, credit: &InvoiceLine, by: Option<InvoiceId>, made: EventAt) {
        let (Some(credited), Some(pricing)) = (credit.credits, &credit.pricing) else { return };
        let Some(line) = self.line(credited, made) else { return };
        let _is_gone = line.credit_time(credit, pricing);
        if let Some(by) = by {
            line.credit_amount(by, credit);
        }
    }

    fn void(&mut self, voided: &InvoiceVoided, made: EventAt) {
        if let Some(billed) = self.named(voided.invoice) {
            billed.commits().add(made);
            billed.voided = true;
        }
        let Some(invoice) = self.issued.get(&voided.invoice).cloned() else { return };
        for credit in &invoice.lines {
            let Some(credited) = credit.credits else { continue };
            let Some(line) = self.line(credited, made) else { continue };
            let pricing = credit.pricing.as_ref();
            line.undo_credit(&Undone {
                by: voided.invoice,
                gross: credit.gross,
                net: credit.net,
                span: pricing.map(|pricing| pricing.span),
                time: pricing.map_or(0, |pricing| pricing.time),
                returned: voided.rebill || voided.returned.contains(&credit.line),
            });
        }
    }
}
