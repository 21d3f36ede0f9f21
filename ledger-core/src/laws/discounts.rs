//! The laws of discounts: what each takes off, of what, how much and for how long.
//!
//! # Correctness
//!
//! Budgets and durations are looked at when a line is billed that has the discount: credits that
//! are voided can leave more behind than would be given, and then nothing more is.
//!
//! # Limits
//!
//! What a discount for ever takes off in percent is not counted: it has no end. Where durations
//! elapse (`duration_counts`), cycles that have it are not counted either.

use std::collections::{BTreeMap, BTreeSet};

use schemas::event::{
    CreditNoteIssued, DiscountApplied, DiscountPart, DiscountRemoved, FirstCycle, InvoiceFinalized,
    InvoiceLine, InvoiceVoided, LineSource, RampAgreed,
};
use schemas::ids::{CustomerId, DiscountId, InvoiceId};
use schemas::terms::{DiscountDuration, DiscountTarget, DiscountValue, DurationCounts};
use schemas::{Date, Event, Timestamp};

use super::charged::Change;
use super::findings::Findings;
use super::law::Law;

/// What the lines of a cycle have of a discount.
#[derive(Debug, Default)]
struct Used {
    amount: i128,
    lines: i64,
}

/// A discount and what has it.
#[derive(Debug)]
struct Given {
    /// What it is on; none for what the phases of a ramp take off.
    on: Option<DiscountTarget>,
    /// How much for each cycle or invoice, where that is an amount.
    budget: Option<i128>,
    duration: DiscountDuration,
    first_cycles: Vec<FirstCycle>,
    /// The item that it is on, whatever its price is called.
    item: Option<u16>,
    removed: bool,
    cycles: BTreeMap<Timestamp, Used>,
    invoices: BTreeMap<InvoiceId, Date>,
}

impl Given {
    const fn new(on: Option<DiscountTarget>, duration: DiscountDuration) -> Self {
        Self {
            on,
            budget: None,
            duration,
            first_cycles: Vec::new(),
            item: None,
            removed: false,
            cycles: BTreeMap::new(),
            invoices: BTreeMap::new(),
        }
    }

    /// Budget and duration are counted in cycles; else in invoices.
    const fn counts_cycles(&self) -> bool {
        match self.on {
            Some(DiscountTarget::Subscription(_) | DiscountTarget::Item(_)) => true,
            Some(DiscountTarget::Customer | DiscountTarget::Product(_)) | None => false,
        }
    }

    /// Whether it makes a difference what had it before.
    fn is_counted(&self) -> bool {
        let endless = matches!(self.duration, DiscountDuration::Forever);
        !endless || (self.counts_cycles() && self.budget.is_some())
    }

    fn reaches(&self, line: &InvoiceLine) -> bool {
        let LineSource::Cycle { subscription, item, cycle } = line.source else {
            return matches!(self.on, Some(DiscountTarget::Customer));
        };
        let pricing = line.pricing.as_ref();
        let on = match &self.on {
            None | Some(DiscountTarget::Customer) => true,
            Some(DiscountTarget::Subscription(id)) => *id == subscription,
            Some(DiscountTarget::Item(target)) => {
                target.subscription == subscription
                    && (pricing.is_some_and(|pricing| pricing.price == target.price)
                        || self.item == Some(item))
            }
            Some(DiscountTarget::Product(product)) => {
                pricing.is_some_and(|pricing| pricing.product.as_ref() == Some(product))
            }
        };
        let first = self.first_cycles.iter().find(|first| first.item == item);
        on && first.is_none_or(|first| first.cycle <= cycle)
    }
}

/// Every discount of every customer.
#[derive(Debug, Default)]
pub(super) struct Discounts {
    given: BTreeMap<(CustomerId, DiscountId), Given>,
    /// Where this commit takes something off.
    touched: BTreeSet<(DiscountId, Timestamp)>,
    /// Cycles that nothing had been taken off before this commit.
    entered: BTreeSet<(DiscountId, Timestamp)>,
    /// Durations go by as cycles do, whatever is billed of them.
    elapse: bool,
}

