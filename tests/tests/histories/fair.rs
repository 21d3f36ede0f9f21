//! The law of the whole: once everything is billed, the lines of an item sum to what its time
//! costs, within half a minor unit for each rounding.
//!
//! The time of an item is walked here anew, by what events say of its terms, quantities, pauses
//! and end; its cycles were checked when they were opened, its prices when they were asked for.

use schemas::event::{ItemTerms, ScheduledChange};
use schemas::terms::{
    BillingTiming, CancelCredit, ChangeBilling, CreditBasis, CreditDocument, LineKind, Policies,
    Proration, RatioRule, Renewal,
};
use schemas::{Decimal, Span, Timestamp};

use crate::amounts::whole;
use crate::figures::{BILLION, Ratio};
use crate::time_sets::{from_on, without};
use crate::watch::{Account, Broken, Item, Seen, Subscription, Watch, check};
use crate::worth::unsaid;

const FAIR: &str = "lines sum to the price of the time";
const ONCE: &str = "all time that is due is charged";
const PAUSED: &str = "a pause is not charged";

impl Watch {
    /// After everything due was billed at `now`.
    pub(crate) fn finish(&mut self, now: Timestamp) -> Vec<Broken> {
        let mut found = Vec::new();
        let policies = self.policies();
        let mut looked = Vec::new();
        for account in self.accounts.values() {
            account.check_times(&mut found);
            for ((id, number), item) in &account.items {
                let subscription = &account.subscriptions[id];
                let aside = subscription.by_wish || subscription.gave_up || subscription.waits;
                if open_end(subscription) || aside {
                    continue;
                }
                let lines: Vec<&Seen> = account.lines_of(*id, *number).collect();
                // What is billed ahead is billed as it will be: no event says that yet.
                let begins_later = |seen: &&Seen| seen.live.iter().any(|live| now < live.start());
                let opened = || item.cycles.iter().any(|cycle| now < cycle.span.start());
                let later = lines.iter().any(begins_later) || opened();
                let ahead = later && !subscription.scheduled.is_empty();
                if ahead || lines.iter().any(|seen| seen.has_note) {
                    continue;
                }
                let today = account.local.day(now);
                // A run bills through a day of UTC, which may be tomorrow where the customer is.
                let latest = today.max(now.micros().div_euclid(86_400_000_000));
                // Where changes are billed at once, what ends within a cycle is, too; and where the
                // last day counts as used, an end is billed on it.
                let early = policies.change_billing == ChangeBilling::AtOnce
                    || policies.proration == Proration::ByDayInclusive;
                let owed = (subscription, item, lines.as_slice());
                let due = segments(account, owed, today, false);
                let may = segments(account, owed, latest, early);
                check_coverage(&due, &may, &lines, &mut found);
                looked.push(ONCE);
                if !subscription.pauses.is_empty() {
                    looked.push(PAUSED);
                    check_pauses(subscription, &lines, now, &mut found);
                }
                // What cost nothing after discounts is given back without a document.
                let notes = policies.credit_document != CreditDocument::InvoiceLine;
                let free = |seen: &&Seen| notes && seen.line.net.0 == 0 && seen.line.gross.0 != 0;
                let exact =
                    latest == today && !(early && is_in_arrears(item)) && !lines.iter().any(free);
                if exact && is_linear(account, &policies) && has_one_price(item) {
                    looked.push(FAIR);
                    check_sum(account, &policies, &due, &lines, &mut found);
                }
            }
        }
        for law in looked {
            self.look(law);
        }
        found
    }
}

/// It is known that it will end, and what is billed by then is not known yet.
fn open_end(subscription: &Subscription) -> bool {
    let scheduled = subscription.scheduled.values().any(|what| match what {
        // Where it takes effect and nothing is left to invoice, no event says so yet.
        ScheduledChange::Cancel(_) | ScheduledChange::Pause(_) => true,
        ScheduledChange::Items(_) | ScheduledChange::Resume(_) => false,
    });
    let term = subscription.term.is_some_and(|term| match term.renewal {
        Renewal::Cancel | Renewal::RenewOnce => true,
        Renewal::Renew | Renewal::Evergreen => false,
    });
    let kept = match subscription.end {
        Some((_, CancelCredit::None | CancelCredit::Full)) => true,
        Some((_, CancelCredit::Prorated)) | None => false,
    };
    (subscription.end.is_none() && (scheduled || term)) || kept
}

fn is_linear(account: &Account, policies: &Policies) -> bool {
    let share = match policies.credit_basis {
        CreditBasis::BilledShare | CreditBasis::LastBilledPrice | CreditBasis::BilledAmount => true,
        CreditBasis::CurrentPrice | CreditBasis::WholeFee => false,
    };
    share && account.local.is_linear() && policies.ratio == RatioRule::Exact
}

/// Flat and per-unit prices without a least price.
fn has_one_price(item: &Item) -> bool {
    let plain = |terms: &ItemTerms| {
        terms.minimum.is_none() && whole(&terms.rate, Decimal::ONE, terms.currency).is_some()
    };
    item.terms.values().flatten().all(plain)
}

/// A run of time with one price.
struct Due<'a> {
    span: Span,
    full: Span,
    terms: &'a ItemTerms,
    quantity: Decimal,
}

fn is_in_arrears(item: &Item) -> bool {
    item.terms.values().flatten().any(|terms| terms.timing == BillingTiming::InArrears)
}

