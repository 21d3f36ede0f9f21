//! `balances.lots`: a customer's credit lot by lot, newest first.

use schemas::Minor;
use schemas::query::BalancesLots;
use schemas::view::{Lot, LotUsage};

use super::super::rows::{CUSTOMERS, CustomerRow, LOT_CHUNKS, LOTS, LotRow};
use crate::answer::{invalid, list_limit, not_found, request, there, token};
use crate::page::{Filling, Question};
use crate::projection::{QueryError, View};

pub(super) fn lots(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let mut asked: BalancesLots = request(body)?;
    let limit = list_limit(asked.limit.take())?;
    let after = asked.after.take();
    let question = Question::new("balances.lots", &asked);
    let before: Option<u64> = question.read(view, after.as_deref())?;
    let Some(customer) = asked.customer else {
        return Err(invalid("", "name the customer: give `customer`"));
    };
    let row = CUSTOMERS.read(view.store, customer)?;
    let row = row.ok_or_else(|| not_found(format!("customer {customer}"), view))?;
    let (before, unspent) = (before.unwrap_or(u64::MAX), asked.unspent == Some(true));
    let mut page = Filling::new(limit);
    let mut fill = |chunk: u32, lots: &[LotRow]| {
        let numbered = (u64::from(chunk) * LOTS as u64..).zip(lots);
        let wanted: Vec<(u64, &LotRow)> = numbered
            .filter(|(number, lot)| *number < before && (!unspent || lot.left > 0))
            .collect();
        wanted.into_iter().rev().all(|(number, lot)| page.offer(number, lot_of(view, &row, lot)))
    };
    let chunks = row.lots.chunks();
    let mut is_open = fill(chunks, row.lots.items());
    for number in (0..chunks).rev().filter(|n| u64::from(*n) * (LOTS as u64) < before) {
        if !is_open {
            break;
        }
        let chunk = LOT_CHUNKS.read(view.store, (customer, number))?;
        is_open = fill(number, &there(chunk, "a chunk of lots")?);
    }
    page.finish(view, question)
}

fn lot_of(view: &View<'_>, customer: &CustomerRow, row: &LotRow) -> Lot {
    let of = |minor: i64| Minor(minor).of(customer.currency);
    let uses = row.uses.iter().map(|part| LotUsage {
        invoice: part.invoice,
        amount: of(part.amount),
        direct: part.direct,
    });
    Lot {
        lot: row.lot,
        source: row.source,
        amount: of(row.amount),
        left: of(row.left),
        refundable: row.refundable,
        scope: row.scope,
        priority: row.priority,
        expires: row.expires,
        posting_date: row.posting_date,
        uses: uses.collect(),
        position: token(view, row.position),
    }
}
