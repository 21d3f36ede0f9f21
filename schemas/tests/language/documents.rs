//! Tables in `docs/integrate.md`, `docs/undo.md` and `docs/policies.md` are made from the
//! registries and the profiles, between two comments.

use std::fmt::Write as _;

use schemas::inverse::{INVERSES, Inverse};
use schemas::problem::Fault;
use schemas::query::QUERIES;
use schemas::terms::{Policies, Profile};
use schemas::{Command, Rejection};

use crate::files::{blessing, crate_folder, read, write};
use crate::samples;

/// A table with these column names.
fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let names: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
    let mut text = line(&names);
    writeln!(text, "|{}", "---|".repeat(columns.len())).expect("a string takes everything");
    for row in rows {
        text.push_str(&line(&row));
    }
    text
}

fn commands() -> String {
    let samples = samples::commands();
    let rows = Command::json_schemas().into_iter().map(|(name, schema)| {
        let sample = samples.iter().find(|(_, command)| command.kind().name == name);
        let (_, command) = sample.expect("every command has a sample");
        let stream = match (command.stream(), command.is_internal()) {
            (_, true) => "made by the system",
            (schemas::StreamId::Book, false) => "book",
            (schemas::StreamId::Customer(_), false) => "customer",
        };
        let summary = schema.get("description").and_then(|text| text.as_str()).unwrap_or_default();
        let summary = summary.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        vec![format!("`{name}`"), summary, stream.to_owned()]
    });
    table(&["command", "what it does", "stream"], rows)
}

fn queries() -> String {
    let rows = QUERIES
        .iter()
        .map(|query| vec![format!("`{}.{}`", query.view, query.name), query.summary.to_owned()]);
    table(&["query", "answer"], rows)
}

fn faults() -> String {
    let rows = Fault::ALL.iter().map(|fault| {
        let again = if fault.retryable() { "yes" } else { "no" };
        vec![
            format!("`{}`", fault.code()),
            fault.status().to_string(),
            again.to_owned(),
            fault.what_to_do().to_owned(),
        ]
    });
    table(&["code", "status", "again later", "what to do"], rows)
}

fn rejections() -> String {
    let rows = Rejection::CODES.iter().zip(Rejection::SENTENCES).map(
        |((code, status), (same_code, sentence))| {
            assert_eq!(code, same_code, "codes and sentences have one order");
            vec![format!("`{code}`"), status.to_string(), (*sentence).to_owned()]
        },
    );
    table(&["code", "status", "`detail`"], rows)
}

/// The document with the part between the comments of `name` replaced.
fn with_part(document: &str, name: &str, part: &str) -> String {
    let opening = format!("<!-- {name}: generated, BLESS=1 -->\n");
    let start = document.find(&opening).expect("the document has the comment") + opening.len();
    let end = start + document[start..].find("<!-- end -->").expect("the part has an end");
    format!("{}{part}{}", &document[..start], &document[end..])
}

#[test]
fn tables_of_the_integration_guide_are_the_registries() {
    let root = crate_folder().join("..");
    let path = root.join("docs/integrate.md");
    let parts = [
        ("commands", commands()),
        ("queries", queries()),
        ("faults", faults()),
        ("rejections", rejections()),
    ];
    let checked_in = read(&path);
    let made = parts
        .iter()
        .fold(checked_in.clone(), |document, (name, part)| with_part(&document, name, part));
    if blessing() {
        write(&path, &made);
    } else {
        assert_eq!(checked_in, made, "docs/integrate.md differs; run scripts/bless");
    }
}

/// What takes each command back, or why nothing does.
fn inverses() -> String {
    let rows = INVERSES.iter().map(|row| {
        let cells = match row.inverse {
            Inverse::By { commands, how, stays } => {
                let names: Vec<_> = commands.iter().map(|name| format!("`{name}`")).collect();
                [names.join(", "), how.to_owned(), stays.to_owned()]
            }
            Inverse::Nothing { why, instead } => {
                ["–".to_owned(), format!("{why}; {instead}"), String::new()]
            }
        };
        [format!("`{}`", row.command)].into_iter().chain(cells).collect()
    });
    table(&["command", "taken back by", "how, or why not", "what remains"], rows)
}

#[test]
fn the_page_about_taking_back_has_the_table() {
    let path = crate_folder().join("../docs/undo.md");
    let checked_in = read(&path);
    let made = with_part(&checked_in, "inverses", &inverses());
    if blessing() {
        write(&path, &made);
    } else {
        assert_eq!(checked_in, made, "docs/undo.md differs; run scripts/bless");
    }
}

/// Which rule each profile has.
fn profiles() -> String {
    let names: Vec<&str> = Profile::ALL.iter().map(|profile| profile.name()).collect();
    let columns: Vec<&str> = ["policy"].into_iter().chain(names).collect();
    let rules: Vec<_> = Profile::ALL.iter().map(|profile| profile.policies().words()).collect();
    let rows = Policies::NAMES.iter().enumerate().map(|(at, (policy, _))| {
        let words = rules.iter().map(|rules| format!("`{}`", rules[at].1));
        [format!("`{policy}`")].into_iter().chain(words).collect()
    });
    table(&columns, rows)
}

/// What each rule says, where it was read, and who has it.
fn rules() -> String {
    let mut text = String::new();
    for sentences in Policies::SENTENCES {
        let policy = sentences.policy;
        let has = |rule: &str| {
            let having = Profile::ALL
                .iter()
                .filter(|profile| profile.policies().words().contains(&(policy, rule)));
            having.map(|profile| format!("`{}`", profile.name())).collect::<Vec<_>>().join(", ")
        };
        let rows = sentences.rules.iter().map(|(rule, sentence)| {
            let (says, source) = sentence.split_once(" Source: ").unwrap_or((sentence, ""));
            let source = source.trim_end_matches('.').to_owned();
            vec![format!("`{rule}`"), says.to_owned(), source, has(rule)]
        });
        writeln!(text, "**`{policy}`** – {}\n", sentences.decides).expect("a string takes all");
        text.push_str(&table(&["rule", "what it says", "source", "profiles"], rows));
        text.push('\n');
    }
    text
}

#[test]
fn tables_of_the_policies_are_the_profiles() {
    let path = crate_folder().join("../docs/policies.md");
    let checked_in = read(&path);
    let parts = [("profiles", profiles()), ("rules", rules())];
    let made = parts
        .iter()
        .fold(checked_in.clone(), |document, (name, part)| with_part(&document, name, part));
    if blessing() {
        write(&path, &made);
    } else {
        assert_eq!(checked_in, made, "docs/policies.md differs; run scripts/bless");
    }
}
