//! Random moves. A move names things by numbers, taken modulo what there is: so a history that
//! has lost some of its moves still makes sense.

use tests::random::Random;

/// What a book bills by, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// Which profile.
    pub(crate) profile: usize,
    /// Policies that are replaced: which, and by which of its rules.
    pub(crate) replaced: Vec<(usize, usize)>,
    /// The zone of the first customer.
    pub(crate) zone: usize,
    /// Days from 2024-01-01 to the first day; hours and minutes of the clock.
    pub(crate) start: (i64, i64, i64),
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then {
    Now,
    CycleEnd,
    On(i64),
    WhenPaid,
}

/// One move.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    Advance { minutes: i64 },
    Register { zone: usize, currency: usize, child: bool },
    Define(Plan),
    Retire { plan: usize },
    Migrate { plan: usize, from: u32, to: u32, days: i64, map: usize },
    Coupon { percent: bool, value: i64, most: Option<u32> },
    Subscribe { customer: usize, plan: usize, terms: Terms, now: bool, back: i64 },
    Change { subscription: usize, what: What, when: Then, settle: usize, back: i64 },
    Cancel { subscription: usize, when: Then, credit: Option<usize>, back: i64 },
    Uncancel { subscription: usize },
    Withdraw { subscription: usize, change: u32 },
    Pause { subscription: usize, when: Then, settle: usize, days: Option<i64>, back: i64 },
    Resume { subscription: usize, when: Then, settle: usize, back: i64 },
    Renewal { subscription: usize, renewal: usize },
    Quote { customer: usize, plan: usize, terms: Terms, days: i64 },
    Accept { quote: usize, now: bool },
    VoidQuote { quote: usize },
    Discount { subscription: usize, target: usize, percent: bool, value: i64, lasts: u32 },
    Undiscount { discount: usize },
    Redeem { subscription: usize, coupon: usize, target: usize },
    Charge { customer: usize, cents: i64, days: Option<i64>, now: bool, back: i64 },
    InvoiceNow { customer: usize },
    Run { back: i64 },
    Void { invoice: usize, rebill: bool, back: i64 },
    Pay { customer: usize, percent: i64, back: i64 },
    Reverse { payment: usize },
    Refund { payment: usize, percent: i64, effect: usize },
    Grant { customer: usize, cents: i64, days: Option<i64> },
    Credit { lot: usize, invoice: usize, what: Lent },
}

/// What becomes of a lot of credit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lent {
    Apply,
    Release,
    Revoke,
    PayOut,
}

/// What a change changes.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Plan(usize),
    Quantity(u32),
    Items { quantity: u32, own_price: Option<i64>, add_on: usize },
    Anchor(Anchored),
}

/// An anchor.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchored {
    Anniversary,
    Calendar,
    Day(u8),
    Date(i64),
}

/// A plan version.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) number: usize,
    pub(crate) every: usize,
    pub(crate) arrears: bool,
    pub(crate) rate: usize,
    pub(crate) price: i64,
    pub(crate) trial: u16,
    pub(crate) lead: u16,
    pub(crate) second: Option<usize>,
    pub(crate) minimum: Option<i64>,
    pub(crate) setup: bool,
}

/// What a subscription asks for beside its plan.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) quantity: u32,
    pub(crate) anchor: Option<Anchored>,
    pub(crate) trial: Option<u16>,
    pub(crate) term: Option<(u16, usize)>,
    pub(crate) ramp: usize,
    pub(crate) activation: bool,
    pub(crate) add_on: bool,
    pub(crate) child: bool,
}

/// A history: its setting and what happens, each with a preview or not.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) setting: Setting,
    pub(crate) moves: Vec<(Move, bool)>,
}

/// The number below `end`.
fn below(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).expect("small")
}

fn between(random: &mut Random, low: i64, high: i64) -> i64 {
    let width = u64::try_from(high - low + 1).expect("not empty");
    low + i64::try_from(random.below(width)).expect("small")
}

fn one_in(random: &mut Random, n: u64) -> bool {
    random.below(n) == 0
}

fn maybe<T>(random: &mut Random, n: u64, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
    if one_in(random, n) { Some(make(random)) } else { None }
}

