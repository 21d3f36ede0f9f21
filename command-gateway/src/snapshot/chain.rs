//! The layers of a snapshot, lowest first, and what is read out of them.

use std::borrow::Cow;
use std::sync::Arc;

use event_log::{Disk, LogId, LogReader, ReadError};
use ledger_core::Ledger;
use ledger_core::snapshot::{Loader, STATE_VERSION, StateError};
use schemas::Timestamp;

use super::layer::{Cursor, Entry, Layer, LayerError, find_page};
use super::manifest::{Manifest, Named};
use super::pages::{PageName, names};
use crate::fold::Fold;
use crate::jobs::Jobs;

/// Why a chain of layers is not used.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// A layer is damaged.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// A layer does not belong where it is.
    #[error("{name} {what}")]
    Foreign {
        /// The layer.
        name: String,
        /// Why not.
        what: &'static str,
    },
    /// A piece cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The log could not be asked.
    #[error(transparent)]
    Log(#[from] ReadError),
}

/// Layers, lowest first. Each was checked whole, or was written by this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    pub(crate) layers: Vec<Arc<Layer>>,
}

impl Chain {
    /// Opens and checks the layers of a manifest up to the first that cannot be used; that one's
    /// reason beside them.
    pub(crate) fn open(disk: &dyn Disk, manifest: &Manifest) -> (Self, Option<ChainError>) {
        let mut chain = Self::default();
        for named in &manifest.layers {
            if let Err(error) = chain.push(disk, manifest.log, *named) {
                return (chain, Some(error));
            }
        }
        (chain, None)
    }

    fn push(&mut self, disk: &dyn Disk, log: LogId, named: Named) -> Result<(), ChainError> {
        let mut layer = Layer::open(disk, named.number, named.length, named.sha)?;
        let foreign = |what| ChainError::Foreign { name: layer.name.clone(), what };
        if layer.footer.log != log {
            return Err(foreign("is of another log"));
        }
        if layer.footer.state_version != STATE_VERSION {
            return Err(foreign("was made by another version of billfold"));
        }
        let below = self.layers.last();
        if layer.footer.below != below.map_or([0; 32], |below| below.sha) {
            return Err(foreign("does not follow the layer below it"));
        }
        if below.is_some_and(|below| below.footer.position >= layer.footer.position) {
            return Err(foreign("does not go beyond the layer below it"));
        }
        layer.check()?;
        self.layers.push(Arc::new(layer));
        Ok(())
    }

    pub(crate) fn top(&self) -> Option<&Layer> {
        self.layers.last().map(AsRef::as_ref)
    }

    /// The last commit that the snapshot holds; 0 without one.
    pub(crate) fn position(&self) -> u64 {
        self.top().map_or(0, |top| top.footer.position)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.length).sum()
    }

    pub(crate) fn named(&self) -> Vec<Named> {
        let named = |layer: &Arc<Layer>| {
            let Layer { number, length, sha, .. } = **layer;
            Named { number, length, sha }
        };
        self.layers.iter().map(named).collect()
    }

    /// Drops layers from the top that the log does not have, or has otherwise. The reader then
    /// stands behind the block that holds the position; says whether anything was dropped.
    pub(crate) fn keep_what_is_in(&mut self, log: &mut LogReader) -> Result<bool, ReadError> {
        let before = self.layers.len();
        while let Some(top) = self.layers.last() {
            if is_in(log, top.footer.position, &top.footer.block_hash)? {
                break;
            }
            self.layers.pop();
        }
        Ok(self.layers.len() < before)
    }

    /// Where a customer's newest piece is.
    pub(crate) fn find(&self, id: u128) -> Result<Option<(&Layer, Entry)>, LayerError> {
        for layer in self.layers.iter().rev() {
            if let Some(entry) = layer.find(id)? {
                return Ok(Some((layer, entry)));
            }
        }
        Ok(None)
    }

    /// Whether some layer has a page.
    pub(crate) fn has_page(&self, name: PageName) -> bool {
        self.layers.iter().any(|layer| layer.has_page(name))
    }

    /// A customer's piece that `layer` has as these bytes, put together if it is in pages.
    pub(crate) fn whole<'a>(
        &self,
        layer: &Layer,
        entry: &Entry,
        piece: &'a [u8],
    ) -> Result<Cow<'a, [u8]>, LayerError> {
        if entry.pages == 0 {
            return Ok(Cow::Borrowed(piece));
        }
        let mut whole = Vec::new();
        for name in names(piece) {
            let page = find_page(&self.layers, name)?;
            let page = page.ok_or_else(|| layer.damaged("a page of a customer is in no layer"))?;
            whole.extend_from_slice(&page);
        }
        Ok(Cow::Owned(whole))
    }

    /// The state without customers, to fold a part of the log into.
    pub(crate) fn book(&self) -> Result<Fold<Ledger>, ChainError> {
        match self.top() {
            None => Ok(Fold::new(Ledger::default())),
            Some(top) => fold_of(top, Ledger::of_book(&top.book()?)?),
        }
    }

    /// The whole state.
    pub(crate) fn load(&self) -> Result<Fold<Ledger>, ChainError> {
        let Some(top) = self.top() else { return Ok(Fold::new(Ledger::default())) };
        let registered = usize::try_from(top.footer.registered);
        let registered = registered.map_err(|_| StateError::Customers)?;
        // Every customer is in some layer, so a count beyond that is none.
        let in_layers: u64 = self.layers.iter().map(|layer| layer.footer.customers).sum();
        if top.footer.registered > in_layers {
            return Err(StateError::Customers.into());
        }
        let mut loader = Loader::new(&top.book()?, registered)?;
        loader.reserve_taken(self.layers.iter().map(|layer| layer.footer.taken).sum());
        for layer in self.layers.iter().rev() {
            self.load_layer(&mut loader, layer)?;
        }
        fold_of(top, loader.finish()?)
    }

    fn load_layer(&self, loader: &mut Loader, layer: &Layer) -> Result<(), ChainError> {
        let mut pieces = layer.pieces();
        let mut entries = Cursor::default();
        while let Some(entry) = entries.next(layer)? {
            if !loader.has(entry.place) {
                let piece = self.whole(layer, &entry, pieces.piece(&entry)?)?;
                loader.put_customer(entry.place, &piece)?;
            }
        }
        layer.each_taken(|taken| {
            loader.add_taken(taken.as_chunks::<16>().0.iter().map(|id| u128::from_le_bytes(*id)));
            Ok::<(), LayerError>(())
        })?;
        loader.add_names(&layer.names()?)?;
        Ok(())
    }
}

fn fold_of(top: &Layer, state: Ledger) -> Result<Fold<Ledger>, ChainError> {
    let jobs = Jobs::from_piece(&top.jobs()?);
    let jobs = jobs.ok_or_else(|| top.damaged("its jobs cannot be read"))?;
    let recorded_at = Timestamp::from_micros(top.footer.recorded_at);
    let recorded_at = recorded_at.ok_or_else(|| top.damaged("its time is no time"))?;
    let next_position = top.footer.position + 1;
    Ok(Fold { jobs, next_position, recorded_at: Some(recorded_at), ..Fold::new(state) })
}

/// Whether a block with that hash ends with that position. The reader then stands behind it.
pub(crate) fn is_in(
    log: &mut LogReader,
    position: u64,
    hash: &event_log::Hash,
) -> Result<bool, ReadError> {
    log.seek(position)?;
    Ok(log
        .next_block()?
        .is_some_and(|block| block.hash() == hash && block.next_position() == position + 1))
}
