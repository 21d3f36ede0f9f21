//! What the log of the book says, in the order in which it happened.

use schemas::event::{
    BillingEvent, CustomerEvent, CustomerZoneChanged, SettlementEvent, SubscriptionEvent,
};
use std::collections::BTreeMap;

use host::{Commits, HostError};
use schemas::event::{CreditNoteIssued, InvoiceFinalized, ItemChange, ItemStarted, TermsChange};
use schemas::ids::{ChargeId, CustomerId, InvoiceId, SubscriptionId};
use schemas::parts::{Role, role, together};
use schemas::text::Code;
use schemas::{Commit, Event, Span, StreamId, Timestamp};

/// What is known of an item of a subscription.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenItem {
    /// The price that it is of, at last.
    pub(super) price: Option<Code>,
    /// The day of the month on which its cycles are to start.
    pub(super) anchor_day: Option<u8>,
    /// Its cycles, as far as they were opened.
    pub(super) cycles: Vec<Span>,
}

impl SeenItem {
    fn is_of(&self, price: Option<&str>) -> bool {
        price.is_none_or(|price| self.price.as_ref().is_some_and(|it| it.as_str() == price))
    }
}

/// What is known of a book.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// In the order of finalization.
    pub(super) invoices: Vec<(CustomerId, InvoiceFinalized)>,
    /// In the order of issue.
    pub(super) notes: Vec<(CustomerId, CreditNoteIssued)>,
    /// What is printed for a charge that the ledger made itself: the name of its price.
    pub(super) charges: BTreeMap<ChargeId, String>,
    /// When a customer was registered.
    pub(super) registered: BTreeMap<CustomerId, Timestamp>,
    /// To which zones customers moved, in the order in which it was said.
    pub(super) moves: Vec<(CustomerId, CustomerZoneChanged)>,
    items: BTreeMap<(SubscriptionId, u16), SeenItem>,
    /// Parts of a decision that is not complete.
    drafted: BTreeMap<CustomerId, Vec<(u64, Vec<Event>)>>,
}

impl Seen {
    /// Reads what was committed since the last look.
    ///
    /// # Errors
    /// [`HostError`] for a log that cannot be read.
    pub(super) fn look(&mut self, commits: &mut Commits) -> Result<(), HostError> {
        commits.each_new(|commit| {
            self.add(commit);
            Ok(())
        })
    }

    fn add(&mut self, commit: Commit) {
        let StreamId::Customer(customer) = commit.stream else { return };
        let parts = self.drafted.remove(&customer).unwrap_or_default();
        let events = match role(&commit.events) {
            Role::Whole => commit.events,
            Role::Part(part) => {
                let mut parts = if part.part == 0 { Vec::new() } else { parts };
                parts.push((commit.position, commit.events));
                self.drafted.insert(customer, parts);
                return;
            }
            Role::Last(_) => {
                let all = together(parts, (commit.position, commit.events));
                let all = all.expect("the book was made just now");
                all.into_iter().map(|(_, event)| event).collect()
            }
        };
        for event in events {
            self.note(customer, commit.effective_at, event);
        }
    }

    /// Only what expectations look at; the rest is asked of the read models.
    fn note(&mut self, customer: CustomerId, at: Timestamp, event: Event) {
        if let Event::Customer(CustomerEvent::CustomerRegistered(_)) = event {
            self.registered.insert(customer, at);
        } else if let Event::Customer(CustomerEvent::CustomerZoneChanged(changed)) = event {
            self.moves.push((customer, changed));
        } else if let Event::Billing(BillingEvent::InvoiceFinalized(invoice)) = event {
            self.invoices.push((customer, invoice));
        } else if let Event::Settlement(SettlementEvent::CreditNoteIssued(note)) = event {
            self.notes.push((customer, note));
        } else if let Event::Billing(BillingEvent::ChargeAdded(charge)) = event {
            let printed = charge.description.clear().map(str::to_owned);
            self.charges.extend(printed.map(|name| (charge.charge, name)));
        } else if let Event::Subscription(SubscriptionEvent::SubscriptionCreated(created)) = event {
            for item in created.items {
                self.started(created.subscription, item);
            }
        } else if let Event::Subscription(SubscriptionEvent::SubscriptionChanged(changed)) = event {
            for item in changed.items {
                self.changed(changed.subscription, item);
            }
        } else if let Event::Subscription(SubscriptionEvent::SubscriptionMigrated(moved)) = event {
            for item in moved.items {
                self.changed(moved.subscription, item);
            }
        } else if let Event::Subscription(SubscriptionEvent::SubscriptionActivated(begun)) = event {
            for moved in begun.moved.iter().flat_map(|moved| &moved.items) {
                self.item(begun.subscription, moved.item).cycles.clone_from(&moved.cycles);
            }
        } else if let Event::Subscription(SubscriptionEvent::CycleOpened(opened)) = event {
            let cycles = &mut self.item(opened.subscription, opened.item).cycles;
            cycles.push(opened.span);
        } else if let Event::Subscription(SubscriptionEvent::CycleCut(cut)) = event {
            let cycles = &mut self.item(cut.subscription, cut.item).cycles;
            let cycle = usize::try_from(cut.cycle).unwrap_or(usize::MAX);
            if let Some(span) = cycles.get_mut(cycle) {
                *span = Span::new(span.start(), cut.end).unwrap_or(*span);
            }
        }
    }

    fn item(&mut self, subscription: SubscriptionId, item: u16) -> &mut SeenItem {
        self.items.entry((subscription, item)).or_default()
    }

    fn started(&mut self, subscription: SubscriptionId, started: ItemStarted) {
        let item = self.item(subscription, started.item);
        item.price = Some(started.terms.price);
        item.anchor_day = started.calendar.day;
    }

    fn changed(&mut self, subscription: SubscriptionId, change: ItemChange) {
        let item = self.item(subscription, change.item);
        if let TermsChange::Set(terms) = change.terms {
            item.price = Some(terms.price);
        }
        if let Some(calendar) = change.calendar {
            item.anchor_day = calendar.day;
        }
    }

    /// The number of that item.
    pub(super) fn number_of(
        &self,
        subscription: SubscriptionId,
        price: Option<&str>,
    ) -> Option<u16> {
        let mut items = self.items.range((subscription, 0)..=(subscription, u16::MAX));
        items.find(|(_, item)| item.is_of(price)).map(|((_, number), _)| *number)
    }

    /// The item of a subscription that is of a price; the first if none is named.
    pub(super) fn item_of(
        &self,
        subscription: SubscriptionId,
        price: Option<&str>,
    ) -> Option<&SeenItem> {
        let mut items = self.items.range((subscription, 0)..=(subscription, u16::MAX));
        items.find(|(_, item)| item.is_of(price)).map(|(_, item)| item)
    }

    /// The document of an invoice.
    pub(super) fn invoice(&self, id: InvoiceId) -> Option<&InvoiceFinalized> {
        self.invoices.iter().map(|(_, invoice)| invoice).find(|invoice| invoice.invoice == id)
    }
}
