//! A process that serves, on NATS: a service for each of its books and roles.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use client::nats::Nats;
use command_gateway::door::nats::{NatsDoor, NatsLimits, Serving};
use futures_util::future::{join_all, pending};
use nats_connection::{NatsClient, connect};
use schemas::text::BookName;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::block_in_place;

use crate::books::Host;
use crate::error::ProcessError;

/// How long the first subscriptions may take before the process says that it is ready anyway:
/// a NATS server that is not there yet is waited for in the background.
const READY_TIME: Duration = Duration::from_secs(2);
/// How often a book is looked for that is open and not on NATS yet.
const LOOK: Duration = Duration::from_millis(200);

/// The services of a process.
///
/// The connection and its readers have a thread of their own, and requests are answered on the
/// threads of the host: whoever is refused hears it at once, however busy those are.
#[derive(Debug)]
pub(crate) struct OnNats<'a> {
    reading: Option<Runtime>,
    nats: &'a Nats,
    client: NatsClient,
    books: BTreeSet<BookName>,
    serving: Vec<Serving>,
}

impl<'a> OnNats<'a> {
    /// Offers every open book.
    ///
    /// # Errors
    /// [`ProcessError`]: NATS cannot be used, or a service cannot be started.
    pub(crate) async fn start(
        host: &Host,
        nats: &'a Nats,
        say: &(dyn Fn(&str) + Sync),
    ) -> Result<Self, ProcessError> {
        let role = if host.role().gateway { "billfold gateway" } else { "billfold projector" };
        let reading = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .thread_name("nats")
            .build()
            .map_err(ProcessError::NatsThread)?;
        let mut options = nats.options.clone();
        role.clone_into(&mut options.name);
        options.waits_for_server = true;
        let client = block_in_place(|| reading.block_on(connect(&options)))?;
        host.reports().on_nats(client.health());
        let (books, serving) = (BTreeSet::new(), Vec::new());
        let mut on_nats = Self { reading: Some(reading), nats, client, books, serving };
        on_nats.add_new(host)?;
        for serving in &on_nats.serving {
            if !serving.is_ready_within(READY_TIME).await {
                let servers = nats.options.servers_text();
                say(&format!("NATS at {servers} is not there yet; waiting for it"));
                break;
            }
        }
        Ok(on_nats)
    }

    fn add_new(&mut self, host: &Host) -> Result<(), ProcessError> {
        let Some(reading) = &self.reading else { return Ok(()) };
        for (book, _) in host.positions() {
            if self.books.contains(&book) {
                continue;
            }
            let prefix = self.nats.prefix.clone();
            let door = NatsDoor::new(self.client.clone(), prefix, NatsLimits::default())
                .with_workers(Handle::current());
            let start = door.start(Arc::clone(host.router()), host.services(&book));
            let serving = block_in_place(|| reading.block_on(start));
            self.serving.push(serving?);
            self.books.insert(book);
        }
        Ok(())
    }

    /// Offers books that are opened later. Resolves only if that fails.
    pub(crate) async fn keep_up(on_nats: &mut Option<Self>, host: &Host) -> ProcessError {
        let Some(on_nats) = on_nats else { return pending().await };
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(failure) = on_nats.add_new(host) {
                return failure;
            }
        }
    }

    /// Stops without losing an answer.
    pub(crate) async fn close(mut self) {
        join_all(std::mem::take(&mut self.serving).into_iter().map(Serving::close)).await;
    }
}

impl Drop for OnNats<'_> {
    fn drop(&mut self) {
        // This may happen on a thread of another runtime, which must not wait.
        if let Some(reading) = self.reading.take() {
            reading.shutdown_background();
        }
    }
}
