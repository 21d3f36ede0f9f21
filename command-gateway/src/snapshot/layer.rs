//! One layer of a snapshot: the customers that changed since the layer below.
//!
//! | section | holds |
//! |---|---|
//! | customers | each customer's piece, in the order of their ids, or the names of its pages |
//! | pages | those that no layer below has, see [`super::pages`] |
//! | taken ids | 16 bytes each, little endian: those taken since the layer below |
//! | names | pieces of names, those given since the layer below |
//! | book | the book's piece, whole |
//! | jobs | how far all jobs are, and whom those that go on have left |
//! | index of pages | 32 bytes for each, in the order of their names, see [`PageAt`] |
//! | index | 52 bytes for each customer, in the order of their ids, see below |
//! | footer | see [`Footer`] |
//!
//! | offset in an entry | bytes | field |
//! |---|---|---|
//! | 0 | 16 | customer's id, big endian |
//! | 16 | 8 | its place in the order of registration, from 0 |
//! | 24 | 8 | where its piece starts |
//! | 32 | 4 | the length of its piece |
//! | 36 | 4 | the day it is due, days since 1970, signed; the largest for never |
//! | 40 | 4 | CRC32C of its piece |
//! | 44 | 4 | how many pages its piece has; 0 of one that is whole |
//! | 48 | 4 | CRC32C of bytes 0..48 |
//!
//! *Correctness.* [`Layer::check`] reads the whole file and compares its SHA-256 with the one that
//! the manifest names. Only then is anything of it used. Later reads check the sums of what they
//! read, so that what goes bad meanwhile is not copied into the next layer.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use event_log::{Disk, DiskFile, Hash};
use schemas::Date;
use schemas::ids::CustomerId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::footer::{FOOTER, Footer};
use super::pages::PageName;

pub(super) const ENTRY: usize = 52;
/// The bytes of a page in the index of pages.
const PAGE: usize = 32;
/// Entries between two fences.
const FENCE_EVERY: u64 = 64;
/// Bytes that are read at a time.
const WINDOW: usize = 1 << 20;

/// Why a layer is not used.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The disk said no.
    #[error("{name} cannot be read")]
    Io {
        /// The file.
        name: String,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// The bytes are not what was written.
    #[error("{name} is damaged: {what}")]
    Damaged {
        /// The file.
        name: String,
        /// What is wrong.
        what: String,
    },
}

/// Where a customer's piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: u128,
    pub(crate) place: u64,
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) due: Option<Date>,
    /// The checksum of the piece.
    pub(crate) sum: u32,
    /// How many pages it is in; 0 where it is whole.
    pub(crate) pages: u32,
}

/// Where a page is. Its entry: name, big endian, 16; where it starts, 8; its length, 4; its
/// CRC32C, 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageAt {
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) sum: u32,
}

impl PageAt {
    pub(super) fn encode(&self, name: PageName) -> [u8; PAGE] {
        let mut bytes = [0; PAGE];
        bytes[0..16].copy_from_slice(&name.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.offset.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.length.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.sum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; PAGE]) -> (PageName, Self) {
        let offset = u64::from_le_bytes(std::array::from_fn(|n| bytes[16 + n]));
        let short = |at: usize| u32::from_le_bytes(std::array::from_fn(|n| bytes[at + n]));
        let name = PageName::from_be_bytes(std::array::from_fn(|n| bytes[n]));
        (name, Self { offset, length: short(24), sum: short(28) })
    }
}

impl Entry {
    pub(crate) fn customer(&self) -> CustomerId {
        CustomerId::new(Uuid::from_u128(self.id))
    }

    pub(super) fn encode(&self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        bytes[0..16].copy_from_slice(&self.id.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.place.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.offset.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.length.to_le_bytes());
        let due = self.due.map_or(i32::MAX, Date::days);
        bytes[36..40].copy_from_slice(&due.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.sum.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.pages.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..48]);
        bytes[48..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `None` if its checksum is wrong.
    fn decode(bytes: &[u8; ENTRY]) -> Option<Self> {
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|n| bytes[at + n]));
        let short = |at: usize| u32::from_le_bytes(std::array::from_fn(|n| bytes[at + n]));
        (crc32c::crc32c(&bytes[..48]) == short(48)).then_some(Self {
            id: u128::from_be_bytes(std::array::from_fn(|n| bytes[n])),
            place: long(16),
            offset: long(24),
            length: short(32),
            due: Date::from_days(i32::from_le_bytes(std::array::from_fn(|n| bytes[36 + n]))),
            sum: short(40),
            pages: short(44),
        })
    }
}

/// A layer's file, open.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) length: u64,
    pub(crate) sha: Hash,
    pub(crate) footer: Footer,
    file: Box<dyn DiskFile>,
    /// The id of every 64th entry.
    fences: Vec<u128>,
    /// Its pages: only long pieces have some.
    pages: BTreeMap<PageName, PageAt>,
}

pub(crate) fn layer_name(number: u64) -> String {
    format!("layer-{number:010}.bfs")
}

