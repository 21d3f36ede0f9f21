//! History from files: each purchase becomes an invoice of its date and a payment in full.
//!
//! # Shape
//!
//! [`rows`] reads lines; [`derive`](self::commands) turns each row into commands with derived
//! ids; [`client::submit`] sends them. No rule of billing lives here.
//!
//! # Ordering
//!
//! Rows are sorted by date, and rows of one date keep their order, so that invoice numbers
//! follow dates.
//!
//! # Correctness
//!
//! Every id comes from what the row says and how often an equal row came before it in the file.
//! Importing the same file again asks for the same commands, which are answered as duplicates.
//! A payment names its invoice, so it can never be taken for credit.

pub mod commands;
pub mod purchases;
pub mod rows;