impl Discounts {
    pub(super) fn observe(&mut self, customer: CustomerId, event: &Event, findings: &mut Findings) {
        if let Some(applied) = event.get::<DiscountApplied>() {
            let mut given = Given::new(Some(applied.on.clone()), applied.duration);
            given.first_cycles.clone_from(&applied.first_cycles);
            given.item = applied.item;
            given.budget = match applied.value {
                DiscountValue::Amount(amount) => Some(amount.minor().0.into()),
                DiscountValue::Percent(_) => None,
            };
            self.given.insert((customer, applied.discount), given);
        } else if let Some(ramp) = event.get::<RampAgreed>() {
            let fresh = || Given::new(None, DiscountDuration::Forever);
            self.given.entry((customer, ramp.discount)).or_insert_with(fresh);
        } else if let Some(removed) = event.get::<DiscountRemoved>() {
            let found = self.given.get_mut(&(customer, removed.discount));
            findings.check(Law::References, found.is_some(), || {
                format!("{} ends, and was never given", removed.discount)
            });
            if let Some(found) = found {
                found.removed = true;
            }
        } else if let Some(invoice) = event.get::<InvoiceFinalized>() {
            self.bill(customer, invoice, findings);
        } else if let Some(note) = event.get::<CreditNoteIssued>() {
            for part in note.credits.iter().flat_map(|line| &line.discounts) {
                self.give_back(customer, part);
            }
        } else if let Some(void) = event.get::<InvoiceVoided>() {
            for (_, given) in self.of_mut(customer) {
                given.invoices.remove(&void.invoice);
            }
        }
    }

    fn of_mut(
        &mut self,
        customer: CustomerId,
    ) -> impl Iterator<Item = (&(CustomerId, DiscountId), &mut Given)> {
        let (first, last) =
            (DiscountId::new(uuid::Uuid::nil()), DiscountId::new(uuid::Uuid::max()));
        self.given.range_mut((customer, first)..=(customer, last))
    }

    /// Lines with a discount are more or fewer.
    pub(super) fn change(&mut self, customer: CustomerId, change: Change) {
        let (discount, cycle) = (change.taken.discount, change.taken.cycle);
        let Some(given) = self.given.get_mut(&(customer, discount)) else { return };
        if !given.is_counted() {
            return;
        }
        let used = given.cycles.entry(cycle).or_default();
        let before = used.lines;
        used.lines += change.lines;
        used.amount += change.taken.amount;
        if change.taken.amount > 0 && change.lines > 0 {
            self.touched.insert((discount, cycle));
            if before <= 0 {
                self.entered.insert((discount, cycle));
            }
        }
        if used.lines == 0 && used.amount == 0 {
            given.cycles.remove(&cycle);
        }
    }

    /// What a note gives back of a budget.
    fn give_back(&mut self, customer: CustomerId, part: &DiscountPart) {
        let given = self.given.get_mut(&(customer, part.discount));
        let Some((given, cycle)) = given.filter(|given| given.is_counted()).zip(part.cycle) else {
            return;
        };
        given.cycles.entry(cycle).or_default().amount += i128::from(part.amount.0);
    }

    fn bill(&mut self, customer: CustomerId, invoice: &InvoiceFinalized, findings: &mut Findings) {
        self.elapse = match invoice.policies.duration_counts {
            DurationCounts::BilledCycles => false,
            DurationCounts::ElapsedCycles => true,
        };
        let mut off: BTreeMap<DiscountId, i128> = BTreeMap::new();
        for line in &invoice.lines {
            for (index, part) in line.discounts.iter().enumerate() {
                let id = part.discount;
                let twice = line.discounts[..index].iter().any(|before| before.discount == id);
                findings.check(Law::Discounts, !twice, || {
                    format!("line {} of {} has {id} twice", line.line, invoice.invoice)
                });
                let Some(given) = self.given.get(&(customer, id)) else {
                    findings.check(Law::References, false, || format!("{id} was never given"));
                    continue;
                };
                if line.credits.is_some() {
                    continue;
                }
                let counts = part.cycle.is_some() == given.counts_cycles();
                let reached = !given.removed && counts && given.reaches(line);
                findings.check(Law::Discounts, reached, || {
                    format!("line {} of {} has {id}, and is not for it", line.line, invoice.invoice)
                });
                *off.entry(id).or_default() += i128::from(part.amount.0);
            }
        }
        for (id, amount) in off {
            if let Some(given) = self.given.get_mut(&(customer, id))
                && !given.counts_cycles()
            {
                given.check_invoice((id, amount), invoice, findings);
            }
        }
    }

