//! Discounts are taken off the charges of an invoice.
//!
//! # Shape
//!
//! [`take`] goes through the discounts in the order of the policy. A percentage is taken of each
//! line; a fixed amount is a budget, for each cycle or for the invoice, that lines share. Which
//! cycles a discount still covers follows from the lines that have it.

use std::collections::{BTreeMap, BTreeSet};

use schemas::terms::{
    DiscountAllocation, DiscountDuration, DiscountOrder, DiscountStacking, DiscountTarget,
    DiscountValue, DurationCounts, ItemTarget, LineKind,
};

use crate::calendar::CycleId;
use crate::civil::{Day, Instant, date, months_later};
use crate::customer::{Customer, Discount, Line, Taken};
use crate::number::{Exact, by_largest_remainder, last_gets_the_rest, one_after_the_other};
use crate::rules::Rules;

/// What is to be taken off: the discount of a ramp's phase, or one that was given.
enum Step<'a> {
    Phase,
    Given(&'a Discount),
}

/// Takes every discount off the lines that it covers.
pub(crate) fn take(rules: &Rules, customer: &Customer, today: Day, lines: &mut [Line]) {
    for step in in_order(rules, customer) {
        match step {
            Step::Phase => {
                for line in lines.iter_mut().filter(|line| takes(rules, line)) {
                    let percent = line.price.as_ref().and_then(|price| price.percent);
                    if let Some(percent) = percent {
                        percentage(rules, line, None, Exact::percent(percent));
                    }
                }
            }
            Step::Given(discount) => given(rules, (customer, today), discount, lines),
        }
    }
}

/// Whether a line takes discounts: a charge, and not what makes up a least price that holds.
fn takes(rules: &Rules, line: &Line) -> bool {
    let least = line.kind == LineKind::MinimumTrueUp && rules.minimum_holds();
    line.charges() && !least
}

fn in_order<'a>(rules: &Rules, customer: &'a Customer) -> Vec<Step<'a>> {
    let discounts: Vec<&Discount> = customer.discounts.iter().filter(|d| !d.removed).collect();
    let rank = |step: &Step<'_>| match (rules.of.discount_order, step) {
        (DiscountOrder::AsApplied, _) | (DiscountOrder::PercentagesFirst, Step::Phase) => 0,
        (DiscountOrder::PercentagesFirst, Step::Given(discount)) => match discount.value {
            DiscountValue::Percent(_) => 0,
            DiscountValue::Amount(_) => 1,
        },
        (DiscountOrder::MostSpecificFirst, Step::Phase) => 1,
        (DiscountOrder::MostSpecificFirst, Step::Given(discount)) => match discount.on {
            DiscountTarget::Item(_) => 0,
            DiscountTarget::Subscription(_) => 1,
            DiscountTarget::Product(_) => 2,
            DiscountTarget::Customer => 3,
        },
    };
    let mut steps = vec![Step::Phase];
    steps.extend(discounts.into_iter().map(Step::Given));
    steps.sort_by_key(rank);
    steps
}

fn percentage(
    rules: &Rules,
    line: &mut Line,
    id: Option<schemas::ids::DiscountId>,
    percent: Exact,
) {
    if line.net() <= 0 {
        return;
    }
    let of = match rules.of.discount_stacking {
        DiscountStacking::Sequential => line.net(),
        DiscountStacking::Stacked => line.gross,
    };
    let exact = Exact::whole(of).times(percent);
    let amount = exact.rounded().min(line.net());
    let percent = Some(percent);
    line.discounts.push(Taken { id, exact, amount, percent, budget: None, cycle: None });
}

/// Cycles of the subscription count, and not invoices.
pub(crate) const fn counts_cycles(discount: &Discount) -> bool {
    match discount.on {
        DiscountTarget::Subscription(_) | DiscountTarget::Item(_) => true,
        DiscountTarget::Customer | DiscountTarget::Product(_) => false,
    }
}

/// Whether a line is of what the discount is on.
fn is_on(customer: &Customer, discount: &Discount, line: &Line) -> bool {
    if !line.charges() {
        return false;
    }
    let price = line.price.as_ref();
    match &discount.on {
        DiscountTarget::Customer => true,
        DiscountTarget::Subscription(id) => line.cycle().is_some_and(|of| of.subscription == *id),
        DiscountTarget::Item(item) => is_on_price(customer, discount, line, item),
        DiscountTarget::Product(product) => {
            price.is_some_and(|price| price.terms.product.as_ref() == Some(product))
        }
    }
}

