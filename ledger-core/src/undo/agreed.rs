//! Subscriptions, discounts and quotes: ends, pauses, renewals, what is scheduled.

use schemas::command::{
    ApplyDiscount, CancelSubscription, ChangePlan, ChangeQuantity, ChangeSubscription, CreateQuote,
    PauseSubscription, RemoveDiscount, ResumeSubscription, SetRenewal, UncancelSubscription,
    VoidQuote, WithdrawChange,
};
use schemas::event::{
    ChangeScheduled, ChargeAdded, DiscountApplied, InvoiceFinalized, ScheduledChange,
    ScheduledChangeWithdrawn, SubscriptionCanceled, SubscriptionCreated, SubscriptionResumed,
};
use schemas::ids::{CustomerId, DiscountId, QuoteId, SubscriptionId};
use schemas::terms::{CancelCredit, ChangeTime, DiscountDuration};
use schemas::{Command, Date};

use super::step::{Done, Past, Stays, Step, in_its_place};

/// Made anew by hand.
const ANEW: Stays = Stays::because(
    "no command scheduled the change that was withdrawn; make it anew with subscription.change",
);

/// Ends what began, as of its start; setup fees that were invoiced are credited behind it.
pub(super) fn ended(
    customer: CustomerId,
    subscription: SubscriptionId,
    done: &Done<'_>,
) -> Vec<Step> {
    let created = done.decided::<SubscriptionCreated>().next();
    let Some(created) = created else { return Vec::new() };
    let (when, credit, waive_fee) = (ChangeTime::Now, Some(CancelCredit::Full), Some(true));
    let step = Step::of(CancelSubscription { customer, subscription, when, credit, waive_fee })
        .unmaking(subscription);
    // What begins later does not begin at all.
    let began = created.start <= done.effective_at;
    vec![if began { step.since(done.effective_at) } else { step }]
}

pub(super) fn uncanceled(cancel: &CancelSubscription, done: &Done<'_>) -> Result<Vec<Step>, Stays> {
    let (customer, subscription) = (cancel.customer, cancel.subscription);
    let (mut ends, mut fee, mut invoiced) = (false, false, false);
    for event in done.events {
        ends |= event.get::<SubscriptionCanceled>().is_some();
        ends |= event.get::<ChangeScheduled>().is_some();
        fee |= event.get::<ChargeAdded>().is_some_and(|added| added.early_termination);
        invoiced |= event.get::<InvoiceFinalized>().is_some();
    }
    if fee && invoiced {
        return Err(Stays::because(
            "the fee for the early end is invoiced; credit it with credit_note.issue, then submit \
             subscription.uncancel",
        ));
    }
    let undone = Step::of(UncancelSubscription { customer, subscription });
    Ok(if ends { vec![undone] } else { Vec::new() })
}

pub(super) fn canceled_again(
    uncancel: &UncancelSubscription,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    let of_it = |cancel: &CancelSubscription| cancel.subscription == uncancel.subscription;
    let canceled = past.asked(of_it).cloned();
    let canceled = canceled
        .ok_or(Stays::because("no command canceled it; cancel it anew with subscription.cancel"))?;
    Ok(vec![Step::of(canceled)])
}

/// What a commit scheduled, the last first.
pub(super) fn unscheduled(
    customer: CustomerId,
    subscription: SubscriptionId,
    done: &Done<'_>,
) -> Vec<Step> {
    let scheduled = done.decided::<ChangeScheduled>().rev();
    let of_it = scheduled.filter(|due| due.subscription == subscription);
    let withdrawn = of_it.map(|due| {
        let change = due.change;
        Step::of(WithdrawChange { customer, subscription, change }).apart()
    });
    withdrawn.collect()
}

/// Numbers of the changes that a commit withdrew.
fn withdrawn(subscription: SubscriptionId, done: &Done<'_>) -> impl Iterator<Item = u32> {
    let gone = done.decided::<ScheduledChangeWithdrawn>();
    gone.filter(move |gone| gone.subscription == subscription).map(|gone| gone.change)
}

/// The command that schedules a change again.
fn scheduling(subscription: SubscriptionId, change: u32, past: &Past<'_>) -> Result<Step, Stays> {
    let found = past.last(|commit| {
        let mut scheduled = commit.decided::<ChangeScheduled>();
        let due = scheduled.find(|due| due.subscription == subscription && due.change == change)?;
        Some((due, commit.command))
    });
    let (due, command) = found.ok_or(ANEW)?;
    let same = || Step::of(command.clone());
    let pause = command.get::<PauseSubscription>();
    let again = match &due.what {
        ScheduledChange::Items(_) => changes_items(command).then(same),
        ScheduledChange::Cancel(_) => command.get::<CancelSubscription>().map(|_| same()),
        // When it goes on again waits for its day still, as a change of its own.
        ScheduledChange::Pause(_) => {
            pause.map(|pause| Step::of(PauseSubscription { resume_on: None, ..pause.clone() }))
        }
        ScheduledChange::Resume(_) => match pause.map(|pause| (pause.customer, pause.resume_on)) {
            None => command.get::<ResumeSubscription>().map(|_| same()),
            Some((_, None)) => None,
            Some((customer, Some(on))) => {
                let (when, proration) = (ChangeTime::On(on), None);
                Some(Step::of(ResumeSubscription { customer, subscription, when, proration }))
            }
        },
    };
    again.ok_or(ANEW)
}

