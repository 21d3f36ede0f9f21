//! The laws of money: payments and lots of credit, on invoices and off them.

use schemas::event::{
    Allocation, CreditApplied, LotReturn, PaymentRecorded, PaymentRefunded, PaymentReversed,
};
use schemas::ids::{CustomerId, InvoiceId, PaymentId};
use schemas::terms::{CreditTarget, LotRef, LotScope};
use schemas::{Date, Minor, Timestamp};

use super::balances::Customer;
use super::findings::Findings;
use super::law::Law;
use super::lots::Move;
use super::settlement::Settlement;

impl Settlement {
    pub(super) fn received(
        &mut self,
        id: CustomerId,
        event: &PaymentRecorded,
        findings: &mut Findings,
    ) {
        let (lot, amount) = (LotRef::Payment(event.payment), event.amount.minor().0);
        self.payments.insert(event.payment, i128::from(amount));
        self.lots.make(id, lot, amount.into(), event.posting_date);
        self.count_left(id, lot, amount.into());
        for part in &event.allocations {
            let (invoice, part) = (part.invoice, (lot, part.amount, true));
            self.put(id, part, invoice, event.posting_date, findings);
        }
    }

    pub(super) fn taken_back(
        &mut self,
        id: CustomerId,
        event: &PaymentReversed,
        findings: &mut Findings,
    ) {
        let amount = event.amount.minor();
        let left = self.payments.get(&event.payment).copied();
        findings.check(Law::Payments, left.is_none_or(|left| left == i128::from(amount.0)), || {
            format!("{} has {left:?} left, but {} is taken back", event.payment, event.amount)
        });
        self.give_back(event.payment, amount, findings);
        let day = event.posting_date;
        let undone = (event.reopened.as_slice(), event.credit_unapplied.as_slice());
        self.undo(id, event.payment, undone, day, findings);
        self.go(id, (LotRef::Payment(event.payment), amount), Move::Away, day, findings);
    }

    pub(super) fn refunded(
        &mut self,
        id: CustomerId,
        event: &PaymentRefunded,
        findings: &mut Findings,
    ) {
        let (lot, amount) = (LotRef::Payment(event.payment), event.amount.minor());
        self.give_back(event.payment, amount, findings);
        let day = event.posting_date;
        let undone = (event.reopened.as_slice(), event.credit_unapplied.as_slice());
        self.undo(id, event.payment, undone, day, findings);
        for swap in &event.swapped {
            let back = LotReturn { lot, amount: swap.amount, direct: swap.direct };
            self.take_off(id, swap.invoice, &[back], day, findings);
            self.put(id, (swap.lot, swap.amount, false), swap.invoice, day, findings);
        }
        self.go(id, (lot, amount), Move::Away, day, findings);
    }

    pub(super) fn applied(
        &mut self,
        id: CustomerId,
        event: &CreditApplied,
        findings: &mut Findings,
    ) {
        self.applied_parts += event.parts.len();
        for part in &event.parts {
            let (invoice, day) = (part.invoice, event.posting_date);
            self.put(id, (part.lot, part.amount, false), invoice, day, findings);
            self.invoice(invoice, findings, |invoice, _| invoice.held = false);
        }
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

    /// What a payment settled, and what its credit paid later, is taken off invoices.
    fn undo(
        &mut self,
        customer: CustomerId,
        payment: PaymentId,
        (reopened, unapplied): (&[Allocation], &[Allocation]),
        day: Date,
        findings: &mut Findings,
    ) {
        let lot = LotRef::Payment(payment);
        for (parts, direct) in [(reopened, true), (unapplied, false)] {
            for part in parts {
                let back = LotReturn { lot, amount: part.amount, direct };
                self.take_off(customer, part.invoice, &[back], day, findings);
            }
        }
    }

    /// A part of a lot pays an invoice.
    pub(super) fn put(
        &mut self,
        customer: CustomerId,
        (lot, amount, direct): (LotRef, Minor, bool),
        id: InvoiceId,
        day: Date,
        findings: &mut Findings,
    ) {
        self.own(customer, id, findings);
        findings.check(Law::Settlement, amount.is_positive(), || format!("{amount} pays {id}"));
        self.go(customer, (lot, amount), Move::ToInvoice, day, findings);
        self.invoice(id, findings, |invoice, findings| {
            findings.check(Law::SettlementDates, invoice.booked <= day, || {
                format!("{id} of {} is paid on {day}", invoice.booked)
            });
            invoice.change((lot, direct), amount.0.into());
        });
    }

    /// Parts of lots go back from an invoice.
    pub(super) fn take_off(
        &mut self,
        customer: CustomerId,
        id: InvoiceId,
        parts: &[LotReturn],
        day: Date,
        findings: &mut Findings,
    ) {
        for part in parts {
            self.own(customer, id, findings);
            self.go(customer, (part.lot, part.amount), Move::Back, day, findings);
            self.invoice(id, findings, |invoice, findings| {
                findings.check(Law::SettlementDates, invoice.booked <= day, || {
                    format!("{id} of {} is reopened on {day}", invoice.booked)
                });
                invoice.change((part.lot, part.direct), -i128::from(part.amount.0));
            });
        }
    }

    /// Moves a part of a lot, and counts what is left of it.
    pub(super) fn go(
        &mut self,
        customer: CustomerId,
        (lot, amount): (LotRef, Minor),
        how: Move,
        day: Date,
        findings: &mut Findings,
    ) {
        let change = self.lots.go(customer, (lot, amount.0.into()), how, day, findings);
        self.count_left(customer, lot, change);
    }

    /// Where credit pays what is open by itself, none is left that could.
    pub(super) fn check_nothing_beside(
        &self,
        customer: &Customer,
        recorded_at: Timestamp,
        findings: &mut Findings,
    ) {
        match self.target {
            Some(CreditTarget::CreditedFirst | CreditTarget::OldestOpen) => {}
            Some(CreditTarget::Lot) | None => return,
        }
        let Some(today) = utc_day(recorded_at) else { return };
        for id in &customer.open_invoices {
            let Some(invoice) = self.invoices.get(id).filter(|invoice| !invoice.held) else {
                continue;
            };
            for lot in &customer.unspent {
                let Some(found) = self.lots.get(*lot).filter(|found| found.is_usable(today)) else {
                    continue;
                };
                let pays = match found.scope {
                    LotScope::Customer => true,
                    LotScope::Subscription(of) => invoice.room(of, &self.lots) > 0,
                };
                findings.check(Law::OpenBesideCredit, !pays, || {
                    format!(
                        "{} of {id} is open, and {} of {lot} left",
                        invoice.open(),
                        found.left()
                    )
                });
            }
        }
    }
}

/// The day in UTC.
fn utc_day(at: Timestamp) -> Option<Date> {
    Date::from_days(i32::try_from(at.micros().div_euclid(86_400_000_000)).ok()?)
}
