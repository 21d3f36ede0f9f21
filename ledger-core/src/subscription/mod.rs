//! Subscriptions: what was bought when, which cycles exist, and the decisions about both.
//!
//! # Shape
//!
//! [`agreements::Agreements`] is the state; [`decide`] leads each command to its decision, which
//! sees its customer through a [`case::Case`]. What the rooms behind this one say of a
//! subscription (is something owed, is something credited) comes through [`books::Books`].

pub(crate) mod advance;
pub(crate) mod agreements;
mod alter;
pub(crate) mod books;
pub(crate) mod calendar;
pub(crate) mod case;
mod change;
mod coupon;
pub(crate) mod create;
pub(crate) mod decide;
mod discount;
pub(crate) mod ending;
pub(crate) mod evolve;
pub(crate) mod item;
mod left_alone;
mod mapping;
pub(crate) mod migration;
mod names;
mod phases;
mod ramp;
pub(crate) mod reach;
pub(crate) mod relocate;
pub(crate) mod schedule;
pub(crate) mod state;
mod steps;
pub(crate) mod term;
pub(crate) mod terms;
mod visit;
