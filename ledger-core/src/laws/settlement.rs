//! The laws of what is owed: invoices, payments and customer credit, counted from the events and
//! compared with the journal.

use std::collections::BTreeMap;

use schemas::event::{
    Allocation, CreditNoteIssued, CustomerRegistered, InvoiceFinalized, InvoiceVoided, LineRef,
    LineReversal, PaymentRecorded, PaymentRefunded, PaymentReversed, SettlementEvent,
};
use schemas::ids::{CustomerId, InvoiceId, PaymentId};
use schemas::{Currency, Date, Event, Minor};

use super::balances::{Customer, Invoice};
use super::findings::Findings;
use super::journal::{Balances, slot};
use super::law::Law;
use super::lines::{Line, shown};
use crate::accounting::{Account, Posted};

/// Sums over all customers of one currency.
#[derive(Debug, Default)]
struct Book {
    open: i128,
    credit: i128,
}

/// The fold over settlement.
#[derive(Debug, Default)]
pub(super) struct Settlement {
    customers: BTreeMap<CustomerId, Customer>,
    invoices: BTreeMap<InvoiceId, Invoice>,
    /// What each payment has not given back yet.
    payments: BTreeMap<PaymentId, i128>,
    books: BTreeMap<Currency, Book>,
    touched: Option<CustomerId>,
    touched_invoices: Vec<InvoiceId>,
    touched_lines: Vec<LineRef>,
}

