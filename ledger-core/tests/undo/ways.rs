//! Every way out that is named where a commit stays is open in that state.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Command;
use schemas::inverse::{INVERSES, Inverse};
use serde_json::{Value, json};

use crate::Kept;
use crate::plays::{
    Given, charge, eur, grant, invoiced, of_c, of_s, pay, quote, quoted, subscribed, version,
    versions,
};
use crate::support::{id, with};

/// Stands for the invoice that was issued last.
const THE_LAST: &str = "the last";

/// A command that stays, and what is done instead.
struct Stays {
    /// Policies that are others than those of `billfold@1`.
    policies: Value,
    given: Given,
    command: &'static str,
    body: Value,
    /// Whether earlier commits are at hand.
    known: bool,
    /// The commands that the sentence names, as they are given then, with what leads to them.
    ways: Vec<(&'static str, Value)>,
}

fn stays(
    given: Given,
    command: &'static str,
    body: Value,
    ways: Vec<(&'static str, Value)>,
) -> Stays {
    Stays { policies: json!({}), given, command, body, known: true, ways }
}

/// As [`stays`], where the feed does not give the commits before.
fn unknown(given: Given, command: &'static str, body: Value, way: (&'static str, Value)) -> Stays {
    Stays { known: false, ..stays(given, command, body, vec![way]) }
}

/// Commands that a sentence names.
fn named(sentence: &str) -> Vec<&str> {
    let words = sentence.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'));
    let known: BTreeSet<&str> = Command::KINDS.iter().map(|kind| kind.name).collect();
    words.map(|word| word.trim_matches('.')).filter(|word| known.contains(word)).collect()
}

/// What is said; the ways out are taken.
fn play(one: &Stays) -> String {
    let mut kept = Kept::of(one.policies.clone());
    (one.given)(&mut kept);
    let before = kept.book.ledger.clone();
    kept.given(one.command, one.body.clone());
    let known = if one.known { kept.done.len() - 1 } else { 0 };
    let said = kept.undoing_by(&before, known).expect_err("it stays").to_string();
    for (name, body) in &one.ways {
        let mut body = body.clone();
        if body["invoice"] == json!(THE_LAST) {
            body["invoice"] = json!(kept.book.invoices.last().expect("an invoice").invoice);
        }
        let done = kept.book.when(name, body);
        assert!(done.is_ok(), "{}: {said}: {done:?}", one.command);
    }
    said
}

/// Sentences in a source of `undo` that say why something stays.
fn written(source: &str) -> Vec<String> {
    let after = source.split("Stays::because(").skip(1);
    let texts = after.filter_map(|rest| {
        let text = rest.trim_start().strip_prefix('"')?;
        let (text, _) = text.split_once("\",\n").or_else(|| text.split_once("\")"))?;
        let lines = text.split("\\\n").map(str::trim_start);
        Some(lines.collect::<String>())
    });
    texts.collect()
}

#[test]
fn every_sentence_is_said_and_every_way_out_is_open() {
    let mut taken: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for one in all() {
        let ways = one.ways.iter().map(|(name, _)| *name);
        taken.entry(play(&one)).or_default().extend(ways);
    }
    for (sentence, ways) in &taken {
        // What one says of several states is taken in each.
        let open = named(sentence).iter().all(|name| ways.contains(name));
        assert!(open, "{sentence}: of its ways these were taken: {ways:?}");
    }
    let mut said: BTreeSet<String> = taken.into_keys().collect();
    // The gateway seals texts; and what has an inverse is not told that it has none.
    said.insert(
        "its texts cannot be read here; give them anew with customer.update, or register \
        another customer if it was erased"
            .to_owned(),
    );
    said.insert(
        "what was said before cannot be read here; say it anew with invoice.annotate, \
        unless the customer was erased"
            .to_owned(),
    );
    said.insert("it did nothing of its own".to_owned());
    let sources = [
        include_str!("../../src/undo/agreed.rs"),
        include_str!("../../src/undo/changed.rs"),
        include_str!("../../src/undo/credited.rs"),
        include_str!("../../src/undo/party.rs"),
        include_str!("../../src/undo/step.rs"),
    ];
    let written: Vec<String> = sources.into_iter().flat_map(written).collect();
    assert!(written.len() > 20, "{written:?}");
    for text in written {
        assert!(said.contains(&text), "nothing here is refused with: {text}");
    }
    for row in INVERSES {
        if let Inverse::Nothing { why, instead } = row.inverse {
            let told = said.contains(&format!("{why}; {instead}"));
            assert!(
                told || ["book.open", "customer.draft_part"].contains(&row.command),
                "{}",
                row.command
            );
        }
    }
}

fn all() -> Vec<Stays> {
    [of_the_book(), of_agreements(), of_changes(), of_money()].into_iter().flatten().collect()
}

fn customer(alias: &str) -> Value {
    json!({"customer": id(alias), "entity": id("e"), "name": "K", "currency": "EUR"})
}

fn credit(amount: &str) -> Value {
    of_c(json!({
        "note": id("n"), "invoice": id("x"), "lines": [{"line": 1, "amount": eur(amount)}],
        "to": "credit",
    }))
}

fn park() -> Value {
    of_c(json!({"process": "billing_run", "run": null, "reason": "x", "detail": "x"}))
}

fn void(rebill: bool) -> Value {
    of_c(json!({"invoice": id("x"), "reason": "wrong", "rebill": rebill}))
}

fn nothing(_: &mut Kept) {}

/// Invoice `x`, of 30.00.
fn owing(kept: &mut Kept) {
    invoiced(kept, "x", "30");
}

fn paid(kept: &mut Kept) {
    owing(kept);
    kept.given("payment.record", pay("30"));
}

fn discount(name: &str) -> (&'static str, Value) {
    let value = json!({"percent": "10"});
    let given = json!({"discount": id(name), "on": "customer", "value": value, "duration": "once"});
    ("discount.apply", of_c(given))
}

fn of_the_book() -> Vec<Stays> {
    let plan = |name: &str, amount: &str| with(version(amount), json!({"plan": id(name)}));
    let address = json!({"lines": ["1 Road"], "city": "Berlin", "country": "DE"});
    let seller = json!({"entity": id("e"), "address": address});
    let named = of_c(json!({"external_id": "crm-1"}));
    let series = json!([{"code": "n", "kind": "invoice", "prefix": "N", "digits": 4}]);
    let other = json!({
        "entity": id("f"), "name": "F", "zone": "UTC", "payment_terms_days": 3, "series": series,
    });
    let renamed = json!({"entity": id("f"), "name": "G"});
    let run = json!({"run": id("run"), "through": "2024-01-01"});
    let withdrawn = json!({"plan": id("basic"), "from_version": 1});
    let migrate = json!({
        "plan": id("basic"), "from_version": 1, "to_version": 2, "on": "2024-02-01",
    });
    let moving: Given = |kept| {
        versions(kept);
        let on = json!({"plan": id("basic"), "from_version": 1, "to_version": 2});
        kept.given("plan.migrate", with(on, json!({"on": "2024-02-01"})));
    };
    vec![
        stays(nothing, "book.advance_clock", json!({"to": "2024-01-02T00:00:00Z"}), vec![]),
        stays(
            nothing,
            "plan.retire",
            json!({"plan": id("basic")}),
            vec![("plan.define", plan("another", "30"))],
        ),
        unknown(nothing, "plan.define", version("31"), ("plan.define", plan("basic", "30"))),
        unknown(moving, "plan.withdraw_migration", withdrawn, ("plan.migrate", migrate)),
        stays(nothing, "entity.update", seller.clone(), vec![("entity.update", seller)]),
        stays(owing, "billing.run", run.clone(), vec![("invoice.void", void(true))]),
        stays(paid, "billing.run", run, vec![("credit_note.issue", credit("30"))]),
        stays(nothing, "entity.define", other, vec![("entity.update", renamed)]),
        stays(
            nothing,
            "coupon.define",
            json!({"coupon": id("cp"), "value": {"percent": "20"}, "duration": "forever"}),
            vec![
                (
                    "coupon.redeem",
                    of_c(json!({"coupon": id("cp"), "discount": id("d"), "on": "customer"})),
                ),
                ("discount.remove", of_c(json!({"discount": id("d")}))),
            ],
        ),
        stays(nothing, "customer.park", park(), vec![("customer.release", of_c(json!({})))]),
        stays(
            |kept| {
                kept.given("customer.park", park());
            },
            "customer.release",
            of_c(json!({})),
            vec![],
        ),
        stays(
            nothing,
            "customer.register",
            customer("k"),
            vec![("customer.erase", json!({"customer": id("k"), "reason": "gone"}))],
        ),
        stays(
            nothing,
            "customer.update",
            named,
            vec![("customer.update", of_c(json!({"external_id": "crm-2"})))],
        ),
        stays(
            nothing,
            "customer.erase",
            of_c(json!({"reason": "asked for"})),
            vec![("customer.register", customer("k"))],
        ),
    ]
}

fn subscribe(more: Value) -> Value {
    of_s(with(json!({"plan": id("basic")}), more))
}

/// A subscription that pays 40.00 for an early end.
fn least(kept: &mut Kept) {
    let early = json!({"length": {"count": 6, "unit": "month"}, "early_end": {"fee": eur("40")}});
    kept.given("subscription.create", subscribe(json!({"with": {"least_term": early}})));
}

fn of_agreements() -> Vec<Stays> {
    let cancel = || of_s(json!({"when": "now"}));
    let later = || of_s(json!({"quantity": "4", "when": "cycle_end"}));
    let scheduled: Given = |kept| {
        subscribed(kept);
        let quantity = json!({"quantity": "4", "when": "cycle_end"});
        kept.given("subscription.change", of_s(quantity));
    };
    let ending: Given = |kept| {
        subscribed(kept);
        kept.given("subscription.cancel", of_s(json!({"when": "cycle_end"})));
    };
    let forever: Given = |kept| {
        let (_, given) = discount("d");
        kept.given("discount.apply", with(given, json!({"duration": "forever"})));
    };
    let trial: Given = |kept| {
        kept.given("subscription.create", subscribe(json!({"with": {"trial_days": 10}})));
    };
    let fee = || {
        of_c(json!({
            "note": id("n"), "invoice": THE_LAST, "lines": [{"line": 1, "amount": eur("40")}],
            "to": "credit",
        }))
    };
    vec![
        unknown(
            scheduled,
            "subscription.withdraw_change",
            of_s(json!({"change": 1})),
            ("subscription.change", later()),
        ),
        unknown(
            ending,
            "subscription.uncancel",
            of_s(json!({})),
            ("subscription.cancel", cancel()),
        ),
        stays(
            least,
            "subscription.cancel",
            cancel(),
            vec![("credit_note.issue", fee()), ("subscription.uncancel", of_s(json!({})))],
        ),
        unknown(forever, "discount.remove", of_c(json!({"discount": id("d")})), discount("e")),
        stays(
            |kept| {
                let (name, body) = discount("d");
                kept.given(name, body);
            },
            "discount.remove",
            of_c(json!({"discount": id("d")})),
            vec![discount("e")],
        ),
        unknown(
            quoted,
            "quote.void",
            of_c(json!({"quote": id("q")})),
            ("quote.create", with(quote(), json!({"quote": id("r")}))),
        ),
        stays(
            trial,
            "subscription.end_trial",
            of_s(json!({})),
            vec![discount("d"), ("credit.grant", grant("9", json!({})))],
        ),
    ]
}

fn of_changes() -> Vec<Stays> {
    let back = |more: Value| ("subscription.change", of_s(with(json!({"when": "now"}), more)));
    let quantity = |n: &str, when: &str| of_s(json!({"quantity": n, "when": when}));
    let scheduled: Given = |kept| {
        subscribed(kept);
        let later = of_s(json!({"quantity": "4", "when": "cycle_end"}));
        kept.given("subscription.change_quantity", later);
    };
    let trial: Given = |kept| {
        kept.given("subscription.create", subscribe(json!({"with": {"trial_days": 10}})));
        let free = json!({"plan": id("free"), "trial_days": 0});
        kept.given("plan.define", with(version("20"), free));
    };
    let ramp: Given = |kept| {
        let phase = |days: &str, quantity: &str| json!({"days": days, "items": [{"price": "fee", "quantity": quantity}]});
        let phases =
            json!([phase("2024-01-01/2024-02-01", "1"), phase("2024-02-01/2024-03-01", "2")]);
        kept.given("subscription.create", subscribe(json!({"with": {"ramp": phases}})));
    };
    let priced: Given = |kept| {
        let item = json!({"price": "fee", "rate": {"flat": "10"}});
        let phases = json!([{"days": "2024-01-01/2024-02-01", "items": [item]}]);
        let with = json!({"with": {"ramp": phases, "ramp_end": "end"}});
        kept.given("subscription.create", subscribe(with));
    };
    let terms: Given = |kept| {
        let length = json!({"count": 1, "unit": "year"});
        let term = json!({"length": length, "renewal": "renew"});
        kept.given("subscription.create", subscribe(json!({"with": {"term": term}})));
        let later = of_s(json!({"quantity": "4", "when": {"on": "2025-02-01"}}));
        kept.given("subscription.change", later);
    };
    let rate = |amount: &str| json!({"items": [{"price": "fee", "rate": {"flat": amount}}]});
    let again = with(subscribe(json!({})), json!({"subscription": id("again")}));
    vec![
        stays(priced, "subscription.change", back(rate("20")).1, vec![back(rate("30"))]),
        stays(
            trial,
            "subscription.change",
            back(json!({"anchor": {"day": 15}})).1,
            vec![back(json!({"anchor": "anniversary"}))],
        ),
        stays(
            terms,
            "subscription.set_renewal",
            of_s(json!({"renewal": "cancel"})),
            vec![
                ("subscription.set_renewal", of_s(json!({"renewal": "renew"}))),
                (
                    "subscription.change",
                    of_s(json!({"quantity": "4", "when": {"on": "2025-02-01"}})),
                ),
            ],
        ),
        stays(
            scheduled,
            "subscription.change_quantity",
            quantity("5", "cycle_end"),
            vec![back(json!({"quantity": "1"}))],
        ),
        stays(
            subscribed,
            "subscription.change",
            of_s(json!({"anchor": {"day": 15}, "when": "now"})),
            vec![back(json!({"anchor": {"day": 1}}))],
        ),
        Stays {
            policies: json!({"trial_on_change": "count_from_start"}),
            ..stays(
                trial,
                "subscription.change_plan",
                of_s(json!({"plan": id("free"), "when": "now"})),
                vec![discount("d"), ("credit.grant", grant("9", json!({})))],
            )
        },
        stays(
            ramp,
            "subscription.change_plan",
            of_s(json!({"plan": id("pro"), "when": "now"})),
            vec![
                ("subscription.cancel", of_s(json!({"when": "now"}))),
                ("subscription.create", again),
            ],
        ),
    ]
}

fn of_money() -> Vec<Stays> {
    let waiting: Given = |kept| {
        kept.given("charge.add", charge("w", "7", json!("next")));
    };
    let again = || charge("again", "7", json!("next"));
    let prepaid = || grant("9", json!({"kind": "prepayment"}));
    let lot = json!({"lot": {"grant": id("g")}});
    let pay_out = |more: Value| {
        with(of_c(json!({"refund": id("r"), "reason": "asked for"})), with(lot.clone(), more))
    };
    let release = of_c(with(lot.clone(), json!({"invoice": id("x")})));
    let granted: Given = |kept| {
        kept.given("credit.grant", grant("9", json!({"refundable": true})));
    };
    let reverse = of_c(json!({"payment": id("p"), "reason": "bounced"}));
    let received = with(pay("30"), json!({"payment": id("q")}));
    let refund = of_c(json!({
        "payment": id("p"), "refund": id("r"), "amount": eur("5"), "effect": "customer_credit",
        "reason": "asked for",
    }));
    let over: Given = |kept| {
        owing(kept);
        kept.given("payment.record", pay("40"));
    };
    let revoke = of_c(json!({"grant": id("g"), "reason": "wrong"}));
    let paused: Given = |kept| {
        subscribed(kept);
        kept.given("subscription.pause", of_s(json!({"when": "now", "credit": "next"})));
    };
    let due: Given = |kept| {
        kept.given("subscription.create", subscribe(json!({"invoice": "next"})));
    };
    let prepaid_due: Given = |kept| {
        kept.given("subscription.create", subscribe(json!({"invoice": "next"})));
        kept.given("payment.record", pay("30"));
    };
    let bill = || of_c(json!({"run": id("run"), "through": "2024-01-01", "ahead": false}));
    let last = |body: Value| with(body, json!({"invoice": THE_LAST}));
    let regrant = with(grant("9", json!({})), json!({"grant": id("h")}));
    vec![
        unknown(
            waiting,
            "charge.withdraw",
            of_c(json!({"charge": id("w")})),
            ("charge.add", again()),
        ),
        stays(paused, "invoice.now", of_c(json!({})), vec![("charge.add", again())]),
        stays(due, "customer.bill", bill(), vec![("invoice.void", last(void(true)))]),
        stays(
            prepaid_due,
            "customer.bill",
            bill(),
            vec![("credit_note.issue", last(credit("30")))],
        ),
        stays(owing, "credit_note.issue", credit("5"), vec![("charge.add", again())]),
        stays(owing, "invoice.void", void(false), vec![("charge.add", again())]),
        stays(
            owing,
            "credit.grant",
            prepaid(),
            vec![("credit.release", release), ("credit.pay_out", pay_out(json!({})))],
        ),
        stays(nothing, "credit.grant", prepaid(), vec![("credit.pay_out", pay_out(json!({})))]),
        stays(
            granted,
            "credit.pay_out",
            pay_out(json!({})),
            vec![("payment.record", received.clone())],
        ),
        stays(over, "payment.refund", refund, vec![("payment.record", received.clone())]),
        unknown(paid, "payment.reverse", reverse, ("payment.record", received)),
        unknown(granted, "credit.revoke", revoke, ("credit.grant", regrant)),
    ]
}
