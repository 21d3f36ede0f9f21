//! What an invoice books.

use schemas::event::{BillingEvent, InvoiceFinalized, LineRef, RevenueSchedule, SubscriptionEvent};

use crate::accounting::Account::{AccountsReceivable, CustomerCredit};
use crate::accounting::{Account, Earning, Entry, PostError, Posted, Posting, Stop, transfer};

/// What an event of billing books.
///
/// # Errors
/// [`PostError`] when the event's amounts contradict each other.
pub(crate) fn post(event: &BillingEvent) -> Result<Posted, PostError> {
    match event {
        BillingEvent::InvoiceFinalized(invoice) => finalized(invoice),
        // It waits for an invoice.
        BillingEvent::ChargeAdded(_)
        | BillingEvent::ChargeWithdrawn(_)
        | BillingEvent::InvoiceLinesDrafted(_) => Ok(Posted::default()),
    }
}

/// What a subscription's first payment books: lines are earned from another day on.
pub(crate) fn moved(event: &SubscriptionEvent) -> Posted {
    let SubscriptionEvent::SubscriptionActivated(activated) = event else {
        return Posted::default();
    };
    let Some(moved) = activated.moved.as_deref() else { return Posted::default() };
    let mut posted = Posted::default();
    for line in &moved.lines {
        let date = moved.posting_date;
        posted.stops.push(Stop { line: line.line, from: date });
        posted.earnings.push(Earning {
            line: line.line,
            currency: line.currency,
            amount: line.left,
            schedule: RevenueSchedule::Straight(line.service),
            posted: date,
            until: None,
        });
    }
    posted
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
