//! The example clients as processes.

use std::path::Path;
use std::process::{Command, Stdio};

use tests::nats::{repository, skipped};

/// A script of `tests/clients/python`, or one elsewhere; none where Python's packages are not
/// installed.
pub(crate) fn python(script: impl AsRef<Path>) -> Option<Command> {
    let python = repository().join(".venv/bin/python");
    if !python.is_file() {
        skipped("the Python client", "run scripts/test-tools");
        return None;
    }
    let mut command = Command::new(python);
    command.arg("-B").arg(repository().join("tests/clients/python").join(script));
    Some(command)
}

/// A script of `tests/clients/node`; none where Node's packages are not installed.
pub(crate) fn node(script: &str) -> Option<Command> {
    let folder = repository().join("tests/clients/node");
    let there = Command::new("node").arg("--version").stdout(Stdio::null()).status();
    if !folder.join("node_modules").is_dir() || !there.is_ok_and(|status| status.success()) {
        skipped("the Node client", "install Node 20 or later and run scripts/test-tools");
        return None;
    }
    let mut command = Command::new("node");
    command.arg(folder.join(script));
    Some(command)
}

/// What a program prints. It must end well.
pub(crate) fn output_of(mut command: Command) -> String {
    let done = command.stdin(Stdio::null()).output().expect("the program can be started");
    let errors = String::from_utf8_lossy(&done.stderr);
    let printed = String::from_utf8(done.stdout).expect("programs print UTF-8");
    assert!(done.status.success(), "{command:?}: {}\n{errors}\n{printed}", done.status);
    printed
}
