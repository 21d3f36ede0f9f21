//! The laws of one invoice line: how much of it is credited, and what it earns.

use schemas::event::{InvoiceLine, LineRef, LineReversal};
use schemas::ids::SubscriptionId;

use super::findings::Findings;
use super::law::Law;
use crate::accounting::Earning;

/// What is known of a line. Sums are signed like the line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) gross: i128,
    net: i128,
    /// The line that this one credits.
    pub(super) credits: Option<LineRef>,
    /// The subscription that it bills, or whose setup fee it is.
    pub(super) of: Option<SubscriptionId>,
    /// Net and gross of lines of later invoices that credit this one.
    credited: i128,
    credited_gross: i128,
    /// Net that credit notes or a void took back.
    reversed: i128,
    /// What was billed to be earned, less what was taken off deferred revenue.
    to_earn: i128,
    earnings: Vec<Earning>,
}

impl Line {
    pub(super) fn new(
        line: &InvoiceLine,
        at: LineRef,
        of: Option<SubscriptionId>,
        findings: &mut Findings,
    ) -> Self {
        let discounts: i128 = line.discounts.iter().map(|part| i128::from(part.amount.0)).sum();
        let (gross, net) = (i128::from(line.gross.0), i128::from(line.net.0));
        findings.check(Law::Balance, gross - discounts == net, || {
            format!("{} is {gross} less {discounts}, which is not {net}", shown(at))
        });
        let opposed = discounts.signum() * gross.signum() >= 0;
        findings.check(Law::LineCredits, opposed && net.signum() * gross.signum() >= 0, || {
            format!("{} turns its sign: gross {gross}, discounts {discounts}", shown(at))
        });
        Self {
            gross,
            net,
            credits: line.credits,
            of,
            credited: 0,
            credited_gross: 0,
            reversed: 0,
            to_earn: 0,
            earnings: Vec::with_capacity(1),
        }
    }

    /// What the invoice asks for it, after notes.
    pub(super) fn asked(&self) -> i128 {
        self.net - self.reversed
    }

    /// Another line credits this one by `net` and `gross`, both with this line's sign; with the
    /// other sign, such a credit is taken back.
    pub(super) fn credit(&mut self, net: i128, gross: i128) {
        self.credited += net;
        self.credited_gross += gross;
    }

    /// More of it will be earned.
    pub(super) fn earn(&mut self, earning: Earning, billed: bool) {
        if billed {
            self.to_earn += i128::from(earning.amount.0);
        }
        self.earnings.push(earning);
    }

    /// Earlier earnings stop.
    pub(super) fn stop(&mut self, from: schemas::Date) {
        self.earnings.iter_mut().for_each(|earning| earning.stop(from));
    }

    /// Part of it is taken back; earlier earnings stop.
    pub(super) fn reverse(&mut self, reversal: &LineReversal, from: schemas::Date) {
        self.reversed += i128::from(reversal.net.0);
        self.to_earn -= i128::from(reversal.unrecognised.0);
        self.earnings.iter_mut().for_each(|earning| earning.stop(from));
    }

    pub(super) fn check(&self, at: LineRef, findings: &mut Findings) {
        let taken = self.credited + self.reversed;
        findings.check(Law::LineCredits, within(taken, self.net), || {
            format!("{} of {} is credited by {taken}", shown(at), self.net)
        });
        findings.check(Law::LineCredits, within(self.credited_gross, self.gross), || {
            let credited = self.credited_gross;
            format!("{} of gross {} is credited by gross {credited}", shown(at), self.gross)
        });
        let at_last: i128 =
            self.earnings.iter().map(|earning| i128::from(earning.recognised_at_last().0)).sum();
        findings.check(Law::Revenue, at_last == self.to_earn, || {
            let deferred = self.to_earn - at_last;
            format!("{} leaves {deferred} in deferred revenue for ever", shown(at))
        });
    }
}

/// From zero to `whole`, whatever its sign.
fn within(part: i128, whole: i128) -> bool {
    part.signum() * whole.signum() >= 0 && part.abs() <= whole.abs()
}

pub(super) fn shown(at: LineRef) -> String {
    format!("line {} of {}", at.line, at.invoice)
}
