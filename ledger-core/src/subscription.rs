//! Subscriptions: what was bought when, which cycles exist, and the decisions about both.

pub(crate) mod advance;
pub(crate) mod calendar;
pub(crate) mod change;
pub(crate) mod coupon;
pub(crate) mod create;
pub(crate) mod discount;
pub(crate) mod ending;
pub(crate) mod item;
pub(crate) mod ramp;
pub(crate) mod rules;
pub(crate) mod schedule;
pub(crate) mod state;
pub(crate) mod terms;
