//! The one way in: NATS, running processes over their sockets, or the folder itself.

use client::nats::{Nats, NatsRemote};
use client::{Ask, AskError, SocketRemote};
use host::audit::audit;
use host::{Folder, Host, HostDoor, HostError, ReadDoor, Role};
use projections::{UnknownView, ViewName};
use schemas::Problem;
use schemas::problem::Fault;
use schemas::text::{Actor, BookName};
use schemas::wire::{Endpoint, Headers};

use crate::exit::Failure;

/// Whose book is asked, and where it is.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// NATS, if that is asked for.
    pub nats: Option<&'a Nats>,
    /// The data folder.
    pub folder: &'a Folder,
    /// The book.
    pub book: &'a BookName,
    /// Who asks.
    pub actor: &'a Actor,
}

/// Whatever answers: a running process, or this one.
#[derive(Debug)]
pub enum Door<'a> {
    /// Over NATS.
    Nats(Box<NatsRemote>),
    /// Over the socket.
    Remote(SocketRemote),
    /// A book opened in this process to be written.
    Host(HostDoor<'a>),
    /// A read model that no process keeps.
    Folder(ReadDoor),
}

impl Ask for Door<'_> {
    fn ask(
        &self,
        endpoint: Endpoint,
        headers: Headers,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, AskError> {
        match self {
            Self::Nats(door) => door.ask(endpoint, headers, body),
            Self::Remote(door) => door.ask(endpoint, headers, body),
            Self::Host(door) => door.ask(endpoint, headers, body),
            Self::Folder(door) => door.ask(endpoint, headers, body),
        }
    }

    fn at_once(&self) -> usize {
        match self {
            Self::Nats(door) => door.at_once(),
            Self::Remote(_) | Self::Host(_) | Self::Folder(_) => 1,
        }
    }

    fn ask_all(&self, requests: Vec<(Endpoint, Vec<u8>)>) -> Vec<Result<Vec<u8>, AskError>> {
        match self {
            Self::Nats(door) => door.ask_all(requests),
            Self::Remote(door) => door.ask_all(requests),
            Self::Host(door) => door.ask_all(requests),
            Self::Folder(door) => door.ask_all(requests),
        }
    }
}

impl Place<'_> {
    /// The book as it is served on NATS; none if NATS is not asked for.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when there is no server or it refuses the user;
    /// [`Failure::Usage`] for files and addresses that cannot be used.
    pub fn on_nats(&self) -> Result<Option<NatsRemote>, Failure> {
        let connect = |nats| NatsRemote::connect(nats, self.book, self.actor);
        Ok(self.nats.map(connect).transpose()?)
    }

    /// Whoever takes commands on this machine; none if nobody does.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when someone should answer and does not.
    pub fn running_writer(&self) -> Result<Option<SocketRemote>, Failure> {
        Ok(SocketRemote::connect(self.folder.socket(), self.book, self.actor)?)
    }

    /// The process on this machine that keeps a read model: one that keeps nothing else, or the
    /// one that takes commands; none if neither does.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when someone should answer and does not.
    pub fn running_reader(&self, view: ViewName) -> Result<Option<SocketRemote>, Failure> {
        let own = self.folder.view_socket(view);
        if let Some(door) = SocketRemote::connect(&own, self.book, self.actor)? {
            return Ok(Some(door));
        }
        match self.running_writer()? {
            Some(door) if keeps(&door, view)? => Ok(Some(door)),
            Some(_) | None => Ok(None),
        }
    }

    /// Lets `work` ask whoever can take commands for the book: over NATS if that is asked for,
    /// else the running process, or else this one, which opens the book for as long as the work
    /// takes.
    ///
    /// # Errors
    /// What the work says, or why the book cannot be opened.
    pub fn with_writer<T>(
        &self,
        work: impl FnOnce(&Door<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if let Some(door) = self.on_nats()? {
            return work(&Door::Nats(Box::new(door)));
        }
        if let Some(door) = self.running_writer()? {
            return work(&Door::Remote(door));
        }
        let host = Host::new(self.folder.clone(), Role::gateway())?;
        host.open(self.book)?;
        let done = work(&Door::Host(host.door(self.book, self.actor)));
        host.close();
        done
    }

    /// Lets `work` ask a read model of the book, wherever it is kept.
    ///
    /// # Errors
    /// What the work says; a problem for a read model that there is not.
    pub fn with_reader<T>(
        &self,
        view: &str,
        work: impl FnOnce(&Door<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if let Some(door) = self.on_nats()? {
            return work(&Door::Nats(Box::new(door)));
        }
        let view: ViewName = view.parse().map_err(|error: UnknownView| {
            Failure::from(Problem::fault(Fault::UnknownSubject, error.to_string()))
        })?;
        if let Some(door) = self.running_reader(view)? {
            return work(&Door::Remote(door));
        }
        let door = Door::Folder(ReadDoor::open(self.folder, self.book, view)?);
        work(&door).map_err(|failure| self.or_damage(failure))
    }

    /// The damage of the log, if that is why a read model of this process does not answer: it only
    /// says that it cannot.
    fn or_damage(&self, failure: Failure) -> Failure {
        if !matches!(failure.code(), 4 | 5) {
            return failure;
        }
        match audit(self.folder, self.book, true, &mut |_| {}) {
            Err(damaged @ HostError::Damaged(_)) => damaged.into(),
            Ok(_) | Err(_) => failure,
        }
    }
}

/// Whether a process keeps the read model; one that only takes commands does not.
fn keeps(door: &SocketRemote, view: ViewName) -> Result<bool, Failure> {
    let endpoint = Endpoint::Query { view: view.to_string(), name: "status".to_owned() };
    match door.ask(endpoint, Headers::new(), Vec::new()) {
        Err(AskError::Problem(problem)) => Ok(problem.code != Fault::UnknownSubject.code()),
        Ok(_) => Ok(true),
        Err(other) => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn damage_is_told_in_the_place_of_what_a_read_model_cannot_answer() {
        // given
        let scratch = tempfile::tempdir().expect("a folder");
        let (folder, book) = (Folder::at(scratch.path()), "main".parse().expect("a name"));
        let host = Host::new(folder.clone(), Role::gateway()).expect("threads");
        host.create(&book, None).expect("made");
        host.close();
        let actor = "ada".parse().expect("an actor");
        let place = Place { nats: None, folder: &folder, book: &book, actor: &actor };
        let code_after = |fault| place.or_damage(Problem::fault(fault, "why").into()).code();
        assert_eq!(code_after(Fault::Unavailable), 4);
        // when
        let log = fs::read_dir(folder.log(&book)).expect("a log").map(|entry| entry.expect("one"));
        let is_segment = |path: &std::path::PathBuf| path.to_string_lossy().contains("segment-");
        let segment = log.map(|entry| entry.path()).find(is_segment).expect("a segment");
        let mut bytes = fs::read(&segment).expect("read");
        bytes[512] ^= 1;
        fs::write(&segment, bytes).expect("written");
        // then
        assert_eq!(code_after(Fault::Unavailable), 3);
        assert_eq!(code_after(Fault::Internal), 3);
        assert_eq!(code_after(Fault::NotFound), 1, "that is an answer");
    }
}
