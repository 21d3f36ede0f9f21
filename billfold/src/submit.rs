//! `submit`: one command, or a batch of them.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use client::{Ask, AskError, Node, edge, wait_for_run};
use schemas::ids::CommandId;
use schemas::wire::{Endpoint, Headers, header};
use schemas::{Command, Problem};
use serde_json::Value;
use terminal::{Output, View, show, text};

use crate::cli::SubmitArgs;
use crate::exit::{Failure, code_of};
use crate::words;

/// How often a command is sent while the ledger is busy or its outcome is unknown.
const TRIES: u32 = 50;
/// The pause when the answer names none.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs `submit`.
///
/// # Errors
/// [`Failure::Problem`] when the command is refused; [`Failure::Usage`] for a body that cannot
/// be read.
pub fn run(args: &SubmitArgs, door: &impl Ask, output: &Output) -> Result<(), Failure> {
    let body = body(args)?;
    if args.name == "batch" {
        return batch(args, &body, door, output);
    }
    let previewed = args.preview.map(|token| token.command_id);
    let id = args.id.or(previewed).unwrap_or_else(edge::command_id);
    let answer = sent(args, id, &body, door).map_err(|failure| with_id(failure, id))?;
    match &args.field {
        None => Ok(output.document(View::Accepted, &answer)?),
        Some(name) => match answer.get(name) {
            Some(value) => Ok(text(&show(value))?),
            None => Err(Failure::Usage(format!("the answer has no field {name:?}"))),
        },
    }
}

/// Sends one command; its answer, with the run's progress where it began one.
fn sent(args: &SubmitArgs, id: CommandId, body: &[u8], door: &impl Ask) -> Result<Node, Failure> {
    let headers = headers(args, id);
    let endpoint = Endpoint::Command(args.name.clone());
    let answer = patiently(|| door.ask(endpoint.clone(), headers.clone(), body.to_vec()))?;
    let mut answer = document(&answer)?;
    if args.name == "billing.run" && !args.no_wait {
        let run = document(body)?.text_at("run").to_owned();
        let progress = wait_for_run(door, &run)?;
        let position = progress.text_at("position").to_owned();
        answer.set("run", progress);
        // What the run made can be read from here on.
        answer.set("position", Node::Text(position));
    }
    Ok(answer)
}

/// Where the way out is to send the command again with the same id, that id: it may have been made
/// here, and nobody else knows it.
fn with_id(failure: Failure, id: CommandId) -> Failure {
    let again = |why: &str| format!("{why}; repeat this command with `--id {id}`");
    match failure {
        Failure::Unreachable(why) => Failure::Unreachable(again(&why)),
        Failure::Problem(mut problem) if code_of(&problem) == 4 => {
            problem.detail = again(&problem.detail);
            Failure::Problem(problem)
        }
        other @ (Failure::Usage(_)
        | Failure::Problem(_)
        | Failure::Refused(_)
        | Failure::Verification(_)
        | Failure::InUse(_)
        | Failure::Io { .. }
        | Failure::BrokenPipe
        | Failure::Internal(_)) => other,
    }
}

/// A batch prints every answer; refused commands in it make the exit status 1.
fn batch(args: &SubmitArgs, body: &[u8], door: &impl Ask, output: &Output) -> Result<(), Failure> {
    let own = args.effective_at.is_some() || args.expected_revision.is_some();
    if args.id.is_some() || args.preview.is_some() || own {
        return Err(Failure::Usage("commands of a batch have their own ids and times".to_owned()));
    }
    let answer = patiently(|| door.ask(Endpoint::Batch, origin(args), body.to_vec()))?;
    let answers = document(&answer)?;
    let answers = answers.items_at("answers").to_vec();
    let refused = answers.iter().filter(|answer| answer.get("code").is_some()).count();
    let count = answers.len();
    let page = Node::Object(vec![("data".to_owned(), Node::List(answers))]);
    output.document(View::Any, &page)?;
    if refused == 0 {
        return Ok(());
    }
    Err(Failure::Refused(format!("{refused} of {count} commands were refused")))
}

