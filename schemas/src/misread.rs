//! What is wrong with a JSON body, in the words of the published language.
//!
//! # Shape
//!
//! The parser says what it met in words of its own: variants, structs, types of Rust. Whoever sent
//! the body knows none of these. So only *where* it stopped and *why* is taken from the parser;
//! what is allowed there is read from the JSON Schema that clients have, and shown as they would
//! write it: words, and forms with their content such as `{"on": "YYYY-MM-DD"}`.
//!
//! Texts that read themselves (ids, dates, amounts) have sentences of their own; these stay.

use serde_json::Value;

/// How deep a form is shown.
const DEEPEST: usize = 3;
/// The longest text that is shown of what was sent, in characters.
const LONGEST: usize = 64;

/// Where `body` is wrong, which should be as `schema` says and was refused with `parser` at
/// `pointer`; and what is wrong there.
pub(crate) fn said(schema: &Value, body: &Value, pointer: &str, parser: &str) -> (String, String) {
    // The parser goes on into the content of a form that is not there.
    let mut there = pointer;
    while body.pointer(there).is_none() {
        there = outer(there);
    }
    (there.to_owned(), what(schema, body, there, without_place(parser)))
}

fn what(schema: &Value, body: &Value, pointer: &str, said: &str) -> String {
    let root = Schema(schema);
    let quoted = || said.split('`').nth(1).unwrap_or_default();
    if said.starts_with("unknown field") {
        return root.unknown_field(quoted(), pointer);
    }
    if said.starts_with("missing field") {
        return root.missing_field(quoted(), pointer);
    }
    if said.starts_with("duplicate field") {
        return format!("`{}` is given twice; give it once", quoted());
    }
    let of_the_parser = ["unknown variant", "invalid type", "invalid value", "invalid length"];
    let is_form = of_the_parser.iter().any(|start| said.starts_with(start))
        // Where the parser looks for one of several, it stops at the first letter.
        || said.starts_with("expected ");
    if !is_form {
        return said.to_owned();
    }
    let given = body.pointer(pointer).unwrap_or(&Value::Null);
    root.wrong(given, pointer)
}

/// The parser's sentence without line and column: the pointer says where.
fn without_place(parser: &str) -> &str {
    parser.rfind(" at line ").map_or(parser, |at| &parser[..at])
}

/// The pointer to what holds what a pointer points at.
fn outer(pointer: &str) -> &str {
    pointer.rfind('/').map_or("", |at| &pointer[..at])
}

/// The steps of a JSON pointer.
fn steps(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
}

/// The name of what a pointer points at, for a sentence.
fn named(pointer: &str) -> String {
    let is_index = |step: &String| step.bytes().all(|b| b.is_ascii_digit());
    match steps(pointer).filter(|step| !is_index(step)).last() {
        Some(name) => format!("`{name}`"),
        None => "the body".to_owned(),
    }
}

/// A JSON Schema, with the definitions that it refers to.
#[derive(Clone, Copy)]
struct Schema<'a>(&'a Value);

impl<'a> Schema<'a> {
    /// The schema itself, where it is a reference or may also be null.
    fn resolved(self, mut at: &'a Value) -> &'a Value {
        loop {
            let reference = at.get("$ref").and_then(Value::as_str);
            let target = reference.and_then(|name| name.strip_prefix('#'));
            let choices = at.get("anyOf").and_then(Value::as_array);
            let is_null = |choice: &&Value| choice.get("type").is_some_and(|name| name == "null");
            let inner = target
                .and_then(|pointer| self.0.pointer(pointer))
                .or_else(|| choices?.iter().find(|choice| !is_null(choice)));
            match inner {
                Some(inner) => at = inner,
                None => return at,
            }
        }
    }

    /// What is said of the place that a pointer points at.
    fn at(self, pointer: &str) -> Option<&'a Value> {
        steps(pointer).try_fold(self.0, |at, step| self.inside(at, &step))
    }

    fn inside(self, at: &'a Value, step: &str) -> Option<&'a Value> {
        let at = self.resolved(at);
        if let Some(field) = at.get("properties").and_then(|fields| fields.get(step)) {
            return Some(field);
        }
        let mut choices = at.get("oneOf").and_then(Value::as_array).into_iter().flatten();
        let of_choice = |choice: &'a Value| choice.get("properties")?.get(step);
        choices
            .find_map(of_choice)
            .or_else(|| at.get("items"))
            .or_else(|| at.get("additionalProperties").filter(|others| others.is_object()))
    }

    /// The fields of the object at a pointer, or of the one that holds what it points at.
    fn fields(self, pointer: &str) -> Vec<&'a str> {
        let of = |pointer| {
            let at = self.resolved(self.at(pointer)?);
            Some(at.get("properties")?.as_object()?.keys().map(String::as_str).collect())
        };
        of(pointer).or_else(|| of(outer(pointer))).unwrap_or_default()
    }

