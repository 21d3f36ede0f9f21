//! The book's own stream, and who the customer is.

use serde_json::{Value, json};

use crate::Case;
use crate::asked::{
    before_any_book, entity, flat, on_a_wall_book, pay, plan, price, register, series, subscribe,
    with,
};
use crate::support::{TestBook, at, id};

fn migrate(from: u32, to: u32) -> Value {
    json!({"plan": id("basic"), "from_version": from, "to_version": to, "on": "2024-02-01"})
}

fn erase() -> Value {
    json!({"customer": id("c"), "reason": "asked by mail"})
}

/// An address of so many lines.
fn address(lines: usize) -> Value {
    json!({"lines": vec!["1 Main Street"; lines], "city": "London", "country": "GB"})
}

fn update(entity: &str, field: &str, value: impl Into<Value>) -> Value {
    with(json!({"entity": id(entity)}), field, value.into())
}

pub(crate) const CASES: &[Case] = &[
    ("book_already_open", || {
        let open = json!({"book": "test", "profile": "billfold@1", "clock": "wall"});
        TestBook::open().when("book.open", open)
    }),
    ("book_not_open", || before_any_book("customer.register", &register("c"))),
    ("book_not_open", || before_any_book("plan.define", &plan("a", 1, "month", &[flat("1")]))),
    ("not_a_test_book", || on_a_wall_book("book.advance_clock", &json!({"to": at("2024-02-01")}))),
    ("clock_moves_back", || {
        let mut book = TestBook::open();
        book.on("2024-02-01");
        book.when("book.advance_clock", json!({"to": at("2024-01-31")}))
    }),
    ("effective_in_future", || {
        TestBook::open().when_effective(at("2024-01-02"), "customer.register", register("c"))
    }),
    ("effective_before_registration", || {
        TestBook::with_plans().when_effective(at("2023-12-31"), "payment.record", pay("p", "1"))
    }),
    ("unknown_entity", || {
        TestBook::open().when("customer.register", with(register("c"), "entity", json!(id("z"))))
    }),
    ("entity_exists", || {
        TestBook::open().when("entity.define", entity("e", 30, &[series("invoice")]))
    }),
    ("invalid_series", || TestBook::open().when("entity.define", entity("f", 30, &[]))),
    ("invalid_series", || {
        let twice = [series("invoice"), series("invoice")];
        TestBook::open().when("entity.define", entity("f", 30, &twice))
    }),
    ("invalid_series", || {
        TestBook::open().when("entity.define", entity("f", 30, &[series("credit_note")]))
    }),
    ("invalid_series", || {
        let thirteen = with(series("invoice"), "digits", json!(13));
        TestBook::open().when("entity.define", entity("f", 30, &[thirteen]))
    }),
    ("invalid_payment_terms", || {
        TestBook::open().when("entity.define", entity("f", 366, &[series("invoice")]))
    }),
    ("invalid_payment_terms", || {
        let body = with(register("c"), "payment_terms_days", json!(366));
        TestBook::open().when("customer.register", body)
    }),
    ("invalid_retention", || {
        let body = entity("f", 30, &[series("invoice")]);
        TestBook::open().when("entity.define", with(body, "document_retention_years", json!(101)))
    }),
    ("unknown_entity", || TestBook::open().when("entity.update", update("z", "name", "Other"))),
    ("nothing_to_change", || TestBook::open().when("entity.update", json!({"entity": id("e")}))),
    ("invalid_payment_terms", || {
        TestBook::open().when("entity.update", update("e", "payment_terms_days", 366))
    }),
    ("invalid_retention", || {
        TestBook::open().when("entity.update", update("e", "document_retention_years", 101))
    }),
    ("invalid_series", || {
        let taken = [with(series("invoice"), "code", json!("inv"))];
        TestBook::open().when("entity.update", update("e", "add_series", taken))
    }),
    ("invalid_series", || {
        let mut book = TestBook::open();
        let other = with(with(series("invoice"), "code", json!("b")), "prefix", json!("B"));
        let body = update("e", "add_series", [other]);
        book.when("entity.update", with(body, "default_series", json!(["b", "inv"])))
    }),
    ("unknown_series", || {
        TestBook::open().when("entity.update", update("e", "default_series", ["none"]))
    }),
    ("wrong_series_kind", || {
        let body = update("e", "add_series", [series("historical")]);
        TestBook::open().when("entity.update", with(body, "default_series", json!(["historical"])))
    }),
    ("invalid_address", || {
        TestBook::open().when("entity.update", update("e", "address", address(0)))
    }),
    ("invalid_address", || {
        let body = with(entity("f", 30, &[series("invoice")]), "address", address(7));
        TestBook::open().when("entity.define", body)
    }),
    ("too_many", || {
        let many = vec![json!({"scheme": "eu_vat", "value": "DE1"}); 17];
        TestBook::open().when("entity.update", update("e", "tax_ids", many))
    }),
    ("customer_erased", || {
        let mut book = TestBook::with_plans();
        book.given("customer.erase", erase());
        book.when("subscription.create", subscribe("basic"))
    }),
    ("customer_not_erasable", || {
        let mut book = TestBook::with_plans();
        book.given("subscription.create", subscribe("basic"));
        book.when("customer.erase", erase())
    }),
    ("run_exists", || {
        let mut book = TestBook::open();
        let run = json!({"run": id("r"), "through": "2024-01-01"});
        book.given("billing.run", run.clone());
        book.when("billing.run", run)
    }),
    ("through_in_future", || {
        TestBook::open().when("billing.run", json!({"run": id("r"), "through": "2024-01-02"}))
    }),
    // The catalog.
    ("unknown_plan", || TestBook::with_plans().when("plan.retire", json!({"plan": id("none")}))),
    ("unknown_plan", || TestBook::with_plans().when("subscription.create", subscribe("none"))),
    ("unknown_plan_version", || {
        let body = with(subscribe("basic"), "version", json!(2));
        TestBook::with_plans().when("subscription.create", body)
    }),
    ("invalid_migration", || TestBook::with_plans().when("plan.migrate", migrate(1, 1))),
    ("unknown_plan_version", || TestBook::with_plans().when("plan.migrate", migrate(1, 2))),
    ("unknown_price", || {
        let mut book = TestBook::with_plans();
        book.given(
            "plan.define",
            plan("basic", 1, "month", &[price("base", &json!({"flat": "1"}))]),
        );
        book.when("plan.migrate", migrate(1, 2))
    }),
    ("unknown_price", || {
        let mut book = TestBook::with_plans();
        book.given("plan.define", plan("basic", 1, "month", &[flat("1")]));
        let map = json!([{"from": "fee", "to": "seat"}]);
        book.when("plan.migrate", with(migrate(1, 2), "map", map))
    }),
    ("invalid_migration", || {
        let mut book = TestBook::with_plans();
        book.given("plan.define", plan("basic", 1, "month", &[flat("1")]));
        let map = json!([{"from": "fee", "to": "fee"}, {"from": "fee"}]);
        book.when("plan.migrate", with(migrate(1, 2), "map", map))
    }),
    ("unknown_migration", || {
        let body = json!({"plan": id("basic"), "from_version": 1});
        TestBook::with_plans().when("plan.withdraw_migration", body)
    }),
    ("invalid_grants", || {
        let twice = json!([{"feature": "sso"}, {"feature": "sso"}]);
        let plan = with(plan("a", 1, "month", &[flat("1")]), "grants", twice);
        TestBook::open().when("plan.define", plan)
    }),
    ("invalid_grants", || {
        let limit = json!([{"feature": "users", "limit": {"amount": "-1"}}]);
        let plan =
            with(plan("a", 1, "month", &[with(flat("1"), "grants", limit)]), "grants", json!([]));
        TestBook::open().when("plan.define", plan)
    }),
    ("invalid_grants", || {
        // Units of which price?
        let grants = json!([{"feature": "users", "limit": {"amount": "1", "per": "unit"}}]);
        let prices = [flat("1"), price("seat", &json!({"per_unit": "2"}))];
        TestBook::open().when("plan.define", with(plan("a", 1, "month", &prices), "grants", grants))
    }),
    ("invalid_grants", || {
        let setup = with(price("setup", &json!({"flat": "1"})), "recurrence", json!("setup"));
        let setup = with(setup, "grants", json!([{"feature": "sso"}]));
        TestBook::open().when("plan.define", plan("a", 1, "month", &[flat("1"), setup]))
    }),
    ("plan_retired", || {
        let mut book = TestBook::with_plans();
        book.given("plan.retire", json!({"plan": id("basic")}));
        book.when("subscription.create", subscribe("basic"))
    }),
    ("plan_retired", || {
        let mut book = TestBook::with_plans();
        book.given("plan.retire", json!({"plan": id("basic")}));
        book.when("plan.retire", json!({"plan": id("basic")}))
    }),
    ("no_price_in_currency", || {
        let mut book = TestBook::with_plans();
        let usd = json!([{"currency": "USD", "rate": {"flat": "30"}}]);
        let usd = with(flat("30"), "amounts", usd);
        book.given("plan.define", plan("dollars", 1, "month", &[usd]));
        book.when("subscription.create", subscribe("dollars"))
    }),
    ("invalid_prices", || TestBook::open().when("plan.define", plan("a", 1, "month", &[]))),
    ("invalid_prices", || {
        TestBook::open().when("plan.define", plan("a", 1, "month", &[flat("1"), flat("2")]))
    }),
    ("invalid_prices", || {
        let twice = json!([
            {"currency": "EUR", "rate": {"flat": "1"}}, {"currency": "EUR", "rate": {"flat": "2"}},
        ]);
        let price = with(flat("1"), "amounts", twice);
        TestBook::open().when("plan.define", plan("a", 1, "month", &[price]))
    }),
    ("invalid_prices", || {
        TestBook::open().when("plan.define", plan("a", 1, "month", &[flat("0.0000000000001")]))
    }),
    ("negative_unit_price", || {
        TestBook::open().when("plan.define", plan("a", 1, "month", &[flat("-0.01")]))
    }),
    ("invalid_cycle_length", || {
        TestBook::open().when("plan.define", plan("a", 0, "month", &[flat("1")]))
    }),
    ("invalid_cycle_length", || {
        TestBook::open().when("plan.define", plan("a", 11, "year", &[flat("1")]))
    }),
    ("too_many_plan_versions", || {
        let mut book = TestBook::open();
        for _ in 0..1_000 {
            book.given("plan.define", plan("a", 1, "month", &[flat("1")]));
        }
        book.when("plan.define", plan("a", 1, "month", &[flat("1")]))
    }),
    // Customers.
    ("unknown_customer", || TestBook::open().when("payment.record", pay("p", "1"))),
    ("customer_exists", || TestBook::with_plans().when("customer.register", register("c"))),
    ("external_id_taken", || {
        let mut book = TestBook::open();
        book.given("customer.register", with(register("c"), "external_id", json!("42")));
        book.when("customer.register", with(register("c2"), "external_id", json!("42")))
    }),
    ("external_id_taken", || {
        let mut book = TestBook::with_plans();
        book.given("payment.record", with(pay("p", "1"), "external_id", json!("42")));
        book.when("payment.record", with(pay("p2", "1"), "external_id", json!("42")))
    }),
    ("nothing_to_change", || {
        TestBook::with_plans().when("customer.update", json!({"customer": id("c")}))
    }),
    ("nothing_to_change", || {
        TestBook::with_plans().when("customer.update", json!({"customer": id("c"), "clear": []}))
    }),
    ("set_and_cleared", || {
        let body =
            json!({"customer": id("c"), "purchase_order": "17", "clear": ["purchase_order"]});
        TestBook::with_plans().when("customer.update", body)
    }),
    ("invalid_address", || {
        TestBook::with_plans().when("customer.register", with(register("d"), "address", address(0)))
    }),
    ("invalid_address", || {
        let body = json!({"customer": id("c"), "address": address(7)});
        TestBook::with_plans().when("customer.update", body)
    }),
    ("too_many", || {
        let many = vec![json!({"scheme": "eu_vat", "value": "DE1"}); 17];
        TestBook::with_plans()
            .when("customer.register", with(register("d"), "tax_ids", json!(many)))
    }),
    // The end of the calendar.
    ("date_out_of_range", || {
        let mut book = TestBook::with_plans();
        book.given("plan.define", plan("decade", 10, "year", &[flat("1")]));
        book.on("2995-01-01");
        book.when("subscription.create", subscribe("decade"))
    }),
];
