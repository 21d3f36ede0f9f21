//! Sample commits.

use schemas::command::GrantCredit;
use schemas::personal::CommandDigest;
use schemas::{Cause, Command, Commit, Event, Origin, Personal, StreamId};

use super::{Named, commands, events};
use crate::values::{clear, eur, id, of, sealed};

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

/// Commits with and without everything that a commit may leave out.
pub(crate) fn commits() -> Vec<Named<Commit>> {
    let grant = Command::from(GrantCredit {
        customer: id(1),
        grant: id(12),
        amount: eur(500),
        reason: clear("goodwill"),
    });
    let (_, granted) = events().pop().expect("there are events");
    let bare = commit(1, grant, vec![granted]);
    let full = Commit {
        position: u64::MAX,
        stream: StreamId::Book,
        revision: 1 << 40,
        reason: Some(Personal::Clear("asked by telephone".to_owned())),
        cause: Some(Cause { position: 300 }),
        origin: Origin { batch: Some(id(30)), session: Some(id(31)) },
        events: events().into_iter().map(|(_, event)| event).collect(),
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
        ("every event".to_owned(), full),
    ]
}

/// Every sample command with every sample event in one commit each.
pub(crate) fn small_commits() -> Vec<Commit> {
    let (_, credit) = events().pop().expect("there are events");
    let of_commands = commands().into_iter().map(|(_, c)| (c, vec![credit.clone()]));
    let (_, first) = commands().swap_remove(0);
    let of_events = events().into_iter().map(|(_, event)| (first.clone(), vec![event]));
    of_commands.chain(of_events).map(|(command, events)| commit(7, command, events)).collect()
}
