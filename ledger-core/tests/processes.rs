//! The table of processes: what it names is there, and the house's description has all of it.

use std::collections::BTreeSet;
use std::path::Path;

use ledger_core::process::{PROCESSES, Process};
use schemas::Event;

#[test]
fn names_are_unique_and_every_event_that_starts_a_process_is_published() {
    let names: BTreeSet<&str> = PROCESSES.iter().map(|process| process.name).collect();
    assert_eq!(names.len(), PROCESSES.len());
    for process in PROCESSES {
        for event in process.starts {
            assert!(Event::summary(event).is_some(), "{} starts with {event}", process.name);
        }
    }
}

#[test]
fn the_description_of_the_house_has_the_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ARCHITECTURE.md");
    let text = std::fs::read_to_string(file).expect("the house is described");
    for row in PROCESSES.iter().map(row) {
        assert!(text.contains(&row), "ARCHITECTURE.md has no such row:\n{row}");
    }
}

fn row(process: &Process) -> String {
    let starts: Vec<String> = process.starts.iter().map(|event| format!("`{event}`")).collect();
    let (name, starts, when) = (process.name, starts.join(", "), process.when());
    let (does, otherwise) = (process.does, process.otherwise());
    format!("| `{name}` | {starts} | {when} | {does} | {otherwise} |")
}
