//! Decisions that take more than one commit: what is drafted of them, beside what is so.
//!
//! # Shape
//!
//! Parts are folded into a copy of their customer, which shares with the customer what they do not
//! touch. The commit that completes the decision puts the copy in the customer's place. Any other
//! commit of the stream drops it: whatever is decided meanwhile sees nothing of the draft.
//!
//! # Correctness
//!
//! What parts would take of others (ids, numbers, the day of a run) is taken when they are so.

use std::collections::BTreeMap;

use schemas::command::{BillingCommand, CustomerCommand, SettlementCommand, UpdateCustomer};
use schemas::event::{
    BillingEvent, CreditNoteIssued, DecisionCompleted, Event, EventAt, InvoiceFinalized,
    PartDrafted, SettlementEvent,
};
use schemas::ids::{CommandId, CustomerId, EntityId};
use schemas::parts::{Role, role};
use schemas::terms::SeriesKind;
use schemas::text::Code;
use schemas::{Command, Date, Rejection, StreamId, Timestamp};

use super::Ledger;
use super::customer::{Customer, Drafting};
use crate::claims::Claims;
use crate::registry::Registry;
use crate::seller::numbers::printed;
use crate::seller::state::series;
use crate::unmade::Unmade;

/// Whether an event stands in parts only.
fn is_of_parts(event: &Event) -> bool {
    matches!(
        event,
        Event::Billing(BillingEvent::InvoiceLinesDrafted(_))
            | Event::Settlement(
                SettlementEvent::InvoiceLinesVoided(_) | SettlementEvent::CreditNoteLinesDrafted(_)
            )
    )
}

/// What others have taken of what a command claims, and who pays for its customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    registry: Registry,
    payer: Option<u64>,
}

impl Ledger {
    /// Customers with a draft that is not complete.
    pub fn drafting(&self) -> impl Iterator<Item = (CustomerId, CommandId, usize)> {
        self.customers.awake().filter_map(|customer| {
            let drafting = customer.drafting.as_ref()?;
            Some((customer.id(), drafting.of, drafting.parts.len()))
        })
    }

    /// The revision of a stream at its last commit that was no part of a decision: nothing that
    /// is so has changed since.
    pub fn complete_revision(&self, stream: StreamId) -> u64 {
        match stream {
            StreamId::Book => self.facts.revision,
            StreamId::Customer(id) => self.customers.get(id).map_or(0, |found| found.complete),
        }
    }

    /// What a decision looks at beyond its customer and the catalog, to be compared later.
    pub fn marks(&self, customer: CustomerId, claims: &Claims) -> Marks {
        let registry = self.registry.claimed(Some(customer), claims);
        let payer = self.registry.parent(customer);
        let payer = payer.map(|payer| self.revision(StreamId::Customer(payer)));
        Marks { registry, payer }
    }

    /// Gives documents the numbers that are next. They were decided on a copy, and other
    /// customers' documents may have taken theirs since.
    ///
    /// # Errors
    /// [`Rejection::SeriesExhausted`], or a series that there is no more.
    pub fn number(&self, customer: CustomerId, events: &mut [Event]) -> Result<(), Rejection> {
        let of = self.customers.get(customer).ok_or(Rejection::UnknownCustomer { customer })?;
        let noted_by = of.profile.entity;
        let mut given: BTreeMap<(EntityId, Code), u64> = BTreeMap::new();
        for event in events {
            let (entity, code, kind, sequence, number) = match event {
                Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => {
                    let InvoiceFinalized { entity, series, sequence, number, .. } = invoice;
                    (*entity, series, SeriesKind::Invoice, sequence, number)
                }
                Event::Settlement(SettlementEvent::CreditNoteIssued(note)) => {
                    let CreditNoteIssued { series, sequence, number, .. } = note;
                    (noted_by, series, SeriesKind::CreditNote, sequence, number)
                }
                Event::Billing(_)
                | Event::Settlement(_)
                | Event::Subscription(_)
                | Event::Customer(_)
                | Event::Process(_)
                | Event::Book(_)
                | Event::Seller(_)
                | Event::Catalog(_) => continue,
            };
            let seller = self.facts.sellers.entity(entity)?;
            let definition = series(seller, Some(code), kind)?;
            let first = self.registry.numbers().next(entity, code)?;
            let same = given.entry((entity, code.clone())).or_default();
            let exhausted = || Rejection::SeriesExhausted { series: code.clone() };
            *sequence = first.checked_add(*same).ok_or_else(exhausted)?;
            *same += 1;
            *number = printed(definition, *sequence)?;
        }
        Ok(())
    }

    /// Whether documents that were decided earlier would have the same date now.
    pub fn is_dated(&self, customer: CustomerId, events: &[Event], now: Timestamp) -> bool {
        let noted_by = self.customers.get(customer).map(|customer| customer.profile.entity);
        let is_now = |entity: EntityId, date: Date| {
            let seller = self.facts.sellers.entity(entity);
            seller.is_ok_and(|seller| seller.zone.date_at(now) == Ok(date))
        };
        events.iter().all(|event| {
            if let Some(invoice) = event.get::<InvoiceFinalized>() {
                let seller = self.facts.sellers.entity(invoice.entity);
                let found = seller
                    .and_then(|seller| series(seller, Some(&invoice.series), SeriesKind::Invoice));
                let is_past = found.is_ok_and(|found| found.kind == SeriesKind::Historical);
                is_past || is_now(invoice.entity, invoice.document_date)
            } else if let Some(note) = event.get::<CreditNoteIssued>() {
                noted_by.is_some_and(|entity| is_now(entity, note.document_date))
            } else {
                true
            }
        })
    }

