//! What leaves memory, and what comes back.
//!
//! Nothing here is a rule of billing: a ledger decides and folds the same whether it was told to
//! archive or not. Who keeps a ledger says when ([`Ledger::archive`]), and reads back what a
//! decision ([`crate::unless_away`]) or a fold ([`Ledger::away_for`]) needs.

use schemas::event::{Event, EventAt};
use schemas::ids::CustomerId;
use schemas::{CommitView, StreamId};

use super::{FoldError, Ledger};
use crate::away::Away;
use crate::billing::reading::Reading;
use crate::unmade::Unmade;

impl Ledger {
    /// What of a customer is in memory and needs not be leaves it. Every commit of the customer
    /// must be where it can be read.
    pub fn archive(&mut self, customer: CustomerId) {
        if let Some(customer) = self.customers.get_mut(customer) {
            customer.billing.archive();
        }
    }

    /// What has to be in memory, and nothing else: alike for ledgers of one history.
    #[must_use]
    pub fn archived(&self) -> Self {
        let mut ledger = self.clone();
        let all: Vec<CustomerId> = ledger.customers().map(|(id, _)| id).collect();
        all.into_iter().for_each(|customer| ledger.archive(customer));
        ledger
    }

    /// What has to be read back before events of a stream are folded in; ask again after that.
    pub fn away_for<'e>(
        &self,
        stream: StreamId,
        events: impl Iterator<Item = &'e Event>,
    ) -> Option<Away> {
        let StreamId::Customer(customer) = stream else { return None };
        let documents = self.customers.get(customer)?.billing.away_for(events);
        (!documents.is_empty()).then_some(Away { customer, documents })
    }

    /// Everything of a customer that is away.
    pub fn all_away(&self, customer: CustomerId) -> Option<Away> {
        let documents = self.customers.get(customer)?.billing.all_away();
        (!documents.is_empty()).then_some(Away { customer, documents })
    }

    /// Brings back what was away, from the commits that it names, in their order.
    ///
    /// # Errors
    /// [`FoldError`] when these commits do not make it. Nothing has changed then.
    pub fn restore<'b>(
        &mut self,
        away: &Away,
        commits: impl IntoIterator<Item = CommitView<'b>>,
    ) -> Result<(), FoldError> {
        let id = away.customer;
        let customer = self.customers.get_mut(id).ok_or_else(|| Unmade::named(id))?;
        let mut reading = Reading::of(&customer.billing, &away.documents);
        for commit in commits {
            for (index, record) in (0..).zip(commit.events()) {
                let event = Event::decode(record?)?;
                reading.event(&event, EventAt::at(commit.position, index))?;
            }
        }
        let read = reading.done()?;
        customer.billing.bring_back(read);
        Ok(())
    }
}
