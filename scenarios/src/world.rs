//! What the aliases of a scenario stand for.
//!
//! # Correctness
//!
//! Ids are derived from the scenario's name, the kind of thing and the alias, so that a scenario
//! makes the same book every time. An alias that nothing was said about still has an id: the
//! ledger refuses it under its own code, and a step can expect that.

use std::collections::BTreeMap;

use schemas::ids::{
    BillingRunId, ChargeId, CommandId, CouponId, CreditGrantId, CreditNoteId, CustomerId,
    DiscountId, EntityId, InvoiceId, PaymentId, PlanId, QuoteId, RefundId, SubscriptionId, derive,
};
use schemas::{Currency, ZoneName};
use uuid::Uuid;

use super::file::Scenario;
use super::steps::Verb;
use super::steps::catalog::{CustomerStep, PlanStep};

/// Every scenario's ids are derived below this.
const NAMESPACE: Uuid = Uuid::from_u128(0x5c3d_8a1e_2f60_4b7c_9e11_6d0a_77f3_c2b4);

/// Who a customer is.
#[derive(Debug, Clone)]
pub struct KnownCustomer {
    /// What it pays in.
    pub currency: Currency,
    /// Where its days begin.
    pub zone: ZoneName,
    /// Who pays for it.
    pub parent: Option<String>,
}

/// What a subscription is of.
#[derive(Debug, Clone)]
pub struct KnownSub {
    /// The alias of who pays.
    pub payer: String,
    /// The alias of its latest plan.
    pub plan: String,
}

/// What was offered.
#[derive(Debug, Clone)]
pub struct KnownQuote {
    /// The alias of who pays.
    pub payer: String,
    /// The alias of the plan.
    pub plan: String,
}

/// Aliases and what is known of them.
#[derive(Debug, Clone)]
pub struct World {
    space: Uuid,
    /// Of customers that do not say.
    pub currency: Currency,
    zone: ZoneName,
    /// The alias of who sells.
    pub seller: String,
    /// What customers of the scenario pay in.
    pub currencies: Vec<Currency>,
    /// In the order of registration.
    pub customers: Vec<(String, KnownCustomer)>,
    /// Every version of every plan.
    pub plans: BTreeMap<String, Vec<PlanStep>>,
    /// By alias, in the order of their start.
    pub subs: Vec<(String, KnownSub)>,
    /// By alias.
    pub quotes: BTreeMap<String, KnownQuote>,
    /// The alias of whose discount it is.
    pub discounts: BTreeMap<String, String>,
    /// The alias of who paid.
    pub payments: BTreeMap<String, String>,
    /// Names of invoices, in the order of finalization: the alias of who owes, and the id.
    pub invoices: Vec<(String, InvoiceId)>,
    /// How many things without an alias there are.
    pub unnamed: u32,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $id:ident $kind:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name(&self, alias: &str) -> $id {
            $id::new(self.derived($kind, alias))
        }
    )*};
}

