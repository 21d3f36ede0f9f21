//! The real process is killed again and again under load; clients retry by command id.

use std::collections::HashMap;
use std::path::Path;
use std::thread;
use std::time::Instant;

use client::SocketClient;
use command_gateway::{GatewayConfig, read_back};
use host::Folder;
use schemas::wire::{LogPosition, header};
use serde_json::json;
use tests::acme::{BOOK, command, command_id, opening, query};
use tests::life::{Life, Together, check_log, log_of};
use tests::log;
use tests::process::{Server, answer, run};
use tests::random::Random;
use tests::wait::{PATIENCE, until};
use uuid::Uuid;

/// How often the process is killed.
const KILLS: u64 = 20;
/// How many clients submit at once.
const CLIENTS: u64 = 4;

/// Submits until it is enough, and then until everything has its answer.
fn live(mut life: Life, socket: &Path, together: &Together) -> Life {
    loop {
        let done = until("somebody listens", || {
            let client = SocketClient::connect(socket).ok()?;
            client.set_timeout(Some(PATIENCE)).ok()?;
            Some(converse(&mut life, client, together))
        });
        if done {
            return life;
        }
    }
}

/// One connection, from its start to its end; whether all is said.
fn converse(life: &mut Life, mut client: SocketClient, together: &Together) -> bool {
    let mut sent = HashMap::new();
    // Whoever was not answered asks again under the same id: nobody knows what became of it.
    for (id, message) in life.outstanding() {
        match client.send(message) {
            Ok(tag) => sent.insert(tag, *id),
            Err(_) => return false,
        };
    }
    loop {
        while !together.is_enough() && sent.len() < life.window() {
            let (id, message) = life.next_or_known();
            let Ok(tag) = client.send(&message) else { return false };
            sent.insert(tag, id);
        }
        if sent.is_empty() {
            return true;
        }
        let Ok((tag, reply)) = client.receive() else { return false };
        let id = sent.remove(&tag).expect("replies have the id of their request");
        if let Some(again) = life.hear(id, &reply, together) {
            thread::yield_now();
            let Ok(tag) = client.send(&again) else { return false };
            sent.insert(tag, id);
        }
    }
}

/// Kills and starts the process; each time after a seeded number of acknowledgements.
fn kill_again_and_again(data: &Path, mut server: Server, together: &Together) -> Server {
    let mut random = Random::new(4);
    for _ in 0..KILLS {
        let before = together.acknowledged();
        let wanted = before + 1 + random.below(1_500);
        until("clients get on", || (together.acknowledged() >= wanted).then_some(()));
        server.kill();
        server = Server::start(data);
    }
    server
}

fn set_up(server: &Server) -> u64 {
    let mut client = server.connect();
    let commands = opening();
    for (n, (name, body)) in (0..).zip(&commands) {
        answer(&mut client, &command(command_id(n), name, body));
    }
    commands.len() as u64
}

/// The state that a start takes from the snapshot is the one that the log says.
fn check_snapshot(data: &Path) {
    let folder = Folder::at(data);
    let config = folder.gateway(&BOOK.parse().expect("a name")).expect("a log");
    let (quick, report) = read_back::<()>(&config).expect("a sound log");
    let whole = GatewayConfig { snapshots: None, ..config };
    let (full, _) = read_back::<()>(&whole).expect("a sound log");
    assert!(report.snapshot_position > 0, "{report:?}");
    assert_eq!(quick.next_position(), full.next_position());
    let (of_quick, of_full) = (quick.ledger().archived(), full.ledger().archived());
    assert!(of_quick == of_full, "two states, {report:?}");
}

/// What the live read models hold is what the log says.
fn check_views(data: &Path, server: &Server) {
    let replayed = log::replayed(|| event_log::LogReader::open(log_of(data)));
    let head = replayed.iter().map(|view| view.position).max().expect("read models");
    let log = Uuid::from_bytes(log::reader_at(&log_of(data)).identity().log().0);
    let at_least = LogPosition { log, position: head }.to_string();
    let mut client = server.connect();
    for replayed in &replayed {
        let mut ask = query(&format!("{}.hash", replayed.view), &json!({}));
        ask.headers.insert(header::AT_LEAST.to_owned(), at_least.clone());
        let live = until("the read model reaches the head", || {
            let live = answer(&mut client, &ask)["data"].clone();
            (live["position"] == json!(head)).then_some(live)
        });
        assert_eq!(live["hash"], json!(replayed.hash.to_string()), "{}", replayed.view);
    }
}

#[test]
fn no_acknowledged_command_is_lost_or_doubled_when_the_process_is_killed_under_load() {
    // given
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let began = Instant::now();
    let server = Server::start(data);
    let set_up = set_up(&server);
    let (socket, together) = (server.socket().to_path_buf(), Together::default());

    // when
    let (server, lives) = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                scope.spawn({
                    let (socket, together) = (&socket, &together);
                    move || live(Life::new(n), socket, together)
                })
            })
            .collect();
        let server = kill_again_and_again(data, server, &together);
        let acknowledged = together.acknowledged();
        println!("{KILLS} kills, {acknowledged} acknowledged, {:?}", began.elapsed());
        together.end();
        let lives: Vec<_> =
            clients.into_iter().map(|life| life.join().expect("a client ends well")).collect();
        (server, lives)
    });

    // then
    check_views(data, &server);
    assert!(server.stop().success(), "a clean stop");
    check_log(data, &lives, set_up);
    check_snapshot(data);
    let verified = run(data, &["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    assert!(lives.iter().any(|life| life.repeated() > 0));
}
