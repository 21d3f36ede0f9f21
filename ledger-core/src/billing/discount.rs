//! Discounts on the charges of one invoice.

use schemas::decimal::Decimal;
use schemas::event::{DiscountBasis, DiscountPart, LineSource, RoundingSubject};
use schemas::fraction::Fraction;
use schemas::terms::{
    DiscountAllocation, DiscountDuration, DiscountOrder, DiscountStacking, DiscountTarget,
    DiscountValue,
};
use schemas::{Minor, Rejection, Timestamp};

use super::Account;
use super::draft::LineDraft;
use super::evolve::counts_cycles;
use super::state::DiscountUse;
use crate::money::rounding::{narrow, round};
use crate::money::shares;
use crate::subscription::agreements::{Agreements, Discount};
use crate::subscription::item::{Cycle, Item};

/// Takes the customer's discounts off the charges among `lines`.
///
/// # Errors
/// Amounts that do not fit.
pub(crate) fn take_off(account: Account<'_>, lines: &mut [LineDraft]) -> Result<(), Rejection> {
    let policies = account.rules().policies;
    for discount in in_order(account) {
        let used = account.billing.discount(discount.applied.discount);
        let used = used.expect("a discount that was applied can be used");
        let reach = Reach { discount, used, agreements: account.agreements };
        match discount.applied.value {
            DiscountValue::Percent(percent) => {
                take_percent(&reach, percent, policies.discount_stacking, lines)?;
            }
            DiscountValue::Amount(amount) => {
                take_amount(&reach, amount.minor(), policies.discount_allocation, lines)?;
            }
        }
    }
    Ok(())
}

fn in_order(account: Account<'_>) -> Vec<&Discount> {
    let mut discounts: Vec<&Discount> = account.agreements.discounts().iter().collect();
    match account.rules().policies.discount_order {
        DiscountOrder::AsApplied => {}
        DiscountOrder::PercentagesFirst => {
            discounts.sort_by_key(|found| match found.applied.value {
                DiscountValue::Percent(_) => 0,
                DiscountValue::Amount(_) => 1,
            });
        }
        DiscountOrder::MostSpecificFirst => {
            discounts.sort_by_key(|found| match found.applied.on {
                DiscountTarget::Item(_) => 0,
                DiscountTarget::Product(_) => 1,
                DiscountTarget::Subscription(_) => 2,
                DiscountTarget::Customer => 3,
            });
        }
    }
    discounts
}

fn take_percent(
    reach: &Reach<'_>,
    percent: Decimal,
    stacking: DiscountStacking,
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    let hundredth = Fraction::new(1, 100)?;
    for line in lines.iter_mut().filter(|line| reach.covers(line)) {
        let of = match stacking {
            DiscountStacking::Sequential => line.net(),
            DiscountStacking::Stacked => line.gross,
        };
        let exact = Fraction::whole(of.0).times(Fraction::of(percent)?)?.times(hundredth)?;
        let (rounded, step) = round(exact, RoundingSubject::Discount)?;
        line.rounding.push(step);
        line.discounts.push(DiscountPart {
            discount: reach.discount.applied.discount,
            exact,
            amount: rounded.min(line.net()),
            basis: DiscountBasis::Percent { percent, of },
            given: reach.discount.made,
        });
    }
    Ok(())
}

/// A fixed amount: one budget for an invoice, or one for each cycle that starts at an instant.
fn take_amount(
    reach: &Reach<'_>,
    amount: Minor,
    allocation: DiscountAllocation,
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    let mut budgets: Vec<(Option<Timestamp>, Vec<usize>)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if !reach.covers(line) {
            continue;
        }
        let budget = if reach.by_cycle() { reach.cycle_start(line) } else { None };
        match budgets.iter_mut().find(|(found, _)| *found == budget) {
            Some((_, indices)) => indices.push(index),
            None => budgets.push((budget, vec![index])),
        }
    }
    for (cycle, indices) in budgets {
        let used = cycle.map_or(0, |cycle| used_in_cycle(reach, cycle, lines));
        let left = Minor((amount.0 - used).max(0));
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
        .filter(|line| reach.cycle_start(line) == Some(cycle))
        .flat_map(|line| &line.discounts)
        .filter(|part| part.discount == id)
        .map(|part| part.amount.0);
    reach.used.cycles.get(&cycle).map_or(0, |used| used.0) + here.sum::<i64>()
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
            cycle: budget.cycle,
        };
        lines[*at].discounts.push(DiscountPart {
            discount: discount.applied.discount,
            exact,
            amount: Minor(amount),
            basis,
            given: discount.made,
        });
    }
    Ok(())
}

