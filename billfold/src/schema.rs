//! `schema`: JSON Schemas of the published language, and its interface document.

use std::fs;
use std::path::Path;

use schemas::Problem;
use schemas::catalogue::{self, NamedSchema, SchemaGet, SchemaNames, catalogue};
use schemas::problem::Fault;
use schemas::wire::Reply;
use serde_json::Value;

use crate::cli::SchemaCommand;
use crate::exit::Failure;
use crate::output::{Node, Output, View, text};

/// The schema of a group by its name.
pub fn find(group: &str, name: &str) -> Option<Value> {
    catalogue::find(&format!("{group}/{name}")).map(|found| found.schema.to_value())
}

/// Answers `schema.get`: one schema, or the names of all.
///
/// # Errors
/// A [`Problem`] for a request that cannot be read, and for an unknown name.
pub fn answer(request: &[u8]) -> Result<Reply, Problem> {
    let request: SchemaGet =
        schemas::query::read(request).map_err(|error| Problem::json(&error))?;
    let Some(name) = request.name else { return Ok(Reply::json(&names())) };
    let found = catalogue::find(&name).ok_or_else(|| {
        let name: String = name.chars().take(100).collect();
        let detail = format!("no schema is called {name:?}; ask without a name for all");
        Problem::fault(Fault::NotFound, detail)
    })?;
    Ok(Reply::json(&found.schema))
}

fn names() -> SchemaNames {
    let named = |group: &str, name| NamedSchema { group: group.to_owned(), name };
    SchemaNames { data: catalogue().into_iter().map(|one| named(one.group, one.name)).collect() }
}

/// Runs `schema`.
///
/// # Errors
/// [`Failure::Refused`] for an unknown name, [`Failure::Io`] for a folder that cannot be written.
pub fn run(command: &SchemaCommand, output: &Output) -> Result<(), Failure> {
    match command {
        SchemaCommand::List => {
            let names = serde_json::to_value(names()).unwrap_or_default();
            output.document(View::Columns(&["group", "name"]), &Node::of(&names))
        }
        SchemaCommand::Get { name } => get(name),
        SchemaCommand::Dump { dir } => dump(dir),
        SchemaCommand::Asyncapi => text(&pretty(&schemas::asyncapi::document())),
    }
}

fn get(name: &str) -> Result<(), Failure> {
    let found = catalogue::find(name).ok_or_else(|| {
        Failure::Refused(format!("no schema is called {name:?}; `billfold schema list` has them"))
    })?;
    text(&pretty(&found.schema.to_value()))
}

fn dump(dir: &Path) -> Result<(), Failure> {
    for named in catalogue() {
        let folder = dir.join(named.group);
        fs::create_dir_all(&folder)
            .map_err(|e| Failure::io(format!("{} cannot be made", folder.display()), e))?;
        let file = folder.join(format!("{}.json", named.name));
        fs::write(&file, pretty(&named.schema.to_value()) + "\n")
            .map_err(|e| Failure::io(format!("{} cannot be written", file.display()), e))?;
    }
    Ok(())
}

fn pretty(schema: &Value) -> String {
    serde_json::to_string_pretty(schema).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_given_by_its_name_and_names_without_one() {
        assert!(find("query", "invoices.list").is_some());
        assert!(find("command", "invoices.list").is_none());
        let one = answer(br#"{"name":"answer/invoices.list"}"#).expect("there is one");
        assert!(String::from_utf8_lossy(&one.body).contains("has_more"));
        let all = answer(b"").expect("names");
        let all: SchemaNames = serde_json::from_slice(&all.body).expect("names");
        assert_eq!(all.data.len(), catalogue().len());
    }

    #[test]
    fn an_unknown_schema_and_an_unknown_field_are_problems() {
        let code = |request: &[u8]| answer(request).expect_err("refused").code;
        assert_eq!(code(br#"{"name":"no.such"}"#), "not_found");
        assert_eq!(code(br#"{"nom":"no.such"}"#), "malformed");
    }
}
