//! Steps about subscriptions and quotes.

use schemas::terms::{
    Anchor, CancelCredit, ChangeTime, InvoiceTiming, Rate, Renewal, Settle, TermRequest,
};
use schemas::text::Code;
use schemas::{Date, Decimal, Interval};

use super::super::fields::Fields;
use super::super::trouble::Trouble;
use super::super::yaml::{Value, Yaml};
use super::{SETTLE, catalog, when};

/// What one price of a subscription has of its own.
#[derive(Debug, Clone)]
pub struct ItemStep {
    /// Which price.
    pub price: Code,
    /// How many units.
    pub quantity: Option<Decimal>,
    /// Another figure in the price's own model.
    pub unit: Option<Decimal>,
    /// Another price altogether.
    pub rate: Option<Rate>,
    /// The add-on ends.
    pub remove: bool,
}

/// Quantities and prices.
#[derive(Debug, Clone, Default)]
pub struct ItemsStep {
    /// Of every price of the plan.
    pub quantity: Option<Decimal>,
    /// A figure for the only price of the plan.
    pub unit: Option<Decimal>,
    /// By price.
    pub items: Vec<ItemStep>,
}

impl ItemsStep {
    /// Reads `quantity`, `unit` and `items`.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        let mut read = Self::default();
        for node in f.list("items")? {
            let mut fields = Fields::of("items", node, f.place().step)?;
            read.items.push(item(&mut fields)?);
            fields.done()?;
        }
        match f.node("quantity") {
            Some(Yaml { value: Value::Map(_), .. }) => {
                for (price, figure) in figures(f, "quantity")? {
                    read.item(price).quantity = Some(figure);
                }
            }
            Some(_) | None => read.quantity = f.parsed("quantity")?,
        }
        match f.node("unit") {
            Some(Yaml { value: Value::Map(_), .. }) => {
                for (price, figure) in figures(f, "unit")? {
                    read.item(price).unit = Some(figure);
                }
            }
            Some(_) | None => read.unit = f.parsed("unit")?,
        }
        Ok(read)
    }

    fn item(&mut self, price: Code) -> &mut ItemStep {
        let index = self.items.iter().position(|item| item.price == price).unwrap_or_else(|| {
            let (quantity, unit, rate) = (None, None, None);
            self.items.push(ItemStep { price, quantity, unit, rate, remove: false });
            self.items.len() - 1
        });
        &mut self.items[index]
    }
}

fn figures(f: &mut Fields<'_>, key: &str) -> Result<Vec<(Code, Decimal)>, Trouble> {
    let entries = f.texts(key)?;
    let read = |(price, text): (&str, &str)| {
        let price = price.parse().map_err(|error| f.wrong(key, &error))?;
        Ok((price, text.parse().map_err(|error| f.wrong(key, &error))?))
    };
    entries.into_iter().map(read).collect()
}

fn item(f: &mut Fields<'_>) -> Result<ItemStep, Trouble> {
    let price = f.need_parsed("price")?;
    let (quantity, remove) = (f.parsed("quantity")?, f.flag("remove")?);
    let own = f.rest();
    let (unit, rate) = if own.contains(&"model") || own.contains(&"tiers") {
        (None, Some(catalog::rate(f)?))
    } else {
        (f.parsed("unit")?, None)
    };
    Ok(ItemStep { price, quantity, unit, rate, remove })
}

/// What a subscription has beside its plan.
#[derive(Debug, Clone)]
pub struct TermsStep {
    /// Quantities and prices.
    pub items: ItemsStep,
    /// Where cycles start.
    pub anchor: Option<Anchor>,
    /// Free days.
    pub trial_days: Option<u16>,
    /// The contract term.
    pub term: Option<TermRequest>,
    /// Its phases.
    pub ramp: Vec<PhaseStep>,
    /// Hours to wait for the first payment.
    pub activation_hours: Option<u16>,
    /// Where it was sold, and more that reports group by.
    pub dimensions: Vec<(String, String)>,
}

/// A phase of a ramp.
#[derive(Debug, Clone)]
pub struct PhaseStep {
    /// Its days.
    pub days: Interval,
    /// Quantities and prices.
    pub items: ItemsStep,
    /// Percent off.
    pub discount: Option<Decimal>,
}

