//! What must be true of every log, checked commit by commit.
//!
//! # Shape
//!
//! [`Laws`] is a fold of its own. It shares nothing with [`crate::Ledger`] but the journal, and
//! it trusts no decision: an audit feeds it the stored commits and it says which of them break
//! which [`Law`]. Tests feed it every commit that they make.
//!
//! # Correctness
//!
//! Settlement is counted twice: once from the journal's entries and once from what the events
//! say of invoices, payments and lots of credit. The two must agree for each customer after each
//! commit. The revenue law holds on every day if it holds on the last one: recognition only
//! moves amounts from deferred to revenue, so all that can go wrong is that a line earns more or
//! less, in the end, than was billed and not taken back.
//!
//! What is billed is held to what was agreed: cycles to each other, lines to their cycles, time
//! to being charged once, discounts to their budgets, coupons to their limits. Prices are no
//! matter of these laws.
//!
//! # Limits
//!
//! State grows with invoices, lines, cycles and ids; time that is charged without gaps is one span
//! for each item. One commit costs a few lookups.

mod agreements;
mod balances;
mod charged;
mod coupons;
mod cycles;
mod discounts;
mod documents;
mod findings;
mod journal;
mod law;
mod lines;
mod lots;
mod money;
mod names;
mod settlement;
mod spans;
mod totals;

use schemas::event::SellerEvent;
use std::borrow::Cow;
use std::collections::BTreeMap;

use schemas::event::{
    BookOpened, CouponDefined, CreditNoteIssued, DiscountApplied, EntityDefined, InvoiceFinalized,
};
use schemas::ids::{CommandId, CustomerId};
use schemas::parts::{NotTogether, Role, role, together};
use schemas::{Commit, CommitView, Currency, Event, StreamId, Timestamp};

use crate::accounting::Account;
use crate::post;
use agreements::Agreements;
use charged::Charged;
use coupons::Coupons;
use cycles::Cycles;
use discounts::Discounts;
use documents::Documents;
use findings::Findings;
use journal::{Balances, slot};
use names::Names;
use settlement::Settlement;

pub use law::{Law, LawBroken};

/// What the laws ask of a commit's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its place in the log.
    pub position: u64,
    /// What it changed.
    pub stream: StreamId,
    /// Its place in the stream.
    pub revision: u64,
    /// The idempotency key.
    pub command_id: CommandId,
    /// When it was committed.
    pub recorded_at: Timestamp,
    /// When it takes effect.
    pub effective_at: Timestamp,
}

/// The same head from both forms of a commit.
macro_rules! head_from {
    ($commit:ty) => {
        impl From<&$commit> for Head {
            fn from(commit: &$commit) -> Self {
                Self {
                    position: commit.position,
                    stream: commit.stream,
                    revision: commit.revision,
                    command_id: commit.command_id,
                    recorded_at: commit.recorded_at,
                    effective_at: commit.effective_at,
                }
            }
        }
    };
}

