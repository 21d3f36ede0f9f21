//! From a command to the room that decides it, and what follows from that in other rooms.
//!
//! # Ordering
//!
//! 1. The room decides.
//! 2. What it wants billed in the same commit is billed, on the customer as it is then.
//! 3. Where the policy says so, what is open is paid from credit.
//! 4. Subscriptions that waited for a payment begin, and changes that waited for one take effect
//!    ([`follows`]).
//! 5. If the day moved on which a run has something to do, that is an event, too.

use schemas::command::{
    BillCustomer, BillingCommand, BookCommand, ChargeInvoice, CustomerCommand, InvoiceNow,
    InvoiceRequest, ProcessCommand, SettlementCommand, SubscriptionCommand, UpdateCustomer,
};
use schemas::event::{CustomerZoneChanged, Event, SettlementEvent, SubscriptionCreated};
use schemas::{Command, Date, Rejection};

use super::bill::{advance_all, bill, is_document, present, settling, take_steps, up_to_date};
use super::customer::Customer;
use super::draft::Draft;
use super::facts::Facts;
use super::follows;
use crate::billing::invoice::Wanted;
use crate::billing::lines::Scope;
use crate::billing::one_off;
use crate::context::Context;
use crate::customer::erase;
use crate::process::{billing_run, due, first_steps, own_first_steps};
use crate::subscription::advance::Horizon;
use crate::subscription::case::Bill;
use crate::subscription::state::Subscription;
use crate::{book, catalog, customer, seller, settlement, subscription};

/// Decides a command of the book's stream.
pub(super) fn of_book(
    context: &Context<'_>,
    facts: &Facts,
    command: &Command,
) -> Result<Vec<Event>, Rejection> {
    if let Command::Book(command @ BookCommand::OpenBook(_)) = command {
        return book::decide::decide(&facts.book, command);
    }
    facts.book.opened()?;
    match command {
        Command::Book(command) => book::decide::decide(&facts.book, command),
        Command::Seller(command) => seller::decide::decide(&facts.sellers, command),
        Command::Catalog(command) => {
            catalog::decide::decide(&facts.catalog, command, context.stamp.recorded_at)
        }
        Command::Process(ProcessCommand::RunBilling(command)) => {
            billing_run::start(&facts.runs, &facts.sellers, command, context.stamp.recorded_at)
        }
        Command::Customer(_)
        | Command::Subscription(_)
        | Command::Billing(_)
        | Command::Settlement(_) => {
            unreachable!("Command::stream says this is not of the book: {command:?}")
        }
    }
}

/// Decides a command of a registered customer.
pub(super) fn of_customer(
    context: &Context<'_>,
    customer: &Customer,
    command: &Command,
) -> Result<Vec<Event>, Rejection> {
    let before = what_came_before(context, customer, command)?;
    let events = match command {
        Command::Customer(command) => {
            if let CustomerCommand::UpdateCustomer(UpdateCustomer { zone: Some(_), .. }) = command
                && let Some(events) = moved(context, customer, command)?
            {
                return Ok(events);
            }
            if let CustomerCommand::EraseCustomer(_) = command {
                return erased(context, customer, command);
            }
            let events = customer::decide::decide(context, &customer.profile, customer, command)?;
            if let CustomerCommand::ParkCustomer(_) = command {
                // Nothing else is looked at: what could not be looked at may be why.
                let mut draft = Draft::after(customer, events);
                draft.extend(due_set(context, customer, &draft)?);
                return Ok(draft.events);
            }
            events
        }
        Command::Settlement(command) => {
            let known = before.as_ref().map_or(customer, |draft| &draft.customer);
            settlement::decide::decide(&settling(context, known), command)?
        }
        Command::Subscription(command) => {
            let known = before.as_ref().map_or(customer, |draft| &draft.customer);
            let case = subscription::case::Case {
                context: *context,
                profile: &known.profile,
                agreements: &known.agreements,
                books: known,
            };
            let decided = subscription::decide::decide(&case, command)?;
            let scope = decided.bill.map(|bill| match bill {
                Bill::All(id) => Scope::Subscription(id),
                Bill::WontBegin(id) => Scope::WontBegin(id),
            });
            if let Some(scope) = scope {
                let draft = continued(before, customer, decided.events);
                return billed_today(context, customer, draft, scope);
            }
            decided.events
        }
        Command::Billing(command) => return of_billing(context, customer, command),
        Command::Book(_) | Command::Seller(_) | Command::Catalog(_) | Command::Process(_) => {
            unreachable!("Command::stream says this is of the book: {command:?}")
        }
    };
    if before.is_some() {
        return finish(context, customer, continued(before, customer, events));
    }
    let follows = follows::waits(customer)
        || customer.settlement.has_both()
        || events.iter().any(begins_waiting);
    if !follows && !events.iter().any(|event| due::moves(event) || makes_credit(event)) {
        return Ok(events);
    }
    finish(context, customer, Draft::after(customer, events))
}

