//! Changes of anchor and interval, and the days of a fixed offset: published figures of Kill Bill.

#![allow(clippy::needless_pass_by_value, reason = "JSON is written where it is used")]

mod support;

use serde_json::json;

use support::{TestBook, id, pairs, subscription, with};

#[test]
fn a_new_anchor_cuts_the_cycle_and_starts_with_a_part() {
    // KB-003: from the 15th to the 10th: 26 of 31 days of 249.95 until 10 August.
    let mut book = TestBook::of("killbill@1", json!({}), "2016-06-15");
    let customer = json!({"customer": id("c"), "entity": id("e"), "name": "C", "currency": "EUR"});
    book.given("customer.register", customer);
    book.plan("pistol", "249.95", "in_advance", "flat", 1, "month");
    book.subscribe("pistol", json!({}));
    book.bill("2016-06-15");
    let body = json!({"anchor": {"day": 10}, "when": "cycle_end"});
    book.given("subscription.change", with(subscription(), body));
    assert_eq!(
        book.billed(&["2016-07-15", "2016-08-10"]),
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
    book.subscribe("month", json!({}));
    book.bill("2012-05-01");
    book.on("2012-05-12");
    let body = json!({"plan": id("quarter"), "when": "now"});
    book.given("subscription.change", with(subscription(), body));
    let nets: Vec<_> = book.last().into_iter().map(|(_, days, net)| (days, net)).collect();
    // 20 of 31 days of 29.95 come back: 19.322…
    assert_eq!(nets, pairs(&[("2012-05-12/2012-06-01", -1_932), ("2012-05-12/2012-08-01", 6_159)]));
    assert_eq!(book.billed(&["2012-08-01"]), pairs(&[("2012-08-01/2012-11-01", 6_995)]));
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
        book.subscribe("month", json!({"trial_days": 30}));
        let billed = book.billed(&["2017-04-02"]);
        assert_eq!(billed, pairs(&[(expected, 2_995)]));
    }
}
