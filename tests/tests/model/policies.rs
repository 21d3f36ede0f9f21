//! The examples of `docs/policies.md`, one for each policy.
//!
//! # Shape
//!
//! Each test is a paragraph of "Where the rules differ", with the figures that it prints.

use schemas::command::SubscriptionTerms;
use schemas::terms::{
    Anchor, CancelCredit, ChangeTime, DiscountDuration, DiscountTarget, ItemTarget, Profile, Rate,
    Settle,
};

use crate::story::{MONTH, Story, YEAR, at_once, date, flat, item, subscription};

const OURS: Profile = Profile::Billfold1;

#[expect(clippy::unnecessary_wraps, reason = "as commands take it")]
fn anchored(anchor: Anchor) -> Option<SubscriptionTerms> {
    Some(SubscriptionTerms { anchor: Some(anchor), ..SubscriptionTerms::default() })
}

/// The first bill of a price that is bought on a day with an anchor.
fn first_bill(mut story: Story, on: &str, amount: &str, anchor: Option<Anchor>) -> i128 {
    story.on(on);
    story.plan("p", MONTH, vec![flat("fee", amount)]);
    story.subscribe("s", "p", |c| {
        at_once(c);
        c.with = anchor.and_then(anchored);
    });
    story.totals()[0]
}

#[test]
fn proration() {
    // 90.00 from 11 January 2026 to 1 February.
    let bill = |rule: &str| {
        let story = Story::with(OURS, &[("proration", rule)]);
        first_bill(story, "2026-01-11", "90.00", Some(Anchor::Day(1)))
    };
    assert_eq!(bill("by_day_half_open"), 60_97);
    assert_eq!(bill("actual"), 60_97);
    assert_eq!(bill("fixed_30"), 60_00);
    assert_eq!(bill("strict_30_360"), 60_00);
    assert_eq!(bill("actual_over_30"), 63_00);
    let story = Story::with(OURS, &[("proration", "by_second")]);
    assert_eq!(first_bill(story, "2026-01-11T12:00:00Z", "90.00", Some(Anchor::Day(1))), 59_52);
}

#[test]
fn the_ratio() {
    let bill = |rule: &str, on: &str, amount: &str| {
        let story = Story::with(OURS, &[("ratio", rule)]);
        first_bill(story, on, amount, Some(Anchor::Day(1)))
    };
    // 3 of 30 days of 1,999.95 are 199.995.
    assert_eq!(bill("exact", "2024-04-28", "1999.95"), 200_00);
    // 8 of 31 days.
    assert_eq!(bill("round_up_to_whole_period", "2024-01-24", "90.00"), 90_00);
    assert_eq!(bill("ratio_6dp", "2024-01-24", "90.00"), 23_23);
    // 15 days at 0.33.
    assert_eq!(bill("daily_rate_rounded_first", "2024-04-16", "10.00"), 4_95);
}

#[test]
fn the_period_before_a_leading_part() {
    // 14 days to 28 February 2011, of 28 x 31.
    let bill = |rule: &str| {
        let story = Story::with(OURS, &[("previous_period_from", rule)]);
        first_bill(story, "2011-02-14", "868.00", Some(Anchor::Day(31)))
    };
    assert_eq!((bill("clamped_date"), bill("anchor")), (14 * 28_00, 14 * 31_00));
}

#[test]
fn the_anchor_if_nothing_is_said() {
    let story = Story::with(OURS, &[("default_anchor", "calendar")]);
    assert_eq!(first_bill(story, "2024-03-05", "31.00", None), 27_00);
    assert_eq!(first_bill(Story::under(OURS), "2024-03-05", "31.00", None), 31_00);
}

#[test]
fn the_first_boundary() {
    let bill = |rule: &str| {
        let mut story = Story::with(OURS, &[("first_boundary", rule)]);
        story.on("2012-01-31");
        story.plan("p", YEAR, vec![flat("fee", "366.00")]);
        story.subscribe("s", "p", |c| {
            at_once(c);
            c.with = anchored(Anchor::Day(30));
        });
        story.totals()[0]
    };
    // To 29 February 2012, and to 30 January 2013.
    assert_eq!((bill("next_anchor_day"), bill("anchor_day_of_start_month")), (29_00, 365_00));
}

