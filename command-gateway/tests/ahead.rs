//! What a job has to decide is decided ahead by others: the log is the one that the engine alone
//! would have made, whatever comes in between.

mod book;

use std::sync::Arc;
use std::time::Duration;

use book::*;
use command_gateway::ahead::DecidedAhead;
use command_gateway::engine::{EngineCore, Offer, Offered};
use command_gateway::{Gateway, ManualClock, RunState};
use event_log::sim::SimDisk;
use ledger_core::Ledger;
use ledger_core::laws::Laws;
use schemas::event::InvoiceFinalized;
use schemas::{Command, Commit, Timestamp};

/// Three batches of subjects.
const CUSTOMERS: u64 = 40;

type Core = EngineCore<Ledger, u64>;

/// How a run is worked off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Worked {
    Alone,
    /// All of it is decided ahead.
    Ahead,
}

fn offer(core: &mut Core, n: u64, command: Command) {
    let request = request(n, command);
    assert!(matches!(core.offer(Box::new(Offer { request, waiter: n })), Offered::Taken));
}

/// A run over everybody has begun.
fn begun(clock: &Arc<ManualClock>) -> Core {
    begun_for(CUSTOMERS, clock)
}

fn begun_for(customers: u64, clock: &Arc<ManualClock>) -> Core {
    let mut core = EngineCore::new(Ledger::default(), Arc::clone(clock) as _);
    core.decide_first(id(0), open_book()).expect("opened");
    offer(&mut core, 1, define_entity());
    offer(&mut core, 2, define_plan());
    for n in 1..=customers {
        offer(&mut core, 1_000 + n, register(n));
        offer(&mut core, 2_000 + n, subscribe(n));
    }
    offer(&mut core, 3, run_billing(1, "2026-03-01"));
    core
}

/// The log of a run, with commands in between: after it was handed out, before it is committed.
fn log_of(how: Worked, from: &str, between: &[Command], later: Duration) -> Vec<Commit> {
    let clock = Arc::new(ManualClock::at(at(from)));
    let mut core = begun(&clock);
    let mut batches = Vec::new();
    if how == Worked::Ahead {
        while let Some(batch) = core.next_batch() {
            batches.push(batch);
        }
        assert_eq!(batches.len(), 3);
    }
    clock.advance_micros(i64::try_from(later.as_micros()).expect("some seconds"));
    for (n, command) in (4..).zip(between) {
        offer(&mut core, n, command.clone());
    }
    for batch in batches {
        let decided = batch.decide();
        assert!(decided.iter().all(DecidedAhead::is_decided));
        core.take_decided(decided);
    }
    while core.is_working() {
        core.work_next().expect("a sound book");
    }
    let decided = core.seal().expect("commits");
    let all = decided.block.commits(decided.first_position);
    all.map(|(_, bytes)| Commit::from_bytes(bytes).expect("readable")).collect()
}

fn invoices(log: &[Commit]) -> Vec<&InvoiceFinalized> {
    log.iter().flat_map(|commit| &commit.events).filter_map(|event| event.get()).collect()
}

const NOON: &str = "2026-03-01T12:00:00Z";

/// The engine alone and with others makes the same log.
fn alike(from: &str, between: &[Command], later: Duration) -> Vec<Commit> {
    let alone = log_of(Worked::Alone, from, between, later);
    let ahead = log_of(Worked::Ahead, from, between, later);
    assert_eq!(alone.len(), ahead.len());
    for (alone, ahead) in alone.iter().zip(&ahead) {
        assert_eq!(alone, ahead);
    }
    let mut laws = Laws::default();
    let broken: Vec<_> =
        ahead.iter().flat_map(|commit| laws.observe(commit, &commit.events)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    ahead
}

#[test]
fn what_is_decided_ahead_is_what_the_engine_would_decide() {
    let log = alike(NOON, &[], Duration::ZERO);
    assert_eq!(invoices(&log).len(), 40);
    let numbers: Vec<u64> = invoices(&log).iter().map(|invoice| invoice.sequence).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<u64>>(), "without a gap");
}

#[test]
fn it_is_not_decided_again_a_moment_later() {
    let later = Duration::from_millis(20);
    let log = log_of(Worked::Ahead, NOON, &[], later);
    // It is recorded when it was handed out: no other commit came in between.
    let recorded: Vec<Timestamp> = log.iter().map(|commit| commit.recorded_at).collect();
    assert!(recorded.iter().all(|recorded| *recorded == at(NOON)), "{recorded:?}");
    // And never before the commit in front of it.
    let log = log_of(Worked::Ahead, NOON, &[register(99)], later);
    let last = log.last().expect("commits");
    assert_eq!(last.recorded_at, at("2026-03-01T12:00:00.020Z"));
    assert_eq!(last.effective_at, at(NOON));
    assert!(log.is_sorted_by_key(|commit| commit.recorded_at));
}

#[test]
fn who_changed_in_between_is_decided_again() {
    let between = [pay(5, 1, "4.00"), charge(7, 1, "3.00"), pay(40, 2, "100.00")];
    let log = alike(NOON, &between, Duration::ZERO);
    let paid = invoices(&log).iter().filter(|invoice| !invoice.credits.is_empty()).count();
    assert_eq!(paid, 2, "what was paid in advance is on the invoice");
    let billed = invoices(&log).iter().map(|invoice| invoice.totals.total.0).sum::<i64>();
    assert_eq!(billed, 40 * 10_00 + 3_00);
}