    /// Checks the cycles that the commit takes something off.
    pub(super) fn close_commit(&mut self, customer: CustomerId, findings: &mut Findings) {
        for (id, cycle) in std::mem::take(&mut self.touched) {
            let Some(given) = self.given.get(&(customer, id)) else { continue };
            let amount = given.cycles.get(&cycle).map_or(0, |used| used.amount);
            findings.check(
                Law::Discounts,
                given.budget.is_none_or(|budget| amount <= budget),
                || {
                    format!(
                        "{id} takes {amount} off the cycle of {cycle}, and at most {:?}",
                        given.budget
                    )
                },
            );
        }
        for (id, cycle) in std::mem::take(&mut self.entered) {
            // Cycles that were laid anew may have taken the place of some that have it.
            if let Some(given) = self.given.get(&(customer, id)).filter(|_| !self.elapse) {
                given.check_duration(id, cycle, findings);
            }
        }
    }
}

impl Given {
    /// What counts invoices lasts for so many, and takes so much off each.
    fn check_invoice(
        &mut self,
        (id, amount): (DiscountId, i128),
        invoice: &InvoiceFinalized,
        findings: &mut Findings,
    ) {
        let (of, date) = (invoice.invoice, invoice.document_date);
        findings.check(Law::Discounts, self.budget.is_none_or(|budget| amount <= budget), || {
            format!("{id} takes {amount} off {of}, and at most {:?}", self.budget)
        });
        if matches!(self.duration, DiscountDuration::Forever) {
            return;
        }
        self.invoices.insert(of, date);
        let first = self.invoices.values().min().copied().unwrap_or(date);
        let count = self.invoices.len();
        let lasts = lasts(self.duration, count, (first, slack(date)));
        findings.check(Law::Discounts, lasts, || {
            format!(
                "{id} lasts for {:?}: it has been on {count} invoices from {first} on, and is on \
                 {of} of {date}",
                self.duration
            )
        });
    }

    /// What counts cycles lasts for so many.
    fn check_duration(&self, id: DiscountId, cycle: Timestamp, findings: &mut Findings) {
        let mut used = self.cycles.iter().filter(|(_, used)| used.lines > 0).map(|(at, _)| *at);
        let first = used.next().unwrap_or(cycle);
        let count = used.count() + 1;
        let lasts = lasts(self.duration, count, (first.utc_date(), slack(cycle.utc_date())));
        findings.check(Law::Discounts, lasts, || {
            format!(
                "{id} lasts for {:?}: {count} cycles from {first} on have it, and that of {cycle} \
                 is one",
                self.duration
            )
        });
    }
}

/// Days are the customer's: two of UTC, or of the seller, lie between them and these at most.
fn slack(date: Date) -> Date {
    date.plus_days(-2).unwrap_or(date)
}

/// Whether a discount lasts for so many, from one day to another.
fn lasts(duration: DiscountDuration, count: usize, (first, date): (Date, Date)) -> bool {
    let most = |most: u32| u64::try_from(count).is_ok_and(|count| count <= u64::from(most));
    match duration {
        DiscountDuration::Once => most(1),
        DiscountDuration::Cycles(cycles) => most(cycles),
        DiscountDuration::Months(months) => {
            let later = first.civil().checked_add(jiff::Span::new().months(months));
            later.is_ok_and(|end| date.civil() < end)
        }
        DiscountDuration::Forever => true,
    }
}
