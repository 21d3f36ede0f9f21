//! The stories of `tests/scenarios`, and what `billfold scenario` says of good and bad files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use scenarios::file::{Cases, scenarios};
use scenarios::report::Difference;
use scenarios::{Scratch, play};
use serde_json::Value;
use tests::recording::{Recording, Tape};

fn files_of(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(folder).expect("the folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths.filter(|path| path.is_file()).collect();
    paths.sort();
    paths
}

fn stories() -> Vec<PathBuf> {
    files_of("scenarios")
}

#[test]
fn every_story_comes_out_as_it_is_told() {
    let paths = stories();
    assert!(paths.len() >= 12, "{} stories", paths.len());
    comes_out(paths, 4);
}

/// Combinations that were billed wrong once.
#[test]
fn every_fault_that_was_found_is_mended() {
    comes_out(files_of("scenarios/faults"), 1);
}

/// One story for each rule that no policy changes, and for each that one does.
#[test]
fn every_rule_has_a_story_that_comes_out() {
    let paths = files_of("scenarios/rules");
    assert!(paths.len() >= 20, "{} stories", paths.len());
    comes_out(paths, 2);
}

/// Everything holds that files expect, and each scenario expects so much at least.
fn comes_out(paths: Vec<PathBuf>, least: usize) {
    let scratch = Scratch::make().expect("a folder");
    let mut number = 0;
    for path in paths {
        let text = fs::read_to_string(&path).expect("a story");
        let cases = Cases { named: None, folder: Path::new(".") };
        for (name, scenario) in scenarios(&text, cases).expect("YAML") {
            let scenario = scenario.unwrap_or_else(|trouble| panic!("{name}: {trouble}"));
            number += 1;
            let folder = scratch.folder(number);
            let outcome = play(&scenario, &folder);
            fs::remove_dir_all(folder.root()).expect("a book of ours");
            let outcome = outcome.unwrap_or_else(|stopped| panic!("{name}: {stopped}"));
            let wrong: Vec<_> = outcome.differences.iter().map(Difference::text).collect();
            assert!(wrong.is_empty(), "{wrong:#?}");
            assert!(outcome.compared >= least, "{name} expects little");
        }
    }
}

/// The files whose scenarios are to be recorded, with `:` between them.
const RECORDED: &str = "BILLFOLD_RECORD_SCENARIOS";

/// Writes what scenarios send for `scripts/compare-with` if that is asked for; else looks at one.
#[test]
fn a_played_scenario_can_be_recorded() {
    let asked = std::env::var_os(RECORDED);
    let paths: Vec<PathBuf> = match &asked {
        Some(paths) => std::env::split_paths(paths).collect(),
        None => stories().into_iter().take(1).collect(),
    };
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/cases");
    let (mut tape, scratch) = (Tape::asked_for(), Scratch::make().expect("a folder"));
    for path in paths {
        let text = fs::read_to_string(&path).expect("a scenario file");
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        for (name, scenario) in
            scenarios(&text, Cases { named: None, folder: &cases }).unwrap_or_default()
        {
            // What cannot be read or played is compared as the command line tells it.
            let Ok(scenario) = scenario else { continue };
            let folder = scratch.folder(1);
            if play(&scenario, &folder).is_ok() {
                let book = "scenario".parse().expect("a name");
                let recording =
                    Recording::of_book(format!("scenario {stem}#{name}"), &folder, &book);
                assert!(recording.steps().len() > 3, "{name} sends little");
                tape.write(&recording);
            }
            fs::remove_dir_all(folder.root()).expect("a book of ours");
        }
    }
}

const BOOK: &str = "
scenario: 1
id: small
steps:
- {at: 2024-01-01T00:00:00Z, customer: {id: c}}
- plan: {id: p, prices: [{id: fee, model: flat, unit: 7}]}
- subscribe: {id: s, customer: c, plan: p}
- run: {through: 2024-01-01}
";

/// Runs `billfold scenario` on a small book and more steps.
fn run(steps: &str) -> (Output, Vec<Value>) {
    let scratch = tempfile::tempdir().expect("a folder");
    let file = scratch.path().join("small.yaml");
    fs::write(&file, format!("{BOOK}{steps}")).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_billfold-tested"));
    let output = command.arg("scenario").arg(&file).output().expect("it runs");
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"));
    let lines = lines.collect();
    (output, lines)
}

#[test]
fn all_as_expected_ends_with_0_and_a_summary() {
    let (output, lines) = run("- expect: {invoice: i1, total: \"7.00\", lines: [{net: 7}]}\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["path"], &lines[0]["want"]), (&"summary".into(), &"2".into()));
}

#[test]
fn a_difference_ends_with_1_and_says_step_path_want_and_got() {
    let (output, lines) = run("- expect: {invoice: i1, total: \"7.01\"}\n");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let line = &lines[0];
    assert_eq!((&line["id"], &line["step"]), (&"small".into(), &5.into()));
    assert_eq!((&line["path"], &line["want"]), (&"i1.total".into(), &"7.01".into()));
    assert_eq!(line["got"], "7.00");
    assert!(line["explain"].as_str().expect("a text").contains("recurring of fee"), "{line}");
}

#[test]
fn a_refusal_is_expected_by_its_code() {
    let steps = "- {reject: unknown_invoice, void: {invoice: i2}}\n";
    assert_eq!(run(steps).0.status.code(), Some(0));
    let (output, lines) = run("- {reject: unknown_plan, void: {invoice: i2}}\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        (&lines[0]["path"], &lines[0]["got"]),
        (&"reject".into(), &"unknown_invoice".into())
    );
    assert_eq!(run("- void: {invoice: i2}\n").0.status.code(), Some(1));
}

#[test]
fn what_is_overdue_is_as_of_the_time_of_the_step() {
    // Given an invoice of 7.00 to be paid through 31 January; when nothing but the clock moves;
    // then it is overdue from 1 February, for a step's own `at` and for steps behind it.
    let steps = "
- {at: 2024-01-31T23:59:59Z, expect: {customer: c, overdue: 0, open: 7}}
- expect: {invoice: i1, overdue: false, status: open}
- {at: 2024-02-01T00:00:00Z, expect: {customer: c, overdue: 7, open: 7}}
- expect: {invoice: i1, overdue: true, status: open}
- {at: 2024-02-02T00:00:00Z, pay: {id: p1, customer: c, amount: 3}}
- expect: {customer: c, overdue: 4}
- expect: {invoice: i1, overdue: true, status: partially_paid}
- pay: {id: p2, customer: c, amount: 4}
- {at: 2024-02-03T00:00:00Z, expect: {customer: c, overdue: 0}}
- expect: {invoice: i1, overdue: false, status: paid}
";
    let (output, lines) = run(steps);
    assert_eq!(output.status.code(), Some(0), "{lines:#?}");
    // The day is the seller's, which begins half a day earlier in Auckland.
    let steps = "
- {at: 2024-01-31T10:59:59Z, expect: {customer: c, overdue: 0}}
- {at: 2024-01-31T11:00:00Z, expect: {customer: c, overdue: 7}}
- expect: {invoice: i1, overdue: true}
book: {zone: Pacific/Auckland}
";
    let (output, lines) = run(steps);
    assert_eq!(output.status.code(), Some(0), "{lines:#?}");
}

#[test]
fn a_status_that_differs_says_what_is_open_and_until_when() {
    let (output, lines) =
        run("- {at: 2024-02-01T00:00:00Z, expect: {invoice: i1, status: overdue}}\n");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!((&lines[0]["path"], &lines[0]["got"]), (&"i1.status".into(), &"open".into()));
    let said = "7.00 is open, the last day to pay is 2024-01-31 and today is 2024-02-01";
    assert_eq!(lines[0]["explain"], said);
}

#[test]
fn a_step_before_what_the_clock_shows_ends_with_2_and_both_lines() {
    // Given a run that moves the clock to March; when a later step asks about February; then
    // nothing is answered as of March in its place.
    let steps = "- run: {through: 2024-03-01}
- {at: 2024-02-15T00:00:00Z, expect: {customer: c, overdue: 7}}
";
    let (output, lines) = run(steps);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), lines.len()), (Some(2), 0), "{said}");
    assert!(said.contains("step 6 (line 10): `at` is 2024-02-15T00:00:00Z"), "{said}");
    assert!(said.contains("shows 2024-03-01T00:00:00Z since line 9; it never goes back"), "{said}");
}

