//! NATS: the same messages as on the socket, for any program in any language.
//!
//! *Shape.* `nats-connection` gives a connection, [`NatsDoor`] serves the books of a
//! [`Router`](crate::Router) on it. Each book and role is one service of the NATS service API
//! ([`ServiceSpec`]), with the endpoints of [`schemas::subjects`]; nothing is subscribed for a
//! book that is not there, so a request for one meets *no responders*.
//!
//! *Correctness.* A request is answered once: with an answer, or with a problem that has both
//! ADR-32 headers and the problem as its body. A request that nobody would hear the answer of is
//! not carried out. A request that does not get an answer (a broken connection, a process that
//! was killed) has an unknown outcome; asking again with the same command id is always right.
//!
//! *Limits.* Each service has so many requests under way ([`NatsLimits`]); beyond that the answer
//! is *busy*, at once. The tasks that read requests do nothing else, so that messages do not
//! pile up; where they do all the same, the library drops some, and that is counted and reported
//! ([`NatsHealth`](nats_connection::NatsHealth)).

mod counts;
mod lane;
mod serving;
mod spec;

pub use serving::{NatsDoor, NatsLimits, ServeError, Serving};
pub use spec::ServiceSpec;
