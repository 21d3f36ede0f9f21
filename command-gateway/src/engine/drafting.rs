//! Decisions that were reckoned beside the engine, and those that take more than one commit.
//!
//! *Shape.* What was reckoned of a command waits here. Each time the command is decided again one
//! part of it is put into the open block, until the last one answers the command.
//! *Correctness.* A result is taken only while nothing that it rests on has changed: the revision
//! of its stream, what decisions take from the book, the day that its documents are dated. If
//! something has, parts that are in the log count for nothing, and it is reckoned anew.

use ledger_core::{Claims, Stamp};
use schemas::command::{DraftPart, IssueCreditNote, VoidInvoice};
use schemas::ids::{CommandId, derive};
use schemas::preview::PreviewToken;
use schemas::{Cause, Command, Commit, Event, Origin, Rejection, StreamId};

use super::step::{Entry, Prepared, Pushed, Step, too_large};
use super::stepping::EngineCore;
use crate::decider::Decider;
use crate::outcome::Refusal;
use crate::reckoning::{Base, HEAVY, Outcome, Reckoned, ToReckon};
use crate::request::CommandRequest;

/// What [`HEAVY`] is of a void: each of so many lines costs little.
const HEAVY_VOID: usize = 400;
/// The same of a credit note, which looks at the lines that it names: of the others it copies
/// pointers.
const HEAVY_NOTE: usize = 3_200;

impl<D: Decider, W> EngineCore<D, W> {
    /// From now on large decisions are reckoned elsewhere.
    pub(crate) fn reckon_elsewhere(&mut self) {
        self.reckons = true;
    }

    /// Whether a command is to be reckoned elsewhere.
    pub(super) fn is_heavy(&self, command: &Command) -> bool {
        let most = if command.get::<IssueCreditNote>().is_some() {
            HEAVY_NOTE
        } else if command.get::<VoidInvoice>().is_some() {
            HEAVY_VOID
        } else {
            HEAVY
        };
        self.reckons && self.fold.state.weight(command) > most
    }

    /// Whether parts of a command are in the log.
    pub(super) fn is_drafting(&self, command_id: CommandId) -> bool {
        self.prepared.get(&command_id).is_some_and(|prepared| !prepared.parts.is_empty())
    }

    /// What is to be reckoned of a command.
    pub(crate) fn to_reckon(&self, request: &CommandRequest) -> ToReckon {
        let recorded_at = self.now();
        let effective_at = request.takes_effect().unwrap_or(recorded_at);
        let customer = match request.command.stream() {
            StreamId::Customer(customer) => Some(customer),
            StreamId::Book => None,
        };
        ToReckon {
            ledger: self.fold.state.copy_for(customer, &Claims::of(&request.command)),
            command: request.command.clone(),
            stamp: Stamp { command_id: request.command_id, recorded_at, effective_at },
            base: self.base(&request.command),
            previewed: request.preview.is_some(),
        }
    }

    pub(super) fn base(&self, command: &Command) -> Base {
        let (state, stream) = (&self.fold.state, command.stream());
        let marks = match stream {
            StreamId::Customer(customer) => state.marks(customer, &Claims::of(command)),
            StreamId::Book => None,
        };
        Base { revision: state.revision(stream), catalog: state.catalog_revision(), marks }
    }

    /// Takes what was reckoned.
    pub(crate) fn prepare(&mut self, reckoned: Reckoned) {
        self.prepared.insert(reckoned.stamp.command_id, Prepared::new(reckoned));
    }

    /// What was reckoned of a command is wanted no more.
    pub(crate) fn forget(&mut self, command_id: CommandId) {
        self.prepared.remove(&command_id);
    }

    /// Whether what was reckoned of a command can be taken, as far as it rests on the state.
    fn is_fresh(&self, prepared: &Prepared) -> bool {
        let Reckoned { command, base, outcome, .. } = &prepared.reckoned;
        let state = &self.fold.state;
        let revision = base.revision + prepared.parts.len() as u64;
        let stands = state.revision(command.stream()) == revision
            && state.catalog_revision() == base.catalog;
        let is_last = match outcome {
            Outcome::Split(split) => split.parts() == prepared.parts.len(),
            Outcome::Whole(_) | Outcome::Refused(_) | Outcome::Away(_) | Outcome::Fault => true,
        };
        stands && (!is_last || self.base(command).marks == base.marks)
    }

