//! Invoices that are read back: folded again from the commits that made them.

use std::collections::BTreeMap;

use schemas::event::{
    BillingEvent, Event, EventAt, InvoiceLine, LineRef, LineReversal, LineSource, SettlementEvent,
    SubscriptionEvent,
};
use schemas::ids::{ChargeId, InvoiceId};

use super::evolve::agreed::moved_to;
use super::evolve::document::{Drafted, Noted, Undone};
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
    /// Lines that credit others, of every invoice that these commits issued: it may be voided.
    credits: BTreeMap<InvoiceId, BTreeMap<u32, InvoiceLine>>,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(billing: &'a Billing, wanted: &[Missing]) -> Self {
        let lines = wanted.iter().filter_map(|missing| match missing.piece {
            Piece::Lines(place) => Some((place, None)),
            Piece::Owed(_) | Piece::Lot(_) => None,
        });
        let wanted = lines.collect();
        Self { billing, wanted, charges: BTreeMap::new(), credits: BTreeMap::new() }
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
            Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => {
                self.issue(invoice.into(), &invoice.lines, made)
            }
            Event::Billing(BillingEvent::InvoiceLinesDrafted(drafted)) => {
                self.issue(drafted.into(), &drafted.lines, made)
            }
            Event::Settlement(SettlementEvent::CreditNoteIssued(note)) => {
                self.take_note(note.into(), made)?;
                if let Some(billed) = self.named(note.invoice) {
                    billed.notes.push(note.note);
                }
                Ok(())
            }
            Event::Settlement(SettlementEvent::CreditNoteLinesDrafted(drafted)) => {
                self.take_note(drafted.into(), made)
            }
            Event::Settlement(SettlementEvent::InvoiceVoided(voided)) => {
                if let Some(billed) = self.named(voided.invoice) {
                    billed.commits().add(made);
                    billed.voided = true;
                }
                let returned = (voided.rebill, &voided.returned[..]);
                self.void(voided.invoice, &voided.lines, returned, made);
                Ok(())
            }
            Event::Settlement(SettlementEvent::InvoiceLinesVoided(voided)) => {
                if let Some(billed) = self.named(voided.invoice) {
                    billed.commits().add(made);
                }
                let returned = (voided.rebill, &voided.returned[..]);
                self.void(voided.invoice, &voided.lines, returned, made);
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

    /// Lines of an invoice, all or some more.
    fn issue(&mut self, of: Drafted, lines: &[InvoiceLine], made: EventAt) -> Result<(), Unmade> {
        let wanted = self.billing.ordinal(of.invoice);
        let wanted = wanted.filter(|place| self.wanted.contains_key(place));
        if let Some(place) = wanted {
            let known = self.wanted.get_mut(&place).and_then(Option::take);
            let mut billed = known.unwrap_or_else(|| Billed::of(of));
            for line in lines {
                let charge = match line.source {
                    LineSource::Charge(id) => {
                        let found = self.charges.get(&id).cloned();
                        Some(found.ok_or_else(|| Unmade::named(id))?)
                    }
                    LineSource::Cycle { .. } | LineSource::Invoice => None,
                };
                billed.push((of.currency, made), line, charge);
            }
            billed.made_by_commit(made);
            self.wanted.insert(place, Some(billed));
        }
        for line in lines.iter().filter(|line| line.credits.is_some()) {
            self.credit(line, Some(of.invoice), made);
            self.credits.entry(of.invoice).or_default().insert(line.line, line.clone());
        }
        Ok(())
    }

    /// Lines of a note, all or some more.
    fn take_note(&mut self, note: Noted<'_>, made: EventAt) -> Result<(), Unmade> {
        for line in note.credits {
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

    fn credit(&mut self, credit: &InvoiceLine, by: Option<InvoiceId>, made: EventAt) {
        let (Some(credited), Some(pricing)) = (credit.credits, &credit.pricing) else { return };
        let Some(line) = self.line(credited, made) else { return };
        let _is_gone = line.credit_time(credit, pricing);
        if let Some(by) = by {
            line.credit_amount(by, credit);
        }
    }

    /// Lines of an invoice are void: what they credit counts in full again.
    fn void(
        &mut self,
        by: InvoiceId,
        lines: &[LineReversal],
        (rebill, returned): (bool, &[u32]),
        made: EventAt,
    ) {
        let Some(mut credits) = self.credits.remove(&by) else { return };
        for number in lines.iter().map(|reversal| reversal.line) {
            let Some(credit) = credits.remove(&number) else { continue };
            let Some(line) = credit.credits.and_then(|at| self.line(at, made)) else { continue };
            let pricing = credit.pricing.as_ref();
            line.undo_credit(&Undone {
                by,
                gross: credit.gross,
                net: credit.net,
                span: pricing.map(|pricing| pricing.span),
                time: pricing.map_or(0, |pricing| pricing.time),
                returned: rebill || returned.contains(&number),
            });
        }
        self.credits.insert(by, credits);
    }
}
