//! A small log that keeps every law, and what each law says when one fact of it is changed.

use schemas::event::{
    Allocation, CreditNoteIssued, CustomerRegistered, EntityDefined, InvoiceFinalized,
    InvoiceVoided, LineRef, LineReversal, LotReturn, LotUse, PaymentRecorded, PaymentRefunded,
    PaymentReversed, RefundedTo,
};
use schemas::event::{BillingEvent, CustomerEvent, SellerEvent, SettlementEvent};
use schemas::ids::{EntityId, InvoiceId, PaymentId, RefundId};
use schemas::terms::{DefaultSeries, GrantKind, LotRef, SeriesDefinition, SeriesKind};
use schemas::{Contact, Date, Minor, ZoneName};
use uuid::Uuid;

mod billed;
mod lots;

use super::*;
use crate::ledger::post::tests::{
    date, eur, granted, invoice, line, note, part, reason, reversal, voided,
};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn customer() -> CustomerId {
    CustomerId::new(id(7))
}

fn at(text: &str) -> Timestamp {
    Timestamp::start_of_utc(date(text))
}

fn entity() -> Event {
    let code = |text: &str| text.to_owned().try_into().expect("a code");
    let series = |text: &str, kind| SeriesDefinition {
        code: code(text),
        kind,
        prefix: code(text),
        digits: 4,
    };
    Event::Seller(SellerEvent::EntityDefined(EntityDefined {
        entity: EntityId::new(Uuid::nil()),
        name: "Seller".parse().expect("a label"),
        zone: ZoneName::utc(),
        payment_terms_days: 14,
        series: vec![series("INV", SeriesKind::Invoice), series("CRN", SeriesKind::CreditNote)],
        default_series: DefaultSeries { invoice: code("INV"), credit_note: code("CRN") },
        document_retention_years: 10,
        address: None,
        tax_ids: Vec::new(),
    }))
}

fn registered() -> Event {
    Event::Customer(CustomerEvent::CustomerRegistered(CustomerRegistered {
        customer: customer(),
        entity: EntityId::new(Uuid::nil()),
        external_id: None,
        name: Contact::Clear("A".to_owned()),
        email: None,
        currency: eur(),
        zone: ZoneName::utc(),
        payment_terms_days: Some(14),
        parent: None,
        fixed_offset: None,
        address: None,
        tax_ids: Vec::new(),
        purchase_order: None,
    }))
}

fn first_invoice() -> InvoiceFinalized {
    let mut first = invoice(vec![line(1, 1000)], 1000);
    first.invoice = InvoiceId::new(Uuid::nil());
    first
}

/// A later invoice with a charge and a credit of 4.00 on the first one's line.
fn second_invoice() -> InvoiceFinalized {
    let mut credit = line(2, -400);
    credit.credits = Some(LineRef { invoice: InvoiceId::new(Uuid::nil()), line: 1 });
    let mut second = invoice(vec![line(1, 900), credit], 500);
    second.invoice = InvoiceId::new(id(2));
    second.sequence = 2;
    second.posting_date = date("2026-03-03");
    second.credits = vec![LotUse { lot: lot(), amount: Minor(100) }];
    second.credit_applied = Minor(100);
    second
}

/// The lot that the payment made.
fn lot() -> LotRef {
    LotRef::Payment(PaymentId::new(id(3)))
}

fn payment() -> PaymentRecorded {
    PaymentRecorded {
        payment: PaymentId::new(id(3)),
        external_id: None,
        amount: Minor(1100).of(eur()),
        method: None,
        posting_date: date("2026-03-02"),
        allocations: vec![part(1000)],
        to_credit: Minor(100),
    }
}

fn refund(amount: i64, from_credit: i64) -> Event {
    Event::Settlement(SettlementEvent::PaymentRefunded(PaymentRefunded {
        refund: RefundId::new(id(5)),
        payment: PaymentId::new(id(3)),
        amount: Minor(amount).of(eur()),
        posting_date: date("2026-03-05"),
        effect: RefundedTo::Credited,
        reopened: if amount > from_credit { vec![part(amount - from_credit)] } else { vec![] },
        credit_unapplied: vec![],
        swapped: vec![],
        from_credit: Minor(from_credit),
        reason: reason(),
    }))
}

/// A log of one commit for each list of events.
#[derive(Clone)]
struct Log(Vec<(Head, Vec<Event>)>);

