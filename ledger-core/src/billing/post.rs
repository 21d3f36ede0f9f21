//! What an invoice books.

use schemas::event::{BillingEvent, InvoiceFinalized, LineRef};

use crate::accounting::Account::{AccountsReceivable, CustomerCredit};
use crate::accounting::{Account, Earning, Entry, PostError, Posted, Posting, transfer};

/// What an event of billing books.
///
/// # Errors
/// [`PostError`] when the event's amounts contradict each other.
pub(crate) fn post(event: &BillingEvent) -> Result<Posted, PostError> {
    match event {
        BillingEvent::InvoiceFinalized(invoice) => finalized(invoice),
        // It waits for an invoice.
        BillingEvent::ChargeAdded(_) => Ok(Posted::default()),
    }
}

fn finalized(invoice: &InvoiceFinalized) -> Result<Posted, PostError> {
    let (date, currency) = (invoice.posting_date, invoice.currency);
    let mut posted = Posted::default();
    let mut postings = Vec::with_capacity(invoice.lines.len() + 2);
    postings.push(Posting::debit(AccountsReceivable, invoice.totals.total));
    for line in &invoice.lines {
        postings.push(Posting::credit(Account::DeferredRevenue, line.net)?);
        posted.earnings.push(Earning {
            line: LineRef { invoice: invoice.invoice, line: line.line },
            currency,
            amount: line.net,
            schedule: line.schedule,
            posted: date,
            until: None,
        });
    }
    posted.entries.extend(Entry::new(date, currency, postings)?);
    let generated = invoice.credit_generated;
    posted.entries.extend(transfer(date, currency, AccountsReceivable, CustomerCredit, generated)?);
    let applied = invoice.credit_applied;
    let parts: i128 = invoice.credits.iter().map(|used| i128::from(used.amount.0)).sum();
    if parts != i128::from(applied.0) {
        return Err(PostError::WrongSum {
            what: "the credit on an invoice",
            stated: applied,
            parts,
        });
    }
    posted.entries.extend(transfer(date, currency, CustomerCredit, AccountsReceivable, applied)?);
    Ok(posted)
}