    /// Whether two instants are of one day, for a customer and its seller.
    pub fn is_same_day(&self, customer: CustomerId, one: Timestamp, other: Timestamp) -> bool {
        let Some(known) = self.customers.get(customer) else { return false };
        let rules = &known.profile.rules;
        let Ok(seller) = self.facts.sellers.entity(known.profile.entity) else { return false };
        one == other
            || (rules.date(one) == rules.date(other)
                && seller.zone.date_at(one) == seller.zone.date_at(other))
    }

    /// About how many lines the decision on a command looks at, where that may be many.
    pub fn weight(&self, command: &Command) -> usize {
        let StreamId::Customer(id) = command.stream() else { return 0 };
        let Some(customer) = self.customers.get(id) else { return 0 };
        let lines = |invoice| customer.billing.lines_of(invoice);
        // What credit may pay takes a sixteenth of a line's time.
        let swept = customer.settlement.can_sweep() / 16;
        let due = |through| customer.billing.days.looked_at(through).len();
        match command {
            Command::Billing(BillingCommand::BillCustomer(bill)) => due(bill.through) + swept,
            Command::Billing(BillingCommand::InvoiceNow(now)) => {
                due(now.through.unwrap_or(Date::MAX)) + swept
            }
            Command::Customer(
                CustomerCommand::UpdateCustomer(UpdateCustomer { zone: Some(_), .. })
                | CustomerCommand::EraseCustomer(_),
            ) => customer.agreements.live(),
            Command::Settlement(SettlementCommand::VoidInvoice(void)) => lines(void.invoice),
            Command::Settlement(SettlementCommand::IssueCreditNote(note)) => lines(note.invoice),
            Command::Customer(_)
            | Command::Subscription(_)
            | Command::Billing(_)
            | Command::Settlement(_)
            | Command::Book(_)
            | Command::Seller(_)
            | Command::Catalog(_)
            | Command::Process(_) => 0,
        }
    }

    /// Folds the events of a commit in, each with its place.
    ///
    /// # Errors
    /// [`Unmade`] when one names what was never made. The state is then of no more use.
    pub(super) fn fold_events(
        &mut self,
        position: u64,
        stream: StreamId,
        (command_id, effective_at): (CommandId, Timestamp),
        events: &[Event],
    ) -> Result<(), Unmade> {
        let at = |index| EventAt::at(position, index);
        match (role(events), stream) {
            (Role::Whole, _) => {
                self.drop_draft(stream);
                for (index, event) in (0..).zip(events) {
                    if is_of_parts(event) {
                        return Err(Unmade::astray(event.kind().name));
                    }
                    self.evolve(stream, event, at(index), effective_at)?;
                }
                self.close_commit(stream)
            }
            (Role::Part(part), StreamId::Customer(id)) => {
                self.draft_part(id, (part, position), (1..).map(at).zip(&events[1..]))
            }
            (Role::Last(done), StreamId::Customer(id)) => {
                self.complete(id, command_id, done)?;
                for (index, event) in (1..).zip(&events[1..]) {
                    self.evolve(stream, event, at(index), effective_at)?;
                }
                self.close_commit(stream)
            }
            (Role::Part(_) | Role::Last(_), StreamId::Book) => {
                Err(Unmade::astray(events[0].kind().name))
            }
        }
    }

    fn drop_draft(&mut self, stream: StreamId) {
        if let StreamId::Customer(id) = stream
            && let Some(customer) = self.customers.get_mut(id)
        {
            customer.drafting = None;
        }
    }

    fn draft_part<'e>(
        &mut self,
        id: CustomerId,
        (said, position): (&PartDrafted, u64),
        events: impl Iterator<Item = (EventAt, &'e Event)>,
    ) -> Result<(), Unmade> {
        let customer = self.customers.get_mut(id).ok_or_else(|| Unmade::named(id))?;
        if said.part == 0 {
            customer.drafting = Some(Box::new(Drafting::begin(said.of, customer)));
        }
        let known = customer.drafting.as_mut();
        let is_next = |known: &Drafting| {
            known.of == said.of && usize::try_from(said.part) == Ok(known.parts.len())
        };
        let known = known.filter(|known| is_next(known));
        let missing = || Unmade::of(format!("what comes before part {} of", said.part), said.of);
        let drafting = known.ok_or_else(missing)?;
        for (made, event) in events {
            drafting.evolve(event, made)?;
        }
        drafting.parts.push(position);
        customer.revision += 1;
        Ok(())
    }

    /// What was drafted is so.
    fn complete(
        &mut self,
        id: CustomerId,
        of: CommandId,
        done: &DecisionCompleted,
    ) -> Result<(), Unmade> {
        let customer = self.customers.get_mut(id).ok_or_else(|| Unmade::named(id))?;
        let known = customer.drafting.take();
        let known = known.filter(|known| known.of == of && known.parts == done.parts);
        let drafting = known.ok_or_else(|| Unmade::of("the parts of", of))?;
        let Drafting { of: _, parts: _, customer: now, taken } = *drafting;
        for taken in taken {
            self.registry.taken.insert(taken);
        }
        self.registry.move_due(id, customer.due, now.due);
        let revision = customer.revision;
        *customer = Customer { revision, ..now };
        Ok(())
    }
}