fn document(answer: &[u8]) -> Result<Node, AskError> {
    Node::parse(answer).map_err(AskError::NotJson)
}

fn headers(args: &SubmitArgs, id: CommandId) -> Headers {
    let mut headers = Headers::new();
    let mut put = |name: &str, value: String| headers.insert(name.to_owned(), value);
    put(header::COMMAND_ID, id.to_string());
    if let Some(token) = args.preview {
        put(header::PREVIEW, token.to_string());
    }
    if let Some(revision) = args.expected_revision {
        put(header::EXPECTED_REVISION, revision.to_string());
    }
    if let Some(at) = args.effective_at {
        put(header::EFFECTIVE_AT, at.to_string());
    }
    if let Some(deadline) = args.deadline {
        put(header::DEADLINE, deadline.to_string());
    }
    if let Some(reason) = &args.reason {
        put(header::REASON, reason.clone());
    }
    headers.extend(origin(args));
    headers
}

/// The batch and the session that commits keep.
fn origin(args: &SubmitArgs) -> Headers {
    let batch = args.batch.map(|batch| (header::BATCH.to_owned(), batch.to_string()));
    let session = args.session.map(|session| (header::SESSION.to_owned(), session.to_string()));
    batch.into_iter().chain(session).collect()
}

/// From a file, from `--json`, or from words; exactly one of them.
fn body(args: &SubmitArgs) -> Result<Vec<u8>, Failure> {
    let ways = usize::from(args.file.is_some())
        + usize::from(args.json.is_some())
        + usize::from(!args.fields.is_empty());
    if ways > 1 {
        return Err(Failure::Usage("give the body once: --file, --json or key=value".to_owned()));
    }
    if let Some(file) = &args.file {
        return read(file);
    }
    if let Some(json) = &args.json {
        return Ok(json.clone().into_bytes());
    }
    let schema = crate::schema::find("command", &args.name);
    if schema.is_none() && args.name != "batch" {
        let known: Vec<_> = Command::KINDS.iter().map(|kind| kind.name).collect();
        return Err(Failure::Usage(format!(
            "{:?} is no command; there are {}",
            args.name,
            known.join(", ")
        )));
    }
    let fields = words::object(&args.fields, schema.as_ref())?;
    Ok(Value::Object(fields).to_string().into_bytes())
}

/// A whole file, or stdin.
///
/// # Errors
/// [`Failure::Io`] names the file.
pub fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let read = if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    read.map_err(|error| Failure::io(format!("{} cannot be read", file.display()), error))
}

/// Asks again, with the same id, while the answer says that this may help.
fn patiently(mut ask: impl FnMut() -> Result<Vec<u8>, AskError>) -> Result<Vec<u8>, AskError> {
    let mut answer = ask();
    for _ in 1..TRIES {
        match &answer {
            Err(AskError::Problem(problem)) if helps(problem) => {
                thread::sleep(problem.retry_after_ms.map_or(PAUSE, Duration::from_millis));
                answer = ask();
            }
            Ok(_) | Err(_) => return answer,
        }
    }
    answer
}

