//! Random moves. A move names things by small numbers, which the driver takes modulo what
//! there is: so every shrunk sequence still makes sense.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// One move of the game.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    Book(OnBook),
    Buy(Buying),
    Discount(Discounting),
    Charge(Charging),
    Settle(Settling),
}

#[derive(Debug, Clone)]
pub(crate) enum OnBook {
    Advance { hours: i64 },
    Register { zone: usize, dollars: bool, terms: u16 },
    DefinePlan { plan: usize, every: usize, arrears: bool, per_unit: bool, price: i64 },
    RetirePlan { plan: usize },
    Run { back_days: i32 },
}

#[derive(Debug, Clone)]
pub(crate) enum Buying {
    Subscribe { customer: usize, plan: usize, first: bool, quantity: u32, now: bool, back: i64 },
    ChangePlan { subscription: usize, plan: usize, at_end: bool, now: bool, back: i64 },
    ChangeQuantity { subscription: usize, quantity: u32, at_end: bool, now: bool, back: i64 },
    Cancel { subscription: usize, at_end: bool, keep: bool, back: i64 },
}

#[derive(Debug, Clone)]
pub(crate) enum Discounting {
    Give { customer: usize, subscription: Option<usize>, percent: bool, value: i64, lasts: u32 },
    Remove { discount: usize },
}

#[derive(Debug, Clone)]
pub(crate) enum Charging {
    Once {
        customer: usize,
        price: i64,
        quantity: u32,
        days: Option<i32>,
        now: bool,
        historical: bool,
        back: i64,
    },
    Terms {
        customer: usize,
        days: u16,
    },
    InvoiceNow {
        customer: usize,
    },
}

#[derive(Debug, Clone)]
pub(crate) enum Settling {
    Pay { customer: usize, percent: i64, told: Option<usize>, back: i64 },
    Reverse { payment: usize },
    Refund { payment: usize, percent: i64, effect: usize, back: i64 },
    Grant { customer: usize, cents: i64 },
    Void { invoice: usize, rebill: bool, back: i64 },
}

/// A move, and what happens between its preview and itself, if it is previewed.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) action: Move,
    pub(crate) preview: Option<Between>,
}

/// What comes between a preview and the move itself.
#[derive(Debug, Clone)]
pub(crate) struct Between {
    /// The clock moves by minutes.
    pub(crate) minutes: i64,
    /// Other customers get credit and are charged.
    pub(crate) others: usize,
}

/// Hours into the past; mostly none.
fn back() -> impl Strategy<Value = i64> {
    prop_oneof![6 => Just(0_i64), 3 => 1_i64..24 * 20, 1 => 1_i64..24 * 100]
}

fn now() -> impl Strategy<Value = bool> {
    any::<bool>()
}

fn at_end() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.3)
}

fn buying() -> impl Strategy<Value = Buying> {
    let any_number = 0_usize..8;
    prop_oneof![
        4 => (any_number.clone(), any_number.clone(), any::<bool>(), 0_u32..60, now(), back())
            .prop_map(|(customer, plan, first, quantity, now, back)| Buying::Subscribe {
                customer, plan, first, quantity, now, back
            }),
        4 => (any_number.clone(), any_number.clone(), at_end(), now(), back())
            .prop_map(|(subscription, plan, at_end, now, back)| Buying::ChangePlan {
                subscription, plan, at_end, now, back
            }),
        4 => (any_number.clone(), 0_u32..80, at_end(), now(), back())
            .prop_map(|(subscription, quantity, at_end, now, back)| Buying::ChangeQuantity {
                subscription, quantity, at_end, now, back
            }),
        2 => (any_number.clone(), any::<bool>(), any::<bool>(), back())
            .prop_map(|(subscription, at_end, keep, back)| Buying::Cancel {
                subscription, at_end, keep, back
            }),
    ]
}

