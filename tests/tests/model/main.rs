//! A model that decides by itself what every customer is to be billed, and random histories that
//! compare the ledger with it.
//!
//! # Shape
//!
//! The model reads commands and times, never events. It keeps the timelines that commands wrote
//! and the documents that it issued; what should be billed is read off the timelines whenever
//! somebody asks, and a bill is the difference to what was billed. It shares the types of
//! `schemas` with the ledger and no arithmetic.
//!
//! | file | holds |
//! |---|---|
//! | `number`, `civil`, `stretches` | fractions, days, sets of time |
//! | `rules` | the policies, and those that are new, as a table |
//! | `calendar`, `measure`, `price` | where cycles lie, how long a part is, what a whole costs |
//! | `item`, `subscription`, `customer`, `book` | what is known |
//! | `subscribe`, `life`, `renewal`, `offers` | what commands write |
//! | `change`, `mapping`, `giving_way`, `migrate` | what changes make of plans and items |
//! | `left_alone` | what changes without proration leave as it is invoiced |
//! | `activation`, `passing` | what payments and time write |
//! | `voices` | who said what, and what a word for an earlier day leaves of it |
//! | `moving` | what becomes of all that when the customer moves to another zone |
//! | `access` | where a subscription stands |
//! | `wanted`, `compare` | what should be billed less what was |
//! | `credit`, `residue`, `discounts`, `bill`, `notes` | amounts and documents |
//! | `money`, `lots` | what pays what, and goes back |
//! | `model` | commands in, documents and refusals out |
//! | `steps`, `told_as`, `play`, `judge` | histories, and the comparison |
//! | `features` | which pairs of features met |
//! | `story`, `faults`, `figures`, `policies`, `credits` | what was worked by hand |
//! | `published` | published cases, told to the model |
//! | `only_migrations` | histories of little else |
//! | `planted` | mistakes that the ledger is told to make, each to be caught |
//!
//! Its rules are in `RULES.md` beside this file, for people. `BILLFOLD_TEST_SEED`,
//! `BILLFOLD_TEST_CASES` and `BILLFOLD_TEST_FIRST` choose other and more histories;
//! `BILLFOLD_MODEL_EVENTS` tells what the ledger decided beside what differs.
//! `BILLFOLD_MODEL_PLAIN` plays with no policy replaced, `BILLFOLD_MODEL_OURS` under `billfold@1`
//! alone.

mod access;
mod activation;
mod bill;
mod book;
mod calendar;
#[path = "../histories/catalog.rs"]
mod catalog;
mod change;
mod civil;
#[path = "../histories/commands.rs"]
mod commands;
mod compare;
mod credit;
mod credits;
mod customer;
mod discounts;
mod faults;
mod features;
mod figures;
mod giving_way;
mod item;
mod judge;
mod left_alone;
mod life;
mod lots;
mod mapping;
mod measure;
mod migrate;
mod model;
mod money;
#[path = "../histories/moves.rs"]
mod moves;
mod moving;
mod notes;
mod number;
mod offers;
mod only_migrations;
mod passing;
mod pauses;
mod planted;
mod play;
mod policies;
mod price;
mod published;
mod renewal;
mod residue;
mod rules;
mod steps;
mod story;
mod stretches;
mod subscribe;
mod subscription;
mod told_as;
mod voices;
mod wanted;

use std::collections::BTreeMap;

use features::Pairs;
use judge::Difference;
use play::{Game, play};
use steps::{History, Step};
use tests::quiet::quietly;

/// Histories that CI plays.
const CASES: u64 = 2_000;
/// From so many on, every pair of features must have met.
const NIGHTLY: u64 = 100_000;
/// Kinds of differences that are reported.
const MOST_KINDS: usize = 60;
/// Histories of a kind that are named.
const MOST_NAMED: usize = 20;

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Plays a history; a panic is a difference like another.
fn played(history: &History) -> Result<Game, Difference> {
    quietly(|| play(history)).map_err(|text| {
        let words: String = text.chars().take(60).collect();
        let kind = format!("a panic: {}", words.split(['{', '\n']).next().unwrap_or_default());
        let (command, expected) = (String::new(), String::new());
        Difference { kind, command, expected, got: text }
    })
}

fn difference(history: &History) -> Option<Difference> {
    match played(history) {
        Ok(game) => game.found,
        Err(found) => Some(found),
    }
}

