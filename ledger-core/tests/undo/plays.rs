//! Every command that can be taken back, in every way in which it is.

use serde_json::{Value, json};

use crate::Kept;
use crate::support::{id, subscription, with};

const OFF: &str = "credit.release";
const NOTE: &str = "credit_note.issue";
const VOID: &str = "invoice.void";
const GONE: &str = "subscription.withdraw_change";

/// What was done before.
pub(crate) type Given = fn(&mut Kept);

/// A command that is taken back.
pub(crate) struct Play {
    /// What was before.
    pub(crate) given: fn(&mut Kept),
    /// The command.
    pub(crate) command: &'static str,
    pub(crate) body: Value,
    /// What takes it back.
    pub(crate) steps: &'static [&'static str],
    /// When the book is as it would be without it.
    pub(crate) same: Same,
}

/// When nothing is agreed or owed that would not be without the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Same {
    AtOnce,
    /// Once the next cycles are billed.
    OnceBilled,
    /// As to money; but the book shows that it was there.
    ButForMarks,
}

pub(crate) fn eur(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

pub(crate) fn create() -> Value {
    with(subscription(), json!({"plan": id("basic"), "invoice": "now"}))
}

pub(crate) fn of_c(more: Value) -> Value {
    with(json!({"customer": id("c")}), more)
}

pub(crate) fn of_s(more: Value) -> Value {
    with(subscription(), more)
}

pub(crate) fn charge(name: &str, amount: &str, invoice: Value) -> Value {
    of_c(json!({
        "charge": id(name), "description": "Work", "price": {"total": eur(amount)},
        "invoice": invoice,
    }))
}

pub(crate) fn grant(amount: &str, more: Value) -> Value {
    with(of_c(json!({"grant": id("g"), "amount": eur(amount), "reason": "sorry"})), more)
}

pub(crate) fn pay(amount: &str) -> Value {
    of_c(json!({"payment": id("p"), "amount": eur(amount), "method": "card"}))
}

pub(crate) fn invoiced(kept: &mut Kept, name: &str, amount: &str) {
    kept.given("charge.add", charge(name, amount, json!({"now": {"invoice": id(name)}})));
}

pub(crate) fn subscribed(kept: &mut Kept) {
    kept.given("subscription.create", create());
}

fn plan_with_add_on(kept: &mut Kept) {
    let price = |price: &str, kind: &str, amount: &str| {
        let amounts = json!([{"currency": "EUR", "rate": {"per_unit": amount}}]);
        json!({"price": price, "recurrence": kind, "amounts": amounts})
    };
    let prices = json!([price("seat", "recurring", "10"), price("chat", "add_on", "5")]);
    let define = json!({
        "plan": id("team"), "name": "Team", "every": {"count": 1, "unit": "month"},
        "timing": "in_advance", "prices": prices,
    });
    kept.given("plan.define", define);
}

/// A plan with a setup fee.
pub(crate) fn with_setup(kept: &mut Kept) {
    let price = |price: &str, kind: &str, amount: &str| {
        let amounts = json!([{"currency": "EUR", "rate": {"flat": amount}}]);
        json!({"price": price, "recurrence": kind, "amounts": amounts})
    };
    let prices = json!([price("fee", "recurring", "30"), price("start", "setup", "20")]);
    let define = json!({
        "plan": id("set-up"), "name": "Set up", "every": {"count": 1, "unit": "month"},
        "timing": "in_advance", "prices": prices,
    });
    kept.given("plan.define", define);
}

fn with_chat(kept: &mut Kept) {
    plan_with_add_on(kept);
    let rate = json!({"per_unit": "4"});
    let items = json!([
        {"price": "seat", "quantity": "3"}, {"price": "chat", "quantity": "2", "rate": rate},
    ]);
    let with_items = json!({"plan": id("team"), "invoice": "now", "with": {"items": items}});
    kept.given("subscription.create", of_s(with_items));
}

fn in_a_term(kept: &mut Kept) {
    let length = json!({"count": 3, "unit": "month"});
    let term = json!({"term": {"length": length, "renewal": "evergreen"}});
    kept.given("subscription.create", of_s(json!({"plan": id("basic"), "with": term})));
}

pub(crate) fn version(amount: &str) -> Value {
    json!({
        "plan": id("basic"), "name": "basic", "every": {"count": 1, "unit": "month"},
        "timing": "in_advance",
        "prices": [{
            "price": "fee", "amounts": [{"currency": "EUR", "rate": {"flat": amount}}],
        }],
    })
}

pub(crate) fn versions(kept: &mut Kept) {
    kept.given("plan.define", version("31")).given("plan.define", version("32"));
    kept.given("subscription.create", of_s(json!({"plan": id("basic"), "version": 1})));
}

fn migrate(to: u32) -> Value {
    json!({"plan": id("basic"), "from_version": 1, "to_version": to, "on": "2024-02-01"})
}

fn discount(duration: &str) -> Value {
    let value = json!({"percent": "10"});
    of_c(json!({
        "discount": id("d"), "on": "customer", "value": value, "duration": duration,
    }))
}

fn coupon(kept: &mut Kept) {
    let value = json!({"percent": "20"});
    kept.given("coupon.define", json!({"coupon": id("cp"), "value": value, "duration": "forever"}));
}

pub(crate) fn quote() -> Value {
    of_c(json!({"quote": id("q"), "plan": id("basic"), "valid_until": "2024-06-30"}))
}

pub(crate) fn quoted(kept: &mut Kept) {
    kept.given("quote.create", quote());
}

fn nothing(_: &mut Kept) {}

fn play(
    given: fn(&mut Kept),
    command: &'static str,
    body: Value,
    steps: &'static [&'static str],
) -> Play {
    Play { given, command, body, steps, same: Same::AtOnce }
}

