//! Taking back: the commands that undo a commit.
//!
//! # Shape
//!
//! [`undoing`] makes of one commit, and of what was before it, the [`Step`]s that take it back, in
//! order. Which commands they are is said by the table [`schemas::inverse::INVERSES`]; what is in
//! them follows from the commit, from the state in front of it, and from earlier commits.
//!
//! # Correctness
//!
//! Steps are decided like any command: what cannot be is refused by the room that owns it. A step
//! has the same name and id however often it is made, so that it is carried out once.

mod agreed;
mod changed;
mod credited;
mod party;
mod step;

use schemas::command::{
    BillingCommand, BookCommand, CatalogCommand, CustomerCommand, ProcessCommand, SellerCommand,
    SettlementCommand, SubscriptionCommand,
};
use schemas::{Command, Personal};

pub use credited::also;
pub use step::{Done, Past, Stays, Step, takes_back};

/// What takes a commit back, in the order in which it is to be done; nothing where it changed
/// nothing. `reason` is given where an inverse asks for one.
///
/// # Errors
/// [`Stays`] when nothing does.
pub fn undoing(done: &Done<'_>, past: &Past<'_>, reason: &Personal) -> Result<Vec<Step>, Stays> {
    if done.events.is_empty() {
        return Ok(Vec::new());
    }
    match done.command {
        Command::Book(BookCommand::OpenBook(_) | BookCommand::AdvanceClock(_))
        | Command::Process(ProcessCommand::RunBilling(_))
        | Command::Seller(SellerCommand::DefineEntity(_)) => Err(Stays::told(done.command)),
        Command::Seller(SellerCommand::UpdateEntity(update)) => party::entity(update, past),
        Command::Catalog(command) => of_catalog(command, done, past),
        Command::Customer(command) => of_customer(command, done, past),
        Command::Subscription(command) => of_subscription(command, done, past),
        Command::Billing(command) => of_billing(command, done, past, reason),
        Command::Settlement(command) => of_settlement(command, done, past, reason),
    }
}

fn of_catalog(
    command: &CatalogCommand,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    use CatalogCommand as C;
    match command {
        C::DefinePlan(define) => party::plan(define, done, past),
        C::MigratePlan(migrate) => Ok(party::migration(migrate, past)),
        C::WithdrawMigration(withdraw) => party::withdrawn_migration(withdraw, past),
        C::RetirePlan(_) | C::DefineCoupon(_) => Err(Stays::told(done.command)),
    }
}

fn of_customer(
    command: &CustomerCommand,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    use CustomerCommand as C;
    match command {
        C::UpdateCustomer(update) => party::customer(update, past),
        C::AnnotateInvoice(annotate) => party::annotation(annotate.customer, past),
        C::RegisterCustomer(_)
        | C::ReleaseCustomer(_)
        | C::ParkCustomer(_)
        | C::DraftPart(_)
        | C::EraseCustomer(_) => Err(Stays::told(done.command)),
    }
}

fn of_subscription(
    command: &SubscriptionCommand,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    use SubscriptionCommand as C;
    match command {
        C::CreateSubscription(create) => {
            Ok(agreed::ended(create.customer, create.subscription, done))
        }
        C::AcceptQuote(accept) => Ok(agreed::ended(accept.customer, accept.subscription, done)),
        C::ChangePlan(change) => {
            changed::back(change.customer, change.subscription, change.proration, done, past)
        }
        C::ChangeQuantity(change) => {
            changed::back(change.customer, change.subscription, change.proration, done, past)
        }
        C::ChangeSubscription(change) => {
            changed::back(change.customer, change.subscription, change.proration, done, past)
        }
        C::CancelSubscription(cancel) => agreed::uncanceled(cancel, done),
        C::UncancelSubscription(uncancel) => agreed::canceled_again(uncancel, past),
        C::WithdrawChange(withdraw) => agreed::scheduled_again(withdraw, past),
        C::PauseSubscription(pause) => Ok(agreed::resumed(pause, done)),
        C::ResumeSubscription(resume) => agreed::paused_again(resume, done, past),
        C::SetRenewal(set) => agreed::renewal(set, done, past),
        C::ApplyDiscount(apply) => Ok(agreed::discount_removed(apply.customer, apply.discount)),
        C::RedeemCoupon(redeem) => Ok(agreed::discount_removed(redeem.customer, redeem.discount)),
        C::RemoveDiscount(remove) => agreed::discount_given(remove, done, past),
        C::CreateQuote(create) => Ok(agreed::quote_void(create)),
        C::VoidQuote(void) => agreed::quote_offered(void, done, past),
        C::EndTrial(_) => Err(Stays::told(done.command)),
    }
}

fn of_billing(
    command: &BillingCommand,
    done: &Done<'_>,
    past: &Past<'_>,
    reason: &Personal,
) -> Result<Vec<Step>, Stays> {
    use BillingCommand as C;
    match command {
        C::AddCharge(add) => credited::charge(add, done, reason),
        C::WithdrawCharge(withdraw) => credited::charged_again(withdraw, done, past),
        C::InvoiceNow(now) => credited::voided(now.customer, true, done, reason),
        C::BillCustomer(_) => Err(Stays::told(done.command)),
    }
}

fn of_settlement(
    command: &SettlementCommand,
    done: &Done<'_>,
    past: &Past<'_>,
    reason: &Personal,
) -> Result<Vec<Step>, Stays> {
    use SettlementCommand as C;
    match command {
        C::RecordPayment(record) => Ok(credited::reversed(record, reason)),
        C::ReversePayment(reverse) => credited::received_again(reverse, done, past),
        C::GrantCredit(grant) => credited::revoked(grant, done, reason),
        C::ApplyCredit(apply) => credited::taken_off(apply.customer, apply.lot, done.events),
        C::ReleaseCredit(release) => credited::applied_again(release, done),
        C::RevokeCredit(revoke) => credited::granted_again(revoke, done, past),
        C::VoidInvoice(_) | C::RefundPayment(_) | C::IssueCreditNote(_) | C::PayOutCredit(_) => {
            Err(Stays::told(done.command))
        }
    }
}
