//! All of one customer: the rooms of its stream.

use schemas::event::{
    BillingEvent, CustomerEvent, CustomerRegistered, Event, EventAt, ProcessEvent, SettlementEvent,
    SubscriptionEvent,
};
use schemas::ids::{CommandId, CustomerId, InvoiceId, SubscriptionId};
use schemas::terms::{LotRef, Policies};
use schemas::{Currency, Date, Minor, Rejection, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::billing::Account;
use crate::billing::asking;
use crate::billing::lines::Scope;
use crate::billing::state::{Billed, Billing};
use crate::catalog::state::Catalog;
use crate::customer::state::Profile;
use crate::settlement::state::{Invoice, Settlement};
use crate::shared::Shared;
use crate::subscription::advance::Horizon;
use crate::subscription::agreements::Agreements;
use crate::subscription::books::{Books, Invoiced};
use crate::subscription::reach::Reach;
use crate::subscription::state::Subscription;
use crate::unmade::Unmade;

/// State of one customer. A clone is an overlay: see [`crate::shared`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Customer {
    pub(crate) profile: Shared<Profile>,
    pub(crate) agreements: Agreements,
    pub(crate) billing: Billing,
    pub(crate) settlement: Settlement,
    /// How many commits its stream has.
    pub(crate) revision: u64,
    /// Which of them was the last that was no part of a decision.
    pub(crate) complete: u64,
    /// The day on which a billing run has something to do.
    pub(crate) due: Option<Date>,
    /// What is drafted of it and not so yet.
    pub(super) drafting: Option<Box<Drafting>>,
}

/// A customer as it is stored: without what follows from the rest.
#[derive(Deserialize)]
struct Stored {
    profile: Shared<Profile>,
    agreements: Agreements,
    billing: Billing,
    settlement: Settlement,
    revision: u64,
    complete: u64,
    due: Option<Date>,
    drafting: Option<Box<Drafting>>,
}

impl From<Stored> for Customer {
    fn from(stored: Stored) -> Self {
        let Stored { profile, agreements, billing, settlement, .. } = stored;
        let billing = billing.stored(profile.id);
        let settlement = settlement.stored(profile.id, billing.places());
        let Stored { revision, complete, due, drafting, .. } = stored;
        Self { profile, agreements, billing, settlement, revision, complete, due, drafting }
    }
}

impl Customer {
    pub(crate) fn new(registered: &CustomerRegistered, policies: Policies, at: Timestamp) -> Self {
        Self {
            profile: Shared::new(Profile::new(registered, policies, at)),
            agreements: Agreements::default(),
            billing: Billing::of(registered.customer),
            settlement: Settlement::of(registered.customer),
            revision: 0,
            complete: 0,
            due: None,
            drafting: None,
        }
    }

    pub(crate) fn id(&self) -> CustomerId {
        self.profile.id
    }

