//! A book behind its Unix socket, and the messages that a test sends there.
#![allow(unreachable_pub, reason = "a module of the test")]

use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use client::SocketClient;
use command_gateway::door::{DoorLimits, SocketDoor};
use command_gateway::{Blocking, BookDoor, Gateway, Router};
use event_log::sim::SimDisk;
use schemas::Problem;
use schemas::wire::{Accepted, Frame, Headers, Message, Reply, header};
use serde_json::Value;
use tokio::sync::watch;

use crate::book::{acme, id};

/// A book behind a socket, served on a thread of its own.
pub struct Served {
    pub gateway: Option<Gateway>,
    pub folder: tempfile::TempDir,
    closing: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
}

impl Served {
    pub fn start(gateway: Gateway, limits: DoorLimits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let handle = gateway.handle();
        let feed = gateway.feed();
        let echo = Blocking::new(|subject, message: &Message| match message.body.as_slice() {
            b"\"panic\"" => panic!("a bug in a service"),
            b"\"huge\"" => Ok(Reply::json(&"x".repeat(2 << 20))),
            _ => Ok(Reply::json(&format!("{:?}", subject.endpoint))),
        });
        let book = BookDoor::new(handle).with_feed(Arc::new(feed).service());
        let router = Router::new();
        router.add_book(book.with_view("echo", Arc::new(echo)));
        let (closing, closed) = watch::channel(false);
        let (bound, listening) = std::sync::mpsc::channel();
        let path = folder.path().join("billfold.sock");
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let door = SocketDoor::bind(&path, limits).await.expect("a free path");
                bound.send(()).expect("the test waits");
                door.serve(Arc::new(router), closed).await;
            });
        });
        listening.recv().expect("bound");
        Self { gateway: Some(gateway), folder, closing, server: Some(server) }
    }

    pub fn acme() -> Self {
        let disk = SimDisk::new(1);
        Self::start(acme(&disk), DoorLimits::default())
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("billfold.sock")
    }

    pub fn client(&self) -> SocketClient {
        SocketClient::connect(self.path()).expect("a server")
    }

    pub fn raw(&self) -> UnixStream {
        UnixStream::connect(self.path()).expect("a server")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.closing.send_replace(true);
        if let Some(server) = self.server.take() {
            server.join().expect("no panic in the server");
        }
        drop(self.gateway.take());
    }
}

pub fn message(endpoint: &str, body: &Value) -> Message {
    Message {
        subject: format!("billfold.acme.as.ada.{endpoint}"),
        headers: Headers::new(),
        body: body.to_string().into_bytes(),
    }
}

pub fn submit(n: u64, command: &schemas::Command) -> Message {
    let endpoint = format!("command.{}", command.kind().name);
    let mut message = message(&endpoint, &command.to_json());
    message.headers.insert(header::COMMAND_ID.to_owned(), id(n).to_string());
    message
}

pub fn accepted(reply: &Reply) -> Accepted {
    assert!(!reply.is_problem(), "{}", String::from_utf8_lossy(&reply.body));
    serde_json::from_slice(&reply.body).expect("an acceptance")
}

pub fn problem(reply: &Reply) -> Problem {
    let problem: Problem = serde_json::from_slice(&reply.body).expect("a problem");
    assert_eq!(reply.headers[header::SERVICE_ERROR_CODE], problem.status.to_string());
    assert_eq!(reply.headers[header::SERVICE_ERROR], problem.code);
    problem
}

pub fn read_frame(stream: &mut UnixStream) -> Frame {
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("a reply");
    let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut bytes).expect("a whole reply");
    Frame::from_bytes(&bytes).expect("a frame")
}

pub fn framed(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("short");
    [&length.to_be_bytes(), bytes].concat()
}

pub fn frame_of(id: u64, message: Message) -> Vec<u8> {
    let Message { subject, headers, body } = message;
    framed(&Frame { id, subject: Some(subject), headers, body }.to_bytes())
}

pub fn code_of(frame: &Frame) -> &str {
    &frame.headers[header::SERVICE_ERROR]
}
