//! The workspace keeps its shape: who may know whom, and what may not be there at all.
//!
//! The arrows are those of ARCHITECTURE.md. Everything here is read from cargo's own metadata.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Target};

/// Each crate of the workspace and the crates of ours that it may depend on.
const ARROWS: [(&str, &[&str]); 14] = [
    ("schemas", &[]),
    ("ledger-core", &["schemas"]),
    ("event-log", &["schemas"]),
    ("vault", &["schemas", "event-log"]),
    ("nats-connection", &["schemas"]),
    ("command-gateway", &["schemas", "ledger-core", "event-log", "vault", "nats-connection"]),
    ("projections", &["schemas", "ledger-core", "event-log"]),
    ("client", &["schemas", "nats-connection"]),
    (
        "host",
        &[
            "schemas",
            "ledger-core",
            "event-log",
            "vault",
            "nats-connection",
            "command-gateway",
            "projections",
            "client",
        ],
    ),
    ("terminal", &["schemas", "client"]),
    ("scenarios", &["schemas", "client", "host"]),
    (
        "workbench",
        &[
            "schemas",
            "ledger-core",
            "event-log",
            "command-gateway",
            "projections",
            "client",
            "host",
            "terminal",
        ],
    ),
    ("billfold", &LIBRARIES),
    ("tests", &ALL),
];

/// What the binary puts together.
const LIBRARIES: [&str; 12] = [
    "schemas",
    "ledger-core",
    "event-log",
    "vault",
    "nats-connection",
    "command-gateway",
    "projections",
    "client",
    "host",
    "terminal",
    "scenarios",
    "workbench",
];

/// What tests across crates may use.
const ALL: [&str; 13] = [
    "schemas",
    "ledger-core",
    "event-log",
    "vault",
    "nats-connection",
    "command-gateway",
    "projections",
    "client",
    "host",
    "terminal",
    "scenarios",
    "workbench",
    "billfold",
];

/// What a crate's own tests may use beside that: a front door is tested by asking at it.
const TESTED_WITH: [(&str, &str); 1] = [("command-gateway", "client")];

/// Crates that one place alone may know: the command line, the drawing of tables, scenario files.
const KEPT_TO: [(&str, &[&str]); 8] = [
    ("chacha20poly1305", &["vault"]),
    ("hmac", &["vault"]),
    ("clap", &["billfold"]),
    ("clap_complete", &["billfold"]),
    ("tracing-subscriber", &["billfold"]),
    ("comfy-table", &["terminal"]),
    ("indicatif", &["terminal"]),
    ("saphyr-parser", &["scenarios"]),
];

/// What the pure crates may not reach, by any path: runtimes, stores, wires, randomness.
const IMPURE: [&str; 11] = [
    "tokio",
    "async-nats",
    "sled",
    "crossbeam-channel",
    "crossbeam-utils",
    "rustix",
    "getrandom",
    "rand",
    "tracing",
    "chrono",
    "mio",
];

/// Crates that bring a TLS implementation. One is enough for everybody.
const TLS_PROVIDERS: [&str; 6] =
    ["aws-lc-rs", "boring", "mbedtls", "native-tls", "openssl", "ring"];

/// Crates whose build scripts were read: they ask the compiler or the target what it can do,
/// generate code from what is in the crate, or compile the C and assembly in it (`ring`,
/// `libmimalloc-sys`). None downloads anything.
const BUILD_SCRIPTS_READ: [&str; 33] = [
    "assert_cmd",
    "borsh",
    "camino",
    "crc32c",
    "crc32fast",
    "crossbeam-epoch",
    "crossbeam-utils",
    "curve25519-dalek",
    "generic-array",
    "getrandom",
    "httparse",
    "icu_normalizer_data",
    "icu_properties_data",
    "libc",
    "libmimalloc-sys",
    "num-traits",
    "parking_lot_core",
    "portable-atomic",
    "proc-macro2",
    "prometheus-client",
    "quote",
    "ref-cast",
    "ring",
    "rust_decimal",
    "rustix",
    "rustls",
    "rustversion",
    "serde",
    "serde_core",
    "serde_json",
    "thiserror",
    "zerocopy",
    "zmij",
];

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the crate lies in the workspace").to_owned()
}

/// The platform of this build; what other platforms need is not compiled here.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("rustc prints UTF-8");
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.expect("rustc names its host").to_owned()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--locked", "--offline", "--filter-platform", &host()].map(str::to_owned))
        .exec()
        .expect("cargo metadata answers")
}

