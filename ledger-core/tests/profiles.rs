//! What each profile makes of changes that vendors bill differently. Figures are the vendors' own
//! published examples, or follow from the rule by the arithmetic beside them.

#![allow(clippy::needless_pass_by_value, reason = "JSON is written where it is used")]

mod support;

use serde_json::{Value, json};

use support::{TestBook, id, lines, subscription, with};

/// A book of a profile with customer `c` in USD, registered on a day.
fn book(profile: &str, policies: Value, since: &str) -> TestBook {
    let mut book = TestBook::of(profile, policies, since);
    book.given(
        "customer.register",
        json!({"customer": id("c"), "entity": id("e"), "name": "C", "currency": "USD"}),
    );
    book
}

fn plan(book: &mut TestBook, plan: &str, rate: Value, more: Value) {
    let body = json!({
        "plan": id(plan), "name": plan, "every": {"count": 1, "unit": "month"},
        "timing": "in_advance",
        "prices": [{"price": "fee", "amounts": [{"currency": "USD", "rate": rate}]}],
    });
    book.given("plan.define", with(body, more));
}

fn change(book: &mut TestBook, plan: &str, proration: &str) {
    let body = json!({"plan": id(plan), "when": "now", "proration": proration});
    book.given("subscription.change", with(subscription(), body));
}

fn cancel(book: &mut TestBook) {
    let body = json!({"when": "now", "credit": "prorated"});
    book.given("subscription.cancel", with(subscription(), body));
}

/// Net amounts of the last invoice.
fn nets(book: &TestBook) -> Vec<i64> {
    book.invoices.last().expect("an invoice").lines.iter().map(|line| line.net.0).collect()
}

/// Net amounts of the last credit note.
fn noted(book: &TestBook) -> Vec<i64> {
    book.notes.last().expect("a note").credits.iter().map(|line| line.net.0).collect()
}

#[test]
fn stripe_classic_credits_the_current_price_and_flexible_the_last_billed_one() {
    // PRO-STRIPE-002: 10.00 billed in April, 20.00 from the 11th without proration, 10.00 again
    // from the 21st: ten of thirty days are left.
    for (profile, expected) in
        [("stripe_classic@1", [-667, 333]), ("stripe_flexible@1", [-333, 333])]
    {
        let mut book = book(profile, json!({}), "2019-04-01");
        plan(&mut book, "ten", json!({"flat": "10"}), json!({}));
        plan(&mut book, "twenty", json!({"flat": "20"}), json!({}));
        book.subscribe("ten", json!({}));
        book.bill("2019-04-01");
        book.on("2019-04-11");
        change(&mut book, "twenty", "none");
        assert_eq!(book.bill("2019-04-11").len(), 0, "{profile}: nothing is billed");
        book.on("2019-04-21");
        change(&mut book, "ten", "now");
        assert_eq!(nets(&book), expected, "{profile}");
        // May is billed at the price that holds, and nothing is left over.
        book.on("2019-05-01");
        book.bill("2019-05-01");
        assert_eq!(nets(&book), [1_000], "{profile}");
        assert_eq!(book.bill("2019-05-01").len(), 0, "{profile}");
    }
}

#[test]
fn stripe_counts_seconds() {
    // PRO-STRIPE-005: 881,112 of 2,419,200 seconds are left of 10.00.
    let mut book = book("stripe_flexible@1", json!({}), "2017-02-14");
    plan(&mut book, "ten", json!({"flat": "10"}), json!({}));
    plan(&mut book, "free", json!({"flat": "0"}), json!({}));
    book.subscribe("ten", json!({}));
    book.bill("2017-02-14");
    book.on("2017-03-03T19:14:48Z");
    change(&mut book, "free", "now");
    assert_eq!(nets(&book), [-364, 0]);
}

#[test]
fn stripe_credits_a_coupon_by_share_or_whole() {
    // PRO-STRIPE-003: 10.00 and 20.00 with 5.00 off (166 and 334 cents) end in mid-period. Of the
    // item of 10.00, classic takes half of all 5.00 off its credit, flexible half of its share.
    for (profile, expected) in
        [("stripe_classic@1", [-250, -750]), ("stripe_flexible@1", [-417, -833])]
    {
        let mut book = book(profile, json!({}), "2019-04-01");
        let price = |price: &str, unit: &str| {
            let amounts = json!([{"currency": "USD", "rate": {"flat": unit}}]);
            json!({"price": price, "amounts": amounts})
        };
        let prices = json!({"prices": [price("ten", "10"), price("twenty", "20")]});
        plan(&mut book, "plan", json!({"flat": "0"}), prices);
        book.subscribe("plan", json!({}));
        let amount = json!({"amount": {"amount": "5", "currency": "USD"}});
        book.given(
            "discount.apply",
            json!({
                "customer": id("c"), "discount": id("d"), "on": {"subscription": id("s")},
                "value": amount, "duration": "forever",
            }),
        );
        book.bill("2019-04-01");
        assert_eq!(nets(&book), [834, 1_666], "{profile}: 166 and 334 off");
        book.on("2019-04-16");
        cancel(&mut book);
        assert_eq!(nets(&book), expected, "{profile}");
    }
}

