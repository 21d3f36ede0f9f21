//! The laws of what is owed: invoices, payments and customer credit, counted from the events and
//! compared with the journal.

use std::collections::{BTreeMap, BTreeSet};

use schemas::event::{
    ChargeAdded, CreditNoteIssued, CustomerParked, CustomerRegistered, DueSet, InvoiceFinalized,
    InvoiceLine, InvoiceVoided, LineRef, LineReversal, LineSource, SettlementEvent,
};
use schemas::ids::{ChargeId, CustomerId, InvoiceId, PaymentId, SubscriptionId};
use schemas::terms::{CreditTarget, LotRef};
use schemas::{Currency, Date, Event, Timestamp};

use super::balances::{Customer, Invoice};
use super::findings::Findings;
use super::journal::{Balances, slot};
use super::law::Law;
use super::lines::{Line, shown};
use super::lots::{Lots, Move};
use crate::accounting::{Account, Posted};

/// A commit with so many parts of applied credit may leave more to the next billing run, for which
/// the customer is due at once then.
const FULL: usize = 1_000;

/// Sums over all customers of one currency.
#[derive(Debug, Default)]
struct Book {
    open: i128,
    credit: i128,
}

/// The fold over settlement.
#[derive(Debug, Default)]
pub(super) struct Settlement {
    pub(super) customers: BTreeMap<CustomerId, Customer>,
    pub(super) invoices: BTreeMap<InvoiceId, Invoice>,
    pub(super) lots: Lots,
    /// Setup fees, and whose they are.
    fees: BTreeMap<ChargeId, SubscriptionId>,
    /// Where the book's policies send credit.
    pub(super) target: Option<CreditTarget>,
    /// What each payment has not given back yet.
    pub(super) payments: BTreeMap<PaymentId, i128>,
    books: BTreeMap<Currency, Book>,
    /// Who is due at once.
    at_once: BTreeSet<CustomerId>,
    /// Who was left with credit beside something open.
    left: BTreeSet<CustomerId>,
    /// The commit parks: it looks at nothing else.
    parks: bool,
    touched: Option<CustomerId>,
    touched_invoices: Vec<InvoiceId>,
    touched_lines: Vec<LineRef>,
    pub(super) applied_parts: usize,
}

impl Settlement {
    /// The book's policies send credit there.
    pub(super) fn follow(&mut self, target: CreditTarget) {
        self.target = Some(target);
    }

    pub(super) fn observe(
        &mut self,
        id: CustomerId,
        event: &Event,
        posted: &Posted,
        findings: &mut Findings,
    ) {
        if let Some(registered) = event.get::<CustomerRegistered>() {
            let currency = registered.currency;
            self.customers.insert(id, Customer::new(currency));
        }
        if !self.customers.contains_key(&id) {
            findings.check(Law::References, false, || format!("{id} is not registered"));
            return;
        }
        self.touched = Some(id);
        self.parks |= event.get::<CustomerParked>().is_some();
        if let Some(set) = event.get::<DueSet>() {
            if set.on == Some(Date::MIN) {
                self.at_once.insert(id);
            } else {
                self.at_once.remove(&id);
            }
        }
        self.book(id, posted, findings);
        if let Some(charge) = event.get::<ChargeAdded>() {
            self.fees.extend(charge.subscription.map(|of| (charge.charge, of)));
        }
        if let Some(invoice) = event.get::<InvoiceFinalized>() {
            self.finalized(id, invoice, posted, findings);
        } else if let Event::Settlement(event) = event {
            self.settled(id, event, posted, findings);
        } else if matches!(event, Event::Subscription(_)) {
            self.moved(posted, findings);
        }
    }

    /// Lines are earned from another day on: what is left of them then, no more and no less.
    fn moved(&mut self, posted: &Posted, findings: &mut Findings) {
        for stop in &posted.stops {
            self.line(stop.line, findings, |line| line.stop(stop.from));
        }
        for earning in &posted.earnings {
            self.line(earning.line, findings, |line| line.earn(*earning, false));
        }
    }

