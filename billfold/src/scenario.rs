//! `scenario`: readable tests of billing, from files.
//!
//! # Shape
//!
//! [`yaml`] reads texts, [`mod@file`] and [`steps`] understand every word of them, [`commands`]
//! makes commands of steps, [`mod@run`] plays them against a fresh book and [`check`] compares
//! what is expected with what the book says. `docs/scenarios.md` describes the format.
//!
//! # Correctness
//!
//! A file is understood whole before anything is played: a verb, a key or a policy that billfold
//! does not have ends it with status 2 and its name, and no expectation is skipped in silence.
//! No number passes through a float.

pub mod case;
mod check;
pub mod commands;
pub mod expect;
pub mod fields;
pub mod file;
pub mod report;
mod run;
mod seen;
pub mod steps;
pub mod trouble;
pub mod value;
mod world;
pub mod yaml;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use run::{Stopped, play};

use crate::cli::{Format, ScenarioArgs};
use crate::edge;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::output::{Node, Output};
use crate::talk;
use file::{Cases, Scenario, scenarios};
use trouble::Trouble;

/// What became of a file's scenarios.
#[derive(Debug, Default)]
struct Tally {
    played: usize,
    differing: usize,
    troubles: usize,
}

/// Runs `scenario`.
///
/// # Errors
/// [`Failure`]: something differs, or a file asks for what billfold does not have.
pub fn run(args: &ScenarioArgs, asked: Option<Format>) -> Result<(), Failure> {
    // Programs read it; who looks at it asks for a table.
    let output = Output::new(asked.or(Some(Format::Jsonl)));
    let scratch = Scratch::make()?;
    let mut tally = Tally::default();
    for path in &args.files {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                tally.unreadable(path, &error);
                continue;
            }
        };
        let played = play_file(path, &text, args, &scratch, &output, &mut tally);
        if let Err(stopped) = played {
            tally.trouble(path, stopped)?;
        }
    }
    tally.conclude()
}

fn play_file(
    path: &Path,
    text: &str,
    args: &ScenarioArgs,
    scratch: &Scratch,
    output: &Output,
    tally: &mut Tally,
) -> Result<(), Stopped> {
    let beside = path.parent().unwrap_or(Path::new("."));
    let folder = args.cases.as_deref().unwrap_or(beside);
    let cases = Cases { named: args.case.as_deref(), folder };
    for (id, read) in scenarios(text, cases)? {
        let played = read
            .map_err(Stopped::from)
            .and_then(|scenario| play_one(&scenario, path, scratch, output, tally));
        if let Err(stopped) = played {
            tally.trouble(&path.join(format!("#{id}")), stopped)?;
        }
    }
    Ok(())
}

fn play_one(
    scenario: &Scenario,
    path: &Path,
    scratch: &Scratch,
    output: &Output,
    tally: &mut Tally,
) -> Result<(), Stopped> {
    tally.played += 1;
    let folder = scratch.folder(tally.played);
    let outcome = play(scenario, &folder)?;
    // A log's segments are preallocated: many books at once would fill a disk.
    let _left = fs::remove_dir_all(folder.root());
    let file = path.display().to_string();
    let summary = outcome.summary(&scenario.id, &file);
    for line in outcome.differences.iter().chain(std::iter::once(&summary)) {
        output.item(&Node::of(line), || line.text())?;
    }
    tally.differing += usize::from(!outcome.holds());
    Ok(())
}

impl Tally {
    /// A scenario that cannot be played is told, and the others go on; a failure of the machine
    /// ends all.
    fn trouble(&mut self, path: &Path, stopped: Stopped) -> Result<(), Failure> {
        let trouble: Trouble = match stopped {
            Stopped::Trouble(trouble) => trouble,
            Stopped::Failure(failure) => return Err(failure),
        };
        talk::say(&format!("billfold: {}: {trouble}", path.display()));
        self.troubles += 1;
        Ok(())
    }

    /// The others go on here too.
    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        talk::say(&format!("billfold: {} cannot be read: {error}", path.display()));
        self.troubles += 1;
    }

    fn conclude(self) -> Result<(), Failure> {
        let Self { played, differing, troubles } = self;
        if troubles > 0 {
            return Err(Failure::Usage(format!("scenarios that cannot be played: {troubles}")));
        }
        if differing > 0 {
            return Err(Failure::Refused(format!("{differing} of {played} scenarios differ")));
        }
        Ok(())
    }
}

/// A folder for the books of scenarios, gone in the end.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A fresh one.
    ///
    /// # Errors
    /// [`Failure::Io`].
    pub fn make() -> Result<Self, Failure> {
        let path =
            std::env::temp_dir().join(format!("billfold-scenario-{}", edge::fresh().simple()));
        fs::create_dir_all(&path)
            .map_err(|error| Failure::io(format!("{} cannot be made", path.display()), error))?;
        Ok(Self(path))
    }

    /// The folder of the `n`-th book.
    pub fn folder(&self, n: usize) -> Folder {
        Folder::at(self.0.join(n.to_string()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left of it lies in the folder for temporary files.
        let _left = fs::remove_dir_all(&self.0);
    }
}
