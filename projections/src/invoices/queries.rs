//! What can be asked of the register of invoices.

mod documents;
mod explain;
mod list;
mod summary;

use crate::answer::unknown_query;
use crate::projection::{Answered, QueryError, View};

pub(super) fn answer(view: &View<'_>, name: &str, body: &[u8]) -> Result<Answered, QueryError> {
    match name {
        "get" => documents::get(view, body).map(Answered::Written),
        "explain" => explain::explain(view, body).map(Answered::ByCommits),
        "list" => list::list(view, body).map(Answered::Written),
        "summary" => summary::summary(view, body).map(Answered::Written),
        other => Err(unknown_query("invoices", other)),
    }
}
