//! Whatever happens to a store, it is rebuilt into the rows that it had.

use std::fs;
use std::path::{Path, PathBuf};

use event_log::LogReader;
use projections::store::{Batch, SledStore, Store};
use projections::{Checkpoint, Doubt, Projectors, Verdict, ViewHash, ViewName, look};

use crate::book::Book;
use crate::hashes::hashes;
use crate::runtime::{LONG, a_book, ask};

struct Place {
    _folder: tempfile::TempDir,
    log: PathBuf,
    views: PathBuf,
    head: u64,
    expected: Vec<ViewHash>,
    _writer: event_log::FileLog,
}

/// A book whose read models were built and stopped.
fn built() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, views) = (folder.path().join("log"), folder.path().join("views"));
    let book = a_book(120);
    let writer = book.log(&log, 5);
    let head = book.commits.len() as u64;
    let projectors = start(&log, &views, head);
    let expected = hashes(&projectors);
    projectors.stop();
    Place { _folder: folder, log, views, head, expected, _writer: writer }
}

fn start(log: &Path, views: &Path, head: u64) -> Projectors {
    let open = || LogReader::open(log);
    let projectors = Projectors::start(open, views, &ViewName::ALL).expect("starts");
    assert!(projectors.wait_for(head, LONG), "{:?}", projectors.statuses());
    projectors
}

fn store(views: &Path, view: ViewName) -> PathBuf {
    views.join(view.as_str()).join("g00000001")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Damages every read model, starts again, and finds the rows as they were.
fn survives(damage: impl Fn(&Path, ViewName)) {
    let place = built();
    for view in ViewName::ALL {
        damage(&place.views, view);
    }
    let projectors = start(&place.log, &place.views, place.head);
    assert_eq!(hashes(&projectors), place.expected);
    for view in ["invoices", "balances"] {
        assert!(ask(&projectors, view, "list", "", None).is_ok());
    }
}

/// Rewrites the checkpoint of every read model and starts again.
fn survives_checkpoint(change: impl Fn(&mut Checkpoint)) {
    survives(|views, view| {
        let store = SledStore::open(&store(views, view)).expect("opens");
        let mut checkpoint = Checkpoint::read(&store).expect("reads").expect("is there");
        change(&mut checkpoint);
        let mut batch = Batch::default();
        let bytes = postcard::to_extend(&checkpoint, vec![1]).expect("encodes");
        batch.put(b"!checkpoint".to_vec(), bytes);
        store.apply(batch).expect("applies");
        store.flush().expect("flushes");
    });
}

#[test]
fn a_deleted_store_is_built_again() {
    survives(|views, view| fs::remove_dir_all(store(views, view)).expect("removes"));
}

#[test]
fn a_folder_that_does_not_say_which_store_counts_is_built_again() {
    survives(|views, view| {
        fs::remove_file(views.join(view.as_str()).join("current")).expect("removes");
    });
    survives(|views, view| {
        fs::write(views.join(view.as_str()).join("current"), "x").expect("writes");
    });
}

#[test]
fn a_truncated_store_is_built_again() {
    survives(|views, view| {
        for path in files(&store(views, view)) {
            let file = fs::File::options().write(true).open(&path).expect("opens");
            let length = file.metadata().expect("has metadata").len();
            file.set_len(length / 2).expect("truncates");
        }
    });
}

#[test]
fn a_store_with_flipped_bytes_is_built_again() {
    survives(|views, view| {
        for path in files(&store(views, view)) {
            let mut bytes = fs::read(&path).expect("reads");
            for at in (0..bytes.len()).step_by(97) {
                bytes[at] ^= 0x55;
            }
            fs::write(&path, bytes).expect("writes");
        }
    });
}

#[test]
fn a_store_of_another_version_is_built_again() {
    survives_checkpoint(|checkpoint| checkpoint.version += 1);
}

#[test]
fn a_store_that_is_ahead_of_the_log_is_built_again() {
    survives_checkpoint(|checkpoint| checkpoint.position += 1_000);
}

#[test]
fn a_store_of_another_history_is_built_again() {
    survives_checkpoint(|checkpoint| checkpoint.block_hash[0] ^= 1);
    survives_checkpoint(|checkpoint| checkpoint.log[0] ^= 1);
}

#[test]
fn a_store_without_a_checkpoint_is_built_again() {
    survives(|views, view| {
        let store = SledStore::open(&store(views, view)).expect("opens");
        let mut batch = Batch::default();
        batch.remove(b"!checkpoint".to_vec());
        store.apply(batch).expect("applies");
        store.flush().expect("flushes");
    });
}

#[test]
fn a_row_that_cannot_be_read_is_noticed_by_the_query_and_rebuilt() {
    let place = built();
    let store = SledStore::open(&store(&place.views, ViewName::Invoices)).expect("opens");
    let mut batch = Batch::default();
    let first_page = [b"p".as_slice(), &0_u64.to_be_bytes()].concat();
    batch.put(first_page, b"\x01nonsense".to_vec());
    store.apply(batch).expect("applies");
    store.flush().expect("flushes");
    drop(store);
    let projectors = start(&place.log, &place.views, place.head);
    let list = r#"{"limit":500}"#;
    let problem = ask(&projectors, "invoices", "list", list, None).expect_err("cannot be read");
    assert_eq!(problem.code, "projection_rebuilding");
    let started = std::time::Instant::now();
    while ask(&projectors, "invoices", "list", list, None).is_err() {
        assert!(started.elapsed() < LONG, "the rebuild takes too long");
        projectors.wait_for(u64::MAX, std::time::Duration::from_millis(5));
    }
    assert_eq!(hashes(&projectors), place.expected);
}

#[test]
fn a_stopped_store_can_be_looked_at_and_compared_with_its_log() {
    let place = built();
    let mut reader = LogReader::open(&place.log).expect("opens");
    for expected in &place.expected {
        let stored = look(&mut reader, &place.views, expected.view).expect("looks");
        let stored = stored.expect("is there");
        assert_eq!(stored.checkpoint.map(|at| at.position), Some(place.head));
        assert_eq!((stored.verdict, stored.hash), (Verdict::Sound, expected.hash));
    }
    // The same read models beside a shorter log.
    let shorter = tempfile::tempdir().expect("a folder");
    let mut book: Book = a_book(120);
    book.commits.truncate(50);
    let _writer = book.log(shorter.path(), 5);
    let mut reader = LogReader::open(shorter.path()).expect("opens");
    let stored = look(&mut reader, &place.views, ViewName::Revenue).expect("looks");
    let verdict = stored.expect("is there").verdict;
    assert_eq!(verdict, Verdict::Doubt(Doubt::AboveHead { position: place.head, head: 50 }));
    let nothing = tempfile::tempdir().expect("a folder");
    assert_eq!(look(&mut reader, nothing.path(), ViewName::Revenue).expect("looks"), None);
}
