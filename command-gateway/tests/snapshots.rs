//! A book that starts from a snapshot and the tail is the book that its log says.

mod book;

use std::sync::Arc;

use book::*;
use command_gateway::engine::{EngineCore, Offer, Offered, Verdict, Work};
use command_gateway::read_back;
use command_gateway::{Gateway, GatewayConfig, OpeningReport, Snapshots};
use event_log::sim::{SimDisk, SplitMix64};
use ledger_core::Ledger;
use schemas::Command;

const CUSTOMERS: u64 = 12;

type Core = EngineCore<Ledger, u64>;

/// A book's two disks.
#[derive(Clone)]
struct Disks {
    log: SimDisk,
    snapshots: SimDisk,
}

impl Disks {
    fn new(seed: u64) -> Self {
        Self { log: SimDisk::new(seed), snapshots: SimDisk::new(seed ^ 0x5A9) }
    }

    fn copy(&self, seed: u64) -> Self {
        Self { log: self.log.copy(seed), snapshots: self.snapshots.copy(seed ^ 0x5A9) }
    }

    /// Layers at clean stops only, so that a test says when they are made.
    fn config(&self) -> GatewayConfig {
        let snapshots = Snapshots::on(Arc::new(self.snapshots.clone())).every(10);
        GatewayConfig { segment_bytes: Some(16 * 1024), ..config(&self.log) }.with_snapshots(
            Snapshots { look_every: std::time::Duration::from_mins(10), ..snapshots },
        )
    }

    fn create(&self) -> Gateway {
        let open = open_test_book("2026-01-01T00:00:00Z");
        let gateway = Gateway::create(&self.config(), LOG, open).expect("a fresh disk");
        set_up(&gateway);
        gateway
    }

    /// With enough customers for later layers to be small beside the first.
    fn create_large(&self) -> Gateway {
        let gateway = self.create();
        let all = (100..300).map(|n| request(10_000 + n, register(n)));
        for outcome in gateway.handle().submit_batch(all.collect()).wait() {
            outcome.expect("accepted");
        }
        gateway
    }

    fn open(&self) -> Gateway {
        Gateway::open(&self.config()).expect("a sound log")
    }

    fn report(&self) -> OpeningReport {
        read_back::<u64>(&self.config()).expect("a sound log").1
    }

    /// What a start gives is what the whole log gives: state, runs under way, known ids.
    fn check(&self) -> OpeningReport {
        let (mut quick, report) = read_back::<u64>(&self.config()).expect("a sound log");
        let (mut full, _) = read_back::<u64>(&config(&self.log)).expect("a sound log");
        assert_eq!(quick.next_position(), full.next_position());
        let (of_quick, of_full) = (quick.ledger().archived(), full.ledger().archived());
        assert!(of_quick == of_full, "two states at {}", full.next_position());
        assert_eq!(quick.recorded_micros(), full.recorded_micros());
        for commit in commits(reader(&self.log)) {
            assert_eq!(position_of(&mut quick, commit.command_id), Some(commit.position));
        }
        assert_eq!(position_of(&mut quick, id(77_777_777)), None);
        assert_eq!(bills_left(&mut quick), bills_left(&mut full));
        report
    }
}

