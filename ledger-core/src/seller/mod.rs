//! Legal sellers and their number series.

pub(crate) mod decide;
pub(crate) mod numbers;
pub(crate) mod state;
