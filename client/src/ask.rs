//! A door, and why it gave no answer.

use std::io;

use nats_connection::NatsError;
use schemas::Problem;
use schemas::problem::Fault;
use schemas::wire::{Endpoint, Headers, Reply};
use serde_json::Value;

use crate::nats::Unanswered;
use crate::node::Node;
use crate::socket::SocketError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The ledger, or a door of it, said no.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// The socket gave none.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// NATS gave none.
    #[error(transparent)]
    Nats(#[from] Unanswered),
    /// NATS cannot be reached.
    #[error(transparent)]
    Connection(#[from] NatsError),
    /// The machine has no threads.
    #[error("no threads for the connection")]
    Threads(#[source] io::Error),
    /// What came is no JSON.
    #[error("the answer is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// What came does not have the form of the answer.
    #[error("the answer to {what} cannot be read")]
    Unreadable {
        /// What was asked.
        what: String,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
    /// What is to be sent has no JSON form.
    #[error("a command has no JSON form")]
    NoJsonForm(#[source] serde_json::Error),
    /// A batch has more answers than commands, or none.
    #[error("{sent} commands got {got} answers")]
    Miscounted {
        /// Commands that were sent.
        sent: usize,
        /// Answers that came.
        got: usize,
    },
    /// Part of a batch never got an answer, however often it was sent.
    #[error("a batch was never answered whole")]
    NeverWhole,
}

impl AskError {
    /// The problem, if the answer is one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::Socket(_)
            | Self::Nats(_)
            | Self::Connection(_)
            | Self::Threads(_)
            | Self::NotJson(_)
            | Self::Unreadable { .. }
            | Self::NoJsonForm(_)
            | Self::Miscounted { .. }
            | Self::NeverWhole => None,
        }
    }
}

impl From<Problem> for AskError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// Something that answers messages.
pub trait Ask {
    /// The answer's body.
    ///
    /// # Errors
    /// [`AskError::Problem`] when the answer is one; else what kept it from coming.
    fn ask(&self, endpoint: Endpoint, headers: Headers, body: Vec<u8>)
    -> Result<Vec<u8>, AskError>;

    /// How many requests gain from being asked at once; one where they are answered one by one.
    fn at_once(&self) -> usize {
        1
    }

    /// The answers' bodies, each in its place. The requests go in any order.
    fn ask_all(&self, requests: Vec<(Endpoint, Vec<u8>)>) -> Vec<Result<Vec<u8>, AskError>> {
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
        body: &Value,
    ) -> Result<Node, AskError> {
        let endpoint = Endpoint::Query { view: view.to_owned(), name: name.to_owned() };
        let answer = self.ask(endpoint, headers, body.to_string().into_bytes())?;
        Node::parse(&answer).map_err(AskError::NotJson)
    }
}

/// The body of a reply, or its problem.
///
/// # Errors
/// [`AskError::Problem`].
pub fn body_of(reply: Reply) -> Result<Vec<u8>, AskError> {
    if !reply.is_problem() {
        return Ok(reply.body);
    }
    let problem: Problem = serde_json::from_slice(&reply.body).unwrap_or_else(|error| {
        Problem::fault(Fault::Internal, format!("a failure without a readable problem: {error}"))
    });
    Err(problem.into())
}