/// As [`play`]; the book remembers more of it than amounts.
fn marked(
    given: fn(&mut Kept),
    command: &'static str,
    body: Value,
    steps: &'static [&'static str],
) -> Play {
    Play { same: Same::ButForMarks, ..play(given, command, body, steps) }
}

/// As [`play`]; what was credited is billed again with the next invoice.
fn billed(
    given: fn(&mut Kept),
    command: &'static str,
    body: Value,
    steps: &'static [&'static str],
) -> Play {
    Play { same: Same::OnceBilled, ..play(given, command, body, steps) }
}

pub(crate) fn plays() -> Vec<Play> {
    [parties(), catalog(), changes(), life(), offers(), money()].into_iter().flatten().collect()
}

fn parties() -> Vec<Play> {
    let address = json!({"lines": ["1 Road"], "city": "Berlin", "country": "DE"});
    let all = json!({
        "name": "Other", "email": "a@example.org", "address": address, "zone": "Asia/Tokyo",
        "purchase_order": "PO-1", "payment_terms_days": 5,
        "tax_ids": [{"scheme": "eu_vat", "value": "DE1"}],
    });
    let known = |kept: &mut Kept| {
        let said = json!({"email": "b@example.org", "payment_terms_days": 9});
        kept.given("customer.update", of_c(said));
    };
    let less = json!({"clear": ["email", "payment_terms_days"]});
    let seller = |more| with(json!({"entity": id("e")}), more);
    let series = json!([{"code": "n", "kind": "invoice", "prefix": "N", "digits": 4}]);
    let other = json!({
        "name": "Other Ltd", "payment_terms_days": 3, "tax_ids": [],
        "document_retention_years": 3, "add_series": series, "default_series": ["n"],
    });
    vec![
        marked(nothing, "customer.update", of_c(all), &["customer.update"]),
        play(known, "customer.update", of_c(less), &["customer.update"]),
        play(nothing, "invoice.annotate", of_c(json!({"memo": "m"})), &["invoice.annotate"]),
        play(nothing, "entity.update", seller(other), &["entity.update"]),
    ]
}

fn catalog() -> Vec<Play> {
    let team = with(version("9"), json!({"plan": id("new")}));
    let moving = |kept: &mut Kept| {
        versions(kept);
        kept.given("plan.migrate", migrate(2));
    };
    let withdraw = json!({"plan": id("basic"), "from_version": 1});
    let defined = |kept: &mut Kept| {
        kept.given("plan.define", version("29"));
    };
    vec![
        play(nothing, "plan.define", team, &["plan.retire"]),
        marked(defined, "plan.define", version("31"), &["plan.define"]),
        play(versions, "plan.migrate", migrate(2), &["plan.withdraw_migration"]),
        play(moving, "plan.migrate", migrate(3), &["plan.migrate"]),
        play(moving, "plan.withdraw_migration", withdraw, &["plan.migrate"]),
    ]
}

