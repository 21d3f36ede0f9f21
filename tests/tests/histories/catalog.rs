//! Moves on the book: the clock, customers, plans, coupons and billing runs.

use schemas::command::{
    AdvanceClock, DefineCoupon, DefinePlan, MigratePlan, PriceMapping, RegisterCustomer,
    RetirePlan, RunBilling,
};
use schemas::ids::{CustomerId, EntityId};
use schemas::terms::{
    BillingTiming, CalendarUnit, CurrencyPrice, DiscountDuration, DiscountValue, Every, Grant,
    GrantLimit, GrantScope, PackageRate, PercentageRate, PriceDefinition, Rate, Recurrence, Tier,
};
use schemas::{Command, Currency, Decimal, Minor};
use tests::kept::instant;
use uuid::Uuid;

use crate::commands::{decimal, pick};
use crate::moves::{Move, Plan};
use crate::play::{Game, text};

/// Zones with and without summer time, at half hours and quarters, with midnights that are
/// skipped, and with a summer time that is below the winter's.
pub(crate) const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Tehran",
    "Pacific/Chatham",
];
const CURRENCIES: [&str; 4] = ["EUR", "USD", "JPY", "KWD"];
const CYCLES: [(u16, CalendarUnit); 10] = [
    (1, CalendarUnit::Month),
    (1, CalendarUnit::Month),
    (1, CalendarUnit::Month),
    (3, CalendarUnit::Month),
    (6, CalendarUnit::Month),
    (1, CalendarUnit::Year),
    (1, CalendarUnit::Week),
    (2, CalendarUnit::Week),
    (10, CalendarUnit::Day),
    (5, CalendarUnit::Month),
];
const MOST_CUSTOMERS: usize = 4;

fn every(number: usize) -> Every {
    let (count, unit) = CYCLES[number % CYCLES.len()];
    Every { count, unit }
}

pub(crate) fn rate(kind: usize, price: i64) -> Rate {
    let amount = decimal(price, 4);
    let tier = |up_to: Option<i64>, unit: i64, flat: i64| Tier {
        up_to: up_to.map(|n| decimal(n, 0)),
        unit: decimal(unit, 4),
        flat: decimal(flat, 4),
        percent: Decimal::ZERO,
    };
    let tiers = || {
        vec![
            tier(Some(5), price, price / 2),
            tier(Some(20), price / 2, 0),
            tier(None, price / 3, 0),
        ]
    };
    match kind {
        0..=2 => Rate::Flat(amount),
        3 => Rate::Graduated(tiers()),
        4 => Rate::Volume(tiers()),
        5 => Rate::Package(PackageRate {
            price: amount,
            size: decimal(7, 0),
            free_units: decimal(3, 0),
        }),
        6 if price % 2 == 0 => Rate::Percentage(PercentageRate {
            percent: decimal(price % 200, 1),
            fixed: decimal(25, 2),
            free_amount: Decimal::ONE,
            min: Some(decimal(5, 1)),
            max: Some(decimal(500, 0)),
        }),
        6 => Rate::Capacity(vec![
            tier(Some(5), 0, price),
            tier(Some(20), 0, price * 2),
            tier(None, 0, price * 3),
        ]),
        _ => Rate::PerUnit(amount),
    }
}

impl Game {
    pub(crate) fn on_the_book(&mut self, action: &Move) -> Option<Command> {
        if let Move::Advance { minutes } = action {
            let to = instant(self.now + minutes * 60_000_000);
            Some(AdvanceClock { to }.into())
        } else if let Move::Register { zone, currency, child } = action {
            self.register(*zone, *currency, *child)
        } else if let Move::Define(plan) = action {
            Some(self.define(plan))
        } else if let Move::Retire { plan } = action {
            Some(RetirePlan { plan: pick(&self.plans, *plan)? }.into())
        } else if let Move::Migrate { plan, from, to, days, map } = action {
            let plan = pick(&self.plans, *plan)?;
            let (from_version, to_version, on) = (*from, *to, self.today(*days));
            let map = mapping(*map);
            Some(MigratePlan { plan, from_version, to_version, on, map }.into())
        } else if let Move::Coupon { percent, value, most } = action {
            let coupon = schemas::ids::CouponId::new(self.id());
            self.coupons.push(coupon);
            let currency = "EUR".parse().expect("a currency");
            Some(
                DefineCoupon {
                    coupon,
                    value: discount_value(*percent, *value, currency),
                    duration: DiscountDuration::Cycles(2),
                    max_redemptions: *most,
                    from: None,
                    through: Some(self.today(90)),
                }
                .into(),
            )
        } else if let Move::Run { back } = action {
            let run = schemas::ids::BillingRunId::new(self.id());
            Some(RunBilling { run, through: self.today(-back), ahead: None }.into())
        } else {
            None
        }
    }

