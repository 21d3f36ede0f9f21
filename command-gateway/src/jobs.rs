//! Jobs of processes: whom each is for, how far it is, and where it goes on after a restart.
//!
//! *Shape.* What begins a job, whom it is for and what is to be decided for each is the core's to
//! say ([`ledger_core::process`]); here is only how far each is. The subjects of a job are those
//! of the state when the commit that begins it is folded in, in the order of their ids. Live and
//! on replay that is the same state, hence the same subjects. Jobs are worked off one after the
//! other, but for subjects that take longer: these are put aside, and those behind them go on.
//! *Correctness.* A subject's command has an id derived from job and subject, so doing it twice is
//! impossible. A commit of a job names the job's own commit as its cause: after a restart a job
//! goes on behind the last subject that has such a commit, and with those before it that have none.
//! *Limits.* A subject that could neither be served nor parked has no commit. It is counted, and
//! tried once more after a restart.

use std::collections::{BTreeMap, VecDeque};

use ledger_core::process::{Job, Task};
use schemas::ids::CustomerId;
pub use schemas::runs::{RunProgress, RunState};
use serde::{Deserialize, Serialize};

/// What a job has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Next {
    pub(crate) subject: CustomerId,
    pub(crate) job: Job,
    /// The position of the job's own commit.
    pub(crate) cause: u64,
}

impl Next {
    /// The command that is to be decided.
    pub(crate) fn task(&self) -> Task {
        self.job.task(self.subject)
    }
}

/// What became of a subject of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    /// Its command was accepted.
    Done,
    /// It is parked: now, or it was before.
    Parked { now: bool },
    /// It could neither be served nor parked.
    Stuck,
}

/// A subject that is not done while those behind it are.
#[derive(Debug, PartialEq, Eq)]
struct Aside {
    next: Next,
    state: Waits,
    /// How often it was begun.
    tries: u32,
}

/// What a subject that was put aside waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// Its turn.
    Turn,
    /// What is reckoned or read for it.
    Result,
    /// Room to have something reckoned.
    Room,
}

#[derive(Debug, PartialEq, Eq)]
struct Active {
    job: Job,
    cause: u64,
    subjects: Vec<CustomerId>,
    tried: usize,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    job: Job,
    due: u64,
    done: u64,
    failed: u64,
    parked: u64,
    is_over: bool,
}

/// Jobs as a snapshot holds them: those with subjects left, each with its cause and these, and how
/// far each is.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    active: Vec<(Job, u64, Vec<CustomerId>)>,
    reached: BTreeMap<u64, Reached>,
}

/// All jobs of a book, by the position of the commit that began each.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    active: VecDeque<Active>,
    /// In the order in which they were put aside.
    aside: VecDeque<Aside>,
    reached: BTreeMap<u64, Reached>,
    changed: Vec<u64>,
    /// Subjects since the start that could neither be served nor parked.
    stuck: u64,
}

impl Jobs {
    /// The jobs as bytes.
    pub(crate) fn to_piece(&self) -> Vec<u8> {
        let left = |active: &Active| {
            let left = active.subjects.get(active.tried..).unwrap_or_default().to_vec();
            (active.job.clone(), active.cause, left)
        };
        let mut all: BTreeMap<u64, (Job, u64, Vec<CustomerId>)> =
            self.active.iter().map(|active| (active.cause, left(active))).collect();
        for Next { subject, job, cause } in self.aside.iter().map(|aside| &aside.next) {
            let of = all.entry(*cause).or_insert_with(|| (job.clone(), *cause, Vec::new()));
            of.2.push(*subject);
            of.2.sort_unstable();
        }
        let active = all.into_values().collect();
        let kept = Kept { active, reached: self.reached.clone() };
        postcard::to_allocvec(&kept).expect("jobs always encode: memory is their only limit")
    }

