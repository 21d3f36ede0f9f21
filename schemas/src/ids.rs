//! Identifiers: UUIDs with a type, shown with a prefix (`cus_0190…`), stored as 16 bytes.
//!
//! Ids come in with commands; the ledger never mints one at random. Ids of things that a
//! command causes (an invoice made by a billing run) are derived with [`derive()`], so that
//! deciding the same command twice names the same things.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// An id that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text has another type's prefix.
    #[error("{found:?} is not an id of this kind; it must start with {expected}_")]
    WrongPrefix {
        /// The prefix that this kind of id has, without the underscore.
        expected: &'static str,
        /// The text as given, cut to 64 characters.
        found: String,
    },
    /// What follows the prefix is no UUID.
    #[error("{found:?} is not a UUID; give {expected}_ and 32 hexadecimal digits, or a plain UUID")]
    NotUuid {
        /// The prefix that this kind of id has, without the underscore.
        expected: &'static str,
        /// The text as given, cut to 64 characters.
        found: String,
    },
}

/// Derives the id of something that `cause` brings about, by UUID version 5 (RFC 9562, 5.5).
///
/// The same cause and name give the same id for ever, on every machine.
pub fn derive(cause: Uuid, name: &str) -> Uuid {
    Uuid::new_v5(&cause, name.as_bytes())
}

fn clipped(text: &str) -> String {
    text.chars().take(64).collect()
}

fn parse(prefix: &'static str, text: &str) -> Result<Uuid, IdError> {
    let digits = match text.split_once('_') {
        Some((found, digits)) if found == prefix => digits,
        Some(_) => {
            return Err(IdError::WrongPrefix { expected: prefix, found: clipped(text) });
        }
        None => text,
    };
    Uuid::try_parse(digits).map_err(|_| IdError::NotUuid { expected: prefix, found: clipped(text) })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix in front of the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID that a client or [`derive()`] made.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID without its type.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse($prefix, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    uuid::serde::compact::serialize(&self.0, serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(de::Error::custom)
                } else {
                    uuid::serde::compact::deserialize(deserializer).map(Self)
                }
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": concat!("A UUID, shown as ", $prefix, "_ and 32 hexadecimal digits"),
                    "pattern": concat!(
                        "^(", $prefix,
                        "_)?[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$"
                    ),
                })
            }
        }
    )*
        /// The prefix of every kind of id.
        pub const PREFIXES: &[&str] = &[$($prefix),*];
    };
}

ids! {
    /// A command, made by the client (UUID version 7) or derived; the idempotency key.
    CommandId "cmd";
    /// A legal seller, the owner of number series.
    EntityId "ent";
    /// A buyer.
    CustomerId "cus";
    /// A plan; its versions are numbered.
    PlanId "pln";
    /// A subscription of one customer to a plan.
    SubscriptionId "sub";
    /// A discount given to a subscription or a customer.
    DiscountId "dsc";
    /// A one-off charge.
    ChargeId "chg";
    /// An invoice.
    InvoiceId "inv";
    /// A credit note.
    CreditNoteId "crn";
    /// A payment received.
    PaymentId "pay";
    /// A refund of a payment, or credit that is paid out.
    RefundId "ref";
    /// A grant of customer credit.
    CreditGrantId "crg";
    /// A billing run.
    BillingRunId "run";
    /// A coupon: a discount that many customers may redeem.
    CouponId "cpn";
    /// An offer that a customer may accept.
    QuoteId "quo";
    /// A key that seals personal fields.
    KeyId "key";
    /// A batch of commands that belong together.
    BatchId "bat";
    /// A session in which a client sent commands.
    SessionId "ses";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_with_and_without_its_prefix_but_not_with_another() {
        let uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        let id = CustomerId::new(uuid);
        assert_eq!(id.to_string(), "cus_01900000000070008000000000000001");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(uuid.to_string().parse(), Ok(id));
        assert!(matches!(
            "inv_01900000000070008000000000000001".parse::<CustomerId>(),
            Err(IdError::WrongPrefix { expected: "cus", .. })
        ));
        assert!(matches!("cus_12".parse::<CustomerId>(), Err(IdError::NotUuid { .. })));
    }

    #[test]
    fn an_id_is_sixteen_bytes_when_stored() {
        let id = InvoiceId::new(Uuid::from_u128(7));
        let bytes = postcard::to_allocvec(&id).expect("encodes");
        assert_eq!(bytes.len(), 16);
        assert_eq!(postcard::from_bytes::<InvoiceId>(&bytes), Ok(id));
    }
}
