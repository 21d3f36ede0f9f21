//! What goes to stdout: documents as JSON, one row a line, or tables for people.
//!
//! # Shape
//!
//! An [`Output`] has one [`Format`]. [`Output::document`] prints an answer in it; a [`View`]
//! says which rendering a table has. Nothing is printed but through here, so that a reader that
//! goes away (`| head`) ends the program quietly.

mod chart;
mod documents;
mod explanation;
mod invoice;
mod node;
mod preview;
mod prices;
mod subscription;
mod table;

use std::io::{self, IsTerminal, Write};

pub use chart::bars;
pub use documents::{View, counted, render};
pub use node::Node;
pub use table::{Rows, grouped, show};

use crate::cli::Format;
use crate::exit::Failure;

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
    /// [`Failure::BrokenPipe`], or what the system says.
    pub fn document(&self, view: View, document: &Node) -> Result<(), Failure> {
        match self.format {
            Format::Table => text(&render(view, document)),
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
    pub fn item(&self, document: &Node, people: impl FnOnce() -> String) -> Result<(), Failure> {
        match self.format {
            Format::Table => text(&people()),
            Format::Json | Format::Jsonl => text(&json(document, false)),
        }
    }
}

fn json(document: &Node, pretty: bool) -> String {
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
/// [`Failure::BrokenPipe`] when the reader has gone, else what the system says.
pub fn text(text: &str) -> Result<(), Failure> {
    raw(&[text.as_bytes(), b"\n"])
}

/// Prints bytes as they are.
///
/// # Errors
/// As [`text`].
pub fn raw(parts: &[&[u8]]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = parts.iter().try_for_each(|part| stdout.write_all(part));
    written.and_then(|()| stdout.flush()).map_err(|source| {
        if source.kind() == io::ErrorKind::BrokenPipe {
            Failure::BrokenPipe
        } else {
            Failure::io("stdout cannot be written", source)
        }
    })
}
