//! Which lots pay which invoices.
//!
//! # Ordering
//!
//! Lots are used by expiry, then priority, then age. A lot for one subscription pays of an invoice
//! at most what its lines bill of that subscription, less what such lots pay of it already.
//!
//! # Correctness
//!
//! A lot that has expired by the day of the command pays nothing, whether that was booked yet or
//! not. A part is booked on the day of the command, and never before its lot or its invoice.
//!
//! # Limits
//!
//! One sweep makes at most [`MAX_PARTS`] parts. Who bills makes as many sweeps as it takes; for
//! what any other command leaves the customer is due at once.

use std::collections::BTreeMap;

use schemas::event::{
    CreditApplied, InvoiceFinalized, InvoiceLine, LineReversal, LineSource, LotPart, LotUse,
};
use schemas::ids::{InvoiceId, SubscriptionId};
use schemas::terms::{CreditTarget, LotRef, LotScope};
use schemas::{Date, Minor, Rejection};

use super::case::Case;
use super::lots::{Lot, Origin};
use super::state::Invoice;
use crate::billing::state::Billed;
use crate::mistakes::{Mistake, makes};

/// The most parts that one sweep or one invoice applies.
pub(super) const MAX_PARTS: usize = 1_000;

/// Parts in the order in which they were made, each with the day on which it is booked.
#[derive(Default)]
pub(super) struct Parts(Vec<(Date, Vec<LotPart>)>);

impl Parts {
    pub(super) fn add(&mut self, on: Date, part: LotPart) {
        match self.0.last_mut().filter(|(day, _)| *day == on) {
            Some((_, parts)) => parts.push(part),
            None => self.0.push((on, vec![part])),
        }
    }

    /// An event for each day, and another where the day changes: the order stays.
    pub(super) fn events(self, case: &Case<'_>) -> Vec<CreditApplied> {
        let currency = case.profile.currency;
        let event = |(posting_date, parts)| CreditApplied { currency, posting_date, parts };
        self.0.into_iter().map(event).collect()
    }
}

/// What is left of lots and open of invoices while parts are made.
struct Spending<'a> {
    case: &'a Case<'a>,
    /// The day on which the command is booked.
    day: Date,
    today: Date,
    spent: BTreeMap<u32, i64>,
    paid: BTreeMap<InvoiceId, i64>,
    /// What lots for a subscription pay of it.
    paid_of: BTreeMap<(InvoiceId, SubscriptionId), i64>,
    parts: Parts,
    count: usize,
}

impl<'a> Spending<'a> {
    fn new(case: &'a Case<'a>) -> Result<Self, Rejection> {
        Ok(Self {
            case,
            day: case.posting_date()?,
            today: case.today()?,
            spent: BTreeMap::new(),
            paid: BTreeMap::new(),
            paid_of: BTreeMap::new(),
            parts: Parts::default(),
            count: 0,
        })
    }

    fn left(&self, lot: &Lot) -> i64 {
        lot.left.0 - self.spent.get(&lot.place).copied().unwrap_or_default()
    }

    fn open(&self, invoice: &Invoice) -> i64 {
        invoice.open().0 - self.paid.get(&invoice.id).copied().unwrap_or_default()
    }

    fn is_full(&self) -> bool {
        self.count >= MAX_PARTS
    }

    /// A lot pays an invoice, as far as both go.
    fn pay(&mut self, invoice: &Invoice, lot: &Lot) {
        if !lot.is_usable(self.today) {
            return;
        }
        let most = self.left(lot).min(self.open(invoice));
        let amount = match lot.scope() {
            LotScope::Customer => most,
            LotScope::Subscription(id) => {
                let before = self.paid_of.get(&(invoice.id, id)).copied().unwrap_or_default();
                most.min(room(self.case, invoice, id).0 - before)
            }
        };
        if amount <= 0 || self.is_full() {
            return;
        }
        if let LotScope::Subscription(id) = lot.scope() {
            *self.paid_of.entry((invoice.id, id)).or_default() += amount;
        }
        *self.spent.entry(lot.place).or_default() += amount;
        *self.paid.entry(invoice.id).or_default() += amount;
        let booked = invoice.posting_date;
        let part = LotPart { lot: lot.id(), invoice: invoice.id, amount: Minor(amount) };
        self.parts.add(self.day.max(booked).max(lot.arose), part);
        self.count += 1;
    }
}

/// What lots for a subscription may still pay of an invoice: what its lines bill of the
/// subscription, less what notes took off them and such lots pay of it already.
pub(super) fn room(case: &Case<'_>, invoice: &Invoice, id: SubscriptionId) -> Minor {
    let net = net_of(case.billed(invoice.id), id, &[]);
    Minor(net - paid_for(case, invoice, id))
}

/// What lots for a subscription pay of an invoice.
pub(super) fn paid_for(case: &Case<'_>, invoice: &Invoice, id: SubscriptionId) -> i64 {
    let lots = &case.settlement.lots;
    let scope = LotScope::Subscription(id);
    let parts = invoice.parts.iter().filter(|part| lots.at(part.lot).scope() == scope);
    parts.map(|part| part.amount.0).sum()
}

/// What an invoice bills of a subscription after notes; `reversed` is about to be taken off, too.
pub(super) fn net_of(billed: &Billed, id: SubscriptionId, reversed: &[LineReversal]) -> i64 {
    let lines = (1_u32..).zip(billed.lines()).filter(|(_, line)| line.is_of(id));
    lines
        .map(|(number, line)| {
            let more = reversed.iter().filter(|reversal| reversal.line == number);
            let more: i64 = more.map(|reversal| reversal.net.0).sum();
            line.net.0 - line.reversed_net.0 - more
        })
        .sum()
}

