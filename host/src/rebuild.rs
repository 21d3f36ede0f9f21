//! Read models built from the log again, and compared with what their stores hold.

use std::fs;
use std::path::{Path, PathBuf};

use client::Node;
use event_log::LogReader;
use projections::{Doubt, Scratch, Stored, Verdict, ViewName, look, replay};
use schemas::text::BookName;

use crate::error::HostError;
use crate::folder::Folder;

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
    /// Where the live one stands, if the log holds that and does not say that it is durable: the
    /// watermark was lost. The two cannot be compared then.
    pub ahead: Option<u64>,
}

impl Compared {
    /// They hold the same, or there is nothing to compare with.
    pub fn is_equal(&self) -> bool {
        self.ahead.is_some() || self.live.as_ref().is_none_or(|live| *live == self.rebuilt)
    }

    /// The comparison as a row.
    pub fn row(&self) -> Node {
        let verdict = match (&self.live, self.ahead) {
            (None, _) => "not built yet".to_owned(),
            (Some(_), Some(ahead)) => format!(
                "not compared: it stands at {ahead}, and the log lost what says that this is \
                 durable; the next start writes it anew"
            ),
            (Some(_), None) if self.is_equal() => "equal".to_owned(),
            (Some(_), None) => "DIFFERENT".to_owned(),
        };
        Node::object([
            ("view", Node::of(&self.view.as_str())),
            ("position", Node::of(&self.position)),
            ("verdict", Node::of(&verdict)),
            ("live", Node::of(&self.live)),
            ("rebuilt", Node::of(&self.rebuilt)),
        ])
    }
}

/// What the live read models hold: each with its position and hash; none if never built.
pub type LiveHashes = Vec<(ViewName, Option<(u64, String)>)>;

/// What the stores of a book hold that no process has open.
///
/// # Errors
/// [`HostError::Doubtful`] when a checkpoint does not fit the log.
pub fn hashes_on_disk(folder: &Folder, book: &BookName) -> Result<LiveHashes, HostError> {
    ViewName::ALL.into_iter().map(|view| Ok((view, hash_on_disk(folder, book, view)?))).collect()
}

/// What the store of one read model holds; none if it was never built.
///
/// # Errors
/// As [`hashes_on_disk`].
pub fn hash_on_disk(
    folder: &Folder,
    book: &BookName,
    view: ViewName,
) -> Result<Option<(u64, String)>, HostError> {
    let mut reader = folder.reader(book)?;
    let Some(stored) = look(&mut reader, &folder.views(book), view)? else { return Ok(None) };
    let Stored { verdict, checkpoint, hash, .. } = stored;
    if let Verdict::Doubt(doubt) = verdict {
        // Where the watermark was lost, the log's last block is not known to be durable. A read
        // model that has seen that very block fits.
        let is_above = matches!(doubt, Doubt::AboveHead { .. });
        let fits = match checkpoint.as_ref().filter(|_| is_above) {
            Some(at) => reader.holds(at.position, &at.block_hash)?,
            None => false,
        };
        if !fits {
            return Err(HostError::Doubtful { view, doubt });
        }
    }
    Ok(checkpoint.map(|checkpoint| (checkpoint.position, hash.to_string())))
}

/// Rebuilds each read model up to where the live one stands, and compares. It is built in
/// `scratch`, or in a folder beside the live ones that is removed afterwards.
///
/// # Errors
/// [`HostError`]: damage, or a scratch folder that cannot be used.
pub fn compare(
    folder: &Folder,
    book: &BookName,
    live: LiveHashes,
    scratch: Option<&Path>,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Compared>, HostError> {
    folder.known(book)?;
    let log = folder.log(book);
    let place = scratch.map_or_else(|| own_scratch(folder, book), Path::to_path_buf);
    let mut compared = Vec::new();
    for (view, held) in live {
        let through = held.as_ref().map(|(position, _)| *position);
        let folder = Scratch::Folder(place.clone());
        let mut tell = |_: ViewName, position| progress(position);
        let rebuilt = replay(|| LogReader::open(&log), &folder, &[view], through, &mut tell)?;
        for one in rebuilt {
            let ahead = match through.filter(|live| *live > one.position) {
                Some(live) if live <= LogReader::open(&log)?.whole_position()? => Some(live),
                Some(_) | None => None,
            };
            compared.push(Compared {
                view,
                position: one.position,
                live: held.as_ref().map(|(_, hash)| hash.clone()),
                rebuilt: one.hash.to_string(),
                ahead,
            });
        }
    }
    if scratch.is_none() {
        fs::remove_dir_all(&place).map_err(|error| {
            HostError::io(format!("{} cannot be removed", place.display()), error)
        })?;
    }
    Ok(compared)
}

fn own_scratch(folder: &Folder, book: &BookName) -> PathBuf {
    folder.views(book).join(format!("replay-{}", std::process::id()))
}
