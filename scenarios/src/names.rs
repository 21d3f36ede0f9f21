//! What the aliases of a scenario stand for, and what is known of the things behind them.
//!
//! # Correctness
//!
//! Ids are derived from the scenario's name, the kind of thing and the alias, so that a scenario
//! makes the same book every time. An alias that nothing was said about still has an id: the
//! ledger refuses it under its own code, and a step can expect that.

use std::collections::BTreeMap;

use schemas::command::{
    CatalogCommand, CustomerCommand, DefinePlan, SettlementCommand, SubscriptionCommand,
};
use schemas::ids::{
    BillingRunId, ChargeId, CommandId, CouponId, CreditGrantId, CreditNoteId, CustomerId,
    DiscountId, EntityId, InvoiceId, PaymentId, PlanId, QuoteId, RefundId, SubscriptionId, derive,
};
use schemas::terms::{DiscountTarget, ItemTarget, LotRef};
use schemas::text::Code;
use schemas::{Command, Currency, ZoneName};
use uuid::Uuid;

mod told;

/// Every scenario's ids are derived below this.
const NAMESPACE: Uuid = Uuid::from_u128(0x5c3d_8a1e_2f60_4b7c_9e11_6d0a_77f3_c2b4);

/// Who a customer is.
#[derive(Debug, Clone)]
pub(crate) struct KnownCustomer {
    /// What it pays in.
    pub(crate) currency: Currency,
    /// Where its days begin.
    pub(crate) zone: ZoneName,
    /// Who pays for it.
    pub(crate) parent: Option<CustomerId>,
}

/// Who pays for a subscription or a quote, and for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bought {
    /// Who pays.
    pub(crate) payer: CustomerId,
    /// The latest plan.
    pub(crate) plan: PlanId,
}

/// What a book is called and what it has before its first step.
#[derive(Debug, Clone)]
pub(crate) struct Head<'a> {
    /// The name of the scenario.
    pub(crate) id: &'a str,
    /// The currency of customers that do not say.
    pub(crate) currency: Currency,
    /// The zone of customers that do not say.
    pub(crate) zone: &'a ZoneName,
    /// The alias of who sells.
    pub(crate) seller: &'a str,
    /// What customers of the scenario pay in.
    pub(crate) currencies: Vec<Currency>,
}

/// Aliases and what is known of them.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    space: Uuid,
    pub(crate) currency: Currency,
    pub(crate) zone: ZoneName,
    pub(crate) seller: String,
    pub(crate) currencies: Vec<Currency>,
    /// What each id that the file can mean was made of.
    written: BTreeMap<Uuid, String>,
    /// In the order of registration.
    pub(crate) customers: Vec<(CustomerId, KnownCustomer)>,
    /// Every version of every plan.
    plans: BTreeMap<PlanId, Vec<DefinePlan>>,
    /// In the order of their start.
    subs: Vec<(SubscriptionId, Bought)>,
    quotes: BTreeMap<QuoteId, Bought>,
    /// Whose discount it is.
    discounts: BTreeMap<DiscountId, CustomerId>,
    /// Who paid.
    payments: BTreeMap<PaymentId, CustomerId>,
    /// Who was given credit.
    grants: BTreeMap<CreditGrantId, CustomerId>,
    /// In the order of finalization: who owes, and the invoice. The first is `i1`.
    pub(crate) invoices: Vec<(CustomerId, InvoiceId)>,
    /// In the order of issue: who is credited, and the note. The first is `n1`.
    pub(crate) notes: Vec<(CustomerId, CreditNoteId)>,
    /// How many things without an alias there are.
    pub(crate) unnamed: u32,
}

/// Kinds of ids: the name of the type, the prefix, and what ids are derived from.
const KINDS: [(&str, &str, &str); 14] = [
    ("EntityId", EntityId::PREFIX, "entity"),
    ("CustomerId", CustomerId::PREFIX, "customer"),
    ("PlanId", PlanId::PREFIX, "plan"),
    ("SubscriptionId", SubscriptionId::PREFIX, "subscription"),
    ("QuoteId", QuoteId::PREFIX, "quote"),
    ("DiscountId", DiscountId::PREFIX, "discount"),
    ("CouponId", CouponId::PREFIX, "coupon"),
    ("ChargeId", ChargeId::PREFIX, "charge"),
    ("PaymentId", PaymentId::PREFIX, "payment"),
    ("RefundId", RefundId::PREFIX, "refund"),
    ("CreditNoteId", CreditNoteId::PREFIX, "note"),
    ("CreditGrantId", CreditGrantId::PREFIX, "grant"),
    ("BillingRunId", BillingRunId::PREFIX, "run"),
    // Only of a name that no invoice has: what there is has the id that the ledger gave it.
    ("InvoiceId", InvoiceId::PREFIX, "invoice"),
];

