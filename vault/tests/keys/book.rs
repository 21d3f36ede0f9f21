//! A book of customers, as far as keys know one.

use std::sync::Arc;

use event_log::sim::SimDisk;
use schemas::command::{GrantCredit, RegisterCustomer, ReversePayment};
use schemas::ids::{CommandId, CustomerId};
use schemas::personal::SealedText;
use schemas::{Command, Contact, Currency, Minor, Personal};
use uuid::Uuid;
use vault::{Absent, KeyRing, Opened, Place, Sealing, Vault, VaultError};

pub(crate) const LOG: [u8; 16] = [9; 16];

pub(crate) fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(crate) fn customer(n: u128) -> CustomerId {
    CustomerId::new(id(n))
}

fn eur() -> Currency {
    "EUR".parse().expect("a currency")
}

/// Room for a few keys, so that a simulated disk has little to write.
pub(crate) fn place(disk: &SimDisk) -> Place {
    Place::on(Arc::new(disk.clone())).with_room(16)
}

pub(crate) fn open(disk: &SimDisk) -> Vault {
    Vault::open(&place(disk), LOG, Absent::Make, |_| true).expect("a sound disk")
}

pub(crate) fn register(n: u128, name: &str) -> Command {
    RegisterCustomer {
        customer: customer(n),
        entity: schemas::ids::EntityId::new(id(1)),
        external_id: None,
        name: Contact::Clear(name.to_owned()),
        email: Some(Contact::Clear(format!("{}@example.com", name.to_lowercase()))),
        currency: eur(),
        zone: None,
        payment_terms_days: None,
        parent: None,
        address: None,
        tax_ids: None,
        purchase_order: None,
    }
    .into()
}

pub(crate) fn reverse(n: u128, why: &str) -> Command {
    let reason = Personal::Clear(why.to_owned());
    let payment = schemas::ids::PaymentId::new(id(n));
    ReversePayment { customer: customer(n), payment, reason }.into()
}

pub(crate) fn grant(n: u128, why: &str) -> Command {
    let reason = Personal::Clear(why.to_owned());
    let grant = schemas::ids::CreditGrantId::new(id(n));
    GrantCredit::plain(customer(n), grant, Minor(100).of(eur()), reason).into()
}

/// Seals a command without keeping what it needs.
pub(crate) fn seal(vault: &Vault, command: &mut Command) -> Sealing {
    let id = CommandId::new(id(7));
    vault.seal(command, &mut None, id).expect("sealed")
}

/// Seals a registration and keeps its keys; what is sealed under the own and the other key.
pub(crate) fn registered(vault: &Vault, n: u128, name: &str) -> (SealedText, SealedText) {
    try_registered(vault, n, name).expect("a sound disk")
}

pub(crate) fn try_registered(
    vault: &Vault,
    n: u128,
    name: &str,
) -> Result<(SealedText, SealedText), VaultError> {
    let mut command = register(n, name);
    let sealing = vault.seal(&mut command, &mut None, CommandId::new(id(7)))?;
    vault.keep(sealing.fresh.iter())?;
    Ok(name_of(&command))
}

/// Both seals of the name in a registration.
pub(crate) fn name_of(command: &Command) -> (SealedText, SealedText) {
    let register: &RegisterCustomer = command.get().expect("a registration");
    match &register.name {
        Contact::Sealed { own, document, .. } => (own.clone(), document.clone()),
        Contact::Clear(_) => panic!("the name is in clear"),
    }
}

/// The text of a sealed value.
pub(crate) fn sealed(personal: &Personal) -> &SealedText {
    match personal {
        Personal::Sealed(sealed) => sealed,
        Personal::Clear(_) => panic!("the text is in clear"),
    }
}

pub(crate) fn reads(ring: &KeyRing, sealed: &SealedText, text: &str) -> bool {
    ring.open(sealed) == Opened::Text(text.to_owned())
}
