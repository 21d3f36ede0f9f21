//! `status`: where the gateway and the read models of a book stand, wherever they run.

use std::borrow::Cow;

use client::nats::NatsRemote;
use client::{Ask, AskError, Node, SocketRemote};
use projections::ViewName;
use schemas::status::{GatewayStatus, QueueStatus, ViewState, ViewStatus};
use schemas::text::BookName;
use schemas::view::Answer;
use schemas::wire::{Endpoint, Headers};
use serde::de::DeserializeOwned;
use serde_json::json;
use terminal::{Output, View, render, text};

use crate::door::Place;
use crate::exit::Failure;

/// Who answers, on NATS or on this machine.
enum Doors<'a> {
    Nats(Box<NatsRemote>),
    Local(Option<Box<SocketRemote>>, &'a Place<'a>),
}

impl Doors<'_> {
    fn gateway(&self) -> Result<GatewayStatus, Failure> {
        let endpoint = Endpoint::Admin("status".to_owned());
        match self {
            Self::Nats(door) => asked(&**door, endpoint),
            Self::Local(Some(door), _) => asked(&**door, endpoint),
            Self::Local(None, _) => Err(Failure::Unreachable("nobody takes commands".to_owned())),
        }
    }

    fn view(&self, view: ViewName) -> Result<ViewStatus, Failure> {
        let endpoint = Endpoint::Query { view: view.to_string(), name: "status".to_owned() };
        let answer: Answer<ViewStatus> = match self {
            Self::Nats(door) => asked(&**door, endpoint)?,
            Self::Local(_, place) => match place.running_reader(view)? {
                Some(door) => asked(&door, endpoint)?,
                None => return Err(Failure::Unreachable("nobody keeps it".to_owned())),
            },
        };
        Ok(answer.data)
    }
}

fn asked<T: DeserializeOwned>(door: &impl Ask, endpoint: Endpoint) -> Result<T, Failure> {
    let answer = door.ask(endpoint, Headers::new(), Vec::new())?;
    let read = serde_json::from_slice(&answer);
    Ok(read.map_err(|source| AskError::Unreadable { what: "status".to_owned(), source })?)
}

/// Runs `status`.
///
/// # Errors
/// [`Failure::Unreachable`] when no gateway answers; what does answer is printed first.
pub fn run(place: &Place<'_>, output: &Output) -> Result<(), Failure> {
    let doors = match place.on_nats()? {
        Some(door) => Doors::Nats(Box::new(door)),
        None => Doors::Local(place.running_writer()?.map(Box::new), place),
    };
    let book = place.book;
    let gateway = doors.gateway();
    let views = ViewName::ALL.map(|view| (view, doors.view(view)));
    if output.is_table() {
        table(book, &gateway, &views)?;
    } else {
        output.document(View::Any, &document(book, &gateway, &views))?;
    }
    let why = gateway.err().map(|failure| failure.to_string());
    why.map_or(Ok(()), |why| {
        Err(Failure::Unreachable(format!("the gateway of book {book} does not answer: {why}")))
    })
}

type Views = [(ViewName, Result<ViewStatus, Failure>); ViewName::ALL.len()];

fn document(book: &BookName, gateway: &Result<GatewayStatus, Failure>, views: &Views) -> Node {
    let row = |(view, status): &(ViewName, Result<ViewStatus, Failure>)| match status {
        Ok(status) => json!(status),
        Err(why) => json!({"view": view.as_str(), "unreachable": why.to_string()}),
    };
    Node::of(&json!({
        "book": book.as_str(),
        "gateway": gateway.as_ref().ok(),
        "views": views.iter().map(row).collect::<Vec<_>>(),
    }))
}

