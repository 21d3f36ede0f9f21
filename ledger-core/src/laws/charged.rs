//! The law of time: none of an item is charged twice, and none is given back that is not charged.
//!
//! # Shape
//!
//! Each line knows which time it charges still; each item has the sum of these as one set of time,
//! which is one span for as long as it is billed without gaps.
//!
//! # Ordering
//!
//! What a commit charges is put into the sets when it ends: what it gives back is out of them by
//! then, on whatever document.
//!
//! # Correctness
//!
//! Three things free time beside credits. A void frees that of the whole invoice, whether it is
//! to be billed again or given up. A change without proration marks time that stays as it was
//! billed, and with cycles that are laid anew what is marked of the old ones is forfeited: it can
//! be charged in the new ones, and differences of it in the old ones still, once. And a credit of
//! nothing is on no note, so time that is worth less than a minor unit, or of which notes have
//! taken off everything, is given back without a word.
//!
//! A void of a credit that is to be billed again makes its time charged again as it was. So does
//! one that is not, where the invoice charged all of that time anew.
//!
//! A set never has time that no line charges, so what is found is so. It can have less: where a
//! void leaves two lines with one time, taking back one of them takes it out. And a mark stays
//! until cycles are laid anew, also where a later change that is billed has ended it.

use std::collections::BTreeMap;

use schemas::event::{
    ChargeAdded, ChargeWithdrawn, CreditNoteIssued, CycleCut, InvoiceFinalized, InvoiceLine,
    InvoiceVoided, LineRef, LineSource, SubscriptionActivated, SubscriptionCanceled,
    SubscriptionChanged, SubscriptionMigrated, SubscriptionMoved, SubscriptionResumed,
};
use schemas::ids::{ChargeId, DiscountId, InvoiceId, SubscriptionId};
use schemas::terms::{EndReason, LineKind};
use schemas::{Event, Span, Timestamp};

use super::findings::Findings;
use super::law::Law;
use super::lines::shown;
use super::spans::{put_in, take_out, within};

/// Whose time it is. What makes up a least price charges the same time once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Whose {
    subscription: SubscriptionId,
    item: u16,
    is_true_up: bool,
}

/// What a line has of a discount that counts cycles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    pub(super) discount: DiscountId,
    pub(super) cycle: Timestamp,
    pub(super) amount: i128,
}

/// A line that charges time, or did.
#[derive(Debug)]
struct Charge {
    whose: Whose,
    cycle: u32,
    /// All its time, and what it cost.
    whole: Span,
    gross: i128,
    /// What credits and notes have left of it.
    left: i128,
    live: Vec<Span>,
    taken: Vec<Taken>,
}

/// The time of an item.
#[derive(Debug, Default)]
struct Times {
    charged: Vec<Span>,
    lines: Vec<LineRef>,
    /// Time that stays as it was billed.
    marked: Vec<Span>,
    /// Time of cycles that is forfeited: it is in no set.
    forfeited: Vec<(u32, Span)>,
}

impl Times {
    /// What of a time of a cycle counts, and what of it is forfeited.
    fn split(&self, cycle: u32, time: Span) -> (Vec<Span>, Vec<Span>) {
        let (mut counts, mut forfeited) = (vec![time], Vec::new());
        for (_, lost) in self.forfeited.iter().filter(|(of, _)| *of == cycle) {
            take_out(&mut counts, *lost);
            lost.overlap(time).into_iter().for_each(|part| put_in(&mut forfeited, part));
        }
        (counts, forfeited)
    }

    fn take_out(&mut self, cycle: u32, time: Span) {
        let (counts, _) = self.split(cycle, time);
        for part in counts {
            take_out(&mut self.charged, part);
        }
    }

    fn put_in(&mut self, cycle: u32, time: Span) {
        let (counts, _) = self.split(cycle, time);
        for part in counts {
            put_in(&mut self.charged, part);
        }
    }
}

/// A line of an invoice that credits time.
#[derive(Debug)]
struct Credit {
    target: LineRef,
    span: Span,
    amount: i128,
    taken: Vec<Taken>,
}

/// Lines with a discount are more or fewer than before, and what they have of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub(super) taken: Taken,
    pub(super) lines: i64,
}

