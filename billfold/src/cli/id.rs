//! Flags of `id`, and what can have one.

use clap::{Args, ValueEnum};

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
}
