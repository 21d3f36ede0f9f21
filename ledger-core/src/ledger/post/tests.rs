use schemas::event::{
    Allocation, Amendment, BillingRunStarted, CreditApplied, CreditExpired, CreditGranted,
    CreditNoteIssued, CreditPaidOut, CreditReleased, CreditRevoked, CustomerSnapshot,
    InvoiceFinalized, InvoiceLine, InvoiceTotals, InvoiceVoided, LineOrigin, LineRef, LineReversal,
    LineSource, LotPart, LotReturn, LotUse, PaymentRecorded, PaymentRefunded, PaymentReversed,
    RefundedTo, RevenueSchedule, SellerSnapshot,
};
use schemas::event::{BillingEvent, ProcessEvent, SettlementEvent};
use schemas::ids::{
    BillingRunId, CreditGrantId, CreditNoteId, EntityId, InvoiceId, PaymentId, RefundId,
};
use schemas::terms::{GrantKind, LineKind, LotRef, LotScope, Profile};
use schemas::{Currency, Date, Decimal, Event, Fraction, Minor, Personal};
use uuid::Uuid;

use super::*;
use crate::accounting::Account::{
    AccountsReceivable, Cash, CreditNotes, CustomerCredit, DeferredRevenue, PromotionalCredit,
    Revenue, TaxLiability, Voids,
};
use crate::accounting::{Account, Entry, Posting, Side, Stop, recognition};

const NIL: Uuid = Uuid::nil();

pub(crate) fn eur() -> Currency {
    "EUR".parse().expect("a currency")
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().expect(text)
}

pub(crate) fn line(number: u32, net: i64) -> InvoiceLine {
    InvoiceLine {
        line: number,
        kind: LineKind::Recurring,
        description: "Pro".parse().expect("a text"),
        source: LineSource::Invoice,
        plan: None,
        service: None,
        quantity: Decimal::ONE,
        unit_price: None,
        tiers: vec![],
        pricing: None,
        ratio: Fraction::ONE,
        exact: Fraction::whole(net),
        rounding: vec![],
        gross: Minor(net),
        discounts: vec![],
        net: Minor(net),
        credits: None,
        schedule: RevenueSchedule::Straight("2026-03-01/2026-03-11".parse().expect("days")),
        dimensions: vec![],
        origin: LineOrigin::default(),
    }
}

pub(crate) fn invoice(lines: Vec<InvoiceLine>, total: i64) -> InvoiceFinalized {
    let total = Minor(total);
    let code = |text: &str| text.to_owned().try_into().expect("a code");
    InvoiceFinalized {
        invoice: InvoiceId::new(NIL),
        external_id: None,
        entity: EntityId::new(NIL),
        series: code("INV"),
        sequence: 1,
        number: code("INV-1"),
        seller: SellerSnapshot {
            name: "Seller".parse().expect("a label"),
            address: None,
            tax_ids: Vec::new(),
        },
        bill_to: CustomerSnapshot {
            name: Personal::Clear("A".to_owned()),
            email: None,
            address: None,
            tax_ids: Vec::new(),
        },
        memo: None,
        purchase_order: None,
        currency: eur(),
        document_date: date("2026-03-01"),
        due_date: date("2026-03-15"),
        posting_date: date("2026-03-01"),
        input_revision: 1,
        profile: Profile::Billfold1,
        policies: Profile::Billfold1.policies(),
        engine_version: 1,
        run: None,
        lines,
        totals: InvoiceTotals { gross: total, net: total, total, ..InvoiceTotals::default() },
        credits: vec![],
        credit_applied: Minor(0),
        credit_generated: Minor(0),
    }
}

/// The lot that the payment made.
pub(crate) fn payment_lot() -> LotRef {
    LotRef::Payment(PaymentId::new(NIL))
}

pub(crate) fn reversal(recognised: i64, unrecognised: i64, tax: i64) -> LineReversal {
    LineReversal {
        line: 1,
        net: Minor(recognised + unrecognised),
        tax: Minor(tax),
        recognised: Minor(recognised),
        unrecognised: Minor(unrecognised),
        kept: Minor(0),
        amended: None,
    }
}

