//! How much is measured, and the commands that do it.
//!
//! Ids are numbered, in the form of a UUID version 7, so that the audit can tell from a stored
//! commit which command it was. Who pays and how much is spread by a fixed mixing function: two
//! runs with the same settings send the same amounts to the same customers.

use schemas::command::{
    AddCharge, ChargeInvoice, ChargePrice, DefineEntity, InvoiceRequest, OpenBook, RecordPayment,
    RegisterCustomer,
};
use schemas::ids::{ChargeId, CommandId, CustomerId, EntityId, PaymentId};
use schemas::terms::{BookClock, Profile, SeriesDefinition, SeriesKind};
use schemas::text::{Actor, BookName, Code};
use schemas::{Command, Contact, Currency, Minor};
use uuid::{Builder, Uuid};

use super::settings::EngineSettings;

/// The least and the most that a payment is, in cents; half the sum is the mean.
const LEAST: u64 = 1_00;
const MOST: u64 = 199_00;
/// The part of an id that counts.
const NUMBER: u128 = 0xffff_ffff;

/// How much is measured.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Plan {
    /// Customers that pay.
    pub(super) customers: u64,
    /// Invoices that each of them has open at first.
    pub(super) invoices: u64,
    /// Commands outstanding, level by level.
    pub(super) outstanding: Vec<u32>,
    /// A level ends after so many commands …
    pub(super) commands: u64,
    /// … or so many seconds.
    pub(super) seconds: u64,
    /// How often everything is measured; medians are reported.
    pub(super) rounds: u32,
    /// Syncs measured before and after each level.
    pub(super) syncs: u32,
    /// Read models fold so many commits.
    pub(super) view_commits: u64,
}

impl Plan {
    /// What is asked for.
    pub(super) fn of(settings: &EngineSettings) -> Self {
        let asked = Self {
            customers: settings.customers,
            invoices: settings.invoices,
            outstanding: settings.outstanding.clone(),
            commands: settings.commands,
            seconds: settings.seconds,
            rounds: settings.rounds,
            syncs: 100,
            view_commits: settings.view_commits,
        };
        if settings.quick { asked.quick() } else { asked }
    }

    /// Just enough to see that it works.
    fn quick(self) -> Self {
        Self {
            customers: self.customers.min(50),
            invoices: self.invoices.min(2),
            commands: self.commands.min(400),
            seconds: 1,
            rounds: 1,
            syncs: 5,
            view_commits: self.view_commits.min(500),
            ..self
        }
    }

    /// The most payments that a run can make.
    pub(super) fn most_payments(&self) -> u64 {
        self.commands * self.outstanding.len() as u64 * u64::from(self.rounds)
    }

    /// Every invoice's total: a quarter more in all than can be paid, so that payments find
    /// something open.
    pub(super) fn invoice_total(&self) -> Minor {
        let paid = self.most_payments() * LEAST.midpoint(MOST);
        let each = paid * 5 / 4 / (self.customers * self.invoices);
        Minor(i64::try_from(each).unwrap_or(i64::MAX).max(1_00))
    }

    /// What all invoices come to.
    pub(super) fn invoiced(&self) -> i128 {
        i128::from(self.invoice_total().0) * i128::from(self.customers * self.invoices)
    }
}

/// What an id is of; a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
enum Kind {
    Entity = 1,
    Customer,
    Charge,
    Payment,
    Register,
    AddCharge,
    Pay,
}

/// Makes the commands of a run.
#[derive(Debug)]
pub(super) struct Script {
    plan: Plan,
    /// Milliseconds since 1970: the leading part of a version 7 id.
    millis: u64,
    actor: Actor,
    currency: Currency,
    method: Code,
}

impl Script {
    /// The commands of a run that begins at this time, in microseconds since 1970.
    pub(super) fn new(plan: Plan, micros: i64) -> Self {
        Self {
            plan,
            millis: u64::try_from(micros / 1_000).unwrap_or(0),
            actor: "bench".parse().expect("a token of ASCII letters is an actor"),
            currency: "EUR".parse().expect("the euro is a currency"),
            method: "card".parse().expect("a token of ASCII letters is a code"),
        }
    }

    /// What it was made for.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The book's name.
    pub(super) fn book() -> BookName {
        "bench".parse().expect("a token of ASCII letters is a book's name")
    }

    /// The command that opens the book, on the machine's clock.
    pub(super) fn open() -> OpenBook {
        OpenBook {
            book: Self::book(),
            profile: Profile::Billfold1,
            policies: None,
            clock: BookClock::Wall,
        }
    }

    /// Who submits.
    pub(super) fn actor(&self) -> Actor {
        self.actor.clone()
    }

