//! The histories that are compared: the moves of `tests/tests/histories`, and a few beside.
//!
//! # Shape
//!
//! The shared generator makes the moves; steps that it does not know are strewn in: notes for an
//! amount, payments that say what they pay, a plan and a quantity in one change, a ramp that is
//! offered, a migration of what somebody has and its withdrawal, the end of a trial. Some of the
//! shared moves say more, in a [`Word`]: a later start, a least term. A step names things by
//! numbers, so a history that has lost some still makes sense.

use schemas::command::{
    Allocate, AllocationRequest, ApplyCredit, BillingCommand, CatalogCommand, ChangeSubscription,
    ChargePrice, CreateQuote, CreateSubscription, CreditLine, EndTrial, GrantCredit,
    IssueCreditNote, ItemRequest, MigratePlan, PayOutCredit, RampPhase, RecordPayment,
    ReleaseCredit, RevokeCredit, SubscriptionCommand, SubscriptionTerms, UpdateCustomer,
    UpdateEntity, WithdrawCharge, WithdrawMigration,
};
use schemas::ids::{
    CreditGrantId, CreditNoteId, CustomerId, EntityId, InvoiceId, PaymentId, QuoteId, RefundId,
    SubscriptionId,
};
use schemas::terms::{
    BillingTiming, CalendarUnit, ChangeTime, DiscountDuration, EarlyEnd, Every, GrantKind,
    InvoiceTiming, LeastTermRequest, LotRef, LotScope, NoteTarget, PriceDefinition, Profile,
    RampEnd, Recurrence, UnitPrice,
};
use schemas::{Command, Date, Decimal, Interval, Minor};
use tests::random::Random;
use uuid::Uuid;

use crate::catalog::{ZONES, mapping, rate};
use crate::commands::pick;
use crate::moves::{self, Move, Setting, Then, What};
use crate::play::{Game, text};

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A move of the shared generator.
    Shared(Move),
    /// One that says more.
    Told(Move, Vec<Word>),
    /// A trial ends now.
    EndTrial { subscription: usize, now: bool, back: i64 },
    /// A charge that waits is withdrawn.
    WithdrawCharge { charge: usize },
    /// A customer, or the seller, has other payment terms.
    Terms { customer: Option<usize>, days: u16 },
    /// A customer moves to another zone.
    Elsewhere { customer: usize, zone: usize },
    /// A part of an invoice is credited on one line: of what is open, or of all of it, and then
    /// what is paid becomes credit.
    Note { invoice: usize, line: usize, percent: i64, to_credit: bool },
    /// Credit with terms of its own.
    Grant { customer: usize, cents: i64, terms: GrantTerms },
    /// Credit pays an invoice of its customer, with a part of what is open or as far as it goes.
    Apply { lot: usize, invoice: usize, percent: Option<i64> },
    /// Credit is taken off an invoice of its customer.
    Release { lot: usize, invoice: usize, cents: Option<i64> },
    /// What is left of credit is taken back.
    Revoke { lot: usize },
    /// Credit is paid out.
    PayOut { lot: usize, cents: Option<i64>, back: i64 },
    /// A payment for one invoice, and more than that.
    PayTo { invoice: usize, percent: i64, more: i64 },
    /// A plan and a quantity in one change.
    Both { subscription: usize, plan: usize, quantity: u32, at_end: bool },
    /// A ramp is offered: phases of so many days, with a discount in every other one.
    OfferRamp { customer: usize, plan: usize, days: u8, phases: usize },
    /// A migration is withdrawn.
    WithdrawMigration { number: usize },
    /// Those that have what a subscription has move to another version.
    MigrateWhatIsThere { subscription: usize, to: usize, days: i64, map: usize },
}

