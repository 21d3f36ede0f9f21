//! `key=value` on the command line as JSON fields.

use serde_json::{Map, Value};

use crate::exit::Failure;

/// Reads `a.b=value` words into one object of the form that `schema` describes.
///
/// `key:=json` is JSON. After `key=`, what starts as JSON is JSON, `12.34:EUR` is an amount, and
/// digits are a number where the schema asks for an integer; all else is text, because ids,
/// dates and decimals are texts.
///
/// # Errors
/// [`Failure::Usage`] names the word.
pub fn object(words: &[String], schema: Option<&Value>) -> Result<Map<String, Value>, Failure> {
    let mut fields = Map::new();
    for word in words {
        let (key, text) = word.split_once('=').ok_or_else(|| {
            Failure::Usage(format!("{word:?} is not key=value; write name=Ada, or use --json"))
        })?;
        match key.strip_suffix(':') {
            Some(path) => set(&mut fields, path, json(word, text)?)?,
            None => set(&mut fields, key, value(word, key, text, schema)?)?,
        }
    }
    Ok(fields)
}

fn set(fields: &mut Map<String, Value>, path: &str, value: Value) -> Result<(), Failure> {
    match path.split_once('.') {
        None if fields.contains_key(path) => {
            Err(Failure::Usage(format!("{path:?} is given twice; give it once")))
        }
        None => {
            fields.insert(path.to_owned(), value);
            Ok(())
        }
        Some((outer, inner)) => {
            let field = fields.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            match field {
                Value::Object(inside) => set(inside, inner, value),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_) => Err(Failure::Usage(format!(
                    "{outer:?} is a value already, so it has no field {inner:?}"
                ))),
            }
        }
    }
}

fn json(word: &str, text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text)
        .map_err(|error| Failure::Usage(format!("the value of {word:?} is not JSON: {error}")))
}

fn value(word: &str, path: &str, text: &str, schema: Option<&Value>) -> Result<Value, Failure> {
    let starts_json = text.starts_with(['{', '[', '"']);
    if starts_json || matches!(text, "true" | "false" | "null") {
        return json(word, text);
    }
    let Some(root) = schema else { return Ok(amount(text).unwrap_or_else(|| text.into())) };
    let steps: Vec<&str> = path.split('.').collect();
    let asks_for = |wanted: fn(&Value) -> bool| asks_for(wanted, root, root, &steps);
    if let Ok(number) = text.parse::<i64>()
        && asks_for(is_integer)
    {
        return Ok(number.into());
    }
    match amount(text) {
        Some(amount) => Ok(amount),
        None if asks_for(is_money) && !asks_for(is_text) => {
            let (whole, part) = text.split_once('.').unwrap_or((text, "00"));
            let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            let is_number = digits(whole) && digits(part);
            let example = if is_number { format!("{whole}.{part}") } else { "12.34".to_owned() };
            Err(Failure::Usage(format!(
                "{word:?} is no amount with its currency; write {path}={example}:EUR"
            )))
        }
        None => Ok(text.into()),
    }
}

/// Whether the schema has what is wanted at the end of the path.
fn asks_for(wanted: fn(&Value) -> bool, root: &Value, schema: &Value, steps: &[&str]) -> bool {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let target = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return target.is_some_and(|target| asks_for(wanted, root, target, steps));
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        let choices = schema.get(choice).and_then(Value::as_array);
        if choices.into_iter().flatten().any(|one| asks_for(wanted, root, one, steps)) {
            return true;
        }
    }
    match steps {
        [] => wanted(schema),
        [first, rest @ ..] => schema
            .get("properties")
            .and_then(|properties| properties.get(*first))
            .is_some_and(|field| asks_for(wanted, root, field, rest)),
    }
}

fn is_integer(schema: &Value) -> bool {
    is_type(schema, "integer")
}

fn is_text(schema: &Value) -> bool {
    is_type(schema, "string")
}

/// An object with an amount and its currency.
fn is_money(schema: &Value) -> bool {
    let properties = schema.get("properties");
    let has = |name: &str| properties.is_some_and(|properties| properties.get(name).is_some());
    has("amount_minor") && has("currency")
}

fn is_type(schema: &Value, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => names.iter().any(|name| name == wanted),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
    }
}

/// `12.34:EUR`, an amount with its currency.
fn amount(text: &str) -> Option<Value> {
    let (amount, currency) = text.split_once(':')?;
    let is_code = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
    let is_number =
        !amount.is_empty() && amount.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    (is_code && is_number).then(|| serde_json::json!({"amount": amount, "currency": currency}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Value, Failure> {
        let schema = schemas::Command::json_schemas()
            .into_iter()
            .find(|(name, _)| *name == "plan.define")
            .map(|(_, schema)| schema.to_value());
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        object(&words, schema.as_ref()).map(Value::Object)
    }

    #[test]
    fn words_become_texts_amounts_numbers_and_json() {
        let read = read(&[
            "name=Ada = Co",
            "quantity=3",
            "amount=12.30:EUR",
            "every.count=1",
            "every.unit=month",
            "on={\"subscription\":\"s\"}",
            "rebill=true",
            "days:=14",
        ]);
        let expected = serde_json::json!({
            "name": "Ada = Co", "quantity": "3",
            "amount": {"amount": "12.30", "currency": "EUR"},
            "every": {"count": 1, "unit": "month"},
            "on": {"subscription": "s"}, "rebill": true, "days": 14,
        });
        assert_eq!(read.expect("reads"), expected);
    }

    #[test]
    fn what_is_no_word_or_given_twice_is_refused() {
        for wrong in [&["name"][..], &["a=1", "a=2"], &["a=1", "a.b=2"], &["a={1"], &["a:=x"]] {
            assert_eq!(read(wrong).expect_err("refused").code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn an_amount_without_its_currency_is_told_how_to_be_written() {
        let schema = crate::schema::find("command", "payment.record").expect("a command");
        for (word, said) in [
            ("amount=5", "write amount=5.00:EUR"),
            ("amount=5.5", "write amount=5.5:EUR"),
            ("amount=5:eur", "write amount=12.34:EUR"),
        ] {
            let refused = object(&[word.to_owned()], Some(&schema)).expect_err("refused");
            assert_eq!(refused.code(), 2);
            assert!(refused.to_string().contains(said), "{refused}");
        }
        assert!(object(&["amount=5:EUR".to_owned()], Some(&schema)).is_ok());
    }

    #[test]
    fn a_time_is_no_amount() {
        let read = read(&["at=10:30", "zone=12:EURO"]).expect("reads");
        assert_eq!(read, serde_json::json!({"at": "10:30", "zone": "12:EURO"}));
    }
}
