//! Queries: what can be asked of the read models, and of the gateway.
//!
//! # Shape
//!
//! A query is a JSON object under the subject `query.<view>.<name>`; unknown fields are refused.
//! Projectors answer from what they folded; [`GATEWAY_VIEWS`] are answered by the gateway, from a
//! copy of the state that commands are decided on.
//! Days named `from` and `to` are both part of the range. Lists take `limit` (50 unless given,
//! at most [`MAX_LIMIT`]) and `after`, the cursor that the page before gave as `next`.
//!
//! Every answer carries the position it reflects and when that commit was recorded
//! ([`crate::view::Answer`], [`crate::view::Page`]).

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;

use crate::record::JsonError;
use crate::view;

mod requests;

pub use requests::*;

/// Items on a page, unless asked otherwise.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most items on a page.
pub const MAX_LIMIT: u32 = 500;
/// Lines of one invoice in an answer, unless asked otherwise.
pub const DEFAULT_LINES: u32 = 100;

/// Views that the gateway answers, in the order of [`QUERIES`]; projectors answer the others.
pub const GATEWAY_VIEWS: &[&str] = &["subscriptions", "customers", "entities", "plans", "preview"];

/// One question that a read model or the gateway answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryKind {
    /// The read model.
    pub view: &'static str,
    /// The question.
    pub name: &'static str,
    /// What it gives, in a sentence.
    pub summary: &'static str,
}

/// A question with the JSON Schemas of its request and its answer.
#[derive(Debug, Clone)]
pub struct QuerySchema {
    /// Which question.
    pub kind: QueryKind,
    /// What may be asked.
    pub request: schemars::Schema,
    /// What is answered.
    pub answer: schemars::Schema,
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12()
}

macro_rules! queries {
    ($($view:literal $name:literal $summary:literal $request:ty => $answer:ty;)*) => {
        /// Every question, by read model.
        pub const QUERIES: &[QueryKind] = &[
            $( QueryKind { view: $view, name: $name, summary: $summary }, )*
        ];

        /// Every question with its JSON Schemas.
        pub fn json_schemas() -> Vec<QuerySchema> {
            vec![ $( QuerySchema {
                kind: QueryKind { view: $view, name: $name, summary: $summary },
                request: settings().for_deserialize().into_generator()
                    .into_root_schema_for::<$request>(),
                answer: settings().for_serialize().into_generator()
                    .into_root_schema_for::<$answer>(),
            }, )* ]
        }
    };
}

queries! {
    "invoices" "get" "One invoice with its lines and its settlement"
        InvoicesGet => view::Answer<view::Invoice>;
    "invoices" "list" "Invoices by customer, status and document date"
        InvoicesList => view::Page<view::InvoiceSummary>;
    "invoices" "explain" "Everything that the amounts of an invoice follow from"
        InvoicesExplain => view::Answer<view::InvoiceExplanation>;
    "invoices" "summary" "Counts and totals of invoices, by currency"
        InvoicesSummary => view::Answer<Vec<view::InvoiceFigures>>;
    "revenue" "get" "What is earned and deferred of each line of one invoice"
        RevenueGet => view::Answer<view::InvoiceRevenue>;
    "revenue" "waterfall" "Billed, recognised and deferred revenue, by month and currency"
        RevenueWaterfall => view::Answer<Vec<view::Waterfall>>;
    "revenue" "recognized" "Revenue recognised over a range of days, by currency"
        RevenueRecognized => view::Answer<Vec<view::RecognizedRevenue>>;
    "balances" "get" "What one customer owes, and its credit"
        BalancesGet => view::Answer<view::CustomerBalance>;
    "balances" "list" "Customers by what they owe"
        BalancesList => view::Page<view::CustomerBalanceSummary>;
    "balances" "statement" "One customer's statement with a running balance"
        BalancesStatement => view::Page<view::StatementEntry>;
    "balances" "ageing" "Receivables by days past due, by currency"
        BalancesAgeing => view::Answer<Vec<view::Ageing>>;
    "balances" "trial_balance" "Debits and credits of every account, by currency"
        BalancesTrialBalance => view::Answer<Vec<view::TrialBalance>>;
    "balances" "summary" "Customers, receivables, credit, payments and refunds"
        BalancesSummary => view::Answer<view::BalancesSummary>;
    "balances" "payments" "Payments by customer or id, with what they settled"
        BalancesPayments => view::Page<view::Payment>;
    "balances" "lots" "A customer's credit lot by lot: what made it, what is left, and what it pays"
        BalancesLots => view::Page<view::Lot>;
    "subscriptions" "get" "One subscription as it is now or at an instant, and the commands that are legal next"
        SubscriptionsGet => view::Answer<view::Subscription>;
    "subscriptions" "list" "The subscriptions that a customer pays for, in the order they began"
        SubscriptionsList => view::Page<view::Subscription>;
    "customers" "access" "Whether a customer has access, until when, and why, and what it may use"
        CustomersAccess => view::Answer<view::CustomerAccess>;
    "customers" "parked" "Customers that are parked: what processes leave out, each with process and reason, oldest id first"
        CustomersParked => view::Page<view::ParkedCustomer>;
    "customers" "get" "One customer as it is now: names, address, terms, what its next invoice carries"
        CustomersGet => view::Answer<view::Customer>;
    "entities" "get" "One seller as it is now, with its number series"
        EntitiesGet => view::Answer<view::Entity>;
    "entities" "list" "The sellers of the book"
        EntitiesList => view::Page<view::Entity>;
    "plans" "migrations" "Subscriptions that moved by the migrations of a plan, that will, and that cannot"
        PlansMigrations => view::Page<view::SubscriptionMigration>;
    "preview" "command" "What a command would become, with a token that commits exactly that"
        PreviewCommand => view::Answer<view::CommandPreview>;
    "preview" "invoice" "The next invoice of a customer"
        PreviewInvoice => view::Answer<view::InvoicePreview>;
    "preview" "run" "What a billing run through a date, on that date, would bill a customer"
        PreviewRun => view::Answer<view::InvoicePreview>;
}

/// What a body can be read as: it has a form, and a schema that says what of the body is wrong.
pub trait Request: DeserializeOwned + JsonSchema {}

impl<T: DeserializeOwned + JsonSchema> Request for T {}

/// Reads a request; an empty body asks with every field left out.
///
/// # Errors
/// [`JsonError`] with a pointer to what is wrong.
pub fn read<T: Request>(body: &[u8]) -> Result<T, JsonError> {
    crate::record::from_json(if body.is_empty() { b"{}" } else { body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_refuses_unknown_fields_with_a_pointer_and_takes_an_empty_body() {
        assert_eq!(read::<InvoicesList>(b""), Ok(InvoicesList::default()));
        let wrong = read::<InvoicesList>(br#"{"customer":"cus_1"}"#);
        assert!(matches!(wrong, Err(JsonError::Field { pointer, .. }) if pointer == "/customer"));
        let unknown = read::<InvoicesList>(br#"{"costumer":1}"#);
        assert!(matches!(unknown, Err(JsonError::Field { .. })));
    }

    #[test]
    fn every_question_has_a_name_of_its_own_and_schemas() {
        let mut names: Vec<_> = QUERIES.iter().map(|kind| (kind.view, kind.name)).collect();
        names.dedup();
        assert_eq!(names.len(), QUERIES.len());
        assert_eq!(json_schemas().len(), QUERIES.len());
    }
}
