//! Subscribing: what a plan and its terms come to; quotes that offer the same.

use schemas::command::{
    AcceptQuote, CreateQuote, CreateSubscription, SubscriptionTerms, VoidQuote,
};
use schemas::event::{
    ActivationAgreed, ChargeAdded, Event, ItemStarted, LeastTerm, PlanVersionDefined,
    QuoteAccepted, QuoteCreated, QuoteOffer, QuoteVoided, RoundingSubject, SubscriptionCreated,
    Term,
};
use schemas::ids::{ChargeId, CustomerId, QuoteId, SubscriptionId, derive};
use schemas::terms::{EarlyEnd, Every, InvoiceTiming, LeastTermRequest, TermRequest, TrialAnchor};
use schemas::{Date, Decimal, Minor, Rejection, Timestamp};

use super::calendar;
use super::case::{Case, Decided};
use super::ramp::ramp;
use super::term::{ends_by_itself, term_span};
use super::terms::{Resolved, Setup, resolve};
use crate::catalog::decide::{MAX_TRIAL_DAYS, check_every};
use crate::catalog::models;
use crate::customer::rules::Rules;
use crate::money::rounding::round;

/// The most subscriptions of one customer that have not ended.
const MAX_SUBSCRIPTIONS: usize = 10_000;
/// The most subscriptions of one customer that wait for a payment: each payment looks at them.
const MAX_WAITING: usize = 500;
/// The most quotes of one customer.
const MAX_QUOTES: usize = 500;

/// Subscribes to a plan version on sale, with terms that may differ from the plan's.
pub(super) fn create(case: &Case<'_>, command: &CreateSubscription) -> Result<Decided, Rejection> {
    let version = case.context.catalog.on_sale(command.plan, command.version)?;
    let terms = command.with.clone().unwrap_or_default();
    let quantity = command.quantity.unwrap_or(Decimal::ONE);
    if let Some(quote) = terms.quote {
        let asked = SubscriptionTerms { quote: None, ..terms.clone() };
        as_quoted(live_quote(case, quote)?, version, quantity, &asked)?;
    }
    let start = Start { case, subscription: command.subscription, version, on: command.start };
    let events = start.events(quantity, &terms)?;
    let invoice = command.invoice.unwrap_or(InvoiceTiming::Next);
    Ok(Decided::billed(events, command.subscription, invoice))
}

/// A subscription that begins.
struct Start<'a> {
    case: &'a Case<'a>,
    subscription: SubscriptionId,
    version: &'a PlanVersionDefined,
    /// A later day on which it begins.
    on: Option<Date>,
}

/// The furthest day on which a subscription may begin.
const MAX_START_DAYS: i32 = 3_660;

