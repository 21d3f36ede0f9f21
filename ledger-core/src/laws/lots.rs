//! The laws of customer credit: every lot is spent once, in order, and for what it is for.

use std::collections::BTreeMap;

use schemas::Date;
use schemas::event::CreditGranted;
use schemas::ids::CustomerId;
use schemas::terms::{LotRef, LotScope};

use super::findings::Findings;
use super::law::Law;

/// A lot and where it went. Sums are minor units.
#[derive(Debug)]
pub(super) struct Lot {
    pub(super) customer: CustomerId,
    amount: i128,
    /// What lies on invoices.
    on_invoices: i128,
    /// What was paid back, taken back, or has expired.
    gone: i128,
    since: Date,
    last_day: Option<Date>,
    pub(super) scope: LotScope,
}

impl Lot {
    /// What can still be used.
    pub(super) fn left(&self) -> i128 {
        self.amount - self.on_invoices - self.gone
    }

    /// Whether it can surely be used on a day, in whatever zone it is that day.
    pub(super) fn is_usable(&self, day: Date) -> bool {
        self.left() > 0 && self.last_day.is_none_or(|last| day < last)
    }
}

/// What an event does to a lot.
#[derive(Debug, Clone, Copy)]
pub(super) enum Move {
    /// It pays an invoice.
    ToInvoice,
    /// It comes back from an invoice.
    Back,
    /// It is gone: paid back, taken back.
    Away,
    /// Its last day has passed.
    Expiry,
}

/// Every lot of the book.
#[derive(Debug, Default)]
pub(super) struct Lots {
    lots: BTreeMap<LotRef, Lot>,
    touched: Vec<LotRef>,
}

impl Lots {
    pub(super) fn get(&self, lot: LotRef) -> Option<&Lot> {
        self.lots.get(&lot)
    }

    /// A payment or an invoice below zero made a lot.
    pub(super) fn make(&mut self, customer: CustomerId, lot: LotRef, amount: i128, since: Date) {
        let (on_invoices, gone, last_day, scope) = (0, 0, None, LotScope::Customer);
        let made = Lot { customer, amount, on_invoices, gone, since, last_day, scope };
        self.lots.insert(lot, made);
    }

    /// A grant did.
    pub(super) fn grant(&mut self, customer: CustomerId, granted: &CreditGranted) {
        let lot = LotRef::Grant(granted.grant);
        self.make(customer, lot, granted.amount.minor().0.into(), granted.posting_date);
        if let Some(made) = self.lots.get_mut(&lot) {
            (made.last_day, made.scope) = (granted.expires, granted.scope);
        }
    }

    /// Moves a part of a lot on a day; by how much what is left of it changed.
    pub(super) fn go(
        &mut self,
        customer: CustomerId,
        (lot, amount): (LotRef, i128),
        how: Move,
        day: Date,
        findings: &mut Findings,
    ) -> i128 {
        let Some(found) = self.lots.get_mut(&lot).filter(|found| found.customer == customer) else {
            findings.check(Law::References, false, || format!("{customer} has no credit of {lot}"));
            return 0;
        };
        self.touched.push(lot);
        findings.check(Law::Lots, amount > 0, || format!("{amount} of {lot} is moved"));
        // What comes back was used, so it is there; a backdated document may give it back earlier.
        let is_back = match how {
            Move::Back => true,
            Move::ToInvoice | Move::Away | Move::Expiry => false,
        };
        findings.check(Law::SettlementDates, is_back || day >= found.since, || {
            format!("{lot} is there since {}, and used on {day}", found.since)
        });
        let last = found.last_day;
        match how {
            Move::ToInvoice => {
                findings.check(Law::Lots, last.is_none_or(|last| day <= last), || {
                    format!("{lot} pays an invoice on {day}, after its last day")
                });
                found.on_invoices += amount;
                -amount
            }
            Move::Back => {
                found.on_invoices -= amount;
                amount
            }
            Move::Away => {
                found.gone += amount;
                -amount
            }
            Move::Expiry => {
                findings.check(Law::Lots, last.is_some_and(|last| last < day), || {
                    format!("{lot} expires on {day}, and its last day is {last:?}")
                });
                found.gone += amount;
                -amount
            }
        }
    }

    /// Checks the lots that the commit moved.
    pub(super) fn close_commit(&mut self, findings: &mut Findings) {
        self.touched.sort_unstable();
        self.touched.dedup();
        for id in self.touched.drain(..) {
            let Some(lot) = self.lots.get(&id) else { continue };
            let parts = [lot.on_invoices, lot.gone, lot.left()];
            findings.check(Law::Lots, parts.iter().all(|part| *part >= 0), || {
                format!("{id} of {} lies {parts:?} on invoices, gone, and left", lot.amount)
            });
        }
    }
}
