//! What settlement books.

use schemas::event::{
    Allocation, CreditGranted, CreditNoteIssued, InvoiceVoided, LineRef, LineReversal, LotReturn,
    PaymentRecorded, PaymentRefunded, PaymentReversed, RevenueSchedule, SettlementEvent,
};
use schemas::ids::InvoiceId;
use schemas::terms::GrantKind;
use schemas::{Currency, Date, Minor, Money};

use crate::accounting::Account::{AccountsReceivable, CustomerCredit};
use crate::accounting::{Account, Earning, Entry, PostError, Posted, Posting, Stop, transfer};

/// What an event of settlement books.
///
/// # Errors
/// [`PostError`] when the event's amounts contradict each other.
pub(crate) fn post(event: &SettlementEvent) -> Result<Posted, PostError> {
    match event {
        SettlementEvent::InvoiceVoided(void) => voided(void),
        SettlementEvent::InvoiceLinesVoided(_) | SettlementEvent::CreditNoteLinesDrafted(_) => {
            Ok(Posted::default())
        }
        SettlementEvent::CreditNoteIssued(note) => credited(note),
        SettlementEvent::PaymentRecorded(payment) => received(payment),
        SettlementEvent::PaymentReversed(reversal) => reversed(reversal),
        SettlementEvent::PaymentRefunded(refund) => refunded(refund),
        SettlementEvent::CreditGranted(grant) => granted(grant),
        SettlementEvent::CreditApplied(applied) => {
            let sum = Minor::sum(applied.parts.iter().map(|part| part.amount))?;
            moved(
                (CustomerCredit, AccountsReceivable),
                applied.posting_date,
                sum.of(applied.currency),
            )
        }
        SettlementEvent::CreditReleased(released) => {
            let sum = returned(&released.parts)?.of(released.currency);
            moved((AccountsReceivable, CustomerCredit), released.posting_date, sum)
        }
        SettlementEvent::CreditRevoked(revoked) => {
            let accounts = (CustomerCredit, Account::PromotionalCredit);
            moved(accounts, revoked.posting_date, revoked.amount)
        }
        SettlementEvent::CreditExpired(expired) => {
            let accounts = (CustomerCredit, Account::PromotionalCredit);
            moved(accounts, expired.posting_date, expired.amount)
        }
        SettlementEvent::CreditPaidOut(paid) => {
            moved((CustomerCredit, Account::Cash), paid.posting_date, paid.amount)
        }
    }
}

/// Debits the first account and credits the second.
fn moved(accounts: (Account, Account), date: Date, amount: Money) -> Result<Posted, PostError> {
    let (debit, credit) = accounts;
    Ok(Posted::only(transfer(date, amount.currency(), debit, credit, amount.minor())?))
}

/// What goes back to lots.
fn returned(parts: &[LotReturn]) -> Result<Minor, PostError> {
    Ok(Minor::sum(parts.iter().map(|part| part.amount))?)
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
    // What the lines took off the receivable was open, or had been paid and is customer credit
    // again, or (below zero) had become customer credit.
    let returned = returned(&void.released)?;
    let parts = void.receivable.plus(returned)?.minus(void.credit_withdrawn)?;
    must_sum("the total of a voided invoice", total, parts)?;
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
    // It took what had been paid off the receivable, too, or was never owed; that is customer
    // credit.
    let (date, currency) = (note.posting_date, note.currency);
    let returned = returned(&note.released)?.plus(note.to_credit)?;
    posted.entries.extend(transfer(date, currency, AccountsReceivable, CustomerCredit, returned)?);
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
    let mut postings = reopening(&reversal.reopened, &reversal.credit_unapplied);
    postings.push(Posting::debit(CustomerCredit, reversal.credit_withdrawn));
    postings.push(Posting::credit(Account::Cash, reversal.amount.minor())?);
    let (date, currency) = (reversal.posting_date, reversal.amount.currency());
    Ok(Posted::only(Entry::new(date, currency, postings)?))
}

/// What takes the payment's place on invoices changes neither what is owed nor what credit there
/// is.
fn refunded(refund: &PaymentRefunded) -> Result<Posted, PostError> {
    let mut postings = reopening(&refund.reopened, &refund.credit_unapplied);
    postings.push(Posting::debit(CustomerCredit, refund.from_credit));
    postings.push(Posting::credit(Account::Cash, refund.amount.minor())?);
    Ok(Posted::only(Entry::new(refund.posting_date, refund.amount.currency(), postings)?))
}

/// What was given takes from revenue; what was paid before is money.
fn granted(grant: &CreditGranted) -> Result<Posted, PostError> {
    let debit = match grant.kind {
        GrantKind::Goodwill | GrantKind::Promotion => Account::PromotionalCredit,
        GrantKind::Prepayment => Account::Cash,
    };
    moved((debit, CustomerCredit), grant.posting_date, grant.amount)
}

/// Debits the receivable of each invoice; room is left for two postings.
fn reopening(reopened: &[Allocation], unapplied: &[Allocation]) -> Vec<Posting> {
    let mut postings = Vec::with_capacity(reopened.len() + unapplied.len() + 2);
    let debit = |part: &Allocation| Posting::debit(AccountsReceivable, part.amount);
    postings.extend(reopened.iter().chain(unapplied).map(debit));
    postings
}

fn must_sum(what: &'static str, stated: Minor, parts: Minor) -> Result<(), PostError> {
    if stated == parts {
        Ok(())
    } else {
        Err(PostError::WrongSum { what, stated, parts: i128::from(parts.0) })
    }
}