    pub(crate) fn register(
        &mut self,
        zone: usize,
        currency: usize,
        child: bool,
    ) -> Option<Command> {
        if self.customers.len() >= MOST_CUSTOMERS {
            return None;
        }
        let parent = if child { self.customers.first().copied() } else { None };
        Some(
            RegisterCustomer {
                customer: CustomerId::new(self.id()),
                entity: EntityId::new(Uuid::from_u128(1)),
                external_id: None,
                name: text("Customer"),
                email: None,
                currency: text(CURRENCIES[currency % CURRENCIES.len()]),
                zone: Some(ZONES[zone % ZONES.len()].parse().expect("a zone")),
                payment_terms_days: None,
                parent,
                address: None,
                tax_ids: None,
                purchase_order: None,
            }
            .into(),
        )
    }

    pub(crate) fn define(&mut self, plan: &Plan) -> Command {
        if plan.number >= self.plans.len() {
            let new = schemas::ids::PlanId::new(self.id());
            self.plans.push(new);
        }
        let id = self.plans[plan.number % self.plans.len()];
        let price = |name: &str, rate: Rate, recurrence, every, minimum: Option<i64>| {
            let amounts = CURRENCIES.map(|code| CurrencyPrice {
                currency: text(code),
                rate: rate.clone(),
                minimum: minimum.map(|minimum| decimal(minimum, 4)),
            });
            PriceDefinition {
                price: text(name),
                name: None,
                recurrence: Some(recurrence),
                every,
                timing: None,
                amounts: amounts.to_vec(),
                grants: match recurrence {
                    Recurrence::Recurring => grants(plan.price / 5, GrantScope::Unit),
                    Recurrence::AddOn => grants(plan.price / 7, GrantScope::Subscription),
                    Recurrence::Setup => None,
                },
            }
        };
        let recurring = Recurrence::Recurring;
        let mut prices =
            vec![price("fee", rate(plan.rate, plan.price), recurring, None, plan.minimum)];
        if let Some(second) = plan.second {
            let length = (second % 3 == 0).then(|| every(second + 1));
            prices.push(price("seat", rate(second + 4, plan.price / 3), recurring, length, None));
        }
        if plan.setup {
            prices.push(price("setup", rate(0, plan.price / 5), Recurrence::Setup, None, None));
        }
        prices.push(price("extra", rate(9, plan.price / 7), Recurrence::AddOn, None, None));
        DefinePlan {
            plan: id,
            name: text("Plan"),
            product: (plan.number.is_multiple_of(2)).then(|| text("storage")),
            every: every(plan.every),
            timing: if plan.arrears { BillingTiming::InArrears } else { BillingTiming::InAdvance },
            trial_days: Some(plan.trial),
            lead_days: Some(plan.lead),
            prices,
            grants: grants(plan.price / 3, GrantScope::Subscription),
        }
        .into()
    }
}

/// By a number: mostly none; a seat that becomes a fee or the other way round, or an add-on that
/// ends.
pub(crate) fn mapping(number: usize) -> Option<Vec<PriceMapping>> {
    let (from, to) = match number {
        0 => ("fee", Some("seat")),
        1 => ("seat", Some("fee")),
        2 => ("extra", None),
        _ => return None,
    };
    Some(vec![PriceMapping { from: text(from), to: to.map(text) }])
}

/// By a number: none, a feature, or one with a limit.
fn grants(number: i64, per: GrantScope) -> Option<Vec<Grant>> {
    let grant = |feature: &str, limit: Option<i64>| Grant {
        feature: text(feature),
        limit: limit.map(|limit| GrantLimit { amount: decimal(limit, 1), per: Some(per) }),
    };
    match number % 4 {
        0 => None,
        1 => Some(vec![grant("reports", None)]),
        2 => Some(vec![grant("storage", Some(number % 90))]),
        _ => Some(vec![grant("reports", Some(number % 20)), grant("storage", Some(25))]),
    }
}

/// 0.5 to 100 percent, or an amount.
pub(crate) fn discount_value(percent: bool, value: i64, currency: Currency) -> DiscountValue {
    if percent {
        DiscountValue::Percent(decimal((value % 200 + 1) * 5, 1))
    } else {
        DiscountValue::Amount(Minor(value).of(currency))
    }
}
