//! Which features met in one subscription's history, two by two.
//!
//! # Shape
//!
//! Every accepted command leaves words on the subscriptions that it is about; a command about a
//! customer leaves them on all of its subscriptions. A pair is counted once for a subscription.
//! [`Pairs::missing`] are pairs that could meet and never did.

use std::collections::{BTreeMap, BTreeSet};

use ledger_core::Stamp;
use schemas::Command;
use schemas::command::{
    Allocate, BillingCommand, CatalogCommand, ChangeSubscription, ChargePrice, CustomerCommand,
    RefundEffect, SettlementCommand, SubscriptionCommand, SubscriptionTerms,
};
use schemas::ids::{CustomerId, PlanId, SubscriptionId};
use schemas::terms::{
    BillingTiming, CalendarUnit, CancelCredit, ChangeTime, DiscountDuration, DiscountTarget,
    DiscountValue, GrantKind, LotScope, NoteTarget, Profile, RampEnd, Rate, Settle,
};

use crate::model::Model;

type Word = &'static str;

/// Words of pairs that cannot meet in one subscription.
const NEVER: [(Word, Word); 18] = [
    ("billfold@1", "killbill@1"),
    ("billfold@1", "lago@1"),
    ("billfold@1", "stripe_classic@1"),
    ("billfold@1", "stripe_flexible@1"),
    ("billfold@1", "zuora@1"),
    ("killbill@1", "lago@1"),
    ("killbill@1", "stripe_classic@1"),
    ("killbill@1", "stripe_flexible@1"),
    ("killbill@1", "zuora@1"),
    ("lago@1", "stripe_classic@1"),
    ("lago@1", "stripe_flexible@1"),
    ("lago@1", "zuora@1"),
    ("stripe_classic@1", "stripe_flexible@1"),
    ("stripe_classic@1", "zuora@1"),
    ("stripe_flexible@1", "zuora@1"),
    // It fulfils an offer in one way.
    ("quote", "quote cited"),
    // Histories accept an offer when they do.
    ("backdated start", "quote"),
    ("backdated start", "quote cited"),
];

/// The words of one history.
#[derive(Debug, Default)]
pub(crate) struct Features {
    book: BTreeSet<Word>,
    of: BTreeMap<SubscriptionId, BTreeSet<Word>>,
    owner: BTreeMap<SubscriptionId, CustomerId>,
    quoted: BTreeMap<schemas::ids::QuoteId, BTreeSet<Word>>,
}

impl Features {
    pub(crate) fn book(&mut self, profile: Profile, replaced: usize) {
        self.book.insert(profile.name());
        if replaced > 0 {
            self.book.insert("policy replaced");
        }
    }

    fn on(&mut self, of: SubscriptionId, words: impl IntoIterator<Item = Word>) {
        self.of.entry(of).or_default().extend(words);
    }

    fn on_all(&mut self, customer: CustomerId, words: impl IntoIterator<Item = Word>) {
        let words: Vec<Word> = words.into_iter().collect();
        let owned: Vec<SubscriptionId> =
            self.owner.iter().filter(|(_, of)| **of == customer).map(|(id, _)| *id).collect();
        for id in owned {
            self.on(id, words.iter().copied());
        }
    }

    /// An accepted command.
    pub(crate) fn met(&mut self, command: &Command, stamp: &Stamp, model: &Model) {
        let backdated = stamp.effective_at < stamp.recorded_at;
        match command {
            Command::Subscription(command) => self.agreed(command, backdated, model),
            Command::Settlement(command) => self.settled(command, backdated),
            Command::Billing(BillingCommand::AddCharge(c)) => {
                self.on_all(c.customer, ["charge"]);
                let units = matches!(c.price, ChargePrice::PerUnit(_));
                self.on_all(c.customer, units.then_some("charge per unit"));
            }
            Command::Billing(BillingCommand::InvoiceNow(c)) => {
                let ahead = c.ahead == Some(true);
                self.on_all(c.customer, ahead.then_some("billed ahead"));
            }
            Command::Customer(CustomerCommand::UpdateCustomer(c)) => {
                self.on_all(c.customer, c.zone.as_ref().map(|_| "moved to another zone"));
                self.on_all(c.customer, c.payment_terms_days.map(|_| "payment terms"));
            }
            Command::Billing(BillingCommand::WithdrawCharge(c)) => {
                self.on_all(c.customer, ["charge withdrawn"]);
            }
            Command::Catalog(CatalogCommand::MigratePlan(c)) => {
                let mapped = c.map.iter().flatten().next().map(|_| "migration, mapped");
                let words: Vec<Word> = ["migration"].into_iter().chain(mapped).collect();
                self.on_version((c.plan, c.from_version), &words, model);
            }
            Command::Catalog(CatalogCommand::WithdrawMigration(c)) => {
                self.on_version((c.plan, c.from_version), &["migration withdrawn"], model);
            }
            Command::Customer(_)
            | Command::Billing(_)
            | Command::Book(_)
            | Command::Seller(_)
            | Command::Catalog(_)
            | Command::Process(_) => {}
        }
    }

