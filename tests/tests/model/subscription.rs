//! A subscription: what was agreed, and what will be.
//!
//! # Shape
//!
//! Facts that commands made, and nothing that follows from them: items with their timelines,
//! the trial, pauses, the contract term, what is scheduled, the end. Where it stands at an
//! instant is worked out when somebody asks.

use std::collections::BTreeMap;

use schemas::command::ChangeSubscription;
use schemas::ids::{ChargeId, CustomerId, PlanId, SubscriptionId};
use schemas::terms::{CancelCredit, ChangeTime, EndReason, Every, Renewal, Settle};
use schemas::text::Code;

use crate::calendar::{CycleId, steps_later};
use crate::civil::{Clock, Instant, Stretch};
use crate::giving_way::BilledAhead;
use crate::item::Item;
use crate::rules::Rules;
use crate::stretches::both;

/// What will happen at a time.
#[derive(Debug, Clone)]
pub(crate) enum Later {
    /// A change of plan, items or anchor.
    Change(Box<ChangeSubscription>),
    Cancel(Leaving),
    Pause(Settle),
    Resume(Settle),
}

/// What a cancellation says beside its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaving {
    pub(crate) credit: CancelCredit,
    /// An early end costs nothing.
    pub(crate) waived: bool,
}

/// When it will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum At {
    Time(Instant),
    /// Once nothing is open that has a line of the subscription.
    Paid,
}

/// An item that there was when a change was told, and what it was to be called at its time.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) place: usize,
    pub(crate) plan: PlanId,
    pub(crate) name: Code,
}

#[derive(Debug, Clone)]
pub(crate) struct Scheduled {
    pub(crate) number: u32,
    pub(crate) at: At,
    pub(crate) what: Later,
    /// It waits for the end of the cycle, wherever that is.
    pub(crate) at_cycle_end: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Pause {
    pub(crate) from: Instant,
    pub(crate) until: Option<Instant>,
    /// What was billed of it stays.
    pub(crate) kept: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) at: Instant,
    pub(crate) credit: CancelCredit,
    pub(crate) reason: EndReason,
    /// Cycles that began up to here had begun when the end was told.
    pub(crate) begun: Instant,
    /// What the cancellation withdrew, to be restored if it is undone.
    pub(crate) withdrawn: Vec<Scheduled>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Term {
    pub(crate) end: Instant,
    /// When the subscription ends with it or with the one that follows, if it is not renewed.
    pub(crate) last: Option<Instant>,
    pub(crate) length: Every,
    pub(crate) renewal: Renewal,
    /// As it was told, before any of it was over.
    pub(crate) told: Renewal,
    /// What an end with it gives back: as a cancellation that does not say.
    pub(crate) credit: CancelCredit,
    /// Where the first one began, and which one this is: ends are counted from there.
    pub(crate) origin: Instant,
    pub(crate) nth: i64,
}

impl Term {
    pub(crate) fn new(
        clock: &Clock,
        (origin, nth): (Instant, i64),
        length: Every,
        (renewal, credit): (Renewal, CancelCredit),
    ) -> Self {
        let (day, time) = (clock.day(origin), clock.time_if(origin));
        let bound = |n: i64| clock.at(steps_later(day, length, n, None), time);
        let last = match renewal {
            Renewal::Cancel => Some(bound(nth + 1)),
            Renewal::RenewOnce => Some(bound(nth + 2)),
            Renewal::Renew | Renewal::Evergreen => None,
        };
        Self { end: bound(nth + 1), last, length, renewal, told: renewal, credit, origin, nth }
    }

    /// The same term, with another word on what follows it.
    pub(crate) fn renewed_by(self, clock: &Clock, renewal: Renewal) -> Self {
        Self::new(clock, (self.origin, self.nth), self.length, (renewal, self.credit))
    }
}

/// So long it is agreed at least.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Least {
    pub(crate) end: Instant,
    pub(crate) length: Every,
    /// What an earlier end costs; none where there can be no earlier end.
    pub(crate) fee: Option<i128>,
}

