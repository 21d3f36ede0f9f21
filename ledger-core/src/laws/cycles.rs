//! The laws of cycles: each begins where the one before ended, and a line lies in its own.

use std::collections::BTreeMap;

use schemas::event::{
    CycleCut, CycleOpened, InvoiceFinalized, InvoiceLine, LineSource, SubscriptionActivated,
    SubscriptionMoved,
};
use schemas::ids::SubscriptionId;
use schemas::{Event, Span, Timestamp};

use super::findings::Findings;
use super::law::Law;

/// When a cycle starts and ends; both are one where it was cut away whole.
type Bounds = (Timestamp, Timestamp);

/// The cycles of every item that were opened, in order.
#[derive(Debug, Default)]
pub(super) struct Cycles {
    items: BTreeMap<(SubscriptionId, u16), Vec<Bounds>>,
}

impl Cycles {
    pub(super) fn observe(&mut self, event: &Event, findings: &mut Findings) {
        if let Some(opened) = event.get::<CycleOpened>() {
            self.open(opened, findings);
        } else if let Some(cut) = event.get::<CycleCut>() {
            self.cut(cut, findings);
        } else if let Some(activated) = event.get::<SubscriptionActivated>() {
            if let Some(moved) = &activated.moved {
                self.relay(activated.subscription, moved, findings);
            }
        } else if let Some(invoice) = event.get::<InvoiceFinalized>() {
            for line in invoice.lines.iter().filter(|line| line.credits.is_none()) {
                self.check_line(invoice, line, findings);
            }
        }
    }

    fn open(&mut self, opened: &CycleOpened, findings: &mut Findings) {
        let CycleOpened { subscription, item, cycle, span, full } = opened;
        let known = self.items.entry((*subscription, *item)).or_default();
        let next = known.len() as u64;
        findings.check(Law::Cycles, u64::from(*cycle) == next, || {
            format!("cycle {cycle} of item {item} of {subscription} is opened, and {next} is next")
        });
        let before = known.iter().rev().find(|(start, end)| start < end).map(|(_, end)| *end);
        findings.check(Law::Cycles, before.is_none_or(|end| end == span.start()), || {
            format!(
                "cycle {cycle} of item {item} of {subscription} is {span}, and the one before ends \
                 {before:?}"
            )
        });
        let ends_inside = full.start() < span.end() && span.end() <= full.end();
        findings.check(Law::Cycles, ends_inside, || {
            format!(
                "cycle {cycle} of item {item} of {subscription} is {span}, and is a part of {full}"
            )
        });
        known.push((span.start(), span.end()));
    }

    fn cut(&mut self, cut: &CycleCut, findings: &mut Findings) {
        let CycleCut { subscription, item, cycle, end } = cut;
        let Some((start, until)) = self.bounds_mut(*subscription, *item, *cycle) else {
            findings.check(Law::References, false, || {
                format!("cycle {cycle} of item {item} of {subscription} is cut and never opened")
            });
            return;
        };
        let was = (*start, *until);
        *until = (*end).clamp(*start, *until);
        findings.check(Law::Cycles, was.0 <= *end && *end <= was.1, || {
            format!("cycle {cycle} of item {item} of {subscription}, {was:?}, is cut at {end}")
        });
    }

    /// A subscription begins elsewhere, and so do its cycles.
    fn relay(&mut self, id: SubscriptionId, moved: &SubscriptionMoved, findings: &mut Findings) {
        for item in &moved.items {
            let number = item.item;
            let Some(known) = self.items.get_mut(&(id, number)) else { continue };
            let mut spans = item.cycles.iter();
            let contiguous = item.cycles.windows(2).all(|pair| pair[0].end() == pair[1].start());
            findings.check(Law::Cycles, contiguous && item.cycles.len() <= known.len(), || {
                format!("the cycles of item {number} of {id} move to {:?}", item.cycles)
            });
            // What was opened and not billed is opened anew.
            known.truncate(item.cycles.len());
            for bounds in known {
                if let Some(span) = spans.next() {
                    *bounds = (span.start(), span.end());
                }
            }
        }
    }

    fn bounds_mut(&mut self, id: SubscriptionId, item: u16, cycle: u32) -> Option<&mut Bounds> {
        self.items.get_mut(&(id, item))?.get_mut(usize::try_from(cycle).ok()?)
    }

    /// A charge for time is for time of its cycle.
    fn check_line(&self, invoice: &InvoiceFinalized, line: &InvoiceLine, findings: &mut Findings) {
        let LineSource::Cycle { subscription, item, cycle } = line.source else { return };
        let known = self.items.get(&(subscription, item));
        let at = usize::try_from(cycle).ok();
        let bounds = known.and_then(|cycles| cycles.get(at?)).copied();
        let number = line.line;
        findings.check(Law::References, bounds.is_some(), || {
            format!(
                "line {number} of {} is for cycle {cycle} of item {item} of {subscription}, which \
                 was never opened",
                invoice.invoice
            )
        });
        let (Some((start, end)), Some(pricing)) = (bounds, &line.pricing) else { return };
        let inside = start <= pricing.span.start() && pricing.span.end() <= end;
        findings.check(Law::Cycles, inside, || {
            let shown = Span::new(start, end).map_or("nothing".to_owned(), |span| span.to_string());
            format!(
                "line {number} of {} charges {}, and its cycle is {shown}",
                invoice.invoice, pricing.span
            )
        });
    }
}