/// Busy, or unknown: the same id is safe. A passed deadline stays passed, a full disk stays full.
fn helps(problem: &Problem) -> bool {
    matches!(problem.code.as_str(), "busy" | "unknown_outcome")
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use clap::Parser;
    use client::SocketError;
    use schemas::problem::Fault;

    use super::*;
    use crate::cli::{Cli, Command as Sub};

    fn args(typed: &[&str]) -> SubmitArgs {
        let typed = ["billfold", "submit"].iter().chain(typed);
        let Sub::Submit(args) = Cli::try_parse_from(typed).expect("parses").command else {
            panic!("not submit")
        };
        args
    }

    /// Keeps what it was asked.
    #[derive(Default)]
    struct Kept {
        headers: RefCell<Headers>,
        body: RefCell<Vec<u8>>,
    }

    impl Ask for Kept {
        fn ask(&self, _: Endpoint, headers: Headers, body: Vec<u8>) -> Result<Vec<u8>, AskError> {
            *self.headers.borrow_mut() = headers;
            *self.body.borrow_mut() = body;
            Err(Problem::fault(Fault::NotFound, "kept").into())
        }
    }

    #[test]
    fn what_was_typed_stands_in_headers_and_body() {
        let door = Kept::default();
        let args = args(&[
            "plan.retire",
            "plan=pln_00000000000000000000000000000001",
            "--id=cmd_00000000000000000000000000000002",
            "--expected-revision=4",
            "--effective-at=2026-01-01T00:00:00Z",
            "--deadline=2026-01-02T00:00:00Z",
            "--reason=no longer sold",
        ]);
        let refused = run(&args, &door, &Output::new(None)).expect_err("kept");
        assert_eq!(refused.code(), 1);
        let headers: Vec<_> =
            door.headers.borrow().iter().map(|(k, v)| format!("{k}: {v}")).collect();
        let expected = [
            "Billfold-Deadline: 2026-01-02T00:00:00Z",
            "Billfold-Effective-At: 2026-01-01T00:00:00Z",
            "Billfold-Expected-Revision: 4",
            "Billfold-Reason: no longer sold",
            "Nats-Msg-Id: cmd_00000000000000000000000000000002",
        ];
        assert_eq!(headers, expected);
        let body = String::from_utf8(door.body.borrow().clone()).expect("text");
        assert_eq!(body, r#"{"plan":"pln_00000000000000000000000000000001"}"#);
    }

    /// Never answers.
    struct Silent(fn() -> AskError);

    impl Ask for Silent {
        fn ask(&self, _: Endpoint, _: Headers, _: Vec<u8>) -> Result<Vec<u8>, AskError> {
            Err((self.0)())
        }
    }

    #[test]
    fn the_id_is_told_where_sending_it_again_is_the_way_out_and_nowhere_else() {
        let id = "cmd_00000000000000000000000000000002";
        let update = ["plan.retire", "plan=pln_00000000000000000000000000000001", "--id", id];
        let broken =
            || -> AskError { SocketError::Broken(io::ErrorKind::BrokenPipe.into()).into() };
        let stopping = || -> AskError { Problem::fault(Fault::Unavailable, "it stops").into() };
        let refused = || -> AskError { Problem::fault(Fault::NotFound, "there is none").into() };
        let silent: [(fn() -> AskError, bool); 3] =
            [(broken, true), (stopping, true), (refused, false)];
        for (why, is_told) in silent {
            let failure = run(&args(&update), &Silent(why), &Output::new(None)).expect_err("why");
            let said = failure.to_string();
            assert_eq!(said.contains(&format!("`--id {id}`")), is_told, "{said}");
        }
    }

    #[test]
    fn an_unknown_command_and_two_bodies_are_usage() {
        for wrong in [&["no.such"][..], &["plan.retire", "plan=x", "--json={}"]] {
            assert_eq!(body(&args(wrong)).expect_err("refused").code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn busy_is_tried_again_and_a_rejection_is_not() {
        let asked = Cell::new(0);
        let answer = patiently(|| {
            asked.set(asked.get() + 1);
            if asked.get() < 3 {
                return Err(Problem::fault(Fault::Busy, "full").retry_after(0).into());
            }
            Ok(b"{}".to_vec())
        });
        assert!(answer.is_ok() && asked.get() == 3);
        asked.set(0);
        let refused = patiently(|| {
            asked.set(asked.get() + 1);
            Err(Problem::fault(Fault::DeadlineExceeded, "late").into())
        });
        assert!(refused.is_err() && asked.get() == 1);
    }
}
