//! The journal: entries by day and account, recognition by day.

use ledger_core::accounting::{Account, Earning, Entry, Stop};
use schemas::event::LineRef;
use schemas::{Currency, Date, Minor};

use super::super::Balances;
use super::super::rows::{Book, JournalRow, MonthRow};
use super::Cause;
use crate::lines::Place;
use crate::projection::FoldError;
use crate::recognition::{EarningRow, LineEarnings, by_month};
use crate::store::{Store, StoreError};

/// How an event changes what a customer owes and its credit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Change {
    pub(super) receivable: i128,
    pub(super) credit: i128,
}

impl Balances {
    /// Adds entries to the accounts of their day.
    pub(super) fn enter(
        &mut self,
        cause: Cause<'_>,
        entries: &[Entry],
    ) -> Result<Change, StoreError> {
        let mut change = Change::default();
        for entry in entries {
            let (date, currency) = (entry.date(), entry.currency());
            let book = self.book.entry(cause.store, (), Book::default)?;
            book.latest = book.latest.max(Some(date));
            let totals = book.totals(currency);
            let day = self.journal.entry(cause.store, date, JournalRow::default)?;
            for posting in entry.postings() {
                let amount = i128::from(posting.amount.0);
                let account = day.account(currency, posting.account);
                account.debits += amount.max(0);
                account.credits += (-amount).max(0);
                match posting.account {
                    Account::AccountsReceivable => change.receivable += amount,
                    Account::CustomerCredit => {
                        change.credit -= amount;
                        totals.credit -= amount;
                    }
                    Account::Cash
                    | Account::DeferredRevenue
                    | Account::Revenue
                    | Account::TaxLiability
                    | Account::Voids
                    | Account::CreditNotes
                    | Account::PromotionalCredit => {}
                }
            }
        }
        Ok(change)
    }

    /// Earnings of lines end: their later days no longer count.
    pub(super) fn stop(&mut self, cause: Cause<'_>, stops: &[Stop]) -> Result<(), FoldError> {
        for stop in stops {
            let currency = self.customer(cause)?.currency;
            let earnings = self.line(cause, stop.line)?.earnings.iter_mut();
            let lost: Vec<_> =
                earnings.map(|earning| earning.stop(stop.line, currency, stop.from)).collect();
            for daily in lost {
                self.spread(cause.store, currency, daily, -1)?;
            }
        }
        Ok(())
    }

    /// Adds earnings to their lines and to the sums of their days.
    pub(super) fn earn(&mut self, cause: Cause<'_>, earnings: &[Earning]) -> Result<(), FoldError> {
        for earning in earnings {
            self.line(cause, earning.line)?.earnings.push(EarningRow::new(earning));
            self.spread(cause.store, earning.currency, earning.daily(), 1)?;
        }
        Ok(())
    }

    /// A line of an invoice, to be changed.
    fn line(&mut self, cause: Cause<'_>, at: LineRef) -> Result<&mut LineEarnings, FoldError> {
        let unknown = || FoldError::unknown_line(cause.position, at);
        match self.invoice(cause, at.invoice)?.lines.place(at.line).ok_or_else(unknown)? {
            Place::Row(place) => {
                let row = self.invoice(cause, at.invoice)?;
                row.lines.in_row(place).ok_or_else(unknown)
            }
            Place::Sheet(sheet, place) => {
                let sheet = self.sheets.get_mut(cause.store, (at.invoice, sheet))?;
                sheet.and_then(|lines| lines.get_mut(place)).ok_or_else(unknown)
            }
        }
    }

    fn spread(
        &mut self,
        store: &dyn Store,
        currency: Currency,
        daily: impl Iterator<Item = (Date, Minor)>,
        times: i128,
    ) -> Result<(), StoreError> {
        by_month(daily, |month, index, amount| {
            let new = || MonthRow::new(currency, month);
            let row = self.months.entry(store, (currency, month), new)?;
            *row.recognised.at(index) += amount * times;
            Ok(())
        })
    }
}
