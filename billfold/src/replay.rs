//! `replay`: every read model built from the log again, and compared with the live one.

use client::{Ask, Node};
use host::rebuild::{Compared, LiveHashes, compare, hash_on_disk};
use projections::ViewName;
use schemas::wire::Headers;
use serde_json::json;
use terminal::{Output, Progress, View};

use crate::cli::ReplayArgs;
use crate::door::Place;
use crate::exit::Failure;

/// Runs `replay`.
///
/// # Errors
/// [`Failure::Verification`] when a read model differs from the log.
pub fn run(args: &ReplayArgs, place: &Place<'_>, output: &Output) -> Result<(), Failure> {
    let live = live_hashes(place)?;
    let bar = Progress::start("replay", None);
    let scratch = args.scratch.as_deref();
    let compared = compare(place.folder, place.book, live, scratch, &mut |at| bar.at(at))?;
    bar.finish();
    output.document(View::Any, &Node::page(compared.iter().map(Compared::row).collect()))?;
    let wrong: Vec<_> =
        compared.iter().filter(|one| !one.is_equal()).map(|one| one.view.as_str()).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::Verification(format!(
        "{} of book {} differ from the log; stop `billfold up`, remove their folders in \
         books/{}/views, and start it: they are built anew",
        wrong.join(", "),
        place.book,
        place.book
    )))
}

/// What the read models hold now: over NATS if that is asked for, else the running process says
/// it, or else their stores.
///
/// # Errors
/// [`Failure::Verification`] when a checkpoint does not fit the log; else why there is no answer.
pub fn live_hashes(place: &Place<'_>) -> Result<LiveHashes, Failure> {
    if let Some(door) = place.on_nats()? {
        let hash = |view: ViewName| Ok((view, Some(hash_of(&door, view)?)));
        return ViewName::ALL.into_iter().map(hash).collect();
    }
    let mut hashes = Vec::new();
    for view in ViewName::ALL {
        let held = match place.running_reader(view)? {
            Some(door) => Some(hash_of(&door, view)?),
            None => hash_on_disk(place.folder, place.book, view)?,
        };
        hashes.push((view, held));
    }
    Ok(hashes)
}

fn hash_of(door: &impl Ask, view: ViewName) -> Result<(u64, String), Failure> {
    hash_in(&door.query(view.as_str(), "hash", Headers::new(), &json!({}))?)
}

fn hash_in(answer: &Node) -> Result<(u64, String), Failure> {
    let data = answer.get("data");
    let position = data.and_then(|data| data.get("position")).and_then(Node::integer);
    let position = position.and_then(|position| u64::try_from(position).ok());
    match (position, data.map(|data| data.text_at("hash"))) {
        (Some(position), Some(hash)) => Ok((position, hash.to_owned())),
        (_, _) => Err(Failure::Internal("the answer of hash cannot be read".to_owned())),
    }
}
