//! Lots of credit: which pays what, on which day, and how money goes back.

mod support;

use schemas::event::{
    CreditApplied, CreditExpired, CreditNoteIssued, DueSet, PaymentRecorded, PaymentRefunded,
    PaymentReversed,
};
use schemas::{Date, Event};
use serde_json::{Value, json};

use support::{TestBook, at, id, with};

fn eur(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

fn charge(name: &str, amount: &str) -> Value {
    json!({
        "customer": id("c"), "charge": id(name), "description": "Work",
        "price": {"total": eur(amount)}, "invoice": {"now": {"invoice": id(name)}},
    })
}

fn pay(name: &str, amount: &str) -> Value {
    json!({"customer": id("c"), "payment": id(name), "amount": eur(amount)})
}

fn grant(name: &str, amount: &str) -> Value {
    json!({"customer": id("c"), "grant": id(name), "amount": eur(amount), "reason": "sorry"})
}

fn refund(payment: &str, amount: &str, effect: &str) -> Value {
    json!({
        "customer": id("c"), "payment": id(payment), "refund": id(amount), "amount": eur(amount),
        "effect": if effect == "credit_note" { json!({"credit_note": null}) } else { json!(effect) },
        "reason": "asked for",
    })
}

fn note(invoice: &str, amount: &str, to: &str) -> Value {
    let lines = json!([{"line": 1, "amount": eur(amount)}]);
    json!({
        "customer": id("c"), "note": id(&format!("note {amount}")), "invoice": id(invoice),
        "lines": lines, "to": to,
    })
}

/// Open and credit in minor units.
fn balance(book: &TestBook) -> (i128, i64) {
    (book.customer("c").owed(), book.customer("c").credit().0)
}

/// The names of all that the tests make, to read events by.
const NAMES: [&str; 9] = ["x", "y", "z", "p", "q", "g", "h", "k", "r"];

fn name(text: &str) -> String {
    let found = NAMES.iter().find(|name| text.ends_with(&id(name).replace('-', "")));
    found.map_or_else(|| text.to_owned(), |name| (*name).to_owned())
}

/// Day, lot, invoice and amount of every part of credit that events apply.
fn applied(events: &[Event]) -> Vec<(String, String, String, i64)> {
    let mut parts = Vec::new();
    for event in events.iter().filter_map(Event::get::<CreditApplied>) {
        for part in &event.parts {
            let (lot, invoice) = (name(&part.lot.to_string()), name(&part.invoice.to_string()));
            parts.push((event.posting_date.to_string(), lot, invoice, part.amount.0));
        }
    }
    parts
}

fn part(day: &str, lot: &str, invoice: &str, amount: i64) -> (String, String, String, i64) {
    (day.to_owned(), lot.to_owned(), invoice.to_owned(), amount)
}

fn only<T: schemas::record::Member<Event>>(events: &[Event]) -> &T {
    events.iter().find_map(Event::get::<T>).expect("it is one of them")
}

#[test]
fn credit_that_comes_pays_what_is_open_the_oldest_due_first() {
    // given two open invoices
    let mut book = TestBook::with_plans();
    book.given("charge.add", charge("x", "30"));
    book.on("2024-01-05");
    book.given("charge.add", charge("y", "20"));
    // when credit is given, then it pays them in the same commit
    book.on("2024-01-07");
    let events = book.given("credit.grant", grant("g", "45"));
    assert_eq!(
        applied(&events),
        [part("2024-01-07", "g", "x", 30_00), part("2024-01-07", "g", "y", 15_00)]
    );
    assert_eq!(balance(&book), (5_00, 0));
    // and so does the rest of a payment that said what it pays
    book.given("charge.add", charge("z", "10"));
    let told = json!({"to": [{"invoice": id("z"), "amount": eur("10")}]});
    let events = book.given("payment.record", with(pay("p", "14"), json!({"allocate": told})));
    assert_eq!(applied(&events), [part("2024-01-07", "p", "y", 4_00)]);
    assert_eq!(only::<PaymentRecorded>(&events).to_credit.0, 4_00);
}

#[test]
fn where_credit_waits_for_the_next_invoice_nothing_is_paid_before() {
    let mut book = TestBook::of("lago@1", json!({}), "2024-01-01");
    book.given(
        "customer.register",
        json!({"customer": id("c"), "entity": id("e"), "name": "Customer", "currency": "EUR"}),
    );
    book.given("charge.add", charge("x", "30"));
    book.given("credit.grant", grant("g", "45"));
    assert_eq!(balance(&book), (30_00, 45_00));
    book.given("charge.add", charge("y", "20"));
    assert_eq!(balance(&book), (30_00, 25_00));
    // by hand it can
    let apply = json!({"customer": id("c"), "lot": {"grant": id("g")}, "invoice": id("x")});
    book.given("credit.apply", apply);
    assert_eq!(balance(&book), (5_00, 0));
}

#[test]
fn lots_are_used_by_expiry_then_priority_then_age_and_not_after_their_last_day() {
    let mut book = TestBook::with_plans();
    book.given("credit.grant", grant("g", "10"));
    let low = json!({"priority": 5});
    book.given("credit.grant", with(grant("h", "10"), low));
    let high = json!({"priority": -5});
    book.given("credit.grant", with(grant("k", "10"), high));
    let soon = json!({"expires": "2024-01-31", "priority": 100});
    book.given("credit.grant", with(grant("r", "10"), soon));
    let order = |book: &TestBook| -> Vec<String> {
        book.customer("c").lots().map(|(lot, _)| name(&lot.to_string())).collect()
    };
    assert_eq!(order(&book), ["r", "k", "g", "h"]);
    // on its last day it pays
    book.on("2024-01-31");
    book.given("charge.add", charge("x", "4"));
    assert_eq!(balance(&book), (0, 36_00));
    // a day later it does not, though nothing has booked that yet
    book.on("2024-02-01");
    book.given("charge.add", charge("y", "36"));
    assert_eq!(balance(&book), (6_00, 6_00));
    // and the run on that day does
    let due = |book: &TestBook| book.ledger.next_due(id("c").parse().expect("an id"));
    assert_eq!(due(&book).expect("it is due").to_string(), "2024-02-01");
    book.bill("2024-02-01");
    assert_eq!(balance(&book), (6_00, 0));
    assert_eq!(due(&book), None);
}

#[test]
fn what_expires_is_an_event_of_its_own() {
    let mut book = TestBook::with_plans();
    book.given("credit.grant", with(grant("g", "10"), json!({"expires": "2024-01-31"})));
    book.given("subscription.create", with(support::subscription(), json!({"plan": id("basic")})));
    book.on("2024-02-03");
    let events = book.given("invoice.now", json!({"customer": id("c")}));
    let expired: &CreditExpired = only(&events);
    assert_eq!(
        (expired.amount.minor().0, expired.posting_date.to_string().as_str()),
        (10_00, "2024-02-03")
    );
}

#[test]
fn credit_for_a_subscription_pays_its_lines_only() {
    // given an invoice of 30.00 for the subscription and 50.00 beside it
    let mut book = TestBook::with_plans();
    book.given("subscription.create", with(support::subscription(), json!({"plan": id("basic")})));
    let scope = json!({"scope": {"subscription": id("s")}});
    book.given("credit.grant", with(grant("g", "100"), scope));
    let waits = with(charge("x", "50"), json!({"invoice": "next"}));
    book.given("charge.add", waits);
    // when it is issued, then 30.00 are paid
    book.bill("2024-01-01");
    assert_eq!(balance(&book), (50_00, 70_00));
    // and another invoice takes nothing of it
    book.given("charge.add", charge("y", "5"));
    assert_eq!(balance(&book), (55_00, 70_00));
    // and what a note takes off these lines goes back to it, though something is open
    let invoice = book.invoices[0].invoice;
    let of_fee = with(note("x", "12", "credit"), json!({"invoice": invoice}));
    let events = book.given("credit_note.issue", of_fee);
    let issued: &CreditNoteIssued = only(&events);
    assert_eq!(issued.released.iter().map(|part| part.amount.0).collect::<Vec<_>>(), [12_00]);
    assert_eq!(balance(&book), (55_00, 82_00));
}

#[test]
fn what_a_note_takes_off_a_paid_invoice_goes_back_to_who_paid_it_last() {
    // given 60.00 paid by 25.00 of credit and then by a payment of 35.00
    let mut book = TestBook::with_plans();
    book.given("credit.grant", grant("g", "25"));
    book.given("charge.add", charge("x", "60"));
    book.given("payment.record", pay("p", "35"));
    // when 40.00 are credited to the receivable, then that is refused with the way
    let refused = book.when("credit_note.issue", note("x", "40", "receivable"));
    assert_eq!(refused.expect_err("nothing is open").code(), "credit_exceeds_open");
    // and to credit the payment comes back first
    let events = book.given("credit_note.issue", note("x", "40", "credit"));
    let issued: &CreditNoteIssued = only(&events);
    let back: Vec<_> = issued
        .released
        .iter()
        .map(|part| (name(&part.lot.to_string()), part.amount.0, part.direct))
        .collect();
    assert_eq!(back, [("p".to_owned(), 35_00, true), ("g".to_owned(), 5_00, false)]);
    assert_eq!(balance(&book), (0, 40_00));
    // so the payment can be paid back whole, and the goodwill cannot
    book.given("payment.refund", refund("p", "35", "customer_credit"));
    assert_eq!(balance(&book), (0, 5_00));
    let pay_out = json!({
        "customer": id("c"), "refund": id("r"), "lot": {"grant": id("g")}, "reason": "asked for",
    });
    let refused = book.when("credit.pay_out", pay_out);
    assert_eq!(refused.expect_err("it was given").code(), "not_refundable");
}

#[test]
fn a_payment_dated_before_its_invoice_pays_it_as_credit_on_the_invoices_day() {
    let mut book = TestBook::with_plans();
    book.on("2024-01-10");
    book.given("charge.add", charge("x", "30"));
    for (payment, told) in
        [("p", None), ("q", Some(json!([{"invoice": id("x"), "amount": eur("12")}])))]
    {
        let body =
            with(pay(payment, "12"), json!({"allocate": told.map(|parts| json!({"to": parts}))}));
        let early = book.when_effective(at("2024-01-03"), "payment.record", body).expect("taken");
        assert_eq!(only::<PaymentRecorded>(&early).allocations, []);
        assert_eq!(only::<PaymentRecorded>(&early).posting_date.to_string(), "2024-01-03");
        assert_eq!(applied(&early), [part("2024-01-10", payment, "x", 12_00)]);
    }
    // what takes it back is not booked before it was there, nor before it paid
    let body = refund("p", "12", "reopen");
    let back = book.when_effective(at("2024-01-05"), "payment.refund", body).expect("taken");
    assert_eq!(only::<PaymentRefunded>(&back).posting_date.to_string(), "2024-01-10");
    assert_eq!(balance(&book), (18_00, 0));
}

#[test]
fn a_bounced_payment_takes_back_itself_wherever_it_lies() {
    // given a payment that settled one invoice and whose credit paid another
    let mut book = TestBook::with_plans();
    book.given("charge.add", charge("x", "60"));
    book.given("payment.record", pay("p", "100"));
    book.on("2024-01-10");
    book.given("charge.add", charge("y", "40"));
    book.given("credit.grant", grant("g", "25"));
    // when it bounces, then both are open again, and the goodwill pays the first
    let reverse = json!({"customer": id("c"), "payment": id("p"), "reason": "no funds"});
    let events = book.given("payment.reverse", reverse);
    let reversed: &PaymentReversed = only(&events);
    let shown = |parts: &[schemas::event::Allocation]| -> Vec<(String, i64)> {
        parts.iter().map(|part| (name(&part.invoice.to_string()), part.amount.0)).collect()
    };
    assert_eq!(shown(&reversed.reopened), [("x".to_owned(), 60_00)]);
    assert_eq!(shown(&reversed.credit_unapplied), [("y".to_owned(), 40_00)]);
    assert_eq!(reversed.credit_withdrawn.0, 0);
    assert_eq!(applied(&events), [part("2024-01-10", "g", "x", 25_00)]);
    assert_eq!(balance(&book), (75_00, 0));
}

#[test]
fn what_was_paid_and_not_used_is_paid_back_whichever_came_first() {
    // given an invoice of 30.00, paid, of which a change gave something back as an invoice
    let mut book = TestBook::of("killbill@1", json!({}), "2024-01-01");
    book.given(
        "customer.register",
        json!({"customer": id("c"), "entity": id("e"), "name": "Customer", "currency": "EUR"}),
    );
    book.plan("basic", "31", "in_advance", "flat", 1, "month");
    book.given("subscription.create", with(support::subscription(), json!({"plan": id("basic")})));
    book.bill("2024-01-01");
    book.given("payment.record", pay("p", "31"));
    book.on("2024-01-11");
    book.given("subscription.cancel", with(support::subscription(), json!({"when": "now"})));
    assert_eq!(balance(&book), (0, 21_00));
    // when it is refunded in part, then what gave it back takes the payment's place
    let events = book.given("payment.refund", refund("p", "15", "customer_credit"));
    let refunded: &PaymentRefunded = only(&events);
    assert_eq!(refunded.swapped.iter().map(|swap| swap.amount.0).collect::<Vec<_>>(), [15_00]);
    assert_eq!((refunded.from_credit.0, balance(&book)), (15_00, (0, 6_00)));
    // and the rest can be paid out of the lot itself, as far as money lies on invoices
    let made = json!({"invoice": book.invoices[1].invoice});
    let pay_out = json!({
        "customer": id("c"), "refund": id("r"), "lot": made, "reason": "asked for",
    });
    book.given("credit.pay_out", pay_out);
    assert_eq!(balance(&book), (0, 0));
    // and no more than what is still here: 15.00 and 6.00 of 31.00 are paid back
    for effect in ["credit_note", "reopen"] {
        let refused = book.when("payment.refund", refund("p", "10.01", effect));
        assert_eq!(refused.expect_err("10.00 were used").code(), "refund_exceeds_kept");
    }
}

#[test]
fn credit_of_an_invoice_below_zero_first_pays_what_it_credits() {
    for (target, open) in [("credited_first", (20_00, 10_00)), ("oldest_open", (0, 30_00))] {
        let policies = json!({"credit_target": target, "credit_document": "invoice_line"});
        let mut book = TestBook::of("billfold@1", policies, "2024-01-01");
        book.given(
            "customer.register",
            json!({"customer": id("c"), "entity": id("e"), "name": "Customer", "currency": "EUR"}),
        );
        book.plan("basic", "31", "in_advance", "flat", 1, "month");
        // given an older open invoice beside that of the subscription
        book.given("charge.add", charge("x", "20"));
        book.given(
            "subscription.create",
            with(support::subscription(), json!({"plan": id("basic")})),
        );
        book.bill("2024-01-01");
        book.on("2024-01-11");
        // when 21.00 are given back
        book.given("subscription.cancel", with(support::subscription(), json!({"when": "now"})));
        let opens: Vec<i64> = book.customer("c").invoices().map(|i| i.open().0).collect();
        assert_eq!((opens[0], opens[1]), open, "{target}");
    }
}

#[test]
fn what_one_command_cannot_pay_from_credit_the_next_run_does() {
    // Given 2,500 open invoices of 1.00 each
    let mut book = TestBook::with_plans();
    for n in 0..2_500 {
        book.given("charge.add", charge(&format!("charge {n}"), "1.00"));
    }
    assert_eq!(balance(&book), (250_000, 0));
    assert!(book.bill("2024-01-01").is_empty(), "nothing is due");
    // When one payment comes for all of them and 5.00 more
    let events = book.given("payment.record", pay("p", "2505.00"));
    // Then a thousand are paid by it, a thousand by its credit, and the customer is due
    assert_eq!(balance(&book), (50_000, 50_500));
    let due = events.iter().rev().find_map(|event| event.get::<DueSet>());
    assert_eq!(due.map(|set| set.on), Some(Some(Date::MIN)));
    // And the next run pays the rest, without another document.
    assert!(book.bill("2024-01-01").is_empty());
    assert_eq!(balance(&book), (0, 500));
    // Then nobody is due any more.
    let before = book.customer("c").clone();
    assert!(book.bill("2024-01-01").is_empty());
    assert_eq!(book.customer("c"), &before);
}

#[test]
fn a_run_pays_all_that_credit_can_before_it_issues_the_next_invoice() {
    // Given 2,500 open invoices of 1.00, and credit that a void of a later payment left
    let mut book = TestBook::with_plans();
    book.subscribe("basic", json!({}));
    for n in 0..2_500 {
        book.given("charge.add", charge(&format!("charge {n}"), "1.00"));
    }
    book.given("payment.record", pay("p", "2500.00"));
    assert_eq!(balance(&book), (50_000, 50_000));
    // When the run that bills the subscription comes
    let invoices = book.bill("2024-01-01");
    // Then the credit is used for what was open before, and the new invoice stays open.
    assert_eq!(invoices.len(), 1);
    assert_eq!(invoices[0].credit_applied.0, 0);
    assert_eq!(balance(&book), (i128::from(invoices[0].totals.total.0), 0));
}