pub(crate) fn voided(lines: Vec<LineReversal>, parts: [i64; 3]) -> Event {
    let [receivable, returned, withdrawn] = parts.map(Minor);
    Event::Settlement(SettlementEvent::InvoiceVoided(InvoiceVoided {
        invoice: InvoiceId::new(NIL),
        currency: eur(),
        posting_date: date("2026-03-05"),
        lines,
        receivable,
        released: back(payment_lot(), returned),
        credit_withdrawn: withdrawn,
        rebill: false,
        returned: Vec::new(),
        reason: reason(),
    }))
}

/// A part of credit that goes back to its lot; none of nothing.
pub(crate) fn back(lot: LotRef, amount: Minor) -> Vec<LotReturn> {
    let part = LotReturn { lot, amount, direct: false };
    amount.is_positive().then_some(part).into_iter().collect()
}

pub(crate) fn note(reversal: LineReversal, total: i64) -> Event {
    let code = |text: &str| text.to_owned().try_into().expect("a code");
    Event::Settlement(SettlementEvent::CreditNoteIssued(CreditNoteIssued {
        note: CreditNoteId::new(NIL),
        invoice: InvoiceId::new(NIL),
        currency: eur(),
        series: code("CRN"),
        sequence: 1,
        number: code("CRN-1"),
        document_date: date("2026-03-05"),
        posting_date: date("2026-03-05"),
        lines: vec![reversal],
        total: Minor(total),
        credits: Vec::new(),
        to_credit: Minor::ZERO,
        released: vec![],
        refund: None,
    }))
}

pub(crate) fn reason() -> Personal {
    "why".parse().expect("a text")
}

pub(crate) fn part(amount: i64) -> Allocation {
    Allocation { invoice: InvoiceId::new(NIL), amount: Minor(amount) }
}

/// Account and amount of every posting of every entry.
fn booked(event: &Event) -> Vec<Vec<(Account, i64)>> {
    let posted = post(event).expect("balanced");
    posted
        .entries
        .iter()
        .map(|entry| entry.postings().iter().map(|p| (p.account, p.amount.0)).collect())
        .collect()
}

#[test]
fn an_invoice_is_owed_and_deferred_by_line() {
    // given a charge and a credit line
    let lines = vec![line(1, 1000), line(2, -300)];
    let event = Event::Billing(BillingEvent::InvoiceFinalized(invoice(lines, 700)));
    // then
    assert_eq!(
        booked(&event),
        [vec![(AccountsReceivable, 700), (DeferredRevenue, -1000), (DeferredRevenue, 300)]]
    );
    let posted = post(&event).expect("balanced");
    let earned: Vec<_> = posted.earnings.iter().map(|e| (e.line.line, e.amount.0)).collect();
    assert_eq!(earned, [(1, 1000), (2, -300)]);
    assert!(posted.earnings.iter().all(|e| e.posted == date("2026-03-01") && e.until.is_none()));
    assert_eq!(posted.stops, []);
}

#[test]
fn a_negative_total_becomes_customer_credit_and_a_positive_one_is_paid_by_it() {
    let mut negative = invoice(vec![line(1, -300)], -300);
    negative.credit_generated = Minor(300);
    assert_eq!(
        booked(&Event::Billing(BillingEvent::InvoiceFinalized(negative))),
        [
            vec![(AccountsReceivable, -300), (DeferredRevenue, 300)],
            vec![(AccountsReceivable, 300), (CustomerCredit, -300)],
        ]
    );
    let mut paid = invoice(vec![line(1, 500)], 500);
    paid.credit_applied = Minor(300);
    paid.credits = vec![LotUse { lot: payment_lot(), amount: Minor(300) }];
    assert_eq!(
        booked(&Event::from(paid.clone()))[1],
        [(CustomerCredit, 300), (AccountsReceivable, -300)]
    );
    paid.credits.clear();
    let wrong = post(&Event::from(paid));
    assert!(matches!(wrong, Err(PostError::WrongSum { what: "the credit on an invoice", .. })));
}

