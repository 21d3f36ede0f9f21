//! The state of one partition and the two functions on it.
//!
//! # Shape
//!
//! [`Ledger::decide`] leads a command to the room that decides it and composes what several rooms
//! say of it ([`decide`]); [`Ledger::fold`] leads each event of a commit to the rooms that fold
//! it. A decision that needs to look at what would be if it were taken works on a `Draft`.

mod affairs;
mod ahead;
mod archive;
mod bill;
mod customer;
mod decide;
mod directory;
mod draft;
mod early_end;
mod facts;
mod follows;
mod packing;
mod parts;
pub(crate) mod post;
mod registering;
pub mod snapshot;
mod view;

use std::sync::Arc;

use schemas::command::{BookCommand, CustomerCommand};
use schemas::event::{CustomerEvent, EventAt, ProcessEvent};
use schemas::fields::Erasure;
use schemas::ids::{CustomerId, PlanId};
use schemas::record::DecodeError;
use schemas::terms::BookClock;
use schemas::{Command, CommitView, Date, Event, Rejection, StreamId, Timestamp};

use crate::claims::Claims;
use crate::context::{Context, Stamp};
use crate::process::Subjects;
use crate::registry::Registry;
use crate::unmade::Unmade;
use directory::Directory;
use facts::Facts;

pub use ahead::Woken;
pub use customer::Customer;
pub use parts::Marks;

/// Customers that are looked at for one copy: a millisecond or two of the engine's time.
const MOST_LOOKED_AT: usize = 500;

/// Why a stored commit cannot be folded in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// A record cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// An event names what was never made.
    #[error(transparent)]
    Unmade(#[from] Unmade),
}

/// All state of one partition: the book's facts and every customer.
///
/// Equal histories give equal ledgers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Shared with copies for previews; written to a copy of its own while there are some.
    pub(crate) facts: Arc<Facts>,
    pub(crate) registry: Registry,
    pub(crate) customers: Directory,
}

impl Ledger {
    /// Decides a command against the state. Changes nothing.
    ///
    /// # Errors
    /// The [`Rejection`] that says why not.
    pub fn decide(&self, command: &Command, stamp: &Stamp) -> Result<Vec<Event>, Rejection> {
        let context = self.context(stamp);
        let StreamId::Customer(id) = command.stream() else {
            check_effective(stamp)?;
            return decide::of_book(&context, &self.facts, command);
        };
        self.facts.book.opened()?;
        check_effective(stamp)?;
        let known = self.customers.get(id);
        if let Command::Customer(CustomerCommand::RegisterCustomer(register)) = command {
            if let Some(known) = known {
                return Err(match known.profile.erased {
                    Some(_) => Rejection::CustomerErased { customer: id },
                    None => Rejection::CustomerExists { customer: id },
                });
            }
            let is_known = |other| self.customers.knows(other);
            return crate::customer::decide::register(&context, is_known, register);
        }
        let customer = known.ok_or(Rejection::UnknownCustomer { customer: id })?;
        let registered_at = customer.profile.registered_at;
        if stamp.effective_at < registered_at {
            return Err(Rejection::EffectiveBeforeRegistration {
                customer: id,
                effective_at: stamp.effective_at,
                registered_at,
            });
        }
        affairs::check_after_erasure(customer, command)?;
        if let Command::Customer(CustomerCommand::EraseCustomer(_)) = command {
            self.check_not_served(&context, id)?;
        }
        decide::of_customer(&context, customer, command)
    }

    /// Nobody else pays for a subscription that a customer uses, or may accept one for it.
    ///
    /// # Errors
    /// [`Rejection::CustomerNotErasable`].
    fn check_not_served(
        &self,
        context: &Context<'_>,
        customer: CustomerId,
    ) -> Result<(), Rejection> {
        let Some(payer) = self.registry.parent(customer) else { return Ok(()) };
        let Some(payer) = self.customers.get(payer) else { return Ok(()) };
        match affairs::serves(context, payer, customer)? {
            Some(why) => Err(Rejection::CustomerNotErasable { customer, why }),
            None => Ok(()),
        }
    }

    fn context<'a>(&'a self, stamp: &'a Stamp) -> Context<'a> {
        Context {
            book: &self.facts.book,
            sellers: &self.facts.sellers,
            catalog: &self.facts.catalog,
            registry: &self.registry,
            stamp,
        }
    }

    /// The book and one customer, with what others have taken of `claims`, as a ledger of their
    /// own: what a preview is decided on. The book alone where there is no such customer.
    #[must_use]
    pub fn copy_for(&self, customer: Option<CustomerId>, claims: &Claims) -> Self {
        let mut customers = Directory::default();
        let payer = customer.and_then(|customer| self.registry.parent(customer));
        let parent = claims.parent.or(payer).filter(|parent| customer != Some(*parent));
        for known in customer.into_iter().chain(parent) {
            if let Some(found) = self.customers.get(known) {
                customers.push(found.clone());
            }
        }
        let registry = self.registry.excerpt(customer, claims);
        Self { facts: self.facts.clone(), registry, customers }
    }

