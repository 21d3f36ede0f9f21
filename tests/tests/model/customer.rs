//! A customer: subscriptions, documents and money, as the model keeps them.
//!
//! # Shape
//!
//! What was issued is kept as it was issued. A line knows the time that it still charges
//! ([`Line::live`]); what should be charged is asked of the subscriptions anew each time.

use std::collections::{BTreeMap, BTreeSet};

use schemas::ids::SubscriptionId;
use schemas::ids::{
    ChargeId, CouponId, CreditGrantId, CreditNoteId, CustomerId, DiscountId, InvoiceId, PaymentId,
    QuoteId,
};
use schemas::terms::{DiscountDuration, DiscountTarget, DiscountValue, LineKind};
use schemas::text::Code;
use schemas::{Currency, Decimal};

use crate::book::Told;
use crate::calendar::CycleId;
use crate::civil::{Clock, Day, Instant, Stretch};
use crate::item::{Item, Price};
use crate::number::Exact;
use crate::offers::Quote;
use crate::rules::Rules;
use crate::subscription::Subscription;

/// The command must be refused; the word says why, for people.
pub(crate) type Refused = &'static str;

/// When a command is decided, and when it takes effect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct When {
    pub(crate) recorded: Instant,
    pub(crate) effective: Instant,
}

/// Invoice and line, both by place.
pub(crate) type At = (usize, usize);

/// Which cycle of which item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CycleOf {
    pub(crate) subscription: SubscriptionId,
    pub(crate) item: usize,
    pub(crate) id: CycleId,
    pub(crate) start: Instant,
    pub(crate) end: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Cycle(CycleOf),
    Charge(ChargeId),
}

/// What a discount took off a line; none is the discount of a ramp's phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) id: Option<DiscountId>,
    pub(crate) exact: Exact,
    pub(crate) amount: i128,
    /// Which part of the line; none of a fixed amount.
    pub(crate) percent: Option<Exact>,
    /// All of a fixed amount that was there to be shared.
    pub(crate) budget: Option<i128>,
    /// The start of the cycle that it counts for, as cycles lay when it was taken.
    pub(crate) cycle: Option<Instant>,
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) source: Source,
    pub(crate) kind: LineKind,
    pub(crate) price: Option<Price>,
    pub(crate) time: Stretch,
    pub(crate) full: Stretch,
    pub(crate) quantity: Decimal,
    /// What a whole cycle costs, exact.
    pub(crate) whole: Exact,
    pub(crate) gross: i128,
    pub(crate) discounts: Vec<Taken>,
    pub(crate) credits: Option<At>,
    /// Time that it charges still.
    pub(crate) live: Vec<Stretch>,
    /// A credit of all its time was given up: the line stands.
    pub(crate) stands: bool,
    /// What credits gave back of its discounts: less than zero.
    pub(crate) returned: Vec<Taken>,
    /// Time that was credited, in units of the policy.
    pub(crate) credited_units: i128,
    /// What credits for time took off it.
    pub(crate) credited: i128,
    /// The same before discounts.
    pub(crate) credited_gross: i128,
    /// What notes for an amount took off it.
    pub(crate) noted: i128,
    /// What notes of both kinds took off it: the invoice asks that much less for it.
    pub(crate) by_notes: i128,
}

impl Line {
    pub(crate) fn net(&self) -> i128 {
        self.gross - self.discounts.iter().map(|taken| taken.amount).sum::<i128>()
    }

    /// What credits for time have left of it before discounts.
    pub(crate) const fn gross_left(&self) -> i128 {
        self.gross - self.credited_gross
    }

    pub(crate) fn left(&self) -> i128 {
        self.net() - self.credited - self.noted
    }

    pub(crate) const fn cycle(&self) -> Option<&CycleOf> {
        match &self.source {
            Source::Cycle(of) => Some(of),
            Source::Charge(_) => None,
        }
    }

    /// Whether it bills something of a subscription.
    pub(crate) fn is_of(&self, customer: &Customer, id: SubscriptionId) -> bool {
        match self.source {
            Source::Cycle(of) => of.subscription == id,
            Source::Charge(charge) => customer.charge_of(charge) == Some(id),
        }
    }

