//! One document for every failure on every door (RFC 9457, `application/problem+json`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::JsonError;
use crate::rejection::Rejection;

/// What went wrong, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `urn:billfold:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short name of the kind; the same for every occurrence.
    pub title: String,
    /// HTTP-like status.
    pub status: u16,
    /// Stable code to switch on.
    pub code: String,
    /// What is, with its values; then the way out.
    pub detail: String,
    /// The command or request that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Places in the request that are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// The same request may succeed later.
    pub retryable: bool,
    /// How long to wait before that, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The position at which it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// The stream's revision, for conflicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_revision: Option<u64>,
    /// To find it in traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// One wrong place in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldProblem {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// Stable code.
    pub code: String,
    /// What is wrong there.
    pub detail: String,
}

/// Kinds of failure that are not the ledger's own rejections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request cannot be read.
    Malformed,
    /// The request or the answer is too large.
    TooLarge,
    /// No endpoint has this subject.
    UnknownSubject,
    /// No book of this name is open here.
    UnknownBook,
    /// The asked thing does not exist.
    NotFound,
    /// The cursor belongs to an older generation of the view.
    CursorExpired,
    /// The same command id came with another body.
    IdempotencyKeyReused,
    /// The command id is known, and the keys are not here that tell whether the body is the same.
    KeysMissing,
    /// The deadline passed before the command was decided.
    DeadlineExceeded,
    /// A queue is full.
    Busy,
    /// The read model has not reached the asked position.
    ProjectionBehind,
    /// The read model is being rebuilt.
    ProjectionRebuilding,
    /// The process is shutting down or lost its log.
    Unavailable,
    /// The disk has no room; nothing was changed.
    DiskFull,
    /// The log cannot be read where something old lies that was asked for; nothing was changed.
    LogDamaged,
    /// The command may or may not be durable: ask again with the same id.
    UnknownOutcome,
    /// A fault of ours.
    Internal,
}

impl Fault {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Malformed,
        Self::TooLarge,
        Self::UnknownSubject,
        Self::UnknownBook,
        Self::NotFound,
        Self::CursorExpired,
        Self::IdempotencyKeyReused,
        Self::KeysMissing,
        Self::DeadlineExceeded,
        Self::Busy,
        Self::ProjectionBehind,
        Self::ProjectionRebuilding,
        Self::Unavailable,
        Self::DiskFull,
        Self::LogDamaged,
        Self::UnknownOutcome,
        Self::Internal,
    ];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        self.row().0
    }

    /// The HTTP-like status.
    pub const fn status(self) -> u16 {
        self.row().1
    }

    /// The same request may succeed later.
    pub const fn retryable(self) -> bool {
        self.row().2
    }

    /// What a client does about it, in a sentence.
    pub const fn what_to_do(self) -> &'static str {
        match self {
            Self::Malformed => "correct the request; `errors` points at the wrong places",
            Self::TooLarge => "send less at once: smaller pages, several batches",
            Self::UnknownSubject => {
                "correct the subject; `billfold schema asyncapi` has all of them"
            }
            Self::UnknownBook => "correct the book's name, or ask the process that has it",
            Self::NotFound => {
                "nothing is called that; a query of what was just written needs \
                `Billfold-At-Least`"
            }
            Self::CursorExpired => {
                "the read model was built anew: start the list from its first page"
            }
            Self::IdempotencyKeyReused => {
                "give another command an id of its own; never change one that was sent"
            }
            Self::KeysMissing => {
                "tell the operator, who has to restore keys; then send it again with the same id"
            }
            Self::DeadlineExceeded => "send it again with a later deadline, if it still matters",
            Self::Busy => "send it again, with the same id, after `retry_after_ms`",
            Self::ProjectionBehind => "ask again; the read model is catching up",
            Self::ProjectionRebuilding => "ask again; the read model is being built",
            Self::Unavailable => "send it again, with the same id: the process is stopping",
            Self::DiskFull => "tell the operator: nothing was changed, and queries go on",
            Self::LogDamaged => {
                "tell the operator: `billfold verify` says what is damaged; nothing was changed"
            }
            Self::UnknownOutcome => {
                "send it again, with the same id: it is carried out once at most"
            }
            Self::Internal => "report it with the time and the trace id",
        }
    }

    const fn row(self) -> (&'static str, u16, bool) {
        match self {
            Self::Malformed => ("malformed", 400, false),
            Self::TooLarge => ("too_large", 413, false),
            Self::UnknownSubject => ("unknown_subject", 404, false),
            Self::UnknownBook => ("unknown_book", 404, false),
            Self::NotFound => ("not_found", 404, false),
            Self::CursorExpired => ("cursor_expired", 410, false),
            Self::IdempotencyKeyReused => ("idempotency_key_reused", 422, false),
            Self::KeysMissing => ("keys_missing", 409, false),
            Self::DeadlineExceeded => ("deadline_exceeded", 408, true),
            Self::Busy => ("busy", 429, true),
            Self::ProjectionBehind => ("projection_behind", 503, true),
            Self::ProjectionRebuilding => ("projection_rebuilding", 503, true),
            Self::Unavailable => ("unavailable", 503, true),
            Self::DiskFull => ("disk_full", 507, true),
            Self::LogDamaged => ("log_damaged", 500, false),
            Self::UnknownOutcome => ("unknown_outcome", 503, true),
            Self::Internal => ("internal", 500, false),
        }
    }
}

