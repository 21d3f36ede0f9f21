//! Style as a test: what reviewers should not have to say twice.
//!
//! Each rule reads the source as text and answers with file, line and the way out. A rule that
//! the compiler or clippy can hold is not here.

use std::path::{Path, PathBuf};

/// Longest line, in columns. A text between quotes may run on: it cannot be broken well.
const MAX_COLUMNS: usize = 100;

/// Longest file, in lines, up to its tests.
const MAX_LINES: usize = 500;

/// Files that are tables.
const TABLES: [&str; 1] = ["schemas/src/currency_table.rs"];

/// Files that may keep an unordered map, because they never iterate over it.
const UNORDERED_MAPS: [&str; 1] = ["ledger-core/src/registry.rs"];

/// Files that may pause between two looks at something they wait for, with a deadline.
const POLLERS: [&str; 0] = [];

/// File names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "helpers", "common", "manager", "misc"];

/// One Rust file of the workspace.
struct Source {
    /// From the workspace's root, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Lines with their numbers, up to the tests inside the file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().take_while(|(_, line)| *line != "#[cfg(test)]")
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/")
    }

    fn is_in(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }
}

const PURE: [&str; 2] = ["schemas/src/", "ledger-core/src/"];

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the crate lies in the workspace").to_owned()
}

fn collect(folder: &Path, root: &Path, into: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(&path, root, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("source is UTF-8");
            let path = path.strip_prefix(root).expect("below the root");
            into.push(Source { path: path.to_str().expect("UTF-8").to_owned(), text });
        }
    }
}

fn sources() -> Vec<Source> {
    let mut all = Vec::new();
    collect(&root(), &root(), &mut all);
    all.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(all.len() > 20, "the workspace is where this test looks for it");
    all
}

/// The line without its comment, and with every text between quotes emptied.
fn bare(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut inside = false;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        if inside {
            if !escaped && c == '"' {
                inside = false;
                out.push(c);
            }
            escaped = c == '\\' && !escaped;
        } else if line[at..].starts_with("//") {
            break;
        } else {
            // A quote character is not the start of a text.
            inside = c == '"' && !out.ends_with('\'');
            out.push(c);
        }
    }
    out
}

/// The word stands in the line by itself, not inside another.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part)
    })
}

/// Fails with every finding, and says what to do about them.
fn report(findings: &[String], way_out: &str) {
    assert!(findings.is_empty(), "{}\n{way_out}", findings.join("\n"));
}

/// Every line of code of the chosen files that `is_wrong` finds.
fn find(
    sources: &[Source],
    chosen: impl Fn(&Source) -> bool,
    is_wrong: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| chosen(source)) {
        for (number, line) in source.code() {
            if is_wrong(&bare(line)) {
                findings.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    findings
}

#[test]
fn lines_are_at_most_a_hundred_columns() {
    let mut findings = Vec::new();
    for source in &sources() {
        for (number, line) in source.lines() {
            let columns = line.chars().count();
            let code = bare(line).chars().count();
            let is_text =
                line.contains('"') && code < MAX_COLUMNS && !line.trim().starts_with("//");
            if columns > MAX_COLUMNS && !is_text {
                findings.push(format!("{}:{number}: {columns} columns", source.path));
            }
        }
    }
    report(&findings, "break the line, or name a part of it");
}

#[test]
fn files_are_at_most_five_hundred_lines() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|s| !TABLES.contains(&s.path.as_str())) {
        let lines = source.code().count();
        if lines > MAX_LINES {
            findings.push(format!("{}: {lines} lines", source.path));
        }
    }
    report(&findings, "split the file by what its parts are for");
}

#[test]
fn files_are_named_for_what_they_hold() {
    let is_empty_name = |source: &&Source| {
        let mut names = source.path.split(['/', '.']);
        names.any(|name| EMPTY_NAMES.contains(&name))
    };
    let sources = sources();
    let findings: Vec<_> = sources.iter().filter(is_empty_name).map(|s| s.path.clone()).collect();
    report(&findings, "name the file for the one thing it is about");
}

