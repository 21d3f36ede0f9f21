//! Sellers, folded from the book's stream.

use std::collections::BTreeMap;

use schemas::Rejection;
use schemas::event::{EntityDefined, SellerEvent};
use schemas::ids::EntityId;
use schemas::terms::{SeriesDefinition, SeriesKind};
use schemas::text::Code;
use serde::{Deserialize, Serialize};

/// Every seller of the book.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sellers {
    pub(super) entities: BTreeMap<EntityId, EntityDefined>,
}

impl Sellers {
    /// Counts what decisions take from sellers.
    pub(crate) fn revision(&self) -> usize {
        self.entities.len()
    }

    /// # Errors
    /// [`Rejection::UnknownEntity`].
    pub(crate) fn entity(&self, entity: EntityId) -> Result<&EntityDefined, Rejection> {
        self.entities.get(&entity).ok_or(Rejection::UnknownEntity { entity })
    }

    /// Every seller, by id.
    pub(crate) fn all(&self) -> impl Iterator<Item = &EntityDefined> {
        self.entities.values()
    }

    pub(crate) fn evolve(&mut self, event: &SellerEvent) {
        match event {
            SellerEvent::EntityDefined(entity) => {
                self.entities.insert(entity.entity, entity.clone());
            }
        }
    }
}

/// The series of an entity by code, or its first of `kind`; none where no code is asked for and
/// the entity has none of the kind.
///
/// # Errors
/// [`Rejection::UnknownSeries`].
pub(crate) fn series<'a>(
    entity: &'a EntityDefined,
    code: Option<&Code>,
    kind: SeriesKind,
) -> Result<Option<&'a SeriesDefinition>, Rejection> {
    match code {
        None => Ok(entity.series.iter().find(|series| series.kind == kind)),
        Some(code) => {
            entity.series.iter().find(|series| series.code == *code).map(Some).ok_or_else(|| {
                Rejection::UnknownSeries { entity: entity.entity, series: code.clone() }
            })
        }
    }
}
