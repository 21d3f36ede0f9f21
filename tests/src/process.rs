//! The real `billfold` process: built with the test, killed when the test lets go of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use client::SocketClient;
use rustix::process::{Pid, Signal, kill_process};
use schemas::wire::Message;
use serde_json::Value;

use crate::acme::BOOK;
use crate::wait::{PATIENCE, until};

/// The `billfold` process of the build that this test belongs to. Cargo makes it with the tests
/// of this crate: it has the `main` of `billfold` under another name, and is never an old one.
///
/// # Panics
/// When it is not there.
pub fn billfold() -> PathBuf {
    built("billfold-tested")
}

/// A later release of `billfold`, in which every read model has a later version.
///
/// # Panics
/// When it is not there.
pub fn raised() -> PathBuf {
    built("billfold-raised")
}

fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let build = test.ancestors().nth(2).expect("tests lie in <target>/<profile>/deps");
    let binary = build.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let way_out = "run this test with `cargo test -p tests` or `scripts/test`, which build it";
    assert!(binary.is_file(), "{} is not there; {way_out}", binary.display());
    binary
}

/// A `billfold` command line over a data folder, free of the caller's environment.
pub fn command(data: &Path, arguments: &[&str]) -> Command {
    command_of(&billfold(), data, arguments)
}

/// The same of one release or another.
pub fn command_of(binary: &Path, data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BILLFOLD_") {
            command.env_remove(name);
        }
    }
    command.arg("--data").arg(data).args(["--book", BOOK, "--output", "json"]);
    // So often that every test of a process sees starts from them.
    command.args(["--snapshot-every", "200"]).args(arguments);
    command
}

/// Runs a command line to its end.
///
/// # Panics
/// When it cannot be started.
pub fn run(data: &Path, arguments: &[&str]) -> Output {
    command(data, arguments).stdin(Stdio::null()).output().expect("billfold can be started")
}

/// A running `billfold up`. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    socket: PathBuf,
}

impl Server {
    /// Starts it over a data folder and waits until it answers.
    ///
    /// # Panics
    /// When it ends instead.
    pub fn start(data: &Path) -> Self {
        let child = command(data, &["up"]).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let socket = data.join("billfold.sock");
        let mut server = Self { child: child.expect("billfold can be started"), socket };
        until("billfold up answers", || {
            let ended = server.child.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "billfold up ended: {ended:?}");
            SocketClient::connect(&server.socket).ok()
        });
        server
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// A connection to it.
    ///
    /// # Panics
    /// When nobody listens.
    pub fn connect(&self) -> SocketClient {
        let client = SocketClient::connect(&self.socket).expect("the server listens");
        client.set_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
        client
    }

    /// `kill -9`, as by the kernel when memory runs out.
    ///
    /// # Panics
    /// When it had ended before.
    pub fn kill(mut self) {
        let ended = self.child.try_wait().expect("a child can be waited for");
        assert!(ended.is_none(), "billfold up ended by itself: {ended:?}");
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Asks it to stop and waits until it has.
    ///
    /// # Panics
    /// When it does not.
    pub fn stop(mut self) -> ExitStatus {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, Signal::TERM).expect("a child can be told to stop");
        until("billfold up stops", || self.child.try_wait().expect("a child can be waited for"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already needs no killing.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// The answer to a message, which must not be a problem.
///
/// # Panics
/// When it is one.
pub fn answer(client: &mut SocketClient, message: &Message) -> Value {
    let reply = client.call_patiently(message).expect("the server answers");
    let body = String::from_utf8_lossy(&reply.body);
    assert!(!reply.is_problem(), "{}: {body}", message.subject);
    serde_json::from_str(&body).expect("answers are JSON")
}