#[test]
fn an_invoice_of_zero_books_nothing() {
    let posted =
        post(&Event::Billing(BillingEvent::InvoiceFinalized(invoice(vec![line(1, 0)], 0))))
            .expect("balanced");
    assert_eq!(posted.entries, []);
}

#[test]
fn a_void_takes_back_what_was_earned_what_was_not_and_the_tax() {
    // given 10.00 of which 4.00 are earned, with 2.00 tax; 5.00 had been paid with credit
    let event = voided(vec![reversal(400, 600, 200)], [700, 500, 0]);
    assert_eq!(
        booked(&event),
        [
            vec![
                (Voids, 400),
                (DeferredRevenue, 600),
                (TaxLiability, 200),
                (AccountsReceivable, -1200)
            ],
            vec![(AccountsReceivable, 500), (CustomerCredit, -500)],
        ]
    );
    let posted = post(&event).expect("balanced");
    let line = LineRef { invoice: InvoiceId::new(NIL), line: 1 };
    assert_eq!(posted.stops, [Stop { line, from: date("2026-03-05") }]);
    assert_eq!(posted.earnings, []);
}

#[test]
fn voiding_a_negative_invoice_withdraws_the_credit_it_had_made() {
    assert_eq!(
        booked(&voided(vec![reversal(-120, -180, 0)], [0, 0, 300])),
        [
            vec![(Voids, -120), (DeferredRevenue, -180), (AccountsReceivable, 300)],
            vec![(CustomerCredit, 300), (AccountsReceivable, -300)],
        ]
    );
}

#[test]
fn a_void_and_its_parts_must_agree() {
    let wrong = post(&voided(vec![reversal(400, 600, 0)], [900, 0, 0]));
    assert_eq!(
        wrong,
        Err(PostError::WrongSum {
            what: "the total of a voided invoice",
            stated: Minor(1000),
            parts: 900
        })
    );
    let mut split = reversal(400, 600, 0);
    split.net = Minor(999);
    assert!(matches!(
        post(&voided(vec![split], [1000, 0, 0])),
        Err(PostError::WrongSum { what: "the net of a reversed line", .. })
    ));
}

#[test]
fn a_partial_credit_leaves_deferred_what_is_still_to_be_earned() {
    // given 10.00 over ten days and, on the fifth, a credit of 5.00: half of what was earned
    // and half of what was not
    let mut reversal = reversal(200, 300, 0);
    let service = "2026-03-05/2026-03-11".parse().expect("days");
    reversal.amended = Some(Amendment { service, amount: Minor(300) });
    let before =
        post(&Event::Billing(BillingEvent::InvoiceFinalized(invoice(vec![line(1, 1000)], 1000))));
    let note = note(reversal, 500);
    // when both are folded
    let mut earnings = before.expect("balanced").earnings;
    let after = post(&note).expect("balanced");
    for stop in &after.stops {
        earnings.iter_mut().filter(|e| e.line == stop.line).for_each(|e| e.stop(stop.from));
    }
    earnings.extend(after.earnings);
    // then what is earned in the end and what was credited make the line
    assert_eq!(
        booked(&note),
        [vec![(CreditNotes, 200), (DeferredRevenue, 300), (AccountsReceivable, -500)]]
    );
    let through = |day| earnings.iter().map(|e| e.recognised_through(date(day)).0).sum::<i64>();
    assert_eq!(through("2026-03-04"), 400);
    assert_eq!(through("2026-03-05"), 450);
    assert_eq!(through("2026-03-10"), 700);
}

#[test]
fn a_credit_note_of_another_total_than_its_lines_is_refused() {
    assert!(matches!(
        post(&note(reversal(400, 600, 0), 999)),
        Err(PostError::WrongSum { what: "the total of a credit note", .. })
    ));
}

