//! Books open in this process: engine, projectors and services behind one router.
//!
//! # Shape
//!
//! A [`Host`] has one [`Role`] for every book: the gateway, some read models, or all of it. It
//! owns what runs; [`HostDoor`] asks its router the messages that a socket would carry.
//!
//! # Ordering
//!
//! A book is in the router when it is open, and leaves it before it is closed. On the way down
//! read models go before the engine, so that the log's closing block comes last.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::{Ask, AskError, body_of};
use command_gateway::door::nats::ServiceSpec;
use command_gateway::feed::Feed;
use command_gateway::{BookDoor, Gateway, Router, fresh_log_id};
use event_log::{FileDisk, LogReader};
use projections::{Editions, Projectors, ViewName};
use schemas::Timestamp;
use schemas::command::OpenBook;
use schemas::terms::{BookClock, Profile};
use schemas::text::{Actor, BookName};
use schemas::wire::{Endpoint, Headers, Message, Subject};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::catalogue;
use crate::error::HostError;
use crate::folder::Folder;
use crate::reports::{Opened, Reports};
use crate::services::{gateway_service, projector_service};
use crate::view_door::ViewDoor;

/// How often an engine is looked at that may have stopped by itself.
const LOOK: Duration = Duration::from_millis(50);

/// What a process does for every book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// It takes commands and writes the log.
    pub gateway: bool,
    /// It keeps these read models and answers their queries.
    pub views: Vec<ViewName>,
}

impl Role {
    /// Everything.
    pub fn everything() -> Self {
        Self { gateway: true, views: ViewName::ALL.to_vec() }
    }

    /// Log and gateway.
    pub fn gateway() -> Self {
        Self { gateway: true, views: Vec::new() }
    }

    /// Read models.
    pub fn views(views: Vec<ViewName>) -> Self {
        Self { gateway: false, views }
    }
}

/// One open book.
#[derive(Debug)]
struct Open {
    // Declared first, dropped first: readers go before the writer.
    projectors: Option<Arc<Projectors>>,
    gateway: Option<Gateway>,
}

impl Open {
    /// Up to here the log is durable, as far as this process knows.
    fn position(&self) -> u64 {
        match (&self.gateway, &self.projectors) {
            (Some(gateway), _) => gateway.handle().progress().durable(),
            (None, Some(views)) => views.head(),
            (None, None) => 0,
        }
    }
}

/// Books open in this process.
#[derive(Debug)]
pub struct Host {
    role: Role,
    router: Arc<Router>,
    reports: Arc<Reports>,
    books: Mutex<BTreeMap<BookName, Open>>,
    folder: Folder,
    editions: Editions,
    runtime: Runtime,
}

