//! What an author expects of the book.

use crate::case::Case;
use crate::fields::Fields;
use crate::names::{invoice_number, not_an_invoice};
use crate::trouble::{Place, Trouble};
use crate::value::Wanted;
use crate::verbs::Verb;
use crate::yaml::{Value, Yaml};

/// What is looked at.
#[derive(Debug, Clone)]
pub enum Subject {
    /// An invoice, by its name.
    Invoice(String),
    /// A credit note, by its name.
    Note(String),
    /// A customer, by its alias.
    Customer(String),
    /// A subscription, by its alias.
    Sub(String),
    /// A lot of credit, by the name of what made it.
    Lot(String),
    /// What a verb would do.
    Preview(Verb),
    /// Another billing run through the last date: nothing comes of it.
    Rerun,
}

/// What is wanted of one line, by key.
pub type WantedLine = Vec<(String, Wanted)>;

/// An expectation.
#[derive(Debug, Clone)]
pub struct Expect {
    /// Of what.
    pub subject: Subject,
    /// Lists hold what is named, in that order, and nothing else.
    pub exact: bool,
    /// Which item of a subscription, by its price; the first if left out.
    pub item: Option<String>,
    /// One value for each key.
    pub values: Vec<(String, Wanted)>,
    /// Several values for each key.
    pub lists: Vec<(String, Vec<Wanted>)>,
    /// Lines of a document; none where they are not looked at.
    pub lines: Option<Vec<WantedLine>>,
}

/// What an expectation may be of.
pub(crate) const SUBJECTS: [&str; 7] =
    ["invoice", "note", "customer", "sub", "lot", "preview", "rerun"];

const DOCUMENT: [&str; 22] = [
    "total",
    "net",
    "gross",
    "discount",
    "tax",
    "credit",
    "credit_applied",
    "credit_generated",
    "paid",
    "open",
    "due",
    "date",
    "status",
    "overdue",
    "line_count",
    "number",
    "memo",
    "purchase_order",
    "seller",
    "seller_city",
    "to",
    "to_country",
];
const PREVIEWED: [&str; 7] =
    ["total", "net", "gross", "discount", "tax", "credit_applied", "line_count"];
const NOTE: [&str; 3] = ["net", "tax", "total"];
const CUSTOMER: [&str; 9] =
    ["open", "credit", "balance", "overdue", "unapplied", "invoices", "access", "until", "reason"];
const CUSTOMER_LISTS: [&str; 1] = ["grants"];
const SUB: [&str; 19] = [
    "state",
    "access",
    "until",
    "reason",
    "paid_through",
    "start",
    "end",
    "trial_end",
    "next",
    "anchor_day",
    "quantity",
    "plan",
    "version",
    "scheduled",
    "left_out",
    "cycle_count",
    "migration",
    "migrates_on",
    "obstacle",
];
const LOT: [&str; 5] = ["amount", "left", "expires", "source", "refundable"];
const LOT_LISTS: [&str; 1] = ["pays"];
const SUB_LISTS: [&str; 6] = ["cycles", "starts", "ends", "last_days", "commands", "grants"];
const LINE: [&str; 14] = [
    "kind", "item", "service", "net", "gross", "discount", "tax", "ratio", "exact", "quantity",
    "unit", "plan", "sub", "version",
];