/// Every line that charges time, and every charge that waits. See the module.
#[derive(Debug, Default)]
pub(super) struct Charged {
    charges: BTreeMap<LineRef, Charge>,
    credits: BTreeMap<LineRef, Credit>,
    times: BTreeMap<Whose, Times>,
    /// Cycles that were cut, by item, for a change that lays them anew.
    cut: BTreeMap<(SubscriptionId, u16), Vec<u32>>,
    /// Lines of this commit.
    fresh: Vec<LineRef>,
    /// What this event did to discounts.
    changes: Vec<Change>,
    /// Charges that wait for an invoice, with what they ask for.
    waiting: BTreeMap<ChargeId, i128>,
    /// Charges that are fees of subscriptions.
    fees: BTreeMap<SubscriptionId, Vec<ChargeId>>,
    /// One-off lines, for a void that bills them again.
    one_off: BTreeMap<LineRef, (ChargeId, i128)>,
}

impl Charged {
    pub(super) fn observe(&mut self, event: &Event, findings: &mut Findings) {
        if let Some(invoice) = event.get::<InvoiceFinalized>() {
            for line in &invoice.lines {
                self.bill(LineRef { invoice: invoice.invoice, line: line.line }, line, findings);
            }
        } else if let Some(note) = event.get::<CreditNoteIssued>() {
            for line in &note.lines {
                let at = LineRef { invoice: note.invoice, line: line.line };
                self.take_off(at, line.net.0.into());
            }
            for line in &note.credits {
                let (Some(target), Some(pricing)) = (line.credits, &line.pricing) else { continue };
                self.give_back(target, pricing.span, findings);
            }
        } else if let Some(void) = event.get::<InvoiceVoided>() {
            self.void(void);
        } else if let Some(charge) = event.get::<ChargeAdded>() {
            self.waiting.insert(charge.charge, charge.gross.0.into());
            if let Some(subscription) = charge.subscription {
                self.fees.entry(subscription).or_default().push(charge.charge);
            }
        } else if let Some(charge) = event.get::<ChargeWithdrawn>() {
            let waited = self.waiting.remove(&charge.charge);
            findings.check(Law::References, waited.is_some(), || {
                format!("{} is withdrawn, and does not wait", charge.charge)
            });
        } else {
            self.agree(event, findings);
        }
    }

    /// What an agreement does to what is charged.
    fn agree(&mut self, event: &Event, findings: &mut Findings) {
        if let Some(changed) = event.get::<SubscriptionChanged>() {
            self.mark(changed, findings);
        } else if let Some(cut) = event.get::<CycleCut>() {
            self.cut.entry((cut.subscription, cut.item)).or_default().push(cut.cycle);
        } else if let Some(migrated) = event.get::<SubscriptionMigrated>() {
            for change in &migrated.items {
                self.cut.remove(&(migrated.subscription, change.item));
            }
        } else if let Some(activated) = event.get::<SubscriptionActivated>() {
            if let Some(moved) = &activated.moved {
                self.relay(activated.subscription, moved, findings);
            }
        } else if let Some(resumed) = event.get::<SubscriptionResumed>() {
            for left in &resumed.left_alone {
                let marked = Span::new(resumed.from, left.until);
                self.each(resumed.subscription, left.item, |times| {
                    if let Some(span) = marked {
                        put_in(&mut times.marked, span);
                    }
                });
            }
        } else if let Some(canceled) = event.get::<SubscriptionCanceled>()
            && canceled.reason == EndReason::NotPaid
        {
            // Nobody is asked for its setup fee again.
            let fees = self.fees.remove(&canceled.subscription);
            for fee in fees.into_iter().flatten() {
                self.waiting.remove(&fee);
            }
        }
    }

