//! Discounts on the charges of one invoice.

use schemas::decimal::Decimal;
use schemas::event::{DiscountPart, LineSource, RoundingSubject};
use schemas::fraction::Fraction;
use schemas::ids::SubscriptionId;
use schemas::terms::{DiscountDuration, DiscountTarget, DiscountValue};
use schemas::{Minor, Rejection};

use super::draft::{LineDraft, round};
use crate::customer::state::{Customer, Discount};

/// Takes the customer's discounts off the charges among `lines`.
pub(crate) fn take_off(customer: &Customer, lines: &mut [LineDraft]) -> Result<(), Rejection> {
    for discount in &customer.discounts {
        if let DiscountValue::Percent(percent) = discount.applied.value {
            take_percent(discount, percent, lines)?;
        }
    }
    for discount in &customer.discounts {
        if let DiscountValue::Amount(amount) = discount.applied.value {
            take_amount(discount, amount.minor(), lines)?;
        }
    }
    Ok(())
}

fn take_percent(
    discount: &Discount,
    percent: Decimal,
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    let hundredth = Fraction::new(1, 100)?;
    for line in lines.iter_mut().filter(|line| applies(discount, line)) {
        let exact =
            Fraction::whole(line.net().0).times(Fraction::of(percent)?)?.times(hundredth)?;
        let (amount, step) = round(exact, RoundingSubject::Discount)?;
        line.rounding.push(step);
        line.discounts.push(DiscountPart { discount: discount.applied.discount, exact, amount });
    }
    Ok(())
}

/// A fixed amount: one budget for a customer's invoice, one for each cycle of a subscription.
fn take_amount(
    discount: &Discount,
    amount: Minor,
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    let mut budgets: Vec<(Option<u32>, Vec<usize>)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if !applies(discount, line) {
            continue;
        }
        let budget = match discount.applied.on {
            DiscountTarget::Customer => None,
            DiscountTarget::Subscription(_) => cycle_of(line).map(|(_, cycle)| cycle),
        };
        match budgets.iter_mut().find(|(found, _)| *found == budget) {
            Some((_, indices)) => indices.push(index),
            None => budgets.push((budget, vec![index])),
        }
    }
    for (cycle, indices) in budgets {
        let used = cycle.map_or(0, |cycle| used_in_cycle(discount, cycle, lines));
        let left = Minor((amount.0 - used).max(0));
        share_out(discount, left, &indices, lines)?;
    }
    Ok(())
}

/// What the cycle has of the discount: on earlier invoices, and on the credits of this one.
fn used_in_cycle(discount: &Discount, cycle: u32, lines: &[LineDraft]) -> i64 {
    let before = discount.applied.discount;
    let here = lines
        .iter()
        .filter(|line| cycle_of(line).is_some_and(|(_, found)| found == cycle))
        .flat_map(|line| &line.discounts)
        .filter(|part| part.discount == before)
        .map(|part| part.amount.0);
    discount.by_cycle.get(&cycle).map_or(0, |used| used.0) + here.sum::<i64>()
}

/// Shares `budget` over lines in proportion to what is left of each, by largest remainder.
fn share_out(
    discount: &Discount,
    budget: Minor,
    indices: &[usize],
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    let left: Vec<i128> = indices.iter().map(|at| i128::from(lines[*at].net().0)).collect();
    let whole: i128 = left.iter().sum();
    let budget = i128::from(budget.0).min(whole);
    if budget == 0 {
        return Ok(());
    }
    let mut shares: Vec<i128> = left.iter().map(|part| budget * part / whole).collect();
    let mut order: Vec<usize> = (0..indices.len()).collect();
    order.sort_by_key(|at| (-(budget * left[*at] % whole), *at));
    let missing = budget - shares.iter().sum::<i128>();
    for at in order.into_iter().take(usize::try_from(missing).unwrap_or(usize::MAX)) {
        shares[at] += 1;
    }
    for ((at, share), part) in indices.iter().zip(shares).zip(left) {
        let amount = i64::try_from(share).map_err(|_| schemas::MoneyError::Overflow)?;
        if amount == 0 {
            continue;
        }
        let exact = Fraction::new(budget * part, whole)?;
        lines[*at].discounts.push(DiscountPart {
            discount: discount.applied.discount,
            exact,
            amount: Minor(amount),
        });
    }
    Ok(())
}

fn applies(discount: &Discount, line: &LineDraft) -> bool {
    if discount.removed || line.credits.is_some() || !line.net().is_positive() {
        return false;
    }
    match discount.applied.on {
        DiscountTarget::Customer => {
            let used = discount.invoices.len();
            lasts(discount.applied.duration, u32::try_from(used).unwrap_or(u32::MAX))
        }
        DiscountTarget::Subscription(subscription) => match cycle_of(line) {
            Some((found, cycle)) if found == subscription => cycle
                .checked_sub(discount.applied.first_cycle)
                .is_some_and(|nth| lasts(discount.applied.duration, nth)),
            Some(_) | None => false,
        },
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

const fn cycle_of(line: &LineDraft) -> Option<(SubscriptionId, u32)> {
    match line.source {
        LineSource::Cycle { subscription, cycle, .. } => Some((subscription, cycle)),
        LineSource::Charge(_) | LineSource::Invoice => None,
    }
}
