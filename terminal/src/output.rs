//! What goes to stdout: documents as JSON, one row a line, or tables for people.

use std::io::{self, IsTerminal, Write};

use client::Node;
use schemas::text::unfit;

use crate::answers::{View, render};
use crate::table::in_lines;

/// Forms of the data on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// One document.
    Json,
    /// One row a line.
    Jsonl,
}

/// Why nothing was printed.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// The reader of stdout has gone; nobody is left to tell.
    #[error("the reader of the output has gone")]
    BrokenPipe,
    /// The system says no.
    #[error("stdout cannot be written")]
    Io(#[source] io::Error),
}

/// Where data goes, and in which form.
#[derive(Debug)]
pub struct Output {
    format: Format,
}

impl Output {
    /// The asked form; a table on a terminal and JSON elsewhere, if none was asked for.
    pub fn new(asked: Option<Format>) -> Self {
        let terminal = io::stdout().is_terminal();
        let usual = if terminal { Format::Table } else { Format::Json };
        Self { format: asked.unwrap_or(usual) }
    }

    /// The form.
    pub fn format(&self) -> Format {
        self.format
    }

    /// People read it.
    pub fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// Prints an answer. Rows are the items of its `data`; a document without is one row.
    ///
    /// # Errors
    /// [`PrintError::BrokenPipe`], or what the system says.
    pub fn document(&self, view: View, document: &Node) -> Result<(), PrintError> {
        match self.format {
            Format::Table => text(&in_lines(&render(view, document))),
            Format::Json => text(&json(document, true)),
            Format::Jsonl => match document.get("data") {
                Some(Node::List(rows)) => rows.iter().try_for_each(|row| text(&json(row, false))),
                Some(_) | None => text(&json(document, false)),
            },
        }
    }

    /// Prints one of a stream of documents: a line of JSON, or lines for people.
    ///
    /// # Errors
    /// As [`Output::document`].
    pub fn item(&self, document: &Node, people: impl FnOnce() -> String) -> Result<(), PrintError> {
        match self.format {
            Format::Table => text(&in_lines(&people())),
            Format::Json | Format::Jsonl => text(&json(document, false)),
        }
    }
}

/// JSON may hold any character; those that drive a terminal are written as JSON can write them,
/// too: by their number.
fn json(document: &Node, pretty: bool) -> String {
    let text = json_text(document, pretty);
    if text.chars().all(|c| c == '\n' || unfit(c).is_none()) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if character == '\n' || unfit(character).is_none() {
            out.push(character);
        } else {
            let code = format!("\\u{:04x}", u32::from(character));
            out.push_str(&code);
        }
    }
    out
}

fn json_text(document: &Node, pretty: bool) -> String {
    let text = if pretty {
        serde_json::to_string_pretty(document)
    } else {
        serde_json::to_string(document)
    };
    text.unwrap_or_else(|error| format!("\"no JSON form: {error}\""))
}

/// Prints a text and ends the line.
///
/// # Errors
/// [`PrintError::BrokenPipe`] when the reader has gone, else what the system says.
pub fn text(text: &str) -> Result<(), PrintError> {
    raw(&[text.as_bytes(), b"\n"])
}

/// Prints bytes as they are.
///
/// # Errors
/// As [`text`].
pub fn raw(parts: &[&[u8]]) -> Result<(), PrintError> {
    let mut stdout = io::stdout().lock();
    let written = parts.iter().try_for_each(|part| stdout.write_all(part));
    written.and_then(|()| stdout.flush()).map_err(|source| {
        if source.kind() == io::ErrorKind::BrokenPipe {
            PrintError::BrokenPipe
        } else {
            PrintError::Io(source)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_what_was_said_and_no_character_that_drives_a_terminal() {
        let said = "\u{9b}2K\u{202e}é";
        let text = json(&Node::of(&said), true);
        assert_eq!(text, "\"\\u009b2K\\u202eé\"");
        assert_eq!(serde_json::from_str::<String>(&text).ok().as_deref(), Some(said));
    }
}
