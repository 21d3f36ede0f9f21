//! The faults that were found by playing, with their figures worked by hand.
//!
//! # Shape
//!
//! A test for each fault, with the arithmetic in its comments. The model is held to them; so is
//! the ledger, by the scenarios of the same names.

use schemas::command::{Activation, RampPhase, RefundEffect, SubscriptionTerms};
use schemas::terms::{
    BillingTiming, CancelCredit, ChangeTime, DiscountDuration, DiscountTarget, Profile, Rate,
    Settle,
};

use crate::story::{
    MONTH, Story, YEAR, add_on, at_once, date, flat, item, per_unit, setup, subscription,
};
use crate::subscription::Place;

const OURS: Profile = Profile::Billfold1;

fn phase(days: &str, unit: Option<&str>, discount: Option<&str>) -> RampPhase {
    let number = |of: &str| of.parse().expect("a number");
    let rate = |of: &str| Some(Rate::Flat(number(of)));
    RampPhase {
        days: Some(days.parse().expect("days")),
        months: None,
        items: unit.map(|of| vec![schemas::command::ItemRequest { rate: rate(of), ..item("fee") }]),
        discount_percent: discount.map(number),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as commands take it")]
fn with_ramp(phases: Vec<RampPhase>) -> Option<SubscriptionTerms> {
    Some(SubscriptionTerms { ramp: Some(phases), ..SubscriptionTerms::default() })
}

#[expect(clippy::unnecessary_wraps, reason = "as commands take it")]
fn waits(hours: u16) -> Option<SubscriptionTerms> {
    let activation = Some(Activation { expires_after_hours: hours, tolerance: None });
    Some(SubscriptionTerms { activation, ..SubscriptionTerms::default() })
}

#[test]
fn a_ramp_does_not_undo_a_plan_change() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("small", MONTH, vec![flat("fee", "100.00")]);
    story.plan("big", MONTH, vec![flat("fee", "1000.00")]);
    let phases = vec![
        phase("2024-01-01/2024-04-01", Some("80.00"), None),
        phase("2024-04-01/2025-01-01", Some("90.00"), None),
    ];
    story.subscribe("s", "small", |c| c.with = with_ramp(phases));
    story.run();
    story.on("2024-02-01");
    story.move_to("s", "big");
    story.run();
    story.on("2024-03-01");
    story.run();
    story.on("2024-04-01");
    story.run();
    assert_eq!(story.totals(), [80_00, 1000_00, 1000_00, 1000_00]);
}

#[test]
fn seats_go_along_to_the_price_of_the_same_id() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("starter", MONTH, vec![per_unit("seats", "10.00")]);
    story.plan("pro", MONTH, vec![flat("platform", "50.00"), per_unit("seats", "20.00")]);
    story.subscribe("s", "starter", |c| c.quantity = Some("10".parse().expect("a number")));
    story.run();
    story.on("2024-02-01");
    story.move_to("s", "pro");
    story.run();
    // 10 x 10; then 50 and 10 x 20.
    assert_eq!(story.totals(), [100_00, 250_00]);
    let mut nets = story.nets(1);
    nets.sort_unstable();
    assert_eq!(nets, [50_00, 200_00]);
}

#[test]
fn none_starts_money_with_the_first_cycle_that_is_not_invoiced() {
    // An add-on.
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("p", MONTH, vec![flat("fee", "31.00"), add_on("extra", "62.00")]);
    story.subscribe("s", "p", |_| {});
    story.run();
    story.on("2024-01-16");
    let added = story.change("s", |c| {
        (c.items, c.proration) = (Some(vec![item("extra")]), Some(Settle::None));
    });
    added.expect("an add-on of the plan");
    story.on("2024-02-01");
    story.run();
    assert_eq!(story.totals(), [31_00, 93_00]);
    // Another interval: the new cycle is billed whole, and nothing comes back.
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("m", MONTH, vec![flat("fee", "31.00")]);
    story.plan("y", YEAR, vec![flat("fee", "366.00")]);
    story.subscribe("s", "m", |_| {});
    story.run();
    story.on("2024-01-16");
    story.move_unsettled("s", "y");
    story.run();
    assert_eq!(story.totals(), [31_00, 366_00]);
    // A resumption.
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("m", MONTH, vec![flat("fee", "31.00")]);
    story.subscribe("s", "m", |_| {});
    story.run();
    story.on("2024-01-11");
    story.pause("s", ChangeTime::Now, Settle::Now, None);
    // 10 of 31 days stay.
    assert_eq!(story.balance(), (10_00, 0));
    story.on("2024-01-21");
    story.resume("s", Settle::None);
    story.on("2024-02-01");
    story.run();
    assert_eq!(story.balance(), (41_00, 0));
}

