//! The fields of a command, read by its published schema.
//!
//! # Shape
//!
//! A node of a file becomes the JSON that the command has: an alias where an id is expected, an
//! amount in the customer's currency, a length such as `3 months`, and so on by the name of the
//! type. What has no short form is read as it is written.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use schemas::{Command, Currency, Date, Money, Timestamp, ZoneName};
use serde_json::{Map, Value, json};

use crate::fields::{days, every};
use crate::names::Names;
use crate::trouble::{Place, Trouble};
use crate::yaml::{self, Yaml};

/// The schema of one command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape(&'static Value);

/// What reading a value needs beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) names: &'a Names,
    /// What amounts without a currency are in.
    pub(crate) currency: Currency,
    /// What the mapping is called that is read.
    pub(crate) verb: &'a str,
    pub(crate) step: Option<usize>,
}

impl Shape {
    /// The schema of a command by its public name.
    pub(crate) fn of(command: &str) -> Option<Self> {
        static ALL: OnceLock<BTreeMap<&'static str, Value>> = OnceLock::new();
        let all = ALL.get_or_init(|| {
            let schemas = Command::json_schemas().into_iter();
            schemas.map(|(name, schema)| (name, schema.to_value())).collect()
        });
        all.get(command).map(Self)
    }

    /// The names of its fields.
    pub(crate) fn keys(self) -> impl Iterator<Item = &'static str> {
        let fields = self.0.get("properties").and_then(Value::as_object);
        fields.into_iter().flat_map(Map::keys).map(String::as_str)
    }

    /// The fields that must be there.
    pub(crate) fn required(self) -> impl Iterator<Item = &'static str> {
        let required = self.0.get("required").and_then(Value::as_array);
        required.into_iter().flatten().filter_map(Value::as_str)
    }

    /// The name of the type of a field; none for what has no name.
    pub(crate) fn type_of(self, key: &str) -> Option<&'static str> {
        type_name(without_null(self.0.get("properties")?.get(key)?))
    }

    /// The field holds an id.
    pub(crate) fn is_id(self, key: &str) -> bool {
        self.type_of(key).is_some_and(|name| name.ends_with("Id") && name != "ExternalId")
    }

    /// What a field holds, by what stands under a key of the file.
    ///
    /// # Errors
    /// [`Trouble`] for what cannot be read as that field.
    pub(crate) fn read(
        self,
        field: &str,
        key: &str,
        node: &Yaml,
        around: Around<'_>,
    ) -> Result<Value, Trouble> {
        self.field(self.0, field, key, node, around)
    }

    /// The same of a field of a type that the command has inside.
    ///
    /// # Errors
    /// As [`Shape::read`].
    pub(crate) fn read_inside(
        self,
        (inside, field): (&str, &str),
        key: &str,
        node: &Yaml,
        around: Around<'_>,
    ) -> Result<Value, Trouble> {
        self.field(self.definition(inside).unwrap_or(self.0), field, key, node, around)
    }

    fn field(
        self,
        of: &Value,
        field: &str,
        key: &str,
        node: &Yaml,
        around: Around<'_>,
    ) -> Result<Value, Trouble> {
        let place = Place { step: around.step, line: node.line };
        let Some(schema) = of.get("properties").and_then(|fields| fields.get(field)) else {
            // The command changed, and a short form names a field that it no longer has.
            return Err(Trouble::unsupported(place, format!("`{key}` of `{}`", around.verb)));
        };
        let is_days = field.ends_with("_days");
        Reader { shape: self, key, place, is_days, around }.value(node, schema)
    }

    fn definition(self, name: &str) -> Option<&'static Value> {
        self.0.get("$defs")?.get(name)
    }
}

/// The name of a type that is defined for itself.
fn type_name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// The schema of what may also be left out.
fn without_null(schema: &Value) -> &Value {
    let is_null = |schema: &&Value| schema.get("type").is_some_and(|name| name == "null");
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let found = choices.and_then(|choices| choices.iter().find(|choice| !is_null(choice)));
    found.unwrap_or(schema)
}

/// Reads one field with all that is inside.
#[derive(Clone, Copy)]
struct Reader<'a> {
    shape: Shape,
    /// The key, as the file has it.
    key: &'a str,
    /// Where the value stands that is being read, be it far inside.
    place: Place,
    /// Whole numbers are days, and may be written as lengths.
    is_days: bool,
    around: Around<'a>,
}

