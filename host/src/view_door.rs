//! What a book's subjects lead to in this process, beside its gateway.
//!
//! *Limits.* A query that is being answered takes a thread, so only so many are at once; one that
//! waits for a position takes none, so many more may. Beyond either the answer is *busy*.

use command_gateway::{Places, ReplyFuture, Service};
use projections::{DEFAULT_PATIENCE, QueryService};
use schemas::Problem;
use schemas::problem::Fault;
use schemas::status::QueueStatus;
use schemas::wire::{Endpoint, Headers, LogPosition, Message, NotPosition, Reply, Subject, header};
use tokio::sync::watch;
use tokio::time::timeout;

/// Queries of one read model that are answered at once. Two processors answer this many within a
/// few milliseconds; more would only wait for each other.
const QUERIES: usize = 64;
/// Queries of one read model that wait for a position.
const WAITS: usize = 4_096;

/// The door of one read model of one book.
#[derive(Debug, Clone)]
pub struct ViewDoor {
    service: QueryService,
    moved: watch::Receiver<u64>,
    queries: Places,
    waits: Places,
}

impl ViewDoor {
    /// A door in front of a read model.
    pub fn new(service: &QueryService) -> Self {
        let (position, moved) = watch::channel(0);
        service.listen(move |at| {
            // Nobody waits: nobody needs to hear.
            position.send_replace(at);
        });
        let (queries, waits) = (Places::new("queries", QUERIES), Places::new("waits", WAITS));
        Self { service: service.clone(), moved, queries, waits }
    }

    /// The read model.
    pub fn service(&self) -> &QueryService {
        &self.service
    }

    /// The queues in front of it.
    pub fn queues(&self) -> Vec<QueueStatus> {
        vec![self.queries.status(), self.waits.status()]
    }

    async fn answer(self, subject: Subject, message: Message) -> Result<Reply, Problem> {
        let Endpoint::Query { name, .. } = subject.endpoint else {
            let detail = format!("{} is no query; ask query.<view>.<name>", message.subject);
            return Err(Problem::fault(Fault::UnknownSubject, detail));
        };
        if let Some(wanted) = at_least(&message.headers)? {
            self.reach(wanted).await?;
        }
        // Whoever asks how it stands must hear it when it is busy, too.
        let place = if name == "status" { None } else { Some(self.queries.enter()?) };
        let answered = tokio::task::spawn_blocking(move || {
            let _place = place;
            match name.as_str() {
                "status" => self.service.answer_status(self.queues()),
                _ => self.service.answer(&name, &message.body, None, DEFAULT_PATIENCE),
            }
        });
        let body = answered.await.map_err(|error| {
            tracing::error!(%error, "a query panicked");
            let detail = "the answer met a fault of the read model; report what was asked";
            Problem::fault(Fault::Internal, detail)
        })??;
        Ok(Reply { headers: Headers::new(), body })
    }

    /// Waits until the read model has come so far.
    async fn reach(&self, wanted: LogPosition) -> Result<(), Problem> {
        self.service.check_log(wanted)?;
        if self.service.position().position < wanted.position {
            let _place = self.waits.enter()?;
            let mut moved = self.moved.clone();
            let reached = moved.wait_for(|position| *position >= wanted.position);
            // Whether it came or the time is over shows in where it stands.
            let _waited = timeout(DEFAULT_PATIENCE, reached).await;
        }
        self.service.check_reached(wanted)
    }
}

impl Service for ViewDoor {
    fn call(&self, subject: Subject, message: Message) -> ReplyFuture {
        let door = self.clone();
        Box::pin(async move {
            door.answer(subject, message).await.unwrap_or_else(|problem| Reply::problem(&problem))
        })
    }
}

pub(crate) fn at_least(headers: &Headers) -> Result<Option<LogPosition>, Problem> {
    let asked = headers.get(header::AT_LEAST).map(|text| text.parse()).transpose();
    asked.map_err(|error: NotPosition| Problem::fault(Fault::Malformed, error.to_string()))
}
