//! Twice the load that can be taken: who is refused, how fast, and what the others notice.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::processes::Process;
use super::session::Session;
use crate::error::WorkError;

/// Requests are sent in portions, one each millisecond.
const TICK: Duration = Duration::from_millis(1);
/// How long an answer is waited for once nothing is sent any more.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is outstanding while it is watched how soon all is normal again.
const CALM: u32 = 64;
/// How long one look at that takes.
const LOOK: Duration = Duration::from_millis(100);

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Overload {
    /// Requests sent, and in which time.
    pub(super) offered: u64,
    /// For how long they were sent.
    pub(super) elapsed: Duration,
    /// From a request to its acceptance, sorted.
    pub(super) accepted: Vec<Duration>,
    /// From a request to *busy*, sorted.
    pub(super) refused: Vec<Duration>,
    /// Requests that no answer came to in time.
    pub(super) unanswered: u64,
    /// Memory of the gateway, looked at once a second, in bytes.
    pub(super) resident: Vec<u64>,
    /// From the end of the flood to the end of the first look, a tenth of a second long, whose
    /// p99 was within twice of what it was before.
    pub(super) recovered: Option<Duration>,
}

/// Sends `per_second` payments for `time`, whatever comes back; then whatever was refused goes
/// again, calmly, under the same ids.
///
/// # Errors
/// [`WorkError`] when a payment is refused for another reason than want of room.
pub(super) async fn overload(
    session: &mut Session,
    gateway: &Process,
    per_second: u64,
    time: Duration,
) -> Result<Overload, WorkError> {
    let calm = session.singles(CALM, LOOK * 10).await?;
    let normal = *calm.latencies.get(calm.latencies.len() * 99 / 100).unwrap_or(&LOOK);
    let (mut seen, mut again, ended) = offer(session, gateway, per_second, time).await?;
    while ended.elapsed() < PATIENCE && seen.recovered.is_none() {
        let look = session.singles(CALM, LOOK).await?;
        let p99 = look.latencies.get(look.latencies.len() * 99 / 100);
        if p99.is_some_and(|p99| *p99 <= normal * 2) {
            seen.recovered = Some(ended.elapsed());
        }
    }
    again.sort_unstable();
    for portion in again.chunks(CALM as usize) {
        calmly(session, portion).await?;
    }
    seen.accepted.sort_unstable();
    seen.refused.sort_unstable();
    Ok(seen)
}

/// The flood itself; gives the payments that were not accepted and when the last was sent, too.
async fn offer(
    session: &mut Session,
    gateway: &Process,
    per_second: u64,
    time: Duration,
) -> Result<(Overload, Vec<u64>, Instant), WorkError> {
    let mut seen = Overload::default();
    let mut begun: HashMap<u64, Instant> = HashMap::new();
    let mut again = Vec::new();
    let started = Instant::now();
    let (mut looked, mut last_sent) = (0, started);
    loop {
        let elapsed = started.elapsed();
        let sending = elapsed < time;
        let due = per_second * u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX) / 1_000_000;
        while sending && seen.offered < due {
            let n = session.number();
            begun.insert(n, Instant::now());
            session.send(n).await?;
            seen.offered += 1;
            if seen.offered % 64 == 0 {
                break;
            }
        }
        if elapsed.as_secs() > looked {
            looked = elapsed.as_secs();
            seen.resident.push(gateway.resident());
        }
        while let Some(reply) = session.wire.try_next() {
            let Some(begun) = begun.remove(&reply.tag) else { continue };
            if session.acknowledge(&reply)? {
                seen.accepted.push(begun.elapsed());
            } else {
                seen.refused.push(begun.elapsed());
                again.push(reply.tag);
            }
        }
        if sending {
            seen.elapsed = elapsed;
            last_sent = Instant::now();
        } else if begun.is_empty() || elapsed > time + PATIENCE {
            break;
        }
        if seen.offered >= due || !sending {
            tokio::time::sleep(TICK).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
    seen.unanswered = begun.len() as u64;
    again.extend(begun.into_keys());
    Ok((seen, again, last_sent))
}

/// Sends payments again until each is acknowledged.
async fn calmly(session: &mut Session, numbers: &[u64]) -> Result<(), WorkError> {
    let mut left: Vec<u64> = numbers.to_vec();
    while !left.is_empty() {
        for n in &left {
            session.send(*n).await?;
        }
        let mut refused = Vec::new();
        for _ in 0..left.len() {
            let reply = session.wire.next().await?;
            if !session.acknowledge(&reply)? {
                refused.push(reply.tag);
            }
        }
        left = refused;
    }
    Ok(())
}