    /// Everything that has a version of a plan.
    fn on_version(&mut self, version: (PlanId, u32), words: &[Word], model: &Model) {
        let has = |of: &&crate::subscription::Subscription| {
            let mut terms = of.items.iter().filter_map(|item| item.last_terms());
            terms.any(|terms| (terms.plan, terms.version) == version)
        };
        let all = model.customers.values().flat_map(|customer| &customer.subscriptions);
        for of in all.filter(has) {
            self.on(of.id, words.iter().copied());
        }
    }

    fn created(
        &mut self,
        customer: CustomerId,
        id: SubscriptionId,
        with: Option<&SubscriptionTerms>,
        model: &Model,
    ) {
        self.owner.insert(id, customer);
        let found = &model.customers[&customer];
        let Ok(place) = found.place_of(id) else { return };
        let subscription = &found.subscriptions[place];
        let mut words: BTreeSet<Word> = BTreeSet::new();
        for item in &subscription.items {
            let Some(terms) = item.last_terms() else { continue };
            words.insert(match terms.timing {
                BillingTiming::InAdvance => "in advance",
                BillingTiming::InArrears => "in arrears",
            });
            words.extend((terms.lead > 0).then_some("lead"));
            words.extend(terms.minimum.is_some().then_some("minimum"));
            words.extend((terms.every.unit != CalendarUnit::Month).then_some("interval"));
            words.insert(match terms.rate {
                Rate::Flat(_) => "flat",
                Rate::PerUnit(_) => "per unit",
                Rate::Graduated(_) | Rate::Volume(_) | Rate::Capacity(_) => "tiers",
                Rate::Package(_) | Rate::Percentage(_) => "package",
            });
            words.extend(item.add_on.then_some("add-on"));
            let grants = terms.of_plan.iter().chain(&terms.grants).next();
            words.extend(grants.map(|_| "grants"));
        }
        words.extend(
            (subscription.plan_items(subscription.start).len() > 1).then_some("two prices"),
        );
        words.extend(subscription.trial_end.is_some().then_some("trial"));
        words.extend(subscription.gate.is_some().then_some("activation"));
        words.extend(subscription.term.is_some().then_some("term"));
        words.extend(subscription.least.is_some().then_some("least term"));
        words.extend(subscription.beneficiary.is_some().then_some("parent"));
        words.extend(found.charges.iter().any(|c| c.of == Some(id)).then_some("setup fee"));
        let terms = with.into_iter();
        words.extend(terms.flat_map(told));
        let all = self.book.clone();
        self.on(id, words.into_iter().chain(all));
    }

    fn changed(&mut self, change: &ChangeSubscription, backdated: bool) {
        let mut words: Vec<Word> = Vec::new();
        words.extend(change.plan.map(|_| "plan change"));
        words.extend(change.quantity.map(|_| "quantity change"));
        words.extend(change.anchor.map(|_| "anchor change"));
        words.extend(change.version.map(|_| "version told"));
        words.extend(change.keep_prices.map(|_| "prices kept"));
        words.extend(change.keep_scheduled.map(|_| "scheduled kept"));
        for item in change.items.iter().flatten() {
            words.push("items changed");
            words.extend(item.rate.as_ref().map(|_| "own price"));
        }
        words.push(match change.when {
            ChangeTime::Now if backdated => "backdated change",
            ChangeTime::Now => "changed now",
            ChangeTime::CycleEnd | ChangeTime::On(_) => "scheduled change",
            ChangeTime::WhenPaid => "changed when paid",
        });
        words.push(match change.proration {
            Some(Settle::None) => "proration none",
            Some(Settle::Now) => "proration now",
            Some(Settle::Next) | None => "proration next",
        });
        self.on(change.subscription, words);
    }

