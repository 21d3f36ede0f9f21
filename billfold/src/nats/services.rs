//! What a process offers on NATS.

use std::sync::Arc;

use command_gateway::GatewayHandle;
use command_gateway::door::nats::ServiceSpec;
use projections::{Projectors, ViewName};
use schemas::text::BookName;
use schemas::wire::LogPosition;
use serde_json::json;
use uuid::Uuid;

/// The gateway of an open book.
pub fn gateway(handle: &GatewayHandle, schema_hash: &str) -> ServiceSpec {
    let facts = handle.clone();
    ServiceSpec::gateway(handle.book(), handle.log(), schema_hash).with_facts(move || {
        let position = facts.progress().durable();
        json!({
            "position": LogPosition { log: facts.log(), position }.to_string(),
            "queued": facts.queued(),
            "running": facts.progress().stopped().is_none(),
        })
    })
}

/// The projector of a read model; none if the registry does not have it.
pub fn projector(
    book: &BookName,
    log: Uuid,
    projectors: &Arc<Projectors>,
    view: ViewName,
    schema_hash: &str,
) -> Option<ServiceSpec> {
    let facts = Arc::clone(projectors);
    let spec = ServiceSpec::projector(book, log, schema_hash, view.as_str(), view.version())?;
    Some(spec.with_facts(move || {
        let status = facts.status();
        let Some(status) = status.into_iter().find(|one| one.view == view) else {
            return json!(null);
        };
        json!({
            "position": LogPosition { log, position: status.position }.to_string(),
            "commits_behind": status.lag(),
            "state": format!("{:?}", status.state).to_lowercase(),
        })
    }))
}
