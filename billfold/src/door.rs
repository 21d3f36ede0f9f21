//! The one way in: NATS, running processes over their sockets, or the folder itself.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use command_gateway::door::{Client, ClientError};
use projections::{UnknownView, ViewName};
use schemas::Problem;
use schemas::problem::Fault;
use schemas::text::{Actor, BookName};
use schemas::wire::{Endpoint, Headers, Message, Reply, Subject};

use crate::exit::{Failure, chain};
use crate::folder::Folder;
use crate::host::{Host, HostDoor, ReadDoor, Role};
use crate::nats::Nats;
use crate::nats::door::NatsRemote;
use crate::output::Node;

/// Something that answers messages.
pub trait Ask {
    /// The answer's body.
    ///
    /// # Errors
    /// [`Failure::Problem`] when the answer is one; else what kept it from coming.
    fn ask(&self, endpoint: Endpoint, headers: Headers, body: Vec<u8>) -> Result<Vec<u8>, Failure>;

    /// How many requests gain from being asked at once; one where they are answered one by one.
    fn at_once(&self) -> usize {
        1
    }

    /// The answers' bodies, each in its place. The requests go in any order.
    fn ask_all(&self, requests: Vec<(Endpoint, Vec<u8>)>) -> Vec<Result<Vec<u8>, Failure>> {
        let each = requests.into_iter();
        each.map(|(endpoint, body)| self.ask(endpoint, Headers::new(), body)).collect()
    }

    /// The answer to a query, as a document.
    ///
    /// # Errors
    /// As [`Ask::ask`].
    fn query(
        &self,
        view: &str,
        name: &str,
        headers: Headers,
        body: &serde_json::Value,
    ) -> Result<Node, Failure> {
        let endpoint = Endpoint::Query { view: view.to_owned(), name: name.to_owned() };
        let answer = self.ask(endpoint, headers, body.to_string().into_bytes())?;
        Node::parse(&answer)
            .map_err(|error| Failure::Internal(format!("the answer is not JSON: {error}")))
    }
}

/// The body of a reply, or its problem.
///
/// # Errors
/// [`Failure::Problem`].
pub fn body_of(reply: Reply) -> Result<Vec<u8>, Failure> {
    if !reply.is_problem() {
        return Ok(reply.body);
    }
    let problem: Problem = serde_json::from_slice(&reply.body).unwrap_or_else(|error| {
        Problem::fault(Fault::Internal, format!("a failure without a readable problem: {error}"))
    });
    Err(problem.into())
}

/// A running process, asked over its socket.
#[derive(Debug)]
pub struct RemoteDoor {
    client: Mutex<Client>,
    book: BookName,
    actor: Actor,
}

impl RemoteDoor {
    /// Connects to whoever takes commands; none if nobody listens.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when someone should listen and does not answer.
    pub fn connect(
        folder: &Folder,
        book: &BookName,
        actor: &Actor,
    ) -> Result<Option<Self>, Failure> {
        Self::connect_at(folder.socket(), book, actor)
    }

    /// Connects to the socket at `path`; none if nobody listens.
    ///
    /// # Errors
    /// As [`RemoteDoor::connect`].
    pub fn connect_at(
        path: &Path,
        book: &BookName,
        actor: &Actor,
    ) -> Result<Option<Self>, Failure> {
        match Client::connect(path) {
            Ok(client) => Ok(Some(Self {
                client: Mutex::new(client),
                book: book.clone(),
                actor: actor.clone(),
            })),
            Err(ClientError::NoServer { source, .. }) if is_nobody(&source) => Ok(None),
            Err(error) => Err(unreachable(&error)),
        }
    }
}

/// No socket, or one that a dead process left.
fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn unreachable(error: &ClientError) -> Failure {
    Failure::Unreachable(chain(error))
}

impl Ask for RemoteDoor {
    fn ask(&self, endpoint: Endpoint, headers: Headers, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let subject = Subject { book: self.book.clone(), actor: self.actor.clone(), endpoint };
        let message = Message { subject: subject.to_string(), headers, body };
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        body_of(client.call_patiently(&message).map_err(|error| unreachable(&error))?)
    }
}

/// Whoever answers queries of a book on this machine: the process that keeps the read model, else
/// the one that takes commands, else the folder itself.
#[derive(Debug)]
pub struct QueryDoor {
    folder: Folder,
    book: BookName,
    actor: Actor,
    doors: Mutex<Vec<(String, Arc<QueryAnswerer>)>>,
}

/// What answers the queries of one read model.
#[derive(Debug)]
enum QueryAnswerer {
    Remote(RemoteDoor),
    Folder(ReadDoor),
}

impl QueryDoor {
    /// Nobody is asked yet.
    pub fn new(folder: &Folder, book: &BookName, actor: &Actor) -> Self {
        let (folder, book, actor) = (folder.clone(), book.clone(), actor.clone());
        Self { folder, book, actor, doors: Mutex::default() }
    }

