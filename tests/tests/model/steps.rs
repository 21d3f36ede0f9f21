//! The histories that are compared: the moves of `tests/tests/histories`, and a few beside.
//!
//! # Shape
//!
//! The shared generator makes the moves; steps that it does not know are strewn in: notes for an
//! amount, payments that say what they pay, a plan and a quantity in one change, a ramp that is
//! offered, a migration of what somebody has and its withdrawal, the end of a trial. Some of the
//! shared moves say more, in a [`Word`]: a later start, a least term. A step names things by
//! numbers, so a history that has lost some still makes sense.

use schemas::terms::Profile;
use tests::random::Random;

use crate::moves::{self, Move, Setting, Then, What};

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A move of the shared generator.
    Shared(Move),
    /// One that says more.
    Told(Move, Vec<Word>),
    /// A trial ends now.
    EndTrial { subscription: usize, now: bool, back: i64 },
    /// A charge that waits is withdrawn.
    WithdrawCharge { charge: usize },
    /// A customer, or the seller, has other payment terms.
    Terms { customer: Option<usize>, days: u16 },
    /// A customer moves to another zone.
    Elsewhere { customer: usize, zone: usize },
    /// A part of an invoice is credited on one line: of what is open, or of all of it, and then
    /// what is paid becomes credit.
    Note { invoice: usize, line: usize, percent: i64, to_credit: bool },
    /// Credit with terms of its own.
    Grant { customer: usize, cents: i64, terms: GrantTerms },
    /// Credit pays an invoice of its customer, with a part of what is open or as far as it goes.
    Apply { lot: usize, invoice: usize, percent: Option<i64> },
    /// Credit is taken off an invoice of its customer.
    Release { lot: usize, invoice: usize, cents: Option<i64> },
    /// What is left of credit is taken back.
    Revoke { lot: usize },
    /// Credit is paid out.
    PayOut { lot: usize, cents: Option<i64>, back: i64 },
    /// A payment for one invoice, and more than that.
    PayTo { invoice: usize, percent: i64, more: i64 },
    /// A plan and a quantity in one change.
    Both { subscription: usize, plan: usize, quantity: u32, at_end: bool },
    /// A ramp is offered: phases of so many days, with a discount in every other one.
    OfferRamp { customer: usize, plan: usize, days: u8, phases: usize },
    /// A migration is withdrawn.
    WithdrawMigration { number: usize },
    /// Those that have what a subscription has move to another version.
    MigrateWhatIsThere { subscription: usize, to: usize, days: i64, map: usize },
}

/// What a shared move says beside.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Word {
    /// It begins so many days later.
    Start(i64),
    /// So many months it is agreed at least, and what leaving earlier costs; none if it cannot be
    /// left earlier.
    Least(u16, Option<i64>),
    /// An early end costs nothing.
    Waived,
    /// Phases of a ramp are so many months.
    PhaseMonths(u16),
    /// What a ramp said ends with it.
    RampEnds,
    /// So much may be missing of a first payment.
    Tolerates(i64),
    /// A version by its number.
    Version(u32),
    /// The fee has a price of its own from the start.
    OwnPrice(i64),
    /// A plan change keeps prices of one's own, or what is scheduled.
    KeepsPrices,
    KeepsScheduled,
    /// A subscription cites the quote that it fulfils.
    Cites,
    /// So many units of a charge.
    Units(i64),
    /// A discount lasts for so many months.
    Months(u32),
    /// All but the plan's first price is billed in arrears.
    ArrearsBeside,
    /// Through a day, and cycles that begin by then.
    Through(i64, bool),
}

/// What a grant says beside its amount.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GrantTerms {
    pub(crate) kind: usize,
    pub(crate) days: Option<i32>,
    pub(crate) priority: Option<i8>,
    pub(crate) subscription: Option<usize>,
    pub(crate) refundable: Option<bool>,
}

/// A history: its setting and its steps.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) setting: Setting,
    pub(crate) steps: Vec<Step>,
}

