//! One connection that keeps many requests on their way.
//!
//! Requests are published with a reply subject that ends in their number, and one subscription
//! hears all replies: no task and no subscription for each request, so that the load takes
//! little of the machine that it measures.

use async_nats::{Client, HeaderMap, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use schemas::wire::header;

use crate::error::WorkError;

/// A connection.
#[derive(Debug)]
pub(super) struct Wire {
    client: Client,
    replies: Subscriber,
    inbox: String,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Heard {
    /// The number that the request was sent under.
    pub(super) tag: u64,
    /// The status of a failure.
    pub(super) failed: Option<u16>,
    /// JSON.
    pub(super) body: Bytes,
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// [`WorkError::Unreachable`].
    pub(super) async fn connect(url: &str) -> Result<Self, WorkError> {
        let client = async_nats::connect(url).await.map_err(|error| unreachable(&error))?;
        let inbox = client.new_inbox();
        let replies =
            client.subscribe(format!("{inbox}.*")).await.map_err(|error| unreachable(&error))?;
        Ok(Self { client, replies, inbox })
    }

    /// Sends a request under a number; under a command's id, if it is one.
    ///
    /// # Errors
    /// [`WorkError::Unreachable`].
    pub(super) async fn send(
        &self,
        tag: u64,
        subject: String,
        id: Option<String>,
        body: Vec<u8>,
    ) -> Result<(), WorkError> {
        let reply = format!("{}.{tag}", self.inbox);
        let sent = match id {
            None => self.client.publish_with_reply(subject, reply, body.into()).await,
            Some(id) => {
                let mut headers = HeaderMap::new();
                headers.insert(header::COMMAND_ID, id.as_str());
                let body = body.into();
                self.client.publish_with_reply_and_headers(subject, reply, headers, body).await
            }
        };
        sent.map_err(|error| unreachable(&error))
    }

    /// The next reply.
    ///
    /// # Errors
    /// [`WorkError::Unreachable`] when the connection has ended.
    pub(super) async fn next(&mut self) -> Result<Heard, WorkError> {
        let message = self.replies.next().await;
        message.and_then(heard).ok_or_else(|| unreachable(&"the connection ended"))
    }

    /// A reply that is there already.
    pub(super) fn try_next(&mut self) -> Option<Heard> {
        self.replies.next().now_or_never().flatten().and_then(heard)
    }
}

fn heard(message: async_nats::Message) -> Option<Heard> {
    let tag = message.subject.rsplit('.').next()?.parse().ok()?;
    let status = message.headers.as_ref().and_then(|headers| {
        headers.get(header::SERVICE_ERROR_CODE).and_then(|code| code.as_str().parse().ok())
    });
    // Nobody serves the subject: the server says so without a body.
    let failed = status.or(message.status.map(|status| status.as_u16()));
    Some(Heard { tag, failed, body: message.payload })
}

fn unreachable(error: &impl std::fmt::Display) -> WorkError {
    WorkError::Unreachable(format!("the NATS server of the bench: {error}"))
}
