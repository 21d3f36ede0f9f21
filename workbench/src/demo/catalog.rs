//! What the subscription book sells, and who sells it.

use schemas::command::{DefineEntity, DefinePlan};
use schemas::ids::{EntityId, PlanId};
use schemas::terms::{
    BillingTiming, CalendarUnit, CurrencyPrice, Every, PriceDefinition, Rate, SeriesDefinition,
    SeriesKind,
};
use schemas::{Command, Currency, Decimal};
use uuid::Uuid;

/// Under which the ids of the demo are derived.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x2b7d_7f0e_61c5_4d1b_9a3c_8e50_47f2_d6a1);

/// A plan of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// A flat price a month.
    Starter,
    /// A price for each seat and month.
    Team,
    /// A flat price a year.
    Enterprise,
    /// A price for each unit used, at the end of the month.
    Metered,
}

/// A seller of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seller {
    /// Sells in EUR.
    Europe,
    /// Sells in USD.
    America,
}

/// How the price of an offer is reckoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Model {
    Flat,
    PerUnit,
}

struct Offer {
    name: &'static str,
    unit: CalendarUnit,
    timing: BillingTiming,
    model: Model,
    eur: &'static str,
    usd: &'static str,
}

impl Plan {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Starter, Self::Team, Self::Enterprise, Self::Metered];

    /// The plan's id.
    pub fn id(self) -> PlanId {
        PlanId::new(schemas::ids::derive(NAMESPACE, self.offer().name))
    }

    /// Its quantity counts.
    pub fn is_per_unit(self) -> bool {
        self.offer().model == Model::PerUnit
    }

    /// The next larger plan.
    pub fn larger(self) -> Option<Self> {
        match self {
            Self::Starter => Some(Self::Team),
            Self::Team => Some(Self::Enterprise),
            Self::Enterprise | Self::Metered => None,
        }
    }

    /// The next smaller plan.
    pub fn smaller(self) -> Option<Self> {
        match self {
            Self::Team => Some(Self::Starter),
            Self::Enterprise => Some(Self::Team),
            Self::Starter | Self::Metered => None,
        }
    }

    fn offer(self) -> Offer {
        let monthly = |name, timing, model, eur, usd| Offer {
            name,
            unit: CalendarUnit::Month,
            timing,
            model,
            eur,
            usd,
        };
        let (ahead, behind) = (BillingTiming::InAdvance, BillingTiming::InArrears);
        let (flat, per_unit) = (Model::Flat, Model::PerUnit);
        match self {
            Self::Starter => monthly("Starter", ahead, flat, "29", "32"),
            Self::Team => monthly("Team", ahead, per_unit, "12.50", "13.75"),
            Self::Metered => monthly("Metered", behind, per_unit, "0.0085", "0.0092"),
            Self::Enterprise => Offer {
                unit: CalendarUnit::Year,
                ..monthly("Enterprise", ahead, flat, "4800", "5200")
            },
        }
    }

    /// The command that defines it.
    pub fn define(self) -> Command {
        let offer = self.offer();
        DefinePlan {
            plan: self.id(),
            name: offer.name.parse().expect("written here as a label"),
            product: None,
            every: Every { count: 1, unit: offer.unit },
            timing: offer.timing,
            trial_days: None,
            lead_days: None,
            prices: vec![offer.price()],
            grants: None,
        }
        .into()
    }
}

impl Offer {
    /// Its only price, in both currencies.
    fn price(&self) -> PriceDefinition {
        let amount = |text: &str, code: &str| {
            let amount: Decimal = text.parse().expect("written here as a decimal");
            let rate = match self.model {
                Model::Flat => Rate::Flat(amount),
                Model::PerUnit => Rate::PerUnit(amount),
            };
            CurrencyPrice { currency: currency(code), rate, minimum: None }
        };
        let name = match self.model {
            Model::Flat => "fee",
            Model::PerUnit => "unit",
        };
        PriceDefinition {
            price: name.parse().expect("written here as a code"),
            name: None,
            recurrence: None,
            every: None,
            timing: None,
            amounts: vec![amount(self.eur, "EUR"), amount(self.usd, "USD")],
            grants: None,
        }
    }
}

fn currency(code: &str) -> Currency {
    code.parse().expect("written here as a currency")
}

impl Seller {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Europe, Self::America];

    /// The seller's id.
    pub fn id(self) -> EntityId {
        EntityId::new(schemas::ids::derive(NAMESPACE, self.name()))
    }

    /// What it sells in.
    pub fn currency(self) -> Currency {
        match self {
            Self::Europe => currency("EUR"),
            Self::America => currency("USD"),
        }
    }

    /// Zones of its customers.
    pub fn zones(self) -> [&'static str; 3] {
        match self {
            Self::Europe => ["Europe/Berlin", "Europe/Lisbon", "Europe/Helsinki"],
            Self::America => ["America/New_York", "America/Los_Angeles", "America/Sao_Paulo"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Europe => "Demo Software Europe",
            Self::America => "Demo Software America",
        }
    }

    /// The command that defines it.
    pub fn define(self) -> Command {
        let (zone, days, mark) = match self {
            Self::Europe => ("Europe/Berlin", 14, "EU"),
            Self::America => ("America/New_York", 30, "US"),
        };
        let series = |name: &str, kind, letter: &str| SeriesDefinition {
            code: name.parse().expect("written here as a code"),
            kind,
            prefix: format!("{mark}{letter}").parse().expect("three letters are a code"),
            digits: 5,
        };
        DefineEntity {
            entity: self.id(),
            name: self.name().parse().expect("written here as a label"),
            zone: zone.parse().expect("written here as a zone"),
            payment_terms_days: days,
            series: vec![
                series("invoices", SeriesKind::Invoice, "I"),
                series("credit-notes", SeriesKind::CreditNote, "C"),
            ],
            document_retention_years: None,
            address: None,
            tax_ids: None,
        }
        .into()
    }
}
