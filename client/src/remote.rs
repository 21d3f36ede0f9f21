//! A running process, asked over its socket.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use schemas::text::{Actor, BookName};
use schemas::wire::{Endpoint, Headers, Message, Subject};

use crate::ask::{Ask, AskError, body_of};
use crate::socket::{SocketClient, SocketError};

/// A running process, asked over its socket.
#[derive(Debug)]
pub struct SocketRemote {
    client: Mutex<SocketClient>,
    book: BookName,
    actor: Actor,
}

impl SocketRemote {
    /// Connects to the socket at `path`; none if nobody listens.
    ///
    /// # Errors
    /// [`SocketError`] when someone should listen and does not answer.
    pub fn connect(
        path: &Path,
        book: &BookName,
        actor: &Actor,
    ) -> Result<Option<Self>, SocketError> {
        match SocketClient::connect(path) {
            Ok(client) => {
                let client = Mutex::new(client);
                Ok(Some(Self { client, book: book.clone(), actor: actor.clone() }))
            }
            Err(SocketError::NoServer { source, .. }) if is_nobody(&source) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// No socket, or one that a dead process left.
fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

impl Ask for SocketRemote {
    fn ask(
        &self,
        endpoint: Endpoint,
        headers: Headers,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, AskError> {
        let subject = Subject { book: self.book.clone(), actor: self.actor.clone(), endpoint };
        let message = Message { subject: subject.to_string(), headers, body };
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        body_of(client.call_patiently(&message)?)
    }
}
