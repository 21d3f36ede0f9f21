//! Lines are explained by the events that they name, read back from the log.

use std::collections::BTreeSet;

use event_log::{Damage, Fault, LogReader, ReadError};
use projections::{Commits, EachCommit, Invoices, Projectors, ViewName};
use schemas::event::{
    ChargeAdded, CreditNoteIssued, DiscountApplied, DiscountBasis, DiscountPart, EventAt,
    InvoiceLine, InvoiceVoided, LineRef, LineReversal,
};
use schemas::ids::{ChargeId, CreditNoteId, DiscountId};
use schemas::terms::{DiscountDuration, DiscountTarget, DiscountValue};
use schemas::{Event, Fraction, Minor, StreamId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::book::{Book, Folded, customer, date, eur, finalized, invoice, point};
use crate::runtime::{LONG, ask};

fn discount(n: u128) -> DiscountId {
    DiscountId::new(Uuid::from_u128(0xd0_0000 + n))
}

fn charge(n: u128) -> Event {
    let charge = ChargeAdded {
        charge: ChargeId::new(Uuid::from_u128(n)),
        description: "a thing".parse().expect("a label"),
        currency: eur(),
        quantity: 1_u32.into(),
        unit_price: None,
        exact: Fraction::whole(100_00),
        gross: Minor(100_00),
        service: None,
        subscription: None,
        price: None,
        early_termination: false,
    };
    charge.into()
}

fn given(n: u128) -> Event {
    let applied = DiscountApplied {
        discount: discount(n),
        on: DiscountTarget::Customer,
        value: DiscountValue::Percent(10_u32.into()),
        duration: DiscountDuration::Forever,
        coupon: None,
        first_cycles: Vec::new(),
        item: None,
    };
    applied.into()
}

/// A line of 90.00 for a charge, less a discount of ten percent.
fn line(number: u32, charge: EventAt, given: EventAt) -> InvoiceLine {
    let mut line = point(number, 1, 90_00, "2026-02-01");
    line.gross = Minor(100_00);
    line.discounts = vec![DiscountPart {
        discount: discount(1),
        exact: Fraction::whole(10_00),
        amount: Minor(10_00),
        basis: DiscountBasis::Percent { percent: 10_u32.into(), of: Minor(100_00) },
        cycle: None,
        given,
    }];
    line.origin.charge = Some(charge);
    line
}

/// A discount at position 3, a charge at 4; at 5 another charge and an invoice of both.
fn a_book() -> Book {
    let mut book = Book::opened("2026-01-01");
    book.customer("2026-01-01", 1);
    let given = book.event("2026-01-10", 1, given(1));
    let added = book.event("2026-01-11", 1, charge(1));
    let given = EventAt::at(given, 0);
    let lines = vec![line(1, EventAt::at(added, 0), given), line(2, EventAt::here(0), given)];
    let issued = finalized("2026-02-01", 1, lines);
    let events = vec![charge(2), issued.into()];
    book.commit("2026-02-01", StreamId::Customer(customer(1)), events);
    book
}

fn explained(folded: &Folded, n: u128) -> Value {
    folded.get("explain", &json!({"invoice": invoice(n)}).to_string())["data"].clone()
}

/// Role, place and type of the events of a line.
fn events(line: &Value) -> Vec<String> {
    let events = line["events"].as_array().expect("events").iter();
    let place =
        |id: &Value| id.as_str().expect("a text").split_once(':').expect("a place").1.to_owned();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    events
        .map(|by| {
            let event = &by["event"];
            format!("{} {} {}", text(&by["role"]), place(&event["id"]), text(&event["type"]))
        })
        .collect()
}

#[test]
fn a_line_names_its_events_also_those_of_its_own_commit() {
    let explained = explained(&a_book().fold::<Invoices>(2), 1);
    assert_eq!(
        events(&explained["lines"][0]),
        [
            "discount 3:0 discount.applied",
            "charge 4:0 charge.added",
            "invoice 5:1 invoice.finalized"
        ]
    );
    assert_eq!(
        events(&explained["lines"][1]),
        [
            "discount 3:0 discount.applied",
            "charge 5:0 charge.added",
            "invoice 5:1 invoice.finalized"
        ]
    );
    let given = &explained["lines"][0]["discounts"][0];
    assert_eq!(given["applied"]["value"], json!({"percent": "10"}));
    assert_eq!(given["event"]["recorded_at"], "2026-01-10T00:00:00Z");
    assert_eq!(explained["issued_by"]["recorded_at"], "2026-02-01T00:00:00Z");
}

#[test]
fn a_projector_reads_them_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let book = a_book();
    let log = folder.path().join("log");
    let _writer = book.log(&log, 2);
    let views = folder.path().join("views");
    let open = || LogReader::open(&log);
    let projectors = Projectors::start(open, &views, &[ViewName::Invoices]).expect("starts");
    assert!(projectors.wait_for(book.commits.len() as u64, LONG));
    let body = json!({"invoice": invoice(1)}).to_string();
    let answer = ask(&projectors, "invoices", "explain", &body, None).expect("answers");
    assert_eq!(answer, book.fold::<Invoices>(2).get("explain", &body));
}

