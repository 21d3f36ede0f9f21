//! What stands in the way of erasing a customer, asked of the rooms of its stream; and what may
//! still be asked of one that was erased.

use schemas::command::{BillingCommand, InvoiceRequest, SettlementCommand};
use schemas::event::LeastTerm;
use schemas::ids::{CustomerId, QuoteId};
use schemas::terms::{EarlyEnd, LotRef};
use schemas::time::TimeError;
use schemas::{Command, Date, Minor, Rejection, Timestamp};

use super::bill::{bill, is_document, present, up_to_date};
use super::customer::Customer;
use super::draft::Draft;
use crate::billing::invoice::Wanted;
use crate::billing::lines::{Scope, never_begins};
use crate::billing::state::Billed;
use crate::context::Context;
use crate::customer::erase::{Affairs, Open, Running, Unbilled};
use crate::subscription::state::Subscription;

impl Affairs for Customer {
    fn running(&self, context: &Context<'_>) -> Result<Option<Running>, Rejection> {
        let now = context.stamp.recorded_at;
        let found = self.subscriptions().find(|found| runs(found, now));
        found.map(|found| running(self, found, now)).transpose()
    }

    fn offered(&self, today: Date) -> Option<QuoteId> {
        self.agreements.offered(today)
    }

    fn unbilled(&self, context: &Context<'_>) -> Result<Option<Unbilled>, Rejection> {
        let mut draft = Draft::after(self, Vec::new());
        let (request, today) = (InvoiceRequest::default(), present(context, self)?);
        let wanted = Wanted { request: &request, run: None };
        bill(context, &mut draft, Scope::All, today, wanted)?;
        if draft.events.iter().any(is_document) {
            return Ok(Some(Unbilled::Now));
        }
        let account = self.account();
        let later = self.billing.pending().find(|charge| !never_begins(account, charge));
        Ok(later.map(|charge| Unbilled::Later(charge.added.charge)))
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

    fn cycles_end(&self, since: Timestamp, now: Timestamp) -> Result<Option<Timestamp>, TimeError> {
        let mut last = None;
        for found in self.subscriptions() {
            last = last.max(found.cycles_end(since, now, &self.profile.rules)?);
        }
        Ok(last)
    }
}

/// Whether a subscription has not ended at an instant. One that ended where it would have begun
/// needs not wait for its start.
fn runs(subscription: &Subscription, at: Timestamp) -> bool {
    subscription.ending.is_none_or(|ending| ending.at > at) && !subscription.never_begins()
}

/// What ends a subscription of a customer that has not ended at an instant.
fn running(
    customer: &Customer,
    subscription: &Subscription,
    at: Timestamp,
) -> Result<Running, Rejection> {
    let rules = &customer.profile.rules;
    let ends = subscription.ending.map(|ending| rules.date(ending.at)).transpose()?;
    let refused = |least: &LeastTerm| match least.early_end {
        EarlyEnd::Refused => at < least.until,
        EarlyEnd::Fee(_) => false,
    };
    let waives = subscription.least_term.as_ref().is_some_and(refused);
    Ok(Running { subscription: subscription.id(), ends, waives })
}

/// What `payer` pays for, or may still accept, for another customer at an instant: the sentence
/// that says so and how to end it.
///
/// # Errors
/// A day that cannot be computed.
pub(super) fn serves(
    context: &Context<'_>,
    payer: &Customer,
    user: CustomerId,
) -> Result<Option<String>, Rejection> {
    let at = context.stamp.recorded_at;
    let payer = &up_to_date(context, payer)?.customer;
    let used = |found: &&Subscription| found.beneficiary == Some(user) && runs(found, at);
    if let Some(used) = payer.subscriptions().find(used) {
        let (payer, used) = (payer.id(), running(payer, used, at)?);
        return Ok(Some(format!("{payer} pays for what it uses: {used}")));
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
