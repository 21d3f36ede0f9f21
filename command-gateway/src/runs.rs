//! Billing runs: which customers a run bills, how far it is, and where it goes on after a restart.
//!
//! *Shape.* The customers of a run are those that are due when its first commit is folded in, in
//! the order of their ids. Live and on replay that is the same state, hence the same customers.
//! Runs are worked off one after the other.
//! *Correctness.* A customer's command has an id derived from run and customer, so billing twice
//! is impossible. After a restart a run goes on behind the last customer that it billed.
//! *Limits.* A customer whose command is refused is counted and logged, not tried again; the count
//! of those behind the last one billed is lost in a restart, when they are tried once more.

use std::collections::{BTreeMap, VecDeque};

use schemas::Date;
use schemas::command::BillCustomer;
use schemas::event::BillingRunStarted;
use schemas::ids::{BillingRunId, CommandId, CustomerId, derive};
pub use schemas::runs::{RunProgress, RunState};
use serde::{Deserialize, Serialize};

/// The event that says a customer could not be billed.
pub(crate) const PARKED: &str = "customer.parked";

/// A command that a run makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunCommand {
    pub(crate) command_id: CommandId,
    pub(crate) command: BillCustomer,
    /// The position of the run's own commit.
    pub(crate) cause: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Active {
    started: BillingRunStarted,
    cause: u64,
    customers: Vec<CustomerId>,
    tried: usize,
}

/// Runs as a snapshot holds them: how far each is, and whom those that go on have left.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    active: Vec<(BillingRunStarted, u64, Vec<CustomerId>)>,
    /// Run, due, billed, failed, and whether it is done.
    progress: Vec<(BillingRunId, u64, u64, u64, bool)>,
}

/// All runs of a book.
#[derive(Debug, Default)]
pub(crate) struct BillingRuns {
    active: VecDeque<Active>,
    progress: BTreeMap<BillingRunId, RunProgress>,
    changed: Vec<BillingRunId>,
}

/// The id of the command that bills `customer` in `run`.
pub fn bill_command_id(run: BillingRunId, customer: CustomerId) -> CommandId {
    CommandId::new(derive(run.uuid(), &customer.to_string()))
}

impl BillingRuns {
    /// The runs as bytes.
    pub(crate) fn to_piece(&self) -> Vec<u8> {
        let left = |run: &Active| {
            let left = run.customers.get(run.tried..).unwrap_or_default().to_vec();
            (run.started.clone(), run.cause, left)
        };
        let active = self.active.iter().map(left).collect();
        let progress = |progress: &RunProgress| {
            let RunProgress { run, state, due, billed, failed } = *progress;
            (run, due, billed, failed, state == RunState::Done)
        };
        let kept = Kept { active, progress: self.progress.values().map(progress).collect() };
        postcard::to_allocvec(&kept).expect("runs always encode: memory is their only limit")
    }

    /// The runs from their bytes; `None` if those are no runs. All count as changed.
    pub(crate) fn from_piece(piece: &[u8]) -> Option<Self> {
        let (kept, []) = postcard::take_from_bytes::<Kept>(piece).ok()? else { return None };
        let active = |(started, cause, customers)| Active { started, cause, customers, tried: 0 };
        let changed = kept.progress.iter().map(|progress| progress.0).collect();
        let progress = kept.progress.into_iter().map(|(run, due, billed, failed, done)| {
            let state = if done { RunState::Done } else { RunState::Running };
            (run, RunProgress { run, state, due, billed, failed })
        });
        let active = kept.active.into_iter().map(active).collect();
        Some(Self { active, progress: progress.collect(), changed })
    }

    /// A run was started by the commit at `cause`.
    pub(crate) fn start(
        &mut self,
        started: BillingRunStarted,
        cause: u64,
        customers: Vec<CustomerId>,
    ) {
        debug_assert!(customers.is_sorted(), "due customers come in the order of their ids");
        let state = if customers.is_empty() { RunState::Done } else { RunState::Running };
        let (run, due) = (started.run, customers.len() as u64);
        self.progress.insert(run, RunProgress { run, state, due, billed: 0, failed: 0 });
        self.changed.push(run);
        if !customers.is_empty() {
            self.active.push_back(Active { started, cause, customers, tried: 0 });
        }
    }

    /// The commit of a bill was read back; `parked` if it says that it could not be made.
    pub(crate) fn replay_billed(&mut self, bill: &BillCustomer, parked: bool) {
        // Runs are worked off in their order, so those before this one have tried everyone.
        while let Some(first) = self.active.front_mut() {
            if first.started.run == bill.run {
                let place = first.customers.partition_point(|customer| *customer <= bill.customer);
                let tried = place.max(first.tried);
                let skipped = (tried - first.tried).saturating_sub(1) as u64;
                first.tried = tried;
                self.count(bill.run, u64::from(!parked), skipped + u64::from(parked));
                self.end_first_if_done();
                return;
            }
            let (run, left) = (first.started.run, (first.customers.len() - first.tried) as u64);
            first.tried = first.customers.len();
            self.count(run, 0, left);
            self.end_first_if_done();
        }
    }

