//! The Unix socket: the same messages that NATS carries, for the same machine.
//!
//! *Shape.* [`SocketDoor`] listens and [`Client`] asks. A frame is `u32` big endian, the length of
//! the rest, and then a [`schemas::wire::Frame`]. Requests may be pipelined; replies come in any
//! order.

mod client;
mod connection;
mod frames;
mod listen;
mod pipeline;

pub use client::{Client, ClientError};
pub use listen::{DoorError, DoorLimits, SocketDoor};
pub use pipeline::{Answered, Pipeline};
