//! The engine's single-threaded heart: commands go in, blocks and answers come out.
//!
//! *Shape.* [`EngineCore::offer`] decides one command into the open block,
//! [`EngineCore::work_next`] one of a process's job. [`EngineCore::seal`] closes the block: bytes
//! to make durable, and answers that may leave once they are. [`EngineCore::recycle`] takes the
//! buffers back.
//! *Ordering.* Later commands see earlier ones at once, durable or not. So the answers of a block,
//! rejections too, may leave only when that block and all before it are durable.
//! *Correctness.* A command is encoded before it is folded in: what is too large for a commit or
//! for the open block has changed nothing. Nothing here depends on where blocks are cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use event_log::{Block, MAX_BODY_BYTES};
use ledger_core::{Away, Stamp, unless_away};
use schemas::changed::Changed;
use schemas::commit::MAX_COMMIT_BYTES;
use schemas::fields::Erasure;
use schemas::ids::{CommandId, CustomerId};
use schemas::text::Actor;
use schemas::{Cause, Command, Commit, CommitView, Event, Rejection, StreamId, Timestamp};
use vault::FreshKey;

use super::decided::{Answer, Decided, Offer, Offered, Verdict};
use super::handed_out::HandedOut;
use super::step::{Entry, Prepared, Pushed, Step, too_large};
use crate::archive::{Archive, Cooling, Damaged, Stored};
use crate::clock::Clock;
use crate::config::GatewayConfig;
use crate::copies::HeldCopy;
use crate::decider::Decider;
use crate::first::FirstOutcome;
use crate::fold::{Fold, ReplayError};
use crate::ids::IdFiles;
use crate::known::KnownCommands;
use crate::outcome::{Receipt, Refusal};
use crate::panics::guarded;
use crate::progress::JobsReached;
use crate::request::CommandRequest;
use crate::sealed::Sealed;

/// The most answers that one block holds back.
const MAX_ANSWERS: usize = 16_384;

/// State in memory, the block that is open, and the answers that wait for it.
#[derive(Debug)]
pub struct EngineCore<D, W> {
    pub(super) fold: Fold<D>,
    clock: Arc<dyn Clock>,
    pub(super) known: KnownCommands,
    pub(super) system: Actor,
    pub(super) first_position: u64,
    block: Block,
    answers: Vec<Answer<W>>,
    copies: Vec<HeldCopy>,
    keys: Vec<Arc<FreshKey>>,
    erased: Vec<(CustomerId, Erasure)>,
    spare: Vec<(Block, Vec<Answer<W>>)>,
    /// For how many commits a customer stays in memory whole.
    warm: u64,
    /// How many customers stay in memory as they are.
    awake: usize,
    /// A subject of a job of which something cannot be read back.
    pub(super) damaged: Option<CustomerId>,
    /// Large decisions are reckoned beside the engine.
    pub(super) reckons: bool,
    /// The next turn of jobs is that of a subject that was put aside.
    pub(super) aside_next: bool,
    /// Decisions that wait to be committed.
    pub(super) prepared: BTreeMap<CommandId, Prepared>,
    /// What a job has to decide next, and others decide.
    pub(super) handed_out: HandedOut,
}

impl<D: Decider, W> EngineCore<D, W> {
    /// An engine before the first commit of its log.
    pub fn new(ledger: D, clock: Arc<dyn Clock>) -> Self {
        Self::behind(Fold::new(ledger), KnownCommands::default(), clock)
    }

    /// An engine behind what was folded in, with the ids of all of it.
    pub(crate) fn behind(fold: Fold<D>, known: KnownCommands, clock: Arc<dyn Clock>) -> Self {
        Self {
            first_position: fold.next_position,
            fold,
            clock,
            known,
            system: "system".parse().expect("a token of ASCII letters is an actor"),
            block: Block::new(0),
            answers: Vec::new(),
            copies: Vec::new(),
            keys: Vec::new(),
            erased: Vec::new(),
            spare: Vec::new(),
            warm: u64::MAX,
            awake: usize::MAX,
            damaged: None,
            reckons: false,
            aside_next: false,
            prepared: BTreeMap::new(),
            handed_out: HandedOut::default(),
        }
    }

    /// The state in memory; it may be ahead of what is durable.
    pub fn ledger(&self) -> &D {
        &self.fold.state
    }

    /// The position that the next commit gets.
    pub fn next_position(&self) -> u64 {
        self.fold.next_position
    }

    /// Old ids are in these files from now on; what they cover leaves memory.
    pub fn adopt(&mut self, files: Arc<IdFiles>) {
        self.known.adopt(files);
    }

    /// How many ids are in memory.
    pub fn ids_in_memory(&self) -> u64 {
        self.known.in_memory()
    }

