//! Stories of what is due when, each found by the oracle of random command sequences.

mod support;

use schemas::event::SettlementEvent;
use schemas::{Event, Rejection};
use serde_json::json;
use support::{TestBook, at, id, lines, subscription, with};

fn owned(rows: &[(&str, &str, i64)]) -> Vec<(String, String, i64)> {
    rows.iter().map(|(kind, days, net)| ((*kind).to_owned(), (*days).to_owned(), *net)).collect()
}

/// A book with a subscription to `basic`, billed for January.
fn subscribed() -> TestBook {
    let mut book = TestBook::with_plans();
    book.given(
        "subscription.create",
        json!({"customer": id("c"), "subscription": id("s"), "plan": id("basic")}),
    );
    book.bill("2024-01-01");
    book
}

fn change(plan: &str, when: &str) -> serde_json::Value {
    json!({"customer": id("c"), "subscription": id("s"), "plan": id(plan), "when": when})
}

#[test]
fn what_was_scheduled_has_happened_before_a_later_change() {
    // given a change to `pro` for 1 February, and no billing since
    let mut book = subscribed();
    book.given("subscription.change_plan", change("pro", "cycle_end"));
    // when the plan is changed again on the 10th
    book.on("2024-02-10");
    book.given("subscription.change_plan", change("basic", "now"));
    // then nine days are billed as `pro`
    assert_eq!(
        lines(&book.bill("2024-02-10")[0]),
        owned(&[
            ("recurring", "2024-02-01/2024-02-10", 18_62),
            ("recurring", "2024-02-10/2024-03-01", 20_69),
        ])
    );
}

#[test]
fn a_subscription_whose_last_day_has_passed_cannot_be_changed() {
    let mut book = subscribed();
    let cancel = |when| json!({"customer": id("c"), "subscription": id("s"), "when": when});
    book.given("subscription.cancel", cancel("cycle_end"));
    book.on("2024-02-10");
    for (command, body) in
        [("subscription.change_plan", change("pro", "now")), ("subscription.cancel", cancel("now"))]
    {
        assert!(matches!(
            book.when(command, body),
            Err(Rejection::SubscriptionCanceled { end, .. }) if end.to_string() == "2024-02-01"
        ));
    }
}

#[test]
fn differences_wait_for_the_next_cycle_unless_the_book_bills_them_at_once() {
    for (profile, invoices) in [("billfold@1", 0), ("killbill@1", 1), ("lago@1", 1)] {
        // given January is billed, and an upgrade whose difference is to wait
        let mut book = TestBook::of(profile, json!({}), "2024-01-01");
        let customer =
            json!({"customer": id("c"), "entity": id("e"), "name": "C", "currency": "EUR"});
        book.given("customer.register", customer);
        book.plan("basic", "30", "in_advance", "flat", 1, "month");
        book.plan("pro", "60", "in_advance", "flat", 1, "month");
        book.subscribe("basic", json!({}));
        book.bill("2024-01-01");
        book.on("2024-01-11");
        let upgrade = json!({"plan": id("pro"), "when": "now", "proration": "next"});
        book.given("subscription.change", with(subscription(), upgrade));
        // when a billing run comes before the next cycle
        let made = book.bill("2024-01-11");
        // then it bills the difference where that is the book's rule, and once
        assert_eq!(made.len(), invoices, "{profile}");
        assert_eq!(book.bill("2024-01-11").len(), 0, "{profile}");
    }
}

#[test]
fn what_is_left_of_an_ended_subscription_is_due_at_once() {
    // given an upgrade to be billed with the next invoice, and an end without credit
    let mut book = subscribed();
    book.on("2024-01-11");
    book.given("subscription.change_plan", change("pro", "now"));
    book.on("2024-01-15");
    book.given(
        "subscription.cancel",
        json!({"customer": id("c"), "subscription": id("s"), "when": "now", "credit": "none"}),
    );
    // then a run bills the four days, though no cycle is ahead
    assert_eq!(
        lines(&book.bill("2024-01-15")[0]),
        owned(&[
            ("proration_credit", "2024-01-11/2024-01-15", -3_87),
            ("proration_charge", "2024-01-11/2024-01-15", 7_74),
        ])
    );
    assert_eq!(book.bill("2024-01-15"), []);
}

#[test]
fn days_in_arrears_are_due_when_their_cycle_ends_also_in_a_cycle_billed_in_advance() {
    let mut book = subscribed();
    book.plan("late", "60", "in_arrears", "flat", 1, "month");
    book.on("2024-01-11");
    book.given("subscription.change_plan", change("late", "now"));
    book.on("2024-02-01");
    assert_eq!(
        lines(&book.bill("2024-02-01")[0]),
        owned(&[
            ("proration_credit", "2024-01-11/2024-02-01", -20_32),
            ("proration_charge", "2024-01-11/2024-02-01", 40_64),
        ])
    );
}

#[test]
fn days_in_advance_are_due_when_their_cycle_starts_also_after_days_in_arrears() {
    let mut book = TestBook::with_plans();
    book.plan("late", "60", "in_arrears", "flat", 1, "month");
    book.given(
        "subscription.create",
        json!({"customer": id("c"), "subscription": id("s"), "plan": id("late")}),
    );
    book.on("2024-01-11");
    book.given("subscription.change_plan", change("basic", "now"));
    assert_eq!(
        lines(&book.bill("2024-01-11")[0]),
        owned(&[("recurring", "2024-01-11/2024-02-01", 20_32)])
    );
}

#[test]
fn a_backdated_credit_note_is_booked_no_earlier_than_the_one_before_it() {
    // given a paid month, and a refund with a credit note on the 20th
    let mut book = subscribed();
    book.given(
        "payment.record",
        json!({
            "customer": id("c"), "payment": id("p"),
            "amount": {"amount": "30", "currency": "EUR"},
        }),
    );
    let refund = |alias: &str| {
        json!({
            "customer": id("c"), "payment": id("p"), "refund": id(alias), "reason": "goodwill",
            "amount": {"amount": "6", "currency": "EUR"}, "effect": {"credit_note": null},
        })
    };
    book.on("2024-01-20");
    book.given("payment.refund", refund("first"));
    // when another takes effect on the 5th
    let events = book
        .when_effective(at("2024-01-05"), "payment.refund", refund("second"))
        .expect("it is accepted");
    // then its note is booked on the 20th: what was earned until then is settled
    let posted: Vec<String> = events
        .iter()
        .filter_map(|event| {
            if let Event::Settlement(SettlementEvent::CreditNoteIssued(note)) = event {
                Some(note)
            } else {
                None
            }
        })
        .map(|note| note.posting_date.to_string())
        .collect();
    assert_eq!(posted, ["2024-01-20"]);
}