#[test]
fn kill_bill_bills_a_missing_piece_as_the_rest_of_the_whole() {
    // KB-041: 19.95 a month; 29 of 30 days came to 19.29, so the first day is 0.66, not 0.67.
    let mut book = book("killbill@1", json!({}), "2016-09-08");
    plan(&mut book, "seats", json!({"per_unit": "19.95"}), json!({}));
    book.subscribe("seats", json!({"items": [{"price": "fee", "quantity": "0"}]}));
    let quantity = |quantity: &str| {
        json!({
            "customer": id("c"), "subscription": id("s"), "quantity": quantity, "when": "now",
            "proration": "next",
        })
    };
    book.on("2016-09-09");
    book.given("subscription.change_quantity", quantity("1"));
    book.bill("2016-09-09");
    let first = book.invoices.last().expect("an invoice");
    assert_eq!(lines(first).last().map(|line| line.2), Some(1_929));
    let start = support::at("2016-09-08");
    book.when_effective(start, "subscription.change_quantity", quantity("1")).expect("accepted");
    book.given("invoice.now", json!({"customer": id("c")}));
    assert_eq!(nets(&book).iter().sum::<i64>(), 66);
}

#[test]
fn a_missing_piece_costs_nothing_where_more_than_the_whole_is_billed() {
    // Each of the first two pieces costs a whole month; what is missing is no credit.
    let mut book = book("killbill@1", json!({"ratio": "round_up_to_whole_period"}), "2016-09-08");
    plan(&mut book, "seats", json!({"per_unit": "20"}), json!({}));
    book.subscribe("seats", json!({"items": [{"price": "fee", "quantity": "0"}]}));
    book.on("2016-09-20");
    let mut billed = Vec::new();
    for from in ["2016-09-20", "2016-09-12", "2016-09-08"] {
        let body = json!({"quantity": "1", "when": "now"});
        let change = with(subscription(), body);
        book.when_effective(support::at(from), "subscription.change_quantity", change)
            .expect("accepted");
        billed.push(nets(&book).iter().sum::<i64>());
    }
    assert_eq!(billed, [2_000, 2_000, 0]);
}

#[test]
fn kill_bill_never_repairs_more_than_adjustments_left() {
    // KB-039: 10.00 of 249.95 were credited; the change on the next day would repair 241.89.
    let mut book = book("killbill@1", json!({}), "2012-05-01");
    plan(&mut book, "pistol", json!({"flat": "249.95"}), json!({}));
    plan(&mut book, "blowdart", json!({"flat": "9.95"}), json!({}));
    book.subscribe("pistol", json!({}));
    book.bill("2012-05-01");
    book.on("2012-05-02");
    let invoice = book.invoices[0].invoice;
    let lines = json!([{"line": 1, "amount": {"amount": "10.00", "currency": "USD"}}]);
    book.given(
        "credit_note.issue",
        json!({"customer": id("c"), "note": id("n"), "invoice": invoice, "lines": lines}),
    );
    change(&mut book, "blowdart", "now");
    assert_eq!(nets(&book), [-23_995, 963]);
    // What came of it paid the first invoice, of which 239.95 were open.
    let customer = book.customer("c");
    assert_eq!((customer.owed(), customer.credit().0), (963, 0));
}

#[test]
fn lago_counts_both_ends_and_takes_the_upgrade_day_for_the_new_plan() {
    // LAGO-005: plans of 10.00, 15.00 and 19.00; from the 5th, two upgrades on the 12th.
    let mut book = book("lago@1", json!({}), "2024-03-05T12:12:00Z");
    for (name, unit) in [("one", "10"), ("two", "15"), ("three", "19")] {
        plan(&mut book, name, json!({"flat": unit}), json!({}));
    }
    book.subscribe("one", json!({}));
    book.bill("2024-03-05");
    assert_eq!(nets(&book), [871], "27 of 31 days");
    book.on("2024-03-12T12:12:00Z");
    change(&mut book, "two", "now");
    assert_eq!((noted(&book), nets(&book)), (vec![-645], vec![968]), "20 of 31 days");
    book.on("2024-03-12T13:12:00Z");
    change(&mut book, "three", "now");
    assert_eq!((noted(&book), nets(&book)), (vec![-968], vec![1_226]));
}

