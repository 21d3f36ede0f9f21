//! What the laws of credit say when one fact of a log is changed.

use schemas::event::{
    CreditApplied, CreditExpired, CreditGranted, CreditReleased, LineSource, LotPart, LotSwap,
};
use schemas::ids::{CreditGrantId, SubscriptionId};
use schemas::terms::{LotScope, Profile};

use super::billed::{created, opened};
use super::*;

/// Credit of a lot pays the second invoice.
fn applied(lot: LotRef, amount: i64, day: &str) -> Event {
    let part = LotPart { lot, invoice: InvoiceId::new(id(2)), amount: Minor(amount) };
    let (currency, posting_date) = (eur(), date(day));
    CreditApplied { currency, posting_date, parts: vec![part] }.into()
}

/// The sound log, and a grant of 5.00 on 4 March.
fn with_grant(change: impl FnOnce(&mut CreditGranted)) -> Log {
    let mut grant = granted(GrantKind::Goodwill);
    (grant.grant, grant.posting_date) = (CreditGrantId::new(id(40)), date("2026-03-04"));
    change(&mut grant);
    Log::sound().with("2026-03-04", vec![grant.into()])
}

fn of_grant() -> LotRef {
    LotRef::Grant(CreditGrantId::new(id(40)))
}

#[test]
fn a_lot_is_spent_once() {
    let used = |amount| {
        with_grant(|_| ()).with("2026-03-05", vec![applied(of_grant(), amount, "2026-03-05")])
    };
    assert_eq!(used(400).broken(), []);
    let again = used(400).with("2026-03-06", vec![applied(lot(), 1, "2026-03-06")]);
    assert!(again.broken().contains(&Law::Lots), "the payment's credit is used up");
    let foreign = LotRef::Grant(CreditGrantId::new(id(41)));
    let unknown = Log::sound().with("2026-03-05", vec![applied(foreign, 1, "2026-03-05")]);
    assert!(unknown.broken().contains(&Law::References));
    // a part that is not there goes back to no lot
    let (invoice, currency, posting_date) = (InvoiceId::new(id(2)), eur(), date("2026-03-06"));
    let parts = vec![LotReturn { lot: of_grant(), amount: Minor(401), direct: false }];
    let released = CreditReleased { invoice, currency, posting_date, parts };
    let log = used(400).with("2026-03-06", vec![released.into()]);
    assert!(log.broken().contains(&Law::Lots) && log.broken().contains(&Law::Settlement));
}

#[test]
fn a_lot_pays_for_its_subscription_and_until_its_last_day() {
    let only = SubscriptionId::new(id(50));
    let scoped = with_grant(|grant| grant.scope = LotScope::Subscription(only));
    let log = scoped.with("2026-03-05", vec![applied(of_grant(), 100, "2026-03-05")]);
    assert_eq!(log.broken(), [Law::Lots], "the invoice bills nothing of it");
    let mut log = with_grant(|grant| grant.scope = LotScope::Subscription(only));
    let mut second = second_invoice();
    second.lines[0].source = LineSource::Cycle { subscription: only, item: 0, cycle: 0 };
    let cycle = opened(only, 0, "2026-03-01/2026-04-01");
    log.0[4].1 = vec![created(only), cycle, second.into()];
    let paid =
        |amount| log.clone().with("2026-03-05", vec![applied(of_grant(), amount, "2026-03-05")]);
    assert_eq!(paid(400).broken(), []);
    let expiring = || with_grant(|grant| grant.expires = Some(date("2026-03-05")));
    let used = |day| expiring().with(day, vec![applied(of_grant(), 100, day)]).broken();
    assert_eq!(used("2026-03-05"), []);
    assert_eq!(used("2026-03-06"), [Law::Lots]);
    let expired = |day: &str| {
        let (grant, amount) = (CreditGrantId::new(id(40)), Minor(500).of(eur()));
        let event = CreditExpired { grant, amount, posting_date: date(day) };
        expiring().with("2026-03-06", vec![event.into()]).broken()
    };
    assert_eq!(expired("2026-03-06"), []);
    assert_eq!(expired("2026-03-05"), [Law::Lots]);
}

