//! Decisions of any size: split over several commits, and put together again.
//!
//! # Shape
//!
//! A decision that is too large for one commit is drafted: commits of `customer.draft_part`, each
//! with a [`PartDrafted`] before its other events, hold most of it. The commit of the command
//! itself comes last, and a [`DecisionCompleted`] in front of its events says that all of it is so.
//! Lines of documents are in the parts; the event that issues or voids a document comes last and
//! has none of its own.
//!
//! # Ordering
//!
//! Parts lie one behind the other on their stream. Another commit of the stream between them ends
//! the draft: nothing of it ever happened.
//!
//! # Correctness
//!
//! [`together`] gives back what was [`split`], but for the order of `billing.due_set`, and checks
//! count and SHA-256 of the lines that it puts together. No number of a series is in a part: a
//! draft that ends leaves no gap.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::commit::CommitView;
use crate::event::{
    BillingEvent, CreditNoteIssued, CreditNoteLinesDrafted, CustomerEvent, DecisionCompleted,
    DraftedLines, DraftedOf, DueSet, Event, EventAt, InvoiceFinalized, InvoiceLine,
    InvoiceLinesDrafted, InvoiceLinesVoided, InvoiceVoided, LineReversal, LinesHash, PartDrafted,
    ProcessEvent, SettlementEvent, SubscriptionDue, SubscriptionEvent,
};
use crate::ids::{CommandId, SubscriptionId};
use crate::record::{DecodeError, Member};

/// About how many bytes of events a part has. One event more may go into it.
const PART_BYTES: usize = 48 * 1_024;
/// About how many bytes of lines one event of a part has.
const LINES_BYTES: usize = 24 * 1_024;
/// The most subscriptions of one `billing.due_set` of a part.
const DAYS: usize = 256;

/// What a commit is of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role<'a> {
    /// All of it.
    Whole,
    /// A part: not so yet.
    Part(&'a PartDrafted),
    /// The last, which makes those before it so.
    Last(&'a DecisionCompleted),
}

/// What a commit with these events is of a decision.
pub fn role(events: &[Event]) -> Role<'_> {
    let Some(Event::Process(first)) = events.first() else { return Role::Whole };
    match first {
        ProcessEvent::PartDrafted(part) => Role::Part(part),
        ProcessEvent::DecisionCompleted(done) => Role::Last(done),
        ProcessEvent::BillingRunStarted(_) | ProcessEvent::DueSet(_) => Role::Whole,
    }
}

/// The same of a stored commit, as far as a reader needs to know before it decodes all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredRole {
    /// All of a decision.
    Whole,
    /// A part of one.
    Part {
        /// Which, from 0.
        number: u32,
    },
    /// The last, which makes those before it so.
    Last,
}

/// What a stored commit is of a decision.
///
/// # Errors
/// [`DecodeError`]: its first event cannot be read.
pub fn stored_role(commit: &CommitView<'_>) -> Result<StoredRole, DecodeError> {
    let Some(first) = commit.events().next() else { return Ok(StoredRole::Whole) };
    let first = first?;
    if first.type_id == <PartDrafted as Member<Event>>::KIND.type_id {
        let event = Event::decode(first)?;
        let number = event.get::<PartDrafted>().map_or(0, |part| part.part);
        return Ok(StoredRole::Part { number });
    }
    let is_last = first.type_id == <DecisionCompleted as Member<Event>>::KIND.type_id;
    Ok(if is_last { StoredRole::Last } else { StoredRole::Whole })
}

/// A decision over several commits.
#[derive(Debug, Clone)]
pub struct Split {
    of: CommandId,
    parts: Vec<Vec<Event>>,
    last: Vec<Event>,
    /// Of the lines that are committed.
    hashes: BTreeMap<DraftedOf, Hashing>,
    /// Where an event of the decision, by its index, went: its part and its index there; none for
    /// one of the last commit.
    places: BTreeMap<u32, (Option<u32>, u32)>,
}

