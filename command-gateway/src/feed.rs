//! `feed.read`: the log's commits as JSON, up to what is durable.
//!
//! *Shape.* [`Feed`] reads with readers of its own and keeps the last blocks; [`entry`] is the
//! JSON form of one commit, for everything that shows one.
//! *Limits.* A page has at most [`MAX_LIMIT`] commits and stays below the message limit. With a
//! filter, at most [`MAX_SCANNED`] commits are looked at for a page; `has_more` then leads on.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use event_log::{Disk, LogReader, ReadError};
use schemas::commit::{Commit, CommitView};
pub use schemas::feed::{FeedEntry, FeedPage, FeedRead, FeedRecord};
use schemas::ids::{BatchId, SessionId};
use schemas::problem::Fault;
use schemas::query::{DEFAULT_LIMIT, MAX_LIMIT};
use schemas::record::DecodeError;
use schemas::text::Actor;
use schemas::wire::{LogPosition, MAX_BODY_BYTES, Message, Reply, Subject};
use schemas::{Event, Problem, StreamId, query};
use uuid::Uuid;

use crate::history::History;
use crate::progress::Progress;
use crate::service::{Blocking, Service};

/// The most commits that are looked at for one page.
pub const MAX_SCANNED: u64 = 50_000;
/// The longest wait for something new.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Room for what is around the commits of a page.
const ENVELOPE_BYTES: usize = 1_024;

/// The JSON form of a commit of the log `log`.
pub fn entry(commit: &Commit, log: Uuid) -> FeedEntry {
    let position = LogPosition { log, position: commit.position };
    let events = (0..).zip(&commit.events).map(|(index, event): (usize, _)| FeedRecord {
        id: Some(format!("{position}:{index}")),
        kind: event.kind().name.to_owned(),
        body: event.to_json(),
    });
    let cause = commit.cause.map(|cause| LogPosition { log, position: cause.position });
    FeedEntry {
        position: position.to_string(),
        stream: commit.stream.to_string(),
        revision: commit.revision,
        command_id: commit.command_id.to_string(),
        command: FeedRecord {
            id: None,
            kind: commit.command.kind().name.to_owned(),
            body: commit.command.to_json(),
        },
        events: events.collect(),
        recorded_at: commit.recorded_at,
        effective_at: commit.effective_at,
        actor: commit.actor.to_string(),
        reason: serde_json::to_value(&commit.reason).unwrap_or_default(),
        cause: cause.map(|cause| cause.to_string()),
        batch: commit.origin.batch,
        session: commit.origin.session,
        bodies_left_out: false,
    }
}

/// Why the feed cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The log.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A commit.
    #[error(transparent)]
    Commit(#[from] DecodeError),
}

/// Reads one log for any number of consumers, who keep their own places.
#[derive(Debug)]
pub struct Feed {
    disk: Arc<dyn Disk>,
    log: Uuid,
    progress: Progress,
    idle: Mutex<Vec<History>>,
}

/// What a page must match.
struct Filter {
    kinds: Option<Vec<u16>>,
    stream: Option<StreamId>,
    batch: Option<BatchId>,
    session: Option<SessionId>,
    actor: Option<Actor>,
}

impl Filter {
    fn of(request: &FeedRead) -> Result<Self, Problem> {
        let stream = request.stream.as_deref().map(StreamId::from_str).transpose();
        let kinds =
            request.types.as_ref().map(|names| names.iter().map(|name| kind(name)).collect());
        Ok(Self {
            kinds: kinds.transpose()?,
            stream: stream.map_err(|error| malformed(&error))?,
            batch: request.batch,
            session: request.session,
            actor: request.actor.clone(),
        })
    }

