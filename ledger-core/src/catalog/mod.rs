//! What is on sale: plans, their versions and prices, migrations, coupons.
//!
//! # Shape
//!
//! [`state::Catalog`] is folded from the book's stream. [`models`] holds one file for each price
//! model. [`terms`] turns a price of a plan version into the terms that a subscription keeps;
//! [`migrations`] says what becomes of prices from one version to another.

pub(crate) mod decide;
pub(crate) mod grants;
pub(crate) mod migrations;
pub(crate) mod models;
pub(crate) mod state;
pub(crate) mod terms;
