//! Taking back: the one table of commands and of what undoes each.
//!
//! # Shape
//!
//! [`INVERSES`] has a row for every command, in the order of [`crate::Command::KINDS`]: the
//! commands that take it back, or why nothing does and what to do instead. `ledger_core::undo`
//! makes these commands of a commit, and a test plays every row; `docs/undo.md` is made from it.

/// What takes a command back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inverse {
    /// Other commands do.
    By {
        /// Their names; which of them, and in what order, the commit decides.
        commands: &'static [&'static str],
        /// With what, and as of when.
        how: &'static str,
        /// What the book remembers all the same; nothing where it is empty.
        stays: &'static str,
    },
    /// Nothing does.
    Nothing {
        /// Why.
        why: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
}

/// A command with what takes it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenBack {
    /// Its name.
    pub command: &'static str,
    /// What takes it back.
    pub inverse: Inverse,
}

/// The row of a command.
pub fn of(command: &str) -> Option<&'static Inverse> {
    INVERSES.iter().find(|row| row.command == command).map(|row| &row.inverse)
}

macro_rules! inverses {
    ($($command:literal $kind:ident $first:tt $second:literal $($third:literal)?;)*) => {
        /// Every command, in the order of [`crate::Command::KINDS`].
        pub const INVERSES: &[TakenBack] = &[
            $( TakenBack {
                command: $command,
                inverse: inverses!(@ $kind $first $second $($third)?),
            }, )*
        ];
    };
    (@ by $commands:tt $how:literal $stays:literal) => {
        Inverse::By { commands: &$commands, how: $how, stays: $stays }
    };
    (@ nothing $why:tt $instead:literal) => {
        Inverse::Nothing { why: $why, instead: $instead }
    };
}

