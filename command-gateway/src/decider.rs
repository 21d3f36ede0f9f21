//! The ledger as the engine sees it, so that tests can put a small one in its place.

use ledger_core::process::Subjects;
use ledger_core::{Away, Claims, FoldError, Ledger, Marks, Stamp, Unmade, Woken};
use schemas::fields::Erasure;
use schemas::ids::{CommandId, CustomerId, PlanId};
use schemas::{Command, CommitView, Event, Rejection, StreamId, Timestamp};

/// State that decides and evolves. The engine holds no rule of its own.
pub trait Decider: Send + 'static {
    /// Decides a command and changes nothing.
    ///
    /// # Errors
    /// The [`Rejection`] that says why not.
    fn decide(&self, command: &Command, stamp: &Stamp) -> Result<Vec<Event>, Rejection>;

    /// Folds in what was decided as the commit at `position`.
    ///
    /// # Errors
    /// [`Unmade`] when an event names what was never made. The state is then of no more use.
    fn fold(
        &mut self,
        position: u64,
        stream: StreamId,
        stamp: &Stamp,
        events: &[Event],
    ) -> Result<(), Unmade>;

    /// The stream's revision; 0 before its first commit.
    fn revision(&self, stream: StreamId) -> u64;

    /// Where the test clock stands, on a test book.
    fn test_clock(&self) -> Option<Timestamp>;

    /// Where the clock of a test book stands that a command opens: the instant it is recorded at.
    fn opens_at(&self, command: &Command) -> Option<Timestamp>;

    /// Whom a job is for, in the order of their ids.
    fn subjects(&self, subjects: Subjects) -> Vec<CustomerId>;

    /// How many customers are parked.
    fn parked(&self) -> u64;

    /// Customers that were erased, and what of them.
    fn erased(&self) -> Vec<(CustomerId, Erasure)>;

    /// Whether a customer was erased.
    fn is_erased(&self, customer: CustomerId) -> bool;

    /// The book and one customer, with what others have taken of `claims`, as a ledger that can be
    /// asked elsewhere; the book alone where there is no such customer.
    fn copy_for(&self, customer: Option<CustomerId>, claims: &Claims) -> Ledger;

    /// The book and so many customers at most that have a plan, from one on; beside them the first
    /// that was not looked at.
    fn copy_with_plan(
        &self,
        plan: PlanId,
        first: Option<CustomerId>,
        most: usize,
    ) -> (Ledger, Option<CustomerId>);

    /// Counts what decisions take from the book.
    fn catalog_revision(&self) -> u64;

    /// About how many subscriptions or lines the decision on a command looks at, where that may be
    /// many.
    fn weight(&self, _command: &Command) -> usize {
        0
    }

    /// Customers with a draft that is not complete: of which command, and how many parts.
    fn drafting(&self) -> Vec<(CustomerId, CommandId, usize)> {
        Vec::new()
    }

    /// The stream's revision at its last commit that was no part of a decision.
    fn complete_revision(&self, stream: StreamId) -> u64 {
        self.revision(stream)
    }

    /// The book with those of these customers who can be decided on elsewhere; none where nobody
    /// can.
    fn copy_many(&self, _customers: &[CustomerId]) -> Option<Ledger> {
        None
    }

    /// A customer of a copy is unpacked here, too, if it is still the same.
    fn wake(&mut self, _woken: Woken) {}

    /// Whether nobody has the ids of the invoices that were decided on a copy.
    fn is_free(&self, _events: &[Event]) -> bool {
        true
    }

    /// What others have taken of what a command about a customer claims; none where nobody asks.
    fn marks(&self, _customer: CustomerId, _claims: &Claims) -> Option<Marks> {
        None
    }

    /// Gives documents of a customer the numbers that are next.
    ///
    /// # Errors
    /// The [`Rejection`] that says why there is none.
    fn number(&self, _customer: CustomerId, _events: &mut [Event]) -> Result<(), Rejection> {
        Ok(())
    }

    /// Whether two instants are of one day, for a customer and its seller.
    fn is_same_day(&self, _customer: CustomerId, _one: Timestamp, _other: Timestamp) -> bool {
        true
    }

    /// Whether documents that were decided earlier would have the same date now.
    fn is_dated(&self, _customer: CustomerId, _events: &[Event], _now: Timestamp) -> bool {
        true
    }

    /// What of a customer is in memory and needs not be leaves it. All its commits are durable.
    fn archive(&mut self, _customer: CustomerId) {}

    /// So many customers stay in memory as they are.
    fn rest(&mut self, _most: usize) {}

    /// Whether a customer is in memory as bytes.
    fn rests(&self, _customer: CustomerId) -> bool {
        false
    }

    /// As [`archive`](Self::archive); then the customer is in memory as bytes, if it may.
    fn rest_one(&mut self, _customer: CustomerId) {}

    /// What has to be read back before events of a stream are folded in; asked again after that.
    fn away_for(&self, _stream: StreamId, _events: &[Event]) -> Option<Away> {
        None
    }

    /// Brings back what is away, from the commits that it names, in their order.
    ///
    /// # Errors
    /// [`FoldError`] when they do not make all of it.
    fn restore(&mut self, _away: &Away, _commits: &[CommitView<'_>]) -> Result<(), FoldError> {
        Ok(())
    }
}

/// What stored commits are folded into. Every [`Decider`] is one.
pub(crate) trait State {
    /// As [`Decider::archive`].
    fn archive(&mut self, customer: CustomerId);

    /// As [`Decider::rest`].
    fn rest(&mut self, most: usize);

