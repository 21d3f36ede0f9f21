//! A ledger that does what a real one must not: panics, and commits of absurd sizes.
//!
//! What retiring the plan of a number does, billing the customer of that number does, too.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;

use command_gateway::{Decider, Gateway};
use event_log::sim::SimDisk;
use ledger_core::process::Subjects;
use ledger_core::{Claims, Ledger, Stamp, Unmade};
use schemas::command::{BillCustomer, ParkCustomer, RetirePlan, RunBilling};
use schemas::event::{BillingRunStarted, CustomerParked, Event, PlanRetired};
use schemas::ids::{CustomerId, PlanId};
use schemas::{Command, Rejection, StreamId, Timestamp};
use uuid::Uuid;

use crate::book::{LOG, config, open_book};

/// What the plan or customer of this number does.
pub const FINE: u128 = 1;
pub const PANICS_IN_DECIDE: u128 = 2;
pub const TOO_LARGE: u128 = 3;
pub const PANICS_IN_EVOLVE: u128 = 4;
pub const LARGE: u128 = 5;
pub const REFUSED: u128 = 6;
pub const UNMADE: u128 = 7;
/// Refused, and cannot be parked: that is refused, too.
pub const CANNOT_PARK: u128 = 8;
/// Refused, and parking it panics.
pub const PANICS_IN_PARK: u128 = 9;

#[derive(Debug, Default)]
pub struct Toy {
    revisions: BTreeMap<StreamId, u64>,
    due: Vec<CustomerId>,
    parked: u64,
}

/// A toy in which these customers are due whenever that is asked.
pub fn due(numbers: impl IntoIterator<Item = u128>) -> Toy {
    let mut due: Vec<_> = numbers.into_iter().map(customer).collect();
    due.sort_unstable();
    Toy { due, ..Toy::default() }
}

pub fn customer(number: u128) -> CustomerId {
    CustomerId::new(Uuid::from_u128(number))
}

pub fn retire(what: u128) -> Command {
    RetirePlan { plan: PlanId::new(Uuid::from_u128(what)) }.into()
}

pub fn gateway(disk: &SimDisk) -> Gateway {
    gateway_of(disk, Toy::default())
}

pub fn gateway_of(disk: &SimDisk, toy: Toy) -> Gateway {
    Gateway::create_with(&config(disk), LOG, open_book(), toy).expect("a fresh disk")
}

fn act(number: u128) -> Result<Vec<Event>, Rejection> {
    let plan = PlanId::new(Uuid::from_u128(number));
    let retired = Event::from(PlanRetired { plan });
    match number {
        PANICS_IN_DECIDE => panic!("a bug in decide"),
        TOO_LARGE => Ok(vec![retired; 20_000]),
        LARGE => Ok(vec![retired; 12_000]),
        REFUSED | CANNOT_PARK | PANICS_IN_PARK => Err(Rejection::PlanRetired { plan }),
        _ => Ok(vec![retired]),
    }
}

fn park(command: &ParkCustomer) -> Result<Vec<Event>, Rejection> {
    let ParkCustomer { customer, process, run, reason, detail } = command.clone();
    match customer.uuid().as_u128() {
        CANNOT_PARK => Err(Rejection::UnknownCustomer { customer }),
        PANICS_IN_PARK => panic!("a bug in parking"),
        _ => Ok(vec![CustomerParked { process, run, reason, detail }.into()]),
    }
}

/// What a ledger says of a commit of a customer that was never registered.
fn nobody(position: u64, stamp: &Stamp) -> Result<(), Unmade> {
    let stream = StreamId::Customer(CustomerId::new(Uuid::from_u128(1)));
    Ledger::default().fold(position, stream, stamp, &[])
}

impl Decider for Toy {
    fn decide(&self, command: &Command, _: &Stamp) -> Result<Vec<Event>, Rejection> {
        if let Some(RetirePlan { plan }) = command.get() {
            act(plan.uuid().as_u128())
        } else if let Some(BillCustomer { customer, .. }) = command.get() {
            act(customer.uuid().as_u128())
        } else if let Some(command) = command.get() {
            park(command)
        } else if let Some(RunBilling { run, through, .. }) = command.get() {
            Ok(vec![BillingRunStarted { run: *run, through: *through, ahead: false }.into()])
        } else {
            Ok(vec![])
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
        self.parked +=
            events.iter().filter_map(|event| event.get::<CustomerParked>()).count() as u64;
        *self.revisions.entry(stream).or_default() += 1;
        Ok(())
    }

    fn revision(&self, stream: StreamId) -> u64 {
        self.revisions.get(&stream).copied().unwrap_or(0)
    }

    fn test_clock(&self) -> Option<Timestamp> {
        None
    }

    fn opens_at(&self, _: &Command) -> Option<Timestamp> {
        None
    }

    fn subjects(&self, _: Subjects) -> Vec<CustomerId> {
        self.due.clone()
    }

    fn parked(&self) -> u64 {
        self.parked
    }

    fn erased(&self) -> Vec<(CustomerId, schemas::fields::Erasure)> {
        Vec::new()
    }

    fn is_erased(&self, _: schemas::ids::CustomerId) -> bool {
        false
    }

    fn copy_for(&self, _: Option<CustomerId>, _: &Claims) -> Ledger {
        Ledger::default()
    }

    fn copy_with_plan(
        &self,
        _: schemas::ids::PlanId,
        _: Option<CustomerId>,
        _: usize,
    ) -> (Ledger, Option<CustomerId>) {
        (Ledger::default(), None)
    }

    fn catalog_revision(&self) -> u64 {
        0
    }
}
