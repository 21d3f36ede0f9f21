//! Histories as commands that a program outside can send: several in one book, one after the
//! other, since a book takes longer to make than a history to play.
//!
//! The first history's setting is the book's. Each history has sellers, plans and customers of its
//! own; most leave nothing running, and some leave customers that later runs go on billing.

use schemas::Command;
use tests::quiet::quietly;
use tests::recording::{Recording, Tape};

use crate::from_env;
use crate::moves::{History, Move, Setting};
use crate::play::Game;

/// Histories of one book.
const TOGETHER: u64 = 10;
/// One history in so many leaves its subscriptions running.
const LEAVES: u64 = 4;
/// Histories that CI records.
const CASES: u64 = 40;
const DAY: i64 = 1_440;

/// Records some histories as one book; how many were played to their end.
fn record(seed: u64, numbers: std::ops::Range<u64>) -> (Recording, u64) {
    let first = History::of(seed, numbers.start);
    let name = format!("histories {seed}/{}", numbers.start);
    let mut game = Game::new(&first.setting, None, Some(Recording::new(name)));
    let mut played = 0;
    for number in numbers {
        let history = History::of(seed, number);
        // What is wrong with a history is told by the other tests.
        if quietly(|| game.go_on(&history, number)).is_err() {
            break;
        }
        played += 1;
    }
    (game.recording.expect("it was given one"), played)
}

impl Game {
    /// Plays a history behind others.
    fn go_on(&mut self, history: &History, number: u64) {
        let recording = self.recording.as_mut().expect("only what is recorded goes on");
        recording.begin(format!("history {number}"));
        self.forget();
        self.wait_for(&history.setting);
        self.begin(&history.setting);
        for (action, preview) in &history.moves {
            self.step(action, *preview);
        }
        self.bill_all();
        if !number.is_multiple_of(LEAVES) {
            self.end_all();
        }
        self.broken.clear();
    }

    /// The next day, at the time of day that the setting says.
    fn wait_for(&mut self, setting: &Setting) {
        let (_, hour, minute) = setting.start;
        let now = self.now.div_euclid(60_000_000);
        let then = (now.div_euclid(DAY) + 1) * DAY + hour * 60 + minute;
        self.step(&Move::Advance { minutes: then - now }, false);
    }
}

/// Writes histories for `scripts/compare-with` if a file is asked for; else a few, to look at.
#[test]
fn recorded_histories_are_commands_that_can_be_read_back() {
    let (seed, first) = (from_env("BILLFOLD_TEST_SEED", 1), from_env("BILLFOLD_TEST_FIRST", 0));
    let mut tape = Tape::asked_for();
    let cases = if tape.is_running() { from_env("BILLFOLD_TEST_CASES", CASES) } else { CASES };
    let mut played = 0;
    for start in (first..first + cases).step_by(usize::try_from(TOGETHER).expect("few")) {
        let (recording, whole) = record(seed, start..(start + TOGETHER).min(first + cases));
        played += whole;
        let commands = recording.steps().iter().filter(|step| step["submit"].is_string());
        for step in commands.filter(|step| !step.to_string().contains("$number")) {
            let (name, body) = (step["submit"].as_str().expect("a name"), step["body"].to_string());
            let read = Command::from_json(name, body.as_bytes()).expect("a command");
            assert!(!read.is_internal(), "{step}");
        }
        tape.write(&recording);
    }
    println!("{played} of {cases} histories recorded to their end");
    assert!(played * 10 >= cases * 9, "{played} of {cases} histories came to their end");
}