head_from!(Commit);
head_from!(CommitView<'_>);

/// The fold. See the module.
#[derive(Debug, Default)]
pub struct Laws {
    position: u64,
    recorded_at: Option<Timestamp>,
    revisions: BTreeMap<StreamId, u64>,
    /// Parts of a decision that is not complete.
    drafted: BTreeMap<StreamId, Vec<(u64, Vec<Event>)>>,
    registered_at: BTreeMap<CustomerId, Timestamp>,
    names: Names,
    journal: BTreeMap<Currency, Balances>,
    documents: Documents,
    settlement: Settlement,
    agreements: Agreements,
    cycles: Cycles,
    charged: Charged,
    discounts: Discounts,
    coupons: Coupons,
}

impl Laws {
    /// Folds one commit in and returns the laws that it breaks; none, if all is well.
    ///
    /// Commits come in the order of the log. A broken law does not stop the fold, but what
    /// follows may then break because of it.
    pub fn observe(&mut self, commit: impl Into<Head>, events: &[Event]) -> Vec<LawBroken> {
        let head = commit.into();
        let mut findings = Findings { position: head.position, found: Vec::new() };
        self.observe_head(&head, &mut findings);
        let events = match self.parts(&head, events) {
            Ok(Some(events)) => events,
            Ok(None) => return findings.found,
            Err(why) => {
                findings.check(Law::References, false, || why.to_string());
                return findings.found;
            }
        };
        for event in events.as_ref() {
            self.names.observe(head.stream, event, &mut findings);
            self.observe_books(&head, event, &mut findings);
            self.observe_billing(&head, event, &mut findings);
        }
        self.charged.close_commit(&mut findings);
        if let StreamId::Customer(customer) = head.stream {
            self.discounts.close_commit(customer, &mut findings);
        }
        self.settlement.close_commit(&self.journal, head.recorded_at, &mut findings);
        findings.found
    }

    /// What is so with a commit: nothing yet with a part of a decision, all of it with the last.
    fn parts<'e>(
        &mut self,
        head: &Head,
        events: &'e [Event],
    ) -> Result<Option<Cow<'e, [Event]>>, NotTogether> {
        let before = self.drafted.remove(&head.stream).unwrap_or_default();
        match role(events) {
            Role::Whole => Ok(Some(Cow::Borrowed(events))),
            Role::Part(part) => {
                let mut parts = if part.part == 0 { Vec::new() } else { before };
                parts.push((head.position, events.to_vec()));
                self.drafted.insert(head.stream, parts);
                Ok(None)
            }
            Role::Last(_) => {
                let all = together(before, (head.position, events.to_vec()))?;
                Ok(Some(all.into_iter().map(|(_, event)| event).collect()))
            }
        }
    }

    /// Debits less credits of every account, by currency; recognition of revenue is not booked
    /// here, because it depends on the day that is asked for.
    pub fn trial_balance(&self) -> impl Iterator<Item = (Currency, Account, i128)> + '_ {
        self.journal.iter().flat_map(|(currency, balances)| {
            Account::ALL.iter().zip(balances).map(|(account, sum)| (*currency, *account, *sum))
        })
    }

    fn observe_head(&mut self, head: &Head, findings: &mut Findings) {
        let expected = self.position + 1;
        findings.check(Law::Positions, head.position == expected, || {
            format!("it stands where position {expected} should be")
        });
        self.position = head.position;

        let revision = self.revisions.entry(head.stream).or_default();
        let expected = *revision + 1;
        findings.check(Law::Revisions, head.revision == expected, || {
            format!("{} is at revision {}, but {expected} is next", head.stream, head.revision)
        });
        *revision = head.revision;

        let before = self.recorded_at.replace(head.recorded_at);
        findings.check(Law::Times, before.is_none_or(|before| before <= head.recorded_at), || {
            format!("recorded {} before the commit in front of it", head.recorded_at)
        });
        findings.check(Law::Times, head.effective_at <= head.recorded_at, || {
            format!("effective {} after it was recorded {}", head.effective_at, head.recorded_at)
        });
        if let StreamId::Customer(customer) = head.stream {
            let registered = *self.registered_at.entry(customer).or_insert(head.effective_at);
            findings.check(Law::Times, registered <= head.effective_at, || {
                format!(
                    "effective {}, before {customer} was registered {registered}",
                    head.effective_at
                )
            });
        }
        self.names.command(head.command_id, findings);
    }

    /// Agreements, and what is billed by them.
    fn observe_billing(&mut self, head: &Head, event: &Event, findings: &mut Findings) {
        if let Some(defined) = event.get::<CouponDefined>() {
            self.coupons.define(defined);
        }
        let StreamId::Customer(customer) = head.stream else { return };
        if let Some(invoice) = event.get::<InvoiceFinalized>() {
            totals::check_invoice(invoice, findings);
        } else if let Some(note) = event.get::<CreditNoteIssued>() {
            totals::check_note(note, findings);
        } else if let Some(applied) = event.get::<DiscountApplied>() {
            self.coupons.give(customer, applied, head.recorded_at.utc_date(), findings);
        }
        self.agreements.observe(customer, event, findings);
        self.cycles.observe(event, findings);
        self.charged.observe(event, findings);
        self.discounts.observe(customer, event, findings);
        for change in self.charged.changes() {
            self.discounts.change(customer, change);
        }
    }

    /// Documents, entries, settlement and revenue.
    fn observe_books(&mut self, head: &Head, event: &Event, findings: &mut Findings) {
        if let Event::Seller(SellerEvent::EntityDefined(EntityDefined { entity, series, .. })) =
            event
        {
            self.documents.define(*entity, series);
        } else if let Event::Seller(SellerEvent::EntitySeriesAdded(added)) = event {
            self.documents.add(added.entity, &added.series);
        }
        if let Some(BookOpened { policies, .. }) = event.get() {
            self.settlement.follow(policies.credit_target);
        }
        let StreamId::Customer(customer) = head.stream else { return };
        self.documents.observe(customer, event, findings);
        let posted = match post(event) {
            Ok(posted) => posted,
            Err(error) => {
                findings.check(Law::Balance, false, || error.to_string());
                return;
            }
        };
        for entry in &posted.entries {
            let balances = self.journal.entry(entry.currency()).or_default();
            for posting in entry.postings() {
                balances[slot(posting.account)] += i128::from(posting.amount.0);
            }
            let off_by: i128 = balances.iter().sum();
            findings.check(Law::Balance, off_by == 0, || {
                format!("the journal is off by {off_by} minor units of {}", entry.currency())
            });
        }
        self.settlement.observe(customer, event, &posted, findings);
    }
}

#[cfg(test)]
mod tests;
