//! Discounts on the charges of one invoice.

use schemas::decimal::Decimal;
use schemas::event::{DiscountBasis, DiscountPart, LineSource, RoundingSubject};
use schemas::fraction::Fraction;
use schemas::terms::{
    DiscountAllocation, DiscountDuration, DiscountOrder, DiscountStacking, DiscountTarget,
    DiscountValue,
};
use schemas::{Minor, Rejection, Timestamp};

use super::draft::{LineDraft, round};
use crate::customer::state::{Customer, Discount};
use crate::subscription::item::{Cycle, Item};
use crate::subscription::state::Subscription;

/// Takes the customer's discounts off the charges among `lines`. `subscriptions` are those that
/// are billed, with the cycles that this invoice opens.
pub(crate) fn take_off(
    customer: &Customer,
    subscriptions: &[Subscription],
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    for discount in in_order(customer) {
        let reach = Reach { discount, subscriptions };
        match discount.applied.value {
            DiscountValue::Percent(percent) => {
                let stacking = customer.rules.policies.discount_stacking;
                take_percent(&reach, percent, stacking, lines)?;
            }
            DiscountValue::Amount(amount) => {
                let allocation = customer.rules.policies.discount_allocation;
                take_amount(&reach, amount.minor(), allocation, lines)?;
            }
        }
    }
    Ok(())
}

fn in_order(customer: &Customer) -> Vec<&Discount> {
    let mut discounts: Vec<&Discount> = customer.discounts.iter().collect();
    match customer.rules.policies.discount_order {
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
        share_out(reach.discount, left, allocation, &indices, lines)?;
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
    reach.discount.by_cycle.get(&cycle).map_or(0, |used| used.0) + here.sum::<i64>()
}

/// Shares `budget` over lines by what is left of each.
fn share_out(
    discount: &Discount,
    budget: Minor,
    allocation: DiscountAllocation,
    indices: &[usize],
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    let left: Vec<i128> = indices.iter().map(|at| i128::from(lines[*at].net().0)).collect();
    let whole: i128 = left.iter().sum();
    let shared = i128::from(budget.0).min(whole);
    if shared == 0 {
        return Ok(());
    }
    let shares = match allocation {
        DiscountAllocation::LargestRemainder => largest_remainder(shared, whole, &left),
        DiscountAllocation::FloorLastGetsResidue => last_gets_residue(shared, whole, &left),
        DiscountAllocation::Waterfall => waterfall(shared, &left),
    };
    for ((at, share), part) in indices.iter().zip(shares).zip(left) {
        let small = |wide: i128| i64::try_from(wide).map_err(|_| schemas::MoneyError::Overflow);
        let amount = small(share)?;
        if amount == 0 {
            continue;
        }
        let exact = match allocation {
            DiscountAllocation::Waterfall => Fraction::new(share, 1)?,
            DiscountAllocation::LargestRemainder | DiscountAllocation::FloorLastGetsResidue => {
                Fraction::new(shared * part, whole)?
            }
        };
        let basis =
            DiscountBasis::Share { budget, of: Minor(small(part)?), among: Minor(small(whole)?) };
        lines[*at].discounts.push(DiscountPart {
            discount: discount.applied.discount,
            exact,
            amount: Minor(amount),
            basis,
        });
    }
    Ok(())
}

/// In proportion; the largest remainders get what is left over, the earlier line on a tie.
fn largest_remainder(budget: i128, whole: i128, left: &[i128]) -> Vec<i128> {
    let mut shares: Vec<i128> = left.iter().map(|part| budget * part / whole).collect();
    let mut order: Vec<usize> = (0..left.len()).collect();
    order.sort_by_key(|at| (-(budget * left[*at] % whole), *at));
    let missing = budget - shares.iter().sum::<i128>();
    for at in order.into_iter().take(usize::try_from(missing).unwrap_or(usize::MAX)) {
        shares[at] += 1;
    }
    shares
}

/// In proportion, rounded down; what is left over goes to the last line, and to those before it
/// as far as it has no room.
fn last_gets_residue(budget: i128, whole: i128, left: &[i128]) -> Vec<i128> {
    let mut shares: Vec<i128> = left.iter().map(|part| budget * part / whole).collect();
    let mut missing = budget - shares.iter().sum::<i128>();
    for (share, room) in shares.iter_mut().zip(left).rev() {
        let more = missing.min(room - *share);
        *share += more;
        missing -= more;
    }
    shares
}

/// The first line first, as far as it goes.
fn waterfall(budget: i128, left: &[i128]) -> Vec<i128> {
    let mut rest = budget;
    left.iter()
        .map(|room| {
            let share = rest.min(*room);
            rest -= share;
            share
        })
        .collect()
}

/// A discount and what it can reach.
struct Reach<'a> {
    discount: &'a Discount,
    subscriptions: &'a [Subscription],
}

impl Reach<'_> {
    /// Its budget and duration are counted in cycles; else in invoices.
    const fn by_cycle(&self) -> bool {
        match self.discount.applied.on {
            DiscountTarget::Subscription(_) | DiscountTarget::Item(_) => true,
            DiscountTarget::Customer | DiscountTarget::Product(_) => false,
        }
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
            let used = u32::try_from(self.discount.invoices.len());
            return used.is_ok_and(|used| lasts(applied.duration, used));
        }
        let Some((item, cycle)) = self.cycle(line) else { return false };
        let Some(window) = applied.window else {
            // Counted by cycles, so that a cycle that starts anew in place of another has it too.
            // An item that began later has none billed before the discount: it counts from its
            // first cycle.
            let first = self.discount.first_cycles.get(&item.number).copied().unwrap_or(0);
            let nth = cycle.index.checked_sub(first);
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
        let found = self.subscriptions.iter().find(|found| found.id == subscription)?;
        let item = found.item(item)?;
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
