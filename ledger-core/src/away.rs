//! What is not in memory: a decision that meets it ends, is told what to read back, and is taken
//! again.
//!
//! # Shape
//!
//! What can no longer change by itself leaves memory; its place stays, with the positions of the
//! commits that made it what it is. Whoever looks at such a place throws [`Away`], which unwinds
//! the decision. The one who decides catches it ([`unless_away`]), reads these commits, has them
//! folded back ([`crate::Ledger::restore`]) and decides anew.
//!
//! # Correctness
//!
//! A decision changes nothing, so it can be left at any point and be taken again. No list of what
//! each command may look at has to be kept true: whatever it looks at is there, or it ends.
//!
//! *Limits.* It unwinds without a panic's message, as a cancelled query of an incremental compiler
//! does, and works only where panics unwind.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use schemas::ids::CustomerId;

/// What can be away, each by its place among the customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Piece {
    /// The lines of an invoice.
    Lines(u32),
    /// What of an invoice is paid.
    Owed(u32),
    /// A lot of credit.
    Lot(u32),
}

/// Something that is only in the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Missing {
    pub(crate) piece: Piece,
    /// The commits that made it what it is, in order.
    pub(crate) positions: Vec<u64>,
}

/// Something that a decision or a fold looks at is only in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    pub(crate) customer: CustomerId,
    pub(crate) pieces: Vec<Missing>,
}

impl Away {
    /// Whose it is.
    pub const fn customer(&self) -> CustomerId {
        self.customer
    }

    /// The positions of the commits to be read, in order.
    pub fn positions(&self) -> Vec<u64> {
        let all = self.pieces.iter().flat_map(|missing| &missing.positions);
        let mut all: Vec<u64> = all.copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Ends the decision that has met what is away.
pub(crate) fn throw(away: Away) -> ! {
    resume_unwind(Box::new(away))
}

/// Does something that may meet what is away. What it takes is not changed by it.
///
/// # Errors
/// [`Away`]: what has to be read back first.
///
/// # Panics
/// What `work` panics with.
pub fn unless_away<T>(work: impl FnOnce() -> T) -> Result<T, Away> {
    catch_unwind(AssertUnwindSafe(work)).map_err(met)
}

/// What was met, if that was thrown; goes on unwinding if something else was.
fn met(thrown: Box<dyn Any + Send>) -> Away {
    *thrown.downcast::<Away>().unwrap_or_else(|other| resume_unwind(other))
}
