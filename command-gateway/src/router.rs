//! Where messages go: commands to the engine of the right book, the rest to its services.
//!
//! *Shape.* [`Router::handle`] is the message form of every door: in process, over the Unix
//! socket, over NATS. It knows no transport. *Correctness.* Every message gets exactly one reply;
//! failures are problems.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use schemas::Problem;
use schemas::problem::Fault;
use schemas::query::GATEWAY_VIEWS;
use schemas::status::QueueStatus;
use schemas::text::BookName;
use schemas::wire::{Endpoint, MAX_BODY_BYTES, Message, Reply, Subject, header};
use tracing::Instrument as _;
use vault::KeyRing;

use crate::handle::GatewayHandle;
use crate::service::{Service, within_limit};
use crate::{admin, asking, messages};

/// One book with everything that answers for it.
pub struct BookDoor {
    book: BookName,
    gateway: Option<GatewayHandle>,
    feed: Option<Arc<dyn Service>>,
    views: BTreeMap<String, Arc<dyn Service>>,
    ring: Option<Arc<KeyRing>>,
}

impl BookDoor {
    /// A book that takes commands.
    pub fn new(gateway: GatewayHandle) -> Self {
        let (book, ring) = (gateway.book().clone(), gateway.ring());
        Self { book, gateway: Some(gateway), feed: None, views: BTreeMap::new(), ring }
    }

    /// A book whose commands another process takes: only its read models answer here.
    pub fn views_only(book: BookName) -> Self {
        Self { book, gateway: None, feed: None, views: BTreeMap::new(), ring: None }
    }

    /// The same with keys: what is sealed in answers is opened on the way out.
    #[must_use]
    pub fn with_ring(mut self, ring: Arc<KeyRing>) -> Self {
        self.ring = Some(ring);
        self
    }

    /// A reply as it leaves.
    fn opened(&self, mut reply: Reply) -> Reply {
        if let Some(ring) = &self.ring {
            reply.body = ring.open_json(reply.body);
        }
        reply
    }

    /// The same with its feed.
    #[must_use]
    pub fn with_feed(mut self, feed: Arc<dyn Service>) -> Self {
        self.feed = Some(feed);
        self
    }

    /// The same with a read model that answers `query.<view>.*`.
    #[must_use]
    pub fn with_view(mut self, view: &str, service: Arc<dyn Service>) -> Self {
        self.views.insert(view.to_owned(), service);
        self
    }

    /// The engine, or a problem that says where there is one.
    fn gateway(&self, subject: &str) -> Result<&GatewayHandle, Problem> {
        self.gateway.as_ref().ok_or_else(|| {
            let detail = format!(
                "{subject} is not answered here: this process only answers queries; `billfold \
                 serve` or `billfold up` over the same data folder takes commands"
            );
            Problem::fault(Fault::UnknownSubject, detail)
        })
    }

    fn view(&self, view: &str) -> Result<&Arc<dyn Service>, Problem> {
        self.views.get(view).ok_or_else(|| {
            let view: String = view.chars().take(64).collect();
            let detail = format!(
                "the read model {view} does not answer here; `billfold project {view}` over the \
                 same data folder starts it"
            );
            Problem::fault(Fault::UnknownSubject, detail)
        })
    }
}

impl fmt::Debug for BookDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let views: Vec<&String> = self.views.keys().collect();
        f.debug_struct("BookDoor")
            .field("book", &self.book)
            .field("views", &views)
            .finish_non_exhaustive()
    }
}

/// Looks at a queue of a door.
type QueueGauge = Box<dyn Fn() -> QueueStatus + Send + Sync>;

/// All books of a process. Books can be added while it serves.
#[derive(Default)]
pub struct Router {
    books: RwLock<BTreeMap<BookName, Arc<BookDoor>>>,
    queues: RwLock<Vec<QueueGauge>>,
    schemas: Option<Arc<dyn Service>>,
}

impl Router {
    /// No books yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a service that answers `schema.get`, for every book.
    #[must_use]
    pub fn with_schemas(mut self, service: Arc<dyn Service>) -> Self {
        self.schemas = Some(service);
        self
    }

    /// From now on `status` names a queue of a door.
    pub fn watch_queue(&self, gauge: impl Fn() -> QueueStatus + Send + Sync + 'static) {
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        queues.push(Box::new(gauge));
    }

