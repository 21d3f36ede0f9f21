//! The credit and the charge of a change, rounded apart, do not always add up to the change.
//!
//! 10.00 more for 16 of 30 days costs 5.33; a credit of 5.33 and a charge of 10.67 make 5.34. Where
//! credits are shares of what was billed, the last charge of the cycle carries the difference.
//! Source: `billfold@1`; the difference of two roundings is a minor unit at most.

use schemas::event::{LineSource, RoundingStep, RoundingSubject};
use schemas::fraction::{Fraction, RoundingMode};
use schemas::terms::{CreditBasis, LineKind, RatioRule};
use schemas::{Rejection, Span};

use super::Account;
use super::draft::LineDraft;
use super::proration::ratio;
use crate::mistakes::{Mistake, makes};
use crate::spans;

/// Lets charges carry what rounding apart has made of the changes of an invoice.
///
/// # Errors
/// Amounts or dates that cannot be reckoned.
pub(super) fn settle(account: Account<'_>, lines: &mut [LineDraft]) -> Result<(), Rejection> {
    let rules = account.rules();
    let shares = rules.policies.credit_basis == CreditBasis::BilledShare
        && rules.policies.ratio == RatioRule::Exact;
    if !shares || makes(Mistake::ResidueStays) {
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
        carry(account, cycle, lines)?;
    }
    Ok(())
}

/// A line of a cycle at its price, and not what makes up a least price, or credits that.
fn is_price(account: Account<'_>, line: &LineDraft) -> bool {
    let credited = line.credits.and_then(|at| account.billing.named(at));
    let of_true_up = credited.is_some_and(|line| line.kind == LineKind::MinimumTrueUp);
    line.pricing.is_some() && !line.is_true_up() && !of_true_up
}

fn carry(
    account: Account<'_>,
    cycle: LineSource,
    lines: &mut [LineDraft],
) -> Result<(), Rejection> {
    let rules = account.rules();
    let is_price = |line: &LineDraft| is_price(account, line);
    let of_cycle = |line: &&LineDraft| line.source == cycle && is_price(line) && !line.alone;
    let credits = || lines.iter().filter(of_cycle).filter(|line| line.credits.is_some());
    let charges = || lines.iter().filter(of_cycle).filter(|line| line.credits.is_none());
    let time = |of: &mut dyn Iterator<Item = &LineDraft>| -> Vec<Span> {
        let all = of.filter_map(|line| line.pricing.as_ref().map(|pricing| pricing.span));
        all.fold(Vec::new(), |set, span| spans::with(&set, span))
    };
    if time(&mut credits()) != time(&mut charges()) {
        return Ok(());
    }
    let exact = |of: &mut dyn Iterator<Item = &LineDraft>| -> Result<Fraction, Rejection> {
        let mut sum = Fraction::ZERO;
        for line in of {
            let Some(pricing) = &line.pricing else { continue };
            let part = ratio(pricing.span, pricing.full, pricing.every, rules)?;
            sum = sum.plus(pricing.whole.times(part)?)?;
        }
        Ok(sum)
    };
    let change = exact(&mut charges())?.plus(exact(&mut credits())?.negated()?)?;
    let should = change.rounded(RoundingMode::HalfUp)?;
    let does: i64 = lines.iter().filter(of_cycle).map(|line| line.gross.0).sum();
    let last = lines
        .iter()
        .rposition(|line| line.source == cycle && is_price(line) && line.credits.is_none());
    let Some(last) = last.map(|at| &mut lines[at]) else { return Ok(()) };
    let gross = last.gross.0 + should - does;
    // More than a minor unit is no rounding: the line was credited in part before.
    if (should - does).abs() != 1 || gross < 0 {
        return Ok(());
    }
    last.gross.0 = gross;
    last.rounding.push(RoundingStep {
        subject: RoundingSubject::Residue,
        exact: Fraction::whole(gross),
        scale: 0,
        mode: RoundingMode::HalfUp,
        rounded: gross,
    });
    Ok(())
}
