//! The keys of a mapping, each taken once; what is left is not supported.

use core::fmt::Display;
use core::ops::RangeInclusive;
use core::str::FromStr;

use schemas::Decimal;
use schemas::terms::{CalendarUnit, Every};

use crate::trouble::{Place, Trouble};
use crate::yaml::{Value, Yaml};

/// A mapping that is being read.
#[derive(Debug)]
pub struct Fields<'a> {
    name: String,
    place: Place,
    entries: &'a [(String, Yaml)],
    taken: Vec<bool>,
    /// Keys that were looked for: what there is.
    known: Vec<String>,
}

impl<'a> Fields<'a> {
    /// The mapping called `name`, in step `step`.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] for what is no mapping.
    pub fn of(name: &str, node: &'a Yaml, step: Option<usize>) -> Result<Self, Trouble> {
        let place = Place { step, line: node.line };
        let entries = node.entries().ok_or_else(|| {
            Trouble::wrong(place, format!("`{name}` is {}; write a mapping", node.told()))
        })?;
        let taken = vec![false; entries.len()];
        Ok(Self { name: name.to_owned(), place, entries, taken, known: Vec::new() })
    }

    /// There is something under the key.
    pub fn has(&mut self, key: &str) -> bool {
        self.offer([key]);
        let found = self.entries.iter().find(|(name, _)| name == key);
        found.is_some_and(|(_, node)| node.value != Value::Null)
    }