impl Start<'_> {
    /// Its first instant: the effective time, or the start of a later day.
    fn start(&self) -> Result<Timestamp, Rejection> {
        let rules = &self.case.profile.rules;
        let stamp = self.case.context.stamp;
        let Some(date) = self.on else { return Ok(rules.moment(stamp.effective_at)?) };
        let today = rules.date(stamp.recorded_at)?;
        if date <= today {
            return Err(Rejection::StartPassed { date, today });
        }
        let latest = today.plus_days(MAX_START_DAYS)?;
        if latest < date {
            return Err(Rejection::StartTooLate { date, latest });
        }
        Ok(rules.local.start_of(date)?)
    }

    fn events(
        &self,
        quantity: Decimal,
        terms: &SubscriptionTerms,
    ) -> Result<Vec<Event>, Rejection> {
        self.check_free()?;
        let requests = terms.items.as_deref().unwrap_or_default();
        let resolved = resolve(self.case.profile.currency, self.version, quantity, requests)?;
        let start = self.start()?;
        let trial_end = self.trial_end(start, terms.trial_days)?;
        let created = self.created(start, trial_end, &resolved, terms)?;
        let mut events: Vec<Event> = Vec::new();
        if let Some(quote) = terms.quote {
            events.push(QuoteAccepted { quote, subscription: self.subscription }.into());
        }
        let phases = ramp(self.case, self.version, &created, terms)?;
        let mut created = created;
        if let Some(phases) = &phases {
            created.items.clone_from(&phases.first);
        }
        events.push(created.into());
        events.extend(phases.map(|phases| phases.agreed));
        for setup in &resolved.setup {
            events.push(self.setup_fee(setup)?);
        }
        Ok(events)
    }

    fn check_free(&self) -> Result<(), Rejection> {
        let subscription = self.subscription;
        if self.case.context.registry.taken.contains(subscription.uuid()) {
            return Err(Rejection::SubscriptionExists { subscription });
        }
        if self.case.agreements.live() >= MAX_SUBSCRIPTIONS {
            return Err(Rejection::TooMany {
                what: "live subscriptions of this customer",
                limit: MAX_SUBSCRIPTIONS,
                way: "cancel some that are not used, or register another customer for more",
            });
        }
        Ok(())
    }

    fn trial_end(
        &self,
        start: Timestamp,
        days: Option<u16>,
    ) -> Result<Option<Timestamp>, Rejection> {
        let days = days.unwrap_or(self.version.trial_days);
        if days > MAX_TRIAL_DAYS {
            return Err(Rejection::InvalidTrial { days });
        }
        if days == 0 {
            return Ok(None);
        }
        days_after(start, days, &self.case.profile.rules).map(Some)
    }

    fn created(
        &self,
        start: Timestamp,
        trial_end: Option<Timestamp>,
        resolved: &Resolved,
        terms: &SubscriptionTerms,
    ) -> Result<SubscriptionCreated, Rejection> {
        let rules = &self.case.profile.rules;
        if let Some(schemas::terms::Anchor::Day(day)) = terms.anchor
            && !(1..=31).contains(&day)
        {
            return Err(Rejection::InvalidAnchor { why: "the day of the month is out of range" });
        }
        let from = match rules.policies.trial_anchor {
            TrialAnchor::TrialEnd => trial_end.unwrap_or(start),
            TrialAnchor::SubscriptionStart => start,
        };
        let mut items = Vec::with_capacity(resolved.items.len());
        for (item, wanted) in (0..).zip(&resolved.items) {
            let calendar = calendar::calendar(from, wanted.terms.every, terms.anchor, rules)?;
            // The first cycle must lie inside the calendar, or nothing could ever be billed.
            calendar::period(&calendar, 1, rules)?;
            items.push(ItemStarted {
                item,
                add_on: wanted.add_on,
                terms: wanted.terms.clone(),
                quantity: wanted.quantity,
                calendar,
            });
        }
        let term = terms.term.map(|term| agreed(start, term, rules)).transpose()?;
        let least_term = self.least_term(start, terms)?;
        let ends = match term {
            Some(term) => ends_by_itself(term, start, rules)?,
            None => None,
        };
        if ends.zip(least_term).is_some_and(|(end, least)| end < least.until) {
            return Err(Rejection::InvalidTerm { why: "it ends before the least term is over" });
        }
        Ok(SubscriptionCreated {
            subscription: self.subscription,
            start,
            items,
            trial_end,
            activation: self.activation(terms)?,
            term,
            least_term,
            anchor: terms.anchor,
            beneficiary: self.beneficiary(terms.beneficiary)?,
            quote: terms.quote,
            dimensions: terms.dimensions.clone().unwrap_or_default(),
        })
    }

    fn activation(&self, terms: &SubscriptionTerms) -> Result<Option<ActivationAgreed>, Rejection> {
        let Some(activation) = terms.activation else { return Ok(None) };
        if self.case.agreements.asking().count() >= MAX_WAITING {
            return Err(Rejection::TooMany {
                what: "subscriptions of this customer that wait for a payment",
                limit: MAX_WAITING,
                way: "let some be paid first, or subscribe without waiting for a payment",
            });
        }
        let hours = activation.expires_after_hours;
        if !(1..=8_784).contains(&hours) {
            return Err(Rejection::InvalidActivation { hours });
        }
        let tolerance = match activation.tolerance {
            None => Minor::ZERO,
            Some(amount) => {
                let minor = self.case.profile.own(amount)?;
                if minor.0 < 0 {
                    return Err(Rejection::NegativeAmount { amount });
                }
                minor
            }
        };
        Ok(Some(ActivationAgreed { expires_after_hours: hours, tolerance }))
    }

    fn least_term(
        &self,
        start: Timestamp,
        terms: &SubscriptionTerms,
    ) -> Result<Option<LeastTerm>, Rejection> {
        let Some(least) = terms.least_term else { return Ok(None) };
        check_every(least.length)
            .map_err(|_| Rejection::InvalidTerm { why: "the length is out of range" })?;
        match least.early_end {
            EarlyEnd::Refused => {}
            EarlyEnd::Fee(amount) => {
                self.case.profile.positive(amount)?;
            }
        }
        let rules = &self.case.profile.rules;
        let until = term_span(start, start, least.length, rules)?.end();
        let LeastTermRequest { length, early_end } = least;
        Ok(Some(LeastTerm { length, until, early_end }))
    }

    fn beneficiary(&self, child: Option<CustomerId>) -> Result<Option<CustomerId>, Rejection> {
        let Some(child) = child.filter(|child| *child != self.case.profile.id) else {
            return Ok(None);
        };
        let parent = self.case.profile.id;
        if self.case.context.registry.parent(child) == Some(parent) {
            self.case.context.registry.not_erased(child)?;
            Ok(Some(child))
        } else {
            Err(Rejection::NotAChild { child, parent })
        }
    }

    /// A setup fee is a one-off charge that goes with the first invoice.
    fn setup_fee(&self, setup: &Setup) -> Result<Event, Rejection> {
        let (terms, currency) = (&setup.terms, self.case.profile.currency);
        let exact = models::whole(&terms.rate, setup.quantity, currency)?;
        let (gross, _) = round(exact, RoundingSubject::Amount)?;
        let name = format!("setup:{}", terms.price);
        let charge = ChargeId::new(derive(self.subscription.uuid(), &name));
        Ok(ChargeAdded {
            charge,
            description: terms.name.clone().into(),
            currency,
            quantity: setup.quantity,
            unit_price: models::with(&terms.rate, |model| model.unit_price()),
            exact,
            gross,
            service: None,
            subscription: Some(self.subscription),
            price: Some(terms.price.clone()),
            early_termination: false,
        }
        .into())
    }
}

