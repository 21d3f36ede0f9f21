//! Things of a customer in the order they came: those in memory, and where the others lie in the
//! log.

use core::num::NonZeroU64;

use schemas::event::EventAt;
use schemas::ids::CustomerId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::away::{Away, Missing, Piece, throw};
use crate::shared::{Map, Shared};

/// The commits that made something what it is, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Positions {
    One(u64),
    /// The second lies so many positions behind the first.
    Two(u64, u32),
    #[allow(clippy::box_collection, reason = "there are many, and most are one or two")]
    Many(Box<Vec<u64>>),
}

impl Positions {
    fn of(commits: &[u64]) -> Self {
        let many = || Self::Many(Box::new(commits.to_vec()));
        match commits {
            [one] => Self::One(*one),
            [one, two] => {
                u32::try_from(two - one).map_or_else(|_| many(), |behind| Self::Two(*one, behind))
            }
            [] | [_, _, _, ..] => many(),
        }
    }

    fn all(&self) -> Vec<u64> {
        match self {
            Self::One(one) => vec![*one],
            Self::Two(one, behind) => vec![*one, one + u64::from(*behind)],
            Self::Many(many) => many.to_vec(),
        }
    }
}

/// The positions of the commits that made something, kept while it is in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Commits(Vec<u64>);

impl Commits {
    /// Those of something that these commits made, in any order.
    pub(crate) fn of(made: impl Iterator<Item = EventAt>) -> Self {
        let mut commits: Vec<u64> = made.filter_map(position).collect();
        commits.sort_unstable();
        commits.dedup();
        Self(commits)
    }

    /// One of before made a part of it.
    pub(crate) fn insert(&mut self, made: EventAt) {
        if let Some(at) = position(made)
            && let Err(place) = self.0.binary_search(&at)
        {
            self.0.insert(place, at);
        }
    }

    /// One more changes it.
    pub(crate) fn add(&mut self, made: EventAt) {
        let at = position(made).filter(|at| self.0.last() != Some(at));
        self.0.extend(at);
    }
}

/// Where an event lies; none while it is only tried out.
fn position(made: EventAt) -> Option<u64> {
    made.position.map(NonZeroU64::get)
}

/// Something that leaves memory.
pub(crate) trait Shelved: Clone {
    /// What it is called, by its place.
    fn piece(place: u32) -> Piece;
    /// The commits that made it.
    fn commits(&mut self) -> &mut Commits;
    /// The same, to be read.
    fn made_by(&self) -> &Commits;
}

/// Things of a customer in the order they came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shelf<T: Clone> {
    /// Not stored: whoever has the shelf says it.
    #[serde(skip, default = "nobody")]
    customer: CustomerId,
    len: u32,
    here: Map<u32, Shared<T>>,
    away: Map<u32, Positions>,
}

pub(crate) fn nobody() -> CustomerId {
    CustomerId::new(Uuid::nil())
}

impl<T: Shelved> Shelf<T> {
    /// Says whose it is, of one that was stored.
    pub(crate) fn belongs_to(&mut self, customer: CustomerId) {
        self.customer = customer;
    }

    pub(crate) fn of(customer: CustomerId) -> Self {
        Self { customer, len: 0, here: Map::default(), away: Map::default() }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// What is at a place. Ends the decision if it is away.
    pub(crate) fn at(&self, place: u32) -> Option<&T> {
        if let Some(here) = self.here.get(place) {
            return Some(here);
        }
        self.need([place]);
        None
    }

    /// What is at a place, if it is in memory.
    pub(crate) fn if_here(&self, place: u32) -> Option<&T> {
        self.here.get(place).map(AsRef::as_ref)
    }

    /// Ends the decision if one of these is away.
    pub(crate) fn need(&self, places: impl IntoIterator<Item = u32>) {
        let pieces = self.missing(places);
        if !pieces.is_empty() {
            throw(Away { customer: self.customer, pieces });
        }
    }

    /// Those of these that are away, each once.
    pub(crate) fn missing(&self, places: impl IntoIterator<Item = u32>) -> Vec<Missing> {
        let away = places.into_iter().filter_map(|place| {
            let positions = self.away.get(place)?.all();
            Some(Missing { piece: T::piece(place), positions })
        });
        let mut pieces: Vec<Missing> = away.collect();
        pieces.sort_unstable();
        pieces.dedup();
        pieces
    }

    /// What is at a place, to be changed by a commit; none if it is away.
    pub(crate) fn at_mut(&mut self, place: u32, made: EventAt) -> Option<&mut T> {
        let found = Shared::make_mut(self.here.get_mut(place)?);
        found.commits().add(made);
        Some(found)
    }

    /// The next one.
    pub(crate) fn push(&mut self, one: T) -> u32 {
        let place = self.len;
        self.here.insert(place, Shared::new(one));
        self.len += 1;
        place
    }

    /// Those that are in memory, with their places.
    pub(crate) fn here(&self) -> impl DoubleEndedIterator<Item = (u32, &T)> {
        self.here.iter().map(|(place, one)| (place, one.as_ref()))
    }

    /// Those leave memory that may: their commits are durable and make them what they are.
    pub(crate) fn archive(&mut self, may: impl Fn(&T) -> bool) {
        let leaves = self.here().filter(|(_, one)| !one.made_by().0.is_empty() && may(one));
        let leaves: Vec<(u32, Positions)> =
            leaves.map(|(place, one)| (place, Positions::of(&one.made_by().0))).collect();
        for (place, positions) in leaves {
            self.here.remove(place);
            self.away.insert(place, positions);
        }
    }

    /// One comes back, unless it was changed since these commits were to be read.
    pub(crate) fn bring_back(&mut self, missing: &Missing, place: u32, one: T) {
        if self.away.get(place).is_some_and(|known| known.all() == missing.positions) {
            self.away.remove(place);
            self.here.insert(place, Shared::new(one));
        }
    }

    /// One that is folded again, on a shelf that has nothing else.
    pub(crate) fn put(&mut self, place: u32, one: T) {
        self.here.insert(place, Shared::new(one));
    }
}
