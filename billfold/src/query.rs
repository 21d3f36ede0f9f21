//! `query`: questions to the read models.

use client::{Ask, Node, pages};
use schemas::query::QUERIES;
use schemas::wire::{Headers, header};
use serde_json::{Map, Value};
use terminal::{Format, Output, View};

use crate::cli::QueryArgs;
use crate::exit::Failure;
use crate::words;

/// The most items a page can have; asked for where all pages are wanted.
const LARGEST_PAGE: u32 = schemas::query::MAX_LIMIT;

/// A question as it was typed.
#[derive(Debug)]
pub struct Question<'a> {
    args: &'a QueryArgs,
    fields: Map<String, Value>,
}

impl<'a> Question<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what cannot be asked.
    pub fn of(args: &'a QueryArgs) -> Result<Self, Failure> {
        known(&args.view)?;
        Ok(Self { args, fields: question(args)? })
    }
}

/// Runs `query`.
///
/// # Errors
/// [`Failure::Problem`] when there is no answer.
pub fn run(question: Question<'_>, door: &impl Ask, output: &Output) -> Result<(), Failure> {
    let Question { args, mut fields } = question;
    let mut headers = Headers::new();
    if let Some(position) = &args.at_least {
        headers.insert(header::AT_LEAST.to_owned(), position.clone());
    }
    let view = View::of(&args.view, &args.name);
    if !args.all {
        let answer = door.query(&args.view, &args.name, headers, &Value::Object(fields))?;
        return Ok(output.document(view, &answer)?);
    }
    fields.entry("limit").or_insert(LARGEST_PAGE.into());
    let mut gathered = Vec::new();
    let last = pages(door, &args.view, &args.name, &headers, fields, |page| {
        if output.format() == Format::Jsonl {
            return Ok::<(), Failure>(output.document(view, page)?);
        }
        gathered.extend(page.items_at("data").iter().cloned());
        Ok(())
    })?;
    if output.format() == Format::Jsonl {
        return Ok(());
    }
    let mut fields = vec![("data".to_owned(), Node::List(gathered))];
    for name in ["position", "time"] {
        fields.extend(last.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    Ok(output.document(view, &Node::Object(fields))?)
}

/// There are questions about it.
fn known(view: &str) -> Result<(), Failure> {
    let mut views: Vec<&str> = Vec::new();
    for query in QUERIES {
        if !views.contains(&query.view) {
            views.push(query.view);
        }
    }
    if views.contains(&view) {
        return Ok(());
    }
    Err(Failure::Usage(format!("nothing is asked of {view:?}; there are {}", views.join(", "))))
}

fn question(args: &QueryArgs) -> Result<Map<String, Value>, Failure> {
    let Some(json) = &args.json else {
        let schema = crate::schema::find("query", &format!("{}.{}", args.view, args.name));
        return words::object(&args.fields, schema.as_ref());
    };
    if !args.fields.is_empty() {
        return Err(Failure::Usage("give the question once: --json or key=value".to_owned()));
    }
    match serde_json::from_str(json) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Failure::Usage("--json is a JSON object".to_owned())),
        Err(error) => Err(Failure::Usage(format!("--json is not JSON: {error}"))),
    }
}
