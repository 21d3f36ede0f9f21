//! The life of a subscription, from quote to end, by `billfold@1` unless said otherwise.

#![allow(clippy::needless_pass_by_value, reason = "JSON is written where it is used")]

mod support;

use ledger_core::Phase;
use schemas::Event;
use schemas::event::SubscriptionEvent;
use serde_json::{Value, json};

use support::{TestBook, at, id, pairs, subscription, with};

fn phase(book: &TestBook, on: &str) -> Phase {
    let id = id("s").parse().expect("an id");
    book.customer("c").subscription_of(id).expect("subscribed").phase(at(on))
}

#[test]
fn a_trial_is_free_and_moves_the_anchor() {
    let mut book = TestBook::with_plans();
    book.subscribe("basic", json!({"trial_days": 14}));
    assert_eq!(phase(&book, "2024-01-10"), Phase::Trialing);
    let billed = book.billed(&["2024-01-01", "2024-01-14", "2024-01-15", "2024-02-15"]);
    assert_eq!(
        billed,
        pairs(&[("2024-01-15/2024-02-15", 3_000), ("2024-02-15/2024-03-15", 3_000)])
    );
    assert_eq!(phase(&book, "2024-01-15"), Phase::Active);
}

#[test]
fn a_trial_before_an_anchor_day_leaves_a_part() {
    // ANCHOR-STRIPE-7: subscribed on the 15th, 7 days of trial, anchor on the 1st.
    let mut book = TestBook::with_plans();
    book.on("2024-01-15");
    book.subscribe("basic", json!({"trial_days": 7, "anchor": {"day": 1}}));
    let billed = book.billed(&["2024-01-21", "2024-01-22", "2024-02-01"]);
    // Ten of the 31 days of January: 9.677.
    assert_eq!(billed, pairs(&[("2024-01-22/2024-02-01", 968), ("2024-02-01/2024-03-01", 3_000)]));
}

#[test]
fn a_pause_is_credited_and_the_rest_is_charged_after_it() {
    let mut book = TestBook::with_plans();
    book.subscribe("basic", json!({}));
    book.bill("2024-01-01");
    book.on("2024-01-11");
    book.given("subscription.pause", with(subscription(), json!({"when": "now", "credit": "now"})));
    // 21 of 31 days.
    let credit = ("proration_credit".to_owned(), "2024-01-11/2024-02-01".to_owned(), -2_032);
    assert_eq!(book.last_note(), [credit]);
    assert_eq!(phase(&book, "2024-01-20"), Phase::Paused);
    assert_eq!(book.billed(&["2024-02-01", "2024-03-01"]), pairs(&[]));
    book.on("2024-03-11");
    book.given("subscription.resume", with(subscription(), json!({"when": "now"})));
    assert_eq!(
        book.billed(&["2024-03-11", "2024-04-01"]),
        // 21 of 31 days of March, then April; the anchor stays.
        pairs(&[("2024-03-11/2024-04-01", 2_032), ("2024-04-01/2024-05-01", 3_000)])
    );
    assert_eq!(phase(&book, "2024-04-01"), Phase::Active);
}

#[test]
fn a_pause_may_keep_what_was_billed_and_end_by_itself() {
    let mut book = TestBook::with_plans();
    book.subscribe("basic", json!({}));
    book.bill("2024-01-01");
    book.on("2024-01-11");
    let pause = json!({"when": "now", "credit": "none", "resume_on": "2024-02-16"});
    book.given("subscription.pause", with(subscription(), pause));
    assert_eq!(
        book.billed(&["2024-01-31", "2024-02-01", "2024-02-16", "2024-03-01"]),
        // 14 of 29 days of February: 14.483.
        pairs(&[("2024-02-16/2024-03-01", 1_448), ("2024-03-01/2024-04-01", 3_000)])
    );
}

