//! What previews show beside events: moved prices, withdrawn changes, credit notes.

use schemas::wire::header;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::book::*;
use crate::{Asked, SUB};

#[test]
fn the_answer_of_a_plan_change_lists_what_was_mapped_started_ended_and_withdrawn() {
    // given
    let asked = Asked::new();
    let amounts = json!([{"currency": "EUR", "rate": {"flat": "9"}}]);
    let price = |price: &str| json!({"price": price, "amounts": amounts});
    let other = "pln_00000000000000000000000000000077";
    let define = json!({
        "plan": other, "name": "Other", "every": {"count": 1, "unit": "month"},
        "timing": "in_advance", "prices": [price("base"), price("care")],
    });
    let id = |n: u128| Uuid::from_u128(n).to_string();
    let send = |name: &str, n: u128, body: &Value| {
        asked.ask(&format!("command.{name}"), &[(header::COMMAND_ID, &id(n))], body)
    };
    send("plan.define", 0x70, &define).expect("a plan");
    let of = json!({"customer": customer(1).to_string(), "subscription": SUB});
    let with = |more: &[(&str, Value)]| {
        let mut body = of.clone();
        for (key, value) in more {
            body[key] = value.clone();
        }
        body
    };
    let dearer = json!([{"price": "fee", "rate": {"flat": "8"}}]);
    let later = with(&[("items", dearer), ("when", json!("cycle_end"))]);
    send("subscription.change", 0x71, &later).expect("scheduled");
    // when
    let map = json!([{"from": "fee", "to": "base"}]);
    let change = with(&[("plan", json!(other)), ("map", map), ("when", json!("now"))]);
    let question = json!({"command": "subscription.change_plan", "body": change});
    let preview = asked.query("preview.command", question);
    let accepted = send("subscription.change_plan", 0x72, &change).expect("accepted");
    let again = send("subscription.change_plan", 0x72, &change).expect("known");
    // then
    let expected = json!([{
        "subscription": SUB, "mapped": [{"from": "fee", "to": "base"}], "started": ["care"],
        "ended": [], "withdrawn": [1],
    }]);
    assert_eq!(accepted["changed"], expected);
    assert_eq!((&preview["changed"], &again["changed"]), (&expected, &expected));
    assert_eq!(asked.previewed().get("changed"), None, "a cancellation moves no price");
}

#[test]
fn the_preview_of_an_invoice_shows_the_credit_notes_that_come_with_it() {
    // given: half of the cycle that is paid for is given back with the next run
    let asked = Asked::new();
    let now = command("invoice.now", &json!({"customer": customer(1).to_string()}).to_string());
    asked.submit(15, now);
    let end = json!({
        "customer": customer(1).to_string(), "subscription": SUB, "when": {"on": "2026-01-16"},
        "credit": "prorated",
    });
    let headers = [(header::COMMAND_ID, &*Uuid::from_u128(0x80).to_string())];
    asked.ask("command.subscription.cancel", &headers, &end).expect("scheduled");
    let question = json!({"customer": customer(1).to_string(), "through": "2026-01-16"});
    // when
    let run = asked.query("preview.run", question);
    let next = asked.query("preview.invoice", json!({"customer": customer(1).to_string()}));
    // then
    for preview in [run, next] {
        assert_eq!(preview["invoice"], Value::Null, "{preview}");
        let notes = preview["notes"].as_array().expect("notes");
        let totals: Vec<_> = notes.iter().map(|note| &note["total"]).collect();
        assert_eq!(totals.len(), 1, "{preview}");
        assert!(totals[0].as_i64() > Some(0), "{preview}");
        assert!(preview["at"].as_str() >= Some("2026-01-16"), "{preview}");
    }
}
