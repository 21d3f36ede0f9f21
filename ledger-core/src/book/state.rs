//! What the book was opened with, and where its test clock stands.

use schemas::event::{BookEvent, BookOpened};
use schemas::terms::BookClock;
use schemas::{Rejection, Timestamp};
use serde::{Deserialize, Serialize};

/// The book itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BookState {
    opened: Option<BookOpened>,
    test_clock: Option<Timestamp>,
}

impl BookState {
    /// Where the test clock stands, on a test book.
    pub(crate) const fn test_clock(&self) -> Option<Timestamp> {
        self.test_clock
    }

    /// # Errors
    /// [`Rejection::BookNotOpen`].
    pub(crate) fn opened(&self) -> Result<&BookOpened, Rejection> {
        self.opened.as_ref().ok_or(Rejection::BookNotOpen)
    }

    pub(crate) fn evolve(&mut self, event: &BookEvent) {
        match event {
            BookEvent::BookOpened(opened) => {
                self.test_clock = match opened.clock {
                    BookClock::Wall => None,
                    BookClock::Test(now) => Some(now),
                };
                self.opened = Some(opened.clone());
            }
            BookEvent::ClockAdvanced(advanced) => self.test_clock = Some(advanced.to),
        }
    }
}
