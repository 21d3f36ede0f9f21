//! What can be asked of the register of invoices.

mod documents;
mod explain;
mod list;
mod summary;

use crate::answer::unknown_query;
use crate::projection::{QueryError, View};

pub(super) fn answer(view: &View<'_>, name: &str, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    match name {
        "get" => documents::get(view, body),
        "explain" => explain::explain(view, body),
        "list" => list::list(view, body),
        "summary" => summary::summary(view, body),
        other => Err(unknown_query("invoices", other)),
    }
}