impl Problem {
    /// A problem of a kind with a sentence of its own.
    pub fn fault(fault: Fault, detail: impl Into<String>) -> Self {
        Self::new(fault.code(), fault.status(), detail.into(), fault.retryable())
    }

    /// A rejection, with the token of the position it was decided at.
    pub fn rejection(rejection: &Rejection, position: String) -> Self {
        let mut problem =
            Self::new(rejection.code(), rejection.status(), rejection.to_string(), false);
        problem.position = Some(position);
        if let Rejection::RevisionConflict { current, .. } = rejection {
            problem.current_revision = Some(*current);
        }
        problem
    }

    /// A body that is not what the subject asks for.
    pub fn json(error: &JsonError) -> Self {
        let mut problem = Self::fault(Fault::Malformed, error.to_string());
        match error {
            JsonError::Field { pointer, detail } => {
                problem.errors.push(FieldProblem {
                    pointer: pointer.clone(),
                    code: "invalid".to_owned(),
                    detail: detail.clone(),
                });
            }
            JsonError::UnknownName(_) | JsonError::NotJson(_) => {}
        }
        problem
    }

    /// The same with the request's own id.
    #[must_use]
    pub fn about(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// The same with a time to wait.
    #[must_use]
    pub fn retry_after(mut self, milliseconds: u64) -> Self {
        self.retryable = true;
        self.retry_after_ms = Some(milliseconds);
        self
    }

    fn new(code: &str, status: u16, detail: String, retryable: bool) -> Self {
        let mut title = code.replace('_', " ");
        if let Some(first) = title.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        Self {
            kind: format!("urn:billfold:problem:{code}"),
            title,
            status,
            code: code.to_owned(),
            detail,
            instance: None,
            errors: Vec::new(),
            retryable,
            retry_after_ms: None,
            position: None,
            current_revision: None,
            trace_id: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_becomes_a_problem_with_code_status_and_position() {
        let rejection = Rejection::RevisionConflict { expected: 3, current: 5 };
        let problem = Problem::rejection(&rejection, "log:9".to_owned());
        assert_eq!(problem.kind, "urn:billfold:problem:revision_conflict");
        assert_eq!((problem.status, problem.current_revision), (409, Some(5)));
        assert_eq!(problem.title, "Revision conflict");
        assert!(!problem.retryable);
    }

    #[test]
    fn fault_codes_do_not_clash_with_rejection_codes() {
        for fault in Fault::ALL {
            assert!(Rejection::CODES.iter().all(|(code, _)| *code != fault.code()));
        }
    }
}
