//! JSON bodies of commands: the record's own fields, and those that belong to the envelope.

use serde_json::Value;

use crate::command::Command;
use crate::preview::PreviewToken;
use crate::query::Request;
use crate::record::JsonError;
use crate::time::Timestamp;

/// A command as a client wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandBody {
    /// What is asked.
    pub command: Command,
    /// Decide only if the stream is at this revision.
    pub expected_revision: Option<u64>,
    /// When it takes effect; the present if left out.
    pub effective_at: Option<Timestamp>,
    /// Commit what this token's preview showed, or nothing.
    pub preview: Option<PreviewToken>,
}

/// Reads the body of the command `name`: its fields, `expected_revision`, `effective_at` and
/// `preview`.
///
/// # Errors
/// [`JsonError`] with a pointer to what is wrong.
pub fn read_command(name: &str, body: &[u8]) -> Result<CommandBody, JsonError> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| JsonError::NotJson(error.to_string()))?;
    let Value::Object(mut fields) = value else {
        return Err(JsonError::Field {
            pointer: String::new(),
            detail: "a command is a JSON object".to_owned(),
        });
    };
    let expected_revision = take(&mut fields, "expected_revision")?;
    let effective_at = take(&mut fields, "effective_at")?;
    let preview = take(&mut fields, "preview")?;
    if expected_revision.is_none() && effective_at.is_none() && preview.is_none() {
        // The bytes as they came: errors keep line and column, duplicate fields are seen.
        let command = Command::from_json(name, body)?;
        return Ok(CommandBody { command, expected_revision, effective_at, preview });
    }
    let rest = serde_json::to_vec(&Value::Object(fields))
        .map_err(|error| JsonError::NotJson(error.to_string()))?;
    let command = Command::from_json(name, &rest)?;
    Ok(CommandBody { command, expected_revision, effective_at, preview })
}

fn take<T: Request>(
    fields: &mut serde_json::Map<String, Value>,
    name: &str,
) -> Result<Option<T>, JsonError> {
    fields
        .remove(name)
        .map(|value| {
            let pointer = format!("/{name}");
            let text = value.to_string();
            crate::record::from_json::<Option<T>>(text.as_bytes()).map_err(|error| match error {
                JsonError::Field { pointer: _, detail } => JsonError::Field { pointer, detail },
                other @ (JsonError::UnknownName(_) | JsonError::NotJson(_)) => other,
            })
        })
        .transpose()
        .map(Option::flatten)
}
