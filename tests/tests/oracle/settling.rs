//! The oracle settles: payments, refunds, credit notes, voids. Invoices are named by place.

use schemas::ids::PaymentId;

use crate::model::{At, Customer, Payment, Refused, Source};
use crate::rational::share_out;

/// What a refund does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Reopen,
    CreditNote,
    CustomerCredit,
}

impl Customer {
    pub(crate) fn grant(&mut self, amount: i128) -> Result<(), Refused> {
        if amount <= 0 {
            return Err("not positive");
        }
        self.credit += amount;
        Ok(())
    }

    /// Records a payment, allocated as told or oldest first.
    pub(crate) fn pay(
        &mut self,
        id: PaymentId,
        amount: i128,
        told: Option<&[(usize, i128)]>,
    ) -> Result<(), Refused> {
        if amount <= 0 {
            return Err("not positive");
        }
        let allocations = match told {
            Some(told) => self.check_told(amount, told)?,
            None => self.oldest_first(amount),
        };
        for (invoice, part) in &allocations {
            self.invoices[*invoice].paid += part;
        }
        let credit = amount - allocations.iter().map(|(_, part)| part).sum::<i128>();
        self.credit += credit;
        let payment = Payment { amount, refunded: 0, allocations, credit, reversed: false };
        self.payments.insert(id, payment);
        Ok(())
    }

    fn check_told(
        &self,
        amount: i128,
        told: &[(usize, i128)],
    ) -> Result<Vec<(usize, i128)>, Refused> {
        for (index, (invoice, part)) in told.iter().enumerate() {
            if *part <= 0 || told[..index].iter().any(|(other, _)| other == invoice) {
                return Err("allocation");
            }
            if self.invoices[*invoice].voided || *part > self.invoices[*invoice].open() {
                return Err("more than is open");
            }
        }
        let sum: i128 = told.iter().map(|(_, part)| part).sum();
        if sum > amount { Err("over-allocated") } else { Ok(told.to_vec()) }
    }

    fn oldest_first(&self, amount: i128) -> Vec<(usize, i128)> {
        let mut order: Vec<usize> = (0..self.invoices.len()).collect();
        order.sort_by_key(|at| (self.invoices[*at].due, *at));
        let mut left = amount;
        let mut parts = Vec::new();
        for at in order {
            let part = self.invoices[at].open().min(left);
            if part > 0 {
                parts.push((at, part));
                left -= part;
            }
        }
        parts
    }

    fn live_payment(&mut self, id: PaymentId) -> Result<&mut Payment, Refused> {
        let payment = self.payments.get_mut(&id).ok_or("unknown payment")?;
        if payment.reversed { Err("reversed already") } else { Ok(payment) }
    }

    /// Takes back all that a payment has left.
    pub(crate) fn reverse(&mut self, id: PaymentId) -> Result<(), Refused> {
        let payment = self.live_payment(id)?;
        if payment.amount == payment.refunded {
            return Err("nothing left");
        }
        let withdrawn = payment.credit;
        payment.reversed = true;
        payment.credit = 0;
        for (invoice, part) in std::mem::take(&mut payment.allocations) {
            self.invoices[invoice].paid -= part;
        }
        self.credit -= withdrawn;
        // Credit that is used up comes back off the invoices that used it, last first.
        for invoice in self.invoices.iter_mut().rev().filter(|invoice| !invoice.voided) {
            let part = invoice.applied.min(-self.credit).max(0);
            invoice.applied -= part;
            self.credit += part;
        }
        Ok(())
    }

    pub(crate) fn refund(
        &mut self,
        id: PaymentId,
        amount: i128,
        effect: Effect,
        day: i64,
    ) -> Result<(), Refused> {
        let credit = self.credit;
        let payment = self.live_payment(id)?;
        if amount <= 0 || amount > payment.amount - payment.refunded {
            return Err("more than the payment has left");
        }
        if effect == Effect::CustomerCredit {
            if amount > payment.credit.min(credit) {
                return Err("more than its credit");
            }
            payment.credit -= amount;
            payment.refunded += amount;
            self.credit -= amount;
            return Ok(());
        }
        let mut left = amount;
        let mut undone = Vec::new();
        for (invoice, allocated) in payment.allocations.iter_mut().rev() {
            let part = left.min(*allocated);
            *allocated -= part;
            left -= part;
            if part > 0 {
                undone.push((*invoice, part));
            }
        }
        if left > 0 {
            return Err("more than lies on invoices");
        }
        payment.allocations.retain(|(_, part)| *part > 0);
        payment.refunded += amount;
        for (invoice, part) in undone {
            self.invoices[invoice].paid -= part;
            if effect == Effect::CreditNote {
                self.note(invoice, part, day)?;
            }
        }
        Ok(())
    }

    /// A credit note: an amount shared over what is left of the positive lines.
    fn note(&mut self, invoice: usize, amount: i128, day: i64) -> Result<(), Refused> {
        let invoice = &mut self.invoices[invoice];
        if day < invoice.posted {
            return Err("before the invoice");
        }
        let open: Vec<usize> =
            (0..invoice.lines.len()).filter(|at| invoice.lines[*at].left() > 0).collect();
        let weights: Vec<i128> = open.iter().map(|at| invoice.lines[*at].left()).collect();
        if amount > weights.iter().sum() {
            return Err("more than is left of the invoice");
        }
        for (at, part) in open.into_iter().zip(share_out(amount, &weights)) {
            invoice.lines[at].noted += part;
        }
        invoice.noted += amount;
        invoice.has_notes = true;
        Ok(())
    }

    pub(crate) fn void(&mut self, place: usize, rebill: bool, day: i64) -> Result<(), Refused> {
        let invoice = &self.invoices[place];
        if invoice.voided || invoice.paid > 0 || invoice.has_notes {
            return Err("something stands on it");
        }
        if invoice.generated > self.credit || day < invoice.posted {
            return Err("its credit is used, or it is too early");
        }
        let credited =
            |line: &crate::model::Line| line.credits.is_some_and(|(target, _)| target == place);
        let live = self.invoices.iter().filter(|invoice| !invoice.voided);
        if live.flat_map(|invoice| &invoice.lines).any(credited) {
            return Err("a later invoice credits it");
        }
        self.credit += invoice.applied - invoice.generated;
        let lines = invoice.lines.clone();
        self.invoices[place].voided = true;
        for line in lines {
            match (line.source, line.credits) {
                (Source::Cycle(..), Some(at)) => self.undo_credit(at, &line, rebill),
                (Source::Cycle(id, cycle), None) if !rebill => {
                    let subscription = self.subscriptions.get_mut(&id).expect("it was billed");
                    subscription.cycles[cycle].waived.extend(&line.live);
                }
                (Source::Cycle(..), None) => {}
                (Source::Charge(id), _) => {
                    let charge = self.charged.remove(&id);
                    self.pending.extend(charge.filter(|_| rebill));
                }
            }
        }
        Ok(())
    }

    /// The credited line counts whole again; its days are looked at again only if asked for.
    fn undo_credit(&mut self, at: At, credit: &crate::model::Line, rebill: bool) {
        let credited = self.line_mut(at);
        credited.credited += credit.net();
        if rebill {
            credited.live.extend(&credit.days);
            credited.credited_days -= i128::try_from(credit.days.len()).expect("few");
        }
    }
}
