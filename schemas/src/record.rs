//! Stored records: `(type u16, version u8)`, a length, and postcard bytes.
//!
//! The registry macro gives each union of records its numbers, its public names and the four
//! conversions (to and from stored bytes, to and from JSON), so that a new record is one line.

use core::fmt;

use crate::misread;

/// The number, version and public name of one stored type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordKind {
    /// Never reused.
    pub type_id: u16,
    /// Raised for any change of the struct.
    pub version: u8,
    /// Public name, such as `payment.record`.
    pub name: &'static str,
}

/// Stored bytes that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A type or version that this build does not know.
    #[error(
        "{union} type {type_id} version {version} is unknown here; use the release that wrote the log, or a later one"
    )]
    Unknown {
        /// `command` or `event`.
        union: &'static str,
        /// The stored number.
        type_id: u16,
        /// The stored version.
        version: u8,
    },
    /// The bytes are not what the type says.
    #[error("the stored bytes of {what} cannot be read; verify the log")]
    Malformed {
        /// What was being read.
        what: &'static str,
    },
    /// Bytes are left over.
    #[error("{left} bytes are left after {what}; verify the log")]
    TrailingBytes {
        /// What was being read.
        what: &'static str,
        /// How many.
        left: usize,
    },
}

/// JSON that is not the record it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// No record has this name.
    #[error("{0:?} is not the name of a record; `billfold schema list` prints them")]
    UnknownName(String),
    /// The text is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// A field is missing, unknown or of the wrong form.
    #[error("{detail}")]
    Field {
        /// JSON pointer (RFC 6901) to the place.
        pointer: String,
        /// What is wrong there.
        detail: String,
    },
}

/// One record as it lies in a commit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// Stored number.
    pub type_id: u16,
    /// Stored version.
    pub version: u8,
    /// Postcard bytes.
    pub body: &'a [u8],
}

impl fmt::Debug for RawRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type {} version {} ({} bytes)", self.type_id, self.version, self.body.len())
    }
}

/// Appends `number` as a LEB128 varint, as postcard does.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Takes a LEB128 varint of at most 32 bits from the front of `bytes`.
pub(crate) fn take_varint(bytes: &mut &[u8], what: &'static str) -> Result<usize, DecodeError> {
    let (number, rest): (u32, _) =
        postcard::take_from_bytes(bytes).map_err(|_| DecodeError::Malformed { what })?;
    *bytes = rest;
    usize::try_from(number).map_err(|_| DecodeError::Malformed { what })
}

/// Appends one record: type, version, length, body.
pub(crate) fn put_record(out: &mut Vec<u8>, kind: RecordKind, body: &[u8]) {
    out.extend_from_slice(&kind.type_id.to_le_bytes());
    out.push(kind.version);
    put_varint(out, body.len());
    out.extend_from_slice(body);
}

/// Takes one record from the front of `bytes`.
pub(crate) fn take_record<'a>(
    bytes: &mut &'a [u8],
    what: &'static str,
) -> Result<RawRecord<'a>, DecodeError> {
    let [low, high, version, rest @ ..] = *bytes else {
        return Err(DecodeError::Malformed { what });
    };
    *bytes = rest;
    let length = take_varint(bytes, what)?;
    if length > bytes.len() {
        return Err(DecodeError::Malformed { what });
    }
    let (body, rest) = bytes.split_at(length);
    *bytes = rest;
    Ok(RawRecord { type_id: u16::from_le_bytes([*low, *high]), version: *version, body })
}

/// Reads a whole postcard value and refuses left-over bytes.
pub(crate) fn from_stored<'a, T: serde::Deserialize<'a>>(
    bytes: &'a [u8],
    what: &'static str,
) -> Result<T, DecodeError> {
    let (value, rest) =
        postcard::take_from_bytes(bytes).map_err(|_| DecodeError::Malformed { what })?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(DecodeError::TrailingBytes { what, left: rest.len() })
    }
}

/// Reads a JSON document and says where it is wrong, and what is allowed there.
pub(crate) fn from_json<'a, T>(json: &'a [u8]) -> Result<T, JsonError>
where
    T: serde::Deserialize<'a> + schemars::JsonSchema,
{
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer_to(error.path());
        let inner = error.into_inner().to_string();
        // A document that is JSON for itself is only not the one that is asked for, whatever the
        // parser calls it.
        match serde_json::from_slice(json) {
            Ok(body) => {
                let schema = schemars::schema_for!(T);
                let (pointer, detail) = misread::said(schema.as_value(), &body, &pointer, &inner);
                JsonError::Field { pointer, detail }
            }
            Err(_) => JsonError::NotJson(inner),
        }
    })?;
    reader.end().map_err(|error| JsonError::NotJson(error.to_string()))?;
    Ok(value)
}