    fn settled(
        &mut self,
        id: CustomerId,
        event: &SettlementEvent,
        posted: &Posted,
        findings: &mut Findings,
    ) {
        match event {
            SettlementEvent::InvoiceVoided(void) => self.voided(id, void, posted, findings),
            // They are with the document that they are of.
            SettlementEvent::InvoiceLinesVoided(_) | SettlementEvent::CreditNoteLinesDrafted(_) => {
            }
            SettlementEvent::CreditNoteIssued(note) => self.noted(id, note, posted, findings),
            SettlementEvent::PaymentRecorded(payment) => self.received(id, payment, findings),
            SettlementEvent::PaymentReversed(reversal) => self.taken_back(id, reversal, findings),
            SettlementEvent::PaymentRefunded(refund) => self.refunded(id, refund, findings),
            SettlementEvent::CreditGranted(grant) => {
                self.lots.grant(id, grant);
                self.count_left(id, LotRef::Grant(grant.grant), grant.amount.minor().0.into());
            }
            SettlementEvent::CreditApplied(applied) => self.applied(id, applied, findings),
            SettlementEvent::CreditReleased(released) => {
                self.take_off(
                    id,
                    released.invoice,
                    &released.parts,
                    released.posting_date,
                    findings,
                );
                self.invoice(released.invoice, findings, |invoice, _| invoice.held = true);
            }
            SettlementEvent::CreditRevoked(revoked) => {
                let part = (LotRef::Grant(revoked.grant), revoked.amount.minor());
                self.go(id, part, Move::Away, revoked.posting_date, findings);
            }
            SettlementEvent::CreditExpired(expired) => {
                let part = (LotRef::Grant(expired.grant), expired.amount.minor());
                self.go(id, part, Move::Expiry, expired.posting_date, findings);
            }
            SettlementEvent::CreditPaidOut(paid) => {
                let part = (paid.lot, paid.amount.minor());
                self.go(id, part, Move::Away, paid.posting_date, findings);
            }
        }
    }

    /// Checks what the commit touched: laws hold between commits, not between their events.
    pub(super) fn close_commit(
        &mut self,
        journal: &BTreeMap<Currency, Balances>,
        recorded_at: Timestamp,
        findings: &mut Findings,
    ) {
        self.lots.close_commit(findings);
        self.touched_invoices.sort_unstable();
        self.touched_invoices.dedup();
        for id in self.touched_invoices.drain(..) {
            if let Some(invoice) = self.invoices.get(&id) {
                invoice.check(id, &self.lots, findings);
            }
        }
        self.touched_lines.sort_unstable();
        self.touched_lines.dedup();
        for at in self.touched_lines.drain(..) {
            if let Some(line) = line_of(&mut self.invoices, at) {
                line.check(at, findings);
            }
        }
        let parts = std::mem::take(&mut self.applied_parts);
        let parks = std::mem::take(&mut self.parks);
        let Some((id, customer)) =
            self.touched.take().and_then(|id| Some((id, self.customers.get(&id)?)))
        else {
            return;
        };
        customer.check(id, findings);
        let is_left = parts >= FULL && self.at_once.contains(&id);
        if is_left {
            self.left.insert(id);
        } else if !parks {
            self.left.remove(&id);
        }
        if !self.left.contains(&id) {
            self.check_nothing_beside(customer, recorded_at, findings);
        }
        let book = self.books.entry(customer.currency).or_default();
        let balance =
            |account| journal.get(&customer.currency).map_or(0, |balances| balances[slot(account)]);
        let (receivable, credit) =
            (balance(Account::AccountsReceivable), -balance(Account::CustomerCredit));
        findings.check(Law::Receivables, receivable == book.open, || {
            format!("the journal has {receivable} in {}, invoices {}", customer.currency, book.open)
        });
        findings.check(Law::CustomerCredit, credit == book.credit, || {
            format!("the journal has {credit} in {}, customers {}", customer.currency, book.credit)
        });
    }

    /// The customer's side of the journal.
    fn book(&mut self, id: CustomerId, posted: &Posted, findings: &mut Findings) {
        let Some(customer) = self.customers.get_mut(&id) else {
            findings.check(Law::References, false, || format!("{id} is not registered"));
            return;
        };
        for entry in &posted.entries {
            findings.check(Law::Balance, entry.currency() == customer.currency, || {
                format!("{id} pays in {}, not in {}", customer.currency, entry.currency())
            });
            for posting in entry.postings() {
                let amount = i128::from(posting.amount.0);
                if posting.account == Account::AccountsReceivable {
                    customer.booked_receivable += amount;
                } else if posting.account == Account::CustomerCredit {
                    customer.booked_credit -= amount;
                }
            }
        }
    }