/// So many days later, at the same time of day.
pub(crate) fn days_after(
    start: Timestamp,
    days: u16,
    rules: &Rules,
) -> Result<Timestamp, Rejection> {
    let every = Every { count: days, unit: schemas::terms::CalendarUnit::Day };
    let calendar =
        calendar::calendar(start, every, Some(schemas::terms::Anchor::Anniversary), rules)?;
    Ok(calendar::boundary(&calendar, 1, rules)?)
}

fn agreed(start: Timestamp, term: TermRequest, rules: &Rules) -> Result<Term, Rejection> {
    check_every(term.length)
        .map_err(|_| Rejection::InvalidTerm { why: "the length is out of range" })?;
    let span = term_span(start, start, term.length, rules)?;
    Ok(Term { span, length: term.length, renewal: term.renewal })
}

/// Offers a subscription: what could not be begun today is not offered.
pub(super) fn quote(case: &Case<'_>, command: &CreateQuote) -> Result<Vec<Event>, Rejection> {
    let quote = command.quote;
    if case.context.registry.taken.contains(quote.uuid()) {
        return Err(Rejection::QuoteExists { quote });
    }
    if case.agreements.quotes.len() >= MAX_QUOTES {
        return Err(Rejection::TooMany {
            what: "quotes for this customer",
            limit: MAX_QUOTES,
            way: "those that are closed count, too; create the subscription without a quote",
        });
    }
    if case.profile.rules.date(case.context.stamp.effective_at)? > command.valid_until {
        return Err(Rejection::QuoteExpired { quote, until: command.valid_until });
    }
    let version = case.context.catalog.on_sale(command.plan, command.version)?;
    let quantity = command.quantity.unwrap_or(Decimal::ONE);
    let with = command.with.clone().unwrap_or_default();
    if with.quote.is_some() {
        return Err(Rejection::InvalidItems { why: "a quote cannot cite a quote" });
    }
    // What could not be begun today is not offered.
    let subscription = SubscriptionId::new(derive(quote.uuid(), "subscription"));
    let start = Start { case, subscription, version, on: None };
    start.events(quantity, &with)?;
    let offer = QuoteOffer { plan: command.plan, version: version.version, quantity, with };
    Ok(vec![QuoteCreated { quote, valid_until: command.valid_until, offer }.into()])
}

