//! Serving: the endpoints of every service, until the process closes.
//!
//! *Correctness.* The library forgets a subscription the moment it is told to unsubscribe, and
//! with it every request that the server sent before it heard of that. So a door that closes does
//! not begin by unsubscribing. First it turns new requests away with *unavailable*, which says
//! that nothing was done, until those under way are answered. Then it holds new requests, so that
//! those who wait for an answer send no more, until none arrives; then it unsubscribes, and turns
//! away what it held. For the same reason the library's own drain is not used; besides, it closes
//! the connection before the last answers are out.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::service::{Service, ServiceExt as _};
use nats_connection::NatsClient;
use schemas::status::QueueStatus;
use schemas::subjects::SubjectPrefix;
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::counts::Counts;
use super::lane::{Lane, Prepared, Shared};
use super::spec::ServiceSpec;
use crate::router::Router;

/// How long requests under way may take once the door closes.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// No request for so long means that nobody sends any more.
const QUIET: Duration = Duration::from_millis(20);
/// How long to wait for that.
const QUIET_TIME: Duration = Duration::from_millis(400);
/// How long the last answers may take to be written.
const FLUSH_TIME: Duration = Duration::from_secs(2);

/// A service could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the service {service} cannot be started: {why}")]
pub struct ServeError {
    /// Which.
    pub service: String,
    /// What failed.
    pub why: String,
}

/// How much a service takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NatsLimits {
    /// Requests under way in one gateway's service: at ten thousand a second, a tenth of a
    /// second's work. The engine's own queue is behind this, for batches.
    pub gateway_in_flight: usize,
    /// Requests under way in one projector's service; each takes a thread while it is answered.
    pub projector_in_flight: usize,
}

impl Default for NatsLimits {
    fn default() -> Self {
        Self { gateway_in_flight: 1_024, projector_in_flight: 256 }
    }
}

/// Serves books on a connection.
#[derive(Debug)]
pub struct NatsDoor {
    client: NatsClient,
    prefix: SubjectPrefix,
    limits: NatsLimits,
    workers: Option<Handle>,
}

impl NatsDoor {
    /// A door on this connection, for subjects that begin with `prefix`.
    pub fn new(client: NatsClient, prefix: SubjectPrefix, limits: NatsLimits) -> Self {
        Self { client, prefix, limits, workers: None }
    }

    /// The same, with requests answered on the threads of another runtime. Reading then goes on,
    /// and *busy* is said at once, however much those threads have to do.
    #[must_use]
    pub fn with_workers(mut self, workers: Handle) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Serves until `closing` says so, then as [`Serving::close`].
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn serve(
        self,
        router: Arc<Router>,
        services: Vec<ServiceSpec>,
        mut closing: watch::Receiver<bool>,
    ) -> Result<(), ServeError> {
        let serving = self.start(router, services).await?;
        // A sender that is gone closes too.
        let _closed = closing.wait_for(|closing| *closing).await;
        serving.close().await;
        Ok(())
    }

    /// Starts to serve. Requests are taken as soon as the connection is up.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn start(
        self,
        router: Arc<Router>,
        services: Vec<ServiceSpec>,
    ) -> Result<Serving, ServeError> {
        let (stop, stopped) = watch::channel(false);
        let mut serving = Serving {
            client: self.client.clone(),
            services: Vec::new(),
            lanes: JoinSet::new(),
            stop,
        };
        for spec in services {
            let name = spec.role.service();
            let started = self.start_one(&router, spec, &mut serving.lanes, &stopped).await;
            serving.services.push(started.map_err(|error| ServeError {
                service: name.to_owned(),
                why: error.to_string(),
            })?);
        }
        Ok(serving)
    }

    async fn start_one(
        &self,
        router: &Arc<Router>,
        spec: ServiceSpec,
        lanes: &mut JoinSet<()>,
        stopped: &watch::Receiver<bool>,
    ) -> Result<Started, async_nats::Error> {
        let limit = match spec.role {
            schemas::subjects::Role::Gateway => self.limits.gateway_in_flight,
            schemas::subjects::Role::Projector(_) => self.limits.projector_in_flight,
        };
        let shared = Arc::new(Shared {
            router: Arc::clone(router),
            workers: self.workers.clone().unwrap_or_else(Handle::current),
            prefix: self.prefix.clone(),
            in_flight: Arc::new(Semaphore::new(limit)),
            busy: Prepared::busy(limit),
            closing: Prepared::closing(),
            is_closing: AtomicBool::new(false),
            is_holding: AtomicBool::new(false),
            held: Mutex::default(),
            refused: AtomicU64::new(0),
            arrived: AtomicU64::new(0),
        });
        let name = match spec.role {
            schemas::subjects::Role::Gateway => format!("nats {}", spec.book),
            schemas::subjects::Role::Projector(view) => format!("nats {} {view}", spec.book),
        };
        let gauge = Arc::clone(&shared);
        router.watch_queue(move || QueueStatus {
            name: name.clone(),
            depth: limit.saturating_sub(gauge.in_flight.available_permits()) as u64,
            capacity: limit as u64,
            refused: gauge.refused.load(Ordering::Relaxed),
        });
        let counts: Vec<(String, Arc<Counts>)> =
            spec.endpoints.iter().map(|one| (one.name.clone(), Arc::default())).collect();
        let service = self
            .client
            .client()
            .service_builder()
            .description(spec.description())
            .metadata(spec.metadata.clone())
            .queue_group(spec.role.queue_group())
            .stats_handler(data_of(&spec, counts.clone(), &shared, (limit, &self.client)))
            .start(spec.role.service(), env!("CARGO_PKG_VERSION"))
            .await?;
        for (registered, (name, counts)) in spec.endpoints.iter().zip(counts) {
            let metadata = [("summary".to_owned(), registered.summary.to_owned())];
            let endpoint = service
                .endpoint_builder()
                .name(name)
                .metadata(metadata.into())
                .queue_group(registered.queue_group())
                .add(registered.served_on(self.prefix.as_str(), &spec.book))
                .await?;
            let lane = Lane { endpoint, counts, shared: Arc::clone(&shared) };
            lanes.spawn(lane.run(stopped.clone()));
        }
        Ok(Started { service, shared, limit })
    }
}