/// What a shared move says beside.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Word {
    /// It begins so many days later.
    Start(i64),
    /// So many months it is agreed at least, and what leaving earlier costs; none if it cannot be
    /// left earlier.
    Least(u16, Option<i64>),
    /// An early end costs nothing.
    Waived,
    /// Phases of a ramp are so many months.
    PhaseMonths(u16),
    /// What a ramp said ends with it.
    RampEnds,
    /// So much may be missing of a first payment.
    Tolerates(i64),
    /// A version by its number.
    Version(u32),
    /// The fee has a price of its own from the start.
    OwnPrice(i64),
    /// A plan change keeps prices of one's own, or what is scheduled.
    KeepsPrices,
    KeepsScheduled,
    /// A subscription cites the quote that it fulfils.
    Cites,
    /// So many units of a charge.
    Units(i64),
    /// A discount lasts for so many months.
    Months(u32),
    /// All but the plan's first price is billed in arrears.
    ArrearsBeside,
    /// Through a day, and cycles that begin by then.
    Through(i64, bool),
}

/// What a grant says beside its amount.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GrantTerms {
    kind: usize,
    days: Option<i32>,
    priority: Option<i8>,
    subscription: Option<usize>,
    refundable: Option<bool>,
}

/// A history: its setting and its steps.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) setting: Setting,
    pub(crate) steps: Vec<Step>,
}

impl Step {
    fn random(random: &mut Random) -> Self {
        if random.below(2) == 0 {
            return Self::of_credit(random);
        }
        let mut below = |end: u64| usize::try_from(random.below(end)).expect("small");
        match below(8) {
            0 => {
                let (invoice, line, percent) = (below(12), below(4), below(110));
                let percent = i64::try_from(percent).expect("small") + 1;
                Self::Note { invoice, line, percent, to_credit: below(2) == 0 }
            }
            1 => {
                let (invoice, percent, more) = (below(12), below(100), below(3) * 700);
                Self::PayTo {
                    invoice,
                    percent: i64::try_from(percent).expect("small") + 1,
                    more: i64::try_from(more).expect("small"),
                }
            }
            2 => Self::Both {
                subscription: below(8),
                plan: below(5),
                quantity: u32::try_from(below(90)).expect("small"),
                at_end: below(3) == 0,
            },
            3 => Self::OfferRamp {
                customer: below(8),
                plan: below(5),
                days: u8::try_from(below(60) + 1).expect("small"),
                phases: below(3) + 1,
            },
            4 => Self::WithdrawMigration { number: below(8) },
            // A migration shows in later cycles alone, so it is told more often.
            _ => Self::MigrateWhatIsThere {
                subscription: below(8),
                to: below(8),
                days: i64::try_from(below(40)).expect("small"),
                map: below(6),
            },
        }
    }
}

impl Step {
    /// Something is agreed for later, an end goes before it, and is taken back.
    fn leaves_and_comes_back(random: &mut Random) -> [Self; 3] {
        let mut below = |end: u64| usize::try_from(random.below(end)).expect("small");
        let (subscription, quantity) = (below(8), u32::try_from(below(90)).expect("small"));
        let days = |days: usize| Then::On(i64::try_from(days).expect("small"));
        let (soon, late) = (days(below(20) + 1), days(below(40) + 30));
        let (what, credit) = (What::Quantity(quantity), None);
        let change = Move::Change { subscription, what, when: late, settle: 0, back: 0 };
        let cancel = Move::Cancel { subscription, when: soon, credit, back: 0 };
        [change, cancel, Move::Uncancel { subscription }].map(Self::Shared)
    }

    fn of_credit(random: &mut Random) -> Self {
        let mut number = |end: u64| i64::try_from(random.below(end)).expect("small");
        let place = |number: i64| usize::try_from(number).expect("not negative");
        let (lot, invoice) = (place(number(16)), place(number(12)));
        let cents = (number(2) == 0).then_some(number(4_000) + 1);
        match number(10) {
            0..4 => {
                let narrow = |number: i64| i32::try_from(number).expect("small");
                let terms = GrantTerms {
                    kind: place(number(3)),
                    days: (number(2) == 0).then_some(narrow(number(80)) - 3),
                    priority: (number(2) == 0)
                        .then_some(i8::try_from(number(7) - 3).expect("small")),
                    subscription: (number(3) == 0).then_some(place(number(8))),
                    refundable: (number(4) == 0).then_some(number(2) == 0),
                };
                Self::Grant { customer: place(number(8)), cents: number(30_000) + 1, terms }
            }
            4 | 5 => Self::Apply { lot, invoice, percent: cents.map(|cents| 1 + cents % 120) },
            6 | 7 => Self::Release { lot, invoice, cents },
            8 => Self::Revoke { lot },
            _ => Self::PayOut { lot, cents, back: if number(4) == 0 { number(400) } else { 0 } },
        }
    }
}

