//! What has ended, is to end or never began, and what is left of credit.

use super::*;

/// A customer that bought `basic` and pays what it is asked, in a book of some policies.
fn book_of(policies: Value) -> TestBook {
    let mut book = TestBook::of("billfold@1", policies, "2024-01-01");
    book.with_customer_and_plans();
    book.given("plan.define", with_setup_fee());
    book
}

fn with_setup_fee() -> Value {
    let price = |price: &str, kind: &str, amount: &str| {
        let amounts = json!([{"currency": "EUR", "rate": {"flat": amount}}]);
        json!({"price": price, "recurrence": kind, "amounts": amounts})
    };
    json!({
        "plan": id("set-up"), "name": "Set up", "every": {"count": 1, "unit": "month"},
        "timing": "in_advance",
        "prices": [price("fee", "recurring", "30"), price("start", "setup", "20")],
    })
}

fn create(plan: &str, more: Value) -> Value {
    with(support::subscription(), with(json!({"plan": id(plan)}), more))
}

fn cancel() -> Value {
    with(support::subscription(), json!({"when": "now"}))
}

#[test]
fn what_was_canceled_before_its_start_is_not_in_the_way() {
    // Its setup fee waits for a start that does not come.
    for plan in ["basic", "set-up"] {
        let mut book = book_of(json!({}));
        book.given("subscription.create", create(plan, json!({"start": "2024-03-01"})));
        let said = why(book.when("customer.erase", erase()));
        assert!(said.contains("has not ended; cancel it now first"), "{plan}: {said}");
        book.given("subscription.cancel", cancel());
        book.given("customer.erase", erase());
        assert_eq!(book.ledger.next_due(customer()), None, "{plan}");
        book.on("2024-03-02");
        assert!(book.bill("2024-03-02").is_empty(), "{plan}");
    }
}

#[test]
fn a_fee_for_an_early_end_waits_for_the_start_and_can_be_withdrawn() {
    let least = json!({
        "length": {"count": 6, "unit": "month"}, "early_end": {"fee": eur("40")},
    });
    let later = || {
        let mut book = book_of(json!({}));
        let terms = json!({"start": "2024-03-01", "with": {"least_term": least.clone()}});
        book.given("subscription.create", create("set-up", terms));
        book.given("subscription.cancel", cancel());
        book
    };
    let mut book = later();
    let said = why(book.when("customer.erase", erase()));
    let fee = said.split_once(" waits to be invoiced; withdraw it with charge.withdraw first");
    let (fee, _) = fee.unwrap_or_else(|| panic!("{said}"));
    let refused = book.when("invoice.now", json!({"customer": id("c")}));
    assert_eq!(refused, Err(Rejection::NothingToInvoice { customer: customer() }));
    let fee = fee.trim_start_matches("chg_");
    book.given("charge.withdraw", json!({"customer": id("c"), "charge": fee}));
    book.given("customer.erase", erase());

    // Nobody forgets it: it is billed on the day, alone.
    let mut book = later();
    assert_eq!(book.ledger.next_due(customer()), Some(date("2024-03-01")));
    book.on("2024-03-01");
    let nets: Vec<_> = book.bill("2024-03-01").iter().map(|issued| issued.totals.total).collect();
    assert_eq!(nets, [schemas::Minor(4_000)]);
}

#[test]
fn a_least_term_that_nobody_may_leave_is_left_with_waive_fee() {
    let mut book = book_of(json!({}));
    let least = json!({"length": {"count": 6, "unit": "month"}, "early_end": "refused"});
    let terms = json!({"invoice": "next", "with": {"least_term": least}});
    book.given("subscription.create", create("basic", terms));
    let said = why(book.when("customer.erase", erase()));
    assert!(said.contains("in its least term; cancel it now first, with waive_fee"), "{said}");
    assert!(book.when("subscription.cancel", cancel()).is_err());
    book.given("subscription.cancel", with(cancel(), json!({"waive_fee": true, "credit": "full"})));
    book.given("customer.erase", erase());
}

