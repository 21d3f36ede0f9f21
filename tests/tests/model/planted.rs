//! Mistakes that a wrong ledger would make: random histories must notice each of them.

use ledger_core::Mistake;

use crate::steps::History;
use crate::{difference, only_migrations};

/// Histories within which each is to be noticed.
const HISTORIES: u64 = 500;
const SEED: u64 = 11;

#[test]
fn every_planted_mistake_is_caught() {
    // Every fifth is one of migrations, which are rare in the others.
    let of = |n: u64| {
        if n.is_multiple_of(5) { only_migrations::history(n) } else { History::of(SEED, n) }
    };
    let histories: Vec<History> = (0..HISTORIES).map(of).collect();
    // Only a history that agrees as it is can show that a mistake makes it differ.
    let agree: Vec<(usize, &History)> =
        histories.iter().enumerate().filter(|(_, h)| difference(h).is_none()).collect();
    let caught = |mistake: &Mistake| {
        let differs = |(_, history): &&(usize, &History)| {
            mistake.made_while(|| difference(history)).is_some()
        };
        let first = agree.iter().find(differs).map(|(number, _)| *number);
        match first {
            Some(number) => println!("{mistake:?}: history {number}"),
            None => println!("{mistake:?}: not within {HISTORIES}"),
        }
        first.is_some()
    };
    let missed: Vec<Mistake> = Mistake::ALL.into_iter().filter(|known| !caught(known)).collect();
    assert_eq!(missed, [], "of {} histories that agree", agree.len());
}
