//! What a partition keeps across customers: taken ids, number series, who is due.

use std::collections::{BTreeMap, BTreeSet};

use schemas::event::CustomerParked;
use schemas::ids::{CouponId, CustomerId, EntityId, InvoiceId, PaymentId};
use schemas::text::{Code, ExternalId};
use schemas::{Date, Rejection};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod taken;

use crate::claims::Claims;
use crate::seller::numbers::Numbers;

pub(crate) use taken::{IdHasher, TakenIds};

pub(crate) type InvoiceNames = BTreeMap<ExternalId, InvoiceId>;
pub(crate) type PaymentNames = BTreeMap<ExternalId, PaymentId>;

/// What counts up over all customers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// Where every number series stands.
    pub(crate) numbers: Numbers,
    /// How often each coupon was redeemed.
    redemptions: BTreeMap<CouponId, u32>,
}

/// Facts across customers. Everything here is derived from events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Registry {
    pub(crate) taken: TakenIds,
    customers: BTreeMap<ExternalId, CustomerId>,
    invoices: InvoiceNames,
    payments: PaymentNames,
    counters: Counters,
    /// Who pays for a customer, where another does.
    parents: BTreeMap<CustomerId, CustomerId>,
    /// Those who pay for others, each with those.
    families: BTreeSet<(CustomerId, CustomerId)>,
    due: BTreeSet<(Date, CustomerId)>,
    /// Customers that processes leave out, and why.
    parked: BTreeMap<CustomerId, CustomerParked>,
    /// Customers that were erased: others buy nothing for them.
    erased: BTreeSet<CustomerId>,
}

impl Registry {
    /// Where the number series stand.
    pub(crate) fn numbers(&self) -> &Numbers {
        &self.counters.numbers
    }

    pub(crate) fn number_taken(&mut self, entity: EntityId, code: &Code, number: u64) {
        self.counters.numbers.took(entity, code, number);
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

    /// How often a coupon was redeemed.
    pub(crate) fn redemptions(&self, coupon: CouponId) -> u32 {
        self.counters.redemptions.get(&coupon).copied().unwrap_or(0)
    }

    pub(crate) fn redeemed(&mut self, coupon: CouponId) {
        *self.counters.redemptions.entry(coupon).or_default() += 1;
    }

    /// Who pays for a customer, if another does.
    pub(crate) fn parent(&self, child: CustomerId) -> Option<CustomerId> {
        self.parents.get(&child).copied()
    }

    pub(crate) fn set_parent(&mut self, child: CustomerId, parent: Option<CustomerId>) {
        if let Some(parent) = parent {
            self.parents.insert(child, parent);
            self.families.insert((parent, child));
        }
    }

    /// Those for whom a customer pays.
    pub(crate) fn children(&self, parent: CustomerId) -> impl Iterator<Item = CustomerId> + '_ {
        let from = (parent, CustomerId::new(Uuid::nil()));
        let all = self.families.range(from..).take_while(move |(found, _)| *found == parent);
        all.map(|(_, child)| *child)
    }

    /// Customers that processes leave out, and why.
    pub(crate) fn parked(&self) -> &BTreeMap<CustomerId, CustomerParked> {
        &self.parked
    }

    pub(crate) fn park(&mut self, customer: CustomerId, why: Option<&CustomerParked>) {
        match why {
            Some(why) => self.parked.insert(customer, why.clone()),
            None => self.parked.remove(&customer),
        };
    }

    /// Another customer is not an erased one.
    ///
    /// # Errors
    /// [`Rejection::CustomerErased`].
    pub(crate) fn not_erased(&self, customer: CustomerId) -> Result<(), Rejection> {
        if self.erased.contains(&customer) {
            return Err(Rejection::CustomerErased { customer });
        }
        Ok(())
    }

    /// Customers that were erased, by id.
    pub(crate) fn erased(&self) -> impl Iterator<Item = CustomerId> + '_ {
        self.erased.iter().copied()
    }

    pub(crate) fn erase(&mut self, customer: CustomerId) {
        self.erased.insert(customer);
    }

    /// Where the number series stand, and nothing else.
    pub(crate) fn numbered(&self) -> Self {
        let numbers = self.counters.numbers.clone();
        Self { counters: Counters { numbers, ..Counters::default() }, ..Self::default() }
    }

    /// What a decision about one customer looks at; without one, also who is parked.
    pub(crate) fn excerpt(&self, customer: Option<CustomerId>, claims: &Claims) -> Self {
        Self { counters: self.counters.clone(), ..self.claimed(customer, claims) }
    }

    /// The same without what counts up: other customers move it all the time.
    pub(crate) fn claimed(&self, customer: Option<CustomerId>, claims: &Claims) -> Self {
        let mut excerpt = Self::default();
        if customer.is_none() {
            excerpt.parked.clone_from(&self.parked);
        }
        for known in customer.into_iter().chain(claims.parent) {
            excerpt.set_parent(known, self.parent(known));
        }
        if let Some(customer) = customer {
            for child in self.children(customer) {
                excerpt.set_parent(child, Some(customer));
            }
        }
        let others = customer.iter().flat_map(|customer| self.children(*customer));
        let erased = others.chain(claims.parent).filter(|known| self.erased.contains(known));
        excerpt.erased.extend(erased);
        for id in claims.ids().filter(|id| self.taken.contains(*id)) {
            excerpt.taken.insert(id);
        }
        copy_name(&self.customers, &mut excerpt.customers, claims.customer_name.as_ref());
        copy_name(&self.invoices, &mut excerpt.invoices, claims.invoice_name.as_ref());
        copy_name(&self.payments, &mut excerpt.payments, claims.payment_name.as_ref());
        excerpt
    }

    /// What counts up over all customers.
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
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

    pub(crate) fn set_counters(&mut self, counters: Counters) {
        self.counters = counters;
    }

    /// Puts back what follows from the customers themselves: their names, and who is due.
    pub(crate) fn set_customers(
        &mut self,
        names: Vec<(ExternalId, CustomerId)>,
        due: Vec<(Date, CustomerId)>,
        parents: Vec<(CustomerId, CustomerId)>,
        parked: Vec<(CustomerId, CustomerParked)>,
        erased: Vec<CustomerId>,
    ) {
        self.erased = erased.into_iter().collect();
        self.parked = parked.into_iter().collect();
        for (child, parent) in parents {
            self.set_parent(child, Some(parent));
        }
        self.customers = names.into_iter().collect();
        self.due = due.into_iter().collect();
    }

    pub(crate) fn due(&self, through: Date) -> impl Iterator<Item = CustomerId> + '_ {
        self.due.iter().take_while(move |(date, _)| *date <= through).map(|(_, customer)| *customer)
    }
}

/// Copies who has a name, if anyone has it.
fn copy_name<T: Copy>(
    from: &BTreeMap<ExternalId, T>,
    to: &mut BTreeMap<ExternalId, T>,
    name: Option<&ExternalId>,
) {
    if let Some((name, owner)) = name.and_then(|name| from.get_key_value(name)) {
        to.insert(name.clone(), *owner);
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
