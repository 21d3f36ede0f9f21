//! The examples of `docs/reference` come from a real book: a story is played against the real
//! process, and every request with its answer is written down. The pages are compared;
//! `scripts/bless` rewrites them.

mod reference {
    pub(crate) mod pages;
    pub(crate) mod story;
}

use std::path::PathBuf;

use reference::pages;
use reference::story::{Told, play};
use schemas::subjects::registry;
use tests::nats::repository;

/// Whether checked-in pages are to be rewritten.
fn blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

fn page(name: &str) -> PathBuf {
    repository().join("docs/reference").join(name)
}

#[test]
fn the_reference_shows_every_endpoint_as_the_real_process_answers_it() {
    let told = play();
    for one in registry() {
        // What a process says about itself differs from one moment to the next.
        let about_itself = matches!(one.path().rsplit('.').next(), Some("status" | "hash"));
        let shown = told.iter().any(|told: &Told| told.path == one.path() && !told.is_problem);
        assert!(shown || about_itself, "the story has no example of {}", one.path());
    }
    for (name, made) in pages::all(&told) {
        let path = page(name);
        if blessing() {
            std::fs::create_dir_all(page("")).expect("the folder can be made");
            std::fs::write(&path, &made).expect("the page can be written");
        }
        let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(checked_in == made, "{} differs; run scripts/bless", path.display());
    }
}