    fn finalized(
        &mut self,
        customer: CustomerId,
        event: &InvoiceFinalized,
        posted: &Posted,
        findings: &mut Findings,
    ) {
        let id = event.invoice;
        let mut lines = Vec::with_capacity(event.lines.len());
        for (number, line) in (1_u32..).zip(&event.lines) {
            let at = LineRef { invoice: id, line: line.line };
            findings.check(Law::References, line.line == number, || {
                format!("{} stands where line {number} should be", shown(at))
            });
            lines.push(Line::new(line, at, self.subscription_of(line), findings));
        }
        let invoice = Invoice {
            customer,
            booked: event.posting_date,
            total: i128::from(event.totals.total.0),
            generated: i128::from(event.credit_generated.0),
            parts: BTreeMap::new(),
            credited: 0,
            held: false,
            voided: false,
            lines,
        };
        self.invoices.insert(id, invoice);
        self.opened(customer, id, 0);
        self.touched_invoices.push(id);
        for earning in &posted.earnings {
            self.line(earning.line, findings, |line| line.earn(*earning, true));
        }
        for line in &event.lines {
            if let Some(target) = line.credits {
                let (net, gross) = (-i128::from(line.net.0), -i128::from(line.gross.0));
                self.own(customer, target.invoice, findings);
                self.line(target, findings, |credited| credited.credit(net, gross));
            }
        }
        if event.credit_generated.is_positive() {
            let (lot, amount) = (LotRef::Invoice(id), i128::from(event.credit_generated.0));
            self.lots.make(customer, lot, amount, event.posting_date);
            self.count_left(customer, lot, amount);
        }
        for used in &event.credits {
            let part = (used.lot, used.amount, false);
            self.put(customer, part, id, event.posting_date, findings);
        }
    }

    /// The subscription that a line bills, or whose setup fee it is.
    fn subscription_of(&self, line: &InvoiceLine) -> Option<SubscriptionId> {
        match line.source {
            LineSource::Cycle { subscription, .. } => Some(subscription),
            LineSource::Charge(charge) => self.fees.get(&charge).copied(),
            LineSource::Invoice => None,
        }
    }

    fn voided(
        &mut self,
        customer: CustomerId,
        event: &InvoiceVoided,
        posted: &Posted,
        findings: &mut Findings,
    ) {
        let id = event.invoice;
        self.own(customer, id, findings);
        let returned = event.released.iter().map(|part| i128::from(part.amount.0)).sum();
        let [owed, made] = [event.receivable, event.credit_withdrawn].map(|p| i128::from(p.0));
        let stated = [owed, returned, made];
        let mut undone = Vec::new();
        self.invoice(id, findings, |invoice, findings| {
            let actual = [invoice.open(), invoice.paid(), invoice.generated];
            findings.check(Law::Settlement, !invoice.voided, || format!("{id} is voided twice"));
            findings.check(Law::Settlement, stated == actual, || {
                format!("voiding {id} undoes {stated:?} (owed, paid, credit made), not {actual:?}")
            });
            invoice.voided = true;
            let credited = invoice.lines.iter().map(|line| (line.credits, line.gross));
            undone.extend(credited.filter_map(|(line, gross)| Some((line?, gross))));
        });
        for (target, gross) in undone {
            self.line(target, findings, |line| line.credit(0, gross));
        }
        self.reverse(id, event.posting_date, &event.lines, posted, findings);
        self.invoice(id, findings, |invoice, findings| {
            invoice.check_taken_back(id, event.posting_date, true, findings);
        });
        self.take_off(customer, id, &event.released, event.posting_date, findings);
        if event.credit_withdrawn.is_positive() {
            let part = (LotRef::Invoice(id), event.credit_withdrawn);
            self.go(customer, part, Move::Away, event.posting_date, findings);
        }
        self.invoice(id, findings, |invoice, findings| {
            findings.check(Law::Settlement, invoice.parts.is_empty(), || {
                format!("{id} is voided, and keeps {:?}", invoice.parts)
            });
        });
    }