    /// The text of a key, which is not taken by looking at it.
    pub fn peek(&self, key: &str) -> Option<&'a str> {
        let found = self.entries.iter().find(|(name, _)| name == key);
        found.and_then(|(_, node)| node.text())
    }

    /// Keys that it may have beside those that are looked for.
    pub fn offer<'k>(&mut self, keys: impl IntoIterator<Item = &'k str>) {
        for key in keys {
            if !self.known.iter().any(|known| known == key) {
                self.known.push(key.to_owned());
            }
        }
    }

    /// Where it starts.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// A node of it as a place.
    pub const fn at(&self, node: &Yaml) -> Place {
        Place { step: self.place.step, line: node.line }
    }

    /// Where the value of a key stands; the mapping itself for a key that is not there.
    pub fn place_of(&self, key: &str) -> Place {
        let found = self.entries.iter().find(|(name, _)| name == key);
        found.map_or(self.place, |(_, node)| self.at(node))
    }

    /// Where the value of a key stands inside the mapping that another key has.
    pub fn place_in(&self, key: &str, inner: &str) -> Place {
        let found = self.entries.iter().find(|(name, _)| name == key);
        let found = found.and_then(|(_, node)| node.get(inner));
        found.map_or_else(|| self.place_of(key), |node| self.at(node))
    }

    /// The node of a key; none where it is missing or null.
    pub fn node(&mut self, key: &str) -> Option<&'a Yaml> {
        self.offer([key]);
        let index = self.entries.iter().position(|(name, _)| name == key)?;
        self.taken[index] = true;
        let node = &self.entries[index].1;
        (node.value != Value::Null).then_some(node)
    }

    /// The text of a key.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] for a list or a mapping.
    pub fn text(&mut self, key: &str) -> Result<Option<&'a str>, Trouble> {
        let Some(node) = self.node(key) else { return Ok(None) };
        let wrong = || {
            let why = format!("`{key}` of `{}` is {}; write a text", self.name, node.kind());
            Trouble::wrong(Place { step: self.place.step, line: node.line }, why)
        };
        node.text().map(Some).ok_or_else(wrong)
    }

    /// The text of a key that must be there.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] when it is not.
    pub fn need(&mut self, key: &str) -> Result<&'a str, Trouble> {
        let found = self.text(key)?;
        found.ok_or_else(|| self.missing(key))
    }

    /// The trouble of a key that is not there.
    pub fn missing(&self, key: &str) -> Trouble {
        Trouble::wrong(self.place, format!("`{}` has no `{key}`", self.name))
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] with what its type says.
    pub fn parsed<T>(&mut self, key: &str) -> Result<Option<T>, Trouble>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text(key)?.map(|text| self.parse(key, text)).transpose()
    }

    /// The value of a key that must be there.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] when it is not, or cannot be read.
    pub fn need_parsed<T>(&mut self, key: &str) -> Result<T, Trouble>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.need(key)?;
        self.parse(key, text)
    }

    fn parse<T>(&self, key: &str, text: &str) -> Result<T, Trouble>
    where
        T: FromStr,
        T::Err: Display,
    {
        text.parse().map_err(|error: T::Err| self.wrong(key, &error))
    }

    /// The trouble of a value.
    pub fn wrong(&self, key: &str, why: &dyn Display) -> Trouble {
        Trouble::wrong(self.place_of(key), format!("`{key}` of `{}`: {why}", self.name))
    }

    /// The trouble of one value of the mapping that a key has.
    pub fn wrong_in(&self, key: &str, inner: &str, why: &dyn Display) -> Trouble {
        let why = format!("`{key}` of `{}`: {why}", self.name);
        Trouble::wrong(self.place_in(key, inner), why)
    }

    /// The trouble of a value that billfold does not have yet.
    pub fn unsupported(&self, key: &str, value: &str) -> Trouble {
        let what = format!("`{key}: {value}` of `{}`", self.name);
        Trouble::unsupported(self.place_of(key), what)
    }

    /// The trouble of a value that is none of those that there are.
    pub fn unknown<T: Into<String>>(
        &self,
        key: &str,
        value: &str,
        allowed: impl IntoIterator<Item = T>,
    ) -> Trouble {
        let what = format!("`{key}: {value}` of `{}`", self.name);
        Trouble::unknown(self.place_of(key), what, allowed)
    }

    /// A decimal; none where it is missing or zero. Many keys of the format mean nothing by 0.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] for what is no decimal.
    pub fn not_zero(&mut self, key: &str) -> Result<Option<Decimal>, Trouble> {
        Ok(self.parsed::<Decimal>(key)?.filter(|value| !value.is_zero()))
    }

    /// `true` or `false`; `false` if left out.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] for another word.
    pub fn flag(&mut self, key: &str) -> Result<bool, Trouble> {
        Ok(self.word(key, &[("true", true), ("false", false)])?.unwrap_or(false))
    }

    /// A whole number among those that are allowed.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] for any other, and for what is no whole number.
    pub fn whole(
        &mut self,
        key: &str,
        allowed: RangeInclusive<u32>,
    ) -> Result<Option<u32>, Trouble> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        number.map(Some).ok_or_else(|| {
            let (from, most) = allowed.into_inner();
            let to = if most == u32::MAX { "on".to_owned() } else { format!("to {most}") };
            self.wrong(key, &format!("{text:?} is no whole number from {from} {to}; write one"))
        })
    }

    /// One of the words.
    ///
    /// # Errors
    /// [`Trouble::Unsupported`] for a word that is not among them, and for what is no word.
    pub fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, Trouble> {
        let Some(node) = self.node(key) else { return Ok(None) };
        let text = node.text().unwrap_or(node.kind());
        let found = words.iter().find(|(word, _)| node.text() == Some(*word));
        let unknown = || self.unknown(key, text, words.iter().map(|(word, _)| *word));
        found.map(|(_, value)| Some(*value)).ok_or_else(unknown)
    }

    /// A key that says only what billfold does anyway.
    ///
    /// # Errors
    /// [`Trouble::Unsupported`] when it says something else.
    pub fn only(&mut self, key: &str, allowed: &[&str]) -> Result<(), Trouble> {
        let words: Vec<(&str, ())> = allowed.iter().map(|word| (*word, ())).collect();
        self.word(key, &words).map(|_| ())
    }

    /// A length such as `3 months`.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] for anything else.
    pub fn every(&mut self, key: &str) -> Result<Option<Every>, Trouble> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        every(text).map(Some).ok_or_else(|| {
            self.wrong(key, &format!("{text:?} is no length; write N days, weeks, months or years"))
        })
    }

    /// A number of days, such as `14 days` or `2 weeks`.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] for months and years, whose days differ.
    pub fn days(&mut self, key: &str) -> Result<Option<u16>, Trouble> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        days(text)
            .map(Some)
            .ok_or_else(|| self.wrong(key, &format!("{text:?} is no number of days; write N days")))
    }

    /// The items of a list; none where it is missing.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] for what is no list.
    pub fn list(&mut self, key: &str) -> Result<&'a [Yaml], Trouble> {
        let Some(node) = self.node(key) else { return Ok(&[]) };
        match &node.value {
            Value::List(items) => Ok(items),
            Value::Null | Value::Text(_) | Value::Map(_) => {
                let why = format!("`{key}` of `{}` is {}; write a list", self.name, node.told());
                Err(Trouble::wrong(self.at(node), why))
            }
        }
    }

    /// The texts of a mapping; none where it is missing.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] for what is no mapping of texts.
    pub fn texts(&mut self, key: &str) -> Result<Vec<(&'a str, &'a str)>, Trouble> {
        let Some(node) = self.node(key) else { return Ok(Vec::new()) };
        let name = &self.name;
        let entries = node.entries().ok_or_else(|| {
            let why = format!("`{key}` of `{name}` is {}; write a mapping of texts", node.told());
            Trouble::wrong(self.at(node), why)
        })?;
        let text = |(inner, value): &'a (String, Yaml)| {
            let text = value.text().ok_or_else(|| {
                let kind = value.kind();
                let why = format!("`{inner}` in `{key}` of `{name}` is {kind}; write a text");
                Trouble::wrong(self.at(value), why)
            })?;
            Ok((inner.as_str(), text))
        };
        entries.iter().map(text).collect()
    }

    /// Keys that were not taken yet, in order.
    pub fn rest(&self) -> Vec<&'a str> {
        let left = self.entries.iter().zip(&self.taken).filter(|(_, taken)| !**taken);
        left.map(|((key, _), _)| key.as_str()).collect()
    }

    /// Nothing is left.
    ///
    /// # Errors
    /// [`Trouble::Unsupported`] names the first key that was not taken.
    pub fn done(&self) -> Result<(), Trouble> {
        let left = self.entries.iter().zip(&self.taken).find(|(_, taken)| !**taken);
        let Some(((key, node), _)) = left else { return Ok(()) };
        let what = format!("key `{key}` of `{}`", self.name);
        Err(Trouble::unknown(self.at(node), what, self.known.iter().map(String::as_str)))
    }
}

