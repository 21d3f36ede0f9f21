//! Read models of a book that no process keeps, for the time of a command line.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use event_log::LogReader;
use projections::{Projectors, ViewName};
use schemas::Problem;
use schemas::problem::Fault;
use schemas::text::BookName;
use schemas::wire::{Endpoint, Headers};

use super::{not_started, services};
use crate::door::Ask;
use crate::exit::Failure;
use crate::folder::{Folder, damaged};

/// How long a read model may take to catch up.
const PATIENCE: Duration = Duration::from_mins(10);

/// Read models of a book that no process keeps: they catch up with the log and answer.
#[derive(Debug)]
pub struct ReadDoor {
    head: u64,
    path: PathBuf,
    views: PathBuf,
    started: Mutex<BTreeMap<ViewName, Projectors>>,
}

impl ReadDoor {
    /// Looks at the log, which may be read-only and may have a writer. A read model starts when
    /// it is asked.
    ///
    /// # Errors
    /// [`Failure`]: no such book, or damage.
    pub fn open(folder: &Folder, book: &BookName) -> Result<Self, Failure> {
        let mut reader = folder.reader(book)?;
        let head = reader.durable_head().map_err(damaged)?.last_position().unwrap_or(0);
        let (path, views) = (folder.log(book), folder.views(book));
        Ok(Self { head, path, views, started: Mutex::default() })
    }
}

impl Ask for ReadDoor {
    fn ask(&self, endpoint: Endpoint, headers: Headers, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let Endpoint::Query { view, name } = &endpoint else {
            return Err(Failure::Internal("only queries are answered here".to_owned()));
        };
        let known: ViewName = view.parse().map_err(|error: projections::UnknownView| {
            Failure::from(Problem::fault(Fault::UnknownSubject, error.to_string()))
        })?;
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let running = match started.entry(known) {
            Entry::Occupied(running) => running.into_mut(),
            Entry::Vacant(place) => {
                let open = || LogReader::open(&self.path);
                let running = Projectors::start(open, &self.views, &[known]);
                let running = running.map_err(not_started)?;
                // Nobody waits for more than the log held at first.
                running.wait_for(self.head, PATIENCE);
                place.insert(running)
            }
        };
        let reply = services::answer(running, view, name, &headers, &body);
        reply.map(|reply| reply.body).map_err(Failure::from)
    }
}