fn changes_items(command: &Command) -> bool {
    command.get::<ChangeSubscription>().is_some()
        || command.get::<ChangePlan>().is_some()
        || command.get::<ChangeQuantity>().is_some()
}

pub(super) fn scheduled_again(
    withdraw: &WithdrawChange,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    Ok(vec![scheduling(withdraw.subscription, withdraw.change, past)?])
}

pub(super) fn resumed(pause: &PauseSubscription, done: &Done<'_>) -> Vec<Step> {
    let (customer, subscription) = (pause.customer, pause.subscription);
    if pause.when != ChangeTime::Now {
        return unscheduled(customer, subscription, done);
    }
    // A day on which it would go on goes with it.
    let (when, proration) = (ChangeTime::Now, None);
    vec![Step::of(ResumeSubscription { customer, subscription, when, proration })]
}

pub(super) fn paused_again(
    resume: &ResumeSubscription,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    let (customer, subscription) = (resume.customer, resume.subscription);
    let known = withdrawn(subscription, done).next();
    let known = known.map(|change| scheduling(subscription, change, past)).transpose()?;
    let now = done.decided::<SubscriptionResumed>().next().is_some();
    if !now || resume.when != ChangeTime::Now {
        let mut steps = unscheduled(customer, subscription, done);
        steps.extend(known);
        return Ok(steps);
    }
    let (when, credit) = (ChangeTime::Now, None);
    let resume_on = known.as_ref().map(day).transpose()?;
    Ok(vec![Step::of(PauseSubscription { customer, subscription, when, credit, resume_on })])
}

/// The day of a resumption that is scheduled.
fn day(step: &Step) -> Result<Date, Stays> {
    match step.command.get::<ResumeSubscription>().map(|resume| resume.when) {
        Some(ChangeTime::On(date)) => Ok(date),
        Some(ChangeTime::Now | ChangeTime::CycleEnd | ChangeTime::WhenPaid) | None => Err(ANEW),
    }
}

pub(super) fn renewal(
    set: &SetRenewal,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    let at = done.effective_at;
    let before = past.ledger.subscription_view(set.customer, set.subscription, at, at)?;
    let Some(term) = before.term else { return Ok(Vec::new()) };
    if done.decided::<ScheduledChangeWithdrawn>().next().is_some() {
        return Err(Stays::because(
            "it withdrew what was scheduled beyond the end; set the renewal back with \
             subscription.set_renewal, and schedule that anew with subscription.change",
        ));
    }
    Ok(vec![Step::of(SetRenewal { renewal: term.renewal, ..set.clone() })])
}

pub(super) fn discount_removed(customer: CustomerId, discount: DiscountId) -> Vec<Step> {
    vec![Step::of(RemoveDiscount { customer, discount })]
}

pub(super) fn discount_given(
    remove: &RemoveDiscount,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    let given = past.decided(|given: &DiscountApplied| given.discount == remove.discount).cloned();
    let given = given
        .ok_or(Stays::because("no command gave the discount; give it anew with discount.apply"))?;
    match given.duration {
        DiscountDuration::Forever => {}
        DiscountDuration::Once | DiscountDuration::Cycles(_) | DiscountDuration::Months(_) => {
            return Err(Stays::because(
                "the discount was for a number of times, of which some may be used up; give the \
                 rest with discount.apply",
            ));
        }
    }
    let back = ApplyDiscount {
        customer: remove.customer,
        discount: DiscountId::new(in_its_place(done)),
        on: given.on,
        value: given.value,
        duration: given.duration,
    };
    Ok(vec![Step::of(back)])
}

pub(super) fn quote_void(create: &CreateQuote) -> Vec<Step> {
    vec![Step::of(VoidQuote { customer: create.customer, quote: create.quote })]
}

pub(super) fn quote_offered(
    void: &VoidQuote,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    let made = past.asked(|create: &CreateQuote| create.quote == void.quote).cloned();
    let made =
        made.ok_or(Stays::because("no command made the quote; make another with quote.create"))?;
    Ok(vec![Step::of(CreateQuote { quote: QuoteId::new(in_its_place(done)), ..made })])
}
