use schemas::Interval;
use schemas::terms::Profile;

use super::*;

fn date(text: &str) -> Date {
    text.parse().expect("a date")
}

fn rules(profile: Profile) -> Rules {
    Rules::new(profile.policies(), &schemas::ZoneName::utc(), None)
}

fn every(count: u16, unit: CalendarUnit) -> Every {
    Every { count, unit }
}

fn periods(
    start: &str,
    every: Every,
    anchor: Option<Anchor>,
    profile: Profile,
    n: u32,
) -> Vec<String> {
    let rules = rules(profile);
    let calendar =
        calendar(Timestamp::start_of_utc(date(start)), every, anchor, &rules).expect("in range");
    (0..n)
        .map(|n| {
            let (span, full) = period(&calendar, n, &rules).expect("in range");
            let days = |span: Span| {
                Interval::new(span.start().utc_date(), span.end().utc_date()).expect("days")
            };
            if span == full {
                days(span).to_string()
            } else {
                format!("{} of {}", days(span), days(full))
            }
        })
        .collect()
}

#[test]
fn a_month_end_anchor_never_drifts() {
    let month = every(1, CalendarUnit::Month);
    assert_eq!(
        periods("2024-01-31", month, None, Profile::Billfold1, 4),
        [
            "2024-01-31/2024-02-29",
            "2024-02-29/2024-03-31",
            "2024-03-31/2024-04-30",
            "2024-04-30/2024-05-31"
        ]
    );
    let year = every(1, CalendarUnit::Year);
    assert_eq!(
        periods("2024-02-29", year, None, Profile::Billfold1, 4)[3],
        "2027-02-28/2028-02-29"
    );
}

#[test]
fn a_leading_part_belongs_to_the_cycle_that_ends_at_the_first_boundary() {
    let month = every(1, CalendarUnit::Month);
    let day = |day| Some(Anchor::Day(day));
    assert_eq!(
        periods("2012-03-02", month, day(31), Profile::Killbill1, 2),
        ["2012-03-02/2012-03-31 of 2012-02-29/2012-03-31", "2012-03-31/2012-04-30"]
    );
    // Kill Bill goes back from the clamped day, others from the intended one.
    assert_eq!(
        periods("2011-02-14", month, day(31), Profile::Killbill1, 1),
        ["2011-02-14/2011-02-28 of 2011-01-28/2011-02-28"]
    );
    assert_eq!(
        periods("2011-02-14", month, day(31), Profile::Billfold1, 1),
        ["2011-02-14/2011-02-28 of 2011-01-31/2011-02-28"]
    );
}

#[test]
fn a_yearly_anchor_day_is_an_interval_ahead_or_the_next_one() {
    let year = every(1, CalendarUnit::Year);
    let day = Some(Anchor::Day(15));
    assert_eq!(
        periods("2011-01-31", year, day, Profile::Killbill1, 1),
        ["2011-01-31/2012-01-15 of 2011-01-15/2012-01-15"]
    );
    assert_eq!(
        periods("2011-01-31", year, day, Profile::StripeFlexible1, 1),
        ["2011-01-31/2011-02-15 of 2010-02-15/2011-02-15"]
    );
}

#[test]
fn calendar_cycles_start_with_month_quarter_year_and_week() {
    let first = |start, every| periods(start, every, Some(Anchor::Calendar), Profile::Lago1, 1);
    assert_eq!(
        first("2024-08-10", every(1, CalendarUnit::Month)),
        ["2024-08-10/2024-09-01 of 2024-08-01/2024-09-01"]
    );
    assert_eq!(
        first("2024-08-10", every(3, CalendarUnit::Month)),
        ["2024-08-10/2024-10-01 of 2024-07-01/2024-10-01"]
    );
    assert_eq!(
        first("2024-08-10", every(1, CalendarUnit::Year)),
        ["2024-08-10/2025-01-01 of 2024-01-01/2025-01-01"]
    );
    // 10 August 2024 is a Saturday.
    assert_eq!(
        first("2024-08-10", every(1, CalendarUnit::Week)),
        ["2024-08-10/2024-08-12 of 2024-08-05/2024-08-12"]
    );
}

#[test]
fn a_date_is_an_anchor_before_and_after_itself() {
    let month = every(1, CalendarUnit::Month);
    for anchor in ["2023-12-31", "2024-01-31", "2030-05-31", "1999-03-31"] {
        assert_eq!(
            periods("2024-02-10", month, Some(Anchor::Date(date(anchor))), Profile::Billfold1, 2),
            ["2024-02-10/2024-02-29 of 2024-01-31/2024-02-29", "2024-02-29/2024-03-31"],
            "{anchor}"
        );
    }
}

#[test]
fn a_cycle_beyond_the_calendar_is_an_error() {
    let rules = rules(Profile::Billfold1);
    let start = Timestamp::start_of_utc(date("2990-01-01"));
    let ten = calendar(start, every(10, CalendarUnit::Year), None, &rules).expect("in range");
    assert!(period(&ten, 0, &rules).is_err());
    assert!(step(date("2024-01-01"), every(10, CalendarUnit::Year), i64::MAX, None).is_err());
}