impl Host {
    /// Nothing open yet.
    ///
    /// # Errors
    /// [`HostError::Io`] when the machine has no threads.
    pub fn new(folder: Folder, role: Role) -> Result<Self, HostError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .thread_name("door")
            .build()
            .map_err(|error| HostError::io("no threads for the doors", error))?;
        let router = Arc::new(Router::new().with_schemas(catalogue::service()));
        let reports = Arc::new(Reports::new(Arc::clone(&router)));
        let (books, editions) = (Mutex::default(), Editions::default());
        Ok(Self { role, router, reports, books, folder, editions, runtime })
    }

    /// The same with other editions of read models than those of the build.
    #[must_use]
    pub fn with_editions(mut self, editions: Editions) -> Self {
        self.editions = editions;
        self
    }

    /// Opens a book of the folder.
    ///
    /// # Errors
    /// [`HostError`]: no such book, a second writer, a read-only folder, damage, a full disk.
    pub fn open(&self, book: &BookName) -> Result<(), HostError> {
        self.folder.known(book)?;
        if !self.role.gateway {
            return self.follow(book);
        }
        let config = self.folder.gateway(book)?;
        let gateway = Gateway::open(&config)?;
        self.serve(book, gateway)
    }

    /// Makes a book and opens it; on a test clock if one is given.
    ///
    /// # Errors
    /// As [`Host::open`]; and when there is such a book already.
    pub fn create(&self, book: &BookName, test_clock: Option<Timestamp>) -> Result<(), HostError> {
        let log = fresh_log_id().map_err(|error| HostError::io("no randomness", error))?;
        self.create_log(book, log, test_clock)
    }

    /// As [`Host::create`], with everything that opens the book.
    ///
    /// # Errors
    /// As [`Host::create`]; and when a policy has no such rule.
    pub fn make(&self, open: OpenBook) -> Result<(), HostError> {
        let log = fresh_log_id().map_err(|error| HostError::io("no randomness", error))?;
        self.create_open(log, open)
    }

    /// As [`Host::create`], with the log's id: a book that is the same every time it is made.
    ///
    /// # Errors
    /// As [`Host::create`].
    pub fn create_log(
        &self,
        book: &BookName,
        log: Uuid,
        test_clock: Option<Timestamp>,
    ) -> Result<(), HostError> {
        let clock = test_clock.map_or(BookClock::Wall, BookClock::Test);
        let profile = Profile::Billfold1;
        self.create_open(log, OpenBook { book: book.clone(), profile, policies: None, clock })
    }

    /// As [`Host::create_log`], with everything that opens the book.
    ///
    /// # Errors
    /// As [`Host::create`]; and when a policy has no such rule.
    pub fn create_open(&self, log: Uuid, open: OpenBook) -> Result<(), HostError> {
        let book = open.book.clone();
        self.folder.not_lost(&book)?;
        self.folder.make(&book)?;
        let config = self.folder.gateway(&book)?;
        let gateway = Gateway::create(&config, log, open)?;
        self.serve(&book, gateway)
    }

    /// Takes commands for a book, and keeps its read models if that is asked for.
    fn serve(&self, book: &BookName, gateway: Gateway) -> Result<(), HostError> {
        let path = self.folder.log(book);
        let disk = FileDisk::open(&path)
            .map_err(|error| HostError::io(format!("{} cannot be read", path.display()), error))?;
        let handle = gateway.handle();
        let feed = Feed::new(Arc::new(disk), handle.log(), handle.progress().clone());
        let door = BookDoor::new(handle.clone()).with_feed(Arc::new(feed).service());
        let mut projectors = None;
        if !self.role.views.is_empty() {
            let views = self.folder.views(book);
            let log = || gateway.reader();
            let started = Projectors::start_editions(log, &views, &self.role.views, &self.editions);
            projectors = Some(Arc::new(started?));
        }
        self.add(book, door, Open { projectors, gateway: Some(gateway) });
        Ok(())
    }

    /// Keeps read models of a book whose log another process writes.
    fn follow(&self, book: &BookName) -> Result<(), HostError> {
        let path = self.folder.log(book);
        let open = || LogReader::open(&path);
        let views = self.folder.views(book);
        let started = Projectors::start_editions(open, &views, &self.role.views, &self.editions);
        let projectors = Some(Arc::new(started?));
        let log = self.folder.reader(book)?.identity().log().0;
        let door = BookDoor::views_only(book.clone()).with_ring(self.folder.ring(book, log));
        self.add(book, door, Open { projectors, gateway: None });
        Ok(())
    }

    fn add(&self, book: &BookName, mut door: BookDoor, open: Open) {
        let services = self.role.views.iter().filter_map(|view| {
            Some(ViewDoor::new(open.projectors.as_ref()?.service(view.as_str())?))
        });
        let views: Vec<ViewDoor> = services.collect();
        for view in &views {
            door = door.with_view(view.service().view(), Arc::new(view.clone()));
        }
        let gateway = open.gateway.as_ref().map(Gateway::handle);
        self.reports.add(Opened { book: book.clone(), gateway, views });
        self.books().insert(book.clone(), open);
        self.router.add_book(door);
    }

    /// Entries are put in and taken out whole, so a panicking thread leaves a usable map.
    fn books(&self) -> MutexGuard<'_, BTreeMap<BookName, Open>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this process does for every book.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// The data folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Whether a book is open.
    pub fn has(&self, book: &BookName) -> bool {
        self.books().contains_key(book)
    }

    /// The open books and where they stand.
    pub fn positions(&self) -> Vec<(BookName, u64)> {
        self.books().iter().map(|(book, open)| (book.clone(), open.position())).collect()
    }

    /// Waits until every read model of a book reflects all that is durable; whether it does.
    pub fn catch_up(&self, book: &BookName, patience: Duration) -> bool {
        let (views, head) = match self.books().get(book) {
            Some(open) => (open.projectors.clone(), open.position()),
            None => return true,
        };
        views.is_none_or(|views| views.wait_for(head, patience))
    }

    /// Resolves when an engine stops by itself, with what that means.
    pub async fn broken(&self) -> HostError {
        loop {
            if let Some(failure) = self.stopped() {
                return failure;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What this process offers on NATS for one book: its gateway, and its read models.
    pub fn services(&self, book: &BookName) -> Vec<ServiceSpec> {
        let schema_hash = schemas::subjects::schema_hash();
        let books = self.books();
        let Some(open) = books.get(book) else { return Vec::new() };
        let gateway = open.gateway.as_ref().map(Gateway::handle);
        let mut services: Vec<_> =
            gateway.iter().map(|handle| gateway_service(handle, &schema_hash)).collect();
        for view in self
            .role
            .views
            .iter()
            .filter_map(|view| open.projectors.as_ref()?.service(view.as_str()))
        {
            services.extend(projector_service(book, view, &schema_hash));
        }
        services
    }

    fn stopped(&self) -> Option<HostError> {
        self.books().iter().find_map(|(book, open)| {
            let why = open.gateway.as_ref()?.handle().progress().stopped()?;
            Some(HostError::EngineStopped { book: book.clone(), why })
        })
    }

    /// A door to one of the books.
    pub fn door(&self, book: &BookName, actor: &Actor) -> HostDoor<'_> {
        HostDoor { host: self, book: book.clone(), actor: actor.clone() }
    }

    /// What this process says about itself.
    pub fn reports(&self) -> &Arc<Reports> {
        &self.reports
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
        let Self { router, books, runtime, .. } = self;
        for (book, open) in books.into_inner().unwrap_or_else(PoisonError::into_inner) {
            router.remove_book(&book);
            drop(open.projectors);
            let stopped = open.gateway.map(Gateway::close);
            tracing::info!(%book, ?stopped, "book closed");
        }
        runtime.shutdown_timeout(Duration::from_secs(5));
    }
}

/// Asks the books of this process.
#[derive(Debug, Clone)]
pub struct HostDoor<'a> {
    host: &'a Host,
    book: BookName,
    actor: Actor,
}

impl Ask for HostDoor<'_> {
    fn ask(
        &self,
        endpoint: Endpoint,
        headers: Headers,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, AskError> {
        let subject = Subject { book: self.book.clone(), actor: self.actor.clone(), endpoint };
        let message = Message { subject: subject.to_string(), headers, body };
        body_of(self.host.runtime.block_on(self.host.router.handle(message)))
    }
}
