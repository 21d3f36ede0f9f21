//! The fixture itself: a real NATS server that tests start, kill and restart.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;

use tests::nats::NatsServer;
use tests::wait::{PATIENCE, until};

/// What the server says first on a connection.
fn greeting(server: &NatsServer) -> Option<String> {
    let connection = TcpStream::connect(("127.0.0.1", server.port())).ok()?;
    connection.set_read_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
    let mut line = String::new();
    BufReader::new(connection).read_line(&mut line).ok()?;
    Some(line)
}

#[test]
fn a_nats_server_comes_back_on_its_port_after_kill_and_after_stop() {
    let Some(mut server) = NatsServer::start("max_payload: 1MB") else { return };
    assert!(greeting(&server).expect("it listens").starts_with("INFO {"));

    server.kill();
    assert_eq!(greeting(&server), None);

    server.restart();
    assert!(greeting(&server).expect("it listens again").starts_with("INFO {"));

    server.stop();
    server.restart();
    assert!(greeting(&server).expect("it listens again").starts_with("INFO {"));
}

#[test]
fn a_nats_server_reads_its_configuration_again() {
    let Some(server) = NatsServer::start("max_payload: 1MB") else { return };

    server.reload("max_payload: 2MB");

    let greeting = until("the new limit is told", || greeting(&server));
    assert!(greeting.contains("\"max_payload\":2097152"), "{greeting}");
}

#[test]
fn two_nats_servers_of_one_test_have_their_own_ports() {
    let Some(first) = NatsServer::start("") else { return };
    let second = NatsServer::start("").expect("the first one was started");

    assert_ne!(first.port(), second.port());
    assert_ne!(first.url(), second.url());
}