/// For people: what matters, in four tables.
fn table(
    book: &BookName,
    gateway: &Result<GatewayStatus, Failure>,
    views: &Views,
) -> Result<(), Failure> {
    let mut queues = Vec::new();
    match gateway {
        Ok(status) => {
            text(&render(View::Any, &facts(status)))?;
            queues.extend(status.queues.iter().map(|queue| row_of_queue("gateway", queue)));
        }
        Err(why) => text(&format!("book     {book}\ngateway  does not answer: {why}"))?,
    }
    let mut rows = Vec::new();
    let mut alarms = Vec::new();
    for (view, status) in views {
        match status {
            Ok(status) => {
                rows.push(row_of_view(status));
                let named = |queue| row_of_queue(view.as_str(), queue);
                queues.extend(status.queues.iter().map(named));
                for alarm in &status.alarms {
                    alarms.push(format!("ALARM {view}: {} ({})", alarm.detail, alarm.code));
                }
            }
            Err(why) => rows.push(Node::of(&json!({
                "view": view.as_str(), "state": format!("no answer: {why}"),
            }))),
        }
    }
    text(&render(View::Columns(&VIEW_COLUMNS), &json_page(rows)))?;
    if !queues.is_empty() {
        text(&render(View::Columns(&QUEUE_COLUMNS), &json_page(queues)))?;
    }
    Ok(alarms.iter().try_for_each(|alarm| text(alarm))?)
}

const VIEW_COLUMNS: [&str; 8] =
    ["view", "state", "position", "head", "behind", "lag", "rebuild", "generation"];
const QUEUE_COLUMNS: [&str; 5] = ["of", "queue", "depth", "capacity", "refused"];

fn json_page(rows: Vec<Node>) -> Node {
    Node::Object(vec![("data".to_owned(), Node::List(rows))])
}

fn facts(status: &GatewayStatus) -> Node {
    let counts = &status.commands;
    let sync = &status.sync_us;
    let snapshot = &status.snapshots;
    Node::of(&json!({
        "book": status.book,
        "position": status.position,
        "commands": format!(
            "{} accepted, {} rejected, {} duplicates, {} busy, {} undecided",
            counts.accepted, counts.rejected, counts.duplicates, counts.busy, counts.undecided
        ),
        "commits": format!("{} a second, over the last minute", status.commits_per_second),
        "sync": format!("p50 {} µs, p99 {} µs over {} blocks", sync.p50, sync.p99, sync.count),
        "blocks": format!(
            "p50 {} commits, {} bytes", status.block_commits.p50, status.block_bytes.p50
        ),
        "billing_runs": status.billing_runs.len(),
        "customers": format!("{} parked, {} stuck", status.parked, status.stuck),
        "snapshot": format!("at {} of {} commits", snapshot.position, status.commits),
        "epoch": status.epoch,
        "uptime": shown_ms(status.uptime_ms),
        "taking_commands": status.running,
    }))
}

fn row_of_view(status: &ViewStatus) -> Node {
    let state: Cow<'_, str> = match (status.state, &status.reason) {
        (ViewState::Serving, _) => "serving".into(),
        (ViewState::Rebuilding, _) => "rebuilding".into(),
        (ViewState::Failed, reason) => {
            format!("failed: {}", reason.as_deref().unwrap_or_default()).into()
        }
    };
    let rebuild = status.rebuild.as_ref().map(|rebuild| {
        format!(
            "{} % of {} since {}",
            rebuild.percent,
            rebuild.target,
            shown_ms(rebuild.elapsed_ms)
        )
    });
    Node::of(&json!({
        "view": status.view,
        "state": state,
        "position": status.position.to_string(),
        "head": status.head.to_string(),
        "behind": status.lag_commits.to_string(),
        "lag": status.lag_ms.map(shown_ms),
        "rebuild": rebuild,
        "generation": status.generation.to_string(),
    }))
}

fn row_of_queue(of: &str, queue: &QueueStatus) -> Node {
    Node::of(&json!({
        "of": of,
        "queue": queue.name,
        "depth": queue.depth.to_string(),
        "capacity": queue.capacity.to_string(),
        "refused": queue.refused.to_string(),
    }))
}

/// A duration as people read it.
fn shown_ms(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_unit_that_fits() {
        let shown = [999, 1_000, 120_000, 7_200_000].map(shown_ms);
        assert_eq!(shown, ["999 ms", "1 s", "2 min", "2 h"]);
    }
}