    /// The last instant recorded, in microseconds since 1970 UTC.
    pub fn recorded_micros(&self) -> i64 {
        self.fold.recorded_at.map_or(0, Timestamp::micros)
    }

    /// From now on what can change no more is only in the log, from where `archive` reads it.
    pub(crate) fn archive_with(&mut self, archive: Arc<Archive>, config: &GatewayConfig) {
        if self.fold.archive.is_none() {
            self.fold.archive = Some(archive);
            self.fold.cooling = Some(Cooling::default());
            self.warm = config.warm_commits;
            self.awake = config.awake_customers;
        }
    }

    /// Customers that were left alone for long enough leave memory as far as they can; everything
    /// up to `durable` can be read back.
    pub(crate) fn cool(&mut self, durable: u64) {
        self.fold.cool(durable, self.warm, self.awake);
    }

    /// Brings back what was read.
    ///
    /// # Errors
    /// [`Damaged`] where it cannot be.
    pub(crate) fn restore(&mut self, away: &Away, commits: &[Stored]) -> Result<(), Damaged> {
        let first = commits.first().map_or(0, |(position, _)| *position);
        let restored = guarded("reading back", away, || self.fold.restore(away, commits));
        match restored {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                tracing::error!(%error, "what was archived does not come back");
                Err(Damaged(first))
            }
            None => Err(Damaged(first)),
        }
    }

    /// Refuses a command whose subject cannot be read back.
    pub(crate) fn refuse(&mut self, offer: Offer<W>, refusal: Refusal) {
        self.answer(offer.waiter, Verdict::Refused(refusal));
    }

    /// Decides one command from a door.
    pub fn offer(&mut self, offer: Box<Offer<W>>) -> Offered<W> {
        if self.answers.len() >= MAX_ANSWERS {
            return Offered::Full(offer);
        }
        let Offer { request, waiter } = *offer;
        let drafting = self.is_drafting(request.command_id);
        if let Some(refusal) = self.refused_undecided(&request).filter(|_| !drafting) {
            self.forget(request.command_id);
            self.answer(waiter, Verdict::Refused(refusal));
            return Offered::Taken;
        }
        match self.known.position_of(request.command_id) {
            Ok(None) => {}
            Ok(Some(position)) => {
                self.forget(request.command_id);
                let first = Box::new(FirstOutcome { position, request });
                self.answer(waiter, Verdict::Repeated(first));
                return Offered::Taken;
            }
            Err(error) => {
                tracing::error!(%error, source = ?error.source, "a command is refused");
                self.answer(waiter, Verdict::Refused(Refusal::Internal));
                return Offered::Taken;
            }
        }
        if let Some(rejection) = self.rejected_at_the_door(&request).filter(|_| !drafting) {
            self.forget(request.command_id);
            self.reject(waiter, rejection);
            return Offered::Taken;
        }
        match self.decide(request, None) {
            Step::Accepted(receipt) => self.answer(waiter, Verdict::Accepted(receipt)),
            Step::Refused(refusal) => self.answer(waiter, Verdict::Refused(refusal)),
            Step::Full(request) => return Offered::Full(Box::new(Offer { request, waiter })),
            Step::Broken(request) => return Offered::Broken(Box::new(Offer { request, waiter })),
            Step::Away(request, away) => {
                return Offered::Away(Box::new(Offer { request, waiter }), away);
            }
            Step::Heavy(request) => return Offered::Heavy(Box::new(Offer { request, waiter })),
            Step::Drafting(request) => {
                return Offered::Drafting(Box::new(Offer { request, waiter }));
            }
        }
        Offered::Taken
    }

    /// Decides the command that opens the book, which no door takes.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn decide_first(
        &mut self,
        command_id: CommandId,
        open: impl Into<Command>,
    ) -> Result<Receipt, Refusal> {
        let request = CommandRequest::new(command_id, self.system.clone(), open);
        match self.decide(request, None) {
            Step::Accepted(receipt) => Ok(receipt),
            Step::Refused(refusal) => Err(refusal),
            Step::Full(_)
            | Step::Broken(_)
            | Step::Away(..)
            | Step::Heavy(_)
            | Step::Drafting(_) => Err(Refusal::Internal),
        }
    }

    /// Folds a stored commit in that was read at `position`.
    ///
    /// # Errors
    /// [`ReplayError`]: the log must not be written any further.
    pub fn replay(&mut self, position: u64, bytes: &[u8]) -> Result<(), ReplayError> {
        let commit = CommitView::parse(bytes)
            .map_err(|source| ReplayError::Unreadable { position, source })?;
        self.fold.replay(position, &commit)?;
        self.known.push(commit.command_id);
        self.first_position = self.fold.next_position;
        Ok(())
    }

    /// Whether there is nothing to seal.
    pub fn is_empty(&self) -> bool {
        self.block.is_empty() && self.answers.is_empty() && self.copies.is_empty()
    }

    /// How many answers the open block holds back.
    pub fn open_answers(&self) -> usize {
        self.answers.len()
    }

    /// How full the open block is, in bytes of [`MAX_BODY_BYTES`].
    pub fn open_bytes(&self) -> usize {
        self.block.body_bytes()
    }

    /// Closes the open block. `None` if nothing was decided.
    pub fn seal(&mut self) -> Option<Decided<W>> {
        let runs = self.fold.jobs.take_changed();
        if self.is_empty() && runs.is_empty() {
            return None;
        }
        let (block, answers) =
            self.spare.pop().unwrap_or_else(|| (Block::new(0), Vec::with_capacity(1_024)));
        let mut block = std::mem::replace(&mut self.block, block);
        let answers = std::mem::replace(&mut self.answers, answers);
        block.set_time(self.recorded_micros());
        let first_position = self.first_position;
        self.first_position = self.fold.next_position;
        let copies = std::mem::take(&mut self.copies);
        let (parked, stuck) = (self.fold.state.parked(), self.fold.jobs.stuck());
        let jobs = JobsReached { runs, parked, stuck };
        let (keys, erased) = (std::mem::take(&mut self.keys), std::mem::take(&mut self.erased));
        Some(Decided { block, first_position, answers, copies, jobs, keys, erased })
    }

    /// Takes back the buffers of a block that was answered.
    pub fn recycle(&mut self, mut block: Block, mut answers: Vec<Answer<W>>) {
        if self.spare.len() < 2 {
            block.clear(0);
            answers.clear();
            self.spare.push((block, answers));
        }
    }

    fn refused_undecided(&self, request: &CommandRequest) -> Option<Refusal> {
        let deadline = request.deadline?;
        (self.clock.now() > deadline).then_some(Refusal::DeadlineExceeded { deadline })
    }

    fn rejected_at_the_door(&self, request: &CommandRequest) -> Option<Rejection> {
        if request.command.is_internal() {
            return Some(Rejection::InternalCommand);
        }
        let expected = request.expected_revision?;
        let current = self.fold.state.complete_revision(request.command.stream());
        (expected != current).then_some(Rejection::RevisionConflict { expected, current })
    }

    /// Why a command is refused that was decided on the state as it is.
    pub(super) fn refused(&self, rejection: Rejection) -> Step {
        Step::Refused((rejection, self.fold.next_position - 1).into())
    }

    pub(super) fn decide(&mut self, request: CommandRequest, cause: Option<Cause>) -> Step {
        if self.prepared.contains_key(&request.command_id) {
            return self.go_on(request, cause);
        }
        let opens_at = self.fold.state.opens_at(&request.command);
        let recorded_at = opens_at.unwrap_or_else(|| self.now());
        let effective_at = request.takes_effect().unwrap_or(recorded_at);
        let stamp = Stamp { command_id: request.command_id, recorded_at, effective_at };
        if let Some(rejection) = self.stale(&request, effective_at, None) {
            return self.refused(rejection);
        }
        if self.is_heavy(&request.command) {
            return match self.checked(&request) {
                Ok(()) => Step::Heavy(request),
                Err(rejection) => self.refused(rejection),
            };
        }
        // `decide` takes the state by shared reference and changes nothing, so a panic in it
        // leaves nothing half done: it concerns this command alone.
        let (id, kind) = (request.command_id, request.command.kind().name);
        let state = &self.fold.state;
        let decide = || {
            self.checked(&request)?;
            state.decide(&request.command, &stamp)
        };
        let decided = guarded("deciding a command", &(id, kind), || unless_away(decide));
        let decided = match decided {
            Some(Ok(decided)) => Some(decided),
            Some(Err(away)) => return Step::Away(request, away),
            None => None,
        };
        match decided {
            Some(Ok(events)) => match self.stale(&request, effective_at, Some(&events)) {
                Some(rejection) => self.refused(rejection),
                None => self.take_in(Entry { request, cause, stamp: &stamp, whole: true }, events),
            },
            Some(Err(rejection)) => self.refused(rejection),
            None => Step::Refused(Refusal::Internal),
        }
    }

    fn checked(&self, request: &CommandRequest) -> Result<(), Rejection> {
        let state = &self.fold.state;
        request.sealed.check(&request.command, |customer| state.is_erased(customer))
    }

    /// The book's present: never before the last instant recorded.
    pub(crate) fn now(&self) -> Timestamp {
        if let Some(test_clock) = self.fold.state.test_clock() {
            return test_clock;
        }
        let now = self.clock.now();
        self.fold.recorded_at.map_or(now, |before| before.max(now))
    }

    /// When the last commit was recorded.
    pub(crate) fn recorded_at(&self) -> Option<Timestamp> {
        self.fold.recorded_at
    }

    /// Keeps a copy until the open block is durable.
    pub(crate) fn hold_back(&mut self, copied: HeldCopy) {
        self.copies.push(copied);
    }

    /// Puts what was decided into the open block, and folds it in.
    pub(super) fn take_in(&mut self, entry: Entry<'_>, events: Vec<Event>) -> Step {
        let Entry { request, cause, stamp, whole } = entry;
        let stream = request.command.stream();
        if let Some(away) = self.fold.state.away_for(stream, &events) {
            return Step::Away(request, away);
        }
        let sealed = request.sealed;
        let commit = Commit {
            position: self.fold.next_position,
            stream,
            revision: self.fold.state.revision(stream) + 1,
            command_id: request.command_id,
            actor: request.actor,
            reason: request.reason,
            recorded_at: stamp.recorded_at,
            effective_at: stamp.effective_at,
            cause,
            origin: request.origin,
            digest: sealed.digest(),
            command: request.command,
            events,
        };
        let pushed = self.push(&commit, stamp);
        if let Pushed::Taken = pushed {
            return self.taken(&sealed, &commit);
        }
        let events = commit.events;
        let request = CommandRequest {
            command_id: commit.command_id,
            command: commit.command,
            actor: commit.actor,
            reason: commit.reason,
            effective_at: request.effective_at,
            expected_revision: request.expected_revision,
            preview: request.preview,
            deadline: request.deadline,
            origin: request.origin,
            sealed,
        };
        match pushed {
            Pushed::TooLarge(_) if whole && stream != StreamId::Book => {
                self.split(request, (cause, stamp), events)
            }
            Pushed::TooLarge(bytes) => self.refused(too_large(bytes)),
            Pushed::Full => Step::Full(request),
            Pushed::Taken | Pushed::Broken => Step::Broken(request),
        }
    }

    /// Encodes a commit, puts it into the open block, and folds it in.
    pub(super) fn push(&mut self, commit: &Commit, stamp: &Stamp) -> Pushed {
        let bytes = commit.to_bytes();
        if bytes.len() > MAX_COMMIT_BYTES {
            return Pushed::TooLarge(bytes.len());
        }
        if self.block.push(&bytes).is_err() {
            return Pushed::Full;
        }
        // A panic in here leaves the state half changed: nothing may be decided on it any more.
        let ledger = &mut self.fold.state;
        let fold = || ledger.fold(commit.position, commit.stream, stamp, &commit.events);
        match guarded("folding a commit in", &commit.command_id, fold) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::error!(command_id = %commit.command_id, %error, "a decision does not fold");
                return Pushed::Broken;
            }
            None => return Pushed::Broken,
        }
        self.known.push(commit.command_id);
        self.fold.note(commit.position, commit.stream);
        self.fold.next_position += 1;
        self.fold.recorded_at = Some(stamp.recorded_at);
        Pushed::Taken
    }

    /// What follows from a commit of a command.
    fn taken(&mut self, sealed: &Sealed, commit: &Commit) -> Step {
        let stream = commit.stream;
        self.note_keys(sealed, commit);
        if stream == StreamId::Book {
            for event in &commit.events {
                self.fold.begin_job(event, commit.position);
            }
        }
        Step::Accepted(Receipt {
            command_id: commit.command_id,
            position: commit.position,
            stream,
            revision: commit.revision,
            recorded_at: commit.recorded_at,
            events: commit.events.iter().map(|event| event.kind().name).collect(),
            duplicate: false,
            changed: Changed::of(&commit.events),
        })
    }

    /// Keys that a commit is the first to use, and those that it destroys.
    fn note_keys(&mut self, sealed: &Sealed, commit: &Commit) {
        self.keys.extend_from_slice(sealed.keys());
        if let StreamId::Customer(customer) = commit.stream {
            let erased = commit.events.iter().filter_map(Event::erases);
            self.erased.extend(erased.map(|erasure| (customer, erasure)));
        }
    }

    fn reject(&mut self, waiter: W, rejection: Rejection) {
        self.answer(waiter, Verdict::Refused((rejection, self.fold.next_position - 1).into()));
    }

    fn answer(&mut self, waiter: W, verdict: Verdict) {
        self.answers.push(Answer { waiter, verdict });
    }
}

/// A block can hold at least two commits of the largest size, so an empty block takes any.
const _: () = assert!(MAX_BODY_BYTES > 2 * MAX_COMMIT_BYTES);
