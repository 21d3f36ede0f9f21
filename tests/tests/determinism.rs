//! Two runs of one seed: equal commit bytes, Merkle root and read models, however blocks were cut.

use std::sync::Arc;
use std::time::Duration;

use command_gateway::{CommandRequest, Gateway, GatewayConfig, ManualClock, RunState};
use event_log::sim::SimDisk;
use event_log::{Disk, VerifyReport};
use projections::{Projectors, ViewHash, ViewName};
use schemas::command::OpenBook;
use schemas::ids::BillingRunId;
use schemas::terms::{BookClock, Profile};
use schemas::{Command, Date};
use serde_json::{Value, json};
use tests::acme::{charge, command_id, eur, id, opening, pay, refund, register, subscribe};
use tests::log;
use tests::random::Random;
use tests::wait::PATIENCE;
use uuid::Uuid;

/// Customers of the book.
const CUSTOMERS: u64 = 40;
/// Weeks that are played.
const WEEKS: i32 = 12;
/// The first day.
const START: &str = "2026-01-05";

/// What one week asks; a billing run comes last.
struct Week {
    commands: Vec<(&'static str, Value)>,
    run: BillingRunId,
}

fn on(week: i32) -> Date {
    let start: Date = START.parse().expect("a date");
    start.plus_days(7 * week).expect("inside the calendar")
}

/// The weeks of a seed. Some of what is asked will be refused; that is part of it.
fn play(seed: u64) -> Vec<Week> {
    let mut random = Random::new(seed);
    (0..WEEKS).map(|week| play_week(week, &mut random)).collect()
}

fn play_week(week: i32, random: &mut Random) -> Week {
    let mut commands = Vec::new();
    if week == 0 {
        commands.extend(opening());
        commands.extend((0..CUSTOMERS).map(|n| ("customer.register", register(n))));
        commands.extend((0..CUSTOMERS).map(|n| ("subscription.create", subscribe(n, 1 + n % 2))));
    } else {
        commands.push(("book.advance_clock", json!({"to": format!("{}T08:00:00Z", on(week))})));
    }
    for step in 0..100 {
        let thing = u64::try_from(week).expect("small") * 1_000 + step;
        commands.push(something(random, thing));
    }
    let number = u64::try_from(week).expect("small");
    let run = id("run", number);
    commands.push(("billing.run", json!({"run": run, "through": on(week)})));
    Week { commands, run: run.parse().expect("an id") }
}

fn something(random: &mut Random, thing: u64) -> (&'static str, Value) {
    let customer = random.below(CUSTOMERS);
    let subscription =
        json!({"customer": id("cus", customer), "subscription": id("sub", customer)});
    let and = |mut body: Value, more: Value| {
        let Value::Object(more) = more else { panic!("fields") };
        body.as_object_mut().expect("fields").extend(more);
        body
    };
    let amount = format!("{}.{:02}", random.below(90), 1 + random.below(99));
    match random.below(9) {
        0 => ("charge.add", charge(customer, thing, amount)),
        1 | 2 => ("payment.record", pay(customer, thing, amount)),
        3 => ("payment.refund", refund(customer, thing - random.below(20).min(thing), thing, "1")),
        4 => {
            let to = json!({"plan": id("pln", 1 + random.below(2)), "when": "now"});
            ("subscription.change_plan", and(subscription, to))
        }
        5 => {
            let to = json!({"quantity": random.below(9).to_string(), "when": "now"});
            ("subscription.change_quantity", and(subscription, to))
        }
        6 => {
            let given = json!({
                "customer": id("cus", customer), "discount": id("dsc", thing), "on": "customer",
                "value": {"percent": (1 + random.below(50)).to_string()}, "duration": "once",
            });
            ("discount.apply", given)
        }
        7 if random.below(8) == 0 => {
            ("subscription.cancel", and(subscription, json!({"when": "cycle_end"})))
        }
        _rest => {
            let granted = json!({
                "customer": id("cus", customer), "grant": id("crg", thing), "amount": eur("0.50"),
                "reason": "late answer",
            });
            ("credit.grant", granted)
        }
    }
}

/// What is left of a run: what must be equal, and how it was cut.
struct Left {
    commits: Vec<Vec<u8>>,
    report: VerifyReport,
    live: Vec<ViewHash>,
    replayed: Vec<ViewHash>,
}

fn config(disk: &SimDisk) -> GatewayConfig {
    let clock = ManualClock::at("2026-11-01T00:00:00Z".parse().expect("an instant"));
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    GatewayConfig::on(disk).with_clock(Arc::new(clock))
}

fn fresh(disk: &SimDisk) -> Gateway {
    let start = format!("{START}T08:00:00Z").parse().expect("an instant");
    let open = OpenBook {
        book: "main".parse().expect("a name"),
        profile: Profile::Billfold1,
        policies: None,
        clock: BookClock::Test(start),
    };
    Gateway::create(&config(disk), Uuid::from_u128(6), open).expect("a fresh disk")
}

/// Plays the weeks; each burst has as many commands as `burst` says. `stops`: the book is closed
/// and opened again after every week.
fn run(weeks: &[Week], stops: bool, mut burst: impl FnMut() -> usize) -> Left {
    let disk = SimDisk::new(1);
    let mut gateway = fresh(&disk);
    let mut asked = 0;
    for week in weeks {
        let mut left = week.commands.as_slice();
        while !left.is_empty() {
            let (now, later) = left.split_at(burst().clamp(1, left.len()));
            submit(&gateway, now, asked);
            asked += now.len() as u64;
            left = later;
        }
        let progress = gateway.handle().progress().wait_run(week.run, PATIENCE);
        assert_eq!(progress.map(|run| run.state), Some(RunState::Done));
        if stops {
            gateway.close();
            gateway = Gateway::open(&config(&disk)).expect("a sound log");
        }
    }
    what_is_left(&disk, gateway)
}

fn submit(gateway: &Gateway, commands: &[(&'static str, Value)], asked: u64) {
    let requests = (asked..).zip(commands).map(|(n, (name, body))| {
        let command = Command::from_json(name, body.to_string().as_bytes());
        let actor = "ada".parse().expect("an actor");
        CommandRequest::new(command_id(n), actor, command.expect("a command"))
    });
    gateway.handle().submit_batch(requests.collect()).wait();
}

fn what_is_left(disk: &SimDisk, gateway: Gateway) -> Left {
    let folder = tempfile::tempdir().expect("a folder");
    let projectors =
        Projectors::start(|| gateway.reader(), folder.path(), &ViewName::ALL).expect("they start");
    let head = gateway.handle().progress().durable();
    assert!(projectors.wait_for(head, Duration::from_mins(1)), "read models reach the head");
    let live = ViewName::ALL.map(|view| projectors.content_hash(view).expect("it answers"));
    let replayed = log::replayed(|| gateway.reader());
    let commits = log::commit_bytes(gateway.reader().expect("a log")).expect("readable");
    drop(projectors);
    gateway.close();
    let report = log::verified(Arc::new(disk.clone()));
    Left { commits, report, live: live.to_vec(), replayed }
}

fn assert_equal(one: &Left, other: &Left) {
    assert_eq!(one.commits.len(), other.commits.len());
    for (position, (one, other)) in (1..).zip(one.commits.iter().zip(&other.commits)) {
        assert_eq!(one, other, "position {position}");
    }
    assert_eq!(one.report.merkle_root, other.report.merkle_root);
    assert_eq!(one.live, other.live);
    assert_eq!(one.replayed, other.replayed);
}

#[test]
fn one_seed_gives_one_log_and_one_set_of_read_models_however_blocks_are_cut() {
    // given
    let weeks = play(11);
    // when
    let one_by_one = run(&weeks, false, || 1);
    let in_bursts = run(&weeks, false, || usize::MAX);
    let mut random = Random::new(3);
    let mixed = run(&weeks, true, || usize::try_from(1 + random.below(60)).expect("small"));
    // then
    assert!(one_by_one.commits.len() > 800, "{} commits", one_by_one.commits.len());
    assert!(one_by_one.report.blocks > 2 * in_bursts.report.blocks, "blocks are cut elsewhere");
    assert!(mixed.report.blocks != in_bursts.report.blocks);
    assert_equal(&one_by_one, &in_bursts);
    assert_equal(&one_by_one, &mixed);
    assert_eq!(one_by_one.live, one_by_one.replayed);
}

#[test]
fn another_seed_gives_another_log() {
    let (one, other) = (run(&play(11), false, || 100), run(&play(12), false, || 100));
    assert_ne!(one.report.merkle_root, other.report.merkle_root);
    assert_ne!(one.live, other.live);
}
