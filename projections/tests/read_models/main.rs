//! Given commits, when folded, then queries answer; and whatever happens to a store, it is
//! rebuilt into the same rows.

#![allow(missing_docs, reason = "tests are named as sentences")]
#![allow(clippy::result_large_err, reason = "a problem is what a failed query answers")]

mod balances;
mod book;
mod damage;
mod explain;
mod hashes;
mod invoices;
mod laws;
mod revenue;
mod runtime;
mod strict;
