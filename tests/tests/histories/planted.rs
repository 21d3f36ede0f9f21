//! Ten planted mistakes: each changes what the laws are shown, as a wrong engine would, and some
//! law must notice.

use schemas::event::{BillingEvent, SettlementEvent, SubscriptionEvent};
use schemas::event::{InvoiceFinalized, InvoiceLine, LineRef, LineSource};
use schemas::fraction::RoundingMode;
use schemas::ids::InvoiceId;
use schemas::terms::LineKind;
use schemas::{Commit, CommitView, Event, Fraction, Minor, Span, Timestamp};

use crate::watch::Watch;

/// What a wrong engine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A charge counts a day less.
    OffByOneDay,
    /// A credit has twice the price of its line.
    CreditAtTheWrongPrice,
    /// After a short month cycles stay on its last day.
    AnchorDrift,
    /// A discount is taken off a line twice.
    DiscountCountedTwice,
    /// A credit takes more than its line had.
    CreditBeyondTheLine,
    /// What was voided and given up is charged again.
    DoubleChargeAfterVoid,
    /// A second run bills what the first one billed.
    SecondRunBillsAgain,
    /// Time of a pause is not credited.
    PauseBilled,
    /// Halves are rounded down.
    RoundingDown,
    /// The last piece of a cycle ignores what was billed before.
    ComplementIgnored,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::OffByOneDay,
        Self::CreditAtTheWrongPrice,
        Self::AnchorDrift,
        Self::DiscountCountedTwice,
        Self::CreditBeyondTheLine,
        Self::DoubleChargeAfterVoid,
        Self::SecondRunBillsAgain,
        Self::PauseBilled,
        Self::RoundingDown,
        Self::ComplementIgnored,
    ];
}

/// A mistake that is made wherever it can be.
#[derive(Debug, Clone)]
pub(crate) struct Mistake {
    kind: Kind,
    /// How often it was made.
    pub(crate) made: u64,
    given_up: Vec<InvoiceLine>,
}

impl Mistake {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, made: 0, given_up: Vec::new() }
    }

    /// Changes a commit before the laws see it.
    pub(crate) fn make(&mut self, watch: &Watch, commit: &mut Commit) {
        for event in &mut commit.events {
            let made = if let Event::Billing(BillingEvent::InvoiceFinalized(invoice)) = event {
                let made = self.in_invoice(watch, invoice);
                sum_up(invoice);
                made
            } else if let Event::Settlement(SettlementEvent::InvoiceVoided(voided)) = event {
                if !voided.rebill {
                    self.given_up.extend(charges_of(watch, voided.invoice));
                }
                false
            } else if let Event::Subscription(SubscriptionEvent::CycleOpened(opened)) = event {
                self.kind == Kind::AnchorDrift
                    && drifted(opened.span).is_some_and(|span| {
                        opened.full = if opened.full == opened.span { span } else { opened.full };
                        opened.span = span;
                        true
                    })
            } else {
                false
            };
            self.made += u64::from(made);
        }
    }

    /// What a second run gives.
    pub(crate) fn bill_again(&mut self, again: &mut Vec<Event>, first: Option<&[u8]>) {
        if self.kind != Kind::SecondRunBillsAgain {
            return;
        }
        let first = first.and_then(|bytes| CommitView::parse(bytes).ok());
        let events = first.iter().flat_map(CommitView::events);
        let mut events = events.filter_map(|raw| Event::decode(raw.ok()?).ok());
        if let Some(invoice) =
            events.find(|event| matches!(event, Event::Billing(BillingEvent::InvoiceFinalized(_))))
        {
            again.push(invoice);
            self.made += 1;
        }
    }

    fn in_invoice(&mut self, watch: &Watch, invoice: &mut InvoiceFinalized) -> bool {
        match self.kind {
            Kind::OffByOneDay => first(&mut invoice.lines, a_day_less),
            Kind::CreditAtTheWrongPrice => first(&mut invoice.lines, |line| times(line, 2)),
            Kind::CreditBeyondTheLine => {
                let lines = &mut invoice.lines;
                first(lines, |line| beyond(line, watch))
            }
            Kind::DiscountCountedTwice => first(&mut invoice.lines, discounted_twice),
            Kind::DoubleChargeAfterVoid => match self.given_up.pop() {
                Some(line) => {
                    let number = u32::try_from(invoice.lines.len()).expect("few") + 1;
                    invoice.lines.push(InvoiceLine { line: number, ..line });
                    true
                }
                None => false,
            },
            Kind::PauseBilled => {
                let before = invoice.lines.len();
                invoice.lines.retain(|line| !credits_a_pause(watch, line));
                invoice.lines.len() < before
            }
            Kind::RoundingDown => first(&mut invoice.lines, rounded_down),
            Kind::ComplementIgnored => first(&mut invoice.lines, without_complement),
            Kind::AnchorDrift | Kind::SecondRunBillsAgain => false,
        }
    }
}

