//! Looks whether a configuration is what its table says; the operator sees every problem at once, by its path.

use super::{Field, Form, Kind, escaped, kinds_at, secret_patterns};
use crate::near::nearest;
use crate::plugin::{STORED, SecretAt};
use crate::problem::FieldProblem;
use crate::rule::Rule;
use crate::secret_ref::{self, Reading};
use crate::sensitive::{Entered, SecretField};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What was found in a configuration.
#[derive(Debug, Default)]
pub(in crate::plugin) struct Checked {
    /// References in fields that resolve none. They say more than whatever else is wrong there.
    pub(in crate::plugin) misplaced: Vec<FieldProblem>,
    pub(in crate::plugin) problems: Vec<FieldProblem>,
    pub(in crate::plugin) secrets: BTreeMap<SecretAt, SecretField<Entered>>,
}

/// Checks `object`, the configuration of `what` (a machine name).
pub(in crate::plugin) fn check(what: &str, fields: &[Field], object: &Map<String, Value>) -> Checked {
    let mut checked = Checked::default();
    let allowed = secret_patterns(fields);
    for (name, value) in object {
        checked.misplaced(value, format!("/{}", escaped(name)), &allowed);
    }
    checked.object(what, "", fields, object);
    checked
}

/// Checks the value of a reference that stands at `path`.
pub(in crate::plugin) fn check_value(fields: &[Field], path: &str, value: &str) -> Result<(), Rule> {
    let rules = kinds_at(fields, path).into_iter().filter_map(|kind| match kind {
        Kind::OrReference { value: form, .. } => Some(in_form(value, form)),
        kind => text_rule(kind, value),
    });
    // Of several kinds one will do; of those that do not the first is told.
    let rules: Vec<Result<(), Rule>> = rules.collect();
    if rules.iter().any(Result::is_ok) { Ok(()) } else { rules.into_iter().next().unwrap_or(Ok(())) }
}

/// What a kind of text says of a text; nothing where the kind is none.
fn text_rule(kind: &Kind, text: &str) -> Option<Result<(), Rule>> {
    match kind {
        Kind::Text { min, max } => Some(of_length(text, *min, *max)),
        Kind::Form(form) | Kind::OrReference { typed: form, .. } => Some(in_form(text, form)),
        Kind::Integer { .. }
        | Kind::Number { .. }
        | Kind::Boolean
        | Kind::OneOf(_)
        | Kind::List { .. }
        | Kind::Object(_)
        | Kind::Map { .. }
        | Kind::Either(_)
        | Kind::Any
        | Kind::Refused(_) => None,
    }
}

impl Checked {
    fn refuse(&mut self, path: &str, why: impl Into<String>) {
        self.problems.push(FieldProblem::new(path, why));
    }

    fn object(&mut self, what: &str, path: &str, fields: &[Field], object: &Map<String, Value>) {
        for field in fields {
            let path = format!("{path}/{}", field.name);
            match (object.get(field.name), field.needed) {
                (Some(value), _) => self.field(field, &path, value),
                (None, Some(why)) => self.refuse(&path, why),
                (None, None) => {}
            }
        }
        for name in object.keys().filter(|name| fields.iter().all(|field| field.name != *name)) {
            self.refuse(&format!("{path}/{}", escaped(name)), unknown(what, name, fields));
        }
    }

    fn field(&mut self, field: &Field, path: &str, value: &Value) {
        if field.is_secret {
            return self.secret(field, path, value);
        }
        let before = self.problems.len();
        self.value(&field.kind, path, value);
        if let (Some(expected), true) = (field.expected, self.problems.len() > before) {
            self.problems.truncate(before);
            self.refuse(path, expected);
        }
    }

