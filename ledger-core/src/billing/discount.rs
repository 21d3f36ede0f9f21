//! Discounts on the charges of one invoice.
//!
//! What the phases of a ramp take off goes with the discounts on the subscription; the discounts
//! that were given follow in the order of the policy.

use std::collections::{BTreeMap, BTreeSet};

use schemas::decimal::Decimal;
use schemas::event::{
    DiscountBasis, DiscountPart, EventAt, LinePricing, LineRef, LineSource, RoundingSubject,
};
use schemas::fraction::Fraction;
use schemas::ids::DiscountId;
use schemas::terms::{
    CalendarUnit, DiscountAllocation, DiscountDuration, DiscountOrder, DiscountStacking,
    DiscountTarget, DiscountValue, DurationCounts, Every, ItemTarget, MinimumAfterDiscount,
};
use schemas::{Date, Minor, Rejection, Span, Timestamp};

use super::Account;
use super::draft::{LineDraft, PhaseOff};
use super::evolve::counts_cycles;
use super::state::DiscountUse;
use crate::customer::rules::Rules;
use crate::mistakes::{Mistake, makes};
use crate::money::rounding::{narrow, round};
use crate::money::shares;
use crate::spans;
use crate::subscription::agreements::{Agreements, Discount};
use crate::subscription::calendar::step;
use crate::subscription::item::{Cycle, Item};
use crate::subscription::state::Subscription;

/// What is taken off at its turn.
enum Step<'a> {
    /// What phases of ramps take off.
    Phases,
    Given(&'a Discount),
}

/// Takes the customer's discounts off the charges among `lines`.
///
/// # Errors
/// Amounts that do not fit.
pub(crate) fn take_off(
    account: Account<'_>,
    today: Date,
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    let policies = account.rules().policies;
    for step in in_order(account) {
        let discount = match step {
            Step::Phases => {
                take_phases(account.rules(), policies.discount_stacking, lines)?;
                continue;
            }
            Step::Given(discount) => discount,
        };
        if discount.removed {
            continue;
        }
        let used = account.billing.discount(discount.applied.discount);
        let used = used.expect("a discount that was applied can be used");
        let reach = Reach { account, discount, used, today };
        match discount.applied.value {
            DiscountValue::Percent(percent) => {
                let covered = reach.covered(lines)?;
                for (at, cycle) in covered {
                    let of = Percentage {
                        discount: discount.applied.discount,
                        percent,
                        stacking: policies.discount_stacking,
                        cycle,
                        given: discount.made,
                    };
                    of.take(&mut lines[at])?;
                }
            }
            DiscountValue::Amount(amount) => {
                take_amount(&reach, amount.minor(), policies.discount_allocation, lines)?;
            }
        }
    }
    Ok(())
}

/// Whether a line can have discounts: a charge of which something is left. What makes up a least
/// price that holds takes none.
fn takes(rules: &Rules, line: &LineDraft) -> bool {
    let holds = rules.policies.minimum_after_discount == MinimumAfterDiscount::Holds
        && !makes(Mistake::MinimumIsDiscounted);
    line.credits.is_none() && line.net().is_positive() && !(holds && line.is_true_up())
}

/// Each line has the percentage of the phase that its cycle starts in.
fn take_phases(
    rules: &Rules,
    stacking: DiscountStacking,
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    for line in lines.iter_mut().filter(|line| takes(rules, line)) {
        // A cycle that begins in no phase with a discount, a charge, a subscription without a ramp.
        let Some(PhaseOff { discount, percent, given }) = line.phase else { continue };
        Percentage { discount, percent, stacking, cycle: None, given }.take(line)?;
    }
    Ok(())
}

/// The subscription and item of a line, and the cycle that it bills.
fn place<'a>(
    agreements: &'a Agreements,
    line: &LineDraft,
) -> Option<(&'a Subscription, &'a Item, &'a Cycle)> {
    let LineSource::Cycle { subscription, item, cycle } = line.source else { return None };
    let subscription = agreements.subscription(subscription)?;
    let item = subscription.item(item)?;
    let cycle = item.cycle(cycle)?;
    Some((subscription, item, cycle))
}

/// A percentage and where it comes from.
struct Percentage {
    discount: DiscountId,
    percent: Decimal,
    stacking: DiscountStacking,
    cycle: Option<Timestamp>,
    given: EventAt,
}

