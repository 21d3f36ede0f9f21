//! What happens by itself: billing runs, activations that expire, and when there is something to
//! do for a customer.

pub(crate) mod activations;
pub(crate) mod due;
pub(crate) mod runs;
