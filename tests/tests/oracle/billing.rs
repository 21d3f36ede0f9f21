//! The oracle bills: for every day of every cycle it asks what should be charged and what is.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Decimal;
use schemas::ids::{ChargeId, DiscountId, SubscriptionId};
use schemas::terms::{CancelCredit, DiscountTarget, DiscountValue};

use crate::model::{
    At, Customer, Discount, Invoice, Line, Lot, Oracle, Origin, Source, minor_units,
};
use crate::rational::{Ratio, share_out};
use crate::timeline::{Cycle, Subscription, Terms};

impl Oracle {
    /// Bills what is due up to and on `through`, as one invoice of a date if there is anything.
    pub(crate) fn bill(
        &self,
        customer: &mut Customer,
        subscription: impl Fn(SubscriptionId) -> bool,
        charge: impl Fn(ChargeId) -> bool,
        through: i64,
        dated: i64,
    ) {
        let mut lines = Vec::new();
        let ids: Vec<SubscriptionId> = customer.subscriptions.keys().copied().collect();
        for id in ids.into_iter().filter(|id| subscription(*id)) {
            let found = customer.subscriptions.get_mut(&id).expect("just listed");
            found.catch_up(through);
            let found = found.clone();
            lines.extend(self.lines_of(customer, id, &found, through));
        }
        for pending in customer.pending.iter().filter(|pending| charge(pending.id)) {
            lines.push(plain_line(Source::Charge(pending.id), pending.gross));
        }
        take_discounts(customer, &mut lines);
        if !lines.is_empty() {
            finalize(customer, lines, dated);
        }
    }

    /// Customers whom a run through `through` must bill: a cycle is due and not billed, or a
    /// subscription is over and something of it is not billed.
    pub(crate) fn due(&self, through: i64) -> Vec<schemas::ids::CustomerId> {
        self.customers()
            .filter(|(_, customer)| {
                customer.subscriptions.iter().any(|(id, subscription)| {
                    let mut subscription = subscription.clone();
                    subscription.catch_up(through);
                    let cycles = 0..subscription.cycles.len();
                    cycles
                        .into_iter()
                        .any(|at| cycle_is_due(customer, *id, &subscription, at, through))
                })
            })
            .map(|(id, _)| id)
            .collect()
    }

    /// Credits first, then charges, each by cycle and day.
    fn lines_of(
        &self,
        customer: &Customer,
        id: SubscriptionId,
        subscription: &Subscription,
        through: i64,
    ) -> Vec<Line> {
        let (mut credits, mut charges) = (Vec::new(), Vec::new());
        for (index, cycle) in subscription.cycles.iter().enumerate() {
            let source = Source::Cycle(id, index);
            let mut charged = cycle.waived.clone();
            // Where the void of a credit leaves two lines with one day, the first keeps it.
            let mut by_lines: BTreeSet<i64> = BTreeSet::new();
            for at in lines_that_charge(customer, source) {
                let line = &customer.invoices[at.0].lines[at.1];
                let stays =
                    |day: &i64| keeps(subscription, cycle, line, *day) && !by_lines.contains(day);
                let (stay, gone): (BTreeSet<i64>, BTreeSet<i64>) =
                    line.live.iter().copied().partition(stays);
                by_lines.extend(&stay);
                charged.extend(&stay);
                credits.extend(credit_lines(at, line, &gone));
            }
            for (terms, days) in uncharged(subscription, cycle, &charged, through) {
                let mut line = plain_line(source, self.gross(customer, cycle, terms, &days, 1));
                line.live = days.iter().copied().collect();
                (line.terms, line.days) = (Some(terms), days);
                charges.push(line);
            }
        }
        credits.into_iter().chain(charges).collect()
    }

    /// The price of some days of a cycle, in parts of a minor unit.
    fn gross(
        &self,
        customer: &Customer,
        cycle: &Cycle,
        terms: Terms,
        days: &[i64],
        parts: i128,
    ) -> i128 {
        let days = parts * i128::try_from(days.len()).expect("few");
        minor_units(self.price(terms.plan, terms.version, customer.currency), customer.currency)
            .times(Ratio::decimal(terms.units))
            .times(Ratio::new(days, i128::from(cycle.denominator)))
            .rounded()
    }
}

fn plain_line(source: Source, gross: i128) -> Line {
    Line {
        source,
        terms: None,
        days: Vec::new(),
        gross,
        discounts: Vec::new(),
        credits: None,
        live: BTreeSet::new(),
        credited_days: 0,
        credited: 0,
        noted: 0,
    }
}

/// Lines that charge a cycle, in the order they were billed.
fn lines_that_charge(customer: &Customer, source: Source) -> Vec<At> {
    let mut found = Vec::new();
    for (number, invoice) in customer.invoices.iter().enumerate() {
        for (index, line) in invoice.lines.iter().enumerate() {
            if !invoice.voided && line.source == source && line.credits.is_none() {
                found.push((number, index));
            }
        }
    }
    found
}

