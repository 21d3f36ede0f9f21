//! How an item's cycles are stored: each by what of it does not follow from the one before.
//!
//! There are many, for ever, and most begin where the last one ends, are whole, and were opened
//! when no other change had been scheduled.

use schemas::event::EventAt;
use schemas::{Span, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Cycle;
use crate::shared::List;

const SECOND: i64 = 1_000_000;

/// A length of time; most are whole seconds.
#[derive(Serialize, Deserialize)]
enum Length {
    Seconds(i64),
    Micros(i64),
}

impl Length {
    fn between(from: Timestamp, to: Timestamp) -> Self {
        let micros = to.micros() - from.micros();
        if micros % SECOND == 0 { Self::Seconds(micros / SECOND) } else { Self::Micros(micros) }
    }

    fn behind(self, from: Timestamp) -> Option<Timestamp> {
        let micros = match self {
            Self::Seconds(seconds) => seconds.checked_mul(SECOND)?,
            Self::Micros(micros) => micros,
        };
        Timestamp::from_micros(from.micros().checked_add(micros)?)
    }
}

/// A cycle, as far as it does not follow from the one before.
#[derive(Serialize, Deserialize)]
struct Row {
    index: Option<u32>,
    start: Option<Timestamp>,
    length: Length,
    /// None of one that is whole.
    full: Option<Span>,
    /// So many positions behind the one before.
    made: Result<u32, EventAt>,
    event: u32,
    after: Option<u32>,
}

impl Row {
    fn of(cycle: &Cycle, before: Option<&Cycle>) -> Self {
        let Cycle { index, start, end, full, made, after } = *cycle;
        let behind = || {
            let (before, here) = (before?.made.position?, made.position?);
            u32::try_from(here.get().checked_sub(before.get())?).ok()
        };
        Self {
            index: (before.map_or(0, |before| before.index + 1) != index).then_some(index),
            start: (before.map(|before| before.end) != Some(start)).then_some(start),
            length: Length::between(start, end),
            full: (Span::new(start, end) != Some(full)).then_some(full),
            made: behind().ok_or(made),
            event: made.index,
            after: (before.map_or(0, |before| before.after) != after).then_some(after),
        }
    }

    fn behind(self, before: Option<&Cycle>) -> Option<Cycle> {
        let Self { index, start, length, full, made, event, after } = self;
        let index = match (index, before) {
            (Some(index), _) => index,
            (None, Some(before)) => before.index.checked_add(1)?,
            (None, None) => 0,
        };
        let start = start.or_else(|| before.map(|before| before.end))?;
        let end = length.behind(start)?;
        let made = match made {
            Ok(behind) => {
                let position = before?.made.position?.checked_add(u64::from(behind))?;
                EventAt { position: Some(position), index: event }
            }
            Err(made) => made,
        };
        let full = full.or_else(|| Span::new(start, end))?;
        let after = after.unwrap_or_else(|| before.map_or(0, |before| before.after));
        Some(Cycle { index, start, end, full, made, after })
    }
}

pub(super) fn serialize<S: Serializer>(
    cycles: &List<Cycle>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut before = None;
    let rows = cycles.iter().map(|cycle| Row::of(cycle, before.replace(cycle)));
    rows.collect::<Vec<Row>>().serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<List<Cycle>, D::Error> {
    let mut cycles = List::default();
    let mut before: Option<Cycle> = None;
    for row in Vec::<Row>::deserialize(deserializer)? {
        let cycle = row.behind(before.as_ref());
        let cycle = cycle.ok_or_else(|| de::Error::custom("a cycle does not follow"))?;
        cycles.push(cycle);
        before = Some(cycle);
    }
    Ok(cycles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Held(#[serde(with = "super")] List<Cycle>);

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).expect("a time")
    }

    fn cycle(index: u32, start: i64, end: i64, position: u64) -> Cycle {
        let full = Span::new(at(start), at(end.max(start + 1))).expect("a time");
        let made = EventAt::at(position, 3);
        Cycle { index, start: at(start), end: at(end), full, made, after: 0 }
    }

    #[test]
    fn cycles_come_back_as_they_were_wherever_they_lie() {
        let day = 86_400 * SECOND;
        let mut all = vec![cycle(0, 5, 5 + day, 7), cycle(1, 5 + day, 5 + 2 * day, 7)];
        // Cut, cut away whole, behind a gap, of no whole second, out of order, tried out.
        let cut = cycle(2, 5 + 2 * day, 5 + 3 * day, 90);
        all.push(Cycle { end: at(9 + 2 * day), after: 4, ..cut });
        all.push(cycle(3, 9 + 2 * day, 9 + 2 * day, 91));
        all.push(cycle(9, 40 * day, 41 * day + 1, u64::MAX));
        all.push(cycle(4, 3 * day, 4 * day, 2));
        all.push(Cycle { made: EventAt::here(8), ..cycle(5, 4 * day, 5 * day, 1) });
        let mut cycles = List::default();
        for cycle in all {
            cycles.push(cycle);
        }
        let bytes = postcard::to_allocvec(&Held(cycles.clone())).expect("encodes");
        assert_eq!(postcard::from_bytes::<Held>(&bytes), Ok(Held(cycles)));
    }

    #[test]
    fn a_cycle_that_follows_takes_a_few_bytes() {
        let week = 7 * 86_400 * SECOND;
        let list = |count: i64| {
            let mut cycles = List::default();
            for n in 0..count {
                let position = u64::try_from(n * 1_000 + 1_000_000).expect("a position");
                let index = u32::try_from(n).expect("few");
                cycles.push(cycle(index, n * week, (n + 1) * week, position));
            }
            postcard::to_allocvec(&Held(cycles)).expect("encodes").len()
        };
        assert_eq!(list(60) - list(59), 12);
    }
}