/// A discount and what it can reach.
struct Reach<'a> {
    discount: &'a Discount,
    used: &'a DiscountUse,
    agreements: &'a Agreements,
}

impl Reach<'_> {
    /// Its budget and duration are counted in cycles; else in invoices.
    const fn by_cycle(&self) -> bool {
        counts_cycles(&self.discount.applied.on)
    }

    fn covers(&self, line: &LineDraft) -> bool {
        let discount = self.discount;
        if discount.removed || line.credits.is_some() || !line.net().is_positive() {
            return false;
        }
        let pricing = line.pricing.as_ref();
        let on_target = match &discount.applied.on {
            DiscountTarget::Customer => true,
            DiscountTarget::Product(product) => {
                pricing.is_some_and(|found| found.product.as_ref() == Some(product))
            }
            DiscountTarget::Subscription(subscription) => is_of(line, *subscription),
            DiscountTarget::Item(target) => {
                is_of(line, target.subscription)
                    && pricing.is_some_and(|found| found.price == target.price)
            }
        };
        on_target && self.in_time(line)
    }

    fn in_time(&self, line: &LineDraft) -> bool {
        let applied = &self.discount.applied;
        if !self.by_cycle() {
            let used = u32::try_from(self.used.invoices.len());
            return used.is_ok_and(|used| lasts(applied.duration, used));
        }
        let Some((item, cycle)) = self.cycle(line) else { return false };
        let Some(window) = applied.window else {
            // Counted by cycles, so that a cycle that starts anew in place of another has it too.
            // An item that began later has none billed before the discount: it counts from its
            // first cycle.
            let mut firsts = applied.first_cycles.iter();
            let first = firsts.find(|first| first.item == item.number);
            let nth = cycle.index.checked_sub(first.map_or(0, |first| first.cycle));
            return nth.is_some_and(|nth| lasts(applied.duration, nth));
        };
        let starts_in = |cycle: &Cycle| window.contains(cycle.start);
        let before = item.cycles.iter().filter(|found| found.start < cycle.start);
        let nth = before.filter(|found| starts_in(found)).count();
        starts_in(cycle) && u32::try_from(nth).is_ok_and(|nth| lasts(applied.duration, nth))
    }

    /// The item of a line, and the cycle that it bills.
    fn cycle(&self, line: &LineDraft) -> Option<(&Item, &Cycle)> {
        let LineSource::Cycle { subscription, item, cycle } = line.source else { return None };
        let item = self.agreements.subscription(subscription)?.item(item)?;
        let cycle = item.cycles.iter().find(|found| found.index == cycle)?;
        Some((item, cycle))
    }

    fn cycle_start(&self, line: &LineDraft) -> Option<Timestamp> {
        self.cycle(line).map(|(_, cycle)| cycle.start)
    }
}

fn is_of(line: &LineDraft, id: schemas::ids::SubscriptionId) -> bool {
    match line.source {
        LineSource::Cycle { subscription, .. } => subscription == id,
        LineSource::Charge(_) | LineSource::Invoice => false,
    }
}

/// Whether the discount covers its n-th cycle or invoice, counted from 0.
const fn lasts(duration: DiscountDuration, nth: u32) -> bool {
    match duration {
        DiscountDuration::Once => nth == 0,
        DiscountDuration::Cycles(count) => nth < count,
        DiscountDuration::Forever => true,
    }
}
