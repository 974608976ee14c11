//! What may stand in a plugin's configuration, told once: the check at save, the editor's JSON Schema, the defaults
//! and the documents all come from these tables.
//!
//! A table says what one field is on its own. What fields say of each other is each plugin's own `check`.

mod check;
mod json;
#[cfg(test)]
mod tests;

pub(super) use check::{check, check_value};
pub(super) use json::{fields_schema, with_defaults};

use crate::secret_ref::{self, Reading};
use serde_json::{Map, Value};

/// One field of a plugin's configuration, or of an object in it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    /// What it does: one sentence for the editor and the documents.
    pub about: &'static str,
    /// What holds when it is left out, as JSON.
    pub default: Option<&'static str>,
    /// What is said when it is left out although it must be there.
    pub needed: Option<&'static str>,
    /// Whether it holds a secret, or a reference to one. No other field may hold a reference.
    pub is_secret: bool,
    /// Whether it tells to whom the secrets beside it are shown: when it changes, no stored secret is kept.
    pub is_server: bool,
    /// Whether it names a consumer, which must exist.
    pub is_consumer: bool,
    /// What is said of a value that is no such, in place of the kind's own words.
    pub expected: Option<&'static str>,
}

/// What a value has to be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text of so many characters.
    Text {
        min: usize,
        max: usize,
    },
    /// A text with a form of its own.
    Form(&'static Form),
    /// The same, or a reference in place of all of it. Unlike a field's secret, a text that is typed in stays a text.
    OrReference {
        typed: &'static Form,
        /// What a reference's value has to be: it is used as it is, whatever is made of a text typed in.
        value: &'static Form,
    },
    /// A whole number in the range.
    Integer {
        min: i64,
        max: i64,
    },
    /// A number in the range.
    Number {
        min: f64,
        max: f64,
    },
    Boolean,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A list of so many.
    List {
        of: &'static Self,
        min: usize,
        max: usize,
        is_unique: bool,
    },
    /// An object with these fields and no others.
    Object(&'static [Field]),
    /// An object whose members have names of the operator's choice.
    Map {
        of: &'static Self,
        max: usize,
    },
    /// Any of several kinds.
    Either(&'static [Self]),
    /// Any JSON.
    Any,
    /// What APISIX has and this gateway has not: why not.
    Refused(&'static str),
}

/// A text that has a form of its own.
#[derive(Debug)]
pub struct Form {
    /// The same form, as near as a regular expression of ECMA 262 says it; for the editor alone.
    pub pattern: &'static str,
    /// Says what is wrong with a text, in a sentence.
    pub read: fn(&str) -> Result<(), String>,
}

impl Kind {
    /// A text that is not empty.
    pub const TEXT: Self = Self::Text { min: 1, max: 4096 };
    /// A list of texts that are not empty.
    pub const TEXTS: Self = Self::list(&Self::TEXT);

    /// A list of any length, also none.
    #[must_use]
    pub const fn list(of: &'static Self) -> Self {
        Self::List { of, min: 0, max: 1024, is_unique: false }
    }

    /// A list of at least one.
    #[must_use]
    pub const fn some(of: &'static Self) -> Self {
        Self::List { of, min: 1, max: 1024, is_unique: false }
    }

    /// An object whose members have names of the operator's choice.
    #[must_use]
    pub const fn map(of: &'static Self) -> Self {
        Self::Map { of, max: 1024 }
    }
}

impl Field {
    /// A field that may be left out.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self {
            name,
            kind,
            about,
            default: None,
            needed: None,
            is_secret: false,
            is_server: false,
            is_consumer: false,
            expected: None,
        }
    }

    /// With what holds when it is left out, as JSON.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// It must be there; `why` says what it is needed for.
    #[must_use]
    pub const fn needed(self, why: &'static str) -> Self {
        Self { needed: Some(why), ..self }
    }

    /// It holds a secret, or a reference to one.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }

    /// It tells to whom the secrets beside it are shown.
    #[must_use]
    pub const fn server(self) -> Self {
        Self { is_server: true, ..self }
    }

    /// It names a consumer.
    #[must_use]
    pub const fn consumer(self) -> Self {
        Self { is_consumer: true, ..self }
    }

    /// With what is said of a value that is no such.
    #[must_use]
    pub const fn expected(self, text: &'static str) -> Self {
        Self { expected: Some(text), ..self }
    }

    /// What holds when it is left out.
    #[must_use]
    pub fn default_value(&self) -> Option<Value> {
        serde_json::from_str(self.default?).ok()
    }

    fn is_refused(&self) -> bool {
        matches!(self.kind, Kind::Refused(_))
    }
}

/// The places of secrets in an object with these fields, as paths: `redis_password`, `servers/*/password`.
#[must_use]
pub fn secret_patterns(fields: &[Field]) -> Vec<String> {
    let mut patterns = Vec::new();
    for field in fields {
        if field.is_secret {
            patterns.push(field.name.to_owned());
        }
        patterns.extend(secrets_inside(&field.kind).into_iter().map(|rest| joined(field.name, &rest)));
    }
    let mut known = std::collections::BTreeSet::new();
    patterns.retain(|pattern| known.insert(pattern.clone()));
    patterns
}

fn joined(first: &str, rest: &str) -> String {
    if rest.is_empty() { first.to_owned() } else { format!("{first}/{rest}") }
}

/// Whether what stands at a place that may hold a reference is one: as it is entered, or as it is stored.
pub(super) fn is_reference(value: &Value) -> bool {
    let is_one = |text: &str| matches!(secret_ref::read(text), Reading::Reference(_) | Reading::Env(_));
    match value {
        Value::String(text) => is_one(text),
        Value::Object(stored) => {
            let text = stored.get("value").and_then(Value::as_str);
            stored.len() == 2 && stored.get("source").is_some_and(|s| s == "reference") && text.is_some_and(is_one)
        }
        _ => false,
    }
}

/// Whether the place of a pattern may also hold a text that is no secret.
pub(super) fn may_be_text(fields: &[Field], pattern: &str) -> bool {
    let (first, rest) = split(pattern);
    let field = fields.iter().find(|field| field.name == first);
    field.is_some_and(|field| !field.is_secret && may_hold_text(&field.kind, rest))
}

fn may_hold_text(kind: &Kind, rest: Option<&str>) -> bool {
    match (kind, rest) {
        (Kind::OrReference { .. }, None) => true,
        (Kind::Either(kinds), rest) => kinds.iter().any(|kind| may_hold_text(kind, rest)),
        (Kind::Object(fields), Some(rest)) => may_be_text(fields, rest),
        (Kind::List { of, .. } | Kind::Map { of, .. }, Some(rest)) => {
            let (first, rest) = split(rest);
            first == "*" && may_hold_text(of, rest)
        }
        _ => false,
    }
}

fn secrets_inside(kind: &Kind) -> Vec<String> {
    match kind {
        Kind::Object(fields) => secret_patterns(fields),
        Kind::List { of, .. } | Kind::Map { of, .. } => {
            secrets_inside(of).into_iter().map(|rest| joined("*", &rest)).collect()
        }
        Kind::Either(kinds) => kinds.iter().flat_map(secrets_inside).collect(),
        Kind::OrReference { .. } => vec![String::new()],
        Kind::Text { .. }
        | Kind::Form(_)
        | Kind::Integer { .. }
        | Kind::Number { .. }
        | Kind::Boolean
        | Kind::OneOf(_)
        | Kind::Any
        | Kind::Refused(_) => Vec::new(),
    }
}

/// The kinds that a value at a path may be of: more than one where there is a choice.
pub(super) fn kinds_at<'f>(fields: &'f [Field], path: &str) -> Vec<&'f Kind> {
    let (first, rest) = split(path);
    let field = fields.iter().find(|field| field.name == first);
    field.map_or_else(Vec::new, |field| kinds_inside(&field.kind, rest))
}

