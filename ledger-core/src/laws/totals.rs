//! The laws of sums that documents state: each is the sum of its lines.

use std::collections::BTreeMap;

use schemas::event::{CreditNoteIssued, InvoiceFinalized};

use super::findings::Findings;
use super::law::Law;

/// The totals of an invoice are those of its lines.
pub(super) fn check_invoice(event: &InvoiceFinalized, findings: &mut Findings) {
    let id = event.invoice;
    let gross: i128 = event.lines.iter().map(|line| i128::from(line.gross.0)).sum();
    let net: i128 = event.lines.iter().map(|line| i128::from(line.net.0)).sum();
    let parts = event.lines.iter().flat_map(|line| &line.discounts);
    let discount: i128 = parts.map(|part| i128::from(part.amount.0)).sum();
    let totals = event.totals;
    let [tax, total] = [totals.tax, totals.total].map(|sum| i128::from(sum.0));
    let stated = [totals.gross, totals.discount, totals.net].map(|sum| i128::from(sum.0));
    findings.check(Law::Totals, stated == [gross, discount, net], || {
        let lines = [gross, discount, net];
        format!("{id} states {stated:?} (gross, discount, net), and its lines are {lines:?}")
    });
    findings.check(Law::Totals, total == net + tax, || {
        format!("{id} asks for {total}, and its lines and its tax for {}", net + tax)
    });
}

/// What a note takes off a line is the sum of what it credits of it, where it credits time.
pub(super) fn check_note(event: &CreditNoteIssued, findings: &mut Findings) {
    let (id, invoice) = (event.note, event.invoice);
    let mut credited: BTreeMap<u32, i128> = BTreeMap::new();
    for line in &event.credits {
        let discounts: i128 = line.discounts.iter().map(|part| i128::from(part.amount.0)).sum();
        let (gross, net) = (i128::from(line.gross.0), i128::from(line.net.0));
        findings.check(Law::Totals, gross - discounts == net && net <= 0, || {
            format!("line {} of {id} is {gross} less {discounts}, and not {net}", line.line)
        });
        let target = line.credits.filter(|target| target.invoice == invoice);
        findings.check(Law::References, target.is_some(), || {
            format!("line {} of {id} credits no line of {invoice}", line.line)
        });
        if let Some(target) = target {
            *credited.entry(target.line).or_default() -= net;
        }
    }
    if event.credits.is_empty() {
        return;
    }
    let taken: BTreeMap<u32, i128> =
        event.lines.iter().map(|line| (line.line, i128::from(line.net.0))).collect();
    findings.check(Law::Totals, taken == credited, || {
        format!("{id} takes {taken:?} off lines, and credits {credited:?}")
    });
}
