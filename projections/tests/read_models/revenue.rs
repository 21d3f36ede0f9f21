//! Revenue by line and by day.

use projections::Revenue;
use schemas::Minor;
use schemas::event::{Amendment, CreditGranted, CreditNoteIssued, InvoiceVoided, LineReversal};
use schemas::ids::{CreditGrantId, CreditNoteId};
use schemas::terms::{GrantKind, LotScope};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::book::{Book, Folded, assert_refused, date, eur, invoice, minor, point, straight};

fn a_quarter() -> Book {
    let mut book = Book::opened("2026-01-01");
    book.customer("2026-01-01", 1);
    // 90 days: 31, 28 and 31 of them in each month.
    let lines = vec![straight(1, 90_00, "2026-01-01/2026-04-01"), point(2, 1, 5_00, "2026-02-10")];
    book.invoice("2026-01-01", 1, 1, lines);
    book
}

fn line(folded: &Folded, number: u32, through: &str) -> [i64; 3] {
    let body = json!({"invoice": invoice(1), "line": number, "through": through}).to_string();
    let line = folded.get("get", &body)["data"]["lines"][0].clone();
    ["recognised", "contra", "deferred"].map(|field| minor(&line[field]))
}

fn month(folded: &Folded, number: usize) -> [i64; 5] {
    let month = folded.get("waterfall", "{}")["data"][0]["months"][number].clone();
    ["billed", "recognised", "contra", "released", "deferred"].map(|field| minor(&month[field]))
}

#[test]
fn a_line_is_earned_day_by_day_and_a_point_on_its_day() {
    let folded = a_quarter().fold::<Revenue>(9);
    assert_eq!(line(&folded, 1, "2025-12-31"), [0, 0, 0]);
    assert_eq!(line(&folded, 1, "2026-01-01"), [1_00, 0, 89_00]);
    assert_eq!(line(&folded, 1, "2026-03-31"), [90_00, 0, 0]);
    assert_eq!(line(&folded, 2, "2026-02-09"), [0, 0, 5_00]);
    assert_eq!(line(&folded, 2, "2026-02-10"), [5_00, 0, 0]);
    let body = json!({"invoice": invoice(1), "through": "2026-02-28"}).to_string();
    let data = folded.get("get", &body)["data"].clone();
    assert_eq!((minor(&data["recognised"]), minor(&data["deferred"])), (64_00, 31_00));
    let months = data["lines"][0]["months"].as_array().expect("months").clone();
    let months: Vec<i64> = months.iter().map(|month| minor(&month["recognised"])).collect();
    assert_eq!(months, [31_00, 28_00, 31_00]);
}

