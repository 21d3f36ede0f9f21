//! The register of invoices.

use projections::Invoices;
use schemas::Minor;
use schemas::event::{
    CreditNoteIssued, InvoiceVoided, LineRef, LineReversal, PaymentRefunded, PaymentReversed,
    RefundedTo,
};
use schemas::ids::{CreditNoteId, RefundId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::book::{
    Book, Folded, assert_refused, customer, date, eur, invoice, minor, part, payment, point,
};

fn get(folded: &Folded, n: u128) -> Value {
    folded.get("get", &json!({"invoice": invoice(n)}).to_string())["data"].clone()
}

fn state(folded: &Folded, n: u128) -> (String, i64) {
    let document = &get(folded, n)["invoice"];
    (document["status"].as_str().expect("a status").to_owned(), minor(&document["balance_due"]))
}

fn reversal(line: u32, net: i64) -> LineReversal {
    LineReversal {
        line,
        net: Minor(net),
        tax: Minor::ZERO,
        recognised: Minor(net),
        unrecognised: Minor::ZERO,
        kept: Minor::ZERO,
        amended: None,
    }
}

fn three_invoices() -> Book {
    let mut book = Book::opened("2026-01-01");
    book.customer("2026-01-01", 1);
    book.customer("2026-01-01", 2);
    book.invoice("2026-01-10", 1, 1, vec![point(1, 3, 99_00, "2026-01-10")]);
    book.invoice("2026-01-10", 2, 2, vec![point(1, 2, 0, "2026-01-10")]);
    book.invoice("2026-02-01", 1, 3, vec![point(1, 1, 50_00, "2026-02-01")]);
    book
}

#[test]
fn an_invoice_is_found_by_id_by_external_id_and_by_number() {
    let folded = three_invoices().fold::<Invoices>(100);
    let by_id = get(&folded, 3);
    assert_eq!(by_id["invoice"]["total"]["amount"], "50.00");
    assert_eq!(by_id["lines"][0]["quantity"], "1");
    assert_eq!(folded.get("get", r#"{"external_id":"x3"}"#)["data"], by_id);
    assert_eq!(folded.get("get", r#"{"number":"INV-000003"}"#)["data"], by_id);
    assert_eq!(folded.get("get", r#"{"number":"INV-000003"}"#)["time"], "2026-02-01T00:00:00Z");
    assert_refused(&folded, "get", r#"{"external_id":"x4"}"#, "not_found", None);
}

#[test]
fn an_invoice_goes_from_open_over_partially_paid_to_paid_and_back() {
    let mut book = three_invoices();
    assert_eq!(state(&book.fold::<Invoices>(9), 1), ("open".to_owned(), 99_00));
    assert_eq!(state(&book.fold::<Invoices>(9), 2), ("paid".to_owned(), 0));
    book.payment("2026-02-02", 1, 1, 40_00, &[part(1, 40_00)]);
    assert_eq!(state(&book.fold::<Invoices>(9), 1), ("partially_paid".to_owned(), 59_00));
    book.payment("2026-02-03", 1, 2, 59_00, &[part(1, 59_00)]);
    assert_eq!(state(&book.fold::<Invoices>(9), 1), ("paid".to_owned(), 0));
    let reversal = PaymentReversed {
        payment: payment(1),
        amount: Minor(40_00).of(eur()),
        posting_date: date("2026-02-04"),
        reopened: vec![part(1, 40_00)],
        credit_withdrawn: Minor::ZERO,
        credit_unapplied: Vec::new(),
        reason: "no funds".parse().expect("a label"),
    };
    book.event("2026-02-04", 1, reversal);
    assert_eq!(state(&book.fold::<Invoices>(9), 1), ("partially_paid".to_owned(), 40_00));
    let refund = PaymentRefunded {
        refund: RefundId::new(Uuid::from_u128(1)),
        payment: payment(2),
        amount: Minor(59_00).of(eur()),
        posting_date: date("2026-02-05"),
        effect: RefundedTo::Reopened,
        reopened: vec![part(1, 59_00)],
        credit_unapplied: Vec::new(),
        swapped: Vec::new(),
        from_credit: Minor::ZERO,
        reason: "goodwill".parse().expect("a label"),
    };
    book.event("2026-02-05", 1, refund);
    let folded = book.fold::<Invoices>(9);
    assert_eq!(state(&folded, 1), ("open".to_owned(), 99_00));
    let settlement = get(&folded, 1)["settlement"].clone();
    let kinds: Vec<&str> =
        settlement.as_array().expect("a list").iter().filter_map(|s| s["kind"].as_str()).collect();
    assert_eq!(kinds, ["payment", "payment", "payment_reversed", "refund"]);
}

#[test]
fn overdue_is_reckoned_from_the_day_asked_for() {
    let folded = three_invoices().fold::<Invoices>(9);
    let overdue = |day: &str| {
        let body = json!({"status": "overdue", "as_of": day}).to_string();
        folded.pages("list", &body).concat().len()
    };
    // Due on 2026-02-09 and on 2026-03-03; the invoice of 0.00 is never overdue.
    assert_eq!((overdue("2026-02-09"), overdue("2026-02-10")), (0, 1));
    assert_eq!((overdue("2026-03-03"), overdue("2026-03-04")), (1, 2));
}

#[test]
fn credit_notes_credit_lines_and_voids_show_on_the_lines_that_they_credit() {
    let mut book = three_invoices();
    let note = CreditNoteIssued {
        note: CreditNoteId::new(Uuid::from_u128(1)),
        invoice: invoice(1),
        currency: eur(),
        series: "CN".parse().expect("a code"),
        sequence: 1,
        number: "CN-1".parse().expect("a code"),
        document_date: date("2026-02-01"),
        posting_date: date("2026-02-01"),
        lines: vec![reversal(1, 9_00)],
        total: Minor(9_00),
        credits: Vec::new(),
        to_credit: Minor::ZERO,
        released: Vec::new(),
        refund: None,
    };
    book.event("2026-02-01", 1, note);
    let mut credit = point(1, 1, -10_00, "2026-02-02");
    credit.credits = Some(LineRef { invoice: invoice(1), line: 1 });
    let charge = point(2, 1, 30_00, "2026-02-02");
    book.invoice("2026-02-02", 1, 4, vec![credit, charge]);
    let folded = book.fold::<Invoices>(9);
    assert_eq!(state(&folded, 1), ("open".to_owned(), 90_00));
    assert_eq!(minor(&get(&folded, 1)["lines"][0]["credited"]), 19_00);
    let void = InvoiceVoided {
        invoice: invoice(4),
        currency: eur(),
        posting_date: date("2026-02-03"),
        lines: vec![reversal(1, -10_00), reversal(2, 30_00)],
        receivable: Minor(20_00),
        released: Vec::new(),
        credit_withdrawn: Minor::ZERO,
        rebill: false,
        returned: Vec::new(),
        reason: "by mistake".parse().expect("a label"),
    };
    book.event("2026-02-03", 1, void);
    let folded = book.fold::<Invoices>(9);
    assert_eq!(state(&folded, 4), ("voided".to_owned(), 0));
    assert_eq!(get(&folded, 4)["void_reason"], "by mistake");
    assert_eq!(minor(&get(&folded, 1)["lines"][0]["credited"]), 9_00);
    let summary = folded.get("summary", "{}")["data"][0].clone();
    assert_eq!((summary["invoices"].clone(), summary["voided"].clone()), (json!(3), json!(1)));
    assert_eq!(minor(&summary["total"]), 149_00);
}

#[test]
fn summaries_count_units_and_invoices_of_zero_by_month_and_by_status() {
    let mut book = three_invoices();
    book.payment("2026-02-02", 1, 1, 99_00, &[part(1, 99_00)]);
    let folded = book.fold::<Invoices>(1);
    let all = folded.get("summary", "")["data"].clone();
    assert_eq!(all.as_array().map(Vec::len), Some(1));
    assert_eq!((all[0]["invoices"].clone(), all[0]["units"].clone()), (json!(3), json!("6")));
    assert_eq!((minor(&all[0]["total"]), minor(&all[0]["open"])), (149_00, 50_00));
    assert_eq!(all[0]["zero_value"], 1);
    let months = folded.get("summary", r#"{"group_by":"month"}"#)["data"].clone();
    assert_eq!(months[0]["month"], "2026-01-01");
    assert_eq!(months[1]["total"]["amount"], "50.00");
    let statuses = folded.get("summary", r#"{"group_by":"status"}"#)["data"].clone();
    assert_eq!(
        (statuses[0]["status"].clone(), statuses[1]["status"].clone()),
        (json!("open"), json!("paid"))
    );
    assert_eq!(statuses[1]["invoices"], 2);
    let body = json!({"customer": customer(1), "to": "2026-01-31"}).to_string();
    assert_eq!(folded.get("summary", &body)["data"][0]["invoices"], 1);
}

#[test]
fn long_lists_lie_in_chunks_and_nothing_is_lost() {
    let mut book = Book::opened("2026-01-01");
    book.customer("2026-01-01", 1);
    for n in 0..600 {
        book.invoice("2026-01-10", 1, n, vec![point(1, 1, 100_00, "2026-01-10")]);
    }
    for n in 0..40 {
        book.payment("2026-01-11", 1, n, 1_00, &[part(3, 1_00)]);
    }
    let folded = book.fold::<Invoices>(7);
    assert_eq!(state(&folded, 3), ("partially_paid".to_owned(), 60_00));
    assert_eq!(get(&folded, 3)["settlement"].as_array().map(Vec::len), Some(40));
    for body in [json!({"limit": 70}), json!({"limit": 70, "customer": customer(1)})] {
        for order in ["newest_first", "oldest_first"] {
            let mut body = body.clone();
            body["order"] = json!(order);
            let pages = folded.pages("list", &body.to_string());
            assert_eq!(pages.len(), 9);
            let mut numbers: Vec<String> =
                pages.concat().iter().map(|row| row["number"].to_string()).collect();
            let sorted = if order == "newest_first" {
                numbers.reverse();
                numbers.is_sorted()
            } else {
                numbers.is_sorted()
            };
            numbers.dedup();
            assert!(sorted && numbers.len() == 600);
        }
    }
}

#[test]
fn a_page_goes_on_behind_the_last_item_although_the_book_changed() {
    let mut book = three_invoices();
    let first = book.fold::<Invoices>(9).get("list", r#"{"limit":2,"order":"oldest_first"}"#);
    book.invoice("2026-01-05", 1, 4, vec![point(1, 1, 1, "2026-01-05")]);
    book.invoice("2026-02-20", 1, 5, vec![point(1, 1, 1, "2026-02-20")]);
    let body = json!({"limit": 2, "order": "oldest_first", "after": first["next"]}).to_string();
    let second = book.fold::<Invoices>(9).get("list", &body);
    let numbers = |page: &Value| -> Vec<Value> {
        page["data"].as_array().expect("a list").iter().map(|row| row["number"].clone()).collect()
    };
    assert_eq!(numbers(&first), ["INV-000001", "INV-000002"]);
    assert_eq!(numbers(&second), ["INV-000003", "INV-000005"]);
}

#[test]
fn many_lines_are_given_in_parts() {
    let mut book = Book::opened("2026-01-01");
    book.customer("2026-01-01", 1);
    let lines = (1..=150).map(|number| point(number, 1, 1, "2026-01-02")).collect();
    book.invoice("2026-01-02", 1, 1, lines);
    book.invoice("2026-01-02", 1, 2, vec![point(1, 1, 5, "2026-01-02")]);
    let folded = book.fold::<Invoices>(9);
    let first = get(&folded, 1);
    assert_eq!(first["lines"].as_array().map(Vec::len), Some(100));
    assert_eq!(
        (first["next_line"].clone(), first["invoice"]["line_count"].clone()),
        (json!(100), json!(150))
    );
    let body = json!({"invoice": invoice(1), "after_line": 100}).to_string();
    let rest = folded.get("get", &body)["data"].clone();
    assert_eq!(
        (rest["lines"].as_array().map(Vec::len), rest["next_line"].clone()),
        (Some(50), Value::Null)
    );
    assert_eq!(minor(&get(&folded, 2)["invoice"]["total"]), 5);
}

#[test]
fn what_cannot_be_asked_is_refused_with_a_pointer() {
    let folded = three_invoices().fold::<Invoices>(9);
    let refused = |name, body, code, pointer| assert_refused(&folded, name, body, code, pointer);
    refused("get", "{}", "malformed", Some(""));
    refused("get", r#"{"external_id":"x1","number":"INV-000001"}"#, "malformed", Some(""));
    refused("get", r#"{"invoice":"cus_1"}"#, "malformed", Some("/invoice"));
    refused("get", r#"{"number":"INV-000001","line_limit":501}"#, "malformed", Some("/line_limit"));
    refused("get", "not json", "malformed", None);
    refused("list", r#"{"limit":0}"#, "malformed", Some("/limit"));
    refused("list", r#"{"limit":501}"#, "malformed", Some("/limit"));
    refused("list", r#"{"status":"late"}"#, "malformed", Some("/status"));
    refused("list", r#"{"after":"zz"}"#, "malformed", Some("/after"));
    refused("list", r#"{"after":"00"}"#, "malformed", Some("/after"));
    refused("list", r#"{"from":"2026-02-02","to":"2026-02-01"}"#, "malformed", Some("/from"));
    refused("summary", r#"{"currency":"eur"}"#, "malformed", Some("/currency"));
    refused("summary", r#"{"group_by":"year"}"#, "malformed", Some("/group_by"));
    refused("sum", "{}", "unknown_subject", None);
    let unknown = folded.ask("list", r#"{"costumer":"x"}"#).expect_err("unknown field");
    assert!(unknown.detail.contains("costumer"), "{}", unknown.detail);
    let next = folded.get("list", r#"{"limit":1}"#)["next"].clone();
    let body = json!({"limit": 1, "after": next, "status": "open"}).to_string();
    refused("list", &body, "malformed", Some("/after"));
}
