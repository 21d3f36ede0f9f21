//! Events of sellers, on the book's stream.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::EntityId;
use crate::party::{Address, TaxId};
use crate::terms::{DefaultSeries, SeriesDefinition, SeriesKind};
use crate::text::Label;
use crate::time::ZoneName;

/// A seller was defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntityDefined {
    /// Its id.
    pub entity: EntityId,
    /// Its legal name.
    pub name: Label,
    /// The zone of its document dates.
    pub zone: ZoneName,
    /// Days from document date to due date.
    pub payment_terms_days: u16,
    /// Its number series.
    pub series: Vec<SeriesDefinition>,
    /// Which of them documents use unless they say otherwise.
    pub default_series: DefaultSeries,
    /// Its documents are kept for so many years after the one in which the last was issued.
    pub document_retention_years: u8,
    /// Where it is.
    pub address: Option<Address<Label>>,
    /// How tax authorities know it.
    pub tax_ids: Vec<TaxId<Label>>,
}

/// A seller has another legal name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntityRenamed {
    /// Which seller.
    pub entity: EntityId,
    /// The new name.
    pub name: Label,
}

/// A seller has another address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntityAddressChanged {
    /// Which seller.
    pub entity: EntityId,
    /// The new address.
    pub address: Address<Label>,
}

/// A seller has other terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntityTermsChanged {
    /// Which seller.
    pub entity: EntityId,
    /// Days from document date to due date, of customers that have no terms of their own.
    pub payment_terms_days: u16,
    /// Its documents are kept for so many years after the one in which the last was issued.
    pub document_retention_years: u8,
}

/// Tax authorities know a seller otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntityTaxIdsChanged {
    /// Which seller.
    pub entity: EntityId,
    /// All that it has.
    pub tax_ids: Vec<TaxId<Label>>,
}

/// A seller has more number series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntitySeriesAdded {
    /// Which seller.
    pub entity: EntityId,
    /// Those that came to the others.
    pub series: Vec<SeriesDefinition>,
}

/// Documents of a seller use other series unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntityDefaultSeriesChanged {
    /// Which seller.
    pub entity: EntityId,
    /// The series.
    pub default_series: DefaultSeries,
}

/// A seller was defined: the form before documents had a retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityDefinedV1 {
    /// Its id.
    pub entity: EntityId,
    /// Its legal name.
    pub name: Label,
    /// The zone of its document dates.
    pub zone: ZoneName,
    /// Days from document date to due date.
    pub payment_terms_days: u16,
    /// Its number series.
    pub series: Vec<SeriesDefinition>,
}

impl From<EntityDefinedV1> for EntityDefined {
    fn from(old: EntityDefinedV1) -> Self {
        let EntityDefinedV1 { entity, name, zone, payment_terms_days, mut series } = old;
        let first = |series: &[SeriesDefinition], kind| {
            series.iter().find(|series| series.kind == kind).map(|series| series.code.clone())
        };
        // A seller without a series for notes could not issue any.
        let credit_note = first(&series, SeriesKind::CreditNote).unwrap_or_else(|| {
            let made = SeriesDefinition::for_notes(&series);
            let code = made.code.clone();
            series.push(made);
            code
        });
        let invoice = first(&series, SeriesKind::Invoice).unwrap_or_else(|| credit_note.clone());
        Self {
            entity,
            name,
            zone,
            payment_terms_days,
            series,
            default_series: DefaultSeries { invoice, credit_note },
            document_retention_years: DOCUMENT_RETENTION_YEARS,
            address: None,
            tax_ids: Vec::new(),
        }
    }
}

/// How many years documents are kept unless the seller says otherwise.
///
/// Ten: books of account in Germany (HGB § 257 (4), AO § 147 (3); invoices alone eight since
/// 2025), in Switzerland (OR art. 958f) and in France (Code de commerce L123-22) are kept so
/// long, each from the end of the year on.
pub const DOCUMENT_RETENTION_YEARS: u8 = 10;
