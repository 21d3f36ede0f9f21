//! Whether the term of a contract is renewed.

use schemas::command::SetRenewal;
use schemas::terms::Renewal;

use crate::bill::{Billing, Which, bill};
use crate::book::Book;
use crate::customer::{Customer, Refused, When};
use crate::left_alone::thaw_cycles;
use crate::life::{may_end, on, undo_scheduled};
use crate::subscription::{At, Later, Scheduled};

pub(crate) fn set_renewal(
    book: &Book,
    customer: &mut Customer,
    command: &SetRenewal,
    when: When,
) -> Result<(), Refused> {
    on(book, customer, command.subscription, |view, of| {
        if of.end.is_some() {
            return Err("it has ended");
        }
        let term = of.term.ok_or("it has no term")?;
        if term.renewal == Renewal::Cancel && command.renewal != Renewal::Cancel {
            thaw_cycles(view, of, term.end);
        }
        of.term = Some(term.renewed_by(view.clock, command.renewal));
        let last = of.term.and_then(|term| term.last).filter(|_| term.renewal != command.renewal);
        let Some(end) = last else { return Ok(()) };
        may_end(of, end)?;
        // What was to happen then or later will not.
        let before = |known: &Scheduled| match known.at {
            At::Time(at) => at < end,
            At::Paid => true,
        };
        // An end beyond it puts nothing aside any more.
        let goes = |known: &Scheduled| matches!(known.what, Later::Cancel(_)) && !before(known);
        if of.scheduled.iter().any(goes) {
            undo_scheduled(view, of);
        }
        of.scheduled.retain(before);
        of.set_aside.retain(before);
        Ok(())
    })?;
    if matches!(command.renewal, Renewal::Cancel | Renewal::RenewOnce) {
        // What was billed beyond the end of the term will not begin.
        bill(book, customer, &Billing::now(Which::WontBegin(command.subscription), when));
    }
    Ok(())
}
