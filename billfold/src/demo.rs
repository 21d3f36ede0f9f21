//! The demo: real purchases, two years of a subscription business, reports, and an audit.

pub mod catalog;
pub mod plan;
pub mod random;

/// Every purchase of the CDNOW data set; see `tests/data/README.md`.
pub const PURCHASES: &[u8] = include_bytes!("../../tests/data/CDNOW_master.txt");
