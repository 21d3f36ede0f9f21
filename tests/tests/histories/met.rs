//! What the histories met, and how often at least.

use core::fmt::Write as _;

use schemas::terms::Policies;

use crate::play::Counts;

/// What must be met in 2,000 histories, and how often.
const AT_LEAST: &[(&str, &str, u64)] = &[
    ("check", "preview equals charge", 2_000),
    ("check", "replay and snapshot", 1_900),
    ("check", "second run is empty", 2_000),
    ("law", "lines sum to the price of the time", 400),
    ("law", "all time that is due is charged", 1_500),
    ("law", "a pause is not charged", 100),
    ("law", "what is decided is what was asked", 2_000),
];

/// Commands that histories do not make.
const NOT_MADE: &[&str] = &["customer.update", "credit_note.issue"];

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
