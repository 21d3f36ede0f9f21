//! What is printed of a scenario: one line for each difference, and one at its end.

use serde::Serialize;

use crate::trouble::Place;

/// Something that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which scenario.
    pub id: String,
    /// Which step, counted from 1.
    pub step: Option<usize>,
    /// On which line of the file.
    pub line: Option<usize>,
    /// What of it, such as `i1.lines.2.net`.
    pub path: String,
    /// What the author wants.
    pub want: Option<String>,
    /// What the book says.
    pub got: Option<String>,
    /// How the book comes to it.
    pub explain: String,
}

/// What became of one scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many values were compared.
    pub compared: usize,
    /// What is not as expected.
    pub differences: Vec<Difference>,
}

impl Outcome {
    /// Counts a comparison; a difference if `want` is not `got`.
    pub fn compare(&mut self, found: Option<Difference>) {
        self.compared += 1;
        self.differences.extend(found);
    }

    /// Everything is as expected.
    pub fn holds(&self) -> bool {
        self.differences.is_empty()
    }

    /// The last line of a scenario, of the same form as a difference.
    pub fn summary(&self, id: &str, file: &str) -> Difference {
        let held = self.compared - self.differences.len().min(self.compared);
        Difference {
            id: id.to_owned(),
            step: None,
            line: None,
            path: "summary".to_owned(),
            want: Some(self.compared.to_string()),
            got: Some(held.to_string()),
            explain: format!("{file}: {held} of {} values are as expected", self.compared),
        }
    }
}

impl Difference {
    /// Something of a step of a scenario.
    pub fn at(id: &str, place: Place, path: impl Into<String>) -> Self {
        Self {
            id: id.to_owned(),
            step: place.step,
            line: Some(place.line),
            path: path.into(),
            want: None,
            got: None,
            explain: String::new(),
        }
    }

    /// A line for people.
    pub fn text(&self) -> String {
        let step = self.step.map_or_else(String::new, |step| format!(" step {step}"));
        let line = self.line.map_or_else(String::new, |line| format!(" (line {line})"));
        let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let (want, got) = (said(&self.want), said(&self.got));
        let explain =
            if self.explain.is_empty() { String::new() } else { format!(" — {}", self.explain) };
        format!("{}{step}{line} {}: want {want}, got {got}{explain}", self.id, self.path)
    }
}
