//! Coupons, parents, terms, ramps, pauses, quotes and scheduled changes.

use serde_json::{Value, json};

use crate::Case;
use crate::asked::{
    billed, cancel, change_plan, discount, flat, named, plan, price, register, subscribe,
    subscribed, with,
};
use crate::support::{TestBook, id};

fn opened(policies: &Value) -> Value {
    json!({"book": "test", "profile": "billfold@1", "policies": policies, "clock": "wall"})
}

fn tiers(tiers: &Value) -> Value {
    plan("a", 1, "month", &[price("usage", &json!({"graduated": tiers}))])
}

fn tier(up_to: &Value, unit: &str) -> Value {
    json!({"up_to": up_to, "unit": unit, "flat": "0", "percent": "0"})
}

fn coupon() -> Value {
    json!({
        "coupon": id("k"), "value": {"percent": "10"}, "duration": "once", "max_redemptions": 1,
        "from": "2024-01-01", "through": "2024-01-31",
    })
}

fn redeem(customer: &str) -> Value {
    json!({
        "customer": id(customer), "coupon": id("k"), "discount": id(&format!("d{customer}")),
        "on": "customer",
    })
}

fn with_coupon() -> TestBook {
    let mut book = TestBook::with_plans();
    book.given("coupon.define", coupon());
    book
}

fn child_of(parent: &str) -> Value {
    with(register("child"), "parent", json!(id(parent)))
}

fn subscribe_with(terms: &Value) -> Value {
    with(subscribe("basic"), "with", terms.clone())
}

fn change(field: &str, value: Value) -> Value {
    with(named("when", json!("now")), field, value)
}

fn no_more() -> Value {
    json!({"customer": id("c"), "subscription": id("s")})
}

/// From a plan of two prices to one with another price.
fn seats_to_basic(map: &Value) -> crate::Decided {
    let mut book = TestBook::with_plans();
    let rate = json!({"per_unit": "10"});
    book.given(
        "plan.define",
        plan("two", 1, "month", &[price("seat", &rate), price("desk", &rate)]),
    );
    book.given("subscription.create", subscribe("two"));
    book.when("subscription.change_plan", with(change_plan("basic"), "map", map.clone()))
}

fn phase(from: &str, to: &str) -> Value {
    json!({"days": format!("{from}/{to}"), "discount_percent": "10"})
}

fn quote(until: &str) -> Value {
    json!({"customer": id("c"), "quote": id("q"), "plan": id("basic"), "valid_until": until})
}

fn accept() -> Value {
    json!({"customer": id("c"), "quote": id("q"), "subscription": id("s")})
}

/// Subscribes by hand, to what was quoted.
fn citing() -> Value {
    subscribe_with(&json!({"quote": id("q")}))
}

fn quoted() -> TestBook {
    let mut book = TestBook::with_plans();
    book.given("quote.create", quote("2024-01-31"));
    book
}

pub(crate) const BOOK: &[Case] = &[
    ("unknown_policy", || {
        crate::asked::before_any_book("book.open", &opened(&json!({"proration": "by_moon"})))
    }),
    ("unknown_policy", || {
        crate::asked::before_any_book("book.open", &opened(&json!({"moon": "by_day"})))
    }),
    ("invalid_tiers", || TestBook::open().when("plan.define", tiers(&json!([])))),
    ("invalid_tiers", || {
        let bounded = json!([tier(&json!("5"), "1")]);
        TestBook::open().when("plan.define", tiers(&bounded))
    }),
    ("invalid_tiers", || {
        let overlap =
            json!([tier(&json!("5"), "1"), tier(&json!("5"), "2"), tier(&json!(null), "3")]);
        TestBook::open().when("plan.define", tiers(&overlap))
    }),
    ("invalid_tiers", || {
        TestBook::open().when("plan.define", tiers(&json!([tier(&json!(null), "-1")])))
    }),
    ("invalid_trial", || {
        let body = with(plan("a", 1, "month", &[flat("1")]), "trial_days", json!(3_651));
        TestBook::open().when("plan.define", body)
    }),
    ("invalid_lead", || {
        let body = with(plan("a", 1, "month", &[flat("1")]), "lead_days", json!(367));
        TestBook::open().when("plan.define", body)
    }),
    ("coupon_exists", || {
        with_coupon().when("coupon.define", with(coupon(), "duration", json!("forever")))
    }),
    ("unknown_coupon", || TestBook::with_plans().when("coupon.redeem", redeem("c"))),
    ("coupon_not_valid", || {
        let mut book = with_coupon();
        book.on("2024-02-01");
        book.when("coupon.redeem", redeem("c"))
    }),
    ("coupon_exhausted", || {
        let mut book = with_coupon();
        book.given("customer.register", register("c2"));
        book.given("coupon.redeem", redeem("c"));
        book.when("coupon.redeem", redeem("c2"))
    }),
    ("coupon_redeemed", || {
        let mut book = TestBook::with_plans();
        book.given("coupon.define", with(coupon(), "max_redemptions", json!(2)));
        book.given("coupon.redeem", redeem("c"));
        book.when("coupon.redeem", with(redeem("c"), "discount", json!(id("d2"))))
    }),
    ("cyclic_parents", || TestBook::open().when("customer.register", child_of("child"))),
    ("cyclic_parents", || {
        let mut book = TestBook::with_plans();
        book.given("customer.register", child_of("c"));
        let grandchild = with(register("grandchild"), "parent", json!(id("child")));
        book.when("customer.register", grandchild)
    }),
    ("not_a_child", || {
        let body = subscribe_with(&json!({"beneficiary": id("c2")}));
        let mut book = TestBook::with_plans();
        book.given("customer.register", register("c2"));
        book.when("subscription.create", body)
    }),
];

