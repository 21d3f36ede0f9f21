//! Customers are erased: every proof and report stays what it was, and no file of the book holds a
//! name.
//!
//! `BILLFOLD_ERASURE_CUSTOMERS` says how many customers there are, one of ten is erased; `just
//! erasure` takes 10,000.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use client::SocketClient;
use schemas::wire::{Headers, Message, header};
use serde_json::{Value, json};
use tests::acme::{BOOK, charge, command, command_id, id, opening, pay, query, register};
use tests::log::{commit_bytes, reader_at};
use tests::process::{Server, answer, run};
use tests::wait::until;

/// Commands that are sent at once.
const BATCH: usize = 200;

fn customers() -> u64 {
    let asked = std::env::var("BILLFOLD_ERASURE_CUSTOMERS").ok();
    asked.map_or(60, |text| text.parse().expect("a number of customers"))
}

/// What nobody else is called.
fn name(n: u64) -> String {
    format!("Quirinus Zabłocki {n:05}")
}

fn mail(n: u64) -> String {
    format!("quirinus.{n:05}@zablocki.example")
}

fn what_for(n: u64) -> String {
    format!("Training of Quirinus {n:05}")
}

/// A customer of each ten.
fn to_erase() -> impl Iterator<Item = u64> {
    (1..=customers()).filter(|n| n % 10 == 0)
}

/// Sends commands in batches, with ids from `first` on, wants each accepted, and waits until
/// queries know of them.
fn send(client: &mut SocketClient, first: u64, commands: &[(&str, Value)]) {
    let mut position = String::new();
    for (at, batch) in (0_u64..).zip(commands.chunks(BATCH)) {
        let ids = first + at * BATCH as u64..;
        let commands: Vec<Value> = ids
            .zip(batch)
            .map(|(n, (name, body))| {
                let reason = format!("Quirinus wrote about {n}");
                json!({"command": name, "command_id": command_id(n), "body": body,
                       "reason": reason})
            })
            .collect();
        let message = Message {
            subject: format!("billfold.{BOOK}.as.ada.command.batch"),
            headers: Headers::new(),
            body: json!({ "commands": commands }).to_string().into_bytes(),
        };
        let answers = answer(client, &message);
        let answers = answers["answers"].as_array().expect("answers");
        assert_eq!(answers.len(), batch.len(), "a batch fits into one answer");
        for given in answers {
            assert_eq!(given["status"], "accepted", "{given}");
        }
        let last = answers.last().expect("a batch is not empty");
        last["position"].as_str().expect("a position").clone_into(&mut position);
    }
    caught_up(client, &position);
}

/// Waits until every read model reflects a position.
fn caught_up(client: &mut SocketClient, position: &str) {
    for name in ["balances.summary", "invoices.summary", "revenue.waterfall"] {
        let mut asked = query(name, &json!({}));
        asked.headers.insert(header::AT_LEAST.to_owned(), position.to_owned());
        until(name, || {
            let reply = client.call(&asked).expect("the server answers");
            (!reply.is_problem()).then_some(())
        });
    }
}

/// The book of this test: each customer is invoiced once and has paid.
fn set_up(client: &mut SocketClient) {
    send(client, 1, &opening());
    let registered = (1..=customers()).map(|n| {
        let mut body = register(n);
        (body["name"], body["email"]) = (name(n).into(), mail(n).into());
        ("customer.register", body)
    });
    send(client, 1_000_000, &registered.collect::<Vec<_>>());
    let charged = (1..=customers()).map(|n| {
        let mut body = charge(n, n, "10.00");
        body["description"] = what_for(n).into();
        ("charge.add", body)
    });
    send(client, 2_000_000, &charged.collect::<Vec<_>>());
    let paid = (1..=customers()).map(|n| ("payment.record", pay(n, n, "10.00")));
    send(client, 3_000_000, &paid.collect::<Vec<_>>());
}

fn erase(n: u64) -> Value {
    json!({"customer": id("cus", n), "reason": "a request by mail"})
}