#[test]
fn what_the_book_says_in_between_holds() {
    let plan = define_plan().get::<schemas::command::DefinePlan>().cloned().expect("a plan");
    let raised = schemas::command::DefinePlan { name: "Raised".parse().expect("a name"), ..plan };
    alike(NOON, &[raised.into()], Duration::ZERO);
}

#[test]
fn documents_have_the_day_on_which_they_are_committed() {
    let (before, later) = ("2026-03-01T23:59:59.900Z", Duration::from_millis(200));
    // Without a commit of the next day in between, they are committed on the day before.
    let log = log_of(Worked::Ahead, before, &[], later);
    assert!(log.iter().all(|commit| commit.recorded_at == at(before)));
    assert!(invoices(&log).iter().all(|found| found.document_date.to_string() == "2026-03-01"));
    let log = alike(before, &[register(99)], later);
    let days = invoices(&log).into_iter().map(|invoice| invoice.document_date.to_string());
    assert!(days.collect::<Vec<_>>().iter().all(|day| day == "2026-03-02"));
}

#[test]
fn what_was_decided_long_ago_is_decided_again() {
    let log = alike(NOON, &[], Duration::from_secs(5));
    assert_eq!(log.last().expect("commits").effective_at, at("2026-03-01T12:00:05Z"));
}

#[test]
fn an_invoice_whose_id_somebody_took_in_between_is_not_issued_twice() {
    let log = log_of(Worked::Alone, NOON, &[], Duration::ZERO);
    let of = |n| schemas::StreamId::Customer(customer(n));
    let billed = log.iter().find(|commit| commit.stream == of(7) && commit.cause.is_some());
    let events = &billed.expect("customer 7 is billed").events;
    let taken = events.iter().find_map(|event| event.get::<InvoiceFinalized>());
    let taken = taken.expect("an invoice").invoice;
    let json = format!(r#"{{"customer":"{}","invoice":{{"invoice":"{taken}"}}}}"#, customer(39));
    let log = alike(NOON, &[command("invoice.now", &json)], Duration::ZERO);
    let with_id = invoices(&log).into_iter().filter(|invoice| invoice.invoice == taken).count();
    assert_eq!((with_id, invoices(&log).len()), (1, 39), "customer 7 is parked");
}

#[test]
fn no_more_is_handed_out_than_so_many_customers_ahead() {
    let mut core = begun_for(400, &clock());
    let mut batches = Vec::new();
    while let Some(batch) = core.next_batch() {
        batches.push(batch);
    }
    assert_eq!(batches.len(), 12, "192 of 400");
    // Also not once they are decided: it is their turn that makes room.
    for batch in batches {
        core.take_decided(batch.decide());
    }
    assert!(core.next_batch().is_none());
    for _ in 0..16 {
        core.work_next().expect("a sound book");
    }
    let next = core.next_batch().expect("sixteen had their turn");
    assert!(core.next_batch().is_none());
    core.take_decided(next.decide());
    while core.is_working() {
        core.work_next().expect("a sound book");
        if let Some(batch) = core.next_batch() {
            core.take_decided(batch.decide());
        }
    }
    let decided = core.seal().expect("commits");
    let all = decided.block.commits(decided.first_position);
    let log: Vec<Commit> =
        all.map(|(_, bytes)| Commit::from_bytes(bytes).expect("readable")).collect();
    assert_eq!(invoices(&log).len(), 400);
}

#[test]
fn who_rests_is_billed_once_by_a_run() {
    let disk = SimDisk::new(1);
    let mut config = config(&disk);
    (config.awake_customers, config.warm_commits) = (2, 4);
    let gateway = Gateway::create(&config, LOG, open_book()).expect("a fresh disk");
    set_up(&gateway);
    let all: Vec<_> = (1..=300)
        .flat_map(|n| [request(1_000 + n, register(n)), request(2_000 + n, subscribe(n))])
        .collect();
    for outcome in gateway.handle().submit_batch(all).wait() {
        outcome.expect("accepted");
    }
    gateway.handle().submit_blocking(request(3, run_billing(1, "2026-03-01"))).expect("accepted");
    // Somebody else pays meanwhile, and so does who is billed.
    for n in 0..50 {
        let paid = gateway.handle().submit_blocking(request(10_000 + n, pay(1 + 5 * n, n, "1.00")));
        paid.expect("accepted");
    }
    let run = gateway.handle().progress().wait_run(run_id(1), Duration::from_secs(30));
    let run = run.expect("the run is known");
    assert_eq!((run.state, run.billed, run.failed), (RunState::Done, 300, 0));
    gateway.close();
    let log = commits(reader(&disk));
    let mut numbers: Vec<u64> = invoices(&log).iter().map(|invoice| invoice.sequence).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=300).collect::<Vec<u64>>());
    let mut laws = Laws::default();
    let broken: Vec<_> =
        log.iter().flat_map(|commit| laws.observe(commit, &commit.events)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}