    /// The jobs from their bytes; `None` if those are no jobs. All count as changed.
    pub(crate) fn from_piece(piece: &[u8]) -> Option<Self> {
        let (kept, []) = postcard::take_from_bytes::<Kept>(piece).ok()? else { return None };
        let active = |(job, cause, subjects)| Active { job, cause, subjects, tried: 0 };
        let active = kept.active.into_iter().map(active).collect();
        let changed = kept.reached.keys().copied().collect();
        let aside = VecDeque::new();
        Some(Self { active, aside, reached: kept.reached, changed, stuck: 0 })
    }

    /// The commit at `cause` began a job for these.
    pub(crate) fn begin(&mut self, job: Job, cause: u64, subjects: Vec<CustomerId>) {
        debug_assert!(subjects.is_sorted(), "subjects come in the order of their ids");
        let (due, is_over) = (subjects.len() as u64, subjects.is_empty());
        let reached = Reached { job: job.clone(), due, done: 0, failed: 0, parked: 0, is_over };
        self.reached.insert(cause, reached);
        self.changed.push(cause);
        if !is_over {
            self.active.push_back(Active { job, cause, subjects, tried: 0 });
        }
    }

    /// A commit of the job that began at `cause` was read back.
    pub(crate) fn replayed(&mut self, cause: u64, subject: CustomerId, tried: Tried) {
        let is_it = |aside: &Aside| (aside.next.cause, aside.next.subject) == (cause, subject);
        if let Some(at) = self.aside.iter().position(is_it) {
            self.done_aside(at, tried);
            return;
        }
        if !self.active.iter().any(|active| active.cause == cause) {
            return;
        }
        // Jobs are worked off in their order, so those before this one have tried everyone.
        while let Some(first) = self.active.front_mut() {
            let is_it = first.cause == cause;
            let place = if is_it {
                first.subjects.partition_point(|found| *found < subject)
            } else {
                first.subjects.len()
            };
            // Those between have no commit: they were put aside, or could not be served.
            let skipped = first.subjects.get(first.tried..place).unwrap_or_default();
            let (job, cause) = (first.job.clone(), first.cause);
            let aside = skipped.iter().map(|subject| Aside {
                next: Next { subject: *subject, job: job.clone(), cause },
                state: Waits::Turn,
                tries: 0,
            });
            self.aside.extend(aside);
            first.tried = first.tried.max(place);
            if is_it {
                self.advance(tried);
                return;
            }
            self.end_first_if_over();
        }
    }

    /// What is to be done next, if a job has subjects left.
    pub(crate) fn next(&self) -> Option<Next> {
        let first = self.active.front()?;
        let subject = *first.subjects.get(first.tried)?;
        Some(Next { subject, job: first.job.clone(), cause: first.cause })
    }

    /// So many of those that come next at most: subjects of the first job behind `after`, or from
    /// the next one on.
    pub(crate) fn upcoming(&self, after: Option<CustomerId>, most: usize) -> &[CustomerId] {
        let Some(first) = self.active.front() else { return &[] };
        let left = first.subjects.get(first.tried..).unwrap_or_default();
        let behind = after.map_or(0, |after| left.partition_point(|found| *found <= after));
        let upcoming = &left[behind..];
        &upcoming[..upcoming.len().min(most)]
    }

    /// What became of what [`Jobs::next`] gave.
    pub(crate) fn tried(&mut self, tried: Tried) {
        self.stuck += u64::from(tried == Tried::Stuck);
        self.advance(tried);
    }

    /// What [`Jobs::next`] gave takes longer: those behind it go on.
    pub(crate) fn put_aside(&mut self) {
        let Some(next) = self.next() else { return };
        self.aside.push_back(Aside { next, state: Waits::Turn, tries: 0 });
        if let Some(first) = self.active.front_mut() {
            first.tried += 1;
        }
        self.end_first_if_over();
    }

    /// The first that was put aside and whose turn it is, and how often it was begun.
    pub(crate) fn next_aside(&self) -> Option<(Next, u32)> {
        let found = self.aside.iter().find(|aside| aside.state == Waits::Turn)?;
        Some((found.next.clone(), found.tries))
    }

    /// What one that was put aside waits for from now on.
    pub(crate) fn aside_waits(&mut self, subject: CustomerId, state: Waits) {
        for aside in self.aside.iter_mut().filter(|aside| aside.next.subject == subject) {
            aside.tries += u32::from(state == Waits::Result);
            aside.state = state;
        }
    }

