//! Books open in this process: engine, projectors and services behind one router.
//!
//! # Shape
//!
//! [`Host`] owns what runs; [`HostDoor`] asks its router the messages that a socket would carry.
//! Besides the read models each book answers `query.views.status` and `query.views.hashes`:
//! how far they are, and what they hold.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use command_gateway::door::nats::ServiceSpec;
use command_gateway::feed::Feed;
use command_gateway::{
    Blocking, BookDoor, Gateway, GatewayConfig, GatewayError, Router, fresh_log_id,
};
use event_log::{FileDisk, LogReader, OpenError};
use projections::{DEFAULT_PATIENCE, ProjectorState, Projectors, StartError, ViewHash, ViewName};
use schemas::command::OpenBook;
use schemas::problem::Fault;
use schemas::terms::{BookClock, Profile};
use schemas::text::{Actor, BookName};
use schemas::wire::{Endpoint, Headers, LogPosition, Message, Reply, Subject, header};
use schemas::{Problem, Timestamp};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::door::{Ask, body_of};
use crate::exit::Failure;
use crate::folder::{Folder, damaged};

/// The name under which the read models speak of themselves.
const VIEWS: &str = "views";

/// One open book.
#[derive(Debug)]
struct Open {
    // Declared first, dropped first: readers go before the writer.
    projectors: Option<Arc<Projectors>>,
    gateway: Gateway,
}

/// Books open in this process.
#[derive(Debug)]
pub struct Host {
    router: Arc<Router>,
    books: BTreeMap<BookName, Open>,
    folder: Folder,
    runtime: Runtime,
}

impl Host {
    /// Nothing open yet.
    ///
    /// # Errors
    /// [`Failure::Io`] when the machine has no threads.
    pub fn new(folder: Folder) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .thread_name("door")
            .build()
            .map_err(|error| Failure::io("no threads for the doors", error))?;
        let router = Arc::new(Router::new().with_schemas(schema_service()));
        Ok(Self { router, books: BTreeMap::new(), folder, runtime })
    }

    /// Opens a book of the folder; `queries` starts its projectors.
    ///
    /// # Errors
    /// [`Failure`]: no such book, a second writer, a read-only folder, damage, a full disk.
    pub fn open(&mut self, book: &BookName, queries: bool) -> Result<(), Failure> {
        self.folder.known(book)?;
        let config = GatewayConfig::at(self.folder.log(book)).map_err(refused)?;
        let gateway = Gateway::open(&config).map_err(refused)?;
        self.serve(book, gateway, queries)
    }

    /// Makes a book and opens it; on a test clock if one is given.
    ///
    /// # Errors
    /// As [`Host::open`]; and when there is such a book already.
    pub fn create(
        &mut self,
        book: &BookName,
        test_clock: Option<Timestamp>,
        queries: bool,
    ) -> Result<(), Failure> {
        let log = fresh_log_id().map_err(|error| Failure::io("no randomness", error))?;
        self.create_log(book, log, test_clock, queries)
    }

    /// As [`Host::create`], with the log's id: a book that is the same every time it is made.
    ///
    /// # Errors
    /// As [`Host::create`].
    pub fn create_log(
        &mut self,
        book: &BookName,
        log: Uuid,
        test_clock: Option<Timestamp>,
        queries: bool,
    ) -> Result<(), Failure> {
        self.folder.make(book)?;
        let config = GatewayConfig::at(self.folder.log(book)).map_err(refused)?;
        let clock = test_clock.map_or(BookClock::Wall, BookClock::Test);
        let open = OpenBook { book: book.clone(), profile: Profile::Billfold1, clock };
        let gateway = Gateway::create(&config, log, open).map_err(refused)?;
        self.serve(book, gateway, queries)
    }

    fn serve(&mut self, book: &BookName, gateway: Gateway, queries: bool) -> Result<(), Failure> {
        let path = self.folder.log(book);
        let disk = FileDisk::open(&path)
            .map_err(|error| Failure::io(format!("{} cannot be read", path.display()), error))?;
        let handle = gateway.handle();
        let feed = Feed::new(Arc::new(disk), handle.log(), handle.progress().clone());
        let mut door = BookDoor::new(handle.clone()).with_feed(Arc::new(feed).service());
        let mut projectors = None;
        if queries {
            let started =
                Projectors::start(|| gateway.reader(), &self.folder.views(book), &ViewName::ALL);
            let started = Arc::new(started.map_err(not_started)?);
            for view in ViewName::ALL.iter().map(|view| view.as_str()).chain([VIEWS]) {
                door = door.with_view(view, query_service(&started, handle.log()));
            }
            projectors = Some(started);
        }
        self.router.add_book(door);
        self.books.insert(book.clone(), Open { projectors, gateway });
        Ok(())
    }

    /// The open books and where they stand.
    pub fn positions(&self) -> Vec<(BookName, u64)> {
        let position = |open: &Open| open.gateway.handle().progress().durable();
        self.books.iter().map(|(book, open)| (book.clone(), position(open))).collect()
    }

    /// Waits until every read model of a book reflects all that is durable; whether it does.
    pub fn catch_up(&self, book: &BookName, patience: Duration) -> bool {
        self.books.get(book).is_none_or(|open| {
            let head = open.gateway.handle().progress().durable();
            open.projectors.as_ref().is_none_or(|views| views.wait_for(head, patience))
        })
    }

    /// Resolves when an engine stops by itself, with what that means.
    pub async fn broken(&self) -> Failure {
        let mut changes: Vec<_> = self
            .books
            .values()
            .map(|open| (open.gateway.handle(), open.gateway.handle().progress().subscribe()))
            .collect();
        loop {
            for (handle, _) in &changes {
                if let Some(why) = handle.progress().stopped() {
                    let book = handle.book();
                    return Failure::Internal(format!(
                        "the engine of book {book} stopped ({why:?}); start again: opening the log \
                         tells what is durable"
                    ));
                }
            }
            let next = changes.iter_mut().map(|(_, changed)| Box::pin(changed.changed()));
            first_of(next.collect()).await;
        }
    }

    /// What this process offers on NATS: a gateway for each book, and its read models.
    pub fn services(&self) -> Vec<ServiceSpec> {
        let schema_hash = schemas::subjects::schema_hash();
        let mut services = Vec::new();
        for (book, open) in &self.books {
            let handle = open.gateway.handle();
            services.push(crate::nats::services::gateway(&handle, &schema_hash));
            for (projectors, view) in
                open.projectors.iter().flat_map(|all| ViewName::ALL.map(|view| (all, view)))
            {
                services.extend(crate::nats::services::projector(
                    book,
                    handle.log(),
                    projectors,
                    view,
                    &schema_hash,
                ));
            }
        }
        services
    }

    /// A door to one of the books.
    pub fn door(&self, book: &BookName, actor: &Actor) -> HostDoor<'_> {
        HostDoor { host: self, book: book.clone(), actor: actor.clone() }
    }

    /// What answers messages.
    pub fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// Where doors run.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Stops read models, then engines; each log gets its closing block.
    pub fn close(self) {
        let Self { router, books, folder: _, runtime } = self;
        for (book, open) in books {
            router.remove_book(&book);
            drop(open.projectors);
            let stopped = open.gateway.close();
            tracing::info!(%book, ?stopped, "book closed");
        }
        runtime.shutdown_timeout(Duration::from_secs(5));
    }
}

