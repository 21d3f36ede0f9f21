//! Valid bodies with something random done to them: refused without a trace, or accepted whole.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use tests::acme::{charge, command, command_id, id, opening, pay, refund, register, subscribe};

use crate::book::{Acme, problem};

/// How many bodies are tried.
const CASES: u32 = 600;

/// One thing done to a body.
#[derive(Debug, Clone)]
enum Mutation {
    /// A value somewhere becomes another one.
    Replace(Index, Value),
    /// A field somewhere goes.
    Remove(Index),
    /// A field somewhere comes.
    Add(Index, String),
    /// The text is cut.
    Cut(Index),
    /// A byte of the text becomes another one.
    Byte(Index, u8),
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"amount": "1", "currency": "USD"})),
        Just(json!("-1")),
        Just(json!("99999999999999999999999999999999")),
        Just(json!("0001-01-01")),
        Just(json!(id("cus", 2))),
        "\\PC{0,20}".prop_map(Value::from),
    ]
}

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let one = prop_oneof![
        4 => (any::<Index>(), values()).prop_map(|(at, value)| Mutation::Replace(at, value)),
        2 => any::<Index>().prop_map(Mutation::Remove),
        1 => (any::<Index>(), "[a-z_]{1,12}").prop_map(|(at, name)| Mutation::Add(at, name)),
        1 => any::<Index>().prop_map(Mutation::Cut),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
    ];
    proptest::collection::vec(one, 0..3)
}

fn bodies() -> Vec<(&'static str, Value)> {
    let change = json!({
        "customer": id("cus", 1), "subscription": id("sub", 1), "plan": id("pln", 2),
        "when": "cycle_end", "invoice": "next",
    });
    let discount = json!({
        "customer": id("cus", 1), "discount": id("dsc", 1), "on": {"subscription": id("sub", 1)},
        "value": {"percent": "10"}, "duration": {"cycles": 3},
    });
    let void = json!({
        "customer": id("cus", 1), "invoice": id("inv", 1), "reason": "mistake", "rebill": true,
    });
    let mut all = opening();
    all.extend([
        ("customer.register", register(9)),
        ("subscription.create", subscribe(2, 1)),
        ("subscription.change_plan", change),
        ("discount.apply", discount),
        ("charge.add", charge(1, 9, "12.34")),
        ("payment.record", pay(1, 9, "12.34")),
        ("payment.refund", refund(1, 1, 9, "1.00")),
        ("invoice.void", void),
        ("invoice.now", json!({"customer": id("cus", 1)})),
    ]);
    all
}

/// JSON pointers to a value and to everything inside.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, inner)| places(inner, &format!("{at}/{name}"), into));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, inner)| places(inner, &format!("{at}/{index}"), into));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// One of the values inside for which `of` gives something.
fn somewhere<'a, T: 'a>(
    body: &'a mut Value,
    index: Index,
    of: impl Fn(&'a mut Value) -> Option<T>,
    fits: impl Fn(&Value) -> bool,
) -> Option<T> {
    let mut all = Vec::new();
    places(body, "", &mut all);
    all.retain(|at| body.pointer(at).is_some_and(&fits));
    if all.is_empty() {
        return None;
    }
    let at: &String = index.get(&all);
    body.pointer_mut(at).and_then(of)
}

/// The text of a body with all of it done to it.
fn mutated(mut body: Value, mutations: &[Mutation]) -> Vec<u8> {
    for mutation in mutations {
        match mutation {
            Mutation::Replace(index, value) => {
                if let Some(place) = somewhere(&mut body, *index, Some, |_| true) {
                    *place = value.clone();
                }
            }
            Mutation::Remove(index) => {
                let fields = somewhere(&mut body, *index, Value::as_object_mut, Value::is_object);
                if let Some(fields) = fields
                    && !fields.is_empty()
                {
                    let names: Vec<String> = fields.keys().cloned().collect();
                    fields.remove(index.get(&names));
                }
            }
            Mutation::Add(index, name) => {
                let fields = somewhere(&mut body, *index, Value::as_object_mut, Value::is_object);
                if let Some(fields) = fields {
                    fields.insert(name.clone(), json!("more"));
                }
            }
            Mutation::Cut(_) | Mutation::Byte(_, _) => {}
        }
    }
    let mut text = body.to_string().into_bytes();
    for mutation in mutations {
        match mutation {
            Mutation::Cut(index) if !text.is_empty() => text.truncate(index.index(text.len())),
            Mutation::Byte(index, byte) if !text.is_empty() => {
                let at = index.index(text.len());
                text[at] = *byte;
            }
            Mutation::Replace(..)
            | Mutation::Remove(_)
            | Mutation::Add(..)
            | Mutation::Cut(_)
            | Mutation::Byte(..) => {}
        }
    }
    text
}

#[test]
fn a_mutated_body_is_refused_without_a_trace_or_accepted_whole() {
    let acme = Acme::open();
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let seeded = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, seeded);
    let asked = std::cell::Cell::new(10_000);
    let (accepted, refused) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let strategy = (proptest::sample::select(bodies()), mutations());
    let outcome = runner.run(&strategy, |((name, body), mutations)| {
        let mut message = command(command_id(asked.replace(asked.get() + 1)), name, &json!({}));
        message.body = mutated(body, &mutations);
        let before = acme.position();
        let reply = acme.ask(&message);
        if reply.is_problem() {
            let found = problem(&reply, name);
            prop_assert!(found.status < 500, "{}: {}", name, found.detail);
            prop_assert_eq!(acme.position(), before);
            refused.set(refused.get() + 1);
        } else {
            prop_assert!(acme.position() > before);
            accepted.set(accepted.get() + 1);
        }
        Ok(())
    });
    outcome.expect("no body does harm");
    assert!(accepted.get() > 20 && refused.get() > 100, "{accepted:?} accepted, {refused:?} not");
}
