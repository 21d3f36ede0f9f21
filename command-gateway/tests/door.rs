//! The Unix socket and the messages on it.

#![allow(clippy::result_large_err, reason = "a service fails with a problem")]

mod book;
mod served;
mod toy;

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use book::*;
use client::Pipeline;
use command_gateway::door::{DoorError, DoorLimits, SocketDoor};
use command_gateway::feed::FeedEntry;
use event_log::sim::SimDisk;
use schemas::problem::Fault;
use schemas::view::Page;
use schemas::wire::{
    Accepted, Batch, BatchAnswer, BatchCommand, Frame, Headers, MAX_FRAME_BYTES, Message, header,
};
use serde_json::{Value, json};
use served::*;

#[test]
fn a_command_is_submitted_repeated_and_read_back_from_the_feed() {
    let served = Served::acme();
    let mut client = served.client();
    let first = accepted(&client.call(&submit(10, &register(1))).expect("a reply"));
    assert_eq!((first.status.as_str(), first.revision, first.duplicate), ("accepted", 1, false));
    let again = accepted(&client.call(&submit(10, &register(1))).expect("a reply"));
    assert_eq!(again, Accepted { duplicate: true, ..first.clone() });

    let ask = json!({"types": ["customer.registered"], "stream": customer(1).to_string()});
    let page = client.call(&message("feed.read", &ask)).expect("a reply");
    let page: Page<FeedEntry> = serde_json::from_slice(&page.body).expect("a page");
    let [entry] = &page.data[..] else { panic!("{page:?}") };
    assert_eq!((&entry.position, &entry.actor), (&first.position, &"ada".to_owned()));
    assert_eq!(entry.command.kind, "customer.register");
    assert_eq!(entry.events[0].id.as_ref(), Some(&first.events[0].id));
    assert!(!page.has_more);
}

#[test]
fn the_feed_pages_from_where_the_page_before_ended() {
    let served = Served::acme();
    let mut client = served.client();
    for n in 0..7 {
        accepted(&client.call(&submit(10 + n, &register(n))).expect("a reply"));
    }
    let mut after = Value::Null;
    let mut positions = Vec::new();
    loop {
        let ask = json!({"after": after, "limit": 4});
        let page = client.call(&message("feed.read", &ask)).expect("a reply");
        let page: Page<FeedEntry> = serde_json::from_slice(&page.body).expect("a page");
        positions.extend(page.data.iter().map(|entry| entry.position.clone()));
        after = json!(page.next);
        if !page.has_more {
            break;
        }
    }
    let expected: Vec<String> =
        (1..=10).map(|position| format!("{}:{position}", LOG.simple())).collect();
    assert_eq!(positions, expected);
    let stale = json!({"after": "00000000000000000000000000000000:1"});
    let refused = client.call(&message("feed.read", &stale)).expect("a reply");
    assert_eq!(problem(&refused).code, "malformed");
}

#[test]
fn every_malformed_request_gets_its_problem_and_the_connection_goes_on() {
    let served = Served::acme();
    let mut client = served.client();
    let mut no_id = submit(10, &register(1));
    no_id.headers.clear();
    let mut bad_header = submit(10, &register(1));
    bad_header.headers.insert(header::DEADLINE.to_owned(), "tomorrow".to_owned());
    let mut twice = submit(10, &register(1));
    twice.headers.insert(header::EXPECTED_REVISION.to_owned(), "1".to_owned());
    twice.body = br#"{"expected_revision":2}"#.to_vec();
    let mut not_json = submit(10, &register(1));
    not_json.body = b"{".to_vec();
    let mut unknown_field = submit(10, &register(1));
    unknown_field.body = br#"{"customer":"cus_1","surprise":1}"#.to_vec();
    let mut other_book = submit(10, &register(1));
    other_book.subject = other_book.subject.replace("acme", "nobody");
    let mut no_command = submit(10, &register(1));
    no_command.subject = "billfold.acme.as.ada.command.customer.forget".to_owned();
    let mut too_large = submit(10, &register(1));
    too_large.body = vec![b' '; schemas::wire::MAX_BODY_BYTES + 1];
    let nowhere = Message { subject: "elsewhere".to_owned(), ..too_large.clone() };
    for (sent, code, status) in [
        (no_id, "malformed", 400),
        (bad_header, "malformed", 400),
        (not_json, "malformed", 400),
        (unknown_field, "malformed", 400),
        (twice, "malformed", 400),
        (other_book, "unknown_book", 404),
        (no_command, "unknown_subject", 404),
        (nowhere, "unknown_subject", 404),
        (too_large, "too_large", 413),
        (message("query.nothing.get", &json!({})), "unknown_subject", 404),
        (message("admin.explode", &json!({})), "unknown_subject", 404),
        (message("query.echo.get", &json!("panic")), "internal", 500),
        (message("query.echo.get", &json!("huge")), "too_large", 413),
        (message("command.batch", &json!({"commands": 1})), "malformed", 400),
    ] {
        let found = problem(&client.call(&sent).expect("a reply"));
        assert_eq!((found.code.as_str(), found.status), (code, status), "{found:?}");
        assert!(!found.detail.is_empty());
    }
    accepted(&client.call(&submit(10, &register(1))).expect("a reply"));
}