impl Layer {
    /// Opens a layer of which the manifest says length and hash. Nothing of it is checked yet but
    /// its footer.
    pub(crate) fn open(
        disk: &dyn Disk,
        number: u64,
        length: u64,
        sha: Hash,
    ) -> Result<Self, LayerError> {
        let name = layer_name(number);
        let io = |source| LayerError::Io { name: name.clone(), source };
        let damaged =
            |what: &str| LayerError::Damaged { name: name.clone(), what: what.to_owned() };
        let file = disk.open_read(&name).map_err(io)?;
        if file.length().map_err(io)? != length {
            return Err(damaged("it has another length"));
        }
        let mut bytes = [0; FOOTER];
        let at = length.checked_sub(FOOTER as u64).ok_or_else(|| damaged("it is too short"))?;
        if file.read_at(&mut bytes, at).map_err(io)? < FOOTER {
            return Err(damaged("it is cut short"));
        }
        let footer = Footer::decode(&bytes, length).map_err(damaged)?;
        let index = footer.ends.index - footer.ends.page_index;
        let taken = footer.ends.taken - footer.ends.pages;
        if footer.customers.checked_mul(ENTRY as u64) != Some(index)
            || footer.taken.checked_mul(16) != Some(taken)
        {
            return Err(damaged("its sections have other lengths than its counts say"));
        }
        let (fences, pages) = (Vec::new(), BTreeMap::new());
        Ok(Self { number, name, length, sha, footer, file, fences, pages })
    }

    /// Reads all of it, compares the hash, and gathers the fences.
    pub(crate) fn check(&mut self) -> Result<(), LayerError> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; WINDOW];
        let mut at = 0;
        while at < self.length {
            let left = usize::try_from(self.length - at).unwrap_or(WINDOW).min(WINDOW);
            self.read(&mut buffer[..left], at)?;
            hash.update(&buffer[..left]);
            at += left as u64;
        }
        if Hash::from(hash.finalize()) != self.sha {
            return Err(self.damaged("its SHA-256 is not the one in the manifest"));
        }
        self.find_fences()
    }

    /// Gathers the fences of a layer that was just written, or checked.
    pub(crate) fn find_fences(&mut self) -> Result<(), LayerError> {
        let mut fences = Vec::new();
        let mut at = 0;
        self.each_entry(|entry| {
            if at % FENCE_EVERY == 0 {
                fences.push(entry.id);
            }
            at += 1;
            Ok(())
        })?;
        self.fences = fences;
        let Footer { ends, sums, .. } = &self.footer;
        let pages = self.section(ends.jobs, ends.page_index, sums.page_index)?;
        self.pages = pages.as_chunks::<PAGE>().0.iter().map(PageAt::decode).collect();
        Ok(())
    }

    /// Whether it has a page.
    pub(crate) fn has_page(&self, name: PageName) -> bool {
        self.pages.contains_key(&name)
    }

    /// A page, if it is in this layer.
    pub(crate) fn page(&self, name: PageName) -> Result<Option<Vec<u8>>, LayerError> {
        let Some(at) = self.pages.get(&name) else { return Ok(None) };
        let Footer { ends, .. } = &self.footer;
        let end = at.offset.checked_add(u64::from(at.length));
        if at.offset < ends.customers || end.is_none_or(|end| end > ends.pages) {
            return Err(self.damaged("an entry of its index of pages points outside"));
        }
        let mut page = vec![0; at.length as usize];
        self.read(&mut page, at.offset)?;
        if crc32c::crc32c(&page) != at.sum {
            return Err(self.damaged("the checksum of a page is wrong"));
        }
        Ok(Some(page))
    }

    /// Gives every entry in the order of the ids.
    pub(crate) fn each_entry(
        &self,
        mut take: impl FnMut(Entry) -> Result<(), LayerError>,
    ) -> Result<(), LayerError> {
        let mut entries = Cursor::default();
        while let Some(entry) = entries.next(self)? {
            take(entry)?;
        }
        Ok(())
    }

    /// The entry of a customer, if it is in this layer.
    pub(crate) fn find(&self, id: u128) -> Result<Option<Entry>, LayerError> {
        let Some(fence) = self.fences.partition_point(|first| *first <= id).checked_sub(1) else {
            return Ok(None);
        };
        let entries = self.entries_at(fence as u64 * FENCE_EVERY, FENCE_EVERY)?;
        let found = entries.binary_search_by_key(&id, |entry| entry.id);
        Ok(found.ok().map(|at| entries[at]))
    }

    fn entries_at(&self, first: u64, most: u64) -> Result<Vec<Entry>, LayerError> {
        let count = self.footer.customers.saturating_sub(first).min(most);
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(0) * ENTRY];
        self.read(&mut bytes, self.footer.ends.page_index + first * ENTRY as u64)?;
        let entries = bytes.as_chunks::<ENTRY>().0.iter().map(Entry::decode);
        let entries: Option<Vec<_>> = entries.collect();
        entries.ok_or_else(|| self.damaged("an entry of its index has a wrong checksum"))
    }

    /// A customer's piece, or the names of its pages.
    pub(crate) fn piece(&self, entry: &Entry) -> Result<Vec<u8>, LayerError> {
        let mut one = Pieces { width: 0, ..self.pieces() };
        one.piece(entry).map(<[u8]>::to_vec)
    }

    /// Taken ids, as bytes, a window at a time. What was given counts only without an error.
    pub(crate) fn each_taken<E: From<LayerError>>(
        &self,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Footer { ends, sums, .. } = &self.footer;
        let (mut at, mut sum) = (ends.pages, 0);
        let mut window = Vec::new();
        while at < ends.taken {
            let length = usize::try_from(ends.taken - at).unwrap_or(WINDOW).min(WINDOW);
            window.resize(length, 0);
            self.read(&mut window, at)?;
            sum = crc32c::crc32c_append(sum, &window);
            at += length as u64;
            each(&window)?;
        }
        if sum != sums.taken {
            return Err(self.damaged("the checksum of a section is wrong").into());
        }
        Ok(())
    }

    /// Pieces of names.
    pub(crate) fn names(&self) -> Result<Vec<u8>, LayerError> {
        let Footer { ends, sums, .. } = &self.footer;
        self.section(ends.taken, ends.names, sums.names)
    }

    /// The book's piece.
    pub(crate) fn book(&self) -> Result<Vec<u8>, LayerError> {
        let Footer { ends, sums, .. } = &self.footer;
        self.section(ends.names, ends.book, sums.book)
    }

    /// The jobs.
    pub(crate) fn jobs(&self) -> Result<Vec<u8>, LayerError> {
        let Footer { ends, sums, .. } = &self.footer;
        self.section(ends.book, ends.jobs, sums.jobs)
    }

    fn section(&self, from: u64, to: u64, sum: u32) -> Result<Vec<u8>, LayerError> {
        let length = usize::try_from(to.saturating_sub(from));
        let length = length.map_err(|_| self.damaged("a section is longer than memory"))?;
        let mut bytes = vec![0; length];
        self.read(&mut bytes, from)?;
        if crc32c::crc32c(&bytes) != sum {
            return Err(self.damaged("the checksum of a section is wrong"));
        }
        Ok(bytes)
    }

    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), LayerError> {
        let read = self.file.read_at(buffer, offset);
        let read = read.map_err(|source| LayerError::Io { name: self.name.clone(), source })?;
        if read < buffer.len() {
            return Err(self.damaged("it is cut short"));
        }
        Ok(())
    }

    pub(crate) fn damaged(&self, what: &str) -> LayerError {
        LayerError::Damaged { name: self.name.clone(), what: what.to_owned() }
    }

    /// A reader of pieces that are asked for in the order of their offsets.
    pub(crate) fn pieces(&self) -> Pieces<'_> {
        Pieces { layer: self, from: 0, window: Vec::new(), width: WINDOW }
    }
}

