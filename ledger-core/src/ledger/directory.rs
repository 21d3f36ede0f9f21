//! Every customer of a partition, in the order of registration, with an index by id.
//!
//! # Shape
//!
//! Whoever was looked at lately is **awake**: in memory as its types say, which is quick to use
//! and takes many times its bytes. The others **rest**: they are packed into these bytes, and
//! unpacked by whoever looks at them next. Beyond so many that are awake, whoever has cooled down
//! is packed, while it is in the processor's caches; so one pass over all customers does not send
//! those to rest that are used all the time. Now and then a hand that goes round over all of them
//! finds one that nobody uses any more.
//!
//! # Correctness
//!
//! A customer that rests is the same customer: packing is what a snapshot does, and nobody can
//! see which it is. Who only looks leaves the bytes, who may change it drops them. Only what was
//! archived since is packed: see [`super::archive`].
//!
//! # Limits
//!
//! Whoever has a draft, which shares memory with it, does not rest. Nor does who takes so many
//! bytes that unpacking them would keep others waiting; who does is not counted as awake.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use schemas::ids::CustomerId;
use uuid::Uuid;

use super::customer::Customer;
use super::packing::{packed, read, unpacked, written};
use crate::registry::IdHasher;

/// Customers that are packed for one call, unless more woke since the last one.
const PACKED_AT_ONCE: usize = 64;
/// Of those that have cooled down so many are remembered.
const MOST_COOLED: usize = 4_096;
/// The hand goes over so many at most until it finds one.
const ROUND_AT_ONCE: usize = 64;
/// Of those that are packed, one in so many is found by the hand.
const FOUND_ONE_IN: usize = 8;

/// A customer, awake or at rest.
#[derive(Clone)]
pub(super) struct Slot {
    id: CustomerId,
    awake: OnceLock<Box<Customer>>,
    /// What it is as bytes; none while it may have become another since.
    packed: Option<Arc<[u8]>>,
    /// It was archived since it was changed.
    is_cool: bool,
    /// It takes too many bytes to rest.
    is_long: bool,
}

impl Slot {
    pub(super) fn awake(customer: Box<Customer>) -> Self {
        let (id, awake) = (customer.id(), OnceLock::from(customer));
        Self { id, awake, packed: None, is_cool: false, is_long: false }
    }

    /// One that takes too many bytes to rest.
    pub(super) fn long(customer: Box<Customer>) -> Self {
        Self { is_long: true, ..Self::awake(customer) }
    }

    /// One that was packed.
    pub(super) fn resting(id: CustomerId, packed: &[u8]) -> Self {
        Self::packed(id, packed.into())
    }

    fn packed(id: CustomerId, packed: Arc<[u8]>) -> Self {
        let (awake, packed) = (OnceLock::new(), Some(packed));
        Self { id, awake, packed, is_cool: true, is_long: false }
    }

    /// The same customer for another directory; none if it has a draft.
    fn shared(&self) -> Option<Self> {
        match (self.awake.get(), &self.packed) {
            (None, Some(packed)) => Some(Self::packed(self.id, Arc::clone(packed))),
            (Some(customer), _) if !customer.has_draft() => Some(Self::awake(customer.clone())),
            (Some(_) | None, _) => None,
        }
    }

    /// The bytes of one that rests.
    fn resting_bytes(&self) -> &[u8] {
        self.packed.as_deref().expect("who rests is packed")
    }

    /// The customer, wherever it is, without waking it.
    pub(super) fn peek(&self) -> Cow<'_, Customer> {
        match self.awake.get() {
            Some(customer) => Cow::Borrowed(customer),
            None => Cow::Owned(unpacked(self.resting_bytes())),
        }
    }

    /// Whether it can be unpacked.
    pub(super) fn can_wake(&self) -> bool {
        self.awake.get().is_some() || read::<Customer>(self.resting_bytes()).is_some()
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> Cow<'_, [u8]> {
        match (self.awake.get(), &self.packed) {
            (Some(customer), None) => Cow::Owned(written(customer.as_ref(), Vec::new())),
            (Some(_) | None, _) => Cow::Borrowed(self.resting_bytes()),
        }
    }

    /// Whether it is counted among those that are awake.
    fn is_counted(&self) -> bool {
        self.awake.get().is_some() && !self.is_long
    }

    /// What needs not be in memory leaves it, if it has not yet.
    fn cool(&mut self, archive: impl FnOnce(&mut Customer)) {
        if !self.is_cool
            && let Some(customer) = self.awake.get_mut()
        {
            archive(customer);
            self.is_cool = true;
        }
    }

    /// Sends it to rest if it may; whether it was counted and is no more.
    fn rest(&mut self) -> bool {
        if !self.is_cool || !self.is_counted() {
            return false;
        }
        if self.packed.is_none() {
            let customer = self.awake.get().filter(|customer| !customer.has_draft());
            let Some(customer) = customer else { return false };
            let Some(packed) = packed(customer) else {
                self.is_long = true;
                return true;
            };
            self.packed = Some(packed);
        }
        self.awake.take();
        true
    }
}

