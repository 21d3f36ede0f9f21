//! Subscriptions as pages for people.

mod changes;

use client::Node;
use schemas::event::{Dimension, ScheduledFor, Term};
use schemas::terms::{DiscountTarget, Renewal};
use schemas::view::{Subscription, SubscriptionItem};
use schemas::{Decimal, Span, Timestamp};

use super::plain::facts;
use super::prices::{billed, every, in_lines, lasting, worth};
use crate::table::{Rows, grouped, show};

use changes::change_words;

/// The width of a line of names.
const WIDTH: usize = 96;

/// The answer of `subscriptions.get`; none if it is of another release.
pub(super) fn subscription(data: &Node) -> Option<String> {
    let it: Subscription = data.read()?;
    let mut parts = vec![heading(&it), items(&it.items)];
    parts.extend(upcoming(&it.items));
    parts.extend(scheduled(&it));
    parts.extend(left_out(&it));
    parts.extend(discounts(&it));
    parts.extend(open(&it));
    parts.push(next(&it.next));
    Some(parts.join("\n"))
}

/// The answer of `subscriptions.list`; none if it is of another release.
pub(super) fn subscriptions(data: &Node) -> Option<String> {
    let all: Vec<Subscription> = data.read()?;
    if all.is_empty() {
        return Some("Nothing.".to_owned());
    }
    let mut table = Rows::new([
        "state",
        "what",
        "start",
        "billed through",
        "end",
        ">scheduled",
        ">open",
        "subscription",
    ]);
    for it in &all {
        let mut what: Vec<String> = Vec::new();
        for item in &it.items {
            let Some(terms) = &item.terms else { continue };
            let words = format!("{}{}", terms.name.as_str(), times(item.quantity));
            if !what.contains(&words) {
                what.push(words);
            }
        }
        table.push([
            state(it),
            what.join(", "),
            instant(it.start),
            it.charged_through.map(instant).unwrap_or_default(),
            it.end.map(instant).unwrap_or_default(),
            number(it.scheduled.len()),
            number(it.open.len()),
            it.subscription.to_string(),
        ]);
    }
    Some(without_empty(&table).text())
}

fn times(quantity: Decimal) -> String {
    if quantity == Decimal::ONE { String::new() } else { format!(" ×{quantity}") }
}

/// A count, where there is something to count.
fn number(count: usize) -> String {
    if count == 0 { String::new() } else { count.to_string() }
}

fn state(it: &Subscription) -> String {
    let name = Node::of(&it.state);
    name.text().unwrap_or_default().replace('_', " ")
}

fn heading(it: &Subscription) -> String {
    let mut fields = vec![
        ("Subscription", it.subscription.to_string()),
        ("Customer", it.customer.to_string()),
        ("State", format!("{} at {}", state(it), instant(it.at))),
        ("Start", instant(it.start)),
    ];
    let mut known = |name: &'static str, value: Option<String>| {
        fields.extend(value.map(|value| (name, value)));
    };
    known("Used by", it.beneficiary.map(|customer| customer.to_string()));
    known("Free until", it.trial_end.map(instant));
    known("Waits to be paid until", it.activation_expires.map(instant));
    known("End", it.end.map(instant));
    known("Term", it.term.as_ref().map(term));
    known("Billed through", it.charged_through.map(instant));
    known("Quote", it.quote.map(|quote| quote.to_string()));
    let words: Vec<_> = it.dimensions.iter().map(dimension).collect();
    known("Dimensions", (!words.is_empty()).then(|| words.join(", ")));
    for plan in plans(&it.items) {
        known("Plan", Some(plan));
    }
    let fields: Vec<_> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    facts(&fields)
}

fn term(term: &Term) -> String {
    let then = match term.renewal {
        Renewal::Renew => "then another",
        Renewal::RenewOnce => "then one more",
        Renewal::Evergreen => "then without a term",
        Renewal::Cancel => "then it ends",
    };
    format!("{} ({}), {then}", span(term.span), every(term.length))
}

fn dimension(dimension: &Dimension) -> String {
    format!("{}={}", dimension.key.as_str(), dimension.value.as_str())
}

/// Each plan version once.
fn plans(items: &[SubscriptionItem]) -> Vec<String> {
    let mut plans = Vec::new();
    for terms in items.iter().filter_map(|item| item.terms.as_ref()) {
        let product = terms.product.as_ref().map(|product| format!(" of {}", product.as_str()));
        let (plan, version) = (terms.plan, terms.version);
        let plan = format!("{plan} version {version}{}", product.unwrap_or_default());
        if !plans.contains(&plan) {
            plans.push(plan);
        }
    }
    plans
}

fn items(items: &[SubscriptionItem]) -> String {
    let mut table = Rows::new([">item", "what", ">quantity", "price", "billed", "cycle"]);
    for item in items {
        let terms = item.terms.as_ref();
        let name = terms.map_or("(ended)", |terms| terms.name.as_str());
        let add_on = if item.add_on { " (add-on)" } else { "" };
        table.push([
            item.item.to_string(),
            format!("{name}{add_on}"),
            grouped(&item.quantity.to_string()),
            terms.map(in_lines).unwrap_or_default(),
            terms.map(billed).unwrap_or_default(),
            item.cycle.map(|cycle| span(cycle.span)).unwrap_or_default(),
        ]);
    }
    table.text()
}

