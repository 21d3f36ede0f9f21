//! Customers whom nobody looks at are packed, and nobody can see it.

mod support;

use ledger_core::{Ledger, Woken};
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

#[test]
fn a_customer_that_a_copy_unpacked_wakes_only_if_it_is_still_the_same() {
    // Given three customers at rest, and a copy of them
    let (mut book, customers) = with_customers(3);
    for customer in &customers {
        book.ledger.rest_one(*customer);
    }
    assert_eq!(book.ledger.awake(), 0);
    let copy = book.ledger.copy_many(customers.iter().copied());
    for customer in &customers[..2] {
        assert_eq!(copy.customer(*customer), book.ledger.clone().customer(*customer));
    }
    assert!(book.ledger.rests(customers[0]), "who looks at a copy wakes nobody here");
    // When one of them changes
    let body = json!({"customer": customers[1], "purchase_order": "PO 7"});
    book.given("customer.update", body);
    let before = book.ledger.clone();
    assert_eq!(book.ledger.awake(), 1);
    // Then of the two that were looked at the other one wakes, and nobody becomes another.
    let woken = copy.into_woken();
    assert_eq!(woken.iter().map(Woken::id).collect::<Vec<_>>(), customers[..2]);
    for one in woken {
        book.ledger.wake(one);
    }
    assert_eq!(book.ledger.awake(), 2);
    assert!(!book.ledger.rests(customers[0]) && book.ledger.rests(customers[2]));
    assert!(book.ledger == before);
}

#[test]
fn who_pays_for_others_is_not_decided_on_elsewhere() {
    let (mut book, customers) = with_customers(2);
    let body = json!({
        "customer": id("child"), "entity": id("e"), "name": "Child", "currency": "EUR",
        "zone": "UTC", "parent": customers[0],
    });
    book.given("customer.register", body);
    let all: Vec<_> = book.ledger.customers().collect();
    let copy = book.ledger.copy_many(all.iter().copied());
    let copied: Vec<_> = copy.customers().collect();
    assert!(copied.contains(&customers[1]) && !copied.contains(&customers[0]));
    assert_eq!(copied.len(), all.len() - 2, "the child is not copied either");
}
