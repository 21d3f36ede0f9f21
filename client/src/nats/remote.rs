//! Asking over NATS, from a thread that may block.

use std::time::Duration;

use futures_util::future::join_all;
use schemas::text::{Actor, BookName};
use schemas::wire::{Endpoint, Headers, Message, Reply, Subject};
use tokio::runtime::Runtime;

use super::{Nats, NatsAsk, Patience, Unanswered};
use crate::ask::{Ask, AskError, body_of};

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// The same where a request may ask to wait: for something new in the feed, for a run to be done.
const LONG_ANSWER: Duration = Duration::from_secs(40);
/// How long to wait for somebody who serves the subject, as when a process is started again.
const NOBODY: Duration = Duration::from_secs(3);

/// Batches of an import that are under way at once: some are written and read while one is
/// decided.
const AT_ONCE: usize = 4;

/// A book that is served on NATS, asked over one connection.
#[derive(Debug)]
pub struct NatsRemote {
    // Declared before the runtime that carries its connection.
    quick: NatsAsk,
    long: NatsAsk,
    book: BookName,
    actor: Actor,
    runtime: Runtime,
}

impl NatsRemote {
    /// Connects.
    ///
    /// # Errors
    /// [`AskError::Connection`] when there is no server, it refuses the user, or a file or an
    /// address cannot be used.
    pub fn connect(nats: &Nats, book: &BookName, actor: &Actor) -> Result<Self, AskError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .thread_name("nats")
            .build()
            .map_err(AskError::Threads)?;
        let client = runtime.block_on(nats.connect())?;
        let whole = nats.patience;
        let ask = |answer: Duration| {
            let patience = Patience { answer, nobody: NOBODY.min(whole), whole };
            NatsAsk::new(client.clone(), nats.prefix.clone(), patience)
        };
        Ok(Self {
            quick: ask(ANSWER.min(whole)),
            long: ask(LONG_ANSWER),
            book: book.clone(),
            actor: actor.clone(),
            runtime,
        })
    }

    fn message(&self, endpoint: Endpoint, headers: Headers, body: Vec<u8>) -> (Message, &NatsAsk) {
        let ask = match &endpoint {
            Endpoint::Command(_) | Endpoint::Batch | Endpoint::Query { .. } | Endpoint::Schema => {
                &self.quick
            }
            Endpoint::Feed | Endpoint::Admin(_) => &self.long,
        };
        let subject = Subject { book: self.book.clone(), actor: self.actor.clone(), endpoint };
        (Message { subject: subject.to_string(), headers, body }, ask)
    }
}

impl Ask for NatsRemote {
    fn ask(
        &self,
        endpoint: Endpoint,
        headers: Headers,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, AskError> {
        let (message, ask) = self.message(endpoint, headers, body);
        let reply = self.runtime.block_on(ask.patiently(&message));
        body_of(reply?)
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn ask_all(&self, requests: Vec<(Endpoint, Vec<u8>)>) -> Vec<Result<Vec<u8>, AskError>> {
        let asked = requests.into_iter().map(|(endpoint, body)| {
            let (message, ask) = self.message(endpoint, Headers::new(), body);
            async move { ask.patiently(&message).await }
        });
        let replies = self.runtime.block_on(join_all(asked));
        let body = |reply: Result<Reply, Unanswered>| body_of(reply?);
        replies.into_iter().map(body).collect()
    }
}