/// What is agreed for later, as in a ramp; none if nothing is.
fn upcoming(items: &[SubscriptionItem]) -> Option<String> {
    let mut table = Rows::new([">item", "from", "what", ">quantity", "price", "billed"]);
    for item in items {
        for step in &item.upcoming {
            let terms = step.terms.as_ref();
            table.push([
                item.item.to_string(),
                instant(step.from),
                terms.map_or("ends", |terms| terms.name.as_str()).to_owned(),
                terms.map(|_| grouped(&step.quantity.to_string())).unwrap_or_default(),
                terms.map(in_lines).unwrap_or_default(),
                terms.map(billed).unwrap_or_default(),
            ]);
        }
    }
    titled("Agreed for later", &table)
}

fn scheduled(it: &Subscription) -> Option<String> {
    let mut table = Rows::new([">change", "when", "what"]);
    for change in &it.scheduled {
        let (number, when) = (change.change.to_string(), due(change.at));
        table.push([number, when, change_words(&change.what)]);
    }
    titled("Scheduled", &table)
}

fn left_out(it: &Subscription) -> Option<String> {
    let mut table = Rows::new([">change", "when", "what", "why not, or not all"]);
    for change in &it.left_out {
        let (number, when) = (change.change.to_string(), due(change.at));
        table.push([number, when, change_words(&change.what), change.why.as_str().to_owned()]);
    }
    titled("Could not be", &table)
}

fn due(at: ScheduledFor) -> String {
    match at {
        ScheduledFor::At(at) => instant(at),
        ScheduledFor::Paid => "when all is paid".to_owned(),
    }
}

fn discounts(it: &Subscription) -> Option<String> {
    let mut table = Rows::new([">takes", "lasts", "on", "cycles in", "coupon", "discount"]);
    for given in &it.discounts {
        let on = match &given.on {
            DiscountTarget::Customer => "all of the customer".to_owned(),
            DiscountTarget::Subscription(_) => "the subscription".to_owned(),
            DiscountTarget::Item(target) => format!("price {}", target.price.as_str()),
            DiscountTarget::Product(product) => format!("product {}", product.as_str()),
        };
        table.push([
            worth(given.value),
            lasting(given.duration),
            on,
            given.window.map(span).unwrap_or_default(),
            given.coupon.map(|coupon| coupon.to_string()).unwrap_or_default(),
            given.discount.to_string(),
        ]);
    }
    titled("Discounts", &table)
}

fn open(it: &Subscription) -> Option<String> {
    let mut table = Rows::new(["open invoice", "due", ">balance due", ""]);
    for invoice in &it.open {
        table.push([
            invoice.invoice.to_string(),
            invoice.due_date.to_string(),
            show(&Node::of(&invoice.balance_due)),
            if invoice.overdue { "overdue".to_owned() } else { String::new() },
        ]);
    }
    (!table.rows.is_empty()).then(|| table.text())
}

fn titled(title: &str, table: &Rows) -> Option<String> {
    (!table.rows.is_empty()).then(|| format!("{title}\n{}", without_empty(table).text()))
}

/// The table without columns that have no cell.
fn without_empty(table: &Rows) -> Rows {
    let says =
        |at: &usize| table.rows.iter().any(|row| row.get(*at).is_some_and(|c| !c.is_empty()));
    let kept: Vec<usize> = (0..table.headings.len()).filter(says).collect();
    let pick = |row: &Vec<String>| kept.iter().filter_map(|at| row.get(*at).cloned()).collect();
    Rows { headings: pick(&table.headings), rows: table.rows.iter().map(pick).collect() }
}

/// The legal commands, on lines that fit.
fn next(names: &[String]) -> String {
    const TITLE: &str = "Next  ";
    if names.is_empty() {
        return format!("{TITLE}nothing: no command about it is legal any more");
    }
    let mut lines = vec![TITLE.to_owned()];
    for (at, name) in names.iter().enumerate() {
        let comma = if at + 1 < names.len() { ", " } else { "" };
        let fits = lines.last().is_some_and(|line| line.len() + name.len() < WIDTH);
        if !fits {
            lines.push(" ".repeat(TITLE.len()));
        }
        if let Some(line) = lines.last_mut() {
            line.extend([name.as_str(), comma]);
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

fn span(span: Span) -> String {
    format!("{}/{}", instant(span.start()), instant(span.end()))
}

/// An instant; the day alone where it is the start of one in UTC, and no seconds where there are
/// none.
fn instant(at: Timestamp) -> String {
    let text = at.to_string();
    if let Some(day) = text.strip_suffix("T00:00:00Z") {
        return day.to_owned();
    }
    text.strip_suffix(":00Z").map_or_else(|| text.clone(), |minute| format!("{minute}Z"))
}
