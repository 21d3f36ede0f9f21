//! What the machine says of itself and of this process.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What figures are measured on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Machine {
    /// Cores that this process may use.
    pub(super) cores: usize,
    /// The processor's name.
    pub(super) processor: String,
    /// The kernel's release.
    pub(super) kernel: String,
    /// Built with optimisation, or not.
    pub(super) build: &'static str,
    /// Load averages when the bench began.
    pub(super) load_before: String,
    /// Load averages when it ended.
    pub(super) load_after: String,
}

impl Machine {
    /// This machine, now.
    pub(super) fn look() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = field(&cpuinfo, "model name").unwrap_or("unknown").to_owned();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor,
            kernel: kernel.trim().to_owned(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
            load_before: load_average(),
            load_after: String::new(),
        }
    }

    /// The same as one line.
    pub(super) fn line(&self) -> String {
        format!(
            "{} cores, {}, Linux {}, {} build, load {} before and {} after",
            self.cores, self.processor, self.kernel, self.build, self.load_before, self.load_after
        )
    }
}

/// Runnable processes over 1, 5 and 15 minutes: whether others used the machine meanwhile.
pub(super) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// Processor time of this process so far, in user and system mode.
pub(super) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Processor time so far of this process's threads whose names start like this.
pub(super) fn thread_time(name: &str) -> Duration {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let times = tasks.flatten().filter_map(|task| {
        let path = task.path();
        let found = fs::read_to_string(path.join("comm")).ok()?;
        let text = fs::read_to_string(path.join("schedstat")).ok()?;
        let nanos = text.split_whitespace().next()?.parse().ok()?;
        found.starts_with(name).then(|| Duration::from_nanos(nanos))
    });
    times.sum()
}

/// The most memory that this process had resident since [`forget_peak`], in bytes.
pub(super) fn peak_memory() -> u64 {
    memory("VmHWM")
}

/// The memory that this process has resident, in bytes.
pub(super) fn resident_memory() -> u64 {
    memory("VmRSS")
}

fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = field(&status, name).and_then(|value| value.split_whitespace().next());
    value.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1_024
}

/// Counts the peak afresh, where the kernel lets us; else peaks are those of the whole run.
pub(super) fn forget_peak() {
    let _not_allowed = fs::write("/proc/self/clear_refs", "5");
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_has_used_time_and_memory() {
        assert!(cpu_time() > Duration::ZERO);
        assert!(peak_memory() > 0 && resident_memory() > 0);
        assert!(Machine::look().cores > 0);
    }
}