/// What `cargo tree` prints for one crate built by itself: a workspace build would show features
/// that other crates turn on.
fn tree_in_isolation(crate_name: &str, edges: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--offline", "--prefix", "none", "-e", edges, "-p", crate_name])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let metadata = metadata();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        seen.insert(name);
        let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == name) else {
            wrong.push(format!("{name} is not in the picture; draw its arrows here first"));
            continue;
        };
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            let ours = ARROWS.iter().any(|(from, _)| *from == to);
            let for_tests =
                dependency.kind == DependencyKind::Development && TESTED_WITH.contains(&(name, to));
            if ours && !allowed.contains(&to) && !for_tests {
                wrong.push(format!("{name} -> {to} is no arrow of the design; move the code"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, ARROWS.iter().map(|(name, _)| *name).collect());
}

#[test]
fn the_picture_and_the_table_of_the_house_are_true() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page");
    let floors: Vec<&str> = page
        .lines()
        .skip_while(|line| !line.starts_with(" floor"))
        .skip(1)
        .take_while(|line| !line.starts_with("```"))
        .collect();
    let floor_of = |name: &str| {
        let on = |line: &&&str| line.split_whitespace().any(|word| word == name);
        let line = floors.iter().find(on)?;
        line.split_whitespace().next()?.parse::<u32>().ok()
    };
    let mut wrong = Vec::new();
    for (name, allowed) in ARROWS.iter().filter(|(name, _)| *name != "tests") {
        let Some(floor) = floor_of(name) else {
            wrong.push(format!("{name} is on no floor of ARCHITECTURE.md"));
            continue;
        };
        let upward = allowed.iter().filter(|to| floor_of(to).is_none_or(|below| below >= floor));
        wrong.extend(upward.map(|to| format!("{name} -> {to} does not lead to a lower floor")));
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_default().rsplit('|').nth(1).unwrap_or_default();
        let all = row.contains("all of these");
        let untold = allowed.iter().filter(|to| !all && !row.contains(&format!("`{to}`")));
        wrong.extend(untold.map(|to| format!("the row of {name} does not say that it knows {to}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_belongs_to_one_place_is_known_there_alone() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        for dependency in &package.dependencies {
            let kept = KEPT_TO.iter().find(|(kept, _)| *kept == dependency.name);
            if let Some((kept, places)) = kept.filter(|(_, places)| !places.contains(&name)) {
                wrong.push(format!("{name} knows {kept}, which belongs to {places:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pure_crates_reach_no_runtime_no_store_and_no_randomness() {
    for crate_name in ["schemas", "ledger-core"] {
        let tree = tree_in_isolation(crate_name, "normal");
        let linked: BTreeSet<&str> =
            tree.iter().filter_map(|line| line.split_whitespace().next()).collect();
        assert!(linked.contains("serde"), "the tree lists what is linked");
        let found: Vec<_> = IMPURE.iter().filter(|impure| linked.contains(**impure)).collect();
        assert!(found.is_empty(), "{crate_name} reaches {found:?}; find the feature that asks");
    }
}

#[test]
fn by_itself_the_core_has_no_clock_and_no_random_ids_to_call() {
    for crate_name in ["schemas", "ledger-core"] {
        let features = tree_in_isolation(crate_name, "normal,features");
        assert!(features.contains("uuid feature \"v5\""), "{features:?}");
        for forbidden in [
            "jiff feature \"std\"",
            "jiff feature \"default\"",
            "jiff feature \"tz-system\"",
            "uuid feature \"v1\"",
            "uuid feature \"v4\"",
            "uuid feature \"v7\"",
            "uuid feature \"rng\"",
            "rust_decimal feature \"serde-float\"",
        ] {
            assert!(!features.contains(forbidden), "{crate_name} turns on {forbidden}");
        }
    }
}

#[test]
fn there_is_at_most_one_tls_provider() {
    let metadata = metadata();
    let mut found: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    found.retain(|name| TLS_PROVIDERS.contains(name));
    assert!(found.len() <= 1, "{found:?}; turn off the features that bring the others");
}

#[test]
fn every_build_script_was_read() {
    let metadata = metadata();
    let mut unread: Vec<&str> = metadata
        .packages
        .iter()
        .filter(|package| package.targets.iter().any(Target::is_custom_build))
        .map(|package| package.name.as_str())
        .filter(|name| !BUILD_SCRIPTS_READ.contains(name))
        .collect();
    unread.sort_unstable();
    unread.dedup();
    assert!(
        unread.is_empty(),
        "read the build scripts of {unread:?}; one that downloads has no place here, \
         the others go on the list"
    );
}

#[test]
fn every_dependency_is_pinned_to_one_version() {
    let metadata = metadata();
    let mut loose = Vec::new();
    for package in metadata.workspace_packages() {
        for dependency in package.dependencies.iter().filter(|d| d.path.is_none()) {
            let requirement = dependency.req.to_string();
            if !requirement.starts_with('=') {
                loose.push(format!("{}: {} {requirement}", package.name, dependency.name));
            }
        }
    }
    assert!(loose.is_empty(), "write `=` in the workspace's Cargo.toml: {loose:#?}");
}

#[test]
fn our_own_crates_have_no_build_scripts() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let scripts = package.targets.iter().filter(|target| target.is_custom_build()).count();
        assert_eq!(scripts, 0, "{}; generate with a test and BLESS=1 instead", package.name);
    }
}
