//! Making the connection.

use std::sync::Arc;

use async_nats::Client;

use crate::errors::NatsError;
use crate::health::NatsHealth;
use crate::options::NatsOptions;

/// A connection to NATS, with its counters. Cheap to clone.
#[derive(Debug, Clone)]
pub struct NatsClient {
    client: Client,
    health: Arc<NatsHealth>,
}

impl NatsClient {
    /// The library's client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How the connection has been.
    pub fn health(&self) -> &Arc<NatsHealth> {
        &self.health
    }
}

/// Connects. Must be called inside a tokio runtime, which then carries the connection.
///
/// Who waits for the server ([`NatsOptions::waits_for_server`]) gets a connection that is made in
/// the background if no server can be reached now. A wrong file, a refused user and a failed
/// encryption are errors at once all the same: waiting would not help. A connection that was
/// made once is made again for ever.
///
/// # Errors
/// [`NatsError`].
pub async fn connect(options: &NatsOptions) -> Result<NatsClient, NatsError> {
    let addresses = options.addresses()?;
    let (servers, who) = (options.servers_text(), options.who());
    let health = Arc::new(NatsHealth::default());
    let library = || -> Result<_, NatsError> {
        let health = Arc::clone(&health);
        Ok(options.library_options()?.event_callback(move |event| {
            health.take(&event);
            async {}
        }))
    };
    let failed = |error| NatsError::of(&error, &servers, &who);
    let client = match library()?.connect(addresses.clone()).await.map_err(failed) {
        Err(error) if error.may_pass() && options.waits_for_server => {
            tracing::warn!(%error, "NATS cannot be reached yet; trying again");
            let patient = library()?.retry_on_initial_connect();
            patient.connect(addresses).await.map_err(failed)?
        }
        connected => connected?,
    };
    Ok(NatsClient { client, health })
}