#[test]
fn lago_counts_the_last_day_as_used() {
    // LAGO-011: ended at the instant it began: 27 of 28 days come back.
    let mut book = book("lago@1", json!({}), "2023-02-08");
    plan(&mut book, "fifty", json!({"flat": "50"}), json!({}));
    book.subscribe("fifty", json!({"anchor": "anniversary"}));
    book.bill("2023-02-08");
    assert_eq!(nets(&book), [5_000]);
    cancel(&mut book);
    assert_eq!(noted(&book), [-4_821]);
}

#[test]
fn lago_counts_a_trial_from_the_first_start() {
    // LAGO-013 and LAGO-014: 10 days of trial leave 17 of March; after an upgrade to a plan with
    // 13 days of trial, 14 days are left.
    let mut book = book("lago@1", json!({}), "2024-03-05T12:12:00Z");
    plan(&mut book, "big", json!({"flat": "50000"}), json!({"trial_days": 10}));
    plan(&mut book, "bigger", json!({"flat": "100000"}), json!({"trial_days": 13}));
    book.subscribe("big", json!({}));
    assert_eq!(book.bill("2024-03-05").len(), 0, "a trial is free");
    book.on("2024-03-10T12:12:00Z");
    change(&mut book, "bigger", "next");
    book.on("2024-03-17");
    assert_eq!(book.bill("2024-03-17").len(), 0, "the trial goes on");
    book.on("2024-03-18");
    book.bill("2024-03-18");
    assert_eq!(nets(&book), [4_516_129]);
}

#[test]
fn zuora_prices_a_leading_part_by_its_month() {
    // ZUORA-PARTIAL-1 and -2: 1 to 14 January before a bill day of the 15th.
    for (policies, expected) in
        [(json!({"proration": "actual_over_30"}), [4_667, 10_000]), (json!({}), [4_516, 10_000])]
    {
        let mut book = book("zuora@1", policies, "2018-01-01");
        plan(&mut book, "hundred", json!({"flat": "100"}), json!({}));
        book.subscribe("hundred", json!({"anchor": {"day": 15}}));
        book.on("2018-01-15");
        book.bill("2018-01-15");
        assert_eq!(nets(&book), expected);
    }
}

#[test]
fn a_daily_rate_may_be_rounded_first() {
    // PRO-MLYTICS-001: 0.33 and 3.30 a day, fifteen days.
    let policies =
        json!({"ratio": "daily_rate_rounded_first", "credit_basis": "last_billed_price"});
    let mut book = book("billfold@1", policies, "2023-09-01");
    plan(&mut book, "ten", json!({"flat": "10"}), json!({}));
    plan(&mut book, "ninety-nine", json!({"flat": "99"}), json!({}));
    book.subscribe("ten", json!({}));
    book.bill("2023-09-01");
    book.on("2023-09-16");
    change(&mut book, "ninety-nine", "now");
    assert_eq!(nets(&book), [-495, 4_950]);
}

#[test]
fn a_whole_discount_never_takes_a_credit_beyond_its_line() {
    // The last billed share of 5.00 was 1.66 of 10.00; at the current price of 20.00 the credit of
    // the whole month would be 20.00 less 5.00. What is left of the line bounds it: 8.34 net.
    let mut book = book("stripe_classic@1", json!({}), "2019-04-01");
    plan(&mut book, "seats", json!({"per_unit": "10"}), json!({}));
    book.subscribe("seats", json!({}));
    let amount = json!({"amount": {"amount": "5", "currency": "USD"}});
    book.given(
        "discount.apply",
        json!({
            "customer": id("c"), "discount": id("d"), "on": {"subscription": id("s")},
            "value": amount, "duration": "forever",
        }),
    );
    book.bill("2019-04-01");
    assert_eq!(nets(&book), [500]);
    book.on("2019-04-02");
    let quantity = json!({
        "customer": id("c"), "subscription": id("s"), "quantity": "2", "when": "now",
        "proration": "none",
    });
    book.given("subscription.change_quantity", quantity);
    book.on("2019-04-03");
    cancel(&mut book);
    // 28 of 30 days of 20.00 are more than the line, which was 10.00 less 5.00: all of it is left.
    let credit = &book.invoices.last().expect("an invoice").lines[0];
    assert_eq!((credit.gross.0, credit.net.0), (-1_000, -500));
}
