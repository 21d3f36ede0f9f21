//! What the log says of the events that lines come from.

use std::collections::{BTreeMap, BTreeSet};

use schemas::event::{DiscountApplied, EventAt, SubscriptionEvent};
use schemas::ids::DiscountId;
use schemas::problem::Fault;
use schemas::record::DecodeError;
use schemas::view::{EventPlace, GivenDiscount};
use schemas::wire::LogPosition;
use schemas::{CommitView, Event, Problem};
use uuid::Uuid;

use crate::commits::Commits;

/// Events that were looked up.
pub(super) struct Facts {
    log: Uuid,
    found: BTreeMap<EventAt, Fact>,
}

struct Fact {
    place: EventPlace,
    /// The discount, where it gave one.
    gave: Option<DiscountApplied>,
}

impl Facts {
    /// Looks these events up.
    ///
    /// # Errors
    /// A [`Problem`] when the log cannot be read.
    pub(super) fn read(
        commits: &dyn Commits,
        log: Uuid,
        events: &BTreeSet<EventAt>,
    ) -> Result<Self, Problem> {
        let mut facts = Self { log, found: BTreeMap::new() };
        let mut failed = None;
        let positions = events.iter().map(|event| event.position(0)).collect();
        let read = commits.read(&positions, &mut |position, bytes| {
            if let Err(error) = facts.learn(position, bytes, events) {
                failed.get_or_insert((position, error));
            }
        });
        read.map_err(|error| {
            let detail = format!("the log behind the explanation cannot be read: {error}");
            let fault = if error.is_damage() { Fault::LogDamaged } else { Fault::Unavailable };
            Problem::fault(fault, detail)
        })?;
        match failed {
            None => Ok(facts),
            Some((position, error)) => {
                let detail = format!("commit {position} cannot be read: {error}; verify the log");
                Err(Problem::fault(Fault::Internal, detail))
            }
        }
    }

    fn learn(
        &mut self,
        position: u64,
        bytes: &[u8],
        events: &BTreeSet<EventAt>,
    ) -> Result<(), DecodeError> {
        let commit = CommitView::parse(bytes)?;
        for (index, record) in (0..).zip(commit.events()) {
            let at = EventAt::at(position, index);
            if !events.contains(&at) {
                continue;
            }
            let event = Event::decode(record?)?;
            let place = EventPlace {
                id: self.id(at),
                kind: event.kind().name.to_owned(),
                recorded_at: commit.recorded_at,
                effective_at: commit.effective_at,
            };
            self.found.insert(at, Fact { place, gave: gave(event) });
        }
        Ok(())
    }

    /// `<log>:<position>:<index>`, as in the feed.
    fn id(&self, event: EventAt) -> String {
        let position = LogPosition { log: self.log, position: event.position(0) };
        format!("{position}:{}", event.index)
    }

    fn fact(&self, event: EventAt) -> Result<&Fact, Problem> {
        self.found.get(&event).ok_or_else(|| self.missing("event", event))
    }

    fn missing(&self, what: &str, event: EventAt) -> Problem {
        let id = self.id(event);
        let detail = format!(
            "a line comes from the {what} {id}, which the log does not have; verify the log"
        );
        Problem::fault(Fault::Internal, detail)
    }

    /// Where an event lies.
    ///
    /// # Errors
    /// A [`Problem`] when the log does not have it.
    pub(super) fn place(&self, event: EventAt) -> Result<EventPlace, Problem> {
        Ok(self.fact(event)?.place.clone())
    }

    /// The discount as it was given; none where it is that of a ramp's phase.
    ///
    /// # Errors
    /// A [`Problem`] when the log does not have it.
    pub(super) fn given(
        &self,
        discount: DiscountId,
        event: EventAt,
    ) -> Result<Option<GivenDiscount>, Problem> {
        let Fact { place, gave } = self.fact(event)?;
        match gave {
            Some(applied) if applied.discount == discount => {
                Ok(Some(GivenDiscount { applied: applied.clone(), event: place.clone() }))
            }
            Some(_) => Err(self.missing("discount", event)),
            None => Ok(None),
        }
    }
}

fn gave(event: Event) -> Option<DiscountApplied> {
    if let Event::Subscription(SubscriptionEvent::DiscountApplied(applied)) = event {
        Some(applied)
    } else {
        None
    }
}
