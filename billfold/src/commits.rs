//! `tail` and `inspect`: commits of the log, readably.

use std::time::Duration;

use std::sync::Arc;

use client::Node;
use event_log::LogReader;
use host::Folder;
use ledger_core::post;
use schemas::text::BookName;
use schemas::wire::LogPosition;
use schemas::{Commit, Event, Minor};
use serde::Serialize;
use terminal::{Output, Rows, counted, show};
use uuid::Uuid;
use vault::KeyRing;

use crate::cli::{InspectArgs, TailArgs};
use crate::exit::Failure;

/// How long `tail --follow` waits before it looks for an interrupt again.
const PATIENCE: Duration = Duration::from_millis(500);

/// What commits are read with.
#[derive(Debug)]
pub struct Reading {
    log: Uuid,
    /// Opens what is sealed, where the keys are here.
    ring: Arc<KeyRing>,
}

impl Reading {
    /// Commits of a book with the log `log`.
    pub fn of(folder: &Folder, book: &BookName, log: Uuid) -> Self {
        Self { log, ring: folder.ring(book, log.into_bytes()) }
    }

    /// A value as a document, with its personal texts in clear as far as they can be opened.
    pub fn opened(&self, value: &impl Serialize) -> Node {
        let node = Node::of(value);
        let json = serde_json::to_vec(&node).map(|json| self.ring.open_json(json));
        json.and_then(|json| serde_json::from_slice(&json)).unwrap_or(node)
    }
}

/// Runs `tail`.
///
/// # Errors
/// [`Failure`]: no such book, or damage with file and offset.
pub fn tail(
    args: &TailArgs,
    folder: &Folder,
    book: &BookName,
    output: &Output,
) -> Result<(), Failure> {
    let mut reader = folder.reader(book)?;
    let reading = Reading::of(folder, book, Uuid::from_bytes(reader.identity().log().0));
    let mut left = args.limit.unwrap_or(u64::MAX);
    reader.seek(args.after.saturating_add(1))?;
    while left > 0 {
        let mut printed = Vec::new();
        if let Some(block) = reader.next_block()? {
            for (position, bytes) in block.commits() {
                if position > args.after && left > 0 {
                    printed.push(decode(position, bytes)?);
                    left -= 1;
                }
            }
        } else if !args.follow {
            return Ok(());
        } else {
            reader.wait(PATIENCE)?;
        }
        for commit in &printed {
            output.item(&document(&reading, commit), || line(commit))?;
        }
    }
    Ok(())
}

/// Runs `inspect`.
///
/// # Errors
/// [`Failure::Refused`] when nothing in the log is called that; else as [`tail`].
pub fn inspect(
    args: &InspectArgs,
    folder: &Folder,
    book: &BookName,
    output: &Output,
) -> Result<(), Failure> {
    let mut reader = folder.reader(book)?;
    let log = Uuid::from_bytes(reader.identity().log().0);
    let reading = Reading::of(folder, book, log);
    let found = find(&mut reader, log, &args.what, args.limit)?;
    if found.is_empty() {
        return Err(Failure::Refused(format!(
            "no commit of book {book} is or names {:?}; give a position, a command id, or the id \
             or number of a thing",
            args.what
        )));
    }
    for commit in &found {
        output.item(&document(&reading, commit), || page(&reading, commit))?;
    }
    Ok(())
}

fn find(
    reader: &mut LogReader,
    log: Uuid,
    what: &str,
    limit: usize,
) -> Result<Vec<Commit>, Failure> {
    let position = match what.parse::<LogPosition>() {
        Ok(token) if token.log == log => Some(token.position),
        Ok(_) => return Err(Failure::Refused(format!("{what} is a position of another log"))),
        Err(_) => what.parse().ok(),
    };
    if let Some(position) = position {
        let bytes = reader.read_commit(position)?;
        return bytes.iter().map(|bytes| decode(position, bytes)).collect();
    }
    let needle = needle(what);
    let mut found = Vec::new();
    while let Some(block) = reader.next_block()? {
        for (position, bytes) in block.commits() {
            if found.len() >= limit {
                return Ok(found);
            }
            if contains(bytes, &needle) {
                found.push(decode(position, bytes)?);
            }
        }
    }
    Ok(found)
}

