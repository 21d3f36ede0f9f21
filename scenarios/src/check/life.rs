//! Subscriptions: state, cycles, access.

use schemas::event::CycleOpened;
use schemas::ids::{CustomerId, SubscriptionId};
use schemas::view::{CustomerAccess, InvoicePreview, Subscription};
use schemas::{Span, Timestamp};
use serde_json::json;

use crate::expect::Expect;
use crate::report::Difference;
use crate::run::{Runner, Stopped};
use crate::trouble::Place;
use crate::value::{DayZone, Got, Wanted};

impl Runner<'_> {
    pub(super) fn check_sub(
        &mut self,
        place: Place,
        expect: &Expect,
        alias: &str,
    ) -> Result<(), Stopped> {
        let id = self.names.sub_id(alias);
        let payer = self.names.payer_of(id);
        let item = expect.item.as_deref();
        let Some(seen) = self.seen.item_of(id, item) else {
            let what = item.map_or_else(String::new, |item| format!(" with price {item}"));
            let known = self.names.there_is("unknown_subscription").unwrap_or_default();
            let why = format!("this is no subscription{what}; {known}");
            self.absent(place, alias, why);
            return Ok(());
        };
        let (cycles, anchor_day) = (seen.cycles.clone(), seen.anchor_day);
        let days = self.days_of(payer);
        for (key, wanted) in &expect.values {
            let got = match key.as_str() {
                "anchor_day" => anchor_day.map_or(Got::Nothing, |day| Got::Count(usize::from(day))),
                "cycle_count" => Got::Count(cycles.len()),
                "access" | "until" | "reason" | "paid_through" => {
                    let user = self.user_of(id, payer)?;
                    self.access(user, Some(id), key)?
                }
                "migration" | "migrates_on" | "obstacle" => {
                    self.migration(id, payer, key, &days)?
                }
                key => self.sub_value(id, payer, item, key, &days)?,
            };
            // Who owes something is active, too; `past_due` asks whether it does.
            let owes = key == "state" && matches!(&got, Got::Word(word) if word == "past_due");
            let active = Got::Word("active".to_owned());
            let got = if owes && wanted.is(&active) { active } else { got };
            self.compare(place, format!("{alias}.{key}"), wanted, None, got.into());
        }
        for (key, wanted) in &expect.lists {
            if key == "commands" {
                self.check_commands(place, alias, payer, wanted)?;
                continue;
            }
            if key == "grants" {
                let user = self.user_of(id, payer)?;
                self.check_grants(place, alias, (user, Some(id)), wanted, expect.exact)?;
                continue;
            }
            let mut got: Vec<Got> = cycles.iter().map(|span| of_cycle(key, *span, &days)).collect();
            if !expect.exact && !in_order(wanted, &got) {
                let ahead = self.cycles_ahead(id, payer, item, wanted)?;
                got.extend(ahead.into_iter().map(|span| of_cycle(key, span, &days)));
            }
            self.check_list(place, &format!("{alias}.{key}"), wanted, &got, expect.exact);
        }
        Ok(())
    }

    /// Cycles that are not opened yet, as a run through the last date that is named would open
    /// them.
    fn cycles_ahead(
        &mut self,
        id: SubscriptionId,
        payer: CustomerId,
        price: Option<&str>,
        wanted: &[Wanted],
    ) -> Result<Vec<Span>, Stopped> {
        let number = self.seen.number_of(id, price);
        let dates = wanted.iter().flat_map(|want| want.text.split(['/', ' ']));
        let last = dates.filter_map(|text| text.parse::<schemas::Date>().ok()).max();
        let (Some(through), Some(number)) = (last, number) else { return Ok(Vec::new()) };
        let body = json!({"customer": payer, "through": through});
        let asked: Result<InvoicePreview, String> = self.ask("preview", "run", &body)?;
        let events = asked.map(|preview| preview.events).unwrap_or_default();
        let opened = events.into_iter().filter(|event| event.kind == "subscription.cycle_opened");
        let opened =
            opened.filter_map(|event| serde_json::from_value::<CycleOpened>(event.body).ok());
        let ours = opened.filter(|cycle| cycle.subscription == id && cycle.item == number);
        Ok(ours.map(|cycle| cycle.span).collect())
    }

    /// Values in the book's order: all of them, or those that are named.
    pub(super) fn check_list(
        &mut self,
        place: Place,
        path: &str,
        wanted: &[Wanted],
        got: &[Got],
        exact: bool,
    ) {
        let same = wanted.len() == got.len() && wanted.iter().zip(got).all(|(w, g)| w.is(g));
        let holds = if exact { same } else { in_order(wanted, got) };
        let listed = |texts: Vec<String>| texts.join(", ");
        self.outcome.compare((!holds).then(|| Difference {
            want: Some(listed(wanted.iter().map(|want| want.shown(None)).collect())),
            got: Some(listed(got.iter().map(ToString::to_string).collect())),
            explain: if exact { "exactly" } else { "among others, in this order" }.to_owned(),
            ..Difference::at(&self.scenario.id, place, path)
        }));
    }

    pub(super) fn subscription(
        &self,
        id: SubscriptionId,
        payer: CustomerId,
    ) -> Result<Result<Subscription, String>, Stopped> {
        let body = json!({"customer": payer, "subscription": id});
        self.ask("subscriptions", "get", &body)
    }

    fn sub_value(
        &mut self,
        id: SubscriptionId,
        payer: CustomerId,
        price: Option<&str>,
        key: &str,
        days: &DayZone,
    ) -> Result<Got, Stopped> {
        let sub = match self.subscription(id, payer)? {
            Ok(sub) => sub,
            Err(code) => return Ok(Got::Word(code)),
        };
        let item = sub.items.iter().find(|item| {
            let terms = item.terms.as_ref();
            price.is_none_or(|price| terms.is_some_and(|terms| terms.price.as_str() == price))
        });
        let terms = item.and_then(|item| item.terms.as_ref());
        let instant =
            |at: Option<Timestamp>| at.map_or(Got::Nothing, |at| Got::Instant(at, days.clone()));
        Ok(match key {
            "state" => Got::Word(word(&sub.state)),
            "start" => instant(Some(sub.start)),
            "end" => instant(sub.end),
            "trial_end" => instant(sub.trial_end),
            "next" => instant(item.and_then(|item| item.cycle).map(|cycle| cycle.span.end())),
            "quantity" => item.map_or(Got::Nothing, |item| Got::Number(item.quantity)),
            "plan" => {
                let plan = terms.and_then(|terms| self.names.alias(terms.plan.uuid()));
                plan.map_or(Got::Nothing, |plan| Got::Word(plan.to_owned()))
            }
            "version" => {
                let version = terms.and_then(|terms| usize::try_from(terms.version).ok());
                version.map_or(Got::Nothing, Got::Count)
            }
            "left_out" => Got::Count(sub.left_out.len()),
            _ => Got::Count(sub.scheduled.len()),
        })
    }

    /// Commands that are legal next; those that are named are among them.
    fn check_commands(
        &mut self,
        place: Place,
        alias: &str,
        payer: CustomerId,
        wanted: &[Wanted],
    ) -> Result<(), Stopped> {
        let next = match self.subscription(self.names.sub_id(alias), payer)? {
            Ok(sub) => sub.next,
            Err(code) => vec![code],
        };
        let missing: Vec<_> = wanted
            .iter()
            .filter(|want| !next.contains(&want.text))
            .map(|want| &want.text)
            .collect();
        self.outcome.compare((!missing.is_empty()).then(|| Difference {
            want: Some(format!("{missing:?}")),
            got: Some(next.join(", ")),
            ..Difference::at(&self.scenario.id, place, format!("{alias}.commands"))
        }));
        Ok(())
    }

    /// Who uses a subscription: the child that the payer pays for, or the payer.
    fn user_of(&self, id: SubscriptionId, payer: CustomerId) -> Result<CustomerId, Stopped> {
        let sub = self.subscription(id, payer)?;
        Ok(sub.ok().and_then(|sub| sub.beneficiary).unwrap_or(payer))
    }

    /// The access of a customer, by all of its subscriptions or by one.
    pub(super) fn access_of(
        &self,
        customer: CustomerId,
        sub: Option<SubscriptionId>,
    ) -> Result<Result<CustomerAccess, String>, Stopped> {
        let mut body = json!({"customer": customer});
        if let Some(sub) = sub {
            body["subscription"] = json!(sub);
        }
        self.ask("customers", "access", &body)
    }

    /// What access a customer has, by all of its subscriptions or by one.
    pub(super) fn access(
        &mut self,
        customer: CustomerId,
        sub: Option<SubscriptionId>,
        key: &str,
    ) -> Result<Got, Stopped> {
        let access = match self.access_of(customer, sub)? {
            Ok(access) => access,
            Err(code) => return Ok(Got::Word(code)),
        };
        let days = self.days_of(customer);
        let instant =
            |at: Option<Timestamp>| at.map_or(Got::Nothing, |at| Got::Instant(at, days.clone()));
        Ok(match key {
            "access" => Got::Word(access.access.to_string()),
            "until" => instant(access.until),
            "reason" => Got::Word(word(&access.reason)),
            _ => instant(access.subscriptions.first().and_then(|it| it.paid_through)),
        })
    }
}

/// Each wanted value is there, in the order of the wanted ones.
fn in_order(wanted: &[Wanted], got: &[Got]) -> bool {
    let mut rest = got.iter();
    wanted.iter().all(|want| rest.any(|got| want.is(got)))
}

fn of_cycle(key: &str, span: Span, days: &DayZone) -> Got {
    match key {
        "starts" => Got::Instant(span.start(), days.clone()),
        "ends" => Got::Instant(span.end(), days.clone()),
        "last_days" => {
            let last = Timestamp::from_micros(span.end().micros() - 1);
            last.and_then(|last| days.date_at(last)).map_or(Got::Nothing, Got::Date)
        }
        _ => Got::Span(span, days.clone()),
    }
}

/// The name of a variant, as JSON has it.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}
