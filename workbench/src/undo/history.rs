//! What was before, and what came after: the streams of the chosen commits, from their beginning.

use std::collections::{BTreeMap, BTreeSet};

use client::Ask;
use ledger_core::undo::{Done, Past, Stays, Step, undoing};
use ledger_core::{Ledger, Stamp};
use schemas::feed::{FeedEntry, FeedRead, FeedRecord};
use schemas::ids::CommandId;
use schemas::{Command, Event, Personal, StreamId, Timestamp};

use super::chosen::{Targets, position, read};
use super::rests::Touched;
use crate::error::WorkError;

/// A commit of one of the streams.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) position: u64,
    pub(super) stream: StreamId,
    pub(super) id: CommandId,
    pub(super) actor: String,
    pub(super) recorded_at: Timestamp,
    pub(super) effective_at: Timestamp,
    pub(super) command: Command,
    pub(super) events: Vec<Event>,
    /// The things that it names.
    pub(super) touched: Touched,
    /// It is to be taken back.
    pub(super) is_target: bool,
    /// The state in front of it, from the first target on.
    before: Option<Ledger>,
}

/// The streams of the chosen commits, and the book's, whole.
#[derive(Debug)]
pub(super) struct History {
    /// Oldest first.
    pub(super) entries: Vec<Entry>,
    /// Where each command's commit is among them.
    places: BTreeMap<CommandId, usize>,
    /// The state behind the last of them.
    pub(super) ledger: Ledger,
    /// Commits of other streams that name what a target of the book's stream made.
    pub(super) elsewhere: Vec<(String, FeedEntry)>,
}

impl History {
    /// Reads the streams of the chosen commits.
    ///
    /// # Errors
    /// What the door says; [`WorkError::Refused`] where a commit cannot be read whole.
    pub(super) fn read(targets: &Targets, door: &impl Ask) -> Result<Self, WorkError> {
        let book = StreamId::Book.to_string();
        let streams: BTreeSet<String> =
            targets.entries.iter().map(|entry| entry.stream.clone()).chain([book]).collect();
        let mut entries = Vec::new();
        for stream in &streams {
            let question = FeedRead { stream: Some(stream.clone()), ..FeedRead::default() };
            read(door, question, |entry| {
                entries.push(Entry::read(&entry, &targets.positions)?);
                Ok(true)
            })?;
        }
        entries.sort_by_key(|entry| entry.position);
        let ledger = fold(&mut entries)?;
        let places = entries.iter().enumerate().map(|(at, entry)| (entry.id, at)).collect();
        let elsewhere = elsewhere(&entries, &streams, door)?;
        Ok(Self { entries, places, ledger, elsewhere })
    }

    /// The commits that are to be taken back, oldest first.
    pub(super) fn targets(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_target)
    }

    /// The commit of a command, if there is one.
    pub(super) fn of(&self, id: CommandId) -> Option<&Entry> {
        self.places.get(&id).map(|at| &self.entries[*at])
    }

    /// What takes a commit back.
    pub(super) fn undoing(&self, entry: &Entry, reason: &Personal) -> Result<Vec<Step>, Stays> {
        let earlier = self.entries.iter().take_while(|other| other.position < entry.position);
        let earlier: Vec<Done<'_>> =
            earlier.filter(|other| other.stream == entry.stream).map(Entry::done).collect();
        let ledger = entry.before.as_ref().unwrap_or(&self.ledger);
        undoing(&entry.done(), &Past { ledger, commits: &earlier }, reason)
    }

    /// It was taken back, and that was not taken back itself.
    pub(super) fn is_undone(&self, entry: &Entry, reason: &Personal) -> bool {
        let Ok(steps) = self.undoing(entry, reason) else { return false };
        let stands = |step: &Step| {
            let made = self.of(step.id(entry.id));
            made.is_some_and(|made| !self.is_undone(made, reason))
        };
        !steps.is_empty() && steps.iter().all(stands)
    }
}

impl Entry {
    fn read(entry: &FeedEntry, targets: &BTreeSet<u64>) -> Result<Self, WorkError> {
        let position = position(entry);
        let unreadable = |why: &dyn std::fmt::Display| {
            WorkError::Refused(format!(
                "the commit at position {position} cannot be read from the feed: {why}; take back \
                 by hand what rests on it"
            ))
        };
        if entry.bodies_left_out {
            return Err(unreadable(&"it is too large for a message"));
        }
        let json = |record: &FeedRecord| record.body.to_string().into_bytes();
        let command = Command::from_json(&entry.command.kind, &json(&entry.command));
        let events = entry.events.iter().map(|event| Event::from_json(&event.kind, &json(event)));
        let erased = "a text of it was erased, or its key is not here";
        Ok(Self {
            position,
            stream: entry.stream.parse().map_err(|error| unreadable(&error))?,
            id: entry.command_id.parse().map_err(|error| unreadable(&error))?,
            actor: entry.actor.clone(),
            recorded_at: entry.recorded_at,
            effective_at: entry.effective_at,
            command: command.map_err(|_| unreadable(&erased))?,
            events: events.collect::<Result<_, _>>().map_err(|_| unreadable(&erased))?,
            touched: Touched::by(entry),
            is_target: targets.contains(&position),
            before: None,
        })
    }

    fn done(&self) -> Done<'_> {
        let Self { id, effective_at, command, events, .. } = self;
        Done { command_id: *id, effective_at: *effective_at, command, events }
    }

    /// Whose it is, and when it was, for a sentence.
    pub(super) fn told(&self) -> String {
        let name = self.command.kind().name;
        format!("{name} at position {} by {}", self.position, self.actor)
    }
}

/// Folds the commits, and keeps the state in front of each from the first target on.
fn fold(entries: &mut [Entry]) -> Result<Ledger, WorkError> {
    let mut ledger = Ledger::default();
    let mut reached = false;
    for entry in entries {
        reached |= entry.is_target;
        entry.before = reached.then(|| ledger.clone());
        let stamp = Stamp {
            command_id: entry.id,
            recorded_at: entry.recorded_at,
            effective_at: entry.effective_at,
        };
        let folded = ledger.fold(entry.position, entry.stream, &stamp, &entry.events);
        folded.map_err(|unmade| {
            WorkError::Wrong(format!("the commit at position {}: {unmade}", entry.position))
        })?;
    }
    Ok(ledger)
}

/// Commits of other streams that name what a target of the book's stream made.
fn elsewhere(
    entries: &[Entry],
    streams: &BTreeSet<String>,
    door: &impl Ask,
) -> Result<Vec<(String, FeedEntry)>, WorkError> {
    let mut made = entries.iter().filter(|entry| entry.is_target && entry.stream == StreamId::Book);
    let mut found = Vec::new();
    let Some(first) = made.clone().find(|entry| entry.touched.shared().next().is_some()) else {
        return Ok(found);
    };
    let shared: Vec<String> = made.by_ref().flat_map(|entry| entry.touched.shared()).collect();
    read(door, FeedRead::default(), |entry| {
        if position(&entry) > first.position && !streams.contains(&entry.stream) {
            let touched = Touched::by(&entry);
            let named = shared.iter().find(|thing| touched.names(thing));
            found.extend(named.map(|thing| (thing.clone(), entry)));
        }
        Ok(true)
    })?;
    Ok(found)
}
