//! What the cases are given and what they ask, in short words.

use ledger_core::{Ledger, Stamp};
use schemas::Command;
use serde_json::{Value, json};

use crate::Decided;
use crate::support::{TestBook, at, id};

pub(crate) fn eur(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// The same with a field set.
pub(crate) fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

pub(crate) fn series(kind: &str) -> Value {
    json!({"code": kind, "kind": kind, "prefix": kind, "digits": 6})
}

pub(crate) fn entity(entity: &str, terms: u16, series: &[Value]) -> Value {
    json!({
        "entity": id(entity), "name": "Seller", "zone": "UTC", "payment_terms_days": terms,
        "series": series,
    })
}

pub(crate) fn plan(plan: &str, count: u16, unit: &str, prices: &[Value]) -> Value {
    json!({
        "plan": id(plan), "name": "Plan", "every": {"count": count, "unit": unit},
        "timing": "in_advance", "prices": prices,
    })
}

/// A flat price in euro.
pub(crate) fn flat(amount: &str) -> Value {
    price("fee", &json!({"flat": amount}))
}

/// A price in euro.
pub(crate) fn price(price: &str, rate: &Value) -> Value {
    json!({"price": price, "amounts": [{"currency": "EUR", "rate": rate}]})
}

pub(crate) fn register(customer: &str) -> Value {
    json!({"customer": id(customer), "entity": id("e"), "name": "Customer", "currency": "EUR"})
}

pub(crate) fn subscribe(plan: &str) -> Value {
    json!({"customer": id("c"), "subscription": id("s"), "plan": id(plan)})
}

pub(crate) fn change_plan(plan: &str) -> Value {
    with(with(subscribe(plan), "when", json!("now")), "plan", json!(id(plan)))
}

pub(crate) fn change_quantity(quantity: &str) -> Value {
    json!({
        "customer": id("c"), "subscription": id("s"), "quantity": quantity, "when": "now",
    })
}

pub(crate) fn cancel(when: &str) -> Value {
    json!({"customer": id("c"), "subscription": id("s"), "when": when})
}

/// A command about subscription `s` with a field.
pub(crate) fn named(field: &str, value: Value) -> Value {
    with(json!({"customer": id("c"), "subscription": id("s")}), field, value)
}

pub(crate) fn discount(value: &Value, duration: &Value) -> Value {
    json!({
        "customer": id("c"), "discount": id("d"), "on": "customer", "value": value,
        "duration": duration,
    })
}

pub(crate) fn charge(charge: &str, amount: &str, invoice: &Value) -> Value {
    json!({
        "customer": id("c"), "charge": id(charge), "description": "Work",
        "price": {"total": eur(amount)}, "invoice": invoice,
    })
}

pub(crate) fn pay(payment: &str, amount: &str) -> Value {
    json!({"customer": id("c"), "payment": id(payment), "amount": eur(amount)})
}

pub(crate) fn pay_to(amount: &str, parts: &[(&str, &str)]) -> Value {
    let parts: Vec<_> = parts
        .iter()
        .map(|(invoice, amount)| json!({"invoice": id(invoice), "amount": eur(amount)}))
        .collect();
    with(pay("p2", amount), "allocate", json!({"to": parts}))
}

pub(crate) fn reverse() -> Value {
    json!({"customer": id("c"), "payment": id("p"), "reason": "no funds"})
}

pub(crate) fn refund(refund: &str, amount: &str, effect: &Value) -> Value {
    json!({
        "customer": id("c"), "payment": id("p"), "refund": id(refund), "amount": eur(amount),
        "effect": effect, "reason": "goodwill",
    })
}

pub(crate) fn grant(grant: &str, amount: &str) -> Value {
    json!({"customer": id("c"), "grant": id(grant), "amount": eur(amount), "reason": "sorry"})
}

pub(crate) fn void(invoice: &Value) -> Value {
    json!({"customer": id("c"), "invoice": invoice, "reason": "mistake", "rebill": true})
}

/// Subscribed to `basic`, 30.00 a month in advance.
pub(crate) fn subscribed() -> TestBook {
    subscribed_under(&json!({}))
}

/// The same where other policies hold.
pub(crate) fn subscribed_under(policies: &Value) -> TestBook {
    let mut book = TestBook::of("billfold@1", policies.clone(), "2024-01-01");
    book.with_customer_and_plans();
    book.given("subscription.create", subscribe("basic"));
    book
}

/// The same with January billed.
pub(crate) fn billed() -> TestBook {
    billed_under(&json!({}))
}

/// The same where other policies hold.
pub(crate) fn billed_under(policies: &Value) -> TestBook {
    let mut book = subscribed_under(policies);
    book.bill("2024-01-01");
    book
}

/// Invoice `i` of `amount` for the one-off charge `x`.
pub(crate) fn invoiced(amount: &str) -> TestBook {
    let mut book = TestBook::with_plans();
    book.given("charge.add", charge("x", amount, &json!({"now": {"invoice": id("i")}})));
    book
}

/// Invoice `i` of 30.00, paid by `p`, and 10.00 more that became credit.
pub(crate) fn paid() -> TestBook {
    let mut book = invoiced("30");
    book.given("payment.record", pay("p", "40"));
    book
}

/// What a ledger says that holds no book yet.
pub(crate) fn before_any_book(name: &str, body: &Value) -> Decided {
    Ledger::default().decide(&command(name, body), &stamp())
}

/// What a book says that runs on the machine's clock.
pub(crate) fn on_a_wall_book(name: &str, body: &Value) -> Decided {
    let open = json!({"book": "test", "profile": "billfold@1", "clock": "wall"});
    let mut ledger = Ledger::default();
    let open = command("book.open", &open);
    let events = ledger.decide(&open, &stamp())?;
    ledger.fold(1, open.stream(), &stamp(), &events).expect("the book is opened");
    ledger.decide(&command(name, body), &stamp())
}

fn command(name: &str, body: &Value) -> Command {
    Command::from_json(name, body.to_string().as_bytes()).expect("a command")
}

fn stamp() -> Stamp {
    let now = at("2024-01-01");
    let command_id = schemas::ids::CommandId::new(uuid::Uuid::from_u128(1));
    Stamp { command_id, recorded_at: now, effective_at: now }
}
