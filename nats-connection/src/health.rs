//! How the connection has been: counted, and said when something is wrong.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_nats::{Event, ServerError};
use serde::Serialize;

/// Counters of one connection; shared by everyone who uses it.
#[derive(Debug, Default)]
pub struct NatsHealth {
    connected: AtomicBool,
    connects: AtomicU64,
    disconnects: AtomicU64,
    slow_consumers: AtomicU64,
    server_errors: AtomicU64,
    failed_connects: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthReport {
    /// The connection is up.
    pub connected: bool,
    /// How often it was made.
    pub connects: u64,
    /// How often it was lost.
    pub disconnects: u64,
    /// How often messages were dropped because they were not taken fast enough, at least.
    pub slow_consumers: u64,
    /// Errors that the server told, such as permissions that are missing.
    pub server_errors: u64,
    /// Tries to connect that failed.
    pub failed_connects: u64,
    /// The last error of any kind.
    pub last_error: Option<String>,
}

impl NatsHealth {
    /// The counters now.
    pub fn report(&self) -> HealthReport {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HealthReport {
            connected: self.is_connected(),
            connects: read(&self.connects),
            disconnects: read(&self.disconnects),
            slow_consumers: read(&self.slow_consumers),
            server_errors: read(&self.server_errors),
            failed_connects: read(&self.failed_connects),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// The connection is up.
    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Messages were dropped because they were not taken fast enough.
    pub fn slow_consumers(&self) -> u64 {
        self.slow_consumers.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self, event: &Event) {
        match event {
            Event::Connected => {
                self.connected.store(true, Ordering::Relaxed);
                let times = count(&self.connects);
                tracing::info!(times, "connected to NATS");
            }
            Event::Disconnected => {
                self.connected.store(false, Ordering::Relaxed);
                let times = count(&self.disconnects);
                tracing::warn!(times, "the connection to NATS is lost; connecting again");
            }
            Event::Closed => self.connected.store(false, Ordering::Relaxed),
            Event::LameDuckMode => tracing::warn!("the NATS server is about to stop"),
            Event::Draining => {}
            Event::SlowConsumer(_) => self.slow("a subscription's queue is full"),
            Event::ServerError(ServerError::SlowConsumer(_)) => {
                self.slow("the server cut a slow consumer off");
            }
            Event::ServerError(error) if says_slow(error) => self.slow(&error.to_string()),
            Event::ServerError(error) => {
                count(&self.server_errors);
                tracing::error!(%error, "the NATS server refuses something");
                self.keep(error.to_string());
            }
            Event::ClientError(error) => {
                if self.is_connected() {
                    tracing::warn!(%error, "the connection to NATS has an error");
                } else if is_power_of_two(count(&self.failed_connects)) {
                    tracing::warn!(%error, "NATS cannot be reached yet; trying again");
                }
                self.keep(error.to_string());
            }
        }
    }

    /// An alarm: requests were dropped, and those who sent them wait in vain.
    fn slow(&self, what: &str) {
        let times = count(&self.slow_consumers);
        if is_power_of_two(times) {
            tracing::error!(
                times,
                what,
                "slow consumer: messages from NATS were dropped; their senders get no answer \
                 and must send them again"
            );
        }
        self.keep(format!("slow consumer: {what}"));
    }

    fn keep(&self, error: String) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

fn says_slow(error: &ServerError) -> bool {
    error.to_string().to_ascii_lowercase().contains("slow consumer")
}

/// Counts one more and gives how many there are.
fn count(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed) + 1
}

/// The 1st, 2nd, 4th … of something that may come by the thousand is said.
fn is_power_of_two(times: u64) -> bool {
    times.is_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_consumers_are_counted_whoever_tells() {
        let health = NatsHealth::default();
        health.take(&Event::SlowConsumer(3));
        health.take(&Event::ServerError(ServerError::Other("Slow Consumer Detected".to_owned())));
        assert_eq!(health.slow_consumers(), 2);
        assert_eq!(health.report().server_errors, 0);
        health.take(&Event::ServerError(ServerError::Other("Permissions Violation".to_owned())));
        let report = health.report();
        assert_eq!(report.server_errors, 1);
        assert!(report.last_error.is_some_and(|error| error.contains("Permissions")));
    }

    #[test]
    fn a_lost_connection_is_not_connected_until_it_is_back() {
        let health = NatsHealth::default();
        assert!(!health.is_connected());
        for (event, connected) in
            [(Event::Connected, true), (Event::Disconnected, false), (Event::Connected, true)]
        {
            health.take(&event);
            assert_eq!(health.is_connected(), connected);
        }
        assert_eq!((health.report().connects, health.report().disconnects), (2, 1));
    }
}