/// What lies in the stored bytes: ids as 16 bytes, all else as text.
fn needle(what: &str) -> Vec<u8> {
    let digits = what.split_once('_').map_or(what, |(_, digits)| digits);
    Uuid::try_parse(digits).map_or_else(|_| what.as_bytes().to_vec(), |id| id.as_bytes().to_vec())
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && bytes.windows(needle.len()).any(|window| window == needle)
}

fn decode(position: u64, bytes: &[u8]) -> Result<Commit, Failure> {
    Commit::from_bytes(bytes)
        .map_err(|error| Failure::Verification(format!("commit {position}: {error}")))
}

/// The commit as a document, with its entries.
pub fn document(reading: &Reading, commit: &Commit) -> Node {
    let log = reading.log;
    let position = LogPosition { log, position: commit.position };
    let cause = commit.cause.map(|cause| LogPosition { log, position: cause.position });
    let events = commit.events.iter().enumerate().map(|(index, event)| {
        Node::object([
            ("id", Node::of(&format!("{position}:{index}"))),
            ("type", Node::of(&event.kind().name)),
            ("data", reading.opened(&event.to_json())),
            ("entries", Node::List(entries(event))),
        ])
    });
    let command = Node::object([
        ("type", Node::of(&commit.command.kind().name)),
        ("data", reading.opened(&commit.command.to_json())),
    ]);
    Node::object([
        ("position", Node::of(&position.to_string())),
        ("stream", Node::of(&commit.stream)),
        ("revision", Node::of(&commit.revision)),
        ("command_id", Node::of(&commit.command_id)),
        ("actor", Node::of(&commit.actor)),
        ("reason", reading.opened(&commit.reason)),
        ("recorded_at", Node::of(&commit.recorded_at)),
        ("effective_at", Node::of(&commit.effective_at)),
        ("cause", Node::of(&cause.map(|cause| cause.to_string()))),
        ("batch", Node::of(&commit.origin.batch)),
        ("session", Node::of(&commit.origin.session)),
        ("command", command),
        ("events", Node::List(events.collect())),
    ])
}

/// What the event books: one row for each posting.
fn entries(event: &Event) -> Vec<Node> {
    let posted = match post(event) {
        Ok(posted) => posted,
        Err(error) => return vec![Node::object([("error", Node::of(&error.to_string()))])],
    };
    let mut rows = Vec::new();
    for entry in &posted.entries {
        for posting in entry.postings() {
            let amount = posting.amount;
            let (debit, credit) = if amount.is_positive() {
                (Some(amount), None)
            } else {
                (None, Some(amount.negated().unwrap_or(amount)))
            };
            let money = |minor: Option<Minor>| Node::of(&minor.map(|m| m.of(entry.currency())));
            rows.push(Node::object([
                ("date", Node::of(&entry.date())),
                ("account", Node::of(&posting.account.name())),
                ("debit", money(debit)),
                ("credit", money(credit)),
            ]));
        }
    }
    rows
}

/// One line of `tail` for people.
fn line(commit: &Commit) -> String {
    let events = commit.events.iter().map(|event| event.kind().name);
    format!(
        "{:>8}  {}  {}@{}  {}  {} -> {}",
        commit.position,
        commit.recorded_at,
        commit.stream,
        commit.revision,
        commit.actor,
        commit.command.kind().name,
        counted(events)
    )
}

