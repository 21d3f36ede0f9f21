//! What was split is put together again.

use std::collections::BTreeMap;

use super::lines::{hash, refer};
use crate::event::{
    BillingEvent, CreditNoteIssued, DraftedOf, Event, EventAt, InvoiceFinalized, InvoiceLine,
    InvoiceVoided, LineReversal, PartDrafted, ProcessEvent, SettlementEvent,
};

/// Parts that do not make what the commit behind them says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what was drafted in parts is not what was completed: {what}; verify the log")]
pub struct NotTogether {
    what: String,
}

fn not(what: impl Into<String>) -> NotTogether {
    NotTogether { what: what.into() }
}

/// What commits of parts and the last one behind them have decided: every event with where it
/// lies, documents with all their lines. Lines name what else was decided by its place in the log.
///
/// # Errors
/// [`NotTogether`] when these commits do not make it.
pub fn together(
    parts: impl IntoIterator<Item = (u64, Vec<Event>)>,
    (position, last): (u64, Vec<Event>),
) -> Result<Vec<(EventAt, Event)>, NotTogether> {
    let mut last = last.into_iter();
    let Some(Event::Process(ProcessEvent::DecisionCompleted(done))) = last.next() else {
        return Err(not("the last commit completes nothing"));
    };
    let (mut gathered, mut hashes) = (Gathered::default(), BTreeMap::new());
    let mut events = Vec::new();
    let mut met = Vec::with_capacity(done.parts.len());
    for (at, part) in parts {
        met.push(at);
        for (index, mut event) in (0_u32..).zip(part) {
            let here = EventAt::at(at, index);
            hash(&event, &mut hashes);
            refer(&mut event, &|named| named.said_by(here));
            if let Some(PartDrafted { of: _, part }) = event.get() {
                if usize::try_from(*part).ok() != met.len().checked_sub(1) {
                    return Err(not(format!("part {part} at {at}")));
                }
            } else if let Some(event) = gathered.take(event) {
                events.push((here, event));
            }
        }
    }
    if met != done.parts {
        return Err(not(format!("parts at {met:?} for those at {:?}", done.parts)));
    }
    let found: Vec<_> = hashes.into_iter().map(|(of, hash)| hash.of(of)).collect();
    if found != done.documents {
        return Err(not(format!("{found:?} for {:?}", done.documents)));
    }
    for (index, mut event) in (1_u32..).zip(last) {
        let here = EventAt::at(position, index);
        refer(&mut event, &|named| named.said_by(here));
        gathered.give(&mut event);
        events.push((here, event));
    }
    if gathered.is_empty() { Ok(events) } else { Err(not("lines of what was not issued")) }
}

/// Lines, by whose they are.
#[derive(Default)]
struct Gathered {
    lines: BTreeMap<DraftedOf, Lines>,
}

#[derive(Default)]
struct Lines {
    of_invoice: Vec<InvoiceLine>,
    reversals: Vec<LineReversal>,
    returned: Vec<u32>,
}

impl Gathered {
    /// Takes the lines of an event; given back if it has none.
    fn take(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Billing(BillingEvent::InvoiceLinesDrafted(drafted)) => {
                self.of(DraftedOf::Invoice(drafted.invoice)).of_invoice.extend(drafted.lines);
            }
            Event::Settlement(SettlementEvent::InvoiceLinesVoided(voided)) => {
                let known = self.of(DraftedOf::Void(voided.invoice));
                known.reversals.extend(voided.lines);
                known.returned.extend(voided.returned);
            }
            Event::Settlement(SettlementEvent::CreditNoteLinesDrafted(drafted)) => {
                let known = self.of(DraftedOf::CreditNote(drafted.note));
                known.of_invoice.extend(drafted.credits);
                known.reversals.extend(drafted.lines);
            }
            event @ (Event::Billing(_)
            | Event::Settlement(_)
            | Event::Subscription(_)
            | Event::Customer(_)
            | Event::Process(_)
            | Event::Book(_)
            | Event::Seller(_)
            | Event::Catalog(_)) => return Some(event),
        }
        None
    }

    fn of(&mut self, of: DraftedOf) -> &mut Lines {
        self.lines.entry(of).or_default()
    }

    /// Gives a document its lines.
    fn give(&mut self, event: &mut Event) {
        if let Some(invoice) = event.get_mut::<InvoiceFinalized>()
            && let Some(lines) = self.lines.remove(&DraftedOf::Invoice(invoice.invoice))
        {
            invoice.lines = lines.of_invoice;
        } else if let Some(voided) = event.get_mut::<InvoiceVoided>()
            && let Some(lines) = self.lines.remove(&DraftedOf::Void(voided.invoice))
        {
            (voided.lines, voided.returned) = (lines.reversals, lines.returned);
        } else if let Some(note) = event.get_mut::<CreditNoteIssued>()
            && let Some(lines) = self.lines.remove(&DraftedOf::CreditNote(note.note))
        {
            (note.credits, note.lines) = (lines.of_invoice, lines.reversals);
        }
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}
