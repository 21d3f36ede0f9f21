//! Where a seller or a customer lives, and how tax authorities know it.
//!
//! # Shape
//!
//! The same two forms for every party; they differ in what their texts are. A seller is known to
//! the public, so its texts are [`Label`]s. A customer may be a person: its texts are
//! [`Contact`]s, sealed, and [`Personal`] on a document. The country and the scheme of a tax id
//! stay clear, because taxes and reports go by them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::country::Country;
use crate::personal::{Contact, Personal};
use crate::text::{Code, Label};

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "{T}Address")]
pub struct Address<T> {
    /// What stands above the city, such as the street; 1 to 6 lines.
    pub lines: Vec<T>,
    /// The postal code, where there is one.
    pub postal_code: Option<T>,
    /// The city.
    pub city: T,
    /// The country.
    pub country: Country,
}

impl<T> Address<T> {
    /// Its texts, in the order of an envelope.
    pub fn texts(&self) -> impl Iterator<Item = &T> {
        self.lines.iter().chain(&self.postal_code).chain([&self.city])
    }

    /// The same, to be sealed or opened.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.lines.iter_mut().chain(&mut self.postal_code).chain([&mut self.city])
    }

    /// The address with other texts.
    pub fn with<U>(&self, text: impl Fn(&T) -> U) -> Address<U> {
        Address {
            lines: self.lines.iter().map(&text).collect(),
            postal_code: self.postal_code.as_ref().map(&text),
            city: text(&self.city),
            country: self.country,
        }
    }
}

/// A number by which a tax authority knows a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "{T}TaxId")]
pub struct TaxId<T> {
    /// What kind of number, such as `eu_vat`.
    pub scheme: Code,
    /// The number, as it is printed.
    pub value: T,
}

impl<T> TaxId<T> {
    /// The tax id with another text.
    pub fn with<U>(&self, text: impl Fn(&T) -> U) -> TaxId<U> {
        TaxId { scheme: self.scheme.clone(), value: text(&self.value) }
    }
}

/// A seller, as its documents show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SellerSnapshot {
    /// Legal name.
    pub name: Label,
    /// Where it is.
    pub address: Option<Address<Label>>,
    /// How tax authorities know it.
    pub tax_ids: Vec<TaxId<Label>>,
}

/// A customer, as a document shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerSnapshot {
    /// Name.
    pub name: Personal,
    /// The mail address that it goes to.
    pub email: Option<Personal>,
    /// The postal address.
    pub address: Option<Address<Personal>>,
    /// How tax authorities know it.
    pub tax_ids: Vec<TaxId<Personal>>,
}

impl CustomerSnapshot {
    /// Its texts, to be sealed or opened.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut Personal> {
        let address = self.address.iter_mut().flat_map(Address::texts_mut);
        let tax_ids = self.tax_ids.iter_mut().map(|tax_id| &mut tax_id.value);
        [&mut self.name].into_iter().chain(&mut self.email).chain(address).chain(tax_ids)
    }
}

impl Address<Contact> {
    /// Whether both say the same, as far as can be told without opening them.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let same_form = self.country == other.country
            && self.lines.len() == other.lines.len()
            && self.postal_code.is_some() == other.postal_code.is_some();
        same_form && self.texts().zip(other.texts()).all(|(one, other)| one.says_the_same(other))
    }
}

impl TaxId<Contact> {
    /// Whether both say the same, as far as can be told without opening them.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.value.says_the_same(&other.value)
    }
}