impl Log {
    /// Seller, customer, an invoice that is paid, and one that credits part of it.
    fn sound() -> Self {
        let mut log = Self(vec![]);
        log.push(StreamId::Book, "2026-03-01", vec![entity()]);
        log.push(StreamId::Customer(customer()), "2026-03-01", vec![registered()]);
        log.add(
            "2026-03-01",
            vec![Event::Billing(BillingEvent::InvoiceFinalized(first_invoice()))],
        );
        log.add("2026-03-02", vec![Event::Settlement(SettlementEvent::PaymentRecorded(payment()))]);
        log.add(
            "2026-03-03",
            vec![Event::Billing(BillingEvent::InvoiceFinalized(second_invoice()))],
        );
        log
    }

    fn push(&mut self, stream: StreamId, day: &str, events: Vec<Event>) {
        let position = self.0.len() as u64 + 1;
        let revision = 1 + self.0.iter().filter(|(head, _)| head.stream == stream).count() as u64;
        let head = Head {
            position,
            stream,
            revision,
            command_id: CommandId::new(id(1000 + u128::from(position))),
            recorded_at: at(day),
            effective_at: at(day),
        };
        self.0.push((head, events));
    }

    fn add(&mut self, day: &str, events: Vec<Event>) {
        self.push(StreamId::Customer(customer()), day, events);
    }

    fn with(mut self, day: &str, events: Vec<Event>) -> Self {
        self.add(day, events);
        self
    }

    fn with_head(mut self, position: usize, change: impl FnOnce(&mut Head)) -> Self {
        change(&mut self.0[position - 1].0);
        self
    }

    fn broken(&self) -> Vec<Law> {
        let mut laws = Laws::default();
        let observed = self.0.iter().flat_map(|(head, events)| laws.observe(*head, events));
        observed.map(|broken| broken.law).collect()
    }
}

fn credit_of(amount: i64) -> InvoiceFinalized {
    let mut credit = second_invoice();
    credit.lines[1].gross = Minor(-amount);
    credit.lines[1].net = Minor(-amount);
    credit.totals = invoice(Vec::new(), 900 - amount).totals;
    credit
}

#[test]
fn a_sound_log_keeps_every_law() {
    let log = Log::sound();
    assert_eq!(log.broken(), []);
    let mut laws = Laws::default();
    for (head, events) in &log.0 {
        laws.observe(*head, events);
    }
    let balances: Vec<_> =
        laws.trial_balance().filter(|row| row.2 != 0).map(|row| (row.1.name(), row.2)).collect();
    assert_eq!(
        balances,
        [("cash", 1100), ("accounts_receivable", 400), ("deferred_revenue", -1500)]
    );
}

#[test]
fn positions_revisions_and_times_have_an_order() {
    let sound = Log::sound;
    for (log, law) in [
        (sound().with_head(5, |head| head.position = 6), Law::Positions),
        (sound().with_head(5, |head| head.revision = 3), Law::Revisions),
        (sound().with_head(5, |head| head.recorded_at = at("2026-03-01")), Law::Times),
        (sound().with_head(5, |head| head.effective_at = at("2026-03-04")), Law::Times),
        (sound().with_head(5, |head| head.effective_at = at("2026-02-28")), Law::Times),
        (sound().with_head(5, |head| head.command_id = CommandId::new(id(1004))), Law::UniqueIds),
    ] {
        let broken = log.broken();
        assert!(!broken.is_empty() && broken.iter().all(|found| *found == law), "{broken:?}");
    }
}

#[test]
fn an_id_is_given_once_and_events_lie_on_their_stream() {
    let twice = Log::sound()
        .with("2026-03-04", vec![Event::Settlement(SettlementEvent::PaymentRecorded(payment()))]);
    assert!(twice.broken().contains(&Law::UniqueIds));
    let mut astray = Log::sound();
    astray.push(
        StreamId::Book,
        "2026-03-04",
        vec![Event::Settlement(SettlementEvent::PaymentRecorded(payment()))],
    );
    assert!(astray.broken().contains(&Law::References));
    let mut unknown = payment();
    unknown.payment = PaymentId::new(id(30));
    unknown.allocations = vec![Allocation { invoice: InvoiceId::new(id(99)), ..part(1000) }];
    let log = Log::sound()
        .with("2026-03-04", vec![Event::Settlement(SettlementEvent::PaymentRecorded(unknown))]);
    assert!(log.broken().contains(&Law::References));
}

#[test]
fn an_external_id_is_given_once_for_each_kind() {
    let mut log = Log(vec![]);
    log.push(StreamId::Book, "2026-03-01", vec![entity()]);
    log.add("2026-03-01", vec![registered()]);
    for number in [1, 2] {
        let mut next = first_invoice();
        (next.invoice, next.sequence) = (InvoiceId::new(id(u128::from(number))), number);
        next.external_id = Some("e-1".to_owned().try_into().expect("an external id"));
        log.add("2026-03-01", vec![Event::Billing(BillingEvent::InvoiceFinalized(next))]);
    }
    assert_eq!(log.broken(), [Law::UniqueIds]);
}

