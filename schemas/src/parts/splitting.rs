//! A decision is split over several commits.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::{Hashing, encoded, hash, refer};
use crate::changed::Changed;
use crate::event::{
    BillingEvent, CreditNoteIssued, CreditNoteLinesDrafted, CustomerEvent, DecisionCompleted,
    DraftedOf, DueSet, Event, EventAt, InvoiceFinalized, InvoiceLinesDrafted, InvoiceLinesVoided,
    InvoiceVoided, LineReversal, PartDrafted, ProcessEvent, SettlementEvent, SubscriptionDue,
    SubscriptionEvent,
};
use crate::ids::{CommandId, SubscriptionId};

/// About how many bytes of events a part has. One event more may go into it.
const PART_BYTES: usize = 16 * 1_024;
/// About how many bytes a subscription has in a `billing.due_set`.
const DAY_BYTES: usize = 64;

/// A decision over several commits.
#[derive(Debug, Clone)]
pub struct Split {
    of: CommandId,
    parts: Vec<Vec<Event>>,
    last: Vec<Event>,
    /// Of the lines that are committed.
    hashes: BTreeMap<DraftedOf, Hashing>,
    /// The kinds of the events that were decided, each once, and what they change.
    told: (Vec<&'static str>, Vec<Changed>),
    /// Where an event of the decision, by its index, went: its part and its index there; none for
    /// one of the last commit.
    places: BTreeMap<u32, (Option<u32>, u32)>,
}

/// Splits what was decided of a command. What may not be in a part, and all behind it, is in the
/// last commit; whoever writes it looks whether it fits there.
pub fn split(of: CommandId, events: Vec<Event>) -> Split {
    split_by(of, events, PART_BYTES)
}

/// The same, into parts of about so many bytes.
pub fn split_by(of: CommandId, events: Vec<Event>, bytes: usize) -> Split {
    let changed = Changed::of(&events);
    let mut kinds: Vec<&'static str> = Vec::new();
    for kind in events.iter().map(|event| event.kind().name) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let told = (kinds, changed);
    let mut splitting = Splitting::new(of, bytes);
    let mut days = Vec::new();
    for (index, event) in (0_u32..).zip(events) {
        // What changes what is billed ends what may be taken ahead of it.
        let ahead = !splitting.last.iter().any(|event| touches_billing(event, &splitting.drafted));
        match event {
            Event::Process(ProcessEvent::DueSet(set)) => days.push(set),
            Event::Billing(BillingEvent::InvoiceFinalized(invoice)) if ahead => {
                splitting.issue(index, invoice);
            }
            Event::Settlement(SettlementEvent::InvoiceVoided(voided)) if ahead => {
                splitting.void(index, voided);
            }
            Event::Settlement(SettlementEvent::CreditNoteIssued(note)) if ahead => {
                splitting.note(index, note);
            }
            event @ (Event::Billing(_)
            | Event::Settlement(_)
            | Event::Subscription(_)
            | Event::Customer(_)
            | Event::Process(_)
            | Event::Book(_)
            | Event::Seller(_)
            | Event::Catalog(_)) => {
                if splitting.last.is_empty() && is_for_parts(&event) {
                    splitting.put(Some(index), event);
                } else {
                    splitting.put_last(index, event);
                }
            }
        }
    }
    splitting.days(days);
    let Splitting { of, parts, last, places, most: _, drafted: _, bytes: _, buffer: _ } = splitting;
    Split { of, parts, last, told, hashes: BTreeMap::new(), places }
}

/// What may be folded in before it is known whether it will be so: it takes nothing that others
/// could take meanwhile but ids, which are told later.
fn is_for_parts(event: &Event) -> bool {
    match event {
        Event::Subscription(event) => !matches!(
            event,
            SubscriptionEvent::SubscriptionCreated(_)
                | SubscriptionEvent::QuoteCreated(_)
                | SubscriptionEvent::RampAgreed(_)
                | SubscriptionEvent::DiscountApplied(_)
        ),
        Event::Settlement(event) => matches!(
            event,
            SettlementEvent::CreditApplied(_)
                | SettlementEvent::CreditReleased(_)
                | SettlementEvent::CreditExpired(_)
        ),
        Event::Billing(event) => {
            matches!(event, BillingEvent::ChargeAdded(_) | BillingEvent::ChargeWithdrawn(_))
        }
        Event::Customer(event) => matches!(event, CustomerEvent::CustomerZoneChanged(_)),
        Event::Process(_) | Event::Book(_) | Event::Seller(_) | Event::Catalog(_) => false,
    }
}

/// Whether an event changes what is billed, or what lines were billed. One whose lines are in
/// parts does not: they do.
fn touches_billing(event: &Event, drafted: &[DraftedOf]) -> bool {
    let is_drafted = |of| drafted.contains(&of);
    match event {
        Event::Settlement(event) => match event {
            SettlementEvent::InvoiceVoided(voided) => !is_drafted(DraftedOf::Void(voided.invoice)),
            SettlementEvent::CreditNoteIssued(note) => {
                !is_drafted(DraftedOf::CreditNote(note.note))
            }
            SettlementEvent::InvoiceLinesVoided(_)
            | SettlementEvent::CreditNoteLinesDrafted(_)
            | SettlementEvent::PaymentRecorded(_)
            | SettlementEvent::PaymentReversed(_)
            | SettlementEvent::PaymentRefunded(_)
            | SettlementEvent::CreditGranted(_)
            | SettlementEvent::CreditApplied(_)
            | SettlementEvent::CreditReleased(_)
            | SettlementEvent::CreditRevoked(_)
            | SettlementEvent::CreditExpired(_)
            | SettlementEvent::CreditPaidOut(_) => false,
        },
        Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => {
            !is_drafted(DraftedOf::Invoice(invoice.invoice))
        }
        Event::Billing(_) | Event::Customer(_) | Event::Subscription(_) => true,
        Event::Process(_) | Event::Book(_) | Event::Seller(_) | Event::Catalog(_) => false,
    }
}

/// The subscription whose day an event may move.
fn subject(event: &Event) -> Option<SubscriptionId> {
    if let Event::Subscription(event) = event { event.subject() } else { None }
}

struct Splitting {
    of: CommandId,
    /// About how many bytes a part has.
    most: usize,
    parts: Vec<Vec<Event>>,
    /// Of the last part.
    bytes: usize,
    last: Vec<Event>,
    /// Documents whose lines are in the parts.
    drafted: Vec<DraftedOf>,
    places: BTreeMap<u32, (Option<u32>, u32)>,
    buffer: Vec<u8>,
}

impl Splitting {
    fn new(of: CommandId, most: usize) -> Self {
        Self {
            of,
            most,
            parts: Vec::new(),
            bytes: 0,
            last: Vec::new(),
            drafted: Vec::new(),
            places: BTreeMap::new(),
            buffer: Vec::new(),
        }
    }