/// Changes the first line that can be changed.
fn first(lines: &mut [InvoiceLine], change: impl FnMut(&mut InvoiceLine) -> bool) -> bool {
    lines.iter_mut().any(change)
}

fn sum_up(invoice: &mut InvoiceFinalized) {
    let sum = |of: fn(&InvoiceLine) -> i64| Minor(invoice.lines.iter().map(of).sum());
    let (gross, net) = (sum(|line| line.gross.0), sum(|line| line.net.0));
    invoice.totals.gross = gross;
    invoice.totals.net = net;
    invoice.totals.discount = Minor(gross.0 - net.0);
    invoice.totals.total = net;
}

/// Sets a gross amount and keeps the line's own sums.
fn set_gross(line: &mut InvoiceLine, gross: i64) {
    line.net.0 += gross - line.gross.0;
    line.gross = Minor(gross);
    line.exact = Fraction::whole(gross);
    if let Some(step) = line.rounding.last_mut() {
        (step.exact, step.rounded) = (Fraction::whole(gross), gross);
    }
}

fn a_day_less(line: &mut InvoiceLine) -> bool {
    let Some(pricing) = line.pricing.as_ref().filter(|p| p.complement.is_none()) else {
        return false;
    };
    let days = pricing.full.micros() / 86_400_000_000;
    let a_day = pricing.whole.numerator() / (pricing.whole.denominator() * i128::from(days.max(1)));
    let a_day = i64::try_from(a_day).unwrap_or_default();
    let can = line.credits.is_none() && a_day > 0 && line.net.0 > a_day;
    if can {
        set_gross(line, line.gross.0 - a_day);
    }
    can
}

fn times(line: &mut InvoiceLine, factor: i64) -> bool {
    let Some(pricing) = &mut line.pricing else { return false };
    let can = line.credits.is_some() && line.gross.0 < 0;
    if can {
        pricing.whole = pricing.whole.times(Fraction::whole(factor)).unwrap_or(pricing.whole);
        set_gross(line, line.gross.0 * factor);
    }
    can
}

fn beyond(line: &mut InvoiceLine, watch: &Watch) -> bool {
    let Some(at) = line.credits else { return false };
    let target = watch.accounts.values().find_map(|account| account.lines.get(&at));
    let Some(target) = target.filter(|target| target.line.gross.0 > 0) else { return false };
    set_gross(line, -target.line.gross.0 - 1);
    true
}

fn discounted_twice(line: &mut InvoiceLine) -> bool {
    let part = line.discounts.first().copied().filter(|part| part.amount.0 > 0);
    let Some(part) = part.filter(|part| part.amount.0 <= line.net.0) else { return false };
    line.discounts.push(part);
    line.net.0 -= part.amount.0;
    true
}

/// A line whose exact amount is a half or more is rounded down.
fn rounded_down(line: &mut InvoiceLine) -> bool {
    let Some(step) = line.rounding.last_mut() else { return false };
    let down = step.exact.rounded(RoundingMode::Down).unwrap_or(step.rounded);
    let can = line.credits.is_none() && down < step.rounded && line.net.0 > 1;
    if can {
        step.rounded = down;
        line.net.0 -= 1;
        line.gross.0 -= 1;
    }
    can
}

fn without_complement(line: &mut InvoiceLine) -> bool {
    let Some(pricing) = &mut line.pricing else { return false };
    let Some(others) = pricing.complement.take() else { return false };
    // By its own ratio the piece costs what it costs; here a cent more.
    let whole = pricing.whole.rounded(RoundingMode::HalfUp).unwrap_or_default();
    set_gross(line, whole - others.billed.0 + 1);
    true
}

/// A month's last day instead of the day after it: the next cycle would stay there.
fn drifted(span: Span) -> Option<Span> {
    let end = Timestamp::from_micros(span.end().micros() - 86_400_000_000)?;
    let late = span.end().utc_date().civil().day() >= 30;
    Span::new(span.start(), end).filter(|_| late)
}

fn charges_of(watch: &Watch, invoice: InvoiceId) -> Vec<InvoiceLine> {
    let range = LineRef { invoice, line: 0 }..=LineRef { invoice, line: u32::MAX };
    watch
        .accounts
        .values()
        .flat_map(|account| account.lines.range(range.clone()))
        .filter(|(_, seen)| seen.line.kind == LineKind::Recurring && !seen.live.is_empty())
        .map(|(_, seen)| seen.line.clone())
        .collect()
}

/// The credit of a line whose subscription is paused in the time that is credited.
fn credits_a_pause(watch: &Watch, line: &InvoiceLine) -> bool {
    let (LineSource::Cycle { subscription, .. }, Some(_), Some(pricing)) =
        (line.source, line.credits, &line.pricing)
    else {
        return false;
    };
    watch.accounts.values().any(|account| {
        account.subscriptions.get(&subscription).is_some_and(|found| {
            found.pauses.iter().any(|(from, until)| {
                let until = until.unwrap_or(pricing.span.end());
                *from <= pricing.span.start() && pricing.span.start() < until
            })
        })
    })
}
