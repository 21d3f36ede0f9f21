//! Which decision a command about settlement leads to.

use schemas::Rejection;
use schemas::command::SettlementCommand;
use schemas::event::Event;

use super::case::Case;
use super::{credit, credit_note, payment, refund, void};

/// Decides a command about settlement.
///
/// # Errors
/// The [`Rejection`] that says why not.
pub(crate) fn decide(
    case: &Case<'_>,
    command: &SettlementCommand,
) -> Result<Vec<Event>, Rejection> {
    use SettlementCommand as C;
    match command {
        C::VoidInvoice(c) => void::void(case, c).map(|voided| vec![voided.into()]),
        C::RecordPayment(c) => payment::record(case, c),
        C::ReversePayment(c) => payment::reverse(case, c),
        C::RefundPayment(c) => refund::refund(case, c),
        C::IssueCreditNote(c) => credit_note::of_lines(case, c),
        C::GrantCredit(c) => credit::grant(case, c).map(|granted| vec![granted.into()]),
        C::ApplyCredit(c) => credit::apply(case, c).map(|applied| vec![applied.into()]),
        C::ReleaseCredit(c) => credit::release(case, c).map(|released| vec![released.into()]),
        C::RevokeCredit(c) => credit::revoke(case, c).map(|revoked| vec![revoked.into()]),
        C::PayOutCredit(c) => credit::pay_out(case, c).map(|paid| vec![paid.into()]),
    }
}
