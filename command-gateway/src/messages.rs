//! Messages into commands, and outcomes into answers.
//!
//! *Batches.* Commands are decided one by one, in order; one that cannot be read is answered with
//! its problem and stops nothing. The reply stays below the message limit by answering only the
//! first commands: `answers` shorter than `commands` means that the rest is to be sent again with
//! the same ids. What was accepted is then answered with its first outcome. Every commit of a
//! batch names the batch.

use std::collections::VecDeque;
use std::str::FromStr;

use schemas::ids::CommandId;
use schemas::json::read_command;
use schemas::problem::{Fault, FieldProblem};
use schemas::record::JsonError;
use schemas::text::Actor;
use schemas::wire::{
    Batch, BatchAnswer, BatchCommand, BatchReply, Headers, MAX_BATCH_BYTES, MAX_BATCH_COMMANDS,
    MAX_BODY_BYTES, Message, Reply, header,
};
use schemas::{Origin, Personal, Problem, query};
use uuid::Uuid;

use crate::handle::GatewayHandle;
use crate::outcome::Outcome;
use crate::request::CommandRequest;
use crate::sealed::Sealed;

/// Submits the command of one message and answers it.
pub(crate) async fn command(
    gateway: &GatewayHandle,
    actor: Actor,
    name: &str,
    message: &Message,
) -> Result<Reply, Problem> {
    let request = read_request(actor, name, message)?;
    let id = request.command_id;
    let outcome = match gateway.submit(request) {
        Ok(ticket) => ticket.await,
        Err(refusal) => Err(refusal),
    };
    match outcome {
        Ok(receipt) => Ok(Reply::json(&receipt.document(gateway.log()))),
        Err(refusal) => Err(refusal.problem(gateway.log()).about(id.to_string())),
    }
}

/// Reads the command of one message.
///
/// # Errors
/// A [`Problem`] that says what cannot be read.
pub fn read_request(
    actor: Actor,
    name: &str,
    message: &Message,
) -> Result<CommandRequest, Problem> {
    at_most(message.body.len(), MAX_BODY_BYTES)?;
    let headers = &message.headers;
    let Some(command_id) = parsed::<CommandId>(headers, header::COMMAND_ID)? else {
        let detail = format!(
            "the header {} is missing; give the command an id of its own (a UUID, best version 7), \
             and the same one when it is sent again",
            header::COMMAND_ID
        );
        return Err(Problem::fault(Fault::Malformed, detail));
    };
    let about = |problem: Problem| problem.about(command_id.to_string());
    let body = read_command(name, &message.body).map_err(|error| about(json_problem(&error)))?;
    let envelope = || -> Result<_, Problem> {
        Ok((
            one_of(headers, header::EFFECTIVE_AT, body.effective_at)?,
            one_of(headers, header::EXPECTED_REVISION, body.expected_revision)?,
            parsed(headers, header::DEADLINE)?,
            one_of(headers, header::PREVIEW, body.preview)?,
            headers.get(header::REASON).map(|reason| personal(reason)).transpose()?,
            origin(headers)?,
        ))
    };
    let (effective_at, expected_revision, deadline, preview, reason, origin) =
        envelope().map_err(about)?;
    Ok(CommandRequest {
        command_id,
        command: body.command,
        actor,
        reason,
        effective_at,
        expected_revision,
        preview,
        deadline,
        origin,
        sealed: Sealed::default(),
    })
}

/// Submits a batch and answers it.
pub(crate) async fn batch(
    gateway: &GatewayHandle,
    actor: &Actor,
    message: &Message,
) -> Result<Reply, Problem> {
    at_most(message.body.len(), MAX_BATCH_BYTES)?;
    let batch: Batch = query::read(&message.body).map_err(|error| Problem::json(&error))?;
    let (count, limit) = (batch.commands.len(), MAX_BATCH_COMMANDS);
    if count > limit {
        let detail =
            format!("the batch has {count} commands, more than {limit}; send several batches");
        return Err(Problem::fault(Fault::TooLarge, detail));
    }
    let log = gateway.log();
    let deadline = parsed(&message.headers, header::DEADLINE)?;
    let origin = origin_of_batch(&message.headers, &batch)?;
    let mut readable = Vec::with_capacity(count);
    let read: Vec<(CommandId, Result<(), Problem>)> = (0..)
        .zip(batch.commands)
        .map(|(index, command)| {
            let id = command.command_id;
            let read = read_batched(actor, index, &command).map(|mut request| {
                request.deadline = request.deadline.or(deadline);
                readable.push(request.of(origin));
            });
            (id, read)
        })
        .collect();
    let mut outcomes = VecDeque::from(gateway.submit_batch(readable).await);
    let answers = read.into_iter().map(|(id, read)| match read {
        Ok(()) => batch_answer(log, id, outcomes.pop_front()),
        Err(problem) => BatchAnswer::Problem(problem.about(id.to_string())),
    });
    Ok(paged(answers.collect()))
}