    /// The customer, as billing sees it.
    pub(crate) fn account(&self) -> Account<'_> {
        Account {
            profile: &self.profile,
            agreements: &self.agreements,
            billing: &self.billing,
            credit: self.settlement.credit(),
            credit_expires: self.settlement.next_expiry(),
            revision: self.revision,
            last_document: self.settlement.last_document,
        }
    }

    /// Folds one event in, room by room.
    ///
    /// # Errors
    /// [`Unmade`] when it names what was never made, or belongs on the book's stream.
    pub(crate) fn evolve(&mut self, event: &Event, made: EventAt) -> Result<(), Unmade> {
        match event {
            Event::Customer(event) => {
                if let CustomerEvent::CustomerZoneChanged(_) = event {
                    // Their days are counted by another clock.
                    let all: Vec<_> = self.subscriptions().map(Subscription::id).collect();
                    for id in all {
                        self.billing.days.touch(id);
                    }
                }
                Shared::make_mut(&mut self.profile).evolve(event)
            }
            Event::Subscription(event) => {
                let paid = self.agreements.waited_for_payment(event);
                let of = event.subject();
                let known = of.and_then(|id| self.agreements.subscription(id));
                let reach = known.map(Reach::before);
                self.agreements.evolve(event, made)?;
                self.billing.evolve_agreed(event, paid, made)?;
                if let Some(id) = of {
                    self.billing.days.touch(id);
                }
                self.look_again(reach, [event]);
                Ok(())
            }
            Event::Billing(event) => {
                self.billing.evolve(event, made)?;
                if let BillingEvent::InvoiceFinalized(invoice) = event {
                    self.settlement.owe(invoice, made)?;
                    if self.profile.annotation.waits() {
                        Shared::make_mut(&mut self.profile).invoiced(invoice);
                    }
                }
                Ok(())
            }
            Event::Settlement(event) => {
                self.billing.evolve_settled(event, made)?;
                if let SettlementEvent::InvoiceVoided(voided) = event {
                    self.agreements.let_go(voided.invoice);
                }
                self.settlement.evolve(event, made)
            }
            Event::Process(ProcessEvent::DueSet(set)) => {
                self.due = set.on;
                self.billing.set_days(set)
            }
            Event::Process(
                ProcessEvent::BillingRunStarted(_)
                | ProcessEvent::PartDrafted(_)
                | ProcessEvent::DecisionCompleted(_),
            )
            | Event::Book(_)
            | Event::Seller(_)
            | Event::Catalog(_) => Err(Unmade::astray(event.kind().name)),
        }
    }

    /// What events may have changed of a subscription is compared again.
    pub(super) fn look_again<'e>(
        &mut self,
        reach: Option<Reach>,
        events: impl IntoIterator<Item = &'e SubscriptionEvent>,
    ) {
        let found = reach.and_then(|reach| reach.after(events, &self.agreements));
        if let Some((of, from)) = found {
            self.billing.unsettle(of, from);
        }
    }

    /// The subscriptions of which something may be billed up to a horizon, or has come by then; by
    /// id.
    ///
    /// # Errors
    /// A date that cannot be computed.
    pub(super) fn looked_at(
        &self,
        scope: Scope,
        horizon: Horizon,
    ) -> Result<Vec<SubscriptionId>, Rejection> {
        Ok(match scope {
            Scope::All => {
                let today = self.profile.rules.date(horizon.now)?;
                let mut all = self.billing.days.looked_at(horizon.day.max(today));
                all.extend(self.agreements.foreseeing());
                all.sort_unstable();
                all.dedup();
                all
            }
            Scope::Subscription(id) | Scope::WontBegin(id) => vec![id],
            Scope::Charge(_) => Vec::new(),
        })
    }

    /// The days of everything that was touched are found.
    pub(super) fn close_commit(&mut self) {
        self.revision += 1;
        self.complete = self.revision;
        if self.profile.parked.is_none() && self.profile.erased.is_none() {
            self.billing.days.found();
        }
    }

    /// Open invoices with a line of a subscription.
    pub(crate) fn open_with(&self, id: SubscriptionId) -> impl Iterator<Item = &Invoice> {
        // All at once: one after the other would take a reading each.
        self.billing.need_lines(self.settlement.open().map(|open| open.ordinal));
        self.settlement.open().filter(move |open| self.has_line_of(open.id, id))
    }

    pub(super) fn has_line_of(&self, invoice: InvoiceId, id: SubscriptionId) -> bool {
        self.billing.invoice(invoice).is_some_and(|billed| billed.says(id))
    }

    /// Whether an invoice asks for something above zero of a subscription.
    pub(super) fn asks(&self, invoice: InvoiceId, id: SubscriptionId) -> bool {
        let billed = self.billing.invoice(invoice).filter(|billed| billed.says(id)).into_iter();
        let lines = billed.flat_map(Billed::lines).filter(|line| line.is_of(id));
        lines.map(|line| i128::from(line.net.0)).sum::<i128>() > 0
    }

    /// The customer's currency.
    pub fn currency(&self) -> Currency {
        self.profile.currency
    }

    /// Customer credit that is available.
    pub fn credit(&self) -> Minor {
        self.settlement.credit()
    }

    /// Lots of credit of which something is left, in the order in which they are used, with how
    /// much.
    pub fn lots(&self) -> impl Iterator<Item = (LotRef, Minor)> {
        self.settlement.lots_left()
    }

    /// The customer's invoices that are in memory, by order of finalization: all with something
    /// open, and some others.
    pub fn invoices(&self) -> impl DoubleEndedIterator<Item = &Invoice> {
        self.settlement.invoices().iter()
    }

    /// The customer's subscriptions, by id.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        self.agreements.subscriptions()
    }

    /// One subscription.
    pub fn subscription_of(&self, id: SubscriptionId) -> Option<&Subscription> {
        self.agreements.subscription(id)
    }

    /// One invoice.
    pub fn invoice(&self, id: InvoiceId) -> Option<&Invoice> {
        self.settlement.invoices().get(id)
    }

    /// Whether something is drafted of it that is not so yet.
    pub(super) fn has_draft(&self) -> bool {
        self.drafting.is_some()
    }

    /// What the customer owes over all invoices, in minor units.
    pub fn owed(&self) -> i128 {
        self.settlement.open().map(|invoice| i128::from(invoice.open().0)).sum()
    }
}

/// What was drafted of a customer and is not so yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Drafting {
    pub(super) of: CommandId,
    /// Where its parts lie.
    pub(super) parts: Vec<u64>,
    /// The customer as it would be.
    pub(super) customer: Customer,
    /// Ids that it takes.
    pub(super) taken: Vec<Uuid>,
}

impl Drafting {
    pub(super) fn begin(of: CommandId, customer: &Customer) -> Self {
        let customer = Customer { drafting: None, ..customer.clone() };
        Self { of, parts: Vec::new(), customer, taken: Vec::new() }
    }

    pub(super) fn evolve(&mut self, event: &Event, made: EventAt) -> Result<(), Unmade> {
        if let Event::Billing(BillingEvent::ChargeAdded(charge)) = event {
            self.taken.push(charge.charge.uuid());
        }
        self.customer.evolve(event, made)
    }
}

impl Books for Customer {
    fn owes(&self, subscription: SubscriptionId) -> bool {
        self.open_with(subscription).next().is_some()
    }

    fn first_unbilled(&self, subscription: SubscriptionId, item: u16) -> u32 {
        self.billing.first_unbilled(subscription, item)
    }

    fn waits(&self, catalog: &Catalog, subscription: &Subscription, now: Timestamp) -> bool {
        asking::for_payment(self.account(), catalog, subscription, now)
    }

    fn invoiced(&self) -> &dyn Invoiced {
        &self.billing
    }
}
