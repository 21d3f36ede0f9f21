//! Credit worked by hand: which lot pays, what goes back, what can be paid out.

use schemas::Minor;
use schemas::command::{
    ApplyCredit, CreditLine, GrantCredit, IssueCreditNote, PayOutCredit, RefundEffect,
    ReleaseCredit, RevokeCredit,
};
use schemas::ids::{CreditGrantId, CreditNoteId, InvoiceId, PaymentId, RefundId};
use schemas::terms::{
    CalendarUnit, CancelCredit, ChangeTime, Every, GrantKind, LotRef, LotScope, NoteTarget, Profile,
};
use uuid::Uuid;

use crate::customer::{Origin, Refused};
use crate::play::text;
use crate::story::{Story, at_once, date, flat, subscription};

const OURS: Profile = Profile::Billfold1;
const MONTH: Every = Every { count: 1, unit: CalendarUnit::Month };

fn of_grant(n: u128) -> CreditGrantId {
    CreditGrantId::new(Uuid::from_u128(0xC0 + n))
}

impl Story {
    fn lend(&mut self, n: u128, cents: i64, more: impl FnOnce(&mut GrantCredit)) {
        let amount = Minor(cents).of("EUR".parse().expect("a currency"));
        let mut grant = GrantCredit::plain(Self::customer(), of_grant(n), amount, text("because"));
        more(&mut grant);
        self.must(grant.into());
    }

    /// What is left of the grants, in their order.
    fn granted(&self) -> Vec<i128> {
        let lots = self.state().lots.iter();
        let granted = lots.filter(|lot| matches!(lot.origin, Origin::Grant(..)));
        granted.map(|lot| lot.left).collect()
    }

    fn invoice(&self, place: usize) -> InvoiceId {
        self.state().names[place]
    }

    fn open(&self) -> Vec<i128> {
        self.state().invoices.iter().map(crate::customer::Invoice::open).collect()
    }

    fn apply(&mut self, lot: LotRef, place: usize) -> Result<(), Refused> {
        let (customer, invoice, amount) = (Self::customer(), self.invoice(place), None);
        self.say(ApplyCredit { customer, lot, invoice, amount }.into()).map(|_| ())
    }

    fn release(&mut self, lot: LotRef, place: usize) {
        let (customer, invoice, amount) = (Self::customer(), self.invoice(place), None);
        self.must(ReleaseCredit { customer, lot, invoice, amount }.into());
    }

    fn pay_out(&mut self, lot: LotRef) -> Result<(), Refused> {
        let (customer, refund) = (Self::customer(), RefundId::new(Uuid::from_u128(0xE0)));
        let (amount, reason) = (None, text("because"));
        self.say(PayOutCredit { customer, refund, lot, amount, reason }.into()).map(|_| ())
    }

    fn revoke(&mut self, n: u128) -> Result<(), Refused> {
        let (customer, grant, reason) = (Self::customer(), of_grant(n), text("because"));
        self.say(RevokeCredit { customer, grant, reason }.into()).map(|_| ())
    }

    fn note(&mut self, place: usize, cents: i64, to: Option<NoteTarget>) -> Result<(), Refused> {
        let amount = Minor(cents).of("EUR".parse().expect("a currency"));
        let (customer, invoice) = (Self::customer(), self.invoice(place));
        let note = CreditNoteId::new(Uuid::from_u128(0xF0));
        let lines = vec![CreditLine { line: 1, amount }];
        self.say(IssueCreditNote { customer, note, invoice, lines, to }.into()).map(|_| ())
    }
}

fn story(profile: Profile) -> Story {
    let mut story = Story::under(profile);
    story.on("2024-01-01");
    story.plan("p", MONTH, vec![flat("fee", "30.00")]);
    story
}

#[test]
fn lots_are_used_by_expiry_then_priority_then_age() {
    let mut story = story(OURS);
    story.lend(1, 10_00, |_| ());
    story.lend(2, 10_00, |grant| grant.priority = Some(-1));
    story.lend(3, 10_00, |grant| grant.expires = Some(date("2024-01-31")));
    story.charge("x", 12_00, true);
    assert_eq!(story.granted(), [10_00, 8_00, 0]);
    story.charge("y", 13_00, true);
    assert_eq!(story.granted(), [5_00, 0, 0]);
}

#[test]
fn after_its_last_day_a_lot_pays_nothing() {
    let mut story = story(OURS);
    story.lend(1, 10_00, |grant| grant.expires = Some(date("2024-01-31")));
    story.on("2024-02-01");
    story.charge("x", 4_00, true);
    assert_eq!(story.balance(), (4_00, 10_00));
    // The next billing takes it away.
    story.charge("y", 1_00, false);
    story.finalize().expect("something waits");
    assert_eq!(story.balance(), (5_00, 0));
}