    fn unknown_field(self, name: &str, pointer: &str) -> String {
        let fields: Vec<_> = self.fields(pointer).into_iter().map(|f| format!("`{f}`")).collect();
        match fields.as_slice() {
            [] => format!("`{name}` is not a field; there is none here, so leave it out"),
            fields => format!("`{name}` is not a field; use {}", listed(fields)),
        }
    }

    fn missing_field(self, name: &str, pointer: &str) -> String {
        let form = self.at(pointer).and_then(|at| self.inside(at, name));
        let form = form.map_or_else(|| "…".to_owned(), |form| self.form(form, 0));
        format!("`{name}` is missing; give \"{name}\": {form}")
    }

    fn wrong(self, given: &Value, pointer: &str) -> String {
        let name = named(pointer);
        let Some(at) = self.at(pointer) else {
            return format!("{} cannot stand here; leave it out", shown(given));
        };
        let forms = self.forms(at);
        let takes = listed(&forms);
        let needs = given.as_str().and_then(|word| {
            let starts = format!("{{\"{word}\":");
            forms.iter().find(|form| form.starts_with(&starts))
        });
        match needs {
            Some(form) => format!(
                "{} takes more than the word {}: write {form}; allowed are {takes}",
                name,
                shown(given)
            ),
            None if forms.len() > 1 => {
                format!("{} is none of what {name} may be; use {takes}", shown(given))
            }
            None => format!("{} is not what {name} takes; give {takes}", shown(given)),
        }
    }

    /// What is allowed, each as it is written.
    fn forms(self, at: &Value) -> Vec<String> {
        let at = self.resolved(at);
        let choices = at.get("oneOf").and_then(Value::as_array);
        // Answers may hold more than what is sent: a text stands for all of it.
        let choices = choices.filter(|choices| !choices.iter().any(is_any_text));
        match (choices, at.get("enum").and_then(Value::as_array)) {
            (Some(choices), _) => choices.iter().map(|choice| self.form(choice, 0)).collect(),
            (None, Some(words)) => words.iter().map(Value::to_string).collect(),
            (None, None) => vec![self.form(at, 0)],
        }
    }

    /// What is to be written where this is asked for: words as they are, fields that must be
    /// there, and what a value is.
    fn form(self, at: &Value, depth: usize) -> String {
        let own = at.get("description").and_then(Value::as_str);
        let at = self.resolved(at);
        if let Some(word) = at.get("const") {
            return word.to_string();
        }
        if let Some(choices) = at.get("oneOf").and_then(Value::as_array) {
            let first = choices.iter().find(|choice| is_any_text(choice)).or(choices.first());
            return match first {
                Some(text) if is_any_text(text) => "\"…\"".to_owned(),
                Some(first) if depth < DEEPEST => self.form(first, depth + 1),
                Some(_) | None => "…".to_owned(),
            };
        }
        if let Some(word) = at.get("enum").and_then(|words| words.get(0)) {
            return word.to_string();
        }
        match type_of(at) {
            Some("object") if depth >= DEEPEST => "{…}".to_owned(),
            Some("object") => {
                let required = at.get("required").and_then(Value::as_array);
                let names = required.into_iter().flatten().filter_map(Value::as_str);
                let field = |name: &str| {
                    let inner = self.inside(at, name)?;
                    Some(format!("\"{name}\": {}", self.form(inner, depth + 1)))
                };
                format!("{{{}}}", names.filter_map(field).collect::<Vec<_>>().join(", "))
            }
            Some("array") => "[…]".to_owned(),
            Some("boolean") => "true or false".to_owned(),
            Some("integer" | "number") => number(at),
            Some("string") => {
                let says = at.get("description").and_then(Value::as_str).or(own);
                let short = says.filter(|says| says.len() <= "YYYY-MM-DD".len());
                format!("\"{}\"", short.unwrap_or("…"))
            }
            Some(_) | None => "…".to_owned(),
        }
    }
}

fn is_any_text(choice: &Value) -> bool {
    type_of(choice) == Some("string")
        && choice.get("const").is_none()
        && choice.get("enum").is_none()
}

/// The type of a value, where it is not null.
fn type_of(at: &Value) -> Option<&str> {
    match at.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// A whole number, with its bounds.
fn number(at: &Value) -> String {
    let bound = |name: &str| at.get(name).and_then(Value::as_i64);
    let most = bound("maximum").or_else(|| {
        Some(match at.get("format")?.as_str()? {
            "uint8" => i64::from(u8::MAX),
            "uint16" => i64::from(u16::MAX),
            "uint32" => i64::from(u32::MAX),
            _ => return None,
        })
    });
    match (bound("minimum"), most) {
        (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
        (Some(least), None) => format!("a whole number from {least} on"),
        (None, Some(most)) => format!("a whole number up to {most}"),
        (None, None) => "a whole number".to_owned(),
    }
}

/// A value that was sent, as far as it is short.
fn shown(given: &Value) -> String {
    let text = given.to_string();
    let mut clipped: String = text.chars().take(LONGEST).collect();
    if clipped.len() < text.len() {
        clipped.push('…');
    }
    clipped
}

/// `a`, `b` or `c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}
