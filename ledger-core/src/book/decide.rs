//! Decisions on the book's stream.

use std::collections::{BTreeMap, BTreeSet};

use schemas::command::{
    AdvanceClock, BookCommand, CatalogCommand, Command, DefineEntity, OpenBook, ProcessCommand,
    RunBilling, SellerCommand,
};
use schemas::event::{BillingRunStarted, BookOpened, ClockAdvanced, EntityDefined, Event};
use schemas::terms::SeriesKind;
use schemas::{Rejection, ZoneName};

use super::Book;
use super::catalog::{define_coupon, define_plan, migrate_plan, retire_plan};
use crate::ledger::Stamp;

/// Decides a command of the book's stream.
pub(crate) fn decide(
    book: &Book,
    command: &Command,
    stamp: &Stamp,
) -> Result<Vec<Event>, Rejection> {
    if let Command::Book(BookCommand::OpenBook(open)) = command {
        return match book.opened {
            Some(_) => Err(Rejection::BookAlreadyOpen),
            None => open_book(open),
        };
    }
    book.opened()?;
    match command {
        Command::Book(BookCommand::AdvanceClock(command)) => advance_clock(book, command),
        Command::Seller(SellerCommand::DefineEntity(command)) => define_entity(book, command),
        Command::Catalog(CatalogCommand::DefinePlan(command)) => define_plan(book, command),
        Command::Catalog(CatalogCommand::RetirePlan(command)) => retire_plan(book, command),
        Command::Catalog(CatalogCommand::MigratePlan(command)) => migrate_plan(book, command),
        Command::Catalog(CatalogCommand::DefineCoupon(command)) => define_coupon(book, command),
        Command::Process(ProcessCommand::RunBilling(command)) => run_billing(book, command, stamp),
        Command::Book(BookCommand::OpenBook(_))
        | Command::Customer(_)
        | Command::Subscription(_)
        | Command::Billing(_)
        | Command::Settlement(_) => {
            unreachable!("Command::stream says this is not of the book: {command:?}")
        }
    }
}

fn open_book(open: &OpenBook) -> Result<Vec<Event>, Rejection> {
    let none = BTreeMap::new();
    let replaced = open.policies.as_ref().unwrap_or(&none);
    let policies = open.profile.with(replaced).map_err(|unknown| Rejection::UnknownPolicy {
        policy: unknown.policy,
        rule: unknown.rule,
        known: unknown.known,
    })?;
    let (book, profile, clock) = (open.book.clone(), open.profile, open.clock);
    Ok(vec![BookOpened { book, profile, policies, clock }.into()])
}

fn advance_clock(book: &Book, command: &AdvanceClock) -> Result<Vec<Event>, Rejection> {
    let now = book.test_clock.ok_or(Rejection::NotATestBook)?;
    if command.to < now {
        return Err(Rejection::ClockMovesBack { now, to: command.to });
    }
    if command.to == now {
        return Ok(Vec::new());
    }
    Ok(vec![ClockAdvanced { to: command.to }.into()])
}

fn define_entity(book: &Book, command: &DefineEntity) -> Result<Vec<Event>, Rejection> {
    check_terms(command.payment_terms_days)?;
    check_series(command)?;
    let defined = EntityDefined {
        entity: command.entity,
        name: command.name.clone(),
        zone: command.zone.clone(),
        payment_terms_days: command.payment_terms_days,
        series: command.series.clone(),
    };
    match book.entities.get(&command.entity) {
        Some(existing) if *existing == defined => Ok(Vec::new()),
        Some(_) => Err(Rejection::EntityExists { entity: command.entity }),
        None => Ok(vec![defined.into()]),
    }
}

fn check_series(command: &DefineEntity) -> Result<(), Rejection> {
    let invalid = |why| Err(Rejection::InvalidSeries { why });
    if command.series.is_empty() || command.series.len() > 16 {
        return invalid("the number of series is out of range");
    }
    let codes: BTreeSet<_> = command.series.iter().map(|series| &series.code).collect();
    let prefixes: BTreeSet<_> = command.series.iter().map(|series| &series.prefix).collect();
    if codes.len() != command.series.len() || prefixes.len() != command.series.len() {
        return invalid("two series share a code or a prefix");
    }
    if command.series.iter().any(|series| !(1..=12).contains(&series.digits)) {
        return invalid("a series has no digits, or too many");
    }
    if command.series.iter().any(|series| series.prefix.as_str().len() > 12) {
        return invalid("a prefix is longer than 12 characters");
    }
    if command.series.iter().all(|series| series.kind != SeriesKind::Invoice) {
        return invalid("no series is of kind invoice");
    }
    Ok(())
}

/// Payment terms lie between 0 and 365 days.
pub(crate) fn check_terms(days: u16) -> Result<(), Rejection> {
    if days <= 365 { Ok(()) } else { Err(Rejection::InvalidPaymentTerms { days }) }
}

fn run_billing(book: &Book, command: &RunBilling, stamp: &Stamp) -> Result<Vec<Event>, Rejection> {
    if book.runs.contains_key(&command.run) {
        return Err(Rejection::RunExists { run: command.run });
    }
    let today = latest_today(book, stamp)?;
    if command.through > today {
        return Err(Rejection::ThroughInFuture { through: command.through, today });
    }
    Ok(vec![BillingRunStarted { run: command.run, through: command.through }.into()])
}

/// The latest civil date that it is for any seller of the book, or in UTC. `through` selects
/// cycles by their own dates: a customer in a zone further west is billed some hours before its
/// own day begins.
fn latest_today(book: &Book, stamp: &Stamp) -> Result<schemas::Date, Rejection> {
    let utc = ZoneName::utc();
    let zones = book.entities.values().map(|entity| &entity.zone).chain([&utc]);
    let mut latest = schemas::Date::MIN;
    for zone in zones {
        latest = latest.max(zone.date_at(stamp.recorded_at)?);
    }
    Ok(latest)
}