impl Settlement {
    pub(super) fn observe(
        &mut self,
        id: CustomerId,
        event: &Event,
        posted: &Posted,
        findings: &mut Findings,
    ) {
        if let Some(registered) = event.get::<CustomerRegistered>() {
            let currency = registered.currency;
            let customer =
                Customer { currency, booked_receivable: 0, booked_credit: 0, open: 0, credit: 0 };
            self.customers.insert(id, customer);
        }
        if !self.customers.contains_key(&id) {
            findings.check(Law::References, false, || format!("{id} is not registered"));
            return;
        }
        self.touched = Some(id);
        self.book(id, posted, findings);
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
            SettlementEvent::CreditNoteIssued(note) => self.noted(id, note, posted, findings),
            SettlementEvent::PaymentRecorded(payment) => self.received(id, payment, findings),
            SettlementEvent::PaymentReversed(reversal) => self.taken_back(id, reversal, findings),
            SettlementEvent::PaymentRefunded(refund) => self.refunded(id, refund, findings),
            SettlementEvent::CreditGranted(grant) => self.credit(id, grant.amount.minor()),
        }
    }

    /// Checks what the commit touched: laws hold between commits, not between their events.
    pub(super) fn close_commit(
        &mut self,
        journal: &BTreeMap<Currency, Balances>,
        findings: &mut Findings,
    ) {
        self.touched_invoices.sort_unstable();
        self.touched_invoices.dedup();
        for id in self.touched_invoices.drain(..) {
            if let Some(invoice) = self.invoices.get(&id) {
                invoice.check(id, findings);
            }
        }
        self.touched_lines.sort_unstable();
        self.touched_lines.dedup();
        for at in self.touched_lines.drain(..) {
            if let Some(line) = line_of(&mut self.invoices, at) {
                line.check(at, findings);
            }
        }
        let Some((id, customer)) =
            self.touched.take().and_then(|id| Some((id, self.customers.get(&id)?)))
        else {
            return;
        };
        customer.check(id, findings);
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
        let Some(customer) = self.customers.get_mut(&id) else { return };
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
            lines.push(Line::new(line, at, findings));
        }
        let invoice = Invoice {
            customer,
            total: i128::from(event.totals.total.0),
            generated: i128::from(event.credit_generated.0),
            applied: i128::from(event.credit_applied.0),
            paid: 0,
            credited: 0,
            voided: false,
            lines,
        };
        self.count_open(customer, invoice.open());
        self.invoices.insert(id, invoice);
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
        self.credit(customer, event.credit_generated);
        self.debit(customer, event.credit_applied);
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
        let parts = [event.receivable, event.credit_returned, event.credit_withdrawn];
        let stated = parts.map(|part| i128::from(part.0));
        let mut undone = Vec::new();
        self.invoice(id, findings, |invoice, findings| {
            let actual = [invoice.open(), invoice.applied, invoice.generated];
            findings.check(Law::Settlement, !invoice.voided, || format!("{id} is voided twice"));
            findings.check(Law::Settlement, stated == actual, || {
                format!(
                    "voiding {id} undoes {stated:?} (owed, credit used and made), not {actual:?}"
                )
            });
            findings.check(Law::Settlement, invoice.paid == 0, || {
                format!("{id} is voided with {} paid", invoice.paid)
            });
            invoice.voided = true;
            let credited = invoice.lines.iter().map(|line| (line.credits, line.gross));
            undone.extend(credited.filter_map(|(line, gross)| Some((line?, gross))));
        });
        for (target, gross) in undone {
            self.line(target, findings, |line| line.credit(0, gross));
        }
        self.reverse(id, event.posting_date, &event.lines, posted, findings);
        self.credit(customer, event.credit_returned);
        self.debit(customer, event.credit_withdrawn);
    }

    fn noted(
        &mut self,
        customer: CustomerId,
        event: &CreditNoteIssued,
        posted: &Posted,
        findings: &mut Findings,
    ) {
        self.own(customer, event.invoice, findings);
        self.invoice(event.invoice, findings, |invoice, _| {
            invoice.credited += i128::from(event.total.0);
        });
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

    fn received(&mut self, id: CustomerId, event: &PaymentRecorded, findings: &mut Findings) {
        self.payments.insert(event.payment, i128::from(event.amount.minor().0));
        self.allocate(id, &event.allocations, findings, |invoice, part| invoice.paid += part);
        self.credit(id, event.to_credit);
    }

    fn taken_back(&mut self, id: CustomerId, event: &PaymentReversed, findings: &mut Findings) {
        let left = self.payments.get(&event.payment).copied().unwrap_or_default();
        findings.check(Law::Payments, left == i128::from(event.amount.minor().0), || {
            format!("{} has {left} left, but {} is taken back", event.payment, event.amount)
        });
        self.give_back(event.payment, event.amount.minor(), findings);
        self.allocate(id, &event.reopened, findings, |invoice, part| invoice.paid -= part);
        self.allocate(id, &event.credit_unapplied, findings, |invoice, part| {
            invoice.applied -= part;
        });
        event.credit_unapplied.iter().for_each(|part| self.credit(id, part.amount));
        self.debit(id, event.credit_withdrawn);
    }

    fn refunded(&mut self, id: CustomerId, event: &PaymentRefunded, findings: &mut Findings) {
        self.give_back(event.payment, event.amount.minor(), findings);
        self.allocate(id, &event.reopened, findings, |invoice, part| invoice.paid -= part);
        self.debit(id, event.from_credit);
    }

    fn give_back(&mut self, payment: PaymentId, amount: Minor, findings: &mut Findings) {
        let Some(left) = self.payments.get_mut(&payment) else {
            findings.check(Law::References, false, || format!("{payment} was never recorded"));
            return;
        };
        *left -= i128::from(amount.0);
        findings.check(Law::Payments, *left >= 0, || {
            format!("{payment} gives back {} more than it brought", -*left)
        });
    }

    fn allocate(
        &mut self,
        customer: CustomerId,
        parts: &[Allocation],
        findings: &mut Findings,
        change: impl Fn(&mut Invoice, i128),
    ) {
        for part in parts {
            self.own(customer, part.invoice, findings);
            findings.check(Law::Settlement, part.amount.is_positive(), || {
                format!("{} is allocated to {}", part.amount, part.invoice)
            });
            self.invoice(part.invoice, findings, |invoice, _| {
                change(invoice, i128::from(part.amount.0));
            });
        }
    }

    /// An invoice is only touched from its own customer's stream.
    fn own(&mut self, customer: CustomerId, id: InvoiceId, findings: &mut Findings) {
        let owner = self.invoices.get(&id).map(|invoice| invoice.customer);
        findings.check(Law::References, owner.is_none_or(|owner| owner == customer), || {
            format!("{id} is not an invoice of {customer}")
        });
    }

    /// Changes an invoice and counts what that does to the sums of what is owed.
    fn invoice(
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
        let (customer, difference) = (invoice.customer, invoice.open() - before);
        self.count_open(customer, difference);
        self.touched_invoices.push(id);
    }

    fn line(&mut self, at: LineRef, findings: &mut Findings, change: impl FnOnce(&mut Line)) {
        match line_of(&mut self.invoices, at) {
            Some(line) => change(line),
            None => findings.check(Law::References, false, || format!("{} is unknown", shown(at))),
        }
        self.touched_lines.push(at);
    }

    fn count_open(&mut self, customer: CustomerId, difference: i128) {
        if let Some(customer) = self.customers.get_mut(&customer) {
            customer.open += difference;
            self.books.entry(customer.currency).or_default().open += difference;
        }
    }

    fn credit(&mut self, customer: CustomerId, amount: Minor) {
        self.count_credit(customer, i128::from(amount.0));
    }

    fn debit(&mut self, customer: CustomerId, amount: Minor) {
        self.count_credit(customer, -i128::from(amount.0));
    }

    fn count_credit(&mut self, customer: CustomerId, difference: i128) {
        if let Some(customer) = self.customers.get_mut(&customer) {
            customer.credit += difference;
            self.books.entry(customer.currency).or_default().credit += difference;
        }
    }
}

fn line_of(invoices: &mut BTreeMap<InvoiceId, Invoice>, at: LineRef) -> Option<&mut Line> {
    let index = usize::try_from(at.line.checked_sub(1)?).ok()?;
    invoices.get_mut(&at.invoice)?.lines.get_mut(index)
}
