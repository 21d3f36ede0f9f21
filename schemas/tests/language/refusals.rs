//! What is wrong with a body is said in the words of the published language.

use schemas::record::JsonError;
use schemas::{Command, query};
use serde_json::{Value, json};

use crate::samples;

/// Words of the parser and of the language that the ledger is written in.
const OF_THE_PARSER: [&str; 12] = [
    "variant", "expected", "invalid", "newtype", "struct", "enum", " map", "sequence", "at line",
    "i64", "u32", "u16",
];

/// What nothing takes, of every kind that JSON has.
fn odd() -> [Value; 7] {
    let two = json!({"no_such": 1, "nor_this": 2});
    [json!("no such word"), json!(-7), json!(1.5), json!(true), json!([1]), json!({}), two]
}

/// JSON pointers to a value and to everything inside.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    if let Some(fields) = value.as_object() {
        fields.iter().for_each(|(name, inner)| places(inner, &format!("{at}/{name}"), into));
    } else if let Some(items) = value.as_array() {
        let items = items.iter().enumerate();
        items.for_each(|(index, inner)| places(inner, &format!("{at}/{index}"), into));
    }
}

/// Reads a body that is wrong somewhere, and what is said of it.
fn refusal(name: &str, body: &Value) -> Option<(String, String)> {
    match Command::from_json(name, body.to_string().as_bytes()) {
        Ok(_) => None,
        Err(JsonError::Field { pointer, detail }) => Some((pointer, detail)),
        Err(other @ (JsonError::UnknownName(_) | JsonError::NotJson(_))) => {
            panic!("{name}: {body} is JSON and its name is known: {other}")
        }
    }
}

fn assert_is_plain(name: &str, body: &Value, detail: &str) {
    for word in OF_THE_PARSER {
        assert!(!detail.contains(word), "{name} {body}: {detail}");
    }
}

#[test]
fn whatever_is_wrong_and_wherever_no_refusal_speaks_as_the_parser_does() {
    // Given every sample command; when anything in it is replaced by what nothing takes, or is
    // missing, or something is too much; then the words of the refusal are our own.
    let mut refused = 0;
    for (_, command) in samples::commands() {
        let (name, body) = (command.kind().name, command.to_json());
        let mut all = Vec::new();
        places(&body, "", &mut all);
        for at in all {
            let mut wrong: Vec<Value> = odd()
                .into_iter()
                .map(|value| {
                    let mut body = body.clone();
                    *body.pointer_mut(&at).expect("it is there") = value;
                    body
                })
                .collect();
            if let Some(fields) = body.pointer(&at).and_then(Value::as_object) {
                for field in fields.keys() {
                    let mut body = body.clone();
                    let fields = body.pointer_mut(&at).and_then(Value::as_object_mut);
                    fields.expect("it is an object").remove(field);
                    wrong.push(body);
                }
                let mut body = body.clone();
                body.pointer_mut(&at).expect("it is there")["colour"] = json!("red");
                wrong.push(body);
            }
            for body in wrong {
                let Some((_, detail)) = refusal(name, &body) else { continue };
                refused += 1;
                assert_is_plain(name, &body, &detail);
            }
        }
    }
    assert!(refused > 5_000, "{refused} bodies were refused");
}

/// The schema that a reference leads to, null left out.
fn resolved<'a>(root: &'a Value, at: &'a Value) -> &'a Value {
    if let Some(name) = at.get("$ref").and_then(Value::as_str) {
        return resolved(root, root.pointer(&name[1..]).expect("it is defined"));
    }
    match at.get("anyOf").and_then(Value::as_array) {
        Some(choices) => resolved(root, &choices[0]),
        None => at,
    }
}

