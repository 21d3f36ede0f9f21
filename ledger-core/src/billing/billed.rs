//! A finalized invoice's lines, with what has become of them; and charges.

use schemas::decimal::Decimal;
use schemas::event::{
    ChargeAdded, EventAt, LineOrigin, LinePricing, LineRef, LineSource, PlanVersion,
};
use schemas::fraction::Fraction;
use schemas::ids::{CreditNoteId, DiscountId, InvoiceId, SubscriptionId};
use schemas::terms::LineKind;
use schemas::{Date, Interval, Minor, Personal, Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::accounting::Earning;
use crate::shared::{Set, Shared};
use crate::shelf::Commits;
use crate::spans;

/// How a recurring line was priced, and the events that it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Priced {
    pub(crate) pricing: LinePricing,
    pub(crate) origin: LineOrigin,
}

/// What a discount took off a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    pub(crate) discount: DiscountId,
    pub(crate) amount: Minor,
    /// Before rounding.
    pub(crate) exact: Fraction,
    /// In percent; none of a fixed amount.
    pub(crate) percent: Option<Decimal>,
    /// The start of the subscription's cycle that it counts for.
    pub(crate) cycle: Option<Timestamp>,
}

/// A line of a finalized invoice, with what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) kind: LineKind,
    pub(crate) description: Personal,
    pub(crate) source: LineSource,
    pub(crate) service: Option<Interval>,
    /// How a recurring line was priced.
    pub(crate) priced: Option<Box<Priced>>,
    /// The charge of a one-off line, for billing it again after a void.
    pub(crate) charge: Option<Shared<Pending>>,
    pub(crate) plan: Option<PlanVersion>,
    pub(crate) quantity: Decimal,
    pub(crate) unit_price: Option<Decimal>,
    pub(crate) gross: Minor,
    pub(crate) net: Minor,
    /// Discount parts in the order they were taken.
    pub(crate) discounts: Vec<Taken>,
    pub(crate) credits: Option<LineRef>,
    /// Time that is charged and not credited, in order.
    pub(crate) live: Vec<Span>,
    /// Time that later documents credit, in the unit that proration counts.
    pub(crate) credited_time: i64,
    /// Gross amount that later documents credit for time; not negative.
    pub(crate) credited_gross: Minor,
    /// Net amount that lines of later invoices credit for time; not negative.
    pub(crate) credited_net: Minor,
    /// Net amount taken off by credit notes.
    pub(crate) reversed_net: Minor,
    /// A credit note took an amount off it, whatever time that is for.
    pub(crate) cut: bool,
    /// Invoices with a live line that credits this one.
    pub(crate) credited_by: Vec<InvoiceId>,
    /// What was recognised before the last stop, less what a contra account took back.
    pub(crate) earned: Minor,
    /// What is still to be recognised, and how.
    pub(crate) earning: Earning,
}

impl Line {
    /// Net amount that is neither credited nor reversed.
    pub(crate) fn left(&self) -> Minor {
        Minor(self.net.0 - self.credited_net.0 - self.reversed_net.0)
    }

    /// Whether it asks for a setup fee of a subscription.
    pub(crate) fn is_setup_of(&self, id: SubscriptionId) -> bool {
        let added = self.charge.as_ref().map(|charge| &charge.added);
        added.is_some_and(|added| added.subscription == Some(id) && !added.early_termination)
    }

    /// Whether it bills something of a subscription: its time, or its setup fee.
    pub(crate) fn is_of(&self, id: SubscriptionId) -> bool {
        self.subscription() == Some(id)
    }

    /// The subscription of which it bills something: its time, or its setup fee.
    pub(super) fn subscription(&self) -> Option<SubscriptionId> {
        match self.source {
            LineSource::Cycle { subscription, .. } => Some(subscription),
            LineSource::Charge(_) => self.charge.as_ref()?.added.subscription,
            LineSource::Invoice => None,
        }
    }
}

/// The lines of a finalized invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Billed {
    pub(crate) invoice: InvoiceId,
    pub(crate) document_date: Date,
    pub(crate) posting_date: Date,
    /// Shared with overlays one by one: an invoice may have many.
    pub(super) rows: Vec<Shared<Line>>,
    /// Subscriptions that it says something of; a credit of nothing is nothing.
    pub(super) says: Set<SubscriptionId>,
    /// Credit notes on it.
    pub(crate) notes: Vec<CreditNoteId>,
    pub(crate) voided: bool,
    /// The commits that made it what it is, in order.
    pub(super) commits: Commits,
}

impl Billed {
    /// Its lines, in their order.
    pub(crate) fn lines(
        &self,
    ) -> impl ExactSizeIterator<Item = &Line> + DoubleEndedIterator + Clone {
        self.rows.iter().map(AsRef::as_ref)
    }

    /// Whether it says something of a subscription.
    pub(crate) fn says(&self, id: SubscriptionId) -> bool {
        self.says.contains(id)
    }

    /// The line of this number, from 1, to be kept while the others change.
    pub(super) fn row(&self, number: u32) -> Option<Shared<Line>> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.rows.get(at).map(Shared::clone)
    }

    /// An invoice, not voided, with a line that credits one of these.
    pub(crate) fn credited_by(&self) -> Option<InvoiceId> {
        self.lines().find_map(|line| line.credited_by.first()).copied()
    }

    /// Whether it charges all the time of a credit of its own again, of the same item.
    pub(crate) fn charges_again(&self, credit: &Line) -> bool {
        let LineSource::Cycle { subscription, item, .. } = credit.source else { return false };
        let (Some(_), Some(priced)) = (credit.credits, &credit.priced) else { return false };
        let same = |line: &&Line| match line.source {
            LineSource::Cycle { subscription: s, item: i, .. } => {
                line.credits.is_none() && (s, i) == (subscription, item)
            }
            LineSource::Charge(_) | LineSource::Invoice => false,
        };
        let charged = self.lines().filter(same).flat_map(|line| &line.live);
        let credited = vec![priced.pricing.span];
        charged.fold(credited, |set, span| spans::without(&set, *span)).is_empty()
    }
}

/// A charge that waits for an invoice, or is on one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) added: ChargeAdded,
    /// The event that added it.
    pub(crate) made: EventAt,
    /// It was billed before and voided to be billed again.
    pub(crate) again: bool,
}

impl Pending {
    /// It does not wait for another reason: it was billed before, or an end left it.
    pub(crate) const fn is_due(&self) -> bool {
        self.again || self.added.early_termination
    }
}