/// Whose command it is where nothing says and nobody is there.
const ANYONE: &str = "c";

/// Which invoice a name such as `i1` means, the first being 1; none for another word.
pub(crate) fn invoice_number(name: &str) -> Option<usize> {
    name.strip_prefix('i')?.parse().ok().filter(|number| *number > 0)
}

/// Why a word names no invoice.
pub(crate) fn not_an_invoice(name: &str) -> String {
    format!("{name:?} is no invoice; write i1, i2 … in the order of finalization")
}

impl Names {
    /// Nothing is known yet; `texts` is every text of the file that may be an alias.
    pub(crate) fn new<'a>(head: Head<'a>, texts: impl Iterator<Item = &'a str>) -> Self {
        let mut names = Self {
            space: derive(NAMESPACE, head.id),
            currency: head.currency,
            zone: head.zone.clone(),
            seller: head.seller.to_owned(),
            currencies: head.currencies,
            written: BTreeMap::new(),
            customers: Vec::new(),
            plans: BTreeMap::new(),
            subs: Vec::new(),
            quotes: BTreeMap::new(),
            discounts: BTreeMap::new(),
            payments: BTreeMap::new(),
            grants: BTreeMap::new(),
            invoices: Vec::new(),
            notes: Vec::new(),
            unnamed: 0,
        };
        for text in texts.chain([head.seller, ANYONE]) {
            for (_, _, kind) in KINDS {
                names.written.insert(names.derived(kind, text), text.to_owned());
            }
        }
        names
    }

    /// The id of the thing of a kind with an alias, or of the `n`-th one without.
    pub(crate) fn derived(&self, kind: &str, alias: &str) -> Uuid {
        derive(self.space, &format!("{kind}/{alias}"))
    }

    /// The `n`-th command.
    pub(crate) fn command_id(&self, n: u32) -> CommandId {
        CommandId::new(self.derived("command", &n.to_string()))
    }

    /// The billing run that comes next.
    pub(crate) fn next_run_id(&self) -> BillingRunId {
        BillingRunId::new(self.derived("run", &self.next_unnamed()))
    }

    /// Who sells.
    pub(crate) fn seller_id(&self) -> EntityId {
        EntityId::new(self.derived("entity", &self.seller))
    }

    /// The customer with an alias.
    pub(crate) fn customer_id(&self, alias: &str) -> CustomerId {
        CustomerId::new(self.derived("customer", alias))
    }

    /// The plan with an alias.
    pub(crate) fn plan_id(&self, alias: &str) -> PlanId {
        PlanId::new(self.derived("plan", alias))
    }

    /// The subscription with an alias.
    pub(crate) fn sub_id(&self, alias: &str) -> SubscriptionId {
        SubscriptionId::new(self.derived("subscription", alias))
    }

    /// The id that an alias means where the type is expected; none for a type that is no id.
    pub(crate) fn id_of_type(&self, type_name: &str, alias: &str) -> Option<String> {
        if type_name == "InvoiceId" {
            return Some(self.invoice_id(alias).to_string());
        }
        let (_, prefix, kind) = KINDS.iter().find(|(name, _, _)| *name == type_name)?;
        Some(format!("{prefix}_{}", self.derived(kind, alias).simple()))
    }

    /// The next alias of something that the author does not name.
    pub(crate) fn next_unnamed(&self) -> String {
        self.unnamed.to_string()
    }

    /// What is known of a customer; the book's defaults for one that was not registered.
    pub(crate) fn customer(&self, id: CustomerId) -> KnownCustomer {
        let found = self.customers.iter().find(|(known, _)| *known == id);
        found.map_or_else(
            || KnownCustomer { currency: self.currency, zone: self.zone.clone(), parent: None },
            |(_, customer)| customer.clone(),
        )
    }

    /// It was registered.
    pub(crate) fn is_customer(&self, id: CustomerId) -> bool {
        self.customers.iter().any(|(known, _)| *known == id)
    }

    /// Who pays for a customer: its parent, or itself.
    pub(crate) fn payer(&self, id: CustomerId) -> CustomerId {
        self.customer(id).parent.unwrap_or(id)
    }

    /// The first customer: whose command it is where nothing says.
    pub(crate) fn anyone(&self) -> CustomerId {
        self.customers.first().map_or_else(|| self.customer_id(ANYONE), |(id, _)| *id)
    }

    /// What is known of a subscription.
    pub(crate) fn sub(&self, id: SubscriptionId) -> Option<Bought> {
        self.subs.iter().rev().find(|(known, _)| *known == id).map(|(_, bought)| *bought)
    }

    /// Who pays for a subscription.
    pub(crate) fn payer_of(&self, sub: SubscriptionId) -> CustomerId {
        self.sub(sub).map_or_else(|| self.anyone(), |bought| bought.payer)
    }

    /// A version of a plan; the latest if none is named.
    pub(crate) fn plan(&self, id: PlanId, version: Option<u32>) -> Option<&DefinePlan> {
        let versions = self.plans.get(&id)?;
        match version {
            None => versions.last(),
            Some(version) => versions.get(usize::try_from(version).ok()?.checked_sub(1)?),
        }
    }

    /// The invoice of a name such as `i1`, and who owes it.
    pub(crate) fn invoice(&self, name: &str) -> Option<(CustomerId, InvoiceId)> {
        self.invoices.get(invoice_number(name)? - 1).copied()
    }

    /// The same; one that no invoice has for a name without one.
    pub(crate) fn invoice_id(&self, name: &str) -> InvoiceId {
        let nobodys = || InvoiceId::new(self.derived("invoice", name));
        self.invoice(name).map_or_else(nobodys, |(_, id)| id)
    }

    /// Whose command it is that names this id, by what is known of the thing.
    pub(crate) fn owner(&self, field: &str, id: &str) -> Option<CustomerId> {
        match field {
            "subscription" => self.sub(id.parse().ok()?).map(|bought| bought.payer),
            "quote" => self.quotes.get(&id.parse().ok()?).map(|bought| bought.payer),
            "discount" => self.discounts.get(&id.parse().ok()?).copied(),
            "payment" => self.payments.get(&id.parse().ok()?).copied(),
            "grant" => self.grants.get(&id.parse().ok()?).copied(),
            "invoice" => {
                let id: InvoiceId = id.parse().ok()?;
                self.invoices.iter().find(|(_, known)| *known == id).map(|(owes, _)| *owes)
            }
            _ => None,
        }
    }

    /// The credit note of an alias, or of a name such as `n1`, and who is credited.
    fn note(&self, name: &str) -> Option<(CustomerId, CreditNoteId)> {
        let own = CreditNoteId::new(self.derived("note", name));
        let named = self.notes.iter().find(|(_, known)| *known == own);
        let number: Option<usize> = name.strip_prefix('n').and_then(|n| n.parse().ok());
        let counted = || self.notes.get(number?.checked_sub(1)?);
        named.or_else(counted).copied()
    }

    /// The lot of credit that an alias means: that of a payment, a grant, an invoice below zero, or
    /// a credit note, in this order; that of a grant which nobody was given for another word.
    pub(crate) fn lot(&self, alias: &str) -> LotRef {
        let payment = PaymentId::new(self.derived("payment", alias));
        let grant = CreditGrantId::new(self.derived("grant", alias));
        if self.payments.contains_key(&payment) {
            LotRef::Payment(payment)
        } else if self.grants.contains_key(&grant) {
            LotRef::Grant(grant)
        } else {
            let invoice = self.invoice(alias).map(|(_, id)| LotRef::Invoice(id));
            let note = || self.note(alias).map(|(_, id)| LotRef::CreditNote(id));
            invoice.or_else(note).unwrap_or(LotRef::Grant(grant))
        }
    }

    /// Whose lot it is.
    pub(crate) fn owner_of_lot(&self, alias: &str) -> Option<CustomerId> {
        match self.lot(alias) {
            LotRef::Payment(id) => self.payments.get(&id).copied(),
            LotRef::Grant(id) => self.grants.get(&id).copied(),
            LotRef::Invoice(_) => self.invoice(alias).map(|(owes, _)| owes),
            LotRef::CreditNote(_) => self.note(alias).map(|(credited, _)| credited),
        }
    }

    /// The name of the thing with an id: an invoice's, or an alias.
    pub(crate) fn name_of_invoice(&self, id: InvoiceId) -> String {
        self.name_of(id.uuid()).unwrap_or_else(|| id.to_string())
    }

    /// The latest subscription whose plan has a price.
    pub(crate) fn sub_with(&self, price: &str) -> Option<SubscriptionId> {
        let has = |plan: PlanId| {
            let prices = self.plan(plan, None).map_or(&[][..], |plan| plan.prices.as_slice());
            prices.iter().any(|known| known.price.as_str() == price)
        };
        self.subs.iter().rev().find(|(_, bought)| has(bought.plan)).map(|(id, _)| *id)
    }

    /// What an alias means that stands for a target of discounts: a subscription, a customer, a
    /// price (of `sub`, if it is named) or a product, in this order.
    pub(crate) fn target(&self, on: &str, sub: Option<&str>) -> Option<DiscountTarget> {
        if self.sub(self.sub_id(on)).is_some() {
            return Some(DiscountTarget::Subscription(self.sub_id(on)));
        }
        if self.is_customer(self.customer_id(on)) {
            return Some(DiscountTarget::Customer);
        }
        let of = sub.map(|sub| self.sub_id(sub)).or_else(|| self.sub_with(on));
        if let (Some(subscription), Ok(price)) = (of, on.parse::<Code>()) {
            return Some(DiscountTarget::Item(ItemTarget { subscription, price }));
        }
        let products = self.plans.values().flatten().filter_map(|plan| plan.product.as_ref());
        let found = products.into_iter().find(|product| product.as_str() == on);
        found.cloned().map(DiscountTarget::Product)
    }

    /// Whose discount it is that is given on that.
    pub(crate) fn owner_of_target(&self, on: &str, sub: Option<&str>) -> CustomerId {
        let customer = self.customer_id(on);
        if self.sub(self.sub_id(on)).is_none() && self.is_customer(customer) {
            return self.payer(customer);
        }
        let of = sub.map(|sub| self.sub_id(sub)).or_else(|| self.sub_with(on));
        self.payer_of(of.unwrap_or_else(|| self.sub_id(on)))
    }

    /// What an accepted command makes known.
    pub(crate) fn learn(&mut self, command: &Command) {
        if let Command::Customer(CustomerCommand::RegisterCustomer(it)) = command {
            let zone = it.zone.clone().unwrap_or_else(|| self.zone.clone());
            let known = KnownCustomer { currency: it.currency, zone, parent: it.parent };
            self.customers.push((it.customer, known));
        } else if let Command::Catalog(CatalogCommand::DefinePlan(it)) = command {
            self.plans.entry(it.plan).or_default().push(it.clone());
        } else if let Command::Subscription(command) = command {
            self.learn_subscription(command);
        } else if let Command::Settlement(SettlementCommand::RecordPayment(it)) = command {
            self.payments.insert(it.payment, it.customer);
        } else if let Command::Settlement(SettlementCommand::GrantCredit(it)) = command {
            self.grants.insert(it.grant, it.customer);
        }
    }

    fn learn_subscription(&mut self, command: &SubscriptionCommand) {
        if let SubscriptionCommand::CreateSubscription(it) = command {
            self.subs.push((it.subscription, Bought { payer: it.customer, plan: it.plan }));
        } else if let SubscriptionCommand::ChangeSubscription(it) = command {
            self.moved(it.subscription, it.plan);
        } else if let SubscriptionCommand::ChangePlan(it) = command {
            self.moved(it.subscription, Some(it.plan));
        } else if let SubscriptionCommand::CreateQuote(it) = command {
            self.quotes.insert(it.quote, Bought { payer: it.customer, plan: it.plan });
        } else if let SubscriptionCommand::AcceptQuote(it) = command {
            let quoted = self.quotes.get(&it.quote).copied();
            self.subs.extend(quoted.map(|bought| (it.subscription, bought)));
        } else if let SubscriptionCommand::ApplyDiscount(it) = command {
            self.discounts.insert(it.discount, it.customer);
        } else if let SubscriptionCommand::RedeemCoupon(it) = command {
            self.discounts.insert(it.discount, it.customer);
        }
    }

    fn moved(&mut self, sub: SubscriptionId, plan: Option<PlanId>) {
        let known = self.subs.iter_mut().rev().find(|(known, _)| *known == sub);
        if let (Some(plan), Some((_, bought))) = (plan, known) {
            bought.plan = plan;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn names() -> Names {
        let zone = ZoneName::utc();
        let currency = "EUR".parse().expect("a currency");
        let head =
            Head { id: "x", currency, zone: &zone, seller: "e1", currencies: vec![currency] };
        Names::new(head, ["ada", "s"].into_iter())
    }

    #[test]
    fn an_alias_means_the_same_id_in_every_play_and_another_in_another_type() {
        let names = names();
        let id = |type_name| names.id_of_type(type_name, "ada");
        assert_eq!(id("CustomerId"), Some(names.customer_id("ada").to_string()));
        assert_ne!(id("PlanId"), id("CustomerId"));
        assert_eq!(id("Label"), None);
    }

    #[test]
    fn a_lot_of_a_note_is_named_by_its_number_or_its_alias() {
        let mut names = names();
        let (ada, own) = (names.customer_id("ada"), CreditNoteId::new(names.derived("note", "s")));
        let made = CreditNoteId::new(Uuid::from_u128(7));
        names.notes = vec![(ada, made), (ada, own)];
        assert_eq!(names.lot("n1"), LotRef::CreditNote(made));
        assert_eq!((names.lot("n2"), names.lot("s")), (names.lot("s"), LotRef::CreditNote(own)));
        assert_eq!(names.owner_of_lot("n1"), Some(ada));
        let nobodys = CreditGrantId::new(names.derived("grant", "n3"));
        assert_eq!(names.lot("n3"), LotRef::Grant(nobodys));
        assert_eq!(names.told(&made.to_string()), "n1");
    }
}