    /// What the events since then did to discounts.
    pub(super) fn changes(&mut self) -> impl Iterator<Item = Change> + '_ {
        self.changes.drain(..)
    }

    /// Puts what the commit charges into the sets.
    pub(super) fn close_commit(&mut self, findings: &mut Findings) {
        for at in std::mem::take(&mut self.fresh) {
            let Some(Charge { whose, cycle, live, gross, .. }) = self.charges.get(&at) else {
                continue;
            };
            let times = self.times.entry(*whose).or_default();
            for span in live.iter().filter(|_| *gross != 0) {
                let (counts, forfeited) = times.split(*cycle, *span);
                let same = times.lines.iter().filter_map(|other| self.charges.get(other));
                let same = same.filter(|other| other.cycle == *cycle).flat_map(|of| &of.live);
                let again = same.flat_map(|known| within(&forfeited, *known)).next();
                let twice = counts.iter().find_map(|part| within(&times.charged, *part).next());
                let twice = again.or(twice);
                let twice = twice.filter(|both| is_worth(&self.charges, &times.lines, *both));
                findings.check(Law::ChargedOnce, twice.is_none(), || {
                    let Whose { subscription, item, .. } = whose;
                    let time = twice.map_or(String::new(), |span| span.to_string());
                    format!(
                        "{} charges {time} of item {item} of {subscription}, which is charged \
                         already",
                        shown(at)
                    )
                });
                for part in counts {
                    put_in(&mut times.charged, part);
                }
            }
            times.lines.push(at);
        }
    }

    fn bill(&mut self, at: LineRef, line: &InvoiceLine, findings: &mut Findings) {
        match (line.source, &line.pricing, line.credits) {
            (LineSource::Cycle { .. }, Some(pricing), Some(target)) => {
                let (span, taken) = (pricing.span, taken_of(line));
                self.note(&taken, 0);
                let amount = -i128::from(line.net.0);
                self.credits.insert(at, Credit { target, span, amount, taken });
                self.take_off(target, amount);
                self.give_back(target, span, findings);
            }
            (LineSource::Cycle { subscription, item, cycle }, Some(pricing), None) => {
                let is_true_up = line.kind == LineKind::MinimumTrueUp;
                let (whose, taken) = (Whose { subscription, item, is_true_up }, taken_of(line));
                self.note(&taken, 1);
                let (gross, left) = (line.gross.0.into(), line.net.0.into());
                let (whole, live) = (pricing.span, vec![pricing.span]);
                let charge = Charge { whose, cycle, whole, gross, left, live, taken };
                self.charges.insert(at, charge);
                self.fresh.push(at);
            }
            (LineSource::Charge(id), ..) => self.bill_charge(at, id, line, findings),
            (LineSource::Cycle { .. }, None, _) | (LineSource::Invoice, ..) => {}
        }
    }

    fn bill_charge(
        &mut self,
        at: LineRef,
        id: ChargeId,
        line: &InvoiceLine,
        findings: &mut Findings,
    ) {
        let Some(waited) = self.waiting.remove(&id) else {
            findings.check(Law::ChargedOnce, false, || {
                format!("{} bills {id}, which does not wait for an invoice", shown(at))
            });
            return;
        };
        let gross = i128::from(line.gross.0);
        findings.check(Law::Totals, gross == waited, || {
            format!("{} bills {gross} for {id}, and {waited} was charged", shown(at))
        });
        self.one_off.insert(at, (id, waited));
    }

    fn note(&mut self, taken: &[Taken], lines: i64) {
        self.changes.extend(taken.iter().map(|taken| Change { taken: *taken, lines }));
    }

    fn take_off(&mut self, at: LineRef, amount: i128) {
        if let Some(charge) = self.charges.get_mut(&at) {
            charge.left -= amount;
        }
    }

    /// Time of a line is given back.
    fn give_back(&mut self, target: LineRef, span: Span, findings: &mut Findings) {
        let Some(charge) = self.charges.get_mut(&target) else { return };
        let whole = within(&charge.live, span).next() == Some(span);
        findings.check(Law::ChargedOnce, whole, || {
            format!("{span} of {} is given back, and it charges {:?}", shown(target), charge.live)
        });
        let times = self.times.entry(charge.whose).or_default();
        within(&charge.live, span).for_each(|part| times.take_out(charge.cycle, part));
        let counted = !charge.live.is_empty();
        take_out(&mut charge.live, span);
        if counted && charge.live.is_empty() {
            self.changes.extend(charge.taken.iter().map(|taken| uncounted(*taken, -1)));
        }
    }

    fn void(&mut self, void: &InvoiceVoided) {
        let mut anew: Vec<(SubscriptionId, u16, Span)> = Vec::new();
        for (at, charge) in taken_from(&mut self.charges, void.invoice) {
            let times = self.times.entry(charge.whose).or_default();
            charge.live.iter().for_each(|span| times.take_out(charge.cycle, *span));
            times.lines.retain(|line| *line != at);
            let Whose { subscription, item, .. } = charge.whose;
            anew.extend(charge.live.iter().map(|span| (subscription, item, *span)));
            let lines = -i64::from(!charge.live.is_empty());
            self.changes.extend(charge.taken.iter().map(|taken| undone(*taken, lines)));
            self.fresh.retain(|fresh| *fresh != at);
        }
        for (_, credit) in taken_from(&mut self.credits, void.invoice) {
            self.changes.extend(credit.taken.iter().map(|taken| undone(*taken, 0)));
            self.take_off(credit.target, -credit.amount);
            let Some(charge) = self.charges.get_mut(&credit.target) else { continue };
            let whose = charge.whose;
            let same = |of, item| (of, item) == (whose.subscription, whose.item);
            let mut left = vec![credit.span];
            let anew = anew.iter().filter(|(of, item, _)| same(*of, *item));
            anew.for_each(|(.., span)| take_out(&mut left, *span));
            if !void.rebill && !left.is_empty() {
                continue;
            }
            if charge.live.is_empty() {
                self.changes.extend(charge.taken.iter().map(|taken| uncounted(*taken, 1)));
            }
            put_in(&mut charge.live, credit.span);
            self.times.entry(charge.whose).or_default().put_in(charge.cycle, credit.span);
        }
        for (_, (id, waited)) in taken_from(&mut self.one_off, void.invoice) {
            if void.rebill {
                self.waiting.insert(id, waited);
            }
        }
    }

    /// Time is marked to stay as it was billed. With cycles that are laid anew, what is marked of
    /// the old ones is forfeited.
    fn mark(&mut self, changed: &SubscriptionChanged, findings: &mut Findings) {
        self.close_commit(findings);
        for change in &changed.items {
            let until = change.left_alone_until;
            let marked = until.and_then(|until| Span::new(changed.from, until));
            let restarts = change.calendar.is_some();
            let cut = if restarts {
                self.cut.remove(&(changed.subscription, change.item)).unwrap_or_default()
            } else {
                Vec::new()
            };
            self.each(changed.subscription, change.item, |times| {
                if let Some(span) = marked {
                    put_in(&mut times.marked, span);
                }
                if restarts {
                    for span in std::mem::take(&mut times.marked) {
                        take_out(&mut times.charged, span);
                        times.forfeited.extend(cut.iter().map(|cycle| (*cycle, span)));
                    }
                }
            });
        }
    }

    /// Both kinds of an item's time, where some was billed.
    fn each(&mut self, subscription: SubscriptionId, item: u16, change: impl Fn(&mut Times)) {
        for is_true_up in [false, true] {
            let whose = Whose { subscription, item, is_true_up };
            self.times.get_mut(&whose).into_iter().for_each(&change);
        }
    }

    /// A subscription begins elsewhere, and what its lines charge lies there, too.
    fn relay(
        &mut self,
        subscription: SubscriptionId,
        moved: &SubscriptionMoved,
        findings: &mut Findings,
    ) {
        self.close_commit(findings);
        for item in &moved.items {
            self.each(subscription, item.item, |times| times.charged.clear());
        }
        for line in &moved.lines {
            let Some(charge) = self.charges.get_mut(&line.line) else { continue };
            let item = moved.items.iter().find(|item| item.item == charge.whose.item);
            let at = usize::try_from(charge.cycle).ok();
            let span = item.zip(at).and_then(|(item, at)| item.cycles.get(at));
            if let Some(span) = span.filter(|_| !charge.live.is_empty()) {
                (charge.whole, charge.live) = (*span, vec![*span]);
                if charge.gross != 0 {
                    put_in(&mut self.times.entry(charge.whose).or_default().charged, *span);
                }
            }
        }
    }
}

