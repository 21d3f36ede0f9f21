//! Who pays, how much and when; what is paid back, reversed and voided.

use schemas::command::{
    Allocate, AllocationRequest, RecordPayment, RefundEffect, RefundPayment, ReversePayment,
    VoidInvoice,
};
use schemas::ids::{PaymentId, RefundId};
use schemas::{Date, Minor};

use super::{Bill, Habit, Paid, Planned, Play, Promise, label};

/// A payment that is taken back may be gone already, and its invoice be credited by a change.
const GONE: &[&str] = &[
    "unknown_payment",
    "payment_reversed",
    "nothing_left_of_payment",
    "refund_exceeds_payment",
    "refund_exceeds_allocated",
    "refund_exceeds_credit",
    "refund_exceeds_kept",
    "credit_consumed",
    "credit_exceeds_invoice",
];
/// An invoice that is voided may have been settled meanwhile.
const SETTLED: &[&str] =
    &["invoice_has_payments", "invoice_line_credited", "invoice_voided", "credit_consumed"];

impl Play {
    /// Takes note of new invoices and decides how each will be paid.
    pub fn learn(&mut self, today: Date, bills: &[Bill]) {
        for bill in bills.iter().filter(|bill| bill.open.minor().is_positive()) {
            let habit = self.buyers.iter().find(|buyer| buyer.id == bill.customer);
            let habit = habit.map_or(Habit::Prompt, |buyer| buyer.habit);
            self.promise(today, bill, habit);
        }
    }

    fn promise(&mut self, today: Date, bill: &Bill, habit: Habit) {
        let before = u32::try_from(bill.due_date.days_since(today)).unwrap_or(0);
        let (parts, first, named) = match habit {
            Habit::Prompt => (1, self.chance.below(before.max(1)), self.chance.in_thousand(300)),
            Habit::Late => (1, before + self.chance.between(3, 70), false),
            Habit::InParts => (self.chance.between(2, 3), before, false),
            Habit::TooMuch => (1, self.chance.below(before.max(1)), false),
            Habit::Seldom if self.chance.in_thousand(600) => {
                self.unpaid.push((bill.customer, bill.invoice));
                return;
            }
            Habit::Seldom => (1, before + self.chance.between(40, 120), false),
        };
        let surplus = match habit {
            Habit::TooMuch => bill.open.minor().0 * i64::from(self.chance.between(5, 40)) / 100,
            Habit::Prompt | Habit::Late | Habit::InParts | Habit::Seldom => 0,
        };
        let mut left = bill.open.minor().0;
        for part in 0..parts {
            let share = left / i64::from(parts - part);
            left -= share;
            let amount = Minor(share + surplus).of(bill.open.currency());
            let days = i32::try_from(first + part * 25).unwrap_or(0);
            let Ok(on) = today.plus_days(days) else { return };
            self.promises.push(Promise {
                on,
                customer: bill.customer,
                invoice: bill.invoice,
                amount,
                surplus: Minor(surplus),
                named,
            });
        }
    }

    /// Who pays on the day, and what is refunded, reversed or voided.
    pub fn settlement(&mut self, today: Date) -> Vec<Planned> {
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.promises).into_iter().partition(|promise| promise.on <= today);
        self.promises = later;
        let mut planned = Vec::new();
        for promise in due.into_iter().filter(|promise| promise.amount.minor().is_positive()) {
            planned.push(self.pay(&promise));
        }
        for _ in 0..self.payments.len().div_ceil(400).min(4) {
            planned.push(self.give_back());
        }
        if !self.unpaid.is_empty() && self.chance.in_thousand(350) {
            planned.push(self.void());
        }
        planned
    }

    fn pay(&mut self, promise: &Promise) -> Planned {
        let payment = PaymentId::new(self.mint());
        let (customer, amount) = (promise.customer, promise.amount);
        let to = AllocationRequest { invoice: promise.invoice, amount };
        let command = RecordPayment {
            customer,
            payment,
            amount,
            external_id: None,
            method: Some(
                self.chance.one_of(&["card", "transfer"]).parse().expect("written here as a code"),
            ),
            allocate: promise.named.then(|| Allocate::To(vec![to])),
        };
        self.payments.push(Paid { customer, payment, amount, surplus: promise.surplus });
        // An invoice that was named may have been settled, credited or voided meanwhile.
        let refusals: &[&str] = if promise.named {
            &["allocation_exceeds_open", "invoice_voided", "unknown_invoice"]
        } else {
            &[]
        };
        Planned { refusals, ..self.must(command.into(), None) }
    }

    /// Takes one of the latest payments back, or pays some of it back.
    fn give_back(&mut self) -> Planned {
        let recent = u32::try_from(self.payments.len().min(300)).unwrap_or(300);
        let at = self.payments.len() - 1 - self.chance.below(recent) as usize;
        let paid = self.payments.swap_remove(at);
        let (customer, payment) = (paid.customer, paid.payment);
        if self.chance.in_thousand(300) {
            let reason = label("The bank took the payment back").into();
            let command = ReversePayment { customer, payment, reason };
            return Planned { refusals: GONE, ..self.must(command.into(), None) };
        }
        let (effect, most) = if paid.surplus.is_positive() {
            (RefundEffect::CustomerCredit, paid.surplus.0)
        } else if self.chance.in_thousand(500) {
            (RefundEffect::CreditNote(None), paid.amount.minor().0)
        } else {
            (RefundEffect::Reopen, paid.amount.minor().0)
        };
        let share = i64::from(*self.chance.one_of(&[25u32, 50, 100]));
        let amount = Minor((most * share / 100).max(1)).of(paid.amount.currency());
        let refund = RefundId::new(self.mint());
        let reason = label("Refund on request").into();
        let command = RefundPayment { customer, payment, refund, amount, effect, reason };
        Planned { refusals: GONE, ..self.must(command.into(), None) }
    }

    fn void(&mut self) -> Planned {
        let count = u32::try_from(self.unpaid.len()).unwrap_or(u32::MAX);
        let at = self.chance.below(count) as usize;
        let (customer, invoice) = self.unpaid.swap_remove(at);
        let reason = label("Issued in error").into();
        let rebill = self.chance.in_thousand(500);
        let command = VoidInvoice { customer, invoice, reason, rebill };
        Planned { refusals: SETTLED, ..self.must(command.into(), None) }
    }
}
