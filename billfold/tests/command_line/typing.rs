//! What is typed wrong is told so, and what only prints prints.

use std::io::Read;
use std::process::Stdio;

use crate::workbench::Bench;

#[test]
fn usage_mistakes_are_2_and_help_is_0_with_the_exit_codes() {
    let bench = Bench::new();
    for wrong in [&["frobnicate"][..], &[], &["submit"], &["tail", "--after", "x"]] {
        assert_eq!(bench.run(wrong).code, 2, "{wrong:?}");
    }
    let wrong = bench.run(&["submit", "no.such"]);
    assert_eq!(wrong.code, 1, "the folder is not there: {}", wrong.err);
    let help = bench.run(&["--help"]);
    assert_eq!(help.code, 0);
    assert!(help.out.contains("3  verification failed"), "{}", help.out);
    assert!(help.out.contains("[env: BILLFOLD_DATA="), "{}", help.out);
}

#[test]
fn ids_schemas_and_completions_are_printed() {
    let bench = Bench::new();
    let ids = bench.run(&["id", "customer", "3"]);
    assert_eq!(ids.out.lines().filter(|line| line.starts_with("cus_")).count(), 3);
    let schema = bench.run(&["schema", "get", "payment.record"]).json();
    assert!(schema["properties"]["amount"].is_object());
    let listed = bench.run(&["schema", "list", "--output", "jsonl"]);
    assert!(listed.out.lines().any(|line| line == r#"{"group":"query","name":"invoices.list"}"#));
    assert_eq!(bench.run(&["schema", "get", "no.such"]).code, 1);
    let dumped = bench.data().join("schemas");
    let dump = bench.run(&["schema", "dump", dumped.to_str().expect("UTF-8")]);
    assert_eq!(dump.code, 0, "{}", dump.err);
    assert!(dumped.join("command/payment.record.json").is_file());
    let script = bench.run(&["completions", "bash"]);
    assert!(script.out.contains("_billfold"));
}

#[test]
fn a_book_that_is_not_there_is_named_with_those_that_are() {
    let bench = Bench::with_book();
    for args in [&["verify"][..], &["tail"], &["replay"], &["query", "invoices", "list"]] {
        let args = [args, &["--book", "other"]].concat();
        let ran = bench.run(&args);
        assert_eq!(ran.code, 1, "{args:?} {}", ran.err);
        assert!(ran.err.contains("no book other; it has main"), "{}", ran.err);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let bench = Bench::new();
    let mut child = bench
        .command(&["id", "customer", "10000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("read");
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{said}");
    assert_eq!(said, "");
}

#[test]
fn the_doctor_finds_a_healthy_folder_healthy() {
    let bench = Bench::with_book();
    let ran = bench.run(&["doctor", "--syncs", "3"]);
    let found = ran.json();
    let rows = found["data"].as_array().expect("rows");
    assert!(rows.iter().all(|row| row["verdict"] != "bad"), "{}", ran.out);
    let found: Vec<_> = rows.iter().filter_map(|row| row["found"].as_str()).collect();
    assert!(found.iter().any(|found| found.starts_with("main: 1 commits;")), "{}", ran.out);
}