    pub(crate) const fn charges(&self) -> bool {
        self.credits.is_none()
    }
}

/// A part of a lot on an invoice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Applied {
    pub(crate) lot: usize,
    pub(crate) amount: i128,
    /// A payment said so when it came, and not credit later.
    pub(crate) by_payment: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Invoice {
    pub(crate) issued: Told,
    pub(crate) dated: Day,
    pub(crate) due: Day,
    pub(crate) lines: Vec<Line>,
    pub(crate) applied: Vec<Applied>,
    pub(crate) noted: i128,
    /// A note stands on it, of whatever amount.
    pub(crate) has_notes: bool,
    /// What its negative total made, and which lot that is.
    pub(crate) generated: Option<(usize, i128)>,
    /// Credit was taken off it by command, and does not pay it by itself.
    pub(crate) held: bool,
    pub(crate) voided: bool,
}

impl Invoice {
    pub(crate) fn total(&self) -> i128 {
        self.lines.iter().map(Line::net).sum()
    }

    pub(crate) fn open(&self) -> i128 {
        if self.voided {
            return 0;
        }
        let applied: i128 = self.applied.iter().map(|applied| applied.amount).sum();
        self.total() + self.generated.map_or(0, |(_, made)| made) - applied - self.noted
    }

    pub(crate) fn has(&self, customer: &Customer, id: SubscriptionId) -> bool {
        let of_nothing = |line: &Line| line.credits.is_some() && line.gross == 0;
        self.lines.iter().any(|line| line.is_of(customer, id) && !of_nothing(line))
    }
}

/// Where a lot of credit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Payment(PaymentId),
    /// Whether it had been paid for.
    Grant(CreditGrantId, bool),
    /// An invoice below zero.
    Invoice(usize),
    /// A note for more than its invoice asked, by the place of the note.
    Note(usize),
}

impl Origin {
    pub(crate) fn is_grant(self, id: CreditGrantId) -> bool {
        match self {
            Self::Grant(known, _) => known == id,
            Self::Payment(_) | Self::Invoice(_) | Self::Note(_) => false,
        }
    }