    /// The book and customers that have a plan, or had it, from one on in the order of
    /// registration; so many of them at most. Beside them the first that was not looked at.
    ///
    /// A book keeps no list of who has which plan, for a question that is asked seldom; so only so
    /// many customers are looked at at once.
    #[must_use]
    pub fn copy_with_plan(
        &self,
        plan: PlanId,
        first: Option<CustomerId>,
        most: usize,
    ) -> (Self, Option<CustomerId>) {
        let mut customers = Directory::default();
        let mut copied = 0;
        let mut rest = None;
        for (looked_at, known) in self.customers.from(first).enumerate() {
            let (id, slot) = known;
            if looked_at == MOST_LOOKED_AT || copied == most {
                rest = Some(id);
                break;
            }
            let known = slot.peek();
            if known.subscriptions().any(|found| found.has_had(plan)) {
                customers.push(known.into_owned());
                copied += 1;
            }
        }
        let registry = self.registry.excerpt(None, &Claims::default());
        (Self { facts: self.facts.clone(), registry, customers }, rest)
    }

    /// Folds the commit at `position` in: every event, then its revision.
    ///
    /// # Errors
    /// [`Unmade`] when an event names what was never made. The state is then of no more use.
    pub fn fold(
        &mut self,
        position: u64,
        stream: StreamId,
        stamp: &Stamp,
        events: &[Event],
    ) -> Result<(), Unmade> {
        self.fold_events(position, stream, (stamp.command_id, stamp.effective_at), events)
    }

    /// Folds a stored commit in.
    ///
    /// # Errors
    /// [`FoldError`]. The state is then of no more use.
    pub fn evolve_commit(&mut self, commit: &CommitView<'_>) -> Result<(), FoldError> {
        let events = commit.events().map(|record| Event::decode(record?));
        let events = events.collect::<Result<Vec<Event>, DecodeError>>()?;
        let said = (commit.command_id, commit.effective_at);
        Ok(self.fold_events(commit.position, commit.stream, said, &events)?)
    }

    fn evolve(
        &mut self,
        stream: StreamId,
        event: &Event,
        made: EventAt,
        effective_at: Timestamp,
    ) -> Result<(), Unmade> {
        let StreamId::Customer(id) = stream else {
            return Arc::make_mut(&mut self.facts).evolve(event, made);
        };
        if let Event::Customer(CustomerEvent::CustomerRegistered(registered)) = event {
            if self.customers.knows(id) {
                return Err(Unmade::of("an unregistered", id));
            }
            let opened = self.facts.book.opened().map_err(|_| Unmade::of("the book of", id))?;
            let policies = opened.policies;
            registering::customer(&mut self.registry, registered);
            self.customers.push(Customer::new(registered, policies, effective_at));
            return Ok(());
        }
        let customer = self.customers.get_mut(id).ok_or_else(|| Unmade::named(id))?;
        registering::event(&mut self.registry, &customer.profile, event);
        if let Event::Process(ProcessEvent::DueSet(set)) = event {
            self.registry.move_due(id, customer.due, set.on);
        }
        customer.evolve(event, made)
    }

    /// Counts one commit on its stream (also a commit without events).
    fn close_commit(&mut self, stream: StreamId) -> Result<(), Unmade> {
        match stream {
            StreamId::Book => Arc::make_mut(&mut self.facts).revision += 1,
            StreamId::Customer(id) => {
                let customer = self.customers.get_mut(id).ok_or_else(|| Unmade::named(id))?;
                customer.close_commit();
            }
        }
        Ok(())
    }

    /// The stream's revision; 0 before its first commit.
    pub fn revision(&self, stream: StreamId) -> u64 {
        match stream {
            StreamId::Book => self.facts.revision,
            StreamId::Customer(id) => {
                self.customers.get(id).map_or(0, |customer| customer.revision)
            }
        }
    }

    /// Where the test clock stands, on a test book.
    pub fn test_clock(&self) -> Option<Timestamp> {
        self.facts.book.test_clock()
    }

    /// One customer.
    pub fn customer(&self, id: CustomerId) -> Option<&Customer> {
        self.customers.get(id)
    }

    /// Every customer, in the order of registration.
    pub fn customers(&self) -> impl Iterator<Item = CustomerId> {
        self.customers.from(None).map(|(id, _)| id)
    }

    /// Customers that were erased, and what of them.
    pub fn erased(&self) -> impl Iterator<Item = (CustomerId, Erasure)> {
        self.registry.erased().filter_map(|id| {
            let customer = self.customers.slot(id)?.peek();
            Some((id, customer.profile.erased?.extent))
        })
    }

    /// Whether a customer was erased.
    pub fn is_erased(&self, customer: CustomerId) -> bool {
        self.customers.get(customer).is_some_and(|found| found.profile.erased.is_some())
    }

    /// Where the clock of a test book stands that a command opens: the instant it is recorded at.
    pub fn opens_at(&self, command: &Command) -> Option<Timestamp> {
        let Command::Book(BookCommand::OpenBook(open)) = command else { return None };
        match open.clock {
            BookClock::Test(instant) if self.test_clock().is_none() => Some(instant),
            BookClock::Test(_) | BookClock::Wall => None,
        }
    }

    /// Whom a job is for, by id.
    pub fn subjects(&self, subjects: Subjects) -> Vec<CustomerId> {
        match subjects {
            Subjects::DueThrough(through) => self.due_customers(through, None, usize::MAX),
        }
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
