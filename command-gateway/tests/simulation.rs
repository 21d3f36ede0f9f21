//! The engine on a disk that loses, tears and reorders what was not synced, over many seeds.
//!
//! One thread steps the engine's own core: commands are offered, blocks are sealed and written,
//! the power goes at random points, clients send again what got no answer.

mod book;

use std::collections::BTreeMap;
use std::sync::Arc;

use book::*;
use command_gateway::engine::{Decided, EngineCore, Offer, Offered, Verdict};
use command_gateway::history::History;
use command_gateway::{Clock, ManualClock, Receipt};
use event_log::merkle::MerkleTree;
use event_log::sim::{SimDisk, SplitMix64};
use event_log::{Block, Disk, EventLog, FileLog, LogId, LogIdentity, LogOptions, LogReader};
use ledger_core::Ledger;
use schemas::commit::CommitView;
use schemas::ids::CommandId;
use schemas::{Command, Commit};

/// Enough for every seed to see several segments and several lives.
const SEGMENT_BYTES: u64 = 8 * 1024;
const CUSTOMERS: u64 = 4;

type Core = EngineCore<Ledger, usize>;

/// What clients want of the book, in no order: what comes too early is refused and sent again.
fn wishes() -> Vec<Command> {
    let mut wishes = vec![define_entity(), define_plan()];
    wishes.extend((0..CUSTOMERS).map(register));
    wishes.extend((0..CUSTOMERS).map(subscribe));
    wishes.extend((0..2 * CUSTOMERS).map(|n| pay(n % CUSTOMERS, n, "3.00")));
    wishes.push(advance("2026-02-10T00:00:00Z"));
    // Several, because some come before anyone is due.
    wishes.extend((1..=4).map(|n| run_billing(n, "2026-02-10")));
    wishes
}

struct Life {
    log: FileLog,
    core: Core,
    history: History,
}

struct Simulation {
    disk: SimDisk,
    random: SplitMix64,
    clock: Arc<ManualClock>,
    wishes: Vec<Command>,
    acknowledged: BTreeMap<usize, Receipt>,
    crashes: u32,
}

fn identity() -> LogIdentity {
    LogIdentity::new(LogId(LOG.into_bytes()), "acme", 0).expect("a name")
}

fn options() -> LogOptions {
    LogOptions { segment_bytes: SEGMENT_BYTES, prepare_ahead: false, ..LogOptions::at(0) }
}

fn wish_id(wish: usize) -> CommandId {
    id(100 + wish as u64)
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let disk = SimDisk::new(seed);
        let random = SplitMix64::new(seed ^ 0x5EED);
        let (wishes, acknowledged) = (wishes(), BTreeMap::new());
        Self { disk, random, clock: clock(), wishes, acknowledged, crashes: 0 }
    }

    /// Opens the log (or makes it), and folds it in. `None` if the power goes meanwhile.
    fn start(&mut self) -> Result<Option<Life>, String> {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let opened = FileLog::open_or_create(disk, &identity(), options());
        let (mut log, _) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.unless_power_went(&error).map(|()| None),
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        let mut core = Core::new(Ledger::default(), clock);
        let mut reader = log.reader().map_err(|error| error.to_string())?;
        while let Some(block) = reader.next_block().map_err(|error| error.to_string())? {
            for (position, bytes) in block.commits() {
                core.replay(position, bytes).map_err(|error| error.to_string())?;
            }
        }
        if core.next_position() == 1 {
            let open = open_test_book("2026-01-01T00:00:00Z");
            core.decide_first(wish_id(99), open).map_err(|refusal| refusal.to_string())?;
            let Some(mut decided) = core.seal() else { return Err("no book".to_owned()) };
            if let Err(error) = log.append(1, &mut decided.block) {
                return self.unless_power_went(&error).map(|()| None);
            }
        }
        self.check(reader_of(&log)?)?;
        let history = History::new(reader_of(&log)?);
        Ok(Some(Life { log, core, history }))
    }

    fn unless_power_went(&self, error: &dyn std::error::Error) -> Result<(), String> {
        if self.disk.list().is_err() { Ok(()) } else { Err(format!("{error:?}")) }
    }

    /// Runs until every wish is acknowledged. An error is a broken promise.
    fn run(mut self) -> Result<Self, String> {
        for _ in 0..200 {
            if self.crashes < 6 {
                let operations = 1 + self.random.below(45);
                self.disk.cut_power_after(operations);
            }
            let finished = match self.start()? {
                Some(mut life) => self.live(&mut life)?,
                None => false,
            };
            if finished {
                return Ok(self);
            }
            self.disk.crash();
            self.crashes += 1;
        }
        Err("the wishes are never fulfilled".to_owned())
    }

    /// One life of the process; whether everything was acknowledged before it ended.
    fn live(&mut self, life: &mut Life) -> Result<bool, String> {
        while self.acknowledged.len() < self.wishes.len() || life.core.is_working() {
            self.clock.advance_micros(1);
            self.offer_some(life);
            let Some(mut decided) = life.core.seal() else { continue };
            // While this block is written the next one is decided; a crash takes both.
            if self.random.chance(1, 2) {
                self.offer_some(life);
            }
            if !decided.block.is_empty()
                && let Err(error) = life.log.append(decided.first_position, &mut decided.block)
            {
                return self.unless_power_went(&error).map(|()| false);
            }
            self.acknowledge(life, decided)?;
        }
        self.check(reader_of(&life.log)?)?;
        Ok(true)
    }

    fn offer_some(&mut self, life: &mut Life) {
        for _ in 0..=self.random.below(6) {
            let wish = usize::try_from(self.random.below(self.wishes.len() as u64)).expect("small");
            let request = request(100 + wish as u64, self.wishes[wish].clone());
            match life.core.offer(Box::new(Offer { request, waiter: wish })) {
                Offered::Taken => {}
                Offered::Full(_)
                | Offered::Broken(_)
                | Offered::Away(..)
                | Offered::Heavy(_)
                | Offered::Drafting(_) => {
                    unreachable!("a small, sound book that keeps all in memory")
                }
            }
            if self.random.chance(1, 3) {
                life.core.work_next().expect("a sound book");
            }
        }
    }

    fn acknowledge(&mut self, life: &mut Life, decided: Decided<usize>) -> Result<(), String> {
        let Decided { block, mut answers, .. } = decided;
        for answer in answers.drain(..) {
            let outcome = match answer.verdict {
                Verdict::Accepted(receipt) => Ok(receipt),
                Verdict::Repeated(first) => life.history.outcome(&first),
                Verdict::Refused(refusal) => Err(refusal),
            };
            let Ok(receipt) = outcome else { continue };
            let first = self.acknowledged.entry(answer.waiter).or_insert_with(|| receipt.clone());
            if first.position != receipt.position || first.events != receipt.events {
                return Err(format!("two outcomes of one command: {first:?} and {receipt:?}"));
            }
        }
        life.core.recycle(block, answers);
        Ok(())
    }

    /// Every acknowledged command is in the log exactly once, whole, where it was said to be.
    fn check(&self, reader: LogReader) -> Result<(), String> {
        let commits = commits(reader);
        for (position, commit) in (1..).zip(&commits) {
            if commit.position != position {
                return Err(format!("position {position} holds {}", commit.position));
            }
        }
        let mut times: BTreeMap<CommandId, u32> = BTreeMap::new();
        for commit in &commits {
            *times.entry(commit.command_id).or_default() += 1;
        }
        if let Some((id, times)) = times.iter().find(|(_, times)| **times > 1) {
            return Err(format!("{id} is in the log {times} times"));
        }
        for (wish, receipt) in &self.acknowledged {
            let index = usize::try_from(receipt.position - 1).expect("small");
            let there = commits.get(index).filter(|there| is_of(there, *wish, receipt));
            if there.is_none() {
                return Err(format!("acknowledged, but not in the log: {receipt:?}"));
            }
        }
        Ok(())
    }
}

