//! Flags of `undo`.

use clap::Args;
use schemas::Timestamp;
use schemas::ids::{BatchId, CommandId, SessionId};
use schemas::text::Actor;
use schemas::wire::LogPosition;
use workbench::undo::{Bound, Chosen, CommitName, Committing, UndoSettings};

/// Flags of `undo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  billfold undo --session $BILLFOLD_SESSION
  billfold undo --batch bat_0193… --reason 'wrong file' --commit
  billfold undo --by ada --since 2026-03-01T08:00:00Z --until 2026-03-01T09:00:00Z
  billfold undo 17 21

Nothing is written without --commit. What takes a command back, and what nothing does: docs/undo.md.")]
pub struct UndoArgs {
    /// Commits, by position or by command id.
    #[arg(value_name = "COMMIT", value_parser = commit, required_unless_present_any = ["batch",
          "session", "by"], conflicts_with_all = ["batch", "session", "by"])]
    pub commits: Vec<CommitName>,
    /// All of a batch.
    #[arg(long, env = "BILLFOLD_UNDO_BATCH", value_name = "BATCH_ID",
          conflicts_with_all = ["session", "by"])]
    pub batch: Option<BatchId>,
    /// All of a session.
    #[arg(long, env = "BILLFOLD_UNDO_SESSION", value_name = "SESSION_ID", conflicts_with = "by")]
    pub session: Option<SessionId>,
    /// What this actor did.
    #[arg(long, env = "BILLFOLD_UNDO_BY", value_name = "ACTOR", requires = "since")]
    pub by: Option<Actor>,
    /// Of an actor: from this position or instant on.
    #[arg(long, env = "BILLFOLD_UNDO_SINCE", value_name = "POSITION|INSTANT", value_parser = bound,
          requires = "by")]
    pub since: Option<Bound>,
    /// Of an actor: up to this position or instant [default: now].
    #[arg(long, env = "BILLFOLD_UNDO_UNTIL", value_name = "POSITION|INSTANT", value_parser = bound,
          requires = "by")]
    pub until: Option<Bound>,
    /// Do it; with the token of a preview exactly what that showed, or nothing.
    #[arg(long, env = "BILLFOLD_UNDO_COMMIT", value_name = "TOKEN", num_args = 0..=1,
          require_equals = true, default_missing_value = "")]
    pub commit: Option<String>,
    /// Why, in your words; recorded.
    #[arg(long, env = "BILLFOLD_UNDO_REASON", value_name = "TEXT")]
    pub reason: Option<String>,
}

impl UndoArgs {
    /// What is asked for.
    pub fn settings(self) -> UndoSettings {
        let Self { commits, batch, session, by, since, until, commit, reason } = self;
        let chosen = match (batch, session, by) {
            (Some(batch), _, _) => Chosen::Batch(batch),
            (None, Some(session), _) => Chosen::Session(session),
            (None, None, Some(actor)) => {
                let since = since.unwrap_or(Bound::Position(1));
                Chosen::By { actor, since, until }
            }
            (None, None, None) => Chosen::Each(commits),
        };
        let committing = match commit {
            None => Committing::Preview,
            Some(token) if token.is_empty() => Committing::Now,
            Some(token) => Committing::Shown(token),
        };
        UndoSettings { chosen, committing, reason }
    }
}

/// A position, as `17` or as answers have it.
fn position(text: &str) -> Option<u64> {
    let whole = text.parse::<LogPosition>().map(|found| found.position);
    whole.ok().or_else(|| text.parse().ok())
}

fn commit(text: &str) -> Result<CommitName, String> {
    if let Some(position) = position(text) {
        return Ok(CommitName::Position(position));
    }
    let id = text.parse::<CommandId>().map(CommitName::Command);
    id.map_err(|_| "a commit is a position, such as 17, or the id of its command".to_owned())
}

fn bound(text: &str) -> Result<Bound, String> {
    if let Some(position) = position(text) {
        return Ok(Bound::Position(position));
    }
    let instant = text.parse::<Timestamp>().map(Bound::At);
    instant.map_err(|_| "give a position, such as 17, or an instant".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn settings(typed: &[&str]) -> Option<UndoSettings> {
        let typed = ["billfold", "undo"].iter().chain(typed);
        let Command::Undo(args) = Cli::try_parse_from(typed).ok()?.command else { return None };
        Some(args.settings())
    }

    #[test]
    fn commits_are_chosen_in_one_way() {
        let each = Chosen::Each(vec![CommitName::Position(17), CommitName::Position(21)]);
        let log = "00000000000000000000000000000001:21";
        let (chosen, committing, reason) = (each, Committing::Preview, None);
        assert_eq!(settings(&["17", log]), Some(UndoSettings { chosen, committing, reason }));
        let batch = "bat_00000000000000000000000000000001";
        let committing = |typed: &[&str]| settings(typed).map(|settings| settings.committing);
        assert_eq!(committing(&["--batch", batch, "--commit"]), Some(Committing::Now));
        let shown = Some(Committing::Shown("un1_x".to_owned()));
        assert_eq!(committing(&["--batch", batch, "--commit=un1_x"]), shown);
        for wrong in [&[][..], &["17", "--batch", batch], &["--by", "ada"], &["seventeen"]] {
            assert_eq!(settings(wrong), None, "{wrong:?}");
        }
    }
}