impl World {
    /// Nothing is known yet.
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            space: derive(NAMESPACE, &scenario.id),
            currency: scenario.currency,
            zone: scenario.zone.clone(),
            seller: scenario.entity.clone(),
            currencies: scenario.currencies(),
            customers: Vec::new(),
            plans: BTreeMap::new(),
            subs: Vec::new(),
            quotes: BTreeMap::new(),
            discounts: BTreeMap::new(),
            payments: BTreeMap::new(),
            invoices: Vec::new(),
            unnamed: 0,
        }
    }

    /// The id of the `n`-th thing of a kind, or of the one with an alias.
    pub fn derived(&self, kind: &str, alias: &str) -> Uuid {
        derive(self.space, &format!("{kind}/{alias}"))
    }

    ids! {
        /// A seller.
        entity_id EntityId "entity";
        /// A customer.
        customer_id CustomerId "customer";
        /// A plan.
        plan_id PlanId "plan";
        /// A subscription.
        sub_id SubscriptionId "subscription";
        /// A quote.
        quote_id QuoteId "quote";
        /// A discount.
        discount_id DiscountId "discount";
        /// A coupon.
        coupon_id CouponId "coupon";
        /// A charge.
        charge_id ChargeId "charge";
        /// A payment.
        payment_id PaymentId "payment";
        /// A refund.
        refund_id RefundId "refund";
        /// A credit note.
        note_id CreditNoteId "note";
        /// A grant of credit.
        grant_id CreditGrantId "grant";
        /// A billing run.
        run_id BillingRunId "run";
        /// A command.
        command_id CommandId "command";
    }

    /// What is known of a customer; the book's defaults for one that was not registered.
    pub fn customer(&self, alias: &str) -> KnownCustomer {
        let found = self.customers.iter().find(|(known, _)| known == alias);
        found.map_or_else(
            || KnownCustomer { currency: self.currency, zone: self.zone.clone(), parent: None },
            |(_, customer)| customer.clone(),
        )
    }

    /// Who pays for a customer: its parent, or itself.
    pub fn payer(&self, alias: &str) -> String {
        self.customer(alias).parent.unwrap_or_else(|| alias.to_owned())
    }

    /// The first customer: whose command it is where nothing says.
    pub fn anyone(&self) -> String {
        self.customers.first().map_or_else(|| "c".to_owned(), |(alias, _)| alias.clone())
    }

    /// What is known of a subscription.
    pub fn sub(&self, alias: &str) -> Option<&KnownSub> {
        self.subs.iter().rev().find(|(known, _)| known == alias).map(|(_, sub)| sub)
    }

    /// The alias of who pays for a subscription.
    pub fn payer_of(&self, sub: &str) -> String {
        self.sub(sub).map_or_else(|| self.anyone(), |sub| sub.payer.clone())
    }

    /// A version of a plan; the latest if none is named.
    pub fn plan(&self, alias: &str, version: Option<u32>) -> Option<&PlanStep> {
        let versions = self.plans.get(alias)?;
        match version {
            None => versions.last(),
            Some(version) => versions.get(usize::try_from(version).ok()?.checked_sub(1)?),
        }
    }

    /// The invoice of a name such as `i1`, and the alias of who owes it.
    pub fn invoice(&self, name: &str) -> Option<&(String, InvoiceId)> {
        let number: usize = name.strip_prefix('i')?.parse().ok()?;
        self.invoices.get(number.checked_sub(1)?)
    }

    /// The alias of a thing, by its id.
    pub fn customer_alias(&self, id: CustomerId) -> Option<&str> {
        let aliases = self.customers.iter().map(|(alias, _)| alias.as_str());
        aliases.into_iter().find(|alias| self.customer_id(alias) == id)
    }

    /// The alias of a subscription.
    pub fn sub_alias(&self, id: SubscriptionId) -> Option<&str> {
        let aliases = self.subs.iter().map(|(alias, _)| alias.as_str());
        aliases.into_iter().find(|alias| self.sub_id(alias) == id)
    }

    /// The alias of a plan.
    pub fn plan_alias(&self, id: PlanId) -> Option<&str> {
        self.plans.keys().map(String::as_str).find(|alias| self.plan_id(alias) == id)
    }

    /// What an accepted step makes known.
    pub fn learn(&mut self, verb: &Verb) {
        match verb {
            Verb::Customer(step) => self.learn_customer(step),
            Verb::Plan(step) => {
                self.plans.entry(step.id.clone()).or_default().push((**step).clone());
            }
            Verb::Subscribe(step) => {
                let payer = self.payer(&step.customer);
                let known = KnownSub { payer, plan: step.plan.clone() };
                self.subs.push((step.id.clone(), known));
            }
            Verb::Change(step) => {
                let (plan, sub) = (step.plan.as_ref(), &step.sub);
                let known = self.subs.iter_mut().rev().find(|(alias, _)| alias == sub);
                if let (Some(plan), Some((_, known))) = (plan, known) {
                    known.plan.clone_from(plan);
                }
            }
            Verb::Quote(step) => {
                let payer = self.payer(&step.customer);
                let known = KnownQuote { payer, plan: step.plan.clone() };
                self.quotes.insert(step.id.clone(), known);
            }
            Verb::Accept(step) => {
                if let Some(quote) = self.quotes.get(&step.quote) {
                    let known = KnownSub { payer: quote.payer.clone(), plan: quote.plan.clone() };
                    self.subs.push((step.id.clone(), known));
                }
            }
            Verb::Discount(step) => {
                let owner = self.owner_of(&step.on, step.sub.as_deref());
                self.discounts.insert(step.id.clone(), owner);
            }
            Verb::Redeem(step) => {
                let payer = self.payer(&step.customer);
                self.discounts.insert(step.discount(), payer);
            }
            Verb::Pay(step) => {
                let payer = self.payer_of_payment(step);
                self.payments.insert(step.id.clone(), payer);
            }
            Verb::Retire(_)
            | Verb::Migrate(_)
            | Verb::Coupon(_)
            | Verb::Cancel(_)
            | Verb::Uncancel(_)
            | Verb::Pause(_)
            | Verb::Resume(_)
            | Verb::Withdraw(_)
            | Verb::SetRenewal(_)
            | Verb::VoidQuote(_)
            | Verb::RemoveDiscount(_)
            | Verb::Charge(_)
            | Verb::Run(_)
            | Verb::Finalize(_)
            | Verb::Void(_)
            | Verb::GrantCredit(_)
            | Verb::Reverse(_)
            | Verb::Refund(_)
            | Verb::CreditNote(_)
            | Verb::Expect(_) => {}
        }
    }

    fn learn_customer(&mut self, step: &CustomerStep) {
        let known = KnownCustomer {
            currency: step.currency.unwrap_or(self.currency),
            zone: step.zone.clone().unwrap_or_else(|| self.zone.clone()),
            parent: step.parent.clone(),
        };
        self.customers.push((step.id.clone(), known));
    }
}
