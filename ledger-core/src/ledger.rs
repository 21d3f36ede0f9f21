//! The state of one partition and the two functions on it.

use std::sync::Arc;

use schemas::command::{BillingCommand, CustomerCommand, SettlementCommand, SubscriptionCommand};
use schemas::event::{
    BillingEvent, CustomerEvent, CustomerExternalIdChanged, InvoiceFinalized, SettlementEvent,
    SubscriptionEvent,
};
use schemas::ids::{CommandId, CustomerId};
use schemas::record::DecodeError;
use schemas::{Command, CommitView, Date, Event, Rejection, StreamId, Timestamp};

use crate::book::{self, Book};
use crate::claims::Claims;
use crate::customer::directory::Directory;
use crate::customer::state::Customer;
use crate::registry::Registry;
use crate::{customer, settlement, subscription};

/// What the engine stamps a command with, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The command's id; ids of what it causes are derived from it.
    pub command_id: CommandId,
    /// When it is committed. On a test book: the test clock.
    pub recorded_at: Timestamp,
    /// When it takes effect.
    pub effective_at: Timestamp,
}

/// What a decision may look at besides the customer.
pub(crate) struct Context<'a> {
    pub(crate) book: &'a Book,
    pub(crate) registry: &'a Registry,
    pub(crate) customers: &'a Directory,
    pub(crate) stamp: &'a Stamp,
}

/// All state of one partition: the book's facts and every customer.
///
/// Equal histories give equal ledgers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Shared with copies for previews; written to a copy of its own while there are some.
    pub(crate) book: Arc<Book>,
    pub(crate) registry: Registry,
    pub(crate) customers: Directory,
}

impl Ledger {
    /// Decides a command against the state. Changes nothing.
    ///
    /// # Errors
    /// The [`Rejection`] that says why not.
    pub fn decide(&self, command: &Command, stamp: &Stamp) -> Result<Vec<Event>, Rejection> {
        let StreamId::Customer(id) = command.stream() else {
            check_effective(stamp)?;
            return book::decide(&self.book, command, stamp);
        };
        self.book.opened()?;
        check_effective(stamp)?;
        let context = Context {
            book: &self.book,
            registry: &self.registry,
            customers: &self.customers,
            stamp,
        };
        if let Command::Customer(CustomerCommand::RegisterCustomer(register)) = command {
            return customer::decide::register(&context, self.customers.get(id), register);
        }
        let customer = self.customers.get(id).ok_or(Rejection::UnknownCustomer { customer: id })?;
        if stamp.effective_at < customer.registered_at {
            return Err(Rejection::EffectiveBeforeRegistration {
                customer: id,
                effective_at: stamp.effective_at,
                registered_at: customer.registered_at,
            });
        }
        let mut events = decide_for(&context, customer, command)?;
        subscription::schedule::settled(&context, customer, &mut events)?;
        Ok(events)
    }

    /// The book and one customer, with what others have taken of `claims`, as a ledger of their
    /// own: what a preview is decided on. The book alone where there is no such customer.
    #[must_use]
    pub fn copy_for(&self, customer: Option<CustomerId>, claims: &Claims) -> Self {
        let mut customers = Directory::default();
        let parent = claims.parent.filter(|parent| customer != Some(*parent));
        for known in customer.into_iter().chain(parent) {
            if let Some(found) = self.customers.get(known) {
                customers.push(found.clone());
            }
        }
        let registry = self.registry.excerpt(customer, claims);
        Self { book: self.book.clone(), registry, customers }
    }

    /// Folds one event in. Events of one commit are folded in order, then
    /// [`Ledger::close_commit`] is called once for the commit's stream.
    pub fn evolve(&mut self, stream: StreamId, event: &Event, stamp: &Stamp) {
        let StreamId::Customer(id) = stream else {
            Arc::make_mut(&mut self.book).evolve(event);
            return;
        };
        if let Event::Customer(CustomerEvent::CustomerRegistered(registered)) = event {
            let external_id = registered.external_id.as_ref();
            self.registry.name_customer(None, external_id, id);
            self.registry.set_parent(id, registered.parent);
            let opened = self.book.opened().expect("history is in order: the book is open");
            let policies = opened.policies;
            self.customers.push(Customer::new(registered, policies, stamp.effective_at));
            return;
        }
        let customer =
            self.customers.get_mut(id).expect("history is in order: the customer is registered");
        register_ids(&mut self.registry, customer, event);
        customer.evolve(event);
    }

    /// Counts one commit on its stream (also a commit without events).
    pub fn close_commit(&mut self, stream: StreamId) {
        let StreamId::Customer(id) = stream else {
            Arc::make_mut(&mut self.book).revision += 1;
            return;
        };
        let Some(customer) = self.customers.get_mut(id) else { return };
        customer.revision += 1;
        if !customer.due_stale {
            return;
        }
        customer.due_stale = false;
        let due = customer.next_due();
        self.registry.move_due(id, customer.due, due);
        customer.due = due;
    }