    fn answerer(&self, view: &str) -> Result<Arc<QueryAnswerer>, Failure> {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, door)) = doors.iter().find(|(known, _)| known == view) {
            return Ok(Arc::clone(door));
        }
        let known = view.parse().map_err(|error: UnknownView| {
            Failure::from(Problem::fault(Fault::UnknownSubject, error.to_string()))
        })?;
        let found = Arc::new(match self.running(known)? {
            Some(door) => QueryAnswerer::Remote(door),
            None => QueryAnswerer::Folder(ReadDoor::open(&self.folder, &self.book)?),
        });
        doors.push((view.to_owned(), Arc::clone(&found)));
        Ok(found)
    }

    /// The process that keeps a read model; none if none does.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when someone should answer and does not.
    pub fn running(&self, view: ViewName) -> Result<Option<RemoteDoor>, Failure> {
        let own = self.folder.view_socket(view);
        if let Some(door) = RemoteDoor::connect_at(&own, &self.book, &self.actor)? {
            return Ok(Some(door));
        }
        match RemoteDoor::connect(&self.folder, &self.book, &self.actor)? {
            Some(door) if keeps(&door, view)? => Ok(Some(door)),
            Some(_) | None => Ok(None),
        }
    }
}

/// Whether a process keeps the read model; one that only takes commands does not.
fn keeps(door: &RemoteDoor, view: ViewName) -> Result<bool, Failure> {
    let endpoint = Endpoint::Query { view: view.to_string(), name: "status".to_owned() };
    match door.ask(endpoint, Headers::new(), Vec::new()) {
        Err(Failure::Problem(problem)) => Ok(problem.code != Fault::UnknownSubject.code()),
        Ok(_) => Ok(true),
        Err(other) => Err(other),
    }
}

impl Ask for QueryDoor {
    fn ask(&self, endpoint: Endpoint, headers: Headers, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let Endpoint::Query { view, .. } = &endpoint else {
            return Err(Failure::Internal("only queries are answered here".to_owned()));
        };
        match &*self.answerer(view)? {
            QueryAnswerer::Remote(door) => door.ask(endpoint, headers, body),
            QueryAnswerer::Folder(door) => door.ask(endpoint, headers, body),
        }
    }
}

/// Whatever answers: a running process, or this one.
#[derive(Debug)]
pub enum Door<'a> {
    /// Over NATS.
    Nats(Box<NatsRemote>),
    /// Over the socket.
    Remote(RemoteDoor),
    /// A book opened in this process to be written.
    Host(HostDoor<'a>),
    /// Read models, wherever they are kept.
    Query(QueryDoor),
}

impl Ask for Door<'_> {
    fn ask(&self, endpoint: Endpoint, headers: Headers, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Nats(door) => door.ask(endpoint, headers, body),
            Self::Remote(door) => door.ask(endpoint, headers, body),
            Self::Host(door) => door.ask(endpoint, headers, body),
            Self::Query(door) => door.ask(endpoint, headers, body),
        }
    }

    fn at_once(&self) -> usize {
        match self {
            Self::Nats(door) => door.at_once(),
            Self::Remote(_) | Self::Host(_) | Self::Query(_) => 1,
        }
    }

    fn ask_all(&self, requests: Vec<(Endpoint, Vec<u8>)>) -> Vec<Result<Vec<u8>, Failure>> {
        match self {
            Self::Nats(door) => door.ask_all(requests),
            Self::Remote(door) => door.ask_all(requests),
            Self::Host(door) => door.ask_all(requests),
            Self::Query(door) => door.ask_all(requests),
        }
    }
}

/// Lets `work` ask whoever can take commands for the book: over NATS if that is asked for, else
/// the running process, or else this one, which opens the book for as long as the work takes.
///
/// # Errors
/// What the work says, or why the book cannot be opened.
pub fn with_writer<T>(
    nats: Option<&Nats>,
    folder: &Folder,
    book: &BookName,
    actor: &Actor,
    work: impl FnOnce(&Door<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if let Some(nats) = nats {
        return work(&Door::Nats(Box::new(NatsRemote::connect(nats, book, actor)?)));
    }
    if let Some(door) = RemoteDoor::connect(folder, book, actor)? {
        return work(&Door::Remote(door));
    }
    let host = Host::new(folder.clone(), Role::gateway())?;
    host.open(book)?;
    let done = work(&Door::Host(host.door(book, actor)));
    host.close();
    done
}

/// Lets `work` ask the read models of the book.
///
/// # Errors
/// What the work says.
pub fn with_reader<T>(
    nats: Option<&Nats>,
    folder: &Folder,
    book: &BookName,
    actor: &Actor,
    work: impl FnOnce(&Door<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if let Some(nats) = nats {
        return work(&Door::Nats(Box::new(NatsRemote::connect(nats, book, actor)?)));
    }
    work(&Door::Query(QueryDoor::new(folder, book, actor)))
}