/// It is off the item that had the price when it was given, whatever migrations call that; where
/// the item is gone, off what has the price.
fn is_on_price(customer: &Customer, discount: &Discount, line: &Line, told: &ItemTarget) -> bool {
    let Some(of) = line.cycle().filter(|of| of.subscription == told.subscription) else {
        return false;
    };
    let place = customer.place_of(of.subscription).expect("it is billed");
    let items = &customer.subscriptions[place].items;
    let same = line.price.as_ref().is_some_and(|price| price.terms.price == told.price);
    let at = line.time.0;
    match discount.item {
        None => same,
        Some(item) if item == of.item => same || items[item].called(at).contains(&told.price),
        Some(item) => same && !items[item].lives_at(at),
    }
}

/// Cycles, by their start, that have the discount already.
fn used_cycles(customer: &Customer, discount: &Discount) -> BTreeSet<Instant> {
    // What was given back whole has it no more.
    let lines = customer.charging().map(|(_, line)| line);
    let lines = lines.filter(|line| line.stands || !line.live.is_empty());
    let taken = lines.flat_map(|line| &line.discounts);
    taken.filter(|taken| taken.id == Some(discount.id)).filter_map(|taken| taken.cycle).collect()
}

/// The date of the first invoice that has it.
fn first_invoice(customer: &Customer, discount: &Discount) -> Option<Day> {
    let has = |line: &Line| {
        line.charges() && line.discounts.iter().any(|taken| taken.id == Some(discount.id))
    };
    let live = customer.invoices.iter().filter(|invoice| !invoice.voided);
    live.filter(|invoice| invoice.lines.iter().any(has)).map(|invoice| invoice.dated).min()
}

fn used_invoices(customer: &Customer, discount: &Discount) -> usize {
    let has = |line: &Line| {
        line.charges() && line.discounts.iter().any(|taken| taken.id == Some(discount.id))
    };
    let live = customer.invoices.iter().filter(|invoice| !invoice.voided);
    live.filter(|invoice| invoice.lines.iter().any(has)).count()
}

const fn most(duration: DiscountDuration) -> usize {
    match duration {
        DiscountDuration::Once => 1,
        DiscountDuration::Cycles(count) => count as usize,
        DiscountDuration::Months(_) | DiscountDuration::Forever => usize::MAX,
    }
}

/// How many cycles of the subscription began between the first that could have a discount and a
/// start.
fn elapsed(customer: &Customer, discount: &Discount, start: Instant) -> usize {
    let id = match &discount.on {
        DiscountTarget::Subscription(id) => *id,
        DiscountTarget::Item(item) => item.subscription,
        DiscountTarget::Customer | DiscountTarget::Product(_) => return 0,
    };
    let Ok(place) = customer.place_of(id) else { return 0 };
    let items = &customer.subscriptions[place].items;
    let number = items.iter().position(|item| item.lives_at(start)).unwrap_or(0);
    let Some(item) = items.get(number) else { return 0 };
    let after = discount.after.get(&(id, number));
    let cycles = item.cycles(&customer.rules, &customer.clock, start);
    let counts = |id: CycleId| after.is_none_or(|after| *after < id);
    cycles.into_iter().filter(|cycle| cycle.start < cycle.end && counts(cycle.id)).count()
}