/// Hours into the past; mostly none.
fn back(random: &mut Random) -> i64 {
    match random.below(10) {
        0..7 => 0,
        7 | 8 => between(random, 1, 24 * 20),
        _ => between(random, 1, 24 * 100),
    }
}

fn anchor(random: &mut Random) -> Anchored {
    match random.below(6) {
        0 => Anchored::Anniversary,
        1 => Anchored::Calendar,
        2 => Anchored::Date(between(random, -400, 400)),
        _ => {
            let day =
                if one_in(random, 2) { between(random, 28, 31) } else { between(random, 1, 28) };
            Anchored::Day(u8::try_from(day).expect("a day"))
        }
    }
}

fn then(random: &mut Random) -> Then {
    match random.below(10) {
        0..6 => Then::Now,
        6 | 7 => Then::CycleEnd,
        8 => Then::On(between(random, 0, 70)),
        _ => Then::WhenPaid,
    }
}

impl Setting {
    fn random(random: &mut Random) -> Self {
        let replaced = match random.below(3) {
            0 => 0,
            1 => 1,
            _ => 3,
        };
        let replaced = (0..replaced).map(|_| (below(random, 64), below(random, 64))).collect();
        let minutes = if one_in(random, 2) { 0 } else { between(random, 0, 59) };
        Self {
            profile: below(random, 6),
            replaced,
            zone: below(random, 64),
            start: (between(random, -800, 800), between(random, 0, 23), minutes),
        }
    }
}

impl Plan {
    fn random(random: &mut Random) -> Self {
        Self {
            number: below(random, 5),
            every: below(random, 10),
            arrears: one_in(random, 4),
            rate: below(random, 10),
            price: between(random, 0, 3_000_000),
            trial: maybe(random, 5, |r| between(r, 1, 40))
                .map_or(0, |d| u16::try_from(d).expect("few")),
            lead: maybe(random, 6, |r| between(r, 1, 40))
                .map_or(0, |d| u16::try_from(d).expect("few")),
            second: maybe(random, 4, |r| below(r, 10)),
            minimum: maybe(random, 8, |r| between(r, 0, 500_000)),
            setup: one_in(random, 8),
        }
    }
}

impl Terms {
    fn random(random: &mut Random) -> Self {
        Self {
            quantity: u32::try_from(between(random, 0, 60)).expect("small"),
            anchor: maybe(random, 2, anchor),
            trial: maybe(random, 8, |r| u16::try_from(between(r, 0, 40)).expect("few")),
            term: maybe(random, 6, |r| {
                (u16::try_from(between(r, 1, 14)).expect("few"), below(r, 4))
            }),
            ramp: if one_in(random, 8) { below(random, 4) } else { 0 },
            activation: one_in(random, 10),
            add_on: one_in(random, 5),
            child: one_in(random, 8),
        }
    }
}

impl What {
    fn random(random: &mut Random) -> Self {
        let quantity = u32::try_from(between(random, 0, 90)).expect("small");
        match random.below(10) {
            0..4 => Self::Plan(below(random, 5)),
            4..8 => Self::Quantity(quantity),
            8 => Self::Items {
                quantity,
                own_price: maybe(random, 2, |r| between(r, 0, 3_000_000)),
                add_on: below(random, 4),
            },
            _ => Self::Anchor(anchor(random)),
        }
    }
}

impl Move {
    fn random(random: &mut Random) -> Self {
        match random.below(100) {
            0..18 => {
                let days = if one_in(random, 2) { 3 } else { 45 };
                Self::Advance { minutes: between(random, 1, days * 1_440) }
            }
            18..30 => {
                Self::Run { back: if one_in(random, 4) { between(random, 0, 40) } else { 0 } }
            }
            30..34 => Self::Define(Plan::random(random)),
            34..47 => Self::buying(random),
            47..70 => Self::changing(random),
            70..80 => Self::offering(random),
            80..98 => Self::settling(random),
            _ => Self::rare(random),
        }
    }