#[test]
fn another_interval() {
    // Monthly since 5 March 2023, yearly from 12 May on.
    let bill = |rule: &str| {
        let mut story = Story::with(OURS, &[("interval_change", rule)]);
        story.on("2023-03-05");
        story.plan("m", MONTH, vec![flat("fee", "0.00")]);
        story.plan("y", YEAR, vec![flat("fee", "366.00")]);
        story.subscribe("s", "m", at_once);
        story.on("2023-05-12");
        story.run();
        let before = story.totals().len();
        story.move_to("s", "y");
        story.run();
        story.totals()[before]
    };
    assert_eq!(bill("restart_on_change"), 366_00);
    // To 5 May 2024: 359 of 366 days. To 5 March 2024: 298 of 366.
    assert_eq!((bill("keep_anchor_day"), bill("keep_anchor")), (359_00, 298_00));
}

#[test]
fn trials_and_cycles() {
    let mut story = Story::under(Profile::Lago1);
    story.on("2024-03-05");
    story.plan_with("p", MONTH, vec![flat("fee", "50000.00")], |p| p.trial_days = Some(10));
    story.plan_with("q", MONTH, vec![flat("fee", "31.00")], |p| p.trial_days = Some(13));
    story.subscribe("s", "p", |_| {});
    story.on("2024-03-15");
    story.run();
    // 17 of 31 days.
    assert_eq!(story.totals(), [27_419_35]);
    let mut story = Story::under(Profile::Lago1);
    story.on("2024-03-05");
    story.plan_with("p", MONTH, vec![flat("fee", "50000.00")], |p| p.trial_days = Some(10));
    story.plan_with("q", MONTH, vec![flat("fee", "31.00")], |p| p.trial_days = Some(13));
    story.subscribe("s", "p", |_| {});
    story.on("2024-03-10");
    story.move_to("s", "q");
    story.on("2024-03-18");
    story.run();
    // The new plan's trial ends on the 18th: 14 of 31 days.
    assert_eq!(story.totals(), [14_00]);
}

#[test]
fn the_zone_of_a_day() {
    let trial_end = |profile: Profile| {
        let mut story = Story::in_zone(profile, "America/Los_Angeles", "2016-11-05");
        // 23:30 in winter time.
        story.on("2017-03-02T07:30:00Z");
        story.plan_with("p", MONTH, vec![flat("fee", "1.00")], |p| p.trial_days = Some(30));
        story.subscribe("s", "p", |_| {});
        let state = story.state();
        let end = state.subscriptions[0].trial_end.expect("it has a trial");
        crate::civil::date(state.clock.day(end))
    };
    assert_eq!(trial_end(OURS), (2017, 3, 31));
    assert_eq!(trial_end(Profile::Killbill1), (2017, 4, 1));
}

#[test]
fn the_basis_of_a_credit() {
    // 10.00 for April; 20.00 from the 11th on without proration, 10.00 again from the 21st on.
    let credit = |replaced: &[(&str, &str)]| {
        let mut story = Story::with(Profile::StripeFlexible1, replaced);
        story.on("2024-04-01");
        story.plan("p", MONTH, vec![flat("fee", "10.00")]);
        story.subscribe("s", "p", at_once);
        for (on, rate, how) in
            [("2024-04-11", "20.00", Settle::None), ("2024-04-21", "10.00", Settle::Now)]
        {
            story.on(on);
            let rate = Some(Rate::Flat(rate.parse().expect("a number")));
            let items = vec![schemas::command::ItemRequest { rate, ..item("fee") }];
            let changed = story.change("s", |c| (c.items, c.proration) = (Some(items), Some(how)));
            changed.expect("the price is there");
        }
        *story.nets(1).iter().min().expect("it has lines")
    };
    assert_eq!(credit(&[]), -3_33);
    assert_eq!(credit(&[("credit_basis", "current_price")]), -6_67);
    assert_eq!(credit(&[("credit_basis", "whole_fee")]), -10_00);
    // Kill Bill: 28.98 for 30 of 31 days, of which 29 come back.
    let mut story = Story::under(Profile::Killbill1);
    story.on("2012-05-02");
    story.plan("a", MONTH, vec![flat("fee", "29.95")]);
    story.subscribe("s", "a", |c| c.with = anchored(Anchor::Day(1)));
    story.run();
    story.on("2012-05-03");
    story.cancel("s", ChangeTime::Now, CancelCredit::Prorated);
    assert_eq!(story.totals(), [28_98, -28_01]);
}