#[test]
fn nothing_is_paid_before_it_is_owed_or_used_before_it_is_there() {
    let before_it_is_there =
        with_grant(|_| ()).with("2026-03-05", vec![applied(of_grant(), 100, "2026-03-03")]);
    assert_eq!(before_it_is_there.broken(), [Law::SettlementDates]);
    let mut early = payment();
    (early.payment, early.posting_date) = (PaymentId::new(id(30)), date("2026-02-28"));
    early.allocations = vec![Allocation { invoice: InvoiceId::new(id(2)), amount: Minor(400) }];
    (early.amount, early.to_credit) = (Minor(400).of(eur()), Minor::ZERO);
    let log = Log::sound().with("2026-03-04", vec![early.into()]);
    assert_eq!(log.broken(), [Law::SettlementDates]);
    let Event::Settlement(SettlementEvent::PaymentRefunded(mut early)) = refund(500, 0) else {
        panic!("a refund")
    };
    early.posting_date = date("2026-03-01");
    let log = Log::sound().with("2026-03-05", vec![early.into()]);
    assert_eq!(log.broken(), [Law::SettlementDates]);
}

#[test]
fn where_credit_pays_what_is_open_nothing_is_open_beside_it() {
    let log = |profile: Profile, grant: CreditGranted| {
        let mut log = with_grant(|planted| *planted = grant);
        let opened = BookOpened {
            book: "book".parse().expect("a name"),
            clock: schemas::terms::BookClock::Wall,
            profile,
            policies: profile.policies(),
        };
        log.0[0].1.insert(0, opened.into());
        log
    };
    let grant = || {
        let mut grant = granted(GrantKind::Goodwill);
        (grant.grant, grant.posting_date) = (CreditGrantId::new(id(40)), date("2026-03-04"));
        grant
    };
    let broken = |profile, grant| log(profile, grant).broken();
    assert_eq!(broken(Profile::Billfold1, grant()), [Law::OpenBesideCredit]);
    assert_eq!(broken(Profile::Killbill1, grant()), [Law::OpenBesideCredit]);
    assert_eq!(broken(Profile::Lago1, grant()), []);
    // what cannot pay it may lie beside it
    let elsewhere = LotScope::Subscription(SubscriptionId::new(id(50)));
    assert_eq!(broken(Profile::Billfold1, CreditGranted { scope: elsewhere, ..grant() }), []);
    let past = Some(date("2026-03-03"));
    assert_eq!(broken(Profile::Billfold1, CreditGranted { expires: past, ..grant() }), []);
    // and what was taken off it by command, until credit pays it again
    let mut held = log(Profile::Billfold1, grant());
    let (invoice, currency, posting_date) = (InvoiceId::new(id(2)), eur(), date("2026-03-04"));
    let parts = vec![LotReturn { lot: lot(), amount: Minor(100), direct: false }];
    let released = CreditReleased { invoice, currency, posting_date, parts };
    held.0[5].1.push(released.into());
    assert_eq!(held.broken(), []);
    let again = held.with("2026-03-05", vec![applied(lot(), 1, "2026-03-05")]);
    assert_eq!(again.broken(), [Law::OpenBesideCredit; 2]);
}

#[test]
fn a_swap_leaves_what_is_paid_as_it_is() {
    // given credit of an invoice below zero
    let mut below = credit_of(1000);
    (below.totals.total, below.credit_generated) = (Minor(-100), Minor(100));
    (below.credits, below.credit_applied) = (vec![], Minor(0));
    let mut log = Log::sound();
    log.0[4].1 = vec![below.into()];
    // when it takes the payment's place, so that this is paid back
    let swapped = |amount| {
        let Event::Settlement(SettlementEvent::PaymentRefunded(mut refund)) = refund(100, 100)
        else {
            panic!("a refund")
        };
        let (of_invoice, invoice) =
            (LotRef::Invoice(InvoiceId::new(id(2))), InvoiceId::new(Uuid::nil()));
        refund.amount = Minor(100 + amount).of(eur());
        refund.from_credit = Minor(100 + amount);
        let amount = Minor(amount);
        refund.swapped = vec![LotSwap { lot: of_invoice, invoice, amount, direct: true }];
        log.clone().with("2026-03-05", vec![refund.into()]).broken()
    };
    // then nothing is owed by it, and no lot is spent twice
    assert_eq!(swapped(100), []);
    assert!(swapped(101).contains(&Law::Lots));
}
