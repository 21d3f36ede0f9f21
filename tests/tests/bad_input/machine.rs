//! Machines that cannot: a second writer, a full disk, a read-only folder, a corrupted byte.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use command_gateway::{CommandRequest, Gateway, GatewayConfig, GatewayError, ManualClock, Refusal};
use event_log::OpenError;
use event_log::sim::SimDisk;
use schemas::command::OpenBook;
use schemas::terms::{BookClock, Profile};
use tests::acme::{BOOK, command, command_id, opening, register};
use tests::process::{self, Server, answer, run};
use tests::wait::until;
use uuid::Uuid;

/// The machine failed: disk, permissions, a folder in use.
const MACHINE: i32 = 5;
/// Verification failed.
const DAMAGED: i32 = 3;

/// A data folder with a book in it that nobody has open.
fn book_in(data: &Path) {
    let server = Server::start(data);
    let mut client = server.connect();
    for (n, (name, body)) in (0..).zip(opening()) {
        answer(&mut client, &command(command_id(n), name, &body));
    }
    drop(client);
    assert!(server.stop().success());
}

fn log_in(data: &Path) -> PathBuf {
    data.join("books").join(BOOK).join("log")
}

/// The process ended by itself with this code, and said these words.
fn assert_refused(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

fn segment_in(data: &Path) -> PathBuf {
    let files = fs::read_dir(log_in(data)).expect("a log");
    let mut paths = files.map(|entry| entry.expect("an entry").path());
    let is_segment = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("segment"))
    };
    paths.find(is_segment).expect("a segment")
}

#[test]
fn a_second_writer_is_refused_and_the_first_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let second = run(folder.path(), &["up"]);
    assert_refused(&second, MACHINE, &["held by another writer", "stop that one first"]);
    let elsewhere = folder.path().join("other.sock");
    let elsewhere = elsewhere.to_str().expect("UTF-8");
    let third = run(folder.path(), &["up", "--socket", elsewhere]);
    assert_refused(&third, MACHINE, &["held by another writer"]);
    let config = GatewayConfig::at(log_in(folder.path())).expect("a folder");
    let fourth = Gateway::open(&config);
    assert!(matches!(fourth, Err(GatewayError::Log(OpenError::InUse { .. }))), "{fourth:?}");
    let (name, body) = opening().remove(0);
    answer(&mut server.connect(), &command(command_id(0), name, &body));
    assert!(server.stop().success());
}

#[test]
fn a_corrupted_byte_is_refused_with_file_and_offset() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    book_in(data);
    let segment = segment_in(data);
    let sound = fs::read(&segment).expect("readable");
    let used = sound.iter().rposition(|byte| *byte != 0).expect("it is written");
    let name = segment.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    for at in [0, 600, used / 2, used] {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x10;
        fs::write(&segment, &damaged).expect("writable");
        let is_damaged = [name, "is damaged at byte ", "restore it from a copy"];
        assert_refused(&run(data, &["verify"]), DAMAGED, &is_damaged);
        assert_refused(&run(data, &["up"]), DAMAGED, &is_damaged);
        assert_eq!(fs::read(&segment).expect("readable"), damaged, "nobody repairs it");
    }
    fs::write(&segment, &sound).expect("writable");
    assert!(run(data, &["verify"]).status.success());
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    book_in(data);
    set_writable(data, false);
    let mut up = process::command(data, &["up"]);
    // Root may write everywhere; somebody else stands in for it.
    if fs::write(log_in(data).join("probe"), b"").is_ok() {
        fs::remove_file(log_in(data).join("probe")).expect("just made");
        fs::set_permissions(data, fs::Permissions::from_mode(0o555)).expect("ours");
        up.uid(65_534).gid(65_534);
    }
    let output = up.output();
    set_writable(data, true);
    let Ok(output) = output else {
        eprintln!("skipped: this user may write everywhere, and nobody else can run billfold");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(MACHINE), "{said}");
    assert!(said.contains("read-only") || said.contains("ermission denied"), "{said}");
    assert!(said.contains(data.to_str().expect("UTF-8")), "it names the folder: {said}");
    assert!(run(data, &["verify"]).status.success());
}

/// Sets the permissions of everything in a folder.
fn set_writable(folder: &Path, writable: bool) {
    let set = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    };
    if writable {
        set(folder, 0o755);
    }
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            set_writable(&path, writable);
        } else {
            set(&path, if writable { 0o644 } else { 0o444 });
        }
    }
    if !writable {
        set(folder, 0o555);
    }
}