impl Expect {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`] names a subject or a key that billfold does not have.
    pub fn read(f: &mut Fields<'_>, number: usize, case: Option<&Case>) -> Result<Self, Trouble> {
        let subject = subject(f, number)?;
        let exact = f.flag("complete")?
            || f.word("match", &[("exact", true), ("subset", false)])?.unwrap_or(false);
        let (keys, lists): (&[&str], &[&str]) = match &subject {
            Subject::Invoice(_) => (&DOCUMENT, &[]),
            Subject::Preview(_) => (&PREVIEWED, &[]),
            Subject::Note(_) => (&NOTE, &[]),
            Subject::Customer(_) => (&CUSTOMER, &CUSTOMER_LISTS),
            Subject::Sub(_) => (&SUB, &SUB_LISTS),
            Subject::Lot(_) => (&LOT, &LOT_LISTS),
            Subject::Rerun => (&[], &[]),
        };
        let item = f.text("item")?.map(str::to_owned);
        let mut read = Self { subject, exact, item, values: vec![], lists: vec![], lines: None };
        if matches!(read.subject, Subject::Invoice(_) | Subject::Preview(_)) {
            match f.node("lines") {
                // A number of lines may be written in place of the lines.
                Some(node) if !matches!(node.value, Value::List(_)) => {
                    read.values.push(("line_count".to_owned(), value_of(f, "lines", case)?));
                }
                Some(_) => read.lines = Some(lines(f, number, case)?),
                None => {}
            }
        }
        f.offer(keys.iter().chain(lists).copied());
        for key in f.rest() {
            if keys.contains(&key) {
                let one = value_of(f, key, case)?;
                read.values.push((key.to_owned(), one));
            } else if lists.contains(&key) {
                let several = values_of(f, key, case)?;
                read.lists.push((key.to_owned(), several));
            }
        }
        Ok(read)
    }
}

type Make = fn(String) -> Subject;

fn subject(f: &mut Fields<'_>, number: usize) -> Result<Subject, Trouble> {
    if let Some(report) = f.text("report")? {
        return Err(Trouble::unsupported(f.place(), format!("report `{report}`")));
    }
    if let Some(node) = f.node("preview") {
        return previewed(node, number).map(Subject::Preview);
    }
    if f.word("rerun", &[("empty", ())])?.is_some() {
        return Ok(Subject::Rerun);
    }
    let subjects: [(&str, Make); 5] = [
        ("invoice", Subject::Invoice),
        ("note", Subject::Note),
        ("customer", Subject::Customer),
        ("sub", Subject::Sub),
        ("lot", Subject::Lot),
    ];
    for (key, make) in subjects {
        if let Some(name) = f.text(key)? {
            if key == "invoice" && invoice_number(name).is_none() {
                return Err(f.wrong(key, &not_an_invoice(name)));
            }
            return Ok(make(name.to_owned()));
        }
    }
    let what = match f.rest().as_slice() {
        [] => "an expectation of nothing".to_owned(),
        named => format!("an expectation of `{}`", named.join("`, `")),
    };
    Err(Trouble::unknown(f.place(), what, SUBJECTS))
}

/// The verb that a preview asks about.
fn previewed(node: &Yaml, number: usize) -> Result<Verb, Trouble> {
    if let Some([(verb, body)]) = node.entries() {
        Verb::read(verb, body, Some(number))
    } else {
        let place = Place { step: Some(number), line: node.line };
        let is = match node.entries() {
            Some(entries) => format!("a mapping of {} verbs", entries.len()),
            None => node.told(),
        };
        let example = "`preview: {run: {through: 2024-05-01}}`";
        let why = format!("`preview` of `expect` is {is}; write one verb, such as {example}");
        Err(Trouble::wrong(place, why))
    }
}

/// The lines of a document, each a mapping of what is looked at.
fn lines(
    f: &mut Fields<'_>,
    number: usize,
    case: Option<&Case>,
) -> Result<Vec<WantedLine>, Trouble> {
    let mut lines = Vec::new();
    for node in f.list("lines")? {
        let mut fields = Fields::of("lines", node, Some(number))?;
        let mut line = Vec::new();
        for key in LINE {
            if fields.node(key).is_some() {
                line.push((key.to_owned(), value_of(&mut fields, key, case)?));
            }
        }
        fields.done()?;
        lines.push(line);
    }
    Ok(lines)
}

fn value_of(f: &mut Fields<'_>, key: &str, case: Option<&Case>) -> Result<Wanted, Trouble> {
    let mut values = values_of(f, key, case)?;
    match values.pop() {
        Some(value) if values.is_empty() => Ok(value),
        found => {
            let count = values.len() + usize::from(found.is_some());
            Err(f.wrong(key, &format!("here are {count} values; write one")))
        }
    }
}

fn values_of(f: &mut Fields<'_>, key: &str, case: Option<&Case>) -> Result<Vec<Wanted>, Trouble> {
    match f.node(key) {
        None => Ok(vec![Wanted::from("none")]),
        Some(node) => wanted(f, key, node, case),
    }
}

/// A text, `{$case: POINTER}`, or a list of them.
fn wanted(
    f: &Fields<'_>,
    key: &str,
    node: &Yaml,
    case: Option<&Case>,
) -> Result<Vec<Wanted>, Trouble> {
    match &node.value {
        Value::Null => Ok(vec![Wanted::from("none")]),
        Value::Text(text) => Ok(vec![Wanted::from(text.as_str())]),
        Value::List(items) => {
            let each = items.iter().map(|item| wanted(f, key, item, case));
            Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
        }
        Value::Map(_) if node.get("$case").is_none() => {
            let why = format!("`{key}` is a mapping; write a value, or {{$case: POINTER}}");
            Err(Trouble::wrong(f.at(node), why))
        }
        Value::Map(_) => {
            let mut fields = Fields::of("$case", node, f.place().step)?;
            let pointer = fields.need("$case")?;
            let (minor, negate) = (fields.flag("minor")?, fields.flag("negate")?);
            let place = fields.place();
            fields.done()?;
            let case = case.ok_or_else(|| {
                Trouble::wrong(place, "`$case` without a case; name it with --case FILE#ID")
            })?;
            let figures = case.figures(pointer);
            let figures = figures.map_err(|error| Trouble::wrong(place, error.to_string()))?;
            Ok(figures.into_iter().map(|text| Wanted { text, minor, negate }).collect())
        }
    }
}
