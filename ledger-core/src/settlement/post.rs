//! What settlement books.

use schemas::event::{
    Allocation, CreditGranted, CreditNoteIssued, InvoiceVoided, LineRef, LineReversal,
    PaymentRecorded, PaymentRefunded, PaymentReversed, RevenueSchedule, SettlementEvent,
};
use schemas::ids::InvoiceId;
use schemas::{Currency, Date, Minor};

use crate::accounting::Account::{AccountsReceivable, CustomerCredit};
use crate::accounting::{Account, Earning, Entry, PostError, Posted, Posting, Stop, transfer};

/// What an event of settlement books.
///
/// # Errors
/// [`PostError`] when the event's amounts contradict each other.
pub(crate) fn post(event: &SettlementEvent) -> Result<Posted, PostError> {
    match event {
        SettlementEvent::InvoiceVoided(void) => voided(void),
        SettlementEvent::CreditNoteIssued(note) => credited(note),
        SettlementEvent::PaymentRecorded(payment) => received(payment),
        SettlementEvent::PaymentReversed(reversal) => reversed(reversal),
        SettlementEvent::PaymentRefunded(refund) => refunded(refund),
        SettlementEvent::CreditGranted(grant) => granted(grant),
    }
}

/// A document that takes back what another one billed.
struct Reversal<'a> {
    invoice: InvoiceId,
    currency: Currency,
    date: Date,
    lines: &'a [LineReversal],
    contra: Account,
}

impl Reversal<'_> {
    /// Takes the lines back from the receivable, and returns the sum with tax.
    fn post(&self, posted: &mut Posted) -> Result<Minor, PostError> {
        let mut postings = Vec::with_capacity(self.lines.len() * 2 + 1);
        let mut total = Minor::ZERO;
        for reversal in self.lines {
            let net = reversal.recognised.plus(reversal.unrecognised)?;
            must_sum("the net of a reversed line", reversal.net, net)?;
            postings.push(Posting::debit(self.contra, reversal.recognised));
            postings.push(Posting::debit(Account::DeferredRevenue, reversal.unrecognised));
            postings.push(Posting::debit(Account::TaxLiability, reversal.tax));
            total = total.plus(net)?.plus(reversal.tax)?;
            self.reschedule(reversal, posted);
        }
        postings.push(Posting::credit(AccountsReceivable, total)?);
        posted.entries.extend(Entry::new(self.date, self.currency, postings)?);
        Ok(total)
    }

    fn reschedule(&self, reversal: &LineReversal, posted: &mut Posted) {
        let line = LineRef { invoice: self.invoice, line: reversal.line };
        posted.stops.push(Stop { line, from: self.date });
        posted.earnings.extend(reversal.amended.map(|amendment| Earning {
            line,
            currency: self.currency,
            amount: amendment.amount,
            schedule: RevenueSchedule::Straight(amendment.service),
            posted: self.date,
            until: None,
        }));
    }
}

fn voided(void: &InvoiceVoided) -> Result<Posted, PostError> {
    let (date, currency) = (void.posting_date, void.currency);
    let mut posted = Posted::default();
    let reversal = Reversal {
        invoice: void.invoice,
        currency,
        date,
        lines: &void.lines,
        contra: Account::Voids,
    };
    let total = reversal.post(&mut posted)?;
    // What the lines took off the receivable was open, or had been paid with customer credit,
    // or (below zero) had become customer credit.
    let parts = void.receivable.plus(void.credit_returned)?.minus(void.credit_withdrawn)?;
    must_sum("the total of a voided invoice", total, parts)?;
    let returned = void.credit_returned;
    posted.entries.extend(transfer(date, currency, AccountsReceivable, CustomerCredit, returned)?);
    let withdrawn = void.credit_withdrawn;
    posted.entries.extend(transfer(date, currency, CustomerCredit, AccountsReceivable, withdrawn)?);
    Ok(posted)
}

fn credited(note: &CreditNoteIssued) -> Result<Posted, PostError> {
    let mut posted = Posted::default();
    let reversal = Reversal {
        invoice: note.invoice,
        currency: note.currency,
        date: note.posting_date,
        lines: &note.lines,
        contra: Account::CreditNotes,
    };
    let total = reversal.post(&mut posted)?;
    must_sum("the total of a credit note", note.total, total)?;
    Ok(posted)
}

fn received(payment: &PaymentRecorded) -> Result<Posted, PostError> {
    let mut postings = Vec::with_capacity(payment.allocations.len() + 2);
    postings.push(Posting::debit(Account::Cash, payment.amount.minor()));
    for allocation in &payment.allocations {
        postings.push(Posting::credit(AccountsReceivable, allocation.amount)?);
    }
    postings.push(Posting::credit(CustomerCredit, payment.to_credit)?);
    Ok(Posted::only(Entry::new(payment.posting_date, payment.amount.currency(), postings)?))
}

fn reversed(reversal: &PaymentReversed) -> Result<Posted, PostError> {
    let (date, currency) = (reversal.posting_date, reversal.amount.currency());
    // Credit that invoices had used up is there again first, so that it can be withdrawn.
    let mut unapplied = reopening(&reversal.credit_unapplied, 1);
    let sum = Minor::sum(reversal.credit_unapplied.iter().map(|part| part.amount))?;
    unapplied.push(Posting::credit(CustomerCredit, sum)?);
    let mut returned = reopening(&reversal.reopened, 2);
    returned.push(Posting::debit(CustomerCredit, reversal.credit_withdrawn));
    returned.push(Posting::credit(Account::Cash, reversal.amount.minor())?);
    let mut posted = Posted::only(Entry::new(date, currency, unapplied)?);
    posted.entries.extend(Entry::new(date, currency, returned)?);
    Ok(posted)
}

fn refunded(refund: &PaymentRefunded) -> Result<Posted, PostError> {
    let mut postings = reopening(&refund.reopened, 2);
    postings.push(Posting::debit(CustomerCredit, refund.from_credit));
    postings.push(Posting::credit(Account::Cash, refund.amount.minor())?);
    Ok(Posted::only(Entry::new(refund.posting_date, refund.amount.currency(), postings)?))
}

fn granted(grant: &CreditGranted) -> Result<Posted, PostError> {
    let (amount, currency) = (grant.amount.minor(), grant.amount.currency());
    let (debit, credit) = (Account::PromotionalCredit, CustomerCredit);
    Ok(Posted::only(transfer(grant.posting_date, currency, debit, credit, amount)?))
}

/// Debits the receivable of each invoice; room is left for `more` postings.
fn reopening(parts: &[Allocation], more: usize) -> Vec<Posting> {
    let mut postings = Vec::with_capacity(parts.len() + more);
    let debit = |part: &Allocation| Posting::debit(AccountsReceivable, part.amount);
    postings.extend(parts.iter().map(debit));
    postings
}

fn must_sum(what: &'static str, stated: Minor, parts: Minor) -> Result<(), PostError> {
    if stated == parts {
        Ok(())
    } else {
        Err(PostError::WrongSum { what, stated, parts: i128::from(parts.0) })
    }
}