fn pointer_to(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => pointer.push_str(variant),
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

/// A record of the union `U`.
pub trait Member<U>: Sized {
    /// Its number, newest version and public name.
    const KIND: RecordKind;

    /// The record in `union`, if it is this one.
    fn of(union: &U) -> Option<&Self>;

    /// The record in `union`, to be changed, if it is this one.
    fn of_mut(union: &mut U) -> Option<&mut Self>;

    /// The record itself, or the union again if it is another one.
    ///
    /// # Errors
    /// `union`, unchanged.
    fn take(union: U) -> Result<Self, U>;
}

/// Declares a union of stored records, in groups. See the module.
///
/// A row is `type_id v version "public.name" Struct`. A row that had other forms before names
/// each with its own version, `was 1 StructV1`: bytes of that version are read as what they were
/// and become the newest form by `From`.
macro_rules! records {
    (
        $(#[$union_doc:meta])*
        $union:ident ($what:literal) {
            $(
                $(#[doc = $group_doc:literal])*
                $group:ident($members:ident) {
                    $( $(#[doc = $doc:literal])* $type_id:literal v $version:literal $name:literal
                       $record:ident $(was $old_version:literal $old:ident)*, )*
                }
            )*
        }
    ) => {
        $(#[$union_doc])*
        #[allow(clippy::large_enum_variant, reason = "records are moved once, into a vector")]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $union {
            $( $(#[doc = $group_doc])* $group($members), )*
        }

        $(
            $(#[doc = $group_doc])*
            #[allow(clippy::large_enum_variant, reason = "records are moved once, into a vector")]
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub enum $members {
                $( $(#[doc = $doc])* $record($record), )*
            }

            impl $members {
                /// Number, version and public name of this record.
                pub const fn kind(&self) -> $crate::record::RecordKind {
                    match self {
                        $( Self::$record(_) => $crate::record::RecordKind {
                            type_id: $type_id, version: $version, name: $name,
                        }, )*
                    }
                }
            }

            impl From<$members> for $union {
                fn from(member: $members) -> Self {
                    Self::$group(member)
                }
            }
        )*

        impl $union {
            /// Every record of this union, group by group.
            pub const KINDS: &'static [$crate::record::RecordKind] = &[
                $( $( $crate::record::RecordKind {
                    type_id: $type_id, version: $version, name: $name,
                }, )* )*
            ];

            /// Older forms that are still read: number and version.
            pub const OLDER: &'static [(u16, u8)] = &[
                $( $( $( ($type_id, $old_version), )* )* )*
            ];

            /// The sentence about the record of this public name.
            pub fn summary(name: &str) -> Option<&'static str> {
                match name {
                    $( $( $name => Some(concat!($($doc),*).trim()), )* )*
                    _ => None,
                }
            }

            /// Number, version and public name of this record.
            pub const fn kind(&self) -> $crate::record::RecordKind {
                match self {
                    $( Self::$group(member) => member.kind(), )*
                }
            }

            /// The record inside, if it is a `T`. For readers that want one kind of record; folds
            /// match their group.
            pub fn get<T: $crate::record::Member<Self>>(&self) -> Option<&T> {
                T::of(self)
            }

            /// The record inside, to be changed, if it is a `T`.
            pub fn get_mut<T: $crate::record::Member<Self>>(&mut self) -> Option<&mut T> {
                T::of_mut(self)
            }

            /// The postcard bytes of the record itself, appended to `out`.
            pub fn encode_body(&self, out: Vec<u8>) -> Vec<u8> {
                match self {
                    $( $( Self::$group($members::$record(record)) => {
                        postcard::to_extend(record, out)
                    } )* )*
                }
                .expect("a stored record always encodes: memory is its only limit")
            }

            /// Reads the bytes of a record of this number and version, as its newest form.
            ///
            /// # Errors
            /// [`DecodeError`](crate::record::DecodeError): an unknown number or version, or
            /// bytes that are not such a record.
            pub fn decode(
                raw: $crate::record::RawRecord<'_>,
            ) -> Result<Self, $crate::record::DecodeError> {
                match (raw.type_id, raw.version) {
                    $( $(
                        ($type_id, $version) => $crate::record::from_stored(raw.body, $name)
                            .map(|record| Self::$group($members::$record(record))),
                        $( ($type_id, $old_version) => {
                            let old: $old = $crate::record::from_stored(raw.body, $name)?;
                            Ok(Self::$group($members::$record(<$record>::from(old))))
                        } )*
                    )* )*
                    (type_id, version) => Err($crate::record::DecodeError::Unknown {
                        union: $what, type_id, version,
                    }),
                }
            }

            /// Reads the JSON form of the record named `name`.
            ///
            /// # Errors
            /// [`JsonError`](crate::record::JsonError) with a pointer to what is wrong.
            pub fn from_json(name: &str, json: &[u8]) -> Result<Self, $crate::record::JsonError> {
                match name {
                    $( $( $name => $crate::record::from_json(json)
                        .map(|record| Self::$group($members::$record(record))), )* )*
                    other => Err($crate::record::JsonError::UnknownName(
                        other.chars().take(64).collect(),
                    )),
                }
            }

            /// The JSON form of the record.
            pub fn to_json(&self) -> serde_json::Value {
                match self {
                    $( $( Self::$group($members::$record(record)) => {
                        serde_json::to_value(record)
                    } )* )*
                }
                .expect("a stored record always has a JSON form: its keys are strings")
            }

            /// Public name and JSON Schema of every record.
            pub fn json_schemas() -> Vec<(&'static str, schemars::Schema)> {
                vec![ $( $( ($name, schemars::schema_for!($record)), )* )* ]
            }
        }

        $( $(
            impl $crate::record::Member<$union> for $record {
                const KIND: $crate::record::RecordKind = $crate::record::RecordKind {
                    type_id: $type_id, version: $version, name: $name,
                };

                fn of(union: &$union) -> Option<&Self> {
                    if let $union::$group($members::$record(record)) = union {
                        Some(record)
                    } else {
                        None
                    }
                }

                fn of_mut(union: &mut $union) -> Option<&mut Self> {
                    if let $union::$group($members::$record(record)) = union {
                        Some(record)
                    } else {
                        None
                    }
                }

                fn take(union: $union) -> Result<Self, $union> {
                    if let $union::$group($members::$record(record)) = union {
                        Ok(record)
                    } else {
                        Err(union)
                    }
                }
            }

            impl From<$record> for $members {
                fn from(record: $record) -> Self {
                    Self::$record(record)
                }
            }

            impl From<$record> for $union {
                fn from(record: $record) -> Self {
                    Self::$group($members::$record(record))
                }
            }
        )* )*
    };
}

pub(crate) use records;
