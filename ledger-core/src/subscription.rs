//! Subscriptions: timelines of plan and quantity, and the cycles they are billed in.

pub(crate) mod calendar;
pub(crate) mod decide;
pub(crate) mod discount;
pub(crate) mod state;
