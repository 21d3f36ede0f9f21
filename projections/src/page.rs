//! Pages and cursors.
//!
//! A cursor holds the sort key of the last item, the question it belongs to, and the generation
//! of the read model: after a rebuild it has expired, with other filters it is refused.

use schemas::problem::{Fault, Problem};
use schemas::view::Page;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::answer::{invalid, json};
use crate::projection::{QueryError, View};

/// Items of a page have at most so many bytes of JSON together; the page then ends early.
const MAX_ITEM_BYTES: usize = 900 * 1024;

/// What a cursor belongs to: a query with all its fields but `limit` and `after`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question(u64);

impl Question {
    /// Of this query; `request` has neither limit nor cursor.
    pub(crate) fn new(name: &str, request: &impl Serialize) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(name);
        let asked = serde_json::to_vec(request).expect("a request that was read can be written");
        hasher.update(asked);
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize()[..8]);
        Self(u64::from_be_bytes(first))
    }

    /// Reads a cursor that an earlier page gave.
    pub(crate) fn read<K: DeserializeOwned>(
        self,
        view: &View<'_>,
        after: Option<&str>,
    ) -> Result<Option<K>, QueryError> {
        let Some(text) = after else { return Ok(None) };
        let wrong = || invalid("/after", "this is no cursor; give back `next` of the page before");
        let bytes = from_hex(text).ok_or_else(wrong)?;
        let ((generation, question), rest): ((u64, u64), _) =
            postcard::take_from_bytes(&bytes).map_err(|_| wrong())?;
        if generation != view.generation {
            let detail = "the read model was rebuilt since this cursor was given; begin anew \
                          without `after`";
            return Err(Problem::fault(Fault::CursorExpired, detail).into());
        }
        if question != self.0 {
            let detail = "this cursor belongs to another query or other filters; keep them as \
                          they were";
            return Err(invalid("/after", detail));
        }
        let key = postcard::from_bytes(rest).map_err(|_| wrong())?;
        Ok(Some(key))
    }

    fn write<K: Serialize>(self, view: &View<'_>, key: &K) -> String {
        let bytes = postcard::to_allocvec(&((view.generation, self.0), key))
            .expect("a cursor always encodes: memory is its only limit");
        bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() > 512 || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

/// A page that is being filled.
pub(crate) struct Filling<T, K> {
    limit: usize,
    bytes: usize,
    items: Vec<T>,
    last: Option<K>,
    more: bool,
}

impl<T: Serialize, K: Serialize> Filling<T, K> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, bytes: 0, items: Vec::new(), last: None, more: false }
    }

    /// No further item is taken; `offer` would only find out that there are more.
    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= self.limit
    }

    /// Offers the next item. `false`: it is the first that does not go on the page.
    pub(crate) fn offer(&mut self, key: K, item: T) -> bool {
        let size = serde_json::to_vec(&item).map_or(0, |bytes| bytes.len());
        let fits = self.items.is_empty() || self.bytes + size <= MAX_ITEM_BYTES;
        if self.is_full() || !fits {
            self.more = true;
            return false;
        }
        self.bytes += size;
        self.items.push(item);
        self.last = Some(key);
        true
    }

    /// Ends the page here although there may be more behind `key`.
    pub(crate) fn end_at(&mut self, key: K) {
        self.last = Some(key);
        self.more = true;
    }

    /// The page.
    pub(crate) fn finish(self, view: &View<'_>, question: Question) -> Result<Vec<u8>, QueryError> {
        let next = self.last.filter(|_| self.more).map(|key| question.write(view, &key));
        Ok(json(&Page {
            data: self.items,
            has_more: next.is_some(),
            next,
            position: view.position.to_string(),
            time: view.time,
        })?)
    }
}
