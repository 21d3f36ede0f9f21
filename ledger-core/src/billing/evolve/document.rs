//! What events make of one invoice: of one in memory, and of one that is read back.

use schemas::event::{
    CreditNoteIssued, CreditNoteLinesDrafted, DiscountBasis, DiscountPart, EventAt,
    InvoiceFinalized, InvoiceLine, InvoiceLinesDrafted, LinePricing, LineRef, LineReversal,
    RevenueSchedule,
};
use schemas::ids::InvoiceId;
use schemas::terms::LineKind;
use schemas::{Currency, Date, Interval, Minor, Span};

use crate::accounting::Earning;
use crate::billing::state::{Billed, Line, Pending, Priced, Taken};
use crate::shared::{Set, Shared};
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

/// An invoice, as far as its lines need to know.
#[derive(Clone, Copy)]
pub(in crate::billing) struct Drafted {
    pub(in crate::billing) invoice: InvoiceId,
    pub(in crate::billing) currency: Currency,
    pub(in crate::billing) document_date: Date,
    pub(in crate::billing) posting_date: Date,
}

/// The same of what issues an invoice and of what drafts its lines.
macro_rules! drafted_by {
    ($($event:ident),*) => {$(
        impl From<&$event> for Drafted {
            fn from(event: &$event) -> Self {
                let $event { invoice, currency, document_date, posting_date, .. } = *event;
                Self { invoice, currency, document_date, posting_date }
            }
        }
    )*};
}

drafted_by!(InvoiceFinalized, InvoiceLinesDrafted);

/// Lines of a credit note: all of them, or some that were drafted.
#[derive(Clone, Copy)]
pub(in crate::billing) struct Noted<'e> {
    pub(in crate::billing) invoice: InvoiceId,
    pub(in crate::billing) document_date: Date,
    pub(in crate::billing) posting_date: Date,
    pub(in crate::billing) by_time: bool,
    pub(in crate::billing) lines: &'e [LineReversal],
    pub(in crate::billing) credits: &'e [InvoiceLine],
}

impl<'e> From<&'e CreditNoteIssued> for Noted<'e> {
    fn from(note: &'e CreditNoteIssued) -> Self {
        let CreditNoteIssued { invoice, document_date, posting_date, lines, credits, .. } = note;
        let (invoice, document_date, posting_date) = (*invoice, *document_date, *posting_date);
        let by_time = !credits.is_empty();
        Self { invoice, document_date, posting_date, by_time, lines, credits }
    }
}

impl<'e> From<&'e CreditNoteLinesDrafted> for Noted<'e> {
    fn from(drafted: &'e CreditNoteLinesDrafted) -> Self {
        let CreditNoteLinesDrafted { note: _, lines, credits, .. } = drafted;
        let CreditNoteLinesDrafted { invoice, document_date, posting_date, by_time, .. } = *drafted;
        Self { invoice, document_date, posting_date, by_time, lines, credits }
    }
}

impl Billed {
    /// An invoice without lines.
    pub(in crate::billing) fn of(drafted: Drafted) -> Self {
        let Drafted { invoice, currency: _, document_date, posting_date } = drafted;
        Self {
            invoice,
            document_date,
            posting_date,
            rows: Vec::new(),
            says: Set::default(),
            notes: Vec::new(),
            voided: false,
            commits: Commits::default(),
        }
    }

    /// The next line, with the charge that it bills.
    pub(in crate::billing) fn push(
        &mut self,
        (currency, made): (Currency, EventAt),
        line: &InvoiceLine,
        charge: Option<Shared<Pending>>,
    ) {
        if let Some(charge) = &charge {
            self.commits.insert(charge.made);
        }
        let at = LineRef { invoice: self.invoice, line: line.line };
        let line = new_line((at, currency, self.posting_date), line, charge, made);
        let is_nothing = line.kind == LineKind::ProrationCredit && line.gross.is_zero();
        if let Some(of) = line.subscription().filter(|_| !is_nothing) {
            self.says.add(of);
        }
        self.rows.push(Shared::new(line));
    }

    /// A commit made it what it is.
    pub(in crate::billing) fn made_by_commit(&mut self, made: EventAt) {
        self.commits.add(made);
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
    pub(in crate::billing) fn take_note(&mut self, note: Noted<'_>) -> Result<(), Unmade> {
        for reversal in note.lines {
            let at = LineRef { invoice: note.invoice, line: reversal.line };
            let line = self.line_mut(reversal.line);
            let line =
                line.ok_or_else(|| Unmade::of(format!("line {} of", at.line), at.invoice))?;
            line.reverse(at, reversal, note.posting_date);
            line.cut |= !note.by_time;
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
    (at, currency, posting_date): (LineRef, Currency, Date),
    line: &InvoiceLine,
    charge: Option<Shared<Pending>>,
    made: EventAt,
) -> Line {
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
        earning: first_earning(at, currency, line.net, line.schedule, posting_date),
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