fn succeeds(data: &Path, arguments: &[&str]) -> Value {
    let ran = run(data, arguments);
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

/// What reports say: nothing of it is about a person.
fn reports(client: &mut SocketClient) -> Vec<Value> {
    let asked = ["balances.ageing", "balances.trial_balance", "balances.summary"];
    let asked = asked.into_iter().chain(["invoices.summary", "revenue.waterfall"]);
    asked.map(|name| answer(client, &query(name, &json!({})))["data"].clone()).collect()
}

/// Every file below a folder, sockets left out.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}

/// No file of the book holds anything of what was said of a person.
fn assert_nobody_is_named(data: &Path) {
    let words = ["Quirinus", "quirinus", "Zabłocki", "zablocki", "request by mail"];
    let files = files(data);
    let folders: BTreeSet<_> =
        files.iter().filter_map(|file| file.strip_prefix(data.join("books/main")).ok()).collect();
    let has = |folder: &str| folders.iter().any(|file| file.starts_with(folder));
    assert!(["log", "keys", "views", "snapshots"].into_iter().all(has), "{folders:?}");
    for file in files {
        let bytes = fs::read(&file).expect("readable");
        for word in words {
            let found = bytes.windows(word.len()).position(|window| window == word.as_bytes());
            assert_eq!(found, None, "{word:?} is in {}", file.display());
        }
    }
}

/// What is answered once the read model, which may just have been started, knows of it.
fn known(client: &mut SocketClient, name: &str, body: &Value) -> Value {
    let asked = query(name, body);
    until(name, || {
        let reply = client.call(&asked).expect("the server answers");
        (!reply.is_problem()).then(|| serde_json::from_slice::<Value>(&reply.body).expect("JSON"))
    })["data"]
        .take()
}

fn customer_of(client: &mut SocketClient, n: u64) -> Value {
    known(client, "balances.get", &json!({"customer": id("cus", n)}))["customer"]["name"].take()
}

fn invoice_of(client: &mut SocketClient, n: u64) -> Value {
    known(client, "invoices.get", &json!({"invoice": id("inv", n)}))
}

fn refusal(client: &mut SocketClient, n: u64, name: &str, body: &Value) -> String {
    let reply = client.call(&command(command_id(n), name, body)).expect("the server answers");
    assert!(reply.is_problem(), "{}", String::from_utf8_lossy(&reply.body));
    reply.headers[header::SERVICE_ERROR].clone()
}

#[test]
fn after_an_erasure_every_proof_and_report_is_what_it_was_and_nobody_is_named() {
    // given
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let log = data.join("books/main/log");
    let server = Server::start(&data);
    let mut client = server.connect();
    set_up(&mut client);
    let before = reports(&mut client);
    assert_eq!(customer_of(&mut client, 10), json!(name(10)));
    assert!(server.stop().success());
    assert_nobody_is_named(&data);
    let commits = commit_bytes(reader_at(&log)).expect("it is whole");
    let verified = succeeds(&data, &["verify"]);
    let copy = folder.path().join("keys-before");
    succeeds(&data, &["keys", "backup", copy.to_str().expect("UTF-8")]);

    // when
    let server = Server::start(&data);
    let mut client = server.connect();
    let erasures: Vec<_> = to_erase().map(|n| ("customer.erase", erase(n))).collect();
    send(&mut client, 4_000_000, &erasures);

    // then
    assert_eq!(reports(&mut client), before);
    for n in [10, customers() / 10 * 10] {
        assert_eq!(customer_of(&mut client, n), json!({"erased": true}));
        let invoice = invoice_of(&mut client, n);
        assert_eq!(invoice["invoice"]["customer_name"], json!(name(n)), "kept by law: {invoice}");
    }
    assert_eq!(customer_of(&mut client, 11), json!(name(11)));
    let (sold, update) = (charge(10, 99_999, "1"), json!({"customer": id("cus", 10), "name": "X"}));
    assert_eq!(refusal(&mut client, 5_000_000, "charge.add", &sold), "customer_erased");
    assert_eq!(refusal(&mut client, 5_000_001, "customer.update", &update), "customer_erased");
    assert_eq!(refusal(&mut client, 5_000_002, "customer.erase", &erase(10)), "customer_erased");
    // What is asked again is answered as it was.
    let again = answer(&mut client, &command(command_id(4_000_000), "customer.erase", &erase(10)));
    assert_eq!(again["duplicate"], true);
    // Money still moves.
    let refund = json!({
        "customer": id("cus", 10), "payment": id("pay", 10), "refund": id("ref", 10),
        "amount": {"amount": "10.00", "currency": "EUR"}, "effect": {"credit_note": null},
        "reason": "Quirinus sent it back",
    });
    answer(&mut client, &command(command_id(6_000_000), "payment.refund", &refund));
    assert!(server.stop().success());
    assert_nobody_is_named(&data);
    let after = commit_bytes(reader_at(&log)).expect("it is whole");
    assert!(after.starts_with(&commits), "no byte of what was before has changed");
    let again = succeeds(&data, &["verify"]);
    assert!(again["commits"].as_u64() > verified["commits"].as_u64());
    succeeds(&data, &["replay"]);

    backups(folder.path(), &data, &copy);
}

/// A log without its keys is read, but not written, and nothing takes their place unasked.
fn without_keys(data: &Path) {
    let refused = |arguments: &[&str]| {
        let ran = run(data, arguments);
        assert_eq!(ran.status.code(), Some(1), "{arguments:?}");
        let said = String::from_utf8(ran.stderr).expect("UTF-8");
        assert!(said.contains("keys restore COPY") && said.contains("keys init"), "{said}");
    };
    let exported = succeeds(data, &["customer", "export", &id("cus", 11)]);
    assert!(exported["profile"][0]["data"]["name"]["sealed"].is_string(), "there are no keys");
    assert!(!data.join("books/main/keys").exists(), "who only reads makes none");
    refused(&["up"]);
    refused(&["keys", "status"]);
    refused(&["keys", "rotate"]);
    assert!(!data.join("books/main/keys/keys").exists());
}

/// Where a log is gone none is made in its place: a backup of it can still be put there.
fn lost_log(data: &Path) {
    let (log, away) = (data.join("books/main/log"), data.join("log-away"));
    fs::rename(&log, &away).expect("moved");
    let ran = run(data, &["up"]);
    let said = String::from_utf8(ran.stderr).expect("UTF-8");
    assert_eq!(ran.status.code(), Some(3), "{said}");
    assert!(said.contains("has keys and no log") && said.contains("billfold restore"), "{said}");
    assert!(!log.exists());
    fs::rename(&away, &log).expect("moved");
    succeeds(data, &["verify"]);
}

/// A copy of the log is of no use to who looks for a person; with the keys it is, but for those
/// who were erased.
fn backups(folder: &Path, data: &Path, old_keys: &Path) {
    let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    succeeds(data, &["backup", &path("log-copy")]);
    let identity = path("identity");
    let made = run(data, &["keys", "identity", &identity]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let recipient = String::from_utf8(made.stdout).expect("UTF-8");
    let sealed = path("keys-sealed");
    succeeds(data, &["keys", "backup", &sealed, "--recipient", recipient.trim()]);

    let other = folder.join("other");
    succeeds(&other, &["restore", &path("log-copy")]);
    let same = |one: &Value, other: &Value| {
        for field in ["head_hash", "merkle_root", "commits"] {
            assert_eq!(one[field], other[field], "{field}");
        }
    };
    same(&succeeds(&other, &["verify"]), &succeeds(data, &["verify"]));
    succeeds(&other, &["replay"]);
    without_keys(&other);
    // An old copy of the keys without its master key opens nothing here.
    let refused = run(&other, &["keys", "restore", old_keys.to_str().expect("UTF-8")]);
    assert_eq!(refused.status.code(), Some(1), "{}", String::from_utf8_lossy(&refused.stderr));
    let refused = run(&other, &["keys", "restore", &sealed]);
    assert_eq!(refused.status.code(), Some(1), "it is sealed for somebody");
    succeeds(&other, &["keys", "restore", &sealed, "--identity", &identity]);
    let server = Server::start(&other);
    let mut client = server.connect();
    assert_eq!(customer_of(&mut client, 11), json!(name(11)));
    assert_ne!(customer_of(&mut client, 10), json!(name(10)));
    assert_eq!(invoice_of(&mut client, 10)["invoice"]["customer_name"], json!(name(10)));
    assert!(server.stop().success());
    // The old copy, put back where its master key is, brings nobody back who was erased since.
    succeeds(data, &["keys", "restore", old_keys.to_str().expect("UTF-8")]);
    let server = Server::start(data);
    let mut client = server.connect();
    assert_eq!(customer_of(&mut client, 10), json!({"erased": true}));
    assert_eq!(customer_of(&mut client, 11), json!(name(11)));
    assert!(server.stop().success());
    succeeds(data, &["keys", "rotate"]);
    let exported = succeeds(data, &["customer", "export", &id("cus", 11)]).to_string();
    assert!(exported.contains(&name(11)) && exported.contains(&mail(11)));
    assert!(exported.contains(&what_for(11)));
    let erased = succeeds(data, &["customer", "export", &id("cus", 10)]);
    assert_eq!(erased["profile"][0]["data"]["name"], json!({"erased": true}));
    lost_log(data);
}

#[test]
fn an_erasure_that_a_crash_cuts_off_is_finished_or_was_not_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let mut client = server.connect();
    set_up(&mut client);
    drop(client);
    let mut server = server;
    let mut acknowledged = BTreeSet::new();
    for (round, n) in (0_u64..).zip(to_erase()) {
        let mut client = server.connect();
        let message = command(command_id(4_000_000 + n), "customer.erase", &erase(n));
        if round % 2 == 0 {
            answer(&mut client, &message);
            acknowledged.insert(n);
            server.kill();
        } else {
            // Nobody waits for the answer.
            let sender = std::thread::spawn(move || client.call(&message).is_ok());
            server.kill();
            if sender.join().expect("the sender ends") {
                acknowledged.insert(n);
            }
        }
        server = Server::start(&data);
        let mut client = server.connect();
        for n in &acknowledged {
            assert_eq!(customer_of(&mut client, *n), json!({"erased": true}), "customer {n}");
        }
        let shown = customer_of(&mut client, n);
        let update = json!({"customer": id("cus", n), "payment_terms_days": 7});
        let updated = client
            .call(&command(command_id(7_000_000 + n), "customer.update", &update))
            .expect("the server answers");
        // The log and the keys say the same of it.
        assert_eq!(updated.is_problem(), shown == json!({"erased": true}), "customer {n}");
    }
    assert!(server.stop().success());
    assert_nobody_is_named(&data);
}