    fn put(&mut self, index: Option<u32>, event: Event) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        self.buffer = event.encode_body(buffer);
        let bytes = self.buffer.len();
        if self.parts.is_empty() || self.bytes + bytes > self.most {
            let part = self.parts.len().try_into().unwrap_or(u32::MAX);
            self.parts.push(vec![PartDrafted { of: self.of, part }.into()]);
            self.bytes = 0;
        }
        self.bytes += bytes;
        let part = self.parts.len().saturating_sub(1);
        let Some(events) = self.parts.last_mut() else { return };
        if let (Some(index), Ok(part), Ok(at)) = (index, part.try_into(), events.len().try_into()) {
            self.places.insert(index, (Some(part), at));
        }
        events.push(event);
    }

    fn put_last(&mut self, index: u32, event: Event) {
        // In front of it stands what completes the decision.
        if let Ok(at) = u32::try_from(self.last.len() + 1) {
            self.places.insert(index, (None, at));
        }
        self.last.push(event);
    }

    fn issue(&mut self, index: u32, mut invoice: InvoiceFinalized) {
        let lines = std::mem::take(&mut invoice.lines);
        let (id, currency) = (invoice.invoice, invoice.currency);
        let (document_date, posting_date) = (invoice.document_date, invoice.posting_date);
        self.lines(lines, |lines| {
            InvoiceLinesDrafted { invoice: id, currency, document_date, posting_date, lines }.into()
        });
        self.drafted.push(DraftedOf::Invoice(id));
        self.put_last(index, invoice.into());
    }

    fn void(&mut self, index: u32, mut voided: InvoiceVoided) {
        let lines = std::mem::take(&mut voided.lines);
        let returned: BTreeSet<u32> = std::mem::take(&mut voided.returned).into_iter().collect();
        let (invoice, rebill) = (voided.invoice, voided.rebill);
        self.lines(lines, |lines: Vec<LineReversal>| {
            let numbers = lines.iter().map(|reversal| reversal.line);
            let returned = numbers.filter(|line| returned.contains(line)).collect();
            InvoiceLinesVoided { invoice, rebill, lines, returned }.into()
        });
        self.drafted.push(DraftedOf::Void(invoice));
        self.put_last(index, voided.into());
    }