    /// Defines the seller.
    pub(super) fn define(&self) -> (CommandId, Command) {
        let series = |name: &str, kind, prefix: &str| SeriesDefinition {
            code: name.parse().expect("written here as a code"),
            kind,
            prefix: prefix.parse().expect("written here as a code"),
            digits: 7,
        };
        let command = DefineEntity {
            entity: self.entity(),
            name: "Bench".parse().expect("written here as a label"),
            zone: "Europe/Berlin".parse().expect("written here as a zone"),
            payment_terms_days: 14,
            series: vec![
                series("invoices", SeriesKind::Invoice, "I"),
                series("credit-notes", SeriesKind::CreditNote, "C"),
            ],
            document_retention_years: None,
            address: None,
            tax_ids: None,
        };
        (self.command_id(Kind::Entity, 0), command.into())
    }

    /// Registers customer `n`.
    pub(super) fn register(&self, n: u64) -> (CommandId, Command) {
        let command = RegisterCustomer {
            customer: self.customer(n),
            entity: self.entity(),
            external_id: Some(
                format!("account-{n:08}").parse().expect("letters and digits are an external id"),
            ),
            name: Contact::Clear(format!("Customer {n}")),
            email: None,
            currency: self.currency,
            zone: None,
            payment_terms_days: None,
            parent: None,
            address: None,
            tax_ids: None,
            purchase_order: None,
        };
        (self.command_id(Kind::Register, n), command.into())
    }

    /// Charges customer `n` modulo their number and invoices it at once.
    pub(super) fn charge(&self, n: u64) -> (CommandId, Command) {
        let command = AddCharge {
            customer: self.customer(n % self.plan.customers),
            charge: ChargeId::new(self.id(Kind::Charge, n)),
            description: "Service".parse().expect("written here as a text"),
            price: ChargePrice::Total(self.plan.invoice_total().of(self.currency)),
            quantity: None,
            service: None,
            invoice: Some(ChargeInvoice::Now(InvoiceRequest::default())),
        };
        (self.command_id(Kind::AddCharge, n), command.into())
    }

    /// Payment `n`, oldest invoice first.
    pub(super) fn pay(&self, n: u64) -> (CommandId, Command) {
        let command = RecordPayment {
            customer: self.customer(mixed(n) % self.plan.customers),
            payment: PaymentId::new(self.id(Kind::Payment, n)),
            amount: Self::amount(n).of(self.currency),
            external_id: None,
            method: Some(self.method.clone()),
            allocate: None,
        };
        (self.command_id(Kind::Pay, n), command.into())
    }

    /// How much payment `n` is.
    pub(super) fn amount(n: u64) -> Minor {
        let cents = LEAST + (mixed(n) >> 32) % (MOST - LEAST + 1);
        Minor(i64::try_from(cents).expect("at most 199.00"))
    }

    /// Which payment the command of this id was, if it was one.
    pub(super) fn payment_of(&self, id: CommandId) -> Option<u64> {
        let n = u64::try_from(id.uuid().as_u128() & NUMBER).ok()?;
        (self.command_id(Kind::Pay, n) == id).then_some(n)
    }

    fn entity(&self) -> EntityId {
        EntityId::new(self.id(Kind::Entity, 0))
    }

    /// The id of customer `n`.
    pub(super) fn customer(&self, n: u64) -> CustomerId {
        CustomerId::new(self.id(Kind::Customer, n))
    }

    fn command_id(&self, kind: Kind, n: u64) -> CommandId {
        CommandId::new(self.id(kind, n))
    }

    /// 48 bits of time, twelve of the kind, thirty that look random, 32 that count.
    fn id(&self, kind: Kind, n: u64) -> Uuid {
        let noise = mixed(n ^ (u64::from(kind as u16) << 48)) & 0x3fff_ffff;
        let high = (self.millis + n / 64) << 16 | u64::from(kind as u16);
        let low = noise << 32 | (n & 0xffff_ffff);
        let bits = u128::from(high) << 64 | u128::from(low);
        Builder::from_u128(bits).with_version(uuid::Version::SortRand).into_uuid()
    }
}

/// Spreads a count over 64 bits: the last step of `SplitMix64`.
fn mixed(n: u64) -> u64 {
    let z = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            customers: 10,
            invoices: 2,
            outstanding: vec![1, 8],
            commands: 100,
            seconds: 1,
            rounds: 1,
            syncs: 1,
            view_commits: 100,
        }
    }

    #[test]
    fn a_payment_is_known_by_its_command_id_and_nothing_else_is() {
        let script = Script::new(plan(), 1_790_000_000_000_000);
        for n in [0, 1, 63, 64, 1_000_000] {
            let (id, _) = script.pay(n);
            assert_eq!(script.payment_of(id), Some(n));
            assert_eq!(id.uuid().get_version_num(), 7);
        }
        assert_eq!(script.payment_of(script.register(1).0), None);
        assert_eq!(script.payment_of(script.charge(1).0), None);
    }

    #[test]
    fn invoices_are_a_quarter_more_than_payments_can_be() {
        let mean = i128::from(LEAST.midpoint(MOST));
        assert_eq!(plan().most_payments(), 200);
        assert_eq!(plan().invoiced(), 200 * mean * 5 / 4);
    }
}
