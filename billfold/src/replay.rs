//! `replay`: every read model built from the log again, and compared with the live one.

use std::fs;
use std::path::{Path, PathBuf};

use event_log::LogReader;
use projections::{ReplayError, Scratch, Stored, Verdict, ViewName, look, replay};
use schemas::text::{Actor, BookName};
use schemas::wire::Headers;
use serde_json::json;

use crate::door::{Ask, QueryDoor};
use crate::exit::{Failure, chain};
use crate::folder::{Folder, damaged};
use crate::nats::Nats;
use crate::nats::door::NatsRemote;
use crate::output::{Node, Output, View};
use crate::talk;

/// One read model, live and rebuilt.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Which.
    pub view: ViewName,
    /// The last commit in both.
    pub position: u64,
    /// What the live one holds; none if it was never built.
    pub live: Option<String>,
    /// What the log says.
    pub rebuilt: String,
}

impl Compared {
    /// They hold the same, or there is nothing to compare with.
    pub fn is_equal(&self) -> bool {
        self.live.as_ref().is_none_or(|live| *live == self.rebuilt)
    }
}

/// What the live read models hold: each with its position and hash; none if never built.
pub type LiveHashes = Vec<(ViewName, Option<(u64, String)>)>;

/// What the read models hold now: over NATS if that is asked for, else the running process says
/// it, or else their stores.
///
/// # Errors
/// [`Failure::Verification`] when a checkpoint does not fit the log; else why there is no answer.
pub fn live_hashes(
    nats: Option<&Nats>,
    folder: &Folder,
    book: &BookName,
    actor: &Actor,
) -> Result<LiveHashes, Failure> {
    if let Some(nats) = nats {
        let door = NatsRemote::connect(nats, book, actor)?;
        let hash = |view: ViewName| Ok((view, Some(hash_of(&door, view)?)));
        return ViewName::ALL.into_iter().map(hash).collect();
    }
    let doors = QueryDoor::new(folder, book, actor);
    let mut hashes = Vec::new();
    for view in ViewName::ALL {
        let held = match doors.running(view)? {
            Some(door) => Some(hash_of(&door, view)?),
            None => hash_on_disk(folder, book, view)?,
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

/// What the stores of a book hold that no process has open.
///
/// # Errors
/// [`Failure::Verification`] when a checkpoint does not fit the log.
pub fn hashes_on_disk(folder: &Folder, book: &BookName) -> Result<LiveHashes, Failure> {
    ViewName::ALL.into_iter().map(|view| Ok((view, hash_on_disk(folder, book, view)?))).collect()
}

fn hash_on_disk(
    folder: &Folder,
    book: &BookName,
    view: ViewName,
) -> Result<Option<(u64, String)>, Failure> {
    let mut reader = folder.reader(book)?;
    let stored = look(&mut reader, &folder.views(book), view).map_err(broken)?;
    if let Some(Stored { verdict: Verdict::Doubt(doubt), .. }) = &stored {
        return Err(Failure::Verification(format!(
            "the read model {view} does not fit the log: {doubt}; its projector builds it anew"
        )));
    }
    Ok(stored.and_then(|stored| {
        let position = stored.checkpoint?.position;
        Some((position, stored.hash.to_string()))
    }))
}

/// Rebuilds each read model up to where the live one stands, and compares.
///
/// # Errors
/// [`Failure`]: damage, or a scratch folder that cannot be used.
pub fn compare(
    folder: &Folder,
    book: &BookName,
    live: LiveHashes,
    scratch: Option<&Path>,
) -> Result<Vec<Compared>, Failure> {
    folder.known(book)?;
    let log = folder.log(book);
    let place = scratch.map_or_else(|| own_scratch(folder, book), Path::to_path_buf);
    let bar = talk::progress("replay", None);
    let mut compared = Vec::new();
    for (view, held) in live {
        let through = held.as_ref().map(|(position, _)| *position);
        let folder = Scratch::Folder(place.clone());
        let mut tell = |_: ViewName, position| bar.set_position(position);
        let open = || LogReader::open(&log);
        let rebuilt = replay(open, &folder, &[view], through, &mut tell).map_err(broken)?;
        for one in rebuilt {
            compared.push(Compared {
                view,
                position: one.position,
                live: held.as_ref().map(|(_, hash)| hash.clone()),
                rebuilt: one.hash.to_string(),
            });
        }
    }
    bar.finish_and_clear();
    if scratch.is_none() {
        fs::remove_dir_all(&place)
            .map_err(|e| Failure::io(format!("{} cannot be removed", place.display()), e))?;
    }
    Ok(compared)
}

fn own_scratch(folder: &Folder, book: &BookName) -> PathBuf {
    folder.views(book).join(format!("replay-{}", std::process::id()))
}

/// Prints the comparison.
///
/// # Errors
/// [`Failure::Verification`] when a read model differs from the log.
pub fn report(book: &BookName, compared: &[Compared], output: &Output) -> Result<(), Failure> {
    output.document(View::Any, &Node::page(compared.iter().map(row).collect()))?;
    let wrong: Vec<_> =
        compared.iter().filter(|one| !one.is_equal()).map(|one| one.view.as_str()).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::Verification(format!(
        "{} of book {book} differ from the log; stop `billfold up`, remove their folders in \
         books/{book}/views, and start it: they are built anew",
        wrong.join(", ")
    )))
}

/// One comparison as a row.
pub fn row(one: &Compared) -> Node {
    let verdict = match &one.live {
        None => "not built yet",
        Some(_) if one.is_equal() => "equal",
        Some(_) => "DIFFERENT",
    };
    Node::object([
        ("view", Node::of(&one.view.as_str())),
        ("position", Node::of(&one.position)),
        ("verdict", Node::of(&verdict)),
        ("live", Node::of(&one.live)),
        ("rebuilt", Node::of(&one.rebuilt)),
    ])
}

fn broken(error: ReplayError) -> Failure {
    match error {
        ReplayError::Log(read) => damaged(read),
        ReplayError::Fold(error) => Failure::Verification(chain(&error)),
        other @ (ReplayError::Store(_) | ReplayError::Home(_)) => Failure::Internal(chain(&other)),
    }
}
