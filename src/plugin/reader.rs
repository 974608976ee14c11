//! Reads the fields of a plugin's JSON one by one, so that the operator sees every problem at once, by its path.

use crate::problem::FieldProblem;
use crate::secret_ref::{self, Reading};
use crate::sensitive::{Entered, SecretField};
use serde_json::{Map, Value};

/// What the editor shows in place of a stored secret; leaving it there keeps the secret.
pub const STORED: &str = "<stored, not shown>";

/// One JSON object, being read.
pub(super) struct Reader<'a> {
    path: String,
    object: &'a Map<String, Value>,
    known: Vec<&'static str>,
    problems: Vec<FieldProblem>,
}

impl<'a> Reader<'a> {
    /// `path` is that of the object: empty for the whole configuration, `/rules/0` inside.
    pub(super) fn new(path: String, object: &'a Map<String, Value>) -> Self {
        Self { path, object, known: Vec::new(), problems: Vec::new() }
    }

    /// The field, if it is there and well-formed.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        self.known.push(name);
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

    /// Fields of which nothing is said.
    pub(super) fn pass_over(&mut self, names: &[&'static str]) {
        self.known.extend(names);
    }

    /// A field that exists elsewhere but means nothing here.
    pub(super) fn forbid(&mut self, name: &'static str, why: &str) {
        self.known.push(name);
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

    /// Refuses what was not asked for; then `value`, if nothing was wrong.
    pub(super) fn finish<T>(mut self, what: &str, value: Option<T>) -> Result<T, Vec<FieldProblem>> {
        for name in self.object.keys().filter(|name| !self.known.contains(&name.as_str())) {
            let known = self.known.join(", ");
            let problem = FieldProblem::new(
                format!("{}/{name}", self.path),
                format!("{what} has no such field; it has {known}."),
            );
            self.problems.push(problem);
        }
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }
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

/// A field that holds a secret, or a reference to one.
pub(super) fn secret(value: &Value) -> Result<SecretField<Entered>, String> {
    let text = text(value, 1)?;
    match secret_ref::read(&text) {
        Reading::Reference(reference) => Ok(SecretField::Reference(reference.into())),
        Reading::Env(reference) => Ok(SecretField::Reference(reference.into())),
        Reading::Malformed(error) => Err(error.to_string()),
        Reading::NearMiss(why) => Err(why.to_owned()),
        Reading::Literal if text == STORED => Ok(SecretField::Literal(Entered::Keep)),
        Reading::Literal => Ok(SecretField::Literal(Entered::from_field(&text))),
    }
}

/// A reference anywhere but in a field that resolves it would be used as the text it is.
pub(super) fn misplaced_references(value: &Value, allowed: &[&str]) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    walk(value, String::new(), allowed, &mut problems);
    problems
}

fn walk(value: &Value, path: String, allowed: &[&str], problems: &mut Vec<FieldProblem>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                walk(member, format!("{path}/{name}"), allowed, problems);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, format!("{path}/{index}"), allowed, problems);
            }
        }
        Value::String(text)
            if !allowed.contains(&path.trim_start_matches('/')) && secret_ref::read(text) != Reading::Literal =>
        {
            let where_then = match allowed {
                [] => "This plugin has no field that holds one.".to_owned(),
                allowed => format!("It may stand in: {}.", allowed.join(", ")),
            };
            let problem = format!("A secret reference is not resolved in this field. {where_then}");
            problems.push(FieldProblem::new(path, problem));
        }
        _ => {}
    }
}