/// A page, from the newest of these layers that has it.
pub(crate) fn find_page(
    layers: &[Arc<Layer>],
    name: PageName,
) -> Result<Option<Vec<u8>>, LayerError> {
    layers.iter().rev().find_map(|layer| layer.page(name).transpose()).transpose()
}

/// Where someone is in a layer's index.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    next: u64,
    chunk: std::vec::IntoIter<Entry>,
}

impl Cursor {
    const CHUNK: u64 = 1_024;

    pub(crate) fn next(&mut self, layer: &Layer) -> Result<Option<Entry>, LayerError> {
        if let Some(entry) = self.chunk.next() {
            return Ok(Some(entry));
        }
        let chunk = layer.entries_at(self.next, Self::CHUNK)?;
        self.next += chunk.len() as u64;
        self.chunk = chunk.into_iter();
        Ok(self.chunk.next())
    }
}

/// Pieces of a layer, read through a window.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    layer: &'a Layer,
    from: u64,
    window: Vec<u8>,
    /// Bytes that are read at least.
    width: usize,
}

impl Pieces<'_> {
    pub(crate) fn piece(&mut self, entry: &Entry) -> Result<&[u8], LayerError> {
        let length = entry.length as usize;
        let end = entry.offset.checked_add(u64::from(entry.length));
        let limit = self.layer.footer.ends.customers;
        if end.is_none_or(|end| end > limit) {
            return Err(self.layer.damaged("an entry of its index points outside"));
        }
        let inside = entry.offset >= self.from
            && end.is_some_and(|end| end <= self.from + self.window.len() as u64);
        if !inside {
            let left = usize::try_from(limit - entry.offset).unwrap_or(usize::MAX);
            self.window.resize(left.min(self.width.max(length)), 0);
            self.from = entry.offset;
            self.layer.read(&mut self.window, entry.offset)?;
        }
        let at = usize::try_from(entry.offset - self.from).unwrap_or(0);
        let piece = &self.window[at..at + length];
        if crc32c::crc32c(piece) != entry.sum {
            return Err(self.layer.damaged("the checksum of a customer is wrong"));
        }
        Ok(piece)
    }
}
