//! Lots of customer credit, and the parts of them that lie on invoices.
//!
//! # Shape
//!
//! A [`Lot`] is made by a payment, a grant or an invoice below zero and keeps its place among the
//! customer's for ever. What it paid is a [`Part`] on the invoice; the lot knows which invoices
//! have one.
//!
//! # Ordering
//!
//! Lots are used by expiry, then priority, then age: [`Lots::unspent`] has those of which
//! something is left in that order.

use schemas::event::EventAt;
use schemas::ids::{CreditGrantId, CreditNoteId, CustomerId, InvoiceId, PaymentId};
use schemas::terms::{GrantKind, LotPriority, LotRef, LotScope};
use schemas::{Date, Minor};
use serde::{Deserialize, Serialize};

use crate::away::Piece;
use crate::shared::{Map, Set};
use crate::shelf::{Commits, Shelf, Shelved};
use crate::unmade::Unmade;

/// A part of a lot on an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The place of the lot among the customer's.
    pub(super) lot: u32,
    pub(super) amount: Minor,
    /// A payment settled it when it was recorded; else credit did.
    pub(super) direct: bool,
    /// The day on which that was booked.
    pub(super) on: Date,
}

/// The terms of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) id: CreditGrantId,
    pub(super) kind: GrantKind,
    pub(super) refundable: bool,
    pub(super) scope: LotScope,
    pub(super) priority: LotPriority,
    /// The last day on which it can be used.
    pub(super) expires: Option<Date>,
}

/// What made a lot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Origin {
    Payment { id: PaymentId, refunded: Minor, reversed: bool },
    Grant(Box<Grant>),
    Invoice(InvoiceId),
    Note(CreditNoteId),
}

/// A lot of customer credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lot {
    /// Its place among the customer's.
    pub(super) place: u32,
    pub(super) origin: Origin,
    pub(super) amount: Minor,
    /// What lies nowhere and can be used.
    pub(super) left: Minor,
    /// The day it is there since.
    pub(super) arose: Date,
    /// Invoices with parts of it, by place, in the order in which they got the first; each with
    /// what lies there.
    pub(super) on: Vec<(u32, Minor)>,
    pub(super) commits: Commits,
}

impl Shelved for Lot {
    fn piece(place: u32) -> Piece {
        Piece::Lot(place)
    }

    fn commits(&mut self) -> &mut Commits {
        &mut self.commits
    }

    fn made_by(&self) -> &Commits {
        &self.commits
    }
}

/// Where a lot stands among those that can be used: by expiry, priority, age.
type UseOrder = (Date, LotPriority, Date, u32);

impl Lot {
    /// What made it.
    pub(super) fn id(&self) -> LotRef {
        match &self.origin {
            Origin::Payment { id, .. } => LotRef::Payment(*id),
            Origin::Grant(grant) => LotRef::Grant(grant.id),
            Origin::Invoice(id) => LotRef::Invoice(*id),
            Origin::Note(id) => LotRef::CreditNote(*id),
        }
    }

    fn grant(&self) -> Option<&Grant> {
        match &self.origin {
            Origin::Grant(grant) => Some(grant),
            Origin::Payment { .. } | Origin::Invoice(_) | Origin::Note(_) => None,
        }
    }

    /// The last day on which it can be used.
    pub(super) fn expires(&self) -> Option<Date> {
        self.grant().and_then(|grant| grant.expires)
    }

    /// Which invoices it may pay.
    pub(super) fn scope(&self) -> LotScope {
        self.grant().map_or(LotScope::Customer, |grant| grant.scope)
    }

    /// It is money of the customer's, and not given to it.
    pub(super) fn was_paid(&self) -> bool {
        match &self.origin {
            Origin::Payment { .. } => true,
            Origin::Grant(grant) => grant.kind == GrantKind::Prepayment,
            Origin::Invoice(_) | Origin::Note(_) => false,
        }
    }

    /// An invoice below zero made it, or a note beyond one.
    pub(super) fn is_of_invoice(&self) -> bool {
        match &self.origin {
            Origin::Invoice(_) | Origin::Note(_) => true,
            Origin::Payment { .. } | Origin::Grant(_) => false,
        }
    }

    /// Whether it can still be used on a day.
    pub(super) fn is_usable(&self, today: Date) -> bool {
        self.left.is_positive() && self.expires().is_none_or(|last| today <= last)
    }

    fn order(&self) -> UseOrder {
        let priority = self.grant().map_or(0, |grant| grant.priority);
        (self.expires().unwrap_or(Date::MAX), priority, self.arose, self.place)
    }
}

/// Every lot of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lots {
    places: Map<LotRef, u32>,
    pub(super) shelf: Shelf<Lot>,
    /// Those of which something is left, in the order in which they are used.
    unspent: Set<UseOrder>,
    /// What is left of all of them: not stored, it is their sum.
    #[serde(skip)]
    left: i128,
}

