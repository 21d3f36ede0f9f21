//! What a partition keeps across customers: taken ids, number series, who is due.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use schemas::ids::{CustomerId, EntityId, InvoiceId, PaymentId};
use schemas::text::{Code, ExternalId};
use schemas::{Date, Rejection};
use uuid::Uuid;

/// Ids that are taken. Membership only: the order of a hash set never shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TakenIds(HashSet<u128, BuildHasherDefault<IdHasher>>);

impl TakenIds {
    pub(crate) fn contains(&self, id: Uuid) -> bool {
        self.0.contains(&id.as_u128())
    }

    pub(crate) fn insert(&mut self, id: Uuid) {
        self.0.insert(id.as_u128());
    }
}

/// Mixes the halves of an id. Ids are chosen by clients, so the bits are spread by two
/// multiplications; a client that makes its own ids collide slows itself only.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0.rotate_left(8) ^ u64::from(*byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }

    fn write_u128(&mut self, id: u128) {
        let bytes = id.to_le_bytes();
        let (low, high) = bytes.split_at(8);
        let half = |b: &[u8]| b.try_into().map_or(0, u64::from_le_bytes);
        let mixed = half(low).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ half(high);
        self.0 = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    }
}

/// Where a number series stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SeriesState {
    /// The last number given; 0 before the first.
    pub(crate) last: u64,
    /// The latest document date in it.
    pub(crate) last_date: Option<Date>,
}

/// Facts across customers. Everything here is derived from events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Registry {
    pub(crate) taken: TakenIds,
    customers: BTreeMap<ExternalId, CustomerId>,
    invoices: BTreeMap<ExternalId, InvoiceId>,
    payments: BTreeMap<ExternalId, PaymentId>,
    series: BTreeMap<(EntityId, Code), SeriesState>,
    due: BTreeSet<(Date, CustomerId)>,
}

impl Registry {
    pub(crate) fn series(&self, entity: EntityId, code: &Code) -> SeriesState {
        self.series.get(&(entity, code.clone())).cloned().unwrap_or_default()
    }

    pub(crate) fn number_taken(&mut self, entity: EntityId, code: &Code, last: u64, date: Date) {
        let state = self.series.entry((entity, code.clone())).or_default();
        state.last = last;
        state.last_date = state.last_date.max(Some(date));
    }

    pub(crate) fn free_customer(&self, id: &ExternalId) -> Result<(), Rejection> {
        free(self.customers.get(id), id)
    }

    pub(crate) fn free_invoice(&self, id: &ExternalId) -> Result<(), Rejection> {
        free(self.invoices.get(id), id)
    }

    pub(crate) fn free_payment(&self, id: &ExternalId) -> Result<(), Rejection> {
        free(self.payments.get(id), id)
    }

    pub(crate) fn name_customer(
        &mut self,
        old: Option<&ExternalId>,
        new: Option<&ExternalId>,
        customer: CustomerId,
    ) {
        if let Some(old) = old {
            self.customers.remove(old);
        }
        if let Some(new) = new {
            self.customers.insert(new.clone(), customer);
        }
    }

    pub(crate) fn name_invoice(&mut self, id: Option<&ExternalId>, invoice: InvoiceId) {
        if let Some(id) = id {
            self.invoices.insert(id.clone(), invoice);
        }
    }

    pub(crate) fn name_payment(&mut self, id: Option<&ExternalId>, payment: PaymentId) {
        if let Some(id) = id {
            self.payments.insert(id.clone(), payment);
        }
    }

    pub(crate) fn move_due(&mut self, customer: CustomerId, old: Option<Date>, new: Option<Date>) {
        if old == new {
            return;
        }
        if let Some(old) = old {
            self.due.remove(&(old, customer));
        }
        if let Some(new) = new {
            self.due.insert((new, customer));
        }
    }

    pub(crate) fn due(&self, through: Date) -> impl Iterator<Item = CustomerId> + '_ {
        self.due.iter().take_while(move |(date, _)| *date <= through).map(|(_, customer)| *customer)
    }
}

fn free<T: core::fmt::Display>(owner: Option<&T>, id: &ExternalId) -> Result<(), Rejection> {
    match owner {
        None => Ok(()),
        Some(owner) => {
            Err(Rejection::ExternalIdTaken { external_id: id.clone(), owner: owner.to_string() })
        }
    }
}
