//! A commit, what was before it, and the commands that take it back.

use std::borrow::Cow;

use schemas::command::{ApplyCredit, IssueCreditNote, ReleaseCredit, VoidInvoice, WithdrawChange};
use schemas::ids::{CommandId, SubscriptionId, derive};
use schemas::inverse::{self, Inverse};
use schemas::record::Member;
use schemas::{Command, Event, Rejection, Timestamp};
use uuid::Uuid;

use crate::ledger::Ledger;

/// A commit, as far as taking it back asks.
#[derive(Debug, Clone, Copy)]
pub struct Done<'a> {
    /// The idempotency key.
    pub command_id: CommandId,
    /// When it takes effect.
    pub effective_at: Timestamp,
    /// What was asked.
    pub command: &'a Command,
    /// What was decided.
    pub events: &'a [Event],
}

impl<'a> Done<'a> {
    /// What was decided of this kind, in order.
    pub(super) fn decided<E: Member<Event> + 'a>(&self) -> impl DoubleEndedIterator<Item = &'a E> {
        self.events.iter().filter_map(Event::get)
    }
}

/// What was before a commit.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// The state.
    pub ledger: &'a Ledger,
    /// Earlier commits of its stream, oldest first.
    pub commits: &'a [Done<'a>],
}

impl<'a> Past<'a> {
    /// The last earlier commit of which something can be said, and what.
    pub(super) fn last<T>(&self, find: impl Fn(&Done<'a>) -> Option<T>) -> Option<T> {
        self.commits.iter().rev().find_map(find)
    }

    /// What was asked last of this kind that is `meant`.
    pub(super) fn asked<C: Member<Command> + 'a>(
        &self,
        meant: impl Fn(&C) -> bool,
    ) -> Option<&'a C> {
        self.last(|commit| commit.command.get::<C>().filter(|found| meant(found)))
    }

    /// What was decided last of this kind that is `meant`.
    pub(super) fn decided<E: Member<Event> + 'a>(
        &self,
        meant: impl Fn(&E) -> bool,
    ) -> Option<&'a E> {
        self.last(|commit| commit.decided::<E>().find(|found| meant(found)))
    }
}

/// A command that takes something back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Tells it from the other steps of the same commit.
    pub name: String,
    /// What is asked.
    pub command: Command,
    /// When it takes effect; the present if none.
    pub effective_at: Option<Timestamp>,
    /// The subscription that it ends as if it had never been: its setup fees are credited, too.
    pub(super) unmakes: Option<SubscriptionId>,
}

impl Step {
    pub(super) fn of(command: impl Into<Command>) -> Self {
        let command = command.into();
        let name = command.kind().name.to_owned();
        Self { name, command, effective_at: None, unmakes: None }
    }

    pub(super) fn since(self, effective_at: Timestamp) -> Self {
        Self { effective_at: Some(effective_at), ..self }
    }

    pub(super) fn unmaking(self, subscription: SubscriptionId) -> Self {
        Self { unmakes: Some(subscription), ..self }
    }

    /// Of several steps with one command, the one about what its command is about.
    pub(super) fn apart(self) -> Self {
        let what = about(&self.command).expect("of this command a commit can have several steps");
        Self { name: format!("{} {what}", self.name), ..self }
    }

    /// The id that it is sent with: of the same commit it is always the same.
    pub fn id(&self, undone: CommandId) -> CommandId {
        of_step(undone, &self.name)
    }
}

/// Whether a commit is one of the steps that take another back, by its id.
pub fn takes_back(id: CommandId, command: &Command, undone: CommandId) -> bool {
    let kind = command.kind().name;
    let about = about(command).map(|what| format!("{kind} {what}"));
    let named = |name: &str| of_step(undone, name) == id;
    named(kind) || about.is_some_and(|name| named(&name))
}

/// What tells steps with this command apart, where a commit can have several.
fn about(command: &Command) -> Option<String> {
    let invoice = command.get::<VoidInvoice>().map(|void| void.invoice);
    let invoice = invoice.or(command.get::<IssueCreditNote>().map(|note| note.invoice));
    let invoice = invoice.or(command.get::<ReleaseCredit>().map(|release| release.invoice));
    let invoice = invoice.or(command.get::<ApplyCredit>().map(|apply| apply.invoice));
    let change = command.get::<WithdrawChange>().map(|withdraw| withdraw.change.to_string());
    invoice.map(|invoice| invoice.to_string()).or(change)
}

fn of_step(undone: CommandId, name: &str) -> CommandId {
    CommandId::new(derive(undone.uuid(), &format!("undo {name}")))
}

/// Why a commit cannot be taken back, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Stays(Cow<'static, str>);

impl Stays {
    pub(super) const fn because(why: &'static str) -> Self {
        Self(Cow::Borrowed(why))
    }

    /// As the table says of its command.
    pub(super) fn told(command: &Command) -> Self {
        match inverse::of(command.kind().name) {
            Some(Inverse::Nothing { why, instead }) => Self(format!("{why}; {instead}").into()),
            Some(Inverse::By { .. }) | None => Self::because("it did nothing of its own"),
        }
    }
}

impl From<Rejection> for Stays {
    fn from(rejection: Rejection) -> Self {
        Self(rejection.to_string().into())
    }
}

/// The id of what takes the place of something that a commit ended.
pub(super) fn in_its_place(done: &Done<'_>) -> Uuid {
    derive(done.command_id.uuid(), "in its place")
}
