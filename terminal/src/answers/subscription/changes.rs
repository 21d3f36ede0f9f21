//! Scheduled changes in words.

use schemas::command::ItemRequest;
use schemas::event::{ChangeAgreed, ScheduledChange};
use schemas::terms::{Anchor, CancelCredit, Settle};

/// What will change, each part on a line of its own.
pub(super) fn change_words(what: &ScheduledChange) -> String {
    match what {
        ScheduledChange::Items(items) => items_words(items),
        ScheduledChange::Cancel(end) => {
            let credit = match end.credit {
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

fn items_words(change: &ChangeAgreed) -> String {
    let mut words = Vec::new();
    words.extend(change.plan.map(|plan| format!("{} version {}", plan.plan, plan.version)));
    words.extend(change.quantity.map(|quantity| format!("quantity {quantity}")));
    words.extend(change.items.iter().map(item_words));
    words.extend(change.map.iter().map(|mapping| match &mapping.to {
        Some(to) => format!("{} becomes {to}", mapping.from),
        None => format!("{} ends", mapping.from),
    }));
    words.extend(change.anchor.map(|anchor| match anchor {
        Anchor::Anniversary => "cycles start on the day of the subscription".to_owned(),
        Anchor::Calendar => "cycles start with the calendar".to_owned(),
        Anchor::Day(day) => format!("cycles start on day {day} of the month"),
        Anchor::Date(date) => format!("cycles start on {date}"),
    }));
    words.extend(change.keep_prices.then(|| "prices of its own go along".to_owned()));
    words.extend(change.keep_scheduled.then(|| "what is scheduled goes along".to_owned()));
    words.push(settled(change.settle).to_owned());
    words.join("\n")
}

fn item_words(request: &ItemRequest) -> String {
    if request.remove == Some(true) {
        return format!("{} ends", request.price);
    }
    let quantity = request.quantity.map(|quantity| format!("quantity {quantity}"));
    let rate = request.rate.as_ref().map(|_| "a price of its own".to_owned());
    let parts: Vec<_> = rate.into_iter().chain(quantity).collect();
    let parts = if parts.is_empty() { "is added".to_owned() } else { parts.join(", ") };
    format!("{}: {parts}", request.price)
}

fn settled(settle: Settle) -> &'static str {
    match settle {
        Settle::Now => "the difference is billed at once",
        Settle::Next => "the difference is billed with the next invoice",
        Settle::None => "the difference is not billed",
    }
}
