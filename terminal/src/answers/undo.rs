//! What would be taken back, as a page for people.

use client::Node;

use super::plain::counted;
use super::preview::event;
use crate::table::show;

/// Commits, the newest first, each with what takes it back and what that becomes.
pub(super) fn undo(document: &Node) -> String {
    let rows = document.items_at("data");
    let mut parts: Vec<String> = rows.iter().map(commit).collect();
    let states: Vec<&str> =
        rows.iter().flat_map(|row| row.items_at("undone_by")).map(state).collect();
    let is_refused = rows.iter().any(|row| row.get("refused").and_then(Node::text).is_some());
    parts.push(match document.get("token").and_then(Node::text) {
        Some(token) if states.contains(&"planned") => {
            format!("Nothing is written yet. Commit exactly this with `--commit={token}`.")
        }
        Some(_) => "Nothing is left to be taken back.".to_owned(),
        None if is_refused => "Nothing is written.".to_owned(),
        None => {
            let done = states.iter().filter(|state| **state == "done").count();
            let batch = document.text_at("batch");
            format!("{done} of {} commands done, as the batch {batch}.", states.len())
        }
    });
    parts.join("\n\n")
}

fn state(step: &Node) -> &str {
    step.text_at("state")
}

fn commit(row: &Node) -> String {
    let position = row.get("position").map(show).unwrap_or_default();
    let (command, actor) = (row.text_at("command"), row.text_at("actor"));
    let mut lines = vec![format!(
        "{position}  {command}  by {actor} at {}, {}",
        row.text_at("recorded_at"),
        row.text_at("stream")
    )];
    let steps = row.items_at("undone_by");
    lines.extend(steps.iter().map(step));
    match row.get("refused").and_then(Node::text) {
        Some(why) => lines.push(format!("  stays: {why}")),
        None if steps.is_empty() => lines.push("  changed nothing".to_owned()),
        None => {}
    }
    if let Some(remains) = row.get("remains").and_then(Node::text) {
        lines.push(format!("  remains: {remains}"));
    }
    lines.join("\n")
}

fn step(step: &Node) -> String {
    let command = step.text_at("command");
    let events = step.items_at("events");
    let at = step.get("effective_at").and_then(Node::text);
    let as_of = at.map_or_else(String::new, |at| format!(" as of {at}"));
    match state(step) {
        "done" => {
            let position = step.get("position").map(show).unwrap_or_default();
            format!("  ← {command}{as_of}: done at {position}")
        }
        "planned" => {
            let becomes = counted(events.iter().map(|event| event.text_at("type")));
            let mut lines = vec![format!("  ← {command}{as_of}: {becomes}")];
            lines.extend(events.iter().map(|one| indented(&event(one))));
            lines.join("\n")
        }
        other => format!("  ← {command}{as_of}: {other}"),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(steps: &serde_json::Value, refused: Option<&str>) -> serde_json::Value {
        json!({
            "position": 7, "command": "payment.record", "stream": "cus_1", "actor": "ada",
            "recorded_at": "2026-01-01T09:00:00Z", "undone_by": steps, "refused": refused,
            "remains": null,
        })
    }

    #[test]
    fn what_is_planned_is_shown_with_the_way_to_commit_it() {
        let event = json!({"type": "payment.reversed", "body": {"payment": "pay_1"}});
        let step = json!({
            "command": "payment.reverse", "state": "planned", "effective_at": null,
            "events": [event],
        });
        let document =
            json!({"data": [row(&json!([step]), None)], "batch": "bat_1", "token": "un1_1"});
        let expected = "\
7  payment.record  by ada at 2026-01-01T09:00:00Z, cus_1
  ← payment.reverse: payment.reversed
      payment.reversed
        payment  pay_1

Nothing is written yet. Commit exactly this with `--commit=un1_1`.";
        assert_eq!(undo(&Node::of(&document)), expected);
    }

    #[test]
    fn what_stays_says_why_and_what_is_done_says_where() {
        let document =
            json!({"data": [row(&json!([]), Some("it is out"))], "batch": "bat_1", "token": null});
        let shown = undo(&Node::of(&document));
        assert!(shown.ends_with("  stays: it is out\n\nNothing is written."), "{shown}");
        let step = json!({"command": "payment.reverse", "state": "done", "position": 9,
            "effective_at": "2026-01-01T09:00:00Z", "events": null});
        let document =
            json!({"data": [row(&json!([step]), None)], "batch": "bat_1", "token": null});
        let shown = undo(&Node::of(&document));
        assert!(
            shown.contains("← payment.reverse as of 2026-01-01T09:00:00Z: done at 9"),
            "{shown}"
        );
        assert!(shown.ends_with("1 of 1 commands done, as the batch bat_1."), "{shown}");
    }
}
