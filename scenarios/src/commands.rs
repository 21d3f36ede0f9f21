//! The command that a step stands for.

mod catalog;
mod life;
mod money;

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
        Verb::Customer(step) => Command::RegisterCustomer(catalog::customer(step, world)?),
        Verb::Plan(step) => Command::DefinePlan(catalog::plan(step, world)?),
        Verb::Retire(plan) => Command::RetirePlan(RetirePlan { plan: world.plan_id(plan) }),
        Verb::Migrate(step) => Command::MigratePlan(MigratePlan {
            plan: world.plan_id(&step.plan),
            from_version: step.from,
            to_version: step.to,
            on: step.on,
        }),
        Verb::Coupon(step) => Command::DefineCoupon(catalog::coupon(step, world)?),
        Verb::Redeem(step) => Command::RedeemCoupon(money::redeem(step, world)?),
        Verb::Subscribe(step) => Command::CreateSubscription(life::subscribe(step, world)?),
        Verb::Change(step) => Command::ChangeSubscription(life::change(step, world)?),
        Verb::Cancel(step) => Command::CancelSubscription(life::cancel(step, world)),
        Verb::Uncancel(sub) => Command::UncancelSubscription(UncancelSubscription {
            customer: world.customer_id(&world.payer_of(sub)),
            subscription: world.sub_id(sub),
        }),
        Verb::Pause(step) => Command::PauseSubscription(life::pause(step, world)),
        Verb::Resume(step) => Command::ResumeSubscription(life::resume(step, world)),
        Verb::Withdraw(step) => Command::WithdrawChange(life::withdraw(step, world)),
        Verb::SetRenewal(step) => Command::SetRenewal(life::set_renewal(step, world)),
        Verb::Quote(step) => Command::CreateQuote(life::quote(step, world)?),
        Verb::Accept(step) => Command::AcceptQuote(life::accept(step, world)),
        Verb::VoidQuote(quote) => Command::VoidQuote(VoidQuote {
            customer: world.customer_id(&life::payer_of_quote(quote, world)),
            quote: world.quote_id(quote),
        }),
        Verb::Discount(step) => Command::ApplyDiscount(money::discount(step, world)?),
        Verb::RemoveDiscount(discount) => {
            let owner = world.discounts.get(discount).cloned();
            Command::RemoveDiscount(RemoveDiscount {
                customer: world.customer_id(&owner.unwrap_or_else(|| world.anyone())),
                discount: world.discount_id(discount),
            })
        }
        Verb::Charge(step) => Command::AddCharge(money::charge(step, world)?),
        Verb::Run(through) => {
            let run = world.run_id(&world.unnamed.to_string());
            Command::RunBilling(RunBilling { run, through: *through })
        }
        Verb::Finalize(step) => return Ok(money::finalize(step, world).map(Command::InvoiceNow)),
        Verb::Void(step) => Command::VoidInvoice(money::void(step, world)?),
        Verb::GrantCredit(step) => Command::GrantCredit(money::grant(step, world)?),
        Verb::Pay(step) => Command::RecordPayment(money::pay(step, world)?),
        Verb::Reverse(payment) => Command::ReversePayment(ReversePayment {
            customer: world.customer_id(&money::who_paid(payment, world)),
            payment: world.payment_id(payment),
            reason: label("not honoured")?,
        }),
        Verb::Refund(step) => Command::RefundPayment(money::refund(step, world)?),
        Verb::CreditNote(step) => Command::IssueCreditNote(money::note(step, world)?),
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
