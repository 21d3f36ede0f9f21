//! Events of who the customer is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::ids::{BillingRunId, CustomerId, EntityId};
use crate::party::{Address, TaxId};
use crate::personal::{Contact, Personal};
use crate::text::{Code, ExternalId, Label};
use crate::time::{Date, Timestamp, ZoneName};

/// A customer was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerRegistered {
    /// Its id.
    pub customer: CustomerId,
    /// Who sells to it.
    pub entity: EntityId,
    /// Its id in another system.
    pub external_id: Option<ExternalId>,
    /// Its name.
    pub name: Contact,
    /// Where invoices go.
    pub email: Option<Contact>,
    /// The currency of all its invoices.
    pub currency: Currency,
    /// The zone of its cycles.
    pub zone: ZoneName,
    /// Days from document date to due date; the seller's if it has none of its own.
    pub payment_terms_days: Option<u16>,
    /// Who pays for it.
    pub parent: Option<CustomerId>,
    /// Its days are counted at this offset for ever, in seconds east of UTC; by the rules of its
    /// zone if there is none.
    pub fixed_offset: Option<i32>,
    /// Its postal address.
    pub address: Option<Address<Contact>>,
    /// How tax authorities know it.
    pub tax_ids: Vec<TaxId<Contact>>,
    /// The purchase order that every invoice carries.
    pub purchase_order: Option<Label>,
}

/// A process could not do for a customer what it had to. Processes leave the customer out until
/// it is released; payments are taken all the same.
///
/// The commit's cause is what the process was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerParked {
    /// The process that met it, such as `billing_run`.
    pub process: Code,
    /// The billing run that met it, if one did.
    pub run: Option<BillingRunId>,
    /// The code of the rejection, or `internal` for a fault of the ledger.
    pub reason: Label,
    /// What is, and the way out.
    pub detail: Label,
}

/// [`CustomerParked`] while only billing runs parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerParkedV1 {
    /// The run that met it.
    pub run: BillingRunId,
    /// The code of the rejection.
    pub reason: Label,
    /// What is, and the way out.
    pub detail: Label,
}

impl From<CustomerParkedV1> for CustomerParked {
    fn from(old: CustomerParkedV1) -> Self {
        let CustomerParkedV1 { run, reason, detail } = old;
        let process = "billing_run".parse().expect("a token of ASCII letters is a code");
        Self { process, run: Some(run), reason, detail }
    }
}

/// A parked customer is billed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerReleased {}

/// A customer's own key was destroyed: what it sealed can be read by nobody any more. Nothing new
/// is sold to it; what is open of old documents is settled as ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerErased {
    /// Why; sealed with what its documents say.
    pub reason: Personal,
    /// Until the end of this day its documents must be kept, and what they say of it can be read;
    /// none if there are none, and their key was destroyed, too. Later bookings move it.
    pub documents_until: Option<Date>,
    /// Documents are kept for so many years after the one in which the last was issued.
    pub document_retention_years: u8,
}

/// The key of an erased customer's documents was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentsErased {}

/// A customer has another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerRenamed {
    /// The new name.
    pub name: Contact,
}

/// A customer has another mail address for invoices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerEmailChanged {
    /// The new address, if it has one.
    pub email: Option<Contact>,
}

/// A customer has another postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerAddressChanged {
    /// The new address, if it has one.
    pub address: Option<Address<Contact>>,
}

/// Tax authorities know a customer otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerTaxIdsChanged {
    /// All that it has.
    pub tax_ids: Vec<TaxId<Contact>>,
}

/// A customer moves to another zone.
///
/// The day `from` and those before begin by the clock that the customer has had, later days by the
/// new one; so days stay in order and without gaps, and one of them is longer or shorter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerZoneChanged {
    /// The new zone.
    pub zone: ZoneName,
    /// The last day that begins by the old clock. Changes that were to hold from this day on or
    /// later do not come about.
    pub from: Date,
    /// When that day begins: the instant from which the new clock counts.
    pub at: Timestamp,
    /// Its days are counted at this offset for ever, in seconds east of UTC; by the rules of the
    /// zone if there is none.
    pub fixed_offset: Option<i32>,
}

/// Every invoice of a customer carries another purchase order from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerPurchaseOrderChanged {
    /// Its number, if there is one.
    pub purchase_order: Option<Label>,
}

/// A customer's next invoice carries this, and nothing that was said of it before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceAnnotated {
    /// A sentence for its reader; sealed with what documents say.
    pub memo: Option<Personal>,
    /// The number of the purchase order that it fulfils, instead of the customer's own.
    pub purchase_order: Option<Label>,
}

/// A customer has other payment terms, for invoices from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerTermsChanged {
    /// Days from document date to due date; the seller's if it has none of its own.
    pub payment_terms_days: Option<u16>,
}

/// A customer has another id in another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerExternalIdChanged {
    /// The new id.
    pub external_id: ExternalId,
}
