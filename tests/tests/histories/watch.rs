//! Watches a log: from commands and events alone it says which laws of billing they break.
//!
//! It shares no state and no arithmetic with the ledger. What it is shown may be changed on the
//! way ([`crate::planted`]): then it must say so.

use schemas::command::CatalogCommand;
use schemas::event::{BillingEvent, BookEvent, CustomerEvent, SettlementEvent, SubscriptionEvent};
use std::collections::BTreeMap;

use schemas::command::DefinePlan;
use schemas::event::{
    Calendar, CustomerRegistered, CycleOpened, InvoiceFinalized, InvoiceLine, ItemChange,
    ItemTerms, LineRef, LineSource, ScheduledChange, SubscriptionCreated, Term, TermsChange,
};
use schemas::ids::{CustomerId, PlanId, SubscriptionId};
use schemas::terms::{CancelCredit, LineKind, Policies, Settle};
use schemas::{Command, Commit, Decimal, Event, Span, StreamId, Timestamp};

use crate::civil::Local;
use crate::time_sets::without;
use crate::worth::charged_twice;
use crate::{amounts, asked, cycles};

/// A law that a commit breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// Its name.
    pub(crate) law: &'static str,
    /// What was seen.
    pub(crate) seen: String,
}

/// Adds a broken law unless it holds.
pub(crate) fn check(
    found: &mut Vec<Broken>,
    law: &'static str,
    holds: bool,
    seen: impl FnOnce() -> String,
) {
    if !holds {
        found.push(Broken { law, seen: seen() });
    }
}

/// A line that was issued.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: InvoiceLine,
    /// Time that it charges still.
    pub(crate) live: Vec<Span>,
    /// What credit lines took off it, positive.
    pub(crate) credited: i64,
    /// Gross of what was credited of its time, positive.
    pub(crate) credited_gross: i64,
    /// What credit notes took off it, positive.
    pub(crate) noted: i64,
    pub(crate) voided: bool,
    /// A note stands on it, be it of nothing.
    pub(crate) has_note: bool,
    /// It does not wait for the day of its cycle: that was charged already when it was issued, or
    /// lies elsewhere since it was paid.
    pub(crate) at_once: bool,
}

/// An item as events told it.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) calendar: Calendar,
    pub(crate) cycles: Vec<CycleOpened>,
    /// What cycles have lost that were laid anew, and stays as it was billed.
    pub(crate) lost: Vec<CycleOpened>,
    /// What they lost last.
    pub(crate) cut: Vec<CycleOpened>,
    pub(crate) terms: BTreeMap<Timestamp, Option<ItemTerms>>,
    pub(crate) quantities: BTreeMap<Timestamp, Decimal>,
    /// Those that commands asked for, and where phases end that said others.
    pub(crate) asked: BTreeMap<Timestamp, Decimal>,
    pub(crate) ramp_ends: Option<Timestamp>,
    /// Time of a cycle that was given up by a void.
    pub(crate) waived: Vec<(u32, Span)>,
}

/// A subscription as events told it.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    /// It waits for its first payment.
    pub(crate) waits: bool,
    pub(crate) trial_end: Option<Timestamp>,
    pub(crate) end: Option<(Timestamp, CancelCredit)>,
    pub(crate) term: Option<Term>,
    pub(crate) pauses: Vec<(Timestamp, Option<Timestamp>)>,
    pub(crate) scheduled: BTreeMap<u32, ScheduledChange>,
    /// Somebody wanted another amount than that of the time.
    pub(crate) by_wish: bool,
    /// Something of it was voided and not billed again.
    pub(crate) gave_up: bool,
    /// Where later phases of its ramp begin.
    pub(crate) ramp: Vec<Timestamp>,
}

/// A customer as events told it.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) local: Local,
    pub(crate) registered: CustomerRegistered,
    pub(crate) lines: BTreeMap<LineRef, Seen>,
    pub(crate) subscriptions: BTreeMap<SubscriptionId, Subscription>,
    pub(crate) items: BTreeMap<(SubscriptionId, u16), Item>,
    /// What lines charge some time of, before the commit that is looked at.
    pub(crate) charged: Vec<LineSource>,
}

