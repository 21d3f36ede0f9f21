//! A ledger that does what a real one must not: panics, and commits of absurd sizes.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use schemas::command::CatalogCommand;
use schemas::event::CatalogEvent;
use std::collections::BTreeMap;

use command_gateway::{Decider, Gateway};
use event_log::sim::SimDisk;
use ledger_core::{Claims, FoldError, Ledger, Stamp, Unmade};
use schemas::command::RetirePlan;
use schemas::event::{Event, PlanRetired};
use schemas::ids::{CustomerId, PlanId};
use schemas::{Command, CommitView, Date, Rejection, StreamId, Timestamp};
use uuid::Uuid;

use crate::book::{LOG, config, open_book};

/// What retiring the plan of this number does.
pub const FINE: u128 = 1;
pub const PANICS_IN_DECIDE: u128 = 2;
pub const TOO_LARGE: u128 = 3;
pub const PANICS_IN_EVOLVE: u128 = 4;
pub const LARGE: u128 = 5;
pub const REFUSED: u128 = 6;
pub const UNMADE: u128 = 7;

#[derive(Debug, Default)]
pub struct Toy {
    revisions: BTreeMap<StreamId, u64>,
}

pub fn retire(what: u128) -> Command {
    Command::Catalog(CatalogCommand::RetirePlan(RetirePlan {
        plan: PlanId::new(Uuid::from_u128(what)),
    }))
}

pub fn gateway(disk: &SimDisk) -> Gateway {
    Gateway::create_with(&config(disk), LOG, open_book(), Toy::default()).expect("a fresh disk")
}

/// What a ledger says of a commit of a customer that was never registered.
fn nobody(position: u64, stamp: &Stamp) -> Result<(), Unmade> {
    let stream = StreamId::Customer(CustomerId::new(Uuid::from_u128(1)));
    Ledger::default().fold(position, stream, stamp, &[])
}

impl Decider for Toy {
    fn decide(&self, command: &Command, _: &Stamp) -> Result<Vec<Event>, Rejection> {
        let Command::Catalog(CatalogCommand::RetirePlan(RetirePlan { plan })) = command else {
            return Ok(vec![]);
        };
        let retired = Event::Catalog(CatalogEvent::PlanRetired(PlanRetired { plan: *plan }));
        match plan.uuid().as_u128() {
            PANICS_IN_DECIDE => panic!("a bug in decide"),
            TOO_LARGE => Ok(vec![retired; 20_000]),
            LARGE => Ok(vec![retired; 12_000]),
            REFUSED => Err(Rejection::PlanRetired { plan: *plan }),
            _ => Ok(vec![retired]),
        }
    }

    fn fold(
        &mut self,
        position: u64,
        stream: StreamId,
        stamp: &Stamp,
        events: &[Event],
    ) -> Result<(), Unmade> {
        for retired in events.iter().filter_map(|event| event.get::<PlanRetired>()) {
            match retired.plan.uuid().as_u128() {
                PANICS_IN_EVOLVE => panic!("a bug in evolve"),
                UNMADE => return nobody(position, stamp),
                _ => {}
            }
        }
        *self.revisions.entry(stream).or_default() += 1;
        Ok(())
    }

    fn evolve_commit(&mut self, commit: &CommitView<'_>) -> Result<(), FoldError> {
        for raw in commit.events() {
            raw?;
        }
        *self.revisions.entry(commit.stream).or_default() += 1;
        Ok(())
    }

    fn revision(&self, stream: StreamId) -> u64 {
        self.revisions.get(&stream).copied().unwrap_or(0)
    }

    fn test_clock(&self) -> Option<Timestamp> {
        None
    }

    fn due_customers(&self, _: Date) -> Vec<CustomerId> {
        Vec::new()
    }

    fn copy_for(&self, _: Option<CustomerId>, _: &Claims) -> Ledger {
        Ledger::default()
    }

    fn catalog_revision(&self) -> u64 {
        0
    }
}
