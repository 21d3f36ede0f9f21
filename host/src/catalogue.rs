//! `schema.get`: JSON Schemas of the published language, for every book.

use std::sync::Arc;

use command_gateway::{Blocking, Service};
use schemas::Problem;
use schemas::catalogue::{self, SchemaGet, SchemaNames};
use schemas::problem::Fault;
use schemas::wire::{Message, Reply, Subject};

/// Answers `schema.get`.
pub(crate) fn service() -> Arc<dyn Service> {
    Arc::new(Blocking::new(|_: &Subject, message: &Message| answer(&message.body)))
}

/// One schema, or the names of all.
///
/// # Errors
/// A [`Problem`] for a request that cannot be read, and for an unknown name.
fn answer(request: &[u8]) -> Result<Reply, Problem> {
    let request: SchemaGet =
        schemas::query::read(request).map_err(|error| Problem::json(&error))?;
    let Some(name) = request.name else { return Ok(Reply::json(&SchemaNames::all())) };
    let found = catalogue::find(&name).ok_or_else(|| {
        let name: String = name.chars().take(100).collect();
        let detail = format!("no schema is called {name:?}; ask without a name for all");
        Problem::fault(Fault::NotFound, detail)
    })?;
    Ok(Reply::json(&found.schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_given_by_its_name_and_names_without_one() {
        let one = answer(br#"{"name":"answer/invoices.list"}"#).expect("there is one");
        assert!(String::from_utf8_lossy(&one.body).contains("has_more"));
        let all = answer(b"").expect("names");
        let all: SchemaNames = serde_json::from_slice(&all.body).expect("names");
        assert_eq!(all.data.len(), catalogue::catalogue().len());
    }

    #[test]
    fn an_unknown_schema_and_an_unknown_field_are_problems() {
        let code = |request: &[u8]| answer(request).expect_err("refused").code;
        assert_eq!(code(br#"{"name":"no.such"}"#), "not_found");
        assert_eq!(code(br#"{"nom":"no.such"}"#), "malformed");
    }
}