pub(crate) const SUBSCRIPTIONS: &[Case] = &[
    ("unknown_price", || {
        let body = subscribe_with(&json!({"items": [{"price": "none", "quantity": "2"}]}));
        TestBook::with_plans().when("subscription.create", body)
    }),
    ("invalid_items", || {
        let twice = json!([{"price": "fee", "quantity": "2"}, {"price": "fee", "quantity": "3"}]);
        let body = subscribe_with(&json!({"items": twice}));
        TestBook::with_plans().when("subscription.create", body)
    }),
    ("invalid_items", || {
        let body = change("items", json!([{"price": "fee", "remove": true}]));
        subscribed().when("subscription.change", body)
    }),
    ("too_many_items", || {
        // There and back, again and again: each way there begins 63 items, and 17 are enough.
        let mut book = subscribed();
        let prices: Vec<_> =
            (0..64).map(|n| price(&format!("fee-{n}"), &json!({"flat": "1"}))).collect();
        book.given("plan.define", plan("wide", 1, "month", &prices));
        let ends: Vec<_> =
            (1..64).map(|n| json!({"from": format!("fee-{n}"), "to": null})).collect();
        let there = with(change_plan("wide"), "map", json!([{"from": "fee", "to": "fee-0"}]));
        let mut back = ends;
        back.push(json!({"from": "fee-0", "to": "fee"}));
        let back = with(change_plan("basic"), "map", json!(back));
        for _ in 0..17 {
            book.when("subscription.change_plan", there.clone())?;
            book.given("subscription.change_plan", back.clone());
        }
        Ok(Vec::new())
    }),
    ("invalid_anchor", || {
        let body = subscribe_with(&json!({"anchor": {"day": 32}}));
        TestBook::with_plans().when("subscription.create", body)
    }),
    ("invalid_anchor", || {
        subscribed().when("subscription.change", change("anchor", json!({"day": 0})))
    }),
    ("invalid_ramp", || {
        let gap = json!([phase("2024-01-01", "2024-02-01"), phase("2024-02-02", "2024-03-01")]);
        TestBook::with_plans().when("subscription.create", subscribe_with(&json!({"ramp": gap})))
    }),
    ("invalid_term", || {
        let term = json!({"length": {"count": 11, "unit": "year"}, "renewal": "cancel"});
        TestBook::with_plans().when("subscription.create", subscribe_with(&json!({"term": term})))
    }),
    ("invalid_activation", || {
        let body = subscribe_with(&json!({"activation": {"expires_after_hours": 0}}));
        TestBook::with_plans().when("subscription.create", body)
    }),
    ("date_passed", || {
        let body = with(change_plan("pro"), "when", json!({"on": "2024-01-01"}));
        subscribed().when("subscription.change_plan", body)
    }),
    ("unknown_change", || {
        subscribed().when("subscription.withdraw_change", named("change", json!(1)))
    }),
    ("invalid_coupon", || {
        let mut body = coupon();
        body["max_redemptions"] = json!(0);
        TestBook::with_plans().when("coupon.define", body)
    }),
    ("invalid_coupon", || {
        let mut body = coupon();
        body["from"] = json!("2024-02-01");
        body["through"] = json!("2024-01-31");
        TestBook::with_plans().when("coupon.define", body)
    }),
    ("subscription_canceled", || {
        let mut book = billed();
        book.given("subscription.cancel", cancel("cycle_end"));
        book.on("2024-03-01");
        book.bill("2024-03-01");
        let body = json!({"customer": id("c"), "subscription": id("s")});
        book.when("subscription.uncancel", body)
    }),
    ("not_canceled", || {
        let body = json!({"customer": id("c"), "subscription": id("s")});
        subscribed().when("subscription.uncancel", body)
    }),
    ("beyond_end", || {
        let mut book = billed();
        book.given("subscription.cancel", cancel("cycle_end"));
        let late = json!({"on": "2024-02-01"});
        book.when("subscription.change_plan", with(change_plan("pro"), "when", late))
    }),
    ("least_term", || {
        let length = json!({"count": 3, "unit": "month"});
        let least = json!({"length": length, "early_end": "refused"});
        let mut book = TestBook::with_plans();
        book.given("subscription.create", subscribe_with(&json!({"least_term": least})));
        book.when("subscription.cancel", cancel("now"))
    }),
    ("start_too_late", || {
        let body = with(subscribe("basic"), "start", json!("2034-01-10"));
        TestBook::with_plans().when("subscription.create", body)
    }),
    ("not_trialing", || subscribed().when("subscription.end_trial", no_more())),
    ("unmapped_price", || seats_to_basic(&json!([]))),
    ("invalid_map", || seats_to_basic(&json!([{"from": "none", "to": "fee"}]))),
    ("unknown_charge", || {
        let body = json!({"customer": id("c"), "charge": id("x")});
        TestBook::with_plans().when("charge.withdraw", body)
    }),
    ("ahead_too_far", || {
        let body = json!({"customer": id("c"), "through": "2025-01-02", "ahead": true});
        subscribed().when("invoice.now", body)
    }),
    ("already_paused", || {
        let mut book = billed();
        book.given("subscription.pause", cancel("now"));
        book.when("subscription.pause", cancel("now"))
    }),
    ("not_parked", || {
        TestBook::with_plans().when("customer.release", json!({"customer": id("c")}))
    }),
    ("customer_parked", || {
        let mut book = TestBook::with_plans();
        book.plan("daily", "1", "in_advance", "flat", 1, "day");
        book.given("subscription.create", subscribe("daily"));
        book.on("2028-01-01");
        book.bill("2028-01-01");
        book.when("invoice.now", json!({"customer": id("c")}))
    }),
    ("not_paused", || billed().when("subscription.resume", cancel("now"))),
    ("not_active_yet", || {
        let mut book = TestBook::with_plans();
        let body = subscribe_with(&json!({"activation": {"expires_after_hours": 24}}));
        book.given("subscription.create", body);
        book.when("subscription.change_plan", change_plan("pro"))
    }),
    ("nothing_open", || {
        subscribed().when("subscription.change_plan", {
            with(change_plan("pro"), "when", json!("when_paid"))
        })
    }),
    ("no_term", || subscribed().when("subscription.set_renewal", named("renewal", json!("renew")))),
    ("invalid_discount", || {
        let body = with(
            discount(&json!({"percent": "10"}), &json!("once")),
            "on",
            json!({"item": {"subscription": id("s"), "price": "fee"}}),
        );
        let body = with(body, "value", json!({"percent": "101"}));
        subscribed().when("discount.apply", body)
    }),
    // Quotes.
    ("quote_exists", || quoted().when("quote.create", quote("2024-02-29"))),
    ("unknown_quote", || TestBook::with_plans().when("quote.accept", accept())),
    ("quote_closed", || {
        let mut book = quoted();
        book.given("quote.void", json!({"customer": id("c"), "quote": id("q")}));
        book.when("quote.accept", accept())
    }),
    ("quote_expired", || {
        let mut book = quoted();
        book.on("2024-02-01");
        book.when("quote.accept", accept())
    }),
    ("unknown_quote", || TestBook::with_plans().when("subscription.create", citing())),
    ("quote_closed", || {
        let mut book = quoted();
        book.given("quote.void", json!({"customer": id("c"), "quote": id("q")}));
        book.when("subscription.create", citing())
    }),
    ("quote_expired", || {
        let mut book = quoted();
        book.on("2024-02-01");
        book.when("subscription.create", citing())
    }),
    ("not_as_quoted", || {
        quoted().when("subscription.create", with(citing(), "plan", json!(id("pro"))))
    }),
    ("not_as_quoted", || {
        quoted().when("subscription.create", with(citing(), "quantity", json!("7")))
    }),
    ("not_as_quoted", || {
        let terms = json!({"quote": id("q"), "trial_days": 30});
        quoted().when("subscription.create", with(citing(), "with", terms))
    }),
];
