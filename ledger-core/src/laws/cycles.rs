//! The laws of cycles: each begins where the one before ended, and a line lies in its own.

use std::collections::BTreeMap;

use schemas::event::{
    CycleCut, CycleOpened, InvoiceFinalized, InvoiceLine, LineSource, SubscriptionActivated,
    SubscriptionChanged, SubscriptionMigrated, SubscriptionMoved,
};
use schemas::ids::SubscriptionId;
use schemas::{Event, Span, Timestamp};

use super::findings::Findings;
use super::law::Law;

/// When a cycle starts and ends; both are one where it was cut away whole.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    start: Timestamp,
    end: Timestamp,
    /// Where it ended when it was opened.
    opened: Timestamp,
    /// Up to where what it has lost stays as it was billed.
    stays: Timestamp,
}

impl Bounds {
    const fn of(span: Span) -> Self {
        let (start, end) = (span.start(), span.end());
        Self { start, end, opened: end, stays: end }
    }
}

/// The cycles of every item that were opened, in order.
#[derive(Debug, Default)]
pub(super) struct Cycles {
    items: BTreeMap<(SubscriptionId, u16), Vec<Bounds>>,
    /// Cycles that were cut, by item, for a change that lays them anew.
    cut: BTreeMap<(SubscriptionId, u16), Vec<u32>>,
}

impl Cycles {
    pub(super) fn observe(&mut self, event: &Event, findings: &mut Findings) {
        if let Some(opened) = event.get::<CycleOpened>() {
            self.open(opened, findings);
        } else if let Some(cut) = event.get::<CycleCut>() {
            self.cut(cut, findings);
        } else if let Some(changed) = event.get::<SubscriptionChanged>() {
            self.lay_anew(changed);
        } else if let Some(migrated) = event.get::<SubscriptionMigrated>() {
            for change in &migrated.items {
                self.cut.remove(&(migrated.subscription, change.item));
            }
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
        let before =
            known.iter().rev().find(|known| known.start < known.end).map(|known| known.end);
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
        known.push(Bounds::of(*span));
    }

    fn cut(&mut self, cut: &CycleCut, findings: &mut Findings) {
        let CycleCut { subscription, item, cycle, end } = cut;
        self.cut.entry((*subscription, *item)).or_default().push(*cycle);
        let Some(bounds) = self.bounds_mut(*subscription, *item, *cycle) else {
            findings.check(Law::References, false, || {
                format!("cycle {cycle} of item {item} of {subscription} is cut and never opened")
            });
            return;
        };
        let was = (bounds.start, bounds.end);
        bounds.end = (*end).clamp(was.0, was.1);
        bounds.stays = bounds.end;
        findings.check(Law::Cycles, was.0 <= *end && *end <= was.1, || {
            format!("cycle {cycle} of item {item} of {subscription}, {was:?}, is cut at {end}")
        });
    }

    /// Cycles are laid anew; what those lose that were cut for it may stay as it was billed.
    fn lay_anew(&mut self, changed: &SubscriptionChanged) {
        for change in changed.items.iter().filter(|change| change.calendar.is_some()) {
            let item = (changed.subscription, change.item);
            let cut = self.cut.remove(&item).unwrap_or_default();
            let (Some(known), Some(until)) = (self.items.get_mut(&item), change.left_alone_until)
            else {
                continue;
            };
            for cycle in cut.into_iter().filter_map(|cycle| usize::try_from(cycle).ok()) {
                if let Some(bounds) = known.get_mut(cycle) {
                    bounds.stays = until.min(bounds.opened).max(bounds.end);
                }
            }
        }
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
                    *bounds = Bounds::of(*span);
                }
            }
        }
    }

    fn bounds_mut(&mut self, id: SubscriptionId, item: u16, cycle: u32) -> Option<&mut Bounds> {
        self.items.get_mut(&(id, item))?.get_mut(usize::try_from(cycle).ok()?)
    }

    /// A charge for time is for time of its cycle, or of what it has lost and stays billed.
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
        let (Some(bounds), Some(pricing)) = (bounds, &line.pricing) else { return };
        let Bounds { start, stays, .. } = bounds;
        let inside = start <= pricing.span.start() && pricing.span.end() <= stays;
        findings.check(Law::Cycles, inside, || {
            let shown =
                Span::new(start, stays).map_or("nothing".to_owned(), |span| span.to_string());
            format!(
                "line {number} of {} charges {}, and its cycle is {shown}",
                invoice.invoice, pricing.span
            )
        });
    }
}
