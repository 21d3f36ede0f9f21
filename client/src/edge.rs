//! The edge: where ids and times come into being. Nothing behind the doors makes either.

use std::time::SystemTime;

use schemas::Timestamp;
use schemas::ids::CommandId;
use uuid::Uuid;

/// The machine's clock cannot be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the machine's clock stands outside the years 1970 to 2999; set it")]
pub struct WrongClock;

/// The machine's clock, in whole microseconds.
///
/// # Errors
/// [`WrongClock`] when it stands outside the years 1970 to 2999.
pub fn now() -> Result<Timestamp, WrongClock> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
    since
        .and_then(|since| i64::try_from(since.as_micros()).ok())
        .and_then(Timestamp::from_micros)
        .ok_or(WrongClock)
}

/// A fresh id: UUID version 7, so that ids made later sort later.
pub fn fresh() -> Uuid {
    Uuid::now_v7()
}

/// A fresh command id.
pub fn command_id() -> CommandId {
    CommandId::new(fresh())
}
