//! One connection: requests in, replies out, each at its own pace.
//!
//! *Limits.* A connection has so many requests under way, and so has the server; over either the
//! answer is *busy*. A request counts for its connection until its reply is written, and for the
//! server until it is answered, so a client that does not read holds up nobody but itself. A
//! client that takes no byte for [`WRITE_TIME`] is cut off.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use schemas::Problem;
use schemas::problem::Fault;
use schemas::wire::{Frame, MAX_FRAME_BYTES, Message, Reply};
use tokio::io::{AsyncWrite, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::timeout;

use super::frames::{self, Incoming, NO_ID};
use crate::queue::{BUSY_RETRY_MS, Places};
use crate::router::Router;

/// How long a client may take no byte of a reply.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// Replies that wait to be written.
const REPLIES: usize = 64;

/// A reply on its way out, with its place in the connection's limit.
struct Outgoing {
    id: u64,
    reply: Reply,
    _place: Option<OwnedSemaphorePermit>,
}

/// What one connection works with.
pub(super) struct Connection {
    pub(super) router: Arc<Router>,
    pub(super) in_flight: Arc<Semaphore>,
    pub(super) server_in_flight: Places,
    pub(super) closing: watch::Receiver<bool>,
}

impl Connection {
    /// Serves until the client is done, or the server is.
    pub(super) async fn serve(mut self, stream: UnixStream) {
        let (reader, writer) = stream.into_split();
        let (replies, outgoing) = mpsc::channel(REPLIES);
        let mut writing = tokio::spawn(write_all(writer, outgoing));
        let mut reader = BufReader::with_capacity(64 * 1024, reader);
        loop {
            let incoming = tokio::select! {
                incoming = frames::next(&mut reader) => incoming,
                _ = self.closing.wait_for(|closing| *closing) => break,
                _ = &mut writing => return,
            };
            match incoming {
                Ok(incoming) => {
                    if !self.take(incoming, &replies).await {
                        break;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection failed");
                    break;
                }
            }
        }
        // Requests under way are still answered; the writer ends with the last of them.
        drop(replies);
        if let Ok(Err(error)) = writing.await {
            tracing::debug!(%error, "a connection failed");
        }
    }

    /// Takes one frame; whether another may follow.
    async fn take(&self, incoming: Incoming, replies: &mpsc::Sender<Outgoing>) -> bool {
        let (id, problem, goes_on) = match incoming {
            Incoming::Frame(Frame { id, subject: Some(subject), headers, body }) => {
                match self.start(id, Message { subject, headers, body }, replies) {
                    Ok(()) => return true,
                    Err(problem) => (id, problem, true),
                }
            }
            Incoming::Frame(Frame { id, subject: None, .. }) => {
                let detail = "the frame has no subject; requests have one";
                (id, Problem::fault(Fault::Malformed, detail), true)
            }
            Incoming::NoFrame { id, why } => {
                (id, Problem::fault(Fault::Malformed, format!("{why}; send whole frames")), true)
            }
            Incoming::TooLong { id, bytes } => {
                let detail = format!(
                    "the frame has {bytes} bytes, more than {MAX_FRAME_BYTES}; send it in parts"
                );
                (id, Problem::fault(Fault::TooLarge, detail), true)
            }
            Incoming::Lost { why } => {
                let detail = format!("{why}; connect again");
                (NO_ID, Problem::fault(Fault::Malformed, detail), false)
            }
            Incoming::End => return false,
        };
        let outgoing = Outgoing { id, reply: Reply::problem(&problem), _place: None };
        replies.send(outgoing).await.is_ok() && goes_on
    }

    /// Starts to answer a request, if there is room.
    fn start(
        &self,
        id: u64,
        message: Message,
        replies: &mpsc::Sender<Outgoing>,
    ) -> Result<(), Problem> {
        let busy = |what: &str| {
            let detail = format!("{what} has as many requests under way as it takes");
            Problem::fault(Fault::Busy, detail).retry_after(BUSY_RETRY_MS)
        };
        let place = Arc::clone(&self.in_flight).try_acquire_owned();
        let place = place.map_err(|_| busy("this connection"))?;
        let server_place = self.server_in_flight.enter()?;
        let (router, replies) = (Arc::clone(&self.router), replies.clone());
        tokio::spawn(async move {
            let reply = router.handle(message).await;
            drop(server_place);
            // A connection that is gone needs no reply.
            let _gone = replies.send(Outgoing { id, reply, _place: Some(place) }).await;
        });
        Ok(())
    }
}

/// Writes replies as they come, and flushes when none waits.
async fn write_all(
    stream: impl AsyncWrite + Unpin,
    mut outgoing: mpsc::Receiver<Outgoing>,
) -> io::Result<()> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the client takes no reply");
    let mut stream = BufWriter::with_capacity(64 * 1024, stream);
    while let Some(Outgoing { id, reply, _place }) = outgoing.recv().await {
        let frame = Frame { id, subject: None, headers: reply.headers, body: reply.body };
        let bytes = frame.with_length();
        timeout(WRITE_TIME, stream.write_all(&bytes)).await.map_err(|_| late())??;
        if outgoing.is_empty() {
            timeout(WRITE_TIME, stream.flush()).await.map_err(|_| late())??;
        }
    }
    stream.shutdown().await
}
