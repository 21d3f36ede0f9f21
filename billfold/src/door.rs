//! The one way in: a running `billfold up` over its socket, or the folder itself.

use schemas::wire::{Endpoint, Headers};

use crate::exit::Failure;

/// Something that answers messages.
pub trait Ask {
    /// The answer's body.
    ///
    /// # Errors
    /// [`Failure::Problem`] when the answer is one; else what kept it from coming.
    fn ask(&self, endpoint: Endpoint, headers: Headers, body: Vec<u8>) -> Result<Vec<u8>, Failure>;
}
