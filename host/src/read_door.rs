//! A read model of a book that no process keeps, for the time of a few questions.

use std::sync::Arc;
use std::time::Duration;

use client::{Ask, AskError};
use event_log::LogReader;
use projections::{DEFAULT_PATIENCE, Projectors, ViewName};
use schemas::Problem;
use schemas::problem::Fault;
use schemas::text::BookName;
use schemas::wire::{Endpoint, Headers};
use vault::KeyRing;

use crate::error::HostError;
use crate::folder::Folder;
use crate::view_door::at_least;

/// How long the read model may take to catch up.
const PATIENCE: Duration = Duration::from_mins(10);

/// A read model of a book that no process keeps: it catches up with the log and answers.
#[derive(Debug)]
pub struct ReadDoor {
    views: Projectors,
    ring: Arc<KeyRing>,
}

impl ReadDoor {
    /// Looks at the log, which may be read-only and may have a writer, and waits until the read
    /// model reflects all that it held at first. Its last segment is checked, also what the read
    /// model has seen before.
    ///
    /// # Errors
    /// [`HostError`]: no such book, damage, or another process that keeps the read model.
    pub fn open(folder: &Folder, book: &BookName, view: ViewName) -> Result<Self, HostError> {
        let mut reader = folder.reader(book)?;
        let head = reader.durable_head()?.last_position().unwrap_or(0);
        let ring = folder.ring(book, reader.identity().log().0);
        // A read model that is built reads nothing of the log again, so it would not meet damage.
        reader.seek(u64::MAX)?;
        let (log, views) = (folder.log(book), folder.views(book));
        let views = Projectors::start(|| LogReader::open(&log), &views, &[view])?;
        views.wait_for(head, PATIENCE);
        Ok(Self { views, ring })
    }
}

impl Ask for ReadDoor {
    fn ask(
        &self,
        endpoint: Endpoint,
        headers: Headers,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, AskError> {
        let Endpoint::Query { view, name } = &endpoint else {
            let problem = Problem::fault(Fault::UnknownSubject, "only queries are answered here");
            return Err(problem.into());
        };
        let at_least = at_least(&headers)?;
        let answer = self.views.answer(view, name, &body, at_least, DEFAULT_PATIENCE)?;
        Ok(self.ring.open_json(answer))
    }
}
