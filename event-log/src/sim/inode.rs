//! One simulated file: what is read now, what is durable, and what is in between.

use std::collections::{BTreeMap, BTreeSet};

use super::random::SplitMix64;
use crate::layout::SECTOR;

type Sector = [u8; SECTOR];

/// How an inode's unsynced bytes fare in a crash.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    AllLost,
    AllKept,
    /// Each sector for itself; kept in so many of 16 cases.
    Mixed(u64),
}

impl Fate {
    pub(super) fn draw(random: &mut SplitMix64) -> Self {
        match random.below(8) {
            0 => Self::AllLost,
            1 => Self::AllKept,
            _ => Self::Mixed(1 + random.below(15)),
        }
    }

    pub(super) fn keeps(self, random: &mut SplitMix64) -> bool {
        match self {
            Self::AllLost => false,
            Self::AllKept => true,
            Self::Mixed(part) => random.chance(part, 16),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    content: Vec<u8>,
    durable: Vec<u8>,
    /// What was written to a sector since the last sync, oldest first.
    unsynced: BTreeMap<usize, Vec<Sector>>,
    /// Sectors that a failed sync dropped: read, but written by no later sync.
    abandoned: BTreeSet<usize>,
}

impl Inode {
    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }

    pub(super) fn with_durable(bytes: &[u8]) -> Self {
        Self { content: bytes.to_vec(), durable: bytes.to_vec(), ..Self::default() }
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.content.len() < end {
            self.content.resize(end, 0);
        }
        self.content[offset..end].copy_from_slice(bytes);
        for sector in offset / SECTOR..end.div_ceil(SECTOR) {
            let version = sector_of(&self.content, sector);
            self.unsynced.entry(sector).or_default().push(version);
            self.abandoned.remove(&sector);
        }
    }

    /// Adds durable zeros up to `length`.
    pub(super) fn extend_with_zeros(&mut self, length: usize) {
        self.content.resize(length.max(self.content.len()), 0);
        self.durable.resize(length.max(self.durable.len()), 0);
    }

    pub(super) fn set_length(&mut self, length: usize) {
        self.content.resize(length, 0);
        self.unsynced.retain(|sector, _| sector * SECTOR < length);
        self.abandoned.retain(|sector| sector * SECTOR < length);
    }

    pub(super) fn sync(&mut self) {
        self.durable.resize(self.content.len(), 0);
        for sector in std::mem::take(&mut self.unsynced).into_keys() {
            let version = sector_of(&self.content, sector);
            put_sector(&mut self.durable, sector, &version);
        }
    }

    /// Some of it becomes durable, the rest is given up.
    pub(super) fn fail_sync(&mut self, random: &mut SplitMix64) {
        let fate = Fate::draw(random);
        self.durable.resize(self.content.len(), 0);
        for sector in std::mem::take(&mut self.unsynced).into_keys() {
            if fate.keeps(random) {
                let version = sector_of(&self.content, sector);
                put_sector(&mut self.durable, sector, &version);
            } else {
                self.abandoned.insert(sector);
            }
        }
    }

    pub(super) fn crash(&mut self, random: &mut SplitMix64) {
        let fate = Fate::draw(random);
        if fate.keeps(random) {
            self.durable.resize(self.content.len(), 0);
        }
        for (sector, versions) in std::mem::take(&mut self.unsynced) {
            if !fate.keeps(random) {
                continue;
            }
            // Any version may be the one that reached the disk, usually the last.
            let index = match fate {
                Fate::AllKept | Fate::AllLost => versions.len() - 1,
                Fate::Mixed(_) => {
                    let drawn = random.below(2 * versions.len() as u64);
                    usize::try_from(drawn).unwrap_or(0).min(versions.len() - 1)
                }
            };
            let mut version = versions[index];
            if matches!(fate, Fate::Mixed(_)) && random.chance(1, 16) {
                let torn_at = usize::try_from(random.below(SECTOR as u64)).unwrap_or(0);
                let old = sector_of(&self.durable, sector);
                version[torn_at..].copy_from_slice(&old[torn_at..]);
            }
            put_sector(&mut self.durable, sector, &version);
        }
        self.abandoned.clear();
        self.content.clone_from(&self.durable);
    }
}

fn sector_of(bytes: &[u8], sector: usize) -> Sector {
    let mut out = [0; SECTOR];
    let from = (sector * SECTOR).min(bytes.len());
    let length = SECTOR.min(bytes.len() - from);
    out[..length].copy_from_slice(&bytes[from..from + length]);
    out
}

/// Writes as much of the sector as lies within the file.
fn put_sector(bytes: &mut [u8], sector: usize, version: &Sector) {
    let from = (sector * SECTOR).min(bytes.len());
    let length = SECTOR.min(bytes.len() - from);
    bytes[from..from + length].copy_from_slice(&version[..length]);
}
