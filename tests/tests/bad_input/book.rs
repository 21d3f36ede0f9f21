//! A book in this process, with something in it to get wrong.

use host::Folder;
use host::{Host, Role};
use projections::ViewName;
use schemas::problem::{Fault, Problem};
use schemas::wire::{LogPosition, Message, Reply, header};
use schemas::{Rejection, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::acme::{
    BOOK, charge, command, command_id, id, opening, pay, query, register, subscribe,
};

/// Where the test clock stands.
pub(crate) const NOW: &str = "2026-03-01T12:00:00Z";

/// An open book and everything that answers for it.
pub(crate) struct Acme {
    host: Host,
    _folder: TempDir,
}

impl Acme {
    /// Customer 1 subscribes to plan 1; its invoice 1 of 30.00 is paid by payment 1. Customer 2's
    /// subscription 2 ended. Plan 3 is retired.
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let host = Host::new(Folder::at(folder.path()), Role::everything()).expect("threads");
        let now: Timestamp = NOW.parse().expect("an instant");
        let book = BOOK.parse().expect("a name");
        host.create(&book, Some(now)).expect("a fresh folder");
        let acme = Self { host, _folder: folder };
        let cancel = json!({"customer": id("cus", 2), "subscription": id("sub", 2), "when": "now"});
        let business = [
            ("customer.register", register(1)),
            ("customer.register", register(2)),
            ("subscription.create", subscribe(1, 1)),
            ("subscription.create", subscribe(2, 1)),
            ("subscription.cancel", cancel),
            ("charge.add", charge(1, 1, "30.00")),
            ("payment.record", pay(1, 1, "30.00")),
        ];
        for (n, (name, body)) in (0..).zip(opening().into_iter().chain(business)) {
            acme.accept(&command(command_id(n), name, &body));
        }
        acme
    }

    /// Asks the router what a socket would ask it.
    pub(crate) fn ask(&self, message: &Message) -> Reply {
        self.host.runtime().block_on(self.host.router().handle(message.clone()))
    }

    /// Asks what must be accepted.
    pub(crate) fn accept(&self, message: &Message) -> Value {
        let reply = self.ask(message);
        let body = String::from_utf8_lossy(&reply.body);
        assert!(!reply.is_problem(), "{}: {body}", message.subject);
        serde_json::from_str(&body).expect("answers are JSON")
    }

    fn token(&self) -> String {
        let subject = format!("billfold.{BOOK}.as.ada.admin.status");
        let status = Message { subject, ..query("", &json!({})) };
        self.accept(&status)["position"].as_str().expect("a token").to_owned()
    }

    /// The log's head.
    pub(crate) fn position(&self) -> u64 {
        let token: LogPosition = self.token().parse().expect("a position");
        token.position
    }

    /// All that a refused request must leave alone: the log's head, every stream's revision with
    /// it, and what the read models hold there.
    pub(crate) fn state(&self) -> Value {
        let position = self.token();
        let hash = |view: ViewName| {
            let mut hash = query(&format!("{view}.hash"), &json!({}));
            hash.headers.insert(header::AT_LEAST.to_owned(), position.clone());
            self.accept(&hash)["data"].clone()
        };
        let views = ViewName::ALL.map(hash);
        json!({"position": position, "views": views})
    }
}

/// The problem that a reply is: one document for every failure, with both headers.
pub(crate) fn problem(reply: &Reply, what: &str) -> Problem {
    let body = String::from_utf8_lossy(&reply.body);
    assert!(reply.is_problem(), "{what}: accepted with {body}");
    let problem: Problem =
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{what}: {error}: {body}"));
    let header = |name: &str| reply.headers.get(name).map(String::as_str);
    assert_eq!(header(header::SERVICE_ERROR_CODE), Some(&*problem.status.to_string()), "{what}");
    assert_eq!(header(header::SERVICE_ERROR), Some(&*problem.code), "{what}");
    assert_eq!(problem.kind, format!("urn:billfold:problem:{}", problem.code), "{what}");
    assert!(!problem.title.is_empty() && !problem.detail.is_empty(), "{what}: {body}");
    let retryable = serde_json::from_str::<Value>(&body).expect("JSON")["retryable"].clone();
    assert!(retryable.is_boolean(), "{what}: {body}");
    let faults = Fault::ALL.iter().map(|fault| (fault.code(), fault.status()));
    let mut known = faults.chain(Rejection::CODES.iter().copied());
    assert!(known.any(|known| known == (&*problem.code, problem.status)), "{what}: {body}");
    problem
}
