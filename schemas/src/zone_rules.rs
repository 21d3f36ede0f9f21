//! Rules of time zones, read from the bundled database once for each zone.
//!
//! Reading a zone's rules costs some microseconds, which is more than deciding a command does.
//! What is kept is a function of the name alone, so nobody can tell whether it was kept. There
//! are some hundred zones, so that it stays small.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use jiff::tz::{TimeZone, TimeZoneDatabase};

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; whoever asks a zone meanwhile, on this thread, panics.
///
/// Folding events asks no zone: what depends on one was decided and is in the event. Tests replay
/// logs in here, so that another release of the time-zone database cannot change the past.
pub fn without_zones<T>(work: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORBIDDEN.set(self.0);
        }
    }
    let _restore = Restore(FORBIDDEN.replace(true));
    work()
}

/// A zone, or an offset in its place, is asked what time it is.
///
/// # Panics
/// Within [`without_zones`].
pub fn zone_is_asked() {
    assert!(!FORBIDDEN.get(), "a zone is asked where only what was decided counts");
}

static KNOWN: RwLock<BTreeMap<String, TimeZone>> = RwLock::new(BTreeMap::new());

/// Gives `use_rules` the rules of the zone with this name; `None` if the database has no such
/// zone.
pub(crate) fn with_rules<T>(name: &str, use_rules: impl FnOnce(&TimeZone) -> T) -> Option<T> {
    // A map that a panicking thread leaves is whole: insertion is its only change.
    if let Some(rules) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(name) {
        return Some(use_rules(rules));
    }
    let rules = TimeZoneDatabase::bundled().get(name).ok()?;
    let result = use_rules(&rules);
    // Under its own name only: whoever writes it in another way finds no more room in here.
    if rules.iana_name() == Some(name) {
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), rules);
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;
    use crate::time::{Timestamp, ZoneName};

    #[test]
    fn no_zone_can_be_asked_where_that_is_forbidden() {
        let ask = || ZoneName::utc().date_at(Timestamp::MAX).is_err();
        let forbidden = || catch_unwind(|| without_zones(ask));
        let before = ask();
        assert!(forbidden().is_err());
        assert_eq!(ask(), before, "afterwards it can be asked again");
    }

    #[test]
    fn a_zone_is_the_same_the_second_time() {
        let name = || with_rules("Asia/Kathmandu", |rules| rules.iana_name().map(str::to_owned));
        assert_eq!(name(), Some(Some("Asia/Kathmandu".to_owned())));
        assert_eq!(name(), name());
    }

    #[test]
    fn a_zone_that_is_not_there_is_not_there_and_other_spellings_are_not_kept() {
        assert_eq!(with_rules("Mars/Base", |_| ()), None);
        assert_eq!(with_rules("asia/tOKYO", |_| ()), Some(()));
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        assert!(!known.contains_key("asia/tOKYO") && !known.contains_key("Mars/Base"));
    }
}
