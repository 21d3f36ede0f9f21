//! What is not taken back, and what is said then.

use schemas::inverse::{INVERSES, Inverse};
use serde_json::{Value, json};

use crate::Kept;
use crate::plays::{Given, charge, create, eur, grant, of_c, of_s, pay, subscribed};
use crate::support::id;

/// Why the last command is not taken back.
fn why(given: impl Fn(&mut Kept), command: &str, body: Value) -> String {
    let mut kept = Kept::new();
    given(&mut kept);
    let before = kept.book.ledger.clone();
    kept.given(command, body);
    kept.undoing(&before).expect_err("it stays").to_string()
}

fn invoiced(kept: &mut Kept) {
    kept.given("charge.add", charge("x", "30", json!({"now": {"invoice": id("x")}})));
}

#[test]
fn what_nothing_takes_back_says_what_the_table_says() {
    let retire = json!({"plan": id("basic")});
    let lines = json!([{"line": 1, "amount": eur("5")}]);
    let note = of_c(json!({"note": id("n"), "invoice": id("x"), "lines": lines}));
    let void = of_c(json!({"invoice": id("x"), "reason": "wrong", "rebill": true}));
    let refund = of_c(json!({
        "payment": id("p"), "refund": id("r"), "amount": eur("5"), "effect": "customer_credit",
        "reason": "asked for",
    }));
    let pay_out = of_c(json!({
        "refund": id("r"), "lot": {"grant": id("g")}, "reason": "asked for",
    }));
    let plan = json!({"plan": id("pro")});
    let asked: Vec<(Given, &str, Value)> = vec![
        (|_| {}, "plan.retire", retire),
        (|_| {}, "plan.retire", plan),
        (|_| {}, "book.advance_clock", json!({"to": "2024-01-02T00:00:00Z"})),
        (|_| {}, "billing.run", json!({"run": id("run"), "through": "2024-01-01"})),
        (
            |_| {},
            "customer.register",
            json!({"customer": id("k"), "entity": id("e"), "name": "K", "currency": "EUR"}),
        ),
        (|_| {}, "customer.erase", of_c(json!({"reason": "asked for"}))),
        (invoiced, "credit_note.issue", note),
        (invoiced, "invoice.void", void),
        (
            |kept| {
                kept.given("payment.record", pay("9"));
            },
            "payment.refund",
            refund,
        ),
        (
            |kept| {
                kept.given("credit.grant", grant("9", json!({"refundable": true})));
            },
            "credit.pay_out",
            pay_out,
        ),
    ];
    for (given, command, body) in asked {
        let said = why(given, command, body);
        let row = INVERSES.iter().find(|row| row.command == command).expect("a row");
        let Inverse::Nothing { why, instead } = row.inverse else { panic!("{command} is undone") };
        assert_eq!(said, format!("{why}; {instead}"));
    }
}

#[test]
fn what_cannot_be_put_together_again_names_the_way_out() {
    let anchor = of_s(json!({"anchor": {"day": 15}, "when": "now"}));
    assert!(why(subscribed, "subscription.change", anchor).contains("it cut a cycle"));
    let said = why(
        |kept| {
            subscribed(kept);
            kept.given(
                "subscription.change_quantity",
                of_s(json!({"quantity": "4", "when": "cycle_end"})),
            );
        },
        "subscription.change_quantity",
        of_s(json!({"quantity": "5", "when": "cycle_end"})),
    );
    assert!(said.contains("schedule that anew"), "{said}");
    let prepaid = grant("9", json!({"kind": "prepayment"}));
    assert!(why(|_| {}, "credit.grant", prepaid).contains("credit.pay_out"));
    let said = why(
        |kept| {
            let value = json!({"percent": "10"});
            let on = json!({"discount": id("d"), "on": "customer", "value": value});
            let body = crate::support::with(of_c(on), json!({"duration": {"cycles": 3}}));
            kept.given("discount.apply", body);
        },
        "discount.remove",
        of_c(json!({"discount": id("d")})),
    );
    assert!(said.contains("discount.apply"), "{said}");
    let address = json!({"lines": ["1 Road"], "city": "Berlin", "country": "DE"});
    let moved = json!({"entity": id("e"), "address": address});
    assert!(why(|_| {}, "entity.update", moved).contains("had no address"));
    let said = why(
        |kept| {
            let length = json!({"count": 6, "unit": "month"});
            let early = json!({"length": length, "early_end": {"fee": eur("40")}});
            let with = json!({"plan": id("basic"), "with": {"least_term": early}});
            kept.given("subscription.create", of_s(with));
        },
        "subscription.cancel",
        of_s(json!({"when": "now"})),
    );
    assert!(said.contains("the fee for the early end is invoiced"), "{said}");
    let named = of_c(json!({"external_id": "crm-1"}));
    assert!(why(|_| {}, "customer.update", named).contains("no external id"));
}

#[test]
fn what_changed_nothing_needs_nothing() {
    let mut kept = Kept::new();
    kept.given("subscription.create", create());
    let before = kept.book.ledger.clone();
    kept.given("subscription.change_quantity", of_s(json!({"quantity": "1", "when": "now"})));
    let (_, steps) = kept.undoing(&before).expect("it can be");
    assert_eq!(steps, []);
}