/// Whether a charged day is still to be charged like that.
fn keeps(subscription: &Subscription, cycle: &Cycle, line: &Line, day: i64) -> bool {
    if let Some((end, CancelCredit::None)) = subscription.end
        && end <= day
    {
        return true;
    }
    let now = subscription.terms_on(day).filter(|_| day < cycle.end);
    let price = |terms: Terms| (terms.plan, terms.version, terms.units);
    now.map(price) == line.terms.map(price)
}

/// Runs of days that should be charged, are not, and whose time has come.
fn uncharged(
    subscription: &Subscription,
    cycle: &Cycle,
    charged: &BTreeSet<i64>,
    through: i64,
) -> Vec<(Terms, Vec<i64>)> {
    let end = subscription.end.map_or(cycle.end, |(end, _)| end.min(cycle.end));
    let mut runs: Vec<(Terms, Vec<i64>)> = Vec::new();
    for day in cycle.start..end {
        let terms = subscription.terms_on(day).expect("it lives on this day");
        let due = if terms.advance { cycle.start } else { end };
        if charged.contains(&day) || due > through {
            continue;
        }
        match runs.last_mut() {
            Some((last, days))
                if *days.last().expect("never empty") == day - 1
                    && (last.plan, last.version, last.quantity)
                        == (terms.plan, terms.version, terms.quantity) =>
            {
                days.push(day);
            }
            Some(_) | None => runs.push((terms, vec![day])),
        }
    }
    runs
}

/// One credit line for each run of days that no longer stay. Amounts are what all credited days
/// make, less what the days credited before made.
fn credit_lines(at: At, line: &Line, gone: &BTreeSet<i64>) -> Vec<Line> {
    let mut runs: Vec<Vec<i64>> = Vec::new();
    for day in gone {
        match runs.last_mut() {
            Some(run) if run.last() == Some(&(day - 1)) => run.push(*day),
            Some(_) | None => runs.push(vec![*day]),
        }
    }
    let length = i128::try_from(line.days.len()).expect("few");
    let (mut before, mut left) = (line.credited_days, line.left());
    let mut credits = Vec::new();
    for days in runs {
        let after = before + i128::try_from(days.len()).expect("few");
        let part = |amount: i128| {
            let up_to = |days: i128| Ratio::new(amount * days, length).rounded();
            up_to(after) - up_to(before)
        };
        // Each discount is the difference that it made to what the line was credited for.
        let mut rest = line.gross;
        let mut discounts = Vec::new();
        for (id, amount) in &line.discounts {
            discounts.push((*id, part(rest - amount) - part(rest)));
            rest -= amount;
        }
        let over = (part(rest) - left).max(0);
        let mut credit = plain_line(line.source, over - part(line.gross));
        (credit.terms, credit.days) = (line.terms, days);
        (credit.discounts, credit.credits) = (discounts, Some(at));
        left += credit.net();
        before = after;
        credits.push(credit);
    }
    credits
}

fn take_discounts(customer: &Customer, lines: &mut [Line]) {
    let percent = |discount: &&Discount| matches!(discount.value, DiscountValue::Percent(_));
    let given = || customer.discounts.iter().filter(|discount| !discount.removed);
    for discount in given().filter(percent) {
        for at in discounted(customer, discount, lines) {
            let DiscountValue::Percent(rate) = discount.value else { continue };
            let off = share(lines[at].net(), rate);
            lines[at].discounts.push((discount.id, off));
        }
    }
    for discount in given().filter(|discount| !percent(discount)) {
        let DiscountValue::Amount(amount) = discount.value else { continue };
        let amount = i128::from(amount.minor().0);
        let mut budgets: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
        for at in discounted(customer, discount, lines) {
            let per_cycle = matches!(discount.on, DiscountTarget::Subscription(_));
            budgets.entry(cycle_of(&lines[at]).filter(|_| per_cycle)).or_default().push(at);
        }
        for (cycle, places) in budgets {
            let used = cycle.map_or(0, |cycle| used_in_cycle(customer, lines, discount.id, cycle));
            let weights: Vec<i128> = places.iter().map(|at| lines[*at].net()).collect();
            let budget = (amount - used).max(0).min(weights.iter().sum());
            for (at, off) in places.into_iter().zip(share_out(budget, &weights)) {
                if off != 0 {
                    lines[at].discounts.push((discount.id, off));
                }
            }
        }
    }
}

fn share(amount: i128, percent: Decimal) -> i128 {
    Ratio::whole(amount).times(Ratio::decimal(percent)).times(Ratio::new(1, 100)).rounded()
}

const fn cycle_of(line: &Line) -> Option<usize> {
    match line.source {
        Source::Cycle(_, cycle) => Some(cycle),
        Source::Charge(_) => None,
    }
}