#[test]
fn a_payment_settles_invoices_and_the_rest_is_customer_credit() {
    let mut payment = PaymentRecorded {
        payment: PaymentId::new(NIL),
        external_id: None,
        amount: Minor(1000).of(eur()),
        method: None,
        posting_date: date("2026-03-05"),
        allocations: vec![part(300), part(500)],
        to_credit: Minor(200),
    };
    assert_eq!(
        booked(&Event::Settlement(SettlementEvent::PaymentRecorded(payment.clone()))),
        [vec![
            (Cash, 1000),
            (AccountsReceivable, -300),
            (AccountsReceivable, -500),
            (CustomerCredit, -200)
        ]]
    );
    // and one whose parts do not make its amount cannot be booked
    payment.to_credit = Minor(201);
    assert_eq!(
        post(&Event::Settlement(SettlementEvent::PaymentRecorded(payment))),
        Err(PostError::Unbalanced { date: date("2026-03-05"), currency: eur(), off_by: -1 })
    );
}

#[test]
fn a_reversed_payment_reopens_what_it_paid_when_it_came_and_later() {
    let event = Event::Settlement(SettlementEvent::PaymentReversed(PaymentReversed {
        payment: PaymentId::new(NIL),
        amount: Minor(1000).of(eur()),
        posting_date: date("2026-03-05"),
        reopened: vec![part(800)],
        credit_unapplied: vec![part(150)],
        credit_withdrawn: Minor(50),
        reason: reason(),
    }));
    let books = vec![
        (AccountsReceivable, 800),
        (AccountsReceivable, 150),
        (CustomerCredit, 50),
        (Cash, -1000),
    ];
    assert_eq!(booked(&event), [books]);
}

#[test]
fn a_refund_reopens_invoices_or_takes_customer_credit() {
    let refund = |reopened, credit_unapplied, from_credit, effect| {
        Event::Settlement(SettlementEvent::PaymentRefunded(PaymentRefunded {
            refund: RefundId::new(NIL),
            payment: PaymentId::new(NIL),
            amount: Minor(400).of(eur()),
            posting_date: date("2026-03-05"),
            effect,
            reopened,
            credit_unapplied,
            swapped: vec![],
            from_credit: Minor(from_credit),
            reason: reason(),
        }))
    };
    assert_eq!(
        booked(&refund(vec![part(300)], vec![part(100)], 0, RefundedTo::Reopened)),
        [vec![(AccountsReceivable, 300), (AccountsReceivable, 100), (Cash, -400)]]
    );
    assert_eq!(
        booked(&refund(vec![], vec![], 400, RefundedTo::CustomerCredit)),
        [vec![(CustomerCredit, 400), (Cash, -400)]]
    );
}

/// A grant of 5.00.
pub(crate) fn granted(kind: GrantKind) -> CreditGranted {
    CreditGranted {
        grant: CreditGrantId::new(NIL),
        amount: Minor(500).of(eur()),
        kind,
        refundable: false,
        scope: LotScope::Customer,
        priority: 0,
        expires: None,
        posting_date: date("2026-03-05"),
        reason: reason(),
    }
}

#[test]
fn granted_credit_is_given_away_revenue_and_a_prepayment_is_money() {
    for (kind, debit) in [
        (GrantKind::Goodwill, PromotionalCredit),
        (GrantKind::Promotion, PromotionalCredit),
        (GrantKind::Prepayment, Cash),
    ] {
        let event = Event::from(granted(kind));
        assert_eq!(booked(&event), [vec![(debit, 500), (CustomerCredit, -500)]]);
    }
}

