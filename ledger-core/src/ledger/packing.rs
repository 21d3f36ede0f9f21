//! State as postcard, and back: what a customer is packed into, and what snapshots hold.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::customer::Customer;

/// Who takes more bytes is never packed: unpacking them takes some hundred microseconds.
pub(super) const LONG: usize = 16 * 1_024;

/// A customer as bytes, unless these are too many.
pub(super) fn packed(customer: &Customer) -> Option<Arc<[u8]>> {
    let mut room = [0; LONG];
    postcard::to_slice(customer, &mut room).ok().map(|packed| Arc::from(&*packed))
}

/// The customer that was packed.
///
/// # Panics
/// For bytes that are none: those of snapshots have checksums, and a version.
pub(super) fn unpacked(packed: &[u8]) -> Customer {
    read(packed).expect("what was packed can be unpacked")
}

/// What these bytes and no others say.
pub(super) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Some(value),
        Ok(_) | Err(_) => None,
    }
}

/// Appends a part of the state to `out`.
pub(super) fn written(value: &impl Serialize, out: Vec<u8>) -> Vec<u8> {
    postcard::to_extend(value, out).expect("state always encodes: memory is its only limit")
}
