//! Stories of billing, command by command.

mod support;

use schemas::Rejection;
use serde_json::json;
use support::{TestBook, at, discount_amounts, id, lines};

fn owned(rows: &[(&str, &str, i64)]) -> Vec<(String, String, i64)> {
    rows.iter().map(|(kind, days, net)| ((*kind).to_owned(), (*days).to_owned(), *net)).collect()
}

fn subscribe(book: &mut TestBook, plan: &str) {
    book.given(
        "subscription.create",
        json!({"customer": id("c"), "subscription": id("s"), "plan": id(plan)}),
    );
}

fn change(book: &mut TestBook, plan: &str, when: &str) {
    book.given(
        "subscription.change_plan",
        json!({"customer": id("c"), "subscription": id("s"), "plan": id(plan), "when": when}),
    );
}

#[test]
fn a_month_is_billed_once_however_often_billing_runs() {
    let mut book = TestBook::with_plans();
    subscribe(&mut book, "basic");
    let first = book.bill("2024-01-01");
    assert_eq!(lines(&first[0]), owned(&[("recurring", "2024-01-01/2024-02-01", 30_00)]));
    assert_eq!(book.bill("2024-01-01"), []);
    assert_eq!(first[0].number.as_str(), "INV-000001");
    assert_eq!(first[0].due_date.to_string(), "2024-01-31");
}

#[test]
fn an_upgrade_in_mid_cycle_credits_and_charges_the_days_left() {
    let mut book = TestBook::with_plans();
    subscribe(&mut book, "basic");
    book.bill("2024-01-01");
    book.on("2024-01-11");
    change(&mut book, "pro", "now");
    book.on("2024-02-01");
    let next = book.bill("2024-02-01");
    assert_eq!(
        lines(&next[0]),
        owned(&[
            ("proration_credit", "2024-01-11/2024-02-01", -20_32),
            ("proration_charge", "2024-01-11/2024-02-01", 40_64),
            ("recurring", "2024-02-01/2024-03-01", 60_00),
        ])
    );
    assert_eq!(book.bill("2024-02-01"), []);
}

#[test]
fn changing_there_and_back_on_one_day_bills_nothing() {
    let mut book = TestBook::with_plans();
    subscribe(&mut book, "basic");
    book.bill("2024-01-01");
    book.on("2024-01-11");
    change(&mut book, "pro", "now");
    change(&mut book, "basic", "now");
    book.on("2024-02-01");
    let next = book.bill("2024-02-01");
    assert_eq!(lines(&next[0]), owned(&[("recurring", "2024-02-01/2024-03-01", 30_00)]));
}

#[test]
fn a_change_at_cycle_end_waits_for_it() {
    let mut book = TestBook::with_plans();
    subscribe(&mut book, "pro");
    book.bill("2024-01-01");
    book.on("2024-01-11");
    change(&mut book, "basic", "cycle_end");
    book.on("2024-02-01");
    let next = book.bill("2024-02-01");
    assert_eq!(lines(&next[0]), owned(&[("recurring", "2024-02-01/2024-03-01", 30_00)]));
}

#[test]
fn monthly_to_yearly_cuts_the_cycle_and_anchors_anew() {
    let mut book = TestBook::with_plans();
    book.plan("year", "300", "in_advance", "flat", 1, "year");
    subscribe(&mut book, "basic");
    book.bill("2024-01-01");
    book.on("2024-01-16");
    change(&mut book, "year", "now");
    let next = book.bill("2024-01-16");
    assert_eq!(
        lines(&next[0]),
        owned(&[
            ("proration_credit", "2024-01-16/2024-02-01", -15_48),
            ("recurring", "2024-01-16/2025-01-16", 300_00),
        ])
    );
}

#[test]
fn a_backdated_quantity_reaches_into_billed_cycles() {
    let mut book = TestBook::with_plans();
    book.plan("seats", "10", "in_advance", "per_unit", 1, "month");
    book.given(
        "subscription.create",
        json!({"customer": id("c"), "subscription": id("s"), "plan": id("seats"), "quantity": "2"}),
    );
    book.bill("2024-01-01");
    book.on("2024-02-01");
    book.bill("2024-02-01");
    book.on("2024-02-10");
    let more = json!({
        "customer": id("c"), "subscription": id("s"), "quantity": "3", "when": "now",
        "proration": "now",
    });
    book.when_effective(at("2024-01-17"), "subscription.change_quantity", more).expect("accepted");
    let last = book.invoices.last().expect("an invoice");
    assert_eq!(
        lines(last),
        owned(&[
            ("proration_credit", "2024-01-17/2024-02-01", -9_68),
            ("proration_credit", "2024-02-01/2024-03-01", -20_00),
            ("proration_charge", "2024-01-17/2024-02-01", 14_52),
            ("proration_charge", "2024-02-01/2024-03-01", 30_00),
        ])
    );
}

