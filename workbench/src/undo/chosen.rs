//! Which commits are meant, by the feed.

use std::collections::BTreeSet;

use client::{Ask, AskError};
use schemas::feed::{FeedEntry, FeedPage, FeedRead};
use schemas::query::MAX_LIMIT;
use schemas::wire::{Endpoint, Headers, LogPosition};
use schemas::{Problem, problem::Fault};

use super::settings::{Bound, Chosen, CommitName, MAX_COMMITS};
use crate::error::WorkError;

/// The command of commits that are a part of another one.
const PART: &str = "customer.draft_part";

/// The commits that are chosen, and the log that they lie in.
#[derive(Debug)]
pub(super) struct Targets {
    /// Oldest first.
    pub(super) entries: Vec<FeedEntry>,
    pub(super) positions: BTreeSet<u64>,
}

/// Reads the feed page by page, as long as `each` wants more.
pub(super) fn read(
    door: &impl Ask,
    mut question: FeedRead,
    mut each: impl FnMut(FeedEntry) -> Result<bool, WorkError>,
) -> Result<(), WorkError> {
    question.limit = Some(MAX_LIMIT);
    loop {
        let body = serde_json::to_vec(&question).map_err(AskError::NoJsonForm)?;
        let answer = door.ask(Endpoint::Feed, Headers::new(), body)?;
        let page: FeedPage = serde_json::from_slice(&answer)
            .map_err(|source| AskError::Unreadable { what: "feed.read".to_owned(), source })?;
        for entry in page.data {
            if !each(entry)? {
                return Ok(());
            }
        }
        if !page.has_more {
            return Ok(());
        }
        question.after = page.next;
    }
}

/// Where a commit lies.
pub(super) fn position(entry: &FeedEntry) -> u64 {
    entry.position.parse::<LogPosition>().map_or(0, |found| found.position)
}

/// The token behind which a commit is the next one.
fn before(door: &impl Ask, position: u64) -> Result<Option<String>, WorkError> {
    if position <= 1 {
        return Ok(None);
    }
    // Only an answer says which log it is.
    let question = FeedRead { limit: Some(1), ..FeedRead::default() };
    let mut log = None;
    read(door, question, |entry| {
        log = entry.position.parse::<LogPosition>().ok().map(|found| found.log);
        Ok(false)
    })?;
    Ok(log.map(|log| LogPosition { log, position: position - 1 }.to_string()))
}

/// Finds what is chosen.
///
/// # Errors
/// What the door says; [`WorkError::Refused`] when there is nothing, or too much.
pub(super) fn find(chosen: &Chosen, door: &impl Ask) -> Result<Targets, WorkError> {
    let mut question = FeedRead::default();
    match chosen {
        Chosen::Batch(batch) => question.batch = Some(*batch),
        Chosen::Session(session) => question.session = Some(*session),
        Chosen::By { actor, since, .. } => {
            question.actor = Some(actor.clone());
            if let Bound::Position(first) = since {
                question.after = before(door, *first)?;
            }
        }
        Chosen::Each(names) => {
            let positions = names.iter().map(|name| match name {
                CommitName::Position(position) => Some(*position),
                CommitName::Command(_) => None,
            });
            let positions: Option<Vec<u64>> = positions.collect();
            let first = positions.and_then(|positions| positions.into_iter().min());
            question.after = before(door, first.unwrap_or(1))?;
        }
    }
    let mut found = Targets { entries: Vec::new(), positions: BTreeSet::new() };
    read(door, question, |entry| {
        let position = position(&entry);
        // A part of a command goes with it.
        let is_part = entry.command.kind == PART;
        if !is_part && is_meant(chosen, &entry, position) {
            found.positions.insert(position);
            found.entries.push(entry);
        }
        if found.entries.len() > MAX_COMMITS {
            let why = format!("more than {MAX_COMMITS} commits are meant; take them back in parts");
            return Err(WorkError::Refused(why));
        }
        Ok(goes_on(chosen, found.entries.len(), position))
    })?;
    missing(chosen, &found)?;
    Ok(found)
}

fn is_meant(chosen: &Chosen, entry: &FeedEntry, position: u64) -> bool {
    let reached = |bound: &Bound| match bound {
        Bound::Position(first) => *first <= position,
        Bound::At(instant) => *instant <= entry.recorded_at,
    };
    let passed = |bound: &Bound| match bound {
        Bound::Position(last) => *last < position,
        Bound::At(instant) => *instant < entry.recorded_at,
    };
    match chosen {
        Chosen::Batch(_) | Chosen::Session(_) => true,
        Chosen::By { since, until, .. } => reached(since) && !until.as_ref().is_some_and(passed),
        Chosen::Each(names) => names.iter().any(|name| is_called(entry, position, name)),
    }
}

fn is_called(entry: &FeedEntry, position: u64, name: &CommitName) -> bool {
    match name {
        CommitName::Position(wanted) => *wanted == position,
        CommitName::Command(id) => entry.command_id == id.to_string(),
    }
}

fn goes_on(chosen: &Chosen, found: usize, position: u64) -> bool {
    match chosen {
        Chosen::Each(names) => found < names.len(),
        Chosen::By { until: Some(Bound::Position(last)), .. } => position < *last,
        Chosen::By { .. } | Chosen::Batch(_) | Chosen::Session(_) => true,
    }
}

/// Everything that was named is there.
fn missing(chosen: &Chosen, found: &Targets) -> Result<(), WorkError> {
    let nothing = |what: String| {
        let detail = format!("no commit of the book {what}; list commits with `billfold feed`");
        Err(AskError::from(Problem::fault(Fault::NotFound, detail)).into())
    };
    if let Chosen::Each(names) = chosen {
        for name in names {
            let is_there = |entry: &FeedEntry| is_called(entry, position(entry), name);
            if !found.entries.iter().any(is_there) {
                return nothing(match name {
                    CommitName::Position(position) => format!("is at position {position}"),
                    CommitName::Command(id) => format!("has the command id {id}"),
                });
            }
        }
    }
    if !found.entries.is_empty() {
        return Ok(());
    }
    nothing(match chosen {
        Chosen::Batch(batch) => format!("is of {batch}"),
        Chosen::Session(session) => format!("is of {session}"),
        Chosen::By { actor, .. } => format!("in that range is by {actor}"),
        Chosen::Each(_) => "was named".to_owned(),
    })
}