/// Resolves when the first of them does.
async fn first_of<F: Future + Unpin>(mut all: Vec<F>) {
    std::future::poll_fn(|context| {
        let ready = all.iter_mut().any(|one| Pin::new(one).poll(context).is_ready());
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Asks the books of this process.
#[derive(Debug, Clone)]
pub struct HostDoor<'a> {
    host: &'a Host,
    book: BookName,
    actor: Actor,
}

impl Ask for HostDoor<'_> {
    fn ask(&self, endpoint: Endpoint, headers: Headers, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let subject = Subject { book: self.book.clone(), actor: self.actor.clone(), endpoint };
        let message = Message { subject: subject.to_string(), headers, body };
        body_of(self.host.runtime.block_on(self.host.router.handle(message)))
    }
}

/// Read models of a book that no process has open: they catch up with the log and answer.
#[derive(Debug)]
pub struct ReadDoor {
    projectors: Projectors,
    log: Uuid,
    head: u64,
}

impl ReadDoor {
    /// Starts the read models beside the log, which may be read-only and may have a writer.
    ///
    /// # Errors
    /// [`Failure`]: no such book, damage, or another process runs its read models.
    pub fn open(folder: &Folder, book: &BookName) -> Result<Self, Failure> {
        let mut reader = folder.reader(book)?;
        let log = Uuid::from_bytes(reader.identity().log().0);
        let head = reader.durable_head().map_err(damaged)?.last_position().unwrap_or(0);
        let path = folder.log(book);
        let projectors =
            Projectors::start(|| LogReader::open(&path), &folder.views(book), &ViewName::ALL)
                .map_err(not_started)?;
        Ok(Self { projectors, log, head })
    }
}

impl Ask for ReadDoor {
    fn ask(&self, endpoint: Endpoint, headers: Headers, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let Endpoint::Query { view, name } = &endpoint else {
            return Err(Failure::Internal("only queries are answered here".to_owned()));
        };
        // Nobody waits for more than the log holds.
        self.projectors.wait_for(self.head, Duration::from_mins(10));
        let reply = answer(&self.projectors, self.log, view, name, &headers, &body);
        reply.map(|reply| reply.body).map_err(Failure::from)
    }
}

fn query_service(projectors: &Arc<Projectors>, log: Uuid) -> Arc<dyn command_gateway::Service> {
    let projectors = Arc::clone(projectors);
    Arc::new(Blocking::new(move |subject: &Subject, message: &Message| {
        let Endpoint::Query { view, name } = &subject.endpoint else {
            let detail = format!("{} is no query; ask query.<view>.<name>", message.subject);
            return Err(Problem::fault(Fault::UnknownSubject, detail));
        };
        answer(&projectors, log, view, name, &message.headers, &message.body)
    }))
}

fn answer(
    projectors: &Projectors,
    log: Uuid,
    view: &str,
    name: &str,
    headers: &Headers,
    body: &[u8],
) -> Result<Reply, Problem> {
    let at_least: Option<LogPosition> =
        headers.get(header::AT_LEAST).map(|text| text.parse()).transpose().map_err(
            |error: schemas::wire::NotPosition| Problem::fault(Fault::Malformed, error.to_string()),
        )?;
    if view != VIEWS {
        let body = projectors.answer(view, name, body, at_least, DEFAULT_PATIENCE)?;
        return Ok(Reply { headers: Headers::new(), body });
    }
    if let Some(at_least) = at_least {
        projectors.wait_for(at_least.position, DEFAULT_PATIENCE);
    }
    match name {
        "status" => Ok(Reply::json(&status(projectors, log))),
        "hashes" => Ok(Reply::json(&hashes(projectors, log)?)),
        other => {
            let detail = format!("views has no query {other:?}; it has status, hashes");
            Err(Problem::fault(Fault::UnknownSubject, detail))
        }
    }
}

fn status(projectors: &Projectors, log: Uuid) -> Value {
    let all = projectors.status();
    let head = all.iter().map(|one| one.head).max().unwrap_or(0);
    let rows = all.iter().map(|one| {
        let state = match &one.state {
            ProjectorState::Serving => "serving".to_owned(),
            ProjectorState::Rebuilding => "rebuilding".to_owned(),
            ProjectorState::Failed(why) => format!("failed: {why}"),
        };
        json!({
            "view": one.view.as_str(),
            "position": LogPosition { log, position: one.position }.to_string(),
            "commits_behind": one.lag(),
            "state": state,
        })
    });
    json!({
        "data": rows.collect::<Vec<_>>(),
        "position": LogPosition { log, position: head }.to_string(),
    })
}

fn hashes(projectors: &Projectors, log: Uuid) -> Result<Value, Problem> {
    let hashes: Vec<ViewHash> = ViewName::ALL
        .iter()
        .map(|view| projectors.content_hash(*view))
        .collect::<Result<_, _>>()?;
    let least = hashes.iter().map(|hash| hash.position).min().unwrap_or(0);
    let row = |one: &ViewHash| {
        json!({
            "view": one.view.as_str(),
            "position": one.position,
            "hash": one.hash.to_string(),
        })
    };
    Ok(json!({
        "data": hashes.iter().map(row).collect::<Vec<_>>(),
        "position": LogPosition { log, position: least }.to_string(),
    }))
}

fn schema_service() -> Arc<dyn command_gateway::Service> {
    Arc::new(Blocking::new(|_: &Subject, message: &Message| crate::schema::answer(&message.body)))
}

/// Why a book was not opened. Damage is a failed verification; the rest is about the machine.
pub fn refused(error: GatewayError) -> Failure {
    match error {
        GatewayError::Log(OpenError::Read(read)) | GatewayError::Read(read) => damaged(read),
        GatewayError::Replay(error) => Failure::Verification(chain(&error)),
        GatewayError::Log(there @ OpenError::AlreadyThere { .. }) => {
            Failure::Refused(there.to_string())
        }
        GatewayError::Refused(refusal) => Failure::Refused(refusal.to_string()),
        other @ (GatewayError::Folder { .. }
        | GatewayError::Log(
            OpenError::InUse { .. }
            | OpenError::ReadOnly { .. }
            | OpenError::DiskFull { .. }
            | OpenError::Io { .. }
            | OpenError::Takeover(_),
        )
        | GatewayError::NoBook
        | GatewayError::Identity(_)
        | GatewayError::FirstCommit(_)
        | GatewayError::Threads(_)) => Failure::Internal(chain(&other)),
    }
}

fn not_started(error: StartError) -> Failure {
    match error {
        StartError::Log(read) => damaged(read),
        other @ (StartError::Home(_) | StartError::Thread { .. }) => {
            Failure::Internal(chain(&other))
        }
    }
}

/// An error with its causes, each once.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}
