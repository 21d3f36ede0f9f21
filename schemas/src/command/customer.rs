//! Commands about who the customer is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::ids::{BillingRunId, CommandId, CustomerId, EntityId};
use crate::party::{Address, TaxId};
use crate::personal::{Contact, Personal};
use crate::terms::CustomerDetail;
use crate::text::{Code, ExternalId, Label};
use crate::time::ZoneName;

/// Registers a customer with its seller, currency and zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterCustomer {
    /// Its id.
    pub customer: CustomerId,
    /// Who sells to it.
    pub entity: EntityId,
    /// Its id in another system; unique in the book.
    pub external_id: Option<ExternalId>,
    /// Its name.
    pub name: Contact,
    /// Where invoices go.
    pub email: Option<Contact>,
    /// The currency of all its invoices.
    pub currency: Currency,
    /// The zone of its cycles; the entity's if left out.
    pub zone: Option<ZoneName>,
    /// Days from document date to due date, 0 to 365; the entity's if left out.
    pub payment_terms_days: Option<u16>,
    /// Who pays for it; the customer itself if left out.
    pub parent: Option<CustomerId>,
    /// Its postal address; printed on documents.
    pub address: Option<Address<Contact>>,
    /// How tax authorities know it, at most 16; printed on documents.
    pub tax_ids: Option<Vec<TaxId<Contact>>>,
    /// The number of its purchase order, which every invoice carries.
    pub purchase_order: Option<Label>,
}

/// Leaves a customer out of what happens by itself, because a process could not do for it what it
/// had to. Made by the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParkCustomer {
    /// Which customer.
    pub customer: CustomerId,
    /// The process that met it, such as `billing_run`.
    pub process: Code,
    /// The billing run that met it, if one did.
    pub run: Option<BillingRunId>,
    /// The code of the rejection, or `internal` for a fault of the ledger.
    pub reason: Label,
    /// What is, and the way out.
    pub detail: Label,
}

/// Keeps a part of what is decided of a command, where that takes more than one commit. Made by the
/// system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftPart {
    /// Whose stream it is on.
    pub customer: CustomerId,
    /// The command.
    pub of: CommandId,
    /// Which part, from 0.
    pub part: u32,
}

/// Lets runs bill a customer again that was parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseCustomer {
    /// Which customer.
    pub customer: CustomerId,
}

/// Makes a customer's personal data unreadable for ever. What its documents say of it is kept as
/// long as the seller must.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseCustomer {
    /// Which customer.
    pub customer: CustomerId,
    /// Why; kept with the documents.
    #[serde(deserialize_with = "crate::personal::label")]
    #[schemars(with = "Label")]
    pub reason: Personal,
    /// Erase although customer credit is left; it stays on the books and is paid to nobody.
    pub leave_credit: Option<bool>,
}

/// Changes what is given; what is left out stays. Documents that were issued stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateCustomer {
    /// Which customer.
    pub customer: CustomerId,
    /// A new id in another system.
    pub external_id: Option<ExternalId>,
    /// A new name.
    pub name: Option<Contact>,
    /// A new mail address for invoices.
    pub email: Option<Contact>,
    /// New terms, for invoices from now on.
    pub payment_terms_days: Option<u16>,
    /// A new postal address.
    pub address: Option<Address<Contact>>,
    /// How tax authorities know it, at most 16, all of them; none if the list is empty.
    pub tax_ids: Option<Vec<TaxId<Contact>>>,
    /// Another zone. It holds from the next cycle on: from the first day that begins tomorrow or
    /// later and not before the end of any cycle that was opened. What was agreed for a later day
    /// is due on the same day in the new zone.
    pub zone: Option<ZoneName>,
    /// The number of a purchase order that every invoice carries from now on.
    pub purchase_order: Option<Label>,
    /// Details that it is to have no more.
    pub clear: Option<Vec<CustomerDetail>>,
}

/// Says what the customer's next invoice carries, instead of what was said before. It can be said
/// anew until that invoice is finalized; what is left out, the invoice does not carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnotateInvoice {
    /// Whose next invoice.
    pub customer: CustomerId,
    /// A sentence for the reader of the invoice.
    pub memo: Option<Personal>,
    /// The number of the purchase order that it fulfils, instead of the customer's own.
    pub purchase_order: Option<Label>,
}
