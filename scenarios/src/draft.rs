//! A command in the making: what a step says, and the fields that come of it.

use schemas::Command;
use schemas::ids::CustomerId;
use schemas::record::JsonError;
use serde_json::{Map, Value};

use crate::fields::Fields;
use crate::names::Names;
use crate::shape::{Around, Shape};
use crate::trouble::{Place, Trouble};
use crate::yaml::Yaml;

/// A command in the making.
pub(crate) struct Draft<'a> {
    /// What the step says; each key is taken once.
    pub(crate) said: Fields<'a>,
    pub(crate) names: &'a Names,
    shape: Shape,
    verb: &'a str,
    command: &'static str,
    body: Map<String, Value>,
    /// Which key of the step a field of the command was read from.
    keys: Vec<(String, String)>,
    /// Whose command it is, once that is known.
    customer: Option<CustomerId>,
}

impl<'a> Draft<'a> {
    /// Nothing is read yet of what a verb says.
    ///
    /// # Errors
    /// [`Trouble`] for what is no mapping.
    pub(crate) fn new(
        verb: &'a str,
        command: &'static str,
        node: &'a Yaml,
        step: Option<usize>,
        names: &'a Names,
    ) -> Result<Self, Trouble> {
        let said = Fields::of(verb, node, step)?;
        let shape = Shape::of(command)
            .ok_or_else(|| Trouble::unsupported(said.place(), format!("command `{command}`")))?;
        let (body, keys) = (Map::new(), Vec::new());
        Ok(Self { said, names, shape, verb, command, body, keys, customer: None })
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        self.said.place()
    }

    /// Whose command it is: as told, or who has what it is about, or the first customer.
    pub(crate) fn customer(&self) -> CustomerId {
        self.customer.unwrap_or_else(|| {
            let owner = |(field, value): (&String, &Value)| {
                self.names.owner(field, value.as_str().unwrap_or_default())
            };
            let found = self.body.iter().find_map(owner);
            found.unwrap_or_else(|| self.names.anyone())
        })
    }

    /// It is this customer's command.
    pub(crate) fn of(&mut self, customer: CustomerId) {
        self.customer = Some(customer);
        self.put("customer", customer.to_string());
    }

    /// A field of the command.
    pub(crate) fn put(&mut self, field: &str, value: impl Into<Value>) {
        self.body.insert(field.to_owned(), value.into());
    }

    /// A field of the command that is there already.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.body.contains_key(field)
    }

    /// An alias of the step, taken, as the id that a field of the command has; nothing for a
    /// field that is no id.
    ///
    /// # Errors
    /// [`Trouble`] for what is no text.
    pub(crate) fn put_alias(&mut self, key: &str, field: &str) -> Result<(), Trouble> {
        if self.shape.is_id(field)
            && let Some(alias) = self.said.text(key)?
        {
            self.name(field, alias);
        }
        Ok(())
    }

    /// What an alias means, in a field of the command.
    pub(crate) fn name(&mut self, field: &str, alias: &str) {
        let id = self.shape.type_of(field).and_then(|name| self.names.id_of_type(name, alias));
        if let Some(id) = id {
            self.put(field, id);
        }
    }

    /// A key of the step, taken, as a field of the command says it; nothing where it is not said.
    ///
    /// # Errors
    /// [`Trouble`] for what cannot be read as that field.
    pub(crate) fn put_as(&mut self, key: &str, field: &str) -> Result<(), Trouble> {
        if let Some(node) = self.said.node(key) {
            let value = self.shape.read(field, key, node, self.around())?;
            self.keys.push((field.to_owned(), key.to_owned()));
            self.put(field, value);
        }
        Ok(())
    }

    /// A key of the step, taken, as a field says it of a type inside the command.
    ///
    /// # Errors
    /// As [`Draft::put_as`].
    pub(crate) fn inside(
        &mut self,
        key: &str,
        inside: &str,
        field: &str,
    ) -> Result<Option<Value>, Trouble> {
        let Some(node) = self.said.node(key) else { return Ok(None) };
        self.shape.read_inside((inside, field), key, node, self.around()).map(Some)
    }

    fn around(&self) -> Around<'a> {
        let step = self.said.place().step;
        let currency = self.names.customer(self.customer()).currency;
        Around { names: self.names, currency, verb: self.verb, step }
    }

    /// Ids first: they say whose command it is, and so what amounts are in.
    fn put_ids(&mut self) -> Result<(), Trouble> {
        for key in self.said.rest() {
            self.put_alias(key, key)?;
        }
        if let Some(Value::String(id)) = self.body.get("customer") {
            self.customer = id.parse().ok().or(self.customer);
        }
        Ok(())
    }

    /// The command, with all that the step says under the names of its fields.
    ///
    /// # Errors
    /// [`Trouble`] names what no command can hold, and keys that it does not have.
    pub(crate) fn command(mut self) -> Result<Command, Trouble> {
        self.put_ids()?;
        self.said.offer(self.shape.keys());
        for key in self.said.rest() {
            if self.shape.keys().any(|known| known == key) {
                self.put_as(key, key)?;
            }
        }
        self.fill();
        let Self { said, body, command, verb, keys, .. } = self;
        said.done()?;
        let json = Value::Object(body).to_string();
        Command::from_json(command, json.as_bytes()).map_err(|error| match error {
            JsonError::Field { pointer, detail } if !pointer.is_empty() => {
                // The author knows the field by the key that it was read from.
                let path = pointer.trim_start_matches('/');
                let (field, _) = path.split_once('/').unwrap_or((path, ""));
                let found = keys.iter().find(|(known, _)| known == field);
                let key = found.map_or(field, |(_, key)| key);
                let inside = path.get(field.len()..).unwrap_or_default();
                let why = format!("`{key}{inside}` of `{verb}`: {detail}");
                Trouble::wrong(said.place_of(key), why)
            }
            other @ (JsonError::Field { .. }
            | JsonError::NotJson(_)
            | JsonError::UnknownName(_)) => {
                Trouble::wrong(said.place(), format!("`{verb}`: {other}"))
            }
        })
    }

    /// What a command must have and an author need not say.
    fn fill(&mut self) {
        let missing: Vec<_> = self.shape.required().filter(|field| !self.has(field)).collect();
        for field in missing {
            match (field, self.shape.type_of(field)) {
                ("customer", _) => self.of(self.customer()),
                (_, Some("EntityId")) => self.name(field, &self.names.seller),
                (_, Some("RefundId" | "CreditGrantId" | "BillingRunId")) => {
                    self.name(field, &self.names.next_unnamed());
                }
                ("reason", _) => self.put(field, "scenario"),
                ("when", _) => self.put(field, "now"),
                ("rebill", _) => self.put(field, false),
                // The command itself says what it misses.
                (_, _) => {}
            }
        }
    }
}
