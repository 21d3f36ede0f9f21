//! `schema`: JSON Schemas of the published language.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::SchemaCommand;
use crate::exit::Failure;
use crate::output::{Node, Output, View, text};

/// One named schema.
#[derive(Debug)]
pub struct Named {
    /// `command`, `event`, `query`, `answer` or `wire`.
    pub group: &'static str,
    /// Such as `payment.record` or `invoices.list`.
    pub name: String,
    /// The schema.
    pub schema: Value,
}

/// Every schema of this build.
pub fn all() -> Vec<Named> {
    let mut all = Vec::new();
    for (group, schemas) in
        [("command", schemas::Command::json_schemas()), ("event", schemas::Event::json_schemas())]
    {
        all.extend(schemas.into_iter().map(|(name, schema)| Named {
            group,
            name: name.to_owned(),
            schema: schema.to_value(),
        }));
    }
    for query in schemas::query::json_schemas() {
        let name = format!("{}.{}", query.kind.view, query.kind.name);
        let (request, answer) = (query.request.to_value(), query.answer.to_value());
        all.push(Named { group: "query", name: name.clone(), schema: request });
        all.push(Named { group: "answer", name, schema: answer });
    }
    all
}

/// The schema of a group by its name.
pub fn find(group: &str, name: &str) -> Option<Value> {
    all().into_iter().find(|s| s.group == group && s.name == name).map(|named| named.schema)
}

/// Runs `schema`.
///
/// # Errors
/// [`Failure::Refused`] for an unknown name, [`Failure::Io`] for a folder that cannot be written.
pub fn run(command: &SchemaCommand, output: &Output) -> Result<(), Failure> {
    match command {
        SchemaCommand::List => {
            let rows: Vec<_> =
                all().iter().map(|s| json!({"group": s.group, "name": s.name})).collect();
            output.document(View::Columns(&["group", "name"]), &Node::of(&json!({"data": rows})))
        }
        SchemaCommand::Get { name } => get(name),
        SchemaCommand::Dump { dir } => dump(dir),
    }
}

/// By name, or by group and name (`answer/invoices.list`).
fn get(name: &str) -> Result<(), Failure> {
    let wanted = |s: &Named| s.name == name || format!("{}/{}", s.group, s.name) == name;
    let found = all().into_iter().find(wanted).ok_or_else(|| {
        Failure::Refused(format!("no schema is called {name:?}; `billfold schema list` has them"))
    })?;
    text(&pretty(&found.schema))
}

fn dump(dir: &Path) -> Result<(), Failure> {
    for named in all() {
        let folder = dir.join(named.group);
        fs::create_dir_all(&folder)
            .map_err(|e| Failure::io(format!("{} cannot be made", folder.display()), e))?;
        let file = folder.join(format!("{}.json", named.name));
        fs::write(&file, pretty(&named.schema) + "\n")
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
    fn every_command_event_and_query_has_a_schema() {
        let all = all();
        let count = |group| all.iter().filter(|named| named.group == group).count();
        assert_eq!(count("command"), schemas::Command::KINDS.len());
        assert_eq!(count("event"), schemas::Event::KINDS.len());
        assert_eq!(count("query"), schemas::query::QUERIES.len());
        assert!(find("query", "invoices.list").is_some());
        assert!(find("command", "invoices.list").is_none());
    }
}
