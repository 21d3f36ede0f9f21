//! `customers.get`, `entities.get`, `entities.list`.

use ledger_core::Claims;
use schemas::Problem;
use schemas::ids::EntityId;
use schemas::query::{CustomersGet, EntitiesGet, EntitiesList};
use schemas::view::Page;
use schemas::wire::Reply;

use super::{Asked, cursor, needed, page_size};

pub(super) async fn customer(asked: &Asked<'_>, question: CustomersGet) -> Result<Reply, Problem> {
    let customer = needed(question.customer, "/customer")?;
    let excerpt = asked.copy(customer).await?;
    asked.reckon(excerpt, move |copy| copy.ledger.customer_view(customer)).await
}

pub(super) async fn entity(asked: &Asked<'_>, question: EntitiesGet) -> Result<Reply, Problem> {
    let entity = needed(question.entity, "/entity")?;
    let excerpt = asked.copy_with(None, Claims::default()).await?;
    asked.reckon(excerpt, move |copy| copy.ledger.entity_view(entity)).await
}

pub(super) async fn entities(asked: &Asked<'_>, question: EntitiesList) -> Result<Reply, Problem> {
    let limit = page_size(question.limit)?;
    let after: Option<EntityId> = cursor(question.after.as_deref())?;
    let excerpt = asked.copy_with(None, Claims::default()).await?;
    let (position, time) = (asked.position(&excerpt), excerpt.recorded_at);
    let mut rest = excerpt.ledger.entity_views(after);
    let data: Vec<_> = rest.by_ref().take(limit).collect();
    let has_more = rest.next().is_some();
    let next = data.last().filter(|_| has_more).map(|last| last.entity.to_string());
    Ok(Reply::json(&Page { data, has_more, next, position, time }))
}
