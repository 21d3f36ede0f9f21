//! What a partition keeps across customers: taken ids, number series, who is due.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use schemas::ids::{CustomerId, EntityId, InvoiceId, PaymentId};
use schemas::text::{Code, ExternalId};
use schemas::{Date, Rejection};
use serde::{Deserialize, Serialize};
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

    pub(crate) fn extend(&mut self, ids: impl ExactSizeIterator<Item = u128>) {
        self.0.reserve(ids.len());
        self.0.extend(ids);
    }

    /// All of them, in order.
    pub(crate) fn sorted(&self) -> Vec<u128> {
        let mut ids: Vec<u128> = self.0.iter().copied().collect();
        ids.sort_unstable();
        ids
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeriesState {
    /// The last number given; 0 before the first.
    pub(crate) last: u64,
    /// The latest document date in it.
    pub(crate) last_date: Option<Date>,
}

pub(crate) type InvoiceNames = BTreeMap<ExternalId, InvoiceId>;
pub(crate) type PaymentNames = BTreeMap<ExternalId, PaymentId>;
pub(crate) type AllSeries = BTreeMap<(EntityId, Code), SeriesState>;

/// Facts across customers. Everything here is derived from events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Registry {
    pub(crate) taken: TakenIds,
    customers: BTreeMap<ExternalId, CustomerId>,
    invoices: InvoiceNames,
    payments: PaymentNames,
    series: AllSeries,
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

    /// Where every number series stands.
    pub(crate) fn all_series(&self) -> &AllSeries {
        &self.series
    }

    /// External names of invoices and payments.
    pub(crate) fn names(&self) -> (&InvoiceNames, &PaymentNames) {
        (&self.invoices, &self.payments)
    }

    /// Puts back what was taken out of another registry: names are added, series are replaced.
    pub(crate) fn add_names(
        &mut self,
        invoices: Vec<(ExternalId, InvoiceId)>,
        payments: Vec<(ExternalId, PaymentId)>,
    ) {
        self.invoices.extend(invoices);
        self.payments.extend(payments);
    }

    pub(crate) fn set_series(&mut self, series: AllSeries) {
        self.series = series;
    }

    /// Puts back what follows from the customers themselves: their names, and who is due.
    pub(crate) fn set_customers(
        &mut self,
        names: Vec<(ExternalId, CustomerId)>,
        due: Vec<(Date, CustomerId)>,
    ) {
        self.customers = names.into_iter().collect();
        self.due = due.into_iter().collect();
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