#[test]
fn an_event_whose_amounts_contradict_each_other_is_out_of_balance() {
    let mut wrong = payment();
    wrong.payment = PaymentId::new(id(30));
    wrong.to_credit = Minor(101);
    let log = Log::sound()
        .with("2026-03-04", vec![Event::Settlement(SettlementEvent::PaymentRecorded(wrong))]);
    assert_eq!(log.broken(), [Law::Balance]);
}

#[test]
fn what_settles_an_invoice_lies_between_zero_and_its_total() {
    // given a payment of more than the second invoice still owes
    let mut over = payment();
    over.payment = PaymentId::new(id(30));
    over.posting_date = date("2026-03-04");
    over.allocations = vec![Allocation { invoice: InvoiceId::new(id(2)), amount: Minor(401) }];
    over.amount = Minor(501).of(eur());
    let log = Log::sound()
        .with("2026-03-04", vec![Event::Settlement(SettlementEvent::PaymentRecorded(over))]);
    assert_eq!(log.broken(), [Law::Settlement]);
}

#[test]
fn customer_credit_is_never_below_zero() {
    // given a refund of credit that the second invoice has used up
    let log = Log::sound().with("2026-03-04", vec![refund(100, 100)]);
    assert_eq!(log.broken(), [Law::Lots, Law::CustomerCredit]);
}

#[test]
fn a_payment_gives_back_at_most_what_it_brought() {
    let note = credited_by(reversal(0, 500, 0), 500, 500);
    let log = Log::sound().with("2026-03-05", vec![refund(1101, 101), note]);
    assert!(log.broken().contains(&Law::Payments));
    let reversed = Event::Settlement(SettlementEvent::PaymentReversed(PaymentReversed {
        payment: PaymentId::new(id(3)),
        amount: Minor(1000).of(eur()),
        posting_date: date("2026-03-05"),
        reopened: vec![part(1000)],
        credit_withdrawn: Minor(0),
        credit_unapplied: vec![],
        reason: reason(),
    }));
    assert_eq!(Log::sound().with("2026-03-05", vec![reversed]).broken(), [Law::Payments]);
}

#[test]
fn a_payment_that_was_never_recorded_and_a_customer_that_is_not_there_are_reported() {
    let Event::Settlement(SettlementEvent::PaymentRefunded(mut unknown)) = refund(100, 100) else {
        panic!("a refund")
    };
    unknown.payment = PaymentId::new(id(30));
    let log = Log::sound().with("2026-03-05", vec![Event::from(unknown)]);
    assert!(log.broken().contains(&Law::References));
    let mut log = Log::sound();
    let stranger = StreamId::Customer(CustomerId::new(id(70)));
    log.push(stranger, "2026-03-05", vec![Event::from(granted(GrantKind::Goodwill))]);
    assert!(log.broken().contains(&Law::References));
}

#[test]
fn a_line_is_credited_at_most_whole_whatever_document_credits_it() {
    let log = |second: InvoiceFinalized| {
        let mut log = Log::sound();
        log.0[4].1 = vec![Event::Billing(BillingEvent::InvoiceFinalized(second))];
        log
    };
    assert_eq!(log(credit_of(0)).broken(), []);
    let mut whole = credit_of(1000);
    (whole.totals.total, whole.credit_generated) = (Minor(-100), Minor(100));
    (whole.credits, whole.credit_applied) = (vec![], Minor(0));
    assert_eq!(log(whole.clone()).broken(), []);
    let mut over = credit_of(1001);
    (over.totals.total, over.credit_generated) = (Minor(-101), Minor(101));
    (over.credits, over.credit_applied) = (vec![], Minor(0));
    assert_eq!(log(over).broken(), [Law::LineCredits, Law::LineCredits], "net and gross");
    let mut wrong_way = credit_of(-1);
    wrong_way.totals.total = Minor(901);
    assert_eq!(log(wrong_way).broken(), [Law::LineCredits, Law::LineCredits]);
    // and a credit note after a credit of 4.00 may take 6.00
    for (amount, broken) in [(600, vec![]), (601, vec![Law::LineCredits])] {
        let note = credited_by(reversal(400, amount - 400, 0), amount, 1000 - amount);
        let log = Log::sound().with("2026-03-05", vec![refund(amount, 0), note]);
        assert_eq!(log.broken(), broken, "{amount}");
    }
}

