//! Which invoices may leave memory, and which an event needs there.
//!
//! # Correctness
//!
//! An invoice may leave once every cycle that it has a line of is settled: nothing is compared
//! with it then until an event unsettles one. A decision that looks at it all the same has it
//! read back ([`crate::away`]). A fold can not be left half-way, so what its events change is
//! named before.

use schemas::event::{
    BillingEvent, Event, LineReversal, LineSource, SettlementEvent, SubscriptionEvent,
};
use schemas::ids::InvoiceId;

use super::state::{Billed, Billing, CycleBill};
use crate::away::{Missing, Piece};

impl Billing {
    /// What is in memory and needs not be leaves it.
    pub(crate) fn archive(&mut self) {
        let cycles = &self.cycles;
        let is_settled = |source: LineSource| match source {
            LineSource::Cycle { subscription, item, cycle } => {
                let items = cycles.get(subscription);
                let bills = items.and_then(|items| items.get(usize::from(item)));
                bills.is_none_or(|bills| bills.unsettled().binary_search(&cycle).is_err())
            }
            LineSource::Charge(_) | LineSource::Invoice => true,
        };
        let may_leave = |billed: &Billed| billed.lines().all(|line| is_settled(line.source));
        self.invoices.shelf.archive(may_leave);
    }

    /// Invoices that events of a commit change and that are away.
    pub(crate) fn away_for<'e>(&self, events: impl Iterator<Item = &'e Event>) -> Vec<Missing> {
        let mut places: Vec<u32> = Vec::new();
        for event in events {
            let mut named = |id: InvoiceId| places.extend(self.ordinal(id));
            match event {
                Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => {
                    invoice.lines.iter().filter_map(|line| line.credits).for_each(|at| {
                        named(at.invoice);
                    });
                }
                Event::Settlement(SettlementEvent::CreditNoteIssued(note)) => named(note.invoice),
                Event::Settlement(SettlementEvent::CreditNoteLinesDrafted(note)) => {
                    named(note.invoice);
                }
                Event::Billing(BillingEvent::InvoiceLinesDrafted(drafted)) => {
                    drafted.lines.iter().filter_map(|line| line.credits).for_each(|at| {
                        named(at.invoice);
                    });
                }
                Event::Settlement(SettlementEvent::InvoiceVoided(voided)) => {
                    named(voided.invoice);
                    places.extend(self.beside(voided.invoice, &voided.lines));
                }
                Event::Settlement(SettlementEvent::InvoiceLinesVoided(voided)) => {
                    named(voided.invoice);
                    places.extend(self.beside(voided.invoice, &voided.lines));
                }
                Event::Subscription(SubscriptionEvent::SubscriptionActivated(activated)) => {
                    let moved = activated.moved.iter().flat_map(|moved| &moved.lines);
                    moved.for_each(|line| named(line.line.invoice));
                }
                Event::Billing(_)
                | Event::Settlement(_)
                | Event::Subscription(_)
                | Event::Customer(_)
                | Event::Process(_)
                | Event::Book(_)
                | Event::Seller(_)
                | Event::Catalog(_) => {}
            }
        }
        self.invoices.shelf.missing(places)
    }

    /// All invoices that are away.
    pub(crate) fn all_away(&self) -> Vec<Missing> {
        self.invoices.shelf.missing(0..self.invoices.shelf.len())
    }

    /// What a void of lines of an invoice looks at beside it, once it is here: what they credit,
    /// and what else bills their cycles.
    fn beside(&self, id: InvoiceId, lines: &[LineReversal]) -> Vec<u32> {
        let place = self.ordinal(id);
        let Some(billed) = place.and_then(|place| self.invoices.shelf.if_here(place)) else {
            return Vec::new();
        };
        let mut places: Vec<u32> = Vec::new();
        for line in lines.iter().filter_map(|reversal| billed.line(reversal.line)) {
            places.extend(line.credits.and_then(|at| self.ordinal(at.invoice)));
            if let LineSource::Cycle { subscription, item, cycle } = line.source {
                let bill = self.cycle(subscription, item, cycle);
                places.extend(bill.into_iter().flat_map(CycleBill::lines).map(|at| at.invoice));
            }
        }
        places
    }

    /// Invoices that were read back are in memory again.
    pub(crate) fn bring_back(&mut self, wanted: &[Missing], read: Vec<(u32, Billed)>) {
        for (place, billed) in read {
            let missing = wanted.iter().find(|missing| missing.piece == Piece::Lines(place));
            if let Some(missing) = missing {
                self.invoices.shelf.bring_back(missing, place, billed);
            }
        }
    }
}