impl Step {
    fn random(random: &mut Random) -> Self {
        if random.below(2) == 0 {
            return Self::of_credit(random);
        }
        let mut below = |end: u64| usize::try_from(random.below(end)).expect("small");
        match below(8) {
            0 => {
                let (invoice, line, percent) = (below(12), below(4), below(110));
                let percent = i64::try_from(percent).expect("small") + 1;
                Self::Note { invoice, line, percent, to_credit: below(2) == 0 }
            }
            1 => {
                let (invoice, percent, more) = (below(12), below(100), below(3) * 700);
                Self::PayTo {
                    invoice,
                    percent: i64::try_from(percent).expect("small") + 1,
                    more: i64::try_from(more).expect("small"),
                }
            }
            2 => Self::Both {
                subscription: below(8),
                plan: below(5),
                quantity: u32::try_from(below(90)).expect("small"),
                at_end: below(3) == 0,
            },
            3 => Self::OfferRamp {
                customer: below(8),
                plan: below(5),
                days: u8::try_from(below(60) + 1).expect("small"),
                phases: below(3) + 1,
            },
            4 => Self::WithdrawMigration { number: below(8) },
            // A migration shows in later cycles alone, so it is told more often.
            _ => Self::MigrateWhatIsThere {
                subscription: below(8),
                to: below(8),
                days: i64::try_from(below(40)).expect("small"),
                map: below(6),
            },
        }
    }
}

impl Step {
    /// Something is agreed for later, an end goes before it, and is taken back.
    fn leaves_and_comes_back(random: &mut Random) -> [Self; 3] {
        let mut below = |end: u64| usize::try_from(random.below(end)).expect("small");
        let (subscription, quantity) = (below(8), u32::try_from(below(90)).expect("small"));
        let days = |days: usize| Then::On(i64::try_from(days).expect("small"));
        let (soon, late) = (days(below(20) + 1), days(below(40) + 30));
        let (what, credit) = (What::Quantity(quantity), None);
        let change = Move::Change { subscription, what, when: late, settle: 0, back: 0 };
        let cancel = Move::Cancel { subscription, when: soon, credit, back: 0 };
        [change, cancel, Move::Uncancel { subscription }].map(Self::Shared)
    }

    fn of_credit(random: &mut Random) -> Self {
        let mut number = |end: u64| i64::try_from(random.below(end)).expect("small");
        let place = |number: i64| usize::try_from(number).expect("not negative");
        let (lot, invoice) = (place(number(16)), place(number(12)));
        let cents = (number(2) == 0).then_some(number(4_000) + 1);
        match number(10) {
            0..4 => {
                let narrow = |number: i64| i32::try_from(number).expect("small");
                let terms = GrantTerms {
                    kind: place(number(3)),
                    days: (number(2) == 0).then_some(narrow(number(80)) - 3),
                    priority: (number(2) == 0)
                        .then_some(i8::try_from(number(7) - 3).expect("small")),
                    subscription: (number(3) == 0).then_some(place(number(8))),
                    refundable: (number(4) == 0).then_some(number(2) == 0),
                };
                Self::Grant { customer: place(number(8)), cents: number(30_000) + 1, terms }
            }
            4 | 5 => Self::Apply { lot, invoice, percent: cents.map(|cents| 1 + cents % 120) },
            6 | 7 => Self::Release { lot, invoice, cents },
            8 => Self::Revoke { lot },
            _ => Self::PayOut { lot, cents, back: if number(4) == 0 { number(400) } else { 0 } },
        }
    }
}

