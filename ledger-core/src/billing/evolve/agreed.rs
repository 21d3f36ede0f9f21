//! What agreements mean for what is billed.

use schemas::Span;
use schemas::event::{
    CycleOpened, EventAt, LineSource, SubscriptionChanged, SubscriptionEvent, SubscriptionMoved,
};
use schemas::ids::{DiscountId, SubscriptionId};
use schemas::terms::{EndReason, Settle};

use super::counts_cycles;
use crate::billing::cycles::ItemBills;
use crate::billing::state::{Billing, CycleBill, DiscountUse};
use crate::shared::Shared;
use crate::spans;
use crate::unmade::Unmade;

impl Billing {
    /// Folds in what agreements mean for what is billed: cycles exist, discounts can be used,
    /// something is to be billed by the next run, what was paid runs from another day, and a
    /// subscription that nobody paid for is not asked for its setup fee again. What waited for a
    /// payment (`paid`) is billed in the commit of that.
    ///
    /// # Errors
    /// [`Unmade`] when it names what was never made.
    pub(crate) fn evolve_agreed(
        &mut self,
        event: &SubscriptionEvent,
        paid: bool,
        made: EventAt,
    ) -> Result<(), Unmade> {
        use SubscriptionEvent as E;
        match event {
            E::CycleOpened(opened) => self.open(opened),
            E::CycleCut(cut) => {
                if let Some(bills) = self.bills_of(cut.subscription, cut.item) {
                    bills.cut(cut.cycle);
                }
            }
            E::DiscountApplied(applied) => {
                self.use_from_now(applied.discount, counts_cycles(&applied.on));
            }
            E::RampAgreed(ramp) => {
                if !self.discounts.contains(ramp.discount) {
                    self.use_from_now(ramp.discount, true);
                }
            }
            E::SubscriptionChanged(e) => {
                self.leave_alone(e);
                // A change that changed nothing leaves nothing to bill.
                if e.change.is_some() && !paid && !e.items.is_empty() {
                    self.owe_if(e.settle, e.subscription);
                }
            }
            E::SubscriptionPaused(e) if e.change.is_some() && !paid => {
                self.owe_if(e.settle, e.subscription);
            }
            E::SubscriptionResumed(e) if e.change.is_some() && !paid => {
                self.owe_if(e.settle, e.subscription);
            }
            E::SubscriptionCanceled(canceled) => {
                if canceled.reason == EndReason::NotPaid {
                    let id = Some(canceled.subscription);
                    Shared::make_mut(&mut self.pending)
                        .retain(|charge| charge.added.subscription != id);
                }
            }
            E::SubscriptionActivated(activated) => {
                if let Some(moved) = &activated.moved {
                    self.fold_move(activated.subscription, moved, made)?;
                }
            }
            E::SubscriptionPaused(_)
            | E::SubscriptionResumed(_)
            | E::SubscriptionCreated(_)
            | E::PaymentAwaited(_)
            | E::ChangeScheduled(_)
            | E::ScheduledChangeWithdrawn(_)
            | E::CancellationUndone(_)
            | E::SubscriptionMigrated(_)
            | E::SubscriptionRelocated(_)
            | E::TermRenewed(_)
            | E::RenewalSet(_)
            | E::QuoteCreated(_)
            | E::QuoteAccepted(_)
            | E::QuoteVoided(_)
            | E::DiscountRemoved(_) => {}
        }
        Ok(())
    }

    /// What is invoiced stays from here on: also what was billed again before.
    fn leave_alone(&mut self, changed: &SubscriptionChanged) {
        let of_items = changed.items.iter().map(|change| (change.item, change.left_alone_until));
        let later = changed.later.iter().map(|later| (later.item, later.left_alone_until));
        for (item, until) in of_items.chain(later) {
            let Some(time) = until.and_then(|until| Span::new(changed.from, until)) else {
                continue;
            };
            // What begins with the change has no cycles yet.
            let Some(bills) = self.bills_of(changed.subscription, item) else { continue };
            let bills = bills.bills_mut();
            for at in (0..bills.len()).rev() {
                let Some(bill) = bills.get_mut(at) else { break };
                if let Some(voided) = bill.was_voided() {
                    voided.as_agreed = spans::without(&voided.as_agreed, time);
                }
                if bill.start <= time.start() {
                    break;
                }
            }
        }
    }

    fn use_from_now(&mut self, discount: DiscountId, by_cycle: bool) {
        let fresh = DiscountUse { by_cycle, ..DiscountUse::default() };
        self.discounts.insert(discount, Shared::new(fresh));
    }

    /// What happened by itself and was to be billed at once is billed by the next run.
    fn owe_if(&mut self, settle: Settle, subscription: SubscriptionId) {
        if settle == Settle::Now {
            Shared::make_mut(&mut self.owed).insert(subscription);
        }
    }

    /// What a subscription has paid runs from another day.
    fn fold_move(
        &mut self,
        id: SubscriptionId,
        moved: &SubscriptionMoved,
        made: EventAt,
    ) -> Result<(), Unmade> {
        for item in &moved.items {
            // What was opened and not billed is opened anew.
            if let Some(bills) = self.bills_of(id, item.item) {
                bills.truncate(item.cycles.len());
            }
            for (cycle, span) in (0..).zip(&item.cycles) {
                self.cycle_mut(id, item.item, cycle)?.start = span.start();
            }
        }
        for line in &moved.lines {
            let found = self.line_mut(line.line, made)?;
            if let Some(span) = moved_to(found.source, id, moved) {
                found.run_over(span);
            }
            found.earn_over(line.line, line.service, (line.kept, line.left), moved.posting_date);
        }
        Ok(())
    }

    fn open(&mut self, opened: &CycleOpened) {
        let id = opened.subscription;
        if !self.cycles.contains(id) {
            self.cycles.insert(id, Shared::default());
        }
        let items = Shared::make_mut(self.cycles.get_mut(id).expect("it was put there"));
        let item = usize::from(opened.item);
        if items.len() <= item {
            items.resize_with(item + 1, ItemBills::default);
        }
        let start = opened.span.start();
        // What was given up of cycles that a change has cut is given up of those behind it, too.
        let before = items[item].bills().iter().rev();
        let reaches = |bill: &&CycleBill| {
            start < bill.start || bill.voided().waived.iter().any(|span| start < span.end())
        };
        let given_up = before.take_while(reaches).flat_map(|bill| &bill.voided().waived);
        let waived: Vec<Span> = given_up.copied().filter(|span| start < span.end()).collect();
        items[item].open(CycleBill::opened(start, waived));
    }
}

/// Where the cycle that a line bills lies, once its subscription begins elsewhere.
pub(in crate::billing) fn moved_to(
    source: LineSource,
    id: SubscriptionId,
    moved: &SubscriptionMoved,
) -> Option<Span> {
    let LineSource::Cycle { subscription, item, cycle } = source else { return None };
    let item = moved.items.iter().find(|of| subscription == id && of.item == item)?;
    item.cycles.get(usize::try_from(cycle).ok()?).copied()
}
