//! What a change of plan leaves of a ramp.

use schemas::Timestamp;
use schemas::event::{ItemChange, RampAgreed, RampStep, TermsChange};

use super::{Draft, Edit};

impl Draft<'_> {
    /// Where the next phase of a ramp begins.
    pub(super) fn next_phase(&self) -> Option<Timestamp> {
        let phases = self.subscription.phases.as_ref()?;
        phases.later.iter().copied().filter(|from| *from > self.at).min()
    }

    /// Later phases of a ramp, with prices of their own on the terms that the items have now.
    pub(super) fn kept_phases(&self) -> Option<RampAgreed> {
        let phases = self.subscription.phases.as_ref()?;
        let later = phases.later.iter().copied().filter(|from| *from > self.at);
        let steps: Vec<RampStep> = later.map(|from| self.kept_phase(from)).collect();
        let (subscription, discount) = (self.subscription.id, phases.discount);
        (!steps.is_empty()).then_some(RampAgreed { subscription, discount, steps })
    }

    fn kept_phase(&self, from: Timestamp) -> RampStep {
        let step = |edit: &Edit| {
            let item = self.subscription.item(edit.item)?;
            let now = edit.terms.as_ref()?;
            let then = item.step_of_terms(from)?;
            let mut terms = now.clone();
            if then.own_rate && then.price == terms.price {
                (terms.rate, terms.own_rate) = (then.rate.clone(), true);
            }
            Some(ItemChange {
                item: edit.item,
                add_on: edit.add_on,
                terms: TermsChange::Set(Box::new(terms)),
                quantity: None,
                calendar: None,
                left_alone_until: None,
            })
        };
        let items = self.edits.iter().filter_map(step).collect();
        let phases = self.subscription.phases.as_ref();
        let discount_percent = phases.and_then(|phases| phases.percent_at(from));
        RampStep { from, items, discount_percent }
    }
}