/// A difference of the same kind with as few moves as can be found.
fn smaller(history: &History, found: Difference) -> (History, Difference) {
    let (mut best, mut found) = (history.clone(), found);
    let simpler: [fn(&mut moves::Setting); 5] = [
        |setting| setting.replaced.clear(),
        |setting| setting.replaced.truncate(1),
        |setting| setting.profile = 0,
        |setting| setting.zone = 0,
        |setting| setting.start = (0, 0, 0),
    ];
    for simplify in simpler {
        let mut plain = best.clone();
        simplify(&mut plain.setting);
        if let Some(other) = difference(&plain)
            && other.kind == found.kind
        {
            (best, found) = (plain, other);
        }
    }
    let mut chunk = best.steps.len().div_ceil(2);
    while chunk > 0 {
        let mut at = 0;
        while at < best.steps.len() {
            let mut fewer = best.clone();
            fewer.steps.drain(at..(at + chunk).min(best.steps.len()));
            match difference(&fewer) {
                Some(other) if other.kind == found.kind => (best, found) = (fewer, other),
                Some(_) | None => at += chunk,
            }
        }
        chunk /= 2;
    }
    // Words that do not matter are left out.
    for at in 0..best.steps.len() {
        let mut word = 0;
        while let Step::Told(action, words) = &best.steps[at]
            && word < words.len()
        {
            let (action, mut fewer) = (action.clone(), words.clone());
            fewer.remove(word);
            let mut plain = best.clone();
            plain.steps[at] =
                if fewer.is_empty() { Step::Shared(action) } else { Step::Told(action, fewer) };
            match difference(&plain) {
                Some(other) if other.kind == found.kind => (best, found) = (plain, other),
                Some(_) | None => word += 1,
            }
        }
    }
    (best, found)
}

fn told(numbers: &[u64], history: &History, found: &Difference) -> String {
    let moves: Vec<String> = history.steps.iter().map(|step| format!("  {step:?}")).collect();
    let happened = played(history).map_or_else(|_| Vec::new(), |game| game.told);
    format!(
        "== {}: {} times, first in history {}\n{:?}\n{}\n {}\n command {}\n expected {}\n got {}",
        found.kind,
        numbers.len(),
        numbers[0],
        history.setting,
        moves.join("\n"),
        happened.into_iter().skip(5).collect::<Vec<_>>().join("\n "),
        found.command,
        found.expected,
        found.got
    )
}

#[test]
fn every_history_is_billed_as_the_model_says() {
    let (seed, cases) = (from_env("BILLFOLD_TEST_SEED", 1), from_env("BILLFOLD_TEST_CASES", CASES));
    let first = from_env("BILLFOLD_TEST_FIRST", 0);
    let mut pairs = Pairs::default();
    let mut left_open: BTreeMap<String, u64> = BTreeMap::new();
    let mut kinds: BTreeMap<String, (Vec<u64>, History, Difference)> = BTreeMap::new();
    let mut agreed = 0;
    for number in first..first + cases {
        let history = History::of(seed, number);
        let found = match played(&history) {
            Ok(game) => {
                pairs.add(&game.features);
                for (why, times) in game.left_open {
                    *left_open.entry(why).or_default() += times;
                }
                game.found
            }
            Err(found) => Some(found),
        };
        match found {
            Some(found) => {
                let kind = found.kind.clone();
                kinds.entry(kind).or_insert((Vec::new(), history, found)).0.push(number);
            }
            None => agreed += 1,
        }
    }
    println!("{}\n{left_open:#?}", pairs.table());
    println!("{agreed} of {cases} histories agree");
    let mut kinds: Vec<_> = kinds.into_values().collect();
    kinds.sort_by_key(|(numbers, ..)| std::cmp::Reverse(numbers.len()));
    for (numbers, _, found) in &kinds {
        let named = &numbers[..numbers.len().min(MOST_NAMED)];
        println!("{:>6} {} (histories {named:?})", numbers.len(), found.kind);
    }
    let reports: Vec<String> = kinds
        .into_iter()
        .take(MOST_KINDS)
        .map(|(numbers, history, found)| {
            let (history, found) = smaller(&history, found);
            told(&numbers, &history, &found)
        })
        .collect();
    let differ = cases - agreed;
    println!("{}", reports.join("\n\n"));
    assert_eq!(differ, 0, "of {cases} histories");
    let missing = pairs.missing();
    assert!(cases < NIGHTLY || missing.is_empty(), "pairs that never met: {missing:#?}");
}
