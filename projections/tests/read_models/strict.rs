//! An event that names what was never made stops the reader, with the position and the name.

use std::time::Instant;

use event_log::LogReader;
use projections::{Balances, FoldError, Invoices, Projection, Projectors, Revenue, ViewName};
use schemas::event::{
    CreditNoteIssued, InvoiceVoided, LineRef, LineReversal, PaymentRefunded, PaymentReversed,
    RefundedTo,
};
use schemas::ids::{CreditNoteId, RefundId};
use schemas::{Event, Minor};
use uuid::Uuid;

use crate::book::{Book, customer, date, eur, finalized, invoice, part, payment, point};
use crate::runtime::{LONG, ask};

const DAY: &str = "2026-02-01";

/// Customer 1 has invoice 1 with one line of 99.00, of which payment 1 settles 40.00.
fn a_book() -> Book {
    let mut book = Book::opened("2026-01-01");
    book.customer("2026-01-01", 1);
    book.customer("2026-01-01", 2);
    book.invoice("2026-01-10", 1, 1, vec![point(1, 1, 99_00, "2026-01-10")]);
    book.payment("2026-01-11", 1, 1, 40_00, &[part(1, 40_00)]);
    book
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

fn note(n: u128, line: u32) -> Event {
    let note = CreditNoteIssued {
        note: CreditNoteId::new(Uuid::from_u128(1)),
        invoice: invoice(n),
        currency: eur(),
        series: "CN".parse().expect("a code"),
        sequence: 1,
        number: "CN-1".parse().expect("a code"),
        document_date: date(DAY),
        posting_date: date(DAY),
        lines: vec![reversal(line, 9_00)],
        total: Minor(9_00),
        credits: Vec::new(),
        to_credit: Minor::ZERO,
        released: Vec::new(),
        refund: None,
    };
    note.into()
}

fn void(n: u128, line: u32) -> Event {
    let void = InvoiceVoided {
        invoice: invoice(n),
        currency: eur(),
        posting_date: date(DAY),
        lines: vec![reversal(line, 59_00)],
        receivable: Minor(59_00),
        released: Vec::new(),
        credit_withdrawn: Minor::ZERO,
        rebill: false,
        returned: Vec::new(),
        reason: "by mistake".parse().expect("a label"),
    };
    void.into()
}

fn reversed(n: u128, of: u128) -> Event {
    let reversal = PaymentReversed {
        payment: payment(n),
        amount: Minor(40_00).of(eur()),
        posting_date: date(DAY),
        reopened: vec![part(of, 40_00)],
        credit_withdrawn: Minor::ZERO,
        credit_unapplied: Vec::new(),
        reason: "no funds".parse().expect("a label"),
    };
    reversal.into()
}

fn refunded(n: u128, amount: i64) -> Event {
    let refund = PaymentRefunded {
        refund: RefundId::new(Uuid::from_u128(1)),
        payment: payment(n),
        amount: Minor(amount).of(eur()),
        posting_date: date(DAY),
        effect: RefundedTo::Reopened,
        reopened: vec![part(1, amount)],
        credit_unapplied: Vec::new(),
        swapped: Vec::new(),
        from_credit: Minor::ZERO,
        reason: "goodwill".parse().expect("a label"),
    };
    refund.into()
}

fn crediting(n: u128, line: u32) -> Event {
    let mut credit = point(1, 1, -10_00, DAY);
    credit.credits = Some(LineRef { invoice: invoice(n), line });
    finalized(DAY, 7, vec![credit]).into()
}

/// What stops the read model at the event of customer `of`; nothing if it has no use for the name.
fn stops<P: Projection>(of: u128, event: &Event) -> Option<String> {
    let mut book = a_book();
    let position = book.event(DAY, of, event.clone());
    match book.try_fold::<P>(3) {
        Ok(_) => None,
        Err(FoldError::Unknown { position: at, what }) => {
            assert_eq!(at, position, "{what}");
            Some(what)
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_name_that_no_commit_made_stops_each_read_model_that_keeps_such_things() {
    let line = |n: u128, line: u32| format!("line {line} of {}", invoice(n));
    let unknown = |n: u128| invoice(n).to_string();
    let cases: [(u128, Event, String, [bool; 3]); 10] = [
        (1, note(1, 9), line(1, 9), [true, true, true]),
        (1, note(5, 1), unknown(5), [true, true, true]),
        (1, void(1, 9), line(1, 9), [true, true, true]),
        (1, void(5, 1), unknown(5), [true, true, true]),
        // It is another customer's.
        (2, void(1, 1), unknown(1), [true, false, true]),
        (1, crediting(1, 9), line(1, 9), [true, false, false]),
        (1, crediting(5, 1), unknown(5), [true, false, false]),
        (1, reversed(5, 1), payment(5).to_string(), [false, false, true]),
        (
            1,
            refunded(1, 41_00),
            format!("100 of {} on {}", payment(1), invoice(1)),
            [false, false, true],
        ),
        (3, finalized(DAY, 7, vec![]).into(), customer(3).to_string(), [false, false, true]),
    ];
    for (of, event, what, stopped) in cases {
        let found = [
            stops::<Invoices>(of, &event),
            stops::<Revenue>(of, &event),
            stops::<Balances>(of, &event),
        ];
        assert_eq!(found, stopped.map(|stopped| stopped.then(|| what.clone())), "{event:?}");
    }
}

/// Each keeps lines of invoices.
const OF_LINES: [ViewName; 3] = [ViewName::Invoices, ViewName::Revenue, ViewName::Balances];

#[test]
fn a_projector_stands_still_before_it_and_says_where_and_what() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut book = a_book();
    let position = book.event(DAY, 1, note(1, 9));
    let log = folder.path().join("log");
    let _writer = book.log(&log, 2);
    let views = folder.path().join("views");
    let open = || LogReader::open(&log);
    let projectors = Projectors::start(open, &views, &OF_LINES).expect("starts");
    let began = Instant::now();
    while projectors.statuses().iter().any(|one| one.reason.is_none()) {
        assert!(began.elapsed() < LONG, "{:?}", projectors.statuses());
        std::thread::yield_now();
    }
    let says = format!("commit {position} names line 9 of {}, which no commit", invoice(1));
    for view in OF_LINES {
        let problem = ask(&projectors, view.as_str(), "summary", "{}", None).expect_err("stands");
        assert_eq!(problem.code, "unavailable");
        assert!(problem.detail.contains(&says), "{}", problem.detail);
    }
}
