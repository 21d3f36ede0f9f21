//! The plan as a document.

use client::Node;
use schemas::ids::BatchId;
use schemas::inverse::{self, Inverse};
use schemas::{Event, event::CreditNoteIssued, event::InvoiceFinalized};

use super::history::{Entry, History};
use super::plan::{Plan, Planned, PlannedStep, Standing};

/// Rows are the chosen commits, the newest first, each with what takes it back.
pub(super) fn document(
    plan: &Plan,
    history: &History,
    batch: BatchId,
    token: Option<&str>,
) -> Node {
    let entries = history.targets().rev();
    let rows = entries.zip(&plan.commits).map(|(entry, planned)| row(entry, planned));
    Node::object([
        ("data", Node::List(rows.collect())),
        ("batch", Node::of(&batch)),
        ("token", Node::of(&token)),
    ])
}

fn row(entry: &Entry, planned: &Planned) -> Node {
    let remains = match inverse::of(entry.command.kind().name) {
        Some(Inverse::By { stays, .. }) if planned.stays.is_none() => *stays,
        Some(Inverse::By { .. } | Inverse::Nothing { .. }) | None => "",
    };
    Node::object([
        ("position", Node::of(&entry.position)),
        ("command", Node::of(&entry.command.kind().name)),
        ("stream", Node::of(&entry.stream)),
        ("actor", Node::of(&entry.actor)),
        ("recorded_at", Node::of(&entry.recorded_at)),
        ("undone_by", Node::List(planned.steps.iter().map(step).collect())),
        ("refused", Node::of(&planned.stays)),
        ("remains", Node::of(&Some(remains).filter(|remains| !remains.is_empty()))),
    ])
}

fn step(planned: &PlannedStep) -> Node {
    let PlannedStep { step, id, standing } = planned;
    let (state, position, events) = match standing {
        Standing::Done(position) => ("done", Some(*position), None),
        Standing::Planned { events, .. } => ("planned", None, Some(events)),
        Standing::Refused(_) => ("refused", None, None),
    };
    let events = events.map(|events| Node::List(events.iter().map(event).collect()));
    Node::object([
        ("command", Node::of(&step.command.kind().name)),
        ("command_id", Node::of(id)),
        ("body", Node::of(&step.command.to_json())),
        ("effective_at", Node::of(&step.effective_at)),
        ("state", Node::Text(state.to_owned())),
        ("position", Node::of(&position)),
        ("events", events.unwrap_or(Node::Null)),
    ])
}

/// An event; a document has no number before it is issued.
fn event(event: &Event) -> Node {
    let mut body = Node::of(&event.to_json());
    let numbered =
        event.get::<InvoiceFinalized>().is_some() || event.get::<CreditNoteIssued>().is_some();
    if numbered {
        body.set("number", Node::Null);
        body.set("sequence", Node::Null);
    }
    Node::object([("type", Node::of(&event.kind().name)), ("body", body)])
}
