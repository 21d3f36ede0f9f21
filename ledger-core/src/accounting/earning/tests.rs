use proptest::prelude::*;
use schemas::ids::InvoiceId;
use uuid::Uuid;

use super::*;

fn date(text: &str) -> Date {
    text.parse().expect(text)
}

fn days(text: &str) -> Interval {
    text.parse().expect(text)
}

fn earning(amount: i64, schedule: RevenueSchedule, posted: &str) -> Earning {
    Earning {
        line: LineRef { invoice: InvoiceId::new(Uuid::nil()), line: 1 },
        currency: "EUR".parse().expect("a currency"),
        amount: Minor(amount),
        schedule,
        posted: date(posted),
        until: None,
    }
}

fn straight(amount: i64, service: &str, posted: &str) -> Earning {
    earning(amount, RevenueSchedule::Straight(days(service)), posted)
}

fn through(earning: &Earning, day: &str) -> i64 {
    earning.recognised_through(date(day)).0
}

#[test]
fn a_straight_line_is_earned_by_days_and_the_residue_lands_on_the_last() {
    // given 10.00 over three days
    let earning = straight(1000, "2026-03-01/2026-03-04", "2026-03-01");
    // then before, on and after each boundary
    assert_eq!(through(&earning, "2026-02-28"), 0);
    assert_eq!(through(&earning, "2026-03-01"), 333);
    assert_eq!(through(&earning, "2026-03-02"), 666);
    assert_eq!(through(&earning, "2026-03-03"), 1000);
    assert_eq!(through(&earning, "2026-03-04"), 1000);
    let daily: Vec<_> = earning.daily().map(|(day, amount)| (day.to_string(), amount.0)).collect();
    assert_eq!(
        daily,
        [
            ("2026-03-01".to_owned(), 333),
            ("2026-03-02".to_owned(), 333),
            ("2026-03-03".to_owned(), 334),
        ]
    );
}

#[test]
fn what_lies_before_the_posting_date_is_caught_up_on_it() {
    // given a cycle billed in arrears, on the day after its last but one
    let earning = straight(1000, "2026-03-01/2026-03-11", "2026-03-05");
    assert_eq!(through(&earning, "2026-03-04"), 0);
    assert_eq!(through(&earning, "2026-03-05"), 500);
    assert_eq!(through(&earning, "2026-03-06"), 600);
    // and one posted after its last day
    let late = straight(1000, "2026-03-01/2026-03-11", "2026-04-01");
    assert_eq!(through(&late, "2026-03-31"), 0);
    assert_eq!(through(&late, "2026-04-01"), 1000);
    assert_eq!(late.daily().collect::<Vec<_>>(), [(date("2026-04-01"), Minor(1000))]);
}

#[test]
fn a_point_is_earned_on_its_date_but_not_before_it_is_posted() {
    let future = earning(700, RevenueSchedule::Point(date("2026-03-10")), "2026-03-01");
    assert_eq!(through(&future, "2026-03-09"), 0);
    assert_eq!(through(&future, "2026-03-10"), 700);
    assert_eq!(through(&future, "2026-03-11"), 700);
    let past = earning(700, RevenueSchedule::Point(date("2026-03-10")), "2026-03-20");
    assert_eq!(through(&past, "2026-03-19"), 0);
    assert_eq!(through(&past, "2026-03-20"), 700);
}

#[test]
fn a_stopped_earning_keeps_what_was_earned_through_the_day_before() {
    let mut earning = straight(1000, "2026-03-01/2026-03-11", "2026-03-01");
    earning.stop(date("2026-03-04"));
    assert_eq!(through(&earning, "2026-03-02"), 200);
    assert_eq!(through(&earning, "2026-03-03"), 300);
    assert_eq!(through(&earning, "2026-03-04"), 300);
    assert_eq!(through(&earning, "2026-12-31"), 300);
    assert_eq!(earning.recognised_at_last(), Minor(300));
    assert_eq!(earning.recognised_from(date("2026-03-03")), Minor(100));
    // a later stop changes nothing, an earlier one does
    earning.stop(date("2026-03-09"));
    assert_eq!(earning.recognised_at_last(), Minor(300));
    earning.stop(date("2026-03-02"));
    assert_eq!(earning.recognised_at_last(), Minor(100));
}

#[test]
fn an_earning_stopped_on_its_posting_date_earns_nothing() {
    let mut earning = straight(1000, "2026-03-01/2026-03-11", "2026-03-05");
    earning.stop(date("2026-03-05"));
    assert_eq!(earning.recognised_at_last(), Minor(0));
    assert_eq!(earning.daily().count(), 0);
}

#[test]
fn the_largest_amounts_over_the_longest_time_do_not_overflow() {
    for amount in [i64::MAX, i64::MIN] {
        let whole = Interval::new(Date::MIN, Date::MAX).expect("not empty");
        let earning = earning(amount, RevenueSchedule::Straight(whole), "1900-01-01");
        assert_eq!(earning.recognised_through(Date::MAX), Minor(amount));
        assert_eq!(earning.recognised_in(whole), Minor(amount));
        assert_eq!(earning.recognised_from(Date::MIN), Minor(amount));
    }
}

prop_compose! {
    fn any_earning()(
        amount in prop_oneof![-2000_i64..2000, any::<i64>().prop_filter("mirrored", |a| *a != i64::MIN)],
        start in 19_000_i32..19_100,
        length in 1_i32..120,
        posted in 18_950_i32..19_250,
        until in proptest::option::of(18_950_i32..19_250),
        point in any::<bool>(),
    ) -> Earning {
        let date = |days| Date::from_days(days).expect("in range");
        let schedule = if point {
            RevenueSchedule::Point(date(start))
        } else {
            let days = Interval::new(date(start), date(start + length)).expect("not empty");
            RevenueSchedule::Straight(days)
        };
        let mut earning = earning(amount, schedule, "2026-01-01");
        earning.posted = date(posted);
        earning.until = until.map(date);
        earning
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn days_sum_to_the_whole_and_never_run_ahead(earning in any_earning()) {
        let day = |days| Date::from_days(days).expect("in range");
        let mut sum = 0_i64;
        for (date, amount) in earning.daily() {
            prop_assert!(amount.0.signum() == earning.amount.0.signum());
            prop_assert!(date >= earning.posted);
            prop_assert!(earning.until.is_none_or(|until| date < until));
            sum += amount.0;
            prop_assert_eq!(sum, earning.recognised_through(date).0);
            prop_assert!(sum.unsigned_abs() <= earning.amount.0.unsigned_abs());
        }
        prop_assert_eq!(sum, earning.recognised_at_last().0);
        if earning.until.is_none() {
            prop_assert_eq!(sum, earning.amount.0);
        }
        // and no day outside the daily ones recognises anything
        let daily: std::collections::BTreeMap<_, _> = earning.daily().collect();
        for number in 18_900..19_300 {
            let one = Interval::new(day(number), day(number + 1)).expect("one day");
            let expected = daily.get(&day(number)).copied().unwrap_or_default();
            prop_assert_eq!(earning.recognised_in(one), expected);
        }
    }

    #[test]
    fn a_credit_is_earned_as_the_mirror_image_of_its_charge(earning in any_earning()) {
        let mirrored = Earning { amount: Minor(-earning.amount.0), ..earning };
        for (charge, credit) in earning.daily().zip(mirrored.daily()) {
            prop_assert_eq!((charge.0, -charge.1.0), (credit.0, credit.1.0));
        }
        prop_assert_eq!(earning.daily().count(), mirrored.daily().count());
    }
}
