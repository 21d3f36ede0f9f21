//! Published examples of vendors, played through the real path.
//!
//! Each published case is either a scenario in `tests/cases`, written from its inputs, or listed
//! in `not-expressible.txt` with the reason. The figures are read from the case itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use scenarios::file::{Cases, scenarios};
use scenarios::report::Difference;
use scenarios::{Scratch, play};

/// How many cases of a file must be played at least: of 01, 02 and so on.
const FLOORS: [(&str, usize); 7] =
    [("01", 6), ("02", 33), ("03", 4), ("04", 5), ("05", 14), ("06", 27), ("08", 2)];

/// Cases whose figures are words without a year, such as "August 10": written out as dates.
const IN_WORDS: [&str; 3] = ["ANCHOR-LAGO-1", "ANCHOR-STRIPE-5", "ANCHOR-STRIPE-7"];

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> PathBuf {
    tests().join("data/cases")
}

/// The ids of every file, by the file's name.
fn published() -> BTreeMap<String, Vec<String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder()).expect("the folder of cases") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a file of cases");
        let cases: Vec<serde_json::Value> = serde_json::from_str(&text).expect("a list of cases");
        let id = |case: &serde_json::Value| case["id"].as_str().expect("an id").to_owned();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        files.insert(name, cases.iter().map(id).collect());
    }
    files
}

/// What is not expressible, with the reason.
fn listed() -> BTreeMap<String, String> {
    let text = fs::read_to_string(tests().join("cases/not-expressible.txt")).expect("the list");
    let entry = |line: &str| {
        let (id, reason) = line.split_once('\t').expect("an id, a tab, a reason");
        (id.to_owned(), reason.to_owned())
    };
    text.lines().map(entry).collect()
}

/// The names of the scenario files, without what stands behind the last point.
fn written() -> BTreeSet<String> {
    let entries = fs::read_dir(tests().join("cases")).expect("the folder of scenarios");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned)).collect()
}

fn text_of(id: &str) -> String {
    fs::read_to_string(tests().join(format!("cases/{id}.yaml"))).expect("a scenario file")
}

#[test]
fn each_published_case_is_a_scenario_or_listed_with_its_reason() {
    let (listed, written) = (listed(), written());
    let published: BTreeSet<String> = published().into_values().flatten().collect();
    for id in &published {
        let ways = usize::from(written.contains(id)) + usize::from(listed.contains_key(id));
        assert_eq!(ways, 1, "{id} is in {ways} of the two places");
    }
    let known: BTreeSet<String> = written.into_iter().chain(listed.keys().cloned()).collect();
    let unknown: Vec<_> = known.difference(&published).collect();
    assert!(unknown.is_empty(), "not published: {unknown:?}");
    assert!(listed.values().all(|reason| reason.len() > 20), "a reason is a sentence");
}

#[test]
fn a_scenario_reads_the_figures_of_its_own_case() {
    for (file, ids) in published() {
        for id in ids.iter().filter(|id| written().contains(*id)) {
            let text = text_of(id);
            let named = text.lines().filter(|line| line.starts_with("case: "));
            let named: Vec<_> = named.collect();
            assert!(!named.is_empty(), "{id} names no case");
            assert!(named.iter().all(|line| *line == format!("case: {file}#{id}")), "{named:?}");
            let reads = text.contains("$case: /expected/");
            assert_eq!(reads, !IN_WORDS.contains(&id.as_str()), "{id} restates its figures");
        }
    }
}

/// What is wrong with a scenario file; nothing if all is as published.
fn differences(id: &str, scratch: &Scratch, number: usize) -> Vec<String> {
    let cases = Cases { named: None, folder: &folder() };
    let read = scenarios(&text_of(id), cases).expect("YAML");
    let mut wrong = Vec::new();
    for (part, (name, scenario)) in read.into_iter().enumerate() {
        let scenario = match scenario {
            Ok(scenario) => scenario,
            Err(trouble) => {
                wrong.push(format!("{name}: {trouble}"));
                continue;
            }
        };
        let folder = scratch.folder(number * 10 + part);
        let played = play(&scenario, &folder);
        std::fs::remove_dir_all(folder.root()).expect("a book of ours");
        match played {
            Ok(outcome) => wrong.extend(outcome.differences.iter().map(Difference::text)),
            Err(stopped) => wrong.push(format!("{name}: {stopped}")),
        }
    }
    wrong
}

/// Plays every scenario, two at a time.
fn played() -> BTreeMap<String, Vec<String>> {
    let ids: Vec<String> = written().into_iter().collect();
    let scratch = Scratch::make().expect("a folder");
    let (ids, scratch) = (&ids, &scratch);
    let lane = |lane: usize| {
        let mine = ids.iter().enumerate().filter(move |(number, _)| number % 2 == lane);
        mine.map(|(number, id)| (id.clone(), differences(id, scratch, number))).collect()
    };
    thread::scope(|scope| {
        let other = scope.spawn(move || lane(1));
        let mut all: BTreeMap<String, Vec<String>> = lane(0);
        let more: BTreeMap<String, Vec<String>> = other.join().expect("the other lane");
        all.extend(more);
        all
    })
}

/// Prints what `just cases` shows.
#[test]
fn every_case_that_is_a_scenario_comes_out_as_published() {
    let (played, listed) = (played(), listed());
    let mut below = Vec::new();
    println!("{:<36} {:>4} {:>5} {:>15} {:>5}", "file", "all", "pass", "not expressible", "fail");
    for (file, ids) in published() {
        let fails = |id: &&String| played.get(*id).is_some_and(|wrong| !wrong.is_empty());
        let fail = ids.iter().filter(fails).count();
        let pass = ids.iter().filter(|id| played.contains_key(*id)).count() - fail;
        let not = ids.iter().filter(|id| listed.contains_key(*id)).count();
        println!("{file:<36} {:>4} {pass:>5} {not:>15} {fail:>5}", ids.len());
        let floor = FLOORS.iter().find(|(number, _)| file.starts_with(number));
        let (_, floor) = floor.expect("every file has a floor");
        if pass < *floor {
            below.push(format!("{file}: {pass} of at least {floor}"));
        }
    }
    println!();
    for (id, reason) in &listed {
        println!("not expressible: {id}: {reason}");
    }
    let wrong: Vec<_> = played.values().flatten().collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(below.is_empty(), "{below:?}");
}