    /// Goes on with what was prepared of a command: one part, or the last.
    pub(super) fn go_on(&mut self, request: CommandRequest, cause: Option<Cause>) -> Step {
        let Some(prepared) = self.prepared.remove(&request.command_id) else {
            return self.decide(request, cause);
        };
        if prepared.reckoned.command != request.command || !self.is_fresh(&prepared) {
            return self.decide(request, cause);
        }
        let stamp = Stamp { recorded_at: self.now(), ..prepared.reckoned.stamp };
        if prepared.parts.is_empty()
            && let (Some(digest), Some(token)) = (prepared.reckoned.digest, &request.preview)
            && token.events != digest
        {
            let moved = PreviewToken { events: digest, ..*token };
            let moved = token.moved(&moved).unwrap_or_default();
            return self.refused(Rejection::PreviewStale { moved });
        }
        let Prepared { reckoned: Reckoned { outcome, .. }, parts } = &prepared;
        let mut last = match outcome {
            Outcome::Split(split) => match split.part(parts) {
                Some(events) => return self.put_part(request, (cause, stamp), prepared, events),
                None => split.last(parts),
            },
            Outcome::Whole(events) => events.clone(),
            Outcome::Refused(rejection) => return self.refused(rejection.clone()),
            Outcome::Away(away) => return Step::Away(request, away.clone()),
            Outcome::Fault => return Step::Refused(Refusal::Internal),
        };
        let StreamId::Customer(customer) = request.command.stream() else {
            return Step::Refused(Refusal::Internal);
        };
        let state = &self.fold.state;
        let (reckoned_at, now) = (prepared.reckoned.stamp.recorded_at, stamp.recorded_at);
        let is_same = state.is_same_day(customer, reckoned_at, now)
            && state.is_dated(customer, &last, now)
            && state.is_free(&last);
        if !is_same {
            return self.decide(request, cause);
        }
        if let Err(rejection) = state.number(customer, &mut last) {
            return self.refused(rejection);
        }
        let told = match outcome {
            Outcome::Split(split) => Some(split.told()),
            Outcome::Whole(_) | Outcome::Refused(_) | Outcome::Away(_) | Outcome::Fault => None,
        };
        let step = self.take_in(Entry { request, cause, stamp: &stamp, whole: false }, last);
        match step {
            Step::Full(request) => {
                self.prepared.insert(request.command_id, prepared);
                Step::Full(request)
            }
            Step::Accepted(mut receipt) => {
                if let Some((kinds, changed)) = told {
                    (receipt.events, receipt.changed) = (kinds, changed);
                }
                Step::Accepted(receipt)
            }
            Step::Refused(_)
            | Step::Broken(_)
            | Step::Away(..)
            | Step::Heavy(_)
            | Step::Drafting(_) => step,
        }
    }

    /// Splits a decision that has no room in one commit, and begins to commit it.
    pub(super) fn split(
        &mut self,
        request: CommandRequest,
        (cause, stamp): (Option<Cause>, &Stamp),
        events: Vec<Event>,
    ) -> Step {
        let (command, stamp) = (request.command.clone(), *stamp);
        let base = self.base(&command);
        let outcome = Outcome::of(&stamp, events);
        self.prepare(Reckoned { stamp, command, base, outcome, digest: None });
        self.go_on(request, cause)
    }

    fn put_part(
        &mut self,
        request: CommandRequest,
        (cause, stamp): (Option<Cause>, Stamp),
        mut prepared: Prepared,
        events: Vec<Event>,
    ) -> Step {
        let stream = request.command.stream();
        let StreamId::Customer(customer) = stream else {
            return Step::Refused(Refusal::Internal);
        };
        if let Some(away) = self.fold.state.away_for(stream, &events) {
            return Step::Away(request, away);
        }
        let revision = self.fold.state.revision(stream) + 1;
        let part = u32::try_from(prepared.parts.len()).unwrap_or(u32::MAX);
        let id = derive(request.command_id.uuid(), &format!("part at revision {revision}"));
        let stamp = Stamp { command_id: CommandId::new(id), ..stamp };
        let commit = Commit {
            position: self.fold.next_position,
            stream,
            revision,
            command_id: stamp.command_id,
            actor: request.actor.clone(),
            reason: None,
            recorded_at: stamp.recorded_at,
            effective_at: stamp.effective_at,
            cause,
            origin: Origin::default(),
            digest: None,
            command: DraftPart { customer, of: request.command_id, part }.into(),
            events,
        };
        match self.push(&commit, &stamp) {
            Pushed::TooLarge(bytes) => self.refused(too_large(bytes)),
            Pushed::Full => {
                self.prepared.insert(request.command_id, prepared);
                Step::Full(request)
            }
            Pushed::Broken => Step::Broken(request),
            Pushed::Taken => {
                if let Outcome::Split(split) = &mut prepared.reckoned.outcome {
                    split.committed(prepared.parts.len(), &commit.events);
                }
                prepared.parts.push(commit.position);
                self.prepared.insert(request.command_id, prepared);
                Step::Drafting(request)
            }
        }
    }

    /// Ends what is drafted and will not go on: an empty commit of its stream says so to every
    /// reader. Does nothing where the open block has no room; the next commit of the customer
    /// ends it as well.
    pub(crate) fn end_drafts(&mut self) {
        for (customer, of, parts) in self.fold.state.drafting() {
            let stream = StreamId::Customer(customer);
            let revision = self.fold.state.revision(stream) + 1;
            let id = derive(of.uuid(), &format!("ended at revision {revision}"));
            let recorded_at = self.now();
            let stamp =
                Stamp { command_id: CommandId::new(id), recorded_at, effective_at: recorded_at };
            let part = u32::try_from(parts).unwrap_or(u32::MAX);
            let commit = Commit {
                position: self.fold.next_position,
                stream,
                revision,
                command_id: stamp.command_id,
                actor: self.system.clone(),
                reason: None,
                recorded_at,
                effective_at: recorded_at,
                cause: None,
                origin: Origin::default(),
                digest: None,
                command: DraftPart { customer, of, part }.into(),
                events: Vec::new(),
            };
            match self.push(&commit, &stamp) {
                Pushed::Taken => {}
                Pushed::TooLarge(_) | Pushed::Full | Pushed::Broken => return,
            }
        }
    }
}
