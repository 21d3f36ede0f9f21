//! What events make of one invoice: of one in memory, and of one that is read back.

use schemas::event::{
    CreditNoteIssued, DiscountBasis, DiscountPart, EventAt, InvoiceFinalized, InvoiceLine,
    LinePricing, LineRef, LineReversal, RevenueSchedule,
};
use schemas::ids::InvoiceId;
use schemas::terms::LineKind;
use schemas::{Currency, Date, Interval, Minor, Span};

use crate::accounting::Earning;
use crate::billing::state::{Billed, Line, Pending, Priced, Taken};
use crate::shared::Shared;
use crate::shelf::Commits;
use crate::spans;
use crate::unmade::Unmade;

/// A credit that was taken off a line and is void, as far as the line needs to know.
pub(in crate::billing) struct Undone {
    pub(in crate::billing) by: InvoiceId,
    pub(in crate::billing) gross: Minor,
    pub(in crate::billing) net: Minor,
    pub(in crate::billing) span: Option<Span>,
    pub(in crate::billing) time: i64,
    /// The line charges the time again.
    pub(in crate::billing) returned: bool,
}

impl Billed {
    /// An invoice that is issued with these charges, one for each line.
    pub(in crate::billing) fn issued(
        event: &InvoiceFinalized,
        made: EventAt,
        charges: Vec<Option<Shared<Pending>>>,
    ) -> Self {
        let added = charges.iter().flatten().map(|charge| charge.made);
        let commits = Commits::of(added.chain([made]));
        let lines = event.lines.iter().zip(charges);
        Self {
            invoice: event.invoice,
            document_date: event.document_date,
            posting_date: event.posting_date,
            rows: lines
                .map(|(line, charge)| Shared::new(new_line((event, made), line, charge)))
                .collect(),
            notes: Vec::new(),
            voided: false,
            commits,
        }
    }

    /// The line of this number, from 1.
    pub(crate) fn line(&self, number: u32) -> Option<&Line> {
        let line = self.rows.get(usize::try_from(number).ok()?.checked_sub(1)?);
        line.map(AsRef::as_ref)
    }

    /// The line of this number, to be changed.
    pub(in crate::billing) fn line_mut(&mut self, number: u32) -> Option<&mut Line> {
        let line = self.rows.get_mut(usize::try_from(number).ok()?.checked_sub(1)?);
        line.map(Shared::make_mut)
    }

    /// A note takes amounts off its lines.
    ///
    /// # Errors
    /// [`Unmade`] when it has no such line.
    pub(in crate::billing) fn take_note(&mut self, note: &CreditNoteIssued) -> Result<(), Unmade> {
        self.notes.push(note.note);
        let by_time = !note.credits.is_empty();
        for reversal in &note.lines {
            let at = LineRef { invoice: note.invoice, line: reversal.line };
            let line = self.line_mut(reversal.line);
            let line =
                line.ok_or_else(|| Unmade::of(format!("line {} of", at.line), at.invoice))?;
            line.reverse(at, reversal, note.posting_date);
            line.cut |= !by_time;
        }
        Ok(())
    }
}

impl Line {
    /// Time of it is credited. Whether it charges nothing any more, and did before.
    pub(in crate::billing) fn credit_time(
        &mut self,
        credit: &InvoiceLine,
        pricing: &LinePricing,
    ) -> bool {
        let charged = !self.live.is_empty();
        self.live = spans::without(&self.live, pricing.span);
        self.credited_time += pricing.time;
        self.credited_gross.0 -= credit.gross.0;
        charged && self.live.is_empty()
    }

    /// A line of an invoice credits it.
    pub(in crate::billing) fn credit_amount(&mut self, by: InvoiceId, credit: &InvoiceLine) {
        self.credited_net.0 -= credit.net.0;
        // A credit of nothing is nothing that stands on the line.
        if !credit.gross.is_zero() {
            self.credited_by.push(by);
        }
    }