/// The fold. See the module.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) policies: Option<Policies>,
    pub(crate) plans: BTreeMap<PlanId, Vec<DefinePlan>>,
    pub(crate) accounts: BTreeMap<CustomerId, Account>,
    /// How often a law had something to look at.
    pub(crate) looked: BTreeMap<&'static str, u64>,
}

impl Watch {
    /// Folds a commit in; gives the laws that it breaks.
    pub(crate) fn observe(&mut self, commit: &Commit) -> Vec<Broken> {
        let mut found = Vec::new();
        match commit.stream {
            StreamId::Book => self.book(commit),
            StreamId::Customer(customer) => {
                if let Some(account) = self.accounts.get_mut(&customer) {
                    account.note_charged();
                }
                for event in &commit.events {
                    self.customer(customer, commit, event, &mut found);
                }
                asked::check_commit(self, customer, commit, &mut found);
            }
        }
        found
    }

    pub(crate) fn policies(&self) -> Policies {
        self.policies.expect("the book was opened")
    }

    pub(crate) fn look(&mut self, law: &'static str) {
        *self.looked.entry(law).or_default() += 1;
    }

    fn book(&mut self, commit: &Commit) {
        if let Command::Catalog(CatalogCommand::DefinePlan(plan)) = &commit.command {
            self.plans.entry(plan.plan).or_default().push(plan.clone());
        }
        for event in &commit.events {
            if let Event::Book(BookEvent::BookOpened(opened)) = event {
                self.policies = Some(opened.policies);
            }
        }
    }

    fn customer(
        &mut self,
        id: CustomerId,
        commit: &Commit,
        event: &Event,
        found: &mut Vec<Broken>,
    ) {
        if let Event::Customer(CustomerEvent::CustomerRegistered(registered)) = event {
            let local = Local::new(&self.policies(), &registered.zone, commit.effective_at);
            let account = Account {
                local,
                registered: registered.clone(),
                lines: BTreeMap::new(),
                subscriptions: BTreeMap::new(),
                items: BTreeMap::new(),
                charged: Vec::new(),
            };
            self.accounts.insert(id, account);
            return;
        }
        let policies = self.policies();
        let account = self.accounts.get_mut(&id).expect("it was registered");
        if let Event::Billing(BillingEvent::InvoiceFinalized(invoice)) = event {
            self.look("amounts");
            let account = self.accounts.get_mut(&id).expect("it was registered");
            account.issued(invoice, &policies, found);
        } else if let Event::Settlement(SettlementEvent::InvoiceVoided(voided)) = event {
            account.voided(voided);
        } else if let Event::Settlement(SettlementEvent::CreditNoteIssued(note)) = event {
            for reversal in &note.lines {
                let at = LineRef { invoice: note.invoice, line: reversal.line };
                let line = account.lines.get_mut(&at).expect("it was issued");
                line.noted += reversal.net.0;
                line.has_note = true;
            }
            for credit in &note.credits {
                if let (Some(at), Some(pricing)) = (credit.credits, &credit.pricing)
                    && let Some(target) = account.lines.get_mut(&at)
                {
                    target.credited_gross -= credit.gross.0;
                    target.live = without(&target.live, pricing.span);
                    account.is_given_up_no_more(credit.source, pricing.span);
                }
            }
        } else if let Event::Subscription(SubscriptionEvent::SubscriptionCreated(created)) = event {
            account.created(created);
        } else if let Event::Subscription(SubscriptionEvent::SubscriptionActivated(activated)) =
            event
        {
            account.activated(&policies, activated, found);
        } else if let Event::Subscription(SubscriptionEvent::CycleOpened(opened)) = event {
            cycles::check_opened(account, &policies, opened, found);
            let item = account.item_mut(opened.subscription, opened.item);
            item.cycles.push(opened.clone());
        } else {
            account.lived(event);
        }
    }
}