#[test]
fn credit_pays_what_is_owed_and_is_taken_off_again() {
    let (posting_date, currency) = (date("2026-03-05"), eur());
    let invoice = InvoiceId::new(NIL);
    let part = LotPart { lot: payment_lot(), invoice, amount: Minor(300) };
    let parts = vec![part, LotPart { amount: Minor(40), ..part }];
    let applied = Event::from(CreditApplied { currency, posting_date, parts });
    assert_eq!(booked(&applied), [vec![(CustomerCredit, 340), (AccountsReceivable, -340)]]);
    let parts = back(payment_lot(), Minor(300));
    let released = Event::from(CreditReleased { invoice, currency, posting_date, parts });
    assert_eq!(booked(&released), [vec![(AccountsReceivable, 300), (CustomerCredit, -300)]]);
}

#[test]
fn credit_that_ends_was_given_away_no_more_and_what_is_paid_out_is_cash() {
    let (posting_date, reason) = (date("2026-03-05"), reason());
    let (grant, amount) = (CreditGrantId::new(NIL), Minor(120).of(eur()));
    let given = vec![(CustomerCredit, 120), (PromotionalCredit, -120)];
    let expired = Event::from(CreditExpired { grant, amount, posting_date });
    assert_eq!(booked(&expired), std::slice::from_ref(&given));
    let revoked =
        Event::from(CreditRevoked { grant, amount, posting_date, reason: reason.clone() });
    assert_eq!(booked(&revoked), [given]);
    let (refund, lot) = (RefundId::new(NIL), payment_lot());
    let paid = Event::from(CreditPaidOut { refund, lot, amount, posting_date, reason });
    assert_eq!(booked(&paid), [vec![(CustomerCredit, 120), (Cash, -120)]]);
}

#[test]
fn a_note_beyond_what_is_open_makes_credit() {
    let Event::Settlement(SettlementEvent::CreditNoteIssued(mut issued)) =
        note(reversal(300, 100, 0), 400)
    else {
        panic!("a note")
    };
    issued.released = back(payment_lot(), Minor(150));
    assert_eq!(
        booked(&Event::from(issued)),
        [
            vec![(CreditNotes, 300), (DeferredRevenue, 100), (AccountsReceivable, -400)],
            vec![(AccountsReceivable, 150), (CustomerCredit, -150)],
        ]
    );
}

#[test]
fn an_event_without_money_books_nothing() {
    let event = Event::Process(ProcessEvent::BillingRunStarted(BillingRunStarted {
        run: BillingRunId::new(NIL),
        through: date("2026-03-05"),
        ahead: false,
    }));
    assert_eq!(post(&event), Ok(Posted::default()));
}

#[test]
fn earning_moves_deferred_revenue_to_revenue() {
    let entry = recognition(date("2026-03-05"), eur(), Minor(100)).expect("balanced");
    let postings: Vec<_> =
        entry.iter().flat_map(Entry::postings).map(|p| (p.account, p.amount.0)).collect();
    assert_eq!(postings, [(DeferredRevenue, 100), (Revenue, -100)]);
    assert_eq!(recognition(date("2026-03-05"), eur(), Minor(0)), Ok(None));
}

#[test]
fn an_entry_that_does_not_balance_cannot_be_made() {
    let entry = |amounts: [i64; 2]| {
        let postings = vec![
            Posting::debit(Cash, Minor(amounts[0])),
            Posting::debit(Revenue, Minor(amounts[1])),
        ];
        Entry::new(date("2026-03-05"), eur(), postings)
    };
    assert!(matches!(entry([1, -1]), Ok(Some(_))));
    assert!(matches!(entry([0, 0]), Ok(None)));
    assert!(matches!(entry([i64::MAX, i64::MAX]), Err(PostError::Unbalanced { .. })));
    assert!(matches!(Posting::credit(Cash, Minor(i64::MIN)), Err(schemas::MoneyError::Overflow)));
}

#[test]
fn account_names_are_unique_and_every_account_is_listed() {
    let names: std::collections::BTreeSet<_> = Account::all().iter().map(|a| a.name()).collect();
    assert_eq!(names.len(), Account::ALL.len());
    assert_eq!(
        Account::all().iter().filter(|a| a.normal_side() == Side::Credit).count(),
        4,
        "deferred revenue, customer credit, tax and revenue"
    );
}
