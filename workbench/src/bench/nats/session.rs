//! The load: payments over NATS, one by one or in batches, with what was acknowledged.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use schemas::Command;
use schemas::ids::CommandId;
use schemas::wire::{Accepted, Batch, BatchAnswer, BatchCommand, BatchReply, LogPosition};
use serde::Deserialize;

use super::wire::{Heard, Wire};
use crate::bench::plan::Script;
use crate::error::WorkError;

/// The pause before what was refused for want of room is sent again.
const PAUSE: Duration = Duration::from_millis(20);
/// Commands in a batch while the book is made, and batches under way.
const SETTING_UP: (usize, usize) = (500, 4);

/// What a load saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Commands acknowledged.
    pub(super) commands: u64,
    /// From the first request to the last answer.
    pub(super) elapsed: Duration,
    /// From a request to its answer, sorted. In batches: a whole batch.
    pub(super) latencies: Vec<Duration>,
    /// Requests that were refused as busy, and sent again.
    pub(super) refused: u64,
}

/// The part of an answer that the load keeps.
#[derive(Deserialize)]
struct Receipt {
    position: String,
}

/// Submits commands of a script and keeps what was acknowledged.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) wire: Wire,
    script: Script,
    /// The number of the next payment.
    pub(super) next: u64,
    /// The position of each payment's receipt; 0 until there is one.
    acknowledged: Vec<u64>,
}

/// Payments of one batch that are not acknowledged yet.
struct Outstanding {
    begun: Instant,
    left: Vec<u64>,
}

impl Session {
    /// Nothing submitted yet.
    pub(super) fn new(wire: Wire, script: Script) -> Self {
        Self { wire, script, next: 0, acknowledged: Vec::new() }
    }

    /// The script, and the position of each payment's receipt.
    pub(super) fn into_parts(self) -> (Script, Vec<u64>) {
        (self.script, self.acknowledged)
    }

    /// The script.
    pub(super) fn script(&self) -> &Script {
        &self.script
    }

    /// The highest position that was acknowledged.
    pub(super) fn last_position(&self) -> u64 {
        self.acknowledged.iter().max().copied().unwrap_or(0)
    }

    /// Registers the customers and invoices them.
    ///
    /// # Errors
    /// [`WorkError`] when a command is refused.
    pub(super) async fn set_up(&mut self) -> Result<(), WorkError> {
        let (customers, invoices) = (self.script.plan().customers, self.script.plan().invoices);
        self.submit_all(1, |script, _| script.define()).await?;
        self.submit_all(customers, Script::register).await?;
        self.submit_all(customers * invoices, Script::charge).await
    }

    async fn submit_all(
        &mut self,
        count: u64,
        make: fn(&Script, u64) -> (CommandId, Command),
    ) -> Result<(), WorkError> {
        let (size, under_way) = SETTING_UP;
        let mut numbers = 0..count;
        self.in_batches(size, under_way, make, |_| numbers.next()).await.map(|_| ())
    }

    /// Keeps so many payments outstanding for so long, each a request of its own.
    ///
    /// # Errors
    /// [`WorkError`] when a payment is refused for another reason than want of room.
    pub(super) async fn singles(
        &mut self,
        outstanding: u32,
        time: Duration,
    ) -> Result<Seen, WorkError> {
        let started = Instant::now();
        let mut begun: HashMap<u64, Instant> = HashMap::new();
        let mut seen = Seen::default();
        loop {
            while begun.len() < outstanding as usize && started.elapsed() < time {
                let n = self.number();
                begun.insert(n, Instant::now());
                self.send(n).await?;
            }
            if begun.is_empty() {
                break;
            }
            let mut heard = Some(self.wire.next().await?);
            while let Some(reply) = heard {
                if self.acknowledge(&reply)? {
                    seen.latencies.extend(begun.remove(&reply.tag).map(|begun| begun.elapsed()));
                } else {
                    seen.refused += 1;
                    tokio::time::sleep(PAUSE).await;
                    self.send(reply.tag).await?;
                }
                heard = self.wire.try_next();
            }
        }
        Ok(seen.of(started))
    }

    /// Keeps so many batches of so many payments outstanding for so long.
    ///
    /// # Errors
    /// As [`Session::singles`].
    pub(super) async fn batches(
        &mut self,
        size: usize,
        outstanding: usize,
        time: Duration,
    ) -> Result<Seen, WorkError> {
        let started = Instant::now();
        let next = |session: &mut Self| (started.elapsed() < time).then(|| session.number());
        let mut seen = self.in_batches(size, outstanding, Script::pay, next).await?;
        seen.latencies.sort_unstable();
        Ok(seen)
    }

    /// The number of a payment that was never sent.
    pub(super) fn number(&mut self) -> u64 {
        let n = self.next;
        self.next += 1;
        self.acknowledged.push(0);
        n
    }

    /// Sends payment `n`.
    ///
    /// # Errors
    /// [`WorkError::Unreachable`].
    pub(super) async fn send(&self, n: u64) -> Result<(), WorkError> {
        let (id, command) = self.script.pay(n);
        let body = command.to_json().to_string().into_bytes();
        self.wire.send(n, subject("payment.record"), Some(id.to_string()), body).await
    }

