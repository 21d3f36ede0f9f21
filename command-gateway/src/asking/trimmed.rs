//! As much of what was decided as an answer has room for.

use schemas::Event;
use schemas::event::{CreditNoteIssued, InvoiceFinalized, InvoiceVoided};
use schemas::view::LeftOut;
use serde::Serialize;

/// So many bytes of JSON are shown of what was decided. An answer may show a document twice.
const MOST_BYTES: usize = 350 * 1_024;

/// As many of the events, and of the lines of documents, as an answer has room for; what is left
/// out, if anything is.
pub(super) fn trimmed(events: Vec<Event>) -> (Vec<Event>, Option<LeftOut>) {
    let (mut room, mut left_out) = (MOST_BYTES, LeftOut::default());
    let mut shown = Vec::with_capacity(events.len());
    // Documents come first: who asks for a preview asks for them.
    let (documents, others): (Vec<_>, Vec<_>) =
        events.into_iter().enumerate().partition(|(_, event)| is_document(event));
    for (index, mut event) in documents {
        if let Some(invoice) = event.get_mut::<InvoiceFinalized>() {
            left_out.lines += cut(&mut invoice.lines, &mut room);
        } else if let Some(note) = event.get_mut::<CreditNoteIssued>() {
            left_out.lines += cut(&mut note.credits, &mut room);
            left_out.lines += cut(&mut note.lines, &mut room);
        } else if let Some(voided) = event.get_mut::<InvoiceVoided>() {
            left_out.lines += cut(&mut voided.lines, &mut room);
            voided.returned.truncate(voided.lines.len());
        }
        shown.push((index, event));
    }
    for (index, event) in others {
        let bytes = bytes_of(&event.to_json());
        if bytes <= room {
            room -= bytes;
            shown.push((index, event));
        } else {
            left_out.events += 1;
        }
    }
    shown.sort_by_key(|(index, _)| *index);
    let events = shown.into_iter().map(|(_, event)| event).collect();
    (events, (left_out != LeftOut::default()).then_some(left_out))
}

fn is_document(event: &Event) -> bool {
    event.get::<InvoiceFinalized>().is_some()
        || event.get::<CreditNoteIssued>().is_some()
        || event.get::<InvoiceVoided>().is_some()
}

/// Cuts lines to those that there is room for; how many that leaves out.
fn cut<L: Serialize>(lines: &mut Vec<L>, room: &mut usize) -> u32 {
    let mut kept = 0;
    for line in &*lines {
        let bytes = bytes_of(line);
        if bytes > *room {
            break;
        }
        *room -= bytes;
        kept += 1;
    }
    let left_out = lines.len() - kept;
    lines.truncate(kept);
    u32::try_from(left_out).unwrap_or(u32::MAX)
}

fn bytes_of(shown: &impl Serialize) -> usize {
    serde_json::to_vec(shown).map_or(usize::MAX, |json| json.len())
}
