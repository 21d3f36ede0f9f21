//! What takes the chosen commits back, decided step by step on a copy.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use client::{Ask, AskError, edge};
use ledger_core::undo::{Step, also, takes_back};
use ledger_core::{Ledger, Stamp};
use schemas::ids::{CommandId, derive};
use schemas::preview::PreviewToken;
use schemas::view::{Answer, CommandPreview};
use schemas::wire::Headers;
use schemas::{Command, Event, Personal, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::chosen::position;
use super::history::{Entry, History};
use super::rests::NEXT_INVOICE;
use crate::error::WorkError;

/// What becomes of a step.
#[derive(Debug)]
pub(super) enum Standing {
    /// It was done before, in this commit.
    Done(u64),
    /// It would become this.
    Planned {
        /// Its events.
        events: Vec<Event>,
        /// Commits exactly these.
        token: PreviewToken,
    },
    /// The ledger would refuse it.
    Refused(String),
}

/// A step that takes a commit back.
#[derive(Debug)]
pub(super) struct PlannedStep {
    pub(super) step: Step,
    pub(super) id: CommandId,
    pub(super) standing: Standing,
}

/// A chosen commit and what takes it back.
#[derive(Debug)]
pub(super) struct Planned {
    /// Where the commit lies.
    pub(super) position: u64,
    pub(super) steps: Vec<PlannedStep>,
    /// Why it stays, and the way out.
    pub(super) stays: Option<String>,
}

/// All that is to be done, in order: the newest commit first.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) commits: Vec<Planned>,
}

/// Where the copy stands while steps are decided on it.
struct Copy<'a> {
    ledger: Ledger,
    history: &'a History,
    position: u64,
    now: Option<Timestamp>,
}

impl Plan {
    /// Decides what takes the chosen commits of a history back.
    ///
    /// # Errors
    /// What the door says; [`WorkError::Wrong`] where the ledger would decide otherwise.
    pub(super) fn of(history: &History, reason: &str, door: &impl Ask) -> Result<Self, WorkError> {
        let reason: Personal =
            reason.parse().map_err(|error| WorkError::Refused(format!("the reason: {error}")))?;
        let ledger = history.ledger.clone();
        let now = ledger.test_clock();
        let position = history.entries.last().map_or(0, |entry| entry.position);
        let mut copy = Copy { ledger, history, position, now };
        let mut commits = Vec::new();
        for entry in history.targets().rev() {
            let mut planned = Planned { position: entry.position, steps: vec![], stays: None };
            match history.undoing(entry, &reason) {
                Err(stays) => planned.stays = Some(stays.to_string()),
                Ok(steps) => {
                    planned.stays = copy.rests(entry, &reason, door)?;
                    if planned.stays.is_none() {
                        copy.take_back(entry, steps, &reason, &mut planned, door)?;
                    }
                }
            }
            commits.push(planned);
        }
        Ok(Self { commits })
    }

    /// Why nothing is done, if something of it cannot be.
    pub(super) fn refused(&self) -> Option<String> {
        let stays = |planned: &&Planned| planned.stays.is_some();
        let count = self.commits.iter().filter(stays).count();
        let first = self.commits.iter().find(stays)?;
        let (position, why) = (first.position, first.stays.as_deref().unwrap_or_default());
        let others = match count - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let nothing = "nothing was taken back";
        Some(format!("{nothing}: the commit at position {position} stays{others}: {why}"))
    }

    /// Tells this plan from another: it says what is done, neither when nor for what reason.
    pub(super) fn token(&self) -> String {
        let mut text = String::new();
        for step in self.pending() {
            if let Standing::Planned { token, .. } = &step.standing {
                let PreviewToken { command_id, revision, events, .. } = token;
                write!(text, "{command_id} {revision} {events:?} ").expect("text");
            }
        }
        format!("un1_{}", derive(Uuid::nil(), &text).simple())
    }

    /// Steps that are not done yet, in order.
    fn pending(&self) -> impl Iterator<Item = &PlannedStep> {
        let steps = self.commits.iter().flat_map(|planned| &planned.steps);
        steps.filter(|step| matches!(step.standing, Standing::Planned { .. }))
    }
}

