//! Decisions that take more than one commit: they end well or never happened, whatever comes in
//! between, and wherever the log ends.

mod book;

use book::*;
use std::time::Duration;

use command_gateway::engine::{EngineCore, Offer, Offered, Work};
use command_gateway::{Gateway, RunState, read_back};
use event_log::sim::SimDisk;
use ledger_core::Ledger;
use ledger_core::laws::Laws;
use schemas::command::ParkCustomer;
use schemas::event::{CustomerParked, InvoiceFinalized};
use schemas::parts::{Role, role, together};
use schemas::{Command, Commit, Event, Origin, StreamId};

/// Enough subscriptions for some parts.
const MANY: u64 = 1_000;

type Core = EngineCore<Ledger, u64>;

/// Customer 1 has many subscriptions, customer 2 has one.
fn reseller(disk: &SimDisk) -> Gateway {
    let gateway = acme(disk);
    accept(&gateway, 3, register(1));
    accept(&gateway, 4, register(2));
    accept(&gateway, 5, subscribe_as(2, 9_999));
    let all = (0..MANY).map(|n| request(1_000 + n, subscribe_as(1, n))).collect();
    for outcome in gateway.handle().submit_batch(all).wait() {
        outcome.expect("accepted");
    }
    gateway
}

fn subscribe_as(of: u64, n: u64) -> Command {
    let json = format!(
        r#"{{"customer":"{}","subscription":"sub_{n:032x}","plan":"pln_{:032x}"}}"#,
        customer(of),
        1
    );
    command("subscription.create", &json)
}

