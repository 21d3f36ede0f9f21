//! `query`: questions to the read models.

use schemas::query::QUERIES;
use schemas::wire::{Headers, header};
use serde_json::{Map, Value};

use crate::cli::{Format, QueryArgs};
use crate::door::Ask;
use crate::exit::Failure;
use crate::output::{Node, Output, View};
use crate::words;

/// The most items a page can have; asked for where all pages are wanted.
const LARGEST_PAGE: u32 = schemas::query::MAX_LIMIT;

/// Runs `query`.
///
/// # Errors
/// [`Failure::Problem`] when there is no answer; [`Failure::Usage`] for what cannot be asked.
pub fn run(args: &QueryArgs, door: &impl Ask, output: &Output) -> Result<(), Failure> {
    known(&args.view)?;
    let mut question = question(args)?;
    let mut headers = Headers::new();
    if let Some(position) = &args.at_least {
        headers.insert(header::AT_LEAST.to_owned(), position.clone());
    }
    let view = View::of(&args.view, &args.name);
    if !args.all {
        let answer = door.query(&args.view, &args.name, headers, &Value::Object(question))?;
        return output.document(view, &answer);
    }
    question.entry("limit").or_insert(LARGEST_PAGE.into());
    let mut gathered = Vec::new();
    let last = pages(door, &args.view, &args.name, &headers, question, |page| {
        if output.format() == Format::Jsonl {
            return output.document(view, page);
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
    output.document(view, &Node::Object(fields))
}

/// Asks for every page of a list and shows each to `each`; gives the last one.
///
/// # Errors
/// As [`Ask::query`], and what `each` says.
pub fn pages(
    door: &impl Ask,
    view: &str,
    name: &str,
    headers: &Headers,
    mut question: Map<String, Value>,
    mut each: impl FnMut(&Node) -> Result<(), Failure>,
) -> Result<Node, Failure> {
    loop {
        let page = door.query(view, name, headers.clone(), &Value::Object(question.clone()))?;
        each(&page)?;
        let next = page.get("next").and_then(Node::text).map(str::to_owned);
        match (page.get("has_more"), next) {
            (Some(Node::Bool(true)), Some(next)) => {
                question.insert("after".to_owned(), Value::String(next));
            }
            _ => return Ok(page),
        }
    }
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use schemas::wire::Endpoint;

    use super::*;

    /// Three pages of one item.
    #[derive(Default)]
    struct Paged(RefCell<Vec<Value>>);

    impl Ask for Paged {
        fn ask(&self, _: Endpoint, _: Headers, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
            let asked: Value = serde_json::from_slice(&body).expect("JSON");
            let number = self.0.borrow().len();
            self.0.borrow_mut().push(asked);
            let page = serde_json::json!({
                "data": [{"n": number}], "has_more": number < 2,
                "next": (number < 2).then(|| format!("c{number}")), "position": "ab:9",
            });
            Ok(page.to_string().into_bytes())
        }
    }

    #[test]
    fn cursors_are_followed_to_the_last_page() {
        let door = Paged::default();
        let mut seen = Vec::new();
        let headers = Headers::new();
        let last = pages(&door, "invoices", "list", &headers, Map::new(), |page| {
            seen.extend(page.items_at("data").iter().filter_map(|item| item.get("n")?.integer()));
            Ok(())
        });
        assert_eq!(seen, [0, 1, 2]);
        assert_eq!(last.expect("answered").text_at("position"), "ab:9");
        let asked = door.0.into_inner();
        assert_eq!(asked[2], serde_json::json!({"after": "c1"}));
    }
}
