//! The processes that are measured: a NATS server, the gateway, one projector for each view.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use projections::ViewName;
use serde_json::Value;

use crate::bench::plan::Script;
use crate::error::WorkError;

/// How long a process may take until it is there.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);
/// Clock ticks a second in `/proc`, on every Linux that this runs on.
const TICKS: u64 = 100;

/// A process that ends with its owner.
#[derive(Debug)]
pub(super) struct Process {
    /// What it is called in figures.
    pub(super) name: String,
    child: Child,
}

impl Process {
    fn spawn(name: &str, mut command: Command) -> Result<Self, WorkError> {
        command.stdin(Stdio::null());
        let child = command.spawn().map_err(|source| {
            let program = command.get_program().to_string_lossy().into_owned();
            WorkError::io(format!("{program} cannot be started"), source)
        })?;
        Ok(Self { name: name.to_owned(), child })
    }

    /// Processor time so far.
    pub(super) fn cpu(&self) -> Duration {
        cpu_of(self.child.id())
    }

    /// Memory resident now, in bytes.
    pub(super) fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) * 1_024
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that is gone already needs no killing.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Processor time of a process so far, in user and system mode.
pub(super) fn cpu_of(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in brackets may hold blanks: count from behind it.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = rest.split_whitespace().skip(11).take(2).flat_map(str::parse::<u64>).sum();
    Duration::from_millis(ticks * 1_000 / TICKS)
}

/// Everything that runs, in the order in which it is stopped.
#[derive(Debug)]
pub(super) struct Processes {
    /// One for each read model.
    pub(super) projectors: Vec<Process>,
    /// Log and gateway.
    pub(super) gateway: Process,
    /// The server between them and the load.
    pub(super) nats: Process,
    /// Where the server listens.
    pub(super) url: String,
}

impl Processes {
    /// Starts all of them over the data folder.
    ///
    /// # Errors
    /// [`WorkError`] names the process that does not come up.
    pub(super) fn start(data: &Path, server: &Path) -> Result<Self, WorkError> {
        let (nats, url) = start_nats(data, server)?;
        let gateway = billfold("gateway", data, &url, &["serve"])?;
        let mut projectors = Vec::new();
        for view in ViewName::ALL {
            let name = format!("project {view}");
            projectors.push(billfold(&name, data, &url, &["project", view.as_str()])?);
        }
        Ok(Self { projectors, gateway, nats, url })
    }

    /// Each with its processor time so far; this process, the load, is the last.
    pub(super) fn cpu(&self) -> Vec<(String, Duration)> {
        let all = [&self.nats, &self.gateway].into_iter().chain(&self.projectors);
        all.map(|process| (process.name.clone(), process.cpu()))
            .chain([("load".to_owned(), cpu_of(std::process::id()))])
            .collect()
    }
}

/// This program in another role; it says in one line of JSON when it is ready.
fn billfold(name: &str, data: &Path, url: &str, role: &[&str]) -> Result<Process, WorkError> {
    let program = std::env::current_exe()
        .map_err(|source| WorkError::io("this program does not find itself", source))?;
    let mut command = Command::new(program);
    command.args(role).arg("--data").arg(data).args(["--nats", url, "--output", "json"]);
    command.args(["--book", Script::book().as_str()]).stdout(Stdio::piped());
    let mut process = Process::spawn(name, command)?;
    let not_ready = || WorkError::Unplanned(format!("{name} did not say that it is ready"));
    let stdout = process.child.stdout.take().ok_or_else(not_ready)?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).map_err(|_| not_ready())?;
    let ready: Value = serde_json::from_str(&line).map_err(|_| not_ready())?;
    if ready["status"] == "ready" { Ok(process) } else { Err(not_ready()) }
}

/// A NATS server on a free port of its own choice, which it writes into a file.
fn start_nats(data: &Path, server: &Path) -> Result<(Process, String), WorkError> {
    let ports = data.join("nats");
    fs::create_dir_all(&ports)
        .map_err(|source| WorkError::io(format!("{} cannot be made", ports.display()), source))?;
    let mut command = Command::new(server);
    command.args(["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir"]).arg(&ports);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = Process::spawn("nats-server", command)?;
    let file = ports.join(format!("nats-server_{}.ports", process.child.id()));
    let began = Instant::now();
    while began.elapsed() < PATIENCE && !process.has_ended() {
        let ports = fs::read_to_string(&file).unwrap_or_default();
        let ports: Value = serde_json::from_str(&ports).unwrap_or_default();
        if let Some(url) = ports["nats"][0].as_str() {
            return Ok((process, url.to_owned()));
        }
        std::thread::sleep(PAUSE);
    }
    Err(WorkError::Unplanned(format!("{} does not come up; try it by hand", server.display())))
}