impl Account {
    pub(crate) fn item_mut(&mut self, subscription: SubscriptionId, item: u16) -> &mut Item {
        self.items.get_mut(&(subscription, item)).expect("it was begun")
    }

    pub(crate) fn subscription_mut(&mut self, id: SubscriptionId) -> &mut Subscription {
        self.subscriptions.get_mut(&id).expect("it was created")
    }

    fn created(&mut self, created: &SubscriptionCreated) {
        let subscription = Subscription {
            waits: created.activation.is_some(),
            trial_end: created.trial_end,
            end: None,
            term: created.term,
            pauses: Vec::new(),
            scheduled: BTreeMap::new(),
            by_wish: false,
            gave_up: false,
            ramp: Vec::new(),
        };
        self.subscriptions.insert(created.subscription, subscription);
        for item in &created.items {
            let begun = Item {
                calendar: item.calendar,
                cycles: Vec::new(),
                lost: Vec::new(),
                cut: Vec::new(),
                terms: BTreeMap::from([(created.start, Some(item.terms.clone()))]),
                quantities: BTreeMap::from([(created.start, item.quantity)]),
                asked: BTreeMap::new(),
                ramp_ends: None,
                waived: Vec::new(),
            };
            self.items.insert((created.subscription, item.item), begun);
        }
    }

    /// Events of a subscription's life, but its cycles.
    fn lived(&mut self, event: &Event) {
        if let Event::Subscription(SubscriptionEvent::CycleCut(cut)) = event {
            let item = self.item_mut(cut.subscription, cut.item);
            let cycle = item.cycles.iter_mut().find(|found| found.cycle == cut.cycle);
            if let Some(cycle) = cycle {
                // A cycle that was cut away whole keeps no time; its start stands for it.
                let end = cut.end.max(cycle.span.start());
                let lost = Span::new(end, cycle.span.end());
                item.cut.extend(lost.map(|span| CycleOpened { span, ..cycle.clone() }));
                match Span::new(cycle.span.start(), end) {
                    Some(span) => cycle.span = span,
                    None => item.cycles.retain(|found| found.cycle != cut.cycle),
                }
            }
        } else if let Event::Subscription(SubscriptionEvent::SubscriptionChanged(changed)) = event {
            let subscription = self.subscription_mut(changed.subscription);
            subscription.by_wish |= changed.settle == Settle::None;
            if changed.trial_end.is_some() {
                subscription.trial_end = changed.trial_end;
            }
            if let Some(number) = changed.change {
                subscription.scheduled.remove(&number);
            }
            if let Some(from) = changed.ramp_withdrawn_from {
                self.forget_phases(changed.subscription, from);
            }
            for change in &changed.items {
                self.changed(changed.subscription, changed.from, change);
                self.asks_for(changed.subscription, changed.from, change);
            }
            for change in &changed.repeats {
                self.changed(changed.subscription, changed.from, change);
                self.asks_for(changed.subscription, changed.from, change);
            }
            self.later(changed.subscription, changed.from, &changed.later);
        } else if let Event::Subscription(SubscriptionEvent::SubscriptionMigrated(moved)) = event {
            for change in &moved.items {
                self.changed(moved.subscription, moved.from, change);
            }
            self.later(moved.subscription, moved.from, &moved.later);
        } else if let Event::Subscription(SubscriptionEvent::RampAgreed(ramp)) = event {
            for step in &ramp.steps {
                self.subscription_mut(ramp.subscription).ramp.push(step.from);
                for change in &step.items {
                    self.changed(ramp.subscription, step.from, change);
                    if step.ends && change.quantity.is_some() {
                        self.item_mut(ramp.subscription, change.item).ramp_ends = Some(step.from);
                    }
                }
            }
        } else if let Event::Subscription(SubscriptionEvent::ChangeScheduled(scheduled)) = event {
            let what = scheduled.what.clone();
            let subscription = self.subscription_mut(scheduled.subscription);
            subscription.scheduled.insert(scheduled.change, what);
        } else if let Event::Subscription(SubscriptionEvent::ScheduledChangeWithdrawn(withdrawn)) =
            event
        {
            self.subscription_mut(withdrawn.subscription).scheduled.remove(&withdrawn.change);
        } else {
            self.paused_or_ended(event);
        }
    }