#[test]
fn a_rejection_carries_position_instance_and_trace() {
    let served = Served::acme();
    let mut pay = submit(10, &pay(1, 1, "5.00"));
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    pay.headers.insert(header::TRACEPARENT.to_owned(), parent);
    let refused = problem(&served.client().call(&pay).expect("a reply"));
    assert_eq!(refused.code, "unknown_customer");
    assert_eq!(refused.position, Some(format!("{}:3", LOG.simple())));
    assert_eq!(refused.instance, Some(id(10).to_string()));
    assert_eq!(refused.trace_id.as_deref(), Some(trace));
}

#[test]
fn a_batch_is_answered_in_order_and_a_bad_command_spoils_nothing() {
    let served = Served::acme();
    let of = |n: u64, command: &schemas::Command| BatchCommand {
        command: command.kind().name.to_owned(),
        command_id: id(n),
        body: command.to_json(),
        expected_revision: None,
        effective_at: None,
        preview: None,
        deadline: None,
        reason: Some("a move from another system".to_owned()),
    };
    let mut unreadable = of(11, &register(2));
    unreadable.body = json!({"customer": 7});
    let commands =
        vec![of(10, &register(1)), unreadable, of(12, &pay(9, 1, "1.00")), of(13, &register(3))];
    let subject = "billfold.acme.as.ada.command.batch";
    let answers = served.client().batch(subject, &Headers::new(), Batch { commands });
    let answers = answers.expect("a reply").expect("no problem of the whole");
    let codes: Vec<&str> = answers
        .iter()
        .map(|answer| match answer {
            BatchAnswer::Accepted(accepted) => accepted.status.as_str(),
            BatchAnswer::Problem(problem) => problem.code.as_str(),
        })
        .collect();
    assert_eq!(codes, ["accepted", "malformed", "unknown_customer", "accepted"]);
    let BatchAnswer::Problem(unreadable) = &answers[1] else { panic!("{answers:?}") };
    assert!(unreadable.errors[0].pointer.starts_with("/commands/1/body"), "{unreadable:?}");
}