impl Reader<'_> {
    /// Reads a value, or one inside another, as the schema has it.
    fn value(&self, node: &Yaml, schema: &Value) -> Result<Value, Trouble> {
        Reader { place: self.at(node), ..*self }.read(node, schema)
    }

    fn read(&self, node: &Yaml, schema: &Value) -> Result<Value, Trouble> {
        if node.value == yaml::Value::Null {
            return Ok(Value::Null);
        }
        let schema = without_null(schema);
        if let Some(name) = type_name(schema) {
            if let Some(value) = self.short(name, node)? {
                return Ok(value);
            }
            return match self.shape.definition(name) {
                Some(definition) => self.read(node, definition),
                None => Err(self.wrong(&format!("is of the type {name}, which is not published"))),
            };
        }
        if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
            return self.choice(node, choices);
        }
        match &node.value {
            yaml::Value::Null => Ok(Value::Null),
            yaml::Value::Text(text) => self.text(text, schema),
            yaml::Value::List(items) => match schema.get("items") {
                Some(item) => items.iter().map(|node| self.value(node, item)).collect(),
                None => Err(self.wrong("here is a list; write one value")),
            },
            yaml::Value::Map(entries) => self.fields(entries, schema),
        }
    }

    /// The fields of a mapping; or any keys, where the schema names none.
    fn fields(&self, entries: &[(String, Yaml)], schema: &Value) -> Result<Value, Trouble> {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        let mut read = Map::new();
        for (key, node) in entries {
            let known = properties.and_then(|properties| properties.get(key)).or(others);
            let Some(known) = known else {
                let place = self.at(node);
                let keys = properties.into_iter().flat_map(Map::keys).map(String::as_str);
                return Err(Trouble::unknown(
                    place,
                    format!("key `{key}` of `{}`", self.key),
                    keys,
                ));
            };
            read.insert(key.clone(), self.value(node, known)?);
        }
        Ok(Value::Object(read))
    }

    fn text(&self, text: &str, schema: &Value) -> Result<Value, Trouble> {
        let names = match schema.get("type") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(name)) => vec![name.as_str()],
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
                Vec::new()
            }
        };
        if names.contains(&"boolean") {
            return match text {
                "true" => Ok(true.into()),
                "false" => Ok(false.into()),
                _ => Err(self.wrong(&format!("{text:?} is neither true nor false; write either"))),
            };
        }
        if names.contains(&"integer") {
            let number = text.parse::<i64>().ok();
            let number = number.or_else(|| days(text).filter(|_| self.is_days).map(i64::from));
            let bound = |name| schema.get(name).and_then(Value::as_i64);
            let (least, most) = (bound("minimum"), bound("maximum"));
            let fits = |number: i64| {
                least.is_none_or(|least| least <= number) && most.is_none_or(|most| number <= most)
            };
            return number.filter(|number| fits(*number)).map(Value::from).ok_or_else(|| {
                let from = least.map_or_else(String::new, |least| format!(" from {least}"));
                let to = most.map_or_else(String::new, |most| format!(" to {most}"));
                self.wrong(&format!("{text:?} is no whole number{from}{to}; write one"))
            });
        }
        if names.contains(&"string") {
            return Ok(text.into());
        }
        Err(self.wrong(&format!("{text:?} is a text; write a list or a mapping")))
    }

    /// One of several: a word, or a mapping with one key.
    fn choice(&self, node: &Yaml, choices: &[Value]) -> Result<Value, Trouble> {
        let unknown = |what: String| {
            let what = format!("`{}: {what}` of `{}`", self.key, self.around.verb);
            Trouble::unknown(self.place, what, choices.iter().filter_map(shown))
        };
        if let Some(text) = node.text() {
            let found = choices.iter().find_map(|choice| self.worded(text, choice));
            return found.ok_or_else(|| unknown(text.to_owned()));
        }
        let entries = node.entries().unwrap_or_default();
        let [(name, content)] = entries else {
            // Some types have several keys, and are told apart by them.
            let whole = choices.iter().find(|choice| {
                let known = |(key, _): &(String, Yaml)| property(choice, key).is_some();
                !entries.is_empty() && entries.iter().all(known)
            });
            return match whole {
                Some(choice) => self.fields(entries, choice),
                None => Err(unknown(node.kind().to_owned())),
            };
        };
        let Some(schema) = choices.iter().find_map(|choice| property(choice, name)) else {
            return Err(unknown(format!("{{{name}: …}}")));
        };
        Ok(json!({name: self.value(content, schema)?}))
    }

    /// A choice that a word stands for: the word itself, a name whose content may be left out, or a
    /// date where the choice holds one.
    fn worded(&self, text: &str, choice: &Value) -> Option<Value> {
        if choice.get("const").is_some_and(|word| word == text) {
            return Some(text.into());
        }
        let Some(properties) = choice.get("properties").and_then(Value::as_object) else {
            let is_text = choice.get("const").is_none() && choice.get("type")? == "string";
            return is_text.then(|| text.into());
        };
        let (name, content) = properties.iter().next()?;
        if type_name(content) == Some("Date") && text.parse::<Date>().is_ok() {
            return Some(json!({name: text}));
        }
        if name != text {
            return None;
        }
        if content.get("anyOf").is_some() {
            return Some(json!({name: null}));
        }
        let definition = self.shape.definition(type_name(content)?)?;
        let is_optional =
            definition.get("type")? == "object" && definition.get("required").is_none();
        is_optional.then(|| json!({name: {}}))
    }

    /// The short form of a type; none if it has none, or the value is written out.
    fn short(&self, type_name: &str, node: &Yaml) -> Result<Option<Value>, Trouble> {
        let Around { names, currency, .. } = self.around;
        if let Some(entries) = node.entries() {
            return self.short_mapping(type_name, entries);
        }
        let Some(text) = node.text() else { return Ok(None) };
        if let Some(id) = names.id_of_type(type_name, text) {
            return Ok(Some(id.into()));
        }
        let no = |what: &str| self.wrong(&format!("{text:?} is {what}"));
        Ok(match type_name {
            "Money" => Some(json!(money(text, currency).map_err(|why| self.wrong(&why))?)),
            "UnitPrice" => Some(json!({"amount": text, "currency": currency})),
            "Every" => {
                let what = "no length; write N days, weeks, months or years";
                Some(json!(every(text).ok_or_else(|| no(what))?))
            }
            "TermRequest" => {
                let what = "no length; write N days, weeks, months or years";
                let length = every(text).ok_or_else(|| no(what))?;
                Some(json!({"length": length, "renewal": "renew"}))
            }
            "Timestamp" => {
                let what = "no instant; write one such as 2019-04-01T00:00:00Z";
                Some(json!(instant(text, &names.zone).ok_or_else(|| no(what))?))
            }
            "Activation" => {
                let hours = text.strip_suffix("hours").or_else(|| text.strip_suffix("hour"));
                let hours = hours.unwrap_or(text).trim().parse::<u16>();
                let hours = hours.map_err(|_| self.wrong("write N hours"))?;
                Some(json!({"expires_after_hours": hours}))
            }
            "DiscountDuration" => {
                let count = text.strip_suffix("cycles").or_else(|| text.strip_suffix("cycle"));
                let count = count.and_then(|count| count.trim().parse::<u32>().ok());
                count.map(|count| json!({"cycles": count}))
            }
            "DiscountTarget" => {
                let what = "no customer, subscription, price or product; name one";
                Some(json!(names.target(text, None).ok_or_else(|| no(what))?))
            }
            "LotRef" => Some(json!(names.lot(text))),
            _ => None,
        })
    }

    /// What may be left out of a mapping, or is written as pairs.
    fn short_mapping(
        &self,
        type_name: &str,
        entries: &[(String, Yaml)],
    ) -> Result<Option<Value>, Trouble> {
        let has = |key: &str| entries.iter().any(|(name, _)| name == key);
        match type_name {
            "TermRequest" if !has("renewal") => {
                let schema = self.shape.definition(type_name).unwrap_or(&Value::Null);
                let mut term = self.fields(entries, schema)?;
                term["renewal"] = "renew".into();
                Ok(Some(term))
            }
            "Allocate" if !has("to") => {
                let Around { names, currency, .. } = self.around;
                let part = |(name, node): &(String, Yaml)| {
                    let here = Reader { place: self.at(node), ..*self };
                    let text = node.text().ok_or_else(|| {
                        here.wrong(&format!("{name} has {}; write an amount", node.kind()))
                    })?;
                    let amount = money(text, currency).map_err(|why| here.wrong(&why))?;
                    Ok(json!({"invoice": names.invoice_id(name), "amount": amount}))
                };
                let parts: Vec<Value> = entries.iter().map(part).collect::<Result<_, Trouble>>()?;
                Ok(Some(json!({"to": parts})))
            }
            _ => Ok(None),
        }
    }

    fn at(&self, node: &Yaml) -> Place {
        Place { step: self.place.step, line: node.line }
    }

    fn wrong(&self, why: &str) -> Trouble {
        Trouble::wrong(self.place, format!("`{}` of `{}`: {why}", self.key, self.around.verb))
    }
}

