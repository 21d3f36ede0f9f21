//! `tail`, `inspect`, `verify`, `replay`: what is in the log, and whether it holds.

use projections::ViewName;

use crate::workbench::{Bench, CUSTOMER};

#[test]
fn a_tail_has_every_commit_in_order() {
    let bench = Bench::with_book();
    bench.catalog();
    let tail = bench.run(&["tail", "--output", "jsonl", "--after", "1", "--limit", "2"]);
    let kinds: Vec<_> = tail
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|commit| commit["command"]["type"].clone())
        .collect();
    assert_eq!(kinds, ["entity.define", "plan.define"]);
}

#[test]
fn a_commit_is_found_by_position_command_id_and_thing() {
    let bench = Bench::with_book();
    bench.catalog();
    let reason = ["--id=cmd_00000000000000000000000000000007", "--reason=as agreed"];
    let grant = ["submit", "credit.grant", CUSTOMER, "grant=crg_00000000000000000000000000000001"];
    let grant = [&grant[..], &["amount=5:EUR", "reason=x"], &reason].concat();
    let position = bench.run(&grant).json()["position"].as_str().expect("text").to_owned();
    for what in ["5", &position, "cmd_00000000000000000000000000000007"] {
        let commit = bench.run(&["inspect", what]).json();
        assert_eq!(commit["command"]["type"], "credit.grant", "{what}");
        assert_eq!(commit["reason"], "as agreed");
        let entries = commit["events"][0]["entries"].as_array().expect("entries").clone();
        let accounts: Vec<_> = entries.iter().map(|entry| &entry["account"]).collect();
        assert_eq!(accounts, ["promotional_credit", "customer_credit"]);
    }
    let page = bench.run(&["inspect", "5", "--output", "table"]);
    assert!(page.out.contains("reason       as agreed"), "{}", page.out);
    let all = bench.run(&["inspect", &CUSTOMER["customer=".len()..], "--output", "jsonl"]);
    assert_eq!(all.out.lines().count(), 2);
    assert_eq!(bench.run(&["inspect", "no-such-thing"]).code, 1);
    assert_eq!(bench.run(&["inspect", "99"]).code, 1);
}

#[test]
fn a_replay_equals_the_stores_and_a_changed_store_is_found() {
    let bench = Bench::with_book();
    bench.catalog();
    let unbuilt = bench.run(&["replay"]).json();
    assert_eq!(unbuilt["data"][0]["verdict"], "not built yet");
    for view in ViewName::ALL.map(ViewName::as_str) {
        assert_eq!(bench.run(&["query", view, "status"]).code, 0);
    }
    let replayed = bench.run(&["replay"]).json();
    let verdicts: Vec<_> =
        replayed["data"].as_array().expect("rows").iter().map(|row| &row["verdict"]).collect();
    assert_eq!(verdicts, ["equal"; ViewName::ALL.len()]);
}

#[test]
fn a_verification_names_the_head() {
    let bench = Bench::with_book();
    bench.catalog();
    let verified = bench.run(&["verify"]).json();
    assert_eq!((&verified["commits"], &verified["laws"]), (&4.into(), &"kept".into()));
    assert_eq!(verified["head_hash"].as_str().map(str::len), Some(64));
    let bytes_only = bench.run(&["verify", "--bytes-only"]).json();
    assert_eq!(bytes_only["laws"], "not checked");
    assert_eq!(bytes_only["merkle_root"], verified["merkle_root"]);
}
