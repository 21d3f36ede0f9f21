//! Stored bytes of every sample, as they lie in logs: `golden/v1/*.hex`.
//!
//! One line a record: name, type number, version, hexadecimal bytes. Released lines never
//! change; a changed struct gets a new version beside the old one.

use core::fmt::Write as _;

use schemas::record::RawRecord;
use schemas::{Command, Commit, Event, Origin};

use crate::files::{blessing, crate_folder, read, write};
use crate::{samples, values};

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    text
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(digit).collect()
}

struct Line {
    name: String,
    type_id: u16,
    version: u8,
    body: Vec<u8>,
}

impl Line {
    fn text(&self) -> String {
        let name = self.name.replace(' ', "-");
        format!("{name} {} {} {}\n", self.type_id, self.version, hex(&self.body))
    }

    fn read(line: &str) -> Self {
        let parts: Vec<&str> = line.split(' ').collect();
        let [name, type_id, version, body] = parts[..] else {
            panic!("{line:?} is no golden line")
        };
        Self {
            name: name.to_owned(),
            type_id: type_id.parse().expect("a type number"),
            version: version.parse().expect("a version"),
            body: bytes(body),
        }
    }

    fn raw(&self) -> RawRecord<'_> {
        RawRecord { type_id: self.type_id, version: self.version, body: &self.body }
    }
}

fn compare(file: &str, lines: &[Line]) -> Vec<Line> {
    let path = crate_folder().join("golden/v1").join(file);
    let now: String = lines.iter().map(Line::text).collect();
    if blessing() {
        write(&path, &now);
    }
    let golden = read(&path);
    for (golden, now) in golden.lines().zip(now.lines()) {
        assert_eq!(golden, now, "{file}: stored bytes changed; add a version, keep the old one");
    }
    assert_eq!(
        golden.lines().count(),
        lines.len(),
        "{file}: samples came or went; run `BLESS=1 cargo test -p schemas`"
    );
    golden.lines().map(Line::read).collect()
}

#[test]
fn commands_have_the_bytes_they_always_had() {
    let samples = samples::commands();
    let line = |(name, command): &(String, Command)| Line {
        name: format!("{}/{name}", command.kind().name),
        type_id: command.kind().type_id,
        version: command.kind().version,
        body: command.encode_body(Vec::new()),
    };
    let golden = compare("commands.hex", &samples.iter().map(line).collect::<Vec<_>>());
    for (line, (_, command)) in golden.iter().zip(&samples) {
        assert_eq!(Command::decode(line.raw()).as_ref(), Ok(command), "{}", line.name);
    }
}

#[test]
fn events_have_the_bytes_they_always_had() {
    let samples = samples::events();
    let line = |(name, event): &(String, Event)| Line {
        name: format!("{}/{name}", event.kind().name),
        type_id: event.kind().type_id,
        version: event.kind().version,
        body: event.encode_body(Vec::new()),
    };
    let golden = compare("events.hex", &samples.iter().map(line).collect::<Vec<_>>());
    for (line, (_, event)) in golden.iter().zip(&samples) {
        assert_eq!(Event::decode(line.raw()).as_ref(), Ok(event), "{}", line.name);
    }
}

/// What an older release wrote is read as what it means today.
#[test]
fn older_forms_have_the_bytes_they_had_and_are_read_as_the_newest() {
    let events = samples::older_events();
    for (line, older) in compare("older.hex", &lines_of(&events)).iter().zip(&events) {
        assert_eq!(Event::decode(line.raw()).as_ref(), Ok(&older.newest), "{}", line.name);
    }
    let commands = samples::older_commands();
    for (line, older) in compare("older-commands.hex", &lines_of(&commands)).iter().zip(&commands) {
        assert_eq!(Command::decode(line.raw()).as_ref(), Ok(&older.newest), "{}", line.name);
    }
    assert_eq!(forms(&events), Event::OLDER, "every older form has a sample");
    assert_eq!(forms(&commands), Command::OLDER, "every older form has a sample");
}

fn lines_of<T>(samples: &[samples::Older<T>]) -> Vec<Line> {
    let line = |older: &samples::Older<T>| Line {
        name: format!("{}/v{}", older.name, older.version),
        type_id: older.type_id,
        version: older.version,
        body: older.body.clone(),
    };
    samples.iter().map(line).collect()
}

fn forms<T>(samples: &[samples::Older<T>]) -> Vec<(u16, u8)> {
    samples.iter().map(|older| (older.type_id, older.version)).collect()
}

#[test]
fn values_inside_records_have_the_bytes_they_always_had() {
    // Values have no number of their own: 0 and the version of the records they lie in.
    let lines: Vec<Line> = values::all()
        .into_iter()
        .map(|(kind, name, body)| Line {
            name: format!("{kind}/{name}"),
            type_id: 0,
            version: 1,
            body,
        })
        .collect();
    compare("values.hex", &lines);
}

#[test]
fn commits_have_the_bytes_they_always_had() {
    let samples = samples::commits();
    let line = |(name, commit): &(String, Commit)| Line {
        name: format!("commit/{name}"),
        type_id: 0,
        version: 2,
        body: commit.to_bytes(),
    };
    let golden = compare("commits.hex", &samples.iter().map(line).collect::<Vec<_>>());
    for (line, (_, commit)) in golden.iter().zip(&samples) {
        assert_eq!(Commit::from_bytes(&line.body).as_ref(), Ok(commit), "{}", line.name);
    }
}

/// Commits of format 1 came from nowhere. Their bytes were written by the release that had it.
#[test]
fn commits_of_the_first_format_are_still_read() {
    let golden = read(&crate_folder().join("golden/v1/commits-1.hex"));
    let samples = samples::commits();
    assert_eq!(golden.lines().count(), 2);
    for line in golden.lines().map(Line::read) {
        assert_eq!((line.version, line.body[0]), (1, 1), "{}", line.name);
        let is_it = |name: &String| line.name == format!("commit/{}", name.replace(' ', "-"));
        let (_, sample) = samples.iter().find(|(name, _)| is_it(name)).expect("a sample");
        assert_eq!(sample.origin, Origin::default());
        assert_eq!(Commit::from_bytes(&line.body).as_ref(), Ok(sample), "{}", line.name);
        assert_eq!(sample.digest, None);
        assert_eq!(sample.to_bytes().len(), line.body.len() + 3, "nothing costs a byte each");
    }
}