fn cancel(n: u64) -> Command {
    let json =
        format!(r#"{{"customer":"{}","subscription":"sub_{n:032x}","when":"now"}}"#, customer(1));
    command("subscription.cancel", &json)
}

fn invoice_now(of: u64) -> Command {
    command("invoice.now", &format!(r#"{{"customer":"{}"}}"#, customer(of)))
}

fn accept(gateway: &Gateway, n: u64, command: Command) -> u64 {
    let outcome = gateway.handle().submit_blocking(request(n, command));
    outcome.unwrap_or_else(|refusal| panic!("command {n}: {refusal}")).position
}

/// What every customer was invoiced: lines and total, by commit.
fn invoices(commits: &[Commit]) -> Vec<(StreamId, usize, i64)> {
    let mut found = Vec::new();
    let mut laws = Laws::default();
    let mut drafted: Vec<(u64, Vec<Event>)> = Vec::new();
    for commit in commits {
        let broken = laws.observe(commit, &commit.events);
        assert!(broken.is_empty(), "{broken:#?}");
        let events: Vec<Event> = match role(&commit.events) {
            Role::Whole => {
                drafted.retain(|_| commit.stream == StreamId::Book);
                commit.events.clone()
            }
            Role::Part(part) => {
                if part.part == 0 {
                    drafted.clear();
                }
                drafted.push((commit.position, commit.events.clone()));
                continue;
            }
            Role::Last(_) => {
                let parts = std::mem::take(&mut drafted);
                let all = together(parts, (commit.position, commit.events.clone()));
                all.expect("what was drafted").into_iter().map(|(_, event)| event).collect()
            }
        };
        for invoice in events.iter().filter_map(|event| event.get::<InvoiceFinalized>()) {
            found.push((commit.stream, invoice.lines.len(), invoice.totals.total.0));
        }
    }
    found
}

/// A cycle of a subscription, in cents.
const TOTAL: i64 = 10_00;

/// A book whose run has billed everybody; what it made.
fn billed(disk: &SimDisk) -> Vec<Commit> {
    let gateway = reseller(disk);
    accept(&gateway, 6, run_billing(1, "2026-03-01"));
    let run = gateway.handle().progress().wait_run(run_id(1), Duration::from_secs(20));
    let run = run.expect("the run is known");
    assert_eq!((run.state, run.billed, run.failed), (RunState::Done, 2, 0));
    gateway.close();
    commits(reader(disk))
}

fn of(n: u64) -> StreamId {
    StreamId::Customer(customer(n))
}

/// A core that has read the first commits.
fn core_of(commits: &[Commit]) -> Core {
    let mut core = EngineCore::new(Ledger::default(), clock());
    for commit in commits {
        core.replay(commit.position, &commit.to_bytes()).expect("a sound log");
    }
    core
}

/// Works jobs off; what that committed.
fn worked(core: &mut Core) -> Vec<Commit> {
    let mut made = Vec::new();
    while core.is_working() {
        let worked = core.work_next().expect("a sound book");
        assert!(!matches!(worked, Work::Idle | Work::Away(_)), "{worked:?}");
        if let Some(decided) = core.seal() {
            let all = decided.block.commits(decided.first_position);
            made.extend(all.map(|(_, bytes)| Commit::from_bytes(bytes).expect("readable")));
            core.recycle(decided.block, decided.answers);
        }
    }
    made
}

fn is_part(commit: &Commit) -> bool {
    matches!(role(&commit.events), Role::Part(_))
}

#[test]
fn a_large_invoice_is_drafted_and_numbered_without_a_gap() {
    let all = billed(&SimDisk::new(1));
    let parts = all.iter().filter(|commit| is_part(commit)).count();
    assert!(parts >= 3, "{parts} parts");
    let mut found = invoices(&all);
    found.sort_by_key(|(_, lines, _)| *lines);
    assert_eq!(found, [(of(2), 1, TOTAL), (of(1), 1_000, 1_000 * TOTAL)]);
    let numbers = all.iter().flat_map(|commit| &commit.events);
    let mut numbers: Vec<u64> =
        numbers.filter_map(|event| Some(event.get::<InvoiceFinalized>()?.sequence)).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn wherever_the_log_ends_a_run_goes_on_and_bills_everybody_once() {
    let all = billed(&SimDisk::new(2));
    let first = all.iter().position(|commit| commit.command_id == id(6)).expect("the run");
    for end in first + 1..=all.len() {
        let mut core = core_of(&all[..end]);
        let made = worked(&mut core);
        let log: Vec<Commit> = all[..end].iter().cloned().chain(made).collect();
        let mut found = invoices(&log);
        found.sort_by_key(|(_, lines, _)| *lines);
        assert_eq!(found, [(of(2), 1, TOTAL), (of(1), 1_000, 1_000 * TOTAL)], "cut at {end}");
        // What was decided is what a replay makes of it.
        assert!(core_of(&log).ledger() == core.ledger(), "another state, cut at {end}");
    }
}

#[test]
fn a_command_that_comes_in_between_is_decided_without_the_draft_and_has_it_begun_anew() {
    let all = billed(&SimDisk::new(3));
    let begun = all.iter().position(is_part).expect("a part");
    let mut core = core_of(&all[..=begun]);
    let request = request(7, cancel(17));
    assert!(matches!(core.offer(Box::new(Offer { request, waiter: 0 })), Offered::Taken));
    let made = worked(&mut core);
    let log: Vec<Commit> = all[..=begun].iter().cloned().chain(made).collect();
    let found = invoices(&log);
    assert!(found.contains(&(of(1), 999, 999 * TOTAL)), "{found:?}");
    assert_eq!(found.len(), 2);
}

#[test]
fn who_is_parked_while_an_invoice_is_drafted_is_not_billed() {
    let all = billed(&SimDisk::new(4));
    let begun = all.iter().position(is_part).expect("a part");
    let (process, reason) = ("billing_run", "internal");
    let detail = "it was parked";
    let parked = CustomerParked {
        process: process.parse().expect("a code"),
        run: None,
        reason: reason.parse().expect("a label"),
        detail: detail.parse().expect("a label"),
    };
    let park = ParkCustomer {
        customer: customer(1),
        process: process.parse().expect("a code"),
        run: None,
        reason: reason.parse().expect("a label"),
        detail: detail.parse().expect("a label"),
    };
    let last = &all[begun];
    let parking = Commit {
        position: last.position + 1,
        revision: last.revision + 1,
        command_id: id(8),
        origin: Origin::default(),
        cause: None,
        command: park.into(),
        events: vec![parked.into()],
        ..last.clone()
    };
    let mut log = all[..=begun].to_vec();
    log.push(parking);
    let mut core = core_of(&log);
    log.extend(worked(&mut core));
    assert_eq!(invoices(&log), [(of(2), 1, TOTAL)]);
    // Released, it is billed as if nothing had been.
    let release = command("customer.release", &format!(r#"{{"customer":"{}"}}"#, customer(1)));
    for (n, command) in [(9, release), (10, run_billing(2, "2026-03-01"))] {
        let request = request(n, command);
        assert!(matches!(core.offer(Box::new(Offer { request, waiter: 0 })), Offered::Taken));
    }
    log.extend(worked(&mut core));
    assert_eq!(invoices(&log), [(of(2), 1, TOTAL), (of(1), 1_000, 1_000 * TOTAL)]);
}

#[test]
fn commands_of_a_customer_keep_their_order_behind_a_large_one_and_others_pass() {
    let disk = SimDisk::new(5);
    let gateway = reseller(&disk);
    let handle = gateway.handle();
    let submit = |n, command| handle.submit(request(n, command)).expect("there is room");
    let large = submit(20, invoice_now(1));
    let behind = submit(21, pay(1, 1, "5.00"));
    let again = submit(20, invoice_now(1));
    let other = submit(22, pay(2, 2, "5.00"));
    let [large, behind, again, other] = [large, behind, again, other].map(|ticket| {
        let outcome: command_gateway::Outcome = ticket.wait();
        outcome.expect("accepted")
    });
    assert!(large.position < behind.position, "{large:?} {behind:?}");
    assert_eq!((again.position, again.duplicate), (large.position, true));
    assert!(other.position < large.position, "others pass: {other:?}");
    gateway.close();
    let found = invoices(&commits(reader(&disk)));
    assert_eq!(found, [(of(1), 1_000, 1_000 * TOTAL)]);
}

#[test]
fn a_book_is_read_back_whole_from_a_snapshot_in_the_middle_of_a_draft() {
    let disk = SimDisk::new(6);
    let all = billed(&disk);
    let mut parts = 0;
    for (cut, _) in all.iter().enumerate().filter(|(_, commit)| is_part(commit)).step_by(5) {
        let core = core_of(&all[..=cut]);
        let ledger = core.ledger();
        let (book, customers) = (ledger.book_piece(), ledger.customers().count());
        let mut loader = ledger_core::snapshot::Loader::new(&book, customers).expect("a book");
        for (place, id) in (0..).zip(ledger.customers()) {
            let piece = ledger.customer_piece(id, Vec::new()).expect("registered");
            loader.put_customer(place, &piece).expect("a customer");
        }
        loader.add_taken(ledger.taken_piece().into_iter());
        loader.add_names(&ledger.names_piece()).expect("names");
        let loaded = loader.finish().expect("every customer");
        assert!(loaded == *ledger, "a snapshot differs behind commit {cut}");
        parts += 1;
    }
    assert!(parts >= 3, "only {parts} cuts");
    let (whole, _) = read_back::<u64>(&config(&disk)).expect("a sound log");
    assert!(whole.ledger().archived() == core_of(&all).ledger().archived());
}