    fn paused_or_ended(&mut self, event: &Event) {
        if let Event::Subscription(SubscriptionEvent::SubscriptionPaused(paused)) = event {
            let subscription = self.subscription_mut(paused.subscription);
            subscription.by_wish |= paused.settle == Settle::None;
            subscription.scheduled.retain(|number, _| Some(*number) != paused.change);
            subscription.pauses.push((paused.from, None));
            subscription.pauses.sort_unstable();
        } else if let Event::Subscription(SubscriptionEvent::SubscriptionResumed(resumed)) = event {
            let subscription = self.subscription_mut(resumed.subscription);
            subscription.by_wish |= resumed.settle == Settle::None;
            subscription.scheduled.retain(|number, _| Some(*number) != resumed.change);
            let last = subscription.pauses.iter_mut().rev();
            let runs = |pause: &&mut (Timestamp, Option<Timestamp>)| {
                pause.0 <= resumed.from && pause.1.is_none_or(|until| resumed.from < until)
            };
            if let Some(pause) = last.into_iter().find(runs) {
                pause.1 = Some(resumed.from);
            }
        } else if let Event::Subscription(SubscriptionEvent::SubscriptionCanceled(canceled)) = event
        {
            let subscription = self.subscription_mut(canceled.subscription);
            subscription.scheduled.clear();
            subscription.end = Some((canceled.end, canceled.credit));
        } else if let Event::Subscription(SubscriptionEvent::CancellationUndone(undone)) = event {
            // What was billed for the end stays, though it may not be due yet.
            let subscription = self.subscription_mut(undone.subscription);
            (subscription.end, subscription.by_wish) = (None, true);
        } else if let Event::Subscription(SubscriptionEvent::TermRenewed(renewed)) = event {
            self.subscription_mut(renewed.subscription).term = renewed.term;
        } else if let Event::Subscription(SubscriptionEvent::RenewalSet(set)) = event {
            let subscription = self.subscription_mut(set.subscription);
            subscription.term = subscription.term.map(|t| Term { renewal: set.renewal, ..t });
        }
    }

    /// An item has the terms of another version: those that it was to have later are other ones.
    fn changed(&mut self, subscription: SubscriptionId, from: Timestamp, change: &ItemChange) {
        let key = (subscription, change.item);
        if let (false, TermsChange::Set(terms), Some(calendar)) =
            (self.items.contains_key(&key), &change.terms, change.calendar)
        {
            let begun = Item {
                calendar,
                cycles: Vec::new(),
                lost: Vec::new(),
                cut: Vec::new(),
                terms: BTreeMap::from([(from, Some((**terms).clone()))]),
                quantities: BTreeMap::from([(from, change.quantity.unwrap_or(Decimal::ONE))]),
                asked: BTreeMap::new(),
                ramp_ends: None,
                waived: Vec::new(),
            };
            self.items.insert(key, begun);
            return;
        }
        let item = self.item_mut(subscription, change.item);
        match &change.terms {
            TermsChange::Keep => {}
            TermsChange::Set(terms) => {
                item.terms.insert(from, Some((**terms).clone()));
            }
            TermsChange::Remove => {
                item.terms.insert(from, None);
            }
        }
        item.quantities.extend(change.quantity.map(|quantity| (from, quantity)));
        if let Some(calendar) = change.calendar {
            item.calendar = calendar;
            let until = change.left_alone_until.unwrap_or(from);
            let lost = item.cut.drain(..).filter_map(|cut| {
                let span = Span::new(cut.span.start(), cut.span.end().min(until))?;
                Some(CycleOpened { span, ..cut })
            });
            item.lost.extend(lost);
        }
    }