/// The `data` of an endpoint in STATS.
fn data_of(
    spec: &ServiceSpec,
    counts: Vec<(String, Arc<Counts>)>,
    shared: &Arc<Shared>,
    (limit, client): (usize, &NatsClient),
) -> impl FnMut(String, async_nats::service::endpoint::Stats) -> Value + Send + Sync + 'static {
    let health = Arc::clone(client.health());
    let (facts, in_flight) = (Arc::clone(&spec.facts), Arc::clone(&shared.in_flight));
    move |name, _| {
        let mut data = match counts.iter().find(|(known, _)| *known == name) {
            Some((_, counts)) => counts.report(),
            None => Value::Object(Map::new()),
        };
        data["in_flight"] = json!(limit.saturating_sub(in_flight.available_permits()));
        data["in_flight_limit"] = json!(limit);
        data["connection"] = json!(health.report());
        data["service"] = facts();
        data
    }
}

#[derive(Debug)]
struct Started {
    service: Service,
    shared: Arc<Shared>,
    limit: usize,
}

/// Services that are being served.
#[derive(Debug)]
pub struct Serving {
    client: NatsClient,
    services: Vec<Started>,
    lanes: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Serving {
    /// Waits until the server was told of every subscription; whether it was, within `patience`.
    pub async fn is_ready_within(&self, patience: Duration) -> bool {
        let told = matches!(timeout(patience, self.client.client().flush()).await, Ok(Ok(())));
        // Asked of the connection itself: its events may reach our health record later.
        told && self.client.client().connection_state() == State::Connected
    }

    /// Stops without losing an answer: new requests are turned away, those under way answered.
    pub async fn close(mut self) {
        for started in &self.services {
            started.shared.is_closing.store(true, Ordering::Release);
        }
        for Started { shared, limit, .. } in &self.services {
            let all = u32::try_from(*limit).unwrap_or(u32::MAX);
            if timeout(ANSWER_TIME, shared.in_flight.acquire_many(all)).await.is_err() {
                let left = limit.saturating_sub(shared.in_flight.available_permits());
                tracing::warn!(left, "requests still under way get no answer");
            }
        }
        for started in &self.services {
            started.shared.is_holding.store(true, Ordering::Release);
        }
        // Quiet cannot be waited for where nobody can be heard.
        if self.client.health().is_connected() {
            let _heard_to_the_end = timeout(QUIET_TIME, self.until_quiet()).await;
        }
        self.stop.send_replace(true);
        let lanes = async { while self.lanes.join_next().await.is_some() {} };
        if timeout(FLUSH_TIME, lanes).await.is_err() {
            tracing::warn!("an endpoint did not end");
        }
        for Started { service, shared, .. } in self.services {
            if timeout(FLUSH_TIME, shared.let_go()).await.is_err() {
                tracing::warn!("requests that came last get no answer");
            }
            if let Err(error) = service.stop().await {
                tracing::debug!(%error, "a service of a closed connection");
            }
        }
        if !matches!(timeout(FLUSH_TIME, self.client.client().flush()).await, Ok(Ok(()))) {
            tracing::warn!("the last answers could not be written to NATS");
        }
    }

    async fn until_quiet(&self) {
        let arrived = || -> u64 {
            let each = self.services.iter();
            each.map(|started| started.shared.arrived.load(Ordering::Relaxed)).sum()
        };
        let mut before = arrived();
        loop {
            sleep(QUIET).await;
            let now = arrived();
            if now == before {
                return;
            }
            before = now;
        }
    }
}
