//! What is known of one invoice and of one customer, in minor units.

use schemas::Currency;
use schemas::ids::{CustomerId, InvoiceId};

use super::findings::Findings;
use super::law::Law;
use super::lines::Line;

/// An invoice and what has settled it.
#[derive(Debug)]
pub(super) struct Invoice {
    pub(super) customer: CustomerId,
    pub(super) total: i128,
    pub(super) generated: i128,
    pub(super) applied: i128,
    pub(super) paid: i128,
    pub(super) credited: i128,
    pub(super) voided: bool,
    pub(super) lines: Vec<Line>,
}

impl Invoice {
    /// What is still owed on it.
    pub(super) fn open(&self) -> i128 {
        if self.voided {
            return 0;
        }
        self.total + self.generated - self.applied - self.paid - self.credited
    }

    pub(super) fn check(&self, id: InvoiceId, findings: &mut Findings) {
        let parts = [self.applied, self.paid, self.credited, self.open()];
        let holds = if self.total < 0 {
            self.generated == -self.total && parts == [0; 4]
        } else {
            self.generated == 0 && parts.iter().all(|part| *part >= 0)
        };
        findings.check(Law::Settlement, self.voided || holds, || {
            let Self { total, generated, applied, paid, credited, .. } = self;
            format!(
                "{id} has total {total}, credit made {generated}, credit used {applied}, paid \
                 {paid}, credited {credited}"
            )
        });
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
}

impl Customer {
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
