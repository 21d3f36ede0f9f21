//! `schema`: JSON Schemas of the published language, and its interface document.

use std::fs;
use std::path::Path;

use client::Node;
use schemas::catalogue::{self, SchemaNames, catalogue};
use serde_json::Value;
use terminal::{Output, View, text};

use crate::cli::SchemaCommand;
use crate::exit::Failure;

/// The schema of a group by its name.
pub fn find(group: &str, name: &str) -> Option<Value> {
    catalogue::find(&format!("{group}/{name}")).map(|found| found.schema.to_value())
}

/// Runs `schema`.
///
/// # Errors
/// [`Failure::Refused`] for an unknown name, [`Failure::Io`] for a folder that cannot be written.
pub fn run(command: &SchemaCommand, output: &Output) -> Result<(), Failure> {
    match command {
        SchemaCommand::List => {
            let names = Node::of(&SchemaNames::all());
            Ok(output.document(View::Columns(&["group", "name"]), &names)?)
        }
        SchemaCommand::Get { name } => get(name),
        SchemaCommand::Dump { dir } => dump(dir),
        SchemaCommand::Asyncapi => Ok(text(&pretty(&schemas::asyncapi::document()))?),
    }
}

fn get(name: &str) -> Result<(), Failure> {
    let found = catalogue::find(name).ok_or_else(|| {
        Failure::Refused(format!("no schema is called {name:?}; `billfold schema list` has them"))
    })?;
    Ok(text(&pretty(&found.schema.to_value()))?)
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
    fn a_schema_is_found_in_its_group_only() {
        assert!(find("query", "invoices.list").is_some());
        assert!(find("command", "invoices.list").is_none());
    }
}
