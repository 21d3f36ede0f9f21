//! Figures worked by hand for what the rules say beside the faults.
//!
//! # Shape
//!
//! A test for each rule, with the arithmetic in its comments.

use schemas::terms::{Anchor, CancelCredit, ChangeTime, Profile, Settle};

use crate::story::{MONTH, Story, at_once, date, flat, per_unit};

const OURS: Profile = Profile::Billfold1;

#[test]
fn a_scheduled_change_alone_is_no_reason_for_an_invoice() {
    let mut story = Story::under(OURS);
    story.on("2019-08-19");
    story.plan("a", MONTH, vec![flat("fee", "31.00")]);
    story.plan("b", MONTH, vec![flat("fee", "62.00")]);
    story.subscribe("s", "a", at_once);
    let when = ChangeTime::On(date("2019-09-01"));
    story.move_when("s", "b", when);
    story.on("2019-09-01");
    story.run();
    assert_eq!(story.totals().len(), 1);
}

#[test]
fn what_was_billed_ahead_comes_back_when_the_end_is_known() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan_with("p", MONTH, vec![flat("fee", "30.00")], |p| p.lead_days = Some(10));
    story.subscribe("s", "p", |_| {});
    story.run();
    story.on("2024-01-22");
    story.run();
    assert_eq!(story.balance(), (60_00, 0));
    story.on("2024-01-25");
    // Whatever the cancellation gives back: February does not begin.
    story.cancel("s", ChangeTime::CycleEnd, CancelCredit::None);
    assert_eq!(story.balance(), (30_00, 0));
    story.uncancel("s").expect("it has not ended");
    story.on("2024-02-01");
    story.run();
    assert_eq!(story.balance(), (60_00, 0));
}

#[test]
fn credit_never_stands_beside_what_is_open() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.charge("x", 100_00, true);
    story.grant(30_00);
    assert_eq!(story.balance(), (70_00, 0));
    story.pay("p", 100_00);
    assert_eq!(story.balance(), (0, 30_00));
    // The payment bounces; the grant and what it paid stay.
    story.reverse("p");
    assert_eq!(story.balance(), (70_00, 0));
    // Under a vendor's rules credit waits for the next invoice.
    let mut story = Story::under(Profile::Lago1);
    story.on("2024-01-01");
    story.charge("x", 100_00, true);
    story.grant(30_00);
    assert_eq!(story.balance(), (100_00, 30_00));
}

#[test]
fn an_anchor_on_the_fifteenth() {
    // As the story "changed my mind": 14 of 31 days, then a whole month.
    let mut story = Story::under(OURS);
    story.on("2024-04-01");
    story.plan("basic", MONTH, vec![flat("fee", "30.00")]);
    story.subscribe("s", "basic", |_| {});
    story.run();
    story.on("2024-05-01");
    story.run();
    story.on("2024-05-20");
    let when = ChangeTime::On(date("2024-06-01"));
    let changed = story.change("s", |c| (c.anchor, c.when) = (Some(Anchor::Day(15)), when));
    changed.expect("a day of the month");
    story.on("2024-06-15");
    story.run();
    assert_eq!(story.totals(), [30_00, 30_00, 43_55]);
}

#[test]
fn sixteen_of_thirty_days_of_ten() {
    let mut story = Story::under(OURS);
    story.on("2024-04-01");
    story.plan("p", MONTH, vec![per_unit("seat", "10.00")]);
    story.subscribe("s", "p", |_| {});
    story.run();
    story.on("2024-04-15");
    story.quantity("s", "2", ChangeTime::Now);
    assert!(story.finalize().is_ok());
    // A second seat for 16 of 30 days: 5.33, and not 5.34 from two roundings.
    assert_eq!(story.totals(), [10_00, 5_33]);
}

#[test]
fn a_paused_month_as_published() {
    let mut story = Story::under(OURS);
    story.on("2024-03-01");
    story.plan("p", MONTH, vec![flat("fee", "31.00")]);
    story.subscribe("s", "p", |_| {});
    story.run();
    story.on("2024-03-11");
    story.pause("s", ChangeTime::Now, Settle::Next, None);
    story.on("2024-03-21");
    story.resume("s", Settle::Next);
    story.on("2024-04-01");
    story.run();
    // 10 of 31 days come back as a note; April is whole.
    assert_eq!((story.totals(), story.balance()), (vec![31_00, 31_00], (52_00, 0)));
}
