//! What plans and prices grant, to whom, and while there is access.

#![allow(clippy::needless_pass_by_value, reason = "JSON is written where it is used")]

mod support;

use ledger_core::Ledger;
use schemas::ids::CustomerId;
use schemas::view::{Entitlement, SubscriptionAccess};
use serde_json::{Value, json};

use support::{TestBook, at, id, subscription, with};

fn customer(alias: &str) -> CustomerId {
    id(alias).parse().expect("an id")
}

/// Plan `p`: reports, 5 projects, 10 of storage for each seat; and an add-on with more storage.
fn plan() -> Value {
    let amounts = |rate: Value| json!([{"currency": "EUR", "rate": rate}]);
    json!({
        "plan": id("p"), "name": "Plan", "every": {"count": 1, "unit": "month"},
        "timing": "in_advance",
        "grants": [{"feature": "reports"}, {"feature": "projects", "limit": {"amount": "5"}}],
        "prices": [
            {
                "price": "seat", "amounts": amounts(json!({"per_unit": "10"})),
                "grants": [{"feature": "storage", "limit": {"amount": "10", "per": "unit"}}],
            },
            {
                "price": "disk", "recurrence": "add_on", "amounts": amounts(json!({"flat": "3"})),
                "grants": [{"feature": "storage", "limit": {"amount": "100.5"}}],
            },
        ],
    })
}

fn access(book: &TestBook, payer: &str, user: &str, on: &str) -> Vec<SubscriptionAccess> {
    book.ledger.access_of(customer(payer), customer(user), at(on)).expect("it is told")
}

fn words(grants: &[Entitlement]) -> Vec<String> {
    let word = |grant: &Entitlement| match grant.limit {
        Some(limit) => format!("{} {limit}", grant.feature),
        None => grant.feature.to_string(),
    };
    grants.iter().map(word).collect()
}

fn granted(book: &TestBook, on: &str) -> Vec<String> {
    words(&Ledger::granted_together(&access(book, "c", "c", on)).expect("it fits"))
}

fn book() -> TestBook {
    let mut book = TestBook::with_plans();
    book.given("plan.define", plan());
    book
}

#[test]
fn features_of_the_plan_and_its_add_ons_are_put_together_and_limits_added() {
    let mut book = book();
    let body = json!({"plan": id("p"), "quantity": "3"});
    book.given("subscription.create", with(subscription(), body));
    assert_eq!(granted(&book, "2024-01-01"), ["projects 5", "reports", "storage 30"]);
    let body =
        json!({"items": [{"price": "disk"}, {"price": "seat", "quantity": "4"}], "when": "now"});
    book.given("subscription.change", with(subscription(), body));
    assert_eq!(granted(&book, "2024-01-01"), ["projects 5", "reports", "storage 140.5"]);
    let body = json!({"customer": id("c"), "subscription": id("t"), "plan": id("p")});
    book.given("subscription.create", body);
    assert_eq!(granted(&book, "2024-01-01"), ["projects 10", "reports", "storage 150.5"]);
}

#[test]
fn without_access_nothing_is_granted() {
    let mut book = book();
    book.given("subscription.create", with(subscription(), json!({"plan": id("p")})));
    book.bill("2024-01-01");
    assert_eq!(granted(&book, "2024-01-31").len(), 3, "there is time to pay until the 31st");
    assert_eq!(granted(&book, "2024-02-02"), [""; 0]);
}

#[test]
fn a_later_version_grants_nothing_to_who_has_an_earlier_one() {
    let mut book = book();
    book.given("subscription.create", with(subscription(), json!({"plan": id("p")})));
    let mut next = plan();
    next["grants"] = json!([]);
    next["prices"][0]["grants"] = json!([{"feature": "storage"}]);
    book.given("plan.define", next);
    assert_eq!(granted(&book, "2024-01-01"), ["projects 5", "reports", "storage 10"]);
    let migrate = json!({"plan": id("p"), "from_version": 1, "to_version": 2, "on": "2024-02-01"});
    book.given("plan.migrate", migrate);
    assert_eq!(granted(&book, "2024-02-01"), ["storage"], "its version moves, and so does that");
}

#[test]
fn a_child_has_what_its_parent_pays_for_it() {
    let mut book = book();
    let child = json!({
        "customer": id("child"), "entity": id("e"), "name": "Child", "currency": "EUR",
        "parent": id("c"),
    });
    book.given("customer.register", child);
    let terms = json!({"beneficiary": id("child")});
    book.subscribe("p", terms);
    assert_eq!(granted(&book, "2024-01-01"), [""; 0]);
    let used = access(&book, "c", "child", "2024-01-01");
    assert_eq!(words(&used[0].grants), ["projects 5", "reports", "storage 10"]);
}
