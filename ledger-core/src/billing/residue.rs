//! The credit and the charge of a change, rounded apart, do not always add up to the change.
//!
//! 10.00 more for 16 of 30 days costs 5.33; a credit of 5.33 and a charge of 10.67 make 5.34. Where
//! credits are shares of what was billed, the last charge of the cycle carries the difference. The
//! same of 20.00 at half the price: where percentages are taken off, what they leave adds up, too,
//! and the last discount of that charge carries the difference.
//! Source: `billfold@1`; the difference of two roundings is a minor unit at most, that of more
//! lines half a one for each.

use schemas::decimal::Decimal;
use schemas::event::{DiscountBasis, DiscountPart, LineSource, RoundingStep, RoundingSubject};
use schemas::fraction::{Fraction, RoundingMode};
use schemas::terms::{CreditBasis, DiscountStacking, LineKind, RatioRule};
use schemas::{Minor, Rejection, Span};

use super::Account;
use super::draft::LineDraft;
use super::proration::ratio;
use crate::mistakes::{Mistake, makes};
use crate::spans;

/// What of a change has to add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Before discounts are taken off.
    Gross,
    /// What percentages leave of it.
    Net,
}

/// Lets charges carry what rounding apart has made of the changes of an invoice.
///
/// # Errors
/// Amounts or dates that cannot be reckoned.
pub(super) fn settle(
    account: Account<'_>,
    of: Of,
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    let rules = account.rules();
    let shares = rules.policies.credit_basis == CreditBasis::BilledShare
        && rules.policies.ratio == RatioRule::Exact;
    if !shares || makes(Mistake::ResidueStays) {
        return Ok(());
    }
    // Where nothing is taken off, prices add up already.
    if of == Of::Net && lines.iter().all(|line| line.discounts.is_empty()) {
        return Ok(());
    }
    let mut cycles: Vec<LineSource> = Vec::new();
    let credits = |line: &&LineDraft| is_price(account, line) && line.credits.is_some();
    for line in lines.iter().filter(credits) {
        if !cycles.contains(&line.source) {
            cycles.push(line.source);
        }
    }
    for cycle in cycles {
        Cycle { account, source: cycle, of }.carry(lines)?;
    }
    Ok(())
}

/// A line of a cycle at its price, and not what makes up a least price, or credits that.
fn is_price(account: Account<'_>, line: &LineDraft) -> bool {
    let credited = line.credits.and_then(|at| account.billing.named(at));
    let of_true_up = credited.is_some_and(|line| line.kind == LineKind::MinimumTrueUp);
    line.pricing.is_some() && !line.is_true_up() && !of_true_up
}

/// The lines of a cycle that are looked at.
#[derive(Clone, Copy)]
struct Cycle<'a> {
    account: Account<'a>,
    source: LineSource,
    of: Of,
}