fn batch_answer(log: Uuid, id: CommandId, outcome: Option<Outcome>) -> BatchAnswer {
    match outcome.unwrap_or(Err(crate::outcome::Refusal::UnknownOutcome)) {
        Ok(receipt) => BatchAnswer::Accepted(receipt.document(log)),
        Err(refusal) => BatchAnswer::Problem(refusal.problem(log).about(id.to_string())),
    }
}

fn read_batched(
    actor: &Actor,
    index: usize,
    batched: &BatchCommand,
) -> Result<CommandRequest, Problem> {
    let within = |mut problem: Problem| {
        for error in &mut problem.errors {
            error.pointer = format!("/commands/{index}/body{}", error.pointer);
        }
        problem
    };
    let body = serde_json::to_vec(&batched.body)
        .map_err(|error| Problem::fault(Fault::Malformed, error.to_string()))?;
    let body =
        read_command(&batched.command, &body).map_err(|error| within(json_problem(&error)))?;
    Ok(CommandRequest {
        command_id: batched.command_id,
        command: body.command,
        actor: actor.clone(),
        reason: batched.reason.as_deref().map(personal).transpose()?,
        effective_at: either("effective_at", batched.effective_at, body.effective_at)?,
        expected_revision: either(
            "expected_revision",
            batched.expected_revision,
            body.expected_revision,
        )?,
        preview: either("preview", batched.preview, body.preview)?,
        deadline: batched.deadline,
        origin: Origin::default(),
        sealed: Sealed::default(),
    })
}

/// The batch and the session that headers name.
fn origin(headers: &Headers) -> Result<Origin, Problem> {
    let (batch, session) = (parsed(headers, header::BATCH)?, parsed(headers, header::SESSION)?);
    Ok(Origin { batch, session })
}

/// The same of a whole batch.
fn origin_of_batch(headers: &Headers, batch: &Batch) -> Result<Origin, Problem> {
    let Origin { batch: named, session } = origin(headers)?;
    Ok(Origin { batch: named.or_else(|| batch.derived_id()), session })
}

/// The answers from the first on, as many as fit into a message.
fn paged(mut answers: Vec<BatchAnswer>) -> Reply {
    let mut bytes = br#"{"answers":[]}"#.len();
    let fitting = answers.iter().take_while(|answer| {
        bytes += 1 + serde_json::to_vec(answer).map_or(MAX_BODY_BYTES, |json| json.len());
        bytes <= MAX_BODY_BYTES
    });
    let fitting = fitting.count();
    answers.truncate(fitting);
    Reply::json(&BatchReply { answers })
}

pub(crate) fn json_problem(error: &JsonError) -> Problem {
    match error {
        JsonError::UnknownName(_) => Problem::fault(Fault::UnknownSubject, error.to_string()),
        JsonError::NotJson(_) | JsonError::Field { .. } => Problem::json(error),
    }
}

fn at_most(bytes: usize, limit: usize) -> Result<(), Problem> {
    if bytes <= limit {
        return Ok(());
    }
    let detail = format!("the request has {bytes} bytes, more than {limit}; send it in parts");
    Err(Problem::fault(Fault::TooLarge, detail))
}

fn personal(text: &str) -> Result<Personal, Problem> {
    let read = text.parse::<Personal>();
    read.map_err(|error| Problem::fault(Fault::Malformed, format!("the reason: {error}")))
}

fn parsed<T>(headers: &Headers, name: &str) -> Result<Option<T>, Problem>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let Some(text) = headers.get(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|error| {
        Problem::fault(Fault::Malformed, format!("the header {name} cannot be read: {error}"))
    })
}

/// What a header or the body says; refused if they differ.
fn one_of<T>(headers: &Headers, name: &str, body: Option<T>) -> Result<Option<T>, Problem>
where
    T: FromStr + PartialEq,
    T::Err: std::fmt::Display,
{
    either(name, parsed(headers, name)?, body)
}

pub(crate) fn either<T: PartialEq>(
    name: &str,
    outside: Option<T>,
    inside: Option<T>,
) -> Result<Option<T>, Problem> {
    match (outside, inside) {
        (Some(outside), Some(inside)) if outside != inside => {
            let detail = format!("{name} is given twice, with different values; give it once");
            let mut problem = Problem::fault(Fault::Malformed, &*detail);
            problem.errors.push(FieldProblem {
                pointer: String::new(),
                code: "ambiguous".to_owned(),
                detail,
            });
            Err(problem)
        }
        (outside, inside) => Ok(outside.or(inside)),
    }
}
