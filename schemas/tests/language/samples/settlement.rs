//! Samples of what settles invoices: payments, notes, voids, lots of credit.

use schemas::command::{
    ApplyCredit, CreditLine, GrantCredit, IssueCreditNote, PayOutCredit, RecordPayment,
    RefundPayment, ReleaseCredit, ReversePayment, RevokeCredit,
};
use schemas::event::{
    Allocation, Amendment, CreditApplied, CreditExpired, CreditGranted, CreditNoteIssued,
    CreditPaidOut, CreditReleased, CreditRevoked, InvoiceVoided, LineReversal, LotPart, LotReturn,
    LotSwap, PaymentRecorded, PaymentRefunded, PaymentReversed, RefundedTo,
};
use schemas::terms::{GrantKind, LotRef, LotScope};
use schemas::{Command, Event, Minor};

use super::Samples;
use crate::values::{self, clear, eur, id, of};

pub(super) fn reversals() -> Vec<LineReversal> {
    let whole = LineReversal {
        line: 1,
        net: Minor(1633),
        tax: Minor(310),
        recognised: Minor(600),
        unrecognised: Minor(1033),
        kept: Minor(200),
        amended: None,
    };
    let left = Amendment { service: of("2024-02-10/2024-02-29"), amount: Minor(33) };
    vec![whole, LineReversal { line: 2, amended: Some(left), ..whole }]
}

pub(super) fn payment_events(all: &mut Samples<Event>) {
    let payment = id(10);
    let posting_date = of("2024-02-10");
    let reason = || clear("a stated reason");
    let some = vec![Allocation { invoice: id(6), amount: Minor(1000) }];
    for (name, rebill) in [("bill again", true), ("given up", false)] {
        all.add(
            name,
            InvoiceVoided {
                invoice: id(6),
                currency: of("EUR"),
                posting_date,
                lines: reversals(),
                receivable: Minor(1900),
                released: returns(),
                credit_withdrawn: Minor(0),
                rebill,
                returned: if rebill { vec![2, 300] } else { Vec::new() },
                reason: reason(),
            },
        );
    }
    for (name, refund) in [("alone", None), ("of a refund", Some(id(11)))] {
        all.add(
            name,
            CreditNoteIssued {
                note: id(8),
                invoice: id(6),
                currency: of("EUR"),
                series: of("credit_note"),
                sequence: 3,
                number: of("CN-000003"),
                document_date: posting_date,
                posting_date,
                lines: reversals(),
                credits: Vec::new(),
                total: Minor(3886),
                to_credit: Minor(150),
                released: if refund.is_some() { Vec::new() } else { returns() },
                refund,
            },
        );
    }
    let bare = PaymentRecorded {
        payment,
        external_id: None,
        amount: eur(12_34),
        method: None,
        posting_date,
        allocations: Vec::new(),
        to_credit: Minor(1234),
    };
    all.add("to credit", bare.clone());
    all.add(
        "allocated",
        PaymentRecorded {
            external_id: Some(of("bank:17")),
            method: Some(of("card")),
            allocations: some.clone(),
            to_credit: Minor(234),
            ..bare
        },
    );
    all.add(
        "reversed",
        PaymentReversed {
            payment,
            amount: eur(12_34),
            posting_date,
            reopened: some.clone(),
            credit_unapplied: some.clone(),
            credit_withdrawn: Minor(34),
            reason: reason(),
        },
    );
    all.add_each(values::refunded_tos(), |effect| PaymentRefunded {
        refund: id(11),
        payment,
        amount: eur(234),
        posting_date,
        effect,
        reopened: some.clone(),
        credit_unapplied: Vec::new(),
        swapped: Vec::new(),
        from_credit: Minor(0),
        reason: reason(),
    });
    let swap = |direct| LotSwap { lot: lots()[2], invoice: id(6), amount: Minor(100), direct };
    all.add(
        "from other credit",
        PaymentRefunded {
            refund: id(11),
            payment,
            amount: eur(234),
            posting_date,
            effect: RefundedTo::CustomerCredit,
            reopened: Vec::new(),
            credit_unapplied: some,
            swapped: vec![swap(true), swap(false)],
            from_credit: Minor(234),
            reason: reason(),
        },
    );
}

/// A lot of each source.
fn lots() -> Vec<LotRef> {
    values::lot_refs().into_iter().map(|(_, lot)| lot).collect()
}

