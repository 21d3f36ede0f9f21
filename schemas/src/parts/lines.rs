//! Lines in parts: counted, hashed, and what they name.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::event::{
    BillingEvent, CreditNoteLinesDrafted, DraftedLines, DraftedOf, Event, EventAt, InvoiceLine,
    InvoiceLinesDrafted, InvoiceLinesVoided, LinesHash, SettlementEvent,
};

/// The stored form of a line.
pub(super) fn encoded(line: &impl serde::Serialize, buffer: Vec<u8>) -> Vec<u8> {
    let buffer = postcard::to_extend(line, buffer);
    buffer.expect("a line always encodes: memory is its only limit")
}

/// Counts and hashes lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Hashing {
    lines: u32,
    hash: Sha256,
    buffer: Vec<u8>,
}

impl Hashing {
    pub(super) fn take<L: serde::Serialize>(&mut self, lines: &[L]) {
        for line in lines {
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            self.buffer = encoded(line, buffer);
            self.hash.update(&self.buffer);
            self.lines += 1;
        }
    }

    /// What was taken, as the lines of a document.
    pub(super) fn of(self, of: DraftedOf) -> DraftedLines {
        let hash = LinesHash(self.hash.finalize().into());
        DraftedLines { of, lines: self.lines, hash }
    }
}

/// Counts and hashes the lines of an event of a part.
pub(super) fn hash(event: &Event, hashes: &mut BTreeMap<DraftedOf, Hashing>) {
    if let Some(drafted) = event.get::<InvoiceLinesDrafted>() {
        hashes.entry(DraftedOf::Invoice(drafted.invoice)).or_default().take(&drafted.lines);
    } else if let Some(voided) = event.get::<InvoiceLinesVoided>() {
        hashes.entry(DraftedOf::Void(voided.invoice)).or_default().take(&voided.lines);
    } else if let Some(drafted) = event.get::<CreditNoteLinesDrafted>() {
        let hash = hashes.entry(DraftedOf::CreditNote(drafted.note)).or_default();
        hash.take(&drafted.credits);
        hash.take(&drafted.lines);
    }
}

/// Changes every place that an event names of another event.
pub(super) fn refer(event: &mut Event, to: &dyn Fn(EventAt) -> EventAt) {
    let lines: &mut [InvoiceLine] = match event {
        Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => &mut invoice.lines,
        Event::Billing(BillingEvent::InvoiceLinesDrafted(drafted)) => &mut drafted.lines,
        Event::Settlement(SettlementEvent::CreditNoteIssued(note)) => &mut note.credits,
        Event::Settlement(SettlementEvent::CreditNoteLinesDrafted(note)) => &mut note.credits,
        Event::Billing(_)
        | Event::Settlement(_)
        | Event::Subscription(_)
        | Event::Customer(_)
        | Event::Process(_)
        | Event::Book(_)
        | Event::Seller(_)
        | Event::Catalog(_) => return,
    };
    for line in lines {
        let said = |at: &mut Option<EventAt>| *at = at.map(to);
        let origin = &mut line.origin;
        for at in [
            &mut origin.price,
            &mut origin.segment,
            &mut origin.cycle,
            &mut origin.charge,
            &mut origin.change,
        ] {
            said(at);
        }
        for part in &mut line.discounts {
            part.given = to(part.given);
        }
    }
}
