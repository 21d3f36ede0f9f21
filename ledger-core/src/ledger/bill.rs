//! What is due of a customer is billed, in the commit of whatever command.

use schemas::event::{ChargeWithdrawn, CreditNoteIssued, Event, InvoiceFinalized};
use schemas::ids::{ChargeId, SubscriptionId};
use schemas::{Rejection, Timestamp};

use super::customer::Customer;
use super::draft::{Draft, UpTo};
use super::early_end;
use crate::billing::invoice::{Wanted, finalize};
use crate::billing::lines::{Drafts, Scope, drafts};
use crate::catalog::state::Catalog;
use crate::context::{Context, Stamp};
use crate::process::{Step, activations, first_steps};
use crate::settlement::spending::{self, Swept};
use crate::settlement::{self, credit_note};
use crate::spans::just_before;
use crate::subscription::advance::Horizon;
use crate::subscription::books::Books as _;
use crate::subscription::ending::never_begins;
use crate::subscription::state::Subscription;

pub(super) fn settling<'a>(
    context: &Context<'a>,
    customer: &'a Customer,
) -> settlement::case::Case<'a> {
    settlement::case::Case {
        context: *context,
        profile: &customer.profile,
        agreements: &customer.agreements,
        billing: &customer.billing,
        settlement: &customer.settlement,
    }
}

/// The present of a customer.
pub(super) fn present(context: &Context<'_>, customer: &Customer) -> Result<Horizon, Rejection> {
    Horizon::present(context.stamp.recorded_at, &customer.profile.rules)
}

/// What was to happen to a customer by now, with the customer as it is then. One that is parked is
/// left as it is: what could not be done parked it.
///
/// # Errors
/// What the steps of processes and advancing refuse.
pub(super) fn up_to_date(context: &Context<'_>, customer: &Customer) -> Result<Draft, Rejection> {
    let mut draft = Draft::after(customer, Vec::new());
    if customer.profile.parked.is_none() {
        take_steps(context, &mut draft, first_steps())?;
        let now = present(context, customer)?;
        advance_all(context, &mut draft, Scope::All, now)?;
        early_end::charge_early_ends(&mut draft);
    }
    Ok(draft)
}

pub(super) fn take_steps(
    context: &Context<'_>,
    draft: &mut Draft,
    steps: impl Iterator<Item = Step>,
) -> Result<(), Rejection> {
    for step in steps {
        let events = step(&settling(context, &draft.customer), &draft.customer.agreements)?;
        draft.extend(events);
    }
    Ok(())
}

/// Whether an event issues an invoice or a credit note.
pub(super) fn is_document(event: &Event) -> bool {
    event.get::<InvoiceFinalized>().is_some() || event.get::<CreditNoteIssued>().is_some()
}

/// Brings what is billed up to a horizon, and adds the notes and the invoice of what is due, if
/// anything is.
///
/// # Errors
/// What advancing and billing refuse.
pub(super) fn bill(
    context: &Context<'_>,
    draft: &mut Draft,
    scope: Scope,
    horizon: Horizon,
    wanted: Wanted<'_>,
) -> Result<(), Rejection> {
    advance_all(context, draft, scope, horizon)?;
    if let_go(context, draft, scope)? {
        advance_all(context, draft, scope, horizon)?;
        went_back(context, draft, scope)?;
    }
    match scope {
        Scope::All | Scope::Subscription(_) => open_ahead(context, draft, scope, horizon)?,
        Scope::Charge(_) | Scope::WontBegin(_) => {}
    }
    early_end::charge_early_ends(draft);
    let run = wanted.run.is_some();
    let account = draft.customer.account();
    let of = draft.customer.looked_at(scope, horizon)?;
    let Drafts { lines, notes } = drafts(account, context.catalog, (scope, &of), horizon, run)?;
    let before = draft.notes();
    let notes = credit_note::for_time(&settling(context, &draft.customer), notes, before)?;
    if !notes.is_empty() {
        draft.extend(notes);
        went_back(context, draft, scope)?;
    }
    if lines.is_empty() {
        return Ok(());
    }
    let before = draft.invoiced();
    let mut invoice = finalize(context, draft.customer.account(), lines, wanted, &before)?;
    // What is open already comes before the new invoice.
    sweep(context, draft)?;
    let later = spending::pay_at_once(&settling(context, &draft.customer), &mut invoice)?;
    draft.push(invoice.into());
    draft.extend(later);
    Ok(())
}

