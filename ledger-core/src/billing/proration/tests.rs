use schemas::terms::Profile;
use schemas::{Timestamp, ZoneName};

use super::*;

const MONTH: Every = Every { count: 1, unit: CalendarUnit::Month };

fn span(days: &str) -> Span {
    let days: Interval = days.parse().expect("days");
    let at = Timestamp::start_of_utc;
    Span::new(at(days.start()), at(days.end())).expect("a span")
}

fn part(rule: Proration, piece: &str, full: &str, every: Every) -> String {
    let mut policies = Profile::Billfold1.policies();
    policies.proration = rule;
    let rules = Rules::new(policies, &ZoneName::utc(), None);
    ratio(span(piece), span(full), every, &rules).expect("a ratio").to_string()
}

#[test]
fn zuora_has_three_conventions_for_one_partial_month() {
    let january = |rule| part(rule, "2021-01-27/2021-02-01", "2021-01-01/2021-02-01", MONTH);
    assert_eq!(january(Proration::Actual), "5/31");
    assert_eq!(january(Proration::ActualOver30), "1/6");
    assert_eq!(january(Proration::Strict30360), "2/15");
    let february = |rule| part(rule, "2021-02-27/2021-03-01", "2021-02-01/2021-03-01", MONTH);
    assert_eq!(february(Proration::Actual), "1/14");
    assert_eq!(february(Proration::ActualOver30), "1/15");
    assert_eq!(february(Proration::Strict30360), "2/15");
}

#[test]
fn days_over_30_count_every_day_of_a_whole_month_too() {
    let quarter = Every { count: 3, unit: CalendarUnit::Month };
    let part = |piece| part(Proration::ActualOver30, piece, "2021-01-01/2021-04-01", quarter);
    assert_eq!(part("2021-01-01/2021-02-01"), "31/90");
    assert_eq!(part("2021-02-01/2021-03-01"), "14/45");
    assert_eq!(part("2021-01-15/2021-04-01"), "38/45");
}

#[test]
fn fixed_30_takes_the_first_month_as_30_days_where_it_is_left() {
    let full = "2023-05-15/2023-06-15";
    assert_eq!(part(Proration::Fixed30, "2023-05-15/2023-05-23", full, MONTH), "4/15");
    assert_eq!(part(Proration::Fixed30, "2023-05-23/2023-06-15", full, MONTH), "11/15");
}

#[test]
fn a_whole_cycle_is_one_whatever_the_rule() {
    for rule in Proration::ALL {
        assert_eq!(part(*rule, "2024-02-29/2024-03-31", "2024-02-29/2024-03-31", MONTH), "1");
    }
}

#[test]
fn seconds_and_days_agree_where_no_clock_changes() {
    let (piece, full) = ("2019-04-21/2019-05-01", "2019-04-01/2019-05-01");
    for rule in [Proration::BySecond, Proration::ByMinute, Proration::ByDayHalfOpen] {
        assert_eq!(part(rule, piece, full, MONTH), "1/3");
    }
}