/// Whether giving a time back that some of these lines charge is worth anything.
fn is_worth(charges: &BTreeMap<LineRef, Charge>, lines: &[LineRef], time: Span) -> bool {
    let found = lines.iter().filter_map(|at| charges.get(at));
    let worth = found.map(|charge| {
        let micros: i128 = within(&charge.live, time).map(|span| i128::from(span.micros())).sum();
        charge.gross.min(charge.left).saturating_mul(micros) / i128::from(charge.whole.micros())
    });
    worth.sum::<i128>() > 0
}

fn taken_of(line: &InvoiceLine) -> Vec<Taken> {
    let parts = line.discounts.iter();
    parts
        .filter_map(|part| {
            let (discount, amount) = (part.discount, i128::from(part.amount.0));
            Some(Taken { discount, cycle: part.cycle?, amount })
        })
        .collect()
}

/// So many lines more have it, and what they have of it is what it was.
const fn uncounted(taken: Taken, lines: i64) -> Change {
    Change { taken: Taken { amount: 0, ..taken }, lines }
}

/// What was taken off is not.
const fn undone(taken: Taken, lines: i64) -> Change {
    Change { taken: Taken { amount: -taken.amount, ..taken }, lines }
}

/// Takes what is known of the lines of an invoice.
fn taken_from<T>(known: &mut BTreeMap<LineRef, T>, invoice: InvoiceId) -> Vec<(LineRef, T)> {
    let of_invoice = LineRef { invoice, line: 0 }..=LineRef { invoice, line: u32::MAX };
    let lines: Vec<LineRef> = known.range(of_invoice).map(|(at, _)| *at).collect();
    lines.into_iter().filter_map(|at| Some((at, known.remove(&at)?))).collect()
}
