//! Answers as lines for people: any answer, and the few that deserve a page of their own.

mod changed;
mod documents;
mod explanation;
mod invoice;
mod plain;
mod preview;
mod prices;
mod subscription;
mod undo;

pub use documents::{View, render};
pub use plain::counted;