/// A subscription that is created may wait for a payment.
fn begins_waiting(event: &Event) -> bool {
    let created = event.get::<SubscriptionCreated>();
    created.is_some_and(|created| created.activation.is_some())
}

/// What had come by now, where the command changes what that depends on: a change that leaves
/// alone what is invoiced does so before an invoice is voided; an end comes to what nobody paid
/// for before a discount says that nothing was to be paid. None where nothing is to be caught up
/// with.
fn what_came_before(
    context: &Context<'_>,
    customer: &Customer,
    command: &Command,
) -> Result<Option<Draft>, Rejection> {
    use SubscriptionCommand as C;
    let now = context.stamp.recorded_at;
    let rules = &customer.profile.rules;
    let leaves = |of: &Subscription| of.leaves_alone_by(now);
    let ends = |of: &Subscription| {
        of.activation.is_some() && of.ending.is_none() && of.ends_by(now, rules)
    };
    let comes: &dyn Fn(&Subscription) -> bool = match command {
        Command::Settlement(SettlementCommand::VoidInvoice(_)) => &leaves,
        Command::Subscription(C::ApplyDiscount(_) | C::RedeemCoupon(_) | C::RemoveDiscount(_)) => {
            &ends
        }
        Command::Settlement(_)
        | Command::Subscription(_)
        | Command::Customer(_)
        | Command::Billing(_)
        | Command::Book(_)
        | Command::Seller(_)
        | Command::Catalog(_)
        | Command::Process(_) => return Ok(None),
    };
    // What has come by now was due.
    let of = customer.looked_at(Scope::All, present(context, customer)?)?;
    let found = customer.agreements.some(&of).filter(|of| comes(of)).map(Subscription::id);
    let mut draft = None;
    for id in found {
        let draft = draft.get_or_insert_with(|| Draft::after(customer, Vec::new()));
        advance_all(context, draft, Scope::Subscription(id), present(context, customer)?)?;
    }
    Ok(draft)
}

/// A draft that goes on with events.
fn continued(before: Option<Draft>, customer: &Customer, events: Vec<Event>) -> Draft {
    match before {
        Some(mut draft) => {
            draft.extend(events);
            draft
        }
        None => Draft::after(customer, events),
    }
}

/// A customer moves: its cycles up to today exist before it does, and what was agreed for later
/// keeps its days. None if it stays where it is.
fn moved(
    context: &Context<'_>,
    customer: &Customer,
    command: &CustomerCommand,
) -> Result<Option<Vec<Event>>, Rejection> {
    let mut draft = Draft::after(customer, Vec::new());
    let now = context.stamp.recorded_at;
    let today = Horizon { day: customer.profile.rules.date(now)?, now, ahead: false };
    advance_all(context, &mut draft, Scope::All, today)?;
    let now = &draft.customer;
    let events = customer::decide::decide(context, &now.profile, now, command)?;
    let found = events.iter().find_map(|event| event.get::<CustomerZoneChanged>());
    let Some(at) = found.map(|moved| moved.at) else { return Ok(None) };
    draft.extend(events);
    let clocks = (&customer.profile.rules.local, &draft.customer.profile.rules.local);
    let agreed = subscription::relocate::relocated(&draft.customer.agreements, clocks, at)?;
    draft.extend(agreed);
    finish(context, customer, draft).map(Some)
}

/// A customer is erased as it is once what was to happen by now has happened.
fn erased(
    context: &Context<'_>,
    customer: &Customer,
    command: &CustomerCommand,
) -> Result<Vec<Event>, Rejection> {
    let mut draft = up_to_date(context, customer)?;
    let now = &draft.customer;
    let events = customer::decide::decide(context, &now.profile, now, command)?;
    draft.extend(events);
    finish(context, customer, draft)
}

fn of_billing(
    context: &Context<'_>,
    customer: &Customer,
    command: &BillingCommand,
) -> Result<Vec<Event>, Rejection> {
    match command {
        BillingCommand::AddCharge(command) => {
            let added = one_off::add(context, customer.account(), command)?;
            let mut draft = Draft::after(customer, vec![added.into()]);
            match &command.invoice {
                None | Some(ChargeInvoice::Next) => {}
                Some(ChargeInvoice::Now(request)) => {
                    let today = present(context, customer)?;
                    let wanted = Wanted { request, run: None };
                    bill(context, &mut draft, Scope::Charge(command.charge), today, wanted)?;
                }
            }
            finish(context, customer, draft)
        }
        BillingCommand::WithdrawCharge(command) => {
            let withdrawn = one_off::withdraw(customer.account(), command)?;
            finish(context, customer, Draft::after(customer, vec![withdrawn.into()]))
        }
        BillingCommand::InvoiceNow(command) => invoice_now(context, customer, command),
        BillingCommand::BillCustomer(command) => bill_customer(context, customer, command),
    }
}

