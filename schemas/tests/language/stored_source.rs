//! Rules on the source of stored types, which only a reading of the source can hold.

use std::path::PathBuf;

use crate::files::{crate_folder, read};
use crate::values;

/// Serde attributes that postcard writes and cannot read back, or that shift its layout.
const FORBIDDEN: [&str; 8] = [
    "default",
    "skip",
    "skip_serializing",
    "skip_deserializing",
    "skip_serializing_if",
    "flatten",
    "untagged",
    "tag",
];

/// Files whose types are stored.
fn stored_files() -> Vec<PathBuf> {
    let src = crate_folder().join("src");
    let mut files: Vec<PathBuf> = [
        "terms.rs",
        "commit.rs",
        "ids.rs",
        "money.rs",
        "decimal.rs",
        "fraction.rs",
        "time.rs",
        "text.rs",
        "personal.rs",
        "currency.rs",
    ]
    .iter()
    .map(|name| src.join(name))
    .collect();
    for folder in ["command", "event", "terms"] {
        let found = std::fs::read_dir(src.join(folder)).expect("the folder is there");
        files.extend(found.map(|entry| entry.expect("an entry").path()));
    }
    files.sort();
    files
}

/// The words inside every `#[serde(...)]` of a text, with the line it starts on.
fn serde_attributes(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("serde(") {
        let end = text[at..].find(")]").map_or(text.len(), |end| at + end);
        let line = text[..at].matches('\n').count() + 1;
        found.push((line, text[at + "serde(".len()..end].to_owned()));
    }
    found
}

#[test]
fn stored_types_use_no_serde_attribute_that_breaks_the_bytes() {
    let mut wrong = Vec::new();
    for file in stored_files() {
        for (line, attribute) in serde_attributes(&read(&file)) {
            let names = attribute
                .split(',')
                .map(|part| part.split(['=', '(']).next().unwrap_or_default().trim().to_owned());
            for name in names.filter(|name| FORBIDDEN.contains(&name.as_str())) {
                wrong.push(format!(
                    "{}:{line}: serde({name}); store another version",
                    file.display()
                ));
            }
        }
    }
    // What money says in JSON is read through a type of its own that is never stored.
    wrong.retain(|finding| !finding.contains("money.rs"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Names of enums that the stored modules declare, in the macros that make enums too.
fn stored_enums() -> Vec<String> {
    let mut names = Vec::new();
    for file in stored_files() {
        let text = read(&file);
        let made = ["\nwords! {", "\npolicies! {"].into_iter().find_map(|name| text.find(name));
        let words = made.map_or("", |at| {
            let block = &text[at..];
            &block[..block.find("\n}\n").unwrap_or(block.len())]
        });
        let declared = text.lines().filter_map(|line| line.strip_prefix("pub enum "));
        let in_words = words
            .lines()
            .filter_map(|line| line.strip_prefix("    ").filter(|rest| !rest.starts_with(' ')))
            .filter(|rest| rest.ends_with(" {"));
        for name in declared.chain(in_words) {
            // A policy names its field before its type.
            let name = name.rsplit(": ").next().unwrap_or(name);
            names.push(name.trim_end_matches(" {").to_owned());
        }
    }
    names.retain(|name| !name.ends_with("Error"));
    names
}

#[test]
fn every_stored_enum_has_golden_bytes_for_its_variants() {
    let known: Vec<&str> = values::all().into_iter().map(|(kind, ..)| kind).collect();
    let declared = stored_enums();
    assert!(declared.iter().any(|name| name == "DiscountValue"), "{declared:?}");
    assert!(declared.iter().any(|name| name == "SeriesKind"), "{declared:?}");
    assert!(declared.iter().any(|name| name == "Proration"), "{declared:?}");
    let missing: Vec<_> = declared.iter().filter(|n| !known.contains(&n.as_str())).collect();
    assert!(missing.is_empty(), "add to tests/language/values.rs: {missing:?}");
}