#[test]
fn commits_keep_the_batch_and_the_session_that_they_came_from() {
    let served = Served::acme();
    let mut client = served.client();
    let (session, other) =
        ("ses_00000000000000000000000000000051", "bat_0000000000000000000000000000000b");
    let headers = |more: &[(&str, &str)]| -> Headers {
        let all = [(header::SESSION, session)].into_iter().chain(more.iter().copied());
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let batch = || {
        let commands = [10, 11].map(|n| BatchCommand {
            command: "customer.register".to_owned(),
            command_id: id(n),
            body: register(n).to_json(),
            expected_revision: None,
            effective_at: None,
            preview: None,
            deadline: None,
            reason: None,
        });
        Batch { commands: commands.into() }
    };
    let subject = "billfold.acme.as.ada.command.batch";
    for _ in 0..2 {
        let answers = client.batch(subject, &headers(&[]), batch()).expect("a reply");
        assert_eq!(answers.expect("no problem of the whole").len(), 2);
    }
    let mut alone = submit(12, &register(12));
    alone.headers.extend(headers(&[(header::BATCH, other)]));
    accepted(&client.call(&alone).expect("a reply"));
    accepted(&client.call(&submit(13, &register(13))).expect("a reply"));
    let mut nameless = submit(14, &register(14));
    nameless.headers.insert(header::SESSION.to_owned(), "this morning".to_owned());
    assert_eq!(problem(&client.call(&nameless).expect("a reply")).code, "malformed");

    let ask = json!({"types": ["customer.registered"]});
    let page = client.call(&message("feed.read", &ask)).expect("a reply");
    let page: Page<FeedEntry> = serde_json::from_slice(&page.body).expect("a page");
    let text = |id: Option<String>| id.unwrap_or_default();
    let origins: Vec<(String, String)> = page
        .data
        .iter()
        .map(|entry| {
            let batch = entry.batch.map(|batch| batch.to_string());
            (text(batch), text(entry.session.map(|session| session.to_string())))
        })
        .collect();
    let derived = batch().derived_id().expect("it has commands").to_string();
    let (session, other) = (session.to_owned(), other.to_owned());
    assert_eq!(
        origins,
        [
            (derived.clone(), session.clone()),
            (derived, session.clone()),
            (other, session),
            (String::new(), String::new()),
        ]
    );
}

#[test]
fn a_batch_that_is_too_long_is_refused_whole() {
    let served = Served::acme();
    let command = json!({"command": "x.y", "command_id": id(1).to_string(), "body": {}});
    let long = json!({"commands": vec![command; 1_001]});
    let refused =
        problem(&served.client().call(&message("command.batch", &long)).expect("a reply"));
    assert_eq!(refused.code, "too_large");
    let large = json!({"commands": [], "x": "x".repeat(600_000)});
    let refused = served.client().call(&message("command.batch", &large)).expect("a reply");
    assert_eq!(problem(&refused).code, "too_large");
}

#[test]
fn a_batch_whose_answers_do_not_fit_is_answered_in_pages() {
    let disk = SimDisk::new(1);
    let served = Served::start(toy::gateway(&disk), DoorLimits::default());
    let command = |n: u64| BatchCommand {
        command: "plan.retire".to_owned(),
        command_id: id(n),
        body: toy::retire(toy::LARGE).to_json(),
        expected_revision: None,
        effective_at: None,
        preview: None,
        deadline: None,
        reason: None,
    };
    let commands = vec![command(10), command(11), command(12)];
    let subject = "billfold.acme.as.ada.command.batch";
    let answers = served.client().batch(subject, &Headers::new(), Batch { commands });
    let answers = answers.expect("a reply").expect("no problem of the whole");
    assert_eq!(answers.len(), 3);
}

#[test]
fn hundreds_of_requests_are_pipelined_and_answered_by_their_ids() {
    let served = Served::acme();
    let mut pipeline = Pipeline::new(served.client(), 200);
    let mut answered = vec![0; 1_000];
    for n in 0..1_000 {
        let message = submit(10 + n, &register(n));
        if let Some(done) = pipeline.push(n, message).expect("a reply") {
            assert_eq!(accepted(&done.reply).stream, customer(done.tag).to_string());
            answered[usize::try_from(done.tag).expect("small")] += 1;
        }
    }
    let rest = pipeline.finish(|done| {
        assert_eq!(accepted(&done.reply).stream, customer(done.tag).to_string());
        answered[usize::try_from(done.tag).expect("small")] += 1;
    });
    rest.expect("replies");
    assert!(answered.iter().all(|times| *times == 1));
}

#[test]
fn over_the_limit_of_a_connection_the_answer_is_busy_and_the_client_tries_again() {
    let disk = SimDisk::new(1);
    let limits = DoorLimits { in_flight: 2, ..DoorLimits::default() };
    let served = Served::start(acme(&disk), limits);
    let mut raw = served.raw();
    let burst: Vec<u8> = (0..50).flat_map(|n| frame_of(n, submit(10 + n, &register(n)))).collect();
    raw.write_all(&burst).expect("sent");
    let replies: Vec<Frame> = (0..50).map(|_| read_frame(&mut raw)).collect();
    let busy = replies.iter().filter(|reply| !reply.headers.is_empty());
    for reply in busy {
        assert_eq!(code_of(reply), Fault::Busy.code());
    }
    let mut pipeline = Pipeline::new(served.client(), 20);
    for n in 0..50 {
        if let Some(done) = pipeline.push((), submit(10 + n, &register(n))).expect("a reply") {
            accepted(&done.reply);
        }
    }
    pipeline.finish(|done| drop(accepted(&done.reply))).expect("replies");
}

#[test]
fn frames_that_are_none_are_answered_and_the_next_one_is_read() {
    let served = Served::acme();
    let mut raw = served.raw();
    let mut no_head = 7_u64.to_be_bytes().to_vec();
    no_head.extend_from_slice(&[0, 0, 0, 9, b'{']);
    let no_subject = Frame { id: 8, subject: None, headers: Headers::new(), body: vec![] };
    for (bytes, id) in
        [(framed(&no_head), 7), (framed(&no_subject.to_bytes()), 8), (framed(b"abc"), 0)]
    {
        raw.write_all(&bytes).expect("sent");
        let reply = read_frame(&mut raw);
        assert_eq!((reply.id, code_of(&reply)), (id, "malformed"));
    }
    raw.write_all(&frame_of(9, submit(10, &register(1)))).expect("sent");
    assert_eq!(read_frame(&mut raw).headers, Headers::new());
}

#[test]
fn a_frame_over_the_limit_is_skipped_and_the_connection_survives() {
    let served = Served::acme();
    let mut raw = served.raw();
    let mut huge = 7_u64.to_be_bytes().to_vec();
    huge.resize(MAX_FRAME_BYTES + 1, b'x');
    raw.write_all(&framed(&huge)).expect("sent");
    let reply = read_frame(&mut raw);
    assert_eq!((reply.id, code_of(&reply)), (7, "too_large"));
    raw.write_all(&frame_of(8, submit(10, &register(1)))).expect("sent");
    assert_eq!(read_frame(&mut raw).headers, Headers::new());
    // What claims to be longer than anything ends the connection, with a word.
    raw.write_all(&u32::MAX.to_be_bytes()).expect("sent");
    assert_eq!(code_of(&read_frame(&mut raw)), "malformed");
    assert_eq!(raw.read(&mut [0; 1]).expect("closed"), 0);
}

#[test]
fn clients_that_stop_in_the_middle_hurt_nobody() {
    let served = Served::acme();
    let mut half = served.raw();
    half.write_all(&[0, 0, 1, 0, 1, 2]).expect("sent");
    let mut silent = served.raw();
    for n in 0..20 {
        silent.write_all(&frame_of(n, message("feed.read", &json!({})))).expect("sent");
    }
    let mut gone = served.raw();
    gone.write_all(&frame_of(1, submit(10, &register(1)))).expect("sent");
    drop(gone);
    accepted(&served.client().call(&submit(11, &register(2))).expect("a reply"));
}

#[test]
fn a_live_socket_is_refused_a_dead_one_is_replaced_and_no_other_file_is_touched() {
    let served = Served::acme();
    let mode = std::fs::metadata(served.path()).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let limits = DoorLimits::default();
        let taken = SocketDoor::bind(served.path(), limits).await;
        assert!(matches!(taken, Err(DoorError::InUse { .. })), "{taken:?}");
        let dead = served.folder.path().join("dead.sock");
        drop(std::os::unix::net::UnixListener::bind(&dead).expect("bound"));
        let door = SocketDoor::bind(&dead, limits).await.expect("nobody is there");
        drop(door);
        assert!(!dead.exists());
        let file = served.folder.path().join("file");
        std::fs::write(&file, b"precious").expect("written");
        let refused = SocketDoor::bind(&file, limits).await;
        assert!(matches!(refused, Err(DoorError::NotASocket { .. })), "{refused:?}");
        assert_eq!(std::fs::read(&file).expect("there"), b"precious");
    });
}

#[test]
fn a_run_can_be_watched_until_it_is_done() {
    let served = Served::acme();
    let mut client = served.client();
    let run = run_billing(1, "2026-02-28");
    accepted(&client.call(&submit(10, &run)).expect("a reply"));
    let ask = json!({"run": run_id(1).to_string(), "wait_ms": 20_000});
    let answer = client.call(&message("admin.run_status", &ask)).expect("a reply");
    let answer: Value = serde_json::from_slice(&answer.body).expect("json");
    assert_eq!(answer["state"], "done");
    assert_eq!((&answer["billed"], &answer["failed"]), (&json!(0), &json!(0)));
    let unknown = json!({"run": run_id(2).to_string()});
    let unknown = client.call(&message("admin.run_status", &unknown)).expect("a reply");
    assert_eq!(problem(&unknown).code, "not_found");
    let status = client.call(&message("admin.status", &json!({}))).expect("a reply");
    let status: Value = serde_json::from_slice(&status.body).expect("json");
    assert_eq!((&status["book"], &status["running"]), (&json!("acme"), &json!(true)));
}