/// What one sweep pays.
#[derive(Default)]
pub(crate) struct Swept {
    pub(crate) applied: Vec<CreditApplied>,
    /// It has as many parts as it may have: there may be more to pay.
    pub(crate) is_full: bool,
}

/// Pays what is open from what is left, where the policy says that money never stands open and
/// spendable beside each other: the oldest due first. Nothing where it says otherwise.
///
/// An invoice from which credit was released by command is left alone.
///
/// # Errors
/// A date that cannot be computed.
pub(crate) fn sweep(case: &Case<'_>) -> Result<Swept, Rejection> {
    let target = case.profile.rules.policies.credit_target;
    let nothing = !is_swept(target) || !case.settlement.has_both();
    if nothing || makes(Mistake::CreditBesideOpen) {
        return Ok(Swept::default());
    }
    let mut spending = Spending::new(case)?;
    match target {
        CreditTarget::CreditedFirst => pay_credited(&mut spending),
        CreditTarget::OldestOpen | CreditTarget::Lot => {}
    }
    let mut lots: Vec<&Lot> = case.settlement.lots.unspent().collect();
    for invoice in case.settlement.open().filter(|invoice| !invoice.held) {
        lots.retain(|lot| spending.left(lot) > 0);
        if lots.is_empty() || spending.is_full() {
            break;
        }
        for lot in &lots {
            if spending.open(invoice) == 0 {
                break;
            }
            spending.pay(invoice, lot);
        }
    }
    let is_full = spending.is_full();
    Ok(Swept { applied: spending.parts.events(case), is_full })
}

/// Whether credit pays what is open by itself.
pub(crate) const fn is_swept(target: CreditTarget) -> bool {
    match target {
        CreditTarget::CreditedFirst | CreditTarget::OldestOpen => true,
        CreditTarget::Lot => false,
    }
}

/// The credit of an invoice below zero first pays the invoices that its lines credit.
fn pay_credited(spending: &mut Spending<'_>) {
    let case = spending.case;
    for lot in case.settlement.lots.unspent() {
        let from = match lot.origin {
            Origin::Invoice(from) => from,
            Origin::Payment { .. } | Origin::Grant(_) | Origin::Note(_) => continue,
        };
        let lines = case.billed(from).lines();
        let credited: Vec<InvoiceId> =
            lines.filter_map(|line| line.credits).map(|at| at.invoice).collect();
        let open = case.settlement.open().filter(|invoice| !invoice.held);
        for invoice in open.filter(|invoice| credited.contains(&invoice.id)) {
            spending.pay(invoice, lot);
        }
    }
}

/// Credit pays an invoice when it is issued: what is there since its day or before stands on the
/// document, what came later follows as an event of its own.
///
/// # Errors
/// Sums that cannot be held; a date that cannot be computed.
pub(crate) fn pay_at_once(
    case: &Case<'_>,
    invoice: &mut InvoiceFinalized,
) -> Result<Vec<CreditApplied>, Rejection> {
    let (mut open, today) = (invoice.totals.total.0, case.today()?);
    let mut later = Parts::default();
    let mut paid_of: BTreeMap<SubscriptionId, i64> = BTreeMap::new();
    let usable = case.settlement.lots.unspent().filter(|lot| lot.is_usable(today));
    for lot in usable.take(MAX_PARTS) {
        let most = open.min(lot.left.0);
        let amount = match lot.scope() {
            LotScope::Customer => most,
            LotScope::Subscription(id) => {
                let before = paid_of.get(&id).copied().unwrap_or_default();
                most.min(net_of_lines(case, &invoice.lines, id) - before)
            }
        };
        if open <= 0 {
            break;
        }
        if amount <= 0 {
            continue;
        }
        if let LotScope::Subscription(id) = lot.scope() {
            *paid_of.entry(id).or_default() += amount;
        }
        open -= amount;
        let (id, amount) = (lot.id(), Minor(amount));
        if lot.arose <= invoice.posting_date {
            invoice.credits.push(LotUse { lot: id, amount });
        } else {
            later.add(lot.arose, LotPart { lot: id, invoice: invoice.invoice, amount });
        }
    }
    invoice.credit_applied = Minor::sum(invoice.credits.iter().map(|used| used.amount))?;
    Ok(later.events(case))
}

/// What lines that are about to be billed bill of a subscription: its time, or its setup fee.
fn net_of_lines(case: &Case<'_>, lines: &[InvoiceLine], id: SubscriptionId) -> i64 {
    let is_of = |line: &&InvoiceLine| match line.source {
        LineSource::Cycle { subscription, .. } => subscription == id,
        LineSource::Charge(charge) => {
            let mut waiting = case.billing.pending();
            waiting
                .any(|found| found.added.charge == charge && found.added.subscription == Some(id))
        }
        LineSource::Invoice => false,
    };
    lines.iter().filter(is_of).map(|line| line.net.0).sum()
}

/// The lot of this name.
///
/// # Errors
/// [`Rejection::UnknownCredit`].
pub(super) fn known<'a>(case: &Case<'a>, lot: LotRef) -> Result<&'a Lot, Rejection> {
    case.settlement.lots.named(lot).ok_or(Rejection::UnknownCredit { lot })
}