#[test]
fn scheduled_changes_are_listed_withdrawn_and_take_effect_on_their_day() {
    let mut book = TestBook::with_plans();
    book.subscribe("basic", json!({}));
    book.bill("2024-01-01");
    let to_pro = json!({"plan": id("pro"), "when": {"on": "2024-02-11"}});
    book.given("subscription.change", with(subscription(), to_pro.clone()));
    book.given("subscription.withdraw_change", with(subscription(), json!({"change": 1})));
    assert_eq!(book.billed(&["2024-02-01"]), pairs(&[("2024-02-01/2024-03-01", 3_000)]));
    book.given("subscription.change", with(subscription(), to_pro));
    assert_eq!(
        book.billed(&["2024-02-11", "2024-03-01"]),
        // 19 of 29 days: 19.655 back, and 19.655 more in all: the charge has what is left over.
        pairs(&[
            ("2024-02-11/2024-03-01", -1_966),
            ("2024-02-11/2024-03-01", 3_932),
            ("2024-03-01/2024-04-01", 6_000),
        ])
    );
}

#[test]
fn a_cancellation_on_a_date_bills_until_then_and_can_be_undone_before() {
    let mut book = TestBook::with_plans();
    book.subscribe("basic", json!({}));
    let on = |date: &str| with(subscription(), json!({"when": {"on": date}}));
    book.given("subscription.cancel", on("2024-03-11"));
    assert_eq!(
        book.billed(&["2024-01-01", "2024-02-01", "2024-03-01"]),
        pairs(&[
            ("2024-01-01/2024-02-01", 3_000),
            ("2024-02-01/2024-03-01", 3_000),
            ("2024-03-01/2024-03-11", 968),
        ])
    );
    book.given("subscription.uncancel", subscription());
    assert_eq!(
        book.billed(&["2024-04-01"]),
        // 21 of 31 days of March are missing: 20.323.
        pairs(&[("2024-03-11/2024-04-01", 2_032), ("2024-04-01/2024-05-01", 3_000)])
    );
    book.given("subscription.cancel", with(subscription(), json!({"when": "cycle_end"})));
    assert_eq!(book.billed(&["2024-05-01", "2024-06-01"]), pairs(&[]));
    assert_eq!(phase(&book, "2024-05-01"), Phase::Canceled);
}

#[test]
fn a_cancellation_may_credit_the_whole_cycle() {
    let mut book = TestBook::with_plans();
    book.subscribe("basic", json!({}));
    book.bill("2024-01-01");
    book.on("2024-01-11");
    let body = json!({"when": "now", "credit": "full"});
    book.given("subscription.cancel", with(subscription(), body));
    assert_eq!(book.last_note()[0].2, -3_000);
}

#[test]
fn a_term_renews_once_and_ends() {
    let mut book = TestBook::with_plans();
    let length = json!({"count": 2, "unit": "month"});
    book.subscribe("basic", json!({"term": {"length": length, "renewal": "renew_once"}}));
    let days = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01", "2024-06-01"];
    assert_eq!(book.billed(&days).len(), 4);
    assert_eq!(phase(&book, "2024-05-01"), Phase::Expired);
}

#[test]
fn a_term_that_ends_in_mid_cycle_makes_a_last_part() {
    // ANCHOR-GCP-2: three months from 15 April in calendar months are four instalments.
    let mut book = TestBook::with_plans();
    book.on("2024-04-15");
    let length = json!({"count": 3, "unit": "month"});
    let term = json!({"length": length, "renewal": "cancel"});
    book.subscribe("basic", json!({"term": term, "anchor": "calendar"}));
    assert_eq!(
        book.billed(&["2024-04-15", "2024-05-01", "2024-06-01", "2024-07-01", "2024-08-01"]),
        pairs(&[
            ("2024-04-15/2024-05-01", 1_600),
            ("2024-05-01/2024-06-01", 3_000),
            ("2024-06-01/2024-07-01", 3_000),
            ("2024-07-01/2024-07-15", 1_355),
        ])
    );
}

