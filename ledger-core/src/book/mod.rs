//! The book itself: its policies and its clock.

pub(crate) mod decide;
pub(crate) mod state;
