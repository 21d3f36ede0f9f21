//! Making blocks durable: on a thread of its own while the next is decided, or at once when idle.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, SendError, Sender, bounded};
use event_log::EventLog;
use vault::Vault;

use super::decided::Decided;
use super::write_error::WriteError;
use crate::completion::ReplyTo;
use crate::shared_log::SharedLog;

/// One block on its way to the disk and the one that is decided meanwhile.
const BLOCKS_AHEAD: u32 = 2;

/// A block that was given to the log.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) decided: Decided<ReplyTo>,
    pub(crate) result: Result<(), WriteError>,
    /// Whether there is room for what comes next; `None` if nothing was asked.
    pub(crate) room: Option<Result<(), WriteError>>,
    /// How long writing and syncing took; `None` if there was nothing to write.
    pub(crate) took: Option<Duration>,
}

/// The log with the thread that writes it.
pub(crate) struct Writer {
    log: SharedLog,
    vault: Option<Arc<Vault>>,
    jobs: Option<Sender<Decided<ReplyTo>>>,
    done: Receiver<Written>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(log: Box<dyn EventLog>, vault: Option<Arc<Vault>>) -> io::Result<Self> {
        let log = SharedLog::new(log);
        let (jobs, queue) = bounded::<Decided<ReplyTo>>(1);
        let (written, done) = bounded(1);
        let (shared, keys) = (log.clone(), vault.clone());
        let thread =
            std::thread::Builder::new().name("log-writer".to_owned()).spawn(move || {
                while let Ok(decided) = queue.recv() {
                    let outcome = write(shared.lock().as_mut(), keys.as_deref(), decided);
                    if written.send(outcome).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self { log, vault, jobs: Some(jobs), done, thread: Some(thread) })
    }

    /// Writes on the writer's thread; the block comes back on [`Writer::done`]. If that thread is
    /// gone the block comes back here.
    pub(crate) fn hand_over(&self, decided: Decided<ReplyTo>) -> Result<(), Decided<ReplyTo>> {
        match &self.jobs {
            Some(jobs) => jobs.send(decided).map_err(SendError::into_inner),
            None => Err(decided),
        }
    }

    /// Writes here and now.
    pub(crate) fn write(&self, decided: Decided<ReplyTo>) -> Written {
        write(self.log.lock().as_mut(), self.vault.as_deref(), decided)
    }

    /// The log itself, for those who need its lock to be held.
    pub(crate) fn log(&self) -> SharedLog {
        self.log.clone()
    }

    /// Blocks that the writer's thread is done with.
    pub(crate) fn done(&self) -> &Receiver<Written> {
        &self.done
    }

    /// Asks for room again.
    pub(crate) fn reserve(&self) -> Result<(), WriteError> {
        reserve(self.log.lock().as_mut(), self.vault.as_deref())
    }

    /// Appends the closing block.
    pub(crate) fn close(&self, time: i64) -> Result<(), WriteError> {
        Ok(self.log.lock().close(time).map(|_| ())?)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // What it had under way is answered when it is dropped.
            let _panicked = thread.join();
        }
    }
}

fn reserve(log: &mut dyn EventLog, vault: Option<&Vault>) -> Result<(), WriteError> {
    log.reserve(BLOCKS_AHEAD)?;
    vault.map_or(Ok(()), Vault::reserve).map_err(WriteError::Keys)
}

/// Keys that the block needs are durable before it, and those that it destroys are destroyed
/// after it, before anybody hears of it.
fn append(
    log: &mut dyn EventLog,
    vault: Option<&Vault>,
    decided: &mut Decided<ReplyTo>,
) -> Result<(), WriteError> {
    if let Some(vault) = vault {
        vault.keep(decided.keys.iter()).map_err(WriteError::Keys)?;
    }
    log.append(decided.first_position, &mut decided.block)?;
    if let Some(vault) = vault {
        vault.erase(decided.erased.drain(..)).map_err(WriteError::Erasure)?;
    }
    Ok(())
}

fn write(log: &mut dyn EventLog, vault: Option<&Vault>, mut decided: Decided<ReplyTo>) -> Written {
    if decided.block.is_empty() {
        return Written { decided, result: Ok(()), room: None, took: None };
    }
    let began = Instant::now();
    let result = append(log, vault, &mut decided);
    let took = Some(began.elapsed());
    let room = result.is_ok().then(|| reserve(log, vault));
    Written { decided, result, room, took }
}
