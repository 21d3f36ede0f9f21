//! `balances.payments`: one by id, or a customer's, newest first.

use schemas::Minor;
use schemas::ids::CustomerId;
use schemas::query::BalancesPayments;
use schemas::view::{Payment, PaymentAllocation};

use super::super::rows::{
    BY_PAYMENT, BY_PAYMENT_EXTERNAL_ID, CUSTOMERS, CustomerRow, DIRECTORY, PAYMENT_CHUNKS,
    PAYMENTS, PaymentRow,
};
use crate::answer::{invalid, list_limit, not_found, request, there, token};
use crate::directory::Needle;
use crate::page::{Filling, Question};
use crate::projection::{QueryError, View};

pub(super) fn payments(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let mut asked: BalancesPayments = request(body)?;
    let limit = list_limit(asked.limit.take())?;
    let after = asked.after.take();
    let question = Question::new("balances.payments", &asked);
    let after: Option<u64> = question.read(view, after.as_deref())?;
    let mut page = Filling::new(limit);
    let (needle, what) = match (asked.customer, asked.payment, &asked.external_id) {
        (Some(customer), None, None) => {
            let row = CUSTOMERS.read(view.store, customer)?;
            let row = row.ok_or_else(|| not_found(format!("customer {customer}"), view))?;
            list(view, customer, &row, after, &mut page)?;
            return page.finish(view, question);
        }
        (None, Some(id), None) => {
            (Needle::new(BY_PAYMENT, id.uuid().as_bytes()), format!("payment {id}"))
        }
        (None, None, Some(id)) => (
            Needle::new(BY_PAYMENT_EXTERNAL_ID, id.as_str().as_bytes()),
            format!("a payment with the external id {id}"),
        ),
        (None, None, None)
        | (Some(_), Some(_), _)
        | (Some(_), _, Some(_))
        | (_, Some(_), Some(_)) => {
            let detail = "name a payment or a customer: give `payment`, `external_id` or \
                          `customer`";
            return Err(invalid("", detail));
        }
    };
    for customer in DIRECTORY.find(view.store, needle)? {
        let row = there(CUSTOMERS.read(view.store, customer)?, "a customer")?;
        let mut found = None;
        walk(view, customer, &row, None, |_, payment| {
            let same = asked.payment.is_none_or(|id| id == payment.payment)
                && (asked.external_id.is_none() || asked.external_id == payment.external_id);
            if same {
                found = Some(payment.clone());
            }
            !same
        })?;
        if let Some(payment) = found {
            page.offer(0, payment_of(view, customer, &row, payment));
            return page.finish(view, question);
        }
    }
    Err(not_found(what, view))
}

fn list(
    view: &View<'_>,
    customer: CustomerId,
    row: &CustomerRow,
    after: Option<u64>,
    page: &mut Filling<Payment, u64>,
) -> Result<(), QueryError> {
    walk(view, customer, row, after, |number, payment| {
        page.offer(number, payment_of(view, customer, row, payment.clone()))
    })
}

/// Shows a customer's payments with their numbers, newest first, from before `before` on.
fn walk(
    view: &View<'_>,
    customer: CustomerId,
    row: &CustomerRow,
    before: Option<u64>,
    mut each: impl FnMut(u64, &PaymentRow) -> bool,
) -> Result<(), QueryError> {
    let before = before.unwrap_or(u64::MAX);
    let mut show = |chunk: u32, payments: &[PaymentRow]| {
        let first = u64::from(chunk) * PAYMENTS as u64;
        let numbered = (first..).zip(payments);
        let numbered: Vec<_> = numbered.filter(|(number, _)| *number < before).collect();
        numbered.into_iter().rev().all(|(number, payment)| each(number, payment))
    };
    let chunks = row.payments.chunks();
    if !show(chunks, row.payments.items()) {
        return Ok(());
    }
    for number in (0..chunks).rev().filter(|n| u64::from(*n) * (PAYMENTS as u64) < before) {
        let chunk = PAYMENT_CHUNKS.read(view.store, (customer, number))?;
        if !show(number, &there(chunk, "a chunk of payments")?) {
            break;
        }
    }
    Ok(())
}

fn payment_of(
    view: &View<'_>,
    customer: CustomerId,
    row: &CustomerRow,
    payment: PaymentRow,
) -> Payment {
    let of = |minor: i64| Minor(minor).of(row.currency);
    let allocations = payment.allocations.iter().map(|part| PaymentAllocation {
        invoice: part.invoice,
        allocated: of(part.allocated),
        undone: of(part.undone),
    });
    Payment {
        payment: payment.payment,
        external_id: payment.external_id,
        customer,
        amount: of(payment.amount),
        method: payment.method,
        posting_date: payment.posting_date,
        effective_at: payment.effective_at,
        allocations: allocations.collect(),
        to_credit: of(payment.to_credit),
        refunded: of(payment.refunded),
        reversed: payment.reversed,
        position: token(view, payment.position),
    }
}
