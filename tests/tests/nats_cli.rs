//! The command line over NATS: the same documents as beside the folder, and clear sentences when
//! nobody answers.

use std::path::Path;
use std::process::{Child, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tests::acme::{self, id};
use tests::nats::NatsServer;
use tests::process::command;
use tests::wait::until;

/// A running `billfold up --nats`. It is killed when this is dropped.
struct Up(Child);

impl Up {
    fn start(data: &Path, url: &str) -> Self {
        let child = command(data, &["up", "--nats", url])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("billfold can be started");
        let mut up = Self(child);
        until("billfold up answers", || {
            let ended = up.0.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "billfold up ended: {ended:?}");
            data.join("billfold.sock").exists().then_some(())
        });
        up
    }

    fn stop(mut self) -> Option<i32> {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, Signal::TERM).expect("a child can be told to stop");
        let ended = until("it stops", || self.0.try_wait().expect("a child can be waited for"));
        ended.code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // One that has ended already needs no killing.
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}

/// Runs a command line elsewhere: it has no folder, only NATS.
fn over_nats(url: &str, arguments: &[&str]) -> Output {
    let nowhere = Path::new("/nonexistent/billfold");
    let mut all = vec!["--nats", url];
    all.extend(arguments);
    command(nowhere, &all).stdin(Stdio::null()).output().expect("billfold can be started")
}

fn document(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn commands_batches_and_queries_go_over_nats_and_print_the_same_documents() {
    let Some(server) = NatsServer::start("") else { return };
    let data = tempfile::tempdir().expect("a folder");
    let up = Up::start(data.path(), &server.url());
    for (name, body) in acme::opening() {
        let body = body.to_string();
        let answer = document(&over_nats(&server.url(), &["submit", name, "--json", &body]));
        assert_eq!(answer["status"], "accepted", "{name}");
    }
    let registered = |n: u64| {
        json!({"command": "customer.register", "command_id": id("cmd", n),
               "body": acme::register(n)})
    };
    let batch = json!({"commands": [registered(1), registered(2)]}).to_string();
    let answers = document(&over_nats(&server.url(), &["submit", "batch", "--json", &batch]));
    let position = answers["data"][1]["position"].as_str().expect("a position").to_owned();

    let question = ["query", "balances", "list", "--at-least", &position];
    let there = document(&over_nats(&server.url(), &question));
    let here = tests::process::run(data.path(), &question);
    assert_eq!(there, document(&here));
    assert_eq!(there["data"].as_array().map(Vec::len), Some(2));

    let refused = over_nats(&server.url(), &["query", "balances", "get", "customer=cus_1"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn a_command_that_waits_for_a_process_to_come_back_is_carried_out_once() {
    let Some(server) = NatsServer::start("") else { return };
    let data = tempfile::tempdir().expect("a folder");
    assert_eq!(Up::start(data.path(), &server.url()).stop(), Some(0));
    let (name, body) = acme::opening().remove(0);
    let (command, body) = (id("cmd", 7), body.to_string());
    let nowhere = Path::new("/nonexistent/billfold");
    let url = server.url();
    let submit =
        ["--nats", &url, "submit", name, "--json", &body, "--id", &command, "--field", "revision"];
    let waiting = tests::process::command(nowhere, &submit)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("billfold can be started");
    let up = Up::start(data.path(), &server.url());
    let first = waiting.wait_with_output().expect("it ends");
    // On a slow machine the process may come back too late for the first; its id is still good.
    let again = over_nats(&server.url(), &["submit", name, "--json", &body, "--id", &command]);
    let again = document(&again);
    assert_eq!(again["duplicate"], first.status.success());
    assert_eq!(again["revision"], 2);
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn nobody_there_is_exit_code_4_with_a_sentence() {
    let Some(mut server) = NatsServer::start("") else { return };
    let nobody =
        over_nats(&server.url(), &["--nats-patience-ms", "200", "query", "balances", "list"]);
    assert_eq!(nobody.status.code(), Some(4));
    assert!(said(&nobody).contains("nobody serves"), "{}", said(&nobody));
    server.kill();
    let unreachable = over_nats(&server.url(), &["query", "balances", "list"]);
    assert_eq!(unreachable.status.code(), Some(4));
    assert!(said(&unreachable).contains("cannot be reached"), "{}", said(&unreachable));
}

#[test]
fn a_context_of_the_nats_command_line_leads_to_the_server() {
    let Some(server) = NatsServer::start("") else { return };
    let data = tempfile::tempdir().expect("a folder");
    let up = Up::start(data.path(), &server.url());
    let config = tempfile::tempdir().expect("a folder");
    let contexts = config.path().join("nats/context");
    std::fs::create_dir_all(&contexts).expect("made");
    let context = json!({"description": "of the test", "url": server.url()}).to_string();
    std::fs::write(contexts.join("test.json"), context).expect("written");
    let asked = command(
        Path::new("/nonexistent/billfold"),
        &["--nats-context", "test", "query", "balances", "summary"],
    )
    .env("XDG_CONFIG_HOME", config.path())
    .stdin(Stdio::null())
    .output()
    .expect("billfold can be started");
    assert_eq!(document(&asked)["data"]["customers"], 0);
    assert_eq!(up.stop(), Some(0));
}