    fn agreed(&mut self, command: &SubscriptionCommand, backdated: bool, model: &Model) {
        match command {
            SubscriptionCommand::CreateSubscription(c) => {
                self.created(c.customer, c.subscription, c.with.as_ref(), model);
                self.on(c.subscription, backdated.then_some("backdated start"));
                self.on(c.subscription, c.start.map(|_| "later start"));
                self.on(c.subscription, c.version.map(|_| "version told"));
            }
            SubscriptionCommand::AcceptQuote(c) => {
                self.created(c.customer, c.subscription, None, model);
                let quoted = self.quoted.get(&c.quote).cloned().unwrap_or_default();
                let later = c.start.map(|_| "later start");
                self.on(c.subscription, quoted.into_iter().chain(["quote"]).chain(later));
            }
            SubscriptionCommand::CreateQuote(c) => {
                let with = c.with.as_ref();
                let mut words: BTreeSet<Word> = BTreeSet::new();
                words.extend(with.into_iter().flat_map(told));
                words.extend(c.version.map(|_| "version told"));
                self.quoted.insert(c.quote, words);
            }
            SubscriptionCommand::ChangePlan(c) => {
                self.changed(&crate::model::of_plan(c), backdated);
            }
            SubscriptionCommand::ChangeQuantity(c) => {
                self.changed(&crate::model::of_quantity(c), backdated);
            }
            SubscriptionCommand::ChangeSubscription(c) => self.changed(c, backdated),
            SubscriptionCommand::EndTrial(c) => self.on(c.subscription, ["trial ended"]),
            SubscriptionCommand::CancelSubscription(c) => {
                let credit = match c.credit {
                    Some(CancelCredit::Full) => "cancel, full credit",
                    Some(CancelCredit::None) => "cancel, no credit",
                    Some(CancelCredit::Prorated) | None => "cancel",
                };
                let later = (c.when != ChangeTime::Now).then_some("scheduled cancel");
                self.on(c.subscription, [credit].into_iter().chain(later));
                self.on(c.subscription, backdated.then_some("backdated cancel"));
                let waived = c.waive_fee == Some(true);
                self.on(c.subscription, waived.then_some("fee waived"));
            }
            SubscriptionCommand::UncancelSubscription(c) => self.on(c.subscription, ["uncancel"]),
            SubscriptionCommand::WithdrawChange(c) => self.on(c.subscription, ["withdrawn"]),
            SubscriptionCommand::PauseSubscription(c) => {
                self.on(c.subscription, ["pause"]);
                self.on(c.subscription, c.resume_on.map(|_| "pause until"));
            }
            SubscriptionCommand::ResumeSubscription(c) => self.on(c.subscription, ["resume"]),
            SubscriptionCommand::SetRenewal(c) => self.on(c.subscription, ["renewal set"]),
            SubscriptionCommand::ApplyDiscount(c) => {
                let kind = match c.value {
                    DiscountValue::Percent(_) => "percent off",
                    DiscountValue::Amount(_) => "amount off",
                };
                self.given(c.customer, &c.on, &[kind]);
                if let DiscountDuration::Months(_) = c.duration {
                    self.given(c.customer, &c.on, &["discount for months"]);
                }
            }
            SubscriptionCommand::RedeemCoupon(c) => self.given(c.customer, &c.on, &["coupon"]),
            SubscriptionCommand::RemoveDiscount(c) => {
                self.on_all(c.customer, ["discount removed"]);
            }
            SubscriptionCommand::VoidQuote(_) => {}
        }
    }

    /// What a history came to at its end.
    pub(crate) fn came_to(&mut self, model: &Model) {
        let all = model.customers.values().flat_map(|customer| &customer.subscriptions);
        for of in all.filter(|of| !of.fees.is_empty()) {
            self.on(of.id, ["early-termination fee"]);
        }
    }

    fn given(&mut self, customer: CustomerId, on: &DiscountTarget, words: &[Word]) {
        let words = words.iter().copied();
        match on {
            DiscountTarget::Subscription(id) => self.on(*id, words),
            DiscountTarget::Item(item) => self.on(item.subscription, words),
            DiscountTarget::Customer => {
                self.on_all(customer, words.chain(["discount on customer"]).collect::<Vec<_>>());
            }
            DiscountTarget::Product(_) => {
                self.on_all(customer, words.chain(["discount on product"]).collect::<Vec<_>>());
            }
        }
    }

