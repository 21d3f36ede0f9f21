//! Style as a test: what reviewers should not have to say twice.
//!
//! Each rule reads the source as text and answers with file, line and the way out. A rule that
//! the compiler or clippy can hold is not here.

use std::path::{Path, PathBuf};

/// Longest line, in columns. A text between quotes does not count: it cannot be broken well.
const MAX_COLUMNS: usize = 100;

/// Longest file, in lines, up to its tests.
const MAX_LINES: usize = 500;

/// Files that are tables.
const TABLES: [&str; 1] = ["schemas/src/currency_table.rs"];

/// Files that may keep an unordered map, because they never iterate over it.
const UNORDERED_MAPS: [&str; 2] =
    ["ledger-core/src/ledger/directory.rs", "ledger-core/src/registry/taken.rs"];

/// The rooms of the core and what lies between them; each may know those before it.
const ROOMS: [&str; 22] = [
    "mistakes",
    "money",
    "accounting",
    "shared",
    "away",
    "shelf",
    "spans",
    "unmade",
    "claims",
    "book",
    "seller",
    "catalog",
    "registry",
    "context",
    "customer",
    "subscription",
    "billing",
    "settlement",
    "process",
    "ledger",
    "undo",
    "laws",
];

/// Files that may pause between two looks at something they wait for, with a deadline.
const POLLERS: [&str; 2] = ["tests/src/wait.rs", "tests/tests/nats_book/mod.rs"];

/// File names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "helpers", "common", "manager", "misc"];

/// One Rust file of the workspace.
struct Source {
    /// From the workspace's root, with `/`.
    path: String,
    text: String,
    /// The text without comments and without what stands between quotes.
    bare: String,
}

impl Source {
    /// Bare lines with their numbers, up to the tests inside the file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().take_while(|(_, line)| *line != "#[cfg(test)]")
    }

    /// Bare lines with their numbers.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.bare)
    }

    /// A line as it is in the file.
    fn line(&self, number: usize) -> &str {
        self.text.lines().nth(number - 1).unwrap_or_default().trim()
    }

    fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/")
    }

    fn is_in(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// What embeds a ledger or asks one.
const ABOVE_THE_GATEWAY: [&str; 6] = [
    "client/src/",
    "host/src/",
    "terminal/src/",
    "scenarios/src/",
    "workbench/src/",
    "billfold/src/",
];

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
            let path = path.to_str().expect("UTF-8").to_owned();
            into.push(Source { path, bare: bare(&text, false), text });
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

/// Where a scan of source stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Code,
    Comment,
    /// Between quotes, where a backslash takes the next character's meaning.
    Text,
    /// Between quotes with so many `#` behind the closing one.
    RawText(usize),
}

/// The source with the same lines, every text between quotes emptied, and comments too unless
/// they are kept.
fn bare(text: &str, keep_comments: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = Inside::Code;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut width = c.len_utf8();
        match inside {
            Inside::Code if rest.starts_with("//") => inside = Inside::Comment,
            // A quote in single quotes starts no text.
            Inside::Code if rest.starts_with("'\"'") => width = 3,
            Inside::Code if c == '"' => inside = opened(&out),
            Inside::Comment if c == '\n' => inside = Inside::Code,
            Inside::Text if c == '\\' => {
                width += rest[1..].chars().next().map_or(0, char::len_utf8);
            }
            Inside::Text if c == '"' => inside = Inside::Code,
            Inside::RawText(hashes) if rest.starts_with(&format!("\"{}", "#".repeat(hashes))) => {
                inside = Inside::Code;
            }
            Inside::Code | Inside::Comment | Inside::Text | Inside::RawText(_) => {}
        }
        let kept = match inside {
            Inside::Code => true,
            Inside::Comment => keep_comments,
            Inside::Text | Inside::RawText(_) => false,
        };
        let taken = &rest[..width];
        out.extend(taken.chars().filter(|&c| c == '\n' || kept));
        rest = &rest[width..];
    }
    out
}

/// Which kind of text a quote opens, by the code in front of it.
fn opened(before: &str) -> Inside {
    let hashes = before.len() - before.trim_end_matches('#').len();
    if before.trim_end_matches('#').ends_with('r') { Inside::RawText(hashes) } else { Inside::Text }
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
            if is_wrong(line) {
                findings.push(format!("{}:{number}: {}", source.path, source.line(number)));
            }
        }
    }
    findings
}

