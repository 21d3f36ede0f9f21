//! A log is copied while it is written; what is restored is a prefix of it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use schemas::wire::header;
use tests::acme::{charge, command, command_id, opening, register};
use tests::log::{commit_bytes, reader_at};
use tests::process::{Server, run};

fn log_of(data: &Path) -> std::path::PathBuf {
    data.join("books/main/log")
}

/// Charges customers until there is enough.
fn charge_until(server: &Server, first: u64, enough: &AtomicBool) -> u64 {
    let mut client = server.connect();
    let mut n = first;
    while !enough.load(Ordering::Relaxed) {
        let message = command(command_id(n), "charge.add", &charge(1, n, "1.00"));
        assert!(message.headers.contains_key(header::COMMAND_ID));
        let reply = client.call_patiently(&message).expect("the server answers");
        assert!(!reply.is_problem(), "{}", String::from_utf8_lossy(&reply.body));
        n += 1;
    }
    n
}

fn succeeds(data: &Path, arguments: &[&str]) -> serde_json::Value {
    let ran = run(data, arguments);
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

#[test]
fn a_backup_that_is_made_under_load_restores_to_a_prefix_of_the_log() {
    // given
    let folder = tempfile::tempdir().expect("a folder");
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    let server = Server::start(&data);
    let mut client = server.connect();
    let first = opening().into_iter().chain([("customer.register", register(1))]);
    for (n, (name, body)) in (0..).zip(first) {
        let reply = client.call_patiently(&command(command_id(n), name, &body)).expect("answers");
        assert!(!reply.is_problem(), "{}", String::from_utf8_lossy(&reply.body));
    }

    // when
    let enough = AtomicBool::new(false);
    let copies: Vec<_> = (0..3).map(|n| folder.path().join(format!("copy-{n}"))).collect();
    let printed = thread::scope(|scope| {
        let load = [1_000_000, 2_000_000].map(|first| {
            let (server, enough) = (&server, &enough);
            scope.spawn(move || charge_until(server, first, enough))
        });
        let printed: Vec<_> = copies
            .iter()
            .map(|copy| succeeds(&data, &["backup", copy.to_str().expect("UTF-8")]))
            .collect();
        // Copied by hand, the parts are of different moments.
        let by_hand = other.join("books/main/log");
        fs::create_dir_all(&by_hand).expect("made");
        for entry in fs::read_dir(log_of(&data)).expect("a log") {
            let entry = entry.expect("an entry");
            // What is renamed meanwhile is one of the things that go wrong.
            let _missed = fs::copy(entry.path(), by_hand.join(entry.file_name()));
        }
        enough.store(true, Ordering::Relaxed);
        for client in load {
            client.join().expect("a client ends well");
        }
        printed
    });
    assert!(server.stop().success());

    // then
    let all = commit_bytes(reader_at(&log_of(&data))).expect("it is whole");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (identity, keys) = (path("identity"), path("keys"));
    let made = run(&data, &["keys", "identity", &identity]);
    let recipient = String::from_utf8(made.stdout).expect("UTF-8");
    succeeds(&data, &["keys", "backup", &keys, "--recipient", recipient.trim()]);
    let mut before = 0;
    for (copy, printed) in copies.iter().zip(&printed) {
        let restored = folder.path().join("restored");
        let again = succeeds(&restored, &["restore", copy.to_str().expect("UTF-8")]);
        for same in ["position", "commits", "head_hash", "merkle_root"] {
            assert_eq!(again[same], printed[same], "{same}");
        }
        let commits = commit_bytes(reader_at(&log_of(&restored))).expect("it is whole");
        assert!(commits.len() >= before && commits.len() < all.len());
        assert!(all.starts_with(&commits), "a prefix, byte for byte");
        before = commits.len();
        let refused = run(&restored, &["restore", copy.to_str().expect("UTF-8")]);
        assert_eq!(refused.status.code(), Some(1));
        let refused = run(&data, &["backup", copy.to_str().expect("UTF-8")]);
        assert_eq!(refused.status.code(), Some(1), "a copy is not overwritten");
        // With its keys it takes commands again.
        succeeds(&restored, &["keys", "restore", &keys, "--identity", &identity]);
        let server = Server::start(&restored);
        assert!(server.stop().success());
        fs::remove_dir_all(&restored).expect("removed");
    }
    let by_hand = run(&other, &["verify"]);
    if by_hand.status.success() {
        let commits = commit_bytes(reader_at(&log_of(&other))).expect("it is whole");
        assert!(all.starts_with(&commits));
    } else {
        let said = String::from_utf8_lossy(&by_hand.stderr);
        assert!(said.contains("billfold backup"), "{said}");
    }
}
