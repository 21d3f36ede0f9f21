//! One endpoint: requests off the connection, each to a task of its own.
//!
//! *Limits.* The reader of a lane only looks whether there is room, and starts a task or answers
//! *busy* with bytes that were made beforehand. It parses nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::client::PublishErrorKind;
use async_nats::service::Request;
use async_nats::service::endpoint::Endpoint;
use async_nats::{HeaderMap, PublishError};
use bytes::Bytes;
use futures_util::StreamExt as _;
use nats_connection::headers;
use schemas::problem::Fault;
use schemas::subjects::{INBOX_PREFIX, SubjectPrefix};
use schemas::wire::{Message, Reply, header};
use schemas::{Problem, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::counts::Counts;
use crate::clock::{Clock, SystemClock};
use crate::queue::BUSY_RETRY_MS;
use crate::router::Router;

/// A reply that is made once and sent many times.
#[derive(Debug)]
pub(super) struct Prepared {
    headers: HeaderMap,
    body: Bytes,
}

impl Prepared {
    pub(super) fn problem(problem: &Problem) -> Self {
        let Reply { headers, body } = Reply::problem(problem);
        // Codes are plain words and numbers, which always stand in a line.
        Self { headers: headers::outward(&headers).unwrap_or_default(), body: body.into() }
    }

    /// The door has no room.
    pub(super) fn busy(limit: usize) -> Self {
        let detail = format!("{limit} requests are under way, as many as this service takes");
        Self::problem(&Problem::fault(Fault::Busy, detail).retry_after(BUSY_RETRY_MS))
    }

    /// The door is about to close.
    pub(super) fn closing() -> Self {
        let detail = "the service is stopping, nothing was done; send the request again";
        Self::problem(&Problem::fault(Fault::Unavailable, detail).retry_after(CLOSING_RETRY_MS))
    }
}

/// How long someone who met a closing door should wait: long enough for the door to be shut, so
/// that the next request meets the next process, or *no responders*.
const CLOSING_RETRY_MS: u64 = 100;

/// What the lanes of one service share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) router: Arc<Router>,
    /// Where requests are answered.
    pub(super) workers: Handle,
    pub(super) prefix: SubjectPrefix,
    pub(super) in_flight: Arc<Semaphore>,
    pub(super) busy: Prepared,
    pub(super) closing: Prepared,
    /// Requests turned away because all places were taken.
    pub(super) refused: AtomicU64,
    /// New requests are turned away.
    pub(super) is_closing: AtomicBool,
    /// They are turned away later: who waits for an answer sends nothing.
    pub(super) is_holding: AtomicBool,
    pub(super) held: Mutex<Vec<Held>>,
    /// Requests that ever came; looked at to see when no more do.
    pub(super) arrived: AtomicU64,
}

/// Requests that are kept at most; more are turned away at once.
const MOST_HELD: usize = 8_192;

/// A request that is turned away once nothing is subscribed any more.
#[derive(Debug)]
pub(super) struct Held(Request, Arc<Counts>);

impl Shared {
    /// Turns away what was held.
    pub(super) async fn let_go(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        for Held(request, counts) in held {
            respond(&request, &counts, &self.closing).await;
        }
    }
}

/// One endpoint.
pub(super) struct Lane {
    pub(super) endpoint: Endpoint,
    pub(super) counts: Arc<Counts>,
    pub(super) shared: Arc<Shared>,
}

impl Lane {
    /// Reads until it is told to stop, and what is left then.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let request = tokio::select! {
                biased;
                request = self.endpoint.next() => request,
                () = told(&mut stop) => break,
            };
            let Some(request) = request else { return };
            self.take(request).await;
        }
        if let Err(error) = self.endpoint.stop().await {
            tracing::debug!(%error, "an endpoint of a closed connection");
        }
        while let Some(request) = self.endpoint.next().await {
            self.take(request).await;
        }
    }

    async fn take(&self, request: Request) {
        self.shared.arrived.fetch_add(1, Ordering::Relaxed);
        let Some(reply) = &request.message.reply else {
            unanswerable(&request, &self.counts, "it has no reply subject");
            return;
        };
        if let Some(why) = foreign(reply, &request.message.subject, &self.shared.prefix) {
            unanswerable(&request, &self.counts, why);
            return;
        }
        if self.shared.is_closing.load(Ordering::Acquire) {
            self.turn_away(request).await;
            return;
        }
        let Ok(place) = Arc::clone(&self.shared.in_flight).try_acquire_owned() else {
            self.counts.busy();
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
            respond(&request, &self.counts, &self.shared.busy).await;
            return;
        };
        let (shared, counts) = (Arc::clone(&self.shared), Arc::clone(&self.counts));
        self.shared.workers.spawn(answer(request, shared, counts, place));
    }

    async fn turn_away(&self, request: Request) {
        if self.shared.is_holding.load(Ordering::Acquire) {
            let mut held = self.shared.held.lock().unwrap_or_else(PoisonError::into_inner);
            if held.len() < MOST_HELD {
                held.push(Held(request, Arc::clone(&self.counts)));
                return;
            }
        }
        respond(&request, &self.counts, &self.shared.closing).await;
    }
}

