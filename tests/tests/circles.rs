//! No circle of imports: what a file needs does not need the file.
//!
//! Read from the source as text: `use` and the paths that start with `crate`, `self` or `super`.
//! A name that a file only passes on (`pub use`) is looked for where it comes from. What stands
//! behind `#[cfg(test)]` does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Circles that stay, each with its reason.
const EXPLAINED: [(&[&str], &str); 1] = [(
    &[
        "projections/src/edition.rs",
        "projections/src/models.rs",
        "projections/src/projector.rs",
        "projections/src/projectors.rs",
        "projections/src/replay.rs",
    ],
    "the one list of read models knows how each is run, and who runs one finds it in the list",
)];

/// The library of one crate: its modules, by their path inside the crate.
struct Library {
    name: String,
    modules: BTreeMap<Vec<String>, Module>,
}

/// One file.
struct Module {
    /// From the workspace's root.
    file: String,
    /// Paths that it names, from the crate's root.
    names: BTreeSet<Vec<String>>,
    /// What it passes on under a name of its own: the name, and where it comes from.
    passes_on: BTreeMap<String, Vec<String>>,
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the crate lies in the workspace").to_owned()
}

/// The libraries of the workspace: every folder with a `src/lib.rs`.
fn libraries() -> Vec<Library> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root()).expect("the workspace").flatten() {
        let library = entry.path().join("src/lib.rs");
        let name = entry.file_name().into_string().expect("UTF-8");
        if library.is_file() {
            found.push(Library::read(name, &library));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

impl Library {
    fn read(name: String, library: &Path) -> Self {
        let mut modules = BTreeMap::new();
        let folder = library.parent().expect("a folder").to_owned();
        read_module(library, &folder, Vec::new(), &mut modules);
        Self { name, modules }
    }

    /// The module that a path leads to, through what modules on the way only pass on.
    fn leads_to(&self, path: &[String]) -> Option<Vec<String>> {
        let mut at = Vec::new();
        for (index, step) in path.iter().enumerate() {
            at.push(step.clone());
            if self.modules.contains_key(&at) {
                continue;
            }
            at.pop();
            let comes_from = self.modules.get(&at)?.passes_on.get(step);
            return match comes_from {
                Some(origin) if *origin != path[..=index] => {
                    let rest = path[index + 1..].iter().cloned();
                    self.leads_to(&origin.iter().cloned().chain(rest).collect::<Vec<_>>())
                }
                Some(_) | None => Some(at),
            };
        }
        Some(at)
    }

    /// Which module needs which others.
    fn needs(&self) -> BTreeMap<&Vec<String>, BTreeSet<Vec<String>>> {
        let needs = |(path, module): (_, &Module)| {
            let mut all: BTreeSet<_> =
                module.names.iter().filter_map(|name| self.leads_to(name)).collect();
            all.remove(path);
            (path, all)
        };
        self.modules.iter().map(needs).collect()
    }

    /// Modules that need each other, by their files.
    fn circles(&self) -> Vec<Vec<String>> {
        let needs = self.needs();
        let reach: BTreeMap<_, _> =
            needs.keys().map(|from| (*from, reachable(from, &needs))).collect();
        let mut circles = BTreeSet::new();
        for (from, all) in &reach {
            let with: BTreeSet<_> = all
                .iter()
                .filter(|to| reach[*to].contains(*from))
                .map(|to| self.modules[to].file.clone())
                .collect();
            if with.len() > 1 {
                circles.insert(with.into_iter().collect::<Vec<_>>());
            }
        }
        circles.into_iter().collect()
    }

    /// What ties a circle: each import inside it.
    fn ties(&self, circle: &[String]) -> Vec<String> {
        let mut ties = Vec::new();
        for (path, module) in &self.modules {
            for name in &module.names {
                let Some(to) = self.leads_to(name).and_then(|to| self.modules.get(&to)) else {
                    continue;
                };
                let inside = circle.contains(&module.file) && circle.contains(&to.file);
                if inside && module.file != to.file && !path.is_empty() {
                    ties.push(format!("  {} -> {} ({})", module.file, to.file, name.join("::")));
                }
            }
        }
        ties
    }
}

fn reachable(
    from: &[String],
    needs: &BTreeMap<&Vec<String>, BTreeSet<Vec<String>>>,
) -> BTreeSet<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut next = vec![from.to_vec()];
    while let Some(at) = next.pop() {
        for to in needs.get(&at).into_iter().flatten() {
            if seen.insert(to.clone()) {
                next.push(to.clone());
            }
        }
    }
    seen
}

/// Reads a module and those that it has. `folder` is where these lie.
fn read_module(
    file: &Path,
    folder: &Path,
    path: Vec<String>,
    into: &mut BTreeMap<Vec<String>, Module>,
) {
    let text = fs::read_to_string(file).expect("source is UTF-8");
    let code = code_of(&text);
    let own = children(&code);
    for child in &own {
        let (beside, below) =
            (folder.join(format!("{child}.rs")), folder.join(child).join("mod.rs"));
        let child_file = if beside.is_file() { beside } else { below };
        if child_file.is_file() {
            let mut child_path = path.clone();
            child_path.push(child.clone());
            read_module(&child_file, &folder.join(child), child_path, into);
        }
    }
    let (mut names, mut passes_on) = (BTreeSet::new(), BTreeMap::new());
    for (is_public, tree) in uses(&code) {
        for (named, alias) in spread(&tree) {
            let Some(named) = from_root(&named, &path, &own) else { continue };
            if is_public {
                passes_on.insert(alias, named);
            } else {
                names.insert(named);
            }
        }
    }
    for inline in inline_paths(&code) {
        names.extend(from_root(&inline, &path, &[]));
    }
    let file = file.strip_prefix(root()).expect("below the root").display().to_string();
    into.insert(path, Module { file, names, passes_on });
}

/// The code without comments and texts, up to the tests inside the file.
fn code_of(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
    let mut out = String::new();
    for line in code.lines() {
        let line = line.split("//").next().unwrap_or_default();
        // Texts name no modules; what they hold must not look like paths.
        let parts = line.split('"').step_by(2);
        out.push_str(&parts.collect::<Vec<_>>().join("\"\""));
        out.push('\n');
    }
    out
}

fn children(code: &str) -> Vec<String> {
    let declared = |line: &str| {
        let rest = line.trim_start_matches("pub").trim_start();
        let rest = rest.strip_prefix("(crate)").or(rest.strip_prefix("(super)")).unwrap_or(rest);
        let name = rest.trim_start().strip_prefix("mod ")?.strip_suffix(';')?;
        Some(name.trim().to_owned())
    };
    code.lines().filter_map(declared).collect()
}

/// Every `use`, whether it passes on, and its tree.
fn uses(code: &str) -> Vec<(bool, String)> {
    let mut all = Vec::new();
    for statement in code.split(';') {
        let Some(start) = statement.rfind("use ") else { continue };
        let before = statement[..start].lines().last().unwrap_or_default().trim();
        let is_public = before.starts_with("pub");
        if before.is_empty() || is_public {
            let words: Vec<_> = statement[start + 4..].split_whitespace().collect();
            all.push((is_public, words.join(" ")));
        }
    }
    all
}

/// The paths of a tree of `use`, each with the name that it gets.
fn spread(tree: &str) -> Vec<(Vec<String>, String)> {
    if let Some(open) = tree.find('{') {
        let (stem, inner) = (&tree[..open], tree[open + 1..].trim_end_matches(['}', ' ', ',']));
        let mut parts = Vec::new();
        let (mut depth, mut start) = (0, 0);
        for (at, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(&inner[start..at]);
                    start = at + 1;
                }
                _ => {}
            }
        }
        parts.push(&inner[start..]);
        let each = parts.into_iter().map(str::trim).filter(|part| !part.is_empty());
        return each.flat_map(|part| spread(&format!("{stem}{part}"))).collect();
    }
    let (path, alias) = match tree.split_once(" as ") {
        Some((path, alias)) => (path, Some(alias)),
        None => (tree, None),
    };
    let mut steps: Vec<String> = path.split("::").map(str::to_owned).collect();
    if steps.last().is_some_and(|last| last == "self") {
        steps.pop();
    }
    let name = alias.map_or_else(|| steps.last().cloned().unwrap_or_default(), str::to_owned);
    vec![(steps, name)]
}

