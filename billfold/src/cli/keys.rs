//! Flags of `keys` and `customer`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use schemas::ids::CustomerId;
use vault::age::Recipient;

/// What to do with the keys of a book's people.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Show where the keys are, and how many.
    Status,
    /// Copy the keys to a fresh file. They may be in use.
    Backup(KeysBackupArgs),
    /// Put a copy of the keys back, beside those that are there; nobody may write the book.
    Restore(KeysRestoreArgs),
    /// Make new keys for a book whose keys are lost: what was sealed stays unreadable for good.
    /// Refused where there are keys; nobody may write the book.
    Init,
    /// Make another master key and wrap every key with it; nobody may write the book.
    Rotate,
    /// Make an identity for whoever keeps copies, and print whom copies are to be sealed for.
    Identity {
        /// The fresh file that holds it; who has it opens every copy sealed for it.
        file: PathBuf,
    },
}

/// Flags of `keys backup`.
#[derive(Debug, Args)]
pub struct KeysBackupArgs {
    /// The file of the copy.
    pub to: PathBuf,
    /// Seal the copy, with the master key in it, for this recipient of age (`age1…`); may be
    /// repeated. Without, the copy is of use only together with the master key.
    #[arg(
        long = "recipient",
        env = "BILLFOLD_KEYS_RECIPIENT",
        value_name = "AGE1",
        value_delimiter = ','
    )]
    pub recipients: Vec<Recipient>,
}

/// Flags of `keys restore`.
#[derive(Debug, Args)]
pub struct KeysRestoreArgs {
    /// The file of the copy.
    pub from: PathBuf,
    /// The file of the identity that opens the copy, if it is sealed.
    #[arg(long, env = "BILLFOLD_KEYS_IDENTITY", value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// The file of the master key that the copy was made with, if it is neither in the copy nor
    /// the one that is here.
    #[arg(long, env = "BILLFOLD_KEYS_MASTER", value_name = "FILE")]
    pub master: Option<PathBuf>,
}

/// What to do for one customer.
#[derive(Debug, Subcommand)]
pub enum CustomerCommand {
    /// Print all that the book knows of a customer: what it asks for with a right to access.
    Export {
        /// Which customer.
        customer: CustomerId,
    },
}
