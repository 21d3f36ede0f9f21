//! What goes back from an invoice to the lots that paid it: the last part first.

use std::collections::BTreeSet;

use schemas::Minor;
use schemas::event::{LineReversal, LotReturn};
use schemas::ids::SubscriptionId;
use schemas::terms::LotScope;

use super::case::Case;
use super::lots::Part;
use super::spending::{net_of, paid_for};
use super::state::Invoice;

/// What an invoice has and no longer needs once `lines` are taken back from it: first what lots
/// for a subscription pay beyond what is left of its lines, then what is paid beyond its total.
/// `undone` of its parts are gone by then, whoever paid them.
pub(crate) fn not_needed(
    case: &Case<'_>,
    invoice: &Invoice,
    lines: &[LineReversal],
    undone: Minor,
) -> Vec<LotReturn> {
    let lots = &case.settlement.lots;
    let total: i64 = lines.iter().map(|line| line.net.0 + line.tax.0).sum();
    lots.shelf.need(invoice.parts.iter().map(|part| part.lot));
    let mut back = Back::of(invoice);
    let scopes: BTreeSet<SubscriptionId> = invoice
        .parts
        .iter()
        .filter_map(|part| match lots.at(part.lot).scope() {
            LotScope::Customer => None,
            LotScope::Subscription(id) => Some(id),
        })
        .collect();
    for id in scopes {
        let left = net_of(case.billed(invoice.id), id, lines).max(0);
        let scope = LotScope::Subscription(id);
        back.take(paid_for(case, invoice, id) - left, |part| lots.at(part.lot).scope() == scope);
    }
    back.take(total - invoice.open().0 - undone.0 - back.sum(), |_| true);
    back.returns(case)
}

/// All that an invoice has.
pub(super) fn everything(case: &Case<'_>, invoice: &Invoice) -> Vec<LotReturn> {
    let mut back = Back::of(invoice);
    back.take(i64::MAX, |_| true);
    back.returns(case)
}

/// Up to `amount` of what a lot pays of an invoice.
pub(super) fn of_lot(
    case: &Case<'_>,
    invoice: &Invoice,
    lot: u32,
    amount: Minor,
) -> Vec<LotReturn> {
    let mut back = Back::of(invoice);
    back.take(amount.0, |part| part.lot == lot);
    back.returns(case)
}

/// How much of each part of an invoice goes back.
struct Back<'a> {
    parts: &'a [Part],
    taken: Vec<i64>,
}

impl<'a> Back<'a> {
    fn of(invoice: &'a Invoice) -> Self {
        Self { parts: &invoice.parts, taken: vec![0; invoice.parts.len()] }
    }

    fn sum(&self) -> i64 {
        self.taken.iter().sum()
    }

    /// Takes up to `most` of the parts that `is` names, the last first.
    fn take(&mut self, most: i64, is: impl Fn(&Part) -> bool) {
        let mut left = most.max(0);
        for (part, taken) in self.parts.iter().zip(&mut self.taken).rev() {
            if is(part) {
                let more = left.min(part.amount.0 - *taken);
                *taken += more;
                left -= more;
            }
        }
    }

    fn returns(&self, case: &Case<'_>) -> Vec<LotReturn> {
        let mut returns: Vec<LotReturn> = Vec::new();
        for (part, taken) in self.parts.iter().zip(&self.taken).rev() {
            if *taken == 0 {
                continue;
            }
            let (lot, direct) = (case.settlement.lots.at(part.lot).id(), part.direct);
            match returns.last_mut().filter(|last| (last.lot, last.direct) == (lot, direct)) {
                Some(last) => last.amount.0 += taken,
                None => returns.push(LotReturn { lot, amount: Minor(*taken), direct }),
            }
        }
        returns
    }
}
