//! Commands about subscriptions and quotes.

use schemas::command::{
    AcceptQuote, Activation, CancelSubscription, ChangeSubscription, CreateQuote,
    CreateSubscription, ItemRequest, PauseSubscription, RampPhase, ResumeSubscription, SetRenewal,
    SubscriptionTerms, WithdrawChange,
};
use schemas::event::Dimension;
use schemas::terms::Rate;

use super::super::steps::catalog::PlanStep;
use super::super::steps::life::{
    AcceptStep, CancelStep, ChangeStep, ItemStep, ItemsStep, PauseStep, PhaseStep, QuoteStep,
    RenewalStep, ResumeStep, SubscribeStep, TermsStep, WithdrawStep,
};
use super::super::world::World;

pub(super) fn subscribe(step: &SubscribeStep, world: &World) -> Result<CreateSubscription, String> {
    let payer = world.payer(&step.customer);
    let plan = world.plan(&step.plan, step.version);
    let mut with = terms(&step.terms, plan)?;
    if payer != step.customer {
        with.beneficiary = Some(world.customer_id(&step.customer));
    }
    Ok(CreateSubscription {
        customer: world.customer_id(&payer),
        subscription: world.sub_id(&step.id),
        plan: world.plan_id(&step.plan),
        version: step.version,
        quantity: step.terms.items.quantity,
        invoice: step.invoice,
        with: said(with),
    })
}

pub(super) fn quote(step: &QuoteStep, world: &World) -> Result<CreateQuote, String> {
    let payer = world.payer(&step.customer);
    let mut with = terms(&step.terms, world.plan(&step.plan, step.version))?;
    if payer != step.customer {
        with.beneficiary = Some(world.customer_id(&step.customer));
    }
    Ok(CreateQuote {
        customer: world.customer_id(&payer),
        quote: world.quote_id(&step.id),
        plan: world.plan_id(&step.plan),
        version: step.version,
        quantity: step.terms.items.quantity,
        with: said(with),
        valid_until: step.valid_until,
    })
}

pub(super) fn payer_of_quote(quote: &str, world: &World) -> String {
    world.quotes.get(quote).map_or_else(|| world.anyone(), |quote| quote.payer.clone())
}

pub(super) fn accept(step: &AcceptStep, world: &World) -> AcceptQuote {
    AcceptQuote {
        customer: world.customer_id(&payer_of_quote(&step.quote, world)),
        quote: world.quote_id(&step.quote),
        subscription: world.sub_id(&step.id),
        invoice: step.invoice,
    }
}

/// Terms that say something.
fn said(with: SubscriptionTerms) -> Option<SubscriptionTerms> {
    (with != SubscriptionTerms::default()).then_some(with)
}

fn terms(step: &TermsStep, plan: Option<&PlanStep>) -> Result<SubscriptionTerms, String> {
    let phase = |phase: &PhaseStep| {
        let items = items(&phase.items, plan, true)?;
        Ok(RampPhase { days: phase.days, items, discount_percent: phase.discount })
    };
    let ramp = step.ramp.iter().map(phase).collect::<Result<Vec<_>, String>>()?;
    let dimension = |(key, value): &(String, String)| {
        let key = key.parse().map_err(|error| format!("{key:?}: {error}"))?;
        let value = value.parse().map_err(|error| format!("{value:?}: {error}"))?;
        Ok(Dimension { key, value })
    };
    let dimensions = step.dimensions.iter().map(dimension).collect::<Result<Vec<_>, String>>()?;
    Ok(SubscriptionTerms {
        items: items(&step.items, plan, false)?,
        anchor: step.anchor,
        trial_days: step.trial_days,
        term: step.term,
        ramp: (!ramp.is_empty()).then_some(ramp),
        activation: step.activation_hours.map(|hours| Activation { expires_after_hours: hours }),
        beneficiary: None,
        quote: None,
        dimensions: (!dimensions.is_empty()).then_some(dimensions),
    })
}

