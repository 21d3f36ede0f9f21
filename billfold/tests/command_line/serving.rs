//! The life of `billfold up`.

use crate::workbench::{Bench, CUSTOMER, segment};

#[test]
fn a_server_makes_a_book_serves_a_second_shell_and_stops_cleanly() {
    let bench = Bench::new();
    let server = bench.up();
    assert_eq!(server.ready["status"], "ready");
    assert_eq!(server.ready["books"][0]["book"], "main");
    let position = bench.catalog();
    let get = ["query", "balances", "get", CUSTOMER, "--at-least", &position];
    let balance = bench.run(&get).json();
    assert_eq!(balance["data"]["customer"]["name"], "Ada");
    let status = bench.run(&["query", "balances", "status"]).json();
    assert_eq!(status["data"]["state"], "serving");
    for beside in [&["verify"][..], &["replay"], &["tail"], &["inspect", "1"]] {
        let ran = bench.run(beside);
        assert_eq!(ran.code, 0, "{beside:?} {}", ran.err);
    }
    assert_eq!(server.stop(), 0);
    assert!(!bench.data().join("billfold.sock").exists());
    let verified = bench.run(&["verify"]).json();
    assert_eq!((&verified["closed"], &verified["laws"]), (&true.into(), &"kept".into()));
}

#[test]
fn what_was_served_is_there_after_a_restart() {
    let bench = Bench::with_book();
    let first = bench.up();
    let position = bench.catalog();
    assert_eq!(first.stop(), 0);
    let second = bench.up();
    assert_eq!(second.ready["books"][0]["position"], 4);
    let get = bench.run(&["query", "balances", "get", CUSTOMER, "--at-least", &position]);
    assert_eq!(get.code, 0, "{}", get.err);
    assert_eq!(second.stop(), 0);
}

#[test]
fn a_second_server_on_the_folder_is_refused() {
    let bench = Bench::with_book();
    let server = bench.up();
    let second = bench.run(&["up"]);
    assert_eq!(second.code, 5, "{}", second.err);
    assert!(second.err.contains("held by another"), "{}", second.err);
    assert_eq!(bench.run(&["tail"]).code, 0, "the log can be read");
    let alive = bench.run(&["query", "revenue", "status"]);
    assert_eq!(alive.code, 0, "the first still serves: {}", alive.err);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_damaged_log_is_refused_with_file_and_offset() {
    let bench = Bench::with_book();
    bench.catalog();
    let file = segment(&bench.data(), "main");
    let mut bytes = std::fs::read(&file).expect("read");
    let at = bytes.iter().rposition(|byte| *byte != 0).expect("something is written");
    bytes[at / 2] ^= 1;
    std::fs::write(&file, bytes).expect("written");
    for args in [&["up"][..], &["verify"], &["submit", "customer.update", CUSTOMER, "name=B"]] {
        let ran = bench.run(args);
        assert_eq!(ran.code, 3, "{args:?} {}", ran.err);
        let name = file.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        assert!(ran.err.contains(name) && ran.err.contains("at byte "), "{}", ran.err);
    }
}

#[test]
fn several_books_lie_in_one_folder() {
    let bench = Bench::with_book();
    let made = bench.run(&["book", "create", "second"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let again = bench.run(&["book", "create", "second"]);
    assert_eq!(again.code, 1, "{}", again.err);
    let listed = bench.run(&["book", "list"]).json();
    let names: Vec<_> =
        listed["data"].as_array().expect("rows").iter().map(|b| &b["book"]).collect();
    assert_eq!(names, ["main", "second"]);
    let server = bench.up();
    let views = bench.run(&["query", "revenue", "status", "--book", "second"]);
    assert_eq!(views.code, 0, "{}", views.err);
    let unknown = bench.run(&["query", "revenue", "status", "--book", "third"]);
    assert_eq!(unknown.code, 1, "{}", unknown.err);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_test_clock_is_for_fresh_folders() {
    let bench = Bench::with_book();
    let ran = bench.run(&["up", "--test-clock", "2026-01-01T00:00:00Z"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
}
