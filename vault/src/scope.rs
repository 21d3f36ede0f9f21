//! Whose key it is, and how a key is called.
//!
//! An id begins with a digest of the scope and ends with random bits: the scope finds its keys,
//! an id finds its own key, and a key that was lost and made anew is another one.

use schemas::fields::Erasure;
use schemas::ids::{CustomerId, KeyId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyScope {
    /// A customer's own: its name, its mail, what is said of it.
    Customer(CustomerId),
    /// A customer's documents: what they say of it, and why they were issued or taken back.
    Documents(CustomerId),
    /// A record about somebody who may be no customer: a payer on a bank's line, a reason for a
    /// command about the book. The record's own id.
    Record(Uuid),
}

impl KeyScope {
    /// What an erasure of a customer destroys.
    pub(crate) fn erased(customer: CustomerId, erasure: Erasure) -> Vec<Self> {
        match erasure {
            Erasure::Own => vec![Self::Customer(customer)],
            Erasure::All => vec![Self::Customer(customer), Self::Documents(customer)],
        }
    }

    /// The stored number of the kind, and the id.
    pub(crate) const fn parts(self) -> (u8, Uuid) {
        match self {
            Self::Customer(customer) => (1, customer.uuid()),
            Self::Documents(customer) => (2, customer.uuid()),
            Self::Record(record) => (3, record),
        }
    }

    pub(crate) const fn from_parts(kind: u8, id: Uuid) -> Option<Self> {
        match kind {
            1 => Some(Self::Customer(CustomerId::new(id))),
            2 => Some(Self::Documents(CustomerId::new(id))),
            3 => Some(Self::Record(id)),
            _ => None,
        }
    }

    /// What the id of each of its keys begins with.
    pub(crate) fn hint(self) -> Hint {
        let (kind, id) = self.parts();
        let digest = Sha256::new().chain_update([kind]).chain_update(id.as_bytes()).finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Hint::of_bytes(first)
    }

    /// The id of a new key.
    pub(crate) fn new_id(self, random: [u8; 8]) -> KeyId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.hint().0.to_be_bytes());
        bytes[8..].copy_from_slice(&random);
        // RFC 9562, version 8: the bits are ours.
        bytes[6] |= 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        KeyId::new(Uuid::from_bytes(bytes))
    }
}

/// What the ids of a scope's keys begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Hint(pub(crate) u64);

impl Hint {
    /// The four bits that hold a UUID's version say nothing.
    fn of_bytes(mut bytes: [u8; 8]) -> Self {
        bytes[6] &= 0x0f;
        Self(u64::from_be_bytes(bytes))
    }

    pub(crate) fn of(key: KeyId) -> Self {
        let mut first = [0; 8];
        first.copy_from_slice(&key.uuid().as_bytes()[..8]);
        Self::of_bytes(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_to_its_scope_and_two_keys_of_a_scope_differ() {
        let uuid = Uuid::from_u128(7);
        let customer = KeyScope::Customer(CustomerId::new(uuid));
        let documents = KeyScope::Documents(CustomerId::new(uuid));
        let (one, other) = (customer.new_id([0xff; 8]), customer.new_id([0; 8]));
        assert_ne!(one, other);
        assert_eq!(one.uuid().get_version_num(), 8);
        assert_eq!(Hint::of(one), customer.hint());
        assert_eq!(Hint::of(other), customer.hint());
        assert_ne!(customer.hint(), documents.hint());
    }
}
