//! Cycles that have not begun and are billed before they do.

use schemas::event::SubscriptionEvent;
use schemas::{Rejection, Span};

use super::{Advance, Horizon, is_in_advance, lead_days, opened, push};
use crate::subscription::item::Item;
use crate::subscription::state::Subscription;

impl Advance<'_> {
    /// Opens cycles that have not begun and are billed before they do. Who does not bill does not
    /// open them: until then they may still have other terms and other days.
    ///
    /// # Errors
    /// As [`Advance::through`].
    pub(crate) fn ahead(
        self,
        subscription: &mut Subscription,
        horizon: Horizon,
        before: usize,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        let mut events = Vec::new();
        if subscription.ending.is_some() || subscription.waits() {
            return Ok(events);
        }
        let mut left: Vec<u16> = subscription.items.iter().map(|item| item.number).collect();
        // What is billed behind a cycle is looked at as it is known then.
        let mut seen: Option<Subscription> = None;
        loop {
            let mut first: Option<(u16, Span)> = None;
            for number in &left {
                let Some(item) = subscription.item(*number) else { continue };
                let (span, _) = item.next_period(self.rules)?;
                let known = seen.as_ref().and_then(|seen| seen.item(*number)).unwrap_or(item);
                let due = self.is_due_ahead(subscription, known, span, horizon)?;
                if due && first.is_none_or(|(_, found)| span.start() < found.start()) {
                    first = Some((*number, span));
                }
            }
            let Some((number, span)) = first else { return Ok(events) };
            let then = self.projected(subscription, span.start())?;
            let paused = match subscription.item(number) {
                Some(item) => self.is_paused_ahead(item, &then, horizon)?,
                None => false,
            };
            // Where its cycles will be others, they are billed when they begin; a version that it
            // migrates to may have less lead.
            let mut same = None;
            if let Some((then, now)) = then.item(number).zip(subscription.item(number))
                && then.calendar == now.calendar
                && then.terms_at(span.start()).is_some()
                && !paused
                && self.is_due_ahead(subscription, then, span, horizon)?
            {
                let plan = |of: &Item| of.terms_at(span.start()).map(|terms| terms.plan);
                same = Some((now, plan(then) == plan(now)));
            }
            let ended = then.ending.as_ref().is_some_and(|ending| ending.at <= span.start());
            match same.filter(|_| !ended) {
                Some((item, stays)) => {
                    let (_, full) = item.next_period(self.rules)?;
                    // Migrations of a plan that it will have left are none of its own.
                    let next = if stays {
                        self.open(subscription, item, span, full)?
                    } else {
                        vec![opened(subscription, item, span, full)]
                    };
                    let known = subscription.items.len();
                    push(subscription, &mut events, next, before)?;
                    // What a migration begins is billed with what takes it.
                    left.extend(subscription.items[known..].iter().map(|item| item.number));
                }
                None => left.retain(|known| *known != number),
            }
            seen = Some(then);
        }
    }

    /// Whether nothing would be billed of the next cycle of an item, nor of one behind it that is
    /// billed ahead: all of it is a pause.
    fn is_paused_ahead(
        self,
        item: &Item,
        then: &Subscription,
        horizon: Horizon,
    ) -> Result<bool, Rejection> {
        let known = then.item(item.number).unwrap_or(item);
        let pauses = then.known_pauses();
        let mut n = 0;
        loop {
            let (span, _) = item.period_ahead(n, self.rules)?;
            if n > 0 && !self.is_due_ahead(then, known, span, horizon)? {
                return Ok(true);
            }
            // What goes on within a cycle is billed when it has.
            if !pauses.iter().any(|pause| pause.contains(span.start())) {
                return Ok(false);
            }
            n += 1;
        }
    }

    fn is_due_ahead(
        self,
        subscription: &Subscription,
        item: &Item,
        span: Span,
        horizon: Horizon,
    ) -> Result<bool, Rejection> {
        // Nothing is billed of a trial, so nothing is due before what follows it.
        let begins = subscription.trial_end.map_or(span.start(), |end| end.max(span.start()));
        let start = self.rules.date(begins)?;
        let lead = i32::from(lead_days(item, span));
        let by_lead = lead > 0 && start.plus_days(-lead)? <= horizon.day;
        // In arrears nothing is billed before it was used.
        let by_command = horizon.ahead && start <= horizon.day && is_in_advance(item, span);
        Ok(span.start() > horizon.now && (by_lead || by_command))
    }
}
