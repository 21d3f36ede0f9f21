//! `plans.migrations`, asked through the router as every door does.

#![allow(clippy::needless_pass_by_value, reason = "JSON is written where it is used")]

mod book;

use book::*;
use command_gateway::{BookDoor, Gateway, Router};
use event_log::sim::SimDisk;
use schemas::wire::{Headers, Message};
use serde_json::{Value, json};

const PLAN: &str = "pln_00000000000000000000000000000001";
const CUSTOMERS: u64 = 5;

/// A test book on 15 January 2026 with five subscribers, who are to have 12.00 from February on.
struct Asked {
    gateway: Gateway,
    router: Router,
    runtime: tokio::runtime::Runtime,
}

impl Asked {
    fn new() -> Self {
        let disk = SimDisk::new(1);
        let open = open_test_book("2026-01-15T00:00:00Z");
        let gateway = Gateway::create(&config(&disk), LOG, open).expect("a fresh disk");
        set_up(&gateway);
        let router = Router::new();
        router.add_book(BookDoor::new(gateway.handle()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let asked = Self { gateway, router, runtime: runtime.expect("a runtime") };
        for n in 1..=CUSTOMERS {
            asked.submit(10 + n, register(n));
            asked.submit(20 + n, subscribe(n));
        }
        asked.submit(30, define_plan());
        let migrate = json!({"plan": PLAN, "from_version": 1, "to_version": 2, "on": "2026-02-01"});
        asked.submit(31, command("plan.migrate", &migrate.to_string()));
        asked
    }

    fn submit(&self, n: u64, command: schemas::Command) {
        self.gateway.handle().submit_blocking(request(n, command)).expect("accepted");
    }

    fn query(&self, body: Value) -> Value {
        let subject = "billfold.acme.as.ada.query.plans.migrations".to_owned();
        let body = body.to_string().into_bytes();
        let message = Message { subject, headers: Headers::new(), body };
        let reply = self.runtime.block_on(self.router.handle(message));
        serde_json::from_slice(&reply.body).expect("JSON")
    }

    /// Every row, page by page: who, and where it stands.
    fn pages(&self, mut body: Value, limit: u64) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        body["limit"] = json!(limit);
        loop {
            let page = self.query(body.clone());
            let data = page["data"].as_array().unwrap_or_else(|| panic!("{page}"));
            assert!(data.len() as u64 <= limit);
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            rows.extend(data.iter().map(|row| (text(&row["customer"]), text(&row["standing"]))));
            if page["has_more"] == false {
                assert_eq!(page["next"], Value::Null);
                return rows;
            }
            body["after"] = page["next"].clone();
        }
    }
}

#[test]
fn everyone_is_told_once_whatever_the_size_of_a_page() {
    let asked = Asked::new();
    let all: Vec<_> =
        (1..=CUSTOMERS).map(|n| (customer(n).to_string(), "will_move".to_owned())).collect();
    for limit in 1..=CUSTOMERS + 1 {
        assert_eq!(asked.pages(json!({"plan": PLAN}), limit), all, "{limit} on a page");
    }
    let other = json!({"plan": PLAN, "from_version": 2});
    assert_eq!(asked.pages(other, 2), []);
    let moved = json!({"plan": PLAN, "standing": "moved"});
    assert_eq!(asked.pages(moved, 2), []);
}

#[test]
fn a_row_says_when_and_an_unknown_plan_is_a_problem() {
    let asked = Asked::new();
    let row = asked.query(json!({"plan": PLAN, "limit": 1}))["data"][0].take();
    assert_eq!(row["next"]["at"], "2026-02-15T00:00:00Z", "{row}");
    assert_eq!((&row["moved"], &row["obstacle"]), (&json!([]), &Value::Null));
    let unknown = asked.query(json!({"plan": "pln_00000000000000000000000000000009"}));
    assert_eq!(unknown["code"], "unknown_plan");
    let wrong = asked.query(json!({"plan": PLAN, "after": "elsewhere"}));
    assert_eq!(wrong["errors"][0]["pointer"], "/after", "{wrong}");
}