/// Invoices all that is due or pending, today; ahead if asked.
///
/// # Errors
/// [`Rejection::CustomerParked`], [`Rejection::NothingToInvoice`]; what billing says.
fn invoice_now(
    context: &Context<'_>,
    customer: &Customer,
    command: &InvoiceNow,
) -> Result<Vec<Event>, Rejection> {
    customer.profile.not_parked()?;
    let none = InvoiceRequest::default();
    let request = command.invoice.as_ref().unwrap_or(&none);
    let now = context.stamp.recorded_at;
    let rules = &customer.profile.rules;
    let (today, ahead) = (rules.date(now)?, command.ahead == Some(true));
    let through = command.through.unwrap_or(today);
    billing_run::not_too_far(through, today, ahead)?;
    let horizon = Horizon::through(through, now, ahead, rules)?;
    let draft = bill_all(context, customer, horizon, Wanted { request, run: None })?;
    if !draft.events.iter().any(is_document) {
        return Err(Rejection::NothingToInvoice { customer: customer.id() });
    }
    finish(context, customer, draft)
}

/// Bills one customer of a run.
///
/// # Errors
/// [`Rejection::CustomerParked`]; what billing says. The run then parks the customer, so that it
/// is not tried again and again and waits for someone to look at it.
fn bill_customer(
    context: &Context<'_>,
    customer: &Customer,
    command: &BillCustomer,
) -> Result<Vec<Event>, Rejection> {
    customer.profile.not_parked()?;
    if customer.profile.erased.is_some() {
        return end_documents(context, customer, command.through);
    }
    let request = InvoiceRequest::default();
    let wanted = Wanted { request: &request, run: Some(command.run) };
    let now = context.stamp.recorded_at;
    let rules = &customer.profile.rules;
    let horizon = Horizon::through(command.through, now, command.ahead, rules)?;
    let mut draft = bill_all(context, customer, horizon, wanted)?;
    follows::follow(context, &mut draft)?;
    // Also where nothing was billed: what waits may wait for another day by now.
    draft.extend(due_set(context, customer, &draft)?);
    Ok(draft.events)
}

/// Of an erased customer there is nothing to bill. Its documents may have been kept long enough;
/// if something was booked since, they have to wait longer.
fn end_documents(
    context: &Context<'_>,
    customer: &Customer,
    through: Date,
) -> Result<Vec<Event>, Rejection> {
    let mut draft = Draft::after(customer, Vec::new());
    take_steps(context, &mut draft, own_first_steps())?;
    let last = draft.customer.account().last_document;
    draft.extend(erase::end_documents(context, &customer.profile, last, through)?);
    draft.extend(due_set(context, customer, &draft)?);
    Ok(draft.events)
}

/// Takes the first steps of the processes, then bills everything that is due.
fn bill_all(
    context: &Context<'_>,
    customer: &Customer,
    horizon: Horizon,
    wanted: Wanted<'_>,
) -> Result<Draft, Rejection> {
    let mut draft = Draft { sweeps_all: true, ..Draft::after(customer, Vec::new()) };
    // What leaves alone what is invoiced does so before an invoice expires.
    let now = context.stamp.recorded_at;
    let of = customer.looked_at(Scope::All, present(context, customer)?)?;
    let leaves = customer.agreements.some(&of).filter(|of| of.leaves_alone_by(now));
    let found = leaves.map(Subscription::id);
    for id in found {
        advance_all(context, &mut draft, Scope::Subscription(id), present(context, customer)?)?;
    }
    take_steps(context, &mut draft, first_steps())?;
    bill(context, &mut draft, Scope::All, horizon, wanted)?;
    Ok(draft)
}

pub(super) fn billed_today(
    context: &Context<'_>,
    customer: &Customer,
    mut draft: Draft,
    scope: Scope,
) -> Result<Vec<Event>, Rejection> {
    let today = present(context, customer)?;
    let request = InvoiceRequest::default();
    bill(context, &mut draft, scope, today, Wanted { request: &request, run: None })?;
    finish(context, customer, draft)
}

/// The event by which the days become others on which a run has something to do, if they do.
fn due_set(
    context: &Context<'_>,
    customer: &Customer,
    draft: &Draft,
) -> Result<Option<Event>, Rejection> {
    due::set(customer.due, draft.customer.account(), context, draft.leaves_credit)
}

/// What follows from a decision; see the module.
pub(super) fn finish(
    context: &Context<'_>,
    customer: &Customer,
    mut draft: Draft,
) -> Result<Vec<Event>, Rejection> {
    follows::follow(context, &mut draft)?;
    if draft.events.iter().any(due::moves) {
        draft.extend(due_set(context, customer, &draft)?);
    }
    Ok(draft.events)
}

/// Whether there can be credit after an event that could not be used before, or something open
/// that credit can pay.
fn makes_credit(event: &Event) -> bool {
    match event {
        Event::Settlement(SettlementEvent::PaymentRecorded(payment)) => {
            payment.to_credit.is_positive()
        }
        Event::Settlement(_) => true,
        Event::Billing(_)
        | Event::Subscription(_)
        | Event::Customer(_)
        | Event::Process(_)
        | Event::Book(_)
        | Event::Seller(_)
        | Event::Catalog(_) => false,
    }
}
