//! A data folder with a book in it, and processes over it whose talk is kept.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use client::SocketClient;
use host::Folder;
use host::{Host, Role};
use rustix::process::{Pid, Signal, kill_process};
use schemas::wire::{Headers, Message, Reply};
use serde_json::{Value, json};

use crate::acme::{BOOK, charge, command_id, opening, query, register};
use crate::process::command_of;
use crate::wait::until;

/// Customers that are charged in turn.
const CUSTOMERS: u64 = 20;
const BATCH: usize = 500;

/// Fills a fresh data folder with a book of so many invoices.
///
/// # Panics
/// When that is not possible.
pub fn fill(data: &Path, invoices: u64) {
    let host = Host::new(Folder::at(data), Role::gateway()).expect("threads");
    host.create(&BOOK.parse().expect("a name"), None).expect("a fresh folder");
    charge_more(&host, 0..invoices, true);
    host.close();
}

/// Adds invoices to a book that no process has open.
///
/// # Panics
/// When that is not possible.
pub fn add(data: &Path, invoices: std::ops::Range<u64>) {
    let host = Host::new(Folder::at(data), Role::gateway()).expect("threads");
    host.open(&BOOK.parse().expect("a name")).expect("it opens");
    charge_more(&host, invoices, false);
    host.close();
}

fn charge_more(host: &Host, invoices: std::ops::Range<u64>, fresh: bool) {
    let mut commands: Vec<(u64, &str, Value)> = Vec::new();
    if fresh {
        let customers = (0..CUSTOMERS).map(|n| ("customer.register", register(n)));
        let first = (0..).zip(opening().into_iter().chain(customers));
        commands.extend(first.map(|(n, (name, body))| (n, name, body)));
    }
    commands
        .extend(invoices.map(|n| (1_000_000 + n, "charge.add", charge(n % CUSTOMERS, n, "12.34"))));
    for batch in commands.chunks(BATCH) {
        let rows = batch.iter().map(
            |(n, name, body)| json!({"command": name, "command_id": command_id(*n), "body": body}),
        );
        let body = json!({"commands": rows.collect::<Vec<_>>()}).to_string().into_bytes();
        let subject = format!("billfold.{BOOK}.as.ada.command.batch");
        let message = Message { subject, headers: Headers::new(), body };
        let reply = host.runtime().block_on(host.router().handle(message));
        let answer: Value = serde_json::from_slice(&reply.body).expect("JSON");
        let answers = answer["answers"].as_array().expect("answers");
        assert_eq!(answers.len(), batch.len());
        assert!(answers.iter().all(|one| one["status"] == "accepted"), "{answer}");
    }
}

/// A running process that serves. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    socket: PathBuf,
    talk: PathBuf,
    /// What it said when it was ready.
    pub ready: Value,
}

impl Running {
    /// Starts a release of `billfold` and waits until it is ready.
    ///
    /// # Panics
    /// When it ends instead.
    pub fn start(binary: &Path, data: &Path, arguments: &[&str]) -> Self {
        let talk = data.join(format!("talk-of-{}", arguments.join("-").replace(['/', ':'], "_")));
        let stderr = File::create(&talk).expect("a file");
        let mut child = command_of(binary, data, arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("billfold can be started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("it speaks");
        let said = || std::fs::read_to_string(&talk).unwrap_or_default();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{}", said()));
        let socket = ready["sockets"][0].as_str().expect("a socket").into();
        Self { child, socket, talk, ready }
    }

    /// The answer to a query.
    ///
    /// # Panics
    /// When nobody answers.
    pub fn ask(&self, name: &str, body: &Value) -> Reply {
        let mut client = SocketClient::connect(&self.socket).expect("it listens");
        client.call(&query(name, body)).expect("it answers")
    }

    /// The document that answers a query.
    ///
    /// # Panics
    /// When the answer is a problem.
    pub fn answer(&self, name: &str, body: &Value) -> Value {
        let reply = self.ask(name, body);
        let text = String::from_utf8_lossy(&reply.body);
        assert!(!reply.is_problem(), "{name}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Waits until the status of a read model is as wished; gives it.
    pub fn status(&self, view: &str, wished: impl Fn(&Value) -> bool) -> Value {
        until(&format!("{view} is as wished"), || {
            let status = self.answer(&format!("{view}.status"), &json!({}))["data"].clone();
            wished(&status).then_some(status)
        })
    }

    /// Asks the port for figures: the status line's code and the body.
    ///
    /// # Panics
    /// When nobody answers.
    pub fn http(&self, path: &str) -> (u16, String) {
        let address = self.ready["metrics"].as_str().expect("started with --metrics");
        let mut stream = TcpStream::connect(address).expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        let code = text.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a code");
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (code, body.to_owned())
    }

    /// Asks it to stop; gives what it said on stderr, line by line, but that it stopped.
    ///
    /// # Panics
    /// When it does not stop well.
    pub fn stop(mut self) -> Vec<String> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, Signal::TERM).expect("a child can be told to stop");
        let ended = until("it stops", || self.child.try_wait().expect("a child can be waited for"));
        let talk = std::fs::read_to_string(&self.talk).expect("its talk was kept");
        assert!(ended.success(), "{ended:?}: {talk}");
        talk.lines().filter(|line| *line != "billfold: stopped").map(str::to_owned).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already needs no killing.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}
