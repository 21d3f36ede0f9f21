//! Submitting commands, from any thread.
//!
//! *Limits.* The queue is bounded; when it is full the answer is *busy* at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Sender, TrySendError};
use ledger_core::Claims;
use schemas::ids::CustomerId;
use schemas::status::QueueStatus;
use schemas::text::BookName;
use tokio::sync::oneshot;
use uuid::Uuid;
use vault::{KeyRing, Vault};

use crate::admission::Admission;
use crate::archive::Archive;
use crate::completion::{BatchTicket, Completion, ReplyTo, Ticket};
use crate::copies::{CopyOf, CopyRequest, Excerpt};
use crate::engine::Offer;
use crate::engine::intake::Intake;
use crate::history::REPEATS;
use crate::measures::Measures;
use crate::outcome::{Outcome, Refusal};
use crate::progress::Progress;
use crate::queue::{BUSY_RETRY_MS, Places};
use crate::request::CommandRequest;
use crate::snapshot::{Shelf, SnapshotStatus};

/// Questions that are answered from copies at once. Two processors answer this many within a few
/// milliseconds; more would only wait for each other.
pub(crate) const ASKING: usize = 64;

/// Submits commands to one book. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GatewayHandle(pub(crate) Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) log: Uuid,
    pub(crate) book: BookName,
    pub(crate) intake: Sender<Intake>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) progress: Progress,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) measures: Measures,
    /// Repeated commands that wait for their first outcome.
    pub(crate) repeats: Arc<AtomicU64>,
    pub(crate) epoch: u64,
    /// Reads back what is only in the log.
    pub(crate) archive: Arc<Archive>,
    /// Questions that are being answered from copies.
    pub(crate) asking: Places,
    /// Seals what is personal; without, it stays as it comes.
    pub(crate) vault: Option<Arc<Vault>>,
}

impl GatewayHandle {
    /// The log's id.
    pub fn log(&self) -> Uuid {
        self.0.log
    }

    /// The book.
    pub fn book(&self) -> &BookName {
        &self.0.book
    }

    /// What is durable, how far billing runs are, and whether the engine stopped.
    pub fn progress(&self) -> &Progress {
        &self.0.progress
    }

    /// Snapshots and ids of old commands, and how the book was opened.
    pub fn snapshots(&self) -> SnapshotStatus {
        self.0.shelf.status()
    }

    /// What the engine measures of itself.
    pub fn measures(&self) -> &Measures {
        &self.0.measures
    }

    /// The log's epoch under this engine.
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// The queues between the doors and the engine, and between the engine and its history.
    pub fn queues(&self) -> Vec<QueueStatus> {
        let measures = &self.0.measures;
        vec![
            QueueStatus {
                name: "commands".to_owned(),
                depth: self.queued() as u64,
                capacity: self.0.intake.capacity().unwrap_or(0) as u64,
                refused: measures.was_busy(),
            },
            QueueStatus {
                name: "repeats".to_owned(),
                depth: self.0.repeats.load(Ordering::Relaxed),
                capacity: REPEATS as u64,
                refused: measures.repeats_refused(),
            },
            self.0.asking.status(),
        ]
    }

    /// How many commands wait undecided.
    pub fn queued(&self) -> usize {
        self.0.intake.len()
    }

    /// Submits a command; its outcome goes to `to` under `tag`. The cheapest way for one thread
    /// with many commands outstanding; see [`completions`](crate::completion::completions).
    ///
    /// # Errors
    /// [`Refusal::Busy`] or [`Refusal::Unavailable`] at once; `to` then hears nothing.
    pub fn submit_to(
        &self,
        request: CommandRequest,
        to: &Arc<dyn Completion>,
        tag: u64,
    ) -> Result<(), Refusal> {
        self.enqueue(request, ReplyTo::new(Arc::clone(to), tag))
    }

