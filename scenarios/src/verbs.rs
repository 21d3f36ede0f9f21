//! Verbs: what a step asks of the ledger, and the command that it becomes.

use schemas::Command;
use schemas::ids::InvoiceId;
use schemas::record::RecordKind;
use serde_json::Value;

use crate::draft::Draft;
use crate::names::{Names, invoice_number, not_an_invoice};
use crate::short::{NOT_YET, SHORT, Short};
use crate::trouble::{Place, Trouble};
use crate::yaml::Yaml;

/// What a verb says, with its aliases as they were written.
#[derive(Debug, Clone)]
pub struct Verb {
    name: String,
    body: Yaml,
    step: Option<usize>,
    how: How,
}

/// How a verb becomes a command.
#[derive(Debug, Clone, Copy)]
enum How {
    /// It has a form of its own.
    Short(&'static Short),
    /// It is the command's public name, and says the command's own fields.
    Whole(&'static str),
}

impl Verb {
    /// Understands a verb. What it says is read when the command is made.
    ///
    /// # Errors
    /// [`Trouble::Unsupported`] for a verb that billfold does not have.
    pub fn read(name: &str, body: &Yaml, step: Option<usize>) -> Result<Self, Trouble> {
        let place = Place { step, line: body.line };
        let what = || format!("verb `{name}`");
        if NOT_YET.contains(&name) {
            return Err(Trouble::unsupported(place, what()));
        }
        let short = SHORT.iter().find(|short| short.verb == name).map(How::Short);
        let how = short.or_else(|| whole(name).map(How::Whole)).ok_or_else(|| {
            let verbs = SHORT.iter().map(|short| short.verb).chain(["expect"]);
            let commands = commands().map(|kind| kind.name);
            Trouble::unknown(place, what(), verbs.chain(commands))
        })?;
        Ok(Self { name: name.to_owned(), body: body.clone(), step, how })
    }

    /// The public name of the command.
    pub fn command_name(&self) -> &'static str {
        match self.how {
            How::Short(short) => short.command,
            How::Whole(name) => name,
        }
    }

    /// A text of what it says.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.body.get(key).and_then(Yaml::text)
    }

    /// Every text of it, any of which may be an alias.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.body.texts()
    }

    /// The command; none where nothing is asked of the ledger.
    ///
    /// # Errors
    /// [`Trouble`] for the author: a figure, a key or a name that no command can hold.
    pub(crate) fn command(&self, names: &Names) -> Result<Option<Command>, Trouble> {
        let mut draft = Draft::new(&self.name, self.command_name(), &self.body, self.step, names)?;
        if let How::Short(short) = self.how
            && !short.read(&mut draft)?
        {
            return Ok(None);
        }
        draft.command().map(Some)
    }

    /// What its command names as an invoice has the name of one, such as `i1`; whether there is
    /// one is seen when it is played.
    ///
    /// # Errors
    /// [`Trouble::Wrong`] on the line of the name.
    pub(crate) fn names_invoices(
        &self,
        command: Option<&Command>,
        names: &Names,
    ) -> Result<(), Trouble> {
        let Some(command) = command else { return Ok(()) };
        let mut found = Vec::new();
        invoices(&command.to_json(), &mut found);
        let mut written = found.iter().filter_map(|id| names.alias(id.uuid()));
        let Some(name) = written.find(|name| invoice_number(name).is_none()) else {
            return Ok(());
        };
        let line = self.body.line_of(name).unwrap_or(self.body.line);
        let why = format!("`{}`: {}", self.name, not_an_invoice(name));
        Err(Trouble::wrong(Place { step: self.step, line }, why))
    }
}

/// Every id of an invoice in a command.
fn invoices(value: &Value, found: &mut Vec<InvoiceId>) {
    match value {
        Value::String(text) if text.starts_with(InvoiceId::PREFIX) => {
            found.extend(text.parse::<InvoiceId>().ok());
        }
        Value::Array(items) => items.iter().for_each(|item| invoices(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| invoices(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Commands that a client may send.
fn commands() -> impl Iterator<Item = &'static RecordKind> {
    Command::KINDS.iter().filter(|kind| !Command::INTERNAL.contains(&kind.name))
}

fn whole(name: &str) -> Option<&'static str> {
    commands().find(|kind| kind.name == name).map(|kind| kind.name)
}
