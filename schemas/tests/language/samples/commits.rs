//! Sample commits.

use schemas::personal::CommandDigest;
use schemas::{Cause, Command, Commit, Event, Origin, Personal, StreamId};

use super::settlement::bare_grant;
use super::{Named, commands, events};
use crate::values::{id, of, sealed};

fn commit(position: u64, command: Command, events: Vec<Event>) -> Commit {
    Commit {
        position,
        stream: command.stream(),
        revision: 1,
        command_id: id(100),
        actor: of("ada"),
        reason: None,
        recorded_at: of("2024-01-31T09:30:00.25Z"),
        effective_at: of("2024-01-31T09:30:00Z"),
        cause: None,
        origin: Origin::default(),
        digest: None,
        command,
        events,
    }
}

/// What the fullest commit holds: its bytes stay what they are when there are more kinds.
const SEVERAL: [&str; 5] = [
    "customer.registered",
    "subscription.created",
    "invoice.finalized",
    "payment.recorded",
    "credit.granted",
];

/// The first sample of an event.
fn event(kind: &str) -> Event {
    let found = events().into_iter().find(|(_, event)| event.kind().name == kind);
    found.expect("every event has a sample").1
}

/// Commits with and without everything that a commit may leave out.
pub(crate) fn commits() -> Vec<Named<Commit>> {
    let grant = Command::from(bare_grant());
    let bare = commit(1, grant, vec![event("credit.granted")]);
    let full = Commit {
        position: u64::MAX,
        stream: StreamId::Book,
        revision: 1 << 40,
        reason: Some(Personal::Clear("asked by telephone".to_owned())),
        cause: Some(Cause { position: 300 }),
        origin: Origin { batch: Some(id(30)), session: Some(id(31)) },
        events: SEVERAL.map(event).into(),
        ..bare.clone()
    };
    let nothing =
        Commit { position: 2, events: Vec::new(), reason: Some(sealed()), ..bare.clone() };
    let origin = Origin { batch: None, session: Some(id(31)) };
    let digest = Some(CommandDigest { key: id(90), mac: [6; 16] });
    let of_a_session = Commit { position: 3, origin, digest, ..bare.clone() };
    vec![
        ("one event".to_owned(), bare),
        ("no events".to_owned(), nothing),
        ("of a session".to_owned(), of_a_session),
        ("several events".to_owned(), full),
    ]
}

/// Every sample command with every sample event in one commit each.
pub(crate) fn small_commits() -> Vec<Commit> {
    let of_commands = commands().into_iter().map(|(_, c)| (c, vec![event("credit.granted")]));
    let (_, first) = commands().swap_remove(0);
    let of_events = events().into_iter().map(|(_, event)| (first.clone(), vec![event]));
    of_commands.chain(of_events).map(|(command, events)| commit(7, command, events)).collect()
}
