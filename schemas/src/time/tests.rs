use super::*;

#[test]
fn dates_read_and_print_and_refuse_what_is_no_day() {
    let date: Date = "2024-02-29".parse().expect("a leap day");
    assert_eq!(date.to_string(), "2024-02-29");
    assert_eq!(date.plus_days(1).map(|d| d.to_string()), Ok("2024-03-01".to_owned()));
    for wrong in ["2023-02-29", "24-02-29", "2024-2-29", "1899-12-31", "3000-01-01", "+024-01-01"] {
        assert!(wrong.parse::<Date>().is_err(), "{wrong}");
    }
    assert_eq!(Date::MIN.to_string(), "1900-01-01");
    assert_eq!(Date::MAX.to_string(), "2999-12-31");
}

#[test]
fn the_day_starts_at_one_where_a_clock_change_skips_midnight() {
    let zone: ZoneName = "America/Sao_Paulo".parse().expect("a zone");
    let date = "2017-10-15".parse().expect("a date");
    let start = zone.start_of(date).expect("in range");
    assert_eq!(start.to_string(), "2017-10-15T03:00:00Z");
    assert_eq!(zone.date_at(start), Ok(date));
}

#[test]
fn instants_finer_than_a_microsecond_are_refused() {
    assert!("2026-01-01T00:00:00.000001Z".parse::<Timestamp>().is_ok());
    assert!("2026-01-01T00:00:00.0000001Z".parse::<Timestamp>().is_err());
}

#[test]
fn an_unknown_zone_is_named_in_the_error() {
    assert_eq!(
        "Mars/Base".parse::<ZoneName>(),
        Err(TimeError::UnknownZone("Mars/Base".to_owned()))
    );
}