fn changes() -> Vec<Play> {
    let back = &["subscription.change"];
    let gone = &["subscription.withdraw_change"];
    let items = |items| of_s(json!({"items": items, "when": "now"}));
    let later = |when: Value| of_s(json!({"quantity": "4", "when": when}));
    let pro = |when: &str| of_s(json!({"plan": id("pro"), "when": when}));
    let from_team =
        json!({"plan": id("pro"), "when": "now", "map": [{"from": "seat", "to": "fee"}]});
    let five = json!({"quantity": "5", "when": "now", "proration": "now"});
    vec![
        play(with_chat, "subscription.change_quantity", of_s(five), back),
        play(subscribed, "subscription.change_quantity", later(json!("cycle_end")), gone),
        play(subscribed, "subscription.change_plan", pro("now"), back),
        play(subscribed, "subscription.change_plan", pro("cycle_end"), gone),
        play(with_chat, "subscription.change", of_s(from_team), back),
        play(
            with_chat,
            "subscription.change",
            items(json!([{"price": "chat", "remove": true}])),
            back,
        ),
        play(
            with_chat,
            "subscription.change",
            items(json!([{"price": "seat", "quantity": "9"}])),
            back,
        ),
        play(
            with_chat,
            "subscription.change",
            items(json!([{"price": "seat", "rate": {"per_unit": "1"}}])),
            back,
        ),
        play(
            |kept| {
                plan_with_add_on(kept);
                kept.given("subscription.create", of_s(json!({"plan": id("team")})));
            },
            "subscription.change",
            items(json!([{"price": "chat", "quantity": "2"}])),
            back,
        ),
        play(subscribed, "subscription.change", later(json!({"on": "2024-02-15"})), gone),
    ]
}

fn life() -> Vec<Play> {
    let when = |when: Value| of_s(json!({"when": when}));
    let now = || when(json!("now"));
    let day = || when(json!({"on": "2024-02-15"}));
    let uncancel = &["subscription.uncancel"];
    let least = |kept: &mut Kept| {
        let early = json!({"fee": eur("40")});
        let length = json!({"count": 6, "unit": "month"});
        let terms = json!({"least_term": {"length": length, "early_end": early}});
        kept.given("subscription.create", of_s(json!({"plan": id("basic"), "with": terms})));
    };
    let paused = |kept: &mut Kept| {
        subscribed(kept);
        kept.given("subscription.pause", of_s(json!({"when": "now", "resume_on": "2024-02-20"})));
    };
    let scheduled: [(Given, &'static [&'static str]); 6] = [
        (
            |kept| {
                subscribed(kept);
                let when = json!({"quantity": "4", "when": "cycle_end"});
                kept.given("subscription.change", of_s(when));
            },
            &["subscription.change"],
        ),
        (
            |kept| {
                subscribed(kept);
                let when = json!({"quantity": "4", "when": "cycle_end"});
                kept.given("subscription.change_quantity", of_s(when));
            },
            &["subscription.change_quantity"],
        ),
        (
            |kept| {
                subscribed(kept);
                let when = json!({"plan": id("pro"), "when": "cycle_end"});
                kept.given("subscription.change_plan", of_s(when));
            },
            &["subscription.change_plan"],
        ),
        (
            |kept| {
                subscribed(kept);
                kept.given("subscription.cancel", of_s(json!({"when": "cycle_end"})));
            },
            &["subscription.cancel"],
        ),
        (
            |kept| {
                subscribed(kept);
                kept.given("subscription.pause", of_s(json!({"when": "cycle_end"})));
            },
            &["subscription.pause"],
        ),
        (
            |kept| {
                subscribed(kept);
                let pause = json!({"when": "now", "resume_on": "2024-02-20"});
                kept.given("subscription.pause", of_s(pause));
            },
            &["subscription.resume"],
        ),
    ];
    let withdraw = scheduled.into_iter().map(|(given, steps)| {
        let body = of_s(json!({"change": 1}));
        play(given, "subscription.withdraw_change", body, steps)
    });
    let mut all: Vec<Play> = withdraw.collect();
    let later = with(create(), json!({"start": "2024-02-01", "invoice": "next"}));
    let set_up = with(create(), json!({"plan": id("set-up")}));
    let waits = with(set_up.clone(), json!({"invoice": "next"}));
    let ended: &[&str] = &["subscription.cancel", NOTE];
    let pause_later = json!({"when": {"on": "2024-02-05"}, "resume_on": "2024-02-20"});
    let twice: &[&str] = &[GONE, GONE];
    all.extend([
        play(nothing, "subscription.create", create(), &["subscription.cancel"]),
        play(nothing, "subscription.create", later, &["subscription.cancel"]),
        play(with_setup, "subscription.create", set_up, ended),
        play(with_setup, "subscription.create", waits, &["subscription.cancel"]),
        billed(subscribed, "subscription.cancel", now(), uncancel),
        play(subscribed, "subscription.cancel", when(json!("cycle_end")), uncancel),
        play(
            least,
            "subscription.cancel",
            of_s(json!({"when": "now", "credit": "none"})),
            uncancel,
        ),
        play(
            |kept| {
                subscribed(kept);
                kept.given("subscription.cancel", of_s(json!({"when": "cycle_end"})));
            },
            "subscription.uncancel",
            subscription(),
            &["subscription.cancel"],
        ),
        play(subscribed, "subscription.pause", now(), &["subscription.resume"]),
        play(subscribed, "subscription.pause", of_s(pause_later), twice),
        play(paused, "subscription.resume", now(), &["subscription.pause"]),
        play(paused, "subscription.resume", day(), &[GONE, "subscription.resume"]),
        play(
            in_a_term,
            "subscription.set_renewal",
            of_s(json!({"renewal": "cancel"})),
            &["subscription.set_renewal"],
        ),
    ]);
    all
}

