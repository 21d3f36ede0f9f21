//! Gateway and read models as processes of their own over one data folder.

use projections::ViewName;
use serde_json::Value;

use crate::workbench::{Bench, CUSTOMER, Server};

/// Asks until the answer is as wished; each question waits for its answer.
fn eventually(bench: &Bench, args: &[&str], wished: impl Fn(&Value) -> bool) -> Value {
    let began = std::time::Instant::now();
    loop {
        let ran = bench.run(args);
        if ran.code == 0 {
            let answer = ran.json();
            if wished(&answer) {
                return answer;
            }
        }
        assert!(began.elapsed().as_secs() < 60, "{args:?}: {} {}", ran.out, ran.err);
    }
}

#[test]
fn gateway_and_read_models_run_as_processes_of_their_own() {
    // given
    let bench = Bench::with_book();
    let gateway = bench.start(&["serve"]);
    let views = ViewName::ALL.map(ViewName::as_str);
    let (last, others) = views.split_last().expect("there are read models");
    let many = bench.start(&[&["project"], others].concat());
    let one = bench.start(&["project", last]);
    assert_eq!(gateway.ready["commands"], true);
    assert_eq!(many.ready["sockets"].as_array().map(Vec::len), Some(others.len()));
    // when
    let position = bench.catalog();
    // then
    let get = ["query", "balances", "get", CUSTOMER, "--at-least", &position];
    assert_eq!(bench.run(&get).json()["data"]["customer"]["name"], "Ada");
    for view in views {
        let status = bench.run(&["query", view, "status", "--at-least", &position]).json();
        assert_eq!(status["data"]["state"], "serving");
        assert_eq!(status["data"]["position"], 4);
        assert_eq!(status["data"]["lag_ms"], 0);
    }
    let replayed = bench.run(&["replay"]).json();
    assert!(replayed["data"].as_array().expect("rows").iter().all(|r| r["verdict"] == "equal"));
    assert_eq!([gateway, many, one].map(Server::stop), [0; 3]);
    assert!(!bench.data().join(format!("project-{last}.sock")).exists());
    assert_eq!(bench.run(&["verify"]).json()["closed"], true);
}

#[test]
fn a_projector_waits_for_the_book_and_goes_on_while_the_gateway_is_away() {
    let bench = Bench::new();
    let views = bench.start(&["project", "balances"]);
    assert_eq!(views.ready["books"], serde_json::json!([]));
    let gateway = bench.start(&["serve"]);
    let position = bench.catalog();
    let get = ["query", "balances", "get", CUSTOMER, "--at-least", &position];
    let customer = |answer: &Value| answer["data"]["customer"]["name"] == "Ada";
    eventually(&bench, &get, customer);
    assert_eq!(gateway.stop(), 0);
    assert_eq!(bench.run(&get).json()["data"]["customer"]["name"], "Ada");
    let again = bench.start(&["serve"]);
    let renamed = bench.run(&["submit", "customer.update", CUSTOMER, "name=Eve"]).json();
    let position = renamed["position"].as_str().expect("a token").to_owned();
    let get = ["query", "balances", "get", CUSTOMER, "--at-least", &position];
    assert_eq!(bench.run(&get).json()["data"]["customer"]["name"], "Eve");
    assert_eq!([again, views].map(Server::stop), [0; 2]);
}

#[test]
fn a_book_that_is_made_beside_running_processes_is_served_by_them() {
    let bench = Bench::with_book();
    let gateway = bench.start(&["serve"]);
    let views = bench.start(&["project", "invoices"]);
    assert_eq!(bench.run(&["book", "create", "second"]).code, 0);
    let status = ["query", "invoices", "status", "--book", "second"];
    eventually(&bench, &status, |answer| answer["data"]["position"] == 1);
    // It is open there: nobody else can write it.
    let second = bench.run(&["submit", "plan.retire", "plan=pln_01", "--book", "second"]);
    assert!(!second.err.contains("held by another"), "{}", second.err);
    assert_eq!([gateway, views].map(Server::stop), [0; 2]);
    assert_eq!(bench.run(&["verify", "--book", "second"]).json()["closed"], true);
}

#[test]
fn a_process_with_one_role_says_who_has_the_other() {
    let bench = Bench::with_book();
    let views = bench.start(&["project", "invoices"]);
    let socket = bench.data().join("project-invoices.sock");
    let socket = socket.to_str().expect("UTF-8");
    let refused = bench.run(&["submit", "plan.retire", "plan=x", "--socket", socket]);
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(refused.err.contains("billfold serve"), "{}", refused.err);
    let second = bench.run(&["project", "invoices"]);
    assert_eq!(second.code, 5, "{}", second.err);
    assert!(second.err.contains("held by another projector"), "{}", second.err);
    let none = bench.run(&["project", "orders"]);
    assert_eq!(none.code, 2);
    assert_eq!(views.stop(), 0);
}