    /// A field that holds a secret, or a reference to one. Only a secret itself has to be of the field's kind.
    fn secret(&mut self, field: &Field, path: &str, value: &Value) {
        let text = match value.as_str() {
            Some(text) if !text.is_empty() => text,
            _ => return self.refuse(path, Rule::AtLeast { characters: 1 }.expected()),
        };
        let secret = match secret_ref::read(text) {
            Reading::Reference(reference) => SecretField::Reference(reference.into()),
            Reading::Env(reference) => SecretField::Reference(reference.into()),
            Reading::Malformed(error) => return self.refuse(path, error.to_string()),
            Reading::NearMiss(why) => return self.refuse(path, why),
            Reading::Literal if text == STORED => SecretField::Literal(Entered::Keep),
            Reading::Literal => {
                self.value(&field.kind, path, value);
                SecretField::Literal(Entered::from_field(text))
            }
        };
        self.secrets.insert(SecretAt::new(path.trim_start_matches('/')), secret);
    }

    fn value(&mut self, kind: &Kind, path: &str, value: &Value) {
        match kind {
            Kind::Text { min, .. } => match value.as_str() {
                Some(text) => self.text(kind, path, text),
                None => self.refuse(path, Rule::AtLeast { characters: *min }.expected()),
            },
            // What is no text has no form: the form's own words say what is expected.
            Kind::Form(_) => self.text(kind, path, value.as_str().unwrap_or_default()),
            Kind::OrReference { .. } => self.or_reference(kind, path, value),
            Kind::Integer { min, max } => {
                if value.as_i64().is_none_or(|number| !(*min..=*max).contains(&number)) {
                    self.refuse(path, format!("This is a whole number from {min} to {max}."));
                }
            }
            Kind::Number { min, max } => {
                if value.as_f64().is_none_or(|number| !(*min..=*max).contains(&number)) {
                    self.refuse(path, format!("This is a number from {min} to {max}."));
                }
            }
            Kind::Boolean => {
                if !value.is_boolean() {
                    self.refuse(path, "This is true or false.");
                }
            }
            Kind::OneOf(names) => {
                if let Err(why) = one_of(value, names) {
                    self.refuse(path, why);
                }
            }
            Kind::List { of, min, max, is_unique } => match value.as_array() {
                Some(items) => self.list(of, (*min, *max), *is_unique, path, items),
                None => self.refuse(path, "This is a list: [ ]."),
            },
            Kind::Object(fields) => match value.as_object() {
                Some(object) => self.object("The object", path, fields, object),
                None => self.refuse(path, format!("This is an object with {}.", names_of(fields))),
            },
            Kind::Map { of, max } => match value.as_object() {
                Some(members) if members.len() <= *max => {
                    for (name, member) in members {
                        self.value(of, &format!("{path}/{}", escaped(name)), member);
                    }
                }
                Some(_) => self.refuse(path, format!("This is an object of at most {max} members.")),
                None => self.refuse(path, "This is an object: { }."),
            },
            Kind::Either(kinds) => self.either(kinds, path, value),
            Kind::Any => {}
            Kind::Refused(why) => self.refuse(path, *why),
        }
    }

    fn text(&mut self, kind: &Kind, path: &str, text: &str) {
        if let Some(Err(rule)) = text_rule(kind, text) {
            self.refuse(path, rule.expected());
        }
    }

    fn or_reference(&mut self, kind: &Kind, path: &str, value: &Value) {
        let Some(text) = value.as_str() else { return self.refuse(path, "This is a text.") };
        let reference = match secret_ref::read(text) {
            Reading::Reference(reference) => reference.into(),
            Reading::Env(reference) => reference.into(),
            Reading::Malformed(error) => return self.refuse(path, error.to_string()),
            Reading::NearMiss(why) => return self.refuse(path, why),
            Reading::Literal => return self.text(kind, path, text),
        };
        self.secrets.insert(SecretAt::new(path.trim_start_matches('/')), SecretField::Reference(reference));
    }

