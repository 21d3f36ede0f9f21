//! Commands: what may be asked of a book.
//!
//! # Shape
//!
//! A command names every thing it creates: the ledger mints no ids. Amounts carry their
//! currency. Dates that are left out are derived from the effective time in the zone of the
//! customer or the selling entity.

mod book;
mod customer;
mod discount;
mod settlement;
mod subscription;

pub use book::{
    AdvanceClock, DefineEntity, DefineEntityV1, DefinePlan, MigratePlan, OpenBook, PriceMapping,
    RetirePlan, RunBilling, UpdateEntity, WithdrawMigration,
};
pub use customer::{
    AnnotateInvoice, DraftPart, EraseCustomer, ParkCustomer, RegisterCustomer, ReleaseCustomer,
    UpdateCustomer,
};
pub use discount::{ApplyDiscount, DefineCoupon, RedeemCoupon, RemoveDiscount};
pub use settlement::{
    AddCharge, Allocate, AllocationRequest, ApplyCredit, BillCustomer, ChargeInvoice, ChargePrice,
    CreditLine, GrantCredit, InvoiceNow, InvoiceRequest, IssueCreditNote, PayOutCredit,
    RecordPayment, RefundEffect, RefundPayment, ReleaseCredit, ReversePayment, RevokeCredit,
    VoidInvoice, WithdrawCharge,
};
pub use subscription::{
    AcceptQuote, Activation, CancelSubscription, ChangePlan, ChangeQuantity, ChangeSubscription,
    CreateQuote, CreateSubscription, EndTrial, ItemRequest, PauseSubscription, RampPhase,
    ResumeSubscription, SetRenewal, SubscriptionTerms, UncancelSubscription, VoidQuote,
    WithdrawChange,
};

use crate::ids::CustomerId;
use crate::record::records;
use crate::stream::StreamId;

records! {
    /// A command that the ledger decides on.
    Command ("command") {
        /// The book itself.
        Book(BookCommand) {
            /// Opens a new book; made by the system when the log is created.
            1 v 2 "book.open" OpenBook,
            /// Moves the test clock of a test book forward.
            2 v 1 "book.advance_clock" AdvanceClock,
        }
        /// Legal sellers.
        Seller(SellerCommand) {
            /// Defines a seller.
            3 v 3 "entity.define" DefineEntity was 1 DefineEntityV1,
            /// Corrects a seller.
            100 v 1 "entity.update" UpdateEntity,
        }
        /// What is on sale.
        Catalog(CatalogCommand) {
            /// Defines a plan, or its next version.
            4 v 3 "plan.define" DefinePlan,
            /// Closes a plan to new subscriptions.
            5 v 1 "plan.retire" RetirePlan,
            /// Moves subscriptions from one plan version to another.
            7 v 2 "plan.migrate" MigratePlan,
            /// Withdraws a migration.
            65 v 1 "plan.withdraw_migration" WithdrawMigration,
            /// Defines a coupon.
            8 v 1 "coupon.define" DefineCoupon,
        }
        /// What happens by itself.
        Process(ProcessCommand) {
            /// Bills every customer with a cycle due.
            6 v 2 "billing.run" RunBilling,
        }
        /// Who a customer is.
        Customer(CustomerCommand) {
            /// Registers a customer.
            10 v 3 "customer.register" RegisterCustomer,
            /// Changes what a customer said of itself.
            11 v 2 "customer.update" UpdateCustomer,
            /// Lets runs bill a parked customer again.
            12 v 1 "customer.release" ReleaseCustomer,
            /// Leaves a customer out of what happens by itself; made by the system.
            13 v 1 "customer.park" ParkCustomer,
            /// Keeps a part of what is decided of a command that takes more than one commit.
            120 v 1 "customer.draft_part" DraftPart,
            /// Makes a customer's personal data unreadable for ever.
            14 v 1 "customer.erase" EraseCustomer,
            /// Says what the customer's next invoice carries: memo, purchase order.
            101 v 1 "invoice.annotate" AnnotateInvoice,
        }
        /// What is agreed: subscriptions, quotes, discounts.
        Subscription(SubscriptionCommand) {
            /// Subscribes a customer to a plan.
            20 v 3 "subscription.create" CreateSubscription,
            /// Moves a subscription to another plan or version.
            21 v 3 "subscription.change_plan" ChangePlan,
            /// Changes how many units a subscription has.
            22 v 2 "subscription.change_quantity" ChangeQuantity,
            /// Ends a subscription.
            23 v 3 "subscription.cancel" CancelSubscription,
            /// Gives a discount.
            24 v 2 "discount.apply" ApplyDiscount,
            /// Ends a discount.
            25 v 1 "discount.remove" RemoveDiscount,
            /// Changes plan, items or anchor of a subscription.
            26 v 2 "subscription.change" ChangeSubscription,
            /// Undoes a cancellation.
            27 v 1 "subscription.uncancel" UncancelSubscription,
            /// Withdraws a scheduled change.
            28 v 1 "subscription.withdraw_change" WithdrawChange,
            /// Stops a subscription for a while.
            29 v 1 "subscription.pause" PauseSubscription,
            /// Lets a paused subscription go on.
            34 v 1 "subscription.resume" ResumeSubscription,
            /// Changes what follows when the contract term ends.
            35 v 1 "subscription.set_renewal" SetRenewal,
            /// Offers a subscription.
            36 v 2 "quote.create" CreateQuote,
            /// Accepts a quote.
            37 v 2 "quote.accept" AcceptQuote,
            /// Withdraws a quote.
            38 v 1 "quote.void" VoidQuote,
            /// Redeems a coupon.
            39 v 1 "coupon.redeem" RedeemCoupon,
            /// Ends a trial now.
            60 v 1 "subscription.end_trial" EndTrial,
        }
        /// What is charged and invoiced.
        Billing(BillingCommand) {
            /// Charges something once.
            30 v 2 "charge.add" AddCharge,
            /// Invoices all that is due or pending for one customer.
            31 v 2 "invoice.now" InvoiceNow,
            /// Bills one customer of a billing run; made by the system.
            33 v 2 "customer.bill" BillCustomer,
            /// Withdraws a charge that waits for an invoice.
            61 v 1 "charge.withdraw" WithdrawCharge,
        }
        /// What settles, credits or takes back what was invoiced.
        Settlement(SettlementCommand) {
            /// Voids a finalized invoice.
            32 v 1 "invoice.void" VoidInvoice,
            /// Records money received.
            40 v 1 "payment.record" RecordPayment,
            /// Takes a payment back that was not honoured.
            41 v 1 "payment.reverse" ReversePayment,
            /// Pays money back.
            42 v 1 "payment.refund" RefundPayment,
            /// Gives the customer credit.
            43 v 2 "credit.grant" GrantCredit,
            /// Credits lines of an invoice.
            44 v 2 "credit_note.issue" IssueCreditNote,
            /// Lets credit pay an invoice.
            45 v 1 "credit.apply" ApplyCredit,
            /// Takes credit off an invoice again.
            46 v 1 "credit.release" ReleaseCredit,
            /// Takes back what is left of a grant.
            47 v 1 "credit.revoke" RevokeCredit,
            /// Pays credit out in cash.
            48 v 1 "credit.pay_out" PayOutCredit,
        }
    }
}

