//! What stands in the way of erasing a customer, asked of the rooms of its stream; and what may
//! still be asked of one that was erased.

use schemas::command::{BillingCommand, SettlementCommand};
use schemas::ids::{CustomerId, QuoteId, SubscriptionId};
use schemas::terms::LotRef;
use schemas::{Command, Date, Minor, Rejection, Timestamp};

use super::customer::Customer;
use crate::billing::state::Billed;
use crate::customer::erase::{Affairs, Open};
use crate::subscription::state::Subscription;

impl Affairs for Customer {
    fn running(&self, at: Timestamp) -> Option<SubscriptionId> {
        self.subscriptions().find(|found| runs(found, at)).map(Subscription::id)
    }

    fn offered(&self, today: Date) -> Option<QuoteId> {
        self.agreements.offered(today)
    }

    fn has_unbilled(&self) -> bool {
        self.due.is_some() || self.billing.pending().len() > 0
    }

    fn open(&self) -> Option<Open> {
        self.settlement.open().next().map(|invoice| Open {
            invoice: invoice.id,
            amount: invoice.open(),
            credited_by: self.billing.invoice(invoice.id).and_then(Billed::credited_by),
        })
    }

    fn refundable(&self) -> Option<LotRef> {
        self.settlement.refundable()
    }

    fn credit(&self) -> Minor {
        self.settlement.credit()
    }

    fn last_document(&self) -> Option<Date> {
        self.settlement.last_document
    }

    fn cycles_end(&self, since: Timestamp) -> Option<Timestamp> {
        self.subscriptions().filter_map(|found| found.cycles_end(since)).max()
    }
}

/// Whether a subscription has not ended at an instant.
fn runs(subscription: &Subscription, at: Timestamp) -> bool {
    subscription.ending.is_none_or(|ending| ending.at > at)
}

/// What `payer` pays for, or may still accept, for another customer at an instant: the sentence
/// that says so and how to end it.
///
/// # Errors
/// A day that cannot be computed.
pub(super) fn serves(
    payer: &Customer,
    user: CustomerId,
    at: Timestamp,
) -> Result<Option<String>, Rejection> {
    let used = |found: &&Subscription| found.beneficiary == Some(user) && runs(found, at);
    if let Some(used) = payer.subscriptions().find(used).map(Subscription::id) {
        let payer = payer.id();
        return Ok(Some(format!("{payer} pays for {used} that it uses; cancel that first")));
    }
    let today = payer.profile.rules.date(at)?;
    let offered = payer.agreements.offered_for(user, today);
    Ok(offered.map(|quote| {
        let payer = payer.id();
        format!("{payer} may still accept {quote} for it; void that first")
    }))
}

/// An erased customer gets no new documents. What is open of old ones is settled, credited and
/// taken back as ever.
///
/// # Errors
/// [`Rejection::CustomerErased`].
pub(super) fn check_after_erasure(customer: &Customer, command: &Command) -> Result<(), Rejection> {
    let allowed = match command {
        Command::Settlement(command) => match command {
            SettlementCommand::VoidInvoice(command) => !command.rebill,
            SettlementCommand::RecordPayment(_)
            | SettlementCommand::ReversePayment(_)
            | SettlementCommand::RefundPayment(_)
            | SettlementCommand::IssueCreditNote(_)
            | SettlementCommand::ApplyCredit(_)
            | SettlementCommand::ReleaseCredit(_)
            | SettlementCommand::RevokeCredit(_)
            | SettlementCommand::PayOutCredit(_) => true,
            SettlementCommand::GrantCredit(_) => false,
        },
        // A run finds nothing to bill, and ends the time of its documents.
        Command::Billing(command) => matches!(command, BillingCommand::BillCustomer(_)),
        Command::Customer(_)
        | Command::Subscription(_)
        | Command::Book(_)
        | Command::Seller(_)
        | Command::Catalog(_)
        | Command::Process(_) => false,
    };
    if customer.profile.erased.is_none() || allowed {
        return Ok(());
    }
    Err(Rejection::CustomerErased { customer: customer.id() })
}