impl TermsStep {
    fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        let mut ramp = Vec::new();
        for node in f.list("ramp")? {
            let mut fields = Fields::of("ramp", node, f.place().step)?;
            ramp.push(PhaseStep {
                days: fields.need_parsed("days")?,
                items: ItemsStep::read(&mut fields)?,
                discount: fields.not_zero("discount")?,
            });
            fields.done()?;
        }
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let mut dimensions: Vec<_> = f.texts("metadata")?.into_iter().map(owned).collect();
        if let Some(channel) = f.text("channel")? {
            dimensions.push(("channel".to_owned(), channel.to_owned()));
        }
        let activation_hours = f.text("activation")?.map(|text| {
            let hours = text.strip_suffix("hours").or_else(|| text.strip_suffix("hour"));
            let parsed = hours.unwrap_or(text).trim().parse();
            parsed.map_err(|_| f.wrong("activation", &"write N hours"))
        });
        Ok(Self {
            items: ItemsStep::read(f)?,
            anchor: anchor(f)?,
            trial_days: f.days("trial")?,
            term: term(f)?,
            ramp,
            activation_hours: activation_hours.transpose()?,
            dimensions,
        })
    }
}

/// `anchor: {day: 1}|{date: D}|calendar|anniversary`.
fn anchor(f: &mut Fields<'_>) -> Result<Option<Anchor>, Trouble> {
    let Some(node) = f.node("anchor") else { return Ok(None) };
    if let Some(word) = node.text() {
        return match word {
            "calendar" => Ok(Some(Anchor::Calendar)),
            "anniversary" => Ok(Some(Anchor::Anniversary)),
            other => Err(f.unsupported("anchor", other)),
        };
    }
    let mut fields = Fields::of("anchor", node, f.place().step)?;
    let anchor = match (fields.parsed("day")?, fields.parsed("date")?) {
        (Some(day), None) => Anchor::Day(day),
        (None, Some(date)) => Anchor::Date(date),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Trouble::wrong(fields.place(), "an anchor has a `day` or a `date`"));
        }
    };
    fields.done().map(|()| Some(anchor))
}

const RENEWALS: [(&str, Renewal); 4] = [
    ("renew", Renewal::Renew),
    ("renew_once", Renewal::RenewOnce),
    ("evergreen", Renewal::Evergreen),
    ("cancel", Renewal::Cancel),
];

/// `term: 12 months`, which renews, or `{length: 12 months, renewal: …}`.
fn term(f: &mut Fields<'_>) -> Result<Option<TermRequest>, Trouble> {
    let Some(node) = f.node("term") else { return Ok(None) };
    if node.text().is_some() {
        let length = f.every("term")?;
        return Ok(length.map(|length| TermRequest { length, renewal: Renewal::Renew }));
    }
    let mut fields = Fields::of("term", node, f.place().step)?;
    let length = fields.every("length")?.ok_or_else(|| fields.missing("length"))?;
    let renewal = fields.word("renewal", &RENEWALS)?.unwrap_or(Renewal::Renew);
    fields.done().map(|()| Some(TermRequest { length, renewal }))
}

const INVOICED: [(&str, InvoiceTiming); 2] =
    [("now", InvoiceTiming::Now), ("next", InvoiceTiming::Next)];

/// `subscribe`.
#[derive(Debug, Clone)]
pub struct SubscribeStep {
    /// Its alias.
    pub id: String,
    /// Who uses it; who pays is its parent, if it has one.
    pub customer: String,
    /// What is bought.
    pub plan: String,
    /// Which version.
    pub version: Option<u32>,
    /// When it is invoiced.
    pub invoice: Option<InvoiceTiming>,
    /// What is not as in the plan.
    pub terms: TermsStep,
}

impl SubscribeStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        Ok(Self {
            id: f.need("id")?.to_owned(),
            customer: f.need("customer")?.to_owned(),
            plan: f.need("plan")?.to_owned(),
            version: f.parsed("version")?,
            invoice: f.word("invoice", &INVOICED)?,
            terms: TermsStep::read(f)?,
        })
    }
}

/// `change`.
#[derive(Debug, Clone)]
pub struct ChangeStep {
    /// Which subscription.
    pub sub: String,
    /// Another plan.
    pub plan: Option<String>,
    /// Which version.
    pub version: Option<u32>,
    /// Quantities and prices.
    pub items: ItemsStep,
    /// Cycles start on other days.
    pub anchor: Option<Anchor>,
    /// From when.
    pub when: ChangeTime,
    /// How the difference is billed.
    pub proration: Option<Settle>,
}

impl ChangeStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        Ok(Self {
            sub: f.need("sub")?.to_owned(),
            plan: f.text("plan")?.map(str::to_owned),
            version: f.parsed("version")?,
            items: ItemsStep::read(f)?,
            anchor: anchor(f)?,
            when: when(f)?,
            proration: f.word("proration", &SETTLE)?,
        })
    }
}