fn credit(n: u128, of: LineRef, net: i64) -> Event {
    let mut credit = point(1, 1, net, "2026-03-01");
    credit.credits = Some(of);
    finalized("2026-03-01", n, vec![credit]).into()
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

fn note(of: LineRef, net: i64) -> Event {
    let note = CreditNoteIssued {
        note: CreditNoteId::new(Uuid::from_u128(1)),
        invoice: of.invoice,
        currency: eur(),
        series: "CN".parse().expect("a code"),
        sequence: 1,
        number: "CN-1".parse().expect("a code"),
        document_date: date("2026-03-01"),
        posting_date: date("2026-03-01"),
        lines: vec![reversal(of.line, net)],
        total: Minor(net),
        credits: Vec::new(),
        to_credit: Minor::ZERO,
        released: Vec::new(),
        refund: None,
    };
    note.into()
}

fn void(n: u128, net: i64) -> Event {
    let void = InvoiceVoided {
        invoice: invoice(n),
        currency: eur(),
        posting_date: date("2026-03-02"),
        lines: vec![reversal(1, net)],
        receivable: Minor::ZERO,
        released: Vec::new(),
        credit_withdrawn: Minor(-net),
        rebill: false,
        returned: Vec::new(),
        reason: "by mistake".parse().expect("a label"),
    };
    void.into()
}

/// Net amounts that were credited before the first line of an invoice.
fn before(folded: &Folded, n: u128) -> Vec<i64> {
    let explained = explained(folded, n);
    let before = explained["lines"][0]["credited"]["before"].as_array().expect("a list").clone();
    before.iter().map(|one| one["net"].as_i64().expect("an amount")).collect()
}

#[test]
fn what_was_credited_before_is_told_as_it_stood_then() {
    let of = LineRef { invoice: invoice(1), line: 1 };
    let mut book = a_book();
    book.event("2026-03-01", 1, credit(2, of, -5_00));
    book.event("2026-03-01", 1, note(of, 7_00));
    book.event("2026-03-01", 1, credit(3, of, -9_00));
    let folded = book.fold::<Invoices>(2);
    assert_eq!((before(&folded, 2), before(&folded, 3)), (vec![], vec![-5_00, -7_00]));
    let told = explained(&folded, 3);
    // The discount of the credited line is found where that line's invoice says.
    assert_eq!(told["lines"][0]["discounts"][0]["applied"]["discount"], json!(discount(1)));
    book.event("2026-03-02", 1, void(2, -5_00));
    book.event("2026-03-03", 1, credit(4, of, -1_00));
    let folded = book.fold::<Invoices>(2);
    assert_eq!(explained(&folded, 3), told);
    assert_eq!(before(&folded, 4), [-7_00, -9_00]);
    let line = &explained(&folded, 4)["lines"][0];
    assert_eq!(
        line["credited"]["before"][0]["credit_note"],
        json!(CreditNoteId::new(Uuid::from_u128(1)))
    );
    assert_eq!(
        line["credited"]["before"][1]["line"],
        json!(LineRef { invoice: invoice(3), line: 1 })
    );
}

#[test]
fn a_page_of_lines_from_many_commits_ends_early_and_goes_on() {
    let mut book = Book::opened("2026-01-01");
    book.customer("2026-01-01", 1);
    let lines = (1..=700_u32).map(|number| {
        let added = book.event("2026-01-11", 1, charge(number.into()));
        let mut line = point(number, 1, 1, "2026-02-01");
        line.origin.charge = Some(EventAt::at(added, 0));
        line
    });
    let lines = lines.collect();
    book.invoice("2026-02-01", 1, 1, lines);
    let folded = book.fold::<Invoices>(90);
    let ask = |after: u64| {
        let body = json!({"invoice": invoice(1), "line_limit": 500, "after_line": after});
        let data = folded.get("explain", &body.to_string())["data"].clone();
        (data["lines"].as_array().map(Vec::len), data["next_line"].clone())
    };
    // The commit of the invoice is one of the 500.
    assert_eq!(ask(0), (Some(499), json!(499)));
    assert_eq!(ask(499), (Some(201), Value::Null));
}

/// A log that is gone.
struct Gone;

impl Commits for Gone {
    fn read(&self, _: &BTreeSet<u64>, _: &mut EachCommit<'_>) -> Result<(), ReadError> {
        Err(ReadError::NoLog { path: "gone".into() })
    }
}

/// A log that is damaged where the events lie.
struct Broken;

impl Commits for Broken {
    fn read(&self, _: &BTreeSet<u64>, _: &mut EachCommit<'_>) -> Result<(), ReadError> {
        let (file, fault) = ("log".into(), Fault::Chain);
        Err(ReadError::Corrupt(Damage { file, offset: 4_096, fault }))
    }
}

/// A log of other commits.
struct Empty;

impl Commits for Empty {
    fn read(&self, _: &BTreeSet<u64>, _: &mut EachCommit<'_>) -> Result<(), ReadError> {
        Ok(())
    }
}

#[test]
fn a_log_that_cannot_be_read_or_lacks_an_event_is_a_problem() {
    let folded = a_book().fold::<Invoices>(2);
    let body = json!({"invoice": invoice(1)}).to_string();
    let problem = folded.ask_with(&Gone, "explain", &body).expect_err("cannot be read");
    assert_eq!(problem.code, "unavailable");
    assert!(problem.detail.contains("gone"), "{}", problem.detail);
    let problem = folded.ask_with(&Broken, "explain", &body).expect_err("is damaged");
    assert_eq!((problem.code.as_str(), problem.retryable), ("log_damaged", false));
    let problem = folded.ask_with(&Empty, "explain", &body).expect_err("is not there");
    assert_eq!(problem.code, "internal");
    assert!(problem.detail.contains("verify the log"), "{}", problem.detail);
    assert!(folded.ask_with(&Gone, "get", &body).is_ok(), "others need no log");
}
