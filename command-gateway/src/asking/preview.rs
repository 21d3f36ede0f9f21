//! `preview.command`, `preview.invoice`, `preview.run`: decided on a copy, by the same function.

use ledger_core::process::{Job, Task, Unable};
use ledger_core::{Claims, Ledger, Stamp};
use schemas::changed::Changed;
use schemas::command::InvoiceNow;
use schemas::commit::MAX_COMMIT_BYTES;
use schemas::event::{
    BillingRunStarted, ClockAdvanced, CreditNoteIssued, CustomerParked, InvoiceFinalized,
};
use schemas::feed::FeedRecord;
use schemas::ids::{BatchId, BillingRunId, CommandId, CustomerId, KeyId, SessionId};
use schemas::json::read_command;
use schemas::parts::split;
use schemas::personal::{MAX_PERSONAL_BYTES, SealedText};
use schemas::preview::PreviewToken;
use schemas::query::{PreviewCommand, PreviewInvoice, PreviewRun};
use schemas::text::Actor;
use schemas::view::{CommandPreview, InvoicePreview, PreviewedCommand};
use schemas::wire::Reply;
use schemas::{
    Cause, Command, Commit, Date, Event, Origin, Personal, Problem, Rejection, StreamId, Timestamp,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::trimmed::trimmed;
use super::{Asked, invalid, needed};
use crate::copies::Excerpt;
use crate::messages::{either, json_problem};
use crate::request::CommandRequest;
use crate::sealed::Sealed;

/// Where the commit will stand nobody knows yet: no position has more bytes than this.
const FARTHEST: u64 = u64::MAX;
/// How many days with something to do are tried for one with an invoice.
const MAX_DUE_DAYS: usize = 36;

pub(super) async fn command(asked: &Asked<'_>, question: PreviewCommand) -> Result<Reply, Problem> {
    let name = needed(question.command, "/command")?;
    let body = question.body.unwrap_or_else(|| Value::Object(Map::new()));
    let body = serde_json::to_vec(&body).map_err(|error| invalid("/body", &error.to_string()))?;
    let body = read_command(&name, &body).map_err(|error| {
        let mut problem = json_problem(&error);
        for field in &mut problem.errors {
            field.pointer = format!("/body{}", field.pointer);
        }
        problem
    })?;
    let effective_at = either("effective_at", question.effective_at, body.effective_at)?;
    let customer = match body.command.stream() {
        StreamId::Book => None,
        StreamId::Customer(customer) => Some(customer),
    };
    let excerpt = asked.copy_with(customer, Claims::of(&body.command)).await?;
    let command_id = question.command_id.unwrap_or(CommandId::new(fresh_id(&excerpt)?));
    let token = PreviewToken::of_command(&body.command);
    let request = CommandRequest::new(command_id, asked.actor.clone(), body.command);
    let request = asked.sealed(request)?;
    let trial = Trial {
        command: request.command,
        sealed: request.sealed,
        token,
        command_id,
        recorded_at: excerpt.now,
        effective_at: effective_at.unwrap_or(excerpt.now),
        expected_revision: body.expected_revision,
        actor: request.actor,
        beside: Beside::from_a_door(),
    };
    asked.reckon(excerpt, move |copy| trial.preview(copy)).await
}

pub(super) async fn invoice(asked: &Asked<'_>, question: PreviewInvoice) -> Result<Reply, Problem> {
    let customer = needed(question.customer, "/customer")?;
    let excerpt = asked.copy(customer).await?;
    let (fresh, actor) = (fresh_id(&excerpt)?, asked.actor.clone());
    asked
        .reckon(excerpt, move |copy| {
            match now(copy, customer, CommandId::new(fresh), actor.clone()) {
                Ok(preview) => Ok(preview),
                Err(Rejection::NothingToInvoice { .. }) => next(copy, customer, fresh),
                Err(rejection) => Err(rejection),
            }
        })
        .await
}

pub(super) async fn run(asked: &Asked<'_>, question: PreviewRun) -> Result<Reply, Problem> {
    let customer = needed(question.customer, "/customer")?;
    let through = needed(question.through, "/through")?;
    let excerpt = asked.copy(customer).await?;
    let fresh = fresh_id(&excerpt)?;
    asked
        .reckon(excerpt, move |copy| {
            if let Some(parked) = copy.ledger.parked_for(customer) {
                let reason = parked.detail.to_string();
                return Err(Rejection::CustomerParked { customer, reason });
            }
            // A run leaves out who is not due.
            if copy.ledger.next_due(customer).is_none_or(|due| through < due) {
                return Ok(shown(customer, None, Vec::new(), None));
            }
            let (at, events) = bill(copy, customer, through, fresh)?;
            Ok(shown(customer, Some(at), events, None))
        })
        .await
}

/// A command with all that it would be stamped and stored with.
struct Trial {
    /// Its texts are sealed.
    command: Command,
    sealed: Sealed,
    /// What the token says of it.
    token: [u8; 16],
    command_id: CommandId,
    recorded_at: Timestamp,
    effective_at: Timestamp,
    expected_revision: Option<u64>,
    actor: Actor,
    beside: Beside,
}

/// What will stand in the commit beside what a preview knows, at its longest: a command that was
/// previewed is not refused as too large for the reason and the session that it is sent with.
struct Beside {
    reason: Option<Personal>,
    origin: Origin,
    cause: Option<Cause>,
}

impl Beside {
    fn from_a_door() -> Self {
        let (key, nonce) = (KeyId::new(Uuid::nil()), [0; 24]);
        let ciphertext = vec![0; vault::ciphertext_bytes(MAX_PERSONAL_BYTES)];
        let reason = SealedText { key, nonce, ciphertext };
        let (batch, session) = (BatchId::new(Uuid::nil()), SessionId::new(Uuid::nil()));
        let origin = Origin { batch: Some(batch), session: Some(session) };
        Self { reason: Some(reason.into()), origin, cause: None }
    }

    fn of_a_process() -> Self {
        let cause = Cause { position: FARTHEST };
        Self { reason: None, origin: Origin::default(), cause: Some(cause) }
    }
}

impl Trial {
    /// What a process makes, at an instant.
    fn of(task: Task, at: Timestamp) -> Self {
        let actor = "system".parse().expect("a token of ASCII letters is an actor");
        let trial = Self::without_texts(task.command, task.command_id, at, actor);
        Self { beside: Beside::of_a_process(), ..trial }
    }

    /// A command that says nothing of a person.
    fn without_texts(command: Command, command_id: CommandId, at: Timestamp, actor: Actor) -> Self {
        let token = PreviewToken::of_command(&command);
        let (recorded_at, effective_at, expected_revision) = (at, at, None);
        let sealed = Sealed::default();
        Self {
            command,
            beside: Beside::from_a_door(),
            sealed,
            token,
            command_id,
            recorded_at,
            effective_at,
            expected_revision,
            actor,
        }
    }

    /// Decides it as the engine would that has it from a door.
    fn decide(&self, copy: &Excerpt) -> Result<Vec<Event>, Rejection> {
        if self.command.is_internal() {
            return Err(Rejection::InternalCommand);
        }
        let current = copy.revision(self.command.stream());
        if let Some(expected) = self.expected_revision.filter(|expected| *expected != current) {
            return Err(Rejection::RevisionConflict { expected, current });
        }
        self.decided(copy)
    }

    /// Decides it, and makes the commit of it at its longest, which may be too large.
    fn decided(&self, copy: &Excerpt) -> Result<Vec<Event>, Rejection> {
        let Self { command_id, recorded_at, effective_at, .. } = *self;
        let stamp = Stamp { command_id, recorded_at, effective_at };
        let stream = self.command.stream();
        self.sealed.check(&self.command, |customer| copy.ledger.is_erased(customer))?;
        let events = copy.ledger.decide(&self.command, &stamp)?;
        let commit = Commit {
            position: FARTHEST,
            stream,
            revision: copy.revision(stream) + 1,
            command_id,
            actor: self.actor.clone(),
            reason: self.beside.reason.clone(),
            recorded_at,
            effective_at,
            cause: self.beside.cause,
            origin: self.beside.origin,
            digest: self.sealed.digest(),
            command: self.command.clone(),
            events,
        };
        let fits = |commit: &Commit| {
            let (bytes, limit) = (commit.to_bytes().len(), MAX_COMMIT_BYTES);
            if bytes > limit { Err(Rejection::CommitTooLarge { bytes, limit }) } else { Ok(()) }
        };
        let Err(too_large) = fits(&commit) else { return Ok(commit.events) };
        if stream == StreamId::Book {
            return Err(too_large);
        }
        // It is drafted in parts, and the last of them has to fit.
        let parts = split(command_id, commit.events.clone());
        let positions = vec![FARTHEST; parts.parts()];
        fits(&Commit { events: parts.last(&positions), ..commit.clone() })?;
        Ok(commit.events)
    }

    fn token(&self, copy: &Excerpt, events: &[Event]) -> PreviewToken {
        PreviewToken {
            command_id: self.command_id,
            command: self.token,
            revision: copy.revision(self.command.stream()),
            catalog: copy.ledger.catalog_revision(),
            effective_at: self.effective_at,
            events: PreviewToken::of_events(events),
        }
    }

    fn preview(&self, copy: &Excerpt) -> Result<CommandPreview, Rejection> {
        let mut events = self.decide(copy)?;
        let token = self.token(copy, &events);
        for event in &mut events {
            self.sealed.reveal(event);
        }
        let changed = Changed::of(&events);
        let (events, left_out) = trimmed(events);
        Ok(CommandPreview {
            command: self.command.kind().name.to_owned(),
            command_id: self.command_id,
            effective_at: self.effective_at,
            recorded_at: self.recorded_at,
            revision: copy.revision(self.command.stream()),
            token,
            events: events.iter().map(record).collect(),
            changed,
            left_out,
        })
    }
}

/// The invoice of all that is due or pending now.
fn now(
    copy: &Excerpt,
    customer: CustomerId,
    command_id: CommandId,
    actor: Actor,
) -> Result<InvoicePreview, Rejection> {
    let command = Command::from(InvoiceNow { customer, through: None, ahead: None, invoice: None });
    let trial = Trial::without_texts(command, command_id, copy.now, actor);
    let events = trial.decide(copy)?;
    let previewed = PreviewedCommand {
        command: trial.command.kind().name.to_owned(),
        command_id,
        body: trial.command.to_json(),
        token: trial.token(copy, &events),
    };
    Ok(shown(customer, Some(copy.now), events, Some(previewed)))
}

/// The invoice of the next day on which there is one.
fn next(
    copy: &mut Excerpt,
    customer: CustomerId,
    fresh: Uuid,
) -> Result<InvoicePreview, Rejection> {
    for _ in 0..MAX_DUE_DAYS {
        let Some(due) = copy.ledger.next_due(customer) else { break };
        let due = due.max(copy.now.utc_date());
        let (at, events) = bill(copy, customer, due, fresh)?;
        let tells = |event: &Event| {
            invoice_of(event).is_some()
                || event.get::<CreditNoteIssued>().is_some()
                || event.get::<CustomerParked>().is_some()
        };
        if events.is_empty() || events.iter().any(tells) {
            return Ok(shown(customer, Some(at), events, None));
        }
        copy.position += 1;
        fold(&mut copy.ledger, copy.position, customer, &events, at);
    }
    Ok(shown(customer, None, Vec::new(), None))
}

/// What a billing run bills one customer, on the day itself.
fn bill(
    copy: &mut Excerpt,
    customer: CustomerId,
    through: Date,
    run: Uuid,
) -> Result<(Timestamp, Vec<Event>), Rejection> {
    let long_over = through < copy.now.utc_date().plus_days(-1)?;
    let day = if long_over { copy.now } else { copy.ledger.start_of_day(customer, through)? };
    let at = day.max(copy.now);
    if copy.ledger.test_clock().is_some() {
        copy.position += 1;
        let command_id = CommandId::new(Uuid::nil());
        let stamp = Stamp { command_id, recorded_at: at, effective_at: at };
        let advanced = [ClockAdvanced { to: at }.into()];
        let folded = copy.ledger.fold(copy.position, StreamId::Book, &stamp, &advanced);
        folded.expect("the clock is the book's");
    }
    let started = BillingRunStarted { run: BillingRunId::new(run), through, ahead: false };
    let job = Job::begun_by(&started.into()).expect("a run is a job");
    Ok((at, work(copy, &job, customer, at)?))
}

/// What a job does for one subject: its task, or that it is parked.
fn work(
    copy: &Excerpt,
    job: &Job,
    subject: CustomerId,
    at: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    let decide = |task| Trial::of(task, at).decided(copy);
    decide(job.task(subject)).or_else(|rejection| {
        match job.parking(subject, &Unable::Refused(rejection.clone())) {
            Some(parking) => decide(parking),
            None => Err(rejection),
        }
    })
}

/// Folds in what a billing run would make of a customer, as the commit at `position`.
fn fold(ledger: &mut Ledger, position: u64, customer: CustomerId, events: &[Event], at: Timestamp) {
    let command_id = CommandId::new(Uuid::nil());
    let stamp = Stamp { command_id, recorded_at: at, effective_at: at };
    let folded = ledger.fold(position, StreamId::Customer(customer), &stamp, events);
    folded.expect("a decision names what is there");
}

fn shown(
    customer: CustomerId,
    at: Option<Timestamp>,
    events: Vec<Event>,
    command: Option<PreviewedCommand>,
) -> InvoicePreview {
    let (events, left_out) = trimmed(events);
    InvoicePreview {
        customer,
        invoice: events.iter().find_map(invoice_of).cloned(),
        notes: events.iter().filter_map(Event::get).cloned().collect(),
        at,
        events: events.iter().map(record).collect(),
        command,
        left_out,
    }
}

fn invoice_of(event: &Event) -> Option<&InvoiceFinalized> {
    event.get()
}

/// An event as the feed shows it, without an id.
fn record(event: &Event) -> FeedRecord {
    FeedRecord { id: None, kind: event.kind().name.to_owned(), body: event.to_json() }
}

/// An id that nobody had before, ordered by time (RFC 9562, version 7).
fn fresh_id(excerpt: &Excerpt) -> Result<Uuid, Problem> {
    let random = crate::gateway::fresh_log_id().map_err(|error| {
        let detail = format!("there is no random id to be had: {error}");
        Problem::fault(schemas::problem::Fault::Internal, detail)
    })?;
    let mut bits = [0; 10];
    bits.copy_from_slice(&random.as_bytes()[..10]);
    let millis = u64::try_from(excerpt.now.micros() / 1_000).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &bits).into_uuid())
}
