//! Many requests outstanding on one connection, for importers and load.

use std::collections::HashMap;

use schemas::wire::{MAX_IN_FLIGHT, Message, Reply};

use crate::socket::{SocketClient, SocketError, pause_of};

/// How often a request is sent again that met *busy*.
const ATTEMPTS: u32 = 20;

/// A request with its reply.
#[derive(Debug)]
pub struct Answered<T> {
    /// What the caller gave with the request.
    pub tag: T,
    /// The reply; *busy* only after many attempts.
    pub reply: Reply,
}

#[derive(Debug)]
struct Outstanding<T> {
    tag: T,
    message: Message,
    attempts: u32,
}

/// Keeps a window of requests outstanding. Replies come in any order. A request that is refused
/// with a time to wait is sent again after it, unchanged.
#[derive(Debug)]
pub struct Pipeline<T> {
    client: SocketClient,
    window: usize,
    outstanding: HashMap<u64, Outstanding<T>>,
}

impl<T> Pipeline<T> {
    /// At most `window` requests outstanding on `client`, and no more than a server takes on one
    /// connection: beyond that, both sides could wait for the other to read.
    pub fn new(client: SocketClient, window: usize) -> Self {
        Self { client, window: window.clamp(1, MAX_IN_FLIGHT), outstanding: HashMap::new() }
    }

    /// How many requests are outstanding.
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Sends a request. If the window is full, first waits for a reply and gives it.
    ///
    /// # Errors
    /// As [`SocketClient::receive`].
    pub fn push(&mut self, tag: T, message: Message) -> Result<Option<Answered<T>>, SocketError> {
        let answered = if self.outstanding.len() < self.window { None } else { self.answer()? };
        self.send(Outstanding { tag, message, attempts: 0 })?;
        Ok(answered)
    }

    /// Waits for a reply; `None` when nothing is outstanding.
    ///
    /// # Errors
    /// As [`SocketClient::receive`].
    pub fn answer(&mut self) -> Result<Option<Answered<T>>, SocketError> {
        while !self.outstanding.is_empty() {
            let (id, reply) = self.client.receive()?;
            let Some(mut asked) = self.outstanding.remove(&id) else { continue };
            asked.attempts += 1;
            match pause_of(&reply, asked.attempts) {
                Some(pause) if asked.attempts < ATTEMPTS => {
                    std::thread::sleep(pause);
                    self.send(asked)?;
                }
                Some(_) | None => return Ok(Some(Answered { tag: asked.tag, reply })),
            }
        }
        Ok(None)
    }

    /// The connection, once nothing is outstanding any more.
    ///
    /// # Errors
    /// As [`SocketClient::receive`].
    pub fn finish(
        mut self,
        mut each: impl FnMut(Answered<T>),
    ) -> Result<SocketClient, SocketError> {
        while let Some(answered) = self.answer()? {
            each(answered);
        }
        Ok(self.client)
    }

    fn send(&mut self, asked: Outstanding<T>) -> Result<(), SocketError> {
        let id = self.client.send(&asked.message)?;
        self.outstanding.insert(id, asked);
        Ok(())
    }
}