/// A customer that was unpacked, with what from.
#[derive(Debug)]
pub struct Woken {
    customer: Box<Customer>,
    from: Arc<[u8]>,
}

impl Woken {
    /// Who it is.
    pub fn id(&self) -> CustomerId {
        self.customer.id()
    }
}

/// Customers. The index is only looked up, never walked, so its order never shows.
#[derive(Default)]
pub(crate) struct Directory {
    slots: Vec<Slot>,
    index: HashMap<Uuid, u32, BuildHasherDefault<IdHasher>>,
    /// How many are awake, without those who take too many bytes to rest.
    awake: AtomicUsize,
    /// Those that have cooled down since the last time that some were sent to rest.
    cooled: Vec<u32>,
    /// Where the hand looks next.
    hand: usize,
    /// How many were awake after the last time.
    left_awake: usize,
    /// How often one was to be sent to rest.
    turn: usize,
}

impl Directory {
    fn place(&self, id: CustomerId) -> Option<u32> {
        self.index.get(&id.uuid()).copied()
    }

    pub(super) fn slot(&self, id: CustomerId) -> Option<&Slot> {
        self.slots.get(self.place(id)? as usize)
    }

    pub(super) fn knows(&self, id: CustomerId) -> bool {
        self.place(id).is_some()
    }

    pub(super) fn get(&self, id: CustomerId) -> Option<&Customer> {
        let slot = self.slot(id)?;
        let wake = || {
            let customer = Box::new(unpacked(slot.resting_bytes()));
            self.awake.fetch_add(1, Ordering::Relaxed);
            customer
        };
        Some(slot.awake.get_or_init(wake))
    }

    pub(super) fn get_mut(&mut self, id: CustomerId) -> Option<&mut Customer> {
        let place = self.place(id)?;
        let slot = self.slots.get_mut(place as usize)?;
        if slot.awake.get().is_none() {
            slot.awake = OnceLock::from(Box::new(unpacked(slot.resting_bytes())));
            *self.awake.get_mut() += 1;
        }
        slot.packed = None;
        slot.is_cool = false;
        slot.awake.get_mut().map(AsMut::as_mut)
    }

    /// Whether a customer rests.
    pub(super) fn rests(&self, id: CustomerId) -> bool {
        self.slot(id).is_some_and(|slot| slot.awake.get().is_none())
    }

    /// What of a customer needs not be in memory leaves it by `archive`, if it has not yet.
    pub(super) fn cool(&mut self, id: CustomerId, archive: impl FnOnce(&mut Customer)) {
        let Some(place) = self.place(id) else { return };
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        slot.cool(archive);
        self.cooled.push(place);
    }

    /// As [`cool`](Self::cool); then the customer rests, if it may.
    pub(super) fn rest_one(&mut self, id: CustomerId, archive: impl FnOnce(&mut Customer)) {
        let Some(place) = self.place(id) else { return };
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        slot.cool(archive);
        if slot.rest() {
            *self.awake.get_mut() -= 1;
        }
    }

    /// The same customer for another directory; none if there is none, or one with a draft.
    pub(super) fn shared(&self, id: CustomerId) -> Option<Slot> {
        self.slot(id)?.shared()
    }

    /// Those that were at rest when they came here, and that somebody has looked at since.
    pub(super) fn into_woken(self) -> Vec<Woken> {
        let woken = |slot: Slot| {
            let (from, customer) = (slot.packed?, slot.awake.into_inner()?);
            Some(Woken { customer, from })
        };
        self.slots.into_iter().filter_map(woken).collect()
    }