impl Least {
    pub(crate) fn new(clock: &Clock, start: Instant, length: Every, fee: Option<i128>) -> Self {
        let (day, time) = (clock.day(start), clock.time_if(start));
        Self { end: clock.at(steps_later(day, length, 1, None), time), length, fee }
    }
}

/// Waits for its first payment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    pub(crate) hours: i64,
    /// So much may be missing of the payment.
    pub(crate) tolerance: i128,
    /// When its first invoice above zero was made, and its place.
    pub(crate) asked: Option<(Instant, usize)>,
    pub(crate) passed: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) start: Instant,
    pub(crate) items: Vec<Item>,
    pub(crate) trial_end: Option<Instant>,
    pub(crate) gate: Option<Gate>,
    pub(crate) pauses: Vec<Pause>,
    pub(crate) term: Option<Term>,
    pub(crate) least: Option<Least>,
    /// An early end has come, and its fee is no charge yet.
    pub(crate) owes_fee: Option<i128>,
    /// Its fees for early ends, withdrawn or not.
    pub(crate) fees: Vec<ChargeId>,
    pub(crate) scheduled: Vec<Scheduled>,
    /// What a scheduled end put aside, because it lies beyond it.
    pub(crate) set_aside: Vec<Scheduled>,
    /// How many changes were scheduled in its life.
    pub(crate) numbers: u32,
    /// The items that there were when a change was scheduled, by its number, and what they were to
    /// be called at its time.
    pub(crate) meant: BTreeMap<u32, Vec<Named>>,
    /// What was billed ahead with changes that gave way to one without proration, by its number;
    /// 0 is the change of the present.
    pub(crate) stays: BTreeMap<u32, Vec<BilledAhead>>,
    /// The command that scheduled a change, by its number.
    pub(crate) told_by: BTreeMap<u32, u64>,
    pub(crate) end: Option<End>,
    pub(crate) beneficiary: Option<CustomerId>,
    /// It is what a quote offered.
    pub(crate) quoted: bool,
    /// Where it asked that cycles begin.
    pub(crate) anchor: Option<schemas::terms::Anchor>,
    /// What something that happened by itself changed is to be billed by the next run.
    pub(crate) owes_a_bill: bool,
    /// Time of items and their cycles that was voided to be billed again.
    pub(crate) again: Vec<(usize, CycleId, Stretch)>,
    /// Time whose credit was voided to be looked at again.
    pub(crate) credited_again: Vec<(usize, CycleId, Stretch)>,
    /// Time that was voided to be billed again, and so is billed as it is agreed since.
    pub(crate) as_agreed: Vec<(usize, CycleId, Stretch)>,
}

/// Where a subscription is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Pending,
    Trialing,
    Active,
    Paused,
    Canceled,
    Expired,
}

impl Subscription {
    /// Where cycles are counted from: the start, or the end of the trial.
    pub(crate) fn origin(&self, rules: &Rules) -> Instant {
        match rules.of.trial_anchor {
            schemas::terms::TrialAnchor::TrialEnd => self.trial_end.unwrap_or(self.start),
            schemas::terms::TrialAnchor::SubscriptionStart => self.start,
        }
    }

    /// Its end, where one is known: it ended, is to be canceled, or its term is not renewed.
    pub(crate) fn known_end(&self) -> Option<(Instant, CancelCredit)> {
        if let Some(end) = &self.end {
            return Some((end.at, end.credit));
        }
        let canceled = self.scheduled.iter().filter_map(|scheduled| match scheduled {
            Scheduled { at: At::Time(at), what: Later::Cancel(leaving), .. } => {
                Some((*at, leaving.credit))
            }
            Scheduled { .. } => None,
        });
        let term = self.term.and_then(|term| Some((term.last?, term.credit)));
        canceled.chain(term).min_by_key(|(at, _)| *at)
    }