#[test]
fn who_left_for_today_is_erased_from_the_day_on_which_that_is_over() {
    let mut book = book_of(json!({"proration": "by_day_inclusive"}));
    book.given("subscription.create", create("basic", json!({"invoice": "next"})));
    book.given("subscription.cancel", with(cancel(), json!({"credit": "full"})));
    let said = why(book.when("customer.erase", erase()));
    assert!(said.contains("ends on 2024-01-02; erase the customer from then on"), "{said}");
    book.on("2024-01-02");
    book.given("customer.erase", erase());
}

#[test]
fn an_end_that_has_come_counts_before_a_run_has_told_it() {
    let mut book = book_of(json!({}));
    let terms = json!({"length": {"count": 1, "unit": "month"}, "renewal": "cancel"});
    let terms = json!({"invoice": "now", "with": {"term": terms}});
    book.given("subscription.create", create("basic", terms));
    book.given("payment.record", pay("p", "30"));
    book.given(
        "customer.register",
        json!({
            "customer": id("child"), "entity": id("e"), "name": "Child", "currency": "EUR",
            "parent": id("c"),
        }),
    );
    let used = json!({
        "subscription": id("t"), "invoice": "now", "with": {"beneficiary": id("child")},
    });
    book.given("subscription.create", create("basic", used));
    let ends = json!({"customer": id("c"), "subscription": id("t"), "when": "cycle_end"});
    book.given("payment.record", pay("q", "30"));
    book.given("subscription.cancel", ends);
    let child = with(erase(), json!({"customer": id("child")}));
    assert!(why(book.when("customer.erase", child.clone())).contains("cancel it now first"));

    book.on("2024-02-01");
    assert!(book.when("subscription.cancel", cancel()).is_err(), "it is over");
    book.given("customer.erase", child);
    book.given("customer.erase", erase());
    assert!(book.bill("2024-02-01").is_empty());
}

#[test]
fn credit_with_a_last_day_is_left_and_ends_on_it() {
    let mut book = book_of(json!({}));
    let grant = json!({
        "customer": id("c"), "grant": id("g"), "amount": eur("5"), "expires": "2024-01-31",
        "reason": "sorry",
    });
    book.given("credit.grant", grant);
    let said = why(book.when("customer.erase", erase()));
    assert!(said.contains("say leave_credit"), "{said}");
    book.given("customer.erase", with(erase(), json!({"leave_credit": true})));
    assert_eq!(book.ledger.next_due(customer()), Some(date("2024-02-01")));
    book.on("2024-02-01");
    book.bill("2024-02-01");
    assert_eq!(book.customer("c").credit(), schemas::Minor(0));
}

#[test]
fn credit_whose_last_day_is_over_is_not_in_the_way() {
    let mut book = book_of(json!({}));
    let grant = json!({
        "customer": id("c"), "grant": id("g"), "amount": eur("5"), "expires": "2024-01-31",
        "reason": "sorry",
    });
    book.given("credit.grant", grant);
    book.on("2024-02-01");
    book.given("customer.erase", erase());
    assert_eq!(book.customer("c").credit(), schemas::Minor(0));
}

#[test]
fn what_was_canceled_while_it_waited_for_its_payment_owes_nothing() {
    let mut book = book_of(json!({}));
    let waits = json!({"activation": {"expires_after_hours": 72}});
    book.given("subscription.create", create("basic", json!({"invoice": "now", "with": waits})));
    let said = why(book.when("customer.erase", erase()));
    assert!(said.contains("has not ended; cancel it now first"), "{said}");
    book.given("subscription.cancel", with(cancel(), json!({"credit": "none"})));
    book.given("customer.erase", erase());
    assert_eq!(book.ledger.next_due(customer()), Some(date("2035-01-01")));
}
