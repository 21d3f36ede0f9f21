//! State as bytes: its form is fixed by a version, and bytes that are no state are refused.

mod support;

use ledger_core::Ledger;
use ledger_core::snapshot::{Loader, STATE_VERSION, StateError};
use serde_json::json;
use support::{TestBook, id, restored};

/// A book with something in every part of the state.
fn rich() -> TestBook {
    let mut book = TestBook::with_plans();
    book.plan("seats", "7.5", "in_arrears", "per_unit", 1, "month");
    book.given(
        "customer.register",
        json!({
            "customer": id("z"), "entity": id("e"), "name": "Zoe", "currency": "USD",
            "external_id": "crm-1", "email": "zoe@example.com", "zone": "Europe/Berlin",
        }),
    );
    for (subscription, plan) in [("s", "basic"), ("t", "seats")] {
        let (subscription, plan) = (id(subscription), id(plan));
        let body = json!({"customer": id("c"), "subscription": subscription, "plan": plan});
        book.given("subscription.create", body);
    }
    for (discount, on) in [("d", json!({"subscription": id("s")})), ("f", json!("customer"))] {
        book.given(
            "discount.apply",
            json!({
                "customer": id("c"), "discount": id(discount), "on": on,
                "value": {"percent": "12.5"}, "duration": {"cycles": 2},
            }),
        );
    }
    book.bill("2024-01-01");
    book.on("2024-01-11");
    let change = json!({
        "customer": id("c"), "subscription": id("s"), "plan": id("pro"), "when": "now",
    });
    book.given("subscription.change_plan", change);
    let seats = json!({
        "customer": id("c"), "subscription": id("t"), "quantity": "3", "when": "cycle_end",
    });
    book.given("subscription.change_quantity", seats);
    book.on("2024-02-03");
    book.bill("2024-02-03");
    let eur = |amount| json!({"amount": amount, "currency": "EUR"});
    for (charge, invoice) in [("x", json!({"now": {"external_id": "ext-9"}})), ("y", json!("next"))]
    {
        book.given(
            "charge.add",
            json!({
                "customer": id("c"), "charge": id(charge), "description": "Work",
                "price": {"total": eur("80.00")}, "invoice": invoice,
            }),
        );
    }
    let invoice = book.invoices.last().expect("billed").invoice;
    book.given(
        "invoice.void",
        json!({"customer": id("c"), "invoice": invoice, "reason": "wrong", "rebill": true}),
    );
    book.given(
        "payment.record",
        json!({
            "customer": id("c"), "payment": id("p"), "amount": eur("500.00"), "external_id": "bank-7",
        }),
    );
    let refund = json!({
        "customer": id("c"), "payment": id("p"), "refund": id("r"), "amount": eur("10.00"),
        "reason": "goodwill", "effect": "customer_credit",
    });
    book.given("payment.refund", refund);
    book.given(
        "subscription.cancel",
        json!({
            "customer": id("c"), "subscription": id("t"), "when": "cycle_end",
        }),
    );
    book
}

/// All pieces, one behind the other.
fn pieces(ledger: &Ledger) -> Vec<u8> {
    let mut all = ledger.book_piece();
    for customer in ledger.customers() {
        all = ledger.customer_piece(customer, all).expect("registered");
    }
    all.extend(ledger.names_piece());
    all.extend(ledger.taken_piece().iter().flat_map(|id| id.to_le_bytes()));
    all
}

/// FNV-1a, 64 bits.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[test]
fn a_changed_form_of_the_state_has_another_version() {
    let bytes = pieces(&rich().ledger);
    assert_eq!(
        (STATE_VERSION, bytes.len(), digest(&bytes)),
        (18, 3_707, 13_166_828_794_305_403_327),
        "the state's bytes changed: raise STATE_VERSION, then put the new figures here"
    );
}

#[test]
fn a_ledger_from_its_pieces_is_the_ledger() {
    let book = rich();
    assert!(restored(&book.ledger) == book.ledger);
    assert!(restored(&Ledger::default()) == Ledger::default());
}

#[test]
fn a_part_of_a_ledger_folds_and_tells_what_was_added() {
    let book = rich();
    let customer = id("c").parse().expect("an id");
    let mut part = Ledger::of_book(&book.ledger.book_piece()).expect("a book");
    let piece = book.ledger.customer_piece(customer, Vec::new()).expect("registered");
    assert_eq!(part.put_customer(&piece), Ok(customer));
    assert_eq!(part.put_customer(&piece), Err(StateError::Customers));
    assert_eq!(part.customer(customer), book.ledger.customer(customer));
    assert_eq!(part.due(customer), book.ledger.due(customer));
    assert!(part.taken_piece().is_empty() && part.names_piece().is_empty());
}

#[test]
fn bytes_that_are_no_state_are_refused() {
    let ledger = rich().ledger;
    let book = ledger.book_piece();
    let malformed = |what| Err(StateError::Malformed { what });
    assert_eq!(Ledger::of_book(&book[1..]).map(|_| ()), malformed("the book"));
    assert_eq!(
        Ledger::of_book(&[book.as_slice(), &[0]].concat()).map(|_| ()),
        malformed("the book")
    );
    let mut loader = Loader::new(&book, 1).expect("a book");
    assert_eq!(loader.put_customer(0, &[1, 2, 3]), malformed("a customer"));
    assert_eq!(loader.put_customer(1, &[]), Err(StateError::Customers));
    assert_eq!(loader.add_names(&[9]), malformed("the names"));
    assert_eq!(loader.finish().map(|_| ()), Err(StateError::Customers));
}