impl Word {
    /// What a shared move says beside: mostly nothing.
    fn beside(action: &Move, random: &mut Random) -> Vec<Self> {
        let mut number = |end: u64| i64::try_from(random.below(end)).expect("small");
        let few = |number: i64| u16::try_from(number).expect("few");
        let mut words = Vec::new();
        let mut says = |one_in: u64, word: Self, number: &mut dyn FnMut(u64) -> i64| {
            if number(one_in) == 0 {
                words.push(word);
            }
        };
        let version = Self::Version(1 + u32::from(few(number(3))));
        let least = Self::Least(few(number(8) + 1), (number(4) > 0).then(|| number(20_000) + 1));
        let own_price = Self::OwnPrice(number(3_000_000));
        let start = Self::Start(number(70) + 1);
        let months = Self::Months(1 + u32::from(few(number(4))));
        match action {
            Move::Subscribe { terms, .. } => {
                says(14, start, &mut number);
                says(12, least, &mut number);
                says(20, version, &mut number);
                says(20, own_price, &mut number);
                if terms.ramp > 0 {
                    says(3, Self::PhaseMonths(few(number(3)) + 1), &mut number);
                    says(3, Self::RampEnds, &mut number);
                }
                if terms.activation {
                    says(3, Self::Tolerates(number(3_000)), &mut number);
                }
            }
            Move::Quote { .. } => {
                says(12, least, &mut number);
                says(20, version, &mut number);
                says(20, own_price, &mut number);
            }
            Move::Accept { .. } => {
                says(8, start, &mut number);
                says(4, Self::Cites, &mut number);
            }
            Move::Change { what: What::Plan(_), .. } => {
                says(12, version, &mut number);
                says(6, Self::KeepsPrices, &mut number);
                says(6, Self::KeepsScheduled, &mut number);
            }
            Move::Cancel { .. } => says(4, Self::Waived, &mut number),
            Move::Charge { .. } => says(4, Self::Units(number(90)), &mut number),
            Move::Discount { .. } | Move::Coupon { .. } => says(8, months, &mut number),
            Move::Define(_) => says(8, Self::ArrearsBeside, &mut number),
            Move::InvoiceNow { .. } => {
                says(3, Self::Through(number(120) - 40, number(4) > 0), &mut number);
            }
            Move::Advance { .. }
            | Move::Register { .. }
            | Move::Retire { .. }
            | Move::Migrate { .. }
            | Move::Change { .. }
            | Move::Uncancel { .. }
            | Move::Withdraw { .. }
            | Move::Pause { .. }
            | Move::Resume { .. }
            | Move::Renewal { .. }
            | Move::VoidQuote { .. }
            | Move::Undiscount { .. }
            | Move::Redeem { .. }
            | Move::Run { .. }
            | Move::Void { .. }
            | Move::Pay { .. }
            | Move::Reverse { .. }
            | Move::Refund { .. }
            | Move::Grant { .. }
            | Move::Credit { .. } => {}
        }
        words
    }
}

impl Step {
    /// A shared move, as it is or with more words.
    fn told(action: Move, random: &mut Random) -> Self {
        let words = Word::beside(&action, random);
        if words.is_empty() { Self::Shared(action) } else { Self::Told(action, words) }
    }

    /// What no shared move does, rarely.
    fn rare(random: &mut Random) -> Option<Self> {
        let mut number = |end: u64| i64::try_from(random.below(end)).expect("small");
        let place = |number: i64| usize::try_from(number).expect("not negative");
        match number(100) {
            0 | 1 => Some(Self::EndTrial {
                subscription: place(number(8)),
                now: number(2) == 0,
                back: if number(4) == 0 { number(400) } else { 0 },
            }),
            2 | 3 => Some(Self::WithdrawCharge { charge: place(number(8)) }),
            4 => Some(Self::Terms {
                customer: (number(2) == 0).then(|| place(number(8))),
                days: u16::try_from(number(60)).expect("small"),
            }),
            5 => Some(Self::Elsewhere { customer: place(number(8)), zone: place(number(64)) }),
            _ => None,
        }
    }
}