impl Percentage {
    fn take(&self, line: &mut LineDraft) -> Result<(), Rejection> {
        let of = match self.stacking {
            DiscountStacking::Sequential => line.net(),
            DiscountStacking::Stacked => line.gross,
        };
        let hundredth = Fraction::new(1, 100)?;
        let exact = Fraction::whole(of.0).times(Fraction::of(self.percent)?)?.times(hundredth)?;
        let (rounded, step) = round(exact, RoundingSubject::Discount)?;
        line.rounding.push(step);
        line.discounts.push(DiscountPart {
            discount: self.discount,
            exact,
            amount: rounded.min(line.net()),
            basis: DiscountBasis::Percent { percent: self.percent, of },
            cycle: self.cycle,
            given: self.given,
        });
        Ok(())
    }
}

fn in_order(account: Account<'_>) -> Vec<Step<'_>> {
    let order = account.rules().policies.discount_order;
    let rank = |step: &Step<'_>| match (order, step) {
        (DiscountOrder::AsApplied, _) | (DiscountOrder::PercentagesFirst, Step::Phases) => 0,
        (DiscountOrder::PercentagesFirst, Step::Given(found)) => match found.applied.value {
            DiscountValue::Percent(_) => 0,
            DiscountValue::Amount(_) => 1,
        },
        (DiscountOrder::MostSpecificFirst, Step::Phases) => 1,
        (DiscountOrder::MostSpecificFirst, Step::Given(found)) => match found.applied.on {
            DiscountTarget::Item(_) => 0,
            DiscountTarget::Subscription(_) => 1,
            DiscountTarget::Product(_) => 2,
            DiscountTarget::Customer => 3,
        },
    };
    let mut steps = vec![Step::Phases];
    steps.extend(account.agreements.discounts().iter().map(Step::Given));
    steps.sort_by_key(rank);
    steps
}

/// A fixed amount: one budget for an invoice, or one for each cycle of the subscription.
fn take_amount(
    reach: &Reach<'_>,
    amount: Minor,
    allocation: DiscountAllocation,
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    let mut budgets: Vec<(Option<Timestamp>, Vec<usize>)> = Vec::new();
    for (index, cycle) in reach.covered(lines)? {
        match budgets.iter_mut().find(|(found, _)| *found == cycle) {
            Some((_, indices)) => indices.push(index),
            None => budgets.push((cycle, vec![index])),
        }
    }
    for (cycle, indices) in budgets {
        let used = cycle.map_or(0, |cycle| used_in_cycle(reach, cycle, lines));
        // What comes back by a rule that gives back more than was taken makes no larger budget.
        let left = Minor((amount.0 - used).clamp(0, amount.0));
        let budget = Budget { left, cycle };
        share_out(reach.discount, budget, allocation, &indices, lines)?;
    }
    Ok(())
}

/// What the cycle has of the discount: on earlier invoices, and on the credits of this one.
fn used_in_cycle(reach: &Reach<'_>, cycle: Timestamp, lines: &[LineDraft]) -> i64 {
    let id = reach.discount.applied.discount;
    let here = lines
        .iter()
        .flat_map(|line| &line.discounts)
        .filter(|part| part.discount == id && part.cycle == Some(cycle))
        .map(|part| part.amount.0);
    reach.used.cycles.get(cycle).map_or(0, |used| used.amount.0) + here.sum::<i64>()
}

/// What is left of a fixed amount, and the cycles that it is for; none for an invoice.
#[derive(Clone, Copy)]
struct Budget {
    left: Minor,
    cycle: Option<Timestamp>,
}

/// Shares a budget over lines by what is left of each.
fn share_out(
    discount: &Discount,
    budget: Budget,
    allocation: DiscountAllocation,
    indices: &[usize],
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    let left: Vec<i128> = indices.iter().map(|at| i128::from(lines[*at].net().0)).collect();
    let whole: i128 = left.iter().sum();
    let shared = i128::from(budget.left.0).min(whole);
    if shared == 0 {
        return Ok(());
    }
    let shares = match allocation {
        DiscountAllocation::LargestRemainder => shares::largest_remainder(shared, whole, &left),
        DiscountAllocation::FloorLastGetsResidue => shares::last_gets_residue(shared, whole, &left),
        DiscountAllocation::Waterfall => shares::waterfall(shared, &left),
    };
    for ((at, share), part) in indices.iter().zip(shares).zip(left) {
        let amount = narrow(share)?;
        if amount == 0 {
            continue;
        }
        let exact = match allocation {
            DiscountAllocation::Waterfall => Fraction::new(share, 1)?,
            DiscountAllocation::LargestRemainder | DiscountAllocation::FloorLastGetsResidue => {
                Fraction::new(shared * part, whole)?
            }
        };
        let basis = DiscountBasis::Share {
            budget: budget.left,
            of: Minor(narrow(part)?),
            among: Minor(narrow(whole)?),
        };
        lines[*at].discounts.push(DiscountPart {
            discount: discount.applied.discount,
            exact,
            amount: Minor(amount),
            basis,
            cycle: budget.cycle,
            given: discount.made,
        });
    }
    Ok(())
}

