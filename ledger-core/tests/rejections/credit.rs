//! Lots of customer credit.

use serde_json::{Value, json};

use crate::Case;
use crate::asked::{
    billed_under, cancel, charge, eur, grant, invoiced, paid, pay, reverse, subscribed_under, void,
    with,
};
use crate::asked::{refund, subscribed};
use crate::support::{TestBook, at, id};

pub(crate) const CASES: &[Case] = &[
    ("before_payment", || {
        let mut book = later(|| invoiced("30"));
        book.given("payment.record", pay("p", "30"));
        let reopen = refund("r", "30", &json!("reopen"));
        book.when_effective(at("2024-01-31"), "payment.refund", reopen)
    }),
    ("before_payment", || {
        let mut book = later(|| invoiced("30"));
        book.given("payment.record", pay("p", "30"));
        book.when_effective(at("2024-01-31"), "payment.reverse", reverse())
    }),
    ("invalid_grant", || {
        TestBook::with_plans().when("credit.grant", with(g(), "priority", json!(101)))
    }),
    ("invalid_grant", || {
        TestBook::with_plans().when("credit.grant", with(g(), "expires", json!("2023-12-31")))
    }),
    ("invalid_grant", || {
        let expires = with(prepaid(), "expires", json!("2024-12-31"));
        TestBook::with_plans().when("credit.grant", expires)
    }),
    ("invalid_grant", || {
        let kept = with(prepaid(), "refundable", json!(false));
        TestBook::with_plans().when("credit.grant", kept)
    }),
    ("unknown_subscription", || {
        let scope = json!({"subscription": id("none")});
        TestBook::with_plans().when("credit.grant", with(g(), "scope", scope))
    }),
    // Applied.
    ("unknown_credit", || invoiced("30").when("credit.apply", apply(&of_grant(), None))),
    ("unknown_invoice", || granted().when("credit.apply", apply(&of_grant(), None))),
    ("credit_used_up", || {
        let mut book = invoiced("30");
        book.given("credit.grant", g());
        book.when("credit.apply", apply(&of_grant(), None))
    }),
    ("credit_expired", || {
        let mut book = with_scoped(&with(g(), "expires", json!("2024-01-31")));
        book.on("2024-02-01");
        book.when("credit.apply", apply(&of_grant(), None))
    }),
    ("invoice_settled", || {
        let mut book = with_scoped(&g());
        book.given("payment.record", pay("p", "30"));
        book.when("credit.apply", apply(&of_grant(), None))
    }),
    ("invoice_voided", || {
        let mut book = with_scoped(&g());
        book.given("invoice.void", void(&json!(id("i"))));
        book.when("credit.apply", apply(&of_grant(), None))
    }),
    ("out_of_scope", || with_scoped(&g()).when("credit.apply", apply(&of_grant(), None))),
    ("exceeds_credit", || released("10").when("credit.apply", apply(&of_grant(), Some("10.01")))),
    ("application_exceeds_open", || {
        released("40").when("credit.apply", apply(&of_grant(), Some("30.01")))
    }),
    // Released.
    ("release_exceeds_part", || {
        let mut book = invoiced("30");
        book.given("credit.grant", g());
        book.when("credit.release", apply(&of_grant(), Some("10.01")))
    }),
    ("release_exceeds_part", || with_scoped(&g()).when("credit.release", apply(&of_grant(), None))),
    // Taken back.
    ("not_revocable", || {
        let mut book = TestBook::with_plans();
        book.given("credit.grant", prepaid());
        book.when("credit.revoke", revoke())
    }),
    ("before_credit", || {
        let mut book = later(TestBook::with_plans);
        book.given("credit.grant", g());
        book.when_effective(at("2024-01-31"), "credit.revoke", revoke())
    }),
    ("credit_used_up", || {
        let mut book = granted();
        book.given("credit.revoke", revoke());
        book.when("credit.revoke", revoke())
    }),
    // Paid out.
    ("refund_exists", || {
        let mut book = TestBook::with_plans();
        book.given("credit.grant", prepaid());
        book.given("credit.pay_out", pay_out(&of_grant(), Some("1")));
        book.when("credit.pay_out", pay_out(&of_grant(), Some("1")))
    }),
    ("not_refundable", || granted().when("credit.pay_out", pay_out(&of_grant(), None))),
    ("unknown_payment", || {
        TestBook::with_plans().when("credit.pay_out", pay_out(&json!({"payment": id("p")}), None))
    }),
    ("pay_out_of_payment", || {
        paid().when("credit.pay_out", pay_out(&json!({"payment": id("p")}), None))
    }),
    ("exceeds_credit", || {
        let mut book = TestBook::with_plans();
        book.given("credit.grant", prepaid());
        book.when("credit.pay_out", pay_out(&of_grant(), Some("10.01")))
    }),
    ("pay_out_exceeds_paid", || {
        // Nothing was paid for January: a goodwill pays it, and half of it is given back.
        let mut book = subscribed_under(&json!({"credit_document": "invoice_line"}));
        book.given("credit.grant", grant("g", "30"));
        book.bill("2024-01-01");
        book.on("2024-01-16");
        book.given("subscription.cancel", cancel("now"));
        let made = json!({"invoice": book.invoices[1].invoice});
        book.when("credit.pay_out", pay_out(&made, None))
    }),
    ("refund_exceeds_kept", || {
        // Half of January is given back as credit, and that is paid out.
        let mut book = billed_under(&json!({"credit_document": "invoice_line"}));
        book.given("payment.record", pay("p", "30"));
        book.on("2024-01-16");
        book.given("subscription.cancel", cancel("now"));
        let made = json!({"invoice": book.invoices[1].invoice});
        book.given("credit.pay_out", pay_out(&made, None));
        book.when("payment.refund", refund("r2", "30", &json!("reopen")))
    }),
    ("customer_not_erasable", || {
        let mut book = TestBook::with_plans();
        book.given("credit.grant", prepaid());
        book.when(
            "customer.erase",
            json!({"customer": id("c"), "reason": "asked for", "leave_credit": true}),
        )
    }),
    ("credit_consumed", || {
        // What the credit of an invoice pays stands on it, until it is taken off again.
        let mut book = billed_under(&json!({"credit_document": "invoice_line"}));
        book.on("2024-01-16");
        book.given("subscription.cancel", cancel("now"));
        let (first, second) = (book.invoices[0].invoice, book.invoices[1].invoice);
        let release = json!({
            "customer": id("c"), "lot": {"invoice": second}, "invoice": first,
            "amount": eur("1"),
        });
        book.given("credit.release", release);
        book.when("invoice.void", void(&json!(second)))
    }),
];

