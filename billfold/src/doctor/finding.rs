//! What `doctor` finds.

use serde::Serialize;

/// How something was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Good,
    Warning,
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    what: &'static str,
    pub(super) found: String,
    to_do: Option<String>,
}

impl Finding {
    pub(super) fn good(what: &'static str, finding: String) -> Self {
        Self { verdict: Verdict::Good, what, found: finding, to_do: None }
    }

    pub(super) fn warning(what: &'static str, finding: String, to_do: &str) -> Self {
        Self { verdict: Verdict::Warning, what, found: finding, to_do: Some(to_do.to_owned()) }
    }

    pub(super) fn bad(what: &'static str, finding: String, to_do: &str) -> Self {
        Self { verdict: Verdict::Bad, what, found: finding, to_do: Some(to_do.to_owned()) }
    }
}
