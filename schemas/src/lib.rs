//! The published language of billfold: what is asked, what is stored, what is answered.
//!
//! # Shape
//!
//! Commands ask ([`command`]), events report what was decided ([`event`]), rejections explain
//! ([`rejection`]). A commit ([`commit`]) holds one accepted command and its events. Messages
//! on every front door have one form ([`wire`]), failures have one document ([`problem`]), and
//! read models answer with [`view`]s to [`query`]s.
//!
//! # Correctness
//!
//! A stored record is `(type u16, version u8)` followed by postcard bytes. A shipped struct is
//! never edited: postcard is positional, so a changed struct reads old bytes wrongly. A change
//! is a new version with an upcaster. The golden files in `schemas/golden` hold the bytes.
//!
//! # Architecture invariants
//!
//! - This crate depends on no other crate of the workspace.
//! - Nothing here reads a clock, mints a random id, or does I/O.
//! - No amount is a float. Money is whole minor units; rates and quantities are exact decimals.
//! - No stored type uses serde's `default`, `skip`, `flatten`, `untagged` or internal tags.

pub mod asyncapi;
pub mod catalogue;
pub mod changed;
pub mod command;
pub mod commit;
pub mod country;
pub mod currency;
mod currency_table;
pub mod decimal;
pub mod event;
pub mod feed;
pub mod fields;
pub mod fraction;
pub mod ids;
pub mod inverse;
pub mod json;
mod misread;
pub mod money;
pub mod parts;
pub mod party;
pub mod personal;
pub mod preview;
pub mod problem;
pub mod query;
pub mod record;
pub mod rejection;
pub mod runs;
pub mod status;
pub mod stream;
pub mod subjects;
pub mod terms;
pub mod text;
pub mod time;
pub mod view;
pub mod wire;
mod zone_rules;

pub use command::Command;
pub use commit::{Cause, Commit, CommitView, Origin};
pub use country::Country;
pub use currency::Currency;
pub use decimal::Decimal;
pub use event::Event;
pub use fraction::Fraction;
pub use money::{Minor, Money, MoneyError};
pub use personal::{Contact, Personal};
pub use problem::Problem;
pub use rejection::Rejection;
pub use stream::StreamId;
pub use time::{Date, Interval, Span, Timestamp, ZoneName};