#[test]
fn the_discount_of_a_credit() {
    // 10.00 and 20.00 with 5.00 off, of which 1.67 fall on the first; half of its time comes back.
    let credit = |rule: &str| {
        let mut story = Story::with(
            Profile::StripeFlexible1,
            &[("credit_discount", rule), ("discount_allocation", "largest_remainder")],
        );
        story.on("2024-04-01");
        let add_on = crate::story::add_on("small", "10.00");
        story.plan("p", MONTH, vec![flat("big", "20.00"), add_on]);
        let items = Some(vec![item("small")]);
        let with = Some(SubscriptionTerms { items, ..SubscriptionTerms::default() });
        story.subscribe("s", "p", |c| c.with = with);
        story.amount_off(5_00, DiscountTarget::Customer);
        story.run();
        assert_eq!(story.totals(), [25_00]);
        story.on("2024-04-16");
        let gone = schemas::command::ItemRequest { remove: Some(true), ..item("small") };
        let how = Some(Settle::Now);
        let changed = story.change("s", |c| (c.items, c.proration) = (Some(vec![gone]), how));
        changed.expect("it is there");
        story.totals()[1]
    };
    assert_eq!((credit("item_share"), credit("whole_discount")), (-4_17, -2_50));
}

#[test]
fn the_last_missing_piece() {
    let last = |rule: &str| {
        let mut story = Story::with(OURS, &[("missing_piece", rule)]);
        story.on("2024-04-01");
        story.plan("p", MONTH, vec![flat("fee", "19.95")]);
        story.subscribe("s", "p", |_| {});
        let on = ChangeTime::On(date("2024-04-30"));
        story.cancel("s", on, CancelCredit::Prorated);
        story.run();
        story.uncancel("s").expect("it has not ended");
        story.finalize().expect("a day is missing");
        story.totals()
    };
    assert_eq!(last("own_ratio"), [19_29, 67]);
    assert_eq!(last("total_minus_already_billed"), [19_29, 66]);
}

#[test]
fn several_discounts() {
    let on = || DiscountTarget::Subscription(subscription("s"));
    let off = |rule: &str| {
        let mut story = Story::with(OURS, &[("discount_stacking", rule)]);
        story.on("2024-04-01");
        story.plan("p", MONTH, vec![flat("fee", "100.00")]);
        story.subscribe("s", "p", |_| {});
        for percent in ["5", "10", "15"] {
            story.discount(percent, on(), DiscountDuration::Forever);
        }
        story.run();
        100_00 - story.totals()[0]
    };
    assert_eq!((off("stacked"), off("sequential")), (30_00, 27_33));
    let left = |rule: &str| {
        let mut story = Story::with(OURS, &[("discount_order", rule)]);
        story.on("2024-04-01");
        story.plan("p", MONTH, vec![flat("fee", "100.00")]);
        story.subscribe("s", "p", |_| {});
        story.amount_off(10_00, on());
        story.discount("50", on(), DiscountDuration::Forever);
        story.run();
        story.totals()[0]
    };
    assert_eq!((left("percentages_first"), left("as_applied")), (40_00, 45_00));
    // The percentage is on the item: it comes before the amount on the subscription.
    let mut story = Story::with(OURS, &[("discount_order", "most_specific_first")]);
    story.on("2024-04-01");
    story.plan("p", MONTH, vec![flat("fee", "100.00")]);
    story.subscribe("s", "p", |_| {});
    story.amount_off(10_00, on());
    let price =
        ItemTarget { subscription: subscription("s"), price: "fee".parse().expect("a code") };
    story.discount("50", DiscountTarget::Item(price), DiscountDuration::Forever);
    story.run();
    assert_eq!(story.totals(), [40_00]);
}

#[test]
fn when_a_difference_is_billed() {
    let invoices = |rule: &str| {
        let mut story = Story::with(OURS, &[("change_billing", rule)]);
        story.on("2024-01-01");
        story.plan("a", MONTH, vec![flat("fee", "31.00")]);
        story.plan("b", MONTH, vec![flat("fee", "62.00")]);
        story.subscribe("s", "a", at_once);
        story.on("2024-01-11");
        story.move_to("s", "b");
        story.totals()
    };
    // 21 of 31 days cost 21.00 more.
    assert_eq!((invoices("next_invoice"), invoices("at_once")), (vec![31_00], vec![31_00, 21_00]));
}
