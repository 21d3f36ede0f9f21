//! How events change what is earned.

use std::collections::BTreeMap;

use ledger_core::accounting::{Account, Earning, Posted, Stop};
use ledger_core::post;
use schemas::event::{
    BillingEvent, InvoiceFinalized, LineRef, LineReversal, SettlementEvent, SubscriptionEvent,
};
use schemas::ids::{CustomerId, InvoiceId};
use schemas::{CommitView, Currency, Date, Event, Minor, StreamId};

use super::Revenue;
use super::rows::{BY_ID, Book, InvoiceRow, LineRow, MonthRow, Page, ReversalRow, Sums};
use crate::answer::there;
use crate::directory::Needle;
use crate::lines::{Lines, Place, SHEET};
use crate::month::Month;
use crate::places::page_of;
use crate::projection::FoldError;
use crate::recognition::{EarningRow, by_month};
use crate::store::{Store, StoreError};

impl Revenue {
    pub(super) fn fold(
        &mut self,
        store: &dyn Store,
        commit: &CommitView<'_>,
        event: &Event,
    ) -> Result<(), FoldError> {
        let customer = match commit.stream {
            StreamId::Customer(customer) => customer,
            StreamId::Book => return Ok(()),
        };
        let position = commit.position;
        let posted = || post(event).map_err(|source| FoldError::Post { position, source });
        match event {
            Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => {
                let posted = posted()?;
                self.add(store, customer, invoice, &posted)?;
                self.book_entries(store, &posted, |sums, deferred| sums.billed -= deferred)?;
                Ok(self.recognise(store, &posted.earnings)?)
            }
            Event::Settlement(event) => self.settled(store, position, event, posted),
            Event::Subscription(SubscriptionEvent::SubscriptionActivated(_)) => {
                self.reverse(store, position, &posted()?)
            }
            Event::Billing(
                BillingEvent::ChargeAdded(_)
                | BillingEvent::ChargeWithdrawn(_)
                | BillingEvent::InvoiceLinesDrafted(_),
            )
            | Event::Book(_)
            | Event::Seller(_)
            | Event::Catalog(_)
            | Event::Process(_)
            | Event::Customer(_)
            | Event::Subscription(_) => Ok(()),
        }
    }

    /// What is taken back, and credit that is given away. Money earns nothing.
    fn settled(
        &mut self,
        store: &dyn Store,
        position: u64,
        event: &SettlementEvent,
        posted: impl Fn() -> Result<Posted, FoldError>,
    ) -> Result<(), FoldError> {
        match event {
            SettlementEvent::InvoiceVoided(void) => {
                self.take_back(store, position, void.invoice, void.posting_date, &void.lines)?;
                self.reverse(store, position, &posted()?)
            }
            SettlementEvent::CreditNoteIssued(note) => {
                self.take_back(store, position, note.invoice, note.posting_date, &note.lines)?;
                self.reverse(store, position, &posted()?)
            }
            SettlementEvent::CreditGranted(_)
            | SettlementEvent::CreditRevoked(_)
            | SettlementEvent::CreditExpired(_) => {
                let posted = posted()?;
                self.book_entries(store, &posted, |sums, deferred| sums.released += deferred)?;
                Ok(())
            }
            SettlementEvent::InvoiceLinesVoided(_)
            | SettlementEvent::CreditNoteLinesDrafted(_)
            | SettlementEvent::PaymentRecorded(_)
            | SettlementEvent::PaymentReversed(_)
            | SettlementEvent::PaymentRefunded(_)
            | SettlementEvent::CreditApplied(_)
            | SettlementEvent::CreditReleased(_)
            | SettlementEvent::CreditPaidOut(_) => Ok(()),
        }
    }

    /// Adds the invoice with what its lines earn.
    fn add(
        &mut self,
        store: &dyn Store,
        customer: CustomerId,
        invoice: &InvoiceFinalized,
        posted: &Posted,
    ) -> Result<(), StoreError> {
        let mut own: BTreeMap<u32, Vec<&Earning>> = BTreeMap::new();
        for earning in &posted.earnings {
            own.entry(earning.line.line).or_default().push(earning);
        }
        let lines = invoice.lines.iter().map(|line| {
            let own = own.get(&line.line).map_or(&[][..], Vec::as_slice);
            LineRow {
                line: line.line,
                schedule: line.schedule,
                billed: own.iter().map(|earning| earning.amount.0).sum(),
                earnings: own.iter().map(|earning| EarningRow::new(earning)).collect(),
                reversals: Vec::new(),
            }
        });
        let book = self.book.entry(store, (), Book::default)?;
        let place = book.places.take(invoice.lines.len().min(SHEET));
        let sheets = &mut self.sheets;
        let row = InvoiceRow {
            invoice: invoice.invoice,
            customer,
            currency: invoice.currency,
            posting_date: invoice.posting_date,
            lines: Lines::new(lines, |sheet, lines| sheets.put((place, sheet), lines)),
        };
        let id = Needle::new(BY_ID, invoice.invoice.uuid().as_bytes());
        self.directory.add(store, id, place)?;
        let (page, _) = page_of(place);
        self.pages.entry(store, page, Page::default)?.invoices.push(row);
        Ok(())
    }