/// Charges that the discount still applies to.
fn discounted(customer: &Customer, discount: &Discount, lines: &[Line]) -> Vec<usize> {
    let has = |line: &Line| line.discounts.iter().any(|(id, _)| *id == discount.id);
    let charges = |invoice: &Invoice| invoice.lines.iter().any(|l| l.credits.is_none() && has(l));
    let used = customer.invoices.iter().filter(|i| !i.voided && charges(i)).count();
    let applies = |line: &Line| match (&discount.on, line.source) {
        (DiscountTarget::Customer, _) => discount.lasts(used),
        (DiscountTarget::Subscription(id), Source::Cycle(of, cycle)) => {
            *id == of && discount.covers_cycle(cycle)
        }
        (DiscountTarget::Subscription(_), Source::Charge(_)) => false,
        (DiscountTarget::Item(_) | DiscountTarget::Product(_), _) => {
            unreachable!("the moves have no such discounts")
        }
    };
    (0..lines.len())
        .filter(|at| lines[*at].credits.is_none() && lines[*at].net() > 0 && applies(&lines[*at]))
        .collect()
}

/// What a cycle has of a discount on live invoices and in this draft.
fn used_in_cycle(customer: &Customer, draft: &[Line], id: DiscountId, cycle: usize) -> i128 {
    let live = customer.invoices.iter().filter(|invoice| !invoice.voided);
    live.flat_map(|invoice| &invoice.lines)
        .chain(draft)
        .filter(|line| cycle_of(line) == Some(cycle))
        .flat_map(|line| &line.discounts)
        .filter(|(found, _)| *found == id)
        .map(|(_, amount)| amount)
        .sum()
}

fn finalize(customer: &mut Customer, lines: Vec<Line>, dated: i64) {
    for line in &lines {
        if let Some(at) = line.credits {
            let credited = customer.line_mut(at);
            credited.live.retain(|day| !line.days.contains(day));
            credited.credited_days += i128::try_from(line.days.len()).expect("few");
            credited.credited -= line.net();
        }
        if let Source::Charge(id) = line.source {
            let at = customer.pending.iter().position(|found| found.id == id);
            let charge = customer.pending.remove(at.expect("it was pending"));
            customer.charged.insert(id, charge);
        }
    }
    let total: i128 = lines.iter().map(Line::net).sum();
    let generated = (-total).max(0);
    let place = customer.invoices.len();
    customer.invoices.push(Invoice {
        due: dated + customer.terms_days,
        posted: dated,
        lines,
        parts: Vec::new(),
        generated,
        noted: 0,
        has_notes: false,
        voided: false,
    });
    if generated > 0 {
        customer.lots.push(Lot { origin: Origin::Invoice(place), day: dated, left: generated });
    }
    customer.use_credit(place);
    customer.sweep();
}

fn cycle_is_due(
    customer: &Customer,
    id: SubscriptionId,
    subscription: &Subscription,
    index: usize,
    through: i64,
) -> bool {
    let cycle = &subscription.cycles[index];
    let lines = lines_that_charge(customer, Source::Cycle(id, index));
    let mut charged = cycle.waived.clone();
    for at in &lines {
        charged.extend(&customer.invoices[at.0].lines[at.1].live);
    }
    let missing = uncharged(subscription, cycle, &charged, through);
    let untouched = lines.is_empty() && cycle.waived.is_empty();
    let over = subscription.end.is_some_and(|(end, _)| end <= through);
    missing.iter().any(|(terms, _)| !terms.advance || untouched || over)
}

impl Customer {
    /// Every whole cycle that is billed by lines alone costs what its days cost, up to a
    /// rounding for each line: no order of changes bills a day twice, or forgets one.
    pub(crate) fn is_fair(&self, oracle: &Oracle, through: i64) -> bool {
        self.subscriptions.iter().all(|(id, subscription)| {
            (0..subscription.cycles.len())
                .all(|index| self.cycle_is_fair(oracle, *id, subscription, index, through))
        })
    }

    fn cycle_is_fair(
        &self,
        oracle: &Oracle,
        id: SubscriptionId,
        subscription: &Subscription,
        index: usize,
        through: i64,
    ) -> bool {
        let cycle = &subscription.cycles[index];
        let source = Source::Cycle(id, index);
        let lines = || {
            let invoices = self.invoices.iter();
            let all = invoices.flat_map(|i| i.lines.iter().map(move |line| (i.voided, line)));
            all.filter(move |(_, line)| line.source == source)
        };
        let given_up = lines().any(|(voided, line)| line.noted > 0 || voided);
        let kept = matches!(subscription.end, Some((_, CancelCredit::None)));
        if given_up || kept || cycle.end > through {
            return true;
        }
        let exact = (cycle.start..cycle.end).filter_map(|day| subscription.terms_on(day));
        let cost: i128 = exact.map(|terms| oracle.gross(self, cycle, terms, &[0], 1_000_000)).sum();
        let billed: i128 = lines().map(|(_, line)| line.gross * 1_000_000).sum();
        let roundings = i128::try_from(lines().count()).expect("few") + 1;
        (cost - billed).abs() <= roundings * 1_000_000
    }
}
