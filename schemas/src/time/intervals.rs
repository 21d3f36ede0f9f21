//! Half-open stretches: of civil days, and of instants.

use core::fmt;
use core::str::FromStr;

use super::{Date, TimeError, Timestamp, clipped};

/// Days `[start, end)`: the end is exclusive and comes after the start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    start: Date,
    end: Date,
}

impl Interval {
    /// The days from `start` up to but not including `end`.
    ///
    /// # Errors
    /// [`TimeError::EmptyInterval`] unless `start < end`.
    pub fn new(start: Date, end: Date) -> Result<Self, TimeError> {
        if start < end {
            Ok(Self { start, end })
        } else {
            Err(TimeError::EmptyInterval { start, end })
        }
    }

    /// First day.
    pub const fn start(self) -> Date {
        self.start
    }

    /// Day after the last.
    pub const fn end(self) -> Date {
        self.end
    }

    /// Number of days, at least one.
    pub const fn days(self) -> i32 {
        self.end.days_since(self.start)
    }

    /// The days in both, if any.
    pub fn overlap(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end)).ok()
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.start, self.end)
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Interval {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let (start, end) = text.split_once('/').ok_or_else(|| TimeError::NotDate(clipped(text)))?;
        Self::new(start.parse()?, end.parse()?)
    }
}

/// Instants `[start, end)`: the end is exclusive and comes after the start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    start: Timestamp,
    end: Timestamp,
}

impl Span {
    /// From `start` up to but not including `end`; none unless `start < end`.
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// First instant.
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// The instant after the last.
    pub const fn end(self) -> Timestamp {
        self.end
    }

    /// Whether an instant is in it.
    pub fn contains(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// Its length in microseconds; more than zero.
    pub const fn micros(self) -> i64 {
        self.end.0 - self.start.0
    }

    /// What is in both, if anything.
    pub fn overlap(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.start, self.end)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Span {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::NotTimestamp(clipped(text));
        let (start, end) = text.split_once('/').ok_or_else(wrong)?;
        Self::new(start.parse()?, end.parse()?).ok_or_else(wrong)
    }
}
