//! What leaves memory, and what comes back.
//!
//! Nothing here is a rule of billing: a ledger decides and folds the same whether it was told to
//! archive or not. Who keeps a ledger says when ([`Ledger::archive`]), and reads back what a
//! decision ([`crate::unless_away`]) or a fold ([`Ledger::away_for`]) needs.

use schemas::event::{BillingEvent, Event, EventAt, ProcessEvent};
use schemas::ids::CustomerId;
use schemas::{CommitView, StreamId};

use super::{Customer, FoldError, Ledger};
use crate::away::{Away, Missing, throw};
use crate::billing::reading::Reading;
use crate::unmade::Unmade;

impl Customer {
    fn archive(&mut self) {
        self.billing.archive();
        self.settlement.archive();
    }

    /// Ends the decision if an event of it changes what is away.
    pub(super) fn need_for(&self, event: &Event) {
        if let Some(away) = self.away_for(std::iter::once(event)) {
            throw(away);
        }
    }

    fn away_for<'e>(&self, events: impl Iterator<Item = &'e Event> + Clone) -> Option<Away> {
        let mut pieces = self.billing.away_for(events.clone());
        pieces.extend(self.settlement.away_for(events));
        self.away(pieces)
    }

    fn away(&self, mut pieces: Vec<Missing>) -> Option<Away> {
        pieces.sort_unstable();
        pieces.dedup();
        (!pieces.is_empty()).then(|| Away { customer: self.id(), pieces })
    }
}

/// Whether a commit with this first event begins on its customer as it is, and not on what was
/// drafted of it.
fn begins(first: Option<&Event>) -> bool {
    let Some(Event::Process(event)) = first else { return true };
    match event {
        ProcessEvent::PartDrafted(part) => part.part == 0,
        ProcessEvent::DecisionCompleted(_) => false,
        ProcessEvent::BillingRunStarted(_) | ProcessEvent::DueSet(_) => true,
    }
}

impl Ledger {
    /// What of a customer is in memory and needs not be leaves it. Every commit of the customer
    /// must be where it can be read.
    pub fn archive(&mut self, customer: CustomerId) {
        self.customers.cool(customer, Customer::archive);
    }

    /// As [`archive`](Self::archive), and packed at once.
    pub fn rest_one(&mut self, customer: CustomerId) {
        self.customers.rest_one(customer, Customer::archive);
    }

    /// Whether a customer is packed.
    pub fn rests(&self, customer: CustomerId) -> bool {
        self.customers.rests(customer)
    }

    /// So many customers stay in memory as they are. Others of those that were archived are packed,
    /// some for each call, and unpacked by whoever looks at them next.
    pub fn rest(&mut self, most: usize) {
        self.customers.rest(most);
    }

    /// How many customers are in memory as they are, without those who are too large to be packed.
    pub fn awake(&self) -> usize {
        self.customers.count_awake()
    }

    /// What has to be in memory, and nothing else: alike for ledgers of one history.
    #[must_use]
    pub fn archived(&self) -> Self {
        let mut ledger = self.clone();
        let all: Vec<CustomerId> = ledger.customers().collect();
        for customer in all {
            ledger.archive(customer);
        }
        ledger
    }

    /// What has to be read back before events of a stream are folded in; ask again after that.
    pub fn away_for<'e>(
        &self,
        stream: StreamId,
        events: impl Iterator<Item = &'e Event> + Clone,
    ) -> Option<Away> {
        let StreamId::Customer(customer) = stream else { return None };
        let customer = self.customers.get(customer)?;
        // What follows a part is folded into what was drafted before.
        let drafted = customer.drafting.as_ref().filter(|_| !begins(events.clone().next()));
        drafted.map_or(customer, |drafting| &drafting.customer).away_for(events)
    }

    /// Everything of a customer that is away.
    pub fn all_away(&self, customer: CustomerId) -> Option<Away> {
        let customer = self.customers.get(customer)?;
        let mut pieces = customer.billing.all_away();
        pieces.extend(customer.settlement.all_away());
        customer.away(pieces)
    }

    /// Brings back what was away, from the commits that it names, in their order.
    ///
    /// # Errors
    /// [`FoldError`] when these commits do not make it.
    pub fn restore<'b>(
        &mut self,
        away: &Away,
        commits: impl IntoIterator<Item = CommitView<'b>>,
    ) -> Result<(), FoldError> {
        let id = away.customer;
        let customer = self.customers.get_mut(id).ok_or_else(|| Unmade::named(id))?;
        let known = customer.drafting.as_ref().map_or(&*customer, |drafting| &drafting.customer);
        let mut lines = Reading::of(&known.billing, &away.pieces);
        let wanted = away.pieces.iter().map(|missing| missing.piece);
        let mut settled = known.settlement.reading(wanted);
        for commit in commits {
            for (index, record) in (0..).zip(commit.events()) {
                let (event, made) = (Event::decode(record?)?, EventAt::at(commit.position, index));
                lines.event(&event, made)?;
                match &event {
                    Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => {
                        settled.owe(invoice, made)?;
                    }
                    Event::Settlement(event) => settled.evolve(event, made)?,
                    Event::Billing(_)
                    | Event::Subscription(_)
                    | Event::Customer(_)
                    | Event::Process(_)
                    | Event::Book(_)
                    | Event::Seller(_)
                    | Event::Catalog(_) => {}
                }
            }
        }
        let read = lines.done()?;
        if let Some(drafting) = &mut customer.drafting {
            let drafted = &mut drafting.customer;
            drafted.billing.bring_back(&away.pieces, read.clone());
            drafted.settlement.bring_back(&away.pieces, &settled);
        }
        customer.billing.bring_back(&away.pieces, read);
        if !customer.settlement.bring_back(&away.pieces, &settled) {
            return Err(Unmade::of("what is only in the log of", id).into());
        }
        Ok(())
    }
}