/// A discount and what it can reach.
struct Reach<'a> {
    account: Account<'a>,
    discount: &'a Discount,
    used: &'a DiscountUse,
    today: Date,
}

impl Reach<'_> {
    /// The lines that the discount covers, each with the start of the subscription's cycle that
    /// it counts for; none where invoices are counted.
    fn covered(&self, lines: &[LineDraft]) -> Result<Vec<(usize, Option<Timestamp>)>, Rejection> {
        let applied = &self.discount.applied;
        let reached = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| takes(self.account.rules(), line) && self.is_on_target(line));
        if !counts_cycles(&applied.on) {
            let lasts = self.lasts_for_invoice()?;
            return Ok(reached.filter(|_| lasts).map(|(at, _)| (at, None)).collect());
        }
        let mut counted: Vec<(usize, Timestamp)> = Vec::new();
        for (at, line) in reached {
            let place = place(self.account.agreements, line);
            let (subscription, item, cycle) =
                place.expect("a line of a subscription bills a cycle that was opened");
            // What was billed before it was given does not have it. An item that began later
            // counts from its first cycle.
            let first = applied.first_cycles.iter().find(|first| first.item == item.number);
            if first.is_none_or(|first| first.cycle <= cycle.index) {
                counted.push((at, counted_cycle(subscription, cycle, self.account.rules())?));
            }
        }
        let mut starts: Vec<Timestamp> = counted.iter().map(|(_, start)| *start).collect();
        starts.sort_unstable();
        starts.dedup();
        let covers = self.covers_cycles(starts, lines)?;
        let covers = counted.into_iter().filter(|(_, start)| covers.contains(start));
        Ok(covers.map(|(at, start)| (at, Some(start))).collect())
    }

    fn is_on_target(&self, line: &LineDraft) -> bool {
        let pricing = line.pricing.as_ref();
        match &self.discount.applied.on {
            DiscountTarget::Customer => true,
            DiscountTarget::Product(product) => {
                pricing.is_some_and(|found| found.product.as_ref() == Some(product))
            }
            DiscountTarget::Subscription(subscription) => is_of(line, *subscription),
            DiscountTarget::Item(target) => {
                is_of(line, target.subscription)
                    && pricing.is_some_and(|found| self.is_on_item(line, found, target))
            }
        }
    }

    /// A discount on a price is off the item that had it when it was given, whatever migrations
    /// call the price; where that is gone, off what has the price.
    fn is_on_item(&self, line: &LineDraft, pricing: &LinePricing, target: &ItemTarget) -> bool {
        let LineSource::Cycle { subscription, item, .. } = line.source else { return false };
        let (at, same) = (pricing.span.start(), pricing.price == target.price);
        let given = self.discount.applied.item;
        let subscription = self.account.agreements.subscription(subscription);
        let Some(given) = given.and_then(|given| subscription?.item(given)) else { return same };
        if given.number == item {
            return same || given.called(at).contains(&&target.price);
        }
        same && given.terms_at(at).is_none()
    }

    /// Whether the next invoice has it.
    ///
    /// # Errors
    /// A date that cannot be computed.
    fn lasts_for_invoice(&self) -> Result<bool, Rejection> {
        let used = &self.used.invoices;
        Ok(match self.discount.applied.duration {
            DiscountDuration::Once => used.is_empty(),
            DiscountDuration::Cycles(count) => {
                u32::try_from(used.len()).is_ok_and(|used| used < count)
            }
            DiscountDuration::Months(months) => match used.values().min() {
                Some(first) => self.today < months_later(*first, months)?,
                None => true,
            },
            DiscountDuration::Forever => true,
        })
    }

    /// Which of these cycles have it.
    fn covers_cycles(
        &self,
        starts: Vec<Timestamp>,
        lines: &[LineDraft],
    ) -> Result<BTreeSet<Timestamp>, Rejection> {
        let most = match self.discount.applied.duration {
            DiscountDuration::Forever => return Ok(starts.into_iter().collect()),
            DiscountDuration::Months(months) => return self.within_months(months, starts, lines),
            DiscountDuration::Once => 1,
            DiscountDuration::Cycles(count) => usize::try_from(count).unwrap_or(usize::MAX),
        };
        match self.account.rules().policies.duration_counts {
            DurationCounts::BilledCycles if !makes(Mistake::DurationCountsPauses) => {}
            DurationCounts::BilledCycles | DurationCounts::ElapsedCycles => {
                let elapsed = |start: &Timestamp| self.elapsed(*start) < most;
                return Ok(starts.into_iter().filter(elapsed).collect());
            }
        }
        let mut used = self.used_cycles(lines);
        let mut found = BTreeSet::new();
        for start in starts {
            if used.contains(&start) || used.len() < most {
                used.insert(start);
                found.insert(start);
            }
        }
        Ok(found)
    }

    /// Starts of the cycles that have it, without those of which this bill gives all back.
    fn used_cycles(&self, lines: &[LineDraft]) -> BTreeSet<Timestamp> {
        let id = self.discount.applied.discount;
        let mut left: BTreeMap<LineRef, (Timestamp, Vec<Span>)> = BTreeMap::new();
        for draft in lines {
            let Some(at) = draft.credits else { continue };
            let line = self.account.billing.named(at);
            let line = line.expect("a credit names a line that was billed");
            // Also where a note has left none of the discount to give back.
            let taken = line.discounts.iter().find(|taken| taken.discount == id);
            let Some(cycle) = taken.and_then(|taken| taken.cycle) else { continue };
            let pricing = draft.pricing.as_ref().expect("what is credited is time of a cycle");
            let (_, left) = left.entry(at).or_insert_with(|| (cycle, line.live.clone()));
            *left = spans::without(left, pricing.span);
        }
        let gone = |start: &Timestamp| {
            left.values().filter(|(cycle, left)| cycle == start && left.is_empty()).count()
        };
        self.used
            .used_cycles()
            .filter(|(start, lines)| gone(start) < *lines)
            .map(|(at, _)| at)
            .collect()
    }

    /// Cycles that begin within so many months of the first that has it.
    fn within_months(
        &self,
        months: u32,
        starts: Vec<Timestamp>,
        lines: &[LineDraft],
    ) -> Result<BTreeSet<Timestamp>, Rejection> {
        let first = self.used_cycles(lines).into_iter().chain(starts.first().copied()).min();
        let Some(first) = first else { return Ok(BTreeSet::new()) };
        let end = months_later(self.account.rules().date(first)?, months)?;
        let mut found = BTreeSet::new();
        for start in starts {
            if self.account.rules().date(start)? < end {
                found.insert(start);
            }
        }
        Ok(found)
    }

    /// How many cycles of the subscription have passed since the first that could have it.
    fn elapsed(&self, start: Timestamp) -> usize {
        let applied = &self.discount.applied;
        let subscription = match &applied.on {
            DiscountTarget::Subscription(id) => self.account.agreements.subscription(*id),
            DiscountTarget::Item(target) => {
                self.account.agreements.subscription(target.subscription)
            }
            DiscountTarget::Customer | DiscountTarget::Product(_) => None,
        };
        let first = subscription.and_then(|found| found.leading(start).or(found.items.first()));
        let Some(item) = first else { return 0 };
        let first = applied.first_cycles.iter().find(|first| first.item == item.number);
        let first = first.map_or(0, |first| first.cycle);
        let passed = item.cycles.iter().filter(|cycle| {
            first <= cycle.index
                && cycle.start < start
                && Span::new(cycle.start, cycle.end).is_some()
        });
        passed.count()
    }
}

/// So many months after a date.
fn months_later(date: Date, months: u32) -> Result<Date, Rejection> {
    let month = Every { count: 1, unit: CalendarUnit::Month };
    Ok(step(date, month, i64::from(months), None)?)
}

/// The start of the subscription's cycle, that of its first item, in which a cycle begins.
fn counted_cycle(
    subscription: &Subscription,
    cycle: &Cycle,
    rules: &Rules,
) -> Result<Timestamp, Rejection> {
    let first = subscription.leading(cycle.start).or(subscription.items.first());
    let Some(first) = first else { return Ok(cycle.start) };
    Ok(first.cycle_at(cycle.start, rules)?.map_or(cycle.start, Span::start))
}

fn is_of(line: &LineDraft, id: schemas::ids::SubscriptionId) -> bool {
    match line.source {
        LineSource::Cycle { subscription, .. } => subscription == id,
        LineSource::Charge(_) | LineSource::Invoice => false,
    }
}