/// Places of the lines that a discount covers.
fn covered(
    rules: &Rules,
    (customer, today): (&Customer, Day),
    discount: &Discount,
    lines: &[Line],
) -> Vec<usize> {
    let most = most(discount.duration);
    let all = (0..lines.len()).filter(|at| {
        let line = &lines[*at];
        takes(rules, line) && is_on(customer, discount, line) && line.net() > 0
    });
    if !counts_cycles(discount) {
        let left = match discount.duration {
            DiscountDuration::Months(months) => first_invoice(customer, discount)
                .is_none_or(|first| today < months_later(first, months.into(), date(first).2)),
            DiscountDuration::Once | DiscountDuration::Cycles(_) | DiscountDuration::Forever => {
                used_invoices(customer, discount) < most
            }
        };
        return all.filter(|_| left).collect();
    }
    let new = |at: &usize| {
        lines[*at].cycle().is_some_and(|of| {
            let after = discount.after.get(&(of.subscription, of.item));
            after.is_none_or(|after| *after < of.id)
        })
    };
    let places: Vec<usize> = all.filter(new).collect();
    let mut used = used_cycles(customer, discount);
    let mut starts: Vec<Instant> = places
        .iter()
        .filter_map(|at| lines[*at].cycle().map(|of| customer.counted_cycle(of)))
        .collect();
    starts.sort_unstable();
    let mut has: BTreeSet<Instant> = BTreeSet::new();
    let first = used.iter().copied().chain(starts.iter().copied()).min();
    for start in starts {
        if let (DiscountDuration::Months(months), Some(first)) = (discount.duration, first) {
            let from = customer.clock.day(first);
            if customer.clock.day(start) < months_later(from, months.into(), date(from).2) {
                has.insert(start);
            }
        } else if rules.of.duration_counts == DurationCounts::ElapsedCycles {
            if elapsed(customer, discount, start) < most {
                has.insert(start);
            }
        } else if used.contains(&start) || used.len() < most {
            used.insert(start);
            has.insert(start);
        }
    }
    let covers =
        |at: &usize| lines[*at].cycle().is_some_and(|of| has.contains(&customer.counted_cycle(of)));
    places.into_iter().filter(covers).collect()
}

fn given(
    rules: &Rules,
    (customer, today): (&Customer, Day),
    discount: &Discount,
    lines: &mut [Line],
) {
    let places = covered(rules, (customer, today), discount, lines);
    let amount = match discount.value {
        DiscountValue::Percent(percent) => {
            for at in places {
                let cycle = lines[at].cycle().map(|of| customer.counted_cycle(of));
                percentage(rules, &mut lines[at], Some(discount.id), Exact::percent(percent));
                if let Some(taken) = lines[at].discounts.last_mut()
                    && taken.id == Some(discount.id)
                {
                    taken.cycle = cycle.filter(|_| counts_cycles(discount));
                }
            }
            return;
        }
        DiscountValue::Amount(amount) => i128::from(amount.minor().0),
    };
    let mut budgets: BTreeMap<Option<Instant>, Vec<usize>> = BTreeMap::new();
    for at in places {
        let cycle = lines[at].cycle().map(|of| customer.counted_cycle(of));
        let cycle = cycle.filter(|_| counts_cycles(discount));
        budgets.entry(cycle).or_default().push(at);
    }
    for (cycle, places) in budgets {
        let used = cycle.map_or(0, |start| used_in(customer, discount, start));
        let weights: Vec<i128> = places.iter().map(|at| lines[*at].net()).collect();
        let all: i128 = weights.iter().sum();
        let budget = (amount - used).clamp(0, amount).min(all);
        if budget == 0 {
            continue;
        }
        let shares = match rules.of.discount_allocation {
            DiscountAllocation::LargestRemainder => by_largest_remainder(budget, &weights),
            DiscountAllocation::FloorLastGetsResidue => last_gets_the_rest(budget, &weights),
            DiscountAllocation::Waterfall => one_after_the_other(budget, &weights),
        };
        for ((at, share), weight) in places.into_iter().zip(shares).zip(weights) {
            if share == 0 {
                continue;
            }
            let exact = match rules.of.discount_allocation {
                DiscountAllocation::Waterfall => Exact::whole(share),
                DiscountAllocation::LargestRemainder | DiscountAllocation::FloorLastGetsResidue => {
                    Exact::new(budget * weight, all)
                }
            };
            let (id, budget) = (Some(discount.id), Some(amount));
            let percent = None;
            lines[at].discounts.push(Taken { id, exact, amount: share, percent, budget, cycle });
        }
    }
}

/// What lines of a cycle have of a fixed amount, less what credits gave back of it.
fn used_in(customer: &Customer, discount: &Discount, start: Instant) -> i128 {
    customer
        .charging()
        .flat_map(|(_, line)| line.discounts.iter().chain(&line.returned))
        .filter(|taken| taken.id == Some(discount.id) && taken.cycle == Some(start))
        .map(|taken| taken.amount)
        .sum()
}
