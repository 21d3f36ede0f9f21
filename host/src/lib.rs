//! A book with gateway and read models in one process: what the binary, scenarios and other
//! people's programs embed.
//!
//! # Shape
//!
//! A [`Folder`] holds books; a [`Host`] opens them with one [`Role`] and answers messages in
//! process ([`HostDoor`]). [`ReadDoor`] answers the queries of a book that no process has open.
//! [`process`] is the life of a process that serves others: sockets, NATS, metrics, new books, a
//! signal. [`audit`], [`rebuild`] and [`backup`] look after a book's log beside its writer,
//! [`Folder::backup_keys`] and the like after its keys; [`Commits`] reads the log.
//!
//! # Architecture invariants
//!
//! - No rule of billing lives here: commands are decided by the ledger, answers come from queries.
//! - Nothing writes to a log but through a gateway, save for a copy that is made in another
//!   folder.
//! - Nothing is printed: what a person should hear is given to whoever runs the process.
//! - No command line, and no knowledge of what is built above: scenarios, workbench, binary.

#![allow(
    clippy::result_large_err,
    reason = "a problem is made once, for a request that failed, and moved into its reply"
)]

pub mod audit;
pub mod backup;
mod books;
mod catalogue;
mod commits;
mod error;
mod folder;
mod key_care;
mod keys;
pub mod metrics;
mod on_nats;
pub mod process;
mod read_door;
pub mod rebuild;
mod reports;
mod services;
mod view_door;

pub use books::{Host, HostDoor, Role};
pub use commits::{Commits, opened};
pub use error::{HostError, ProcessError};
pub use folder::Folder;
pub use key_care::{make_identity, read_identity};
pub use read_door::ReadDoor;
pub use reports::Reports;
pub use view_door::ViewDoor;
