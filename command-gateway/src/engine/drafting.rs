//! Decisions that were reckoned beside the engine, and those that take more than one commit.
//!
//! *Shape.* What was reckoned of a command waits here. Each time the command is decided again one
//! part of it is put into the open block, until the last one answers the command.
//! *Correctness.* A result is taken only while nothing that it rests on has changed: the revision
//! of its stream, what decisions take from the book, the day that its documents are dated. If
//! something has, parts that are in the log count for nothing, and it is reckoned anew.

use ledger_core::{Claims, Stamp};
use schemas::command::DraftPart;
use schemas::ids::{CommandId, derive};
use schemas::preview::PreviewToken;
use schemas::{Cause, Command, Commit, Event, Origin, Rejection, StreamId};

use super::step::{Entry, Prepared, Pushed, Step, too_large};
use super::stepping::EngineCore;
use crate::decider::Decider;
use crate::outcome::Refusal;
use crate::reckoning::{Base, Outcome, Reckoned, ToReckon};
use crate::request::CommandRequest;

/// A decision that looks at more than so many subscriptions or lines is reckoned beside the
/// engine: others would wait for it.
const HEAVY: usize = 50;

impl<D: Decider, W> EngineCore<D, W> {
    /// From now on large decisions are reckoned elsewhere.
    pub(crate) fn reckon_elsewhere(&mut self) {
        self.reckons = true;
    }

    /// Whether a command is to be reckoned elsewhere.
    pub(super) fn is_heavy(&self, command: &Command) -> bool {
        self.reckons && self.fold.state.weight(command) > HEAVY
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
            base: self.base(request.command.stream()),
            previewed: request.preview.is_some(),
        }
    }

    pub(super) fn base(&self, stream: StreamId) -> Base {
        let state = &self.fold.state;
        Base { revision: state.revision(stream), catalog: state.catalog_revision() }
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
        let Reckoned { stream, base, .. } = prepared.reckoned;
        let now = self.base(stream);
        let parts = prepared.parts.len() as u64;
        now.revision == base.revision + parts && now.catalog == base.catalog
    }

    /// Goes on with what was prepared of a command: one part, or the last.
    pub(super) fn go_on(&mut self, request: CommandRequest, cause: Option<Cause>) -> Step {
        let Some(prepared) = self.prepared.remove(&request.command_id) else {
            return self.decide(request, cause);
        };
        if !self.is_fresh(&prepared) {
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
        if !state.is_dated(customer, &last, stamp.recorded_at) {
            return self.decide(request, cause);
        }
        if let Err(rejection) = state.number(customer, &mut last) {
            return self.refused(rejection);
        }
        let step = self.take_in(Entry { request, cause, stamp: &stamp, whole: false }, last);
        if let Step::Full(request) = &step {
            self.prepared.insert(request.command_id, prepared);
        }
        step
    }

    /// Splits a decision that has no room in one commit, and begins to commit it.
    pub(super) fn split(
        &mut self,
        request: CommandRequest,
        (cause, stamp): (Option<Cause>, &Stamp),
        events: Vec<Event>,
    ) -> Step {
        let (stream, stamp) = (request.command.stream(), *stamp);
        let base = self.base(stream);
        let outcome = Outcome::of(&stamp, events);
        self.prepare(Reckoned { stamp, stream, base, outcome, digest: None });
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
                    split.committed(&commit.events);
                }
                prepared.parts.push(commit.position);
                self.prepared.insert(request.command_id, prepared);
                Step::Drafting(request)
            }
        }
    }
}