/// One commit as a page for people.
fn page(reading: &Reading, commit: &Commit) -> String {
    let mut lines = vec![format!("Commit {}", commit.position)];
    let mut fact = |name: &str, value: String| lines.push(format!("  {name:<12} {value}"));
    fact("stream", format!("{} at revision {}", commit.stream, commit.revision));
    fact("command id", commit.command_id.to_string());
    fact("actor", commit.actor.to_string());
    fact("recorded", commit.recorded_at.to_string());
    fact("effective", commit.effective_at.to_string());
    if let Some(cause) = commit.cause {
        fact("caused by", format!("commit {}", cause.position));
    }
    if let Some(batch) = commit.origin.batch {
        fact("batch", batch.to_string());
    }
    if let Some(session) = commit.origin.session {
        fact("session", session.to_string());
    }
    if commit.reason.is_some() {
        fact("reason", show(&reading.opened(&commit.reason)));
    }
    lines.push(format!("Command {}", commit.command.kind().name));
    tree(&reading.opened(&commit.command.to_json()), 1, &mut lines);
    for (index, event) in commit.events.iter().enumerate() {
        lines.push(format!("Event {index} {}", event.kind().name));
        tree(&reading.opened(&event.to_json()), 1, &mut lines);
        let entries = entries(event);
        if !entries.is_empty() {
            lines.push("  Entries".to_owned());
            let table = Rows::of(&entries).text();
            lines.extend(table.lines().map(|line| format!("  {line}")));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Fields one below the other, what is inside deeper in; nothing for what is empty.
fn tree(node: &Node, depth: usize, lines: &mut Vec<String>) {
    let pad = "  ".repeat(depth);
    for (name, value) in node.fields() {
        match value {
            Node::Null => {}
            Node::List(items) if items.is_empty() => {}
            Node::List(items) if items.iter().any(|item| !item.fields().is_empty()) => {
                for (index, item) in items.iter().enumerate() {
                    lines.push(format!("{pad}{name}[{index}]"));
                    tree(item, depth + 1, lines);
                }
            }
            Node::Object(_) if !value.is_money() => {
                lines.push(format!("{pad}{name}"));
                tree(value, depth + 1, lines);
            }
            Node::Object(_) | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
                lines.push(format!("{pad}{name:<12} {}", show(value)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit() -> Commit {
        let clock = schemas::terms::BookClock::Wall;
        let book: BookName = "main".parse().expect("a name");
        let profile = schemas::terms::Profile::Billfold1;
        let open =
            schemas::command::OpenBook { book: book.clone(), profile, policies: None, clock };
        let opened =
            schemas::event::BookOpened { book, profile, policies: profile.policies(), clock };
        let at = "2026-01-01T00:00:00Z".parse().expect("an instant");
        Commit {
            position: 1,
            stream: schemas::StreamId::Book,
            revision: 1,
            command_id: schemas::ids::CommandId::new(Uuid::from_u128(7)),
            actor: "system".parse().expect("an actor"),
            reason: None,
            recorded_at: at,
            effective_at: at,
            cause: None,
            origin: schemas::Origin::default(),
            digest: None,
            command: open.into(),
            events: vec![opened.into()],
        }
    }

    #[test]
    fn a_commit_is_a_page_for_people() {
        let expected = "\
Commit 1
  stream       book at revision 1
  command id   cmd_00000000000000000000000000000007
  actor        system
  recorded     2026-01-01T00:00:00Z
  effective    2026-01-01T00:00:00Z
Command book.open
  book         main
  clock        wall
  profile      billfold@1
Event 0 book.opened
  book         main
  clock        wall
  policies
    activation_start with_payment
    cancel_default credit
    change_billing next_invoice
    charge_wait  31_days
    credit_basis billed_share
    credit_discount item_share
    credit_document note_when_alone
    credit_target credited_first
    default_anchor anniversary
    discount_allocation largest_remainder
    discount_order percentages_first
    discount_stacking sequential
    duration_counts billed_cycles
    first_boundary next_anchor_day
    interval_change restart_on_change
    minimum_after_discount holds
    missing_piece own_ratio
    none_scope   first_unbilled_cycle
    previous_period_from anchor
    proration    by_day_half_open
    ratio        exact
    rebill       on_price_change
    trial_anchor trial_end
    trial_on_change keep
    zone         iana_zone
  profile      billfold@1
";
        let main = "main".parse().expect("a name");
        let reading = Reading::of(&Folder::at("/nonexistent"), &main, Uuid::nil());
        assert_eq!(page(&reading, &commit()), expected);
    }

    #[test]
    fn a_commit_is_found_by_the_id_it_holds_and_by_text() {
        let bytes = commit().to_bytes();
        assert!(contains(&bytes, &needle("cmd_00000000000000000000000000000007")));
        assert!(contains(&bytes, &needle("system")));
        assert!(!contains(&bytes, &needle("cmd_00000000000000000000000000000008")));
        assert!(!contains(&bytes, &needle("")));
    }

    #[test]
    fn a_commit_is_one_line_of_a_tail() {
        let expected = "       1  2026-01-01T00:00:00Z  book@1  system  book.open -> book.opened";
        assert_eq!(line(&commit()), expected);
    }
}
