//! The members that `scripts/grow` adds still fit: every patch applies to this tree.
//!
//! What is behind that, how many files each takes and whether its tests pass, is for the night.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("tests lies in the tree").to_owned()
}

fn patch(name: &str) -> PathBuf {
    root().join("tests/growth").join(format!("{name}.patch"))
}

/// The patches that a patch stands on, and itself, in order.
fn chain(name: &str) -> Vec<PathBuf> {
    let text = fs::read_to_string(patch(name)).expect("a patch");
    let (head, _) = text.split_once("\ndiff --git").expect("a head and a diff");
    let under = head.lines().filter_map(|line| line.strip_prefix("After: "));
    let mut all: Vec<PathBuf> = under.flat_map(chain).collect();
    all.push(patch(name));
    all
}

#[test]
fn every_patch_of_growth_applies_to_this_tree() {
    if !root().join(".git").exists() {
        println!("skipped: this tree is no git checkout, and git applies the patches");
        return;
    }
    let folder = fs::read_dir(root().join("tests/growth")).expect("the folder");
    let mut names: Vec<String> = folder
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".patch").map(str::to_owned))
        .collect();
    names.sort();
    assert_eq!(names, ["command", "event", "price-model", "process", "read-model"]);
    let wrong: Vec<String> = names.iter().filter_map(|name| refused(name)).collect();
    assert!(
        wrong.is_empty(),
        "these do not apply; make them anew and let `scripts/grow NAME` try them:\n{}",
        wrong.join("\n")
    );
}

/// Why a patch does not apply, if it does not.
fn refused(name: &str) -> Option<String> {
    let mut git = Command::new("git");
    git.current_dir(root()).args(["apply", "--check"]).args(chain(name));
    let said = git.output().expect("git runs where there is a checkout");
    let why = String::from_utf8_lossy(&said.stderr).into_owned();
    (!said.status.success()).then(|| format!("{name}:\n{why}"))
}