#[test]
fn a_ramp_is_prices_quantities_and_discounts_that_are_known_ahead() {
    let mut book = TestBook::with_plans();
    book.plan("seats", "10", "in_advance", "per_unit", 1, "month");
    let phase = |days: &str, quantity: &str| json!({"days": days, "items": [{"price": "fee", "quantity": quantity}]});
    let first = with(phase("2024-01-01/2024-02-01", "1"), json!({"discount_percent": "50"}));
    let own = json!([{"price": "fee", "quantity": "3", "rate": {"per_unit": "9"}}]);
    let third = json!({"days": "2024-03-01/2024-04-01", "items": own});
    let ramp = json!([first, phase("2024-02-01/2024-03-01", "2"), third]);
    book.subscribe("seats", json!({"ramp": ramp}));
    assert_eq!(
        book.billed(&["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"]),
        pairs(&[
            ("2024-01-01/2024-02-01", 500),
            ("2024-02-01/2024-03-01", 2_000),
            ("2024-03-01/2024-04-01", 2_700),
            ("2024-04-01/2024-05-01", 2_700),
        ])
    );
}

#[test]
fn a_pending_subscription_begins_when_it_is_paid_and_expires_when_it_is_not() {
    for paid in [true, false] {
        let mut book = TestBook::with_plans();
        let terms = json!({"activation": {"expires_after_hours": 48}});
        let body = json!({"plan": id("basic"), "with": terms, "invoice": "now"});
        book.given("subscription.create", with(subscription(), body));
        assert_eq!(phase(&book, "2024-01-01"), Phase::Pending);
        book.on("2024-01-02");
        if paid {
            let amount = json!({"amount": "30.00", "currency": "EUR"});
            let body = json!({"customer": id("c"), "payment": id("p"), "amount": amount});
            let events = book.given("payment.record", body);
            assert!(events.iter().any(|event| matches!(
                event,
                Event::Subscription(SubscriptionEvent::SubscriptionActivated(_))
            )));
            assert_eq!(phase(&book, "2024-01-02"), Phase::Active);
            // What was paid runs from the day of its payment.
            let next = pairs(&[("2024-02-02/2024-03-02", 3_000)]);
            assert_eq!(book.billed(&["2024-02-01", "2024-02-02"]), next);
        } else {
            assert_eq!(book.billed(&["2024-01-03", "2024-02-01"]).len(), 0);
            assert_eq!(phase(&book, "2024-01-03"), Phase::Expired);
            assert_eq!(book.customer("c").owed(), 0, "its invoice is voided");
        }
    }
}

#[test]
fn a_change_can_wait_until_what_is_open_is_paid() {
    let mut book = TestBook::with_plans();
    book.subscribe("basic", json!({}));
    book.bill("2024-01-01");
    let body = json!({"plan": id("pro"), "when": "when_paid", "proration": "next"});
    book.given("subscription.change", with(subscription(), body));
    book.on("2024-01-16");
    let amount = json!({"amount": "30.00", "currency": "EUR"});
    book.given(
        "payment.record",
        json!({"customer": id("c"), "payment": id("p"), "amount": amount}),
    );
    assert_eq!(
        book.billed(&["2024-02-01"]),
        pairs(&[
            ("2024-01-16/2024-02-01", -1_548),
            ("2024-01-16/2024-02-01", 3_096),
            ("2024-02-01/2024-03-01", 6_000),
        ])
    );
}

#[test]
fn a_lead_invoices_a_cycle_before_it_starts() {
    let mut book = TestBook::with_plans();
    let amounts = json!([{"currency": "EUR", "rate": {"flat": "120"}}]);
    book.given(
        "plan.define",
        json!({
            "plan": id("year"), "name": "Year", "every": {"count": 1, "unit": "year"},
            "timing": "in_advance", "lead_days": 30,
            "prices": [{"price": "fee", "amounts": amounts}],
        }),
    );
    book.subscribe("year", json!({}));
    assert_eq!(
        book.billed(&["2024-01-01", "2024-12-01", "2024-12-02", "2025-01-01"]),
        pairs(&[("2024-01-01/2025-01-01", 12_000), ("2025-01-01/2026-01-01", 12_000)])
    );
    assert_eq!(book.invoices[1].document_date.to_string(), "2024-12-02");
}

