//! Asking over NATS: the way there, and whoever serves a book there.

mod ask;
mod context;
mod remote;

use std::time::Duration;

use nats_connection::{NatsClient, NatsError, NatsOptions, connect};
use schemas::subjects::SubjectPrefix;

pub use ask::{NatsAsk, Patience, Unanswered};
pub use context::{Context, ContextError};
pub use remote::NatsRemote;

/// A way to NATS.
#[derive(Debug, Clone)]
pub struct Nats {
    /// How the server is reached, and as whom.
    pub options: NatsOptions,
    /// What subjects begin with.
    pub prefix: SubjectPrefix,
    /// How long to ask again while there is no answer.
    pub patience: Duration,
}

impl Nats {
    /// A connection of a client: there is a server now, or none.
    ///
    /// # Errors
    /// [`NatsError`].
    pub async fn connect(&self) -> Result<NatsClient, NatsError> {
        connect(&self.options).await
    }
}