fn offers() -> Vec<Play> {
    let discounted = |kept: &mut Kept| {
        kept.given("discount.apply", discount("forever"));
    };
    let remove = of_c(json!({"discount": id("d")}));
    let redeem = of_c(json!({"coupon": id("cp"), "discount": id("d"), "on": "customer"}));
    let accept = || of_s(json!({"quote": id("q"), "invoice": "now"}));
    let quoted_setup = |kept: &mut Kept| {
        with_setup(kept);
        kept.given("quote.create", with(quote(), json!({"plan": id("set-up")})));
    };
    let gone = &["discount.remove"];
    vec![
        play(subscribed, "discount.apply", discount("once"), gone),
        play(discounted, "discount.remove", remove, &["discount.apply"]),
        play(coupon, "coupon.redeem", redeem, gone),
        play(nothing, "quote.create", quote(), &["quote.void"]),
        play(quoted, "quote.void", of_c(json!({"quote": id("q")})), &["quote.create"]),
        play(quoted, "quote.accept", accept(), &["subscription.cancel"]),
        play(quoted_setup, "quote.accept", accept(), &["subscription.cancel", NOTE]),
    ]
}

fn money() -> Vec<Play> {
    let owing: fn(&mut Kept) = |kept| {
        for (name, amount) in [("x", "30"), ("y", "20"), ("z", "10")] {
            invoiced(kept, name, amount);
        }
    };
    let credited = |kept: &mut Kept| {
        invoiced(kept, "x", "30");
        kept.given("credit.grant", grant("12", json!({"expires": "2024-12-31"})));
    };
    let released = |kept: &mut Kept| {
        invoiced(kept, "x", "30");
        kept.given("credit.grant", grant("12", json!({})));
        let lot = json!({"lot": {"grant": id("g")}, "invoice": id("x")});
        kept.given("credit.release", of_c(lot));
    };
    let spare = |kept: &mut Kept| {
        kept.given("credit.grant", grant("12", json!({"priority": 3, "kind": "promotion"})));
    };
    let paid = |kept: &mut Kept| {
        invoiced(kept, "x", "30");
        kept.given("payment.record", pay("40"));
    };
    let part = json!({"lot": {"grant": id("g")}, "invoice": id("x"), "amount": eur("5")});
    let all = json!({"lot": {"grant": id("g")}, "invoice": id("x")});
    let own = json!({"now": {"invoice": id("x")}});
    let waiting = |kept: &mut Kept| {
        kept.given("charge.add", charge("w", "7", json!("next")));
    };
    let revoke = || of_c(json!({"grant": id("g"), "reason": "wrong"}));
    vec![
        play(nothing, "charge.add", charge("w", "7", json!("next")), &["charge.withdraw"]),
        play(nothing, "charge.add", charge("w", "7", own), &[VOID]),
        play(waiting, "charge.withdraw", of_c(json!({"charge": id("w")})), &["charge.add"]),
        play(waiting, "invoice.now", of_c(json!({})), &[VOID]),
        play(owing, "payment.record", pay("40"), &["payment.reverse"]),
        play(
            paid,
            "payment.reverse",
            of_c(json!({"payment": id("p"), "reason": "bounced"})),
            &["payment.record"],
        ),
        play(nothing, "credit.grant", grant("12", json!({})), &["credit.revoke"]),
        // It paid x and a part of y; what is taken off y pays z at once.
        play(owing, "credit.grant", grant("40", json!({})), &[OFF, OFF, OFF, "credit.revoke"]),
        play(released, "credit.apply", of_c(part.clone()), &[OFF]),
        play(credited, "credit.release", of_c(all), &["credit.apply"]),
        play(
            |kept| {
                invoiced(kept, "x", "30");
                kept.given("credit.grant", grant("12", json!({})));
                invoiced(kept, "y", "20");
            },
            "credit.release",
            of_c(part),
            &[OFF, "credit.apply"],
        ),
        play(spare, "credit.revoke", revoke(), &["credit.grant"]),
    ]
}
