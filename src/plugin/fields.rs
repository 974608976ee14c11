//! The fields that plugin configurations are made of, and what is said when one is not as it should be.

use crate::name::{ConsumerName, NameError};
use crate::problem::FieldProblem;
use serde_json::{Map, Value};

/// Sets each member of `object` by `set`, and collects what it refuses under its JSON path.
pub(super) fn parse<T: Default>(
    object: &Map<String, Value>,
    set: impl Fn(&mut T, &str, &Value) -> Result<(), String>,
) -> Result<T, Vec<FieldProblem>> {
    let mut config = T::default();
    let mut problems = Vec::new();
    for (name, value) in object {
        if let Err(why) = set(&mut config, name, value) {
            problems.push(FieldProblem::new(format!("/{name}"), why));
        }
    }
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

pub(super) fn boolean(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "This is true or false.".to_owned())
}

pub(super) fn text(value: &Value) -> Result<String, String> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| "This is a text that is not empty.".to_owned())
}

/// A header name: `token` of RFC 9110 §5.6.2.
pub(super) fn token(value: &Value) -> Result<String, String> {
    let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text(value)
        .ok()
        .filter(|name| name.len() <= 256 && name.chars().all(is_tchar))
        .ok_or_else(|| "This is a header name: letters, digits and '-', without blanks.".to_owned())
}

/// 1 to 128 printable ASCII characters without `"` and `\`, as in APISIX 3.15.
pub(super) fn realm(value: &Value) -> Result<String, String> {
    let printable = |c: char| (' '..='~').contains(&c) && c != '"' && c != '\\';
    text(value)
        .ok()
        .filter(|realm| realm.len() <= 128 && realm.chars().all(printable))
        .ok_or_else(|| "A realm has 1 to 128 printable characters, without quotes and backslashes.".to_owned())
}

pub(super) fn consumer(value: &Value) -> Result<ConsumerName, String> {
    text(value)?.parse().map_err(|e: NameError| e.to_string())
}
