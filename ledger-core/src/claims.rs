//! What a command names beyond its own customer: ids that it takes, and whoever else it is about.

use schemas::Command;
use schemas::command::{ChargeInvoice, InvoiceRequest};
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
        let id = |id: Uuid| Self { id: Some(id), ..Self::default() };
        match command {
            Command::RegisterCustomer(register) => Self {
                customer_name: register.external_id.clone(),
                parent: register.parent,
                ..Self::default()
            },
            Command::UpdateCustomer(update) => {
                Self { customer_name: update.external_id.clone(), ..Self::default() }
            }
            Command::CreateSubscription(create) => id(create.subscription.uuid()),
            Command::CreateQuote(create) => id(create.quote.uuid()),
            Command::AcceptQuote(accept) => id(accept.subscription.uuid()),
            Command::ApplyDiscount(apply) => id(apply.discount.uuid()),
            Command::RedeemCoupon(redeem) => id(redeem.discount.uuid()),
            Command::AddCharge(add) => {
                let request = match &add.invoice {
                    Some(ChargeInvoice::Now(request)) => Some(request),
                    Some(ChargeInvoice::Next) | None => None,
                };
                id(add.charge.uuid()).with_invoice(request)
            }
            Command::InvoiceNow(now) => Self::default().with_invoice(now.invoice.as_ref()),
            Command::RecordPayment(record) => {
                Self { payment_name: record.external_id.clone(), ..id(record.payment.uuid()) }
            }
            Command::RefundPayment(refund) => id(refund.refund.uuid()),
            Command::GrantCredit(grant) => id(grant.grant.uuid()),
            Command::IssueCreditNote(issue) => id(issue.note.uuid()),
            Command::OpenBook(_)
            | Command::AdvanceClock(_)
            | Command::DefineEntity(_)
            | Command::DefinePlan(_)
            | Command::RetirePlan(_)
            | Command::MigratePlan(_)
            | Command::DefineCoupon(_)
            | Command::RunBilling(_)
            | Command::ReleaseCustomer(_)
            | Command::ChangePlan(_)
            | Command::ChangeQuantity(_)
            | Command::CancelSubscription(_)
            | Command::ChangeSubscription(_)
            | Command::UncancelSubscription(_)
            | Command::WithdrawChange(_)
            | Command::PauseSubscription(_)
            | Command::ResumeSubscription(_)
            | Command::SetRenewal(_)
            | Command::VoidQuote(_)
            | Command::RemoveDiscount(_)
            | Command::VoidInvoice(_)
            | Command::BillCustomer(_)
            | Command::ReversePayment(_) => Self::default(),
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