#[test]
fn what_is_not_there_is_told_by_its_alias_with_what_there_is() {
    for (step, explain) in [
        ("void: {invoice: i2}", "i2 is not an invoice of this customer; there is i1 of c"),
        (
            "subscribe: {id: t, customer: c, plan: q}",
            "q is not a plan of this book; define it first; there is p",
        ),
        (
            "cancel: {sub: t}",
            "t is not a subscription of this customer; create it first; there is s",
        ),
        (
            "grant_credit: {customer: d, amount: 1}",
            "d is not a customer of this book; register it first; there is c",
        ),
        ("reverse: {payment: p1}", "p1 is not a payment of this customer; there is no payment yet"),
    ] {
        let (output, lines) = run(&format!("- {step}\n"));
        assert_eq!(output.status.code(), Some(1), "{step}: {output:?}");
        assert_eq!((&lines[0]["line"], &lines[0]["explain"]), (&9.into(), &explain.into()));
    }
}

#[test]
fn words_that_name_nothing_end_with_2_and_their_line() {
    for (step, name) in [
        ("- void:\n    invoice: first", "step 5 (line 10): `void`: \"first\" is no invoice"),
        ("- expect: {rerun: full}", "step 5 (line 9): `rerun: full` of `expect`"),
        (
            "- void: {invoice: i2}\n  reject: unknown_invioce",
            "step 5 (line 10): `reject` of `step`: \"unknown_invioce\" is no code of a problem; \
             write unknown_invoice, ",
        ),
        (
            "- run: {through: 2024-01-02}\n  repeat: -1",
            "step 5 (line 10): `repeat` of `step`: \"-1\"",
        ),
    ] {
        let (output, lines) = run(&format!("{step}\n"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), lines.len()), (Some(2), 0), "{step}: {said}");
        assert!(said.contains(name), "{step}: {said}");
    }
}

