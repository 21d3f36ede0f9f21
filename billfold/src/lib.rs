//! The billing ledger that can explain every amount.
