//! A fresh test-clock book: a gateway and three projectors, four processes that meet over a NATS
//! server of their own and one data folder.

use std::path::Path;
use std::process::{Child, Stdio};

use schemas::subjects::views;
use tempfile::TempDir;
use tests::nats::NatsServer;
use tests::process::command;
use tests::wait::until;

/// When the book's clock starts.
const CLOCK: &str = "2026-01-01T09:00:00Z";

/// The processes of one book. All are killed when this is dropped.
pub(crate) struct Book {
    // Dropped in this order: clients of the server first.
    processes: Vec<Child>,
    server: NatsServer,
    folder: TempDir,
}

impl Book {
    /// Starts everything and waits until it is ready; none where there is no NATS server.
    pub(crate) fn start() -> Option<Self> {
        let server = NatsServer::start("")?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut book = Self { processes: Vec::new(), server, folder };
        book.spawn(&["serve", "--test-clock", CLOCK]);
        for view in views() {
            book.spawn(&["project", view]);
        }
        Some(book)
    }

    /// Starts a process of the book and waits until it says that it is ready.
    fn spawn(&mut self, arguments: &[&str]) {
        let said = self.folder().join(format!("process-{}.out", self.processes.len()));
        let output = std::fs::File::create(&said).expect("a file in a temporary folder");
        let url = self.url();
        let all: Vec<&str> = ["--nats", &url].iter().chain(arguments).copied().collect();
        let child = command(&self.data(), &all)
            .stdin(Stdio::null())
            .stdout(output)
            .spawn()
            .expect("billfold can be started");
        self.processes.push(child);
        let child = self.processes.last_mut().expect("just pushed");
        until(&format!("billfold {arguments:?} is ready"), || {
            let ended = child.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "billfold {arguments:?} ended: {ended:?}");
            let said = std::fs::read_to_string(&said).unwrap_or_default();
            said.contains("ready").then_some(())
        });
    }

    /// The NATS server.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// A folder of this book.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder().join("data")
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        for child in &mut self.processes {
            // One that has ended already needs no killing.
            let _ended = child.kill();
            let _waited = child.wait();
        }
    }
}
