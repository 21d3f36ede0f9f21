//! What may be asked: the request of every question.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::currency::Currency;
use crate::ids::{CommandId, CustomerId, EntityId, InvoiceId, PaymentId, PlanId, SubscriptionId};
use crate::text::{Code, ExternalId};
use crate::time::{Date, Timestamp};
use crate::view;

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
