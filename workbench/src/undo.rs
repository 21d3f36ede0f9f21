//! Taking back: what a batch, a session or somebody did, undone backwards.
//!
//! # Shape
//!
//! The feed tells which commits are meant and what was before them ([`history`]); the core makes
//! the commands that take each back (`ledger_core::undo`); they are decided one after the other on
//! a copy of the book's state that is folded from the feed ([`plan`]). What is shown is therefore
//! what each becomes once those before it are accepted.
//!
//! # Correctness
//!
//! Nothing is sent unless everything can be taken back. Each command goes with the token of its
//! decision on the copy, so the ledger makes of it what was shown, or refuses it. Its id follows
//! from the commit that it takes back: whoever repeats this after a crash goes on where it ended.
//!
//! # Limits
//!
//! The copy holds the book and the customers concerned. Numbers of documents are therefore not
//! known before they are issued.

mod chosen;
mod history;
mod plan;
mod rests;
mod sending;
mod settings;
mod told;

use client::Ask;
use schemas::ids::{BatchId, derive};
use terminal::{Output, View};
use uuid::Uuid;

use crate::error::WorkError;
use history::History;
use plan::Plan;

pub use settings::{Bound, Chosen, CommitName, Committing, MAX_COMMITS, UndoSettings};

/// Shows what takes the chosen commits back, and does it if that is asked for.
///
/// # Errors
/// [`WorkError::Refused`] where something cannot be taken back: nothing is written then.
pub fn run(settings: &UndoSettings, door: &impl Ask, output: &Output) -> Result<(), WorkError> {
    let chosen = chosen::find(&settings.chosen, door)?;
    let history = History::read(&chosen, door)?;
    let reason = settings.reason.as_deref().unwrap_or("taken back");
    let mut plan = Plan::of(&history, reason, door)?;
    let batch = batch(&settings.chosen, &history);
    if let Some(why) = plan.refused() {
        output.document(View::Undo, &told::document(&plan, &history, batch, None))?;
        return Err(WorkError::Refused(why));
    }
    let token = plan.token();
    match &settings.committing {
        Committing::Preview => {
            let shown = told::document(&plan, &history, batch, Some(&token));
            return Ok(output.document(View::Undo, &shown)?);
        }
        Committing::Now => {}
        Committing::Shown(shown) if *shown == token => {}
        Committing::Shown(_) => {
            output.document(View::Undo, &told::document(&plan, &history, batch, Some(&token)))?;
            return Err(WorkError::Refused(
                "this is not what the preview with that token showed: something was done since; \
                 look at it, and commit with the new token"
                    .to_owned(),
            ));
        }
    }
    let sent = sending::send(&mut plan, batch, settings.reason.as_deref(), door);
    output.document(View::Undo, &told::document(&plan, &history, batch, None))?;
    sent
}

/// What is taken back together is a batch by itself, always the same.
fn batch(chosen: &Chosen, history: &History) -> BatchId {
    let whole = match chosen {
        Chosen::Batch(batch) => Some(batch.uuid()),
        Chosen::Session(session) => Some(session.uuid()),
        Chosen::Each(_) | Chosen::By { .. } => None,
    };
    let first = || history.targets().next().map_or(Uuid::nil(), |entry| entry.id.uuid());
    BatchId::new(derive(whole.unwrap_or_else(first), "undo"))
}
