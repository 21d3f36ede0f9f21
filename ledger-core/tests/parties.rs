//! Sellers and customers are corrected; invoices say to whom, from whom and for which order.

#![allow(clippy::needless_pass_by_value, reason = "JSON is written where it is used")]

mod support;

use schemas::event::{CreditNoteIssued, EntityDefined, Event};
use serde_json::{Value, json};

use support::{TestBook, id, with};

fn series(code: &str, kind: &str, prefix: &str) -> Value {
    json!({"code": code, "kind": kind, "prefix": prefix, "digits": 5})
}

fn seller(book: &mut TestBook, series: Value) -> EntityDefined {
    let defined = book.given(
        "entity.define",
        json!({
            "entity": id("f"), "name": "Old Ltd", "zone": "UTC", "payment_terms_days": 30,
            "series": series,
        }),
    );
    defined.iter().find_map(Event::get).cloned().expect("it is defined")
}

fn correct(book: &mut TestBook, body: Value) -> Vec<&'static str> {
    let events = book.given("entity.update", with(json!({"entity": id("f")}), body));
    events.iter().map(|event| event.kind().name).collect()
}

fn buyer(book: &mut TestBook, more: Value) {
    let body = json!({
        "customer": id("c"), "entity": id("f"), "name": "Ada", "currency": "EUR",
    });
    book.given("customer.register", with(body, more));
}

fn update(book: &mut TestBook, body: Value) -> Vec<&'static str> {
    let events = book.given("customer.update", with(json!({"customer": id("c")}), body));
    events.iter().map(|event| event.kind().name).collect()
}

/// Charges something at once; the invoice is the last one.
fn charge(book: &mut TestBook, name: &str, request: Value) {
    book.given(
        "charge.add",
        json!({
            "customer": id("c"), "charge": id(name), "description": "Work",
            "price": {"total": {"amount": "10", "currency": "EUR"}}, "invoice": {"now": request},
        }),
    );
}

fn says(book: &TestBook) -> (Option<String>, Option<String>) {
    let last = book.invoices.last().expect("an invoice");
    let memo = last.memo.as_ref().and_then(|memo| memo.clear().map(str::to_owned));
    (memo, last.purchase_order.as_ref().map(ToString::to_string))
}

fn said(memo: Option<&str>, purchase_order: Option<&str>) -> (Option<String>, Option<String>) {
    (memo.map(str::to_owned), purchase_order.map(str::to_owned))
}

fn note(book: &mut TestBook, name: &str) -> CreditNoteIssued {
    let invoice = book.invoices.last().expect("an invoice").invoice;
    let issued = book.given(
        "credit_note.issue",
        json!({
            "customer": id("c"), "note": id(name), "invoice": invoice,
            "lines": [{"line": 1, "amount": {"amount": "1", "currency": "EUR"}}],
        }),
    );
    issued.iter().find_map(Event::get).cloned().expect("it is issued")
}

#[test]
fn a_series_for_notes_is_made_with_the_seller_and_collides_with_no_other() {
    for (given, made) in [
        (json!([series("inv", "invoice", "INV")]), "CN"),
        (json!([series("CN", "invoice", "INV")]), "CN2"),
        (json!([series("a", "invoice", "CN"), series("CN2", "historical", "B")]), "CN3"),
    ] {
        let mut book = TestBook::open();
        let defined = seller(&mut book, given);
        let last = defined.series.last().expect("one was made");
        assert_eq!((last.code.as_str(), last.prefix.as_str(), last.digits), (made, made, 5));
        buyer(&mut book, json!({}));
        charge(&mut book, "x", json!({}));
        assert_eq!(note(&mut book, "n").number.as_str(), format!("{made}-00001"));
    }
    let mut book = TestBook::open();
    let own = json!([series("inv", "invoice", "INV"), series("notes", "credit_note", "N")]);
    assert_eq!(seller(&mut book, own).series.len(), 2, "one of its own is enough");
}

