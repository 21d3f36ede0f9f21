//! From a command to the room that decides it, and what follows from that in other rooms.
//!
//! # Ordering
//!
//! 1. The room decides.
//! 2. What it wants billed in the same commit is billed, on the customer as it is then.
//! 3. Subscriptions that waited for a payment begin, and changes that waited for one take effect.
//! 4. If the day moved on which a run has something to do, that is an event, too.

use schemas::command::{
    BillCustomer, BillingCommand, BookCommand, ChargeInvoice, CustomerCommand, InvoiceNow,
    InvoiceRequest, ProcessCommand, UpdateCustomer,
};
use schemas::event::{
    ChangeScheduled, CustomerZoneChanged, Event, InvoiceFinalized, ScheduledFor,
    SubscriptionActivated, SubscriptionCreated,
};
use schemas::ids::SubscriptionId;
use schemas::{Command, Date, Rejection};

use super::customer::Customer;
use super::draft::Draft;
use super::facts::Facts;
use crate::billing::invoice::{Wanted, invoice};
use crate::billing::lines::Scope;
use crate::billing::one_off;
use crate::context::Context;
use crate::customer::erase;
use crate::process::{billing_run, due, first_steps};
use crate::shared::Shared;
use crate::subscription::advance::Advance;
use crate::subscription::case::Books as _;
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
        Command::Catalog(command) => catalog::decide::decide(&facts.catalog, command),
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
    let events = match command {
        Command::Customer(command) => {
            if let CustomerCommand::UpdateCustomer(UpdateCustomer { zone: Some(_), .. }) = command
                && let Some(events) = moved(context, customer, command)?
            {
                return Ok(events);
            }
            customer::decide::decide(context, &customer.profile, customer, command)?
        }
        Command::Settlement(command) => {
            settlement::decide::decide(&settling(context, customer), command)?
        }
        Command::Subscription(command) => {
            let case = subscription::case::Case {
                context: *context,
                profile: &customer.profile,
                agreements: &customer.agreements,
                books: customer,
            };
            let decided = subscription::decide::decide(&case, command)?;
            if let Some(id) = decided.bill {
                let draft = Draft::after(customer, decided.events);
                return billed_today(context, customer, draft, Scope::Subscription(id));
            }
            decided.events
        }
        Command::Billing(command) => return of_billing(context, customer, command),
        Command::Book(_) | Command::Seller(_) | Command::Catalog(_) | Command::Process(_) => {
            unreachable!("Command::stream says this is of the book: {command:?}")
        }
    };
    let follows = waits(customer) || events.iter().any(begins_waiting);
    if !follows && !events.iter().any(due::moves) {
        return Ok(events);
    }
    finish(context, customer, Draft::after(customer, events))
}

/// A customer moves: its cycles up to today exist before it does, and what was agreed for later
/// keeps its days. None if it stays where it is.
fn moved(
    context: &Context<'_>,
    customer: &Customer,
    command: &CustomerCommand,
) -> Result<Option<Vec<Event>>, Rejection> {
    let mut draft = Draft::after(customer, Vec::new());
    let today = customer.profile.rules.date(context.stamp.recorded_at)?;
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

fn settling<'a>(context: &Context<'a>, customer: &'a Customer) -> settlement::case::Case<'a> {
    settlement::case::Case {
        context: *context,
        profile: &customer.profile,
        billing: &customer.billing,
        settlement: &customer.settlement,
    }
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
                    let today = customer.profile.rules.date(context.stamp.recorded_at)?;
                    let wanted = Wanted { request, run: None };
                    bill(context, &mut draft, Scope::Charge(command.charge), today, wanted)?;
                }
            }
            finish(context, customer, draft)
        }
        BillingCommand::InvoiceNow(command) => invoice_now(context, customer, command),
        BillingCommand::BillCustomer(command) => bill_customer(context, customer, command),
    }
}

/// Invoices all that is due or pending, today.
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
    let today = customer.profile.rules.date(context.stamp.recorded_at)?;
    let draft = bill_all(context, customer, today, Wanted { request, run: None })?;
    let invoiced = draft.events.iter().any(|event| event.get::<InvoiceFinalized>().is_some());
    if !invoiced {
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
    let draft = bill_all(context, customer, command.through, wanted)?;
    finish(context, customer, draft)
}

/// Of an erased customer there is nothing to bill. Its documents may have been kept long enough;
/// if something was booked since, they have to wait longer.
fn end_documents(
    context: &Context<'_>,
    customer: &Customer,
    through: Date,
) -> Result<Vec<Event>, Rejection> {
    let last = customer.account().last_document;
    let ended = erase::end_documents(context, &customer.profile, last, through)?;
    let mut draft = Draft::after(customer, ended.map(Event::from).into_iter().collect());
    draft.extend(due::set(customer.due, draft.customer.account()));
    Ok(draft.events)
}

