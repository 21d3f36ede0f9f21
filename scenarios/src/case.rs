//! A published case, of which expectations read their figures.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A case of a file of published cases.
#[derive(Debug, Clone)]
pub struct Case {
    name: String,
    value: Value,
}

/// A case or a figure that is not there.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// `FILE#ID` is meant.
    #[error("{0:?} is no case; write FILE#ID")]
    NotCase(String),
    /// The file cannot be read.
    #[error("{} cannot be read; name the folder of the cases with --cases", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no JSON list of cases.
    #[error("{} is no list of cases: {why}", path.display())]
    NotCases {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No such case.
    #[error("{} has no case {id}", path.display())]
    Unknown {
        /// Which file.
        path: PathBuf,
        /// Which case.
        id: String,
    },
    /// No such figure, or one that is no text and no integer.
    #[error("case {case} has no figure at {pointer}; a figure is a text or a whole number")]
    NoFigure {
        /// Which case.
        case: String,
        /// What was asked for.
        pointer: String,
    },
}

impl Case {
    /// The case that `FILE#ID` names; the file lies in `folder` unless its path is absolute.
    ///
    /// # Errors
    /// [`CaseError`].
    pub fn read(reference: &str, folder: &Path) -> Result<Self, CaseError> {
        let (file, id) = reference
            .split_once('#')
            .filter(|(file, id)| !file.is_empty() && !id.is_empty())
            .ok_or_else(|| CaseError::NotCase(reference.to_owned()))?;
        let path = folder.join(file);
        let text = fs::read_to_string(&path)
            .map_err(|source| CaseError::Unreadable { path: path.clone(), source })?;
        let cases: Vec<Value> = serde_json::from_str(&text)
            .map_err(|error| CaseError::NotCases { path: path.clone(), why: error.to_string() })?;
        let found = cases.into_iter().find(|case| case.get("id").is_some_and(|it| it == id));
        let value = found.ok_or_else(|| CaseError::Unknown { path, id: id.to_owned() })?;
        Ok(Self { name: id.to_owned(), value })
    }

    /// Its id.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The figures at a JSON pointer: one, or those of a list.
    ///
    /// # Errors
    /// [`CaseError::NoFigure`].
    pub fn figures(&self, pointer: &str) -> Result<Vec<String>, CaseError> {
        let none = || CaseError::NoFigure { case: self.name.clone(), pointer: pointer.to_owned() };
        match self.value.pointer(pointer) {
            Some(Value::Array(items)) => {
                items.iter().map(|it| figure(it).ok_or_else(none)).collect()
            }
            Some(value) => Ok(vec![figure(value).ok_or_else(none)?]),
            None => Err(none()),
        }
    }

    /// The figure at a JSON pointer.
    ///
    /// # Errors
    /// [`CaseError::NoFigure`] for a list too.
    pub fn figure(&self, pointer: &str) -> Result<String, CaseError> {
        self.value.pointer(pointer).and_then(figure).ok_or_else(|| CaseError::NoFigure {
            case: self.name.clone(),
            pointer: pointer.to_owned(),
        })
    }
}

/// Floats are refused: what was written can no longer be told.
fn figure(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}