impl History {
    /// The history of a number: always the same. Every other one has the policies of its profile
    /// as they are, and half of these are ours.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        let shared = moves::History::of(seed, number);
        let mut setting = shared.setting;
        if number.is_multiple_of(2) || std::env::var_os("BILLFOLD_MODEL_PLAIN").is_some() {
            setting.replaced.clear();
        }
        if number.is_multiple_of(4) || std::env::var_os("BILLFOLD_MODEL_OURS").is_some() {
            setting.profile = profile(Profile::Billfold1);
            setting.replaced.clear();
        }
        let mut random = Random::new(seed.wrapping_mul(7_919).wrapping_add(number));
        let mut words = Random::new(seed.wrapping_mul(15_485_863).wrapping_add(number));
        let mut steps = Vec::new();
        for (action, _) in shared.moves {
            if random.below(10) == 0 {
                steps.push(Step::random(&mut random));
            }
            steps.extend(Step::rare(&mut words));
            steps.push(Step::told(action, &mut words));
        }
        if random.below(20) == 0 {
            let at = usize::try_from(random.below(10)).expect("small").min(steps.len());
            steps.splice(at..at, Step::leaves_and_comes_back(&mut random));
        }
        Self { setting, steps }
    }
}

pub(crate) fn profile(of: Profile) -> usize {
    Profile::ALL.iter().position(|known| *known == of).expect("it is one of them")
}

impl Game {
    /// The command of a step and how many hours back it takes effect.
    pub(crate) fn command_of(&mut self, step: &Step) -> Option<(Command, i64)> {
        let command = match step {
            Step::Shared(action) => return self.command(action),
            Step::Told(action, words) => {
                let (mut command, back) = self.command(action)?;
                for word in words {
                    self.say(&mut command, *word);
                }
                return Some((command, back));
            }
            Step::Terms { customer: None, days } => {
                let entity = EntityId::new(Uuid::from_u128(1));
                UpdateEntity {
                    entity,
                    name: None,
                    address: None,
                    payment_terms_days: Some(*days),
                    document_retention_years: None,
                    tax_ids: None,
                    add_series: None,
                    default_series: None,
                }
                .into()
            }
            Step::Terms { customer: Some(number), days } => {
                let customer = pick(&self.customers, *number)?;
                UpdateCustomer { payment_terms_days: Some(*days), ..unchanged(customer) }.into()
            }
            Step::Elsewhere { customer, zone } => {
                let customer = pick(&self.customers, *customer)?;
                let zone = ZONES[zone % ZONES.len()].parse().expect("a zone");
                UpdateCustomer { zone: Some(zone), ..unchanged(customer) }.into()
            }
            Step::EndTrial { subscription, now, back } => {
                let (customer, subscription) = pick(&self.subscriptions, *subscription)?;
                let invoice = now.then_some(InvoiceTiming::Now);
                return Some((EndTrial { customer, subscription, invoice }.into(), *back));
            }
            Step::WithdrawCharge { charge } => {
                let (customer, charge) = pick(&self.charges, *charge)?;
                WithdrawCharge { customer, charge }.into()
            }
            Step::Note { invoice, line, percent, to_credit } => {
                self.note(*invoice, *line, *percent, *to_credit)?
            }
            Step::Grant { customer, cents, terms } => self.grant(*customer, *cents, terms)?,
            Step::Apply { lot, invoice, percent } => {
                let (customer, lot) = pick(&self.lots, *lot)?;
                let invoice = self.invoice_of(customer, *invoice)?;
                let account = self.kept.ledger.customer(customer)?;
                let open = account.invoice(invoice)?.open().0;
                let amount = percent.map(|percent| open * percent / 100);
                let amount = amount.map(|cents| Minor(cents).of(self.currency(customer)));
                ApplyCredit { customer, lot, invoice, amount }.into()
            }
            Step::Release { lot, invoice, cents } => {
                let (customer, lot) = pick(&self.lots, *lot)?;
                let invoice = self.invoice_of(customer, *invoice)?;
                let amount = cents.map(|cents| Minor(cents).of(self.currency(customer)));
                ReleaseCredit { customer, lot, invoice, amount }.into()
            }
            Step::Revoke { lot } => {
                let (customer, lot) = pick(&self.lots, *lot)?;
                let LotRef::Grant(grant) = lot else { return None };
                RevokeCredit { customer, grant, reason: text("because") }.into()
            }
            Step::PayOut { lot, cents, back } => {
                let (customer, lot) = pick(&self.lots, *lot)?;
                let amount = cents.map(|cents| Minor(cents).of(self.currency(customer)));
                let (refund, reason) = (RefundId::new(self.id()), text("because"));
                let paid = PayOutCredit { customer, refund, lot, amount, reason };
                return Some((paid.into(), *back));
            }
            Step::PayTo { invoice, percent, more } => self.pay_to(*invoice, *percent, *more)?,
            Step::Both { subscription, plan, quantity, at_end } => {
                let (customer, subscription) = pick(&self.subscriptions, *subscription)?;
                ChangeSubscription {
                    customer,
                    subscription,
                    plan: Some(pick(&self.plans, *plan)?),
                    version: None,
                    quantity: Some(whole(i64::from(*quantity))),
                    items: None,
                    anchor: None,
                    map: None,
                    keep_prices: None,
                    keep_scheduled: None,
                    when: if *at_end { ChangeTime::CycleEnd } else { ChangeTime::Now },
                    proration: None,
                }
                .into()
            }
            Step::WithdrawMigration { number } => {
                let (plan, from_version) = pick(&self.migrations, *number)?;
                WithdrawMigration { plan, from_version }.into()
            }
            Step::MigrateWhatIsThere { subscription, to, days, map } => {
                self.migration(*subscription, *to, *days, *map)?
            }
            Step::OfferRamp { customer, plan, days, phases } => {
                let customer = pick(&self.customers, *customer)?;
                let with = Some(self.ramp(i32::from(*days), *phases));
                let quote = QuoteId::new(self.id());
                self.quotes.push((customer, quote));
                CreateQuote {
                    customer,
                    quote,
                    plan: pick(&self.plans, *plan)?,
                    version: None,
                    quantity: Some(whole(3)),
                    with,
                    valid_until: self.today(30),
                }
                .into()
            }
        };
        Some((command, 0))
    }