impl Word {
    /// What a shared move says beside: mostly nothing.
    fn beside(action: &Move, random: &mut Random) -> Vec<Self> {
        let mut number = |end: u64| i64::try_from(random.below(end)).expect("small");
        let few = |number: i64| u16::try_from(number).expect("few");
        let mut words = Vec::new();
        let mut says = |one_in: u64, word: Self, number: &mut dyn FnMut(u64) -> i64| {
            if number(one_in) == 0 {
                words.push(word);
            }
        };
        let version = Self::Version(1 + u32::from(few(number(3))));
        let least = Self::Least(few(number(8) + 1), (number(4) > 0).then(|| number(20_000) + 1));
        let own_price = Self::OwnPrice(number(3_000_000));
        let start = Self::Start(number(70) + 1);
        let months = Self::Months(1 + u32::from(few(number(4))));
        match action {
            Move::Subscribe { terms, .. } => {
                says(14, start, &mut number);
                says(12, least, &mut number);
                says(20, version, &mut number);
                says(20, own_price, &mut number);
                if terms.ramp > 0 {
                    says(3, Self::PhaseMonths(few(number(3)) + 1), &mut number);
                    says(3, Self::RampEnds, &mut number);
                }
                if terms.activation {
                    says(3, Self::Tolerates(number(3_000)), &mut number);
                }
            }
            Move::Quote { terms, .. } => {
                says(12, least, &mut number);
                says(20, version, &mut number);
                says(20, own_price, &mut number);
                if terms.activation {
                    says(3, Self::Tolerates(number(3_000)), &mut number);
                }
            }
            Move::Accept { .. } => {
                says(8, start, &mut number);
                says(4, Self::Cites, &mut number);
            }
            Move::Change { what: What::Plan(_), .. } => {
                says(12, version, &mut number);
                says(6, Self::KeepsPrices, &mut number);
                says(6, Self::KeepsScheduled, &mut number);
            }
            Move::Cancel { .. } => says(4, Self::Waived, &mut number),
            Move::Charge { .. } => says(4, Self::Units(number(90)), &mut number),
            Move::Discount { .. } | Move::Coupon { .. } => says(8, months, &mut number),
            Move::Define(_) => says(8, Self::ArrearsBeside, &mut number),
            Move::InvoiceNow { .. } => {
                says(3, Self::Through(number(120) - 40, number(4) > 0), &mut number);
            }
            Move::Advance { .. }
            | Move::Register { .. }
            | Move::Retire { .. }
            | Move::Migrate { .. }
            | Move::Change { .. }
            | Move::Uncancel { .. }
            | Move::Withdraw { .. }
            | Move::Pause { .. }
            | Move::Resume { .. }
            | Move::Renewal { .. }
            | Move::VoidQuote { .. }
            | Move::Undiscount { .. }
            | Move::Redeem { .. }
            | Move::Run { .. }
            | Move::Void { .. }
            | Move::Pay { .. }
            | Move::Reverse { .. }
            | Move::Refund { .. }
            | Move::Grant { .. }
            | Move::Credit { .. } => {}
        }
        words
    }
}

impl Step {
    /// A shared move, as it is or with more words.
    fn told(action: Move, random: &mut Random) -> Self {
        let words = Word::beside(&action, random);
        if words.is_empty() { Self::Shared(action) } else { Self::Told(action, words) }
    }

    /// What no shared move does, rarely.
    fn rare(random: &mut Random) -> Option<Self> {
        let mut number = |end: u64| i64::try_from(random.below(end)).expect("small");
        let place = |number: i64| usize::try_from(number).expect("not negative");
        match number(100) {
            0 | 1 => Some(Self::EndTrial {
                subscription: place(number(8)),
                now: number(2) == 0,
                back: if number(4) == 0 { number(400) } else { 0 },
            }),
            2 | 3 => Some(Self::WithdrawCharge { charge: place(number(8)) }),
            4 => Some(Self::Terms {
                customer: (number(2) == 0).then(|| place(number(8))),
                days: u16::try_from(number(60)).expect("small"),
            }),
            5 => Some(Self::Elsewhere { customer: place(number(8)), zone: place(number(64)) }),
            _ => None,
        }
    }
}

impl History {
    /// The history of a number: always the same. Every other one has the policies of its profile
    /// as they are, and half of these are ours.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        let shared = moves::History::of(seed, number);
        let mut setting = shared.setting;
        if number.is_multiple_of(2) || std::env::var_os("BILLFOLD_MODEL_PLAIN").is_some() {
            setting.replaced.clear();
        }
        if number.is_multiple_of(4) || std::env::var_os("BILLFOLD_MODEL_OURS").is_some() {
            setting.profile = profile(Profile::Billfold1);
            setting.replaced.clear();
        }
        let mut random = Random::new(seed.wrapping_mul(7_919).wrapping_add(number));
        let mut words = Random::new(seed.wrapping_mul(15_485_863).wrapping_add(number));
        let mut steps = Vec::new();
        for (action, _) in shared.moves {
            if random.below(10) == 0 {
                steps.push(Step::random(&mut random));
            }
            steps.extend(Step::rare(&mut words));
            steps.push(Step::told(action, &mut words));
        }
        if random.below(20) == 0 {
            let at = usize::try_from(random.below(10)).expect("small").min(steps.len());
            steps.splice(at..at, Step::leaves_and_comes_back(&mut random));
        }
        Self { setting, steps }
    }
}

pub(crate) fn profile(of: Profile) -> usize {
    Profile::ALL.iter().position(|known| *known == of).expect("it is one of them")
}