    fn note(&mut self, index: u32, mut issued: CreditNoteIssued) {
        let lines = std::mem::take(&mut issued.lines);
        let credits = std::mem::take(&mut issued.credits);
        let (note, invoice) = (issued.note, issued.invoice);
        let (document_date, posting_date) = (issued.document_date, issued.posting_date);
        let by_time = !credits.is_empty();
        let drafted = |lines, credits| {
            let dates = (document_date, posting_date);
            let (document_date, posting_date) = dates;
            CreditNoteLinesDrafted {
                note,
                invoice,
                document_date,
                posting_date,
                by_time,
                lines,
                credits,
            }
            .into()
        };
        self.lines(credits, |credits| drafted(Vec::new(), credits));
        self.lines(lines, |lines| drafted(lines, Vec::new()));
        self.drafted.push(DraftedOf::CreditNote(note));
        self.put_last(index, issued.into());
    }

    /// Days are in parts, too. Those that an event of the last commit may move stay behind it.
    fn days(&mut self, days: Vec<DueSet>) {
        let touches =
            |event: &Event| touches_billing(event, &self.drafted) && subject(event).is_none();
        let all_late = self.last.iter().any(touches);
        let moved: BTreeSet<SubscriptionId> = self.last.iter().filter_map(subject).collect();
        for DueSet { on, subscriptions } in days {
            let is_late = |due: &SubscriptionDue| all_late || moved.contains(&due.subscription);
            let (late, early): (Vec<_>, Vec<_>) = subscriptions.into_iter().partition(is_late);
            for some in early.chunks((self.most / DAY_BYTES).max(1)) {
                self.put(None, DueSet { on, subscriptions: some.to_vec() }.into());
            }
            self.last.push(DueSet { on, subscriptions: late }.into());
        }
    }

    /// Puts lines into parts, some at a time.
    fn lines<L: serde::Serialize>(&mut self, lines: Vec<L>, event: impl Fn(Vec<L>) -> Event) {
        let (mut some, mut bytes) = (Vec::new(), 0);
        for line in lines {
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            self.buffer = encoded(&line, buffer);
            bytes += self.buffer.len();
            some.push(line);
            if bytes >= self.most / 2 {
                self.put(None, event(std::mem::take(&mut some)));
                bytes = 0;
            }
        }
        if !some.is_empty() {
            self.put(None, event(some));
        }
    }
}

impl Split {
    /// The command that it is decided of.
    pub const fn of(&self) -> CommandId {
        self.of
    }

    /// The kinds of the events that were decided, each once, and what they change.
    pub fn told(&self) -> (Vec<&'static str>, Vec<Changed>) {
        self.told.clone()
    }

    /// How many commits come before the last.
    pub const fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The events of the next part, once those before it lie at these positions; none when all
    /// are there.
    pub fn part(&self, before: &[u64]) -> Option<Vec<Event>> {
        let part = u32::try_from(before.len()).ok()?;
        let mut events = self.parts.get(before.len())?.clone();
        for event in &mut events {
            refer(event, &|at| self.found(at, Some(part), before));
        }
        Some(events)
    }

    /// A part, from 0, is committed with these events: its lines are counted and hashed, and it is
    /// given out no more. So what is large is let go bit by bit.
    pub fn committed(&mut self, part: usize, events: &[Event]) {
        if let Some(known) = self.parts.get_mut(part) {
            *known = Vec::new();
        }
        for event in events {
            hash(event, &mut self.hashes);
        }
    }

    /// The events of the last commit, with parts at these positions. Documents have the numbers
    /// that they were decided with.
    pub fn last(&self, parts: &[u64]) -> Vec<Event> {
        let mut last = self.last.clone();
        for event in &mut last {
            refer(event, &|at| self.found(at, None, parts));
        }
        let documents = self.hashes.iter().map(|(of, hash)| hash.clone().of(*of)).collect();
        let done = DecisionCompleted { parts: parts.to_vec(), documents };
        std::iter::once(done.into()).chain(last).collect()
    }

    /// Where an event lies that one of `part` names by its index in the decision.
    fn found(&self, at: EventAt, part: Option<u32>, positions: &[u64]) -> EventAt {
        if at.position.is_some() {
            return at;
        }
        match self.places.get(&at.index) {
            Some((of, index)) if *of == part => EventAt::here(*index),
            Some((Some(of), index)) => {
                let position = usize::try_from(*of).ok().and_then(|of| positions.get(of));
                position.map_or(at, |position| EventAt::at(*position, *index))
            }
            Some((None, _)) | None => at,
        }
    }
}