impl Command {
    /// The stream that this command is decided on.
    pub const fn stream(&self) -> StreamId {
        match self {
            Self::Book(_) | Self::Seller(_) | Self::Catalog(_) | Self::Process(_) => StreamId::Book,
            Self::Customer(command) => StreamId::Customer(command.customer()),
            Self::Subscription(command) => StreamId::Customer(command.customer()),
            Self::Billing(command) => StreamId::Customer(command.customer()),
            Self::Settlement(command) => StreamId::Customer(command.customer()),
        }
    }

    /// Public names of the commands that only the system makes; no front door has them.
    pub const INTERNAL: &'static [&'static str] =
        &["book.open", "customer.bill", "customer.park", "customer.draft_part"];

    /// Only the system makes these; a front door refuses them.
    pub const fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::Book(BookCommand::OpenBook(_))
                | Self::Billing(BillingCommand::BillCustomer(_))
                | Self::Customer(CustomerCommand::ParkCustomer(_) | CustomerCommand::DraftPart(_))
        )
    }
}

/// The customer that each command of a group is about.
macro_rules! about_a_customer {
    ($($group:ident { $($command:ident),* $(,)? })*) => {$(
        impl $group {
            /// Whose stream it is decided on.
            pub const fn customer(&self) -> CustomerId {
                match self {
                    $(Self::$command(command) => command.customer,)*
                }
            }
        }
    )*};
}

about_a_customer! {
    CustomerCommand {
        RegisterCustomer, UpdateCustomer, ReleaseCustomer, ParkCustomer, EraseCustomer,
        AnnotateInvoice, DraftPart
    }
    SubscriptionCommand {
        CreateSubscription, ChangePlan, ChangeQuantity, CancelSubscription, ApplyDiscount,
        RemoveDiscount, ChangeSubscription, UncancelSubscription, WithdrawChange,
        PauseSubscription, ResumeSubscription, SetRenewal, CreateQuote, AcceptQuote, VoidQuote,
        RedeemCoupon, EndTrial
    }
    BillingCommand { AddCharge, InvoiceNow, BillCustomer, WithdrawCharge }
    SettlementCommand {
        VoidInvoice, RecordPayment, ReversePayment, RefundPayment, GrantCredit, IssueCreditNote,
        ApplyCredit, ReleaseCredit, RevokeCredit, PayOutCredit
    }
}
