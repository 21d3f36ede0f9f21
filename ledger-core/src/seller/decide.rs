//! Decisions about sellers.

use std::collections::BTreeSet;

use schemas::Rejection;
use schemas::command::{DefineEntity, SellerCommand};
use schemas::event::{DOCUMENT_RETENTION_YEARS, EntityDefined, Event};
use schemas::terms::SeriesKind;

use super::state::Sellers;

/// No law asks for more.
const MAX_RETENTION_YEARS: u8 = 100;

/// Decides a command about a seller.
///
/// # Errors
/// The [`Rejection`] that says why not.
pub(crate) fn decide(sellers: &Sellers, command: &SellerCommand) -> Result<Vec<Event>, Rejection> {
    match command {
        SellerCommand::DefineEntity(command) => define_entity(sellers, command),
    }
}

fn define_entity(sellers: &Sellers, command: &DefineEntity) -> Result<Vec<Event>, Rejection> {
    check_terms(command.payment_terms_days)?;
    check_series(command)?;
    let years = command.document_retention_years.unwrap_or(DOCUMENT_RETENTION_YEARS);
    if years > MAX_RETENTION_YEARS {
        return Err(Rejection::InvalidRetention { years });
    }
    let defined = EntityDefined {
        entity: command.entity,
        name: command.name.clone(),
        zone: command.zone.clone(),
        payment_terms_days: command.payment_terms_days,
        series: command.series.clone(),
        document_retention_years: years,
    };
    match sellers.entities.get(&command.entity) {
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
