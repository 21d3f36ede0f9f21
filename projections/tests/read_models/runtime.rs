//! Projectors that follow a log.

use std::time::Duration;

use event_log::{EventLog, LogReader};
use projections::{DEFAULT_PATIENCE, Projectors, StartError, ViewName};
use schemas::Problem;
use schemas::status::ViewState;
use schemas::wire::LogPosition;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::book::{Book, LOG, invoice, part, point, position_of, straight};
use crate::hashes::hashes;

/// Longer than anything here should take.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// A book with so many invoices, every second one paid.
pub(crate) fn a_book(invoices: u128) -> Book {
    let mut book = Book::opened("2026-01-01");
    for n in 0..20 {
        book.customer("2026-01-01", n);
    }
    for n in 0..invoices {
        let day = format!("2026-{:02}-{:02}", 1 + n / 100 % 12, 1 + n % 28);
        let lines = vec![point(1, 1, 100, &day), straight(2, 365, "2026-01-01/2027-01-01")];
        book.invoice(&day, n % 20, n, lines);
        if n % 2 == 0 {
            book.payment(&day, n % 20, n, 465, &[part(n, 465)]);
        }
    }
    book
}

pub(crate) fn at(position: u64) -> LogPosition {
    LogPosition { log: Uuid::from_bytes(LOG), position }
}

pub(crate) fn ask(
    projectors: &Projectors,
    view: &str,
    name: &str,
    body: &str,
    at_least: Option<LogPosition>,
) -> Result<Value, Problem> {
    let bytes = projectors.answer(view, name, body.as_bytes(), at_least, LONG)?;
    Ok(serde_json::from_slice(&bytes).expect("an answer is JSON"))
}

#[test]
fn a_query_waits_for_what_was_just_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut book = a_book(10);
    let mut log = book.log(&folder.path().join("log"), 4);
    let readers = log.readers();
    let views = folder.path().join("views");
    let projectors = Projectors::start(|| readers.open(), &views, &ViewName::ALL).expect("starts");
    for n in 100..120 {
        let from = book.commits.len();
        let position = book.invoice("2026-12-30", 1, n, vec![point(1, 1, 7, "2026-12-30")]);
        book.append(&mut log, from, 1);
        let body = json!({"invoice": invoice(n)}).to_string();
        for view in ["invoices", "revenue"] {
            let answer = ask(&projectors, view, "get", &body, Some(at(position))).expect("answers");
            let token = answer["position"].as_str().expect("a token").to_owned();
            let reflected: LogPosition = token.parse().expect("a position");
            assert!(reflected.position >= position);
            assert_eq!(answer["time"], "2026-12-30T00:00:00Z");
        }
    }
    assert!(projectors.wait_for(book.commits.len() as u64, LONG));
    assert!(projectors.statuses().iter().all(|one| one.state == ViewState::Serving));
}

#[test]
fn a_query_for_a_later_position_says_where_the_read_model_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let book = a_book(10);
    let log = folder.path().join("log");
    let _writer = book.log(&log, 4);
    let open = || LogReader::open(&log);
    let views = folder.path().join("views");
    let projectors = Projectors::start(open, &views, &[ViewName::Balances]).expect("starts");
    let head = book.commits.len() as u64;
    assert!(projectors.wait_for(head, LONG));
    let short = Duration::from_millis(5);
    let behind = projectors.answer("balances", "summary", b"", Some(at(head + 1)), short);
    let behind = behind.expect_err("behind");
    assert_eq!((behind.code.as_str(), behind.status), ("projection_behind", 503));
    assert_eq!(behind.position, Some(at(head).to_string()));
    assert!(behind.retryable && behind.retry_after_ms.is_some());
    let other = LogPosition { log: Uuid::from_u128(1), position: 1 };
    let other = projectors.answer("balances", "summary", b"", Some(other), DEFAULT_PATIENCE);
    assert_eq!(other.expect_err("another log").code, "malformed");
    let unknown = ask(&projectors, "invoices", "list", "", None).expect_err("does not run");
    assert_eq!(unknown.code, "unknown_subject");
    assert!(unknown.detail.contains("balances"));
    let unknown = ask(&projectors, "balances", "lst", "", None).expect_err("no such query");
    assert!(unknown.detail.contains("trial_balance"), "{}", unknown.detail);
}

