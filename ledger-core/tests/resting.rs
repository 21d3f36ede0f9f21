//! Customers whom nobody looks at are packed, and nobody can see it.

mod support;

use ledger_core::Ledger;
use schemas::ids::CustomerId;
use serde_json::json;
use support::{TestBook, id};

/// Packs whom it may until so many are awake.
fn rest(ledger: &mut Ledger, most: usize) {
    for _ in 0..200 {
        ledger.rest(most);
    }
}

fn with_customers(count: usize) -> (TestBook, Vec<CustomerId>) {
    let mut book = TestBook::with_plans();
    for n in 0..count {
        let body = json!({
            "customer": id(&format!("customer {n}")), "entity": id("e"), "name": "One of many",
            "currency": "EUR", "zone": "UTC",
        });
        book.given("customer.register", body);
    }
    let customers = book.ledger.customers().collect();
    (book, customers)
}

#[test]
fn only_so_many_stay_awake_and_all_are_who_they_were() {
    // Given 500 customers
    let (mut book, customers) = with_customers(500);
    let before = book.ledger.clone();
    assert_eq!(book.ledger.awake(), customers.len());
    // When none of them was archived, none rests
    rest(&mut book.ledger, 100);
    assert_eq!(book.ledger.awake(), customers.len());
    // When they were, all but a hundred do
    for customer in &customers {
        book.ledger.archive(*customer);
    }
    rest(&mut book.ledger, 100);
    assert_eq!(book.ledger.awake(), 100);
    // Then nobody has become another
    assert!(book.ledger == before.archived());
    // And who is looked at wakes, and goes to rest again.
    for customer in &customers {
        assert_eq!(book.ledger.customer(*customer), before.archived().customer(*customer));
    }
    assert_eq!(book.ledger.awake(), customers.len());
    rest(&mut book.ledger, 7);
    assert_eq!(book.ledger.awake(), 7);
}

#[test]
fn as_many_go_to_rest_as_woke_however_many_that_are() {
    let (mut book, customers) = with_customers(1_000);
    for customer in &customers {
        book.ledger.archive(*customer);
    }
    rest(&mut book.ledger, 10);
    for _ in 0..5 {
        for customer in &customers[..900] {
            assert!(book.ledger.customer(*customer).is_some());
        }
        book.ledger.rest(10);
        assert!(book.ledger.awake() < 950, "{}", book.ledger.awake());
        rest(&mut book.ledger, 10);
        assert_eq!(book.ledger.awake(), 10);
    }
}

#[test]
fn who_takes_many_bytes_does_not_rest_and_is_not_counted() {
    let (mut book, customers) = with_customers(3);
    let eur = json!({"amount": "1.00", "currency": "EUR"});
    for n in 0..400 {
        let body = json!({
            "customer": id("customer 1"), "charge": id(&format!("charge {n}")),
            "description": "A note that is long enough to be told", "price": {"total": eur},
            "invoice": "next",
        });
        book.given("charge.add", body);
    }
    let before = book.ledger.clone();
    for customer in &customers {
        book.ledger.archive(*customer);
    }
    rest(&mut book.ledger, 0);
    assert_eq!(book.ledger.awake(), 0);
    assert!(book.ledger == before.archived());
    assert!(support::restored(&book.ledger) == book.ledger);
}
