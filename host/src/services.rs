//! What a process offers on NATS.

use command_gateway::GatewayHandle;
use command_gateway::door::nats::ServiceSpec;
use projections::QueryService;
use schemas::text::BookName;
use schemas::wire::LogPosition;
use serde_json::json;

/// The gateway of an open book.
pub(crate) fn gateway_service(handle: &GatewayHandle, schema_hash: &str) -> ServiceSpec {
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
pub(crate) fn projector_service(
    book: &BookName,
    service: &QueryService,
    schema_hash: &str,
) -> Option<ServiceSpec> {
    let (log, view) = (service.position().log, service.view());
    let facts = service.clone();
    let version = service.version();
    let spec = ServiceSpec::projector(book, log, schema_hash, view, version)?;
    Some(spec.with_facts(move || {
        let status = facts.status(Vec::new());
        json!({
            "position": LogPosition { log, position: status.position }.to_string(),
            "lag_commits": status.lag_commits,
            "lag_ms": status.lag_ms,
            "state": status.state,
        })
    }))
}
