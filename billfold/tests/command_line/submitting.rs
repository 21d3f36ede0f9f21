//! `submit` and `query`, without a server: the folder is opened for the one command.

use crate::workbench::{Bench, CUSTOMER};

const ID: &str = "--id=cmd_00000000000000000000000000000001";
const GRANT: &str = "grant=crg_00000000000000000000000000000001";

#[test]
fn an_accepted_command_is_a_document_and_its_repetition_a_duplicate() {
    let bench = Bench::with_book();
    bench.catalog();
    let grant = ["submit", "credit.grant", CUSTOMER, GRANT, "amount=5:EUR", "reason=x", ID];
    let first = bench.run(&grant).json();
    assert_eq!((&first["status"], &first["duplicate"]), (&"accepted".into(), &false.into()));
    let again = bench.run(&grant).json();
    assert_eq!(again["position"], first["position"]);
    assert_eq!(again["duplicate"], true);
}

#[test]
fn refusals_are_1_with_the_problem_on_stderr() {
    let bench = Bench::with_book();
    bench.catalog();
    let grant = ["submit", "credit.grant", CUSTOMER, GRANT, "reason=x", ID];
    assert_eq!(bench.run(&[&grant[..], &["amount=5:EUR"]].concat()).code, 0);
    let reused = bench.run(&[&grant[..], &["amount=6:EUR"]].concat());
    assert_eq!((reused.code, reused.out.as_str()), (1, ""));
    assert!(reused.err.contains("(idempotency_key_reused)"), "{}", reused.err);
    // Programs get the whole problem.
    let conflict = bench.run(&[
        "submit",
        "customer.update",
        CUSTOMER,
        "name=Bea",
        "--expected-revision",
        "9",
        "--output",
        "json",
    ]);
    assert_eq!(conflict.code, 1);
    let problem: serde_json::Value = serde_json::from_str(&conflict.err).expect("a problem");
    assert_eq!(problem["code"], "revision_conflict");
    assert_eq!(problem["current_revision"], 2);
}

#[test]
fn bodies_that_cannot_be_read_are_2_and_say_where() {
    let bench = Bench::with_book();
    for (args, said) in [
        (&["customer.update", "--json", "{"][..], "not JSON"),
        (&["customer.update", CUSTOMER, "colour=red"], "is not a field; use"),
        (&["customer.update", "customer=pay_1"], "at /customer"),
        (&["payment.record", CUSTOMER, "amount:=5"], "at /amount"),
        (&["no.such", "a=b"], "is no command"),
    ] {
        let ran = bench.run(&[&["submit"], args, &["--output", "table"]].concat());
        assert_eq!(ran.code, 2, "{args:?} {}", ran.err);
        assert!(ran.err.contains(said), "{args:?} {}", ran.err);
    }
}

#[test]
fn a_deadline_that_has_passed_is_1() {
    let bench = Bench::with_book();
    bench.catalog();
    let late = ["submit", "customer.update", CUSTOMER, "name=Bea"];
    let ran = bench.run(&[&late[..], &["--deadline", "2020-01-01T00:00:00Z"]].concat());
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("deadline_exceeded"), "{}", ran.err);
}

#[test]
fn a_batch_from_a_file_answers_for_each_command() {
    let bench = Bench::with_book();
    bench.catalog();
    let command = |id: u32, name: &str| {
        serde_json::json!({
            "command": "customer.update",
            "command_id": format!("cmd_{id:032}"),
            "body": {"customer": "cus_0000000000000000000000000000c001", "name": name},
        })
    };
    let batch = serde_json::json!({"commands": [command(1, "Bea"), command(2, "")]});
    let file = bench.file("batch.json", batch.to_string().as_bytes());
    let ran = bench.run(&["submit", "batch", "--file", file.to_str().expect("UTF-8")]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let answers: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(answers["data"][0]["status"], "accepted");
    assert_eq!(answers["data"][1]["code"], "malformed");
}

#[test]
fn queries_answer_from_the_folder_and_carry_their_position() {
    let bench = Bench::with_book();
    bench.catalog();
    let subscribe = [
        "submit",
        "subscription.create",
        CUSTOMER,
        "subscription=sub_00000000000000000000000000000001",
        "plan=pln_00000000000000000000000000000001",
        "invoice=now",
        "--field=position",
    ];
    let position = bench.run(&subscribe).out.trim().to_owned();
    let list = ["query", "invoices", "list", "--all", "--at-least", &position];
    let invoices = bench.run(&list).json();
    assert_eq!(invoices["position"], position);
    assert_eq!(invoices["data"][0]["total"]["amount_minor"], 2_000);
    let table = bench.run(&[&list[..], &["--output", "table"]].concat());
    assert!(table.out.contains("INV-0001"), "{}", table.out);
    let unknown = bench.run(&["query", "invoices", "get", "number=INV-9999"]);
    assert_eq!(unknown.code, 1, "{}", unknown.err);
    let wrong = bench.run(&["query", "invoices", "list", "colour=red"]);
    assert_eq!(wrong.code, 2, "{}", wrong.err);
}

#[test]
fn a_billing_run_is_waited_for() {
    let bench = Bench::with_book();
    bench.catalog();
    let subscribe = [
        "submit",
        "subscription.create",
        CUSTOMER,
        "subscription=sub_00000000000000000000000000000001",
        "plan=pln_00000000000000000000000000000001",
    ];
    assert_eq!(bench.run(&subscribe).code, 0);
    let run = "run=run_00000000000000000000000000000001";
    let billed = bench.run(&["submit", "billing.run", run, "through=2026-01-01"]).json();
    assert_eq!(billed["run"]["billed"], 1);
    let summary = bench.run(&["query", "invoices", "summary"]).json();
    assert_eq!(summary["data"][0]["invoices"], 1);
}
