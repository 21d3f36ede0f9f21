//! Roundings, shares and residues: each written once.
//!
//! # Correctness
//!
//! A rounding is a recorded step with the exact value beside it. Shares of a whole sum to the
//! whole, and no share is more than its part has room for.

pub(crate) mod rounding;
pub(crate) mod shares;