fn discounting() -> impl Strategy<Value = Discounting> {
    let any_number = 0_usize..8;
    prop_oneof![
        3 => (
            any_number.clone(),
            option::of(any_number.clone()),
            any::<bool>(),
            1_i64..2_000,
            0_u32..4,
        )
            .prop_map(|(customer, subscription, percent, value, lasts)| Discounting::Give {
                customer, subscription, percent, value, lasts
            }),
        1 => any_number.prop_map(|discount| Discounting::Remove { discount }),
    ]
}

/// Percent of what is left to refund; mostly a small part, so that several follow each other.
fn refunded() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 1_i64..45, 1 => 45_i64..115]
}

fn settling() -> impl Strategy<Value = Settling> {
    let any_number = 0_usize..8;
    prop_oneof![
        5 => (any_number.clone(), 1_i64..150, option::of(any_number.clone()), back()).prop_map(
            |(customer, percent, told, back)| Settling::Pay { customer, percent, told, back }
        ),
        1 => any_number.clone().prop_map(|payment| Settling::Reverse { payment }),
        6 => (any_number.clone(), refunded(), 0_usize..6, back()).prop_map(
            |(payment, percent, effect, back)| Settling::Refund { payment, percent, effect, back }
        ),
        1 => (any_number.clone(), -5_i64..3_000)
            .prop_map(|(customer, cents)| Settling::Grant { customer, cents }),
        3 => (any_number, any::<bool>(), back())
            .prop_map(|(invoice, rebill, back)| Settling::Void { invoice, rebill, back }),
    ]
}

fn book() -> impl Strategy<Value = OnBook> {
    prop_oneof![
        6 => prop_oneof![1_i64..48, 24_i64..24 * 45].prop_map(|hours| OnBook::Advance { hours }),
        1 => (0_usize..3, any::<bool>(), 0_u16..40)
            .prop_map(|(zone, dollars, terms)| OnBook::Register { zone, dollars, terms }),
        1 => (0_usize..4, 0_usize..7, any::<bool>(), any::<bool>(), 0_i64..200_000).prop_map(
            |(plan, every, arrears, per_unit, price)| OnBook::DefinePlan {
                plan, every, arrears, per_unit, price
            }
        ),
        8 => prop_oneof![3 => Just(0), 1 => 0_i32..40]
            .prop_map(|back_days| OnBook::Run { back_days }),
    ]
}

fn charge() -> impl Strategy<Value = Charging> {
    let days = option::of(1_i32..60);
    (0_usize..8, -300_i64..40_000, 0_u32..50, days, any::<bool>(), any::<bool>(), back()).prop_map(
        |(customer, price, quantity, days, now, historical, back)| Charging::Once {
            customer,
            price,
            quantity,
            days,
            now,
            historical,
            back,
        },
    )
}

fn charging() -> impl Strategy<Value = Charging> {
    let any_number = 0_usize..8;
    prop_oneof![
        2 => any_number.clone().prop_map(|customer| Charging::InvoiceNow { customer }),
        4 => charge(),
        1 => (any_number, 0_u16..60)
            .prop_map(|(customer, days)| Charging::Terms { customer, days }),
    ]
}

fn rare() -> impl Strategy<Value = OnBook> {
    (0_usize..8).prop_map(|plan| OnBook::RetirePlan { plan })
}

/// Sequences of moves that begin with some plans and customers.
pub(crate) fn game(length: usize) -> impl Strategy<Value = Vec<Step>> {
    let between = (0_i64..45, 0_usize..3).prop_map(|(minutes, others)| Between { minutes, others });
    let action = prop_oneof![
        22 => book().prop_map(Move::Book),
        8 => charging().prop_map(Move::Charge),
        20 => buying().prop_map(Move::Buy),
        6 => discounting().prop_map(Move::Discount),
        22 => settling().prop_map(Move::Settle),
        1 => rare().prop_map(Move::Book),
    ];
    let step = (action, option::weighted(0.25, between))
        .prop_map(|(action, preview)| Step { action, preview });
    vec(step, 1..length)
}
