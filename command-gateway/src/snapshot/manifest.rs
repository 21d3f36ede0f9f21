//! The manifest names the files that make the snapshot. Whatever it does not name is left over.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `BFSM` |
//! | 4 | 4 | format version, 1 |
//! | 8 | 16 | log id |
//! | 24 | 4 | count of layers |
//! | 28 | 4 | count of files of ids |
//! | 32 | 48 each | layers, lowest first: number (8), length (8), SHA-256 (32) |
//! | | 8 each | files of ids, oldest first: number |
//! | | 4 | CRC32C of all bytes before |
//!
//! *Ordering.* Files are durable under their names before the manifest that names them is; files
//! that it no longer names are removed after it is durable. A crash in between leaves the manifest
//! before, whose files are all there.

use std::io;

use event_log::{Disk, Hash, LogId};

use super::layer::{Layer, layer_name};
use crate::ids::id_file_name;
use crate::sink::Sink;

const NAME: &str = "manifest";
const NEW_NAME: &str = "manifest.new";
const MAGIC: [u8; 4] = *b"BFSM";
const FORMAT: u32 = 1;
const HEAD: usize = 32;
const LAYER: usize = 48;

/// A layer as the manifest names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) number: u64,
    pub(crate) length: u64,
    pub(crate) sha: Hash,
}

/// The files that make the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) log: LogId,
    pub(crate) layers: Vec<Named>,
    pub(crate) ids: Vec<u64>,
}

/// Why there is no manifest to go by.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error("the snapshots' manifest cannot be read")]
    Io(#[from] io::Error),
    #[error("the snapshots' manifest is damaged")]
    Damaged,
}

impl Manifest {
    fn encode(&self) -> Vec<u8> {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let mut bytes = Vec::new();
        bytes.extend(MAGIC);
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(self.log.0);
        bytes.extend(count(self.layers.len()));
        bytes.extend(count(self.ids.len()));
        for layer in &self.layers {
            bytes.extend(layer.number.to_le_bytes());
            bytes.extend(layer.length.to_le_bytes());
            bytes.extend(layer.sha);
        }
        bytes.extend(self.ids.iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (bytes, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(bytes) != u32::from_le_bytes(*crc) {
            return None;
        }
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let short = |at: usize| u32::from_le_bytes(std::array::from_fn(|n| head[at + n]));
        if head[0..4] != MAGIC || short(4) != FORMAT {
            return None;
        }
        let layers = usize::try_from(short(24)).ok()?.checked_mul(LAYER)?;
        let (layers, ids) = rest.split_at_checked(layers)?;
        let (ids, []) = ids.as_chunks::<8>() else { return None };
        if ids.len() != usize::try_from(short(28)).ok()? {
            return None;
        }
        let named = |bytes: &[u8; LAYER]| {
            let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|n| bytes[at + n]));
            let sha = std::array::from_fn(|n| bytes[16 + n]);
            Named { number: long(0), length: long(8), sha }
        };
        Some(Self {
            log: LogId(std::array::from_fn(|n| head[8 + n])),
            layers: layers.as_chunks::<LAYER>().0.iter().map(named).collect(),
            ids: ids.iter().map(|number| u64::from_le_bytes(*number)).collect(),
        })
    }

    /// Reads the manifest; `None` if there is none.
    pub(crate) fn read(disk: &dyn Disk) -> Result<Option<Self>, ManifestError> {
        let file = match disk.open_read(NAME) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let length = usize::try_from(file.length()?).map_err(|_| ManifestError::Damaged)?;
        let mut bytes = vec![0; length];
        let read = file.read_at(&mut bytes, 0)?;
        Self::decode(&bytes[..read]).ok_or(ManifestError::Damaged).map(Some)
    }

    /// The position that the topmost layer says it has. Nothing is checked yet.
    pub(crate) fn position(&self, disk: &dyn Disk) -> Option<u64> {
        let Named { number, length, sha } = *self.layers.last()?;
        Layer::open(disk, number, length, sha).ok().map(|layer| layer.footer.position)
    }

    /// Makes this the manifest, durably.
    pub(crate) fn publish(&self, disk: &dyn Disk) -> io::Result<()> {
        disk.sync_folder()?;
        let mut sink = Sink::create(disk, NEW_NAME)?;
        sink.put(&self.encode())?;
        sink.finish()?;
        disk.rename(NEW_NAME, NAME)?;
        disk.sync_folder()
    }

    /// Whether a file of that name is of this snapshot.
    fn names(&self, name: &str) -> bool {
        name == NAME
            || self.layers.iter().any(|layer| layer_name(layer.number) == name)
            || self.ids.iter().any(|number| id_file_name(*number) == name)
    }

    /// Removes files of ours that this does not name. Best effort: what stays is removed later.
    pub(crate) fn sweep(&self, disk: &dyn Disk) {
        let names = disk.list().unwrap_or_default();
        for name in names.iter().filter(|name| is_ours(name) && !self.names(name)) {
            if let Err(error) = disk.remove(name) {
                tracing::debug!(%error, name, "a file of old snapshots stays");
            }
        }
    }
}

/// The number of a file of ours.
fn number_of(name: &str) -> Option<u64> {
    let layer = name.strip_prefix("layer-").and_then(|name| name.strip_suffix(".bfs"));
    let ids = name.strip_prefix("ids-").and_then(|name| name.strip_suffix(".bfi"));
    layer.or(ids)?.parse().ok()
}

fn is_ours(name: &str) -> bool {
    name == NEW_NAME || number_of(name).is_some()
}

/// A number that no file has.
pub(crate) fn next_number(disk: &dyn Disk) -> u64 {
    let names = disk.list().unwrap_or_default();
    names.iter().filter_map(|name| number_of(name)).max().map_or(1, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use event_log::sim::SimDisk;

    use super::*;

    fn manifest() -> Manifest {
        let layer = |number| Named { number, length: 7 * number, sha: [5; 32] };
        Manifest { log: LogId([3; 16]), layers: vec![layer(1), layer(4)], ids: vec![2, 3] }
    }

    #[test]
    fn a_manifest_is_read_back_and_every_flipped_bit_is_noticed() {
        let disk = SimDisk::new(1);
        assert!(matches!(Manifest::read(&disk), Ok(None)));
        manifest().publish(&disk).expect("written");
        assert_eq!(Manifest::read(&disk).expect("sound"), Some(manifest()));
        let sound = manifest().encode();
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << (at % 8);
            assert_eq!(Manifest::decode(&bytes), None, "byte {at}");
            assert_eq!(Manifest::decode(&sound[..at]), None, "cut to {at}");
        }
    }

    #[test]
    fn what_the_manifest_does_not_name_is_swept_and_nothing_else() {
        let disk = SimDisk::new(1);
        let names = ["layer-0000000001.bfs", "layer-0000000002.bfs", "ids-0000000009.bfi", "notes"];
        for name in names {
            disk.create(name).expect("created");
        }
        assert_eq!(next_number(&disk), 10);
        manifest().sweep(&disk);
        assert_eq!(disk.file_names(), ["layer-0000000001.bfs", "notes"]);
    }
}