/// Where a command was accepted; one that was not is refused, because doors do not take it.
fn position_of(core: &mut Core, id: schemas::ids::CommandId) -> Option<u64> {
    let command = command("book.open", r#"{"book":"acme","profile":"billfold@1","clock":"wall"}"#);
    let mut asked = request(1, command);
    asked.command_id = id;
    assert!(matches!(core.offer(Box::new(Offer { request: asked, waiter: 0 })), Offered::Taken));
    let decided = core.seal().expect("an answer");
    let found = match &decided.answers[0].verdict {
        Verdict::Repeated(first) => Some(first.position),
        Verdict::Refused(_) => None,
        Verdict::Accepted(receipt) => panic!("{receipt:?}"),
    };
    core.recycle(decided.block, decided.answers);
    found
}

/// The commits that the runs under way still make, byte for byte.
fn bills_left(core: &mut Core) -> Vec<Vec<u8>> {
    while core.is_working() {
        let worked = core.work_next().expect("a sound book");
        assert!(matches!(worked, Work::Done), "the block is full");
    }
    let Some(decided) = core.seal() else { return Vec::new() };
    decided.block.commits(decided.first_position).map(|(_, bytes)| bytes.to_vec()).collect()
}

/// Random commands; some are refused.
struct Clients {
    random: SplitMix64,
    asked: u64,
    day: u64,
}

impl Clients {
    fn new(seed: u64) -> Self {
        Self { random: SplitMix64::new(seed), asked: 0, day: 0 }
    }

    fn next(&mut self) -> Command {
        self.asked += 1;
        let n = self.asked;
        let customer = self.random.below(CUSTOMERS);
        match self.random.below(12) {
            0 | 1 => register(customer),
            2 | 3 => subscribe(customer),
            4..=6 => pay(customer, n, &format!("{}.{:02}", self.random.below(50), n % 100)),
            7 | 8 => charge(customer, n, &format!("{}.00", 1 + self.random.below(50))),
            9 => {
                self.day = (self.day + 9).min(27 * 12);
                advance(&format!(
                    "2026-{:02}-{:02}T00:00:00Z",
                    1 + self.day / 27,
                    1 + self.day % 27
                ))
            }
            10 => run_billing(n, &format!("2026-{:02}-28", 1 + (self.day / 27).min(10))),
            _ => {
                let external = format!(
                    r#"{{"customer":"{}","external_id":"c{n}"}}"#,
                    book::customer(customer)
                );
                command("customer.update", &external)
            }
        }
    }

    /// Submits some commands, and stops without waiting for billing runs.
    fn live(&mut self, gateway: Gateway, commands: u64) {
        let requests = (0..commands).map(|_| {
            let command = self.next();
            request(100_000 + self.asked, command)
        });
        let outcomes = gateway.handle().submit_batch(requests.collect()).wait();
        assert_eq!(outcomes.len() as u64, commands);
        gateway.close();
    }
}

#[test]
fn snapshot_and_tail_give_the_ledger_of_the_whole_log_at_every_cut() {
    let (mut layers, mut tails) = (0, 0);
    for seed in 0..8 {
        let disks = Disks::new(seed);
        let mut clients = Clients::new(seed);
        clients.live(if seed % 2 == 0 { disks.create() } else { disks.create_large() }, 20);
        // The tail that is replayed over each snapshot comes from a log that went on.
        let mut before = disks.copy(seed);
        for _ in 0..14 {
            let commands = 1 + clients.random.below(25);
            clients.live(disks.open(), commands);
            let report = disks.check();
            assert_eq!(report.tail_commits, 0, "a clean stop makes a layer");
            let behind = Disks { log: disks.log.clone(), snapshots: before.snapshots.clone() };
            let report = behind.check();
            assert!(report.snapshot_position > 0, "{report:?}");
            tails += u64::from(report.tail_commits > 0);
            before = disks.copy(seed);
        }
        layers += disks.open().handle().snapshots().layers;
    }
    assert!(tails > 60, "only {tails} tails");
    assert!(layers > 12, "only {layers} layers: merging is tested too little");
}

#[test]
fn a_run_under_way_goes_on_from_a_snapshot_with_the_customers_it_has_left() {
    let disks = Disks::new(1);
    let gateway = disks.create();
    for n in 0..200 {
        gateway.handle().submit_blocking(request(1_000 + n, register(n))).expect("accepted");
        gateway.handle().submit_blocking(request(2_000 + n, subscribe(n))).expect("accepted");
    }
    gateway.close();
    // Only a few of them change here: the others are due by what the layer below says.
    let gateway = disks.open();
    let batch = vec![
        request(3_000, advance("2026-02-10T00:00:00Z")),
        request(3_001, pay(7, 1, "3.00")),
        request(3_002, run_billing(1, "2026-02-10")),
    ];
    for outcome in gateway.handle().submit_batch(batch).wait() {
        outcome.expect("accepted");
    }
    gateway.close();
    disks.check();
    let (core, report) = read_back::<u64>(&disks.config()).expect("a sound log");
    assert!(report.snapshot_position > 0 && report.tail_commits == 0, "{report:?}");
    if core.is_working() {
        let gateway = disks.open();
        let limit = std::time::Duration::from_secs(20);
        let progress = gateway.handle().progress().wait_run(run_id(1), limit).expect("known");
        assert_eq!((progress.due, progress.billed + progress.failed), (200, 200));
        gateway.close();
    }
    disks.check();
}

/// Bytes of all files of snapshots.
fn bytes_of(disks: &Disks) -> usize {
    let bytes = |name: &String| disks.snapshots.file_bytes(name).expect("listed").len();
    disks.snapshots.file_names().iter().map(bytes).sum()
}

#[test]
fn of_a_customer_with_much_in_it_a_layer_holds_what_changed() {
    // Given a customer with 3,000 open invoices
    let disks = Disks::new(9);
    let gateway = disks.create();
    gateway.handle().submit_blocking(request(999, register(900))).expect("accepted");
    let mut asked = 1_000;
    let mut charged = |gateway: &Gateway, count: u64| {
        let ask = |n| request(n, charge(900, n, "1.00"));
        let all = (asked..asked + count).map(ask).collect();
        asked += count;
        for outcome in gateway.handle().submit_batch(all).wait() {
            outcome.expect("accepted");
        }
    };
    for _ in 0..3 {
        charged(&gateway, 1_000);
    }
    gateway.close();
    assert_eq!(disks.check().tail_commits, 0);
    let whole = bytes_of(&disks);
    assert!(whole > 200_000, "{whole} bytes");
    // When few of them come in addition, over and over
    let mut grown = Vec::new();
    for _ in 0..8 {
        let before = bytes_of(&disks);
        let gateway = disks.open();
        charged(&gateway, 12);
        gateway.close();
        assert_eq!(disks.check().tail_commits, 0);
        grown.push(bytes_of(&disks).saturating_sub(before));
    }
    // Then a layer holds a few pages, and merged ones none that nobody needs.
    assert!(grown.iter().all(|bytes| *bytes < whole / 2), "{grown:?} of {whole}");
    assert!(bytes_of(&disks) < 2 * whole, "{} of {whole}", bytes_of(&disks));
}

#[test]
fn the_power_may_go_at_any_operation_while_a_layer_is_written() {
    let disks = Disks::new(3);
    let mut clients = Clients::new(3);
    clients.live(disks.create(), 40);
    clients.live(disks.open(), 30);
    let mut cuts = 0;
    for operation in 1.. {
        let life = disks.copy(operation);
        let mut clients = Clients { random: SplitMix64::new(operation), asked: 900, day: 200 };
        let gateway = life.open();
        life.snapshots.cut_power_after(operation);
        clients.live(gateway, 12);
        let went = event_log::Disk::list(&life.snapshots).is_err();
        life.snapshots.crash();
        let report = life.check();
        assert!(report.snapshot_position >= disks.report().snapshot_position, "{report:?}");
        // What was left over does not stand in the way of the next one.
        clients.live(life.open(), 12);
        assert_eq!(life.check().tail_commits, 0);
        if !went {
            break;
        }
        cuts += 1;
    }
    assert!(cuts >= 10, "only {cuts} operations");
}

#[test]
fn a_full_disk_or_a_failed_sync_costs_the_snapshot_only() {
    for fault in 0..3 {
        let disks = Disks::new(4);
        let mut clients = Clients::new(4);
        clients.live(disks.create(), 40);
        let gateway = disks.open();
        match fault {
            0 => disks.snapshots.set_capacity(Some(2_000)),
            1 => disks.snapshots.fail_sync(1),
            _ => disks.snapshots.set_read_only(true),
        }
        clients.live(gateway, 30);
        disks.check();
        disks.snapshots.set_capacity(None);
        disks.snapshots.set_read_only(false);
        disks.snapshots.disarm();
        clients.live(disks.open(), 30);
        assert_eq!(disks.check().tail_commits, 0);
    }
}

#[test]
fn damaged_files_of_snapshots_never_give_a_wrong_state_and_never_stop_a_start() {
    let disks = Disks::new(5);
    let mut clients = Clients::new(5);
    clients.live(disks.create_large(), 60);
    for _ in 0..6 {
        clients.live(disks.open(), 12);
    }
    let names = disks.snapshots.file_names();
    assert!(names.iter().filter(|name| name.starts_with("layer")).count() > 1, "{names:?}");
    let mut random = SplitMix64::new(5);
    for name in &names {
        let sound = disks.snapshots.file_bytes(name).expect("listed");
        for _ in 0..25 {
            let damaged = disks.copy(1);
            let mut bytes = sound.clone();
            let at = usize::try_from(random.below(bytes.len() as u64)).expect("small");
            match random.below(4) {
                0 => bytes.truncate(at),
                1 => bytes[at..].fill(0),
                _ => bytes[at] ^= 1 << random.below(8),
            }
            damaged.snapshots.set_file_bytes(name, &bytes);
            damaged.check();
        }
        let damaged = disks.copy(1);
        damaged.snapshots.remove_file(name);
        damaged.check();
        // And the book goes on, with a sound snapshot at the end.
        Clients { random: SplitMix64::new(9), asked: 5_000, day: 0 }.live(damaged.open(), 12);
        assert_eq!(damaged.check().tail_commits, 0, "without {name}");
    }
}

#[test]
fn a_lower_layer_is_used_when_the_one_above_is_damaged() {
    let disks = Disks::new(6);
    let mut clients = Clients::new(6);
    clients.live(disks.create_large(), 20);
    clients.live(disks.open(), 20);
    let layers: Vec<_> =
        disks.snapshots.file_names().into_iter().filter(|name| name.starts_with("layer")).collect();
    let [_, top] = &layers[..] else { panic!("{layers:?}") };
    disks.snapshots.set_file_bytes(top, b"nothing");
    let report = disks.check();
    assert!(report.snapshot_position > 0 && report.tail_commits > 0, "{report:?}");
}

#[test]
fn a_snapshot_of_another_log_or_of_commits_that_are_gone_is_not_used() {
    let (one, other) = (Disks::new(7), Disks::new(8));
    let mut clients = Clients::new(7);
    clients.live(one.create(), 60);
    let open = open_test_book("2026-01-01T00:00:00Z");
    let gateway = Gateway::create(&other.config(), uuid::Uuid::from_u128(0x99), open);
    let gateway = gateway.expect("a fresh disk");
    set_up(&gateway);
    Clients::new(8).live(gateway, 60);

    // Another log's.
    let mixed = Disks { log: one.log.copy(1), snapshots: other.snapshots.copy(1) };
    assert_eq!(mixed.check().snapshot_position, 0);
    clients.live(mixed.open(), 20);
    assert_eq!(mixed.check().tail_commits, 0);

    // The log was restored from an older copy.
    let older = one.copy(2);
    clients.live(one.open(), 40);
    let restored = Disks { log: older.log.copy(1), snapshots: one.snapshots.copy(1) };
    restored.check();
    // It went on in another way, so that the same position holds another commit.
    Clients { random: SplitMix64::new(99), asked: 70_000, day: 0 }
        .live(Gateway::open(&config(&restored.log)).expect("a sound log"), 200);
    restored.check();
    clients.live(restored.open(), 20);
    assert_eq!(restored.check().tail_commits, 0);
}

#[test]
fn a_repeated_command_gets_its_first_answer_from_files_and_from_damaged_files() {
    let disks = Disks::new(9);
    let gateway = disks.create();
    for n in 0..600 {
        gateway.handle().submit_blocking(request(1_000 + n, register(n))).expect("accepted");
    }
    gateway.close();
    for damaged in [false, true] {
        let gateway = disks.open();
        assert_eq!(gateway.handle().snapshots().ids_in_memory, 0);
        if damaged {
            // The blocks of sorted ids; index and footer, which a start reads, stay as they are.
            let names = disks.snapshots.file_names();
            let name = names.iter().find(|name| name.starts_with("ids")).expect("there is one");
            let mut bytes = disks.snapshots.file_bytes(name).expect("listed");
            bytes[..12_000].fill(7);
            disks.snapshots.set_file_bytes(name, &bytes);
        }
        for n in 0..600 {
            let again = gateway.handle().submit_blocking(request(1_000 + n, register(n)));
            let again = again.expect("the first answer");
            assert!(again.duplicate && again.position == n + 4, "{again:?}");
        }
        gateway
            .handle()
            .submit_blocking(request(
                90_000 + u64::from(damaged),
                register(700 + u64::from(damaged)),
            ))
            .expect("new");
        gateway.close();
    }
    disks.check();
}

#[test]
fn the_follower_makes_layers_while_the_book_runs_and_says_so() {
    let disks = Disks::new(10);
    let quick = |config: GatewayConfig| {
        let snapshots = config.snapshots.clone().expect("there are some");
        let look_every = std::time::Duration::from_millis(1);
        config.with_snapshots(Snapshots { look_every, ..snapshots })
    };
    disks.create().close();
    let gateway = Gateway::open(&quick(disks.config())).expect("a sound log");
    let handle = gateway.handle();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let mut n = 0;
    while handle.snapshots().position < 50 {
        // No more than it needs: on a busy machine it would never catch up with us.
        if n < 100 {
            handle.submit_blocking(request(1_000 + n, register(n))).expect("accepted");
            n += 1;
        } else {
            std::thread::yield_now();
        }
        assert!(std::time::Instant::now() < deadline, "{:?}", handle.snapshots());
    }
    let status = handle.snapshots();
    assert!(status.enabled && status.layers > 0 && status.bytes > 0, "{status:?}");
    assert!(status.ids_on_disk >= 50 && status.filter_bytes > 0, "{status:?}");
    assert_eq!(status.failure, None);
    gateway.close();
    let report = disks.check();
    assert_eq!(report.tail_commits, 0);
}
