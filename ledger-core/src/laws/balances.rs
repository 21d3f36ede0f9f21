//! What is known of one invoice and of one customer, in minor units.

use std::collections::{BTreeMap, BTreeSet};

use schemas::ids::{CustomerId, InvoiceId, SubscriptionId};
use schemas::terms::{LotRef, LotScope};
use schemas::{Currency, Date};

use super::findings::Findings;
use super::law::Law;
use super::lines::Line;
use super::lots::Lots;

/// An invoice and what has settled it.
#[derive(Debug)]
pub(super) struct Invoice {
    pub(super) customer: CustomerId,
    pub(super) booked: Date,
    pub(super) total: i128,
    pub(super) generated: i128,
    /// What of which lot lies on it; whether a payment settled it when it was recorded.
    pub(super) parts: BTreeMap<(LotRef, bool), i128>,
    pub(super) credited: i128,
    /// Credit was taken off it by command and does not pay it by itself.
    pub(super) held: bool,
    pub(super) voided: bool,
    pub(super) lines: Vec<Line>,
}

impl Invoice {
    /// What is still owed on it.
    pub(super) fn open(&self) -> i128 {
        if self.voided {
            return 0;
        }
        self.total + self.generated - self.paid() - self.credited
    }

    /// What lies on it.
    pub(super) fn paid(&self) -> i128 {
        self.parts.values().sum()
    }

    /// More of a lot lies on it, or less.
    pub(super) fn change(&mut self, part: (LotRef, bool), by: i128) {
        let lies = self.parts.entry(part).or_default();
        *lies += by;
        if *lies == 0 {
            self.parts.remove(&part);
        }
    }

    /// What lots for a subscription may still pay of it.
    pub(super) fn room(&self, id: SubscriptionId, lots: &Lots) -> i128 {
        let scope = LotScope::Subscription(id);
        let asked: i128 =
            self.lines.iter().filter(|line| line.of == Some(id)).map(Line::asked).sum();
        let parts = self
            .parts
            .iter()
            .filter(|((lot, _), _)| lots.get(*lot).is_some_and(|found| found.scope == scope));
        asked - parts.map(|(_, amount)| amount).sum::<i128>()
    }

    /// The subscriptions whose credit lies on it.
    pub(super) fn scopes(&self, lots: &Lots) -> BTreeSet<SubscriptionId> {
        let scopes = self.parts.keys().filter_map(|(lot, _)| lots.get(*lot));
        scopes
            .filter_map(|lot| match lot.scope {
                LotScope::Customer => None,
                LotScope::Subscription(id) => Some(id),
            })
            .collect()
    }

    /// It is taken back on a day that is not before its own; all of it where it is voided.
    pub(super) fn check_taken_back(
        &self,
        id: InvoiceId,
        day: Date,
        whole: bool,
        findings: &mut Findings,
    ) {
        findings.check(Law::DocumentDates, self.booked <= day, || {
            format!("{id} of {} is taken back on {day}", self.booked)
        });
        let left = (1_u32..).zip(&self.lines).find(|(_, line)| whole && line.asked() != 0);
        findings.check(Law::Totals, left.is_none(), || {
            let (number, left) = left.map_or((0, 0), |(number, line)| (number, line.asked()));
            format!("{id} is voided, and {left} of line {number} is left")
        });
    }

    pub(super) fn check(&self, id: InvoiceId, lots: &Lots, findings: &mut Findings) {
        let sums = [self.paid(), self.credited, self.open()];
        let holds = if self.total < 0 {
            self.generated == -self.total && sums == [0; 3]
        } else {
            self.generated == 0 && sums.iter().all(|sum| *sum >= 0)
        };
        let holds = holds && self.parts.values().all(|part| *part > 0);
        findings.check(Law::Settlement, self.voided || holds, || {
            let Self { total, generated, parts, credited, .. } = self;
            format!(
                "{id} has total {total}, credit made {generated}, {parts:?}, credited {credited}"
            )
        });
        for subscription in self.scopes(lots) {
            let room = self.room(subscription, lots);
            findings.check(Law::Lots, room.min(self.paid()) >= 0, || {
                format!("credit for {subscription} pays {} of {id} for others", -room)
            });
        }
    }
}

/// One customer's side of the journal, and the same counted from the events.
#[derive(Debug)]
pub(super) struct Customer {
    pub(super) currency: Currency,
    pub(super) booked_receivable: i128,
    pub(super) booked_credit: i128,
    pub(super) open: i128,
    pub(super) credit: i128,
    pub(super) open_invoices: BTreeSet<InvoiceId>,
    /// Lots of which something is left.
    pub(super) unspent: BTreeSet<LotRef>,
}

impl Customer {
    pub(super) const fn new(currency: Currency) -> Self {
        Self {
            currency,
            booked_receivable: 0,
            booked_credit: 0,
            open: 0,
            credit: 0,
            open_invoices: BTreeSet::new(),
            unspent: BTreeSet::new(),
        }
    }

    pub(super) fn check(&self, id: CustomerId, findings: &mut Findings) {
        findings.check(Law::Receivables, self.booked_receivable == self.open, || {
            format!(
                "{id} owes {} in the journal, {} on invoices",
                self.booked_receivable, self.open
            )
        });
        findings.check(Law::CustomerCredit, self.booked_credit == self.credit, || {
            format!("{id} has credit {} in the journal, not {}", self.booked_credit, self.credit)
        });
        findings.check(Law::CustomerCredit, self.credit >= 0, || {
            format!("{id} has credit {}", self.credit)
        });
    }
}