    /// A command says more.
    fn say(&self, command: &mut Command, word: Word) {
        match command {
            Command::Subscription(command) => self.say_of_subscription(command, word),
            Command::Billing(command) => self.say_of_billing(command, word),
            Command::Catalog(CatalogCommand::DefinePlan(c)) => {
                if let Word::ArrearsBeside = word {
                    let beside = c.prices.iter_mut().skip(1);
                    let recurs =
                        |price: &&mut PriceDefinition| price.recurrence != Some(Recurrence::Setup);
                    beside.filter(recurs).for_each(|p| p.timing = Some(BillingTiming::InArrears));
                }
            }
            Command::Catalog(CatalogCommand::DefineCoupon(c)) => {
                if let Word::Months(count) = word {
                    c.duration = DiscountDuration::Months(count);
                }
            }
            Command::Catalog(_)
            | Command::Settlement(_)
            | Command::Customer(_)
            | Command::Book(_)
            | Command::Seller(_)
            | Command::Process(_) => {}
        }
    }

    fn say_of_subscription(&self, command: &mut SubscriptionCommand, word: Word) {
        if let SubscriptionCommand::CreateSubscription(c) = command {
            match word {
                Word::Start(days) => c.start = Some(self.today(days)),
                Word::Version(number) => c.version = Some(number),
                other => self.say_of_terms(c.customer, c.with.get_or_insert_default(), other),
            }
        } else if let SubscriptionCommand::CreateQuote(c) = command {
            match word {
                Word::Version(number) => c.version = Some(number),
                other => self.say_of_terms(c.customer, c.with.get_or_insert_default(), other),
            }
        } else if let SubscriptionCommand::AcceptQuote(c) = command {
            if let Word::Start(days) = word {
                c.start = Some(self.today(days));
            } else if let Word::Cites = word
                && let Some(quote) = self.model.customers[&c.customer].quotes.get(&c.quote)
            {
                let (start, invoice) = (c.start, c.invoice);
                let cites = CreateSubscription { start, invoice, ..quote.cited_by(c.subscription) };
                *command = SubscriptionCommand::CreateSubscription(cites);
            }
        } else if let SubscriptionCommand::CancelSubscription(c) = command {
            c.waive_fee = matches!(word, Word::Waived).then_some(true);
        } else if let SubscriptionCommand::ApplyDiscount(c) = command {
            if let Word::Months(count) = word {
                c.duration = DiscountDuration::Months(count);
            }
        } else if let SubscriptionCommand::ChangePlan(c) = command {
            match word {
                Word::Version(number) => c.version = Some(number),
                Word::KeepsPrices => c.keep_prices = Some(true),
                Word::KeepsScheduled => c.keep_scheduled = Some(true),
                _ => {}
            }
        }
    }