    fn issued(&mut self, invoice: &InvoiceFinalized, policies: &Policies, found: &mut Vec<Broken>) {
        amounts::check_sums(invoice, found);
        for line in &invoice.lines {
            amounts::check_line(self, policies, line, found);
            let live = match (&line.pricing, line.kind) {
                (_, LineKind::ProrationCredit) | (None, _) => Vec::new(),
                (Some(pricing), _) => vec![pricing.span],
            };
            if let (Some(at), Some(pricing)) = (line.credits, &line.pricing)
                && let Some(target) = self.lines.get_mut(&at)
            {
                target.credited -= line.net.0;
                target.credited_gross -= line.gross.0;
                target.live = without(&target.live, pricing.span);
                self.is_given_up_no_more(line.source, pricing.span);
            }
            self.check_time(line, found);
            let at = LineRef { invoice: invoice.invoice, line: line.line };
            let seen = Seen {
                line: line.clone(),
                live,
                credited: 0,
                credited_gross: 0,
                noted: 0,
                voided: false,
                has_note: false,
                at_once: self.charged.contains(&line.source),
            };
            self.lines.insert(at, seen);
        }
        self.note_charged();
    }

    /// What is charged already: what comes on top of it is a difference.
    fn note_charged(&mut self) {
        let charging = self.lines.values().filter(|seen| !seen.live.is_empty());
        self.charged = charging.map(|seen| seen.line.source).collect();
    }

    /// A charge takes no time that is charged, or was given up, in its cycle.
    fn check_time(&self, line: &InvoiceLine, found: &mut Vec<Broken>) {
        let LineSource::Cycle { subscription, item, cycle } = line.source else { return };
        let Some(span) = line.pricing.as_ref().map(|pricing| pricing.span) else { return };
        if line.credits.is_some() || self.subscriptions[&subscription].by_wish {
            return;
        }
        let true_up = line.kind == LineKind::MinimumTrueUp;
        let alike = self
            .lines_of(subscription, item)
            .filter(|seen| (seen.line.kind == LineKind::MinimumTrueUp) == true_up);
        let waived = &self.items[&(subscription, item)].waived;
        let waived = waived.iter().filter(|(of, _)| !true_up && *of == cycle);
        let charged = alike.filter_map(|seen| seen.charges(span));
        let both = charged.chain(waived.filter_map(|(_, taken)| taken.overlap(span))).next();
        check(found, "no time is charged twice", both.is_none(), || {
            format!("{both:?} of item {item} of {subscription}")
        });
    }

    /// When everything is billed, no two lines of an item charge the same time.
    pub(crate) fn check_times(&self, found: &mut Vec<Broken>) {
        // Whoever lays cycles anew and leaves alone what is billed charges time twice.
        let by_wish = |of: &SubscriptionId| self.subscriptions[of].by_wish;
        for (subscription, number) in self.items.keys().filter(|(of, _)| !by_wish(of)) {
            for true_up in [false, true] {
                let lines = self.lines_of(*subscription, *number);
                let alike = |seen: &&Seen| (seen.line.kind == LineKind::MinimumTrueUp) == true_up;
                let lines: Vec<&Seen> = lines.filter(alike).collect();
                let both = charged_twice(&lines);
                check(found, "no time is charged twice", both.is_none(), || {
                    format!("{both:?} of item {number} of {subscription}")
                });
            }
        }
    }

    /// Live lines of an item, credits too.
    pub(crate) fn lines_of(
        &self,
        subscription: SubscriptionId,
        number: u16,
    ) -> impl Iterator<Item = &Seen> {
        self.lines.values().filter(move |seen| match seen.line.source {
            LineSource::Cycle { subscription: of, item, .. } => {
                !seen.voided && (of, item) == (subscription, number)
            }
            LineSource::Charge(_) | LineSource::Invoice => false,
        })
    }
}
