//! Which room posts an event.

use schemas::Event;

use crate::accounting::{PostError, Posted};
use crate::{billing, settlement};

/// What `event` books: pure, and the same for every reader.
///
/// # Errors
/// [`PostError`] when the event's amounts contradict each other: such an event is never
/// decided, so a log that holds one is damaged.
pub fn post(event: &Event) -> Result<Posted, PostError> {
    match event {
        Event::Billing(event) => billing::post::post(event),
        Event::Settlement(event) => settlement::post::post(event),
        Event::Subscription(event) => Ok(billing::post::moved(event)),
        Event::Book(_)
        | Event::Seller(_)
        | Event::Catalog(_)
        | Event::Process(_)
        | Event::Customer(_) => Ok(Posted::default()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