    /// Takes note of the answer to a payment; `false` if there was no room for it.
    ///
    /// # Errors
    /// [`WorkError`] when it was refused for another reason.
    pub(super) fn acknowledge(&mut self, reply: &Heard) -> Result<bool, WorkError> {
        match reply.failed {
            None => {
                let receipt: Receipt = serde_json::from_slice(&reply.body).map_err(unreadable)?;
                self.note(reply.tag, &receipt.position)?;
                Ok(true)
            }
            Some(429 | 503) => Ok(false),
            Some(_) => Err(refused(reply.tag, &String::from_utf8_lossy(&reply.body))),
        }
    }

    fn note(&mut self, n: u64, position: &str) -> Result<(), WorkError> {
        let position: LogPosition = position.parse().map_err(unreadable)?;
        let place = usize::try_from(n).ok().and_then(|n| self.acknowledged.get_mut(n));
        *place.ok_or_else(|| refused(n, "nobody sent it"))? = position.position;
        Ok(())
    }

    async fn in_batches(
        &mut self,
        size: usize,
        outstanding: usize,
        make: fn(&Script, u64) -> (CommandId, Command),
        mut next: impl FnMut(&mut Self) -> Option<u64>,
    ) -> Result<Seen, WorkError> {
        let started = Instant::now();
        let mut under_way: HashMap<u64, Outstanding> = HashMap::new();
        let (mut seen, mut tag) = (Seen::default(), 0);
        loop {
            while under_way.len() < outstanding {
                let left: Vec<u64> = std::iter::from_fn(|| next(self)).take(size).collect();
                if left.is_empty() {
                    break;
                }
                self.send_batch(tag, &left, make).await?;
                under_way.insert(tag, Outstanding { begun: Instant::now(), left });
                tag += 1;
            }
            if under_way.is_empty() {
                return Ok(Seen { elapsed: started.elapsed(), ..seen });
            }
            let reply = self.wire.next().await?;
            let Some(mut batch) = under_way.remove(&reply.tag) else { continue };
            let before = batch.left.len() as u64;
            self.hear_batch(&reply, &mut batch.left, make)?;
            seen.commands += before - batch.left.len() as u64;
            if batch.left.is_empty() {
                seen.latencies.push(batch.begun.elapsed());
                continue;
            }
            seen.refused += 1;
            tokio::time::sleep(PAUSE).await;
            self.send_batch(reply.tag, &batch.left, make).await?;
            under_way.insert(reply.tag, batch);
        }
    }

    async fn send_batch(
        &self,
        tag: u64,
        numbers: &[u64],
        make: fn(&Script, u64) -> (CommandId, Command),
    ) -> Result<(), WorkError> {
        let commands = numbers.iter().map(|n| {
            let (command_id, command) = make(&self.script, *n);
            BatchCommand {
                command: command.kind().name.to_owned(),
                command_id,
                body: command.to_json(),
                expected_revision: None,
                effective_at: None,
                deadline: None,
                reason: None,
                preview: None,
            }
        });
        let batch = Batch { commands: commands.collect() };
        let body = serde_json::to_vec(&batch).map_err(unreadable)?;
        self.wire.send(tag, subject("batch"), None, body).await
    }

    /// Keeps in `left` what was not acknowledged.
    fn hear_batch(
        &mut self,
        reply: &Heard,
        left: &mut Vec<u64>,
        make: fn(&Script, u64) -> (CommandId, Command),
    ) -> Result<(), WorkError> {
        match reply.failed {
            Some(429 | 503) => return Ok(()),
            Some(_) => return Err(refused(reply.tag, &String::from_utf8_lossy(&reply.body))),
            None => {}
        }
        let answers: BatchReply = serde_json::from_slice(&reply.body).map_err(unreadable)?;
        let sent = std::mem::take(left);
        let mut answers = answers.answers.into_iter();
        for n in sent {
            match answers.next() {
                Some(BatchAnswer::Accepted(Accepted { command_id, position, .. })) => {
                    if self.script.payment_of(command_id).is_some() {
                        self.note(n, &position)?;
                    } else if make(&self.script, n).0 != command_id {
                        return Err(refused(n, "its answer is another command's"));
                    }
                }
                Some(BatchAnswer::Problem(problem)) if problem.retryable => left.push(n),
                Some(BatchAnswer::Problem(problem)) => return Err(refused(n, &problem.detail)),
                None => left.push(n),
            }
        }
        Ok(())
    }
}

impl Seen {
    fn of(mut self, started: Instant) -> Self {
        self.commands = self.latencies.len() as u64;
        self.elapsed = started.elapsed();
        self.latencies.sort_unstable();
        self
    }
}

/// The subject of a command of the bench's book.
fn subject(name: &str) -> String {
    format!("billfold.{}.as.bench.command.{name}", Script::book())
}

fn refused(n: u64, why: &str) -> WorkError {
    WorkError::Unplanned(format!("request {n} of the load was refused: {why}"))
}

fn unreadable(error: impl std::fmt::Display) -> WorkError {
    WorkError::Unplanned(format!("an answer cannot be read: {error}"))
}
