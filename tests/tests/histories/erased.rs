//! What comes after a history: everything ends and is paid, and whoever can be erased is.

use schemas::command::{
    BillingCommand, CustomerCommand, EraseCustomer, InvoiceNow, PayOutCredit, RefundEffect,
    RefundPayment,
};
use schemas::event::CustomerErased;
use schemas::ids::{CustomerId, RefundId};
use schemas::terms::LotRef;
use schemas::{Command, Event, Rejection};

use crate::moves::{Move, Then};
use crate::play::{Game, text};

impl Game {
    /// Ends every subscription now.
    pub(crate) fn end_all(&mut self) {
        for subscription in 0..self.subscriptions.len() {
            let end = Move::Cancel { subscription, when: Then::Now, credit: None, back: 0 };
            self.step(&end, false);
        }
    }

    /// Ends, bills and settles everything, then erases customer after customer. A parent goes
    /// before its children or after them, as they come.
    pub(crate) fn erase_all(&mut self) {
        self.end_all();
        self.bill_all();
        for (number, customer) in self.customers.clone().into_iter().enumerate() {
            if self.owed(customer) > 0 {
                self.step(&Move::Pay { customer: number, percent: 100, back: 0 }, false);
            }
            self.pay_back(customer);
            self.erase(customer);
        }
    }

    /// What a customer has paid and not used goes back to it.
    fn pay_back(&mut self, customer: CustomerId) {
        let account = self.kept.ledger.customer(customer).expect("it was registered");
        let (left, currency) = (account.lots().collect::<Vec<_>>(), account.currency());
        for (lot, amount) in left {
            let (refund, reason) = (RefundId::new(self.id()), text("it leaves"));
            let amount = amount.of(currency);
            let command: Command = match lot {
                LotRef::Payment(payment) => {
                    let effect = RefundEffect::CustomerCredit;
                    RefundPayment { customer, payment, refund, amount, effect, reason }.into()
                }
                LotRef::Grant(_) | LotRef::Invoice(_) | LotRef::CreditNote(_) => {
                    PayOutCredit { customer, refund, lot, amount: None, reason }.into()
                }
            };
            let stamp = self.stamp(0);
            // What was given and not paid stays on the books.
            let _ = self.submit(&command, &stamp);
        }
    }

    fn erase(&mut self, customer: CustomerId) {
        let reason = text("asked for");
        let erase = EraseCustomer { customer, reason, leave_credit: Some(true) };
        let erase = Command::Customer(CustomerCommand::EraseCustomer(erase));
        let stamp = self.stamp(0);
        let erased = match self.submit(&erase, &stamp) {
            Ok(events) => events,
            Err(Rejection::CustomerNotErasable { why, .. }) => {
                return self.count(
                    "not erased",
                    format!("{why:?}").split([' ', '(']).next().unwrap_or_default(),
                );
            }
            Err(other) => panic!("{customer} is not erased: {other}"),
        };
        let until = erased.iter().find_map(Event::get::<CustomerErased>);
        let until = until.expect("it says so").documents_until;
        let has_documents = self.invoices.iter().any(|(of, _)| *of == customer);
        assert!(until.is_some() || !has_documents, "documents are kept");
        self.count("check", "nothing new for who is erased");
        let new = Command::Billing(BillingCommand::InvoiceNow(InvoiceNow {
            customer,
            through: None,
            ahead: None,
            invoice: None,
        }));
        for command in [&erase, &new] {
            let stamp = self.stamp(0);
            let refused = self.kept.decide(command, &stamp);
            assert!(refused.is_err(), "{command:?}: {refused:?}");
        }
    }
}
