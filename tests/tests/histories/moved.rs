//! A subscription that begins with its first payment: what was paid runs from there.

use schemas::event::{CycleOpened, LineSource, SubscriptionActivated, SubscriptionMoved};
use schemas::ids::SubscriptionId;
use schemas::terms::Policies;
use schemas::{Span, Timestamp};
use std::collections::BTreeMap;

use crate::cycles;
use crate::watch::{Account, Broken};

impl Account {
    /// It waits no more; where it begins with the payment, its cycles and what was billed of them
    /// lie there from now on.
    pub(crate) fn activated(
        &mut self,
        policies: &Policies,
        activated: &SubscriptionActivated,
        found: &mut Vec<Broken>,
    ) {
        let id = activated.subscription;
        self.subscription_mut(id).waits = false;
        let Some(moved) = &activated.moved else { return };
        self.subscription_mut(id).term = moved.term;
        for item in &moved.items {
            self.steps_moved(id, item.item, moved);
            self.item_mut(id, item.item).calendar = item.calendar;
            // What was opened and not billed is opened anew.
            self.item_mut(id, item.item).cycles.clear();
            for (cycle, span) in (0..).zip(&item.cycles) {
                let (item, span) = (item.item, *span);
                let opened = CycleOpened { subscription: id, item, cycle, span, full: span };
                cycles::check_opened(self, policies, &opened, found);
                self.item_mut(id, item).cycles.push(opened);
                self.lines_moved(LineSource::Cycle { subscription: id, item, cycle }, span);
            }
        }
    }

    /// Terms and quantities hold from other instants on.
    fn steps_moved(&mut self, id: SubscriptionId, number: u16, moved: &SubscriptionMoved) {
        let to = |at| moved.steps.iter().find(|(from, _)| *from == at).map_or(at, |(_, to)| *to);
        let item = self.item_mut(id, number);
        item.terms = elsewhere(&mut item.terms, to);
        item.quantities = elsewhere(&mut item.quantities, to);
        item.asked = elsewhere(&mut item.asked, to);
    }

    /// What charges a cycle charges it where it lies now.
    fn lines_moved(&mut self, cycle: LineSource, span: Span) {
        let charges = self.lines.values_mut().filter(|seen| {
            seen.line.source == cycle && seen.line.credits.is_none() && !seen.voided
        });
        for seen in charges {
            (seen.live, seen.at_once) = (vec![span], true);
            if let Some(pricing) = &mut seen.line.pricing {
                (pricing.span, pricing.full) = (span, span);
            }
        }
    }
}

fn elsewhere<T>(
    steps: &mut BTreeMap<Timestamp, T>,
    to: impl Fn(Timestamp) -> Timestamp,
) -> BTreeMap<Timestamp, T> {
    std::mem::take(steps).into_iter().map(|(at, what)| (to(at), what)).collect()
}