/// Splits what was decided of a command. What may not be in a part, and all behind it, is in the
/// last commit; whoever writes it looks whether it fits there.
pub fn split(of: CommandId, events: Vec<Event>) -> Split {
    let mut splitting = Splitting::new(of);
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
            event if splitting.last.is_empty() && is_for_parts(&event) => {
                splitting.put(Some(index), event);
            }
            event => splitting.put_last(index, event),
        }
    }
    splitting.days(days);
    let Splitting { of, parts, last, drafted: _, places, bytes: _, buffer: _ } = splitting;
    Split { of, parts, last, hashes: BTreeMap::new(), places }
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
    fn new(of: CommandId) -> Self {
        Self {
            of,
            parts: Vec::new(),
            bytes: PART_BYTES,
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
        if self.bytes + bytes > PART_BYTES {
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
            for some in early.chunks(DAYS) {
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
            if bytes >= LINES_BYTES {
                self.put(None, event(std::mem::take(&mut some)));
                bytes = 0;
            }
        }
        if !some.is_empty() {
            self.put(None, event(some));
        }
    }
}

fn encoded(line: &impl serde::Serialize, buffer: Vec<u8>) -> Vec<u8> {
    let buffer = postcard::to_extend(line, buffer);
    buffer.expect("a line always encodes: memory is its only limit")
}

/// Counts and hashes lines.
#[derive(Debug, Clone, Default)]
struct Hashing {
    lines: u32,
    hash: Sha256,
    buffer: Vec<u8>,
}

impl Hashing {
    fn take<L: serde::Serialize>(&mut self, lines: &[L]) {
        for line in lines {
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            self.buffer = encoded(line, buffer);
            self.hash.update(&self.buffer);
            self.lines += 1;
        }
    }

    fn of(self, of: DraftedOf) -> DraftedLines {
        let hash = LinesHash(self.hash.finalize().into());
        DraftedLines { of, lines: self.lines, hash }
    }
}

impl Split {
    /// The command that it is decided of.
    pub const fn of(&self) -> CommandId {
        self.of
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

    /// A part is committed with these events: its lines are counted and hashed.
    pub fn committed(&mut self, events: &[Event]) {
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

/// Counts and hashes the lines of an event of a part.
fn hash(event: &Event, hashes: &mut BTreeMap<DraftedOf, Hashing>) {
    if let Some(drafted) = event.get::<InvoiceLinesDrafted>() {
        hashes.entry(DraftedOf::Invoice(drafted.invoice)).or_default().take(&drafted.lines);
    } else if let Some(voided) = event.get::<InvoiceLinesVoided>() {
        hashes.entry(DraftedOf::Void(voided.invoice)).or_default().take(&voided.lines);
    } else if let Some(drafted) = event.get::<CreditNoteLinesDrafted>() {
        let hash = hashes.entry(DraftedOf::CreditNote(drafted.note)).or_default();
        hash.take(&drafted.credits);
        hash.take(&drafted.lines);
    }
}

/// Changes every place that an event names of another event.
fn refer(event: &mut Event, to: &dyn Fn(EventAt) -> EventAt) {
    let lines: &mut [InvoiceLine] = match event {
        Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => &mut invoice.lines,
        Event::Billing(BillingEvent::InvoiceLinesDrafted(drafted)) => &mut drafted.lines,
        Event::Settlement(SettlementEvent::CreditNoteIssued(note)) => &mut note.credits,
        Event::Settlement(SettlementEvent::CreditNoteLinesDrafted(note)) => &mut note.credits,
        Event::Billing(_)
        | Event::Settlement(_)
        | Event::Subscription(_)
        | Event::Customer(_)
        | Event::Process(_)
        | Event::Book(_)
        | Event::Seller(_)
        | Event::Catalog(_) => return,
    };
    for line in lines {
        let said = |at: &mut Option<EventAt>| *at = at.map(to);
        let origin = &mut line.origin;
        for at in [
            &mut origin.price,
            &mut origin.segment,
            &mut origin.cycle,
            &mut origin.charge,
            &mut origin.change,
        ] {
            said(at);
        }
        for part in &mut line.discounts {
            part.given = to(part.given);
        }
    }
}

/// Parts that do not make what the commit behind them says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what was drafted in parts is not what was completed: {what}; verify the log")]
pub struct NotTogether {
    what: String,
}

fn not(what: impl Into<String>) -> NotTogether {
    NotTogether { what: what.into() }
}

/// What commits of parts and the last one behind them have decided: every event with where it
/// lies, documents with all their lines. Lines name what else was decided by its place in the log.
///
/// # Errors
/// [`NotTogether`] when these commits do not make it.
pub fn together(
    parts: impl IntoIterator<Item = (u64, Vec<Event>)>,
    (position, last): (u64, Vec<Event>),
) -> Result<Vec<(EventAt, Event)>, NotTogether> {
    let mut last = last.into_iter();
    let Some(Event::Process(ProcessEvent::DecisionCompleted(done))) = last.next() else {
        return Err(not("the last commit completes nothing"));
    };
    let (mut gathered, mut hashes) = (Gathered::default(), BTreeMap::new());
    let mut events = Vec::new();
    let mut met = Vec::with_capacity(done.parts.len());
    for (at, part) in parts {
        met.push(at);
        for (index, mut event) in (0_u32..).zip(part) {
            let here = EventAt::at(at, index);
            hash(&event, &mut hashes);
            refer(&mut event, &|named| named.said_by(here));
            if let Some(PartDrafted { of: _, part }) = event.get() {
                if usize::try_from(*part).ok() != met.len().checked_sub(1) {
                    return Err(not(format!("part {part} at {at}")));
                }
            } else if let Some(event) = gathered.take(event) {
                events.push((here, event));
            }
        }
    }
    if met != done.parts {
        return Err(not(format!("parts at {met:?} for those at {:?}", done.parts)));
    }
    let found: Vec<_> = hashes.into_iter().map(|(of, hash)| hash.of(of)).collect();
    if found != done.documents {
        return Err(not(format!("{found:?} for {:?}", done.documents)));
    }
    for (index, mut event) in (1_u32..).zip(last) {
        let here = EventAt::at(position, index);
        refer(&mut event, &|named| named.said_by(here));
        gathered.give(&mut event);
        events.push((here, event));
    }
    if gathered.is_empty() { Ok(events) } else { Err(not("lines of what was not issued")) }
}

/// Lines, by whose they are.
#[derive(Default)]
struct Gathered {
    lines: BTreeMap<DraftedOf, Lines>,
}

#[derive(Default)]
struct Lines {
    of_invoice: Vec<InvoiceLine>,
    reversals: Vec<LineReversal>,
    returned: Vec<u32>,
}

impl Gathered {
    /// Takes the lines of an event; given back if it has none.
    fn take(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Billing(BillingEvent::InvoiceLinesDrafted(drafted)) => {
                self.of(DraftedOf::Invoice(drafted.invoice)).of_invoice.extend(drafted.lines);
            }
            Event::Settlement(SettlementEvent::InvoiceLinesVoided(voided)) => {
                let known = self.of(DraftedOf::Void(voided.invoice));
                known.reversals.extend(voided.lines);
                known.returned.extend(voided.returned);
            }
            Event::Settlement(SettlementEvent::CreditNoteLinesDrafted(drafted)) => {
                let known = self.of(DraftedOf::CreditNote(drafted.note));
                known.of_invoice.extend(drafted.credits);
                known.reversals.extend(drafted.lines);
            }
            event => return Some(event),
        }
        None
    }

    fn of(&mut self, of: DraftedOf) -> &mut Lines {
        self.lines.entry(of).or_default()
    }

    /// Gives a document its lines.
    fn give(&mut self, event: &mut Event) {
        if let Some(invoice) = event.get_mut::<InvoiceFinalized>()
            && let Some(lines) = self.lines.remove(&DraftedOf::Invoice(invoice.invoice))
        {
            invoice.lines = lines.of_invoice;
        } else if let Some(voided) = event.get_mut::<InvoiceVoided>()
            && let Some(lines) = self.lines.remove(&DraftedOf::Void(voided.invoice))
        {
            (voided.lines, voided.returned) = (lines.reversals, lines.returned);
        } else if let Some(note) = event.get_mut::<CreditNoteIssued>()
            && let Some(lines) = self.lines.remove(&DraftedOf::CreditNote(note.note))
        {
            (note.credits, note.lines) = (lines.of_invoice, lines.reversals);
        }
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}
