//! `verify`: is this log what was written, and does it keep the ledger's laws?
//!
//! # Shape
//!
//! One pass over the log. `event-log` checks bytes: checksums, hash chain, positions, Merkle
//! root, watermark. Each commit is decoded and given to [`ledger_core::laws`]. It takes no lock
//! and works beside a running writer, up to where it catches up.

use std::sync::Arc;

use event_log::{FileDisk, ReadError, VerifyReport, WatermarkState, verify};
use ledger_core::laws::Laws;
use schemas::text::BookName;
use schemas::wire::LogPosition;
use schemas::{Commit, Money};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::VerifyArgs;
use crate::exit::Failure;
use crate::folder::{Folder, damaged};
use crate::output::{Node, Output, View};
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
    /// The trial balance without recognition: currency, account, debits less credits.
    pub balances: Vec<(String, &'static str, i128)>,
}

impl Audit {
    /// The position of the last commit.
    pub fn head_position(&self) -> u64 {
        self.report.head.last_position().unwrap_or(0)
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
    let path = folder.log(book);
    let disk = FileDisk::open(&path)
        .map_err(|source| damaged(ReadError::Io { path: path.clone(), source }))?;
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
    let balances = laws
        .trial_balance()
        .map(|(currency, account, sum)| (currency.to_string(), account.name(), sum))
        .collect();
    Ok(Audit { report, findings, broken, balances })
}

/// Runs `verify`.
///
/// # Errors
/// [`Failure::Verification`] when anything is wrong.
pub fn run(
    args: &VerifyArgs,
    folder: &Folder,
    book: &BookName,
    output: &Output,
) -> Result<(), Failure> {
    let audit = audit(folder, book, args.bytes_only)?;
    output.document(View::Any, &Node::of(&document(&audit, args.bytes_only)))?;
    conclude(&audit)
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
pub fn document(audit: &Audit, bytes_only: bool) -> Value {
    let report = &audit.report;
    let log = Uuid::from_bytes(report.identity.log().0);
    let watermark = match report.watermark {
        WatermarkState::AtHead => "at the head".to_owned(),
        WatermarkState::Behind { block } => format!("at block {block}, behind the head"),
        WatermarkState::Lost => "lost; the next start writes it anew".to_owned(),
    };
    json!({
        "book": report.identity.book(),
        "log": report.identity.log().to_string(),
        "position": LogPosition { log, position: audit.head_position() }.to_string(),
        "commits": report.commits,
        "commit_bytes": report.commit_bytes,
        "blocks": report.blocks,
        "segments": report.segments,
        "epoch": report.head.epoch,
        "head_hash": audit.head_hash(),
        "merkle_root": audit.merkle_root(),
        "closed": report.closed,
        "watermark": watermark,
        "unsettled_bytes": report.unsettled_bytes,
        "laws": if bytes_only { "not checked".to_owned() } else { laws_kept(audit) },
        "findings": audit.findings,
    })
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

/// A sum as money, where it fits.
pub fn as_money(currency: &str, sum: i128) -> Option<Money> {
    Some(schemas::Minor(i64::try_from(sum).ok()?).of(currency.parse().ok()?))
}