#[test]
fn a_folder_on_a_full_disk_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let mount = "mount -t tmpfs -o size=256k none \"$0\" || exit 99; exec \"$@\"";
    let mut up = process::command(data, &["up"]);
    let program = up.get_program().to_owned();
    let arguments: Vec<_> = up.get_args().map(ToOwned::to_owned).collect();
    up = Command::new("unshare");
    up.args(["--map-root-user", "--mount", "sh", "-c", mount]).arg(data);
    let output = up.arg(program).args(arguments).output();
    match output {
        Ok(output) if mounted(&output) => {
            assert_refused(&output, MACHINE, &["no room to write", "free some"]);
        }
        Ok(_) | Err(_) => eprintln!("skipped: this machine lets no test mount a small disk"),
    }
}

fn mounted(output: &Output) -> bool {
    let said = String::from_utf8_lossy(&output.stderr);
    output.status.code() != Some(99) && !said.starts_with("unshare")
}

fn simulated(disk: &SimDisk) -> GatewayConfig {
    let clock = ManualClock::at("2026-03-01T12:00:00Z".parse().expect("an instant"));
    let mut config = GatewayConfig::on(Arc::new(disk.clone())).with_clock(Arc::new(clock));
    config.segment_bytes = Some(64 * 1024);
    config
}

fn open_book() -> OpenBook {
    let book = BOOK.parse().expect("a name");
    OpenBook { book, profile: Profile::Billfold1, policies: None, clock: BookClock::Wall }
}

fn request(n: u64, name: &str, body: &serde_json::Value) -> CommandRequest {
    let command = schemas::Command::from_json(name, body.to_string().as_bytes());
    CommandRequest::new(
        command_id(n),
        "ada".parse().expect("an actor"),
        command.expect("a command"),
    )
}

#[test]
fn a_disk_that_fills_up_refuses_commands_until_there_is_room() {
    let disk = SimDisk::new(0);
    let log = Uuid::from_u128(5);
    let gateway = Gateway::create(&simulated(&disk), log, open_book()).expect("a fresh disk");
    let handle = gateway.handle();
    let (name, body) = opening().remove(0);
    handle.submit_blocking(request(0, name, &body)).expect("there is room");
    disk.set_capacity(Some(0));
    let refused = (1..2_000).find_map(|n| {
        let before = handle.progress().durable();
        let refusal =
            handle.submit_blocking(request(n, "customer.register", &register(n))).err()?;
        assert_eq!(handle.progress().durable(), before, "nothing was changed");
        Some((n, refusal))
    });
    let (n, refusal) = refused.expect("64 KiB are full before 2,000 customers");
    assert_eq!(refusal, Refusal::DiskFull);
    let problem = refusal.problem(log);
    assert_eq!((problem.status, &*problem.code, problem.retryable), (507, "disk_full", true));
    disk.set_capacity(None);
    // A full disk is left alone for a moment before it is tried again.
    until("there is room again", || {
        let again = handle.submit_blocking(request(n, "customer.register", &register(n)));
        again.map_err(|refusal| assert_eq!(refusal, Refusal::DiskFull)).ok()
    });
    gateway.close();
    let commits =
        tests::log::commits(event_log::LogReader::open_on(Arc::new(disk.clone())).expect("a log"));
    assert_eq!(commits.len() as u64, n + 2);
}

#[test]
fn a_log_is_not_made_on_a_full_or_a_read_only_disk() {
    let full = SimDisk::new(0);
    full.set_capacity(Some(1_000));
    let made = Gateway::create(&simulated(&full), Uuid::from_u128(5), open_book());
    assert!(matches!(made, Err(GatewayError::Log(OpenError::DiskFull { .. }))), "{made:?}");
    let disk = SimDisk::new(0);
    let made = Gateway::create(&simulated(&disk), Uuid::from_u128(5), open_book());
    made.expect("a fresh disk").close();
    disk.set_read_only(true);
    let opened = Gateway::open(&simulated(&disk));
    assert!(matches!(opened, Err(GatewayError::Log(OpenError::ReadOnly { .. }))), "{opened:?}");
    disk.set_read_only(false);
    Gateway::open(&simulated(&disk)).expect("writable again").close();
}

#[test]
fn a_log_that_is_no_log_is_not_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    fs::create_dir_all(log_in(data)).expect("made");
    fs::write(log_in(data).join("segment-0000000001-00000000000000000001.blk"), b"not a log")
        .expect("written");
    for line in ["up", "verify"] {
        let output = run(data, &[line]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(1 | 3 | 5)), "{line}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    let nothing = tempfile::tempdir().expect("a folder");
    let missing = run(nothing.path(), &["verify"]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
}
