//! Front doors: the Unix socket for the same machine, and [`nats`] for everyone else. Both carry
//! the same messages; `client` asks on either.
//!
//! *Shape.* [`SocketDoor`] listens. A frame is `u32` big endian, the length of the rest, and then
//! a [`schemas::wire::Frame`]. Requests may be pipelined; replies come in any order.

mod connection;
mod frames;
mod listen;
pub mod nats;

pub use listen::{DoorError, DoorLimits, SocketDoor};
