//! Subscriptions and discounts.

use serde_json::json;

use crate::Case;
use crate::asked::{
    billed, cancel, change_plan, change_quantity, discount, eur, flat, plan, subscribe, subscribed,
    with,
};
use crate::support::{TestBook, at, id};

pub(crate) const CASES: &[Case] = &[
    ("unknown_subscription", || TestBook::with_plans().when("subscription.cancel", cancel("now"))),
    ("subscription_exists", || subscribed().when("subscription.create", subscribe("pro"))),
    ("subscription_canceled", || {
        let mut book = billed();
        book.given("subscription.cancel", cancel("now"));
        book.when("subscription.cancel", cancel("now"))
    }),
    ("subscription_canceled", || {
        let mut book = billed();
        book.given("subscription.cancel", cancel("now"));
        book.when("subscription.change_plan", change_plan("pro"))
    }),
    ("cancellation_scheduled", || {
        let mut book = billed();
        book.given("subscription.cancel", cancel("cycle_end"));
        book.when("subscription.cancel", cancel("cycle_end"))
    }),
    ("before_subscription_start", || {
        let mut book = TestBook::with_plans();
        book.on("2024-01-11");
        book.given("subscription.create", subscribe("basic"));
        book.when_effective(at("2024-01-10"), "subscription.cancel", cancel("now"))
    }),
    ("before_current_cycle", || {
        let mut book = billed();
        book.plan("year", "300", "in_advance", "flat", 1, "year");
        book.on("2024-01-16");
        book.given("subscription.change_plan", change_plan("year"));
        book.when_effective(at("2024-01-15"), "subscription.cancel", cancel("now"))
    }),
    ("invalid_quantity", || {
        let mut book = TestBook::with_plans();
        book.plan("seats", "10", "in_advance", "per_unit", 1, "month");
        book.given("subscription.create", subscribe("seats"));
        book.when("subscription.change_quantity", change_quantity("-1"))
    }),
    ("invalid_quantity", || {
        let body = with(subscribe("basic"), "quantity", json!("1000000000000.1"));
        TestBook::with_plans().when("subscription.create", body)
    }),
    ("too_many_cycles", || {
        let mut book = TestBook::with_plans();
        book.given("plan.define", plan("daily", 1, "day", &[flat("1")]));
        book.given("subscription.create", subscribe("daily"));
        book.on("2027-01-01");
        book.when("invoice.now", json!({"customer": id("c")}))
    }),
    // Discounts.
    ("unknown_discount", || {
        let body = json!({"customer": id("c"), "discount": id("d")});
        TestBook::with_plans().when("discount.remove", body)
    }),
    ("discount_exists", || {
        let mut book = TestBook::with_plans();
        book.given("discount.apply", discount(&json!({"percent": "10"}), &json!("once")));
        book.when("discount.apply", discount(&json!({"percent": "10"}), &json!("once")))
    }),
    ("discount_ended", || {
        let mut book = TestBook::with_plans();
        let remove = json!({"customer": id("c"), "discount": id("d")});
        book.given("discount.apply", discount(&json!({"percent": "10"}), &json!("forever")));
        book.given("discount.remove", remove.clone());
        book.when("discount.remove", remove)
    }),
    ("unknown_product", || {
        let body = discount(&json!({"percent": "10"}), &json!("once"));
        TestBook::with_plans().when("discount.apply", with(body, "on", json!({"product": "none"})))
    }),
    ("invalid_discount", || {
        let body = discount(&json!({"percent": "100.01"}), &json!("once"));
        TestBook::with_plans().when("discount.apply", body)
    }),
    ("invalid_discount", || {
        let body = discount(&json!({"percent": "0"}), &json!("once"));
        TestBook::with_plans().when("discount.apply", body)
    }),
    ("invalid_discount", || {
        let body = discount(&json!({"amount": eur("-1")}), &json!("once"));
        TestBook::with_plans().when("discount.apply", body)
    }),
    ("invalid_discount", || {
        let body = discount(&json!({"percent": "10"}), &json!({"cycles": 1_201}));
        TestBook::with_plans().when("discount.apply", body)
    }),
    ("currency_mismatch", || {
        let usd = json!({"amount": {"amount": "1", "currency": "USD"}});
        TestBook::with_plans().when("discount.apply", discount(&usd, &json!("once")))
    }),
];