fn is_of(commit: &Commit, wish: usize, receipt: &Receipt) -> bool {
    let kinds: Vec<&str> = commit.events.iter().map(|event| event.kind().name).collect();
    commit.command_id == wish_id(wish)
        && commit.revision == receipt.revision
        && kinds == receipt.events
}

fn reader_of(log: &FileLog) -> Result<LogReader, String> {
    log.reader().map_err(|error| error.to_string())
}

#[test]
fn every_acknowledged_command_is_in_the_log_exactly_once_over_a_thousand_seeds() {
    let mut crashes = 0;
    for seed in 0..1_000 {
        let ended = Simulation::new(seed).run();
        let ended = ended.unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        crashes += ended.crashes;
    }
    assert!(crashes > 2_500, "only {crashes} crashes: the simulation tests too little");
}

#[test]
fn without_syncs_the_simulation_finds_broken_promises() {
    let broken = (0..50).filter(|seed| {
        let simulation = Simulation::new(*seed);
        simulation.disk.set_syncs_ignored(true);
        simulation.run().is_err()
    });
    let broken = broken.count();
    assert!(broken > 25, "only {broken} of 50 seeds noticed that nothing is synced");
}

/// Offers the same commands in the same order, and cuts blocks where `cut` says.
fn history(mut cut: impl FnMut(u64) -> bool) -> (Vec<Vec<u8>>, [u8; 32], u32) {
    let clock = clock();
    let mut core = Core::new(Ledger::default(), clock.clone());
    core.decide_first(wish_id(99), open_test_book("2026-01-01T00:00:00Z")).expect("a new book");
    let mut random = SplitMix64::new(7);
    let wishes = wishes();
    let mut stored = Vec::new();
    let mut tree = MerkleTree::new();
    let mut blocks = 0;
    let mut write = |block: &Block, first_position| {
        for (_, bytes) in block.commits(first_position) {
            tree.push(bytes);
            stored.push(bytes.to_vec());
        }
        blocks += 1;
    };
    for step in 0..2_000 {
        clock.advance_micros(1);
        let wish = usize::try_from(random.below(wishes.len() as u64)).expect("small");
        let request = request(100 + wish as u64, wishes[wish].clone());
        assert!(matches!(core.offer(Box::new(Offer { request, waiter: 0 })), Offered::Taken));
        if step % 3 == 0 {
            core.work_next().expect("a sound book");
        }
        if cut(step)
            && let Some(decided) = core.seal()
        {
            write(&decided.block, decided.first_position);
            core.recycle(decided.block, decided.answers);
        }
    }
    if let Some(decided) = core.seal() {
        write(&decided.block, decided.first_position);
    }
    (stored, tree.root(), blocks)
}

#[test]
fn two_runs_of_a_seed_give_equal_commits_and_an_equal_root_however_blocks_were_cut() {
    let mut random = SplitMix64::new(3);
    let (one, root, blocks) = history(|_| false);
    assert_eq!(blocks, 1);
    assert!(one.len() > 20, "only {} commits", one.len());
    let billed =
        one.iter().filter(|bytes| CommitView::parse(bytes).expect("readable").cause.is_some());
    assert!(billed.count() > 0, "the billing run billed nobody");
    for (commits, other, _) in
        [history(|_| true), history(|step| step % 7 == 0), history(|_| random.chance(1, 20))]
    {
        assert_eq!(commits, one);
        assert_eq!(other, root);
    }
}