/// What should be charged by now; with `early`, what is billed after its time as soon as it began.
fn segments<'a>(
    account: &Account,
    (subscription, item, lines): (&Subscription, &'a Item, &[&Seen]),
    today: i64,
    early: bool,
) -> Vec<Due<'a>> {
    let mut due = Vec::new();
    for cycle in &item.cycles {
        let at_once = lines.iter().any(|seen| seen.at_once && seen.is_charging(cycle.cycle));
        let start =
            subscription.trial_end.map_or(cycle.span.start(), |t| t.max(cycle.span.start()));
        let end = subscription.end.map_or(cycle.span.end(), |(end, _)| end.min(cycle.span.end()));
        let Some(living) = Span::new(start, end) else { continue };
        let mut open = vec![living];
        for (from, until) in &subscription.pauses {
            let pause = match until {
                Some(until) => Span::new(*from, *until),
                None => from_on(*from),
            };
            open = pause.map_or(open.clone(), |pause| without(&open, pause));
        }
        for span in open.into_iter().flat_map(|span| steps(item, span)) {
            let Some(terms) = item.terms_at(span.start()) else { continue };
            let on = match terms.timing {
                // What comes on top of what was billed ahead does not wait for the cycle.
                BillingTiming::InAdvance if at_once => i64::MIN,
                BillingTiming::InAdvance => {
                    account.local.day(living.start()) - i64::from(terms.lead_days)
                }
                BillingTiming::InArrears if early => account.local.day(span.start()),
                BillingTiming::InArrears => account.local.day(living.end()),
            };
            if on <= today {
                let quantity = item.quantity_at(span.start());
                due.push(Due { span, full: cycle.full, terms, quantity });
            }
        }
    }
    due
}

impl Item {
    fn terms_at(&self, at: Timestamp) -> Option<&ItemTerms> {
        let held = self.terms.range(..=at).next_back().or(self.terms.first_key_value());
        held.and_then(|(_, terms)| terms.as_ref())
    }

    fn quantity_at(&self, at: Timestamp) -> Decimal {
        let held = self.quantities.range(..=at).next_back().or(self.quantities.first_key_value());
        held.map_or(Decimal::ONE, |(_, quantity)| *quantity)
    }
}

/// A span cut where terms or quantity change.
fn steps(item: &Item, span: Span) -> Vec<Span> {
    let inside = |at: &&Timestamp| span.start() < **at && **at < span.end();
    let mut bounds = vec![span.start(), span.end()];
    bounds.extend(item.terms.keys().chain(item.quantities.keys()).filter(inside));
    bounds.sort_unstable();
    bounds.windows(2).filter_map(|pair| Span::new(pair[0], pair[1])).collect()
}

/// What is due is charged, and nothing else.
fn check_coverage(due: &[Due<'_>], may: &[Due<'_>], lines: &[&Seen], found: &mut Vec<Broken>) {
    let charged = || {
        let priced = lines.iter().filter(|seen| seen.line.kind != LineKind::MinimumTrueUp);
        priced.flat_map(|seen| seen.live.iter().copied())
    };
    let mut missing: Vec<Span> = due.iter().map(|due| due.span).collect();
    for live in charged() {
        missing = without(&missing, live);
    }
    check(found, ONCE, missing.is_empty(), || format!("{missing:?} is not charged"));
    let priced = lines.iter().filter(|seen| seen.line.kind != LineKind::MinimumTrueUp);
    let beyond = |seen: &&Seen| {
        let over = may.iter().fold(seen.live.clone(), |over, due| without(&over, due.span));
        over.into_iter().filter(|span| seen.gives_back(*span)).collect::<Vec<_>>()
    };
    let over: Vec<Span> = priced.copied().flat_map(|seen| beyond(&seen)).collect();
    check(found, ONCE, over.is_empty(), || format!("{over:?} is charged and not due"));
}

fn check_pauses(
    subscription: &Subscription,
    lines: &[&Seen],
    now: Timestamp,
    found: &mut Vec<Broken>,
) {
    for (from, until) in &subscription.pauses {
        let Some(pause) = Span::new(*from, until.unwrap_or(now).min(now)) else { continue };
        let both = lines.iter().find_map(|seen| seen.charges(pause));
        check(found, PAUSED, both.is_none(), || format!("{both:?} of the pause {pause}"));
    }
}

fn check_sum(
    account: &Account,
    policies: &Policies,
    due: &[Due<'_>],
    lines: &[&Seen],
    found: &mut Vec<Broken>,
) {
    let price = |due: &Due<'_>| {
        let (part, length) = (account.local.length(due.span), account.local.length(due.full));
        let whole = whole(&due.terms.rate, due.quantity, account.registered.currency)?;
        Some(whole.times(Ratio::new(part, length)).billionths())
    };
    let cost: i128 = due.iter().filter_map(price).sum();
    let billed: i128 = lines.iter().map(|seen| i128::from(seen.line.gross.0) * BILLION).sum();
    // A credit by share is the difference of two rounded amounts.
    let credits = if policies.credit_basis == CreditBasis::BilledShare { 2 } else { 1 };
    let roundings: i128 =
        lines.iter().map(|seen| if seen.line.credits.is_some() { credits } else { 1 }).sum();
    let times: Vec<Span> = due.iter().map(|due| due.span).collect();
    let roundings = roundings + credits * i128::try_from(unsaid(lines, &times)).expect("few");
    let slack = roundings * BILLION / 2 + i128::try_from(due.len()).expect("few");
    check(found, FAIR, (cost - billed).abs() <= slack, || {
        let lines: Vec<_> =
            lines.iter().map(|seen| (seen.line.gross, &seen.line.service)).collect();
        format!("{billed} billed, {cost} is the price, {roundings} roundings: {lines:?}")
    });
}
