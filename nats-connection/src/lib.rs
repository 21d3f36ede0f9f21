//! How a NATS server is reached: addresses, user, encryption, headers, and how it has been.
//!
//! # Shape
//!
//! [`NatsOptions`] say where the server is and as whom to come; [`connect()`] makes a
//! [`NatsClient`], which counts what happens to it ([`NatsHealth`]). [`headers`] maps headers both
//! ways. The gateway's door serves on such a connection, and `client` asks on one; neither knows
//! the other, so what both need is here.
//!
//! # Architecture invariants
//!
//! - No subject and no message is made or read here: only connections and headers.
//! - No password is shown: not in a message, not by `Debug`.
//! - Of our crates it knows `schemas` alone.

#![allow(
    clippy::result_large_err,
    reason = "a problem is made once, for a request that failed, and moved into its reply"
)]

mod connect;
mod errors;
pub mod headers;
mod health;
mod options;

pub use connect::{NatsClient, connect};
pub use errors::NatsError;
pub use health::{HealthReport, NatsHealth};
pub use options::{Login, NatsOptions, Secret, TlsFiles};
