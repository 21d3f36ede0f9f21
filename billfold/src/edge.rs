//! The edge: where ids and times come into being. Nothing behind the doors makes either.

use std::time::SystemTime;

use schemas::Timestamp;
use schemas::ids::CommandId;
use uuid::Uuid;

use crate::cli::IdKind;
use crate::exit::Failure;

/// The machine's clock, in whole microseconds.
///
/// # Errors
/// [`Failure::Internal`] when it stands outside the years 1970 to 2999.
pub fn now() -> Result<Timestamp, Failure> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
    since
        .and_then(|since| i64::try_from(since.as_micros()).ok())
        .and_then(Timestamp::from_micros)
        .ok_or_else(|| {
            Failure::Internal(
                "the machine's clock stands outside the years 1970 to 2999; set it".to_owned(),
            )
        })
}

/// A fresh id: UUID version 7, so that ids made later sort later.
pub fn fresh() -> Uuid {
    Uuid::now_v7()
}

/// A fresh command id.
pub fn command_id() -> CommandId {
    CommandId::new(fresh())
}

/// A fresh id with the prefix of its kind.
pub fn prefixed(kind: IdKind) -> String {
    use schemas::ids;
    let id = fresh();
    match kind {
        IdKind::Command => ids::CommandId::new(id).to_string(),
        IdKind::Entity => ids::EntityId::new(id).to_string(),
        IdKind::Customer => ids::CustomerId::new(id).to_string(),
        IdKind::Plan => ids::PlanId::new(id).to_string(),
        IdKind::Subscription => ids::SubscriptionId::new(id).to_string(),
        IdKind::Quote => ids::QuoteId::new(id).to_string(),
        IdKind::Coupon => ids::CouponId::new(id).to_string(),
        IdKind::Discount => ids::DiscountId::new(id).to_string(),
        IdKind::Charge => ids::ChargeId::new(id).to_string(),
        IdKind::Invoice => ids::InvoiceId::new(id).to_string(),
        IdKind::CreditNote => ids::CreditNoteId::new(id).to_string(),
        IdKind::Payment => ids::PaymentId::new(id).to_string(),
        IdKind::Refund => ids::RefundId::new(id).to_string(),
        IdKind::CreditGrant => ids::CreditGrantId::new(id).to_string(),
        IdKind::BillingRun => ids::BillingRunId::new(id).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_kind_has_its_prefix_and_fresh_ids_differ() {
        let mut prefixes = BTreeSet::new();
        for kind in IdKind::value_variants() {
            let id = prefixed(*kind);
            assert_ne!(id, prefixed(*kind));
            prefixes.insert(id.split_once('_').expect("prefixed").0.to_owned());
        }
        // Keys are made by the ledger.
        let all: BTreeSet<_> =
            schemas::ids::PREFIXES.iter().map(|&prefix| prefix.to_owned()).collect();
        let keys = BTreeSet::from(["key".to_owned()]);
        assert_eq!(prefixes, &all - &keys);
    }
}