#[test]
fn a_migration_that_is_taken_back_is_taken_once() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("p", MONTH, vec![flat("fee", "10.00")]);
    story.plan("p", MONTH, vec![flat("fee", "20.00")]);
    story.subscribe("s", "p", |c| c.version = Some(1));
    story.run();
    story.migrate("p", 1, 2, "2024-02-01").expect("it maps");
    story.on("2024-01-15");
    story.migrate("p", 2, 1, "2024-02-01").expect("it maps");
    for month in 2..7 {
        story.on(&format!("2024-{month:02}-01"));
        story.run();
    }
    assert_eq!(story.totals(), [10_00; 6]);
}

#[test]
fn a_migration_maps_by_id_and_starts_what_is_new() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("p", MONTH, vec![flat("fee", "10.00")]);
    story.plan("p", MONTH, vec![flat("base", "20.00")]);
    story.plan("p", MONTH, vec![flat("fee", "12.00"), flat("support", "5.00")]);
    story.subscribe("s", "p", |c| c.version = Some(1));
    story.run();
    assert!(story.migrate("p", 1, 2, "2024-02-01").is_err());
    story.on("2024-02-01");
    story.run();
    story.migrate("p", 1, 3, "2024-03-01").expect("the fee maps");
    story.on("2024-03-01");
    story.run();
    assert_eq!(story.totals(), [10_00, 10_00, 17_00]);
}

#[test]
fn what_was_not_paid_makes_no_credit() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("p", YEAR, vec![flat("fee", "3660.00")]);
    story.subscribe("s", "p", at_once);
    story.on("2024-01-02");
    story.cancel("s", ChangeTime::Now, CancelCredit::Prorated);
    // One of 366 days is used.
    assert_eq!(story.balance(), (10_00, 0));
    story.charge("other", 3000_00, true);
    assert_eq!(story.balance(), (3010_00, 0));
}

#[test]
fn what_was_paid_and_not_used_can_be_paid_back() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("p", YEAR, vec![flat("fee", "3660.00")]);
    story.subscribe("s", "p", at_once);
    story.pay("pay", 3660_00);
    story.on("2024-01-02");
    story.cancel("s", ChangeTime::Now, CancelCredit::Prorated);
    assert_eq!(story.balance(), (0, 3650_00));
    story.refund("pay", 3650_00, RefundEffect::CustomerCredit).expect("it is there");
    assert_eq!(story.balance(), (0, 0));
    // Paid before the invoice came: ten of sixty go back against a note.
    let mut story = Story::under(OURS);
    story.on("2024-04-01");
    story.pay("p1", 60_00);
    story.charge("x", 60_00, true);
    story.refund("p1", 10_00, RefundEffect::CreditNote(None)).expect("it lies on the invoice");
    assert_eq!(story.balance(), (0, 0));
}

#[test]
fn a_ramp_that_was_offered_can_be_accepted_later() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("p", MONTH, vec![flat("fee", "100.00")]);
    let phases = vec![
        phase("2024-01-01/2025-01-01", Some("80.00"), None),
        phase("2025-01-01/2026-01-01", Some("90.00"), None),
    ];
    story.offer("p", "2024-01-31", |c| c.with = with_ramp(phases));
    story.on("2024-01-02");
    story.accept("s");
    assert_eq!(story.totals(), [80_00]);
}

#[test]
fn nothing_to_pay_is_nothing_to_wait_for() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan_with("p", MONTH, vec![flat("fee", "100.00")], |p| p.trial_days = Some(14));
    story.subscribe("s", "p", |c| {
        at_once(c);
        c.with = waits(24);
    });
    assert_eq!(story.place("s"), Place::Trialing);
    story.on("2024-01-03");
    story.run();
    assert_eq!(story.place("s"), Place::Trialing);
    // A setup fee is something to pay, and is paid.
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    let prices = vec![flat("fee", "100.00"), setup("setup", "500.00")];
    story.plan_with("p", MONTH, prices, |p| p.trial_days = Some(14));
    story.subscribe("s", "p", |c| {
        at_once(c);
        c.with = waits(24);
    });
    assert_eq!((story.totals(), story.place("s")), (vec![500_00], Place::Pending));
    story.pay("pay", 500_00);
    assert_eq!(story.place("s"), Place::Trialing);
    story.on("2024-01-03");
    story.run();
    assert_eq!(story.place("s"), Place::Trialing);
}

