//! Is this log what was written, and does it keep the ledger's laws?
//!
//! # Shape
//!
//! One pass over the log. `event-log` checks bytes: checksums, hash chain, positions, Merkle
//! root, watermark. Each commit is decoded and given to [`ledger_core::laws`]. It takes no lock
//! and works beside a running writer, up to where it catches up.

use std::path::Path;
use std::sync::Arc;

use client::Node;
use event_log::{FileDisk, ReadError, VerifyReport, WatermarkState, verify};
use ledger_core::laws::Laws;
use schemas::text::BookName;
use schemas::wire::LogPosition;
use schemas::{Commit, Currency};
use uuid::Uuid;

use crate::error::HostError;
use crate::folder::Folder;

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

/// The audit found something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{count} findings; the first: {first}")]
pub struct Findings {
    /// How many.
    pub count: u64,
    /// The first.
    pub first: String,
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

    /// The audit as a document; `bytes_only` as it was asked for.
    pub fn document(&self, bytes_only: bool) -> Node {
        let report = &self.report;
        let watermark = match report.watermark {
            WatermarkState::AtHead => "at the head".to_owned(),
            WatermarkState::Behind { block } => format!("at block {block}, behind the head"),
            WatermarkState::Lost if report.torn_bytes == 0 => {
                "lost; the next start writes it anew".to_owned()
            }
            WatermarkState::Lost => format!(
                "lost, and the last {} bytes are no whole block: if nobody writes them now, nothing \
                 tells whether they matter; restore the log from a backup",
                report.torn_bytes
            ),
        };
        let laws = if bytes_only { "not checked".to_owned() } else { self.laws_kept() };
        Node::object([
            ("book", Node::of(&report.identity.book())),
            ("position", Node::of(&self.position())),
            ("commits", Node::of(&report.commits)),
            ("commit_bytes", Node::of(&report.commit_bytes)),
            ("blocks", Node::of(&report.blocks)),
            ("segments", Node::of(&report.segments)),
            ("epoch", Node::of(&report.head.epoch)),
            ("closed", Node::of(&report.closed)),
            ("watermark", Node::of(&watermark)),
            ("unsettled_bytes", Node::of(&report.unsettled_bytes)),
            ("laws", Node::of(&laws)),
            ("findings", Node::of(&self.findings)),
            ("merkle_root", Node::of(&self.merkle_root())),
            ("head_hash", Node::of(&self.head_hash())),
        ])
    }

    fn laws_kept(&self) -> String {
        if self.broken == 0 { "kept".to_owned() } else { format!("broken {} times", self.broken) }
    }

    /// The audit failed if anything was found.
    ///
    /// # Errors
    /// [`Findings`] with the first one.
    pub fn conclude(&self) -> Result<(), Findings> {
        match self.findings.first() {
            None => Ok(()),
            Some(first) => Err(Findings { count: self.broken, first: first.clone() }),
        }
    }
}

/// Reads a book's whole log and checks it; `progress` hears each position.
///
/// # Errors
/// [`HostError::Damaged`] names file and offset of the first damage.
pub fn audit(
    folder: &Folder,
    book: &BookName,
    bytes_only: bool,
    progress: &mut dyn FnMut(u64),
) -> Result<Audit, HostError> {
    folder.known(book)?;
    audit_at(&folder.log(book), bytes_only, progress)
}

/// Reads the whole log in a folder and checks it.
///
/// # Errors
/// As [`audit`].
pub fn audit_at(
    path: &Path,
    bytes_only: bool,
    progress: &mut dyn FnMut(u64),
) -> Result<Audit, HostError> {
    let disk = FileDisk::open(path)
        .map_err(|source| ReadError::Io { path: path.to_path_buf(), source })?;
    let mut laws = Laws::default();
    let (mut findings, mut broken) = (Vec::new(), 0);
    let report = verify(Arc::new(disk), |position, bytes| {
        progress(position);
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
    })?;
    let balances = laws.trial_balance();
    let balances = balances.map(|(currency, account, sum)| (currency, account.name(), sum));
    let balances = balances.collect();
    Ok(Audit { report, findings, broken, balances })
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