#[test]
fn credit_for_a_subscription_pays_what_is_billed_of_it() {
    let mut story = story(OURS);
    story.subscribe("s", "p", |_| ());
    let scope = Some(LotScope::Subscription(subscription("s")));
    story.lend(1, 100_00, |grant| grant.scope = scope);
    story.charge("x", 50_00, false);
    story.run();
    assert_eq!((story.open(), story.granted()), (vec![50_00], vec![70_00]));
    story.charge("y", 5_00, true);
    assert_eq!((story.open(), story.granted()), (vec![50_00, 5_00], vec![70_00]));
}

#[test]
fn what_was_taken_off_by_hand_is_left_alone_until_it_is_paid_or_applied() {
    let lot = LotRef::Grant(of_grant(1));
    let mut story = story(OURS);
    story.lend(1, 40_00, |_| ());
    story.charge("x", 30_00, true);
    story.release(lot, 0);
    assert_eq!(story.balance(), (30_00, 40_00));
    // What else is open is paid.
    story.charge("y", 5_00, true);
    assert_eq!((story.open(), story.granted()), (vec![30_00, 0], vec![35_00]));
    story.apply(lot, 0).expect("it is open");
    assert_eq!(story.balance(), (0, 5_00));
    // Paid by a payment and bounced, credit pays it again.
    story.release(lot, 0);
    story.pay("p", 30_00);
    story.reverse("p");
    assert_eq!(story.balance(), (0, 5_00));
}

#[test]
fn where_credit_waits_it_waits() {
    let mut story = story(Profile::Lago1);
    story.charge("x", 30_00, true);
    story.lend(1, 40_00, |_| ());
    assert_eq!(story.balance(), (30_00, 40_00));
    story.charge("y", 15_00, true);
    assert_eq!(story.open(), [30_00, 0]);
    story.apply(LotRef::Grant(of_grant(1)), 0).expect("it is open");
    assert_eq!(story.balance(), (5_00, 0));
}

#[test]
fn what_is_left_of_a_grant_can_be_taken_back_but_not_money() {
    let mut story = story(OURS);
    story.lend(1, 10_00, |_| ());
    story.lend(2, 10_00, |grant| grant.kind = Some(GrantKind::Prepayment));
    story.charge("x", 4_00, true);
    story.revoke(1).expect("6.00 are left");
    assert!(story.revoke(1).is_err() && story.revoke(2).is_err());
    assert!(story.pay_out(LotRef::Grant(of_grant(1))).is_err());
    story.pay_out(LotRef::Grant(of_grant(2))).expect("it is money");
    assert_eq!(story.balance(), (0, 0));
}

#[test]
fn a_note_beyond_what_is_open_goes_back_to_who_paid_last() {
    let mut story = story(OURS);
    story.lend(1, 25_00, |_| ());
    story.charge("x", 60_00, true);
    story.pay("p", 35_00);
    assert!(story.note(0, 40_00, None).is_err());
    story.note(0, 40_00, Some(NoteTarget::Credit)).expect("it is paid");
    // 35.00 of the payment, then 5.00 of the goodwill.
    assert_eq!((story.balance(), story.granted()), ((0, 40_00), vec![5_00]));
    story.refund("p", 35_00, RefundEffect::CustomerCredit).expect("it came back");
    assert_eq!(story.balance(), (0, 5_00));
}

#[test]
fn what_an_invoice_below_zero_gives_back_takes_the_payments_place() {
    let mut story = story(Profile::Killbill1);
    story.subscribe("s", "p", at_once);
    story.pay("p", 30_00);
    story.on("2024-01-11");
    story.cancel("s", ChangeTime::Now, CancelCredit::Prorated);
    // 21 of 31 days.
    assert_eq!(story.balance(), (0, 20_32));
    story.refund("p", 20_00, RefundEffect::CustomerCredit).expect("it takes the payment's place");
    let payment = Origin::Payment(PaymentId::new(crate::story::id("p")));
    let parts = &story.state().invoices[0].applied;
    let paid = |origin| -> i128 {
        let of = parts.iter().filter(|part| story.state().lots[part.lot].origin == origin);
        of.map(|part| part.amount).sum()
    };
    assert_eq!((paid(payment), paid(Origin::Invoice(1))), (10_00, 20_00));
    // The rest is paid out of the lot itself: 10.00 of the payment lie there.
    story.pay_out(LotRef::Invoice(story.invoice(1))).expect("it was paid");
    assert_eq!(story.balance(), (0, 0));
}

#[test]
fn nothing_was_paid_so_nothing_is_paid_out() {
    let mut story = story(OURS);
    story.subscribe("s", "p", |_| ());
    story.lend(1, 30_00, |_| ());
    story.run();
    story.on("2024-01-11");
    story.cancel("s", ChangeTime::Now, CancelCredit::Prorated);
    // What the goodwill paid is goodwill again, and cannot be paid out.
    assert!(story.pay_out(LotRef::Grant(of_grant(1))).is_err());
    assert_eq!(story.granted(), [20_32]);
}