    fn say_of_terms(&self, customer: CustomerId, with: &mut SubscriptionTerms, word: Word) {
        let money = |cents: i64| Minor(cents).of(self.currency(customer));
        match word {
            Word::Least(count, costs) => {
                with.least_term = Some(LeastTermRequest {
                    length: Every { count, unit: CalendarUnit::Month },
                    early_end: costs.map_or(EarlyEnd::Refused, |fee| EarlyEnd::Fee(money(fee))),
                });
            }
            Word::PhaseMonths(count) => {
                for phase in with.ramp.iter_mut().flatten() {
                    (phase.days, phase.months) = (None, Some(count));
                }
            }
            Word::RampEnds => with.ramp_end = Some(RampEnd::End),
            Word::Tolerates(cents) => {
                if let Some(activation) = &mut with.activation {
                    activation.tolerance = Some(money(cents));
                }
            }
            Word::OwnPrice(price) => {
                let rate = Some(rate(9, price));
                let (price, quantity, remove) = (text("fee"), None, None);
                let request = ItemRequest { price, quantity, rate, remove };
                with.items.get_or_insert_default().push(request);
            }
            _ => {}
        }
    }

    fn say_of_billing(&self, command: &mut BillingCommand, word: Word) {
        if let BillingCommand::AddCharge(c) = command
            && let Word::Units(units) = word
            && let ChargePrice::Total(total) = c.price
        {
            let (mantissa, currency) = (i128::from(total.minor().0), self.currency(c.customer));
            // Tenths of a cent.
            let amount = Decimal::from_parts(mantissa, 3).expect("small");
            c.price = ChargePrice::PerUnit(UnitPrice { amount, currency });
            c.quantity = Some(whole(units));
        } else if let BillingCommand::InvoiceNow(c) = command
            && let Word::Through(days, ahead) = word
        {
            (c.through, c.ahead) = (Some(self.today(days)), Some(ahead));
        }
    }

    fn open_of(&self, number: usize) -> Option<(CustomerId, schemas::ids::InvoiceId, i64)> {
        let (customer, invoice) = pick(&self.invoices, number)?;
        let account = self.kept.ledger.customer(customer)?;
        Some((customer, invoice, account.invoice(invoice)?.open().0))
    }

    /// An invoice of a customer.
    fn invoice_of(&self, customer: CustomerId, number: usize) -> Option<InvoiceId> {
        let of = |(owes, _): &&(CustomerId, InvoiceId)| *owes == customer;
        let own: Vec<(CustomerId, InvoiceId)> = self.invoices.iter().filter(of).copied().collect();
        pick(&own, number).map(|(_, invoice)| invoice)
    }

