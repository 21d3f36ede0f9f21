//! The table of processes.

use schemas::{Date, Event, Rejection};
use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::{activations, billing_run, days};
use crate::billing::Account;
use crate::settlement::case::Case;
use crate::settlement::credit;
use crate::subscription::agreements::Agreements;
use crate::subscription::state::Subscription;

/// One process.
#[derive(Debug)]
pub struct Process {
    /// Its name, in what it parks.
    pub name: &'static str,
    /// Public names of the events that start it.
    pub starts: &'static [&'static str],
    pub(super) when: When,
    /// What it does, in a phrase.
    pub does: &'static str,
}

/// What each process with jobs keeps of the event that began one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Order {
    BillingRun(billing_run::Order),
}

/// What of a customer's agreements a process ends or changes, as events.
pub(crate) type Step = fn(&Case<'_>, &Agreements) -> Result<Vec<Event>, Rejection>;

/// The day that a process finds for a subscription.
type DayOf = fn(&Asked<'_>, &Subscription) -> Option<Date>;

/// When a process has something to do.
pub(super) enum When {
    /// When its event is there, for many: what it then keeps of the event.
    Job(fn(&Event) -> Option<Order>),
    /// On a day that it finds for a subscription; the customer's billing takes the step.
    Day(DayOf),
    /// On a day that it finds for a subscription; the customer's billing takes this step before
    /// it bills anything.
    First(DayOf, Step),
    /// On a day that it finds for the customer itself; its billing takes the step.
    Own(fn(Account<'_>) -> Option<Date>),
    /// On a day that it finds for the customer itself; its billing takes this step before it bills
    /// anything.
    OwnFirst(fn(Account<'_>) -> Option<Date>, Step),
    /// Together with the step of another process.
    With(&'static str),
    /// In the commit of the event that starts it.
    AtOnce,
    /// Never by itself: what depends on the day compares it when it is asked for.
    Asked,
}

impl std::fmt::Debug for When {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words())
    }
}

impl When {
    fn words(&self) -> String {
        match self {
            Self::Job(_) => "at once, a command for each subject".to_owned(),
            Self::Day(_) | Self::First(..) | Self::Own(_) | Self::OwnFirst(..) => {
                "on its day, a step of the customer's billing".to_owned()
            }
            Self::With(other) => format!("with the step of `{other}`"),
            Self::AtOnce => "in the same commit".to_owned(),
            Self::Asked => "when it is asked for".to_owned(),
        }
    }
}

impl Process {
    /// When it has something to do, in words.
    pub fn when(&self) -> String {
        self.when.words()
    }

    /// What becomes of a customer for whom it cannot be done, in words.
    pub fn otherwise(&self) -> &'static str {
        match self.when {
            When::Job(_) => "the customer is parked",
            When::Day(_) | When::First(..) | When::Own(_) | When::OwnFirst(..) | When::With(_) => {
                "the billing is refused, which parks the customer"
            }
            When::AtOnce => "the command is refused",
            When::Asked => "nothing",
        }
    }
}

/// Everything that happens by itself, in the order in which billing takes the steps.
pub const PROCESSES: &[Process] = &[
    Process {
        name: billing_run::NAME,
        starts: &["billing.run_started"],
        when: When::Job(|event| billing_run::begun_by(event).map(Order::BillingRun)),
        does: "bills every customer for whom there is something to do",
    },
    Process {
        name: "activation_expiry",
        starts: &["subscription.created"],
        when: When::First(activations::expires_on, activations::expire),
        does: "ends a subscription whose first payment did not come, and voids what it owes",
    },
    Process {
        name: "credit_expiry",
        starts: &["credit.granted"],
        when: When::OwnFirst(days::credit_expires_on, |case, _| Ok(credit::expire(case))),
        does: "ends what is left of credit whose last day has passed",
    },
    Process {
        name: "scheduled_change",
        starts: &["subscription.change_scheduled", "subscription.ramp_agreed"],
        when: When::Day(days::change_on),
        does: "lets a scheduled change, pause, resumption or end take effect",
    },
    Process {
        name: "term_renewal",
        starts: &["subscription.created", "subscription.term_renewed"],
        when: When::Day(days::term_ends_on),
        does: "begins another contract term, or ends the subscription",
    },
    Process {
        name: "plan_migration",
        starts: &["plan.migration_set"],
        when: When::With("cycle"),
        does: "gives the first cycle from the day on the terms of the plan's other version",
    },
    Process {
        name: "cycle",
        starts: &["subscription.created", "subscription.changed", "subscription.cycle_opened"],
        when: When::Day(days::cycle_on),
        does: "opens the next cycle, and bills what of the cycles is not billed",
    },
    Process {
        name: "document_erasure",
        starts: &["customer.erased"],
        when: When::Own(days::documents_on),
        does: "destroys what the documents of an erased customer say, once they need not be kept",
    },
    Process {
        name: "credit_application",
        starts: &[
            "payment.recorded",
            "payment.reversed",
            "payment.refunded",
            "credit.granted",
            "credit.released",
            "credit_note.issued",
            "invoice.voided",
            "invoice.finalized",
        ],
        when: When::AtOnce,
        does: "pays what is open from credit, the oldest due first, where `credit_target` says so",
    },
    Process {
        name: "first_payment",
        starts: &["payment.recorded", "invoice.finalized", "invoice.voided", "credit_note.issued"],
        when: When::AtOnce,
        does: "begins what waited for a payment, once nothing of it is open",
    },
    Process {
        name: "quote_expiry",
        starts: &["quote.created"],
        when: When::Asked,
        does: "refuses to accept a quote after its last day",
    },
];

/// The steps that billing takes before it bills anything, in the order of the table.
pub(crate) fn first_steps() -> impl Iterator<Item = Step> {
    PROCESSES.iter().filter_map(|process| match process.when {
        When::First(_, step) | When::OwnFirst(_, step) => Some(step),
        When::Job(_) | When::Day(_) | When::Own(_) | When::With(_) | When::AtOnce | When::Asked => {
            None
        }
    })
}

/// The steps of these that are about the customer itself: those that an erased one has.
pub(crate) fn own_first_steps() -> impl Iterator<Item = Step> {
    PROCESSES.iter().filter_map(|process| match process.when {
        When::OwnFirst(_, step) => Some(step),
        When::First(..)
        | When::Job(_)
        | When::Day(_)
        | When::Own(_)
        | When::With(_)
        | When::AtOnce
        | When::Asked => None,
    })
}
