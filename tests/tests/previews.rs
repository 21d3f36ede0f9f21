//! Previews, access and explanations through real doors: the socket of a running process, and a
//! real NATS server.

use std::path::Path;
use std::process::{Child, Output, Stdio};

use serde_json::{Value, json};
use tests::acme::{self, id};
use tests::nats::NatsServer;
use tests::process::{Server, command, run};
use tests::wait::until;

/// Runs a command line against the door that is being tested.
type Line<'a> = &'a dyn Fn(&[&str]) -> Output;

fn document(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn submit(line: Line<'_>, name: &str, body: &Value, more: &[&str]) -> Output {
    let body = body.to_string();
    let mut arguments = vec!["submit", name, "--json", body.as_str()];
    arguments.extend(more);
    line(&arguments)
}

fn query(line: Line<'_>, view: &str, name: &str, body: &Value, more: &[&str]) -> Value {
    let body = body.to_string();
    let mut arguments = vec!["query", view, name, "--json", body.as_str()];
    arguments.extend(more);
    document(&line(&arguments))["data"].take()
}

/// What is shown is committed, with the number that is free by then; what moved is stale.
fn shown_is_committed(line: Line<'_>) {
    for (name, body) in acme::opening() {
        document(&submit(line, name, &body, &[]));
    }
    for n in [1, 2] {
        document(&submit(line, "customer.register", &acme::register(n), &[]));
    }
    document(&submit(line, "subscription.create", &acme::subscribe(1, 1), &[]));
    let body = acme::charge(1, 10, "12.34");
    let asked = json!({"command": "charge.add", "body": body});
    let preview = query(line, "preview", "command", &asked, &[]);
    let invoice = &preview["events"][1]["body"];
    assert_eq!(invoice["totals"]["total"], 1_234, "{preview}");
    let token = preview["token"].as_str().expect("a token");

    // Another customer takes the number that was shown.
    document(&submit(line, "charge.add", &acme::charge(2, 20, "1.00"), &[]));
    let accepted = document(&submit(line, "charge.add", &body, &["--preview", token]));
    assert_eq!(accepted["command_id"], preview["command_id"]);
    let position = accepted["position"].as_str().expect("a position");
    let asked = json!({"invoice": id("inv", 10)});
    let explained = query(line, "invoices", "explain", &asked, &["--at-least", position]);
    assert_eq!(explained["totals"], invoice["totals"]);
    let line_one = &explained["lines"][0];
    assert_eq!(line_one["line"], invoice["lines"][0]);
    assert_eq!(explained["number"], "INV-000002");
    let roles: Vec<&str> = line_one["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|by| by["role"].as_str())
        .collect();
    assert_eq!(roles, ["charge", "invoice"]);

    // The customer moves between the preview and the command.
    let cancel = json!({"customer": id("cus", 1), "subscription": id("sub", 1), "when": "now"});
    let asked = json!({"command": "subscription.cancel", "body": cancel});
    let stale = query(line, "preview", "command", &asked, &[]);
    document(&submit(line, "charge.add", &acme::charge(1, 11, "5.00"), &[]));
    let token = stale["token"].as_str().expect("a token");
    let refused = submit(line, "subscription.cancel", &cancel, &["--preview", token]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("the customer has changed since the preview"), "{said}");

    let asked = json!({"customer": id("cus", 1)});
    let access = query(line, "customers", "access", &asked, &[]);
    assert_eq!((&access["access"], &access["reason"]), (&json!(true), &json!("not_billed")));
    let asked = json!({"customer": id("cus", 1), "subscription": id("sub", 1)});
    let shown = query(line, "subscriptions", "get", &asked, &[]);
    assert_eq!(shown["state"], "active", "{shown}");
    let next = shown["next"].as_array().expect("names");
    assert!(next.contains(&json!("subscription.cancel")), "{shown}");
}

#[test]
fn over_the_socket_what_a_preview_showed_is_committed_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let _server = Server::start(folder.path());
    shown_is_committed(&|arguments| run(folder.path(), arguments));
}

#[test]
fn without_a_server_the_folder_itself_is_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(run(folder.path(), &["book", "create", "main"]).status.success());
    shown_is_committed(&|arguments| run(folder.path(), arguments));
}

/// A running `billfold up --nats`. It is killed when this is dropped.
struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        // One that has ended already needs no killing.
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}

#[test]
fn over_nats_what_a_preview_showed_is_committed_or_refused() {
    let Some(nats) = NatsServer::start("") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let url = nats.url();
    let child = command(folder.path(), &["up", "--nats", &url])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn();
    let mut up = Up(child.expect("billfold can be started"));
    until("billfold up answers", || {
        let ended = up.0.try_wait().expect("a child can be waited for");
        assert!(ended.is_none(), "billfold up ended: {ended:?}");
        folder.path().join("billfold.sock").exists().then_some(())
    });
    shown_is_committed(&|arguments| {
        let nowhere = Path::new("/nonexistent/billfold");
        let mut all = vec!["--nats", url.as_str()];
        all.extend(arguments);
        command(nowhere, &all).stdin(Stdio::null()).output().expect("billfold can be started")
    });
}