#[test]
fn what_expires_gives_back_what_was_paid() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("p", MONTH, vec![flat("fee", "100.00")]);
    story.subscribe("s", "p", |c| {
        at_once(c);
        c.with = waits(24);
    });
    story.pay("pay", 99_00);
    story.on("2024-01-03");
    story.run();
    assert_eq!((story.balance(), story.place("s")), ((0, 99_00), Place::Expired));
}

#[test]
fn the_month_that_was_paid_runs_from_its_payment() {
    let mut story = Story::under(OURS);
    story.on("2026-03-01");
    story.plan("p", MONTH, vec![flat("fee", "30.00")]);
    story.subscribe("s", "p", |c| {
        at_once(c);
        c.with = waits(1440);
    });
    story.on("2026-04-01");
    story.run();
    assert_eq!((story.balance(), story.totals().len()), ((30_00, 0), 1));
    story.on("2026-04-20");
    story.pay("p1", 30_00);
    assert_eq!(story.place("s"), Place::Active);
    story.on("2026-05-01");
    story.run();
    assert_eq!(story.balance(), (0, 0));
    story.on("2026-05-20");
    story.run();
    assert_eq!(story.balance(), (30_00, 0));
}

#[test]
fn a_charge_does_not_wait_for_a_year() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("p", YEAR, vec![flat("fee", "1000.00")]);
    story.subscribe("s", "p", at_once);
    story.on("2024-01-20");
    story.charge("x", 5000_00, false);
    story.on("2024-02-01");
    story.run();
    story.on("2024-12-31");
    story.run();
    assert_eq!(story.totals(), [1000_00, 5000_00]);
    // A charge that is to be billed again does not wait either.
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("p", YEAR, vec![flat("fee", "1000.00")]);
    story.subscribe("s", "p", at_once);
    story.charge("x", 500_00, true);
    story.void(1, true);
    story.charge("y", 1_00, true);
    story.on("2024-02-01");
    story.run();
    assert_eq!(story.balance(), (1501_00, 0));
}

#[test]
fn a_month_billed_ahead_does_not_block_a_year() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan_with("m", MONTH, vec![flat("fee", "100.00")], |p| p.lead_days = Some(30));
    story.plan("y", YEAR, vec![flat("fee", "1000.00")]);
    story.subscribe("s", "m", |_| {});
    story.run();
    story.on("2024-01-10");
    story.run();
    assert_eq!(story.totals(), [100_00, 100_00]);
    story.on("2024-01-15");
    story.move_to("s", "y");
    story.run();
    // 17 of 31 days of January are 54.84, and February does not begin: 100.00.
    assert_eq!(story.totals(), [100_00, 100_00, 1000_00 - 54_84 - 100_00]);
}

#[test]
fn uncancel_restores_what_was_withdrawn() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("p", MONTH, vec![flat("fee", "100.00")]);
    story.subscribe("s", "p", |_| {});
    story.run();
    story.on("2024-01-31");
    story.pause("s", ChangeTime::CycleEnd, Settle::Next, Some(date("2024-03-01")));
    story.on("2024-02-01");
    story.run();
    story.cancel("s", ChangeTime::Now, CancelCredit::None);
    story.uncancel("s").expect("on the same day");
    story.on("2024-03-01");
    story.run();
    assert_eq!((story.place("s"), story.totals().len()), (Place::Active, 2));
    // A scheduled downgrade.
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("p", MONTH, vec![per_unit("seat", "100.00")]);
    story.subscribe("s", "p", |c| c.quantity = Some("5".parse().expect("a number")));
    story.run();
    story.quantity("s", "1", ChangeTime::CycleEnd);
    story.cancel("s", ChangeTime::Now, CancelCredit::None);
    story.uncancel("s").expect("on the same day");
    story.on("2024-02-01");
    story.run();
    assert_eq!(story.totals(), [500_00, 100_00]);
}