    /// Adds the entries to the sums of their day. `deferred` says what an amount on deferred
    /// revenue (debits positive) means.
    fn book_entries(
        &mut self,
        store: &dyn Store,
        posted: &Posted,
        deferred: impl Fn(&mut Sums, i128),
    ) -> Result<(), StoreError> {
        for entry in &posted.entries {
            let (date, currency) = (entry.date(), entry.currency());
            self.book.entry(store, (), Book::default)?.saw(currency, date);
            let sums = self.day(store, currency, date)?;
            for posting in entry.postings() {
                let amount = i128::from(posting.amount.0);
                match posting.account {
                    Account::DeferredRevenue => deferred(sums, amount),
                    Account::Voids | Account::CreditNotes | Account::PromotionalCredit => {
                        sums.contra += amount;
                    }
                    Account::Cash
                    | Account::AccountsReceivable
                    | Account::Revenue
                    | Account::CustomerCredit
                    | Account::TaxLiability => {}
                }
            }
        }
        Ok(())
    }

    fn day(
        &mut self,
        store: &dyn Store,
        currency: Currency,
        date: Date,
    ) -> Result<&mut Sums, StoreError> {
        let month = Month::of(date);
        let row = self.months.entry(store, (currency, month), || MonthRow::new(month))?;
        Ok(row.days.at(month.index(date)))
    }

    fn recognise(&mut self, store: &dyn Store, earnings: &[Earning]) -> Result<(), StoreError> {
        for earning in earnings {
            self.spread(store, earning.currency, earning.daily(), 1)?;
        }
        Ok(())
    }

    fn spread(
        &mut self,
        store: &dyn Store,
        currency: Currency,
        daily: impl Iterator<Item = (Date, Minor)>,
        times: i128,
    ) -> Result<(), StoreError> {
        by_month(daily, |month, index, amount| {
            let row = self.months.entry(store, (currency, month), || MonthRow::new(month))?;
            row.days.at(index).recognised += amount * times;
            Ok(())
        })
    }

    /// Notes on each line what a void or a credit note took back.
    fn take_back(
        &mut self,
        store: &dyn Store,
        position: u64,
        invoice: InvoiceId,
        posting_date: Date,
        lines: &[LineReversal],
    ) -> Result<(), FoldError> {
        let place = self.place(store, position, invoice)?;
        for reversal in lines {
            let at = LineRef { invoice, line: reversal.line };
            self.line_mut(store, (position, place), at)?.reversals.push(ReversalRow {
                posting_date,
                contra: reversal.recognised.0,
                released: reversal.unrecognised.0,
            });
        }
        Ok(())
    }

    /// Stops what no longer counts, then earns what is amended.
    fn reverse(
        &mut self,
        store: &dyn Store,
        position: u64,
        posted: &Posted,
    ) -> Result<(), FoldError> {
        self.book_entries(store, posted, |sums, deferred| sums.released += deferred)?;
        for stop in &posted.stops {
            self.stop(store, position, *stop)?;
        }
        for earning in &posted.earnings {
            let place = self.place(store, position, earning.line.invoice)?;
            let line = self.line_mut(store, (position, place), earning.line)?;
            line.earnings.push(EarningRow::new(earning));
        }
        self.recognise(store, &posted.earnings)?;
        Ok(())
    }

    fn stop(&mut self, store: &dyn Store, position: u64, stop: Stop) -> Result<(), FoldError> {
        let place = self.place(store, position, stop.line.invoice)?;
        let currency = self.row(store, place)?.currency;
        let line = self.line_mut(store, (position, place), stop.line)?;
        let earnings = line.earnings.iter_mut();
        let lost: Vec<_> =
            earnings.map(|earning| earning.stop(stop.line, currency, stop.from)).collect();
        for daily in lost {
            self.spread(store, currency, daily, -1)?;
        }
        Ok(())
    }

    /// Where an invoice is.
    fn place(
        &mut self,
        store: &dyn Store,
        position: u64,
        invoice: InvoiceId,
    ) -> Result<u64, FoldError> {
        let id = Needle::new(BY_ID, invoice.uuid().as_bytes());
        for place in self.directory.find(store, id)? {
            if self.row(store, place)?.invoice == invoice {
                return Ok(place);
            }
        }
        Err(FoldError::unknown(position, invoice))
    }

    fn row(&mut self, store: &dyn Store, place: u64) -> Result<&InvoiceRow, StoreError> {
        let (page, slot) = page_of(place);
        let found = self.pages.get(store, page)?.and_then(|page| page.invoices.get(slot));
        there(found, "an invoice on its page")
    }

    /// A line of the invoice at a place, to be changed.
    fn line_mut(
        &mut self,
        store: &dyn Store,
        (position, place): (u64, u64),
        at: LineRef,
    ) -> Result<&mut LineRow, FoldError> {
        let unknown = || FoldError::unknown_line(position, at);
        let (page, slot) = page_of(place);
        match self.row(store, place)?.lines.place(at.line).ok_or_else(unknown)? {
            Place::Row(at) => {
                let page = self.pages.get_mut(store, page)?;
                let row = page.and_then(|page| page.invoices.get_mut(slot));
                row.and_then(|row| row.lines.in_row(at)).ok_or_else(unknown)
            }
            Place::Sheet(sheet, at) => {
                let sheet = self.sheets.get_mut(store, (place, sheet))?;
                sheet.and_then(|lines| lines.get_mut(at)).ok_or_else(unknown)
            }
        }
    }
}