    /// There is room to have one thing reckoned.
    pub(crate) fn has_room(&mut self) {
        let waiting = self.aside.iter_mut().find(|aside| aside.state == Waits::Room);
        if let Some(first) = waiting {
            first.state = Waits::Turn;
        }
    }

    /// Whether a subject was put aside.
    pub(crate) fn has_aside(&self) -> bool {
        !self.aside.is_empty()
    }

    /// Whether something can be done now for a subject that was put aside.
    pub(crate) fn has_turn_aside(&self) -> bool {
        self.aside.iter().any(|aside| aside.state == Waits::Turn)
    }

    /// What became of one that was put aside.
    pub(crate) fn tried_aside(&mut self, next: &Next, tried: Tried) {
        self.stuck += u64::from(tried == Tried::Stuck);
        if let Some(at) = self.aside.iter().position(|aside| aside.next == *next) {
            self.done_aside(at, tried);
        }
    }

    fn done_aside(&mut self, at: usize, tried: Tried) {
        let Some(Aside { next, .. }) = self.aside.remove(at) else { return };
        self.count_tried(next.cause, tried);
        self.end_if_over(next.cause);
    }

    /// Whether subjects are left.
    pub(crate) fn is_working(&self) -> bool {
        !self.active.is_empty() || !self.aside.is_empty()
    }

    /// Subjects since the start that could neither be served nor parked.
    pub(crate) fn stuck(&self) -> u64 {
        self.stuck
    }

    /// Billing runs that went on since the last call.
    pub(crate) fn take_changed(&mut self) -> Vec<RunProgress> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.dedup();
        changed.iter().filter_map(|cause| self.reached.get(cause)?.as_run()).collect()
    }

    /// The first job is past its next subject.
    fn advance(&mut self, tried: Tried) {
        let Some(first) = self.active.front_mut() else { return };
        first.tried += 1;
        let cause = first.cause;
        self.count_tried(cause, tried);
        self.end_first_if_over();
    }

    fn count_tried(&mut self, cause: u64, tried: Tried) {
        self.count(cause, |reached| match tried {
            Tried::Done => reached.done += 1,
            Tried::Parked { now: true } => {
                reached.failed += 1;
                reached.parked += 1;
            }
            Tried::Parked { now: false } | Tried::Stuck => reached.failed += 1,
        });
    }

    fn count(&mut self, cause: u64, count: impl FnOnce(&mut Reached)) {
        if let Some(reached) = self.reached.get_mut(&cause) {
            count(reached);
            if self.changed.last() != Some(&cause) {
                self.changed.push(cause);
            }
        }
    }

    fn end_first_if_over(&mut self) {
        let Some(first) = self.active.front() else { return };
        if first.tried < first.subjects.len() {
            return;
        }
        let cause = first.cause;
        self.active.pop_front();
        self.end_if_over(cause);
    }

    /// A job is over once nobody is left, also of those that were put aside.
    fn end_if_over(&mut self, cause: u64) {
        let is_active = self.active.iter().any(|active| active.cause == cause);
        if is_active || self.aside.iter().any(|aside| aside.next.cause == cause) {
            return;
        }
        if let Some(reached) = self.reached.get_mut(&cause) {
            reached.is_over = true;
            let Reached { job, due, done, failed, parked, is_over: _ } = reached;
            let (process, run) = (job.process(), job.run());
            tracing::info!(process, ?run, due, done, failed, parked, "a job is over");
            self.changed.push(cause);
        }
    }
}

impl Reached {
    /// The billing run that it is, if it is one.
    fn as_run(&self) -> Option<RunProgress> {
        let Self { job, due, done: billed, failed, parked, is_over } = self;
        let state = if *is_over { RunState::Done } else { RunState::Running };
        let run = job.run()?;
        Some(RunProgress {
            run,
            state,
            due: *due,
            billed: *billed,
            failed: *failed,
            parked: *parked,
        })
    }
}

