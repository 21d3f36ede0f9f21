//! What a book's subjects lead to in this process, beside its gateway.

use std::sync::Arc;

use command_gateway::{Blocking, Service};
use projections::{DEFAULT_PATIENCE, Projectors};
use schemas::Problem;
use schemas::problem::Fault;
use schemas::wire::{Endpoint, Headers, LogPosition, Message, NotPosition, Reply, Subject, header};

/// Answers `query.<view>.*`.
pub(super) fn queries(projectors: &Arc<Projectors>) -> Arc<dyn Service> {
    let projectors = Arc::clone(projectors);
    Arc::new(Blocking::new(move |subject: &Subject, message: &Message| {
        let Endpoint::Query { view, name } = &subject.endpoint else {
            let detail = format!("{} is no query; ask query.<view>.<name>", message.subject);
            return Err(Problem::fault(Fault::UnknownSubject, detail));
        };
        answer(&projectors, view, name, &message.headers, &message.body)
    }))
}

/// Answers one query.
///
/// # Errors
/// The [`Problem`] for the one who asked.
pub(super) fn answer(
    projectors: &Projectors,
    view: &str,
    name: &str,
    headers: &Headers,
    body: &[u8],
) -> Result<Reply, Problem> {
    let at_least: Option<LogPosition> = headers
        .get(header::AT_LEAST)
        .map(|text| text.parse())
        .transpose()
        .map_err(|error: NotPosition| Problem::fault(Fault::Malformed, error.to_string()))?;
    let body = projectors.answer(view, name, body, at_least, DEFAULT_PATIENCE)?;
    Ok(Reply { headers: Headers::new(), body })
}

/// Answers `schema.get`.
pub(super) fn schemas() -> Arc<dyn Service> {
    Arc::new(Blocking::new(|_: &Subject, message: &Message| crate::schema::answer(&message.body)))
}
