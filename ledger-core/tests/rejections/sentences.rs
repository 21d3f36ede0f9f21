//! A sentence says what is, and a way out that fits it, also where several have one code.

use serde_json::{Value, json};

use crate::Decided;
use crate::asked::{charge, flat, named, pay, plan, subscribe, subscribed, with};
use crate::support::{TestBook, id};

fn said(decided: Decided) -> String {
    decided.expect_err("it is refused").to_string()
}

#[test]
fn an_id_that_something_else_has_is_taken_and_nothing_of_the_kind_is_said_to_exist() {
    let mut book = TestBook::with_plans();
    book.given("charge.add", charge("x", "1", &json!("next")));
    let kinds: [(&str, Value); 3] = [
        ("payment.record", pay("x", "1")),
        ("charge.add", charge("x", "1", &json!("next"))),
        ("subscription.create", with(subscribe("basic"), "subscription", json!(id("x")))),
    ];
    for (name, body) in kinds {
        let said = said(book.when(name, body));
        assert!(said.contains("is taken in this book"), "{name}: {said}");
        assert!(!said.contains("exists"), "{name}: {said}");
    }
}

#[test]
fn a_day_that_has_come_names_what_may_be_left_out() {
    let when = with(named("quantity", json!("2")), "when", json!({"on": "2024-01-01"}));
    let change = said(subscribed().when("subscription.change_quantity", when));
    assert!(change.contains("or make the change now"), "{change}");

    let start = with(subscribe("basic"), "start", json!("2024-01-01"));
    let start = said(TestBook::with_plans().when("subscription.create", start));
    assert!(start.contains("leave it out to begin now"), "{start}");

    let pause = with(named("when", json!("cycle_end")), "resume_on", json!("2024-02-01"));
    let pause = said(subscribed().when("subscription.pause", pause));
    assert!(pause.contains("a pause that holds on 2024-02-01 cannot end on 2024-02-01"), "{pause}");
}

#[test]
fn a_plan_that_is_retired_says_what_else_can_be_done() {
    let mut book = TestBook::with_plans();
    let retire = json!({"plan": id("basic")});
    book.given("plan.retire", retire.clone());
    let again = said(book.when("plan.retire", retire));
    assert!(again.contains("is retired already"), "{again}");
    let version = said(book.when("plan.define", plan("basic", 1, "month", &[flat("1")])));
    assert!(version.contains("define another plan"), "{version}");
    let bought = said(book.when("subscription.create", subscribe("basic")));
    assert!(bought.contains("choose a plan that is on sale"), "{bought}");
}

#[test]
fn a_lead_that_is_too_long_is_not_called_a_trial() {
    let lead = with(plan("a", 1, "month", &[flat("1")]), "lead_days", json!(367));
    let said = said(TestBook::open().when("plan.define", lead));
    assert_eq!(said, "a lead of 367 days is out of range; use 0 to 366");
}