#[test]
fn a_refund_is_never_before_its_payment() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.charge("x", 100_00, true);
    story.on("2024-03-10");
    story.pay("p", 100_00);
    story.on("2024-02-01");
    assert!(story.refund("p", 100_00, RefundEffect::Reopen).is_err());
}

#[test]
fn a_discount_counts_cycles_that_were_billed() {
    // Lago: March is free, and April is the first that is paid.
    let mut story = Story::under(Profile::Lago1);
    story.on("2024-03-01");
    story.plan_with("p", MONTH, vec![flat("fee", "100.00")], |p| p.trial_days = Some(31));
    story.subscribe("s", "p", |_| {});
    let on = || DiscountTarget::Subscription(subscription("s"));
    story.discount("50", on(), DiscountDuration::Once);
    story.on("2024-04-01");
    story.run();
    assert_eq!(story.totals(), [50_00]);
    // The next cycle is the year that begins on the same day.
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("m", MONTH, vec![flat("fee", "100.00")]);
    story.plan("y", YEAR, vec![flat("fee", "1000.00")]);
    story.subscribe("s", "m", |_| {});
    story.run();
    story.on("2024-01-20");
    story.discount("50", on(), DiscountDuration::Once);
    story.on("2024-02-01");
    story.move_to("s", "y");
    story.run();
    assert_eq!(story.totals(), [100_00, 500_00]);
}

#[test]
fn the_least_price_holds_after_discounts() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    let mut seat = per_unit("seat", "10.00");
    seat.amounts[0].minimum = Some("100.00".parse().expect("a number"));
    story.plan("p", MONTH, vec![seat]);
    story.subscribe("s", "p", |c| c.quantity = Some("4".parse().expect("a number")));
    let on = DiscountTarget::Subscription(subscription("s"));
    story.discount("50", on, DiscountDuration::Forever);
    story.run();
    // 4 x 10 less half, and 80 to the least of 100.
    assert_eq!((story.totals(), story.nets(0)), (vec![100_00], vec![20_00, 80_00]));
}

#[test]
fn the_last_phase_holds_whole() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("p", MONTH, vec![flat("fee", "100.00")]);
    let phases = vec![phase("2024-01-01/2024-03-01", Some("90.00"), Some("10"))];
    story.subscribe("s", "p", |c| c.with = with_ramp(phases));
    for month in 1..4 {
        story.on(&format!("2024-{month:02}-01"));
        story.run();
    }
    assert_eq!(story.totals(), [81_00; 3]);
}

#[test]
fn an_add_on_takes_the_new_plans_price() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    story.plan("a", MONTH, vec![flat("fee", "10.00"), add_on("extra", "62.00")]);
    story.plan("b", YEAR, vec![flat("fee", "100.00"), add_on("extra", "500.00")]);
    let items = Some(vec![item("extra")]);
    let with = Some(SubscriptionTerms { items, ..SubscriptionTerms::default() });
    story.subscribe("s", "a", |c| c.with = with);
    story.run();
    story.on("2024-02-01");
    story.move_to("s", "b");
    story.run();
    assert_eq!((story.totals(), story.nets(1).len()), (vec![72_00, 600_00], 2));
}

#[test]
fn full_credit_in_arrears_still_bills_what_was_used() {
    let mut story = Story::under(OURS);
    story.on("2024-01-01");
    let arrears = |p: &mut schemas::command::DefinePlan| p.timing = BillingTiming::InArrears;
    story.plan_with("p", MONTH, vec![flat("fee", "31.00")], arrears);
    story.subscribe("s", "p", |_| {});
    story.run();
    story.on("2024-01-16");
    story.cancel("s", ChangeTime::Now, CancelCredit::Full);
    story.on("2024-02-01");
    story.run();
    assert_eq!(story.balance(), (15_00, 0));
}

#[test]
fn who_cancels_before_the_renewal_does_not_pay_for_it() {
    let mut story = Story::under(Profile::StripeFlexible1);
    story.on("2024-01-15T18:30:00Z");
    story.plan("p", MONTH, vec![flat("fee", "30.00")]);
    story.subscribe("s", "p", at_once);
    story.on("2024-02-15T00:05:00Z");
    story.run();
    assert_eq!(story.totals(), [30_00]);
    story.on("2024-02-15T10:00:00Z");
    story.cancel("s", ChangeTime::CycleEnd, CancelCredit::None);
    story.on("2024-02-16T00:05:00Z");
    story.run();
    assert_eq!(story.balance(), (30_00, 0));
}
