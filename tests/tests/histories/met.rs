//! What the histories met, and how often at least.

use core::fmt::Write as _;

use schemas::terms::Policies;

use crate::play::Counts;

/// What must be met in 2,000 histories, and how often.
const AT_LEAST: &[(&str, &str, u64)] = &[
    ("check", "preview equals charge", 2_000),
    ("check", "replay and snapshot", 1_900),
    ("check", "second run is empty", 2_000),
    ("check", "nothing new for who is erased", 500),
    ("law", "lines sum to the price of the time", 400),
    ("law", "all time that is due is charged", 1_500),
    ("law", "a pause is not charged", 100),
    ("law", "what is decided is what was asked", 2_000),
];

/// Commands that histories do not make; none of their customers is parked.
const NOT_MADE: &[&str] = &[
    "customer.update",
    "customer.park",
    "customer.draft_part",
    "customer.release",
    "credit_note.issue",
    "plan.withdraw_migration",
    "entity.update",
    "invoice.annotate",
    "subscription.end_trial",
    "charge.withdraw",
];

/// Refusals that must be met.
const REFUSED: &[(&str, u64)] = &[
    ("already_paused", 40),
    ("before_current_cycle", 40),
    ("before_subscription_start", 300),
    ("date_passed", 10),
    ("invalid_items", 30),
    ("invoice_has_payments", 100),
    ("no_term", 100),
    ("not_active_yet", 100),
    ("not_canceled", 100),
    ("not_paused", 200),
    ("nothing_open", 100),
    ("plan_retired", 200),
    ("quote_closed", 10),
    ("quote_expired", 10),
    ("refund_exceeds_credit", 50),
    ("subscription_canceled", 400),
    ("unknown_change", 100),
];

/// A table of everything that was met.
pub(crate) fn table(counts: &Counts, cases: u64) -> String {
    let mut text = format!("{cases} histories met:\n");
    for ((kind, name), times) in counts {
        writeln!(text, "{kind:10} {name:45} {times:>9}").expect("a string takes everything");
    }
    text
}

/// What was met less often than it should.
pub(crate) fn rare(counts: &Counts, cases: u64) -> Vec<String> {
    let met = |kind: &'static str, name: &str| {
        counts.get(&(kind, name.to_owned())).copied().unwrap_or_default()
    };
    let mut rare = Vec::new();
    let mut need = |kind: &'static str, name: &str, least: u64| {
        // Few histories are played to look at one fault: then one of each is enough to ask.
        let least = least * cases / 2_000;
        if met(kind, name) < least {
            rare.push(format!("{kind} {name}: {} of {least}", met(kind, name)));
        }
    };
    for (kind, name, least) in AT_LEAST {
        need(kind, name, *least);
    }
    for (code, least) in REFUSED {
        need("rejection", code, *least);
    }
    for kind in schemas::Command::KINDS.iter().filter(|kind| !NOT_MADE.contains(&kind.name)) {
        need("command", kind.name, 20);
    }
    for (policy, rules) in Policies::NAMES {
        for rule in *rules {
            need("policy", &format!("{policy}={rule}"), 40);
        }
    }
    for state in ["Pending", "Trialing", "Active", "Paused", "Canceled", "Expired"] {
        need("state", state, 100);
    }
    rare
}