#[test]
fn lines_are_at_most_a_hundred_columns() {
    let mut findings = Vec::new();
    for source in &sources() {
        for (number, line) in numbered(&bare(&source.text, true)) {
            let columns = line.chars().count();
            if columns > MAX_COLUMNS {
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
        let words = ["decide", "evolve", "post", "state", "due", "registering", "settlement/"];
        source.is_in(&["ledger-core/src/"]) && words.iter().any(|word| source.path.contains(word))
    };
    let findings = find(&sources(), decides, |line| {
        let arm = line.trim_start();
        arm.starts_with("_ =>") || arm.starts_with("_ if ") || line.contains("| _ =>")
    });
    report(&findings, "name the variants, so that the compiler finds the arm you forgot");
}

#[test]
fn a_room_of_the_core_knows_only_those_before_it() {
    let place = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut findings = Vec::new();
    let mut found = 0;
    for source in sources().iter().filter(|s| s.is_in(&["ledger-core/src/"])) {
        let room = source.path["ledger-core/src/".len()..].split(['/', '.']).next();
        let room = room.expect("split gives one part at least");
        if room == "lib" {
            continue;
        }
        let Some(own) = place(room) else {
            findings.push(format!("{}: {room} is no room", source.path));
            continue;
        };
        let code: String = source.code().map(|(_, line)| line).collect();
        for named in named_after(&code, "crate::") {
            found += 1;
            if place(&named).is_some_and(|other| other > own) {
                findings.push(format!("{}: {room} knows {named}", source.path));
            }
        }
    }
    assert!(found > 100, "rooms know each other by `crate::`");
    report(&findings, "move it to the room it belongs to, or give what is needed as a value");
}

/// The names that follow a path's beginning, one or a list in braces.
fn named_after(code: &str, path: &str) -> Vec<String> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let name = |text: &str| text.trim_start().chars().take_while(|&c| is_name(c)).collect();
    let mut names = Vec::new();
    for (at, _) in code.match_indices(path) {
        let rest = &code[at + path.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.push(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (at, c) in list.char_indices() {
            if begins && is_name(c) {
                names.push(name(&list[at..]));
            }
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                _ => {}
            }
            begins = depth == 0 && (c == ',' || (begins && c == ' '));
        }
    }
    names
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
            if sleeps(line) {
                findings.push(format!("{}:{number}: {}", source.path, source.line(number)));
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
fn the_binary_is_thin() {
    let all = sources();
    let own = all.iter().filter(|source| source.is_in(&["billfold/src/"]));
    let lines: usize = own.map(|source| source.text.lines().count()).sum();
    assert!(lines < 7_000, "{lines} lines; the binary is command line and wiring, move the rest");
}

#[test]
fn ids_and_the_machines_time_are_made_at_the_edge() {
    let made = |line: &str| line.contains("now_v7") || has_word(line, "SystemTime");
    let findings = find(
        &sources(),
        |source| source.is_in(&ABOVE_THE_GATEWAY) && source.path != "client/src/edge.rs",
        made,
    );
    report(&findings, "ask client::edge");
}

#[test]
fn what_is_printed_goes_through_the_terminal() {
    const PRINTS: [&str; 6] =
        ["print!(", "println!(", "eprint!(", "eprintln!(", "io::stdout()", "io::stderr()"];
    // The binary asks only whether stderr is a terminal, for colours of the program's events.
    let may = ["terminal/", "billfold/src/talk.rs"];
    let prints = |line: &str| PRINTS.iter().any(|word| line.contains(word));
    let findings = find(
        &sources(),
        |source| !source.is_test() && !may.iter().any(|place| source.path.starts_with(place)),
        prints,
    );
    report(&findings, "give it back, or print it with the crate `terminal`");
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
    let code = |text: &str| bare(text, false);
    assert_eq!(code(r#"let a = "f64 // no"; // f64"#), r#"let a = "; "#);
    assert_eq!(code(r#"let q = '"'; let b = "x\"y";"#), r#"let q = '"'; let b = ";"#);
    assert_eq!(code("r##\"f64 \" \"# more\nf64\"##; f64"), "r##\n\"##; f64");
    assert_eq!(bare("a // \"b\"\nc", true), "a // \"b\"\nc");
    assert!(has_word("x: f64,", "f64"));
    assert!(!has_word("as_f64()", "f64"));
    let names = named_after("use crate::{a::{self, B}, c, d_e::F}; crate::g::h()", "crate::");
    assert_eq!(names, ["a", "c", "d_e", "g"]);
}
