//! Random histories over any profile, zone and anchor, held to the laws of billing.
//!
//! After every commit: the laws of the ledger and those of [`watch`], which read commands and
//! events alone. Nothing throws, a second run bills nothing, what a copy of the customer decides
//! is what is charged after other commits, and a replay from bytes and a snapshot give equal
//! ledgers. At the end the lines of every item are compared with the price of its time.
//!
//! `BILLFOLD_TEST_SEED` and `BILLFOLD_TEST_CASES` choose other and more histories.

mod amounts;
mod asked;
mod catalog;
mod civil;
mod commands;
mod cycles;
mod erased;
mod fair;
mod figures;
mod later;
mod met;
mod moved;
mod moves;
mod planted;
mod play;
mod record;
mod time_sets;
mod voids;
mod watch;
mod worth;

use std::collections::BTreeMap;

use moves::History;
use planted::{Kind, Mistake};
use play::{Counts, play};
use tests::quiet::quietly;

/// Histories that CI plays.
const CASES: u64 = 2_000;
/// Kinds of faults that are reported.
const MOST_FAULTS: usize = 8;

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// What is wrong with a history, if anything is.
fn fault(history: &History) -> Result<Counts, String> {
    let played = quietly(|| play(history, None))?;
    match played {
        (broken, counts) if broken.is_empty() => Ok(counts),
        (broken, _) => Err(format!("{broken:#?}")),
    }
}

/// The kind of a fault: what must stay while a history loses moves.
fn kind_of(fault: &str) -> String {
    let law = fault.lines().find(|line| line.trim_start().starts_with("law:"));
    let words = || fault.split(['{', '(', '\n']).next().unwrap_or(fault).to_owned();
    law.map_or_else(words, str::to_owned)
}

/// The same fault with as few moves as can be found.
fn smaller(history: &History, reason: &str) -> (History, String) {
    let kind = kind_of(reason);
    let (mut best, mut reason) = (history.clone(), reason.to_owned());
    let mut chunk = best.moves.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at < best.moves.len() {
            let mut fewer = best.clone();
            fewer.moves.drain(at..(at + chunk).min(best.moves.len()));
            match fault(&fewer) {
                Err(found) if kind_of(&found) == kind => (best, reason) = (fewer, found),
                Ok(_) | Err(_) => at += chunk,
            }
        }
        chunk /= 2;
    }
    (best, reason)
}

#[test]
fn every_history_keeps_the_laws() {
    let (seed, cases) = (from_env("BILLFOLD_TEST_SEED", 1), from_env("BILLFOLD_TEST_CASES", CASES));
    let mut counts = Counts::new();
    // One history for each kind of fault; a few are enough to read.
    let mut failed: BTreeMap<String, (u64, History, String)> = BTreeMap::new();
    // The first one's number, to play one history again.
    let first = from_env("BILLFOLD_TEST_FIRST", 0);
    for number in first..first + cases {
        let history = History::of(seed, number);
        match fault(&history) {
            Ok(met) => {
                for (what, times) in met {
                    *counts.entry(what).or_default() += times;
                }
            }
            Err(reason) if failed.len() < MOST_FAULTS => {
                failed.entry(kind_of(&reason)).or_insert((number, history, reason));
            }
            Err(_) => {}
        }
    }
    let reports: Vec<String> = failed
        .into_values()
        .map(|(number, history, reason)| {
            let (history, reason) = smaller(&history, &reason);
            let moves: Vec<String> = history.moves.iter().map(|step| format!("{step:?}")).collect();
            format!(
                "history {number} of seed {seed}: {reason}\nin {:?} after, at least:\n{}",
                history.setting,
                moves.join("\n")
            )
        })
        .collect();
    assert!(reports.is_empty(), "{}", reports.join("\n\n"));
    println!("{}", met::table(&counts, cases));
    let rare = met::rare(&counts, cases);
    assert!(rare.is_empty(), "too rare to say much: {rare:#?}");
}

#[test]
fn every_planted_mistake_is_noticed() {
    let unnoticed: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| {
            let noticed = |number| {
                let mistaken = || play(&History::of(7, number), Some(Mistake::new(*kind)));
                // A panic is a fault of the engine, not the mistake.
                quietly(mistaken).is_ok_and(|(broken, _)| !broken.is_empty())
            };
            !(0..2_000).any(noticed)
        })
        .collect();
    assert_eq!(unnoticed, []);
}
