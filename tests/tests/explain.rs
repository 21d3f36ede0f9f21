//! Every line of every invoice is explained, and a program that shares no code with the ledger
//! comes to the same amounts from the explanation alone.

#[path = "explain/history.rs"]
mod history;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use schemas::terms::Profile;
use serde_json::Value;
use tests::nats::repository;
use tests::process::run;

/// What the evaluator says of a document.
fn evaluated(document: &str) -> Output {
    let script: PathBuf = repository().join("tests/evaluator/explain.py");
    let mut command = Command::new("python3");
    command.arg("-B").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("python3 is installed");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(document.as_bytes()).expect("the evaluator reads");
    drop(stdin);
    child.wait_with_output().expect("the evaluator ends")
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Every invoice of the book in a folder, explained by the real program.
fn explained(data: &Path) -> String {
    let output = run(data, &["explain", "--all"]);
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).expect("JSON is UTF-8")
}

fn agrees(profile: Profile, seed: u64) -> (usize, String) {
    let folder = tempfile::tempdir().expect("a folder");
    history::play(folder.path(), profile, seed);
    let document = explained(folder.path());
    let output = evaluated(&document);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{} seed {seed}: {said}", profile.name());
    (document.lines().count(), document)
}

#[test]
fn the_evaluator_agrees_with_every_line_of_random_histories_of_every_profile() {
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for (seed, profile) in (1..).zip(Profile::ALL) {
        let (invoices, document) = agrees(*profile, seed);
        assert!(invoices >= 50, "{}: only {invoices} invoices", profile.name());
        for invoice in document.lines() {
            let invoice: Value = serde_json::from_str(invoice).expect("JSON");
            for line in invoice["lines"].as_array().expect("lines") {
                let kind = line["line"]["kind"].as_str().expect("a word").to_owned();
                *kinds.entry(kind).or_default() += 1;
                let roles = line["events"].as_array().expect("events").iter();
                let roles: Vec<&str> = roles.filter_map(|by| by["role"].as_str()).collect();
                let needed: &[&str] = match line["line"]["kind"].as_str() {
                    Some("one_off") => &["charge", "invoice"],
                    Some("proration_credit") => {
                        &["price", "segment", "cycle", "credited_invoice", "change", "invoice"]
                    }
                    Some(_) | None => &["price", "segment", "cycle", "invoice"],
                };
                for role in needed {
                    assert!(roles.contains(role), "{role} not in {roles:?}: {line}");
                }
            }
        }
    }
    for kind in ["recurring", "one_off", "proration_charge", "proration_credit", "minimum_true_up"]
    {
        assert!(kinds.get(kind).is_some_and(|count| *count >= 10), "{kind}: {kinds:?}");
    }
}

/// Every number and every fraction in a line that an amount follows from.
fn figures(line: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |pointer: &str| {
        if line.pointer(pointer).is_some_and(|value| !value.is_null()) {
            found.push(pointer.to_owned());
        }
    };
    for pointer in [
        "/line/gross",
        "/line/net",
        "/line/exact",
        "/line/ratio",
        "/line/pricing/whole",
        "/line/rounding/0/rounded",
        "/line/rounding/0/exact",
        "/line/discounts/0/amount",
        "/line/discounts/0/exact",
        "/credited/line/pricing/whole",
    ] {
        add(pointer);
    }
    found
}

fn planted(invoice: &Value, line: usize, pointer: &str) -> String {
    let mut wrong = invoice.clone();
    let figure = wrong.pointer_mut(&format!("/lines/{line}{pointer}")).expect("it is there");
    *figure = match &*figure {
        Value::Number(number) => Value::from(number.as_i64().expect("a whole number") + 1),
        Value::String(text) => Value::from(match text.split_once('/') {
            Some((numerator, rest)) => format!("{numerator}1/{rest}"),
            None => format!("{text}1"),
        }),
        other => panic!("{pointer} is {other}"),
    };
    wrong.to_string()
}

#[test]
fn every_planted_error_is_found() {
    let (_, document) = agrees(Profile::StripeFlexible1, 7);
    let invoices: Vec<Value> =
        document.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut tried = std::collections::BTreeMap::<String, usize>::new();
    for invoice in &invoices {
        for (at, line) in invoice["lines"].as_array().expect("lines").iter().enumerate() {
            for pointer in figures(line) {
                let kind = line["line"]["kind"].as_str().expect("a word");
                let times = tried.entry(format!("{kind} {pointer}")).or_default();
                if *times >= 1 {
                    continue;
                }
                *times += 1;
                let output = evaluated(&planted(invoice, at, &pointer));
                let said = said(&output);
                assert_eq!(output.status.code(), Some(1), "{kind} {pointer}: {said}");
                let number = invoice["number"].as_str().expect("a number");
                assert!(said.contains(number), "{kind} {pointer}: {said}");
            }
        }
    }
    assert!(tried.len() >= 20, "{tried:?}");
    // An amount that adds up nowhere is found in the totals.
    let mut wrong = invoices[0].clone();
    wrong["totals"]["total"] = Value::from(-1);
    assert_eq!(evaluated(&wrong.to_string()).status.code(), Some(1));
    assert_eq!(evaluated("{}").status.code(), Some(2));
}

#[test]
fn an_invoice_and_a_line_are_explained_by_number_and_unknown_ones_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    history::play(folder.path(), Profile::Billfold1, 3);
    let tree = run(folder.path(), &["--output", "table", "explain", "INV-0001", "1"]);
    let tree = String::from_utf8(tree.stdout).expect("UTF-8");
    for word in ["├─ ", "└─ ", "billed by billfold@1", "line 1: ", "rounded half up", "made by"]
    {
        assert!(tree.contains(word), "{word} not in {tree}");
    }
    assert!(!tree.contains("line 2: "), "{tree}");
    let json = run(folder.path(), &["--output", "table", "explain", "INV-0001", "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["number"], "INV-0001");
    for unknown in [&["explain", "INV-9999"][..], &["explain", "INV-0001", "99"]] {
        let output = run(folder.path(), unknown);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    }
}
