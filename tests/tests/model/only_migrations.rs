//! Histories of little else than migrations: what they do is compared whatever else differs.

use schemas::terms::Profile;
use tests::random::Random;

use crate::moves::{Move, Plan, Setting, Terms, Then, What};
use crate::steps::{History, Step, profile};

const HISTORIES: u64 = 300;

/// The history of a number: always the same.
pub(crate) fn history(number: u64) -> History {
    let mut random = Random::new(number.wrapping_mul(104_729).wrapping_add(3));
    let mut below = |end: u64| random.below(end);
    let small = |n: u64| usize::try_from(n).expect("small");
    let days = |n: u64| i64::try_from(n).expect("small");
    let start = (days(below(700)), days(below(24)), 0);
    let zone = small(below(64));
    let setting =
        Setting { profile: profile(Profile::Billfold1), replaced: Vec::new(), zone, start };
    let mut steps = vec![Step::Shared(subscribe(&mut below, false, 0))];
    let mut subscribed = 1;
    for _ in 0..20 + below(40) {
        let next = below(20);
        steps.push(match next {
            0..7 => Step::Shared(Move::Advance { minutes: 1 + days(below(40 * 1_440)) }),
            7..11 => Step::Shared(Move::Run { back: 0 }),
            11..14 => Step::Shared(Move::Define(plan(&mut below))),
            14 | 15 => {
                let (add_on, ramp) = (below(2) == 0, small(below(5)));
                Step::Shared(subscribe(&mut below, add_on, ramp))
            }
            16 => Step::WithdrawMigration { number: small(below(8)) },
            _ => Step::MigrateWhatIsThere {
                subscription: small(below(8)),
                to: small(below(8)),
                days: days(below(40)),
                map: small(below(6)),
            },
        });
        if matches!(next, 14 | 15) {
            subscribed += 1;
            if below(2) == 0 {
                steps.push(Step::Shared(own_price(subscribed - 1, days(below(1_000_000)))));
            }
        }
    }
    History { setting, steps }
}

/// A price of its own, told in the instant in which it begins.
fn own_price(subscription: usize, price: i64) -> Move {
    let what = What::Items { quantity: 3, own_price: Some(price), add_on: 0 };
    Move::Change { subscription, what, when: Then::Now, settle: 0, back: 0 }
}

fn plan(below: &mut impl FnMut(u64) -> u64) -> Plan {
    let small = |n: u64| usize::try_from(n).expect("small");
    Plan {
        number: small(below(2)),
        every: small(below(4)),
        arrears: below(5) == 0,
        rate: small(below(10)),
        price: i64::try_from(below(2_000_000)).expect("small"),
        trial: 0,
        lead: if below(4) == 0 { 12 } else { 0 },
        second: (below(3) == 0).then(|| small(below(10))),
        minimum: None,
        setup: false,
    }
}

fn subscribe(below: &mut impl FnMut(u64) -> u64, add_on: bool, ramp: usize) -> Move {
    let small = |n: u64| usize::try_from(n).expect("small");
    let terms = Terms {
        quantity: u32::try_from(below(30) + 1).expect("small"),
        anchor: None,
        trial: None,
        term: None,
        ramp,
        activation: false,
        add_on,
        child: false,
    };
    let (customer, plan) = (small(below(2)), small(below(2)));
    Move::Subscribe { customer, plan, terms, now: false, back: 0 }
}

#[test]
fn migrations_are_billed_as_the_model_says() {
    let differ = |number: &u64| crate::difference(&history(*number)).is_some();
    let different: Vec<u64> = (0..HISTORIES).filter(differ).collect();
    let Some(first) = different.first() else { return };
    let history = history(*first);
    let found = crate::difference(&history).expect("it was just found");
    let (history, found) = crate::smaller(&history, found);
    let told = crate::told(&different, &history, &found);
    panic!("{told}");
}