fn kinds_inside<'f>(kind: &'f Kind, rest: Option<&str>) -> Vec<&'f Kind> {
    match (kind, rest) {
        (Kind::Either(kinds), rest) => kinds.iter().flat_map(|kind| kinds_inside(kind, rest)).collect(),
        (kind, None) => vec![kind],
        (Kind::Object(fields), Some(rest)) => kinds_at(fields, rest),
        (Kind::List { of, .. } | Kind::Map { of, .. }, Some(rest)) => kinds_inside(of, split(rest).1),
        (_, Some(_)) => Vec::new(),
    }
}

/// The paths in `object` at which a pattern finds something.
pub(super) fn found(object: &Map<String, Value>, patterns: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for pattern in patterns {
        let (first, rest) = split(pattern);
        if let Some(value) = object.get(first) {
            find(value, first.to_owned(), rest, &mut found);
        }
    }
    found
}

fn find(value: &Value, path: String, rest: Option<&str>, found: &mut Vec<String>) {
    let Some(rest) = rest else {
        found.push(path);
        return;
    };
    let (first, rest) = split(rest);
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| first == "*" || *name == first) {
                find(member, format!("{path}/{}", escaped(name)), rest, found);
            }
        }
        Value::Array(items) if first == "*" => {
            for (index, item) in items.iter().enumerate() {
                find(item, format!("{path}/{index}"), rest, found);
            }
        }
        _ => {}
    }
}

fn split(pattern: &str) -> (&str, Option<&str>) {
    pattern.split_once('/').map_or((pattern, None), |(first, rest)| (first, Some(rest)))
}

/// A member's name in a path (RFC 6901 §3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
