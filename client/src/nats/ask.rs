//! Asking over NATS.
//!
//! *Correctness.* No answer within the time means that the outcome is unknown, *no responders*
//! that the request was not delivered. Both are asked again with the same message: its command id
//! makes that safe.

use std::time::{Duration, Instant};

use async_nats::client::RequestErrorKind;
use nats_connection::{NatsClient, headers};
use schemas::Problem;
use schemas::subjects::SubjectPrefix;
use schemas::wire::{Message, Reply};

/// The first pause before something is asked again that was not delivered.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long to keep asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long one answer may take.
    pub answer: Duration,
    /// How long to ask again while nobody serves the subject.
    pub nobody: Duration,
    /// How long to ask again while there is no answer, or the answer is to come back later.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(5),
            nobody: Duration::from_secs(3),
            whole: Duration::from_secs(30),
        }
    }
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// Nobody serves the subject: the request was not delivered.
    #[error(
        "nobody serves {subject}, the request was not delivered; check the book, and that its gateway or projector runs"
    )]
    NoResponders {
        /// The subject.
        subject: String,
    },
    /// No answer came in time: a command may be durable or not.
    #[error(
        "no answer to {subject} within {} ms, the outcome is unknown; send it again with the same id",
        waited.as_millis()
    )]
    TimedOut {
        /// The subject.
        subject: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The request is larger than the server carries. It was not sent.
    #[error("the request is larger than the server carries ({detail}); send it in parts")]
    TooLarge {
        /// What the library said.
        detail: String,
    },
    /// A header cannot stand in a line. The request was not sent.
    #[error("the header {name} has a line break in it; write it in one line")]
    Header {
        /// The header.
        name: String,
    },
    /// The connection is gone: a command may be durable or not.
    #[error("the connection to NATS failed ({detail}); send commands again with the same ids")]
    Connection {
        /// What the library said.
        detail: String,
    },
}

/// Asks on a connection. Cheap to clone; any number of requests may be outstanding.
#[derive(Debug, Clone)]
pub struct NatsAsk {
    client: NatsClient,
    prefix: SubjectPrefix,
    patience: Patience,
}

impl NatsAsk {
    /// Asks on this connection, for subjects that begin with `prefix`.
    pub fn new(client: NatsClient, prefix: SubjectPrefix, patience: Patience) -> Self {
        Self { client, prefix, patience }
    }

    /// Asks once. A problem is an answer.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn once(&self, message: &Message) -> Result<Reply, Unanswered> {
        let subject = self.prefix.outward(&message.subject);
        let headers = headers::outward(&message.headers);
        let request = async_nats::Request::new()
            .headers(headers.map_err(|name| Unanswered::Header { name })?)
            .payload(message.body.clone().into())
            .timeout(Some(self.patience.answer));
        match self.client.client().send_request(subject.clone(), request).await {
            Ok(answer) => Ok(Reply {
                headers: headers::of_answer(answer.headers.as_ref()),
                body: answer.payload.to_vec(),
            }),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => Unanswered::NoResponders { subject },
                RequestErrorKind::TimedOut => {
                    Unanswered::TimedOut { subject, waited: self.patience.answer }
                }
                RequestErrorKind::MaxPayloadExceeded => {
                    Unanswered::TooLarge { detail: error.to_string() }
                }
                RequestErrorKind::InvalidSubject | RequestErrorKind::Other => {
                    Unanswered::Connection { detail: error.to_string() }
                }
            }),
        }
    }

    /// Asks until there is an answer that does not ask to come back later, or patience is over.
    /// The message stays the same, command id and all.
    ///
    /// # Errors
    /// The last [`Unanswered`]. One that could be that of a command that was carried out all the
    /// same is never followed by a lesser one.
    pub async fn patiently(&self, message: &Message) -> Result<Reply, Unanswered> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut unknown = None;
        loop {
            let asked = self.once(message).await;
            let waited = began.elapsed();
            let wait = match &asked {
                Ok(reply) => later(reply).filter(|_| waited < self.patience.whole),
                Err(Unanswered::NoResponders { .. }) => {
                    Some(pause).filter(|_| waited < self.patience.nobody)
                }
                Err(Unanswered::TimedOut { .. }) => {
                    Some(Duration::ZERO).filter(|_| waited < self.patience.whole)
                }
                Err(
                    Unanswered::TooLarge { .. }
                    | Unanswered::Header { .. }
                    | Unanswered::Connection { .. },
                ) => None,
            };
            let Some(wait) = wait else {
                return match (asked, unknown) {
                    (Err(Unanswered::NoResponders { .. }), Some(unknown)) => Err(unknown),
                    (asked, _) => asked,
                };
            };
            if let Err(error @ Unanswered::TimedOut { .. }) = asked {
                unknown = Some(error);
            }
            tokio::time::sleep(wait.min(LONGEST_PAUSE)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// When an answer says to come back, if it does.
fn later(reply: &Reply) -> Option<Duration> {
    if !reply.is_problem() {
        return None;
    }
    let problem: Problem = serde_json::from_slice(&reply.body).ok()?;
    problem.retry_after_ms.map(Duration::from_millis)
}