#[test]
fn items_have_cycles_of_their_own() {
    let mut book = TestBook::with_plans();
    let price = |price: &str, unit: &str, more: Value| {
        let amounts = json!([{"currency": "EUR", "rate": {"flat": unit}}]);
        with(json!({"price": price, "amounts": amounts}), more)
    };
    book.given(
        "plan.define",
        json!({
            "plan": id("mixed"), "name": "Mixed", "every": {"count": 1, "unit": "month"},
            "timing": "in_advance",
            "prices": [
                price("fee", "10", json!({})),
                price("licence", "100", json!({"every": {"count": 1, "unit": "year"}})),
                price("setup", "50", json!({"recurrence": "setup"})),
                price("support", "5", json!({"recurrence": "add_on", "timing": "in_arrears"})),
            ],
        }),
    );
    book.subscribe("mixed", json!({}));
    assert_eq!(
        book.billed(&["2024-01-01"]),
        pairs(&[("2024-01-01/2024-02-01", 1_000), ("2024-01-01/2025-01-01", 10_000), ("", 5_000)])
    );
    book.on("2024-01-16");
    let body = json!({"items": [{"price": "support"}], "when": "now"});
    book.given("subscription.change", with(subscription(), body));
    assert_eq!(
        book.billed(&["2024-02-01", "2024-03-01"]),
        pairs(&[
            ("2024-02-01/2024-03-01", 1_000),
            // 16 of 31 days, in arrears, with the cycles that are there.
            ("2024-01-16/2024-02-01", 258),
            ("2024-03-01/2024-04-01", 1_000),
            ("2024-02-01/2024-03-01", 500),
        ])
    );
}

#[test]
fn a_least_price_is_made_up_and_credited_with_the_rest() {
    let mut book = TestBook::with_plans();
    let amounts = json!([{"currency": "EUR", "rate": {"per_unit": "10"}, "minimum": "100"}]);
    book.given(
        "plan.define",
        json!({
            "plan": id("least"), "name": "Least", "every": {"count": 1, "unit": "month"},
            "timing": "in_advance", "prices": [{"price": "fee", "amounts": amounts}],
        }),
    );
    let body = json!({"plan": id("least"), "quantity": "4"});
    book.given("subscription.create", with(subscription(), body));
    book.bill("2024-01-01");
    let nets: Vec<_> = book.last().into_iter().map(|(kind, _, net)| (kind, net)).collect();
    assert_eq!(nets, [("recurring".to_owned(), 4_000), ("minimum_true_up".to_owned(), 6_000)]);
    book.on("2024-01-16");
    let body = json!({"quantity": "12", "when": "now", "proration": "now"});
    book.given("subscription.change_quantity", with(subscription(), body));
    let nets: Vec<i64> = book.last().into_iter().map(|(_, _, net)| net).collect();
    // 16 of 31 days of 40, of 60 and of 120.
    assert_eq!(nets, [-2_065, -3_097, 6_194]);
}

#[test]
fn a_quote_is_accepted_once_with_the_version_it_offered() {
    let mut book = TestBook::with_plans();
    let quote = json!({
        "customer": id("c"), "quote": id("q"), "plan": id("basic"), "valid_until": "2024-01-31",
    });
    book.given("quote.create", quote);
    book.plan("basic", "99", "in_advance", "flat", 1, "month");
    let accept =
        json!({"customer": id("c"), "quote": id("q"), "subscription": id("s"), "invoice": "now"});
    book.given("quote.accept", accept.clone());
    assert_eq!(book.last()[0].2, 3_000);
    let again = with(accept, json!({"subscription": id("t")}));
    assert_eq!(book.when("quote.accept", again).expect_err("closed").code(), "quote_closed");
}

