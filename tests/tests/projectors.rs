//! Projectors as processes: upgraded, damaged, and beside a log that lost commits.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tests::process::{billfold, raised, run};
use tests::shelf::{Running, add, fill};

const INVOICES: u64 = 3_000;
/// Opening commands, customers, and the commit that opens the book.
const SET_UP: u64 = 5 + 20 + 1;
const HEAD: u64 = SET_UP + INVOICES;

fn at_head(status: &Value) -> bool {
    status["position"] == HEAD && status["state"] == "serving"
}

fn store(data: &Path, view: &str) -> PathBuf {
    let views = data.join("books/main/views").join(view);
    let current = fs::read_to_string(views.join("current")).expect("it was built");
    views.join(format!("g{:08}", current.trim().parse::<u64>().expect("a number")))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn hash(process: &Running, view: &str) -> Value {
    process.answer(&format!("{view}.hash"), &json!({}))["data"]["hash"].clone()
}

#[test]
fn a_raised_version_is_built_beside_the_old_rows_which_answer_until_it_has_caught_up() {
    // given
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    fill(data, INVOICES);
    let gateway = Running::start(&billfold(), data, &["serve"]);
    let other = Running::start(&billfold(), data, &["project", "balances"]);
    let old = Running::start(&billfold(), data, &["project", "invoices", "revenue"]);
    let before = old.status("invoices", at_head);
    let version = before["version"].as_u64().expect("a number");
    let of_revenue = old.status("revenue", at_head)["version"].as_u64().expect("a number");
    other.status("balances", at_head);
    let page = old.answer("invoices.list", &json!({"limit": 10}));
    let rows = hash(&old, "invoices");
    assert_eq!(old.stop(), [""; 0]);

    // when
    let new = Running::start(&raised(), data, &["project", "invoices", "revenue"]);
    let mut asked = 0_u64;
    let after = loop {
        // The old rows answer, and after them the new ones; never nobody.
        let list = new.answer("invoices.list", &json!({"limit": 1}));
        assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
        asked += 1;
        let status = new.answer("invoices.status", &json!({}))["data"].clone();
        if status["version"] == version + 1 {
            break status;
        }
        assert_eq!((&status["version"], &status["position"]), (&json!(version), &json!(HEAD)));
        assert!(status["rebuild"]["percent"].as_u64() <= Some(100), "{status}");
    };

    // then
    println!("{asked} queries were answered during the upgrade");
    assert_eq!((&after["rebuilds"], &after["position"]), (&json!(1), &json!(HEAD)));
    assert_eq!(hash(&new, "invoices"), rows);
    let expired = new.ask("invoices.list", &json!({"limit": 10, "after": page["next"]}));
    assert!(String::from_utf8_lossy(&expired.body).contains("cursor_expired"));
    // Rows that the new queries cannot read answer nothing until they are built anew.
    let revenue = new.status("revenue", at_head);
    assert_eq!((&revenue["rebuilds"], &revenue["version"]), (&json!(1), &json!(of_revenue + 1)));
    // Nobody else was touched.
    assert_eq!(other.status("balances", at_head)["rebuilds"], 0);
    let said = new.stop();
    assert_eq!(said.len(), 2, "one line for each read model: {said:#?}");
    assert!(said.iter().all(|line| line.contains("the store has version")), "{said:#?}");
    assert_eq!(other.stop(), [""; 0]);
    assert_eq!(gateway.stop(), [""; 0]);
}

/// Damages the store of a stopped projector; it is built anew, and one line says so.
fn is_built_anew(what: &str, damage: impl Fn(&Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    fill(data, INVOICES);
    let first = Running::start(&billfold(), data, &["project", "invoices"]);
    first.status("invoices", at_head);
    let rows = hash(&first, "invoices");
    assert_eq!(first.stop(), [""; 0]);
    damage(&store(data, "invoices"));
    let again = Running::start(&billfold(), data, &["project", "invoices"]);
    assert_eq!(again.status("invoices", at_head)["rebuilds"], 1, "{what}");
    assert_eq!(hash(&again, "invoices"), rows, "{what}");
    let said = again.stop();
    assert_eq!(said.len(), 1, "{what}: {said:#?}");
    assert!(said[0].contains("built anew from the log"), "{what}: {said:#?}");
}

#[test]
fn a_store_that_is_damaged_while_its_projector_is_stopped_is_built_anew() {
    is_built_anew("deleted", |store| fs::remove_dir_all(store).expect("removed"));
    is_built_anew("truncated", |store| {
        for path in files(store) {
            let file = fs::File::options().write(true).open(&path).expect("opens");
            let length = file.metadata().expect("has metadata").len();
            file.set_len(length / 2).expect("truncated");
        }
    });
    is_built_anew("flipped", |store| {
        for path in files(store) {
            let mut bytes = fs::read(&path).expect("read");
            (0..bytes.len()).step_by(97).for_each(|at| bytes[at] ^= 0x55);
            fs::write(&path, bytes).expect("written");
        }
    });
}

#[test]
fn a_store_that_is_deleted_while_its_projector_runs_is_built_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    fill(data, INVOICES);
    let process = Running::start(&billfold(), data, &["project", "invoices"]);
    process.status("invoices", at_head);
    let rows = hash(&process, "invoices");
    fs::remove_dir_all(store(data, "invoices")).expect("removed");
    process.status("invoices", |status| status["rebuilds"] == 1 && at_head(status));
    assert_eq!(hash(&process, "invoices"), rows);
    let said = process.stop();
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].contains("files are gone"), "{said:#?}");
}

#[test]
fn a_checkpoint_above_the_head_raises_an_alarm_and_shows_no_lost_fact() {
    // given
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    fill(data, 100);
    let copy = data.join("copy");
    let copied = run(data, &["backup", copy.to_str().expect("UTF-8")]);
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    add(data, 100..200);
    let first = Running::start(&billfold(), data, &["project", "invoices"]);
    first.status("invoices", |status| status["position"] == SET_UP + 200);
    first.stop();

    // when
    let log = data.join("books/main/log");
    fs::remove_dir_all(&log).expect("lost");
    let restored = run(data, &["restore", copy.to_str().expect("UTF-8")]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let metrics = ["project", "invoices", "--metrics", "127.0.0.1:0"];
    let again = Running::start(&billfold(), data, &metrics);
    let status = again.status("invoices", |status| {
        status["position"] == SET_UP + 100 && status["state"] == "serving"
    });

    // then
    assert_eq!(status["alarms"][0]["code"], "checkpoint_above_head");
    let summary = again.answer("invoices.summary", &json!({}));
    assert_eq!(summary["data"][0]["invoices"], 100, "{summary}");
    let (code, why) = again.http("/readyz");
    assert_eq!(code, 503);
    assert!(why.contains("checkpoint_above_head"), "{why}");
    assert_eq!(again.http("/healthz").0, 200);
    let (_, figures) = again.http("/metrics");
    assert!(
        figures.contains("billfold_view_alarms{book=\"main\",view=\"invoices\"} 1"),
        "{figures}"
    );
    let said = again.stop();
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].contains("ERROR") && said[0].contains("lost commits"), "{said:#?}");
}
