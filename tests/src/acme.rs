//! A small book: one seller, two plans, customers by number; its commands as messages.

use std::fmt::Display;

use schemas::ids::CommandId;
use schemas::wire::{Headers, Message, header};
use serde_json::{Value, json};
use uuid::Uuid;

/// The book's name.
pub const BOOK: &str = "main";

/// The id of the `n`-th thing of a kind, such as `cus`.
pub fn id(prefix: &str, n: u64) -> String {
    let kind = prefix.bytes().fold(0_u128, |kind, byte| kind << 8 | u128::from(byte));
    format!("{prefix}_{}", Uuid::from_u128(kind << 64 | u128::from(n)))
}

/// The id of the `n`-th command.
pub const fn command_id(n: u64) -> CommandId {
    CommandId::new(Uuid::from_u128(0xc0 << 64 | n as u128))
}

/// An amount in euro.
pub fn eur(amount: impl Display) -> Value {
    json!({"amount": amount.to_string(), "currency": "EUR"})
}

/// The message of a command.
pub fn command(id: CommandId, name: &str, body: &Value) -> Message {
    Message {
        subject: format!("billfold.{BOOK}.as.ada.command.{name}"),
        headers: Headers::from([(header::COMMAND_ID.to_owned(), id.to_string())]),
        body: body.to_string().into_bytes(),
    }
}

/// The message of a query.
pub fn query(name: &str, body: &Value) -> Message {
    Message {
        subject: format!("billfold.{BOOK}.as.ada.query.{name}"),
        headers: Headers::new(),
        body: body.to_string().into_bytes(),
    }
}

/// The only price of a plan, in euro: `flat` or `per_unit`.
pub fn price(model: &str, amount: &str) -> Value {
    json!({"price": "fee", "amounts": [{"currency": "EUR", "rate": {model: amount}}]})
}

/// The commands that set the book up: name and body. Plan 1 is flat, plan 2 per unit, plan 3
/// retired.
pub fn opening() -> Vec<(&'static str, Value)> {
    let series = json!([
        {"code": "inv", "kind": "invoice", "prefix": "INV", "digits": 6},
        {"code": "cn", "kind": "credit_note", "prefix": "CN", "digits": 6},
    ]);
    let plan = |n: u64, model: &str, amount: &str| {
        json!({
            "plan": id("pln", n), "name": format!("Plan {n}"),
            "every": {"count": 1, "unit": "month"}, "timing": "in_advance",
            "prices": [price(model, amount)],
        })
    };
    vec![
        (
            "entity.define",
            json!({
                "entity": id("ent", 1), "name": "Example Ltd", "zone": "UTC",
                "payment_terms_days": 30, "series": series,
            }),
        ),
        ("plan.define", plan(1, "flat", "30.00")),
        ("plan.define", plan(2, "per_unit", "9.99")),
        ("plan.define", plan(3, "flat", "5.00")),
        ("plan.retire", json!({"plan": id("pln", 3)})),
    ]
}

/// Registers customer `n`.
pub fn register(n: u64) -> Value {
    json!({
        "customer": id("cus", n), "entity": id("ent", 1), "name": format!("Customer {n}"),
        "currency": "EUR",
    })
}

/// Subscribes customer `n`, under the customer's number, to a plan.
pub fn subscribe(n: u64, plan: u64) -> Value {
    json!({"customer": id("cus", n), "subscription": id("sub", n), "plan": id("pln", plan)})
}

/// Charges customer `n`, invoiced at once under the charge's number.
pub fn charge(n: u64, charge: u64, amount: impl Display) -> Value {
    json!({
        "customer": id("cus", n), "charge": id("chg", charge), "description": "Work",
        "price": {"total": eur(amount)}, "invoice": {"now": {"invoice": id("inv", charge)}},
    })
}

/// Records a payment of customer `n`.
pub fn pay(n: u64, payment: u64, amount: impl Display) -> Value {
    json!({"customer": id("cus", n), "payment": id("pay", payment), "amount": eur(amount)})
}

/// Pays some of a payment back.
pub fn refund(n: u64, payment: u64, refund: u64, amount: impl Display) -> Value {
    json!({
        "customer": id("cus", n), "payment": id("pay", payment), "refund": id("ref", refund),
        "amount": eur(amount), "effect": "reopen", "reason": "goodwill",
    })
}
