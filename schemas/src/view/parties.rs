//! Answers about sellers and customers as they are now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::ids::{CustomerId, EntityId};
use crate::party::{Address, TaxId};
use crate::personal::Personal;
use crate::terms::{DefaultSeries, SeriesDefinition};
use crate::text::{ExternalId, Label};
use crate::time::{Date, Timestamp, ZoneName};

/// A seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// Which seller.
    pub entity: EntityId,
    /// Its legal name.
    pub name: Label,
    /// Where it is.
    pub address: Option<Address<Label>>,
    /// How tax authorities know it.
    pub tax_ids: Vec<TaxId<Label>>,
    /// The zone of its document dates.
    pub zone: ZoneName,
    /// Days from document date to due date, of customers that have no terms of their own.
    pub payment_terms_days: u16,
    /// Its documents are kept for so many years after the one in which the last was issued.
    pub document_retention_years: u8,
    /// Its number series, in the order in which they were made.
    pub series: Vec<SeriesDefinition>,
    /// Which of them documents use unless they say otherwise.
    pub default_series: DefaultSeries,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Customer {
    /// Which customer.
    pub customer: CustomerId,
    /// Who sells to it.
    pub entity: EntityId,
    /// Its id in another system.
    pub external_id: Option<ExternalId>,
    /// Its name.
    pub name: Personal,
    /// The mail address that invoices go to.
    pub email: Option<Personal>,
    /// Its postal address.
    pub address: Option<Address<Personal>>,
    /// How tax authorities know it.
    pub tax_ids: Vec<TaxId<Personal>>,
    /// The currency of all its invoices.
    pub currency: Currency,
    /// The zone that it is in, or on its way to.
    pub zone: ZoneName,
    /// The last day that begins by the clock that it had before; none if it never moved.
    pub zone_from: Option<Date>,
    /// Days from document date to due date of its next invoice.
    pub payment_terms_days: u16,
    /// These are terms of its own, not its seller's.
    pub own_payment_terms: bool,
    /// The purchase order that every invoice carries.
    pub purchase_order: Option<Label>,
    /// What its next invoice carries besides.
    pub next_invoice: NextInvoice,
    /// Who pays for it, if another does.
    pub parent: Option<CustomerId>,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// Its personal data was made unreadable.
    pub erased: bool,
}

/// What was said of a customer's next invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NextInvoice {
    /// A sentence for its reader.
    pub memo: Option<Personal>,
    /// The purchase order that it fulfils, instead of the customer's own.
    pub purchase_order: Option<Label>,
}
