//! Records read back from their bytes and from their JSON, whole or not at all.

use schemas::record::{DecodeError, JsonError, RawRecord};
use schemas::{Command, Commit, CommitView, Event};

use crate::samples;

/// A sealed text has no JSON to read: the bytes never leave the log.
fn is_sealed(json: &serde_json::Value) -> bool {
    json.to_string().contains("\"sealed\":")
}

#[test]
fn every_command_reads_back_from_bytes_and_from_json() {
    for (name, command) in samples::commands() {
        let kind = command.kind();
        let body = command.encode_body(Vec::new());
        let raw = RawRecord { type_id: kind.type_id, version: kind.version, body: &body };
        assert_eq!(Command::decode(raw).as_ref(), Ok(&command), "{} {name}", kind.name);
        let json = command.to_json();
        let read = Command::from_json(kind.name, json.to_string().as_bytes());
        if is_sealed(&json) {
            assert!(matches!(read, Err(JsonError::Field { .. })), "{} {name}", kind.name);
        } else {
            assert_eq!(read, Ok(command), "{} {name}", kind.name);
        }
    }
}

#[test]
fn every_event_reads_back_from_bytes_and_from_json() {
    for (name, event) in samples::events() {
        let kind = event.kind();
        let body = event.encode_body(Vec::new());
        let raw = RawRecord { type_id: kind.type_id, version: kind.version, body: &body };
        assert_eq!(Event::decode(raw).as_ref(), Ok(&event), "{} {name}", kind.name);
        let json = event.to_json();
        let read = Event::from_json(kind.name, json.to_string().as_bytes());
        if is_sealed(&json) {
            assert!(matches!(read, Err(JsonError::Field { .. })), "{} {name}", kind.name);
        } else {
            assert_eq!(read, Ok(event), "{} {name}", kind.name);
        }
    }
}

#[test]
fn a_command_refuses_a_field_that_it_does_not_know() {
    for (name, command) in samples::commands() {
        let mut json = command.to_json();
        json.as_object_mut().expect("an object").insert("colour".to_owned(), "red".into());
        let read = Command::from_json(command.kind().name, json.to_string().as_bytes());
        assert!(matches!(read, Err(JsonError::Field { .. })), "{} {name}", command.kind().name);
    }
}

#[test]
fn a_record_refuses_bytes_too_many_and_bytes_too_few() {
    let decode = |union: &str, kind: schemas::record::RecordKind, body: &[u8]| {
        let raw = RawRecord { type_id: kind.type_id, version: kind.version, body };
        match union {
            "command" => Command::decode(raw).map(|_| ()),
            "event" => Event::decode(raw).map(|_| ()),
            other => unreachable!("{other} is no union"),
        }
    };
    let commands = samples::commands();
    let events = samples::events();
    let bodies = commands
        .iter()
        .map(|(_, c)| ("command", c.kind(), c.encode_body(Vec::new())))
        .chain(events.iter().map(|(_, e)| ("event", e.kind(), e.encode_body(Vec::new()))));
    for (union, kind, mut body) in bodies {
        for cut in 0..body.len() {
            assert!(decode(union, kind, &body[..cut]).is_err(), "{} cut at {cut}", kind.name);
        }
        body.push(0);
        assert_eq!(
            decode(union, kind, &body),
            Err(DecodeError::TrailingBytes { what: kind.name, left: 1 }),
        );
    }
}

#[test]
fn a_number_or_version_of_the_future_is_named_in_the_refusal() {
    for (type_id, version) in [(60_000, 1), (1, 200)] {
        let raw = RawRecord { type_id, version, body: &[] };
        assert_eq!(
            Command::decode(raw),
            Err(DecodeError::Unknown { union: "command", type_id, version })
        );
        assert_eq!(
            Event::decode(raw),
            Err(DecodeError::Unknown { union: "event", type_id, version })
        );
    }
}

#[test]
fn every_commit_reads_back_whole_and_in_place() {
    let samples = samples::commits().into_iter().map(|(_, commit)| commit);
    for commit in samples.chain(samples::small_commits()) {
        let bytes = commit.to_bytes();
        assert_eq!(Commit::from_bytes(&bytes).as_ref(), Ok(&commit));
        let view = CommitView::parse(&bytes).expect("reads");
        assert_eq!((view.position, view.stream), (commit.position, commit.stream));
        assert_eq!((view.revision, view.command_id), (commit.revision, commit.command_id));
        assert_eq!(
            (view.actor, view.reason.as_ref()),
            (commit.actor.as_str(), commit.reason.as_ref())
        );
        assert_eq!(view.recorded_at, commit.recorded_at);
        assert_eq!((view.effective_at, view.cause), (commit.effective_at, commit.cause));
        assert_eq!(view.event_count(), commit.events.len());
        assert_eq!(Command::decode(view.command), Ok(commit.command));
        let events: Result<Vec<_>, _> = view.events().map(|raw| Event::decode(raw?)).collect();
        assert_eq!(events, Ok(commit.events));
    }
}