fn returns() -> Vec<LotReturn> {
    let back = |lot, direct| LotReturn { lot, amount: Minor(20), direct };
    vec![back(lots()[0], true), back(lots()[1], false)]
}

pub(super) fn credit_events(all: &mut Samples<Event>) {
    let (grant, posting_date, currency) = (id(12), of("2024-02-10"), of("EUR"));
    let granted = |kind, scope| CreditGranted {
        grant,
        amount: eur(500),
        kind,
        refundable: false,
        scope,
        priority: 0,
        expires: None,
        posting_date,
        reason: clear("a stated reason"),
    };
    all.add_each(values::grant_kinds(), |kind| granted(kind, LotScope::Customer));
    all.add_each(values::lot_scopes(), |scope| CreditGranted {
        refundable: true,
        priority: -7,
        expires: Some(of("2024-12-31")),
        ..granted(GrantKind::Promotion, scope)
    });
    all.add_each(values::lot_refs(), |lot| {
        let parts = vec![LotPart { lot, invoice: id(6), amount: Minor(100) }];
        CreditApplied { currency, posting_date, parts }
    });
    all.add(
        "released",
        CreditReleased { invoice: id(6), currency, posting_date, parts: returns() },
    );
    let (amount, reason) = (eur(120), clear("a stated reason"));
    all.add("revoked", CreditRevoked { grant, amount, posting_date, reason: reason.clone() });
    all.add("expired", CreditExpired { grant, amount, posting_date });
    all.add_each(values::lot_refs(), |lot| {
        let reason = reason.clone();
        CreditPaidOut { refund: id(11), lot, amount, posting_date, reason }
    });
}

pub(super) fn payment_commands(all: &mut Samples<Command>) {
    let (customer, payment, reason) = (id(1), id(10), clear("a stated reason"));
    let bare = RecordPayment {
        customer,
        payment,
        amount: eur(12_34),
        external_id: None,
        method: None,
        allocate: None,
    };
    all.add("bare", bare.clone());
    all.add_each(values::allocates(), |allocate| RecordPayment {
        external_id: Some(of("bank:2024-01-31/17")),
        method: Some(of("transfer")),
        allocate: Some(allocate),
        ..bare.clone()
    });
    let reversal = ReversePayment { customer, payment, reason };
    all.add("reversed", reversal.clone());
    all.add_each(values::refund_effects(), |effect| RefundPayment {
        customer,
        payment,
        refund: id(11),
        amount: eur(234),
        effect,
        reason: reversal.reason.clone(),
    });
    let lines = vec![CreditLine { line: 1, amount: eur(1000) }];
    let note = IssueCreditNote { customer, note: id(8), invoice: id(6), lines, to: None };
    all.add("one line", note.clone());
    all.add_each(values::note_targets(), |to| IssueCreditNote { to: Some(to), ..note.clone() });
}

/// A grant with nothing but what it must say.
pub(super) fn bare_grant() -> GrantCredit {
    GrantCredit::plain(id(1), id(12), eur(500), clear("goodwill"))
}

pub(super) fn credit_commands(all: &mut Samples<Command>) {
    let (customer, invoice, reason) = (id(1), id(6), clear("a stated reason"));
    all.add("bare", bare_grant());
    all.add_each(values::grant_kinds(), |kind| GrantCredit { kind: Some(kind), ..bare_grant() });
    all.add_each(values::lot_scopes(), |scope| GrantCredit {
        kind: Some(GrantKind::Promotion),
        expires: Some(of("2024-12-31")),
        scope: Some(scope),
        priority: Some(-7),
        refundable: Some(true),
        ..bare_grant()
    });
    all.add_each(values::lot_refs(), |lot| ApplyCredit { customer, lot, invoice, amount: None });
    let lot = lots()[1];
    all.add("a part", ApplyCredit { customer, lot, invoice, amount: Some(eur(120)) });
    all.add("all of it", ReleaseCredit { customer, lot, invoice, amount: None });
    all.add("a part", ReleaseCredit { customer, lot, invoice, amount: Some(eur(120)) });
    all.add("revoked", RevokeCredit { customer, grant: id(12), reason: reason.clone() });
    let paid = PayOutCredit { customer, refund: id(11), lot, amount: None, reason };
    all.add("all of it", paid.clone());
    all.add("a part", PayOutCredit { amount: Some(eur(120)), ..paid });
}