#[test]
fn decisions_and_folds_match_every_variant_by_name() {
    let decides = |source: &Source| {
        let words = ["decide", "evolve", "journal", "fold", "posting"];
        source.is_in(&["ledger-core/src/"]) && words.iter().any(|word| source.path.contains(word))
    };
    let findings = find(&sources(), decides, |line| {
        let arm = line.trim_start();
        arm.starts_with("_ =>") || arm.starts_with("_ if ") || line.contains("| _ =>")
    });
    report(&findings, "name the variants, so that the compiler finds the arm you forgot");
}

#[test]
fn nothing_is_left_undone() {
    let undone = |line: &str| {
        ["todo!(", "unimplemented!(", "dbg!(", "#[ignore"].iter().any(|word| line.contains(word))
    };
    report(&find(&sources(), |_| true, undone), "finish it, or take it out");
}

#[test]
fn no_number_of_money_is_a_float() {
    let float = |line: &str| has_word(line, "f32") || has_word(line, "f64");
    let findings = find(&sources(), |source| source.is_in(&PURE), float);
    report(&findings, "use Minor, Decimal or Fraction");
}

#[test]
fn nothing_pure_depends_on_the_order_of_a_hash() {
    let allowed = |source: &Source| UNORDERED_MAPS.contains(&source.path.as_str());
    let findings = find(
        &sources(),
        |source| source.is_in(&PURE) && !allowed(source),
        |line| has_word(line, "HashMap") || has_word(line, "HashSet"),
    );
    report(&findings, "use a BTreeMap; or list the file in tidy.rs if it never iterates");
}

#[test]
fn nothing_pure_reads_a_clock() {
    let clock = |line: &str| {
        has_word(line, "SystemTime") || has_word(line, "Instant") || line.contains("::now(")
    };
    let findings = find(&sources(), |source| source.is_in(&PURE), clock);
    report(&findings, "take the time from the command's stamp");
}

#[test]
fn tests_wait_for_what_they_need_and_not_for_time() {
    let sleeps = |line: &str| line.contains("thread::sleep") || line.contains("time::sleep");
    let mut findings = Vec::new();
    for source in sources().iter().filter(|s| !POLLERS.contains(&s.path.as_str())) {
        let tests = source.lines().skip(if source.is_test() { 0 } else { source.code().count() });
        for (number, line) in tests {
            if sleeps(&bare(line)) {
                findings.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    report(&findings, "wait on a channel, or poll with a deadline in a file listed in tidy.rs");
}

#[test]
fn read_models_decide_nothing() {
    let decides = |line: &str| line.contains(".decide(") || line.contains("::decide(");
    let findings = find(&sources(), |source| source.is_in(&["projections/"]), decides);
    report(&findings, "a projection folds what was decided; ask the gateway for decisions");
}

#[test]
fn every_crate_states_its_invariants() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|s| s.path.ends_with("/src/lib.rs") && !s.is_test()) {
        if !source.text.contains("//! # Architecture invariants\n") {
            findings.push(source.path.clone());
        }
    }
    report(&findings, "say in the crate's first comment what it never does");
}

#[test]
fn code_does_not_unwrap_without_a_reason() {
    let unwraps = |line: &str| line.contains(".unwrap()");
    let findings = find(&sources(), |source| !source.is_test(), unwraps);
    report(&findings, "return an error, or say in `expect` which invariant holds");
}

#[test]
fn the_rules_see_what_they_look_for() {
    assert_eq!(bare(r#"let a = "f64 // no"; // f64"#), r#"let a = ""; "#);
    assert_eq!(bare(r#"let q = '"'; let b = "x\"y";"#), r#"let q = '"'; let b = "";"#);
    assert!(has_word("x: f64,", "f64"));
    assert!(!has_word("as_f64()", "f64"));
}