    fn buying(random: &mut Random) -> Self {
        let (customer, plan) = (below(random, 8), below(random, 5));
        let terms = Terms::random(random);
        match random.below(10) {
            0 => Self::Register {
                zone: below(random, 64),
                currency: below(random, 4),
                child: one_in(random, 3),
            },
            1 => Self::Quote { customer, plan, terms, days: between(random, 0, 60) },
            2 => Self::Accept { quote: below(random, 8), now: one_in(random, 2) },
            _ => Self::Subscribe {
                customer,
                plan,
                terms,
                now: one_in(random, 2),
                back: back(random),
            },
        }
    }

    fn changing(random: &mut Random) -> Self {
        let (subscription, when, settle) = (below(random, 8), then(random), below(random, 7));
        let back = back(random);
        match random.below(20) {
            0..11 => Self::Change { subscription, what: What::random(random), when, settle, back },
            11..13 => {
                Self::Cancel { subscription, when, credit: maybe(random, 2, |r| below(r, 3)), back }
            }
            13 => Self::Uncancel { subscription },
            14 => Self::Withdraw {
                subscription,
                change: u32::try_from(between(random, 1, 4)).expect("small"),
            },
            15 | 16 => Self::Pause {
                subscription,
                when,
                settle,
                days: maybe(random, 3, |r| between(r, 1, 60)),
                back,
            },
            17 | 18 => Self::Resume { subscription, when, settle, back },
            _ => Self::Renewal { subscription, renewal: below(random, 4) },
        }
    }

    fn offering(random: &mut Random) -> Self {
        let (subscription, target) = (below(random, 8), below(random, 4));
        match random.below(12) {
            0..6 => Self::Discount {
                subscription,
                target,
                percent: one_in(random, 2),
                value: between(random, 1, 2_000),
                lasts: u32::try_from(random.below(4)).expect("small"),
            },
            6 => Self::Undiscount { discount: below(random, 8) },
            7 => Self::Redeem { subscription, coupon: below(random, 3), target },
            8 => Self::Coupon {
                percent: one_in(random, 2),
                value: between(random, 1, 2_000),
                most: maybe(random, 2, |r| u32::try_from(between(r, 1, 3)).expect("small")),
            },
            _ => Self::Charge {
                customer: below(random, 8),
                cents: between(random, -50, 40_000),
                days: maybe(random, 2, |r| between(r, 1, 60)),
                now: one_in(random, 2),
                back: back(random),
            },
        }
    }

    fn settling(random: &mut Random) -> Self {
        let (customer, payment) = (below(random, 8), below(random, 8));
        match random.below(24) {
            0..7 => Self::Pay { customer, percent: between(random, 1, 130), back: back(random) },
            7 => Self::Reverse { payment },
            8..11 => {
                Self::Refund { payment, percent: between(random, 1, 110), effect: below(random, 3) }
            }
            11 => Self::Grant {
                customer,
                cents: between(random, -5, 3_000),
                days: maybe(random, 3, |r| between(r, -1, 60)),
            },
            18..24 => Self::Credit {
                lot: below(random, 16),
                invoice: below(random, 12),
                what: [Lent::Apply, Lent::Release, Lent::Release, Lent::Revoke, Lent::PayOut]
                    [below(random, 5)],
            },
            12..15 => Self::Void {
                invoice: below(random, 12),
                rebill: one_in(random, 2),
                back: back(random),
            },
            _ => Self::InvoiceNow { customer },
        }
    }

    fn rare(random: &mut Random) -> Self {
        match random.below(6) {
            0 => Self::Retire { plan: below(random, 5) },
            1 => Self::VoidQuote { quote: below(random, 8) },
            _ => {
                let there = u32::try_from(between(random, 1, 2)).expect("few");
                let (from, to) = if one_in(random, 4) { (there, 3) } else { (there, 3 - there) };
                let (plan, days) = (below(random, 5), between(random, -10, 40));
                Self::Migrate { plan, from, to, days, map: below(random, 6) }
            }
        }
    }
}

impl History {
    /// The history of a number: always the same.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let setting = Setting::random(&mut random);
        let length = 10 + below(&mut random, 60);
        let moves = (0..length)
            .map(|_| {
                let preview = one_in(&mut random, 4);
                (Move::random(&mut random), preview)
            })
            .collect();
        Self { setting, moves }
    }
}