#[test]
fn a_refusal_lists_every_word_and_every_form_that_is_allowed() {
    // Given every field of a command that takes one of several; when it gets another word, or the
    // bare name of a form with content; then all that it takes is listed, each as it is written.
    let (mut fields, mut bare) = (0, 0);
    for (name, schema) in Command::json_schemas() {
        let schema = schema.as_value();
        let sample = samples::commands().into_iter().find(|(_, c)| c.kind().name == name);
        let body = sample.expect("every command has a sample").1.to_json();
        for (field, inner) in schema["properties"].as_object().expect("a command is an object") {
            let choices = resolved(schema, inner).get("oneOf").and_then(Value::as_array);
            let Some(choices) = choices else { continue };
            let is_text =
                |choice: &Value| choice["type"] == "string" && choice.get("const").is_none();
            if choices.iter().any(is_text) {
                continue;
            }
            fields += 1;
            let mut words = vec!["later on".to_owned()];
            for choice in choices {
                let names = choice.get("properties").and_then(Value::as_object);
                words.extend(names.into_iter().flat_map(|names| names.keys().cloned()));
            }
            for word in words {
                let mut body = body.clone();
                body[field] = json!(word);
                let (pointer, detail) = refusal(name, &body).expect("no such word");
                assert_eq!(pointer, format!("/{field}"), "{name}: {detail}");
                for choice in choices {
                    let form = if let Some(word) = choice.get("const") {
                        word.to_string()
                    } else {
                        let names = choice["properties"].as_object().expect("a form");
                        format!("{{\"{}\": ", names.keys().next().expect("it has a name"))
                    };
                    assert!(detail.contains(&form), "{name}: {form} is missing in: {detail}");
                }
                bare += usize::from(word != "later on");
            }
        }
    }
    assert!(fields > 10 && bare > 10, "{fields} fields, {bare} forms");
}

#[test]
fn what_a_refusal_says_reads_well() {
    let charge = json!({
        "customer": "cus_01930000000070008000000000000001",
        "charge": "chg_01930000000070008000000000000005", "description": "Discs",
        "price": {"total": {"amount": "12.00", "currency": "EUR"}},
    });
    let change = json!({
        "customer": "cus_01930000000070008000000000000001",
        "subscription": "sub_01930000000070008000000000000004", "quantity": "5", "when": "now",
    });
    let with = |body: &Value, field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        body
    };
    let cases = [
        (
            "charge.add",
            with(&charge, "invoice", json!("later")),
            "\"later\" is none of what `invoice` may be; use \"next\" or {\"now\": {}}",
        ),
        (
            "charge.add",
            with(&charge, "invoice", json!("now")),
            "`invoice` takes more than the word \"now\": write {\"now\": {}}; allowed are \"next\" \
             or {\"now\": {}}",
        ),
        (
            "subscription.change_quantity",
            with(&change, "when", json!("on")),
            "`when` takes more than the word \"on\": write {\"on\": \"YYYY-MM-DD\"}; allowed are \
             \"now\", \"cycle_end\", {\"on\": \"YYYY-MM-DD\"} or \"when_paid\"",
        ),
        (
            "charge.add",
            with(&charge, "price", json!(12)),
            "12 is none of what `price` may be; use {\"total\": {\"amount\": \"…\", \"currency\": \
             \"…\"}} or {\"per_unit\": {\"amount\": \"…\", \"currency\": \"…\"}}",
        ),
        (
            "charge.add",
            with(&charge, "price", json!({"total": 12})),
            "12 is not what `total` takes; give {\"amount\": \"…\", \"currency\": \"…\"}",
        ),
        (
            "charge.add",
            with(&charge, "tip", json!(1)),
            "`tip` is not a field; use `charge`, `customer`, `description`, `invoice`, `price`, \
             `quantity` or `service`",
        ),
        (
            "charge.add",
            json!({"customer": "cus_01930000000070008000000000000001"}),
            "`charge` is missing; give \"charge\": \"…\"",
        ),
        (
            "subscription.withdraw_change",
            json!({
                "customer": "cus_01930000000070008000000000000001",
                "subscription": "sub_01930000000070008000000000000004", "change": -1,
            }),
            "-1 is not what `change` takes; give a whole number from 0 to 4294967295",
        ),
        ("charge.add", json!([]), "[] is not what the body takes; give {"),
    ];
    for (name, body, said) in cases {
        let (_, detail) = refusal(name, &body).expect("refused");
        assert!(detail.starts_with(said), "{detail}\n{said}");
    }
}

#[test]
fn a_question_is_refused_in_the_same_words() {
    let wrong = query::read::<query::InvoicesList>(br#"{"status":"late"}"#);
    let detail = "\"late\" is none of what `status` may be; use \"open\", \"partially_paid\", \
                  \"unpaid\", \"overdue\", \"paid\" or \"voided\"";
    let (pointer, detail) = ("/status".to_owned(), detail.to_owned());
    assert_eq!(wrong, Err(JsonError::Field { pointer, detail }));
}
