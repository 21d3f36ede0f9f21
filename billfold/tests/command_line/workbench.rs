//! A data folder of its own for each test, and a server over it where one is asked for.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A data folder that goes with the test.
pub(crate) struct Bench {
    folder: TempDir,
}

/// What a command line came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().expect("it ended by itself"),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The document on stdout; the command must have ended with 0.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.err);
        serde_json::from_str(&self.out).expect("stdout is JSON")
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    /// With the book `main` on a test clock that stands at the start of 2026.
    pub(crate) fn with_book() -> Self {
        let bench = Self::new();
        let made = bench.run(&["book", "create", "main", "--test-clock", "2026-01-01T09:00:00Z"]);
        assert_eq!(made.code, 0, "{}", made.err);
        bench
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_billfold"));
        command.env_clear().env("BILLFOLD_DATA", self.data()).args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&self.command(args).stdin(Stdio::null()).output().expect("it runs"))
    }

    /// Starts `up` and returns when it says that it is ready.
    pub(crate) fn up(&self) -> Server {
        self.start(&["up"])
    }

    /// Starts a process that serves and returns when it says that it is ready.
    pub(crate) fn start(&self, args: &[&str]) -> Server {
        let mut child = self
            .command(&[args, &["--output", "jsonl"]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut ready = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut ready).expect("it speaks");
        let ready: Value = serde_json::from_str(&ready).expect("it is ready");
        Server { child, ready }
    }

    /// A seller, a plan of 20.00 a month, and a customer; gives the position after them.
    pub(crate) fn catalog(&self) -> String {
        let mut position = String::new();
        for args in [
            &[
                "entity.define",
                "entity=ent_00000000000000000000000000000001",
                "name=Seller",
                "zone=UTC",
                "payment_terms_days=14",
                r#"series=[{"code":"inv","kind":"invoice","prefix":"INV","digits":4}]"#,
            ][..],
            &[
                "plan.define",
                "plan=pln_00000000000000000000000000000001",
                "name=Starter",
                "every.count=1",
                "every.unit=month",
                "timing=in_advance",
                r#"prices=[{"price":"fee","amounts":[{"currency":"EUR","rate":{"flat":"20"}}]}]"#,
            ],
            &[
                "customer.register",
                CUSTOMER,
                "entity=ent_00000000000000000000000000000001",
                "name=Ada",
                "currency=EUR",
            ],
        ] {
            let submitted = self.run(&[&["submit", "--field=position"], args].concat());
            assert_eq!(submitted.code, 0, "{}", submitted.err);
            submitted.out.trim().clone_into(&mut position);
        }
        position
    }
}

/// The customer of [`Bench::catalog`].
pub(crate) const CUSTOMER: &str = "customer=cus_0000000000000000000000000000c001";

/// A running process that serves.
pub(crate) struct Server {
    child: Child,
    /// What it said when it was ready.
    pub(crate) ready: Value,
}

impl Server {
    /// Interrupts it and waits for its end.
    pub(crate) fn stop(mut self) -> i32 {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-INT", &pid]).status().expect("kill runs");
        assert!(told.success());
        self.child.wait().expect("it ends").code().expect("by itself")
    }
}

impl Server {
    /// `kill -9`, as by the kernel when memory runs out.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already if the test stopped it.
        let _gone = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// The first segment of a book's log.
pub(crate) fn segment(data: &Path, book: &str) -> PathBuf {
    let log = data.join("books").join(book).join("log");
    let mut segments: Vec<PathBuf> = std::fs::read_dir(&log)
        .expect("the log is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "blk"))
        .collect();
    segments.sort();
    segments.into_iter().next().expect("a segment")
}