/// Subscribes as a quote offers, also if the plan was retired since.
pub(super) fn accept(case: &Case<'_>, command: &AcceptQuote) -> Result<Decided, Rejection> {
    let quote = command.quote;
    let found = live_quote(case, quote)?;
    let offer = &found.offer;
    let plan = offer.plan;
    // What was offered holds, also if the plan was retired since.
    let version =
        case.context.catalog.version(plan, offer.version).ok_or(Rejection::UnknownPlan { plan })?;
    let terms = SubscriptionTerms { quote: Some(quote), ..offer.with.clone() };
    let subscription = command.subscription;
    let start = Start { case, subscription, version, on: command.start };
    let events = start.events(offer.quantity, &terms)?;
    let invoice = command.invoice.unwrap_or(InvoiceTiming::Next);
    Ok(Decided::billed(events, subscription, invoice))
}

/// Withdraws an open quote.
pub(super) fn void_quote(case: &Case<'_>, command: &VoidQuote) -> Result<Vec<Event>, Rejection> {
    open_quote(case, command.quote)?;
    Ok(vec![QuoteVoided { quote: command.quote }.into()])
}

/// A quote that can be accepted today.
fn live_quote<'a>(case: &Case<'a>, quote: QuoteId) -> Result<&'a QuoteCreated, Rejection> {
    let found = open_quote(case, quote)?;
    let today = case.profile.rules.date(case.context.stamp.recorded_at)?;
    if today > found.valid_until {
        return Err(Rejection::QuoteExpired { quote, until: found.valid_until });
    }
    Ok(found)
}

/// A subscription that cites a quote is what it offers: it closes the quote.
fn as_quoted(
    quoted: &QuoteCreated,
    version: &PlanVersionDefined,
    quantity: Decimal,
    asked: &SubscriptionTerms,
) -> Result<(), Rejection> {
    let (quote, offer) = (quoted.quote, &quoted.offer);
    let differs = [
        ("plan", offer.plan != version.plan),
        ("version of the plan", offer.version != version.version),
        ("quantity", offer.quantity != quantity),
        ("set of terms", offer.with != *asked),
    ];
    match differs.into_iter().find(|(_, differs)| *differs) {
        None => Ok(()),
        Some((what, _)) => Err(Rejection::NotAsQuoted { quote, what }),
    }
}

fn open_quote<'a>(case: &Case<'a>, quote: QuoteId) -> Result<&'a QuoteCreated, Rejection> {
    let found = case.agreements.quotes.get(&quote).ok_or(Rejection::UnknownQuote { quote })?;
    if found.closed {
        return Err(Rejection::QuoteClosed { quote });
    }
    Ok(&found.created)
}
