//! What can be asked of revenue.

mod schedule;
mod totals;

use crate::answer::unknown_query;
use crate::projection::{QueryError, View};

pub(super) fn answer(view: &View<'_>, name: &str, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    match name {
        "get" => schedule::get(view, body),
        "waterfall" => totals::waterfall(view, body),
        "recognized" => totals::recognized(view, body),
        other => Err(unknown_query("revenue", other)),
    }
}