#[test]
fn a_seller_is_corrected_for_documents_that_come() {
    let mut book = TestBook::open();
    seller(&mut book, json!([series("inv", "invoice", "INV")]));
    buyer(&mut book, json!({}));
    charge(&mut book, "x", json!({}));
    let address = json!({"lines": ["1 Main Street"], "city": "London", "country": "GB"});
    let body = json!({
        "name": "New Ltd", "address": address, "payment_terms_days": 14,
        "document_retention_years": 6, "tax_ids": [{"scheme": "gb_vat", "value": "GB123"}],
        "add_series": [series("b", "invoice", "B")], "default_series": ["b"],
    });
    let expected = [
        "entity.renamed",
        "entity.address_changed",
        "entity.terms_changed",
        "entity.tax_ids_changed",
        "entity.series_added",
        "entity.default_series_changed",
    ];
    assert_eq!(correct(&mut book, body.clone()), expected);
    let again = with(body, json!({"add_series": []}));
    assert_eq!(correct(&mut book, again), [""; 0], "it is so already");
    charge(&mut book, "y", json!({}));
    charge(&mut book, "z", json!({"series": "inv"}));
    let shown: Vec<_> = book
        .invoices
        .iter()
        .map(|invoice| {
            let city = invoice.seller.address.as_ref().map(|address| address.city.to_string());
            let due = invoice.due_date.days_since(invoice.document_date);
            (invoice.number.to_string(), invoice.seller.name.to_string(), city, due)
        })
        .collect();
    let expected = [
        ("INV-00001".to_owned(), "Old Ltd".to_owned(), None, 30),
        ("B-00001".to_owned(), "New Ltd".to_owned(), Some("London".to_owned()), 14),
        ("INV-00002".to_owned(), "New Ltd".to_owned(), Some("London".to_owned()), 14),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn terms_of_its_own_hold_until_a_customer_has_those_of_its_seller() {
    let mut book = TestBook::open();
    seller(&mut book, json!([series("inv", "invoice", "INV")]));
    buyer(&mut book, json!({"payment_terms_days": 7}));
    correct(&mut book, json!({"payment_terms_days": 14}));
    charge(&mut book, "x", json!({}));
    assert_eq!(
        update(&mut book, json!({"clear": ["payment_terms_days"]})),
        ["customer.terms_changed"]
    );
    charge(&mut book, "y", json!({}));
    let due = |at: usize| {
        let invoice = &book.invoices[at];
        invoice.due_date.days_since(invoice.document_date)
    };
    assert_eq!((due(0), due(1)), (7, 14));
}

#[test]
fn a_customer_is_corrected_and_its_documents_show_it_as_it_was() {
    let mut book = TestBook::open();
    seller(&mut book, json!([series("inv", "invoice", "INV")]));
    buyer(&mut book, json!({}));
    charge(&mut book, "x", json!({}));
    let address = json!({
        "lines": ["Hauptstraße 1", "3. Stock"], "postal_code": "10115", "city": "Berlin",
        "country": "DE",
    });
    let body = json!({
        "name": "Ada GmbH", "address": address,
        "tax_ids": [{"scheme": "eu_vat", "value": "DE123456789"}],
    });
    let events = ["customer.renamed", "customer.address_changed", "customer.tax_ids_changed"];
    assert_eq!(update(&mut book, body.clone()), events);
    assert_eq!(update(&mut book, body), [""; 0], "it is so already");
    charge(&mut book, "y", json!({}));
    update(&mut book, json!({"clear": ["address"], "tax_ids": []}));
    charge(&mut book, "z", json!({}));
    let shown: Vec<_> = book
        .invoices
        .iter()
        .map(|invoice| {
            let to = &invoice.bill_to;
            let country = to.address.as_ref().map(|address| address.country.to_string());
            (to.name.clear().map(str::to_owned), country, to.tax_ids.len())
        })
        .collect();
    let (ada, gmbh) = (Some("Ada".to_owned()), Some("Ada GmbH".to_owned()));
    let expected = [(ada, None, 0), (gmbh.clone(), Some("DE".to_owned()), 1), (gmbh, None, 0)];
    assert_eq!(shown, expected);
}

#[test]
fn memo_and_purchase_order_can_be_corrected_until_the_invoice_is_final() {
    let mut book = TestBook::open();
    seller(&mut book, json!([series("inv", "invoice", "INV")]));
    buyer(&mut book, json!({"purchase_order": "standing"}));
    charge(&mut book, "a", json!({}));
    assert_eq!(says(&book), said(None, Some("standing")));
    let annotate = |book: &mut TestBook, body: Value| {
        book.given("invoice.annotate", with(json!({"customer": id("c")}), body));
    };
    annotate(&mut book, json!({"memo": "wrong", "purchase_order": "16"}));
    annotate(&mut book, json!({"memo": "Thank you", "purchase_order": "17"}));
    charge(&mut book, "b", json!({}));
    assert_eq!(says(&book), said(Some("Thank you"), Some("17")));
    charge(&mut book, "d", json!({}));
    assert_eq!(says(&book), said(None, Some("standing")), "it was said of one invoice");
    // What an invoice is told by its own request holds, and what was said waits for the next.
    annotate(&mut book, json!({"memo": "Later", "purchase_order": "18"}));
    charge(&mut book, "f", json!({"memo": "Now", "purchase_order": "0"}));
    assert_eq!(says(&book), said(Some("Now"), Some("0")));
    charge(&mut book, "g", json!({}));
    assert_eq!(says(&book), said(Some("Later"), Some("18")));
    // What was said can be unsaid.
    annotate(&mut book, json!({"memo": "No"}));
    annotate(&mut book, json!({}));
    update(&mut book, json!({"clear": ["purchase_order"]}));
    charge(&mut book, "h", json!({}));
    assert_eq!(says(&book), said(None, None));
}