    /// The queues of the doors of this process.
    pub fn queues(&self) -> Vec<QueueStatus> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        queues.iter().map(|gauge| gauge()).collect()
    }

    /// Adds a book, in place of one of the same name.
    pub fn add_book(&self, door: BookDoor) {
        let name = door.book.clone();
        let mut books = self.books.write().unwrap_or_else(PoisonError::into_inner);
        books.insert(name, Arc::new(door));
    }

    /// Takes a book away.
    pub fn remove_book(&self, book: &BookName) {
        let mut books = self.books.write().unwrap_or_else(PoisonError::into_inner);
        books.remove(book);
    }

    /// The names of the books.
    pub fn books(&self) -> Vec<BookName> {
        let books = self.books.read().unwrap_or_else(PoisonError::into_inner);
        books.keys().cloned().collect()
    }

    /// Answers one message.
    pub async fn handle(&self, message: Message) -> Reply {
        let trace = trace_id(&message);
        let span = tracing::debug_span!("message", subject = %message.subject, trace);
        let answered = self.route(message).instrument(span).await;
        answered.map_or_else(
            |mut problem| {
                problem.trace_id = problem.trace_id.or(trace);
                Reply::problem(&problem)
            },
            within_limit,
        )
    }

    async fn route(&self, message: Message) -> Result<Reply, Problem> {
        let subject: Subject =
            message.subject.parse().map_err(|error: schemas::wire::UnknownSubject| {
                Problem::fault(Fault::UnknownSubject, error.to_string())
            })?;
        if message.body.len() > MAX_BODY_BYTES {
            let (bytes, limit) = (message.body.len(), MAX_BODY_BYTES);
            let detail =
                format!("the request has {bytes} bytes, more than {limit}; send it in parts");
            return Err(Problem::fault(Fault::TooLarge, detail));
        }
        let book = self.book(&subject.book)?;
        let reply = self.answer(&book, subject, message).await?;
        Ok(book.opened(reply))
    }

    async fn answer(
        &self,
        book: &BookDoor,
        subject: Subject,
        message: Message,
    ) -> Result<Reply, Problem> {
        let service = match &subject.endpoint {
            Endpoint::Command(name) => {
                let gateway = book.gateway(&message.subject)?;
                return messages::command(gateway, subject.actor, name, &message).await;
            }
            Endpoint::Batch => {
                let gateway = book.gateway(&message.subject)?;
                return messages::batch(gateway, &subject.actor, &message).await;
            }
            Endpoint::Admin(verb) => {
                let gateway = book.gateway(&message.subject)?;
                return admin::call(gateway, verb, &message, || self.queues()).await;
            }
            Endpoint::Query { view, name } if GATEWAY_VIEWS.contains(&view.as_str()) => {
                let gateway = book.gateway(&message.subject)?;
                return asking::call(gateway, subject.actor, (view, name), &message).await;
            }
            Endpoint::Query { view, .. } => Some(book.view(view)?),
            Endpoint::Feed => book.feed.as_ref(),
            Endpoint::Schema => self.schemas.as_ref(),
        };
        let Some(service) = service else {
            let detail =
                format!("{} is not served here; ask for its service elsewhere", message.subject);
            return Err(Problem::fault(Fault::UnknownSubject, detail));
        };
        let call = service.call(subject, message);
        Ok(call.await)
    }

    fn book(&self, name: &BookName) -> Result<Arc<BookDoor>, Problem> {
        let books = self.books.read().unwrap_or_else(PoisonError::into_inner);
        books.get(name).cloned().ok_or_else(|| {
            let open: Vec<&str> = books.keys().map(BookName::as_str).take(10).collect();
            let open = if open.is_empty() { "none".to_owned() } else { open.join(", ") };
            let detail = format!("book {name} is not open here; open are: {open}");
            Problem::fault(Fault::UnknownBook, detail)
        })
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("books", &self.books()).finish_non_exhaustive()
    }
}

/// The trace of a W3C `traceparent` header.
fn trace_id(message: &Message) -> Option<String> {
    let parent = message.headers.get(header::TRACEPARENT)?;
    let trace = parent.split('-').nth(1)?;
    let is_trace = trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_trace.then(|| trace.to_owned())
}