    /// Whether an end at an instant is before the least term is over.
    pub(crate) fn is_early(&self, at: Instant) -> Option<Least> {
        self.least.filter(|least| at < least.end)
    }

    /// Whether a cycle that starts at an instant begins before the known end.
    pub(crate) fn begins(&self, start: Instant) -> bool {
        let known = self.known_end().is_none_or(|(end, _)| start < end);
        known || self.end.as_ref().is_some_and(|end| start <= end.begun)
    }

    /// Whether time of a cycle was voided to be billed again.
    pub(crate) fn bills_again(&self, item: usize, id: CycleId, time: Stretch) -> bool {
        let all = self.again.iter().chain(&self.credited_again);
        let of = all.filter(|(of, cycle, _)| (*of, *cycle) == (item, id));
        of.into_iter().any(|(_, _, again)| !both(&[*again], &[time]).is_empty())
    }

    /// Where it is at an instant, if it does (or does not) wait for its first payment.
    pub(crate) fn place(&self, at: Instant, waits: bool) -> Place {
        match &self.end {
            // What ended before it began is over at once.
            Some(end) if end.at <= at || end.at <= self.start => {
                return match end.reason {
                    EndReason::Canceled => Place::Canceled,
                    EndReason::TermEnded | EndReason::NotPaid => Place::Expired,
                };
            }
            Some(_) | None => {}
        }
        if waits || at < self.start {
            Place::Pending
        } else if self.paused_at(at).is_some() {
            Place::Paused
        } else if self.trial_end.is_some_and(|end| at < end) {
            Place::Trialing
        } else {
            Place::Active
        }
    }

    /// It waits for its first payment: an invoice asks for one.
    pub(crate) fn waits(&self) -> bool {
        self.gate.is_some_and(|gate| !gate.passed && gate.asked.is_some())
    }

    pub(crate) fn paused_at(&self, at: Instant) -> Option<&Pause> {
        self.pauses
            .iter()
            .find(|pause| pause.from <= at && pause.until.is_none_or(|until| at < until))
    }

    /// Pauses with what is scheduled: those that will be, and when each will be over.
    pub(crate) fn known_pauses(&self) -> Vec<Pause> {
        let times = |wanted: fn(&Later) -> bool| {
            self.scheduled.iter().filter(move |known| wanted(&known.what)).filter_map(|known| {
                match known.at {
                    At::Time(at) => Some(at),
                    At::Paid => None,
                }
            })
        };
        let over: Vec<Instant> = times(|what| matches!(what, Later::Resume(_))).collect();
        let will = times(|what| matches!(what, Later::Pause(_)));
        let will = will.map(|from| Pause { from, until: None, kept: false });
        let mut all: Vec<Pause> = self.pauses.iter().copied().chain(will).collect();
        for pause in &mut all {
            let next = over.iter().copied().filter(|at| pause.from < *at).min();
            pause.until = pause.until.or(next);
        }
        all
    }

    /// Time without service.
    pub(crate) fn paused_time(&self) -> Vec<Stretch> {
        self.pauses.iter().map(|p| (p.from, p.until.unwrap_or(Instant::MAX))).collect()
    }

    pub(crate) fn schedule(&mut self, at: At, what: Later) {
        self.numbers += 1;
        self.scheduled.push(Scheduled { number: self.numbers, at, what, at_cycle_end: false });
    }

    /// It was scheduled last, for the end of the cycle.
    pub(crate) fn follows_the_cycle(&mut self, told: ChangeTime) {
        if let (ChangeTime::CycleEnd, Some(last)) = (told, self.scheduled.last_mut()) {
            last.at_cycle_end = true;
        }
    }

    /// The end of the cycle, as a command at an instant means it: who leaves during a trial leaves
    /// when it is over.
    pub(crate) fn told_end(&self, rules: &Rules, clock: &Clock, at: Instant) -> Option<Instant> {
        match self.trial_end {
            Some(end) if at < end && self.origin(rules) == end => Some(end),
            Some(_) | None => self.cycle_end(rules, clock, at),
        }
    }

