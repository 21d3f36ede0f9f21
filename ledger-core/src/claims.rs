//! What a command names beyond its own customer: ids that it takes, and whoever else it is about.

use schemas::Command;
use schemas::command::{
    BillingCommand, ChargeInvoice, CustomerCommand, InvoiceRequest, SettlementCommand,
    SubscriptionCommand,
};
use schemas::ids::{CustomerId, InvoiceId};
use schemas::text::ExternalId;
use uuid::Uuid;

/// What a copy for a command must know of the rest of the ledger, so that it is refused there as
/// it would be here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The id of what it makes.
    pub(crate) id: Option<Uuid>,
    /// The id of the invoice that it asks for.
    pub(crate) invoice: Option<Uuid>,
    pub(crate) customer_name: Option<ExternalId>,
    pub(crate) invoice_name: Option<ExternalId>,
    pub(crate) payment_name: Option<ExternalId>,
    /// Who is to pay for its customer.
    pub(crate) parent: Option<CustomerId>,
}

impl Claims {
    /// What a command claims.
    pub fn of(command: &Command) -> Self {
        match command {
            Command::Customer(command) => Self::of_customer(command),
            Command::Subscription(command) => Self::of_subscription(command),
            Command::Billing(command) => Self::of_billing(command),
            Command::Settlement(command) => Self::of_settlement(command),
            Command::Book(_) | Command::Seller(_) | Command::Catalog(_) | Command::Process(_) => {
                Self::default()
            }
        }
    }

    fn one(id: Uuid) -> Self {
        Self { id: Some(id), ..Self::default() }
    }

    fn of_customer(command: &CustomerCommand) -> Self {
        match command {
            CustomerCommand::RegisterCustomer(register) => Self {
                customer_name: register.external_id.clone(),
                parent: register.parent,
                ..Self::default()
            },
            CustomerCommand::UpdateCustomer(update) => {
                Self { customer_name: update.external_id.clone(), ..Self::default() }
            }
            CustomerCommand::ParkCustomer(_)
            | CustomerCommand::DraftPart(_)
            | CustomerCommand::ReleaseCustomer(_)
            | CustomerCommand::EraseCustomer(_)
            | CustomerCommand::AnnotateInvoice(_) => Self::default(),
        }
    }

    fn of_subscription(command: &SubscriptionCommand) -> Self {
        use SubscriptionCommand as C;
        match command {
            C::CreateSubscription(create) => Self::one(create.subscription.uuid()),
            C::CreateQuote(create) => Self::one(create.quote.uuid()),
            C::AcceptQuote(accept) => Self::one(accept.subscription.uuid()),
            C::ApplyDiscount(apply) => Self::one(apply.discount.uuid()),
            C::RedeemCoupon(redeem) => Self::one(redeem.discount.uuid()),
            C::ChangePlan(_)
            | C::ChangeQuantity(_)
            | C::CancelSubscription(_)
            | C::ChangeSubscription(_)
            | C::UncancelSubscription(_)
            | C::WithdrawChange(_)
            | C::PauseSubscription(_)
            | C::ResumeSubscription(_)
            | C::SetRenewal(_)
            | C::EndTrial(_)
            | C::VoidQuote(_)
            | C::RemoveDiscount(_) => Self::default(),
        }
    }

    fn of_billing(command: &BillingCommand) -> Self {
        match command {
            BillingCommand::AddCharge(add) => {
                let request = match &add.invoice {
                    Some(ChargeInvoice::Now(request)) => Some(request),
                    Some(ChargeInvoice::Next) | None => None,
                };
                Self::one(add.charge.uuid()).with_invoice(request)
            }
            BillingCommand::InvoiceNow(now) => Self::default().with_invoice(now.invoice.as_ref()),
            BillingCommand::BillCustomer(_) | BillingCommand::WithdrawCharge(_) => Self::default(),
        }
    }

    fn of_settlement(command: &SettlementCommand) -> Self {
        use SettlementCommand as C;
        match command {
            C::RecordPayment(record) => {
                let payment_name = record.external_id.clone();
                Self { payment_name, ..Self::one(record.payment.uuid()) }
            }
            C::RefundPayment(refund) => Self::one(refund.refund.uuid()),
            C::GrantCredit(grant) => Self::one(grant.grant.uuid()),
            C::PayOutCredit(paid) => Self::one(paid.refund.uuid()),
            C::IssueCreditNote(issue) => Self::one(issue.note.uuid()),
            C::VoidInvoice(_)
            | C::ReversePayment(_)
            | C::ApplyCredit(_)
            | C::ReleaseCredit(_)
            | C::RevokeCredit(_) => Self::default(),
        }
    }

    fn with_invoice(self, request: Option<&InvoiceRequest>) -> Self {
        Self {
            invoice: request.and_then(|found| found.invoice).map(InvoiceId::uuid),
            invoice_name: request.and_then(|found| found.external_id.clone()),
            ..self
        }
    }

    /// The ids that nobody may have taken.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.id.into_iter().chain(self.invoice)
    }
}
