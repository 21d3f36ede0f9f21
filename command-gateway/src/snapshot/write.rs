//! Writing a layer, from customers in memory and from the layers that it replaces.
//!
//! *Shape.* The sources are walked twice in the order of the ids, newest first where several have
//! a customer: once to copy pieces, once to write the index. So memory holds what changed and a
//! few windows, however large the layers are. Pages that no piece names any more are left out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use event_log::Disk;

use super::footer::{Ends, Footer, Sums};
use super::layer::{Cursor, Entry, Layer, LayerError, PageAt, Pieces, find_page, layer_name};
use super::manifest::Named;
use super::pages::{PageName, names};
use crate::sink::Sink;

/// What changed since the last layer.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// In the order of the ids; offsets are those in `pieces`.
    pub(crate) entries: Vec<Entry>,
    pub(crate) pieces: Vec<u8>,
    /// Pages of them that no layer has.
    pub(crate) pages: BTreeMap<PageName, Vec<u8>>,
    pub(crate) taken: Vec<u128>,
    pub(crate) names: Vec<u8>,
    pub(crate) book: Vec<u8>,
    pub(crate) jobs: Vec<u8>,
}

impl Changed {
    /// About how many bytes a layer of it takes.
    pub(crate) fn bytes(&self) -> u64 {
        let index = self.entries.len() * super::layer::ENTRY;
        let pages: usize = self.pages.values().map(Vec::len).sum();
        (self.pieces.len() + pages + index + self.taken.len() * 16 + self.names.len()) as u64
    }
}

/// Writes a layer of that number, durably, over the layers `merged` and what changed since the
/// last of them. Its name is not yet durable. Counts and sections of `footer` are found here.
pub(crate) fn write_layer(
    disk: &dyn Disk,
    number: u64,
    mut footer: Footer,
    merged: &[Arc<Layer>],
    changed: &Changed,
) -> Result<Named, LayerError> {
    let name = layer_name(number);
    let io = |source| LayerError::Io { name: name.clone(), source };
    let mut sink = Sink::create(disk, &name).map_err(io)?;
    let mut ends = Ends::default();

    let mut pieces: Vec<Pieces<'_>> = merged.iter().map(|layer| layer.pieces()).collect();
    let mut walk = Walk::over(merged, changed)?;
    footer.customers = 0;
    let mut paged = BTreeSet::new();
    while let Some((source, entry)) = walk.next()? {
        let piece = if let Some(layer) = pieces.get_mut(source) {
            layer.piece(&entry)?
        } else {
            let from = usize::try_from(entry.offset).unwrap_or(usize::MAX);
            let to = from.saturating_add(entry.length as usize);
            changed.pieces.get(from..to).unwrap_or_default()
        };
        sink.put(piece).map_err(io)?;
        if entry.pages > 0 {
            paged.extend(names(piece));
        }
        footer.customers += 1;
    }
    ends.customers = sink.length();

    // Those that are in neither are in the layers below.
    let mut page_index = Vec::new();
    for name in paged {
        let fresh = changed.pages.get(&name).map(Cow::Borrowed);
        let page = match fresh {
            Some(_) => fresh,
            None => find_page(merged, name)?.map(Cow::Owned),
        };
        let Some(page) = page else { continue };
        let (offset, sum) = (sink.length(), crc32c::crc32c(&page));
        let length = u32::try_from(page.len()).unwrap_or(u32::MAX);
        page_index.extend_from_slice(&PageAt { offset, length, sum }.encode(name));
        sink.put(&page).map_err(io)?;
    }
    ends.pages = sink.length();

    let mut sums = Sums::default();
    footer.taken = changed.taken.len() as u64;
    let mut put = |bytes: &[u8], sum: &mut u32| {
        *sum = crc32c::crc32c_append(*sum, bytes);
        sink.put(bytes).map_err(io).map(|()| sink.length())
    };
    ends.taken = ends.pages;
    for layer in merged {
        footer.taken += layer.footer.taken;
        layer.each_taken(|taken| {
            ends.taken = put(taken, &mut sums.taken)?;
            Ok::<(), LayerError>(())
        })?;
    }
    for ids in changed.taken.chunks(4_096) {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        ends.taken = put(&bytes, &mut sums.taken)?;
    }
    for layer in merged {
        put(&layer.names()?, &mut sums.names)?;
    }
    ends.names = put(&changed.names, &mut sums.names)?;
    ends.book = put(&changed.book, &mut sums.book)?;
    ends.jobs = put(&changed.jobs, &mut sums.jobs)?;
    ends.page_index = put(&page_index, &mut sums.page_index)?;

    let mut walk = Walk::over(merged, changed)?;
    let mut offset = 0;
    while let Some((_, entry)) = walk.next()? {
        sink.put(&Entry { offset, ..entry }.encode()).map_err(io)?;
        offset += u64::from(entry.length);
    }
    ends.index = sink.length();
    (footer.ends, footer.sums) = (ends, sums);
    sink.put(&footer.encode()).map_err(io)?;
    let (length, sha) = sink.finish().map_err(io)?;
    Ok(Named { number, length, sha })
}

/// Every customer of several layers and of memory, once, in the order of their ids.
pub(crate) struct Walk<'a> {
    layers: &'a [Arc<Layer>],
    changed: &'a [Entry],
    cursors: Vec<Cursor>,
    heads: Vec<Option<Entry>>,
    next_changed: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn over(layers: &'a [Arc<Layer>], changed: &'a Changed) -> Result<Self, LayerError> {
        Self::of(layers, &changed.entries)
    }

    pub(crate) fn of(layers: &'a [Arc<Layer>], changed: &'a [Entry]) -> Result<Self, LayerError> {
        let mut cursors: Vec<_> = layers.iter().map(|_| Cursor::default()).collect();
        let heads = cursors.iter_mut().zip(layers).map(|(cursor, layer)| cursor.next(layer));
        let mut heads = heads.collect::<Result<Vec<_>, _>>()?;
        heads.push(changed.first().copied());
        Ok(Self { layers, changed, cursors, heads, next_changed: 1 })
    }

    /// The next customer: the newest source that has it (the layers from 0, then memory), and its
    /// entry there.
    pub(crate) fn next(&mut self) -> Result<Option<(usize, Entry)>, LayerError> {
        let Some(least) = self.heads.iter().flatten().map(|entry| entry.id).min() else {
            return Ok(None);
        };
        let mut found = None;
        for source in 0..self.heads.len() {
            let Some(head) = self.heads[source].filter(|head| head.id == least) else { continue };
            found = Some((source, head));
            self.heads[source] = if let Some(cursor) = self.cursors.get_mut(source) {
                cursor.next(&self.layers[source])?
            } else {
                let next = self.changed.get(self.next_changed).copied();
                self.next_changed += 1;
                next
            };
        }
        Ok(found)
    }
}
