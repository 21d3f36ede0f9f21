//! `balances.statement`: by posting date, then in the order of the log.

use schemas::query::BalancesStatement;
use schemas::view::StatementEntry;
use schemas::{Currency, Date, Minor};

use super::super::rows::{CUSTOMERS, Document, STATEMENT_CHUNKS, StatementRow};
use crate::answer::{days, invalid, list_limit, money, not_found, request, there, token};
use crate::page::{Filling, Question};
use crate::projection::{QueryError, View};

/// Where an entry stands: posting date, and its number in the order of the log.
type Key = (Date, u64);

pub(super) fn statement(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let mut asked: BalancesStatement = request(body)?;
    let limit = list_limit(asked.limit.take())?;
    let after = asked.after.take();
    let question = Question::new("balances.statement", &asked);
    let after: Option<Key> = question.read(view, after.as_deref())?;
    let (from, to) = days(asked.from, asked.to)?;
    let Some(customer) = asked.customer else {
        return Err(invalid("", "name the customer: give `customer`"));
    };
    let row = CUSTOMERS.read(view.store, customer)?;
    let row = row.ok_or_else(|| not_found(format!("customer {customer}"), view))?;
    let mut entries = Vec::new();
    for number in 0..row.statement.chunks() {
        let chunk = STATEMENT_CHUNKS.read(view.store, (customer, number))?;
        entries.extend(there(chunk, "a chunk of a statement")?);
    }
    entries.extend(row.statement.items().iter().cloned());
    let mut entries: Vec<(Key, StatementRow)> =
        (0..).zip(entries).map(|(number, entry)| ((entry.posting_date, number), entry)).collect();
    // Backdated entries come where they belong, so the balance is summed in that order.
    entries.sort_by_key(|(key, _)| *key);
    let mut balance = 0_i128;
    let mut page = Filling::new(limit);
    for (key, entry) in entries {
        balance += i128::from(entry.amount);
        let wanted = (from..=to).contains(&key.0) && after.is_none_or(|after| key > after);
        if wanted && !page.offer(key, entry_of(view, row.currency, entry, balance)?) {
            break;
        }
    }
    page.finish(view, question)
}

fn entry_of(
    view: &View<'_>,
    currency: Currency,
    entry: StatementRow,
    balance: i128,
) -> Result<StatementEntry, QueryError> {
    let mut shown = StatementEntry {
        posting_date: entry.posting_date,
        kind: entry.kind,
        amount: Minor(entry.amount).of(currency),
        balance: money(balance, currency)?,
        invoice: None,
        number: None,
        payment: None,
        refund: None,
        credit_note: None,
        grant: None,
        position: token(view, entry.position),
    };
    match entry.by {
        Document::Invoice(invoice, number) => {
            shown.invoice = Some(invoice);
            shown.number = number;
        }
        Document::CreditNote(invoice, note, number) => {
            shown.invoice = Some(invoice);
            shown.credit_note = Some(note);
            shown.number = Some(number);
        }
        Document::Payment(payment) => shown.payment = Some(payment),
        Document::Refund(payment, refund) => {
            shown.payment = Some(payment);
            shown.refund = Some(refund);
        }
        Document::Grant(grant) => shown.grant = Some(grant),
        Document::PaidOut(refund) => shown.refund = Some(refund),
    }
    Ok(shown)
}
