//! What was sent to a book, as a program outside sends it: to be played on any revision.
//!
//! # Shape
//!
//! A [`Recording`] is one line of JSON: a name, how the book is opened, and steps in order. A step
//! begins a part (`{"part"}`), asks for a preview (`{"preview"}`) or submits a command
//! (`{"submit"}`). Commands are in their published form; invoices, whose ids the system makes, are
//! named by their printed numbers: `{"$number": "INV0001"}`. `tests/compare` plays recordings.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};

use client::Ask as _;
use host::{Folder, Host, Role};
use ledger_core::Stamp;
use schemas::Command;
use schemas::feed::{FeedEntry, FeedPage};
use schemas::ids::{CommandId, InvoiceId};
use schemas::text::{Actor, BookName};
use schemas::wire::{Endpoint, Headers};
use serde_json::{Value, json};

/// The variable that names the file which tests write their recordings into.
const FILE: &str = "BILLFOLD_RECORD_TO";

/// The command that opens a book.
const OPENS: &str = "book.open";

/// A book with what was sent to it.
#[derive(Debug)]
pub struct Recording {
    name: String,
    open: Value,
    steps: Vec<Value>,
    /// The printed numbers of invoices, by their ids.
    numbers: BTreeMap<String, String>,
    previewed: Option<CommandId>,
}

impl Recording {
    /// A book to which nothing was sent yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            open: Value::Null,
            steps: Vec::new(),
            numbers: BTreeMap::new(),
            previewed: None,
        }
    }

    /// The recording of a book that no process has open, from its feed. Refused commands are not
    /// in it.
    ///
    /// # Panics
    /// When the book cannot be opened or read.
    pub fn of_book(name: impl Into<String>, folder: &Folder, book: &BookName) -> Self {
        let mut recording = Self::new(name);
        for entry in feed(folder, book) {
            recording.add(&entry);
        }
        recording
    }

    /// A part begins: its customers are looked at together, whenever something was billed and at
    /// its end.
    pub fn begin(&mut self, part: impl Into<String>) {
        self.steps.push(json!({ "part": part.into() }));
    }

    /// A command was previewed; if it is the next to be sent, it commits what was shown.
    pub fn preview(&mut self, command: &Command, stamp: &Stamp) {
        self.previewed = Some(stamp.command_id);
        self.steps.push(self.step("preview", command, stamp));
    }

    /// A command was sent, and what became of it: `accepted`, or the code of its rejection. What
    /// only the system makes is left out.
    pub fn submit(&mut self, command: &Command, stamp: &Stamp, outcome: &str) {
        if command.kind().name == OPENS {
            self.open = command.to_json();
        }
        if command.is_internal() {
            return;
        }
        let mut step = self.step("submit", command, stamp);
        step["outcome"] = json!(outcome);
        if self.previewed.take_if(|id| *id == stamp.command_id).is_some() {
            step["as_previewed"] = json!(true);
        }
        self.steps.push(step);
    }

    fn step(&self, does: &str, command: &Command, stamp: &Stamp) -> Value {
        let mut step = json!({
            does: command.kind().name,
            "id": stamp.command_id,
            "body": self.body(command.to_json()),
        });
        if stamp.effective_at != stamp.recorded_at {
            step["effective_at"] = json!(stamp.effective_at);
        }
        step
    }

    /// An invoice was finalized: from now on commands name it by its number.
    pub fn invoice(&mut self, invoice: InvoiceId, number: impl Into<String>) {
        self.numbers.insert(invoice.to_string(), number.into());
    }

    fn add(&mut self, entry: &FeedEntry) {
        assert!(!entry.bodies_left_out, "commit {} is too large to be recorded", entry.position);
        if entry.command.kind == OPENS {
            self.open = entry.command.body.clone();
        } else if entry.cause.is_none() && !Command::INTERNAL.contains(&entry.command.kind.as_str())
        {
            let mut step = json!({
                "submit": entry.command.kind,
                "id": entry.command_id,
                "body": self.body(entry.command.body.clone()),
                "outcome": "accepted",
            });
            if entry.effective_at != entry.recorded_at {
                step["effective_at"] = json!(entry.effective_at);
            }
            self.steps.push(step);
        }
        for event in entry.events.iter().filter(|event| event.kind == "invoice.finalized") {
            let text = |field: &str| event.body[field].as_str().expect("a text").to_owned();
            self.numbers.insert(text("invoice"), text("number"));
        }
    }

    /// A command's fields, those that are left out left out: an earlier revision may not know them.
    fn body(&self, mut value: Value) -> Value {
        if let Value::Object(fields) = &mut value {
            fields.retain(|_, value| !value.is_null());
        }
        self.named(value)
    }

    /// The same with invoices by their numbers.
    fn named(&self, value: Value) -> Value {
        match value {
            Value::String(text) => match self.numbers.get(&text) {
                Some(number) => json!({ "$number": number }),
                None => Value::String(text),
            },
            Value::Array(all) => all.into_iter().map(|value| self.named(value)).collect(),
            Value::Object(all) => {
                all.into_iter().map(|(field, value)| (field, self.named(value))).collect()
            }
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => plain,
        }
    }

    /// The steps.
    pub fn steps(&self) -> &[Value] {
        &self.steps
    }

    /// The whole as a value.
    pub fn to_json(&self) -> Value {
        json!({ "name": self.name, "open": self.open, "steps": self.steps })
    }
}

/// All commits of a book.
fn feed(folder: &Folder, book: &BookName) -> Vec<FeedEntry> {
    let host = Host::new(folder.clone(), Role::gateway()).expect("a process");
    host.open(book).expect("the book can be opened");
    let actor: Actor = "recorder".parse().expect("a name");
    let mut entries: Vec<FeedEntry> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.position.clone());
        let body = json!({ "after": after, "limit": 500 }).to_string().into_bytes();
        let answer = host.door(book, &actor).ask(Endpoint::Feed, Headers::new(), body);
        let page: FeedPage = serde_json::from_slice(&answer.expect("a page")).expect("a page");
        entries.extend(page.data);
        if !page.has_more {
            break;
        }
    }
    host.close();
    entries
}

/// The file that recordings are asked for in, if they are.
#[derive(Debug)]
pub struct Tape(Option<BufWriter<File>>);

impl Tape {
    /// The file of `BILLFOLD_RECORD_TO`.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn asked_for() -> Self {
        let made = |path| BufWriter::new(File::create(path).expect("a file for recordings"));
        Self(std::env::var_os(FILE).map(made))
    }

    /// Whether there is one.
    pub const fn is_running(&self) -> bool {
        self.0.is_some()
    }

    /// Writes a recording as one line, if there is a file.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&mut self, recording: &Recording) {
        if let Some(file) = &mut self.0 {
            writeln!(file, "{}", recording.to_json()).expect("a line can be written");
        }
    }
}