    fn settled(&mut self, command: &SettlementCommand, backdated: bool) {
        match command {
            SettlementCommand::VoidInvoice(c) => {
                self.on_all(c.customer, [if c.rebill { "void, rebill" } else { "void" }]);
            }
            SettlementCommand::RecordPayment(c) => {
                let told = matches!(c.allocate, Some(Allocate::To(_)));
                let word = if told { "allocation" } else { "payment" };
                let late = backdated.then_some("backdated payment");
                let words: Vec<Word> = [word].into_iter().chain(late).collect();
                self.on_all(c.customer, words);
            }
            SettlementCommand::ReversePayment(c) => self.on_all(c.customer, ["reversal"]),
            SettlementCommand::RefundPayment(c) => {
                let word = match c.effect {
                    RefundEffect::Reopen => "refund, reopen",
                    RefundEffect::CreditNote(_) => "refund, note",
                    RefundEffect::CustomerCredit => "refund, credit",
                };
                self.on_all(c.customer, [word]);
            }
            SettlementCommand::GrantCredit(c) => {
                let words = [
                    Some("lot"),
                    c.expires.map(|_| "credit expires"),
                    c.priority.map(|_| "credit by priority"),
                    c.scope.filter(|scope| *scope != LotScope::Customer).map(|_| "credit in scope"),
                    c.kind.filter(|kind| *kind == GrantKind::Prepayment).map(|_| "prepaid credit"),
                ];
                self.on_all(c.customer, words.into_iter().flatten());
            }
            SettlementCommand::IssueCreditNote(c) => {
                let to_credit = c.to == Some(NoteTarget::Credit);
                let word = if to_credit { "note to credit" } else { "credit note" };
                self.on_all(c.customer, [word]);
            }
            SettlementCommand::ApplyCredit(c) => self.on_all(c.customer, ["credit applied"]),
            SettlementCommand::ReleaseCredit(c) => self.on_all(c.customer, ["credit released"]),
            SettlementCommand::RevokeCredit(c) => self.on_all(c.customer, ["credit revoked"]),
            SettlementCommand::PayOutCredit(c) => self.on_all(c.customer, ["credit paid out"]),
        }
    }
}

/// Words for what is not as in the plan.
fn told(with: &SubscriptionTerms) -> impl Iterator<Item = Word> {
    let own = with.items.iter().flatten().any(|item| item.rate.is_some());
    let months = with.ramp.iter().flatten().any(|phase| phase.months.is_some());
    let tolerance = with.activation.and_then(|activation| activation.tolerance);
    let words = [
        with.anchor.map(|_| "anchor"),
        with.ramp.as_ref().map(|_| "ramp"),
        months.then_some("ramp in months"),
        with.ramp_end.filter(|end| *end == RampEnd::End).map(|_| "ramp ends"),
        own.then_some("own price"),
        tolerance.map(|_| "tolerance"),
        with.quote.map(|_| "quote cited"),
    ];
    words.into_iter().flatten()
}

/// How often each pair met.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    words: BTreeMap<Word, u64>,
    pairs: BTreeMap<(Word, Word), u64>,
}

impl Pairs {
    pub(crate) fn add(&mut self, of: &Features) {
        for words in of.of.values() {
            for (at, one) in words.iter().enumerate() {
                *self.words.entry(one).or_default() += 1;
                for other in words.iter().skip(at + 1) {
                    *self.pairs.entry((one, other)).or_default() += 1;
                }
            }
        }
    }

    fn often(&self, one: Word, other: Word) -> u64 {
        let pair = if one < other { (one, other) } else { (other, one) };
        self.pairs.get(&pair).copied().unwrap_or_default()
    }

    /// Pairs that can meet and never did.
    pub(crate) fn missing(&self) -> Vec<(Word, Word)> {
        let words: Vec<Word> = self.words.keys().copied().collect();
        let mut found = Vec::new();
        for (at, one) in words.iter().enumerate() {
            for other in &words[at + 1..] {
                if self.often(one, other) == 0 && !NEVER.contains(&(one, other)) {
                    found.push((*one, *other));
                }
            }
        }
        found
    }

    /// A triangle: each word with its number, and how often it met the words before it.
    pub(crate) fn table(&self) -> String {
        let words: Vec<Word> = self.words.keys().copied().collect();
        let mut rows = vec![format!("{} features, {} pairs met", words.len(), self.pairs.len())];
        for (at, one) in words.iter().enumerate() {
            let met: Vec<String> =
                words[..at].iter().map(|other| self.often(one, other).to_string()).collect();
            rows.push(format!("{at:>3} {one:<22} {:>6} | {}", self.words[one], met.join(" ")));
        }
        rows.join("\n")
    }
}
