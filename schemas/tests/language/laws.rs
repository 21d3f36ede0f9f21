//! Laws of numbers and dates, against slow and plain computations of the same.

use proptest::prelude::*;
use schemas::fraction::RoundingMode;
use schemas::{Currency, Date, Fraction, Interval, Minor, Money};

use crate::values::of;

/// The nearest integer by trying the neighbours of the truncated quotient.
fn nearest(numerator: i128, denominator: i128, mode: RoundingMode) -> i128 {
    let near = numerator / denominator;
    let distance = |whole: i128| (numerator - whole * denominator).abs();
    let toward_zero = |whole: i128| whole.abs() * denominator <= numerator.abs();
    let least = (near - 1..=near + 1).map(distance).min().expect("three candidates");
    let nearest: Vec<i128> = (near - 1..=near + 1).filter(|&w| distance(w) == least).collect();
    match mode {
        RoundingMode::Down => {
            let inside = (near - 1..=near + 1).filter(|&w| toward_zero(w));
            inside.min_by_key(|&w| distance(w)).expect("zero is always inside")
        }
        RoundingMode::Up => {
            let outside =
                (near - 1..=near + 1).filter(|&w| w.abs() * denominator >= numerator.abs());
            outside.min_by_key(|&w| distance(w)).expect("a neighbour is outside")
        }
        RoundingMode::HalfUp => *nearest.iter().max_by_key(|w| w.abs()).expect("at least one"),
        RoundingMode::HalfEven => match nearest[..] {
            [only] => only,
            [a, b] => {
                if a % 2 == 0 {
                    a
                } else {
                    b
                }
            }
            _ => unreachable!("at most two integers are equally near"),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn rounding_agrees_with_trying_every_neighbour(
        numerator in -1_000_000_000_000_i128..=1_000_000_000_000,
        denominator in 1_i128..=400,
    ) {
        let fraction = Fraction::new(numerator, denominator).expect("small");
        let modes =
            [RoundingMode::HalfUp, RoundingMode::HalfEven, RoundingMode::Down, RoundingMode::Up];
        for mode in modes {
            prop_assert_eq!(
                fraction.rounded(mode).map(i128::from),
                Ok(nearest(numerator, denominator, mode)),
                "{}/{} {:?}", numerator, denominator, mode
            );
        }
    }

    #[test]
    fn rounding_a_wide_fraction_is_right_or_refused_never_a_panic(
        numerator in any::<i128>(), denominator in 1..=i128::MAX,
    ) {
        let Ok(fraction) = Fraction::new(numerator, denominator) else { return Ok(()) };
        let down = fraction.rounded(RoundingMode::Down);
        prop_assert_eq!(down.ok(), i64::try_from(numerator / denominator).ok());
        if let (Ok(up), Ok(down)) = (fraction.rounded(RoundingMode::HalfUp), down) {
            prop_assert!(up.abs_diff(down) <= 1);
        }
    }

    #[test]
    fn products_of_fractions_agree_with_the_parts(
        a in -1_000_000_i128..=1_000_000, b in 1_i128..=1_000_000,
        c in -1_000_000_i128..=1_000_000, d in 1_i128..=1_000_000,
    ) {
        let left = Fraction::new(a, b).expect("small");
        let right = Fraction::new(c, d).expect("small");
        prop_assert_eq!(left.times(right), Fraction::new(a * c, b * d));
        prop_assert_eq!(left.times(right), right.times(left));
    }

    #[test]
    fn fractions_read_back_as_they_print(numerator in any::<i128>(), denominator in 1..=i128::MAX) {
        let Ok(fraction) = Fraction::new(numerator, denominator) else { return Ok(()) };
        prop_assert_eq!(fraction.to_string().parse(), Ok(fraction));
    }

    #[test]
    fn amounts_read_back_as_they_print_in_every_currency(minor in any::<i64>()) {
        for currency in Currency::all() {
            let money = Minor(minor).of(currency);
            prop_assert_eq!(Money::parse(&money.amount(), currency), Ok(money));
            let json = serde_json::to_string(&money).expect("writes");
            prop_assert_eq!(serde_json::from_str::<Money>(&json).ok(), Some(money));
        }
    }

    #[test]
    fn any_text_is_an_amount_or_a_refusal(text in ".{0,50}") {
        let _either = Money::parse(&text, of("EUR"));
        let _either = text.parse::<schemas::Decimal>();
        let _either = text.parse::<Date>();
        let _either = text.parse::<schemas::Timestamp>();
        let _either = text.parse::<Fraction>();
        let _either = text.parse::<Interval>();
    }

    #[test]
    fn overlap_is_the_days_in_both(
        a in 0_i32..60, a_days in 1_i32..30, b in 0_i32..60, b_days in 1_i32..30,
    ) {
        let interval = |start: i32, days: i32| {
            let date = |day| Date::from_days(20_000 + day).expect("in range");
            Interval::new(date(start), date(start + days)).expect("not empty")
        };
        let (left, right) = (interval(a, a_days), interval(b, b_days));
        let inside = |day: i32, i: Interval| (i.start().days()..i.end().days()).contains(&day);
        let days = 19_990..20_100;
        let both: Vec<i32> = days.filter(|&d| inside(d, left) && inside(d, right)).collect();
        let overlap = left.overlap(right);
        prop_assert_eq!(overlap, right.overlap(left));
        prop_assert_eq!(overlap.map_or(0, Interval::days), i32::try_from(both.len()).expect("few"));
        prop_assert_eq!(overlap.map(|o| o.start().days()), both.first().copied());
        prop_assert_eq!(overlap.map(|o| o.end().days() - 1), both.last().copied());
    }
}

#[test]
fn every_date_of_eleven_centuries_agrees_with_the_calendar_library() {
    let mut civil = jiff::civil::date(1900, 1, 1);
    let mut days = Date::MIN.days();
    loop {
        let date = Date::from_days(days).expect("in range");
        assert_eq!(date.civil(), civil);
        assert_eq!(Date::from_civil(civil), Ok(date));
        assert_eq!(date.to_string().parse(), Ok(date));
        assert_eq!(date.to_string(), civil.to_string());
        assert_eq!(date.first_of_month().civil(), civil.first_of_month());
        if date == Date::MAX {
            break;
        }
        civil = civil.tomorrow().expect("before the year 3000");
        days += 1;
    }
    assert_eq!(civil, jiff::civil::date(2999, 12, 31));
    assert_eq!(Date::from_days(days + 1), None);
    assert!(Date::MIN.plus_days(-1).is_err());
    assert!(Date::from_civil(jiff::civil::date(3000, 1, 1)).is_err());
}
