//! Names and numbers of stored types are unique, have samples, and are never reused.

use std::collections::BTreeSet;

use schemas::record::RecordKind;
use schemas::{Command, Event};

use crate::files::{blessing, crate_folder, read, write};
use crate::samples;

/// Name, newest forms, and number and version of older ones.
type Union = (&'static str, &'static [RecordKind], &'static [(u16, u8)]);

const UNIONS: [Union; 2] =
    [("command", Command::KINDS, Command::OLDER), ("event", Event::KINDS, Event::OLDER)];

/// Every form that is read.
fn forms((_, newest, older): Union) -> Vec<RecordKind> {
    let with_older = |kind: &RecordKind| {
        let of_it = older.iter().filter(|(type_id, _)| *type_id == kind.type_id);
        let mut forms: Vec<_> =
            of_it.map(|(_, version)| RecordKind { version: *version, ..*kind }).collect();
        forms.push(*kind);
        assert!(forms.is_sorted_by_key(|kind| kind.version), "{forms:?}: the newest is the last");
        forms
    };
    newest.iter().flat_map(with_older).collect()
}

#[test]
fn every_kind_has_a_sample() {
    let missing = |kinds: &[RecordKind], seen: BTreeSet<&str>| -> Vec<&str> {
        kinds.iter().map(|kind| kind.name).filter(|name| !seen.contains(name)).collect()
    };
    let seen = samples::commands().iter().map(|(_, command)| command.kind().name).collect();
    assert_eq!(missing(Command::KINDS, seen), Vec::<&str>::new());
    let seen = samples::events().iter().map(|(_, event)| event.kind().name).collect();
    assert_eq!(missing(Event::KINDS, seen), Vec::<&str>::new());
}

#[test]
fn the_names_of_internal_commands_are_those_of_the_internal_commands() {
    for (_, command) in samples::commands() {
        let named = Command::INTERNAL.contains(&command.kind().name);
        assert_eq!(named, command.is_internal(), "{}", command.kind().name);
    }
}

#[test]
fn numbers_and_names_are_unique() {
    for union in UNIONS {
        let (kinds, union) = (forms(union), union.0);
        let mut numbers = BTreeSet::new();
        let mut names = BTreeSet::new();
        for kind in &kinds {
            assert!(numbers.insert((kind.type_id, kind.version)), "{union} {kind:?} twice");
            assert!(names.insert((kind.name, kind.version)), "{union} {kind:?} twice");
        }
    }
}

#[test]
fn a_number_that_was_given_out_is_never_given_to_another_name() {
    let path = crate_folder().join("golden/type-ids.txt");
    let given = read(&path);
    let line = |union: &str, kind: &RecordKind| {
        format!("{union} {} v{} {}\n", kind.type_id, kind.version, kind.name)
    };
    let lines_of = |union: Union| forms(union).into_iter().map(move |kind| line(union.0, &kind));
    let now: String = UNIONS.into_iter().flat_map(lines_of).collect();
    let lines: BTreeSet<&str> = now.lines().collect();
    for line in given.lines() {
        // Blessing does not help here: a stored log may hold this type.
        assert!(
            lines.contains(line),
            "{line:?} is gone; take it back, and give the new type a new number"
        );
    }
    if blessing() {
        write(&path, &now);
    }
    assert_eq!(read(&path), now, "types are new; run `BLESS=1 cargo test -p schemas`");
}
