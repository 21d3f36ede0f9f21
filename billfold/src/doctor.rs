//! `doctor`: looks at folder and machine, and says what to do about what it finds.

mod finding;
mod keys;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use client::{Node, edge};
use event_log::{WatermarkState, probe};
use host::Folder;
use host::audit::audit;
use schemas::text::BookName;
use serde_json::json;
use terminal::{Output, Progress, View};

use self::finding::{Finding, Verdict};
use crate::cli::DoctorArgs;
use crate::exit::{Failure, chain};

/// Below this much room a log cannot grow by a few segments.
const LITTLE_ROOM: u64 = 1 << 30;
/// A disk that syncs slower than this makes every answer slow.
const SLOW_SYNC: Duration = Duration::from_millis(10);
/// 2026-01-01T00:00:00Z: a clock before this release's year is wrong.
const TOO_EARLY: i64 = 1_767_225_600_000_000;

/// Runs `doctor`.
///
/// # Errors
/// [`Failure::Internal`] when something is bad; the findings were printed.
pub fn run(args: &DoctorArgs, folder: &Folder, output: &Output) -> Result<(), Failure> {
    let mut findings = vec![version(), clock()];
    let place = existing(folder.root());
    findings.push(data_folder(folder));
    findings.push(permissions(&place));
    findings.push(room(&place));
    findings.push(sync_time(&place, args.syncs));
    findings.push(socket(folder));
    findings.extend(books(folder)?);
    for book in folder.books()? {
        findings.extend(keys::look(folder, &book));
    }
    let bad = findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
    let document = json!({"data": findings});
    let columns = View::Columns(&["verdict", "what", "found", "to_do"]);
    output.document(columns, &Node::of(&document))?;
    if bad > 0 {
        return Err(Failure::Internal(format!("{bad} things are bad; see what to do")));
    }
    Ok(())
}

fn version() -> Finding {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let finding = format!(
        "billfold {} ({profile}), {} commands, {} events",
        env!("CARGO_PKG_VERSION"),
        schemas::Command::KINDS.len(),
        schemas::Event::KINDS.len()
    );
    Finding::good("version", finding)
}

fn clock() -> Finding {
    match edge::now() {
        Ok(now) if now.micros() >= TOO_EARLY => Finding::good("clock", now.to_string()),
        Ok(now) => Finding::bad("clock", now.to_string(), "set the machine's clock"),
        Err(error) => Finding::bad("clock", error.to_string(), "set the machine's clock"),
    }
}

/// The folder itself, or the nearest one above it that exists.
fn existing(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let found = absolute.ancestors().find(|path| path.is_dir());
    found.map_or_else(|| PathBuf::from("/"), Path::to_path_buf)
}

fn data_folder(folder: &Folder) -> Finding {
    let shown = folder.root().display().to_string();
    if folder.root().is_dir() {
        Finding::good("data folder", shown)
    } else {
        let finding = format!("{shown} is not there yet");
        Finding::warning("data folder", finding, "`billfold up` makes it")
    }
}

fn permissions(place: &Path) -> Finding {
    let probe = place.join(".billfold-doctor");
    let written = fs::write(&probe, b"x").and_then(|()| fs::remove_file(&probe));
    let shown = place.display();
    match written {
        Ok(()) => Finding::good("permissions", format!("{shown} can be written")),
        Err(error) => Finding::bad(
            "permissions",
            format!("{shown}: {error}"),
            "make the folder writable for this user, or use --data",
        ),
    }
}

fn room(place: &Path) -> Finding {
    match free_bytes(place) {
        Ok(free) if free >= LITTLE_ROOM => {
            Finding::good("room", format!("{} MiB free", free >> 20))
        }
        Ok(free) => Finding::warning(
            "room",
            format!("{} MiB free", free >> 20),
            "free some: a full disk refuses commands",
        ),
        Err(error) => {
            Finding::warning("room", error.to_string(), "look at the disk's room yourself")
        }
    }
}

fn free_bytes(place: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(place)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

fn sync_time(place: &Path, rounds: u32) -> Finding {
    match probe::measure(place, rounds) {
        Ok(report) => {
            let finding = format!(
                "p50 {} µs, p99 {} µs, longest {} µs over {} syncs",
                report.sync_p50.as_micros(),
                report.sync_p99.as_micros(),
                report.sync_max.as_micros(),
                report.rounds
            );
            if report.sync_p99 <= SLOW_SYNC {
                Finding::good("sync", finding)
            } else {
                Finding::warning("sync", finding, "use a faster disk: every answer waits for it")
            }
        }
        Err(error) => Finding::bad("sync", error.to_string(), "look at the disk and the folder"),
    }
}

fn socket(folder: &Folder) -> Finding {
    let path = folder.socket();
    let shown = path.display();
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Finding::good("socket", format!("a server listens at {shown}")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Finding::good("socket", format!("no server runs at {shown}"))
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Finding::warning(
            "socket",
            format!("{shown} is left over from a server that is gone"),
            "nothing: the next `billfold up` replaces it",
        ),
        Err(error) => {
            Finding::bad("socket", format!("{shown}: {error}"), "remove it, or use --socket")
        }
    }
}

/// Reads the log of every book.
fn books(folder: &Folder) -> Result<Vec<Finding>, Failure> {
    folder.books()?.iter().map(|book| Ok(log_of(folder, book))).collect()
}

/// Whether a log is what was written, byte by byte. What the bytes mean, `verify` looks at.
fn log_of(folder: &Folder, book: &BookName) -> Finding {
    let bar = Progress::start("doctor", None);
    let audited = audit(folder, book, true, &mut |_| bar.more(1));
    bar.finish();
    let report = match audited {
        Ok(audit) => audit.report,
        Err(error) => return Finding::bad("book", format!("{book}: {}", chain(&error)), RESTORE),
    };
    let found = format!(
        "{book}: {} commits; checksums and hash chain hold from the first block to the last, \
         which is block {}; for the ledger's laws run `billfold verify`",
        report.commits, report.blocks
    );
    match report.watermark {
        WatermarkState::AtHead | WatermarkState::Behind { .. } => Finding::good("book", found),
        WatermarkState::Lost if report.torn_bytes == 0 => Finding::warning(
            "book",
            format!("{found}; the file that says how much of it is durable is gone"),
            "start `billfold up` again: it writes the file anew",
        ),
        WatermarkState::Lost => Finding::bad(
            "book",
            format!(
                "{found}; the file that says how much of it is durable is gone, and the last {} \
                 bytes are no whole block",
                report.torn_bytes
            ),
            RESTORE,
        ),
    }
}

const RESTORE: &str = "run `billfold verify`; restore a backup with `billfold restore`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_that_exists_is_looked_at() {
        let scratch = tempfile::tempdir().expect("a folder");
        assert_eq!(existing(&scratch.path().join("a/b")), scratch.path());
        assert_eq!(existing(scratch.path()), scratch.path());
    }

    #[test]
    fn a_left_over_socket_is_told_from_a_server_and_from_nothing() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(scratch.path());
        assert!(socket(&folder).found.starts_with("no server"));
        let listener = std::os::unix::net::UnixListener::bind(folder.socket()).expect("bound");
        assert!(socket(&folder).found.starts_with("a server listens"));
        drop(listener);
        assert_eq!(socket(&folder).verdict, Verdict::Warning);
    }
}
