//! Scheduled changes in words.

use schemas::event::{ItemChange, ScheduledChange, ScheduledItems, TermsChange};
use schemas::terms::{Anchor, CancelCredit, Settle};

use super::super::prices::{billed, price};

/// What will change, each part on a line of its own.
pub(super) fn change_words(what: &ScheduledChange) -> String {
    match what {
        ScheduledChange::Items(items) => items_words(items),
        ScheduledChange::Cancel(credit) => {
            let credit = match credit {
                CancelCredit::Prorated => "unused time is credited",
                CancelCredit::None => "nothing is credited",
                CancelCredit::Full => "the whole cycle is credited",
            };
            format!("it is canceled; {credit}")
        }
        ScheduledChange::Pause(settle) => format!("it pauses; {}", settled(*settle)),
        ScheduledChange::Resume(settle) => format!("it goes on; {}", settled(*settle)),
    }
}

fn items_words(change: &ScheduledItems) -> String {
    let mut words: Vec<_> = change.items.iter().map(item_words).collect();
    words.extend(change.anchor.map(|anchor| match anchor {
        Anchor::Anniversary => "cycles start on the day of the change".to_owned(),
        Anchor::Calendar => "cycles start with the calendar".to_owned(),
        Anchor::Day(day) => format!("cycles start on day {day} of the month"),
        Anchor::Date(date) => format!("cycles start on {date}"),
    }));
    words.push(settled(change.settle).to_owned());
    words.join("\n")
}

fn item_words(change: &ItemChange) -> String {
    let quantity = change.quantity.map(|quantity| format!("quantity {quantity}"));
    let terms = match &change.terms {
        TermsChange::Keep => None,
        TermsChange::Set(terms) => {
            Some(format!("{} at {} {}", terms.name.as_str(), price(terms), billed(terms)))
        }
        TermsChange::Remove => Some("ends".to_owned()),
    };
    let parts: Vec<_> = terms.into_iter().chain(quantity).collect();
    let parts = if parts.is_empty() { "other cycles".to_owned() } else { parts.join(", ") };
    format!("item {}: {parts}", change.item)
}

fn settled(settle: Settle) -> &'static str {
    match settle {
        Settle::Now => "the difference is billed at once",
        Settle::Next => "the difference is billed with the next invoice",
        Settle::None => "the difference is not billed",
    }
}