/// `N day|week|month|year`, in the singular or the plural; the number may be left out.
pub(crate) fn every(text: &str) -> Option<Every> {
    let (count, unit) = text.trim().split_once(' ').unwrap_or(("1", text.trim()));
    let unit = match unit.trim() {
        "day" | "days" => CalendarUnit::Day,
        "week" | "weeks" => CalendarUnit::Week,
        "month" | "months" => CalendarUnit::Month,
        "year" | "years" => CalendarUnit::Year,
        _ => return None,
    };
    Some(Every { count: count.parse().ok()?, unit })
}

/// A number of days: `14`, `14 days` or `2 weeks`.
pub(crate) fn days(text: &str) -> Option<u16> {
    let length = every(text).and_then(|every| match every.unit {
        CalendarUnit::Day => Some(every.count),
        CalendarUnit::Week => every.count.checked_mul(7),
        CalendarUnit::Month | CalendarUnit::Year => None,
    });
    length.or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    #[test]
    fn a_key_that_nobody_takes_is_named_with_its_step_and_line() {
        let node = &parse("id: c\nshoe_size: 44\n").expect("YAML")[0];
        let mut fields = Fields::of("customer", node, Some(3)).expect("a mapping");
        assert_eq!(fields.need("id"), Ok("c"));
        let trouble = fields.done().expect_err("left");
        let text = "step 3 (line 2): key `shoe_size` of `customer` is not supported; there is id";
        assert_eq!(trouble.to_string(), text);
    }

    #[test]
    fn lengths_are_numbers_of_calendar_units() {
        let node = &parse("{a: 3 months, b: 1 year, c: week, d: 14 days, e: 2 weeks, f: 1 month}")
            .expect("YAML")[0];
        let mut fields = Fields::of("plan", node, None).expect("a mapping");
        let of = |count, unit| Ok(Some(Every { count, unit }));
        assert_eq!(fields.every("a"), of(3, CalendarUnit::Month));
        assert_eq!(fields.every("b"), of(1, CalendarUnit::Year));
        assert_eq!(fields.every("c"), of(1, CalendarUnit::Week));
        assert_eq!(fields.days("d"), Ok(Some(14)));
        assert_eq!(fields.days("e"), Ok(Some(14)));
        assert!(fields.days("f").is_err());
    }

    #[test]
    fn nothing_is_as_if_it_were_left_out() {
        let node = &parse("{a: ~, b: \"0.00\", c: []}").expect("YAML")[0];
        let mut fields = Fields::of("x", node, None).expect("a mapping");
        assert_eq!(fields.text("a"), Ok(None));
        assert_eq!(fields.not_zero("b"), Ok(None));
        assert_eq!(fields.list("c").map(<[Yaml]>::len), Ok(0));
        assert_eq!(fields.done(), Ok(()));
    }
}
