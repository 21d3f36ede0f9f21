//! Every way in which the ledger says no: given a book, when this is asked, then that code.

#[path = "../support/mod.rs"]
mod support;

mod asked;
mod book;
mod credit;
mod lifecycle;
mod money;
mod sentences;
mod subscriptions;

use std::collections::BTreeSet;

use schemas::{Event, Rejection};

/// What the ledger said.
type Decided = Result<Vec<Event>, Rejection>;

/// The code of a rejection; given and when that lead to it.
type Case = (&'static str, fn() -> Decided);

/// Codes that the ledger cannot give, with who gives and tests them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("revision_conflict", "the engine compares revisions; tests/tests/bad_input.rs"),
    ("internal_command", "the engine refuses these from a door; tests/tests/bad_input.rs"),
    ("preview_stale", "the engine compares a preview with the book; command-gateway/tests"),
    (
        "key_destroyed",
        "the engine knows what could not be sealed; command-gateway/tests/personal.rs",
    ),
    ("commit_too_large", "the engine encodes commits; tests/tests/bad_input.rs"),
];

fn cases() -> impl Iterator<Item = &'static Case> {
    [
        book::CASES,
        lifecycle::BOOK,
        subscriptions::CASES,
        lifecycle::SUBSCRIPTIONS,
        money::CASES,
        credit::CASES,
    ]
    .into_iter()
    .flatten()
}

#[test]
fn every_rejection_is_given_for_its_reason() {
    for (code, ask) in cases() {
        match ask() {
            Ok(events) => panic!("{code}: accepted as {events:?}"),
            Err(rejection) => assert_eq!(rejection.code(), *code, "{rejection}"),
        }
    }
}

#[test]
fn no_rejection_is_without_a_test() {
    let tested: BTreeSet<_> = cases().map(|(code, _)| *code).collect();
    let elsewhere: BTreeSet<_> = ELSEWHERE.iter().map(|(code, _)| *code).collect();
    let all: BTreeSet<_> = Rejection::CODES.iter().map(|(code, _)| *code).collect();
    assert_eq!(&tested | &elsewhere, all);
    assert!(tested.is_disjoint(&elsewhere), "what is tested here is not only elsewhere");
}

#[test]
fn a_rejection_is_a_sentence_without_a_full_stop() {
    for (code, ask) in cases() {
        let text = ask().expect_err(code).to_string();
        // A list of what is allowed is as long as what is allowed.
        let said = text.split("choose one of: ").next().expect("there is a first part");
        assert!(!text.ends_with('.') && said.len() < 400, "{code}: {text}");
    }
}
