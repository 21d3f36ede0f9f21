//! The one way in: NATS, a running `billfold up` over its socket, or the folder itself.

use std::io;
use std::sync::{Mutex, PoisonError};

use command_gateway::door::{Client, ClientError};
use schemas::Problem;
use schemas::problem::Fault;
use schemas::text::{Actor, BookName};
use schemas::wire::{Endpoint, Headers, Message, Reply, Subject};

use crate::exit::Failure;
use crate::folder::Folder;
use crate::host::{Host, HostDoor, ReadDoor, chain};
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

/// A running `billfold up`, asked over its socket.
#[derive(Debug)]
pub struct RemoteDoor {
    client: Mutex<Client>,
    book: BookName,
    actor: Actor,
}

impl RemoteDoor {
    /// Connects; none if nobody listens.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when someone should listen and does not answer.
    pub fn connect(
        folder: &Folder,
        book: &BookName,
        actor: &Actor,
    ) -> Result<Option<Self>, Failure> {
        match Client::connect(folder.socket()) {
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

/// Whatever answers: the running process, or this one.
#[derive(Debug)]
pub enum Door<'a> {
    /// Over NATS.
    Nats(Box<NatsRemote>),
    /// Over the socket.
    Remote(RemoteDoor),
    /// A book opened in this process to be written.
    Host(HostDoor<'a>),
    /// The read models of a book, beside its log.
    Read(ReadDoor),
}

impl Ask for Door<'_> {
    fn ask(&self, endpoint: Endpoint, headers: Headers, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Nats(door) => door.ask(endpoint, headers, body),
            Self::Remote(door) => door.ask(endpoint, headers, body),
            Self::Host(door) => door.ask(endpoint, headers, body),
            Self::Read(door) => door.ask(endpoint, headers, body),
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
    let mut host = Host::new(folder.clone())?;
    host.open(book, false)?;
    let done = work(&Door::Host(host.door(book, actor)));
    host.close();
    done
}

/// Lets `work` ask the read models of the book.
///
/// # Errors
/// As [`with_writer`].
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
    match RemoteDoor::connect(folder, book, actor)? {
        Some(door) => work(&Door::Remote(door)),
        None => work(&Door::Read(ReadDoor::open(folder, book)?)),
    }
}
