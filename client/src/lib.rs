//! Asks any door of a ledger: in process, over the Unix socket, over NATS.
//!
//! # Shape
//!
//! [`Ask`] is a door: a message goes in, the answer's body or an [`AskError`] comes out. A process
//! is asked over its socket by [`SocketRemote`], over NATS by [`nats::NatsRemote`]; a program that
//! has the book open itself implements [`Ask`], as `host` does. On top of any door: [`submit`]
//! sends many commands exactly once, [`pages()`] follows cursors, [`wait_for_run`] waits for a
//! billing run. A [`Node`] is an answer whose type nobody needs to know.
//!
//! # Correctness
//!
//! A request that met *busy* or got no answer is sent again unchanged, command id and all: an
//! accepted command is never carried out twice.
//!
//! # Architecture invariants
//!
//! - Of our crates it knows the published language and how NATS is reached: no ledger, no log, no
//!   read model, no gateway.
//! - Ids and the machine's time are made in [`edge`] and nowhere else, for every crate above.
//! - Nothing is printed.

#![allow(
    clippy::result_large_err,
    reason = "a problem is made once, for a request that failed, and moved into its reply"
)]

mod ask;
pub mod edge;
pub mod nats;
mod node;
mod pages;
mod pipeline;
mod remote;
mod runs;
mod socket;
mod submitter;

pub use ask::{Ask, AskError, body_of};
pub use node::Node;
pub use pages::pages;
pub use pipeline::{Answered, Pipeline};
pub use remote::SocketRemote;
pub use runs::wait_for_run;
pub use socket::{SocketClient, SocketError};
pub use submitter::{Order, submit};
