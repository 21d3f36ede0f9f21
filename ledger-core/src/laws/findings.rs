//! What one commit breaks.

use super::law::{Law, LawBroken};

/// Collects what one commit breaks.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) position: u64,
    pub(super) found: Vec<LawBroken>,
}

impl Findings {
    /// `holds`, or the law is broken; `detail` is only made then.
    pub(super) fn check(&mut self, law: Law, holds: bool, detail: impl FnOnce() -> String) {
        if !holds {
            self.found.push(LawBroken { position: self.position, law, detail: detail() });
        }
    }
}
