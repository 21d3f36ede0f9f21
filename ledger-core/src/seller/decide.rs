//! Decisions about sellers.

use std::collections::BTreeSet;

use schemas::Rejection;
use schemas::command::{DefineEntity, SellerCommand, UpdateEntity};
use schemas::event::{
    DOCUMENT_RETENTION_YEARS, EntityAddressChanged, EntityDefaultSeriesChanged, EntityDefined,
    EntityRenamed, EntitySeriesAdded, EntityTaxIdsChanged, EntityTermsChanged, Event,
};
use schemas::party::{Address, TaxId};
use schemas::terms::{DefaultSeries, SeriesDefinition, SeriesKind};
use schemas::text::Code;

use super::state::{Seller, Sellers};

/// No law asks for more.
const MAX_RETENTION_YEARS: u8 = 100;
/// The most number series of one seller.
const MAX_SERIES: usize = 64;
/// The most lines of an address.
const MAX_ADDRESS_LINES: usize = 6;
/// The most tax ids of one seller or customer.
const MAX_TAX_IDS: usize = 16;

/// Decides a command about a seller.
///
/// # Errors
/// The [`Rejection`] that says why not.
pub(crate) fn decide(sellers: &Sellers, command: &SellerCommand) -> Result<Vec<Event>, Rejection> {
    match command {
        SellerCommand::DefineEntity(command) => define(sellers, command),
        SellerCommand::UpdateEntity(command) => update(sellers, command),
    }
}

/// Makes a seller, with a series for credit notes if it names none: whoever can issue invoices can
/// take them back.
fn define(sellers: &Sellers, command: &DefineEntity) -> Result<Vec<Event>, Rejection> {
    check_terms(command.payment_terms_days)?;
    let mut series = command.series.clone();
    check_series(&series)?;
    let first = |series: &[SeriesDefinition], kind| {
        series.iter().find(|series| series.kind == kind).map(|series| series.code.clone())
    };
    let Some(invoice) = first(&series, SeriesKind::Invoice) else {
        return Err(Rejection::InvalidSeries { why: "no series is of kind invoice" });
    };
    let credit_note = first(&series, SeriesKind::CreditNote).unwrap_or_else(|| {
        let made = SeriesDefinition::for_notes(&series);
        let code = made.code.clone();
        series.push(made);
        code
    });
    let years = command.document_retention_years.unwrap_or(DOCUMENT_RETENTION_YEARS);
    check_retention(years)?;
    command.address.as_ref().map_or(Ok(()), check_address)?;
    let tax_ids = command.tax_ids.clone().unwrap_or_default();
    check_tax_ids(&tax_ids)?;
    let defined = EntityDefined {
        entity: command.entity,
        name: command.name.clone(),
        zone: command.zone.clone(),
        payment_terms_days: command.payment_terms_days,
        series,
        default_series: DefaultSeries { invoice, credit_note },
        document_retention_years: years,
        address: command.address.clone(),
        tax_ids,
    };
    match sellers.entities.get(&command.entity) {
        Some(existing) if existing.is_as(&defined) => Ok(Vec::new()),
        Some(_) => Err(Rejection::EntityExists { entity: command.entity }),
        None => Ok(vec![defined.into()]),
    }
}

/// Whether an update gives nothing.
pub(crate) fn says_nothing(update: &UpdateEntity) -> bool {
    let UpdateEntity {
        entity: _,
        name,
        address,
        payment_terms_days,
        document_retention_years,
        tax_ids,
        add_series,
        default_series,
    } = update;
    name.is_none()
        && address.is_none()
        && payment_terms_days.is_none()
        && document_retention_years.is_none()
        && tax_ids.is_none()
        && add_series.is_none()
        && default_series.is_none()
}

/// Corrects what is given; nothing where it is so already.
fn update(sellers: &Sellers, command: &UpdateEntity) -> Result<Vec<Event>, Rejection> {
    let entity = command.entity;
    let seller = sellers.entity(entity)?;
    let UpdateEntity {
        entity: _,
        name,
        address,
        payment_terms_days,
        document_retention_years,
        tax_ids,
        add_series,
        default_series,
    } = command;
    if says_nothing(command) {
        return Err(Rejection::NothingToChange);
    }
    let mut events: Vec<Event> = Vec::new();
    if let Some(name) = name.clone().filter(|name| *name != seller.name) {
        events.push(EntityRenamed { entity, name }.into());
    }
    if let Some(address) = address {
        check_address(address)?;
        if seller.address.as_ref() != Some(address) {
            let address = address.clone();
            events.push(EntityAddressChanged { entity, address }.into());
        }
    }
    events.extend(terms(seller, *payment_terms_days, *document_retention_years)?);
    if let Some(tax_ids) = tax_ids {
        check_tax_ids(tax_ids)?;
        if seller.tax_ids != *tax_ids {
            events.push(EntityTaxIdsChanged { entity, tax_ids: tax_ids.clone() }.into());
        }
    }
    let mut all = seller.series().to_vec();
    if let Some(series) = add_series.clone().filter(|series| !series.is_empty()) {
        all.extend(series.iter().cloned());
        check_series(&all)?;
        events.push(EntitySeriesAdded { entity, series }.into());
    }
    let defaults = defaults(seller, &all, default_series.as_deref().unwrap_or_default())?;
    if defaults != *seller.defaults() {
        events.push(EntityDefaultSeriesChanged { entity, default_series: defaults }.into());
    }
    Ok(events)
}