/// `spread`: the quantity of all is said of each price, where the command has no place for it.
fn items(
    step: &ItemsStep,
    plan: Option<&PlanStep>,
    spread: bool,
) -> Result<Option<Vec<ItemRequest>>, String> {
    let mut requests: Vec<ItemRequest> =
        step.items.iter().map(|item| request(item, plan)).collect::<Result<_, _>>()?;
    let prices = plan.map_or(&[][..], |plan| plan.prices.as_slice());
    if let Some(unit) = step.unit {
        let [only] = prices else {
            return Err("`unit` is of one price; write `unit: {PRICE: FIGURE}`".to_owned());
        };
        let item = ItemStep {
            price: only.id.clone(),
            quantity: None,
            unit: Some(unit),
            rate: None,
            remove: false,
        };
        requests.push(request(&item, plan)?);
    }
    if let Some(quantity) = step.quantity.filter(|_| spread) {
        for price in prices.iter().filter(|price| !matches!(price.rate, Rate::Flat(_))) {
            match requests.iter_mut().find(|request| request.price == price.id) {
                Some(request) => request.quantity = request.quantity.or(Some(quantity)),
                None => requests.push(ItemRequest {
                    price: price.id.clone(),
                    quantity: Some(quantity),
                    rate: None,
                    remove: None,
                }),
            }
        }
    }
    Ok((!requests.is_empty()).then_some(requests))
}

fn request(step: &ItemStep, plan: Option<&PlanStep>) -> Result<ItemRequest, String> {
    let rate = match (step.unit, &step.rate) {
        (None, rate) => rate.clone(),
        (Some(unit), _) => {
            let found = plan.and_then(|plan| plan.prices.iter().find(|it| it.id == step.price));
            let price = found.ok_or_else(|| format!("the plan has no price {}", step.price))?;
            Some(price.rate.with_amount(unit).ok_or_else(|| {
                format!("{} has tiers; write the whole price in `items`", step.price)
            })?)
        }
    };
    Ok(ItemRequest {
        price: step.price.clone(),
        quantity: step.quantity,
        rate,
        remove: step.remove.then_some(true),
    })
}

pub(super) fn change(step: &ChangeStep, world: &World) -> Result<ChangeSubscription, String> {
    let current = world.sub(&step.sub).map(|sub| sub.plan.clone());
    let plan = step.plan.as_ref().or(current.as_ref());
    let plan = plan.and_then(|plan| world.plan(plan, step.version));
    Ok(ChangeSubscription {
        customer: world.customer_id(&world.payer_of(&step.sub)),
        subscription: world.sub_id(&step.sub),
        plan: step.plan.as_deref().map(|plan| world.plan_id(plan)),
        version: step.version,
        quantity: step.items.quantity,
        items: items(&step.items, plan, false)?,
        anchor: step.anchor,
        when: step.when,
        proration: step.proration,
    })
}

pub(super) fn cancel(step: &CancelStep, world: &World) -> CancelSubscription {
    CancelSubscription {
        customer: world.customer_id(&world.payer_of(&step.sub)),
        subscription: world.sub_id(&step.sub),
        when: step.when,
        credit: step.credit,
    }
}

pub(super) fn pause(step: &PauseStep, world: &World) -> PauseSubscription {
    PauseSubscription {
        customer: world.customer_id(&world.payer_of(&step.sub)),
        subscription: world.sub_id(&step.sub),
        when: step.when,
        credit: step.credit,
        resume_on: step.resume_on,
    }
}

pub(super) fn resume(step: &ResumeStep, world: &World) -> ResumeSubscription {
    ResumeSubscription {
        customer: world.customer_id(&world.payer_of(&step.sub)),
        subscription: world.sub_id(&step.sub),
        when: step.when,
        proration: step.proration,
    }
}

pub(super) fn withdraw(step: &WithdrawStep, world: &World) -> WithdrawChange {
    WithdrawChange {
        customer: world.customer_id(&world.payer_of(&step.sub)),
        subscription: world.sub_id(&step.sub),
        change: step.change,
    }
}

pub(super) fn set_renewal(step: &RenewalStep, world: &World) -> SetRenewal {
    SetRenewal {
        customer: world.customer_id(&world.payer_of(&step.sub)),
        subscription: world.sub_id(&step.sub),
        renewal: step.renewal,
    }
}
