//! Requests that no book accepts: name, request, status and code.

use schemas::wire::{MAX_BATCH_BYTES, MAX_BODY_BYTES, Message, header};
use serde_json::{Value, json};
use tests::acme::{
    BOOK, charge, command, command_id, eur, id, opening, pay, query, refund, register, subscribe,
};

use crate::book::{Acme, problem};

/// What is asked, what it must be answered with.
struct Case(&'static str, Message, u16, &'static str);

/// A command under an id of its own.
fn ask(name: &str, body: &Value) -> Message {
    command(command_id(1_000), name, body)
}

fn raw(name: &str, body: impl Into<Vec<u8>>) -> Message {
    Message { body: body.into(), ..ask(name, &json!({})) }
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

fn without(mut body: Value, field: &str) -> Value {
    body.as_object_mut().expect("fields").remove(field);
    body
}

fn headed(mut message: Message, name: &str, value: &str) -> Message {
    message.headers.insert(name.to_owned(), value.to_owned());
    message
}

fn to(subject: &str) -> Message {
    Message { subject: subject.to_owned(), ..ask("payment.record", &pay(1, 2, "1")) }
}

/// The same so many times, as text: there may be a million.
fn list(one: &Value, times: usize) -> String {
    format!("[{}null]", format!("{one},").repeat(times)).replace(",null]", "]")
}

fn batch(commands: usize, body: &Value) -> Message {
    let one = json!({"command": "payment.record", "command_id": command_id(1_000), "body": body});
    raw("batch", format!(r#"{{"commands":{}}}"#, list(&one, commands)))
}

fn check(cases: Vec<Case>) {
    let acme = Acme::open();
    let before = acme.state();
    for Case(what, message, status, code) in cases {
        let found = problem(&acme.ask(&message), what);
        assert_eq!((found.status, &*found.code), (status, code), "{what}: {}", found.detail);
        assert_eq!(acme.state(), before, "{what} changed something");
    }
}

#[test]
fn bodies_that_cannot_be_read_are_malformed() {
    let payment = || pay(1, 2, "1");
    let deep = "[".repeat(200_000);
    let quantity = |quantity: Value| with(subscribe(1, 2), "quantity", quantity);
    check(
        [
            ("no JSON at all", raw("payment.record", "pay me")),
            ("an empty body", raw("payment.record", "")),
            ("JSON that ends early", raw("payment.record", r#"{"customer":"#)),
            ("bytes that are no text", raw("payment.record", [0xff, 0xfe, 0x00])),
            ("a list for an object", raw("payment.record", "[]")),
            ("null", raw("payment.record", "null")),
            ("a thousand brackets", raw("payment.record", deep)),
            ("a field twice", raw("plan.retire", twice("plan", &id("pln", 1)))),
            ("an unknown field", ask("payment.record", &with(payment(), "tip", json!("1")))),
            (
                "an unknown field inside",
                ask("payment.record", &with(payment(), "amount", with(eur("1"), "x", json!(1)))),
            ),
            ("a missing field", ask("payment.record", &without(payment(), "amount"))),
            ("an amount as a number", ask("payment.record", &with(payment(), "amount", json!(1)))),
            (
                "an amount as a float",
                ask(
                    "payment.record",
                    &with(payment(), "amount", with(eur(""), "amount", json!(1.5))),
                ),
            ),
            ("an amount of no digits", ask("payment.record", &pay(1, 2, "one"))),
            ("an amount finer than a cent", ask("payment.record", &pay(1, 2, "1.001"))),
            ("an amount beyond 64 bits", ask("payment.record", &pay(1, 2, "92233720368547758.08"))),
            ("an amount in exponents", ask("payment.record", &pay(1, 2, "1e3"))),
            (
                "a currency that is none",
                ask(
                    "payment.record",
                    &with(payment(), "amount", json!({"amount": "1", "currency": "XYZ"})),
                ),
            ),
            ("a quantity as a number", ask("subscription.create", &quantity(json!(2)))),
            ("a quantity in exponents", ask("subscription.create", &quantity(json!("1e9")))),
            ("a quantity that is none", ask("subscription.create", &quantity(json!("NaN")))),
            (
                "an id of another kind",
                ask("payment.record", &with(payment(), "customer", json!(id("pln", 1)))),
            ),
            (
                "an id that is none",
                ask("payment.record", &with(payment(), "customer", json!("cus_1"))),
            ),
            ("a word that is none", ask("subscription.cancel", &cancel("yesterday"))),
            (
                "a name too long",
                ask("customer.register", &with(register(9), "name", json!("n".repeat(100_000)))),
            ),
            (
                "a zone that is none",
                ask("customer.register", &with(register(9), "zone", json!("Mars/Base"))),
            ),
            (
                "a country that is none",
                ask("customer.update", &with(customer(), "address", address("XX", "London"))),
            ),
            (
                "an escape sequence in an address",
                ask("customer.update", &with(customer(), "address", address("GB", "\u{1b}[2J"))),
            ),
            (
                "a name that turns what stands beside it",
                ask("customer.register", &with(register(9), "name", json!("Ada \u{202e}eca"))),
            ),
            (
                "a name of nothing to be seen",
                ask("customer.register", &with(register(9), "name", json!("\u{200b} \u{2060}"))),
            ),
            (
                "a memo of two lines",
                ask("invoice.annotate", &with(customer(), "memo", json!("Total\n0.00"))),
            ),
            (
                "a seller's name with a bell",
                ask("entity.update", &json!({"entity": id("ent", 1), "name": "Acme\u{7}"})),
            ),
            (
                "a reason with a control character",
                headed(ask("payment.record", &payment()), header::REASON, "paid\u{9b}2J"),
            ),
            (
                "a detail that is none",
                ask("customer.update", &with(customer(), "clear", json!(["name"]))),
            ),
        ]
        .map(|(what, message)| Case(what, message, 400, "malformed"))
        .into(),
    );
}

fn customer() -> Value {
    json!({"customer": id("cus", 1)})
}

fn address(country: &str, city: &str) -> Value {
    json!({"lines": ["1 Main Street"], "city": city, "country": country})
}

fn twice(field: &str, value: &str) -> String {
    format!(r#"{{"{field}":"{value}","{field}":"{value}"}}"#)
}

fn cancel(when: &str) -> Value {
    json!({"customer": id("cus", 2), "subscription": id("sub", 2), "when": when})
}

#[test]
fn dates_out_of_range_are_malformed_or_refused() {
    let dated = |date: &str| {
        let now = json!({"now": {"document_date": date}});
        ask("charge.add", &with(charge(1, 9, "1"), "invoice", now))
    };
    let served = |start: &str, end: &str| {
        let days = json!({"start": start, "end": end});
        ask("charge.add", &with(charge(1, 9, "1"), "service", days))
    };
    let effective = |at: &str| with(pay(1, 2, "1"), "effective_at", json!(at));
    let effective = |at: &str| ask("payment.record", &effective(at));
    let run = |through: &str| ask("billing.run", &json!({"run": id("run", 1), "through": through}));
    let late = "2026-03-01T12:00:00.000001Z";
    check(vec![
        Case("a year before all", dated("1899-12-31"), 400, "malformed"),
        Case("a year after all", dated("3000-01-01"), 400, "malformed"),
        Case("30 February", dated("2026-02-30"), 400, "malformed"),
        Case("a date by hand", dated("01.03.2026"), 400, "malformed"),
        Case("days that end first", served("2026-03-02", "2026-03-01"), 400, "malformed"),
        Case("no days at all", served("2026-03-01", "2026-03-01"), 400, "malformed"),
        Case("a date for an instant", effective("2026-03-01"), 400, "malformed"),
        Case("an instant by hand", effective("noon"), 400, "malformed"),
        Case("the future", effective(late), 422, "effective_in_future"),
        Case("before all", effective("2020-01-01T00:00:00Z"), 422, "effective_before_registration"),
        Case("billing the future", run("2026-03-02"), 422, "through_in_future"),
        Case("a date of its own", dated("2026-02-28"), 422, "document_date_not_allowed"),
        Case("a clock that goes back", clock("2026-03-01T11:59:59Z"), 422, "clock_moves_back"),
        Case("a clock beyond all", clock("3000-01-01T00:00:00Z"), 400, "malformed"),
    ]);
}

fn clock(to: &str) -> Message {
    ask("book.advance_clock", &json!({"to": to}))
}

#[test]
fn absurd_sizes_are_refused_before_they_are_read() {
    let padded = |bytes: usize| {
        let mut body = pay(1, 2, "1").to_string();
        body.push_str(&" ".repeat(bytes - body.len()));
        body
    };
    let parts = |count: usize| {
        let part = json!({"invoice": id("inv", 1), "amount": eur("0.01")});
        let body = with(pay(1, 2, "1"), "allocate", json!({"to": "PARTS"})).to_string();
        raw("payment.record", body.replace(r#""PARTS""#, &list(&part, count)))
    };
    let over = raw("payment.record", padded(MAX_BODY_BYTES + 1));
    let far_over = raw("payment.record", padded(8 << 20));
    let heavy = with(pay(1, 2, "1"), "method", json!("m".repeat(MAX_BATCH_BYTES / 10)));
    check(vec![
        Case("over 1 MiB", over, 413, "too_large"),
        Case("far over 1 MiB", far_over, 413, "too_large"),
        Case("a million allocations", parts(1_000_000), 413, "too_large"),
        Case("1,001 allocations", parts(1_001), 422, "too_many_allocations"),
        Case("1,001 commands", batch(1_001, &pay(1, 2, "1")), 413, "too_large"),
        Case("a batch of a million", batch(1_000_000, &json!(0)), 413, "too_large"),
        Case("a batch over 512 KiB", batch(11, &heavy), 413, "too_large"),
        Case("a batch that is none", raw("batch", "[]"), 400, "malformed"),
        Case("a batch without ids", raw("batch", r#"{"commands":[{}]}"#), 400, "malformed"),
        Case(
            "a reason without end",
            headed(ask("payment.record", &pay(1, 2, "1")), header::REASON, &"r".repeat(100_000)),
            400,
            "malformed",
        ),
    ]);
}

#[test]
fn what_the_ledger_refuses_is_answered_with_its_code() {
    let usd = json!({"amount": "1", "currency": "USD"});
    let priced = |price: Value| ask("charge.add", &with(charge(1, 9, "1"), "price", price));
    let quantity = |n: &str| ask("subscription.create", &with(sub(9, 2), "quantity", json!(n)));
    let most = "10000000000000.01";
    let record = |body: &Value| ask("payment.record", body);
    check(vec![
        Case(
            "another currency",
            record(&with(pay(1, 2, "1"), "amount", usd)),
            422,
            "currency_mismatch",
        ),
        Case("a negative payment", record(&pay(1, 2, "-1")), 422, "amount_not_positive"),
        Case("a payment of nothing", record(&pay(1, 2, "0")), 422, "amount_not_positive"),
        Case("an amount too large", record(&pay(1, 2, most)), 422, "amount_too_large"),
        Case("a negative charge", priced(json!({"total": eur("-1")})), 422, "negative_amount"),
        Case(
            "a negative price",
            priced(json!({"per_unit": eur("-1")})),
            422,
            "negative_unit_price",
        ),
        Case("a negative quantity", quantity("-1"), 422, "invalid_quantity"),
        Case("an absurd quantity", quantity("99999999999999999999"), 422, "invalid_quantity"),
        Case("an unknown plan", ask("subscription.create", &sub(9, 77)), 404, "unknown_plan"),
        Case("a retired plan", ask("subscription.create", &sub(9, 3)), 422, "plan_retired"),
        Case("an unknown customer", record(&pay(77, 2, "1")), 404, "unknown_customer"),
        Case("a customer twice", ask("customer.register", &register(1)), 409, "customer_exists"),
        Case("a payment twice", record(&pay(1, 1, "1")), 409, "payment_exists"),
        Case(
            "cancelled twice",
            ask("subscription.cancel", &cancel("now")),
            409,
            "subscription_canceled",
        ),
        Case(
            "a refund above what was paid",
            ask("payment.refund", &refund(1, 1, 1, "30.01")),
            422,
            "refund_exceeds_payment",
        ),
        Case(
            "a refund of no payment",
            ask("payment.refund", &refund(1, 77, 1, "1")),
            404,
            "unknown_payment",
        ),
    ]);
}

/// Another subscription of customer 1.
fn sub(n: u64, plan: u64) -> Value {
    with(subscribe(1, plan), "subscription", json!(id("sub", n)))
}

#[test]
fn the_envelope_is_checked_like_the_body() {
    let payment = || ask("payment.record", &pay(1, 2, "1"));
    let mut nameless = payment();
    nameless.headers.remove(header::COMMAND_ID);
    let (_, seller) = opening().remove(0);
    let reused = command(command_id(0), "entity.define", &with(seller, "name", json!("Other")));
    let crossed = command(command_id(0), "payment.record", &pay(1, 2, "1"));
    let in_body = |revision: Value| {
        ask("payment.record", &with(pay(1, 2, "1"), "expected_revision", revision))
    };
    let revision = header::EXPECTED_REVISION;
    let past = "2020-01-01T00:00:00Z";
    check(vec![
        Case("no command id", nameless, 400, "malformed"),
        Case(
            "a command id that is none",
            headed(payment(), header::COMMAND_ID, "1"),
            400,
            "malformed",
        ),
        Case("a used id for another body", reused, 422, "idempotency_key_reused"),
        Case("a used id for another command", crossed, 422, "idempotency_key_reused"),
        Case(
            "a deadline that is over",
            headed(payment(), header::DEADLINE, past),
            408,
            "deadline_exceeded",
        ),
        Case(
            "a deadline that is none",
            headed(payment(), header::DEADLINE, "soon"),
            400,
            "malformed",
        ),
        Case("a wrong revision", headed(payment(), revision, "77"), 409, "revision_conflict"),
        Case("a wrong revision inside", in_body(json!(0)), 409, "revision_conflict"),
        Case("a revision that is none", headed(payment(), revision, "-1"), 400, "malformed"),
        Case("a revision as a text", in_body(json!("4")), 400, "malformed"),
        Case("two revisions", headed(in_body(json!(4)), revision, "5"), 400, "malformed"),
    ]);
}

#[test]
fn only_the_system_submits_its_own_commands() {
    let open = json!({"book": "other", "profile": "billfold@1", "clock": "wall"});
    let bill = json!({"customer": id("cus", 1), "run": id("run", 1), "through": "2026-03-01", "ahead": false});
    check(vec![
        Case("opening a book", ask("book.open", &open), 422, "internal_command"),
        Case("billing a customer", ask("customer.bill", &bill), 422, "internal_command"),
    ]);
}

#[test]
fn an_invoice_too_large_for_a_commit_is_drafted_in_parts() {
    let acme = Acme::open();
    let accept = |n: u64, name: &str, body: &Value| {
        acme.accept(&command(command_id(2_000 + n), name, body));
    };
    for n in 0..20 {
        let discount = json!({
            "customer": id("cus", 1), "discount": id("dsc", n), "on": "customer",
            "value": {"percent": "1.2345"}, "duration": "forever",
        });
        accept(n, "discount.apply", &discount);
    }
    for n in 0..500 {
        let later = with(charge(1, 100 + n, "12345.67"), "invoice", json!("next"));
        let long = with(later, "description", json!("d".repeat(200)));
        accept(100 + n, "charge.add", &long);
    }
    let shown = query("preview.invoice", &json!({"customer": id("cus", 1)}));
    let previewed = acme.accept(&shown)["data"].clone();
    let left_out = previewed["left_out"]["lines"].as_u64().expect("not all has room");
    let lines = previewed["invoice"]["lines"].as_array().expect("lines").len() as u64;
    // One is that of a subscription.
    assert_eq!(lines + left_out, 501);
    let asked =
        with(json!({"customer": id("cus", 1)}), "invoice", json!({"invoice": id("inv", 7)}));
    acme.accept(&ask("invoice.now", &asked));
    let _state = acme.state();
    let invoice = acme.accept(&query("invoices.get", &json!({"invoice": id("inv", 7)})));
    let invoice = &invoice["data"]["invoice"];
    assert_eq!(invoice["line_count"], 501);
    assert_eq!(invoice["gross"]["amount_minor"], previewed["invoice"]["totals"]["gross"]);
}

#[test]
fn subjects_that_lead_nowhere_are_not_found() {
    let at = |rest: &str| to(&format!("billfold.{BOOK}.as.ada.{rest}"));
    check(vec![
        Case("no subject", to(""), 404, "unknown_subject"),
        Case("another system's", to("orders.eu.new"), 404, "unknown_subject"),
        Case("no actor", to("billfold.main.command.payment.record"), 404, "unknown_subject"),
        Case("an endless one", to(&"billfold.".repeat(10_000)), 404, "unknown_subject"),
        Case("an unknown command", at("command.payment.steal"), 404, "unknown_subject"),
        Case("an unknown read model", at("query.gossip.list"), 404, "unknown_subject"),
        Case("an unknown question", at("query.invoices.burn"), 404, "unknown_subject"),
        Case("an unknown admin verb", at("admin.explode"), 404, "unknown_subject"),
        Case(
            "an unknown book",
            to("billfold.other.as.ada.query.invoices.list"),
            404,
            "unknown_book",
        ),
    ]);
}

#[test]
fn queries_are_checked_like_commands() {
    let list = |body: Value| query("invoices.list", &body);
    let at_least = |position: &str| headed(list(json!({})), header::AT_LEAST, position);
    let other = "00000000000000000000000000000009:1";
    let invoice = |n: u64| query("invoices.get", &json!({"invoice": id("inv", n)}));
    check(vec![
        Case("a cursor that is none", list(json!({"after": "page 2"})), 400, "malformed"),
        Case("a cursor cut short", list(json!({"after": "00ff"})), 400, "malformed"),
        Case("a cursor of old", list(json!({"after": "00ff00ff"})), 410, "cursor_expired"),
        Case("a limit of nothing", list(json!({"limit": 0})), 400, "malformed"),
        Case("a limit without end", list(json!({"limit": 1_000_000})), 400, "malformed"),
        Case("an unknown field", list(json!({"color": "red"})), 400, "malformed"),
        Case("a list for an object", list(json!([])), 400, "malformed"),
        Case("a position that is none", at_least("seven"), 400, "malformed"),
        Case("a position of another log", at_least(other), 400, "malformed"),
        Case("an unknown invoice", invoice(77), 404, "not_found"),
        Case("no invoice named", query("invoices.get", &json!({})), 400, "malformed"),
    ]);
}
