//! Charges, invoices, payments, refunds, credit.

use schemas::Event;
use schemas::event::InvoiceFinalized;
use serde_json::{Value, json};

use crate::Case;
use crate::asked::{
    billed, billed_under, cancel, change_plan, charge, eur, grant, invoiced, paid, pay, pay_to,
    refund, reverse, subscribed, void, with,
};
use crate::support::{TestBook, at, id};

/// The most that one amount may be.
const MOST: &str = "10000000000000.00";
/// A cent more than that.
const TOO_MUCH: &str = "10000000000000.01";
/// A unit price that can be written, and cannot be multiplied.
const ABSURD: &str = "9999999999999999999999999999";

pub(crate) const CASES: &[Case] = &[
    ("charge_exists", || {
        let mut book = TestBook::with_plans();
        book.given("charge.add", charge("x", "1", &json!("next")));
        book.when("charge.add", charge("x", "1", &json!("next")))
    }),
    ("negative_amount", || {
        TestBook::with_plans().when("charge.add", charge("x", "-0.01", &json!("next")))
    }),
    ("negative_unit_price", || {
        let body = charge("x", "1", &json!("next"));
        TestBook::with_plans()
            .when("charge.add", with(body, "price", json!({"per_unit": eur("-1")})))
    }),
    ("currency_mismatch", || {
        let usd = json!({"total": {"amount": "1", "currency": "USD"}});
        let body = with(charge("x", "1", &json!("next")), "price", usd);
        TestBook::with_plans().when("charge.add", body)
    }),
    ("invalid_quantity", || {
        let body = with(charge("x", "1", &json!("next")), "quantity", json!("0.0000000001"));
        TestBook::with_plans().when("charge.add", body)
    }),
    ("amount_too_large", || {
        TestBook::with_plans().when("charge.add", charge("x", TOO_MUCH, &json!("next")))
    }),
    ("amount_too_large", || {
        let body = charge("x", "1", &json!("next"));
        let body = with(body, "price", json!({"per_unit": eur(MOST)}));
        TestBook::with_plans().when("charge.add", with(body, "quantity", json!("2")))
    }),
    ("amount_out_of_range", || {
        let body = charge("x", "1", &json!("next"));
        let body = with(body, "price", json!({"per_unit": eur(ABSURD)}));
        TestBook::with_plans().when("charge.add", with(body, "quantity", json!("1000000000000")))
    }),
    ("too_many", || {
        let mut book = TestBook::with_plans();
        for n in 0..500 {
            book.given("charge.add", charge(&format!("x{n}"), "1", &json!("next")));
        }
        book.when("charge.add", charge("x", "1", &json!("next")))
    }),
    // Invoices.
    ("invoice_exists", || {
        invoiced("1").when("charge.add", charge("x2", "1", &now("invoice", id("i"))))
    }),
    ("external_id_taken", || {
        let mut book = TestBook::with_plans();
        book.given("charge.add", charge("x", "1", &now("external_id", "42")));
        book.when("charge.add", charge("x2", "1", &now("external_id", "42")))
    }),
    ("nothing_to_invoice", || {
        TestBook::with_plans().when("invoice.now", json!({"customer": id("c")}))
    }),
    ("unknown_series", || {
        TestBook::with_plans().when("charge.add", charge("x", "1", &now("series", "none")))
    }),
    ("wrong_series_kind", || {
        TestBook::with_plans().when("charge.add", charge("x", "1", &now("series", "cn")))
    }),
    ("document_date_not_allowed", || {
        let dated = now("document_date", "2024-01-01");
        TestBook::with_plans().when("charge.add", charge("x", "1", &dated))
    }),
    ("document_date_in_future", || {
        TestBook::with_plans().when("charge.add", charge("x", "1", &historical("2024-01-02")))
    }),
    ("document_date_before_registration", || {
        TestBook::with_plans().when("charge.add", charge("x", "1", &historical("2023-12-31")))
    }),
    ("series_exhausted", || {
        let mut book = invoiced("1");
        let (sequence, lines) = (u64::MAX, Vec::new());
        let last = InvoiceFinalized { sequence, lines, ..book.invoices[0].clone() };
        book.fold("c", &Event::from(last));
        book.when("charge.add", charge("x2", "1", &json!({"now": {}})))
    }),
    ("unknown_invoice", || TestBook::with_plans().when("invoice.void", void(&json!(id("none"))))),
    ("invoice_voided", || {
        let mut book = invoiced("1");
        book.given("invoice.void", void(&json!(id("i"))));
        book.when("invoice.void", void(&json!(id("i"))))
    }),
    ("invoice_has_payments", || paid().when("invoice.void", void(&json!(id("i"))))),
    ("invoice_line_credited", || {
        let mut book = billed();
        let first = json!(book.invoices[0].invoice);
        book.on("2024-01-16");
        book.given("subscription.cancel", cancel("now"));
        book.when("invoice.void", void(&first))
    }),
    ("credit_consumed", || {
        // Where credits stand on invoices, one can be below zero.
        let mut book = billed_under(&json!({"credit_document": "invoice_line"}));
        book.on("2024-01-16");
        book.given("subscription.cancel", cancel("now"));
        let credit = json!(book.invoices[1].invoice);
        book.given("charge.add", charge("x", "10", &json!({"now": {}})));
        book.when("invoice.void", void(&credit))
    }),
    ("before_invoice", || {
        let mut book = subscribed();
        book.on("2024-01-11");
        let invoice = json!(book.bill("2024-01-11")[0].invoice);
        book.when_effective(at("2024-01-10"), "invoice.void", void(&invoice))
    }),
    // Payments.
    ("payment_exists", || paid().when("payment.record", pay("p", "1"))),
    ("amount_not_positive", || TestBook::with_plans().when("payment.record", pay("p", "0"))),
    ("amount_not_positive", || TestBook::with_plans().when("payment.record", pay("p", "-1"))),
    ("currency_mismatch", || {
        let usd = json!({"amount": "1", "currency": "USD"});
        TestBook::with_plans().when("payment.record", with(pay("p", "1"), "amount", usd))
    }),
    ("amount_too_large", || TestBook::with_plans().when("payment.record", pay("p", TOO_MUCH))),
    ("over_allocated", || invoiced("30").when("payment.record", pay_to("10", &[("i", "20")]))),
    ("allocation_exceeds_open", || {
        invoiced("30").when("payment.record", pay_to("40", &[("i", "30.01")]))
    }),
    ("duplicate_allocation", || {
        invoiced("30").when("payment.record", pay_to("30", &[("i", "10"), ("i", "10")]))
    }),
    ("too_many_allocations", || {
        invoiced("30").when("payment.record", pay_to("30", &[("i", "0.01"); 1_001]))
    }),
    ("unknown_invoice", || invoiced("30").when("payment.record", pay_to("30", &[("none", "10")]))),
    ("invoice_voided", || {
        let mut book = invoiced("30");
        book.given("invoice.void", void(&json!(id("i"))));
        book.when("payment.record", pay_to("30", &[("i", "10")]))
    }),
    ("unknown_payment", || TestBook::with_plans().when("payment.reverse", reverse())),
    ("payment_reversed", || {
        let mut book = paid();
        book.given("payment.reverse", reverse());
        book.when("payment.reverse", reverse())
    }),
    ("nothing_left_of_payment", || {
        let mut book = invoiced("30");
        book.given("payment.record", pay("p", "30"));
        book.given("payment.refund", refund("r", "30", &json!("reopen")));
        book.when("payment.reverse", reverse())
    }),
    // Refunds.
    ("refund_exists", || {
        let mut book = paid();
        book.given("payment.refund", refund("r", "1", &json!("reopen")));
        book.when("payment.refund", refund("r", "1", &json!("reopen")))
    }),
    ("refund_exceeds_payment", || {
        paid().when("payment.refund", refund("r", "40.01", &json!("reopen")))
    }),
    ("refund_exceeds_allocated", || {
        paid().when("payment.refund", refund("r", "30.01", &json!("reopen")))
    }),
    ("refund_exceeds_credit", || {
        paid().when("payment.refund", refund("r", "10.01", &json!("customer_credit")))
    }),
    ("credit_note_exists", || {
        let mut book = paid();
        let note = json!({"credit_note": id("n")});
        book.given("payment.refund", refund("r", "1", &note));
        book.when("payment.refund", refund("r2", "1", &note))
    }),
    ("credit_exceeds_invoice", || {
        let mut book = billed();
        book.given("payment.record", pay("p", "30"));
        book.on("2024-01-16");
        book.given("subscription.change_plan", change_plan("pro"));
        book.given("invoice.now", json!({"customer": id("c")}));
        book.when("payment.refund", refund("r", "30", &json!({"credit_note": null})))
    }),
    ("payment_reversed", || {
        let mut book = paid();
        book.given("payment.reverse", reverse());
        book.when("payment.refund", refund("r", "1", &json!("reopen")))
    }),
    // Credit.
    ("credit_exceeds_open", || {
        let mut book = paid();
        let invoice = json!(book.invoices[0].invoice);
        book.when("credit_note.issue", note(&invoice, 1, "1"))
    }),
    ("invalid_credit_lines", || {
        let mut book = billed();
        let invoice = json!(book.invoices[0].invoice);
        book.when("credit_note.issue", note(&invoice, 9, "1"))
    }),
    ("grant_exists", || {
        let mut book = TestBook::with_plans();
        book.given("credit.grant", grant("g", "1"));
        book.when("credit.grant", grant("g", "1"))
    }),
    ("amount_not_positive", || TestBook::with_plans().when("credit.grant", grant("g", "0"))),
    ("amount_too_large", || TestBook::with_plans().when("credit.grant", grant("g", TOO_MUCH))),
    ("amount_out_of_range", || {
        let mut book = TestBook::with_plans();
        // So many of the largest amounts still fit into 64 bits.
        for n in 0..9_223 {
            book.given("credit.grant", grant(&format!("g{n}"), MOST));
        }
        book.when("credit.grant", grant("g", MOST))
    }),
];

/// Invoiced now, with this wish.
fn now(field: &str, value: impl Into<Value>) -> Value {
    json!({"now": {field: value.into()}})
}

fn historical(date: &str) -> Value {
    json!({"now": {"series": "old", "document_date": date}})
}

fn note(invoice: &Value, line: u32, amount: &str) -> Value {
    let amount = json!({"amount": amount, "currency": "EUR"});
    let lines = json!([{"line": line, "amount": amount}]);
    json!({"customer": id("c"), "note": id("n"), "invoice": invoice, "lines": lines})
}