    /// The next command to decide, if a run has customers left.
    pub(crate) fn next(&self) -> Option<RunCommand> {
        let run = self.active.front()?;
        let customer = *run.customers.get(run.tried)?;
        let BillingRunStarted { run: id, through } = run.started;
        Some(RunCommand {
            command_id: bill_command_id(id, customer),
            command: bill(customer, id, through),
            cause: run.cause,
        })
    }

    /// The command that [`BillingRuns::next`] gave was decided; `billed` if it was accepted.
    pub(crate) fn tried(&mut self, billed: bool) {
        let Some(first) = self.active.front_mut() else { return };
        first.tried += 1;
        let run = first.started.run;
        self.count(run, u64::from(billed), u64::from(!billed));
        self.end_first_if_done();
    }

    /// Whether customers are left.
    pub(crate) fn is_working(&self) -> bool {
        !self.active.is_empty()
    }

    /// What changed since the last call.
    pub(crate) fn take_changed(&mut self) -> Vec<RunProgress> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.dedup();
        changed.iter().filter_map(|run| self.progress.get(run).copied()).collect()
    }

    fn count(&mut self, run: BillingRunId, billed: u64, failed: u64) {
        if let Some(progress) = self.progress.get_mut(&run) {
            progress.billed += billed;
            progress.failed += failed;
            if self.changed.last() != Some(&run) {
                self.changed.push(run);
            }
        }
    }

    fn end_first_if_done(&mut self) {
        let Some(first) = self.active.front() else { return };
        if first.tried < first.customers.len() {
            return;
        }
        if let Some(progress) = self.progress.get_mut(&first.started.run) {
            progress.state = RunState::Done;
            let RunProgress { run, due, billed, failed, state: _ } = progress;
            tracing::info!(%run, due, billed, failed, "billing run finished");
        }
        self.active.pop_front();
    }
}

fn bill(customer: CustomerId, run: BillingRunId, through: Date) -> BillCustomer {
    BillCustomer { customer, run, through }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn customer(n: u128) -> CustomerId {
        CustomerId::new(Uuid::from_u128(n))
    }

    fn started(n: u128) -> BillingRunStarted {
        let through = Date::new(2026, 1, 31).expect("a date");
        BillingRunStarted { run: BillingRunId::new(Uuid::from_u128(n)), through }
    }

    fn replayed(runs: &mut BillingRuns, run: u128, customer_number: u128) {
        let BillingRunStarted { run, through } = started(run);
        runs.replay_billed(&bill(customer(customer_number), run, through), false);
    }

    #[test]
    fn a_run_goes_on_behind_the_last_customer_that_it_billed() {
        let mut runs = BillingRuns::default();
        runs.start(started(1), 5, vec![customer(1), customer(2), customer(3)]);
        replayed(&mut runs, 1, 2);
        let next = runs.next().expect("customer 3 is left");
        assert_eq!((next.command.customer, next.cause), (customer(3), 5));
        runs.tried(false);
        assert!(!runs.is_working());
        let [progress] = runs.take_changed()[..] else { panic!("one run changed") };
        assert_eq!((progress.billed, progress.failed), (1, 2));
        assert_eq!(progress.state, RunState::Done);
    }

    #[test]
    fn runs_from_their_piece_go_on_as_the_runs_themselves_do() {
        let mut runs = BillingRuns::default();
        runs.start(started(1), 5, (1..=5).map(customer).collect());
        runs.start(started(2), 6, (1..=5).map(customer).collect());
        replayed(&mut runs, 1, 2);
        let mut again = BillingRuns::from_piece(&runs.to_piece()).expect("runs");
        for runs in [&mut runs, &mut again] {
            replayed(runs, 1, 4);
            runs.tried(true);
        }
        assert_eq!(runs.next(), again.next());
        assert_eq!(runs.progress, again.progress);
        assert_eq!(runs.progress[&started(1).run].failed, 2);
        // A changed form needs a raised `ledger_core::snapshot::STATE_VERSION`.
        let piece = runs.to_piece();
        assert_eq!((piece.len(), crc32c::crc32c(&piece)), (143, 4_135_589_090));
        assert!(BillingRuns::from_piece(&runs.to_piece()[1..]).is_none());
    }

    #[test]
    fn a_later_run_that_billed_means_that_the_earlier_one_is_done() {
        let mut runs = BillingRuns::default();
        runs.start(started(1), 5, vec![customer(1), customer(2)]);
        runs.start(started(2), 6, vec![customer(1), customer(2)]);
        replayed(&mut runs, 1, 1);
        replayed(&mut runs, 2, 1);
        let next = runs.next().expect("customer 2 of run 2 is left");
        assert_eq!((next.command.customer, next.cause), (customer(2), 6));
        assert_eq!(runs.progress[&started(1).run].state, RunState::Done);
        assert_eq!(runs.progress[&started(1).run].failed, 1);
    }
}
