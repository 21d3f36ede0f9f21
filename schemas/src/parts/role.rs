//! Which commits are parts of a decision.

use crate::commit::CommitView;
use crate::event::{DecisionCompleted, Event, PartDrafted, ProcessEvent};
use crate::record::{DecodeError, Member};

/// What a commit is of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role<'a> {
    /// All of it.
    Whole,
    /// A part: not so yet.
    Part(&'a PartDrafted),
    /// The last, which makes those before it so.
    Last(&'a DecisionCompleted),
}

/// What a commit with these events is of a decision.
pub fn role(events: &[Event]) -> Role<'_> {
    let Some(Event::Process(first)) = events.first() else { return Role::Whole };
    match first {
        ProcessEvent::PartDrafted(part) => Role::Part(part),
        ProcessEvent::DecisionCompleted(done) => Role::Last(done),
        ProcessEvent::BillingRunStarted(_) | ProcessEvent::DueSet(_) => Role::Whole,
    }
}

/// The same of a stored commit, as far as a reader needs to know before it decodes all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredRole {
    /// All of a decision.
    Whole,
    /// A part of one.
    Part {
        /// Which, from 0.
        number: u32,
    },
    /// The last, which makes those before it so.
    Last,
}

/// What a stored commit is of a decision.
///
/// # Errors
/// [`DecodeError`]: its first event cannot be read.
pub fn stored_role(commit: &CommitView<'_>) -> Result<StoredRole, DecodeError> {
    let Some(first) = commit.events().next() else { return Ok(StoredRole::Whole) };
    let first = first?;
    if first.type_id == <PartDrafted as Member<Event>>::KIND.type_id {
        let event = Event::decode(first)?;
        let number = event.get::<PartDrafted>().map_or(0, |part| part.part);
        return Ok(StoredRole::Part { number });
    }
    let is_last = first.type_id == <DecisionCompleted as Member<Event>>::KIND.type_id;
    Ok(if is_last { StoredRole::Last } else { StoredRole::Whole })
}
