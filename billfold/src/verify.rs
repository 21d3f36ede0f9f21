//! `verify`: is this log what was written, and does it keep the ledger's laws?

use host::audit::{Audit, audit};
use host::rebuild::LiveHashes;
use terminal::{Output, Progress, View};

use crate::cli::VerifyArgs;
use crate::door::Place;
use crate::exit::Failure;
use crate::{replay, talk};

/// Runs `verify`.
///
/// # Errors
/// [`Failure::Verification`] when anything is wrong.
pub fn run(args: &VerifyArgs, place: &Place<'_>, output: &Output) -> Result<(), Failure> {
    // Asked before the log is read, so that no checkpoint can be above what is read then.
    let views = match replay::live_hashes(place) {
        Err(Failure::Internal(why) | Failure::Unreachable(why)) => {
            talk::tell(&format!("the read models are not looked at: {why}"));
            Vec::new()
        }
        other => other?,
    };
    let bar = Progress::start("verify", None);
    let mut audit = audit(place.folder, place.book, args.bytes_only, &mut |_| bar.more(1))?;
    bar.finish();
    check_checkpoints(&mut audit, &views);
    output.document(View::Any, &audit.document(args.bytes_only))?;
    Ok(audit.conclude()?)
}

/// A read model that is ahead of the log has seen what the log does not hold. What it holds counts
/// up to its last whole block: where the watermark was lost, that one is behind the durable head.
fn check_checkpoints(audit: &mut Audit, views: &LiveHashes) {
    let last = audit.report.whole_position;
    for (view, held) in views {
        if let Some((position, _)) = held
            && *position > last
        {
            audit.broken += 1;
            audit.findings.push(format!(
                "the read model {view} stands at {position}, and the log ends at {last}"
            ));
        }
    }
}