    /// A credit of it is void: it counts in full again.
    pub(in crate::billing) fn undo_credit(&mut self, undone: &Undone) {
        self.credited_gross.0 += undone.gross.0;
        self.credited_net.0 += undone.net.0;
        if let Some(index) = self.credited_by.iter().position(|found| *found == undone.by) {
            self.credited_by.remove(index);
        }
        if let Some(span) = undone.span.filter(|_| undone.returned) {
            self.live = spans::with(&self.live, span);
            self.credited_time -= undone.time;
        }
    }

    /// A note takes an amount off it.
    fn reverse(&mut self, at: LineRef, reversal: &LineReversal, posted: Date) {
        self.reversed_net.0 += reversal.net.0;
        self.earned = reversal.kept;
        let (amount, schedule) =
            reversal.amended.map_or((Minor::ZERO, self.earning.schedule), |left| {
                (left.amount, RevenueSchedule::Straight(left.service))
            });
        self.earning = first_earning(at, self.earning.currency, amount, schedule, posted);
    }

    /// What it charges runs from another day.
    pub(in crate::billing) fn run_over(&mut self, span: Span) {
        self.live = vec![span];
        if let Some(priced) = &mut self.priced {
            (priced.pricing.span, priced.pricing.full) = (span, span);
        }
    }

    /// It is earned over other days.
    pub(in crate::billing) fn earn_over(
        &mut self,
        at: LineRef,
        service: Interval,
        (kept, left): (Minor, Minor),
        posted: Date,
    ) {
        self.service = Some(service);
        self.earned = kept;
        let schedule = RevenueSchedule::Straight(service);
        self.earning = first_earning(at, self.earning.currency, left, schedule, posted);
    }
}

fn new_line(
    (event, made): (&InvoiceFinalized, EventAt),
    line: &InvoiceLine,
    charge: Option<Shared<Pending>>,
) -> Line {
    let at = LineRef { invoice: event.invoice, line: line.line };
    let charges_time = match line.kind {
        LineKind::Recurring | LineKind::ProrationCharge | LineKind::MinimumTrueUp => true,
        LineKind::OneOff | LineKind::ProrationCredit | LineKind::Rounding => false,
    };
    let span = line.pricing.as_ref().map(|pricing| pricing.span);
    Line {
        kind: line.kind,
        description: line.description.clone(),
        source: line.source,
        service: line.service,
        priced: line.pricing.as_deref().map(|pricing| {
            Box::new(Priced { pricing: pricing.clone(), origin: line.origin.said_by(made) })
        }),
        charge,
        plan: line.plan,
        quantity: line.quantity,
        unit_price: line.unit_price,
        gross: line.gross,
        net: line.net,
        discounts: line.discounts.iter().map(taken).collect(),
        credits: line.credits,
        live: span.filter(|_| charges_time).into_iter().collect(),
        credited_time: 0,
        credited_gross: Minor::ZERO,
        credited_net: Minor::ZERO,
        reversed_net: Minor::ZERO,
        cut: false,
        credited_by: Vec::new(),
        earned: Minor::ZERO,
        earning: first_earning(at, event.currency, line.net, line.schedule, event.posting_date),
    }
}

const fn taken(part: &DiscountPart) -> Taken {
    let DiscountPart { discount, exact, amount, basis, cycle, given: _ } = *part;
    let percent = match basis {
        DiscountBasis::Percent { percent, of: _ } => Some(percent),
        DiscountBasis::Share { .. } | DiscountBasis::Credit { .. } => None,
    };
    Taken { discount, amount, exact, percent, cycle }
}

/// How a line is recognised from a posting date on.
fn first_earning(
    line: LineRef,
    currency: Currency,
    amount: Minor,
    schedule: RevenueSchedule,
    posted: Date,
) -> Earning {
    Earning { line, currency, amount, schedule, posted, until: None }
}
