//! The laws of one invoice and its lines.

use schemas::event::{
    CycleOpened, InvoiceFinalized, InvoiceLine, LinePricing, LineSource, RoundingSubject,
};
use schemas::fraction::RoundingMode;
use schemas::terms::{CreditBasis, LineKind, Policies, Rate, RatioRule};
use schemas::{Currency, Decimal, Span};

use crate::figures::Ratio;
use crate::time_sets::without;
use crate::watch::{Account, Broken, Seen, check};

/// Sums are the sums of the lines.
pub(crate) fn check_sums(invoice: &InvoiceFinalized, found: &mut Vec<Broken>) {
    let sum = |of: fn(&InvoiceLine) -> i64| -> i64 { invoice.lines.iter().map(of).sum() };
    let totals = invoice.totals;
    let holds = (totals.gross.0, totals.net.0) == (sum(|l| l.gross.0), sum(|l| l.net.0));
    check(found, "totals are the sums of lines", holds, || format!("{totals:?}"));
}

/// Everything that one line must keep.
pub(crate) fn check_line(
    account: &Account,
    policies: &Policies,
    line: &InvoiceLine,
    found: &mut Vec<Broken>,
) {
    check_discounts(line, found);
    check_rounding(line, found);
    let Some(pricing) = &line.pricing else { return };
    check_whole(account, line, pricing, found);
    check_span(account, line, pricing, found);
    match line.credits {
        Some(at) => {
            let target = account.lines.get(&at);
            check(found, "a credit names a line", target.is_some_and(|t| !t.voided), || {
                format!("{at:?}")
            });
            if let Some(target) = target {
                check_credit(policies, line, pricing, target, found);
            }
        }
        None => check_amount(account, policies, line, pricing, found),
    }
}

/// Each discount once, and `net` is what they leave of `gross`.
fn check_discounts(line: &InvoiceLine, found: &mut Vec<Broken>) {
    let parts = &line.discounts;
    let off: i64 = parts.iter().map(|part| part.amount.0).sum();
    check(found, "net is gross less discounts", line.net.0 == line.gross.0 - off, || {
        format!("{} - {off} is not {}", line.gross, line.net)
    });
    let twice = (1..parts.len())
        .find(|at| parts[..*at].iter().any(|part| part.discount == parts[*at].discount));
    check(found, "a discount is taken once", twice.is_none(), || format!("{parts:?}"));
    let within = line.credits.is_some() || (0 <= line.net.0 && line.net.0 <= line.gross.0);
    check(found, "a discount is no more than its line", within, || format!("{line:?}"));
}

/// Halves are rounded away from zero, and the last step gives the amount.
fn check_rounding(line: &InvoiceLine, found: &mut Vec<Broken>) {
    for step in line.rounding.iter().filter(|step| step.mode == RoundingMode::HalfUp) {
        let rounded = Ratio::of(step.exact).rounded();
        check(found, "halves are rounded up", rounded == step.rounded, || format!("{step:?}"));
    }
    if has_residue(line) {
        return;
    }
    let mut amounts = line.rounding.iter().filter(|step| step.subject == RoundingSubject::Amount);
    if let (Some(last), None) = (amounts.next_back(), line.credits) {
        check(found, "halves are rounded up", last.rounded == line.gross.0, || {
            format!("{} is not {}", last.rounded, line.gross)
        });
    }
}

/// What two roundings left over is on this line.
fn has_residue(line: &InvoiceLine) -> bool {
    line.rounding.iter().any(|step| step.subject == RoundingSubject::Residue)
}

/// The price of a whole cycle follows from rate and quantity, where that is simple.
fn check_whole(
    account: &Account,
    line: &InvoiceLine,
    pricing: &LinePricing,
    found: &mut Vec<Broken>,
) {
    let plain = line.credits.is_none() && line.kind != LineKind::MinimumTrueUp;
    let Some(whole) = whole(&pricing.rate, line.quantity, account.registered.currency) else {
        return;
    };
    check(
        found,
        "a whole cycle costs its price",
        !plain || whole == Ratio::of(pricing.whole),
        || format!("{pricing:?}"),
    );
}

/// The exact price of a whole cycle in minor units, for flat and per-unit prices.
pub(crate) fn whole(rate: &Rate, quantity: Decimal, currency: Currency) -> Option<Ratio> {
    let major = if let Rate::Flat(amount) = rate {
        Ratio::decimal(*amount)
    } else if let Rate::PerUnit(amount) = rate {
        Ratio::decimal(*amount).times(Ratio::decimal(quantity))
    } else {
        return None;
    };
    Some(major.times(Ratio::whole(10_i64.pow(u32::from(currency.exponent())))))
}

