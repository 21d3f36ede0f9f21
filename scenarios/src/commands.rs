//! The command that a step stands for.

mod catalog;
mod life;
mod money;

use schemas::command::{
    BillingCommand, CatalogCommand, CustomerCommand, ProcessCommand, SettlementCommand,
    SubscriptionCommand,
};
use schemas::command::{
    MigratePlan, RemoveDiscount, RetirePlan, ReversePayment, RunBilling, UncancelSubscription,
    VoidQuote,
};
use schemas::text::Label;
use schemas::{Command, Money};

use super::steps::Verb;
use super::world::World;

/// The command of a verb; none where nothing is asked of the ledger.
///
/// # Errors
/// A sentence for the author: a figure or a name that no command can hold.
pub fn command(verb: &Verb, world: &World) -> Result<Option<Command>, String> {
    let command = match verb {
        Verb::Customer(step) => {
            Command::Customer(CustomerCommand::RegisterCustomer(catalog::customer(step, world)?))
        }
        Verb::Plan(step) => {
            Command::Catalog(CatalogCommand::DefinePlan(catalog::plan(step, world)?))
        }
        Verb::Retire(plan) => {
            Command::Catalog(CatalogCommand::RetirePlan(RetirePlan { plan: world.plan_id(plan) }))
        }
        Verb::Migrate(step) => Command::Catalog(CatalogCommand::MigratePlan(MigratePlan {
            plan: world.plan_id(&step.plan),
            from_version: step.from,
            to_version: step.to,
            on: step.on,
        })),
        Verb::Coupon(step) => {
            Command::Catalog(CatalogCommand::DefineCoupon(catalog::coupon(step, world)?))
        }
        Verb::Redeem(step) => {
            Command::Subscription(SubscriptionCommand::RedeemCoupon(money::redeem(step, world)?))
        }
        Verb::Subscribe(step) => Command::Subscription(SubscriptionCommand::CreateSubscription(
            life::subscribe(step, world)?,
        )),
        Verb::Change(step) => Command::Subscription(SubscriptionCommand::ChangeSubscription(
            life::change(step, world)?,
        )),
        Verb::Cancel(step) => Command::Subscription(SubscriptionCommand::CancelSubscription(
            life::cancel(step, world),
        )),
        Verb::Uncancel(sub) => {
            Command::Subscription(SubscriptionCommand::UncancelSubscription(UncancelSubscription {
                customer: world.customer_id(&world.payer_of(sub)),
                subscription: world.sub_id(sub),
            }))
        }
        Verb::Pause(step) => {
            Command::Subscription(SubscriptionCommand::PauseSubscription(life::pause(step, world)))
        }
        Verb::Resume(step) => Command::Subscription(SubscriptionCommand::ResumeSubscription(
            life::resume(step, world),
        )),
        Verb::Withdraw(step) => {
            Command::Subscription(SubscriptionCommand::WithdrawChange(life::withdraw(step, world)))
        }
        Verb::SetRenewal(step) => {
            Command::Subscription(SubscriptionCommand::SetRenewal(life::set_renewal(step, world)))
        }
        Verb::Quote(step) => {
            Command::Subscription(SubscriptionCommand::CreateQuote(life::quote(step, world)?))
        }
        Verb::Accept(step) => {
            Command::Subscription(SubscriptionCommand::AcceptQuote(life::accept(step, world)))
        }
        Verb::VoidQuote(quote) => {
            Command::Subscription(SubscriptionCommand::VoidQuote(VoidQuote {
                customer: world.customer_id(&life::payer_of_quote(quote, world)),
                quote: world.quote_id(quote),
            }))
        }
        Verb::Discount(step) => {
            Command::Subscription(SubscriptionCommand::ApplyDiscount(money::discount(step, world)?))
        }
        Verb::RemoveDiscount(discount) => {
            let owner = world.discounts.get(discount).cloned();
            Command::Subscription(SubscriptionCommand::RemoveDiscount(RemoveDiscount {
                customer: world.customer_id(&owner.unwrap_or_else(|| world.anyone())),
                discount: world.discount_id(discount),
            }))
        }
        Verb::Charge(step) => {
            Command::Billing(BillingCommand::AddCharge(money::charge(step, world)?))
        }
        Verb::Run(through) => {
            let run = world.run_id(&world.unnamed.to_string());
            Command::Process(ProcessCommand::RunBilling(RunBilling { run, through: *through }))
        }
        Verb::Finalize(step) => {
            return Ok(money::finalize(step, world)
                .map(|now| Command::Billing(BillingCommand::InvoiceNow(now))));
        }
        Verb::Void(step) => {
            Command::Settlement(SettlementCommand::VoidInvoice(money::void(step, world)?))
        }
        Verb::GrantCredit(step) => {
            Command::Settlement(SettlementCommand::GrantCredit(money::grant(step, world)?))
        }
        Verb::Pay(step) => {
            Command::Settlement(SettlementCommand::RecordPayment(money::pay(step, world)?))
        }
        Verb::Reverse(payment) => {
            Command::Settlement(SettlementCommand::ReversePayment(ReversePayment {
                customer: world.customer_id(&money::who_paid(payment, world)),
                payment: world.payment_id(payment),
                reason: label("not honoured")?.into(),
            }))
        }
        Verb::Refund(step) => {
            Command::Settlement(SettlementCommand::RefundPayment(money::refund(step, world)?))
        }
        Verb::CreditNote(step) => {
            Command::Settlement(SettlementCommand::IssueCreditNote(money::note(step, world)?))
        }
        Verb::Expect(_) => return Ok(None),
    };
    Ok(Some(command))
}

fn label(text: &str) -> Result<Label, String> {
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

/// Major units in the currency of a customer.
fn amount(text: &str, customer: &str, world: &World) -> Result<Money, String> {
    Money::parse(text, world.customer(customer).currency).map_err(|error| error.to_string())
}
