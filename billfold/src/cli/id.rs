//! Flags of `id`, and what can have one.

use clap::{Args, ValueEnum};
use client::edge;
use schemas::ids;

/// Arguments of `id`.
#[derive(Debug, Args)]
pub struct IdArgs {
    /// Of what.
    pub kind: IdKind,
    /// How many.
    #[arg(default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub count: u32,
}

/// Things that have ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it; schemas::ids has the sentences")]
pub enum IdKind {
    Command,
    Entity,
    Customer,
    Plan,
    Subscription,
    Quote,
    Coupon,
    Discount,
    Charge,
    Invoice,
    CreditNote,
    Payment,
    Refund,
    CreditGrant,
    BillingRun,
    Batch,
    Session,
}

impl IdKind {
    /// A fresh id of the kind, with its prefix.
    pub fn fresh(self) -> String {
        let id = edge::fresh();
        match self {
            Self::Command => ids::CommandId::new(id).to_string(),
            Self::Entity => ids::EntityId::new(id).to_string(),
            Self::Customer => ids::CustomerId::new(id).to_string(),
            Self::Plan => ids::PlanId::new(id).to_string(),
            Self::Subscription => ids::SubscriptionId::new(id).to_string(),
            Self::Quote => ids::QuoteId::new(id).to_string(),
            Self::Coupon => ids::CouponId::new(id).to_string(),
            Self::Discount => ids::DiscountId::new(id).to_string(),
            Self::Charge => ids::ChargeId::new(id).to_string(),
            Self::Invoice => ids::InvoiceId::new(id).to_string(),
            Self::CreditNote => ids::CreditNoteId::new(id).to_string(),
            Self::Payment => ids::PaymentId::new(id).to_string(),
            Self::Refund => ids::RefundId::new(id).to_string(),
            Self::CreditGrant => ids::CreditGrantId::new(id).to_string(),
            Self::BillingRun => ids::BillingRunId::new(id).to_string(),
            Self::Batch => ids::BatchId::new(id).to_string(),
            Self::Session => ids::SessionId::new(id).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_its_prefix_and_fresh_ids_differ() {
        let mut prefixes = BTreeSet::new();
        for kind in IdKind::value_variants() {
            let id = kind.fresh();
            assert_ne!(id, kind.fresh());
            prefixes.insert(id.split_once('_').expect("prefixed").0.to_owned());
        }
        // Keys are made by the ledger.
        let all: BTreeSet<_> = ids::PREFIXES.iter().map(|&prefix| prefix.to_owned()).collect();
        let keys = BTreeSet::from(["key".to_owned()]);
        assert_eq!(prefixes, &all - &keys);
    }
}
