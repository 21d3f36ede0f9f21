//! What is told of an item: from an instant on, and for later.

use schemas::Timestamp;
use schemas::decimal::Decimal;
use schemas::event::{EventAt, ItemChange, ItemTerms, TermsChange};
use schemas::text::Code;

use super::Item;
use crate::subscription::steps::{Said, Word, put_step};

impl Item {
    /// Folds in terms and quantity from an instant on, and other cycles.
    pub(crate) fn put(&mut self, from: Timestamp, change: &ItemChange, by: Word, made: EventAt) {
        match &change.terms {
            TermsChange::Keep => {}
            TermsChange::Set(terms) => self.put_terms(from, Some((**terms).clone()), by),
            TermsChange::Remove => self.put_terms(from, None, by),
        }
        if let Some(quantity) = change.quantity {
            // Also with a change of plan it is a command that says how many.
            let by = if by == Word::Plan { Word::Own } else { by };
            put_step(&mut self.quantities, from, Said { what: quantity, by });
            if by == Word::Own {
                self.holds_on_after_ramp(from);
            }
        }
        if let Some(calendar) = change.calendar {
            let next = self.next_cycle();
            // What was left alone is of cycles that end here.
            self.frozen.iter_mut().for_each(|frozen| frozen.before = frozen.before.min(next));
            self.calendar = calendar;
            self.calendar_cycle = next;
        }
        put_step(&mut self.origins, from, made);
    }

    fn put_terms(&mut self, from: Timestamp, what: Option<ItemTerms>, by: Word) {
        put_step(&mut self.terms, from, Said { what, by });
    }

    /// What a command said last of the quantity holds again where the ramp ends.
    fn holds_on_after_ramp(&mut self, from: Timestamp) {
        let end = |(at, said): &(Timestamp, Said<Decimal>)| from < *at && said.by == Word::RampEnd;
        let Some(end) = self.quantities.iter().position(end) else { return };
        let told = self.quantities[..end].iter().rev().find(|(_, said)| said.by == Word::Own);
        if let Some(quantity) = told.map(|(_, said)| said.what) {
            self.quantities[end].1.what = quantity;
        }
    }

    /// What holds later, and who said so.
    pub(crate) fn later_terms(
        &self,
        at: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, Option<&ItemTerms>, Word)> {
        let first = self.terms.partition_point(|(from, _)| *from <= at);
        self.terms[first..].iter().map(|(from, said)| (*from, said.what.as_ref(), said.by))
    }

    /// The ids that its price has had up to an instant, the last first: migrations of its plan may
    /// have given it others. Another plan that has no price of the same id is another agreement.
    pub(crate) fn called(&self, at: Timestamp) -> Vec<&Code> {
        let known = self.terms.partition_point(|(from, _)| *from <= at);
        let mut found: Vec<&Code> = Vec::new();
        let mut anew = false;
        for (_, said) in self.terms[..known].iter().rev() {
            let Some(terms) = &said.what else { break };
            let same = found.last() == Some(&&terms.price);
            if anew && !same {
                break;
            }
            if !same {
                found.push(&terms.price);
            }
            anew = said.by == Word::Plan;
        }
        found
    }

    /// Whether a migration says what holds from an instant on.
    pub(crate) fn migrates_at(&self, at: Timestamp) -> bool {
        let found = self.terms.binary_search_by_key(&at, |(from, _)| *from);
        found.is_ok_and(|found| self.terms[found].1.by == Word::Migration)
    }

    /// Other terms hold later, in the place of those that did; the instants at which a migration
    /// is undone by that.
    pub(crate) fn restate(
        &mut self,
        at: Timestamp,
        later: &[(Timestamp, Option<Box<ItemTerms>>)],
        migrates: impl Fn(Timestamp) -> bool,
        made: EventAt,
    ) -> Vec<Timestamp> {
        let first = self.terms.partition_point(|(from, _)| *from <= at);
        let gone = self.terms.split_off(first);
        for (from, terms) in later {
            let known = gone.iter().find(|(known, _)| known == from);
            // What goes along with the plan does so as that does.
            let along = match terms {
                None if self.add_on => Word::Own,
                Some(_) | None if migrates(*from) => Word::Migration,
                Some(_) | None => Word::Plan,
            };
            let by = known.map_or(along, |(_, said)| said.by);
            let what = terms.as_deref().cloned();
            if known.is_none_or(|(_, said)| said.what != what) {
                put_step(&mut self.origins, *from, made);
            }
            self.put_terms(*from, what, by);
        }
        self.forget_origins(at);
        let stays = |from: Timestamp| later.iter().any(|(known, _)| *known == from);
        let undone = gone.into_iter().filter(|(_, said)| said.by == Word::Migration);
        undone.map(|(from, _)| from).filter(|from| !stays(*from)).collect()
    }

    /// Where nothing begins, no event is named for it.
    fn forget_origins(&mut self, at: Timestamp) {
        let (terms, quantities) = (&self.terms, &self.quantities);
        self.origins.retain(|(from, _)| {
            *from <= at
                || terms.binary_search_by_key(from, |(known, _)| *known).is_ok()
                || quantities.binary_search_by_key(from, |(known, _)| *known).is_ok()
        });
    }

    /// What a ramp says for later holds no more.
    pub(crate) fn forget_ramp(&mut self, from: Timestamp) {
        self.terms.retain(|(at, said)| *at <= from || !said.by.is_of_ramp());
        self.quantities.retain(|(at, said)| *at <= from || !said.by.is_of_ramp());
        self.forget_origins(from);
    }
}