/// The same in February.
fn later(book: fn() -> TestBook) -> TestBook {
    let mut book = book();
    book.on("2024-02-01");
    book
}

/// A grant of 10.00.
fn g() -> Value {
    grant("g", "10")
}

fn prepaid() -> Value {
    with(g(), "kind", json!("prepayment"))
}

fn of_grant() -> Value {
    json!({"grant": id("g")})
}

fn granted() -> TestBook {
    let mut book = TestBook::with_plans();
    book.given("credit.grant", g());
    book
}

/// Invoice `i` of 30.00, and credit that is for a subscription which is not on it.
fn with_scoped(grant: &Value) -> TestBook {
    let mut book = subscribed();
    book.given("charge.add", charge("x", "30", &json!({"now": {"invoice": id("i")}})));
    let scope = json!({"subscription": id("s")});
    book.given("credit.grant", with(grant.clone(), "scope", scope));
    book
}

/// Credit that had paid invoice `i` of 30.00 and was taken off it again.
fn released(amount: &str) -> TestBook {
    let mut book = invoiced("30");
    book.given("credit.grant", grant("g", amount));
    book.given("credit.release", apply(&of_grant(), None));
    book
}

/// What applying and releasing both say.
fn apply(lot: &Value, amount: Option<&str>) -> Value {
    json!({"customer": id("c"), "lot": lot, "invoice": id("i"), "amount": amount.map(eur)})
}

fn revoke() -> Value {
    json!({"customer": id("c"), "grant": id("g"), "reason": "by mistake"})
}

fn pay_out(lot: &Value, amount: Option<&str>) -> Value {
    json!({
        "customer": id("c"), "refund": id("r"), "lot": lot, "amount": amount.map(eur),
        "reason": "asked for",
    })
}
