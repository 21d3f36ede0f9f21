//! Which decision a command about agreements leads to.

use schemas::Rejection;
use schemas::command::SubscriptionCommand;

use super::case::{Case, Decided};
use super::{change, coupon, create, discount, ending};

/// Decides a command about agreements.
///
/// # Errors
/// The [`Rejection`] that says why not.
pub(crate) fn decide(case: &Case<'_>, command: &SubscriptionCommand) -> Result<Decided, Rejection> {
    use SubscriptionCommand as C;
    match command {
        C::CreateSubscription(c) => create::create(case, c),
        C::ChangePlan(c) => change::plan(case, c),
        C::ChangeQuantity(c) => change::quantity(case, c),
        C::ChangeSubscription(c) => change::change(case, c),
        C::EndTrial(c) => change::end_trial(case, c),
        C::CancelSubscription(c) => ending::cancel(case, c),
        C::UncancelSubscription(c) => ending::uncancel(case, c).map(Decided::from),
        C::WithdrawChange(c) => ending::withdraw(case, c).map(Decided::from),
        C::PauseSubscription(c) => ending::pause(case, c),
        C::ResumeSubscription(c) => ending::resume(case, c),
        C::SetRenewal(c) => ending::set_renewal(case, c),
        C::CreateQuote(c) => create::quote(case, c).map(Decided::from),
        C::AcceptQuote(c) => create::accept(case, c),
        C::VoidQuote(c) => create::void_quote(case, c).map(Decided::from),
        C::RedeemCoupon(c) => coupon::redeem(case, c).map(Decided::from),
        C::ApplyDiscount(c) => discount::apply(case, c).map(Decided::from),
        C::RemoveDiscount(c) => discount::remove(case, c).map(Decided::from),
    }
}