async fn respond(request: &Request, counts: &Counts, reply: &Prepared) {
    let sent = request.respond_with_headers(Ok(reply.body.clone()), reply.headers.clone());
    if let Err(error) = sent.await {
        counts.unsent();
        tracing::debug!(%error, "an answer could not be sent");
    }
}

/// Whoever asked would not hear the answer, and a command whose outcome nobody knows is worse
/// than none: it is not carried out.
fn unanswerable(request: &Request, counts: &Counts, why: &str) {
    let times = counts.unanswerable();
    if times.is_power_of_two() {
        let subject = request.message.subject.as_str();
        tracing::warn!(subject, why, times, "a request that cannot be answered is not carried out");
    }
}

/// Resolves once the lane is told to stop, or whoever could tell is gone.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _gone = stop.wait_for(|stop| *stop).await;
}

/// Answers one request. Its place is free again once the answer is with the connection.
async fn answer(
    request: Request,
    shared: Arc<Shared>,
    counts: Arc<Counts>,
    _place: OwnedSemaphorePermit,
) {
    let reply = match message_of(&request, &shared.prefix) {
        Ok(message) => shared.router.handle(message).await,
        Err(problem) => Reply::problem(&problem),
    };
    counts.replied(&reply);
    if let Err(error) = send(&request, reply).await {
        let too_large = error.kind() == PublishErrorKind::MaxPayloadExceeded;
        let said = if too_large {
            let detail = format!("the answer is larger than the server carries ({error})");
            let problem = Problem::fault(Fault::TooLarge, detail + "; ask for less at once");
            let reply = Reply::problem(&problem);
            counts.replied(&reply);
            send(&request, reply).await
        } else {
            Err(error)
        };
        if let Err(error) = said {
            counts.unsent();
            tracing::debug!(%error, "an answer could not be sent");
        }
    }
}

async fn send(request: &Request, reply: Reply) -> Result<(), PublishError> {
    let headers = headers::outward(&reply.headers).unwrap_or_else(|name| {
        tracing::error!(name, "a header of an answer cannot stand in a line");
        HeaderMap::new()
    });
    request.respond_with_headers(Ok(reply.body.into()), headers).await
}

/// A request as the router takes it.
fn message_of(request: &Request, prefix: &SubjectPrefix) -> Result<Message, Problem> {
    let outside = &request.message;
    let subject = prefix.inward(&outside.subject).ok_or_else(|| {
        let detail = format!("{} does not begin with {prefix}", outside.subject);
        Problem::fault(Fault::UnknownSubject, detail)
    })?;
    let headers = headers::inward(outside.headers.as_ref())?;
    // Commands carry their deadline to the engine, which looks at it when it decides.
    if subject.split('.').nth(4) != Some("command")
        && let Some(deadline) = headers.get(header::DEADLINE)
    {
        in_time(deadline)?;
    }
    Ok(Message { subject, headers, body: outside.payload.to_vec() })
}

/// Why the answer may not go to this subject, if it may not. The door can write wherever a request
/// says; it must not be made to write for somebody who could not do so himself.
fn foreign(reply: &str, subject: &str, prefix: &SubjectPrefix) -> Option<&'static str> {
    let prefix = prefix.as_str();
    let below = |text: &str| text.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    if reply.starts_with('$') || below(reply) {
        return Some("its reply subject is one of a service");
    }
    let owned = reply.strip_prefix(INBOX_PREFIX)?;
    // `<prefix>.<book>.as.<actor>.…`
    let actor = subject.get(prefix.len()..)?.split('.').nth(3)?;
    let is_own = owned.strip_prefix(actor).is_some_and(|rest| rest.starts_with('.'));
    (!is_own).then_some("its reply subject is the inbox of another actor")
}

fn in_time(deadline: &str) -> Result<(), Problem> {
    let read: Result<Timestamp, _> = deadline.parse();
    let read = read.map_err(|error| {
        let detail = format!("{}: {error}", header::DEADLINE);
        Problem::fault(Fault::Malformed, detail)
    })?;
    if SystemClock.now() <= read {
        return Ok(());
    }
    let detail = format!("the deadline {read} passed before the request was looked at");
    Err(Problem::fault(Fault::DeadlineExceeded, detail + "; send it with a later one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_goes_to_inboxes_and_never_to_another_actor_or_a_service() {
        let prefix: SubjectPrefix = "emea.bill".parse().expect("a prefix");
        let subject = "emea.bill.acme.as.ada.command.payment.record";
        for right in ["_INBOX.abc.1", "_INBOX_ada.abc.1", "_R_.x.y", "emea.billing.x", "mine"] {
            assert_eq!(foreign(right, subject, &prefix), None, "{right}");
        }
        let commands = "emea.bill.acme.as.eve.command.payment.record";
        for wrong in
            ["_INBOX_eve.abc.1", "_INBOX_adam.x", "_INBOX_ada", commands, "$SRV.PING", "$SYS.x"]
        {
            assert!(foreign(wrong, subject, &prefix).is_some(), "{wrong}");
        }
    }

    #[test]
    fn a_deadline_that_passed_or_cannot_be_read_is_a_problem() {
        assert_eq!(in_time("2999-01-01T00:00:00Z"), Ok(()));
        let late = in_time("2020-01-01T00:00:00Z").expect_err("late");
        assert_eq!(late.code, "deadline_exceeded");
        assert_eq!(in_time("soon").expect_err("unreadable").code, "malformed");
    }
}
