//! The streams of a book.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ids::{CustomerId, IdError};

/// What revisions are counted on: the book's own facts, or all of one customer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// Clock, sellers, catalog, runs.
    Book,
    /// One customer with all of its settlement.
    Customer(CustomerId),
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Book => f.write_str("book"),
            Self::Customer(id) => fmt::Display::fmt(id, f),
        }
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for StreamId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "book" { Ok(Self::Book) } else { text.parse().map(Self::Customer) }
    }
}

#[derive(Serialize, Deserialize)]
enum StoredStream {
    Book,
    Customer(CustomerId),
}

impl Serialize for StreamId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        match *self {
            Self::Book => StoredStream::Book,
            Self::Customer(id) => StoredStream::Customer(id),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StreamId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return String::deserialize(deserializer)?.parse().map_err(de::Error::custom);
        }
        Ok(match StoredStream::deserialize(deserializer)? {
            StoredStream::Book => Self::Book,
            StoredStream::Customer(id) => Self::Customer(id),
        })
    }
}

impl schemars::JsonSchema for StreamId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StreamId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "`book`, or a customer's id"})
    }
}