#[cfg(test)]
mod tests {
    use schemas::Date;
    use schemas::event::BillingRunStarted;
    use schemas::ids::BillingRunId;
    use uuid::Uuid;

    use super::*;

    fn customer(n: u128) -> CustomerId {
        CustomerId::new(Uuid::from_u128(n))
    }

    fn job(n: u128) -> Job {
        let through = Date::new(2026, 1, 31).expect("a date");
        let run = BillingRunId::new(Uuid::from_u128(n));
        Job::begun_by(&BillingRunStarted { run, through, ahead: false }.into())
            .expect("a run is a job")
    }

    fn begin(jobs: &mut Jobs, n: u128, cause: u64, subjects: u128) {
        jobs.begin(job(n), cause, (1..=subjects).map(customer).collect());
    }

    fn next(jobs: &Jobs) -> Option<(CustomerId, u64)> {
        jobs.next().map(|next| (next.subject, next.cause))
    }

    #[test]
    fn a_job_goes_on_behind_the_last_subject_that_has_a_commit() {
        let mut jobs = Jobs::default();
        begin(&mut jobs, 1, 5, 3);
        jobs.replayed(5, customer(2), Tried::Done);
        assert_eq!(next(&jobs), Some((customer(3), 5)), "customer 3 is left");
        jobs.tried(Tried::Stuck);
        // So is customer 1, who has no commit.
        let (first, _) = jobs.next_aside().expect("one was passed over");
        assert_eq!((first.subject, first.cause), (customer(1), 5));
        jobs.tried_aside(&first, Tried::Done);
        assert!(!jobs.is_working());
        let [progress] = jobs.take_changed()[..] else { panic!("one run changed") };
        assert_eq!((progress.billed, progress.failed, progress.parked), (2, 1, 0));
        assert_eq!((progress.state, jobs.stuck()), (RunState::Done, 1));
    }

    #[test]
    fn jobs_from_their_piece_go_on_as_the_jobs_themselves_do() {
        let mut jobs = Jobs::default();
        begin(&mut jobs, 1, 5, 5);
        begin(&mut jobs, 2, 6, 5);
        jobs.replayed(5, customer(2), Tried::Done);
        let mut again = Jobs::from_piece(&jobs.to_piece()).expect("jobs");
        for jobs in [&mut jobs, &mut again] {
            jobs.replayed(5, customer(4), Tried::Parked { now: true });
            jobs.tried(Tried::Done);
        }
        assert_eq!(jobs.next(), again.next());
        assert_eq!(jobs.reached, again.reached);
        assert_eq!((jobs.reached[&5].failed, jobs.reached[&5].parked), (1, 1));
        assert_eq!(jobs.next_aside(), again.next_aside());
        // A changed form needs a raised `ledger_core::snapshot::STATE_VERSION`.
        let piece = jobs.to_piece();
        assert_eq!((piece.len(), crc32c::crc32c(&piece)), (214, 3_191_828_470));
        assert!(Jobs::from_piece(&jobs.to_piece()[1..]).is_none());
    }

    #[test]
    fn a_later_job_that_has_a_commit_means_that_the_earlier_one_is_past_all_but_those_put_aside() {
        let mut jobs = Jobs::default();
        begin(&mut jobs, 1, 5, 2);
        begin(&mut jobs, 2, 6, 2);
        jobs.replayed(5, customer(1), Tried::Done);
        jobs.replayed(6, customer(1), Tried::Done);
        assert_eq!(next(&jobs), Some((customer(2), 6)), "customer 2 of run 2 is left");
        assert!(!jobs.reached[&5].is_over);
        let (aside, _) = jobs.next_aside().expect("customer 2 of run 1");
        assert_eq!((aside.subject, aside.cause), (customer(2), 5));
        jobs.replayed(5, customer(2), Tried::Done);
        assert!(jobs.reached[&5].is_over);
    }

    #[test]
    fn what_another_commit_brought_about_moves_no_job() {
        let mut jobs = Jobs::default();
        begin(&mut jobs, 1, 5, 2);
        jobs.replayed(4, customer(2), Tried::Done);
        assert_eq!(next(&jobs), Some((customer(1), 5)));
    }
}
