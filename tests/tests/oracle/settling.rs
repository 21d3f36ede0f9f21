//! The oracle settles: payments, refunds, credit notes, voids. Invoices are named by place.

use schemas::ids::PaymentId;

use crate::model::{At, Customer, Lot, Origin, Part, Payment, Refused, Source};
use crate::rational::share_out;

/// What a refund does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Reopen,
    CreditNote,
    CustomerCredit,
}

impl Customer {
    pub(crate) fn grant(&mut self, amount: i128, day: i64) -> Result<(), Refused> {
        if amount <= 0 {
            return Err("not positive");
        }
        self.lots.push(Lot { origin: Origin::Grant, day, left: amount });
        Ok(())
    }

    fn put(&mut self, lot: usize, invoice: usize, amount: i128, direct: bool) {
        if amount > 0 {
            self.lots[lot].left -= amount;
            self.invoices[invoice].parts.push(Part { lot, amount, direct });
        }
    }

    /// Lots by age: by day, then as they came.
    fn oldest_lots(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.lots.len()).collect();
        order.sort_by_key(|at| (self.lots[*at].day, *at));
        order
    }

    /// Credit pays an invoice, the oldest first.
    pub(crate) fn use_credit(&mut self, invoice: usize) {
        for lot in self.oldest_lots() {
            let amount = self.invoices[invoice].open().min(self.lots[lot].left);
            self.put(lot, invoice, amount, false);
        }
    }

    /// Nothing is open beside credit: that of an invoice below zero pays the invoices that this
    /// credits, then all of it the oldest due.
    pub(crate) fn sweep(&mut self) {
        for lot in self.oldest_lots() {
            let Origin::Invoice(from) = self.lots[lot].origin else { continue };
            for place in self.oldest_due() {
                let mut lines = self.invoices[from].lines.iter();
                if lines.any(|line| line.credits.is_some_and(|(at, _)| at == place)) {
                    let amount = self.invoices[place].open().min(self.lots[lot].left);
                    self.put(lot, place, amount, false);
                }
            }
        }
        for place in self.oldest_due() {
            self.use_credit(place);
        }
    }

    fn oldest_due(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.invoices.len()).collect();
        order.sort_by_key(|at| (self.invoices[*at].due, *at));
        order
    }

    /// Records a payment, allocated as told or oldest first. Invoices that were posted later it
    /// pays as credit.
    pub(crate) fn pay(
        &mut self,
        id: PaymentId,
        amount: i128,
        told: Option<&[(usize, i128)]>,
        day: i64,
    ) -> Result<(), Refused> {
        if amount <= 0 {
            return Err("not positive");
        }
        let allocations = match told {
            Some(told) => self.check_told(amount, told)?,
            None => self.oldest_first(amount),
        };
        let lot = self.lots.len();
        self.lots.push(Lot { origin: Origin::Payment, day, left: amount });
        for (invoice, part) in &allocations {
            self.put(lot, *invoice, *part, self.invoices[*invoice].posted <= day);
        }
        self.payments.insert(id, Payment { lot, day, amount, refunded: 0, reversed: false });
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
        let mut left = amount;
        let mut parts = Vec::new();
        for at in self.oldest_due() {
            let part = self.invoices[at].open().min(left);
            if part > 0 {
                parts.push((at, part));
                left -= part;
            }
        }
        parts
    }

    fn live_payment(&self, id: PaymentId, day: i64) -> Result<Payment, Refused> {
        let payment = *self.payments.get(&id).ok_or("unknown payment")?;
        if payment.reversed {
            return Err("reversed already");
        }
        if day < payment.day { Err("before the payment") } else { Ok(payment) }
    }

    fn payment_mut(&mut self, id: PaymentId) -> &mut Payment {
        self.payments.get_mut(&id).expect("it was just found")
    }

    /// Takes back all that a payment has left, wherever it is.
    pub(crate) fn reverse(&mut self, id: PaymentId, day: i64) -> Result<(), Refused> {
        let payment = self.live_payment(id, day)?;
        if payment.amount == payment.refunded {
            return Err("nothing left");
        }
        for invoice in &mut self.invoices {
            invoice.parts.retain(|part| part.lot != payment.lot);
        }
        self.lots[payment.lot].left = 0;
        self.payment_mut(id).reversed = true;
        Ok(())
    }

    /// Up to so much of what a payment pays, the last invoice first: what it settled when it was
    /// recorded, then what its credit paid later.
    fn undo(&mut self, lot: usize, amount: i128) -> Vec<(usize, i128, bool)> {
        let mut left = amount;
        let mut undone = Vec::new();
        for direct in [true, false] {
            for place in (0..self.invoices.len()).rev() {
                let parts = &mut self.invoices[place].parts;
                for part in parts.iter_mut().rev() {
                    if part.lot != lot || part.direct != direct {
                        continue;
                    }
                    let taken = left.min(part.amount);
                    part.amount -= taken;
                    left -= taken;
                    if taken > 0 {
                        undone.push((place, taken, direct));
                    }
                }
                parts.retain(|part| part.amount > 0);
            }
        }
        undone
    }

    pub(crate) fn refund(
        &mut self,
        id: PaymentId,
        amount: i128,
        effect: Effect,
        day: i64,
    ) -> Result<(), Refused> {
        let payment = *self.payments.get(&id).ok_or("unknown payment")?;
        if payment.reversed {
            return Err("reversed already");
        }
        if amount <= 0 || amount > payment.amount - payment.refunded {
            return Err("more than the payment has left");
        }
        self.live_payment(id, day)?;
        self.payment_mut(id).refunded += amount;
        if effect == Effect::CustomerCredit {
            return self.refund_credit(payment.lot, amount);
        }
        let undone = self.undo(payment.lot, amount);
        if undone.iter().map(|(_, part, _)| part).sum::<i128>() < amount {
            return Err("more than lies on invoices");
        }
        if effect == Effect::CreditNote {
            let mut notes: Vec<(usize, i128)> = Vec::new();
            for (place, part, _) in undone {
                match notes.iter_mut().find(|(known, _)| *known == place) {
                    Some((_, sum)) => *sum += part,
                    None => notes.push((place, part)),
                }
            }
            for (place, part) in notes {
                self.note(place, part, day)?;
            }
        }
        Ok(())
    }

    /// Takes the payment's own credit; beyond that, credit of invoices below zero takes its place.
    fn refund_credit(&mut self, lot: usize, amount: i128) -> Result<(), Refused> {
        let own = self.lots[lot].left.min(amount);
        self.lots[lot].left -= own;
        let mut missing = amount - own;
        for (place, part, _) in self.undo(lot, missing) {
            let mut part = part;
            for other in self.oldest_lots() {
                let used = part.min(self.lots[other].left);
                if matches!(self.lots[other].origin, Origin::Invoice(_)) {
                    self.put(other, place, used, false);
                    part -= used;
                    missing -= used;
                }
            }
        }
        if missing > 0 { Err("more than its credit") } else { Ok(()) }
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
        if invoice.voided || invoice.parts.iter().any(|part| part.direct) || invoice.has_notes {
            return Err("something stands on it");
        }
        let made = self.lots.iter().position(|lot| lot.origin == Origin::Invoice(place));
        let is_used = made.is_some_and(|lot| self.lots[lot].left < invoice.generated);
        if is_used || day < invoice.posted {
            return Err("its credit is used, or it is too early");
        }
        let credited =
            |line: &crate::model::Line| line.credits.is_some_and(|(target, _)| target == place);
        let live = self.invoices.iter().filter(|invoice| !invoice.voided);
        if live.flat_map(|invoice| &invoice.lines).any(credited) {
            return Err("a later invoice credits it");
        }
        for part in &invoice.parts {
            self.lots[part.lot].left += part.amount;
        }
        if let Some(lot) = made {
            self.lots[lot].left = 0;
        }
        let lines = invoice.lines.clone();
        self.invoices[place].parts.clear();
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
