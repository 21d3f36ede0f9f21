//! Mistakes that a test build makes when it is told to, so that tests show that they are noticed.
//!
//! # Shape
//!
//! A mistake is a variant, and one place in a decision that asks [`makes`]. A test makes one with
//! `Mistake::made_while`, for its own thread and for as long as it lasts.
//!
//! # Correctness
//!
//! Without the feature `mistakes`, which the crate of tests turns on, [`makes`] is `false` and
//! nothing can make it anything else.

/// What a wrong ledger would do.
#[cfg_attr(not(feature = "mistakes"), allow(unreachable_pub, reason = "it is told by tests"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mistake {
    /// A migration takes cycles that had begun when it was made.
    MigratesWhatHadBegun,
    /// A migration takes a subscription's own price away.
    MigrationDropsOwnPrice,
    /// A migration leaves add-ons in the old version.
    MigrationLeavesAddOns,
    /// A migration drops what a ramp agreed for later.
    MigrationDropsPhases,
    /// Of two limits of a feature the last one holds.
    LastLimitHolds,
    /// A plan change maps prices by their place in the list.
    MapsByPosition,
    /// A plan change leaves later steps of a ramp in force.
    RampStepSurvives,
    /// An add-on keeps the price of the plan that was left.
    AddOnKeepsItsPrice,
    /// Credit stays beside an open invoice that it could pay.
    CreditBesideOpen,
    /// A discount's duration counts cycles that were paused.
    DurationCountsPauses,
    /// What was voided to be billed again is no reason for an invoice.
    VoidForgets,
    /// A cycle that was billed ahead and will not begin is kept.
    KeepsWhatWontBegin,
    /// An end that is undone does not bring back what it put aside.
    UncancelForgets,
    /// A change's credit and charge keep what rounding them apart has made.
    ResidueStays,
    /// Discounts go below a least price that holds.
    MinimumIsDiscounted,
    /// A subscription whose first payment did not come goes on.
    NeverExpires,
    /// A change that is not to be settled is.
    NoneIsSettled,
    /// A setup fee is asked for before its subscription begins.
    SetUpBeforeItsStart,
    /// Every end has the fee of an early one.
    EveryEndIsEarly,
    /// A cycle counts as settled though something of it is still to be billed.
    SettledTooEarly,
    /// The day of a subscription that was touched is not found anew.
    ADayIsLost,
}

#[cfg(feature = "mistakes")]
mod planted {
    use core::cell::Cell;

    use super::Mistake;

    std::thread_local! {
        static MADE: Cell<Option<Mistake>> = const { Cell::new(None) };
    }

    /// Ends the mistake also where a panic ends what it was made for.
    struct Ends;

    impl Drop for Ends {
        fn drop(&mut self) {
            MADE.set(None);
        }
    }

    impl Mistake {
        /// All of them.
        pub const ALL: [Self; 21] = [
            Self::MigratesWhatHadBegun,
            Self::MigrationDropsOwnPrice,
            Self::MigrationLeavesAddOns,
            Self::MigrationDropsPhases,
            Self::LastLimitHolds,
            Self::MapsByPosition,
            Self::RampStepSurvives,
            Self::AddOnKeepsItsPrice,
            Self::CreditBesideOpen,
            Self::DurationCountsPauses,
            Self::VoidForgets,
            Self::KeepsWhatWontBegin,
            Self::UncancelForgets,
            Self::ResidueStays,
            Self::MinimumIsDiscounted,
            Self::NeverExpires,
            Self::NoneIsSettled,
            Self::SetUpBeforeItsStart,
            Self::EveryEndIsEarly,
            Self::SettledTooEarly,
            Self::ADayIsLost,
        ];

        /// Makes it in every decision of this thread while something goes on.
        pub fn made_while<T>(self, what: impl FnOnce() -> T) -> T {
            MADE.set(Some(self));
            let _ends = Ends;
            what()
        }
    }

    pub(super) fn made() -> Option<Mistake> {
        MADE.get()
    }
}

/// Whether a mistake is made now.
#[cfg(feature = "mistakes")]
pub(crate) fn makes(mistake: Mistake) -> bool {
    planted::made() == Some(mistake)
}

/// Whether a mistake is made now: never.
#[cfg(not(feature = "mistakes"))]
pub(crate) const fn makes(_: Mistake) -> bool {
    false
}

/// Whether any mistake is made now.
#[cfg(feature = "mistakes")]
pub(crate) fn any_is_made() -> bool {
    planted::made().is_some()
}