#[test]
fn what_is_not_supported_ends_with_2_and_its_name_before_anything_is_played() {
    for (step, name) in [
        ("- tax: {code: vat, rate: \"10\"}", "verb `tax`"),
        ("- usage: [{id: u1, sub: s, meter: m, value: \"5\"}]", "verb `usage`"),
        ("- juggle: {balls: 3}", "verb `juggle`"),
        ("- subscribe: {id: t, customer: c, plan: p, colour: red}", "key `colour`"),
        ("- expect: {report: journal, rows: {}}", "report `journal`"),
        ("- expect: {customer: c, dunning: clear}", "key `dunning`"),
        ("- pay: {id: p1, customer: c, amount: 7, state: pending}", "`state: pending`"),
    ] {
        let (output, lines) = run(&format!("{step}\n"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{step}: {said}");
        assert!(said.contains(name) && said.contains("step 5"), "{step}: {said}");
        assert_eq!(lines, Vec::<Value>::new(), "{step}");
    }
}

#[test]
fn a_policy_or_profile_that_does_not_exist_is_named() {
    for (head, name) in [
        ("policies: {proration: by_moon}", "line 9: policy `proration: by_moon`"),
        ("policies:\n  proration: by_moon", "line 10: policy `proration: by_moon`"),
        ("profile: acme@1", "line 9: profile `acme@1`"),
    ] {
        let (output, _) = run(&format!("{head}\n"));
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(name), "{said}");
    }
    // A rule that only one policy has may stand under any name.
    assert_eq!(run("policies: {unit_of_time: by_second}\n").0.status.code(), Some(0));
}

#[test]
fn the_clock_never_goes_back() {
    let (output, _) = run("- {at: 2023-12-31T00:00:00Z, run: {through: 2023-12-31}}\n");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("never goes back"));
}
