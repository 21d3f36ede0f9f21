//! The same through the socket of the real process, down to frames that are none.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use schemas::wire::{Frame, MAX_BODY_BYTES, Message};
use serde_json::json;
use tests::acme::{BOOK, command, command_id, opening, pay, query, register};
use tests::process::{Server, answer};
use tests::wait::PATIENCE;

use crate::book::problem;

fn started(data: &Path) -> Server {
    let server = Server::start(data);
    let mut client = server.connect();
    let commands = opening().into_iter().chain([("customer.register", register(1))]);
    for (n, (name, body)) in (0..).zip(commands) {
        answer(&mut client, &command(command_id(n), name, &body));
    }
    server
}

fn position(server: &Server) -> serde_json::Value {
    let subject = format!("billfold.{BOOK}.as.ada.admin.status");
    let status = Message { subject, ..query("", &json!({})) };
    answer(&mut server.connect(), &status)["position"].clone()
}

#[test]
fn the_socket_answers_bad_requests_with_problems_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = started(folder.path());
    let before = position(&server);
    let mut client = server.connect();
    let payment = || command(command_id(1_000), "payment.record", &pay(1, 1, "1"));
    let with_body = |body: Vec<u8>| Message { body, ..payment() };
    let cases = [
        ("no JSON", with_body(b"pay me".to_vec()), 400, "malformed"),
        ("an unknown field", with_body(br#"{"tip":1}"#.to_vec()), 400, "malformed"),
        ("over 1 MiB", with_body(vec![b' '; MAX_BODY_BYTES + 1]), 413, "too_large"),
        ("over any frame", with_body(vec![b' '; 3 << 20]), 413, "too_large"),
        ("no subject", Message { subject: String::new(), ..payment() }, 404, "unknown_subject"),
        (
            "a negative payment",
            command(command_id(1_000), "payment.record", &pay(1, 1, "-1")),
            422,
            "amount_not_positive",
        ),
    ];
    for (what, message, status, code) in cases {
        let reply = client.call(&message).expect("the connection lives on");
        let found = problem(&reply, what);
        assert_eq!((found.status, &*found.code), (status, code), "{what}: {}", found.detail);
    }
    assert_eq!(position(&server), before);
    assert!(server.stop().success());
}

#[test]
fn bytes_that_are_no_frames_harm_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = started(folder.path());
    let before = position(&server);
    let framed = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).expect("short").to_be_bytes();
        [&length, bytes].concat()
    };
    let headless = Frame { id: 3, subject: None, headers: [].into(), body: Vec::new() };
    let streams = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 64],
        vec![0; 4],
        framed(b"short"),
        framed(&[0xff; 100]),
        framed(&headless.to_bytes()),
        // A frame that is promised and never comes.
        framed(&[7; 64])[..20].to_vec(),
    ];
    for bytes in streams {
        let mut stream = UnixStream::connect(server.socket()).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
        stream.write_all(&bytes).expect("it is taken");
        stream.shutdown(std::net::Shutdown::Write).expect("it is open");
        let mut answered = Vec::new();
        // The server may close on bytes that it did not read: that is an answer too.
        let _closed = stream.read_to_end(&mut answered);
        if let Some((length, frame)) = answered.split_first_chunk::<4>() {
            let length = usize::try_from(u32::from_be_bytes(*length)).expect("64 bits");
            let frame = Frame::from_bytes(&frame[..length]).expect("a reply is a frame");
            let reply = schemas::wire::Reply { headers: frame.headers, body: frame.body };
            assert_eq!(problem(&reply, &format!("{bytes:?}")).status, 400);
        }
    }
    assert_eq!(position(&server), before);
    assert!(server.stop().success());
}