impl Cycle<'_> {
    fn has(self, line: &LineDraft) -> bool {
        line.source == self.source && is_price(self.account, line) && !line.alone
    }

    fn carry(self, lines: &mut [LineDraft]) -> Result<(), Rejection> {
        let credits = || lines.iter().filter(|line| self.has(line) && line.credits.is_some());
        let charges = || lines.iter().filter(|line| self.has(line) && line.credits.is_none());
        let time = |of: &mut dyn Iterator<Item = &LineDraft>| -> Vec<Span> {
            let all = of.filter_map(|line| line.pricing.as_ref().map(|pricing| pricing.span));
            all.fold(Vec::new(), |set, span| spans::with(&set, span))
        };
        if time(&mut credits()) != time(&mut charges()) {
            return Ok(());
        }
        // Where nothing comes back, the charge is rounded once.
        let nothing = |line: &LineDraft| {
            line.gross.is_zero() && (self.of == Of::Net || line.discounts.is_empty())
        };
        if credits().any(nothing) {
            return Ok(());
        }
        // What a note has taken off is no share of a price.
        let noted = |line: &LineDraft| {
            let credited = line.credits.and_then(|at| self.account.billing.named(at));
            credited.is_some_and(|line| line.cut)
        };
        if credits().any(noted) {
            return Ok(());
        }
        let (mut change, mut does, mut roundings) = (Fraction::ZERO, 0, 1);
        for line in credits().chain(charges()) {
            roundings += 1;
            let Some(exact) = self.exact(line)? else { return Ok(()) };
            let exact = if line.credits.is_some() { exact.negated()? } else { exact };
            change = change.plus(exact)?;
            does += match self.of {
                Of::Gross => line.gross.0,
                Of::Net => line.net().0,
            };
        }
        let carried = change.rounded(RoundingMode::HalfUp)? - does;
        let charge = |line: &&mut LineDraft| self.has(line) && line.credits.is_none();
        let Some(last) = lines.iter_mut().rfind(charge) else { return Ok(()) };
        // More than half a minor unit for each is no rounding: a line was credited in part before.
        if carried != 0 && carried.abs() <= roundings / 2 {
            match self.of {
                Of::Gross => carry_gross(last, carried),
                Of::Net => carry_net(last, carried),
            }
        }
        Ok(())
    }

    /// What a line comes to before rounding, of the sign of a charge; none where a fixed amount is
    /// taken off.
    fn exact(self, line: &LineDraft) -> Result<Option<Fraction>, Rejection> {
        let rules = self.account.rules();
        let Some(pricing) = &line.pricing else { return Ok(Some(Fraction::ZERO)) };
        let part = ratio(pricing.span, pricing.full, pricing.every, rules)?;
        let gross = pricing.whole.times(part)?;
        if self.of == Of::Gross {
            return Ok(Some(gross));
        }
        let percent = |part: &DiscountPart| match part.basis {
            DiscountBasis::Percent { percent, of: _ } => Some(percent),
            DiscountBasis::Share { .. } | DiscountBasis::Credit { .. } => None,
        };
        // A credit gives back what the line that it credits has had.
        let credited = line.credits.and_then(|at| self.account.billing.named(at));
        let percents: Option<Vec<Decimal>> = match credited {
            Some(credited) => credited.discounts.iter().map(|taken| taken.percent).collect(),
            None => line.discounts.iter().map(percent).collect(),
        };
        let Some(percents) = percents else { return Ok(None) };
        let mut left = gross;
        for percent in percents {
            let of = match rules.policies.discount_stacking {
                DiscountStacking::Sequential => left,
                DiscountStacking::Stacked => gross,
            };
            let taken = of.times(Fraction::of(percent)?)?.times(Fraction::new(1, 100)?)?;
            left = left.plus(taken.negated()?)?;
        }
        Ok(Some(left))
    }
}

fn carry_gross(line: &mut LineDraft, carried: i64) {
    let gross = line.gross.0 + carried;
    if gross >= 0 {
        line.gross = Minor(gross);
        line.rounding.push(step(RoundingSubject::Residue, gross));
    }
}

fn carry_net(line: &mut LineDraft, carried: i64) {
    let net = line.net().0 + carried;
    // Where nothing is taken off the charge, its price need not add up to that of the credit.
    let Some(last) = line.discounts.last_mut() else {
        line.rounding.pop_if(|step| step.subject == RoundingSubject::Residue);
        let gross = line.gross.0 + carried;
        if line.rounding.last().is_some_and(|step| step.rounded == gross) {
            line.gross = Minor(gross);
        } else {
            carry_gross(line, carried);
        }
        return;
    };
    let amount = last.amount.0 - carried;
    if amount >= 0 && net >= 0 {
        last.amount = Minor(amount);
        line.rounding.push(step(RoundingSubject::DiscountResidue, amount));
    }
}

fn step(subject: RoundingSubject, amount: i64) -> RoundingStep {
    RoundingStep {
        subject,
        exact: Fraction::whole(amount),
        scale: 0,
        mode: RoundingMode::HalfUp,
        rounded: amount,
    }
}
