//! A book that is served on NATS from within the test, so that its limits can be small.
#![allow(clippy::result_large_err, reason = "a problem is made once")]
#![allow(dead_code, reason = "each test file that shares this uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use client::nats::{NatsAsk, Patience};
use command_gateway::door::nats::{NatsDoor, NatsLimits, ServiceSpec, Serving};
use command_gateway::{
    Blocking, BookDoor, Gateway, GatewayConfig, GatewayHandle, Router, fresh_log_id,
};
use nats_connection::{NatsClient, NatsOptions, connect};
use schemas::Problem;
use schemas::command::OpenBook;
use schemas::subjects::SubjectPrefix;
use schemas::terms::{BookClock, Profile};
use schemas::wire::{Headers, Message, Reply, Subject};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::acme::{self, BOOK, command_id};
use tests::wait::PATIENCE;
use tokio::runtime::Runtime;

/// The command ids of the book's opening begin here.
const OPENING: u64 = 1_000_000_000;

/// Where doors and clients of a test run.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the machine has threads")
}

/// A book in a temporary folder, with a gateway.
pub(crate) struct Book {
    pub(crate) folder: TempDir,
    pub(crate) gateway: Gateway,
}

impl Book {
    /// An empty book.
    pub(crate) fn create() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = GatewayConfig::at(folder.path()).expect("a folder");
        let book = BOOK.parse().expect("a name");
        let profile = Profile::Billfold1;
        let open = OpenBook { book, profile, policies: None, clock: BookClock::Wall };
        let log = fresh_log_id().expect("randomness");
        let gateway = Gateway::create(&config, log, open).expect("created");
        Self { folder, gateway }
    }

    /// A book with a seller, plans and so many customers.
    pub(crate) fn with_customers(count: u64) -> Self {
        let book = Self::create();
        let opening = acme::opening();
        let registered = (1..=count).map(|n| ("customer.register", acme::register(n)));
        for (n, (name, body)) in (OPENING..).zip(opening.into_iter().chain(registered)) {
            let message = acme::command(command_id(n), name, &body);
            let answered = runtime_of_one().block_on(book.router().handle(message));
            assert!(!answered.is_problem(), "{name}: {}", text(&answered));
        }
        book
    }

    pub(crate) fn handle(&self) -> GatewayHandle {
        self.gateway.handle()
    }

    /// What answers: the gateway, its feed, and a read model that says only who asked.
    pub(crate) fn router(&self) -> Arc<Router> {
        let answer = |subject: &Subject, _: &Message| -> Result<Reply, Problem> {
            Ok(Reply::json(&json!({"asked_by": subject.actor.as_str()})))
        };
        let door = BookDoor::new(self.handle())
            .with_feed(Arc::new(self.gateway.feed()).service())
            .with_view("invoices", Arc::new(Blocking::new(answer)));
        let router = Router::new();
        router.add_book(door);
        Arc::new(router)
    }

    /// The service of its gateway.
    pub(crate) fn service(&self) -> ServiceSpec {
        let handle = self.handle();
        ServiceSpec::gateway(self.handle().book(), self.handle().log(), "hash")
            .with_facts(move || json!({"position": handle.progress().durable()}))
    }

    /// The service of its read model.
    pub(crate) fn projector(&self) -> ServiceSpec {
        ServiceSpec::projector(self.handle().book(), self.handle().log(), "hash", "invoices", 1)
            .expect("a read model")
    }

    /// Serves the gateway over a connection.
    pub(crate) async fn serve(
        &self,
        options: &NatsOptions,
        limits: NatsLimits,
    ) -> (NatsClient, Serving) {
        serve(options, limits, self.router(), vec![self.service()]).await
    }

    /// The durable position.
    pub(crate) fn position(&self) -> u64 {
        self.handle().progress().durable()
    }

    /// Stops the gateway and counts the commits of each command in the log.
    pub(crate) fn close_and_read(self) -> (TempDir, Vec<schemas::Commit>) {
        self.gateway.close();
        let commits = tests::log::commits(tests::log::reader_at(self.folder.path()));
        (self.folder, commits)
    }
}

/// Serves over a connection.
pub(crate) async fn serve(
    options: &NatsOptions,
    limits: NatsLimits,
    router: Arc<Router>,
    services: Vec<ServiceSpec>,
) -> (NatsClient, Serving) {
    let client = connect(options).await.expect("connected");
    let door = NatsDoor::new(client.clone(), SubjectPrefix::default(), limits);
    let serving = door.start(router, services).await.expect("served");
    assert!(serving.is_ready_within(PATIENCE).await, "the server was told");
    until_true("subscriptions are in place", || async {
        client.client().request("$SRV.PING", "".into()).await.is_ok()
    })
    .await;
    (client, serving)
}

/// Somebody who asks and has patience.
pub(crate) async fn asks(options: &NatsOptions) -> NatsAsk {
    let client = connect(options).await.expect("connected");
    NatsAsk::new(client, SubjectPrefix::default(), PATIENT)
}

/// Short answers, long patience: lost messages are asked again soon.
pub(crate) const PATIENT: Patience =
    Patience { answer: Duration::from_secs(1), nobody: PATIENCE, whole: PATIENCE };

/// Looks again and again without holding up a thread of the runtime.
pub(crate) async fn until_true<F: Future<Output = bool>>(what: &str, look: impl Fn() -> F) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !look().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

/// A message for this subject's last part.
pub(crate) fn message(path: &str, body: &Value) -> Message {
    Message {
        subject: format!("billfold.{BOOK}.as.ada.{path}"),
        headers: Headers::new(),
        body: body.to_string().into_bytes(),
    }
}

pub(crate) fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

pub(crate) fn document(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).expect("JSON")
}

fn runtime_of_one() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
