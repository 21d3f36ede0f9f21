//! Steps about discounts, charges, invoices, payments and credit.

use schemas::terms::DiscountDuration;
use schemas::{Decimal, Interval};

use super::super::fields::Fields;
use super::super::trouble::Trouble;
use super::catalog::{OffStep, duration};

/// `discount`.
#[derive(Debug, Clone)]
pub struct DiscountStep {
    /// Its alias.
    pub id: String,
    /// A customer, a subscription, a price or a product.
    pub on: String,
    /// Whose price, where several subscriptions have it.
    pub sub: Option<String>,
    /// How much.
    pub off: OffStep,
    /// How long.
    pub duration: DiscountDuration,
}

impl DiscountStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        Ok(Self {
            id: f.need("id")?.to_owned(),
            on: f.need("on")?.to_owned(),
            sub: f.text("sub")?.map(str::to_owned),
            off: OffStep::read(f)?,
            duration: duration(f)?,
        })
    }
}

/// `remove_discount`: which one. What else is said of it was said when it was given.
///
/// # Errors
/// [`Trouble`].
pub fn remove_discount(f: &mut Fields<'_>) -> Result<String, Trouble> {
    let _on = f.text("on")?;
    Ok(f.need("id")?.to_owned())
}

/// `redeem`.
#[derive(Debug, Clone)]
pub struct RedeemStep {
    /// Which coupon.
    pub coupon: String,
    /// Who redeems it.
    pub customer: String,
    /// The alias of the discount that it gives; the coupon's and the customer's if left out.
    pub id: Option<String>,
    /// On what; the customer if left out.
    pub on: Option<String>,
}

impl RedeemStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        Ok(Self {
            coupon: f.need("coupon")?.to_owned(),
            customer: f.need("customer")?.to_owned(),
            id: f.text("id")?.map(str::to_owned),
            on: f.text("on")?.map(str::to_owned),
        })
    }
}

/// `charge`.
#[derive(Debug, Clone)]
pub struct ChargeStep {
    /// Its alias.
    pub id: String,
    /// Who pays.
    pub customer: String,
    /// A total, in major units.
    pub amount: Option<String>,
    /// The price of one unit.
    pub unit: Option<Decimal>,
    /// How many units.
    pub quantity: Option<Decimal>,
    /// Over which days it is earned.
    pub service: Option<Interval>,
    /// On an invoice of its own.
    pub now: bool,
}

impl ChargeStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`]; tax, obligations and other schedules are not supported.
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        f.only("schedule", &["by_day", "day"])?;
        let amount = f.text("amount")?.map(str::to_owned);
        let unit = f.parsed("unit")?;
        if amount.is_some() == unit.is_some() {
            return Err(Trouble::wrong(f.place(), "a charge has an `amount` or a `unit`"));
        }
        Ok(Self {
            id: f.need("id")?.to_owned(),
            customer: f.need("customer")?.to_owned(),
            amount,
            unit,
            quantity: f.parsed("quantity")?,
            service: f.parsed("service")?,
            now: f.word("invoice", &[("now", true), ("next", false)])?.unwrap_or(false),
        })
    }
}

/// `finalize`: all that waits for a customer is invoiced.
#[derive(Debug, Clone)]
pub struct FinalizeStep {
    /// For whom; the only customer if left out.
    pub customer: Option<String>,
    /// The name that the invoice is to get, or has.
    pub invoice: Option<String>,
}

impl FinalizeStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        Ok(Self {
            customer: f.text("customer")?.map(str::to_owned),
            invoice: f.text("invoice")?.map(str::to_owned),
        })
    }
}

/// `void`.
#[derive(Debug, Clone)]
pub struct VoidStep {
    /// Which invoice.
    pub invoice: String,
    /// Its cycles and charges are billed again.
    pub rebill: bool,
}

impl VoidStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        Ok(Self { invoice: f.need("invoice")?.to_owned(), rebill: f.flag("rebill")? })
    }
}

/// `grant_credit`.
#[derive(Debug, Clone)]
pub struct GrantStep {
    /// Its alias; numbered if left out.
    pub id: Option<String>,
    /// Who gets it.
    pub customer: String,
    /// How much, in major units.
    pub amount: String,
}

impl GrantStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`]; credit that expires is not supported.
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        Ok(Self {
            id: f.text("id")?.map(str::to_owned),
            customer: f.need("customer")?.to_owned(),
            amount: f.need("amount")?.to_owned(),
        })
    }
}

/// `pay`.
#[derive(Debug, Clone)]
pub struct PayStep {
    /// Its alias.
    pub id: String,
    /// Who pays; whoever owes the invoice, or the only customer, if left out.
    pub customer: Option<String>,
    /// How much, in major units.
    pub amount: String,
    /// Which invoices it settles; oldest first if left out.
    pub allocate: Option<Vec<(String, String)>>,
}

impl PayStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`]; only settled payments in the invoice's currency are supported.
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        f.only("state", &["settled"])?;
        if let Some(rate) = f.parsed::<Decimal>("rate")?.filter(|rate| *rate != Decimal::ONE) {
            return Err(f.unsupported("rate", &rate.to_string()));
        }
        let owned = |(invoice, amount): (&str, &str)| (invoice.to_owned(), amount.to_owned());
        let allocate = match f.node("allocate") {
            None => None,
            Some(_) => Some(f.texts("allocate")?.into_iter().map(owned).collect()),
        };
        Ok(Self {
            id: f.need("id")?.to_owned(),
            customer: f.text("customer")?.map(str::to_owned),
            amount: f.need("amount")?.to_owned(),
            allocate,
        })
    }
}

/// What a refund does to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Invoices are open again.
    Reopen,
    /// Invoices are credited.
    CreditNote,
    /// It is taken from customer credit.
    CustomerCredit,
}

/// `refund`.
#[derive(Debug, Clone)]
pub struct RefundStep {
    /// Its alias; numbered if left out.
    pub id: Option<String>,
    /// Of which payment.
    pub payment: String,
    /// How much, in major units.
    pub amount: String,
    /// What it does.
    pub effect: Effect,
}

impl RefundStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        let effects = [
            ("reopen", Effect::Reopen),
            ("credit_note", Effect::CreditNote),
            ("customer_credit", Effect::CustomerCredit),
        ];
        Ok(Self {
            id: f.text("id")?.map(str::to_owned),
            payment: f.need("payment")?.to_owned(),
            amount: f.need("amount")?.to_owned(),
            effect: f.word("effect", &effects)?.unwrap_or(Effect::Reopen),
        })
    }
}

/// `credit_note`.
#[derive(Debug, Clone)]
pub struct NoteStep {
    /// Its alias.
    pub id: String,
    /// Of which invoice.
    pub invoice: String,
    /// Which lines, and by how much in major units.
    pub lines: Vec<(u32, String)>,
}

impl NoteStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`]; only what is still owed can be credited.
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        f.only("to", &["receivable"])?;
        let written = f.texts("lines")?;
        let line = |(line, amount): (&str, &str)| match line.parse() {
            Ok(line) => Ok((line, amount.to_owned())),
            Err(_) => Err(f.wrong("lines", &format!("{line:?} is no number of a line"))),
        };
        let lines = written.into_iter().map(line).collect::<Result<_, _>>()?;
        Ok(Self { id: f.need("id")?.to_owned(), invoice: f.need("invoice")?.to_owned(), lines })
    }
}
