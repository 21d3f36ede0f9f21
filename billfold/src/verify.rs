//! `verify`: is this log what was written, and does it keep the ledger's laws?
//!
//! # Shape
//!
//! One pass over the log. `event-log` checks bytes: checksums, hash chain, positions, Merkle
//! root, watermark. Each commit is decoded and given to [`ledger_core::laws`]. It takes no lock
//! and works beside a running writer, up to where it catches up.

use std::path::Path;
use std::sync::Arc;

use event_log::{FileDisk, ReadError, VerifyReport, WatermarkState, verify};
use ledger_core::laws::Laws;
use schemas::text::{Actor, BookName};
use schemas::wire::LogPosition;
use schemas::{Commit, Currency};
use uuid::Uuid;

use crate::cli::VerifyArgs;
use crate::exit::Failure;
use crate::folder::{Folder, damaged};
use crate::nats::Nats;
use crate::output::{Node, Output, View};
use crate::replay::{self, LiveHashes};
use crate::talk;

/// So many broken laws are reported; one fault can break thousands.
const MOST_FINDINGS: usize = 100;

/// What an audit of a log found.
#[derive(Debug)]
pub struct Audit {
    /// What the bytes are.
    pub report: VerifyReport,
    /// Broken laws and commits that cannot be read, in the order of the log.
    pub findings: Vec<String>,
    /// How many there are in all.
    pub broken: u64,
    /// Debits less credits by currency and account, without the recognition of revenue.
    pub balances: Vec<(Currency, &'static str, i128)>,
}

impl Audit {
    /// The position of the last commit.
    pub fn head_position(&self) -> u64 {
        self.report.head.last_position().unwrap_or(0)
    }

    /// The same as an opaque token.
    pub fn position(&self) -> String {
        let log = Uuid::from_bytes(self.report.identity.log().0);
        LogPosition { log, position: self.head_position() }.to_string()
    }

    /// The hash of the last block.
    pub fn head_hash(&self) -> String {
        hex(&self.report.head.block_hash)
    }

    /// The root over all commits.
    pub fn merkle_root(&self) -> String {
        hex(&self.report.merkle_root)
    }
}

/// Reads a book's whole log and checks it.
///
/// # Errors
/// [`Failure::Verification`] names file and offset of the first damage.
pub fn audit(folder: &Folder, book: &BookName, bytes_only: bool) -> Result<Audit, Failure> {
    folder.known(book)?;
    audit_at(&folder.log(book), bytes_only)
}

/// Reads the whole log in a folder and checks it.
///
/// # Errors
/// As [`audit`].
pub fn audit_at(path: &Path, bytes_only: bool) -> Result<Audit, Failure> {
    let disk = FileDisk::open(path)
        .map_err(|source| damaged(ReadError::Io { path: path.to_path_buf(), source }))?;
    let bar = talk::progress("verify", None);
    let mut laws = Laws::default();
    let (mut findings, mut broken) = (Vec::new(), 0);
    let report = verify(Arc::new(disk), |position, bytes| {
        bar.inc(1);
        if bytes_only {
            return;
        }
        let found = match Commit::from_bytes(bytes) {
            Ok(commit) => laws.observe(&commit, &commit.events),
            Err(error) => {
                broken += 1;
                findings.push(format!("position {position}: {error}"));
                return;
            }
        };
        broken += found.len() as u64;
        let room = MOST_FINDINGS.saturating_sub(findings.len());
        findings.extend(found.iter().take(room).map(ToString::to_string));
    })
    .map_err(damaged)?;
    bar.finish_and_clear();
    let balances = laws.trial_balance();
    let balances = balances.map(|(currency, account, sum)| (currency, account.name(), sum));
    let balances = balances.collect();
    Ok(Audit { report, findings, broken, balances })
}

/// Runs `verify`.
///
/// # Errors
/// [`Failure::Verification`] when anything is wrong.
pub fn run(
    args: &VerifyArgs,
    nats: Option<&Nats>,
    folder: &Folder,
    book: &BookName,
    actor: &Actor,
    output: &Output,
) -> Result<(), Failure> {
    // Asked before the log is read, so that no checkpoint can be above what is read then.
    let views = match replay::live_hashes(nats, folder, book, actor) {
        Err(Failure::Internal(why) | Failure::Unreachable(why)) => {
            talk::say(&format!("billfold: the read models are not looked at: {why}"));
            Vec::new()
        }
        other => other?,
    };
    let mut audit = audit(folder, book, args.bytes_only)?;
    check_checkpoints(&mut audit, &views);
    output.document(View::Any, &document(&audit, args.bytes_only))?;
    conclude(&audit)
}

/// A read model that is ahead of the log has seen what the log does not hold.
fn check_checkpoints(audit: &mut Audit, views: &LiveHashes) {
    let head = audit.head_position();
    for (view, held) in views {
        if let Some((position, _)) = held
            && *position > head
        {
            audit.broken += 1;
            audit.findings.push(format!(
                "the read model {view} stands at {position}, above the head {head} of the log"
            ));
        }
    }
}

/// The audit failed if anything was found.
///
/// # Errors
/// [`Failure::Verification`] with the first finding.
pub fn conclude(audit: &Audit) -> Result<(), Failure> {
    match audit.findings.first() {
        None => Ok(()),
        Some(first) => {
            Err(Failure::Verification(format!("{} findings; the first: {first}", audit.broken)))
        }
    }
}

/// The audit as a document.
pub fn document(audit: &Audit, bytes_only: bool) -> Node {
    let report = &audit.report;
    let watermark = match report.watermark {
        WatermarkState::AtHead => "at the head".to_owned(),
        WatermarkState::Behind { block } => format!("at block {block}, behind the head"),
        WatermarkState::Lost => "lost; the next start writes it anew".to_owned(),
    };
    let laws = if bytes_only { "not checked".to_owned() } else { laws_kept(audit) };
    Node::object([
        ("book", Node::of(&report.identity.book())),
        ("position", Node::of(&audit.position())),
        ("commits", Node::of(&report.commits)),
        ("commit_bytes", Node::of(&report.commit_bytes)),
        ("blocks", Node::of(&report.blocks)),
        ("segments", Node::of(&report.segments)),
        ("epoch", Node::of(&report.head.epoch)),
        ("closed", Node::of(&report.closed)),
        ("watermark", Node::of(&watermark)),
        ("unsettled_bytes", Node::of(&report.unsettled_bytes)),
        ("laws", Node::of(&laws)),
        ("findings", Node::of(&audit.findings)),
        ("merkle_root", Node::of(&audit.merkle_root())),
        ("head_hash", Node::of(&audit.head_hash())),
    ])
}

fn laws_kept(audit: &Audit) -> String {
    if audit.broken == 0 { "kept".to_owned() } else { format!("broken {} times", audit.broken) }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