    /// Folds a stored commit in: every event, then the revision.
    ///
    /// # Errors
    /// [`DecodeError`] when a record cannot be read.
    pub fn evolve_commit(&mut self, commit: &CommitView<'_>) -> Result<(), DecodeError> {
        let stamp = Stamp {
            command_id: commit.command_id,
            recorded_at: commit.recorded_at,
            effective_at: commit.effective_at,
        };
        for record in commit.events() {
            self.evolve(commit.stream, &Event::decode(record?)?, &stamp);
        }
        self.close_commit(commit.stream);
        Ok(())
    }

    /// The stream's revision; 0 before its first commit.
    pub fn revision(&self, stream: StreamId) -> u64 {
        match stream {
            StreamId::Book => self.book.revision,
            StreamId::Customer(id) => {
                self.customers.get(id).map_or(0, |customer| customer.revision)
            }
        }
    }

    /// Where the test clock stands, on a test book.
    pub fn test_clock(&self) -> Option<Timestamp> {
        self.book.test_clock()
    }

    /// One customer.
    pub fn customer(&self, id: CustomerId) -> Option<&Customer> {
        self.customers.get(id)
    }

    /// Every customer, in the order of registration.
    pub fn customers(&self) -> impl Iterator<Item = (CustomerId, &Customer)> {
        self.customers.iter().map(|customer| (customer.id, customer))
    }