    fn matches(&self, commit: &CommitView<'_>) -> Result<bool, DecodeError> {
        let origin = commit.origin;
        let is_other = self.stream.is_some_and(|stream| stream != commit.stream)
            || (self.batch.is_some() && self.batch != origin.batch)
            || (self.session.is_some() && self.session != origin.session)
            || self.actor.as_ref().is_some_and(|actor| actor.as_str() != commit.actor);
        if is_other {
            return Ok(false);
        }
        let Some(kinds) = &self.kinds else { return Ok(true) };
        for event in commit.events() {
            if kinds.contains(&event?.type_id) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn kind(name: &str) -> Result<u16, Problem> {
    let kind = Event::KINDS.iter().find(|kind| kind.name == name);
    kind.map(|kind| kind.type_id).ok_or_else(|| {
        let name: String = name.chars().take(64).collect();
        malformed(&format!("{name:?} is not an event's name; `billfold schema list` prints them"))
    })
}

fn malformed(what: &impl std::fmt::Display) -> Problem {
    Problem::fault(Fault::Malformed, what.to_string())
}

impl Feed {
    /// The feed of the log on `disk`, whose engine says how far it is durable.
    pub fn new(disk: Arc<dyn Disk>, log: Uuid, progress: Progress) -> Self {
        Self { disk, log, progress, idle: Mutex::new(Vec::new()) }
    }

    /// Reads one page. Blocks while it reads, and while it waits if told to.
    ///
    /// # Errors
    /// A [`Problem`]: the request cannot be read, or the log cannot.
    pub fn read(&self, request: &FeedRead) -> Result<FeedPage, Problem> {
        let after = self.after(request.after.as_deref())?;
        let limit = request.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT) as usize;
        let filter = Filter::of(request)?;
        if let Some(wait) = request.wait_ms {
            self.progress.wait_beyond(after, Duration::from_millis(wait).min(MAX_WAIT));
        }
        self.page(after, limit, &filter).map_err(|error| {
            tracing::error!(%error, "the feed cannot be read");
            Problem::fault(Fault::Internal, format!("the log cannot be read: {error}"))
        })
    }

    fn after(&self, token: Option<&str>) -> Result<u64, Problem> {
        let Some(token) = token else { return Ok(0) };
        let position: LogPosition = token.parse().map_err(|error| malformed(&error))?;
        if position.log == self.log {
            return Ok(position.position);
        }
        Err(malformed(&format!("{token} is a position of another log; give one of this book")))
    }

    fn page(&self, after: u64, limit: usize, filter: &Filter) -> Result<FeedPage, FeedError> {
        let durable = self.progress.durable();
        let mut history = self.history()?;
        let mut data = Vec::new();
        let mut bytes = ENVELOPE_BYTES;
        let mut time = None;
        let last = after.saturating_add(MAX_SCANNED).min(durable);
        let mut reached = after;
        while reached < last && data.len() < limit {
            let Some(stored) = history.commit(reached + 1)? else { break };
            let view = CommitView::parse(stored)?;
            if filter.matches(&view)? {
                let (entry, length) = self.sized(&Commit::from_bytes(stored)?);
                if bytes + length > MAX_BODY_BYTES && !data.is_empty() {
                    break;
                }
                bytes += length;
                data.push(entry);
            }
            reached += 1;
            time = Some(view.recorded_at);
        }
        self.give_back(history);
        let token = |position| LogPosition { log: self.log, position }.to_string();
        Ok(FeedPage {
            data,
            has_more: reached < durable,
            next: Some(token(reached.max(after))),
            position: token(reached),
            time,
        })
    }

    fn sized(&self, commit: &Commit) -> (FeedEntry, usize) {
        let length = |entry: &FeedEntry| serde_json::to_vec(entry).map_or(0, |json| json.len()) + 1;
        let entry = entry(commit, self.log);
        let bytes = length(&entry);
        if bytes + ENVELOPE_BYTES <= MAX_BODY_BYTES {
            return (entry, bytes);
        }
        let entry = entry.without_bodies();
        let bytes = length(&entry);
        (entry, bytes)
    }

    fn history(&self) -> Result<History, ReadError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| LogReader::open_on(Arc::clone(&self.disk)).map(History::new), Ok)
    }

    fn give_back(&self, history: History) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < 4 {
            idle.push(history);
        }
    }

    /// The feed as a service.
    pub fn service(self: &Arc<Self>) -> Arc<dyn Service> {
        let feed = Arc::clone(self);
        Arc::new(Blocking::new(move |_: &Subject, message: &Message| {
            let request = query::read(&message.body).map_err(|error| Problem::json(&error))?;
            feed.read(&request).map(|page| Reply::json(&page))
        }))
    }
}
