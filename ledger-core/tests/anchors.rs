//! Changes of anchor and interval, and the days of a fixed offset: published figures of Kill Bill.

#![allow(clippy::needless_pass_by_value, reason = "JSON is written where it is used")]

mod support;

use schemas::Event;
use serde_json::{Value, json};

use support::{TestBook, id, lines};

fn subscription() -> Value {
    json!({"customer": id("c"), "subscription": id("s")})
}

fn with(mut body: Value, more: Value) -> Value {
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

fn subscribe(book: &mut TestBook, plan: &str, terms: Value) -> Vec<Event> {
    let body = json!({"plan": id(plan), "with": terms});
    book.given("subscription.create", with(subscription(), body))
}

/// Kind, days and net of the lines of the last invoice.
fn last(book: &TestBook) -> Vec<(String, String, i64)> {
    lines(book.invoices.last().expect("an invoice"))
}

/// Days and nets of all lines that were billed through a day, month by month from 2024-01.
fn billed(book: &mut TestBook, days: &[&str]) -> Vec<(String, i64)> {
    let mut all = Vec::new();
    for day in days {
        book.on(day);
        for invoice in book.bill(day) {
            all.extend(lines(&invoice).into_iter().map(|(_, days, net)| (days, net)));
        }
    }
    all
}

fn pairs(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    expected.iter().map(|(days, net)| ((*days).to_owned(), *net)).collect()
}

#[test]
fn a_new_anchor_cuts_the_cycle_and_starts_with_a_part() {
    // KB-003: from the 15th to the 10th: 26 of 31 days of 249.95 until 10 August.
    let mut book = TestBook::of("killbill@1", json!({}), "2016-06-15");
    let customer = json!({"customer": id("c"), "entity": id("e"), "name": "C", "currency": "EUR"});
    book.given("customer.register", customer);
    book.plan("pistol", "249.95", "in_advance", "flat", 1, "month");
    subscribe(&mut book, "pistol", json!({}));
    book.bill("2016-06-15");
    let body = json!({"anchor": {"day": 10}, "when": "cycle_end"});
    book.given("subscription.change", with(subscription(), body));
    assert_eq!(
        billed(&mut book, &["2016-07-15", "2016-08-10"]),
        pairs(&[("2016-07-15/2016-08-10", 20_964), ("2016-08-10/2016-09-10", 24_995)])
    );
}

#[test]
fn monthly_to_quarterly_keeps_the_anchor_day_at_kill_bill() {
    // KB-024: 81 of 92 days of 69.95 to 1 August.
    let mut book = TestBook::of("killbill@1", json!({}), "2012-05-01");
    let customer = json!({"customer": id("c"), "entity": id("e"), "name": "C", "currency": "EUR"});
    book.given("customer.register", customer);
    book.plan("month", "29.95", "in_advance", "flat", 1, "month");
    book.plan("quarter", "69.95", "in_advance", "flat", 3, "month");
    subscribe(&mut book, "month", json!({}));
    book.bill("2012-05-01");
    book.on("2012-05-12");
    let body = json!({"plan": id("quarter"), "when": "now"});
    book.given("subscription.change", with(subscription(), body));
    let nets: Vec<_> = last(&book).into_iter().map(|(_, days, net)| (days, net)).collect();
    // 20 of 31 days of 29.95 come back: 19.322…
    assert_eq!(nets, pairs(&[("2012-05-12/2012-06-01", -1_932), ("2012-05-12/2012-08-01", 6_159)]));
    assert_eq!(billed(&mut book, &["2012-08-01"]), pairs(&[("2012-08-01/2012-11-01", 6_995)]));
}

#[test]
fn kill_bill_keeps_the_offset_of_the_day_the_account_was_made() {
    // ANCHOR-KB-TZ-1 and -2: a trial of 30 days from 23:30 on 1 March in Los Angeles.
    for (made, expected) in [
        ("2017-03-02T07:30:00Z", "2017-03-31/2017-04-30"),
        ("2016-11-06T06:30:00Z", "2017-04-01/2017-05-01"),
    ] {
        let mut book = TestBook::of("killbill@1", json!({}), made);
        let customer = json!({
            "customer": id("c"), "entity": id("e"), "name": "C", "currency": "EUR",
            "zone": "America/Los_Angeles",
        });
        book.given("customer.register", customer);
        book.plan("month", "29.95", "in_advance", "flat", 1, "month");
        book.on("2017-03-02T07:30:00Z");
        subscribe(&mut book, "month", json!({"trial_days": 30}));
        let billed = billed(&mut book, &["2017-04-02"]);
        assert_eq!(billed, pairs(&[(expected, 2_995)]));
    }
}
