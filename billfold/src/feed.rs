//! `feed`: commits as the running ledger gives them to any client, one a line.

use client::{Ask, AskError, Node};
use schemas::query::MAX_LIMIT;
use schemas::wire::{Endpoint, Headers};
use serde_json::{Map, Value};
use terminal::{Output, counted};

use crate::cli::FeedArgs;
use crate::door::Place;
use crate::exit::Failure;

/// How long one question waits for something new, in milliseconds.
const WAIT_MS: u64 = 2_000;

/// Runs `feed`.
///
/// # Errors
/// As [`Ask::ask`]: a position of another log, an unknown name, nobody there.
pub fn run(args: &FeedArgs, door: &impl Ask, output: &Output) -> Result<(), Failure> {
    let mut question = question(args);
    let mut left = args.limit.unwrap_or(u64::MAX);
    while left > 0 {
        question.insert("limit".to_owned(), left.min(u64::from(MAX_LIMIT)).into());
        let body = Value::Object(question.clone()).to_string().into_bytes();
        let answer = door.ask(Endpoint::Feed, Headers::new(), body)?;
        let page = Node::parse(&answer).map_err(AskError::NotJson)?;
        for commit in page.items_at("data") {
            output.item(commit, || line(commit))?;
            left = left.saturating_sub(1);
        }
        if page.get("has_more") != Some(&Node::Bool(true)) && !args.follow {
            return Ok(());
        }
        question.insert("after".to_owned(), page.text_at("next").into());
    }
    Ok(())
}

/// Somebody has the book open: whoever follows it in a process of its own would keep all others
/// from writing, and wait for nothing.
///
/// # Errors
/// [`Failure::Unreachable`] says what to start.
pub fn somebody_serves(place: &Place<'_>) -> Result<(), Failure> {
    if place.running_writer()?.is_some() {
        return Ok(());
    }
    Err(Failure::Unreachable(format!(
        "nobody serves {}, so nothing new would come; start `billfold up`, or follow the log \
         itself with `billfold tail --follow`",
        place.folder.root().display()
    )))
}

fn question(args: &FeedArgs) -> Map<String, Value> {
    let mut question = Map::new();
    let mut put = |name: &str, value: Value| question.insert(name.to_owned(), value);
    if let Some(after) = &args.after {
        put("after", after.as_str().into());
    }
    if !args.types.is_empty() {
        put("types", args.types.clone().into());
    }
    if let Some(stream) = &args.stream {
        put("stream", stream.as_str().into());
    }
    if let Some(batch) = args.batch {
        put("batch", batch.to_string().into());
    }
    if let Some(session) = args.session {
        put("session", session.to_string().into());
    }
    if let Some(actor) = &args.by {
        put("actor", actor.as_str().into());
    }
    if args.follow {
        put("wait_ms", WAIT_MS.into());
    }
    question
}

/// A commit for people: where, when, who, on what, and what happened.
fn line(commit: &Node) -> String {
    let events = commit.items_at("events").iter().map(|event| event.text_at("type"));
    format!(
        "{}  {}  {}  {}  {}",
        commit.text_at("position"),
        commit.text_at("recorded_at"),
        commit.text_at("actor"),
        commit.text_at("stream"),
        counted(events)
    )
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::json;
    use terminal::Format;

    use super::*;

    /// Two pages of one commit each; keeps what it was asked.
    #[derive(Default)]
    struct Pages(RefCell<Vec<Value>>);

    impl Ask for Pages {
        fn ask(&self, to: Endpoint, _: Headers, body: Vec<u8>) -> Result<Vec<u8>, AskError> {
            assert_eq!(to, Endpoint::Feed);
            let mut asked = self.0.borrow_mut();
            asked.push(serde_json::from_slice(&body).expect("JSON"));
            let next = format!("log:{}", asked.len());
            let page = json!({
                "data": [{"position": next}], "has_more": asked.len() < 2, "next": next,
            });
            Ok(page.to_string().into_bytes())
        }
    }

    fn args(limit: Option<u64>) -> FeedArgs {
        let types = vec!["invoice.finalized".to_owned()];
        let (batch, session, by) = (None, None, None);
        FeedArgs { after: None, limit, types, stream: None, batch, session, by, follow: false }
    }

    #[test]
    fn pages_follow_each_other_until_there_is_no_more() {
        let door = Pages::default();
        run(&args(None), &door, &Output::new(Some(Format::Json))).expect("printed");
        let expected = [
            json!({"types": ["invoice.finalized"], "limit": 500}),
            json!({"types": ["invoice.finalized"], "limit": 500, "after": "log:1"}),
        ];
        assert_eq!(*door.0.borrow(), expected);
    }

    #[test]
    fn no_more_than_the_limit_is_asked_for() {
        let door = Pages::default();
        run(&args(Some(1)), &door, &Output::new(Some(Format::Json))).expect("printed");
        assert_eq!(*door.0.borrow(), [json!({"types": ["invoice.finalized"], "limit": 1})]);
    }
}
