//! Decisions about the book itself.

use std::collections::BTreeMap;

use schemas::Rejection;
use schemas::command::{AdvanceClock, BookCommand, OpenBook};
use schemas::event::{BookOpened, ClockAdvanced, Event};

use super::state::BookState;

/// Decides a command about the book itself.
///
/// # Errors
/// The [`Rejection`] that says why not.
pub(crate) fn decide(book: &BookState, command: &BookCommand) -> Result<Vec<Event>, Rejection> {
    match (book.opened(), command) {
        (Ok(_), BookCommand::OpenBook(_)) => Err(Rejection::BookAlreadyOpen),
        (Err(_), BookCommand::OpenBook(open)) => open_book(open),
        (Ok(_), BookCommand::AdvanceClock(command)) => advance_clock(book, command),
        (Err(not_open), BookCommand::AdvanceClock(_)) => Err(not_open),
    }
}

fn open_book(open: &OpenBook) -> Result<Vec<Event>, Rejection> {
    let none = BTreeMap::new();
    let replaced = open.policies.as_ref().unwrap_or(&none);
    let policies = open.profile.with(replaced).map_err(|unknown| Rejection::UnknownPolicy {
        policy: unknown.policy,
        rule: unknown.rule,
        known: unknown.known,
    })?;
    let (book, profile, clock) = (open.book.clone(), open.profile, open.clock);
    Ok(vec![BookOpened { book, profile, policies, clock }.into()])
}

fn advance_clock(book: &BookState, command: &AdvanceClock) -> Result<Vec<Event>, Rejection> {
    let now = book.test_clock().ok_or(Rejection::NotATestBook)?;
    if command.to < now {
        return Err(Rejection::ClockMovesBack { now, to: command.to });
    }
    if command.to == now {
        return Ok(Vec::new());
    }
    Ok(vec![ClockAdvanced { to: command.to }.into()])
}