#[test]
fn a_coupon_has_a_limit_over_all_customers() {
    let mut book = TestBook::with_plans();
    let register = json!({
        "customer": id("c2"), "entity": id("e"), "name": "Two", "currency": "EUR",
    });
    book.given("customer.register", register);
    book.given(
        "coupon.define",
        json!({
            "coupon": id("cp"), "value": {"percent": "20"}, "duration": "once",
            "max_redemptions": 1,
        }),
    );
    let redeem = |customer: &str, discount: &str| {
        json!({
            "customer": id(customer), "coupon": id("cp"), "discount": id(discount),
            "on": "customer",
        })
    };
    book.given("coupon.redeem", redeem("c", "d1"));
    let refused = book.when("coupon.redeem", redeem("c2", "d2")).expect_err("exhausted");
    assert_eq!(refused.code(), "coupon_exhausted");
    book.subscribe("basic", json!({}));
    book.bill("2024-01-01");
    assert_eq!(book.last()[0].2, 2_400);
}

#[test]
fn subscribers_move_to_the_next_version_when_a_cycle_starts_after_the_date() {
    let mut book = TestBook::with_plans();
    book.subscribe("basic", json!({}));
    book.plan("basic", "35", "in_advance", "flat", 1, "month");
    assert_eq!(book.billed(&["2024-01-01", "2024-02-01"])[1].1, 3_000, "it keeps its version");
    let body = json!({
        "plan": id("basic"), "from_version": 1, "to_version": 2, "on": "2024-02-15",
    });
    book.given("plan.migrate", body);
    assert_eq!(
        book.billed(&["2024-02-15", "2024-03-01"]),
        pairs(&[("2024-03-01/2024-04-01", 3_500)])
    );
}

#[test]
fn a_parent_pays_for_its_children_and_parents_form_no_circle() {
    let mut book = TestBook::with_plans();
    let child = json!({
        "customer": id("child"), "entity": id("e"), "name": "Child", "currency": "EUR",
        "parent": id("c"),
    });
    book.given("customer.register", child.clone());
    let grandchild = with(child, json!({"customer": id("g"), "parent": id("child")}));
    let refused = book.when("customer.register", grandchild).expect_err("a circle may follow");
    assert_eq!(refused.code(), "cyclic_parents");
    book.subscribe("basic", json!({"beneficiary": id("child")}));
    book.bill("2024-01-01");
    assert_eq!(book.customer("c").owed(), 3_000);
    assert_eq!(book.customer("child").owed(), 0);
}

#[test]
fn a_customer_that_cannot_be_billed_is_parked_until_someone_looks_at_it() {
    let mut book = TestBook::with_plans();
    book.plan("daily", "1", "in_advance", "flat", 1, "day");
    book.subscribe("daily", json!({}));
    // 1,462 days are more cycles than one command opens.
    book.on("2028-01-01");
    assert_eq!(book.bill("2028-01-01").len(), 0);
    let refused = book.when("invoice.now", json!({"customer": id("c")})).expect_err("parked");
    assert_eq!(refused.code(), "customer_parked");
    let amount = json!({"amount": "5.00", "currency": "EUR"});
    let payment = json!({"customer": id("c"), "payment": id("p"), "amount": amount});
    book.given("payment.record", payment);
    assert_eq!(book.bill("2028-01-01").len(), 0, "runs leave it out");
    book.given("customer.release", json!({"customer": id("c")}));
    assert_eq!(book.bill("2025-12-31").len(), 1, "in smaller steps it can be billed");
}

#[test]
fn an_unpaid_start_does_not_take_others_off_their_invoice() {
    let mut book = TestBook::with_plans();
    let other = json!({"customer": id("c"), "subscription": id("t"), "plan": id("pro")});
    book.given("subscription.create", other);
    book.subscribe("basic", json!({"activation": {"expires_after_hours": 48}}));
    book.bill("2024-01-01");
    assert_eq!(book.last().len(), 2);
    book.on("2024-01-03");
    assert_eq!(book.bill("2024-01-03").len(), 1);
    assert_eq!(book.customer("c").owed(), 6_000, "the other one is billed again");
}
