//! What answers messages, whoever carries them.

use std::future::Future;
use std::pin::Pin;

use schemas::problem::Fault;
use schemas::wire::{Message, Reply, Subject};
use schemas::{Problem, wire};

use crate::panics::off_thread;

/// An answer under way.
pub type ReplyFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Answers messages of some endpoints: a read model's queries, the schemas, the feed.
pub trait Service: Send + Sync {
    /// Answers one message. A failure is a reply too.
    fn call(&self, subject: Subject, message: Message) -> ReplyFuture;
}

/// A service that reads disks or reckons: each call runs on a thread where that may take long.
pub struct Blocking<F>(std::sync::Arc<F>);

impl<F> Blocking<F>
where
    F: Fn(&Subject, &Message) -> Result<Reply, Problem> + Send + Sync + 'static,
{
    /// Answers with `answer`.
    pub fn new(answer: F) -> Self {
        Self(std::sync::Arc::new(answer))
    }
}

impl<F> Service for Blocking<F>
where
    F: Fn(&Subject, &Message) -> Result<Reply, Problem> + Send + Sync + 'static,
{
    fn call(&self, subject: Subject, message: Message) -> ReplyFuture {
        let answer = std::sync::Arc::clone(&self.0);
        Box::pin(async move {
            let answered = off_thread("the answer", move || answer(&subject, &message));
            match answered.await.flatten() {
                Ok(reply) => within_limit(reply),
                Err(problem) => Reply::problem(&problem),
            }
        })
    }
}

impl<F> std::fmt::Debug for Blocking<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Blocking")
    }
}

/// An answer that no door can carry becomes a problem that says so.
pub(crate) fn within_limit(reply: Reply) -> Reply {
    if reply.body.len() <= wire::MAX_BODY_BYTES {
        return reply;
    }
    let (bytes, limit) = (reply.body.len(), wire::MAX_BODY_BYTES);
    let detail = format!("the answer has {bytes} bytes, more than {limit}; ask for less at once");
    Reply::problem(&Problem::fault(Fault::TooLarge, detail))
}