    /// It is the customer's money.
    pub(crate) const fn is_money(self) -> bool {
        match self {
            Self::Payment(_) => true,
            Self::Grant(_, paid) => paid,
            Self::Invoice(_) | Self::Note(_) => false,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Lot {
    pub(crate) origin: Origin,
    pub(crate) left: i128,
    pub(crate) arose: Day,
    /// The last day.
    pub(crate) expires: Option<Day>,
    pub(crate) priority: i8,
    /// Whose lines it pays, if not all.
    pub(crate) scope: Option<SubscriptionId>,
    pub(crate) refundable: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Payment {
    pub(crate) lot: usize,
    pub(crate) amount: i128,
    pub(crate) refunded: i128,
    pub(crate) reversed: bool,
    pub(crate) day: Day,
}

#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub(crate) id: ChargeId,
    pub(crate) gross: i128,
    pub(crate) quantity: Decimal,
    /// The subscription whose setup fee it is, or the fee for its early end.
    pub(crate) of: Option<SubscriptionId>,
    pub(crate) setup: bool,
    /// It was billed before and is to be billed again: the next run does.
    pub(crate) due: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Discount {
    pub(crate) id: DiscountId,
    pub(crate) on: DiscountTarget,
    pub(crate) value: DiscountValue,
    pub(crate) duration: DiscountDuration,
    /// Cycles that were billed before it was given do not have it: none up to this one.
    pub(crate) after: BTreeMap<(SubscriptionId, usize), CycleId>,
    /// The item whose price it is on.
    pub(crate) item: Option<usize>,
    pub(crate) removed: bool,
}

/// A document, as it was issued.
#[derive(Debug, Clone)]
pub(crate) enum Document {
    /// The invoice of a place.
    Invoice(usize),
    /// A note: the invoice that it credits, and what it takes off each line.
    Note(usize, Vec<(usize, i128)>),
}

#[derive(Debug, Clone)]
pub(crate) struct Customer {
    pub(crate) rules: Rules,
    pub(crate) registered: Instant,
    pub(crate) clock: Clock,
    /// Where it said that it is.
    pub(crate) zone: String,
    pub(crate) currency: Currency,
    pub(crate) terms_days: i64,
    /// They are its own, not the seller's.
    pub(crate) own_terms: bool,
    pub(crate) parent: Option<CustomerId>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) quotes: BTreeMap<QuoteId, Quote>,
    pub(crate) discounts: Vec<Discount>,
    pub(crate) redeemed: BTreeSet<CouponId>,
    pub(crate) pending: Vec<Charge>,
    /// Every charge there was, to be billed again.
    pub(crate) charges: Vec<Charge>,
    pub(crate) invoices: Vec<Invoice>,
    /// What the ledger calls them, by place.
    pub(crate) names: Vec<InvoiceId>,
    /// Where lines stand on its invoices as the ledger wrote them: among those that say something.
    pub(crate) places: Vec<Vec<usize>>,
    /// How many notes were issued.
    pub(crate) notes: usize,
    /// What the ledger calls the notes, by place.
    pub(crate) note_names: Vec<CreditNoteId>,
    pub(crate) lots: Vec<Lot>,
    pub(crate) payments: BTreeMap<PaymentId, Payment>,
    /// What was paid out in cash of lots that invoices below zero made.
    pub(crate) paid_out: i128,
    /// What the command at hand issued.
    pub(crate) issued: Vec<Document>,
    /// The number of the command at hand.
    pub(crate) command: u64,
}

impl Customer {
    pub(crate) fn new(
        rules: Rules,
        registered: Instant,
        (clock, zone): (Clock, &str),
        currency: Currency,
        terms_days: i64,
        parent: Option<CustomerId>,
    ) -> Self {
        Self {
            rules,
            registered,
            clock,
            zone: zone.to_owned(),
            currency,
            terms_days,
            own_terms: false,
            parent,
            subscriptions: Vec::new(),
            quotes: BTreeMap::new(),
            discounts: Vec::new(),
            redeemed: BTreeSet::new(),
            pending: Vec::new(),
            charges: Vec::new(),
            invoices: Vec::new(),
            names: Vec::new(),
            places: Vec::new(),
            notes: 0,
            note_names: Vec::new(),
            lots: Vec::new(),
            payments: BTreeMap::new(),
            paid_out: 0,
            issued: Vec::new(),
            command: 0,
        }
    }

    pub(crate) fn owed(&self) -> i128 {
        self.invoices.iter().map(Invoice::open).sum()
    }

    pub(crate) fn credit(&self) -> i128 {
        self.lots.iter().map(|lot| lot.left).sum()
    }

    pub(crate) fn place_of(&self, id: SubscriptionId) -> Result<usize, Refused> {
        let found = self.subscriptions.iter().position(|known| known.id == id);
        found.ok_or("unknown subscription")
    }

    pub(crate) fn invoice_of(&self, id: InvoiceId) -> Result<usize, Refused> {
        self.names.iter().position(|known| *known == id).ok_or("unknown invoice")
    }

    /// The place of a note.
    pub(crate) fn note_of(&self, id: CreditNoteId) -> Option<usize> {
        self.note_names.iter().position(|known| *known == id)
    }

    /// The subscription whose setup fee a charge is.
    pub(crate) fn charge_of(&self, id: ChargeId) -> Option<SubscriptionId> {
        self.charges.iter().find(|known| known.id == id).and_then(|charge| charge.of)
    }

    pub(crate) fn line(&self, (invoice, line): At) -> &Line {
        &self.invoices[invoice].lines[line]
    }

    pub(crate) fn line_mut(&mut self, (invoice, line): At) -> &mut Line {
        &mut self.invoices[invoice].lines[line]
    }

    /// Lines that charge something and count, with their places.
    pub(crate) fn charging(&self) -> impl Iterator<Item = (At, &Line)> {
        let live = self.invoices.iter().enumerate().filter(|(_, invoice)| !invoice.voided);
        live.flat_map(|(place, invoice)| {
            let lines = invoice.lines.iter().enumerate();
            lines.map(move |(number, line)| ((place, number), line))
        })
        .filter(|(_, line)| line.charges())
    }

    /// A line of a later invoice that counts credits one of an invoice.
    pub(crate) fn is_credited_by_a_later_one(&self, place: usize) -> bool {
        let live = self.invoices.iter().filter(|invoice| !invoice.voided);
        // A credit of nothing is nothing that stands on a line.
        let mut lines = live.flat_map(|invoice| &invoice.lines).filter(|line| line.gross != 0);
        lines.any(|line| line.credits.is_some_and(|at| at.0 == place))
    }

    /// Where a cycle ends now: where the cycles that were laid anew begin, if that is before.
    fn end_of(&self, of: &CycleOf) -> Instant {
        let place = self.place_of(of.subscription).expect("it was billed");
        let item = &self.subscriptions[place].items[of.item];
        let next = item.calendars.get(of.id.0 + 1).map(|next| next.from);
        next.map_or(of.end, |next| next.min(of.end))
    }

    /// The end of the last cycle of an item of which something is billed, as the subscription
    /// stands: one that was cut ends there.
    pub(crate) fn billed_until(&self, known: &Subscription, item: usize) -> Option<Instant> {
        let of_item = |line: &Line| {
            let of = line.cycle().filter(|of| (of.subscription, of.item) == (known.id, item));
            let of = of.filter(|_| !line.live.is_empty())?;
            let cut = known.items[item].calendars.get(of.id.0 + 1).map(|next| next.from);
            Some(cut.map_or(of.end, |cut| of.end.min(cut)))
        };
        self.charging().filter_map(|(_, line)| of_item(line)).max()
    }

    /// The end of the last cycle of an item that was ever invoiced and counts.
    pub(crate) fn last_cycle_end(&self, id: SubscriptionId, item: usize) -> Option<Instant> {
        let cycles = self.charging().filter_map(|(_, line)| line.cycle());
        cycles.filter(|of| (of.subscription, of.item) == (id, item)).map(|of| self.end_of(of)).max()
    }

    /// The last cycle of an item of which something is billed, or was given up.
    pub(crate) fn last_billed(&self, id: SubscriptionId, item: usize) -> Option<CycleId> {
        let cycles = self.charging().filter_map(|(_, line)| line.cycle());
        let billed = cycles.filter(|of| (of.subscription, of.item) == (id, item)).map(|of| of.id);
        let subscription = self.subscriptions.iter().find(|known| known.id == id)?;
        let given_up = subscription.items[item].waived.iter().map(|(of, _)| *of);
        billed.chain(given_up).max()
    }

    /// The start of the subscription's cycle (that of its plan's first price) that a cycle of an
    /// item begins in: discounts count these.
    pub(crate) fn counted_cycle(&self, of: &CycleOf) -> Instant {
        let place = self.place_of(of.subscription).ok();
        let items = place.map(|place| &self.subscriptions[place].items);
        let first = items
            .and_then(|items| items.iter().find(|item| item.lives_at(of.start)).or(items.first()));
        let cycle = first.and_then(|item| item.cycle_at(&self.rules, &self.clock, of.start));
        cycle.map_or(of.start, |cycle| cycle.start)
    }

    /// The command that first billed a cycle, also if that was voided.
    pub(crate) fn first_billed(
        &self,
        id: SubscriptionId,
        item: usize,
        cycle: CycleId,
    ) -> Option<Told> {
        let same = |line: &Line| {
            line.cycle().is_some_and(|of| (of.subscription, of.item, of.id) == (id, item, cycle))
        };
        let found = self.invoices.iter().find(|invoice| invoice.lines.iter().any(same));
        found.map(|invoice| invoice.issued)
    }

    /// A price that a subscription has and has not ended, for discounts.
    pub(crate) fn has_price(&self, id: SubscriptionId, price: &Code) -> bool {
        let of = self.subscriptions.iter().find(|known| known.id == id);
        of.is_some_and(|subscription| {
            let mut terms = subscription.items.iter().filter_map(Item::last_terms);
            terms.any(|terms| terms.price == *price)
        })
    }
}
