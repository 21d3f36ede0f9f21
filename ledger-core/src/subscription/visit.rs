//! Going through the instants that were agreed.

use schemas::{Span, Timestamp};

/// What is shown every instant that was agreed, and says which one takes its place.
pub(super) type Visit<'a> = &'a mut dyn FnMut(Timestamp) -> Timestamp;

/// A span with other ends. A move keeps instants in order, but across the date line it may leave a
/// day without any; then the span stays as it was.
pub(super) fn span(span: Span, visit: Visit<'_>) -> Span {
    Span::new(visit(span.start()), visit(span.end())).unwrap_or(span)
}
