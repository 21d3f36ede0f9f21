//! What tests across crates share: the real process, its socket, waiting, and a small book.

pub mod acme;
pub mod kept;
pub mod life;
pub mod log;
pub mod nats;
pub mod process;
pub mod quiet;
pub mod random;
pub mod recording;
pub mod shelf;
pub mod wait;
