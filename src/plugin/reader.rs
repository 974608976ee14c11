//! Reads the fields of a plugin's JSON one by one, for plugins whose fields have much to say of each other. That a
//! field is there at all, and of the right kind, is checked by the plugin's table.

use super::SecretAt;
use crate::problem::FieldProblem;
use serde_json::{Map, Value};

/// What the editor shows in place of a stored secret; leaving it there keeps the secret.
pub const STORED: &str = "<stored, not shown>";

/// One JSON object, being read.
pub(super) struct Reader<'a> {
    path: String,
    object: &'a Map<String, Value>,
    problems: Vec<FieldProblem>,
}

impl<'a> Reader<'a> {
    /// `path` is that of the object: empty for the whole configuration, `/rules/0` inside.
    pub(super) fn new(path: String, object: &'a Map<String, Value>) -> Self {
        Self { path, object, problems: Vec::new() }
    }

    /// The field, if it is there and well-formed.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        match read(self.object.get(name)?) {
            Ok(value) => Some(value),
            Err(why) => {
                self.refuse(name, why);
                None
            }
        }
    }

    /// The field, which must be there. `why` says what it is needed for.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        why: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(name) {
            self.refuse(name, why);
        }
        self.optional(name, read)
    }

    /// The field, or what it is when it is not there.
    pub(super) fn or<T>(
        &mut self,
        name: &'static str,
        default: T,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> T {
        self.optional(name, read).unwrap_or(default)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// A field that exists elsewhere but means nothing here.
    pub(super) fn forbid(&mut self, name: &'static str, why: &str) {
        if self.has(name) {
            self.refuse(name, why);
        }
    }

    pub(super) fn refuse(&mut self, name: &str, why: impl Into<String>) {
        self.problems.push(FieldProblem::new(format!("{}/{name}", self.path), why));
    }

    pub(super) fn add(&mut self, problems: Vec<FieldProblem>) {
        self.problems.extend(problems);
    }

    /// `value`, if nothing was wrong.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Vec<FieldProblem>> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }
}

pub(super) fn boolean(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "This is true or false.".to_owned())
}

/// A whole number in the range.
pub(super) fn whole(value: &Value, least: u64, most: u64) -> Result<u64, String> {
    let expected = || format!("This is a whole number from {least} to {most}.");
    value.as_u64().filter(|number| (least..=most).contains(number)).ok_or_else(expected)
}

/// A text of at least `least` and at most 4096 bytes.
pub(super) fn text(value: &Value, least: usize) -> Result<String, String> {
    let text = value.as_str().filter(|text| (least..=4096).contains(&text.len()));
    text.map(str::to_owned).ok_or_else(|| match least {
        0 | 1 => "This is a text that is not empty.".to_owned(),
        least => format!("This is a text of at least {least} characters."),
    })
}

/// A field with a secret: where it stands.
pub(super) fn secret(value: &Value) -> Result<SecretAt, String> {
    Ok(SecretAt::new(&text(value, 1)?))
}
