//! What is wrong with one field of one form.

use serde::{Deserialize, Serialize};

/// One field that cannot be accepted, and why.
///
/// `field` is the form field's name (`url`), or a JSON path inside it (`/nodes/0/port`). `problem` is
/// a whole sentence that says what was expected; it never repeats what was typed into a secret field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldProblem {
    pub field: String,
    pub problem: String,
}

impl FieldProblem {
    /// A problem at `field`.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

/// Collects the problems of a whole form, so that the operator sees all of them at once.
#[derive(Debug, Default)]
pub struct Problems(Vec<FieldProblem>);

impl Problems {
    /// Keeps the value, or records the problem and answers `None`.
    pub fn check<T, E: ToString>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|e| self.add(field, e.to_string())).ok()
    }

    /// Records a problem.
    pub fn add(&mut self, field: &str, problem: impl Into<String>) {
        self.0.push(FieldProblem::new(field, problem));
    }

    /// The parsed form if nothing was wrong.
    ///
    /// # Errors
    /// All problems found.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<FieldProblem>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}
