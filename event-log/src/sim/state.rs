//! The simulated disk's state: names, files, and what is armed to fail.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::inode::{Fate, Inode};
use super::random::SplitMix64;

/// A change of names that a crash may take back, whole.
#[derive(Debug, Clone)]
enum NameChange {
    Created { name: String, inode: u64 },
    Renamed { from: String, to: String, inode: u64 },
    Removed { name: String },
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Created { name, inode } => {
                names.insert(name.clone(), *inode);
            }
            Self::Renamed { from, to, inode } => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
            Self::Removed { name } => {
                names.remove(name);
            }
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct State {
    random: SplitMix64,
    /// How often the power came back.
    pub(super) generation: u64,
    power_is_off: bool,
    pub(super) names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    unsynced_names: Vec<NameChange>,
    inodes: BTreeMap<u64, Inode>,
    pub(super) locks: BTreeSet<u64>,
    pub(super) operations: u64,
    pub(super) syncs: u64,
    pub(super) cut_power_in: Option<u64>,
    pub(super) fail_sync_in: Option<u64>,
    pub(super) fail_write_in: Option<u64>,
    pub(super) capacity: Option<u64>,
    pub(super) read_only: bool,
    pub(super) ignore_syncs: bool,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: SplitMix64::new(seed),
            generation: 0,
            power_is_off: false,
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            unsynced_names: Vec::new(),
            inodes: BTreeMap::new(),
            locks: BTreeSet::new(),
            operations: 0,
            syncs: 0,
            cut_power_in: None,
            fail_sync_in: None,
            fail_write_in: None,
            capacity: None,
            read_only: false,
            ignore_syncs: false,
        }
    }

    pub(super) fn copy(&self, seed: u64) -> Self {
        let random = SplitMix64::new(seed);
        Self { random, locks: BTreeSet::new(), ..self.clone() }
    }

    pub(super) fn check_power(&self) -> io::Result<()> {
        if self.power_is_off { Err(io::Error::other("the simulated power is off")) } else { Ok(()) }
    }

    pub(super) fn check_writable(&self) -> io::Result<()> {
        self.check_power()?;
        if self.read_only {
            return Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "read-only"));
        }
        Ok(())
    }

    pub(super) fn inode_of(&self, name: &str) -> io::Result<u64> {
        self.check_power()?;
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn inode_named(&mut self, name: &str) -> io::Result<&mut Inode> {
        let inode = self.names.get(name).copied();
        inode.map(|inode| self.inode(inode)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The file's state; a file that the crash took back is empty.
    pub(super) fn inode(&mut self, inode: u64) -> &mut Inode {
        self.inodes.entry(inode).or_default()
    }

    /// Counts a change, and tells whether the power goes within it.
    fn change(&mut self) -> io::Result<bool> {
        self.check_power()?;
        self.operations += 1;
        self.power_is_off = counted_down(&mut self.cut_power_in);
        Ok(self.power_is_off)
    }

    fn name_change(&mut self, change: NameChange) -> io::Result<()> {
        self.check_writable()?;
        let cut = self.change()?;
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
        if cut { self.check_power() } else { Ok(()) }
    }

    pub(super) fn create(&mut self, name: &str) -> io::Result<u64> {
        if self.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = self.inodes.last_key_value().map_or(0, |(last, _)| *last) + 1;
        self.name_change(NameChange::Created { name: name.to_owned(), inode })?;
        self.inodes.insert(inode, Inode::default());
        Ok(inode)
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let inode = self.inode_of(from)?;
        let (from, to) = (from.to_owned(), to.to_owned());
        self.name_change(NameChange::Renamed { from, to, inode })
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        self.inode_of(name)?;
        self.name_change(NameChange::Removed { name: name.to_owned() })
    }

    pub(super) fn sync_folder(&mut self) -> io::Result<()> {
        if self.change()? {
            return self.check_power();
        }
        if !self.ignore_syncs {
            self.durable_names = self.names.clone();
            self.unsynced_names.clear();
        }
        Ok(())
    }

    pub(super) fn write(&mut self, inode: u64, bytes: &[u8], offset: u64) -> io::Result<()> {
        let cut = self.change()?;
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.check_room(inode, offset + bytes.len())?;
        if counted_down(&mut self.fail_write_in) {
            self.inode(inode).write(&bytes[..bytes.len() / 2], offset);
            return Err(io::Error::other("simulated write error"));
        }
        self.inode(inode).write(bytes, offset);
        if cut { self.check_power() } else { Ok(()) }
    }

    pub(super) fn preallocate(&mut self, inode: u64, length: u64) -> io::Result<()> {
        if self.change()? {
            return self.check_power();
        }
        let length = usize::try_from(length).map_err(io::Error::other)?;
        self.check_room(inode, length)?;
        self.inode(inode).extend_with_zeros(length);
        Ok(())
    }

    pub(super) fn set_length(&mut self, inode: u64, length: u64) -> io::Result<()> {
        let cut = self.change()?;
        let length = usize::try_from(length).map_err(io::Error::other)?;
        self.check_room(inode, length)?;
        self.inode(inode).set_length(length);
        if cut { self.check_power() } else { Ok(()) }
    }

    pub(super) fn sync(&mut self, inode: u64) -> io::Result<()> {
        if self.change()? {
            return self.check_power();
        }
        self.syncs += 1;
        if counted_down(&mut self.fail_sync_in) {
            let mut random = self.random.clone();
            self.inode(inode).fail_sync(&mut random);
            self.random = random;
            return Err(io::Error::other("simulated sync error"));
        }
        if !self.ignore_syncs {
            self.inode(inode).sync();
        }
        Ok(())
    }

    fn check_room(&mut self, inode: u64, length: usize) -> io::Result<()> {
        let Some(capacity) = self.capacity else { return Ok(()) };
        let held = self.inode(inode).content().len();
        let sizes = self.names.values().filter_map(|named| self.inodes.get(named));
        let used: usize = sizes.map(|inode| inode.content().len()).sum();
        if (used - held + length.max(held)) as u64 > capacity && length > held {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "simulated disk full"));
        }
        Ok(())
    }

    pub(super) fn crash(&mut self) {
        let mut random = self.random.clone();
        for inode in self.inodes.values_mut() {
            inode.crash(&mut random);
        }
        let fate = Fate::draw(&mut random);
        for change in std::mem::take(&mut self.unsynced_names) {
            if fate.keeps(&mut random) {
                change.apply(&mut self.durable_names);
            }
        }
        self.random = random;
        self.names = self.durable_names.clone();
        let named: BTreeSet<u64> = self.names.values().copied().collect();
        self.inodes.retain(|inode, _| named.contains(inode));
        self.locks.clear();
        self.generation += 1;
        self.power_is_off = false;
        self.disarm();
    }

    pub(super) fn disarm(&mut self) {
        self.cut_power_in = None;
        self.fail_sync_in = None;
        self.fail_write_in = None;
    }

    pub(super) fn set_file(&mut self, name: &str, bytes: &[u8]) {
        let next = self.inodes.last_key_value().map_or(0, |(last, _)| *last) + 1;
        let inode = *self.names.entry(name.to_owned()).or_insert(next);
        self.durable_names.insert(name.to_owned(), inode);
        self.inodes.insert(inode, Inode::with_durable(bytes));
    }

    pub(super) fn forget_file(&mut self, name: &str) {
        self.names.remove(name);
        self.durable_names.remove(name);
    }
}

/// Counts one down; true when it reaches zero.
fn counted_down(left: &mut Option<u64>) -> bool {
    if let Some(count) = left {
        *count = count.saturating_sub(1);
        if *count == 0 {
            *left = None;
            return true;
        }
    }
    false
}