    fn grant(&mut self, customer: usize, cents: i64, terms: &GrantTerms) -> Option<Command> {
        let customer = pick(&self.customers, customer)?;
        let kinds = [GrantKind::Goodwill, GrantKind::Promotion, GrantKind::Prepayment];
        let of = |(payer, _): &&(CustomerId, SubscriptionId)| *payer == customer;
        let own: Vec<(CustomerId, SubscriptionId)> =
            self.subscriptions.iter().filter(of).copied().collect();
        let scope = terms.subscription.and_then(|number| pick(&own, number));
        let grant = CreditGrantId::new(self.id());
        let amount = Minor(cents).of(self.currency(customer));
        Some(
            GrantCredit {
                kind: Some(kinds[terms.kind % 3]),
                expires: terms.days.and_then(|days| self.today(0).plus_days(days).ok()),
                scope: scope.map(|(_, id)| LotScope::Subscription(id)),
                priority: terms.priority,
                refundable: terms.refundable,
                ..GrantCredit::plain(customer, grant, amount, text("because"))
            }
            .into(),
        )
    }

    fn note(
        &mut self,
        invoice: usize,
        line: usize,
        percent: i64,
        to_credit: bool,
    ) -> Option<Command> {
        let (customer, invoice, open) = self.open_of(invoice)?;
        let of = if to_credit { 3_000 } else { open };
        let amount = Minor(of * percent / 100).of(self.currency(customer));
        let line = u32::try_from(line).expect("small") + 1;
        let lines = vec![CreditLine { line, amount }];
        let note = CreditNoteId::new(self.id());
        let to = to_credit.then_some(NoteTarget::Credit);
        Some(IssueCreditNote { customer, note, invoice, lines, to }.into())
    }

    fn pay_to(&mut self, invoice: usize, percent: i64, more: i64) -> Option<Command> {
        let (customer, invoice, open) = self.open_of(invoice)?;
        let currency = self.currency(customer);
        let part = open * percent / 100;
        let amount = Minor(part).of(currency);
        let allocate = Some(Allocate::To(vec![AllocationRequest { invoice, amount }]));
        let payment = PaymentId::new(self.id());
        let amount = Minor(part + more).of(currency);
        let (external_id, method) = (None, None);
        Some(RecordPayment { customer, payment, amount, external_id, method, allocate }.into())
    }

    /// From the version that a subscription has to another one of its plan.
    fn migration(
        &mut self,
        subscription: usize,
        to: usize,
        days: i64,
        map: usize,
    ) -> Option<Command> {
        let (customer, subscription) = pick(&self.subscriptions, subscription)?;
        let of = &self.model.customers[&customer];
        let of = &of.subscriptions[of.place_of(subscription).ok()?];
        let terms = of.items.iter().find_map(|item| item.last_terms())?;
        let (plan, from_version) = (terms.plan, terms.version);
        let versions: Vec<u32> = (1..=9).filter(|version| *version != from_version).collect();
        let there = |version: &u32| self.model.has_version(plan, *version);
        let versions: Vec<u32> = versions.into_iter().filter(there).collect();
        let (to_version, on) = (pick(&versions, to)?, self.today(days));
        self.migrations.push((plan, from_version));
        Some(MigratePlan { plan, from_version, to_version, on, map: mapping(map) }.into())
    }

    fn ramp(&self, days: i32, phases: usize) -> SubscriptionTerms {
        let day = |n: usize| -> Date {
            let later = days * i32::try_from(n).expect("few");
            self.today(0).plus_days(later).expect("this century")
        };
        let phase = |n: usize| RampPhase {
            days: Some(Interval::new(day(n), day(n + 1)).expect("not empty")),
            months: None,
            items: Some(vec![ItemRequest {
                price: text("fee"),
                quantity: Some(whole(i64::try_from(n).expect("few") * 2 + 1)),
                rate: None,
                remove: None,
            }]),
            discount_percent: n.is_multiple_of(2).then(|| whole(10)),
        };
        let ramp = Some((0..phases).map(phase).collect());
        SubscriptionTerms { ramp, ..SubscriptionTerms::default() }
    }
}

fn unchanged(customer: CustomerId) -> UpdateCustomer {
    UpdateCustomer {
        customer,
        external_id: None,
        name: None,
        email: None,
        payment_terms_days: None,
        address: None,
        tax_ids: None,
        zone: None,
        purchase_order: None,
        clear: None,
    }
}

fn whole(number: i64) -> Decimal {
    Decimal::from_parts(i128::from(number), 0).expect("small")
}
