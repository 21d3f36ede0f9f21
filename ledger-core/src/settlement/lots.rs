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

use std::collections::BTreeSet;

use schemas::ids::{CreditGrantId, CreditNoteId, InvoiceId, PaymentId};
use schemas::terms::{GrantKind, LotPriority, LotRef, LotScope};
use schemas::{Date, Minor};
use serde::{Deserialize, Serialize};

use crate::shared::{List, Shared};
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
    /// Invoices with parts of it, by place, in the order in which they got the first.
    pub(super) on: Vec<u32>,
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

    fn is(&self, lot: LotRef) -> bool {
        self.id() == lot
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
///
/// Payments are recorded far more often than they are looked up by id, so lots have no index:
/// what is used is among the unspent ones, and what lies on an invoice is named there by place.
/// Only a refund or a reversal searches all of them, from the latest on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lots {
    all: List<Lot>,
    /// Those of which something is left, in the order in which they are used.
    unspent: Shared<BTreeSet<UseOrder>>,
}

impl Lots {
    pub(super) fn at(&self, place: u32) -> &Lot {
        let place = usize::try_from(place).expect("places fit the machine's words");
        self.all.get(place).expect("a place that this list gave out")
    }

    /// Those of which something is left, in the order in which they are used.
    pub(super) fn unspent(&self) -> impl Iterator<Item = &Lot> {
        self.unspent.iter().map(|(.., place)| self.at(*place))
    }

    pub(super) fn has_unspent(&self) -> bool {
        !self.unspent.is_empty()
    }

    /// The lot of this name; the unspent ones are looked through first, then the latest.
    pub(super) fn named(&self, lot: LotRef) -> Option<&Lot> {
        let unspent = self.unspent().find(|found| found.is(lot));
        unspent.or_else(|| self.all.get(self.all.rposition(|found| found.is(lot))?))
    }

    /// Adds a lot of which all is left.
    pub(super) fn push(&mut self, origin: Origin, amount: Minor, arose: Date) -> u32 {
        let place = u32::try_from(self.all.len()).expect("a payment takes over 50 bytes");
        let lot = Lot { place, origin, amount, left: Minor::ZERO, arose, on: Vec::new() };
        self.all.push(lot);
        self.give(place, amount);
        place
    }

    fn get_mut(&mut self, place: u32) -> &mut Lot {
        let place = usize::try_from(place).expect("places fit the machine's words");
        self.all.get_mut(place).expect("a place that this list gave out")
    }

    /// More of it is left.
    pub(super) fn give(&mut self, place: u32, amount: Minor) {
        let lot = self.get_mut(place);
        let was_spent = !lot.left.is_positive();
        lot.left.0 += amount.0;
        let (order, is_left) = (lot.order(), lot.left.is_positive());
        if was_spent && is_left {
            Shared::make_mut(&mut self.unspent).insert(order);
        }
    }

    /// Less of it is left.
    ///
    /// # Errors
    /// [`Unmade`] when it has not so much left.
    pub(super) fn take(&mut self, place: u32, amount: Minor) -> Result<(), Unmade> {
        let lot = self.get_mut(place);
        if amount > lot.left {
            return Err(Unmade::of(format!("{amount} left of"), lot.id()));
        }
        lot.left.0 -= amount.0;
        let (order, is_spent) = (lot.order(), !lot.left.is_positive());
        if is_spent {
            Shared::make_mut(&mut self.unspent).remove(&order);
        }
        Ok(())
    }

    /// An invoice has a part of it.
    pub(super) fn lies_on(&mut self, place: u32, invoice: u32) {
        let on = &mut self.get_mut(place).on;
        if !on.contains(&invoice) {
            on.push(invoice);
        }
    }

    /// An invoice has no part of it any more.
    pub(super) fn left_invoice(&mut self, place: u32, invoice: u32) {
        self.get_mut(place).on.retain(|found| *found != invoice);
    }

    /// Changes what is known of a payment besides its lot.
    ///
    /// # Errors
    /// [`Unmade`] when there is no such payment.
    pub(super) fn payment_mut(&mut self, id: PaymentId) -> Result<(&mut Minor, &mut bool), Unmade> {
        let lot = self.named(LotRef::Payment(id)).map(|lot| lot.place);
        let lot = lot.ok_or_else(|| Unmade::named(id))?;
        match &mut self.get_mut(lot).origin {
            Origin::Payment { refunded, reversed, .. } => Ok((refunded, reversed)),
            Origin::Grant(_) | Origin::Invoice(_) | Origin::Note(_) => Err(Unmade::named(id)),
        }
    }
}