    /// A customer that was unpacked elsewhere wakes, if it still is what it was unpacked from.
    pub(super) fn wake(&mut self, woken: Woken) {
        let Woken { customer, from } = woken;
        let Some(place) = self.place(customer.id()) else { return };
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        let is_it = slot.packed.as_ref().is_some_and(|packed| Arc::ptr_eq(packed, &from));
        if is_it && slot.awake.set(customer).is_ok() {
            *self.awake.get_mut() += 1;
        }
    }

    pub(super) fn push(&mut self, customer: Customer) {
        self.put(Slot::awake(Box::new(customer)));
    }

    pub(super) fn put(&mut self, slot: Slot) {
        let place = u32::try_from(self.slots.len()).expect("memory has no room for so many");
        self.index.insert(slot.id.uuid(), place);
        *self.awake.get_mut() += usize::from(slot.is_counted());
        self.slots.push(slot);
    }

    /// Customers in the order of registration; `None` if one is there twice.
    pub(super) fn of(slots: Vec<Slot>) -> Option<Self> {
        let places = (0..).zip(&slots).map(|(place, slot)| (slot.id.uuid(), place));
        let index: HashMap<_, _, _> = places.collect();
        let awake = slots.iter().filter(|slot| slot.is_counted()).count();
        let is_each_once = index.len() == slots.len();
        is_each_once.then(|| Self {
            slots,
            index,
            awake: AtomicUsize::new(awake),
            ..Self::default()
        })
    }

    /// So many stay awake, and as many more as woke since the last call; others go to rest.
    pub(super) fn rest(&mut self, most: usize) {
        let awake = *self.awake.get_mut();
        let woken = awake.saturating_sub(self.left_awake);
        let at_once = PACKED_AT_ONCE.max(woken + woken / 8);
        for _ in 0..awake.saturating_sub(most).min(at_once) {
            self.turn = self.turn.wrapping_add(1);
            let by_hand = self.turn.is_multiple_of(FOUND_ONE_IN);
            let cooled = if by_hand { None } else { self.cooled.pop() };
            let place = match cooled {
                Some(place) => Some(place as usize),
                None => self.found_by_hand(),
            };
            if place.and_then(|place| self.slots.get_mut(place)).is_some_and(Slot::rest) {
                *self.awake.get_mut() -= 1;
            }
        }
        self.left_awake = *self.awake.get_mut();
        let remembered = if self.left_awake > most { MOST_COOLED } else { 0 };
        self.cooled.drain(..self.cooled.len().saturating_sub(remembered));
    }

    /// How many are awake, without those who take too many bytes to rest.
    pub(super) fn count_awake(&self) -> usize {
        self.awake.load(Ordering::Relaxed)
    }

    /// The next one that is awake and may have been left alone for long.
    fn found_by_hand(&mut self) -> Option<usize> {
        let around = self.slots.len().min(ROUND_AT_ONCE);
        let found = (0..around).map(|n| (self.hand + n) % self.slots.len()).find(|place| {
            let slot = &self.slots[*place];
            slot.is_cool && slot.is_counted()
        });
        self.hand = found.map_or(self.hand + around, |place| place + 1);
        found
    }

    /// Customers from one on, in the order of registration; all of them if none is named, none if
    /// that one is not there.
    pub(super) fn from(
        &self,
        first: Option<CustomerId>,
    ) -> impl Iterator<Item = (CustomerId, &Slot)> {
        let place = match first {
            Some(id) => self.place(id).map_or(self.slots.len(), |place| place as usize),
            None => 0,
        };
        self.slots[place..].iter().map(|slot| (slot.id, slot))
    }

    /// All that are awake.
    pub(super) fn awake(&self) -> impl Iterator<Item = &Customer> {
        self.slots.iter().filter_map(|slot| slot.awake.get()).map(AsRef::as_ref)
    }
}

impl Clone for Directory {
    fn clone(&self) -> Self {
        Self::of(self.slots.clone()).expect("each is there once")
    }
}

/// Who rests is the same.
impl PartialEq for Directory {
    fn eq(&self, other: &Self) -> bool {
        let all = self.slots.iter().zip(&other.slots);
        self.slots.len() == other.slots.len() && all.into_iter().all(|(a, b)| a.peek() == b.peek())
    }
}

impl Eq for Directory {}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.slots.iter().map(Slot::peek)).finish()
    }
}
