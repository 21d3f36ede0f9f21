//! `scenario`: plays scenario files and prints what is not as expected.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use client::Node;
use scenarios::file::{Cases, Scenario, scenarios};
use scenarios::trouble::Trouble;
use scenarios::{Scratch, Stopped, play};
use terminal::{Format, Output};

use crate::cli::ScenarioArgs;
use crate::exit::Failure;
use crate::talk;

/// What became of the scenarios.
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
        match fs::read_to_string(path) {
            Ok(text) => play_file(path, &text, args, &scratch, &output, &mut tally)?,
            Err(error) => tally.trouble(path, format_args!(" cannot be read: {error}")),
        }
    }
    tally.conclude()
}

/// A scenario that cannot be played is told, and the others go on; a failure of the machine ends
/// all.
fn play_file(
    path: &Path,
    text: &str,
    args: &ScenarioArgs,
    scratch: &Scratch,
    output: &Output,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let beside = path.parent().unwrap_or(Path::new("."));
    let folder = args.cases.as_deref().unwrap_or(beside);
    let cases = Cases { named: args.case.as_deref(), folder };
    let all = match scenarios(text, cases) {
        Ok(all) => all,
        Err(trouble) => {
            tally.trouble(path, format_args!(": {trouble}"));
            return Ok(());
        }
    };
    for (id, read) in all {
        let trouble = match read {
            Ok(scenario) => play_one(&scenario, path, scratch, output, tally)?,
            Err(trouble) => Some(trouble),
        };
        if let Some(trouble) = trouble {
            tally.trouble(&path.join(format!("#{id}")), format_args!(": {trouble}"));
        }
    }
    Ok(())
}

/// Gives the trouble of a scenario that cannot be played to its end.
fn play_one(
    scenario: &Scenario,
    path: &Path,
    scratch: &Scratch,
    output: &Output,
    tally: &mut Tally,
) -> Result<Option<Trouble>, Failure> {
    tally.played += 1;
    let folder = scratch.folder(tally.played);
    let outcome = match play(scenario, &folder) {
        Ok(outcome) => outcome,
        Err(Stopped::Trouble(trouble)) => return Ok(Some(trouble)),
        Err(stopped) => return Err(stopped.into()),
    };
    // A log's segments are preallocated: many books at once would fill a disk.
    let _left = fs::remove_dir_all(folder.root());
    let file = path.display().to_string();
    let summary = outcome.summary(&scenario.id, &file);
    for line in outcome.differences.iter().chain(std::iter::once(&summary)) {
        output.item(&Node::of(line), || line.text())?;
    }
    tally.differing += usize::from(!outcome.holds());
    Ok(None)
}

impl Tally {
    fn trouble(&mut self, path: &Path, why: impl Display) {
        talk::tell(&format!("{}{why}", path.display()));
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
