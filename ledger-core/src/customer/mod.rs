//! Who a customer is: its terms, its family, whether it is parked.

pub(crate) mod clock;
pub(crate) mod decide;
pub(crate) mod erase;
pub(crate) mod rules;
pub(crate) mod state;
mod update;
mod zone;
