//! Erasing a customer: what stands in the way, what is allowed afterwards, when its documents end.

#[path = "erasure/leaving.rs"]
mod leaving;
mod support;

use ledger_core::Invoice;
use schemas::event::{CustomerErased, CustomerRegistered, DocumentsErased, DueSet};
use schemas::fields::Erasure;
use schemas::ids::CustomerId;
use schemas::personal::SealedText;
use schemas::{Contact, Date, Event, Personal, Rejection};
use serde_json::{Value, json};
use support::{TestBook, id, with};

fn erase() -> Value {
    json!({"customer": id("c"), "reason": "asked by mail"})
}

fn eur(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

fn charge(name: &str) -> Value {
    json!({
        "customer": id("c"), "charge": id(name), "description": "Work",
        "price": {"total": eur("10")}, "invoice": {"now": {"invoice": id(&format!("inv-{name}"))}},
    })
}

fn pay(name: &str, amount: &str) -> Value {
    json!({"customer": id("c"), "payment": id(name), "amount": eur(amount)})
}

fn customer() -> CustomerId {
    id("c").parse().expect("an id")
}

fn date(text: &str) -> Date {
    text.parse().expect("a date")
}

/// A customer that was invoiced on the second of January 2024 and has paid.
fn settled() -> TestBook {
    let mut book = TestBook::with_plans();
    book.on("2024-01-02");
    book.given("charge.add", charge("one"));
    book.given("payment.record", pay("p", "10"));
    book
}

fn why(refused: Result<Vec<Event>, Rejection>) -> String {
    match refused {
        Err(Rejection::CustomerNotErasable { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

fn erased(events: &[Event]) -> &CustomerErased {
    events.iter().find_map(Event::get).expect("it is erased")
}

#[test]
fn a_customer_without_documents_is_erased_whole_at_once() {
    let mut book = TestBook::with_plans();
    let events = book.given("customer.erase", erase());
    assert_eq!(erased(&events).documents_until, None);
    assert_eq!(events.iter().find_map(Event::erases), Some(Erasure::All));
    assert_eq!(book.ledger.erased().collect::<Vec<_>>(), [(customer(), Erasure::All)]);
    assert!(events.iter().all(|event| event.get::<DueSet>().is_none()));
}

#[test]
fn documents_are_kept_ten_years_from_the_end_of_the_year_of_the_last() {
    let mut book = settled();
    book.on("2025-03-01");
    let events = book.given("customer.erase", erase());
    assert_eq!(erased(&events).documents_until, Some(date("2034-12-31")));
    assert_eq!(events.iter().find_map(Event::erases), Some(Erasure::Own));
    let due = events.iter().find_map(|event| event.get::<DueSet>()).expect("a day");
    assert_eq!(due.on, Some(date("2035-01-01")));

    book.on("2034-12-31");
    book.bill("2034-12-31");
    assert_eq!(book.ledger.erased().collect::<Vec<_>>(), [(customer(), Erasure::Own)]);
    book.on("2035-01-01");
    book.bill("2035-01-01");
    assert_eq!(book.ledger.erased().collect::<Vec<_>>(), [(customer(), Erasure::All)]);
    assert_eq!(book.ledger.next_due(customer()), None);
}

#[test]
fn what_is_booked_after_the_erasure_keeps_the_documents_longer() {
    let mut book = settled();
    book.on("2025-03-01");
    book.given("customer.erase", erase());
    book.on("2026-05-01");
    book.given(
        "payment.refund",
        json!({
            "customer": id("c"), "payment": id("p"), "refund": id("r"), "amount": eur("4"),
            "effect": {"credit_note": null}, "reason": "late",
        }),
    );
    book.on("2035-01-01");
    book.bill("2035-01-01");
    assert_eq!(book.ledger.erased().collect::<Vec<_>>(), [(customer(), Erasure::Own)]);
    assert_eq!(book.ledger.next_due(customer()), Some(date("2037-01-01")));
    book.on("2037-01-01");
    book.bill("2037-01-01");
    assert_eq!(book.ledger.erased().collect::<Vec<_>>(), [(customer(), Erasure::All)]);
}

#[test]
fn a_seller_says_how_long_it_keeps_documents() {
    let mut book = TestBook::with_plans();
    let series = json!([{"code": "inv", "kind": "invoice", "prefix": "I", "digits": 4}]);
    let entity = |years: u16| {
        json!({
            "entity": id("f"), "name": "Other", "zone": "UTC", "payment_terms_days": 0,
            "series": series, "document_retention_years": years,
        })
    };
    let refused = book.when("entity.define", entity(101));
    assert_eq!(refused, Err(Rejection::InvalidRetention { years: 101 }));
    book.given("entity.define", entity(8));
    book.given(
        "customer.register",
        json!({"customer": id("d"), "entity": id("f"), "name": "D", "currency": "EUR"}),
    );
    book.given("charge.add", with(charge("two"), json!({"customer": id("d")})));
    book.given("payment.record", with(pay("q", "10"), json!({"customer": id("d")})));
    let events = book.given("customer.erase", with(erase(), json!({"customer": id("d")})));
    assert_eq!(erased(&events).documents_until, Some(date("2032-12-31")));
}

#[test]
fn each_thing_in_the_way_is_named_with_the_way_out() {
    let mut book = TestBook::with_plans();
    book.subscribe("basic", json!({}));
    let said = why(book.when("customer.erase", erase()));
    assert!(said.contains("has not ended; cancel it now first"), "{said}");
    let cancel = json!({"customer": id("c"), "subscription": id("s"), "when": "cycle_end"});
    book.given("subscription.cancel", cancel.clone());
    let said = why(book.when("customer.erase", erase()));
    assert!(said.contains("has not ended"), "not before its end: {said}");
    book.given("subscription.cancel", with(cancel, json!({"when": "now"})));

    let mut book = TestBook::with_plans();
    let quote = json!({
        "customer": id("c"), "quote": id("q"), "plan": id("basic"), "valid_until": "2024-01-31",
    });
    book.given("quote.create", quote);
    let said = why(book.when("customer.erase", erase()));
    assert!(said.contains("may still be accepted; void it first"), "{said}");
    book.given("quote.void", json!({"customer": id("c"), "quote": id("q")}));
    book.given("charge.add", with(charge("one"), json!({"invoice": "next"})));
    let said = why(book.when("customer.erase", erase()));
    assert!(said.contains("invoice it with invoice.now first"), "{said}");
    book.given("invoice.now", json!({"customer": id("c")}));
    let said = why(book.when("customer.erase", erase()));
    assert!(said.contains("is open; settle, credit or void it first"), "{said}");
    book.given("payment.record", pay("p", "15"));
    let said = why(book.when("customer.erase", erase()));
    assert!(said.contains("refund it with effect customer_credit first"), "{said}");
    book.given(
        "payment.refund",
        json!({
            "customer": id("c"), "payment": id("p"), "refund": id("r"), "amount": eur("5"),
            "effect": "customer_credit", "reason": "too much",
        }),
    );
    book.given(
        "credit.grant",
        json!({"customer": id("c"), "grant": id("g"), "amount": eur("1"), "reason": "sorry"}),
    );
    let said = why(book.when("customer.erase", erase()));
    assert!(said.contains("say leave_credit"), "{said}");
    book.given("customer.erase", with(erase(), json!({"leave_credit": true})));
}

#[test]
fn an_unpaid_invoice_that_was_credited_is_cleared_by_voiding_what_credits_it() {
    // given a book where credit waits for the next invoice
    let mut book = TestBook::of("zuora@1", json!({}), "2024-01-01");
    book.given(
        "customer.register",
        json!({"customer": id("c"), "entity": id("e"), "name": "C", "currency": "EUR"}),
    );
    book.plan("basic", "30", "in_advance", "flat", 1, "month");
    book.subscribe("basic", json!({}));
    book.given("invoice.now", json!({"customer": id("c")}));
    book.given(
        "subscription.cancel",
        json!({"customer": id("c"), "subscription": id("s"), "when": "now", "credit": "full"}),
    );
    let invoices: Vec<_> = book.customer("c").invoices().map(Invoice::id).collect();
    let [billed, credit] = invoices[..] else { panic!("{invoices:?}") };
    // when
    let said = why(book.when("customer.erase", erase()));
    // then
    let way = format!("settle it first, or void {credit}, which credits it, and then {billed}");
    assert!(said.contains(&way), "{said}");
    let void = |invoice| json!({"customer": id("c"), "invoice": invoice, "rebill": false, "reason": "erased"});
    let refused = book.when("invoice.void", void(billed)).expect_err("it is credited");
    assert!(refused.to_string().contains("void that invoice first"), "{refused}");
    book.given("invoice.void", void(credit));
    book.given("invoice.void", void(billed));
    book.given("customer.erase", erase());
    // And nobody is told to update who is gone.
    let again = json!({"customer": id("c"), "entity": id("e"), "name": "C", "currency": "EUR"});
    let refused = book.when("customer.register", again);
    assert_eq!(refused, Err(Rejection::CustomerErased { customer: customer() }));
}

#[test]
fn who_uses_what_another_pays_for_is_not_erased() {
    let mut book = TestBook::with_plans();
    book.given(
        "customer.register",
        json!({
            "customer": id("child"), "entity": id("e"), "name": "Child", "currency": "EUR",
            "parent": id("c"),
        }),
    );
    book.subscribe("basic", json!({"beneficiary": id("child")}));
    let said = why(book.when("customer.erase", with(erase(), json!({"customer": id("child")}))));
    assert!(said.contains("pays for") && said.contains("cancel it now first"), "{said}");
}

#[test]
fn nobody_buys_for_who_is_erased() {
    // given
    let mut book = TestBook::with_plans();
    let child = json!({
        "customer": id("child"), "entity": id("e"), "name": "Child", "currency": "EUR",
        "parent": id("c"),
    });
    book.given("customer.register", child);
    let terms = json!({"beneficiary": id("child")});
    let offer = json!({
        "customer": id("c"), "quote": id("q"), "plan": id("basic"), "valid_until": "2024-12-31",
        "with": terms,
    });
    book.given("quote.create", offer);
    let erase = with(erase(), json!({"customer": id("child")}));
    let said = why(book.when("customer.erase", erase.clone()));
    assert!(said.contains("may still accept") && said.contains("void that first"), "{said}");

    // when
    book.given("quote.void", json!({"customer": id("c"), "quote": id("q")}));
    book.given("customer.erase", erase);
    book.given("customer.erase", json!({"customer": id("c"), "reason": "asked by mail"}));

    // then
    let refused = |customer: &str| {
        Err(Rejection::CustomerErased { customer: id(customer).parse().expect("an id") })
    };
    let grandchild = json!({
        "customer": id("late"), "entity": id("e"), "name": "Late", "currency": "EUR",
        "parent": id("c"),
    });
    assert_eq!(book.when("customer.register", grandchild), refused("c"));
}

#[test]
fn a_parent_buys_nothing_for_an_erased_child() {
    let mut book = TestBook::with_plans();
    let child = json!({
        "customer": id("child"), "entity": id("e"), "name": "Child", "currency": "EUR",
        "parent": id("c"),
    });
    book.given("customer.register", child);
    book.given("customer.erase", with(erase(), json!({"customer": id("child")})));
    let bought = json!({
        "customer": id("c"), "subscription": id("s"), "plan": id("basic"),
        "with": {"beneficiary": id("child")},
    });
    let customer = id("child").parse().expect("an id");
    let refused = Err(Rejection::CustomerErased { customer });
    assert_eq!(book.when("subscription.create", bought), refused);
}

#[test]
fn an_erased_customer_is_sold_nothing_and_settles_what_is_open() {
    let mut book = settled();
    book.given("customer.erase", erase());
    let refused = Err(Rejection::CustomerErased { customer: customer() });
    for (name, body) in [
        ("customer.erase", erase()),
        ("customer.update", json!({"customer": id("c"), "payment_terms_days": 7})),
        ("charge.add", charge("two")),
        ("invoice.now", json!({"customer": id("c")})),
        (
            "subscription.create",
            json!({"customer": id("c"), "subscription": id("s"), "plan": id("basic")}),
        ),
        (
            "credit.grant",
            json!({"customer": id("c"), "grant": id("g"), "amount": eur("1"), "reason": "x"}),
        ),
        (
            "invoice.void",
            json!({
                "customer": id("c"), "invoice": id("inv-one"), "reason": "x", "rebill": true,
            }),
        ),
    ] {
        assert_eq!(book.when(name, body), refused, "{name}");
    }
    book.given(
        "payment.reverse",
        json!({"customer": id("c"), "payment": id("p"), "reason": "bounced"}),
    );
    book.given("payment.record", pay("again", "4"));
    book.given(
        "credit_note.issue",
        json!({
            "customer": id("c"), "note": id("n"), "invoice": id("inv-one"),
            "lines": [{"line": 1, "amount": eur("6")}],
        }),
    );
    assert_eq!(book.customer("c").owed(), 0);
}

#[test]
fn an_invoice_shows_the_copy_that_is_kept_and_a_name_that_says_the_same_changes_nothing() {
    let sealed = |key: u128, nonce: u8| SealedText {
        key: schemas::ids::KeyId::new(uuid::Uuid::from_u128(key)),
        nonce: [nonce; 24],
        ciphertext: vec![nonce; 48],
    };
    let contact = |nonce, mark: u8| Contact::Sealed {
        own: sealed(1, nonce),
        document: sealed(2, nonce),
        mark: [mark; 16],
    };
    let mut book = TestBook::with_plans();
    let registered = book.given(
        "customer.register",
        json!({"customer": id("d"), "entity": id("e"), "name": "D", "currency": "EUR"}),
    );
    let mut registered: CustomerRegistered =
        registered.iter().find_map(Event::get).cloned().expect("registered");
    registered.customer = id("s").parse().expect("an id");
    registered.name = contact(1, 7);
    book.fold("s", &registered.into());
    let update = |name: Contact| schemas::command::UpdateCustomer {
        customer: id("s").parse().expect("an id"),
        external_id: None,
        name: Some(name),
        email: None,
        payment_terms_days: None,
        address: None,
        tax_ids: None,
        zone: None,
        purchase_order: None,
        clear: None,
    };
    assert_eq!(book.submit_now(&update(contact(2, 7)).into()), Ok(Vec::new()));
    let renamed = book.submit_now(&update(contact(3, 8)).into()).expect("another name");
    assert_eq!(renamed.len(), 1);
    book.given("charge.add", with(charge("three"), json!({"customer": id("s")})));
    let invoice = book.invoices.last().expect("an invoice");
    assert_eq!(invoice.bill_to.name, Personal::Sealed(sealed(2, 3)));
    assert!(book.customer("s").invoices().count() == 1);
    let ended: Event = DocumentsErased {}.into();
    let folded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| book.fold("s", &ended)));
    assert!(folded.is_err(), "documents end after the customer only");
}
