//! Decisions on the book's stream.

use std::collections::BTreeSet;

use schemas::command::{AdvanceClock, Command, DefineEntity, DefinePlan, RetirePlan, RunBilling};
use schemas::event::{
    BillingRunStarted, BookOpened, ClockAdvanced, EntityDefined, Event, PlanRetired,
    PlanVersionDefined,
};
use schemas::terms::{CalendarUnit, Every, SeriesKind};
use schemas::{Rejection, ZoneName};

use super::Book;
use crate::ledger::Stamp;

/// The most versions of one plan.
const MAX_PLAN_VERSIONS: u32 = 1_000;

/// Decides a command of the book's stream.
pub(crate) fn decide(
    book: &Book,
    command: &Command,
    stamp: &Stamp,
) -> Result<Vec<Event>, Rejection> {
    if let Command::OpenBook(open) = command {
        return match book.opened {
            Some(_) => Err(Rejection::BookAlreadyOpen),
            None => Ok(vec![
                BookOpened { book: open.book.clone(), profile: open.profile, clock: open.clock }
                    .into(),
            ]),
        };
    }
    book.opened()?;
    match command {
        Command::AdvanceClock(command) => advance_clock(book, command),
        Command::DefineEntity(command) => define_entity(book, command),
        Command::DefinePlan(command) => define_plan(book, command),
        Command::RetirePlan(command) => retire_plan(book, command),
        Command::RunBilling(command) => run_billing(book, command, stamp),
        Command::OpenBook(_)
        | Command::RegisterCustomer(_)
        | Command::UpdateCustomer(_)
        | Command::CreateSubscription(_)
        | Command::ChangePlan(_)
        | Command::ChangeQuantity(_)
        | Command::CancelSubscription(_)
        | Command::ApplyDiscount(_)
        | Command::RemoveDiscount(_)
        | Command::AddCharge(_)
        | Command::InvoiceNow(_)
        | Command::VoidInvoice(_)
        | Command::BillCustomer(_)
        | Command::RecordPayment(_)
        | Command::ReversePayment(_)
        | Command::RefundPayment(_)
        | Command::GrantCredit(_) => {
            unreachable!("Command::stream says this is not of the book: {command:?}")
        }
    }
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

fn define_plan(book: &Book, command: &DefinePlan) -> Result<Vec<Event>, Rejection> {
    check_every(command.every)?;
    let invalid = |why| Err(Rejection::InvalidPrices { why });
    if command.prices.is_empty() || command.prices.len() > 64 {
        return invalid("the number of prices is out of range");
    }
    let currencies: BTreeSet<_> = command.prices.iter().map(|price| price.currency).collect();
    if currencies.len() != command.prices.len() {
        return invalid("two prices have the same currency");
    }
    if let Some(price) = command.prices.iter().find(|price| price.amount.is_negative()) {
        return Err(Rejection::NegativeUnitPrice { amount: price.amount });
    }
    if command.prices.iter().any(|price| price.amount.scale() > 12) {
        return invalid("a price has more than 12 decimal places");
    }
    let version = match book.plans.get(&command.plan) {
        Some(plan) if plan.retired => return Err(Rejection::PlanRetired { plan: command.plan }),
        Some(plan) => plan.versions.last().map_or(0, |defined| defined.version) + 1,
        None => 1,
    };
    if version > MAX_PLAN_VERSIONS {
        return Err(Rejection::TooManyPlanVersions {
            plan: command.plan,
            versions: MAX_PLAN_VERSIONS,
        });
    }
    Ok(vec![
        PlanVersionDefined {
            plan: command.plan,
            version,
            name: command.name.clone(),
            every: command.every,
            timing: command.timing,
            model: command.model,
            prices: command.prices.clone(),
        }
        .into(),
    ])
}

fn check_every(every: Every) -> Result<(), Rejection> {
    let most = match every.unit {
        CalendarUnit::Day => 1_000,
        CalendarUnit::Week => 520,
        CalendarUnit::Month => 120,
        CalendarUnit::Year => 10,
    };
    if (1..=most).contains(&every.count) {
        Ok(())
    } else {
        Err(Rejection::InvalidCycleLength { count: every.count })
    }
}

fn retire_plan(book: &Book, command: &RetirePlan) -> Result<Vec<Event>, Rejection> {
    let plan = command.plan;
    let found = book.plans.get(&plan).ok_or(Rejection::UnknownPlan { plan })?;
    if found.retired {
        return Err(Rejection::PlanRetired { plan });
    }
    Ok(vec![PlanRetired { plan }.into()])
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
