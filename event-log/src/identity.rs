//! Which log this is: its id, its book and its partition, in every header.

use std::fmt;

use crate::layout::{field, set_field};

/// Bytes that an identity takes in a header: log id 16, book 64, partition 2, book length 2.
pub(crate) const IDENTITY_BYTES: usize = 84;
const BOOK_AT: usize = 16;
const PARTITION_AT: usize = 80;
const BOOK_LENGTH_AT: usize = 82;

/// The most bytes a book's name may have.
pub const MAX_BOOK_BYTES: usize = 64;

/// The id of one log: 16 bytes, shown as a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub [u8; 16]);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// What a log is called. Two logs with equal identities hold the same history.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogIdentity {
    log: LogId,
    book: String,
    partition: u16,
}

/// Why a log can't be called that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The book's name is empty, too long, or has other characters than `[A-Za-z0-9_-]`.
    #[error("book {book:?} is no name; use 1 to 64 of A-Z a-z 0-9 _ -")]
    Book {
        /// The name that was given.
        book: String,
    },
}

impl LogIdentity {
    /// An identity.
    /// # Errors
    /// [`IdentityError::Book`] if the book's name is not 1 to 64 bytes of `[A-Za-z0-9_-]`.
    pub fn new(log: LogId, book: &str, partition: u16) -> Result<Self, IdentityError> {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if book.is_empty() || book.len() > MAX_BOOK_BYTES || !book.bytes().all(named) {
            return Err(IdentityError::Book { book: book.to_owned() });
        }
        Ok(Self { log, book: book.to_owned(), partition })
    }

    /// The log's id.
    pub fn log(&self) -> LogId {
        self.log
    }

    /// The book that the log belongs to.
    pub fn book(&self) -> &str {
        &self.book
    }

    /// The partition of the book.
    pub fn partition(&self) -> u16 {
        self.partition
    }

    /// The identity as it stands in headers.
    pub(crate) fn to_bytes(&self) -> [u8; IDENTITY_BYTES] {
        let mut bytes = [0; IDENTITY_BYTES];
        set_field(&mut bytes, 0, self.log.0);
        bytes[BOOK_AT..BOOK_AT + self.book.len()].copy_from_slice(self.book.as_bytes());
        set_field(&mut bytes, PARTITION_AT, self.partition.to_le_bytes());
        bytes[BOOK_LENGTH_AT] = u8::try_from(self.book.len()).unwrap_or(u8::MAX);
        bytes
    }

    /// The identity that stands in a header, or `None` if those bytes are no identity.
    pub(crate) fn from_bytes(bytes: &[u8; IDENTITY_BYTES]) -> Option<Self> {
        let length = usize::from(u16::from_le_bytes(field(bytes, BOOK_LENGTH_AT)));
        let name = bytes.get(BOOK_AT..BOOK_AT + length.min(MAX_BOOK_BYTES))?;
        let book = std::str::from_utf8(name).ok()?;
        let partition = u16::from_le_bytes(field(bytes, PARTITION_AT));
        let identity = Self::new(LogId(field(bytes, 0)), book, partition).ok()?;
        (identity.to_bytes() == *bytes).then_some(identity)
    }
}

impl fmt::Display for LogIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log {} (book {}, partition {})", self.log, self.book, self.partition)
    }
}