/// Later commits of its stream that rest on a commit, and what they name.
fn resting<'a>(
    history: &'a History,
    entry: &'a Entry,
    reason: &Personal,
) -> Vec<(&'a Entry, &'a str)> {
    let ours = |other: &Entry| history.targets().any(|target| is_step(other, target));
    let later = history.entries.iter().filter(|other| {
        other.position > entry.position && !other.is_target && other.stream == entry.stream
    });
    let named = later.filter_map(|other| Some((other, entry.touched.under(&other.touched)?)));
    let rest = named.filter(|(other, thing)| {
        !follows_by_itself(other.command.kind().name, thing)
            && !ours(other)
            && !is_neutral(history, other, reason)
    });
    rest.collect()
}

/// What a run billed follows from what stands, and is billed otherwise once that is other; nobody
/// decided it. Only what is used up by an invoice is not there any more.
fn follows_by_itself(kind: &str, thing: &str) -> bool {
    Command::INTERNAL.contains(&kind) && thing != NEXT_INVOICE
}

/// All that rests on a commit and on what rests on it, oldest first.
fn resting_whole<'a>(history: &'a History, entry: &'a Entry, reason: &Personal) -> Vec<&'a Entry> {
    let mut found: BTreeMap<u64, &Entry> = BTreeMap::new();
    let mut open = vec![entry];
    while let Some(next) = open.pop() {
        for (other, _) in resting(history, next, reason) {
            if found.insert(other.position, other).is_none() {
                open.push(other);
            }
        }
    }
    found.into_values().collect()
}

/// Of a commit of the book's stream: what other streams made of it later.
fn rests_elsewhere(history: &History, entry: &Entry) -> Option<String> {
    let named = history.elsewhere.iter().filter(|(thing, other)| {
        let kind = &other.command.kind;
        entry.touched.names(thing)
            && position(other) > entry.position
            && !follows_by_itself(kind, thing)
    });
    let mut named = named.map(|(thing, other)| (thing, &other.command.kind, position(other)));
    let (thing, kind, at) = named.next()?;
    let all = [entry.position, at].into_iter().chain(named.map(|(_, _, at)| at));
    let all = positions(all);
    Some(format!(
        "{kind} at position {at} rests on it, by {thing}; take that back with it: `billfold undo \
         {all}`"
    ))
}

fn positions(of: impl Iterator<Item = u64>) -> String {
    of.map(|position| position.to_string()).collect::<Vec<_>>().join(" ")
}

/// It was taken back, or took something back that is: both together did nothing.
fn is_neutral(history: &History, entry: &Entry, reason: &Personal) -> bool {
    if history.is_undone(entry, reason) {
        return true;
    }
    history.entries.iter().take_while(|other| other.position < entry.position).any(|other| {
        other.stream == entry.stream && is_step(entry, other) && history.is_undone(other, reason)
    })
}

fn is_step(entry: &Entry, undone: &Entry) -> bool {
    takes_back(entry.id, &entry.command, undone.id)
}

