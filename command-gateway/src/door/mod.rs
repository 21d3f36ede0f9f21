//! Front doors: the Unix socket for the same machine, and [`nats`] for everyone else. Both carry
//! the same messages.
//!
//! *Shape.* [`SocketDoor`] listens and [`Client`] asks. A frame is `u32` big endian, the length of
//! the rest, and then a [`schemas::wire::Frame`]. Requests may be pipelined; replies come in any
//! order.

mod client;
mod connection;
mod frames;
mod listen;
pub mod nats;
mod pipeline;

pub use client::{Client, ClientError};
pub use listen::{DoorError, DoorLimits, SocketDoor};
pub use pipeline::{Answered, Pipeline};