    /// Submits a command. The ticket is a future of its outcome and can be waited for.
    ///
    /// # Errors
    /// [`Refusal::Busy`] or [`Refusal::Unavailable`] at once.
    pub fn submit(&self, request: CommandRequest) -> Result<Ticket, Refusal> {
        let (ticket, reply_to) = Ticket::pair();
        self.enqueue(request, reply_to)?;
        Ok(ticket)
    }

    /// Submits a command and waits for its outcome. Not for async code.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn submit_blocking(&self, request: CommandRequest) -> Outcome {
        self.submit(request)?.wait()
    }

    /// Submits several commands, in their order. Once the queue is full the rest is *busy*, so
    /// that none overtakes another.
    pub fn submit_batch(&self, requests: Vec<CommandRequest>) -> BatchTicket {
        let (ticket, gather) = BatchTicket::of(requests.len());
        let mut refused = None;
        for (tag, request) in (0..).zip(requests) {
            if refused.is_none() {
                refused = self.submit_to(request, &gather, tag).err();
            }
            if let Some(refusal) = &refused {
                gather.complete(tag, Err(refusal.clone()));
            }
        }
        ticket
    }

    /// Asks for a copy of a customer with the book, or of the book alone, on which a command with
    /// these claims is decided as here. It shows nothing that is not durable.
    ///
    /// # Errors
    /// [`Refusal::Busy`] or [`Refusal::Unavailable`] at once; awaiting it fails when the engine
    /// stops.
    pub fn excerpt(
        &self,
        customer: Option<CustomerId>,
        claims: Claims,
    ) -> Result<oneshot::Receiver<Excerpt>, Refusal> {
        self.copy_of(CopyOf::Customer(customer, claims))
    }

    /// Asks for a copy of the book and of customers that have a plan, as [`Self::excerpt`] does.
    ///
    /// # Errors
    /// As [`Self::excerpt`].
    pub(crate) fn copy_of(&self, of: CopyOf) -> Result<oneshot::Receiver<Excerpt>, Refusal> {
        let (to, excerpt) = oneshot::channel();
        self.put(Intake::Copy(CopyRequest { of, to }))?;
        Ok(excerpt)
    }

    /// The places of questions that are answered from copies.
    pub(crate) fn asking(&self) -> &Places {
        &self.0.asking
    }

    /// The command as the engine may see it: with its personal texts sealed.
    ///
    /// # Errors
    /// [`Refusal::Internal`] when a key cannot be read or made.
    pub(crate) fn sealed(&self, mut request: CommandRequest) -> Result<CommandRequest, Refusal> {
        let Some(vault) = &self.0.vault else { return Ok(request) };
        match request.seal(vault) {
            Ok(()) => Ok(request),
            Err(error) => {
                tracing::error!(command_id = %request.command_id, %error, "a command is refused");
                Err(Refusal::Internal)
            }
        }
    }

    /// Opens what is sealed, if the book has keys.
    pub fn ring(&self) -> Option<Arc<KeyRing>> {
        self.0.vault.as_ref().map(|vault| vault.ring())
    }

    fn enqueue(&self, request: CommandRequest, waiter: ReplyTo) -> Result<(), Refusal> {
        let request = match self.sealed(request) {
            Ok(request) => request,
            Err(refusal) => {
                waiter.disarm();
                return Err(refusal);
            }
        };
        self.put(Intake::Command(Box::new(Offer { request, waiter })))
    }

    fn put(&self, intake: Intake) -> Result<(), Refusal> {
        let Some(_entering) = self.0.admission.enter() else {
            disarm(intake);
            return Err(Refusal::Unavailable);
        };
        match self.0.intake.try_send(intake) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(intake)) => {
                disarm(intake);
                self.0.measures.busy();
                Err(Refusal::Busy { retry_after_ms: BUSY_RETRY_MS })
            }
            Err(TrySendError::Disconnected(intake)) => {
                disarm(intake);
                Err(Refusal::Unavailable)
            }
        }
    }
}

fn disarm(intake: Intake) {
    match intake {
        Intake::Command(offer) => offer.waiter.disarm(),
        Intake::Copy(_) | Intake::Stop => {}
    }
}
