//! What was billed of the cycles of a subscription's items, and of which of them all is billed.
//!
//! # Shape
//!
//! A cycle is **settled** once it has begun and a decision has found nothing to charge and nothing
//! to credit of it. That stays so until an event changes something from an instant that the cycle
//! reaches beyond, or touches one of its lines: then it is unsettled again. So a bill compares
//! what may have changed, and not all that there ever was.
//!
//! # Correctness
//!
//! Unsettling too much costs a comparison, unsettling too little costs money: every event of a
//! subscription unsettles what lies behind its first instant ([`crate::subscription::reach`]).
//! Tests compare all cycles after each command and hold the settled ones to it.

use schemas::Span;
use schemas::Timestamp;
use schemas::ids::SubscriptionId;
use serde::{Deserialize, Serialize};

use crate::shared::{List, Map, Shared};
use crate::subscription::item::Item;

/// A line by the place of its invoice among the customer's, from 0, and its number on it, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LineAt {
    pub(crate) invoice: u32,
    pub(crate) line: u32,
}

/// Lines of a cycle: most have one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Lines {
    #[default]
    None,
    One(LineAt),
    #[allow(clippy::box_collection, reason = "a cycle takes three words less without the box's")]
    Many(Box<Vec<LineAt>>),
}

/// What voids have left of a cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Voided {
    /// Time that was given up by voiding an invoice without billing again, also of cycles that
    /// this one was laid over.
    pub(crate) waived: Vec<Span>,
    /// Some of it is of an invoice of this very cycle.
    pub(crate) gave_up: bool,
    /// Time that was voided to be billed again.
    pub(crate) again: Vec<Span>,
    /// Time whose credit was voided to be looked at again.
    pub(crate) credited_again: Vec<Span>,
    /// Time that was voided to be billed again, and so is billed as it is agreed since.
    pub(crate) as_agreed: Vec<Span>,
}

/// What voids leave of most cycles.
static NOTHING: Voided = Voided {
    waived: Vec::new(),
    gave_up: false,
    again: Vec::new(),
    credited_again: Vec::new(),
    as_agreed: Vec::new(),
};

/// What was billed of one cycle of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CycleBill {
    pub(crate) start: Timestamp,
    lines: Lines,
    /// None of a cycle of which nothing was voided: there are many, for ever.
    voided: Option<Box<Voided>>,
}

impl CycleBill {
    /// That of a cycle that is opened with time that is given up already.
    pub(super) fn opened(start: Timestamp, waived: Vec<Span>) -> Self {
        let voided = (!waived.is_empty()).then(|| Box::new(Voided { waived, ..Voided::default() }));
        Self { start, lines: Lines::None, voided }
    }

    /// Live lines that charge time of it, in the order they were billed.
    pub(crate) fn lines(&self) -> &[LineAt] {
        match &self.lines {
            Lines::None => &[],
            Lines::One(one) => std::slice::from_ref(one),
            Lines::Many(many) => many,
        }
    }

    pub(super) fn add_line(&mut self, at: LineAt) {
        match &mut self.lines {
            Lines::None => self.lines = Lines::One(at),
            Lines::One(one) => self.lines = Lines::Many(Box::new(vec![*one, at])),
            Lines::Many(many) => many.push(at),
        }
    }

    pub(super) fn remove_line(&mut self, at: LineAt) {
        let left: Vec<LineAt> = self.lines().iter().copied().filter(|line| *line != at).collect();
        self.lines = match left.as_slice() {
            [] => Lines::None,
            [one] => Lines::One(*one),
            [_, _, ..] => Lines::Many(Box::new(left)),
        };
    }

    /// What voids have left of it.
    pub(crate) fn voided(&self) -> &Voided {
        self.voided.as_deref().unwrap_or(&NOTHING)
    }

    /// The same, to be changed; none where nothing was voided.
    pub(super) fn was_voided(&mut self) -> Option<&mut Voided> {
        self.voided.as_deref_mut()
    }

    /// The same, where something is voided.
    pub(super) fn is_voided(&mut self) -> &mut Voided {
        self.voided.get_or_insert_default()
    }

    /// Nothing of it was billed or given up.
    pub(crate) fn untouched(&self) -> bool {
        // What was given up may have come back since.
        let voided = self.voided();
        self.lines().is_empty() && (!voided.gave_up || voided.waived.is_empty())
    }

    /// Something of it was voided to be billed again.
    pub(crate) fn bills_again(&self) -> bool {
        !self.voided().again.is_empty() || !self.voided().credited_again.is_empty()
    }
}

/// What was billed of the cycles of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ItemBills {
    bills: List<CycleBill>,
    /// Cycles that may have something to be billed, in order.
    unsettled: Vec<u32>,
    /// Cycles that a change has cut, in order: they reach beyond their ends.
    cut: Vec<u32>,
}

/// What was billed of each cycle: by subscription, by item, by cycle.
pub(crate) type Cycles = Map<SubscriptionId, Shared<Vec<ItemBills>>>;

impl ItemBills {
    pub(crate) fn bills(&self) -> &List<CycleBill> {
        &self.bills
    }

    pub(crate) fn unsettled(&self) -> &[u32] {
        &self.unsettled
    }

    pub(crate) fn cut_cycles(&self) -> &[u32] {
        &self.cut
    }

    pub(super) fn bills_mut(&mut self) -> &mut List<CycleBill> {
        &mut self.bills
    }

    /// A cycle was opened.
    pub(super) fn open(&mut self, bill: CycleBill) {
        let cycle = u32::try_from(self.bills.len()).unwrap_or(u32::MAX);
        self.bills.push(bill);
        add(&mut self.unsettled, cycle);
    }

    /// Only the first cycles were opened.
    pub(super) fn truncate(&mut self, len: usize) {
        self.bills.truncate(len);
        let is_there = |cycle: &u32| usize::try_from(*cycle).is_ok_and(|cycle| cycle < len);
        self.unsettled.retain(is_there);
        self.cut.retain(is_there);
    }

    /// A cycle was cut.
    pub(super) fn cut(&mut self, cycle: u32) {
        add(&mut self.cut, cycle);
        self.unsettle(cycle);
    }

    /// Something of a cycle changes.
    pub(super) fn unsettle(&mut self, cycle: u32) {
        add(&mut self.unsettled, cycle);
    }

    /// All of a cycle is billed.
    pub(super) fn settle(&mut self, cycle: u32) {
        if let Ok(at) = self.unsettled.binary_search(&cycle) {
            self.unsettled.remove(at);
        }
    }

    /// Cycles that reach beyond an instant and are settled.
    pub(super) fn settled_beyond(&self, item: &Item, from: Timestamp) -> Vec<u32> {
        let reaches = |cycle: &u32| item.cycle(*cycle).is_some_and(|of| from < of.full.end());
        let is_cut = |cycle: &u32| self.cut.binary_search(cycle).is_ok();
        let last = u32::try_from(self.bills.len()).unwrap_or(u32::MAX);
        // Behind one that was not cut lies none that was not and reaches further.
        let whole = (0..last).rev().filter(|cycle| !is_cut(cycle)).take_while(reaches);
        let mut found: Vec<u32> = self.cut.iter().copied().filter(reaches).chain(whole).collect();
        found.retain(|cycle| self.unsettled.binary_search(cycle).is_err());
        found
    }
}

fn add(cycles: &mut Vec<u32>, cycle: u32) {
    if let Err(at) = cycles.binary_search(&cycle) {
        cycles.insert(at, cycle);
    }
}