impl Copy<'_> {
    /// What came later and rests on a commit, if something does; and the way out, which was tried
    /// on another copy.
    ///
    /// # Errors
    /// As [`Plan::of`].
    fn rests(
        &self,
        entry: &Entry,
        reason: &Personal,
        door: &impl Ask,
    ) -> Result<Option<String>, WorkError> {
        let history = self.history;
        if history.is_undone(entry, reason) {
            return Ok(None);
        }
        let Some((first, thing)) = resting(history, entry, reason).into_iter().next() else {
            return Ok(rests_elsewhere(history, entry));
        };
        let told = first.told();
        if thing == NEXT_INVOICE && Command::INTERNAL.contains(&first.command.kind().name) {
            return Ok(Some(format!(
                "{told} has issued {thing}; say what the one behind it says, with \
                 invoice.annotate"
            )));
        }
        let resting = resting_whole(history, entry, reason);
        if let Some(why) = self.tried(entry, &resting, reason, door)? {
            let way = format!("and is not taken back: {why}");
            return Ok(Some(format!("{told} rests on it, by {thing}, {way}")));
        }
        let others = positions(resting.iter().map(|other| other.position));
        let at = entry.position;
        Ok(Some(format!(
            "{told} rests on it, by {thing}; take that back first: `billfold undo {others}`, or \
             with it: `billfold undo {at} {others}`"
        )))
    }

    /// Why these commits are not taken back together, if they are not.
    fn tried(
        &self,
        entry: &Entry,
        resting: &[&Entry],
        reason: &Personal,
        door: &impl Ask,
    ) -> Result<Option<String>, WorkError> {
        let now = match self.now {
            Some(now) => now,
            None => edge::now()?,
        };
        let (ledger, position) = (self.ledger.clone(), self.position);
        let mut copy = Copy { ledger, history: self.history, position, now: Some(now) };
        for other in resting.iter().rev().chain([&entry]) {
            let steps = match self.history.undoing(other, reason) {
                Ok(steps) => steps,
                Err(stays) => return Ok(Some(stays.to_string())),
            };
            let mut planned = Planned { position: other.position, steps: vec![], stays: None };
            copy.take_back(other, steps, reason, &mut planned, door)?;
            if planned.stays.is_some() {
                return Ok(planned.stays);
            }
        }
        Ok(None)
    }

    /// Decides the steps that take a commit back, each on what those before it made.
    fn take_back(
        &mut self,
        entry: &Entry,
        steps: Vec<Step>,
        reason: &Personal,
        planned: &mut Planned,
        door: &impl Ask,
    ) -> Result<(), WorkError> {
        let mut steps = VecDeque::from(steps);
        while let Some(step) = steps.pop_front() {
            let id = step.id(entry.id);
            let (standing, events) = match self.history.of(id) {
                Some(made) if self.history.is_undone(made, reason) => {
                    let why = format!(
                        "it was taken back at position {} and that was taken back, too; undo that",
                        made.position
                    );
                    (Standing::Refused(why), Vec::new())
                }
                Some(made) => (Standing::Done(made.position), made.events.clone()),
                None => self.decide(&step, id, door)?,
            };
            if let Standing::Refused(why) = &standing {
                planned.stays = Some(format!("{} is refused: {why}", step.command.kind().name));
            }
            let more = also(&step, &events, steps.make_contiguous(), &self.ledger);
            planned.steps.push(PlannedStep { step, id, standing });
            if planned.stays.is_some() {
                return Ok(());
            }
            match more {
                Ok(more) => more.into_iter().rev().for_each(|step| steps.push_front(step)),
                Err(stays) => planned.stays = Some(stays.to_string()),
            }
        }
        Ok(())
    }

    fn decide(
        &mut self,
        step: &Step,
        command_id: CommandId,
        door: &impl Ask,
    ) -> Result<(Standing, Vec<Event>), WorkError> {
        let asked = match self.now {
            Some(_) => None,
            None => self.ask(step, command_id, door)?,
        };
        let recorded_at = match self.now {
            Some(now) => now,
            None => edge::now()?,
        };
        let effective_at = step.effective_at.unwrap_or(recorded_at);
        let stamp = Stamp { command_id, recorded_at, effective_at };
        let stream = step.command.stream();
        let events = match self.ledger.decide(&step.command, &stamp) {
            Ok(events) => events,
            Err(rejection) => return Ok((Standing::Refused(rejection.to_string()), Vec::new())),
        };
        let token = PreviewToken {
            command_id,
            command: PreviewToken::of_command(&step.command),
            revision: self.ledger.revision(stream),
            catalog: self.ledger.catalog_revision(),
            effective_at,
            events: PreviewToken::of_events(&events),
        };
        if asked.is_some_and(|asked| token.moved(&asked.token).is_some()) {
            return Err(WorkError::Wrong(
                "the ledger decides otherwise than this program does on a copy; use the program \
                 of the ledger's own release"
                    .to_owned(),
            ));
        }
        self.position += 1;
        let folded = self.ledger.fold(self.position, stream, &stamp, &events);
        folded.map_err(|unmade| WorkError::Wrong(unmade.to_string()))?;
        let kept = events.clone();
        Ok((Standing::Planned { events, token }, kept))
    }

    /// Asks the ledger for the first step: it says what its present is, and decides as the copy.
    /// What it refuses, the copy refuses, too.
    fn ask(
        &mut self,
        step: &Step,
        command_id: CommandId,
        door: &impl Ask,
    ) -> Result<Option<CommandPreview>, WorkError> {
        let question = json!({
            "command": step.command.kind().name,
            "body": step.command.to_json(),
            "command_id": command_id,
            "effective_at": step.effective_at,
        });
        let answer = match door.query("preview", "command", Headers::new(), &question) {
            Ok(answer) => answer,
            Err(AskError::Problem(problem)) if !problem.retryable => {
                self.now = Some(edge::now()?);
                return Ok(None);
            }
            Err(other) => return Err(other.into()),
        };
        let preview = answer.read::<Answer<CommandPreview>>().map(|answer| answer.data);
        self.now = preview.as_ref().map(|preview| preview.recorded_at);
        Ok(preview)
    }
}