/// A field of one of several.
fn property<'a>(choice: &'a Value, key: &str) -> Option<&'a Value> {
    choice.get("properties")?.get(key)
}

/// A choice in a message.
fn shown(choice: &Value) -> Option<String> {
    if let Some(word) = choice.get("const").and_then(Value::as_str) {
        return Some(word.to_owned());
    }
    let name = choice.get("properties")?.as_object()?.keys().next()?;
    Some(format!("{{{name}: …}}"))
}

/// `12.00`, or `12.00 EUR`.
pub(crate) fn money(text: &str, currency: Currency) -> Result<Money, String> {
    let (amount, currency) = match text.split_once(' ') {
        None => (text, currency),
        Some((amount, code)) => {
            let code = code.trim().parse::<Currency>();
            (amount, code.map_err(|error| error.to_string())?)
        }
    };
    Money::parse(amount, currency).map_err(|error| error.to_string())
}

/// An instant; or a date, which means its start, or a time of day, both in the zone.
pub(crate) fn instant(text: &str, zone: &ZoneName) -> Option<Timestamp> {
    let start = |date| zone.start_of(date).ok();
    let civil = |time| zone.instant_of(time).ok();
    let read = text.parse().ok().or_else(|| text.parse().ok().and_then(start));
    read.or_else(|| text.parse().ok().and_then(civil))
}