impl Lots {
    pub(super) fn of(customer: CustomerId) -> Self {
        let (places, unspent) = (Map::default(), Set::default());
        Self { places, shelf: Shelf::of(customer), unspent, left: 0 }
    }

    /// The same places, with nothing in memory.
    pub(super) fn emptied(&self, customer: CustomerId) -> Self {
        Self { places: self.places.clone(), ..Self::of(customer) }
    }

    pub(super) fn at(&self, place: u32) -> &Lot {
        self.shelf.at(place).expect("a place that this list gave out")
    }

    /// Those of which something is left, in the order in which they are used.
    pub(super) fn unspent(&self) -> impl Iterator<Item = &Lot> {
        self.unspent.keys().map(|(.., place)| self.at(place))
    }

    /// What is left of all of them.
    pub(super) fn left(&self) -> i128 {
        self.left
    }

    /// Those of a customer that were stored. Of whatever something is left is in memory.
    pub(super) fn stored(mut self, customer: CustomerId) -> Self {
        self.shelf.belongs_to(customer);
        let left = self.unspent.keys().filter_map(|(.., place)| self.shelf.if_here(place));
        self.left = left.map(|lot| i128::from(lot.left.0)).sum();
        self
    }

    pub(super) fn has_unspent(&self) -> bool {
        !self.unspent.is_empty()
    }

    pub(super) fn place(&self, lot: LotRef) -> Option<u32> {
        self.places.get(lot).copied()
    }

    /// The lot of this name.
    pub(super) fn named(&self, lot: LotRef) -> Option<&Lot> {
        self.place(lot).map(|place| self.at(place))
    }

    /// A lot of which nothing is left yet, at a place that may be known before.
    pub(super) fn fresh(
        place: u32,
        origin: Origin,
        amount: Minor,
        arose: Date,
        made: EventAt,
    ) -> Lot {
        let commits = Commits::of([made].into_iter());
        Lot { place, origin, amount, left: Minor::ZERO, arose, on: Vec::new(), commits }
    }

    /// Adds a lot of which nothing is left yet.
    pub(super) fn push(&mut self, lot: Lot) {
        self.places.insert(lot.id(), lot.place);
        self.shelf.push(lot);
    }

    /// More of it is left. Whether it is in memory.
    pub(super) fn give(&mut self, place: u32, amount: Minor, made: EventAt) -> bool {
        let Some(lot) = self.shelf.at_mut(place, made) else { return false };
        let was_spent = !lot.left.is_positive();
        lot.left.0 += amount.0;
        self.left += i128::from(amount.0);
        let (order, is_left) = (lot.order(), lot.left.is_positive());
        if was_spent && is_left {
            self.unspent.add(order);
        }
        true
    }

    /// Less of it is left. Whether it is in memory.
    ///
    /// # Errors
    /// [`Unmade`] when it has not so much left.
    pub(super) fn take(
        &mut self,
        place: u32,
        amount: Minor,
        made: EventAt,
    ) -> Result<bool, Unmade> {
        let Some(lot) = self.shelf.at_mut(place, made) else { return Ok(false) };
        if amount > lot.left {
            return Err(Unmade::of(format!("{amount} left of"), lot.id()));
        }
        lot.left.0 -= amount.0;
        self.left -= i128::from(amount.0);
        let (order, is_spent) = (lot.order(), !lot.left.is_positive());
        if is_spent {
            self.unspent.remove(order);
        }
        Ok(true)
    }

    /// An invoice has more of it, or less: then the amount is below zero.
    pub(super) fn lies_on(&mut self, place: u32, invoice: u32, amount: Minor, made: EventAt) {
        let Some(lot) = self.shelf.at_mut(place, made) else { return };
        match lot.on.iter_mut().find(|(found, _)| *found == invoice) {
            Some((_, part)) => part.0 += amount.0,
            None => lot.on.push((invoice, amount)),
        }
        lot.on.retain(|(_, part)| !part.is_zero());
    }

    /// Changes what is known of a payment besides its lot; none if it is away.
    ///
    /// # Errors
    /// [`Unmade`] when there is no such payment.
    pub(super) fn payment_mut(
        &mut self,
        id: PaymentId,
        made: EventAt,
    ) -> Result<Option<(&mut Minor, &mut bool)>, Unmade> {
        let place = self.place(LotRef::Payment(id)).ok_or_else(|| Unmade::named(id))?;
        let Some(lot) = self.shelf.at_mut(place, made) else { return Ok(None) };
        match &mut lot.origin {
            Origin::Payment { refunded, reversed, .. } => Ok(Some((refunded, reversed))),
            Origin::Grant(_) | Origin::Invoice(_) | Origin::Note(_) => Err(Unmade::named(id)),
        }
    }
}
