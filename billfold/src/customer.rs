//! `customer export`: all that a book knows of one customer.
//!
//! It is read from the log and opened with the keys that are here. Commits of others that name the
//! customer (who pays for it, who it pays for) are part of it.

use client::Node;
use host::{Commits, Folder};
use schemas::event::{CreditNoteIssued, CustomerRegistered, Event, InvoiceFinalized};
use schemas::ids::CustomerId;
use schemas::text::BookName;
use schemas::{Commit, StreamId};
use terminal::{Output, View};

use crate::commits::{Reading, document};
use crate::exit::Failure;

/// Runs `customer export`.
///
/// # Errors
/// [`Failure::Refused`] when the log has no such customer; damage.
pub fn export(
    customer: CustomerId,
    folder: &Folder,
    book: &BookName,
    output: &Output,
) -> Result<(), Failure> {
    let mut commits = Commits::of(folder, book)?;
    let reading = Reading::of(folder, book, commits.log());
    let mut known = Known::default();
    let mut at = None;
    commits.each_new(|commit| {
        if names(&commit, customer) {
            known.take_in(&reading, &commit, customer);
        }
        at = Some(commit.position);
        Ok::<_, Failure>(())
    })?;
    if known.profile.is_empty() {
        return Err(Failure::Refused(format!("{customer} is not a customer of book {book}")));
    }
    let exported = Node::object([
        ("customer", Node::of(&customer)),
        ("book", Node::of(&book.as_str())),
        ("commits_read", Node::of(&at)),
        ("profile", Node::List(known.profile)),
        ("documents", Node::List(known.documents)),
        ("commits", Node::List(known.commits)),
    ]);
    Ok(output.document(View::Any, &exported)?)
}

/// Whether a commit is of a customer or names it.
fn names(commit: &Commit, customer: CustomerId) -> bool {
    commit.stream == StreamId::Customer(customer) || {
        let (bytes, id) = (commit.to_bytes(), customer.uuid());
        bytes.windows(16).any(|window| window == id.as_bytes())
    }
}

/// What was found of a customer.
#[derive(Default)]
struct Known {
    /// Its registration and each change of it.
    profile: Vec<Node>,
    /// Invoices and credit notes.
    documents: Vec<Node>,
    commits: Vec<Node>,
}

impl Known {
    fn take_in(&mut self, reading: &Reading, commit: &Commit, customer: CustomerId) {
        self.commits.push(document(reading, commit));
        if commit.stream != StreamId::Customer(customer) {
            return;
        }
        for event in &commit.events {
            let shown = || {
                Node::object([
                    ("type", Node::of(&event.kind().name)),
                    ("at", Node::of(&commit.effective_at)),
                    ("data", reading.opened(&event.to_json())),
                ])
            };
            let issued = event.get::<InvoiceFinalized>().is_some()
                || event.get::<CreditNoteIssued>().is_some();
            if issued {
                self.documents.push(shown());
            } else if matches!(event, Event::Customer(_)) {
                debug_assert!(
                    !self.profile.is_empty() || event.get::<CustomerRegistered>().is_some(),
                    "a stream begins with its registration"
                );
                self.profile.push(shown());
            }
        }
    }
}