/// Paths that start with `crate::` or `super::` in the midst of code.
fn inline_paths(code: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            let path: String = code[at..].chars().take_while(|c| is_part(*c)).collect();
            let steps = path.split("::").filter(|step| !step.is_empty()).map(str::to_owned);
            all.push(steps.collect());
        }
    }
    all
}

/// The path from the crate's root; none for one that leads out of the crate.
fn from_root(named: &[String], at: &[String], children: &[String]) -> Option<Vec<String>> {
    let (first, mut rest) = named.split_first()?;
    let mut base = match first.as_str() {
        "crate" => Vec::new(),
        "self" => at.to_vec(),
        "super" => at.split_last()?.1.to_vec(),
        child if children.iter().any(|known| known == child) => {
            return Some(at.iter().chain(named).cloned().collect());
        }
        _ => return None,
    };
    while let Some((step, more)) = rest.split_first().filter(|(step, _)| *step == "super") {
        debug_assert_eq!(step, "super");
        base.pop();
        rest = more;
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

#[test]
fn no_file_needs_what_needs_it() {
    let mut found = Vec::new();
    for library in libraries() {
        for circle in library.circles() {
            let is_explained = EXPLAINED.iter().any(|(files, _)| {
                files.len() == circle.len() && files.iter().zip(&circle).all(|(a, b)| a == b)
            });
            if !is_explained {
                found.push(format!("{circle:?}\n{}", library.ties(&circle).join("\n")));
            }
        }
    }
    assert!(
        found.is_empty(),
        "{}\nmove what both need to where both may know it; or explain the circle here and in \
         ARCHITECTURE.md",
        found.join("\n")
    );
}

#[test]
fn imports_are_read_as_the_compiler_reads_them() {
    let words = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    let code = code_of("use crate::a::{self, b::{C, D as E}}; // use crate::x\npub use f::G;\n");
    let all = uses(&code);
    let each: Vec<_> = all.iter().flat_map(|(_, tree)| spread(tree)).collect();
    let expected =
        [("crate::a", "a"), ("crate::a::b::C", "C"), ("crate::a::b::D", "E"), ("f::G", "G")];
    assert_eq!(each, expected.map(|(path, name)| (words(path), name.to_owned())));
    assert!(!all[0].0 && all[1].0);

    let at = words("a::b");
    let from = |path: &str| from_root(&words(path), &at, &["child".to_owned()]);
    assert_eq!(from("super::c::D"), Some(words("a::c::D")));
    assert_eq!(from("super::super::D"), Some(words("D")));
    assert_eq!(from("child::D"), Some(words("a::b::child::D")));
    assert_eq!(from("std::fmt"), None);
    assert_eq!(
        inline_paths("fn f() -> crate::a::B { super::c() }"),
        [words("crate::a::B"), words("super::c")]
    );
}