/// A line lies in its cycle, on boundaries that the policies know.
fn check_span(
    account: &Account,
    line: &InvoiceLine,
    pricing: &LinePricing,
    found: &mut Vec<Broken>,
) {
    let span = pricing.span;
    let on_days = [span.start(), span.end()].iter().all(|at| account.local.is_boundary(*at));
    check(found, "time starts and ends where time is counted", on_days, || span.to_string());
    let LineSource::Cycle { subscription, item, cycle } = line.source else { return };
    let known = account.items.get(&(subscription, item));
    let parts = known.into_iter().flat_map(|item| item.cycles.iter().chain(&item.lost));
    let of_full = |part: &&CycleOpened| part.cycle == cycle && part.full == pricing.full;
    let parts: Vec<Span> = parts.filter(of_full).map(|part| part.span).collect();
    let outside = parts.iter().fold(vec![span], |left, part| without(&left, *part));
    // The time of a cycle that was cut may be credited.
    let inside = outside.is_empty() || line.credits.is_some();
    check(found, "a line lies in its cycle", inside, || format!("{span} of {parts:?}"));
}

/// The amount of a charge follows from the price, the time and the policy.
fn check_amount(
    account: &Account,
    policies: &Policies,
    line: &InvoiceLine,
    pricing: &LinePricing,
    found: &mut Vec<Broken>,
) {
    // What is left over of a change, and of a least price, is the reference model's to say.
    if has_residue(line) || line.kind == LineKind::MinimumTrueUp {
        return;
    }
    let whole = Ratio::of(pricing.whole);
    if let Some(others) = &pricing.complement {
        let rest = (whole.rounded() - others.billed.0).max(0);
        check(found, "the last piece is the rest", line.gross.0 == rest, || format!("{line:?}"));
        return;
    }
    let Some(ratio) = ratio(account, policies, pricing) else { return };
    let amount = whole.times(ratio).rounded();
    check(found, "a charge costs its share of the cycle", line.gross.0 == amount, || {
        format!("{} for {amount}, {pricing:?}", line.gross)
    });
}

/// The part of the cycle under linear policies.
fn ratio(account: &Account, policies: &Policies, pricing: &LinePricing) -> Option<Ratio> {
    if !account.local.is_linear() {
        return None;
    }
    let (part, whole) = (account.local.length(pricing.span), account.local.length(pricing.full));
    if whole == 0 {
        return None;
    }
    let ratio = Ratio::new(part, whole);
    match policies.ratio {
        RatioRule::Exact => Some(ratio),
        RatioRule::Ratio9dp => Some(ratio.to_places(9)),
        RatioRule::Ratio6dp => Some(ratio.to_places(6)),
        RatioRule::RoundUpToWholePeriod | RatioRule::DailyRateRoundedFirst => None,
    }
}

/// A credit takes time of its line that is charged still, at its price, and no more than is left.
fn check_credit(
    policies: &Policies,
    line: &InvoiceLine,
    pricing: &LinePricing,
    target: &Seen,
    found: &mut Vec<Broken>,
) {
    let live = target.live.iter().any(|live| live.overlap(pricing.span) == Some(pricing.span));
    check(found, "a credit takes time that is charged", live, || {
        format!("{} of {:?}", pricing.span, target.live)
    });
    let left = target.line.net.0 - target.credited - target.noted;
    check(found, "no credit exceeds its line", -line.net.0 <= left, || {
        format!("{} of {left} left of {:?}", line.net, target.line)
    });
    let whole = target.line.pricing.as_ref().map(|of| of.whole);
    let same = whole == Some(pricing.whole) || policies.credit_basis == CreditBasis::CurrentPrice;
    check(found, "a credit has the price of its line", same, || {
        format!("{pricing:?} of {whole:?}")
    });
    // Where ratios are rounded, the price is credited as it is charged.
    if policies.credit_basis == CreditBasis::BilledShare && policies.ratio == RatioRule::Exact {
        // Two rounded cumulative amounts: within a minor unit of the share, unless bounded.
        let (part, length) =
            (pricing.span.micros(), target.line.pricing.as_ref().map_or(1, |of| of.span.micros()));
        let most =
            Ratio::new(i128::from(target.line.gross.0) * i128::from(part), i128::from(length));
        // Days may be 23 or 25 hours long.
        let slack = 1 + target.line.gross.0 / 12;
        check(
            found,
            "a credit has the price of its line",
            -line.gross.0 <= most.rounded() + slack,
            || format!("{} for {:?}", line.gross, most),
        );
    }
}