    /// Customers with a cycle due up to and on `through`, by id, after `after`.
    ///
    /// Sorts all that are due: ask once for a run, not once for each page of it.
    pub fn due_customers(
        &self,
        through: Date,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Vec<CustomerId> {
        let mut due: Vec<CustomerId> =
            self.registry.due(through).filter(|id| after.is_none_or(|after| *id > after)).collect();
        due.sort_unstable();
        due.truncate(limit);
        due
    }
}

fn check_effective(stamp: &Stamp) -> Result<(), Rejection> {
    if stamp.effective_at > stamp.recorded_at {
        return Err(Rejection::EffectiveInFuture {
            effective_at: stamp.effective_at,
            now: stamp.recorded_at,
        });
    }
    Ok(())
}

/// Decides a command of a registered customer.
fn decide_for(
    context: &Context<'_>,
    customer: &Customer,
    command: &Command,
) -> Result<Vec<Event>, Rejection> {
    match command {
        Command::Customer(command) => decide_profile(context, customer, command),
        Command::Subscription(command) => decide_subscription(context, customer, command),
        Command::Billing(command) => decide_billing(context, customer, command),
        Command::Settlement(command) => decide_settlement(context, customer, command),
        Command::Book(_) | Command::Seller(_) | Command::Catalog(_) | Command::Process(_) => {
            unreachable!("Ledger::decide takes these itself: {command:?}")
        }
    }
}

fn decide_profile(
    context: &Context<'_>,
    customer: &Customer,
    command: &CustomerCommand,
) -> Result<Vec<Event>, Rejection> {
    use CustomerCommand as C;
    match command {
        C::UpdateCustomer(c) => customer::decide::update(context, customer, c),
        C::ReleaseCustomer(c) => customer::decide::release(customer, c),
        C::RegisterCustomer(c) => Err(Rejection::CustomerExists { customer: c.customer }),
    }
}

fn decide_subscription(
    context: &Context<'_>,
    customer: &Customer,
    command: &SubscriptionCommand,
) -> Result<Vec<Event>, Rejection> {
    use SubscriptionCommand as C;
    match command {
        C::CreateSubscription(c) => subscription::create::create(context, customer, c),
        C::ChangePlan(c) => subscription::change::plan(context, customer, c),
        C::ChangeQuantity(c) => subscription::change::quantity(context, customer, c),
        C::ChangeSubscription(c) => subscription::change::change(context, customer, c),
        C::CancelSubscription(c) => subscription::ending::cancel(context, customer, c),
        C::UncancelSubscription(c) => subscription::ending::uncancel(context, customer, c),
        C::WithdrawChange(c) => subscription::ending::withdraw(customer, c),
        C::PauseSubscription(c) => subscription::ending::pause(context, customer, c),
        C::ResumeSubscription(c) => subscription::ending::resume(context, customer, c),
        C::SetRenewal(c) => subscription::ending::set_renewal(customer, c),
        C::CreateQuote(c) => subscription::create::quote(context, customer, c),
        C::AcceptQuote(c) => subscription::create::accept(context, customer, c),
        C::VoidQuote(c) => subscription::create::void_quote(customer, c),
        C::RedeemCoupon(c) => subscription::coupon::redeem(context, customer, c),
        C::ApplyDiscount(c) => subscription::discount::apply(context, customer, c),
        C::RemoveDiscount(c) => subscription::discount::remove(customer, c),
    }
}

fn decide_billing(
    context: &Context<'_>,
    customer: &Customer,
    command: &BillingCommand,
) -> Result<Vec<Event>, Rejection> {
    use BillingCommand as C;
    match command {
        C::AddCharge(c) => settlement::charge::add(context, customer, c),
        C::InvoiceNow(c) => settlement::charge::invoice_now(context, customer, c),
        C::BillCustomer(c) => settlement::charge::bill_customer(context, customer, c),
    }
}

fn decide_settlement(
    context: &Context<'_>,
    customer: &Customer,
    command: &SettlementCommand,
) -> Result<Vec<Event>, Rejection> {
    use SettlementCommand as C;
    match command {
        C::VoidInvoice(c) => settlement::void::void(context, customer, c),
        C::RecordPayment(c) => settlement::payment::record(context, customer, c),
        C::ReversePayment(c) => settlement::payment::reverse(context, customer, c),
        C::RefundPayment(c) => settlement::refund::refund(context, customer, c),
        C::IssueCreditNote(c) => settlement::credit_note::of_lines(context, customer, c),
        C::GrantCredit(c) => settlement::payment::grant(context, customer, c),
    }
}

/// Keeps what is unique across customers.
fn register_ids(registry: &mut Registry, customer: &Customer, event: &Event) {
    match event {
        Event::Customer(event) => register_customer(registry, customer, event),
        Event::Subscription(event) => register_subscription(registry, event),
        Event::Billing(BillingEvent::ChargeAdded(charge)) => {
            registry.taken.insert(charge.charge.uuid());
        }
        Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => invoice_ids(registry, invoice),
        Event::Settlement(event) => register_settlement(registry, customer, event),
        Event::Book(_) | Event::Seller(_) | Event::Catalog(_) | Event::Process(_) => {}
    }
}

fn register_customer(registry: &mut Registry, customer: &Customer, event: &CustomerEvent) {
    match event {
        CustomerEvent::CustomerExternalIdChanged(CustomerExternalIdChanged { external_id }) => {
            registry.name_customer(customer.external_id.as_ref(), Some(external_id), customer.id);
        }
        CustomerEvent::CustomerParked(parked) => registry.park(customer.id, Some(&parked.detail)),
        CustomerEvent::CustomerReleased(_) => registry.park(customer.id, None),
        CustomerEvent::CustomerRegistered(_)
        | CustomerEvent::CustomerRenamed(_)
        | CustomerEvent::CustomerEmailChanged(_)
        | CustomerEvent::CustomerTermsChanged(_) => {}
    }
}

fn register_subscription(registry: &mut Registry, event: &SubscriptionEvent) {
    use SubscriptionEvent as E;
    match event {
        E::SubscriptionCreated(created) => registry.taken.insert(created.subscription.uuid()),
        E::QuoteCreated(created) => registry.taken.insert(created.quote.uuid()),
        E::DiscountApplied(applied) => {
            registry.taken.insert(applied.discount.uuid());
            if let Some(coupon) = applied.coupon {
                registry.redeemed(coupon);
            }
        }
        E::SubscriptionActivated(_)
        | E::CycleOpened(_)
        | E::CycleCut(_)
        | E::SubscriptionChanged(_)
        | E::RampAgreed(_)
        | E::ChangeScheduled(_)
        | E::ScheduledChangeWithdrawn(_)
        | E::SubscriptionPaused(_)
        | E::SubscriptionResumed(_)
        | E::SubscriptionCanceled(_)
        | E::CancellationUndone(_)
        | E::TermRenewed(_)
        | E::RenewalSet(_)
        | E::QuoteAccepted(_)
        | E::QuoteVoided(_)
        | E::DiscountRemoved(_) => {}
    }
}

fn register_settlement(registry: &mut Registry, customer: &Customer, event: &SettlementEvent) {
    use SettlementEvent as E;
    match event {
        E::PaymentRecorded(payment) => {
            registry.taken.insert(payment.payment.uuid());
            registry.name_payment(payment.external_id.as_ref(), payment.payment);
        }
        E::PaymentRefunded(refunded) => registry.taken.insert(refunded.refund.uuid()),
        E::CreditGranted(granted) => registry.taken.insert(granted.grant.uuid()),
        E::CreditNoteIssued(note) => {
            registry.taken.insert(note.note.uuid());
            let date = note.document_date;
            registry.number_taken(customer.entity, &note.series, note.sequence, date);
        }
        E::InvoiceVoided(_) | E::PaymentReversed(_) => {}
    }
}

fn invoice_ids(registry: &mut Registry, invoice: &InvoiceFinalized) {
    registry.taken.insert(invoice.invoice.uuid());
    registry.name_invoice(invoice.external_id.as_ref(), invoice.invoice);
    let (series, date) = (&invoice.series, invoice.document_date);
    registry.number_taken(invoice.entity, series, invoice.sequence, date);
}