#[test]
fn the_waterfall_falls_from_billed_to_nothing_deferred() {
    let folded = a_quarter().fold::<Revenue>(9);
    assert_eq!(month(&folded, 0), [95_00, 31_00, 0, 0, 64_00]);
    assert_eq!(month(&folded, 1), [0, 33_00, 0, 0, 31_00]);
    assert_eq!(month(&folded, 2), [0, 31_00, 0, 0, 0]);
    let february = r#"{"from":"2026-02-01","to":"2026-02-28"}"#;
    let one = folded.get("waterfall", february)["data"][0].clone();
    assert_eq!((minor(&one["opening_deferred"]), minor(&one["closing_deferred"])), (64_00, 31_00));
    let some = folded.get("recognized", r#"{"from":"2026-01-31","to":"2026-02-01"}"#);
    assert_eq!(minor(&some["data"][0]["recognised"]), 2_00);
}

#[test]
fn a_void_takes_back_what_was_earned_and_stops_the_rest() {
    let mut book = a_quarter();
    let reversal = |line, net, recognised| LineReversal {
        line,
        net: Minor(net),
        tax: Minor::ZERO,
        recognised: Minor(recognised),
        unrecognised: Minor(net - recognised),
        kept: Minor::ZERO,
        amended: None,
    };
    let void = InvoiceVoided {
        invoice: invoice(1),
        currency: eur(),
        posting_date: date("2026-02-01"),
        lines: vec![reversal(1, 90_00, 31_00), reversal(2, 5_00, 0)],
        receivable: Minor(95_00),
        released: Vec::new(),
        credit_withdrawn: Minor::ZERO,
        rebill: false,
        returned: Vec::new(),
        reason: "by mistake".parse().expect("a label"),
    };
    book.event("2026-02-01", 1, void);
    let folded = book.fold::<Revenue>(9);
    assert_eq!(line(&folded, 1, "2026-01-31"), [31_00, 0, 59_00]);
    assert_eq!(line(&folded, 1, "2026-02-01"), [31_00, 31_00, 0]);
    assert_eq!(line(&folded, 2, "2026-03-31"), [0, 0, 0]);
    assert_eq!(month(&folded, 0), [95_00, 31_00, 0, 0, 64_00]);
    assert_eq!(month(&folded, 1), [0, 0, 31_00, 64_00, 0]);
    let totals = folded.get("waterfall", "{}")["data"][0].clone();
    assert_eq!(minor(&totals["recognised"]), minor(&totals["contra"]));
}

#[test]
fn a_credit_note_amends_what_is_left_to_be_earned() {
    let mut book = a_quarter();
    // 45.00 of 90.00 are credited after 31 days: 15.50 of them were earned, 29.50 were not.
    let reversal = LineReversal {
        line: 1,
        net: Minor(45_00),
        tax: Minor::ZERO,
        recognised: Minor(15_50),
        unrecognised: Minor(29_50),
        kept: Minor(15_50),
        amended: Some(Amendment {
            service: "2026-02-01/2026-04-01".parse().expect("an interval"),
            amount: Minor(29_50),
        }),
    };
    let note = CreditNoteIssued {
        note: CreditNoteId::new(Uuid::from_u128(1)),
        invoice: invoice(1),
        currency: eur(),
        series: "CN".parse().expect("a code"),
        sequence: 1,
        number: "CN-1".parse().expect("a code"),
        document_date: date("2026-02-01"),
        posting_date: date("2026-02-01"),
        lines: vec![reversal],
        total: Minor(45_00),
        credits: Vec::new(),
        to_credit: Minor::ZERO,
        released: Vec::new(),
        refund: None,
    };
    book.event("2026-02-01", 1, note);
    let folded = book.fold::<Revenue>(9);
    assert_eq!(line(&folded, 1, "2026-02-01"), [31_50, 15_50, 29_00]);
    assert_eq!(line(&folded, 1, "2026-03-31"), [60_50, 15_50, 0]);
    let closing = folded.get("waterfall", "{}")["data"][0]["closing_deferred"].clone();
    assert_eq!(minor(&closing), 0);
}

#[test]
fn granted_credit_is_contra_and_a_negative_line_is_earned_downward() {
    let mut book = a_quarter();
    book.invoice("2026-02-01", 1, 2, vec![straight(1, -28_00, "2026-02-01/2026-03-01")]);
    let grant = CreditGranted {
        grant: CreditGrantId::new(Uuid::from_u128(1)),
        amount: Minor(3_00).of(eur()),
        kind: GrantKind::Goodwill,
        refundable: false,
        scope: LotScope::Customer,
        priority: 0,
        expires: None,
        posting_date: date("2026-02-02"),
        reason: "sorry".parse().expect("a label"),
    };
    book.event("2026-02-02", 1, grant);
    let folded = book.fold::<Revenue>(9);
    assert_eq!(month(&folded, 1), [-28_00, 5_00, 3_00, 0, 31_00]);
}

#[test]
fn what_cannot_be_asked_is_refused_with_a_pointer() {
    let folded = a_quarter().fold::<Revenue>(9);
    let refused = |name, body: &str, code, pointer| {
        assert_refused(&folded, name, body, code, pointer);
    };
    refused("get", "{}", "malformed", Some(""));
    refused("get", &json!({"invoice": invoice(9)}).to_string(), "not_found", None);
    refused("get", &json!({"invoice": invoice(1), "line": 9}).to_string(), "not_found", None);
    refused(
        "get",
        &json!({"invoice": invoice(1), "through": "x"}).to_string(),
        "malformed",
        Some("/through"),
    );
    refused("waterfall", r#"{"currency":"XXX"}"#, "malformed", Some("/currency"));
    refused("waterfall", r#"{"from":"2026-02-02","to":"2026-02-01"}"#, "malformed", Some("/from"));
    refused("recognized", r#"{"to":"2026-02-30"}"#, "malformed", Some("/to"));
    refused("recognised", "{}", "unknown_subject", None);
    assert_eq!(folded.get("waterfall", r#"{"currency":"USD"}"#)["data"], Value::Array(Vec::new()));
}
