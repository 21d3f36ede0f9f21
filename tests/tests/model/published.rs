//! The published cases and the stories, told to the model.
//!
//! # Shape
//!
//! A scenario is played through the real path, where its figures are checked by other tests. Its
//! log has the commands; the model gets these and must bill what the ledger billed. So the rules
//! of every profile are held to what vendors publish.

use std::fs;
use std::path::{Path, PathBuf};

use ledger_core::Stamp;
use scenarios::file::{Cases, scenarios};
use scenarios::{Scratch, play};
use schemas::{Commit, StreamId};
use tests::kept::Kept;
use tests::log::{commits, reader_at};

use crate::customer::When;
use crate::judge::{Difference, compare};
use crate::model::Model;
use crate::play::text;

/// What the model says otherwise of the commands of a log.
fn otherwise(log: &[Commit]) -> Option<Difference> {
    let mut kept = Kept::default();
    let mut model = Model::default();
    for commit in log {
        let (recorded_at, effective_at) = (commit.recorded_at, commit.effective_at);
        let stamp = Stamp { command_id: commit.command_id, recorded_at, effective_at };
        let when = When { recorded: recorded_at.micros(), effective: effective_at.micros() };
        let expected = model.apply(&commit.command, when);
        kept.commit(&commit.command, &stamp, &commit.events);
        let documents = match expected {
            Ok(documents) => documents,
            Err(why) => {
                return Some(Difference {
                    kind: format!("{} is accepted", commit.command.kind().name),
                    command: format!("{:?}", commit.command),
                    expected: why.to_owned(),
                    got: "accepted".to_owned(),
                });
            }
        };
        let StreamId::Customer(id) = commit.stream else { continue };
        let Some(known) = model.known(id) else { continue };
        let of = (&commit.events[..], &documents[..]);
        let found = compare(known, (&kept.ledger, id), &commit.command, of, when.recorded);
        if found.is_some() {
            return found;
        }
    }
    None
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(folder).expect("the folder of scenarios");
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    paths.sort();
    paths
}

/// How many scenarios of a folder were told, and those that the model bills otherwise.
fn told(folder: &str) -> (usize, Vec<String>) {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/cases");
    let scratch = Scratch::make().expect("a folder");
    let (mut count, mut differ) = (0, Vec::new());
    for path in files(folder) {
        let read = fs::read_to_string(&path).expect("a scenario file");
        let read = scenarios(&read, Cases { named: None, folder: &cases }).expect("YAML");
        for (name, scenario) in read {
            let Ok(scenario) = scenario else { continue };
            count += 1;
            let folder = scratch.folder(count);
            let played = play(&scenario, &folder);
            let log = commits(reader_at(&folder.log(&text("scenario"))));
            fs::remove_dir_all(folder.root()).expect("a book of ours");
            if played.is_err() {
                differ.push(format!("{name}: it cannot be played"));
            } else if let Some(found) = otherwise(&log) {
                differ.push(format!(
                    "{name}: {}\n command {}\n expected {}\n got {}",
                    found.kind, found.command, found.expected, found.got
                ));
            }
        }
    }
    (count, differ)
}

#[test]
fn published_cases_and_stories_are_billed_as_the_model_says() {
    let mut differ = Vec::new();
    for folder in ["cases", "scenarios"] {
        let (count, found) = told(folder);
        println!("{folder}: {} of {count} as the model says", count - found.len());
        differ.extend(found);
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}