/// What goes back to credit may have had its last day: where everything is billed, it ends with
/// that.
fn went_back(context: &Context<'_>, draft: &mut Draft, scope: Scope) -> Result<(), Rejection> {
    match scope {
        Scope::All => take_steps(context, draft, first_steps()),
        Scope::Subscription(_) | Scope::Charge(_) | Scope::WontBegin(_) => Ok(()),
    }
}

/// Brings the subscriptions of a scope up to the present. One that waits for its first payment
/// opens no cycles, but its end comes: then it never began.
pub(super) fn advance_all(
    context: &Context<'_>,
    draft: &mut Draft,
    scope: Scope,
    horizon: Horizon,
) -> Result<(), Rejection> {
    let rules = &draft.customer.profile.rules;
    let billed = |of: &&Subscription| !of.waits() || of.ends_by(horizon.now, rules);
    let of = draft.customer.looked_at(scope, horizon)?;
    let billed = draft.customer.agreements.some(&of).filter(billed).map(Subscription::id);
    for id in billed.collect::<Vec<SubscriptionId>>() {
        let customer = &draft.customer;
        let never_began = customer
            .subscription_of(id)
            .is_some_and(|of| ends_waiting(context.catalog, customer, of, horizon.now));
        draft.advance(context, id, horizon, UpTo::Present)?;
        let ended = draft.customer.subscription_of(id).filter(|_| never_began);
        if let Some((of, ending)) = ended.and_then(|of| Some((of, of.ending?))) {
            draft.push(never_begins(of, ending.reason).into());
        }
    }
    Ok(())
}

/// Opens the cycles of a scope that are billed before they begin.
fn open_ahead(
    context: &Context<'_>,
    draft: &mut Draft,
    scope: Scope,
    horizon: Horizon,
) -> Result<(), Rejection> {
    for id in draft.customer.looked_at(scope, horizon)? {
        draft.advance(context, id, horizon, UpTo::Ahead)?;
    }
    Ok(())
}

/// Whether the end of a subscription comes up to an instant while it waits for its first payment.
pub(super) fn ends_waiting(
    catalog: &Catalog,
    customer: &Customer,
    of: &Subscription,
    now: Timestamp,
) -> bool {
    if of.activation.is_none() || of.ending.is_some() {
        return false;
    }
    let end = of.known_end(&customer.profile.rules).filter(|known| known.at <= now);
    end.is_some_and(|known| customer.waits(catalog, of, just_before(known.at)))
}

/// Nobody owes what never began: what asked for its payment is void, and its setup fees wait no
/// more. Whether that is so of something.
fn let_go(context: &Context<'_>, draft: &mut Draft, scope: Scope) -> Result<bool, Rejection> {
    // A cancellation may be backdated, but an invoice is voided today.
    let stamp = Stamp { effective_at: context.stamp.recorded_at, ..*context.stamp };
    let today = Context { stamp: &stamp, ..*context };
    let case = settling(&today, &draft.customer);
    let of = |id| scope.has(id);
    let events = activations::let_go(&case, &draft.customer.agreements, of, draft.notes())?;
    if events.is_empty() {
        return Ok(false);
    }
    draft.extend(events);
    let never_paid = |of: &Subscription| of.waits() && of.never_begins();
    let customer = &draft.customer;
    let fees = customer.billing.pending().filter(|pending| {
        let of = pending.added.subscription.and_then(|id| customer.subscription_of(id));
        of.is_some_and(never_paid)
    });
    let fees: Vec<ChargeId> = fees.map(|pending| pending.added.charge).collect();
    draft.extend(fees.into_iter().map(|charge| Event::from(ChargeWithdrawn { charge })));
    Ok(true)
}

/// Pays what is open from credit, where the policy says so: all of it who bills everything, and as
/// much as one sweep does any other decision. For the rest the customer is due.
pub(super) fn sweep(context: &Context<'_>, draft: &mut Draft) -> Result<(), Rejection> {
    loop {
        let Swept { applied, is_full } = spending::sweep(&settling(context, &draft.customer))?;
        draft.extend(applied);
        draft.leaves_credit = is_full && !draft.sweeps_all;
        if !is_full || draft.leaves_credit {
            return Ok(());
        }
    }
}
