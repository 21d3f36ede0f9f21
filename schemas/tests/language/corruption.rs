//! Damaged commits are refused or read as something else, never with a panic.
//!
//! The log's hashes find every change; this is the second line behind them.

use schemas::{Commit, CommitView, Event};

use crate::samples;

/// Reads bytes as every reader of commits does.
fn read(bytes: &[u8]) -> Option<Commit> {
    if let Ok(view) = CommitView::parse(bytes) {
        let _events = view.events().map(|raw| Event::decode(raw?)).collect::<Vec<_>>();
    }
    Commit::from_bytes(bytes).ok()
}

#[test]
fn a_commit_cut_anywhere_is_refused() {
    for commit in samples::small_commits() {
        let bytes = commit.to_bytes();
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_none(), "{commit:?} cut at {cut}");
        }
    }
}

#[test]
fn a_commit_with_bytes_left_over_is_refused() {
    for commit in samples::small_commits() {
        let mut bytes = commit.to_bytes();
        bytes.push(0);
        assert!(read(&bytes).is_none(), "{commit:?}");
    }
}

#[test]
fn a_commit_with_any_bit_flipped_is_never_a_panic_and_prints_if_it_reads() {
    for commit in samples::small_commits() {
        let bytes = commit.to_bytes();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Some(read) = read(&flipped) {
                assert!(!format!("{read:?}").is_empty());
                assert!(!read.command.to_json().is_null());
                assert!(read.events.iter().all(|event| !event.to_json().is_null()));
                assert!(!read.to_bytes().is_empty());
            }
        }
    }
}