#[test]
fn cancelling_now_credits_the_rest_and_it_becomes_customer_credit() {
    let mut book = TestBook::with_plans();
    subscribe(&mut book, "basic");
    book.bill("2024-01-01");
    let amount = json!({"amount": "30", "currency": "EUR"});
    book.given(
        "payment.record",
        json!({"customer": id("c"), "payment": id("p"), "amount": amount}),
    );
    book.on("2024-01-16");
    book.given(
        "subscription.cancel",
        json!({"customer": id("c"), "subscription": id("s"), "when": "now"}),
    );
    let last = book.notes.last().expect("a credit");
    assert_eq!(last.total.0, 15_48);
    assert_eq!(last.released[0].amount.0, 15_48);
    assert_eq!(book.customer("c").credit().0, 15_48);
    book.on("2024-03-01");
    assert_eq!(book.bill("2024-03-01"), []);
    assert!(matches!(
        book.when(
            "subscription.cancel",
            json!({"customer": id("c"), "subscription": id("s"), "when": "now"})
        ),
        Err(Rejection::SubscriptionCanceled { .. })
    ));
}

#[test]
fn cancelling_without_credit_keeps_what_was_billed() {
    let mut book = TestBook::with_plans();
    subscribe(&mut book, "basic");
    book.bill("2024-01-01");
    book.on("2024-01-16");
    book.given(
        "subscription.cancel",
        json!({"customer": id("c"), "subscription": id("s"), "when": "now", "credit": "none"}),
    );
    book.on("2024-03-01");
    assert_eq!(book.bill("2024-03-01"), []);
    assert_eq!(book.customer("c").owed(), 30_00);
}

#[test]
fn arrears_are_billed_when_the_cycle_or_the_subscription_ends() {
    let mut book = TestBook::with_plans();
    book.plan("meter", "31", "in_arrears", "flat", 1, "month");
    subscribe(&mut book, "meter");
    assert_eq!(book.bill("2024-01-01"), []);
    book.on("2024-02-01");
    let first = book.bill("2024-02-01");
    assert_eq!(lines(&first[0]), owned(&[("recurring", "2024-01-01/2024-02-01", 31_00)]));
    book.on("2024-02-11");
    book.given(
        "subscription.cancel",
        json!({"customer": id("c"), "subscription": id("s"), "when": "now"}),
    );
    let last = book.invoices.last().expect("the last days");
    assert_eq!(lines(last), owned(&[("recurring", "2024-02-01/2024-02-11", 10_69)]));
}

#[test]
fn a_fixed_discount_follows_its_cycle_through_an_upgrade() {
    let mut book = TestBook::with_plans();
    subscribe(&mut book, "basic");
    book.given(
        "discount.apply",
        json!({
            "customer": id("c"), "discount": id("d"), "on": {"subscription": id("s")},
            "value": {"amount": {"amount": "10.00", "currency": "EUR"}}, "duration": "once",
        }),
    );
    let first = book.bill("2024-01-01");
    assert_eq!(first[0].totals.total.0, 20_00);
    book.on("2024-01-11");
    change(&mut book, "pro", "now");
    book.on("2024-02-01");
    let next = book.bill("2024-02-01");
    // 21/31 of the discount come back with the credit and go to the charge in its place.
    assert_eq!(discount_amounts(&next[0]).into_values().collect::<Vec<_>>(), [-6_77, 6_77, 0]);
    assert_eq!(next[0].lines[0].net.0, -13_55);
    assert_eq!(next[0].totals.discount.0, 0);
}

#[test]
fn percent_discounts_stack_in_order_and_end_after_their_cycles() {
    let mut book = TestBook::with_plans();
    subscribe(&mut book, "basic");
    for (discount, percent) in [("d1", "10"), ("d2", "50")] {
        book.given(
            "discount.apply",
            json!({
                "customer": id("c"), "discount": id(discount), "on": {"subscription": id("s")},
                "value": {"percent": percent}, "duration": {"cycles": 2},
            }),
        );
    }
    assert_eq!(book.bill("2024-01-01")[0].totals.total.0, 13_50);
    book.on("2024-02-01");
    assert_eq!(book.bill("2024-02-01")[0].totals.total.0, 13_50);
    book.on("2024-03-01");
    assert_eq!(book.bill("2024-03-01")[0].totals.total.0, 30_00);
}

#[test]
fn a_payment_settles_the_oldest_first_and_the_rest_becomes_credit() {
    let mut book = TestBook::with_plans();
    subscribe(&mut book, "basic");
    book.bill("2024-01-01");
    book.on("2024-02-01");
    book.bill("2024-02-01");
    book.given("payment.record", json!({
        "customer": id("c"), "payment": id("p"), "amount": {"amount": "75.00", "currency": "EUR"},
    }));
    assert_eq!((book.customer("c").owed(), book.customer("c").credit().0), (0, 15_00));
    book.on("2024-03-01");
    let third = book.bill("2024-03-01");
    assert_eq!(third[0].credit_applied.0, 15_00);
    // The bank takes the payment back: everything is owed again, the used credit included.
    book.given(
        "payment.reverse",
        json!({
            "customer": id("c"), "payment": id("p"), "reason": "no funds",
        }),
    );
    assert_eq!((book.customer("c").owed(), book.customer("c").credit().0), (90_00, 0));
}

