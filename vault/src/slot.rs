//! One key as it lies in the key file.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 1 | kind of scope; 0 in a slot that was never used |
//! | 1 | 3 | zero |
//! | 4 | 16 | the scope's id |
//! | 20 | 16 | key id |
//! | 36 | 4 | CRC32C of bytes 0..36 |
//! | 40 | 1 | 1 live, 2 destroyed |
//! | 41 | 3 | zero |
//! | 44 | 24 | nonce of the wrapping |
//! | 68 | 48 | the key, wrapped by the master key, with bytes 0..36 as associated data |
//! | 116 | 8 | zero |
//! | 124 | 4 | CRC32C of bytes 40..124 |
//!
//! A slot of 0xff bytes is skipped, one of 0xfe bytes held a key that was damaged.
//!
//! *Correctness.* A slot lies within one sector. Destroying a key overwrites bytes 40..128 and
//! leaves the name: whatever a power cut makes of it, it is known whose key it was.

use schemas::ids::KeyId;
use uuid::Uuid;

use crate::key::{NONCE_BYTES, WRAPPED_BYTES};
use crate::scope::KeyScope;

pub(crate) const SLOT_BYTES: usize = 128;
/// Where the secret half begins.
pub(crate) const SECRET_AT: usize = 40;
const NAME_CRC: usize = 36;
const SECRET_CRC: usize = 124;

/// Stands where nothing is and nothing may be: before a slot that is used.
pub(crate) const FILLER: [u8; SLOT_BYTES] = [0xff; SLOT_BYTES];
/// Stands where a key was whose name could not be read.
pub(crate) const LOST: [u8; SLOT_BYTES] = [0xfe; SLOT_BYTES];

/// Whose key it is, and what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) scope: KeyScope,
    pub(crate) id: KeyId,
}

impl Name {
    pub(crate) fn bytes(&self) -> [u8; NAME_CRC] {
        let (kind, id) = self.scope.parts();
        let mut bytes = [0; NAME_CRC];
        bytes[0] = kind;
        bytes[4..20].copy_from_slice(id.as_bytes());
        bytes[20..36].copy_from_slice(self.id.uuid().as_bytes());
        bytes
    }
}

/// What is left of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secret {
    Live {
        nonce: [u8; NONCE_BYTES],
        wrapped: [u8; WRAPPED_BYTES],
    },
    Destroyed,
    /// Damaged, or half destroyed when the power went.
    Unreadable,
}

/// What a slot holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// It was never used.
    Empty,
    /// Nothing was kept here.
    Filler,
    /// A damaged key was here, and was overwritten.
    Lost,
    Key(Name, Secret),
    /// Damaged, or half written when the power went.
    Unreadable,
}

/// The bytes of a slot.
pub(crate) fn encode(name: &Name, secret: &Secret) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    let name = name.bytes();
    bytes[..NAME_CRC].copy_from_slice(&name);
    bytes[NAME_CRC..SECRET_AT].copy_from_slice(&crc32c::crc32c(&name).to_le_bytes());
    bytes[SECRET_AT..].copy_from_slice(&encode_secret(secret));
    bytes
}

/// The bytes of the secret half.
pub(crate) fn encode_secret(secret: &Secret) -> [u8; SLOT_BYTES - SECRET_AT] {
    let mut bytes = [0; SLOT_BYTES - SECRET_AT];
    match secret {
        Secret::Live { nonce, wrapped } => {
            bytes[0] = 1;
            bytes[4..28].copy_from_slice(nonce);
            bytes[28..76].copy_from_slice(wrapped);
        }
        Secret::Destroyed => bytes[0] = 2,
        // A state that no reader knows.
        Secret::Unreadable => bytes[0] = 255,
    }
    let end = SECRET_CRC - SECRET_AT;
    let crc = crc32c::crc32c(&bytes[..end]);
    bytes[end..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn part<const N: usize>(bytes: &[u8; SLOT_BYTES], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

/// Reads a slot.
pub(crate) fn decode(bytes: &[u8; SLOT_BYTES]) -> Slot {
    if bytes.iter().all(|byte| *byte == 0) {
        return Slot::Empty;
    }
    if *bytes == FILLER {
        return Slot::Filler;
    }
    if *bytes == LOST {
        return Slot::Lost;
    }
    let whole = crc32c::crc32c(&bytes[..NAME_CRC]).to_le_bytes() == part::<4>(bytes, NAME_CRC);
    let scope = KeyScope::from_parts(bytes[0], Uuid::from_bytes(part(bytes, 4)));
    match scope.filter(|_| whole) {
        Some(scope) => {
            let id = KeyId::new(Uuid::from_bytes(part(bytes, 20)));
            Slot::Key(Name { scope, id }, decode_secret(bytes))
        }
        None => Slot::Unreadable,
    }
}

fn decode_secret(bytes: &[u8; SLOT_BYTES]) -> Secret {
    let crc = crc32c::crc32c(&bytes[SECRET_AT..SECRET_CRC]).to_le_bytes();
    match (bytes[SECRET_AT], crc == part::<4>(bytes, SECRET_CRC)) {
        (1, true) => Secret::Live { nonce: part(bytes, 44), wrapped: part(bytes, 68) },
        (2, true) => Secret::Destroyed,
        (_, true | false) => Secret::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Name {
        let scope = KeyScope::Record(Uuid::from_u128(9));
        Name { scope, id: scope.new_id([1; 8]) }
    }

    #[test]
    fn a_slot_reads_back_and_every_flipped_bit_shows() {
        let live = Secret::Live { nonce: [4; 24], wrapped: [5; 48] };
        for secret in [live, Secret::Destroyed] {
            let bytes = encode(&name(), &secret);
            assert!(decode(&bytes) == Slot::Key(name(), secret));
            for bit in 0..8 * SLOT_BYTES {
                let mut flipped = bytes;
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(decode(&flipped) != Slot::Key(name(), secret), "bit {bit}");
            }
        }
        assert!(decode(&[0; SLOT_BYTES]) == Slot::Empty);
        assert!(decode(&FILLER) == Slot::Filler && decode(&LOST) == Slot::Lost);
    }

    #[test]
    fn whose_key_it_was_survives_a_destruction_that_was_cut_off() {
        let live = encode(&name(), &Secret::Live { nonce: [4; 24], wrapped: [5; 48] });
        let gone = encode(&name(), &Secret::Destroyed);
        for cut in SECRET_AT..SLOT_BYTES {
            let mut torn = gone;
            torn[cut..].copy_from_slice(&live[cut..]);
            match decode(&torn) {
                Slot::Key(found, _) => assert_eq!(found, name()),
                Slot::Empty | Slot::Filler | Slot::Lost | Slot::Unreadable => {
                    panic!("cut at {cut}")
                }
            }
        }
    }
}
