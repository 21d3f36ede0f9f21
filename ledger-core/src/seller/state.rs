//! Sellers, folded from the book's stream.

use std::collections::BTreeMap;

use schemas::Rejection;
use schemas::ZoneName;
use schemas::event::{EntityDefined, SellerEvent, SellerSnapshot};
use schemas::ids::EntityId;
use schemas::party::{Address, TaxId};
use schemas::terms::{DefaultSeries, SeriesDefinition, SeriesKind};
use schemas::text::{Code, Label};
use serde::{Deserialize, Serialize};

use crate::unmade::Unmade;

/// A seller as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seller {
    pub(crate) entity: EntityId,
    pub(crate) name: Label,
    /// Of its document dates.
    pub(crate) zone: ZoneName,
    /// Of customers that have no terms of their own.
    pub(crate) payment_terms_days: u16,
    /// In the order in which they were made.
    pub(super) series: Vec<SeriesDefinition>,
    pub(super) default_series: DefaultSeries,
    pub(crate) document_retention_years: u8,
    pub(crate) address: Option<Address<Label>>,
    pub(crate) tax_ids: Vec<TaxId<Label>>,
}

impl Seller {
    /// # Errors
    /// [`Unmade`] where a default names no series.
    fn new(defined: &EntityDefined) -> Result<Self, Unmade> {
        let mut seller = Self {
            entity: defined.entity,
            name: defined.name.clone(),
            zone: defined.zone.clone(),
            payment_terms_days: defined.payment_terms_days,
            series: defined.series.clone(),
            default_series: defined.default_series.clone(),
            document_retention_years: defined.document_retention_years,
            address: defined.address.clone(),
            tax_ids: defined.tax_ids.clone(),
        };
        seller.default_to(&defined.default_series)?;
        Ok(seller)
    }

    /// Whether it is what a definition would make of it.
    pub(super) fn is_as(&self, defined: &EntityDefined) -> bool {
        Self::new(defined).is_ok_and(|seller| seller == *self)
    }

    fn default_to(&mut self, defaults: &DefaultSeries) -> Result<(), Unmade> {
        for code in [&defaults.invoice, &defaults.credit_note] {
            if self.find(code).is_none() {
                return Err(Unmade::of(format!("series {code} of"), self.entity));
            }
        }
        self.default_series = defaults.clone();
        Ok(())
    }

    pub(super) fn find(&self, code: &Code) -> Option<&SeriesDefinition> {
        self.series.iter().find(|series| series.code == *code)
    }

    /// Its series, in the order in which they were made.
    pub(crate) fn series(&self) -> &[SeriesDefinition] {
        &self.series
    }

    /// Which of them documents use unless they say otherwise.
    pub(crate) fn defaults(&self) -> &DefaultSeries {
        &self.default_series
    }

    /// As its documents show it.
    pub(crate) fn snapshot(&self) -> SellerSnapshot {
        let (name, address) = (self.name.clone(), self.address.clone());
        SellerSnapshot { name, address, tax_ids: self.tax_ids.clone() }
    }
}

/// Every seller of the book.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sellers {
    pub(super) entities: BTreeMap<EntityId, Seller>,
    /// How many events made them what they are.
    revision: usize,
}

impl Sellers {
    /// Counts what decisions take from sellers.
    pub(crate) const fn revision(&self) -> usize {
        self.revision
    }

    /// # Errors
    /// [`Rejection::UnknownEntity`].
    pub(crate) fn entity(&self, entity: EntityId) -> Result<&Seller, Rejection> {
        self.entities.get(&entity).ok_or(Rejection::UnknownEntity { entity })
    }

    /// Every seller, by id.
    pub(crate) fn all(&self) -> impl ExactSizeIterator<Item = &Seller> {
        self.entities.values()
    }

    /// Folds one event in.
    ///
    /// # Errors
    /// [`Unmade`] when it names a seller or a series that was never made, or makes one again.
    pub(crate) fn evolve(&mut self, event: &SellerEvent) -> Result<(), Unmade> {
        match event {
            SellerEvent::EntityDefined(defined) => {
                let seller = Seller::new(defined)?;
                if self.entities.insert(defined.entity, seller).is_some() {
                    return Err(Unmade::of("an undefined", defined.entity));
                }
            }
            SellerEvent::EntityRenamed(renamed) => {
                self.known(renamed.entity)?.name = renamed.name.clone();
            }
            SellerEvent::EntityAddressChanged(changed) => {
                self.known(changed.entity)?.address = Some(changed.address.clone());
            }
            SellerEvent::EntityTermsChanged(changed) => {
                let seller = self.known(changed.entity)?;
                seller.payment_terms_days = changed.payment_terms_days;
                seller.document_retention_years = changed.document_retention_years;
            }
            SellerEvent::EntityTaxIdsChanged(changed) => {
                self.known(changed.entity)?.tax_ids.clone_from(&changed.tax_ids);
            }
            SellerEvent::EntitySeriesAdded(added) => {
                self.known(added.entity)?.series.extend(added.series.iter().cloned());
            }
            SellerEvent::EntityDefaultSeriesChanged(changed) => {
                self.known(changed.entity)?.default_to(&changed.default_series)?;
            }
        }
        self.revision += 1;
        Ok(())
    }

    fn known(&mut self, entity: EntityId) -> Result<&mut Seller, Unmade> {
        self.entities.get_mut(&entity).ok_or_else(|| Unmade::named(entity))
    }
}

/// The series of a seller by code, or its default for documents of a kind.
///
/// # Errors
/// [`Rejection::UnknownSeries`].
pub(crate) fn series<'a>(
    seller: &'a Seller,
    code: Option<&Code>,
    kind: SeriesKind,
) -> Result<&'a SeriesDefinition, Rejection> {
    let defaults = &seller.default_series;
    let code = code.unwrap_or(match kind {
        SeriesKind::Invoice | SeriesKind::Historical => &defaults.invoice,
        SeriesKind::CreditNote => &defaults.credit_note,
    });
    let unknown = || Rejection::UnknownSeries { entity: seller.entity, series: code.clone() };
    seller.find(code).ok_or_else(unknown)
}