    /// Cycles were laid anew at an instant: what waited for the end of the old one waits for the
    /// end of the new one.
    pub(crate) fn cycles_moved(
        &mut self,
        rules: &Rules,
        clock: &Clock,
        (old, at): (Option<Instant>, Instant),
    ) {
        let Some(end) = self.told_end(rules, clock, at) else { return };
        let old = old.map(At::Time);
        let mut moved = false;
        // Also what a scheduled end put aside.
        for known in self.scheduled.iter_mut().chain(&mut self.set_aside) {
            if known.at_cycle_end && Some(known.at) == old {
                (known.at, moved) = (At::Time(end), true);
            }
        }
        if moved {
            self.put_aside();
        }
    }

    /// What lies beyond a scheduled end is put aside, and nothing else.
    fn put_aside(&mut self) {
        let ends = |known: &Scheduled| matches!(known.what, Later::Cancel(_));
        let end = self.scheduled.iter().find(|known| ends(known)).map(|known| known.at);
        let beyond = |known: &Scheduled| match (end, known.at) {
            (Some(At::Time(end)), At::Time(at)) => !ends(known) && end <= at,
            (Some(At::Time(_) | At::Paid) | None, _) => false,
        };
        let mut all = std::mem::take(&mut self.scheduled);
        all.append(&mut self.set_aside);
        all.sort_by_key(|known| known.number);
        (self.set_aside, self.scheduled) = all.into_iter().partition(beyond);
    }

    /// The instant at which cycles were laid anew last, if some were there before.
    pub(crate) fn laid_anew(&self) -> Option<Instant> {
        let anew = |item: &Item| {
            let last = item.last_calendar().from;
            item.calendars.iter().any(|calendar| calendar.from < last).then_some(last)
        };
        self.items.iter().filter_map(anew).max()
    }

    /// Live items that are the plan's own, with their places.
    pub(crate) fn plan_items(&self, at: Instant) -> Vec<usize> {
        (0..self.items.len())
            .filter(|place| !self.items[*place].add_on && self.items[*place].lives_at(at))
            .collect()
    }

    /// The place of the live item that has a price.
    /// What the items are called at an instant.
    pub(crate) fn names_at(&self, at: Instant) -> Vec<Named> {
        let items = self.items.iter().enumerate();
        let named = items.map(|(place, item)| {
            let terms = item.terms_at(at)?;
            Some(Named { place, plan: terms.plan, name: terms.price.clone() })
        });
        named.flatten().collect()
    }

    /// What an item is called by a change that was told when it was called so, unless it went to
    /// another plan.
    pub(crate) fn name_of(&self, (place, at): (usize, Instant), told: &[Named]) -> Option<Code> {
        let now = self.items[place].terms_at(at)?;
        let then = told.iter().find(|named| named.place == place && named.plan == now.plan);
        Some(then.map_or(&now.price, |named| &named.name).clone())
    }

    pub(crate) fn item_of(&self, price: &schemas::text::Code, at: Instant) -> Option<usize> {
        let has = |item: &Item| item.terms_at(at).is_some_and(|terms| terms.price == *price);
        self.items.iter().position(has)
    }

    /// The end of the cycle that an instant lies in: that of the plan's first item.
    pub(crate) fn cycle_end(&self, rules: &Rules, clock: &Clock, at: Instant) -> Option<Instant> {
        let at = at.max(self.first_cycle_start());
        let living = || self.items.iter().filter(|item| item.lives_at(at));
        let first = living().find(|item| !item.add_on).or_else(|| living().next())?;
        first.cycle_at(rules, clock, at).map(|cycle| cycle.end)
    }

    fn first_cycle_start(&self) -> Instant {
        self.items.first().map_or(self.start, Item::first_start)
    }
}