/// `cancel`.
#[derive(Debug, Clone)]
pub struct CancelStep {
    /// Which subscription.
    pub sub: String,
    /// From when.
    pub when: ChangeTime,
    /// What becomes of unused time.
    pub credit: Option<CancelCredit>,
}

impl CancelStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        let credits = [
            ("prorated", CancelCredit::Prorated),
            ("none", CancelCredit::None),
            ("full", CancelCredit::Full),
        ];
        Ok(Self {
            sub: f.need("sub")?.to_owned(),
            when: when(f)?,
            credit: f.word("credit", &credits)?,
        })
    }
}

/// `pause`.
#[derive(Debug, Clone)]
pub struct PauseStep {
    /// Which subscription.
    pub sub: String,
    /// From when.
    pub when: ChangeTime,
    /// What becomes of time that is billed.
    pub credit: Option<Settle>,
    /// The day it goes on by itself.
    pub resume_on: Option<Date>,
}

impl PauseStep {
    /// Reads it. `prorated` is credited with the next invoice, so that days that are made up for
    /// until then are not credited first and charged again after.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        let credits = [
            ("prorated", Settle::Next),
            ("none", Settle::None),
            ("next", Settle::Next),
            ("now", Settle::Now),
        ];
        Ok(Self {
            sub: f.need("sub")?.to_owned(),
            when: when(f)?,
            credit: f.word("credit", &credits)?,
            resume_on: f.parsed("resume_on")?,
        })
    }
}

/// `resume`.
#[derive(Debug, Clone)]
pub struct ResumeStep {
    /// Which subscription.
    pub sub: String,
    /// From when.
    pub when: ChangeTime,
    /// How the rest of the cycle is billed.
    pub proration: Option<Settle>,
}

impl ResumeStep {
    /// Reads it. What a paused cycle was credited says nothing of how it is charged again.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        f.only("credit", &["prorated"])?;
        Ok(Self {
            sub: f.need("sub")?.to_owned(),
            when: when(f)?,
            proration: f.word("proration", &SETTLE)?,
        })
    }
}

/// `uncancel`: which subscription.
///
/// # Errors
/// [`Trouble`].
pub fn uncancel(f: &mut Fields<'_>) -> Result<String, Trouble> {
    f.only("when", &["now"])?;
    Ok(f.need("sub")?.to_owned())
}

/// `withdraw`: a scheduled change does not happen.
#[derive(Debug, Clone)]
pub struct WithdrawStep {
    /// Which subscription.
    pub sub: String,
    /// Which change.
    pub change: u32,
}

impl WithdrawStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        Ok(Self { sub: f.need("sub")?.to_owned(), change: f.need_parsed("change")? })
    }
}

/// `set_renewal`: what follows the term.
#[derive(Debug, Clone)]
pub struct RenewalStep {
    /// Which subscription.
    pub sub: String,
    /// What follows.
    pub renewal: Renewal,
}

impl RenewalStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        let renewal = f.word("renewal", &RENEWALS)?.ok_or_else(|| f.missing("renewal"))?;
        Ok(Self { sub: f.need("sub")?.to_owned(), renewal })
    }
}

/// `quote`.
#[derive(Debug, Clone)]
pub struct QuoteStep {
    /// Its alias.
    pub id: String,
    /// To whom.
    pub customer: String,
    /// What is offered.
    pub plan: String,
    /// Which version.
    pub version: Option<u32>,
    /// What is not as in the plan.
    pub terms: TermsStep,
    /// The last day to accept it.
    pub valid_until: Date,
}

impl QuoteStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        Ok(Self {
            id: f.need("id")?.to_owned(),
            customer: f.need("customer")?.to_owned(),
            plan: f.need("plan")?.to_owned(),
            version: f.parsed("version")?,
            terms: TermsStep::read(f)?,
            valid_until: f.need_parsed("valid_until")?,
        })
    }
}

/// `accept`.
#[derive(Debug, Clone)]
pub struct AcceptStep {
    /// Which quote.
    pub quote: String,
    /// The alias of the subscription that begins.
    pub id: String,
    /// When it is invoiced.
    pub invoice: Option<InvoiceTiming>,
}

impl AcceptStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        Ok(Self {
            quote: f.need("quote")?.to_owned(),
            id: f.need("id")?.to_owned(),
            invoice: f.word("invoice", &INVOICED)?,
        })
    }
}