    fn noted(
        &mut self,
        customer: CustomerId,
        event: &CreditNoteIssued,
        posted: &Posted,
        findings: &mut Findings,
    ) {
        self.own(customer, event.invoice, findings);
        // What goes back first: between the two nothing may seem paid.
        self.take_off(customer, event.invoice, &event.released, event.posting_date, findings);
        self.invoice(event.invoice, findings, |invoice, findings| {
            invoice.check_taken_back(event.invoice, event.posting_date, false, findings);
            invoice.credited += i128::from(event.total.0) - i128::from(event.to_credit.0);
        });
        if event.to_credit.is_positive() {
            let (lot, amount) = (LotRef::CreditNote(event.note), i128::from(event.to_credit.0));
            self.lots.make(customer, lot, amount, event.posting_date);
            self.count_left(customer, lot, amount);
        }
        self.reverse(event.invoice, event.posting_date, &event.lines, posted, findings);
    }

    fn reverse(
        &mut self,
        invoice: InvoiceId,
        date: Date,
        lines: &[LineReversal],
        posted: &Posted,
        findings: &mut Findings,
    ) {
        for reversal in lines {
            let at = LineRef { invoice, line: reversal.line };
            let mut credits = None;
            self.line(at, findings, |line| {
                line.reverse(reversal, date);
                credits = line.credits;
            });
            // What takes a credit back gives it to the line that was credited.
            if let Some(target) = credits {
                self.line(target, findings, |line| line.credit(i128::from(reversal.net.0), 0));
            }
        }
        for earning in &posted.earnings {
            self.line(earning.line, findings, |line| line.earn(*earning, false));
        }
    }

    /// An invoice is only touched from its own customer's stream.
    pub(super) fn own(&mut self, customer: CustomerId, id: InvoiceId, findings: &mut Findings) {
        let owner = self.invoices.get(&id).map(|invoice| invoice.customer);
        findings.check(Law::References, owner.is_none_or(|owner| owner == customer), || {
            format!("{id} is not an invoice of {customer}")
        });
    }

    /// Changes an invoice and counts what that does to the sums of what is owed.
    pub(super) fn invoice(
        &mut self,
        id: InvoiceId,
        findings: &mut Findings,
        change: impl FnOnce(&mut Invoice, &mut Findings),
    ) {
        let Some(invoice) = self.invoices.get_mut(&id) else {
            findings.check(Law::References, false, || format!("{id} was never finalized"));
            return;
        };
        let before = invoice.open();
        change(invoice, findings);
        invoice.held &= invoice.open() > 0;
        let customer = invoice.customer;
        self.opened(customer, id, before);
        self.touched_invoices.push(id);
    }

    fn line(&mut self, at: LineRef, findings: &mut Findings, change: impl FnOnce(&mut Line)) {
        match line_of(&mut self.invoices, at) {
            Some(line) => change(line),
            None => findings.check(Law::References, false, || format!("{} is unknown", shown(at))),
        }
        self.touched_lines.push(at);
    }

    /// Counts what is open of an invoice that had `before` open.
    pub(super) fn opened(&mut self, customer: CustomerId, id: InvoiceId, before: i128) {
        let open = self.invoices.get(&id).map_or(0, Invoice::open);
        let Some(customer) = self.customers.get_mut(&customer) else { return };
        if open > 0 {
            customer.open_invoices.insert(id);
        } else {
            customer.open_invoices.remove(&id);
        }
        customer.open += open - before;
        self.books.entry(customer.currency).or_default().open += open - before;
    }

    /// Counts what is left of a lot that changed.
    pub(super) fn count_left(&mut self, customer: CustomerId, lot: LotRef, change: i128) {
        let left = self.lots.get(lot).map_or(0, super::lots::Lot::left);
        let Some(customer) = self.customers.get_mut(&customer) else { return };
        if left > 0 {
            customer.unspent.insert(lot);
        } else {
            customer.unspent.remove(&lot);
        }
        customer.credit += change;
        self.books.entry(customer.currency).or_default().credit += change;
    }
}

fn line_of(invoices: &mut BTreeMap<InvoiceId, Invoice>, at: LineRef) -> Option<&mut Line> {
    let index = usize::try_from(at.line.checked_sub(1)?).ok()?;
    invoices.get_mut(&at.invoice)?.lines.get_mut(index)
}
