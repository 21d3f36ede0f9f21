//! Every line of every invoice is explained, and a program that shares no code with the ledger
//! comes to the same amounts from the explanation alone.

#[path = "explain/history.rs"]
mod history;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use host::Folder;
use scenarios::file::{Cases, scenarios};
use scenarios::play;
use schemas::terms::{Policies, Profile};
use serde_json::Value;
use tests::nats::repository;
use tests::process::{billfold, run};

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
    explained_of("main", data)
}

fn explained_of(book: &str, data: &Path) -> String {
    let mut command = Command::new(billfold());
    command.env("BILLFOLD_DATA", data).env("BILLFOLD_BOOK", book);
    let output = command.args(["explain", "--all"]).output().expect("billfold can be started");
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).expect("JSON is UTF-8")
}

fn agrees(profile: Profile, policy: Option<(&str, &str)>, seed: u64) -> (usize, String) {
    let folder = tempfile::tempdir().expect("a folder");
    history::play(folder.path(), profile, policy, seed);
    let document = explained(folder.path());
    let output = evaluated(&document);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{} {policy:?} {seed}: {said}", profile.name());
    (document.lines().count(), document)
}

/// What explanations must have met, and how often they did.
#[derive(Debug, Default)]
struct Met(BTreeMap<&'static str, usize>);

impl Met {
    fn look(&mut self, document: &str) {
        for invoice in document.lines() {
            let invoice: Value = serde_json::from_str(invoice).expect("JSON");
            for line in invoice["lines"].as_array().expect("lines") {
                self.line(line);
                has_its_events(line);
            }
        }
    }

    fn line(&mut self, line: &Value) {
        let many = |pointer: &str, least: usize| {
            line.pointer(pointer).and_then(Value::as_array).is_some_and(|all| all.len() >= least)
        };
        let kind = |kind: &str| line["line"]["kind"] == kind;
        for (what, met) in [
            ("recurring", kind("recurring")),
            ("one_off", kind("one_off")),
            ("proration_charge", kind("proration_charge")),
            ("proration_credit", kind("proration_credit")),
            ("minimum_true_up", kind("minimum_true_up")),
            ("tiers", many("/line/tiers", 2)),
            ("credited before", many("/credited/before", 1)),
            ("bounded or rounded twice", many("/line/rounding", 2)),
            ("discount", many("/line/discounts", 1)),
            ("discounts", many("/line/discounts", 2)),
            ("shared", many("/sharing/0/shares", 2)),
            ("complement", !line["line"]["pricing"]["complement"].is_null()),
            ("in force", !line["in_force"].is_null()),
        ] {
            *self.0.entry(what).or_default() += usize::from(met);
        }
    }
}

/// The events that can have this role.
fn kinds(role: &str) -> &'static [&'static str] {
    match role {
        "price" => &["plan.version_defined"],
        "segment" => &[
            "subscription.created",
            "subscription.changed",
            "subscription.resumed",
            "subscription.ramp_agreed",
            "subscription.migrated",
        ],
        "cycle" => &["subscription.cycle_opened"],
        "charge" => &["charge.added"],
        "discount" => &["discount.applied", "subscription.ramp_agreed"],
        "change" => &[
            "subscription.created",
            "subscription.changed",
            "subscription.paused",
            "subscription.resumed",
            "subscription.canceled",
            "subscription.cancellation_undone",
            "subscription.migrated",
        ],
        "credited_invoice" | "invoice" => &["invoice.finalized"],
        other => panic!("no event is a {other}"),
    }
}

/// Every line names the events that it cannot do without, and each is what its role says.
fn has_its_events(line: &Value) {
    let events = line["events"].as_array().expect("events");
    for by in events {
        let role = by["role"].as_str().expect("a word");
        let kind = by["event"]["type"].as_str().expect("a word");
        assert!(kinds(role).contains(&kind), "{role} is {kind}: {line}");
    }
    let roles: Vec<&str> = events.iter().filter_map(|by| by["role"].as_str()).collect();
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

#[test]
fn the_evaluator_agrees_with_every_line_of_random_histories_of_every_profile() {
    let mut met = Met::default();
    for (seed, profile) in (1..).zip(Profile::ALL) {
        let (invoices, document) = agrees(*profile, None, seed);
        assert!(invoices >= 50, "{}: only {invoices} invoices", profile.name());
        met.look(&document);
    }
    assert!(met.0.values().all(|count| *count >= 1), "{met:?}");
}

#[test]
fn the_evaluator_agrees_with_every_rule_of_every_policy() {
    for (policy, rules) in Policies::NAMES {
        for (seed, rule) in (100..).zip(*rules) {
            let profile = Profile::ALL[seed % Profile::ALL.len()];
            agrees(profile, Some((*policy, *rule)), seed as u64);
        }
    }
}

/// Scenario files with the folder of the published cases that they name.
fn scenario_files() -> Vec<PathBuf> {
    let folders = ["tests/scenarios", "tests/cases"].map(|folder| repository().join(folder));
    let mut files: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    files
}

#[test]
fn the_evaluator_agrees_with_every_line_of_every_scenario() {
    let published = repository().join("tests/data/cases");
    let mut invoices = 0;
    for path in scenario_files() {
        let text = std::fs::read_to_string(&path).expect("readable");
        let cases = Cases { named: None, folder: &published };
        let read =
            scenarios(&text, cases).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        for (id, scenario) in read {
            let scenario = scenario.unwrap_or_else(|why| panic!("{id}: {why}"));
            let folder = tempfile::tempdir().expect("a folder");
            play(&scenario, &Folder::at(folder.path())).unwrap_or_else(|why| panic!("{id}: {why}"));
            let document = explained_of("scenario", folder.path());
            let output = evaluated(&document);
            assert_eq!(output.status.code(), Some(0), "{id}: {}", said(&output));
            invoices += document.lines().count();
        }
    }
    assert!(invoices > 100, "only {invoices} invoices");
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
        "/line/pricing/time",
        "/line/pricing/complement/billed",
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
        other @ (Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
            panic!("{pointer} is {other}")
        }
    };
    wrong.to_string()
}

#[test]
fn every_planted_error_is_found() {
    let (_, document) = agrees(Profile::StripeFlexible1, None, 7);
    let invoices: Vec<Value> =
        document.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut tried = BTreeMap::<String, usize>::new();
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
    history::play(folder.path(), Profile::Billfold1, None, 3);
    let seen = |arguments: &[&str]| {
        let mut command = Command::new(billfold());
        command.env("BILLFOLD_DATA", folder.path()).args(["--output", "table", "explain"]);
        command.args(arguments).output().expect("billfold can be started")
    };
    let tree = String::from_utf8(seen(&["INV-0001", "1"]).stdout).expect("UTF-8");
    for word in ["├─ ", "└─ ", "billed by billfold@1", "line 1: ", "rounded half up", "made by"]
    {
        assert!(tree.contains(word), "{word} not in {tree}");
    }
    assert!(!tree.contains("line 2: "), "{tree}");
    let json = seen(&["INV-0001", "--json"]).stdout;
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["number"], "INV-0001");
    for unknown in [&["explain", "INV-9999"][..], &["explain", "INV-0001", "99"]] {
        let output = run(folder.path(), unknown);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    }
}