fn terms(
    seller: &Seller,
    payment_terms_days: Option<u16>,
    document_retention_years: Option<u8>,
) -> Result<Option<Event>, Rejection> {
    let days = payment_terms_days.unwrap_or(seller.payment_terms_days);
    let years = document_retention_years.unwrap_or(seller.document_retention_years);
    check_terms(days)?;
    check_retention(years)?;
    let changed = (days, years) != (seller.payment_terms_days, seller.document_retention_years);
    let event = || {
        let (payment_terms_days, document_retention_years) = (days, years);
        let entity = seller.entity;
        EntityTermsChanged { entity, payment_terms_days, document_retention_years }.into()
    };
    Ok(changed.then(event))
}

/// The defaults, with each of `codes` as the one of its kind.
fn defaults(
    seller: &Seller,
    all: &[SeriesDefinition],
    codes: &[Code],
) -> Result<DefaultSeries, Rejection> {
    let mut defaults = seller.defaults().clone();
    let mut kinds = BTreeSet::new();
    for code in codes {
        let found = all.iter().find(|series| series.code == *code).ok_or_else(|| {
            Rejection::UnknownSeries { entity: seller.entity, series: code.clone() }
        })?;
        match found.kind {
            SeriesKind::Invoice => defaults.invoice = code.clone(),
            SeriesKind::CreditNote => defaults.credit_note = code.clone(),
            SeriesKind::Historical => {
                let (series, kind) = (code.clone(), found.kind);
                return Err(Rejection::WrongSeriesKind { series, kind });
            }
        }
        if !kinds.insert(found.kind) {
            return Err(Rejection::InvalidSeries { why: "two defaults are of one kind" });
        }
    }
    Ok(defaults)
}

fn check_series(series: &[SeriesDefinition]) -> Result<(), Rejection> {
    let invalid = |why| Err(Rejection::InvalidSeries { why });
    if series.is_empty() || series.len() > MAX_SERIES {
        return invalid("the number of series is out of range");
    }
    let codes: BTreeSet<_> = series.iter().map(|series| &series.code).collect();
    let prefixes: BTreeSet<_> = series.iter().map(|series| &series.prefix).collect();
    if codes.len() != series.len() || prefixes.len() != series.len() {
        return invalid("two series share a code or a prefix");
    }
    if series.iter().any(|series| !(1..=12).contains(&series.digits)) {
        return invalid("a series has no digits, or too many");
    }
    if series.iter().any(|series| series.prefix.as_str().len() > 12) {
        return invalid("a prefix is longer than 12 characters");
    }
    Ok(())
}

fn check_retention(years: u8) -> Result<(), Rejection> {
    if years <= MAX_RETENTION_YEARS { Ok(()) } else { Err(Rejection::InvalidRetention { years }) }
}

/// Payment terms lie between 0 and 365 days.
pub(crate) fn check_terms(days: u16) -> Result<(), Rejection> {
    if days <= 365 { Ok(()) } else { Err(Rejection::InvalidPaymentTerms { days }) }
}

/// An address has at least one line, and not too many for an envelope.
pub(crate) fn check_address<T>(address: &Address<T>) -> Result<(), Rejection> {
    let lines = address.lines.len();
    if (1..=MAX_ADDRESS_LINES).contains(&lines) {
        Ok(())
    } else {
        Err(Rejection::InvalidAddress { lines })
    }
}

/// Every document shows all of them.
pub(crate) fn check_tax_ids<T>(tax_ids: &[TaxId<T>]) -> Result<(), Rejection> {
    if tax_ids.len() <= MAX_TAX_IDS {
        return Ok(());
    }
    let way = "give those that documents have to show";
    Err(Rejection::TooMany { what: "tax ids", limit: MAX_TAX_IDS, way })
}