/// A credit note over the first line that leaves `rest` of it, of which 4.00 are earned.
fn credited_by(mut reversal: LineReversal, total: i64, rest: i64) -> Event {
    let to_earn = 1000 - 400 - reversal.unrecognised.0;
    assert!(rest >= 0 || to_earn >= 0);
    let service = "2026-03-05/2026-03-11".parse().expect("days");
    reversal.amended = Some(schemas::event::Amendment { service, amount: Minor(to_earn) });
    note(reversal, total)
}

#[test]
fn a_line_earns_what_was_billed_and_not_taken_back() {
    let Event::Settlement(SettlementEvent::CreditNoteIssued(note)) =
        credited_by(reversal(200, 300, 0), 500, 500)
    else {
        panic!("a note")
    };
    let log = |note: CreditNoteIssued| {
        Log::sound().with(
            "2026-03-05",
            vec![refund(500, 0), Event::Settlement(SettlementEvent::CreditNoteIssued(note))],
        )
    };
    assert_eq!(log(note.clone()).broken(), []);
    let mut stops = note.clone();
    stops.lines[0].amended = None;
    assert_eq!(log(stops).broken(), [Law::Revenue]);
}

#[test]
fn a_void_undoes_exactly_what_there_was() {
    let parts = |void: Event, change: fn(&mut InvoiceVoided)| {
        let Event::Settlement(SettlementEvent::InvoiceVoided(mut void)) = void else {
            panic!("a void")
        };
        void.invoice = InvoiceId::new(id(2));
        void.lines.push(LineReversal { line: 2, ..reversal(-160, -240, 0) });
        void.released = vec![LotReturn { lot: lot(), amount: Minor(100), direct: false }];
        change(&mut void);
        Log::sound()
            .with("2026-03-05", vec![Event::Settlement(SettlementEvent::InvoiceVoided(void))])
    };
    let void = || voided(vec![reversal(360, 540, 0)], [400, 100, 0]);
    let sound = parts(void(), |_| {});
    assert_eq!(sound.broken(), []);
    // its credit is undone, so the whole first line can be credited
    let log = sound
        .with("2026-03-05", vec![refund(1000, 0), credited_by(reversal(400, 600, 0), 1000, 0)]);
    assert_eq!(log.broken(), []);
    let swapped = parts(void(), |void| {
        (void.receivable, void.released[0].amount) = (Minor(100), Minor(400));
    });
    assert!(swapped.broken().contains(&Law::Settlement));
    let once = parts(void(), |_| {});
    let again = once.0[5].1.clone();
    let twice = once.with("2026-03-06", again);
    assert!(twice.broken().contains(&Law::Settlement));
}

#[test]
fn numbers_have_no_gaps_and_document_dates_never_go_back() {
    let log = |change: fn(&mut InvoiceFinalized)| {
        let mut log = Log::sound();
        let mut second = second_invoice();
        change(&mut second);
        log.0[4].1 = vec![Event::Billing(BillingEvent::InvoiceFinalized(second))];
        log.broken()
    };
    assert_eq!(log(|_| {}), []);
    assert_eq!(log(|second| second.sequence = 3), [Law::Numbering]);
    assert_eq!(log(|second| second.sequence = 1), [Law::Numbering]);
    assert_eq!(log(|second| second.document_date = date("2026-02-28")), [Law::DocumentDates]);
    assert_eq!(
        log(|second| second.series = "OTHER".to_owned().try_into().expect("a code")),
        [Law::References]
    );
    let historical = |kind| {
        let Event::Seller(SellerEvent::EntityDefined(mut defined)) = entity() else {
            panic!("an entity")
        };
        defined.series[0].kind = kind;
        let mut log = Log::sound();
        log.0[0].1 = vec![Event::Seller(SellerEvent::EntityDefined(defined))];
        let mut second = second_invoice();
        second.document_date = Date::MIN;
        log.0[4].1 = vec![Event::Billing(BillingEvent::InvoiceFinalized(second))];
        log.broken()
    };
    assert_eq!(historical(SeriesKind::Historical), []);
    assert_eq!(historical(SeriesKind::Invoice), [Law::DocumentDates]);
}

#[test]
fn every_law_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = Law::ALL.iter().map(|law| law.name()).collect();
    assert_eq!(names.len(), Law::ALL.len());
}

#[test]
fn every_law_is_in_the_manual() {
    let manual = include_str!("../../../docs/operate.md");
    let unsaid: Vec<_> =
        Law::ALL.iter().filter(|law| !manual.contains(&format!("| `{law}` |"))).collect();
    assert!(unsaid.is_empty(), "docs/operate.md does not say {unsaid:?}");
}
