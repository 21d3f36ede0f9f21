//! Books with a profile of their own.

use serde_json::{Value, json};

use crate::workbench::{Bench, CUSTOMER};

fn books(bench: &Bench) -> Vec<Value> {
    bench.run(&["book", "list"]).json()["data"].as_array().expect("rows").clone()
}

#[test]
fn a_book_bills_by_the_profile_and_the_policies_that_it_is_made_with() {
    // given
    let bench = Bench::new();
    let clock = "--test-clock=2026-01-11T00:00:00Z";
    let profile = ["--profile", "lago@1", "--policy", "credit_basis=current_price"];
    let made = bench.run(&[&["book", "create", "main", clock][..], &profile].concat());
    // then
    assert_eq!(made.json()["data"][0]["profile"], "lago@1");
    assert_eq!(books(&bench)[0]["policies"], json!(["credit_basis=current_price"]));
    // when: Lago's cycles lie with the calendar, so the first is a part
    bench.catalog();
    let subscribed = bench.run(&[
        "submit",
        "subscription.create",
        CUSTOMER,
        "subscription=sub_00000000000000000000000000000001",
        "plan=pln_00000000000000000000000000000001",
        "invoice=now",
    ]);
    assert_eq!(subscribed.code, 0, "{}", subscribed.err);
    // then
    let list = bench.run(&["query", "invoices", "list"]).json();
    assert_eq!(list["data"][0]["total"]["amount"], "13.55");
    let explained = bench.run(&["explain", "INV-0001", "--output", "table"]);
    assert!(explained.out.contains("billed by lago@1"), "{}", explained.out);
    assert!(explained.out.contains("credit_basis: current_price"), "{}", explained.out);
}

#[test]
fn what_there_is_not_is_usage_and_names_what_there_is() {
    let bench = Bench::new();
    for (args, said) in [
        (&["--profile", "lago"][..], "lago@1"),
        (&["--policy", "proration"], "NAME=RULE"),
        (&["--policy", "colour=red"], "discount_order"),
        (&["--policy", "ratio=red"], "ratio_9dp"),
        (&["--policy", "ratio=exact", "--policy", "ratio=ratio_9dp"], "give it once"),
    ] {
        for command in [&["book", "create", "main"][..], &["up"], &["serve"]] {
            let ran = bench.run(&[command, args].concat());
            assert_eq!(ran.code, 2, "{command:?} {args:?} {}", ran.err);
            assert!(ran.err.contains(said), "{command:?} {args:?} {}", ran.err);
        }
    }
    assert!(books(&bench).is_empty());
}

#[test]
fn a_server_makes_a_book_with_a_profile_and_keeps_to_it() {
    // given
    let bench = Bench::new();
    let wanted = ["up", "--profile=zuora@1", "--policy=ratio=ratio_9dp"];
    let server = bench.start(&wanted);
    assert_eq!(server.ready["books"][0]["profile"], "zuora@1");
    assert_eq!(server.stop(), 0);
    // then
    assert_eq!(books(&bench)[0]["profile"], "zuora@1");
    for other in [
        &["up", "--profile=lago@1"][..],
        &["serve", "--profile=zuora@1"],
        &["up", "--policy=ratio=ratio_9dp"],
        &["up", "--profile=zuora@1", "--book=other"],
    ] {
        let ran = bench.run(other);
        assert_eq!(ran.code, 2, "{other:?} {}", ran.err);
        assert!(ran.err.contains("billfold book create"), "{other:?} {}", ran.err);
    }
    let other = bench.run(&["up", "--profile=lago@1"]);
    assert!(other.err.contains("bills by zuora@1, and lago@1 was asked for"), "{}", other.err);
    assert!(other.err.contains("proration: actual, not by_day_inclusive"), "{}", other.err);
    // The same again is no contradiction, as in the unit file of a service.
    assert_eq!(bench.start(&wanted).stop(), 0);
    assert_eq!(bench.up().stop(), 0);
}