inverses! {
    "book.open" nothing "a book is opened once" "make another book";
    "book.advance_clock" nothing "time does not go back" "make another test book";
    "entity.define" nothing
        "a seller may have issued documents" "correct it with entity.update";
    "entity.update" by ["entity.update"]
        "with what was there before"
        "documents that were issued in between; series that were added";
    "plan.define" by ["plan.retire", "plan.define"]
        "the first version is retired; of a later one, the next says what the one before said"
        "the version, and subscriptions that have it";
    "plan.retire" nothing
        "a plan that is closed stays closed"
        "define another plan with the same prices, with plan.define";
    "plan.migrate" by ["plan.withdraw_migration", "plan.migrate"]
        "it is withdrawn; the migration whose place it took is made again"
        "subscriptions that have moved";
    "plan.withdraw_migration" by ["plan.migrate"]
        "as it was made" "";
    "coupon.define" nothing
        "a coupon never changes"
        "remove the discounts of those who redeemed it with discount.remove";
    "billing.run" nothing
        "its invoices are out"
        "void those that are wrong with invoice.void, rebill true; credit what is paid with \
         credit_note.issue";
    "customer.register" nothing
        "a customer keeps its history"
        "leave it: who buys nothing is billed nothing; customer.erase makes its texts unreadable";
    "customer.update" by ["customer.update"]
        "with what was there before" "documents that were issued in between";
    "customer.release" nothing
        "only the system parks a customer" "nothing: what cannot be billed is parked again";
    "customer.park" nothing
        "the system made it, because it could not bill" "submit customer.release";
    "customer.draft_part" nothing
        "it is a part of another command" "take that one back";
    "customer.erase" nothing
        "the key is destroyed" "register a new customer with customer.register";
    "invoice.annotate" by ["invoice.annotate"]
        "with what was said before" "";
    "subscription.create" by ["subscription.cancel", "credit_note.issue"]
        "as of its start, all of it credited, a setup fee with a note of its own; without a fee \
         for an early end"
        "the subscription, ended; its invoice and what credits it";
    "subscription.change_plan" by ["subscription.withdraw_change", "subscription.change"]
        "withdrawn while it is scheduled; else changed back as of the same instant"
        "what was invoiced, and what credits it";
    "subscription.change_quantity" by ["subscription.withdraw_change", "subscription.change"]
        "withdrawn while it is scheduled; else changed back as of the same instant"
        "what was invoiced, and what credits it";
    "subscription.cancel" by ["subscription.uncancel"]
        "up to the day on which it takes effect; a fee for the early end that waits is withdrawn"
        "what was credited: that time is billed again";
    "discount.apply" by ["discount.remove"]
        "" "what it took off invoices since";
    "discount.remove" by ["discount.apply"]
        "one without an end, under another id"
        "the old discount, ended";
    "subscription.change" by ["subscription.withdraw_change", "subscription.change"]
        "withdrawn while it is scheduled; else changed back as of the same instant"
        "what was invoiced, and what credits it";
    "subscription.uncancel" by ["subscription.cancel"]
        "as it was canceled" "";
    "subscription.withdraw_change" by [
        "subscription.change", "subscription.change_plan", "subscription.change_quantity",
        "subscription.cancel", "subscription.pause", "subscription.resume"
    ]
        "as it was scheduled" "it has another number";
    "subscription.pause" by ["subscription.withdraw_change", "subscription.resume"]
        "withdrawn while it is scheduled; else it goes on now"
        "the time for which it stood still is not billed";
    "subscription.resume" by [
        "subscription.withdraw_change", "subscription.pause", "subscription.resume"
    ]
        "withdrawn while it is scheduled; else it pauses now, until the day that was known"
        "the time in between is billed";
    "subscription.set_renewal" by ["subscription.set_renewal"]
        "with what followed before" "";
    "quote.create" by ["quote.void"]
        "" "";
    "quote.accept" by ["subscription.cancel", "credit_note.issue"]
        "as subscription.create" "the quote, accepted";
    "quote.void" by ["quote.create"]
        "the same offer under another id" "the old quote, void";
    "coupon.redeem" by ["discount.remove"]
        "" "it counts as redeemed";
    "subscription.end_trial" nothing
        "what a trial gives away begins once"
        "give a discount with discount.apply or credit with credit.grant for the days";
    "charge.add" by ["charge.withdraw", "invoice.void"]
        "withdrawn while it waits; an invoice of its own is voided" "";
    "invoice.now" by ["invoice.void"]
        "its cycles and charges are billed again with the next invoice" "its number, voided";
    "customer.bill" nothing
        "the system made it for a billing run"
        "void the invoice with invoice.void, rebill true, or credit it with credit_note.issue if \
         it is paid";
    "charge.withdraw" by ["charge.add"]
        "the same charge under another id, for the next invoice" "";
    "invoice.void" nothing
        "a voided invoice stays void, and its number is not used again"
        "bill anew: with rebill the next invoice does, else add a charge with charge.add";
    "payment.record" by ["payment.reverse"]
        "" "its id at the bank or processor is taken; what the payment began has begun";
    "payment.reverse" by ["payment.record"]
        "the same money on the same invoices, under another id"
        "its id at the bank or processor stays with the old payment";
    "payment.refund" nothing
        "the money has left" "record it with payment.record when it comes back";
    "credit.grant" by ["credit.release", "credit.revoke"]
        "taken off what it paid, then revoked; a prepayment is paid out instead"
        "invoices that it paid wait for a payment: other credit pays them only by command";
    "credit_note.issue" nothing
        "a note that is issued is a document" "charge the amount again with charge.add";
    "credit.apply" by ["credit.release"]
        "" "other credit pays the invoice only by command";
    "credit.release" by ["credit.release", "credit.apply"]
        "with the same amount, taken off what it paid since" "";
    "credit.revoke" by ["credit.grant"]
        "what was left, on the same terms, under another id" "";
    "credit.pay_out" nothing
        "the money has left" "record it with payment.record when it comes back";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Command;

    #[test]
    fn every_command_has_a_row_and_every_inverse_is_a_command() {
        let rows: Vec<_> = INVERSES.iter().map(|row| row.command).collect();
        let kinds: Vec<_> = Command::KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(rows, kinds, "the table lists the commands in their order");
        for row in INVERSES {
            if let Inverse::By { commands, .. } = row.inverse {
                assert!(!commands.is_empty(), "{}", row.command);
                let known = |name: &&str| kinds.contains(name) && !Command::INTERNAL.contains(name);
                assert!(commands.iter().all(known), "{}: {commands:?}", row.command);
            }
        }
    }

    #[test]
    fn what_nothing_takes_back_says_why_and_the_way_out() {
        let silent = INVERSES.iter().filter(|row| match row.inverse {
            Inverse::Nothing { why, instead } => why.is_empty() || instead.is_empty(),
            Inverse::By { .. } => false,
        });
        assert_eq!(silent.count(), 0);
        assert!(of("invoice.void").is_some() && of("no.such").is_none());
    }
}
