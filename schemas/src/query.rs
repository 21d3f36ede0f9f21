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
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::currency::Currency;
use crate::ids::{CommandId, CustomerId, EntityId, InvoiceId, PaymentId, PlanId, SubscriptionId};
use crate::record::JsonError;
use crate::text::{Code, ExternalId};
use crate::time::{Date, Timestamp};
use crate::view;

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

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident : $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fdoc])* pub $field: Option<$type>,)* }
    )*};
}

requests! {
    /// `invoices.get`: name the invoice in one way.
    InvoicesGet {
        /// By id.
        invoice: InvoiceId,
        /// By its id in another system.
        external_id: ExternalId,
        /// By its printed number.
        number: Code,
        /// The day that decides whether it is overdue; the day of the last commit unless given.
        as_of: Date,
        /// How many lines to give, 100 unless given, at most 500.
        line_limit: u32,
        /// Give lines after this one.
        after_line: u32,
    }
    /// `invoices.list`
    InvoicesList {
        /// Only of this customer.
        customer: CustomerId,
        /// Only in this state.
        status: StatusFilter,
        /// First document date.
        from: Date,
        /// Last document date.
        to: Date,
        /// The day that decides what is overdue; the day of the last commit unless given.
        as_of: Date,
        /// Newest first unless given.
        order: DateOrder,
        /// How many to give.
        limit: u32,
        /// The cursor of the page before.
        after: String,
    }
    /// `invoices.explain`: name the invoice in one way.
    InvoicesExplain {
        /// By id.
        invoice: InvoiceId,
        /// By its id in another system.
        external_id: ExternalId,
        /// By its printed number.
        number: Code,
        /// Only this line.
        line: u32,
        /// How many lines to give, 100 unless given, at most 500.
        line_limit: u32,
        /// Give lines after this one.
        after_line: u32,
    }
    /// `invoices.summary`
    InvoicesSummary {
        /// Only of this customer.
        customer: CustomerId,
        /// First document date.
        from: Date,
        /// Last document date.
        to: Date,
        /// Only in this currency.
        currency: Currency,
        /// One row for each; one for the whole unless given.
        group_by: InvoiceGrouping,
    }
    /// `revenue.get`: the invoice is required.
    RevenueGet {
        /// Which invoice.
        invoice: InvoiceId,
        /// Only this line.
        line: u32,
        /// Earned up to and on this day; the day of the last commit unless given.
        through: Date,
        /// How many lines to give, 100 unless given, at most 500.
        line_limit: u32,
        /// Give lines after this one.
        after_line: u32,
    }
    /// `revenue.waterfall`
    RevenueWaterfall {
        /// Only in this currency.
        currency: Currency,
        /// From the month of this day; the first with any revenue unless given.
        from: Date,
        /// To the month of this day; the last with any revenue unless given.
        to: Date,
    }
    /// `revenue.recognized`
    RevenueRecognized {
        /// First day.
        from: Date,
        /// Last day; the day of the last commit unless given.
        to: Date,
        /// Only in this currency.
        currency: Currency,
    }
    /// `balances.get`: name the customer in one way.
    BalancesGet {
        /// By id.
        customer: CustomerId,
        /// By its id in another system.
        external_id: ExternalId,
        /// The day that decides what is overdue; the day of the last commit unless given.
        as_of: Date,
    }
    /// `balances.list`
    BalancesList {
        /// Only customers that pay in this currency.
        currency: Currency,
        /// Only customers in this state.
        having: BalanceFilter,
        /// By open amount, largest first, unless given.
        order: BalanceOrder,
        /// The day that decides what is overdue; the day of the last commit unless given.
        as_of: Date,
        /// How many to give.
        limit: u32,
        /// The cursor of the page before.
        after: String,
    }
    /// `balances.statement`: the customer is required.
    BalancesStatement {
        /// Which customer.
        customer: CustomerId,
        /// First posting date.
        from: Date,
        /// Last posting date.
        to: Date,
        /// How many to give.
        limit: u32,
        /// The cursor of the page before.
        after: String,
    }
    /// `balances.ageing`
    BalancesAgeing {
        /// What was posted up to and on this day, aged to it; all, aged to the day of the last
        /// commit, unless given.
        as_of: Date,
        /// Only in this currency.
        currency: Currency,
    }
    /// `balances.trial_balance`
    BalancesTrialBalance {
        /// What was posted up to and on this day; the day of the last commit unless given.
        as_of: Date,
        /// Only in this currency.
        currency: Currency,
    }
    /// `balances.summary`
    BalancesSummary {
        /// Only in this currency.
        currency: Currency,
    }
    /// `balances.payments`: name a payment, or the customer whose payments to list.
    BalancesPayments {
        /// By id.
        payment: PaymentId,
        /// By its id at the bank or processor.
        external_id: ExternalId,
        /// All of this customer's, newest first.
        customer: CustomerId,
        /// How many to give.
        limit: u32,
        /// The cursor of the page before.
        after: String,
    }
    /// `balances.lots`: the customer is required.
    BalancesLots {
        /// Whose, newest first.
        customer: CustomerId,
        /// Only lots of which something is left.
        unspent: bool,
        /// How many to give.
        limit: u32,
        /// The cursor of the page before.
        after: String,
    }
    /// `subscriptions.get`: customer and subscription are required.
    SubscriptionsGet {
        /// Who pays for it.
        customer: CustomerId,
        /// Which one.
        subscription: SubscriptionId,
        /// As it is at this instant, by what is known now; the book's present unless given.
        at: Timestamp,
    }
    /// `subscriptions.list`: the customer is required.
    SubscriptionsList {
        /// Who pays.
        customer: CustomerId,
        /// As they are at this instant, by what is known now; the book's present unless given.
        at: Timestamp,
        /// How many to give.
        limit: u32,
        /// The cursor of the page before.
        after: String,
    }
    /// `customers.access`: the customer is required.
    CustomersAccess {
        /// Who uses, also what its parent pays.
        customer: CustomerId,
        /// Only by this subscription.
        subscription: SubscriptionId,
        /// At this instant, by what is known now; the book's present unless given.
        at: Timestamp,
    }
    /// `customers.parked`.
    CustomersParked {
        /// How many to give.
        limit: u32,
        /// The cursor of the page before.
        after: String,
    }
    /// `plans.migrations`: the plan is required.
    PlansMigrations {
        /// Which plan.
        plan: PlanId,
        /// Only what leaves this version.
        from_version: u32,
        /// Only subscriptions to which its migrations are this.
        standing: view::MigrationStanding,
        /// How many to give.
        limit: u32,
        /// The cursor of the page before.
        after: String,
    }
    /// `customers.get`: the customer is required.
    CustomersGet {
        /// Which one.
        customer: CustomerId,
    }
    /// `entities.get`: the seller is required.
    EntitiesGet {
        /// Which one.
        entity: EntityId,
    }
    /// `entities.list`.
    EntitiesList {
        /// How many to give.
        limit: u32,
        /// The cursor of the page before.
        after: String,
    }
    /// `preview.command`: the command is required.
    PreviewCommand {
        /// Its name, such as `subscription.cancel`.
        command: String,
        /// Its fields.
        body: Value,
        /// The id that it will be sent with; a fresh one unless given.
        command_id: CommandId,
        /// When it takes effect; the book's present unless given.
        effective_at: Timestamp,
    }
    /// `preview.invoice`: the customer is required.
    PreviewInvoice {
        /// Whose next invoice.
        customer: CustomerId,
    }
    /// `preview.run`: customer and date are required.
    PreviewRun {
        /// Whose invoice.
        customer: CustomerId,
        /// Cycles that fall due up to and on this date are billed, on this date.
        through: Date,
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }
    )*};
}

choices! {
    /// Which invoices a list holds.
    StatusFilter {
        /// Nothing is paid yet.
        Open,
        /// Part is paid.
        PartiallyPaid,
        /// Something is still owed: open or partially paid.
        Unpaid,
        /// Unpaid after its due date.
        Overdue,
        /// Nothing is owed any more.
        Paid,
        /// Voided.
        Voided,
    }
    /// In which order a list of documents comes.
    DateOrder {
        /// By document date, latest first.
        NewestFirst,
        /// By document date, earliest first.
        OldestFirst,
    }
    /// What makes a row of a summary.
    InvoiceGrouping {
        /// A currency.
        None,
        /// A month of document dates in a currency.
        Month,
        /// A status in a currency.
        Status,
    }
    /// Which customers a list holds.
    BalanceFilter {
        /// Something is owed.
        Open,
        /// Something is owed after its due date.
        Overdue,
        /// There is credit.
        Credit,
    }
    /// In which order a list of customers comes.
    BalanceOrder {
        /// By what is owed, largest first.
        Open,
        /// By credit, largest first.
        Credit,
        /// By time of registration, earliest first.
        Registered,
    }
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