#[test]
fn refunds_reopen_or_credit_or_take_customer_credit() {
    let mut book = TestBook::with_plans();
    subscribe(&mut book, "basic");
    book.bill("2024-01-01");
    book.given("payment.record", json!({
        "customer": id("c"), "payment": id("p"), "amount": {"amount": "40.00", "currency": "EUR"},
    }));
    let refund = |name: &str, amount: &str, effect: serde_json::Value| {
        json!({
            "customer": id("c"), "payment": id("p"), "refund": id(name), "reason": "goodwill",
            "amount": {"amount": amount, "currency": "EUR"}, "effect": effect,
        })
    };
    book.on("2024-01-16");
    book.given("payment.refund", refund("r1", "10.00", json!("customer_credit")));
    book.given("payment.refund", refund("r2", "5.00", json!("reopen")));
    book.given("payment.refund", refund("r3", "15.00", json!({"credit_note": null})));
    assert_eq!((book.customer("c").owed(), book.customer("c").credit().0), (5_00, 0));
    assert!(matches!(
        book.when("payment.refund", refund("r4", "10.01", json!("reopen"))),
        Err(Rejection::RefundExceedsPayment { .. })
    ));
    assert!(matches!(
        book.when("payment.refund", refund("r4", "1.00", json!("customer_credit"))),
        Err(Rejection::RefundExceedsCredit { .. })
    ));
}

#[test]
fn a_voided_invoice_is_billed_again_only_if_wanted() {
    for (rebill, expected) in [(true, 1), (false, 0)] {
        let mut book = TestBook::with_plans();
        subscribe(&mut book, "basic");
        let invoice = book.bill("2024-01-01")[0].invoice;
        book.given("invoice.void", json!({
            "customer": id("c"), "invoice": invoice, "reason": "wrong address", "rebill": rebill,
        }));
        assert_eq!(book.bill("2024-01-01").len(), expected);
        assert_eq!(book.customer("c").owed(), if rebill { 30_00 } else { 0 });
    }
}

#[test]
fn history_is_taken_over_with_its_own_dates() {
    let mut book = TestBook::open();
    let past = at("1997-01-12");
    let register = json!({
        "customer": id("c"), "entity": id("e"), "name": "Customer", "currency": "USD",
    });
    book.when_effective(past, "customer.register", register).expect("accepted");
    let charge = json!({
        "customer": id("c"), "charge": id("x"), "description": "5 discs", "quantity": "5",
        "price": {"total": {"amount": "77.00", "currency": "USD"}},
        "invoice": {"now": {"series": "old", "document_date": "1997-01-12"}},
    });
    book.when_effective(past, "charge.add", charge).expect("accepted");
    let invoice = &book.invoices[0];
    assert_eq!(invoice.document_date.to_string(), "1997-01-12");
    assert_eq!(invoice.number.as_str(), "OLD-000001");
    assert_eq!(invoice.totals.total.0, 77_00);
}

#[test]
fn cycles_opened_by_a_change_of_interval_are_billed_after_a_cancellation() {
    let mut book = TestBook::with_plans();
    book.plan("year", "300", "in_advance", "flat", 1, "year");
    subscribe(&mut book, "basic");
    book.on("2024-02-10");
    change(&mut book, "year", "now");
    book.given(
        "subscription.cancel",
        json!({"customer": id("c"), "subscription": id("s"), "when": "now", "credit": "none"}),
    );
    let last = book.bill("2024-02-10");
    assert_eq!(
        lines(&last[0]),
        owned(&[
            ("recurring", "2024-01-01/2024-02-01", 30_00),
            ("recurring", "2024-02-01/2024-02-10", 9_31),
        ])
    );
}

#[test]
fn a_scheduled_cancellation_moves_to_the_end_of_the_new_cycle() {
    let mut book = TestBook::with_plans();
    book.plan("year", "300", "in_advance", "flat", 1, "year");
    subscribe(&mut book, "basic");
    book.bill("2024-01-01");
    book.given(
        "subscription.cancel",
        json!({"customer": id("c"), "subscription": id("s"), "when": "cycle_end"}),
    );
    book.on("2024-01-16");
    change(&mut book, "year", "now");
    book.on("2025-01-16");
    book.bill("2024-03-01");
    book.bill("2025-01-16");
    // One year and no more: 300.00 less the credit for the rest of January, and January.
    let billed: i64 = book.invoices.iter().map(|invoice| invoice.totals.total.0).sum();
    assert_eq!(billed, 30_00 - 15_48 + 300_00);
}

#[test]
fn an_amount_that_sums_could_not_hold_is_refused() {
    let mut book = TestBook::with_plans();
    let charge = |amount: &str| {
        json!({
            "customer": id("c"), "charge": id("x"), "description": "x",
            "price": {"total": {"amount": amount, "currency": "EUR"}},
        })
    };
    assert!(matches!(
        book.when("charge.add", charge("10000000000000.01")),
        Err(Rejection::AmountTooLarge { .. })
    ));
    assert!(book.when("charge.add", charge("10000000000000.00")).is_ok());
}