#[test]
fn a_projector_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, views) = (folder.path().join("log"), folder.path().join("views"));
    let mut book = a_book(60);
    let mut writer = book.log(&log, 5);
    let open = || LogReader::open(&log);
    let projectors = Projectors::start(open, &views, &ViewName::ALL).expect("starts");
    assert!(projectors.wait_for(book.commits.len() as u64, LONG));
    let list = r#"{"limit":10}"#;
    let first = ask(&projectors, "invoices", "list", list, None).expect("answers");
    projectors.stop();
    let from = book.commits.len();
    for n in 1_000..1_060 {
        book.invoice("2026-12-30", 1, n, vec![point(1, 1, 7, "2026-12-30")]);
    }
    book.append(&mut writer, from, 9);
    let projectors = Projectors::start(open, &views, &ViewName::ALL).expect("starts");
    assert!(projectors.wait_for(book.commits.len() as u64, LONG));
    // The same generation: the cursor still holds.
    let body = json!({"limit": 10, "after": first["next"]}).to_string();
    assert!(ask(&projectors, "invoices", "list", &body, None).is_ok());
    let none = &mut |_, _| {};
    let again =
        projections::replay(open, &projections::Scratch::Memory, &ViewName::ALL, None, none);
    assert_eq!(hashes(&projectors), again.expect("replays"));
}

#[test]
fn a_cursor_expires_when_the_read_model_is_rebuilt() {
    let folder = tempfile::tempdir().expect("a folder");
    let book = a_book(60);
    let log = folder.path().join("log");
    let _writer = book.log(&log, 5);
    let views = folder.path().join("views");
    let open = || LogReader::open(&log);
    let projectors = Projectors::start(open, &views, &[ViewName::Invoices]).expect("starts");
    assert!(projectors.wait_for(book.commits.len() as u64, LONG));
    let first = ask(&projectors, "invoices", "list", r#"{"limit":10}"#, None).expect("answers");
    let body = json!({"limit": 10, "after": first["next"]}).to_string();
    assert!(ask(&projectors, "invoices", "list", &body, None).is_ok());
    let before = projectors.content_hash(ViewName::Invoices).expect("serves");
    assert!(projectors.rebuild(ViewName::Invoices));
    let started = std::time::Instant::now();
    let expired = loop {
        match ask(&projectors, "invoices", "list", &body, None) {
            Err(problem) if problem.code == "cursor_expired" => break problem,
            Ok(_) | Err(_) => assert!(started.elapsed() < LONG, "the rebuild takes too long"),
        }
        projectors.wait_for(u64::MAX, Duration::from_millis(5));
    };
    assert_eq!(expired.status, 410);
    assert_eq!(projectors.content_hash(ViewName::Invoices), Ok(before));
}

#[test]
fn two_projectors_of_one_read_model_never_share_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let book = a_book(3);
    let log = folder.path().join("log");
    let _writer = book.log(&log, 5);
    let views = folder.path().join("views");
    let open = || LogReader::open(&log);
    let _first = Projectors::start(open, &views, &[ViewName::Invoices]).expect("starts");
    let second = Projectors::start(open, &views, &[ViewName::Invoices]);
    assert!(matches!(second, Err(StartError::Home(projections::HomeError::InUse { .. }))));
    let third = Projectors::start(open, &views, &[ViewName::Revenue]);
    assert!(third.is_ok(), "another read model is free");
}

#[test]
fn a_commit_of_a_later_release_stops_the_fold_and_is_not_skipped() {
    let folder = tempfile::tempdir().expect("a folder");
    let book = a_book(3);
    let log_folder = folder.path().join("log");
    let mut log = book.log(&log_folder, 5);
    let head = book.commits.len() as u64;
    // The number of the last event becomes one that no release has given out.
    let mut commit = book.commits.last().expect("a commit").clone();
    commit.position = head + 1;
    let mut bytes = commit.to_bytes();
    let kind = commit.events[0].kind();
    let record = [kind.type_id.to_le_bytes()[0], kind.type_id.to_le_bytes()[1], kind.version];
    let found = bytes.windows(3).rposition(|window| window == record).expect("a record");
    bytes[found] = 0xff;
    bytes[found + 1] = 0xff;
    assert_eq!(position_of(&bytes), head + 1);
    let mut block = event_log::Block::new(0);
    block.push(&bytes).expect("room");
    log.append(head + 1, &mut block).expect("appends");
    let open = || LogReader::open(&log_folder);
    let views = folder.path().join("views");
    let projectors = Projectors::start(open, &views, &[ViewName::Revenue]).expect("starts");
    let started = std::time::Instant::now();
    let reason = loop {
        if let Some(reason) = projectors.statuses()[0].reason.clone() {
            break reason;
        }
        assert!(started.elapsed() < LONG);
        projectors.wait_for(u64::MAX, Duration::from_millis(5));
    };
    assert!(reason.contains(&format!("commit {}", head + 1)), "{reason}");
    let problem = ask(&projectors, "revenue", "waterfall", "", None).expect_err("stands still");
    assert_eq!(problem.code, "unavailable");
}