/// Takes the first steps of the processes, then bills everything that is due.
fn bill_all(
    context: &Context<'_>,
    customer: &Customer,
    through: Date,
    wanted: Wanted<'_>,
) -> Result<Draft, Rejection> {
    let mut draft = Draft::after(customer, Vec::new());
    for step in first_steps() {
        let events = step(&settling(context, &draft.customer), &draft.customer.agreements);
        draft.extend(events);
    }
    bill(context, &mut draft, Scope::All, through, wanted)?;
    Ok(draft)
}

fn billed_today(
    context: &Context<'_>,
    customer: &Customer,
    mut draft: Draft,
    scope: Scope,
) -> Result<Vec<Event>, Rejection> {
    let today = customer.profile.rules.date(context.stamp.recorded_at)?;
    let request = InvoiceRequest::default();
    bill(context, &mut draft, scope, today, Wanted { request: &request, run: None })?;
    finish(context, customer, draft)
}

/// Brings what is billed up to `through`, and adds the invoice of what is due, if anything is.
fn bill(
    context: &Context<'_>,
    draft: &mut Draft,
    scope: Scope,
    through: Date,
    wanted: Wanted<'_>,
) -> Result<(), Rejection> {
    advance_all(context, draft, scope, through)?;
    let invoice = invoice(context, draft.customer.account(), scope, through, wanted)?;
    draft.extend(invoice);
    Ok(())
}

/// Brings the subscriptions of a scope up to and on `through`.
fn advance_all(
    context: &Context<'_>,
    draft: &mut Draft,
    scope: Scope,
    through: Date,
) -> Result<(), Rejection> {
    let profile = Shared::clone(&draft.customer.profile);
    let advance =
        Advance { rules: &profile.rules, catalog: context.catalog, currency: profile.currency };
    let all = draft.customer.subscriptions().map(Subscription::id).filter(|id| scope.has(*id));
    for id in all.collect::<Vec<_>>() {
        draft.advance(advance, id, through)?;
    }
    Ok(())
}

/// What follows from a decision; see the module.
fn finish(
    context: &Context<'_>,
    customer: &Customer,
    mut draft: Draft,
) -> Result<Vec<Event>, Rejection> {
    follow_payments(context, &mut draft)?;
    if draft.events.iter().any(due::moves) {
        draft.extend(due::set(customer.due, draft.customer.account()));
    }
    Ok(draft.events)
}

fn is_waiting(subscription: &Subscription) -> bool {
    subscription.activation_expires.is_some()
        || subscription.scheduled.iter().any(|due| due.at == ScheduledFor::Paid)
}

fn waits(customer: &Customer) -> bool {
    customer.subscriptions().any(is_waiting)
}

fn begins_waiting(event: &Event) -> bool {
    let created = event.get::<SubscriptionCreated>();
    created.is_some_and(|created| created.activation_expires.is_some())
}

/// Subscriptions that waited for a payment begin, and changes that waited for one take effect,
/// when nothing is open any more that has a line of them.
fn follow_payments(context: &Context<'_>, draft: &mut Draft) -> Result<(), Rejection> {
    let is_paid = |subscription: &Subscription| {
        is_waiting(subscription)
            && !draft.customer.owes(subscription.id())
            && draft.customer.billing.lines_of(subscription.id()).next().is_some()
    };
    let paid = draft.customer.subscriptions().filter(|found| is_paid(found));
    let paid: Vec<SubscriptionId> = paid.map(Subscription::id).collect();
    let profile = Shared::clone(&draft.customer.profile);
    let advance =
        Advance { rules: &profile.rules, catalog: context.catalog, currency: profile.currency };
    let now = context.stamp.recorded_at;
    for id in paid {
        let found = draft.customer.subscription_of(id);
        if found.is_some_and(|found| found.activation_expires.is_some()) {
            draft.push(SubscriptionActivated { subscription: id, at: now }.into());
        }
        let at = profile.rules.moment(now)?;
        // Cycles up to the change exist before it: a new anchor leaves no time between.
        if first_paid(&draft.customer, id).is_some() {
            draft.advance(advance, id, profile.rules.date(at)?)?;
        }
        while let Some((subscription, due)) = first_paid(&draft.customer, id) {
            let events = advance.scheduled(subscription, at, due)?;
            draft.extend(events);
        }
    }
    Ok(())
}

/// The first change of a subscription that waits for a payment.
fn first_paid(
    customer: &Customer,
    id: SubscriptionId,
) -> Option<(&Subscription, &ChangeScheduled)> {
    let subscription = customer.subscription_of(id)?;
    let waits = |due: &&ChangeScheduled| due.at == ScheduledFor::Paid;
    subscription.scheduled.iter().find(waits).map(|due| (subscription, due))
}