    /// As [`Decider::rest_one`].
    fn rest_one(&mut self, customer: CustomerId);

    /// As [`Decider::away_for`].
    fn away_for(&self, stream: StreamId, events: &[Event]) -> Option<Away>;

    /// As [`Decider::restore`].
    fn restore(&mut self, away: &Away, commits: &[CommitView<'_>]) -> Result<(), FoldError>;

    /// As [`Decider::fold`].
    fn fold(
        &mut self,
        position: u64,
        stream: StreamId,
        stamp: &Stamp,
        events: &[Event],
    ) -> Result<(), Unmade>;

    /// The stream's revision; 0 before its first commit.
    fn revision(&self, stream: StreamId) -> u64;

    /// Whom a job is for, in the order of their ids.
    fn subjects(&self, subjects: Subjects) -> Vec<CustomerId>;
}

impl<D: Decider> State for D {
    fn archive(&mut self, customer: CustomerId) {
        Decider::archive(self, customer);
    }

    fn rest(&mut self, most: usize) {
        Decider::rest(self, most);
    }

    fn rest_one(&mut self, customer: CustomerId) {
        Decider::rest_one(self, customer);
    }

    fn away_for(&self, stream: StreamId, events: &[Event]) -> Option<Away> {
        Decider::away_for(self, stream, events)
    }

    fn restore(&mut self, away: &Away, commits: &[CommitView<'_>]) -> Result<(), FoldError> {
        Decider::restore(self, away, commits)
    }

    fn fold(
        &mut self,
        position: u64,
        stream: StreamId,
        stamp: &Stamp,
        events: &[Event],
    ) -> Result<(), Unmade> {
        Decider::fold(self, position, stream, stamp, events)
    }

    fn revision(&self, stream: StreamId) -> u64 {
        Decider::revision(self, stream)
    }

    fn subjects(&self, subjects: Subjects) -> Vec<CustomerId> {
        Decider::subjects(self, subjects)
    }
}

impl Decider for Ledger {
    fn decide(&self, command: &Command, stamp: &Stamp) -> Result<Vec<Event>, Rejection> {
        Self::decide(self, command, stamp)
    }

    fn fold(
        &mut self,
        position: u64,
        stream: StreamId,
        stamp: &Stamp,
        events: &[Event],
    ) -> Result<(), Unmade> {
        Self::fold(self, position, stream, stamp, events)
    }

    fn revision(&self, stream: StreamId) -> u64 {
        Self::revision(self, stream)
    }

    fn test_clock(&self) -> Option<Timestamp> {
        Self::test_clock(self)
    }

    fn opens_at(&self, command: &Command) -> Option<Timestamp> {
        Self::opens_at(self, command)
    }

    fn subjects(&self, subjects: Subjects) -> Vec<CustomerId> {
        Self::subjects(self, subjects)
    }

    fn parked(&self) -> u64 {
        Self::parked(self).len() as u64
    }

    fn erased(&self) -> Vec<(CustomerId, Erasure)> {
        Self::erased(self).collect()
    }

    fn is_erased(&self, customer: CustomerId) -> bool {
        Self::is_erased(self, customer)
    }

    fn copy_for(&self, customer: Option<CustomerId>, claims: &Claims) -> Ledger {
        Self::copy_for(self, customer, claims)
    }

    fn copy_with_plan(
        &self,
        plan: PlanId,
        first: Option<CustomerId>,
        most: usize,
    ) -> (Ledger, Option<CustomerId>) {
        Self::copy_with_plan(self, plan, first, most)
    }

    fn catalog_revision(&self) -> u64 {
        Self::catalog_revision(self)
    }

    fn weight(&self, command: &Command) -> usize {
        Self::weight(self, command)
    }

    fn drafting(&self) -> Vec<(CustomerId, CommandId, usize)> {
        Self::drafting(self).collect()
    }

    fn complete_revision(&self, stream: StreamId) -> u64 {
        Self::complete_revision(self, stream)
    }

    fn copy_many(&self, customers: &[CustomerId]) -> Option<Ledger> {
        Some(Self::copy_many(self, customers.iter().copied()))
    }

    fn wake(&mut self, woken: Woken) {
        Self::wake(self, woken);
    }

    fn is_free(&self, events: &[Event]) -> bool {
        Self::is_free(self, events)
    }

    fn marks(&self, customer: CustomerId, claims: &Claims) -> Option<Marks> {
        Some(Self::marks(self, customer, claims))
    }

    fn number(&self, customer: CustomerId, events: &mut [Event]) -> Result<(), Rejection> {
        Self::number(self, customer, events)
    }

    fn is_same_day(&self, customer: CustomerId, one: Timestamp, other: Timestamp) -> bool {
        Self::is_same_day(self, customer, one, other)
    }

    fn is_dated(&self, customer: CustomerId, events: &[Event], now: Timestamp) -> bool {
        Self::is_dated(self, customer, events, now)
    }

    fn archive(&mut self, customer: CustomerId) {
        Self::archive(self, customer);
    }

    fn rest(&mut self, most: usize) {
        Self::rest(self, most);
    }

    fn rests(&self, customer: CustomerId) -> bool {
        Self::rests(self, customer)
    }

    fn rest_one(&mut self, customer: CustomerId) {
        Self::rest_one(self, customer);
    }

    fn away_for(&self, stream: StreamId, events: &[Event]) -> Option<Away> {
        Self::away_for(self, stream, events.iter())
    }

    fn restore(&mut self, away: &Away, commits: &[CommitView<'_>]) -> Result<(), FoldError> {
        Self::restore(self, away, commits.iter().cloned())
    }
}
