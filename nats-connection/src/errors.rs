//! Why NATS cannot be used.

use std::io;
use std::path::PathBuf;

use async_nats::{ConnectError, ConnectErrorKind, rustls};

/// Why NATS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// No server was named.
    #[error("no NATS server is named; give one such as nats://127.0.0.1:4222")]
    NoServers,
    /// A server's address cannot be read.
    #[error("{url:?} is no address of a NATS server; write it as nats://host:port")]
    Address {
        /// The address.
        url: String,
    },
    /// A file cannot be read.
    #[error("the {what} {} cannot be read", path.display())]
    File {
        /// What it should be.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{} is no {what}: {why}", path.display())]
    NotA {
        /// What it should be.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Half of a pair of files is missing.
    #[error("a client certificate needs its key, and a key its certificate; give both files")]
    HalfCertificate,
    /// The server does not know who asks.
    #[error(
        "{servers} refuses {who}: authorization violation; check the user, and that the server has it in its configuration"
    )]
    Refused {
        /// Which servers.
        servers: String,
        /// As whom we came.
        who: String,
    },
    /// The encrypted connection was not made.
    #[error(
        "no encrypted connection to {servers}: {why}; check the certificate authority, the server's name and the client certificate"
    )]
    Tls {
        /// Which servers.
        servers: String,
        /// What failed.
        why: String,
    },
    /// Nobody answers there.
    #[error("{servers} cannot be reached: {why}; check the address, and that nats-server runs")]
    Unreachable {
        /// Which servers.
        servers: String,
        /// What failed.
        why: String,
    },
}

impl NatsError {
    pub(crate) fn of(error: &ConnectError, servers: &str, who: &str) -> Self {
        let (servers, who) = (servers.to_owned(), who.to_owned());
        let why = reasons(error);
        if is_tls(error) {
            return Self::Tls { servers, why };
        }
        let said = why.to_ascii_lowercase();
        if said.contains("authorization") || said.contains("authentication") {
            return Self::Refused { servers, who };
        }
        match error.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                Self::Refused { servers, who }
            }
            ConnectErrorKind::Tls => Self::Tls { servers, why },
            ConnectErrorKind::ServerParse => Self::Address { url: servers },
            ConnectErrorKind::Dns
            | ConnectErrorKind::TimedOut
            | ConnectErrorKind::Io
            | ConnectErrorKind::MaxReconnects => Self::Unreachable { servers, why },
        }
    }

    /// Waiting may help: the server may only be down.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::NoServers
            | Self::Address { .. }
            | Self::File { .. }
            | Self::NotA { .. }
            | Self::HalfCertificate
            | Self::Refused { .. }
            | Self::Tls { .. } => false,
        }
    }
}

/// The last reason of a chain says most.
fn reasons(error: &ConnectError) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// Whether the encryption failed; the library reports most of it as input and output.
fn is_tls(error: &ConnectError) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if error.is::<rustls::Error>()
            || inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
        {
            return true;
        }
        next = error.source();
    }
    false
}
