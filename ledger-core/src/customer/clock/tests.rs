use proptest::prelude::*;

use super::*;

fn date(text: &str) -> Date {
    text.parse().expect("a date")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn zone(name: &str) -> Clock {
    Clock::of(&name.parse().expect("a zone"), None)
}

/// A customer that has moved: each day with the zone that it moves to.
fn moving(first: &str, moves: &[(&str, &str)]) -> LocalTime {
    let mut local = LocalTime::new(zone(first));
    for (from, to) in moves {
        let from = date(from);
        local.switch(from, local.start_of(from).expect("in range"), zone(to));
    }
    local
}

#[test]
fn the_day_of_a_move_begins_by_the_old_clock_and_ends_by_the_new_one() {
    let west = moving("Asia/Tokyo", &[("2024-03-01", "America/New_York")]);
    let start = |day: &str| west.start_of(date(day)).expect("in range").to_string();
    assert_eq!(start("2024-02-29"), "2024-02-28T15:00:00Z");
    assert_eq!(start("2024-03-01"), "2024-02-29T15:00:00Z");
    assert_eq!(start("2024-03-02"), "2024-03-02T05:00:00Z");
    // It is 10:00 of 29 February in New York when 1 March has begun.
    assert_eq!(west.date_at(at("2024-02-29T15:00:00Z")), Ok(date("2024-03-01")));
    assert_eq!(west.date_at(at("2024-02-29T14:59:59Z")), Ok(date("2024-02-29")));
    assert_eq!(west.date_at(at("2024-03-02T04:59:59Z")), Ok(date("2024-03-01")));

    let east = moving("America/New_York", &[("2024-03-01", "Asia/Tokyo")]);
    let start = |day: &str| east.start_of(date(day)).expect("in range").to_string();
    assert_eq!(start("2024-03-01"), "2024-03-01T05:00:00Z");
    assert_eq!(start("2024-03-02"), "2024-03-01T15:00:00Z");
}

#[test]
fn across_the_date_line_a_day_has_no_instant_of_its_own_and_none_comes_twice() {
    let east = moving("Pacific/Pago_Pago", &[("2024-03-01", "Pacific/Kiritimati")]);
    assert_eq!(east.start_of(date("2024-03-01")), east.start_of(date("2024-03-02")));
    assert_eq!(east.date_at(at("2024-03-01T11:00:00Z")), Ok(date("2024-03-02")));
    let west = moving("Pacific/Kiritimati", &[("2024-03-01", "Pacific/Pago_Pago")]);
    let days = |day: &str| west.start_of(date(day)).expect("in range").micros() / 3_600_000_000;
    assert_eq!(days("2024-03-02") - days("2024-03-01"), 49, "hours of the day of the move");
}

#[test]
fn a_later_move_takes_the_place_of_one_that_has_not_come() {
    let corrected = moving(
        "Asia/Tokyo",
        &[("2024-03-01", "America/New_York"), ("2024-03-01", "America/Chicago")],
    );
    assert_eq!(corrected, moving("Asia/Tokyo", &[("2024-03-01", "America/Chicago")]));
    let back =
        moving("Asia/Tokyo", &[("2024-03-01", "America/New_York"), ("2024-03-01", "Asia/Tokyo")]);
    assert_eq!(back, moving("Asia/Tokyo", &[]));
}

#[test]
fn an_instant_that_was_agreed_keeps_its_day_and_its_time_of_day() {
    let before = moving("Asia/Tokyo", &[]);
    let after = moving("Asia/Tokyo", &[("2024-03-01", "America/New_York")]);
    for (agreed, becomes) in [
        // The start of 15 March, after clocks went forward in New York.
        ("2024-03-14T15:00:00Z", "2024-03-15T04:00:00Z"),
        // 10:00 of 5 March.
        ("2024-03-05T01:00:00Z", "2024-03-05T15:00:00Z"),
        // 02:30 of 10 March, which clocks skip: 03:30.
        ("2024-03-09T17:30:00Z", "2024-03-10T07:30:00Z"),
        // The day of the move begins when it did.
        ("2024-02-29T15:00:00Z", "2024-02-29T15:00:00Z"),
    ] {
        assert_eq!(after.same_time(&before, at(agreed)), Ok(at(becomes)), "{agreed}");
    }
}

#[test]
fn a_line_names_the_clocks_of_its_cycle() {
    let local = moving("Asia/Tokyo", &[("2024-03-01", "America/New_York")]);
    let label = |from: &str, to: &str| {
        let span = Span::new(at(from), at(to)).expect("in order");
        local.label(span).to_string()
    };
    let both = "Asia/Tokyo to 2024-03-01, then America/New_York";
    assert_eq!(label("2024-01-31T15:00:00Z", "2024-02-29T15:00:00Z"), "Asia/Tokyo");
    assert_eq!(label("2024-02-29T15:00:00Z", "2024-04-01T04:00:00Z"), both);
    assert_eq!(label("2024-04-01T04:00:00Z", "2024-05-01T04:00:00Z"), "America/New_York");
}

const ZONES: [&str; 10] = [
    "UTC",
    "Asia/Tokyo",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Africa/Cairo",
];

proptest! {
    #[test]
    fn days_stay_in_order_and_every_instant_has_one(
        first in 0..ZONES.len(),
        moves in proptest::collection::vec((0..400_i32, 0..ZONES.len()), 0..4),
        hours in proptest::collection::vec(0..12_000_i64, 20),
    ) {
        let day = |number: i32| date("2024-01-01").plus_days(number).expect("in range");
        let mut moves = moves;
        moves.sort_unstable();
        let mut local = LocalTime::new(zone(ZONES[first]));
        for (number, to) in moves {
            let from = day(number);
            local.switch(from, local.start_of(from).expect("in range"), zone(ZONES[to]));
        }
        let starts: Vec<Timestamp> =
            (0..450).map(|number| local.start_of(day(number)).expect("in range")).collect();
        prop_assert!(starts.is_sorted());
        for (number, pair) in (0..).zip(starts.windows(2)) {
            if pair[0] < pair[1] {
                prop_assert_eq!(local.date_at(pair[0]), Ok(day(number)));
                let last = Timestamp::from_micros(pair[1].micros() - 1).expect("in range");
                prop_assert_eq!(local.date_at(last), Ok(day(number)));
            }
        }
        let mut instants: Vec<Timestamp> = hours
            .into_iter()
            .map(|hour| starts[1].micros() + hour * 3_600_000_000 / 2)
            .filter_map(Timestamp::from_micros)
            .collect();
        instants.sort_unstable();
        let civil: Vec<_> =
            instants.iter().map(|at| local.civil_at(*at).expect("in range")).collect();
        let days: Vec<_> = civil.iter().map(|civil| civil.date()).collect();
        prop_assert!(days.is_sorted(), "{:?}", days);
        for (at, civil) in instants.iter().zip(&civil) {
            prop_assert_eq!(Date::from_civil(civil.date()), local.date_at(*at));
        }
        let mut civil = civil;
        civil.sort_unstable();
        let again: Vec<_> =
            civil.iter().map(|civil| local.instant_of(*civil).expect("in range")).collect();
        prop_assert!(again.is_sorted(), "{:?} {:?}", civil, again);
    }
}