    fn list(&mut self, of: &Kind, (min, max): (usize, usize), is_unique: bool, path: &str, items: &[Value]) {
        if !(min..=max).contains(&items.len()) {
            let range = if items.len() < min { format!("at least {min}") } else { format!("at most {max}") };
            self.refuse(path, format!("This is a list of {range}."));
        }
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}/{index}");
            if is_unique && items[..index].contains(item) {
                self.refuse(&path, "This is in the list already.");
            }
            self.value(of, &path, item);
        }
    }

    /// Of several kinds, the problems of the one that comes nearest are told.
    fn either(&mut self, kinds: &[Kind], path: &str, value: &Value) {
        let mut fewest: Option<Self> = None;
        for kind in kinds {
            let mut tried = Self::default();
            tried.value(kind, path, value);
            if tried.problems.is_empty() {
                self.secrets.extend(tried.secrets);
                return;
            }
            let deeper = |p: &Self| p.problems.iter().map(|p| p.field.len()).max();
            if fewest.as_ref().is_none_or(|known| deeper(&tried) > deeper(known)) {
                fewest = Some(tried);
            }
        }
        self.problems.extend(fewest.unwrap_or_default().problems);
    }

    /// A reference anywhere but in a field that resolves it would be used as the text it is.
    fn misplaced(&mut self, value: &Value, path: String, allowed: &[String]) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    self.misplaced(member, format!("{path}/{}", escaped(name)), allowed);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.misplaced(item, format!("{path}/{index}"), allowed);
                }
            }
            Value::String(text)
                if !allowed.iter().any(|pattern| is_at(&path, pattern))
                    && secret_ref::read(text) != Reading::Literal =>
            {
                let where_then = match allowed {
                    [] => "This plugin has no field that holds one.".to_owned(),
                    allowed => format!("It may stand in: {}.", allowed.join(", ")),
                };
                let problem = format!("A secret reference is not resolved in this field. {where_then}");
                self.misplaced.push(FieldProblem::new(path, problem));
            }
            _ => {}
        }
    }
}

/// The longest text with a form of its own, in bytes.
const LONGEST: usize = 4096;

fn of_length(text: &str, min: usize, max: usize) -> Result<(), Rule> {
    match text.chars().count() {
        length if length > max => Err(Rule::AtMost { characters: max }),
        length if length < min => Err(Rule::AtLeast { characters: min }),
        _ => Ok(()),
    }
}

fn in_form(text: &str, form: &Form) -> Result<(), Rule> {
    if text.len() > LONGEST {
        return Err(Rule::AtMostBytes { bytes: LONGEST });
    }
    (form.read)(text).map_err(|says| Rule::Form { says })
}

fn one_of(value: &Value, names: &[&str]) -> Result<(), String> {
    if value.as_str().is_some_and(|text| names.contains(&text)) {
        return Ok(());
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    let expected = match quoted.split_last() {
        Some((last, [])) => format!("This is {last}."),
        Some((last, others)) => format!("This is {} or {last}.", others.join(", ")),
        None => "There is nothing that this could be.".to_owned(),
    };
    Err(expected)
}

fn names_of(fields: &[Field]) -> String {
    let names: Vec<&str> = fields.iter().filter(|field| !field.is_refused()).map(|field| field.name).collect();
    names.join(", ")
}

fn unknown(what: &str, name: &str, fields: &[Field]) -> String {
    let meant = nearest(name, fields.iter().map(|field| field.name));
    match (meant, fields) {
        (Some(meant), _) => format!("{what} has no such field. Is {meant} meant?"),
        (None, []) => format!("{what} has no such field; it has none."),
        (None, fields) => format!("{what} has no such field; it has {}.", names_of(fields)),
    }
}

/// Whether a path is one of those that a pattern stands for.
fn is_at(path: &str, pattern: &str) -> bool {
    let (mut path, mut pattern) = (path.trim_start_matches('/').split('/'), pattern.split('/'));
    loop {
        match (path.next(), pattern.next()) {
            (None, None) => return true,
            (Some(part), Some(wanted)) if wanted == "*" || part == wanted => {}
            _ => return false,
        }
    }
}
