//! What of a customer's settlement may leave memory, and which of it an event needs there.

use schemas::event::{BillingEvent, Event, SettlementEvent};
use schemas::ids::InvoiceId;
use schemas::terms::LotRef;

use super::lots::Lot;
use super::state::{Invoice, Settlement};
use crate::away::{Missing, Piece};

/// What an event names.
#[derive(Default)]
struct Named {
    invoices: Vec<InvoiceId>,
    lots: Vec<LotRef>,
}

impl Named {
    fn by(event: &SettlementEvent) -> Self {
        let mut named = Self::default();
        match event {
            SettlementEvent::InvoiceVoided(e) => {
                named.invoices.push(e.invoice);
                named.lots.extend(e.released.iter().map(|back| back.lot));
                if e.credit_withdrawn.is_positive() {
                    named.lots.push(LotRef::Invoice(e.invoice));
                }
            }
            SettlementEvent::CreditNoteIssued(e) => {
                named.invoices.push(e.invoice);
                named.lots.extend(e.released.iter().map(|back| back.lot));
            }
            SettlementEvent::PaymentRecorded(e) => {
                named.invoices.extend(e.allocations.iter().map(|part| part.invoice));
            }
            SettlementEvent::PaymentReversed(e) => {
                named.lots.push(LotRef::Payment(e.payment));
                let parts = e.reopened.iter().chain(&e.credit_unapplied);
                named.invoices.extend(parts.map(|part| part.invoice));
            }
            SettlementEvent::PaymentRefunded(e) => {
                named.lots.push(LotRef::Payment(e.payment));
                let parts = e.reopened.iter().chain(&e.credit_unapplied);
                named.invoices.extend(parts.map(|part| part.invoice));
                named.invoices.extend(e.swapped.iter().map(|swap| swap.invoice));
                named.lots.extend(e.swapped.iter().map(|swap| swap.lot));
            }
            SettlementEvent::CreditApplied(e) => {
                named.invoices.extend(e.parts.iter().map(|part| part.invoice));
                named.lots.extend(e.parts.iter().map(|part| part.lot));
            }
            SettlementEvent::CreditReleased(e) => {
                named.invoices.push(e.invoice);
                named.lots.extend(e.parts.iter().map(|part| part.lot));
            }
            SettlementEvent::CreditGranted(_)
            | SettlementEvent::InvoiceLinesVoided(_)
            | SettlementEvent::CreditNoteLinesDrafted(_) => {}
            SettlementEvent::CreditRevoked(e) => named.lots.push(LotRef::Grant(e.grant)),
            SettlementEvent::CreditExpired(e) => named.lots.push(LotRef::Grant(e.grant)),
            SettlementEvent::CreditPaidOut(e) => named.lots.push(e.lot),
        }
        named
    }
}

impl Settlement {
    /// What is in memory and needs not be leaves it: invoices on which nothing is open, lots of
    /// which nothing is left.
    pub(crate) fn archive(&mut self) {
        self.invoices.shelf.archive(|invoice: &Invoice| !invoice.open().is_positive());
        self.lots.shelf.archive(|lot: &Lot| !lot.left.is_positive());
    }

    /// What events of a commit change and is away.
    pub(crate) fn away_for<'e>(&self, events: impl Iterator<Item = &'e Event>) -> Vec<Missing> {
        let mut missing = Vec::new();
        for event in events {
            let named = match event {
                Event::Settlement(event) => Named::by(event),
                Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => {
                    let lots = invoice.credits.iter().map(|used| used.lot).collect();
                    Named { invoices: Vec::new(), lots }
                }
                Event::Billing(_)
                | Event::Subscription(_)
                | Event::Customer(_)
                | Event::Process(_)
                | Event::Book(_)
                | Event::Seller(_)
                | Event::Catalog(_) => continue,
            };
            let invoices = named.invoices.iter().filter_map(|id| self.invoices.place(*id));
            missing.extend(self.invoices.shelf.missing(invoices));
            let lots = named.lots.iter().filter_map(|lot| self.lots.place(*lot));
            missing.extend(self.lots.shelf.missing(lots));
        }
        missing
    }

    /// Everything that is away.
    pub(crate) fn all_away(&self) -> Vec<Missing> {
        let mut all = self.invoices.shelf.missing(0..self.invoices.shelf.len());
        all.extend(self.lots.shelf.missing(0..self.lots.shelf.len()));
        all
    }

    /// What was folded again is in memory again. Whether all that was wanted is.
    pub(crate) fn bring_back(&mut self, wanted: &[Missing], read: &Self) -> bool {
        let mut all = true;
        for missing in wanted {
            let found = match missing.piece {
                Piece::Lines(_) => true,
                Piece::Owed(place) => {
                    let found = read.invoices.shelf.if_here(place).cloned();
                    found.map(|row| self.invoices.shelf.bring_back(missing, place, row)).is_some()
                }
                Piece::Lot(place) => {
                    let found = read.lots.shelf.if_here(place).cloned();
                    found.map(|row| self.lots.shelf.bring_back(missing, place, row)).is_some()
                }
            };
            all &= found;
        }
        all
    }
}
