//! Equal commits give equal rows: live, replayed, in memory, in sled, however blocks were cut.

use event_log::LogReader;
use projections::{Projectors, Scratch, ViewHash, ViewName, replay};

use crate::book::{Book, part, point, straight};
use crate::runtime::{LONG, a_book};

pub(crate) fn hashes(projectors: &Projectors) -> Vec<ViewHash> {
    let hash = |view: &ViewName| projectors.content_hash(*view).expect("serves");
    ViewName::ALL.iter().map(hash).collect()
}

#[test]
fn live_rows_equal_a_replay_however_blocks_were_cut() {
    let book = a_book(400);
    let head = book.commits.len() as u64;
    let mut all = Vec::new();
    for block_of in [1, 7, 100, 1_000] {
        let folder = tempfile::tempdir().expect("a folder");
        let (log, views) = (folder.path().join("log"), folder.path().join("views"));
        let _writer = book.log(&log, block_of);
        let open = || LogReader::open(&log);
        let projectors = Projectors::start(open, &views, &ViewName::ALL).expect("starts");
        assert!(projectors.wait_for(head, LONG), "{:?}", projectors.statuses());
        all.push(hashes(&projectors));
        let none = &mut |_, _| {};
        let memory = replay(open, &Scratch::Memory, &ViewName::ALL, None, none);
        all.push(memory.expect("replays"));
        let scratch = Scratch::Folder(folder.path().join("scratch"));
        let sled = replay(open, &scratch, &ViewName::ALL, Some(head), none);
        all.push(sled.expect("replays"));
    }
    assert!(all.iter().all(|hashes| *hashes == all[0]), "{all:#?}");
    assert!(all[0].iter().all(|hash| hash.position == head));
}

#[test]
fn a_replay_ends_where_it_is_told_to() {
    let book = a_book(50);
    let folder = tempfile::tempdir().expect("a folder");
    let _writer = book.log(folder.path(), 20);
    let mut short = book.clone();
    short.commits.truncate(33);
    let other = tempfile::tempdir().expect("a folder");
    let _other_writer = short.log(other.path(), 3);
    let none = &mut |_, _| {};
    let open = || LogReader::open(folder.path());
    let part = replay(open, &Scratch::Memory, &ViewName::ALL, Some(33), none).expect("replays");
    let open = || LogReader::open(other.path());
    let whole = replay(open, &Scratch::Memory, &ViewName::ALL, None, none).expect("replays");
    assert_eq!(part, whole);
}

#[test]
fn a_block_with_more_rows_than_a_batch_is_folded_in_several() {
    let mut book = Book::opened("2026-01-01");
    for n in 0..1_500 {
        book.customer("2026-01-01", n);
    }
    // One commit with rows for five hundred months, and one for a payment.
    book.invoice("2026-01-01", 1, 1, vec![straight(1, 1_000_000, "2026-01-01/2067-01-01")]);
    book.invoice("2026-01-01", 1, 2, vec![point(1, 1, 5, "2026-01-01")]);
    book.payment("2026-01-02", 1, 1, 5, &[part(2, 5)]);
    let folder = tempfile::tempdir().expect("a folder");
    let (log, views) = (folder.path().join("log"), folder.path().join("views"));
    let _writer = book.log(&log, 10_000);
    let open = || LogReader::open(&log);
    let projectors = Projectors::start(open, &views, &ViewName::ALL).expect("starts");
    assert!(projectors.wait_for(book.commits.len() as u64, LONG), "{:?}", projectors.statuses());
    let live = hashes(&projectors);
    let none = &mut |_, _| {};
    let again = replay(open, &Scratch::Memory, &ViewName::ALL, None, none).expect("replays");
    assert_eq!(live, again);
}
