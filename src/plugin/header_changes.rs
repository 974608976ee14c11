//! What plugins do to the headers of a request or an answer: add, set, remove, in this order.
//!
//! Headers that frame the message, that are for one connection alone, and that say who the caller is belong to the
//! gateway: a plugin that could set them could make one message into two, or one caller into another.

use super::filled::Filled;
use super::forms::{HEADER_NAME, is_header_name};
use super::schema::{Field, Form, Kind};
use super::{PluginConfig, SecretAt};
use crate::problem::FieldProblem;
use crate::secret_ref::{self, Reading};
use serde_json::{Map, Value};

/// The field that has them.
pub(super) const FIELD: &str = "headers";

/// A value: text with variables, or a reference in place of all of it.
const VALUE: Kind = Kind::Either(&[
    Kind::OrReference {
        typed: &Form { pattern: "^[^\\r\\n]{0,4096}$", read: is_value },
        value: &Form { pattern: "^[^\\r\\n]{1,4096}$", read: has_one_line },
    },
    Kind::Number { min: f64::MIN, max: f64::MAX },
]);
const VALUES: Kind = Kind::Either(&[VALUE, Kind::some(&VALUE)]);
const NAMES: Kind = Kind::some(&HEADER_NAME);

const REQUEST: &[Field] = &[
    Field::new(
        "add",
        Kind::map(&VALUES),
        "Headers that are added to those that are there, by name: a value, or a list of values.",
    ),
    Field::new(
        "set",
        Kind::map(&VALUES),
        "Headers that take the place of those that are there, by name. An empty value removes the header.",
    ),
    Field::new("remove", NAMES, "The names of headers that are removed."),
];

const ANSWER: &[Field] = &[
    Field::new(
        "add",
        Kind::some(&Kind::Form(&Form { pattern: "^[^:]+:.+$", read: is_line })),
        "Headers that are added to those that are there, each as \"Name: value\".",
    ),
    Field::new(
        "set",
        Kind::map(&VALUES),
        "Headers that take the place of those that are there, by name. An empty value removes the header.",
    ),
    Field::new("remove", NAMES, "The names of headers that are removed."),
];

/// The field `headers` of a plugin that changes requests: names with values, which are set, or what to do with them.
pub(super) const OF_REQUEST: Kind = Kind::Either(&[Kind::map(&VALUES), Kind::Object(REQUEST)]);
/// The same of a plugin that changes answers.
pub(super) const OF_ANSWER: Kind = Kind::Either(&[Kind::map(&VALUES), Kind::Object(ANSWER)]);

/// Whose headers are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    Request,
    Answer,
}

/// A header's value: text to be filled in, or a secret. `F` is how that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderText<F> {
    Secret(F),
    Filled(Filled),
}

/// Headers, and the values of each.
pub type Headers<F> = Vec<(String, Vec<HeaderText<F>>)>;

/// Changes to headers, done in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderChanges<F> {
    pub add: Headers<F>,
    pub set: Headers<F>,
    pub remove: Vec<String>,
}

/// What can be done with headers; a name that no header has means that all stand alone, to be set.
struct Actions<'v> {
    add: Option<&'v Value>,
    set: Option<(&'v Map<String, Value>, &'static str)>,
    remove: Option<&'v Value>,
    /// What stands beside them, and means nothing there.
    other: Option<&'v str>,
}

impl<F: Clone> HeaderChanges<F> {
    /// What the field `headers` of a configuration says.
    ///
    /// # Errors
    /// Why a stored configuration is none that this version knows, for the log.
    pub(super) fn of(config: &PluginConfig<F>, headers: Option<&Map<String, Value>>) -> Result<Self, String> {
        let Some(headers) = headers else { return Ok(Self { add: Vec::new(), set: Vec::new(), remove: Vec::new() }) };
        let actions = Actions::of(headers);
        let add = match actions.add {
            Some(Value::Object(named)) => read(config, named, "headers/add")?,
            Some(Value::Array(lines)) => lines.iter().map(line).collect::<Result<_, _>>()?,
            _ => Vec::new(),
        };
        let set = actions.set.map(|(named, path)| read(config, named, path)).transpose()?;
        let remove = actions.remove.and_then(Value::as_array).into_iter().flatten();
        let remove = remove.filter_map(|name| name.as_str().map(str::to_owned));
        Ok(Self { add, set: set.unwrap_or_default(), remove: remove.collect() })
    }
}

impl<F> HeaderChanges<F> {
    /// Every text in it that has to be filled in.
    pub fn filled(&self) -> impl Iterator<Item = &Filled> {
        let values = self.add.iter().chain(&self.set).flat_map(|(_, values)| values);
        values.filter_map(|value| match value {
            HeaderText::Filled(filled) => Some(filled),
            HeaderText::Secret(_) => None,
        })
    }
}

impl<'v> Actions<'v> {
    /// A header may be named `set`, too: then its value is no object.
    fn of(headers: &'v Map<String, Value>) -> Self {
        let is_action = |name: &&str| {
            headers.get(*name).is_some_and(|value| value.is_object() || value.is_array() && *name != "set")
        };
        if !["add", "set", "remove"].iter().any(is_action) {
            return Self { add: None, set: Some((headers, "headers")), remove: None, other: None };
        }
        let other = headers.keys().find(|name| !["add", "set", "remove"].contains(&name.as_str()));
        let set = headers.get("set").and_then(Value::as_object).map(|set| (set, "headers/set"));
        Self { add: headers.get("add"), set, remove: headers.get("remove"), other: other.map(String::as_str) }
    }
}

fn read<F: Clone>(config: &PluginConfig<F>, named: &Map<String, Value>, path: &str) -> Result<Headers<F>, String> {
    let header = |(name, value): (&String, &Value)| {
        let path = format!("{path}/{}", name.replace('~', "~0"));
        let values = match value {
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, item)| text(config, &format!("{path}/{index}"), item)).collect()
            }
            one => text(config, &path, one).map(|value| vec![value]),
        };
        Ok((name.clone(), values?))
    };
    named.iter().map(header).collect()
}

fn text<F: Clone>(config: &PluginConfig<F>, path: &str, value: &Value) -> Result<HeaderText<F>, String> {
    if let Some(secret) = config.secret(&SecretAt::new(path)) {
        return Ok(HeaderText::Secret(secret.clone()));
    }
    filled(value).map(HeaderText::Filled).ok_or_else(|| format!("{path} is no value of a header"))
}

fn filled(value: &Value) -> Option<Filled> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

fn line<F>(line: &Value) -> Result<(String, Vec<HeaderText<F>>), String> {
    let (name, value) =
        line.as_str().and_then(|line| line.split_once(':')).ok_or("headers/add is no list of headers")?;
    let value = value.trim().parse().map_err(|error: super::variable::VariableError| error.to_string())?;
    Ok((name.trim_end().to_owned(), vec![HeaderText::Filled(value)]))
}

fn has_one_line(text: &str) -> Result<(), String> {
    let is_one = text.chars().all(|c| !c.is_control() || c == '\t');
    is_one
        .then_some(())
        .ok_or_else(|| "The value of a header has no line ends and no other control characters.".to_owned())
}

fn is_value(text: &str) -> Result<(), String> {
    has_one_line(text)?;
    text.parse::<Filled>().map(drop).map_err(|error| error.to_string())
}

fn is_line(line: &str) -> Result<(), String> {
    let is_reference = |text: &str| secret_ref::read(text) != Reading::Literal;
    if is_reference(line) || line.split_once(':').is_some_and(|(_, value)| is_reference(value.trim())) {
        return Err("A secret reference is not resolved in this field. It may stand in headers/set.".to_owned());
    }
    match line.split_once(':') {
        Some((name, value)) if is_header_name(name.trim_end()) && !value.trim().is_empty() => is_value(value.trim()),
        _ => Err("A header is written \"Name: value\".".to_owned()),
    }
}

/// Why no plugin may change this header of such a message; `None` for one that it may. Upstream servers often read
/// `X_Consumer_Username` and `X-Consumer-Username` as one name, so here they are one.
#[must_use]
pub fn reserved(message: Message, name: &str) -> Option<&'static str> {
    let folded: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let says_who = |name: &str| ["x-consumer-", "x-credential-", "x-userinfo"].iter().any(|p| name.starts_with(p));
    match folded.as_str() {
        "content-length" | "transfer-encoding" | "trailer" | "te" | "expect" => {
            Some("This header says where the message ends, which only the gateway knows.")
        }
        "connection" | "keep-alive" | "proxy-connection" | "upgrade" | "proxy-authenticate" | "proxy-authorization" => {
            Some("This header is for one connection alone, and the gateway has another one.")
        }
        "x-request-id" => Some("The gateway gives every request its id; the plugin request-id says what it is like."),
        "host" if message == Message::Request => Some("The host has a field of its own: host."),
        name if message == Message::Request && says_who(name) => {
            Some("Only the gateway says who a request comes from.")
        }
        _ => None,
    }
}

/// What is wrong with the names in the field `headers` that no single value tells.
pub(super) fn check(message: Message, fields: &Map<String, Value>) -> Vec<FieldProblem> {
    let Some(headers) = fields.get(FIELD).and_then(Value::as_object) else { return Vec::new() };
    let actions = Actions::of(headers);
    let mut problems = Vec::new();
    let mut refuse = |path: String, why: &str| problems.push(FieldProblem::new(path, why));
    if headers.is_empty() {
        refuse("/headers".to_owned(), "This is an object with at least one header.");
    }
    let added = actions.add.and_then(Value::as_object).map(|named| (named, "headers/add"));
    for (named, path) in added.into_iter().chain(actions.set) {
        let mut known = Vec::new();
        for name in named.keys() {
            let lower = name.to_ascii_lowercase();
            match why_not(message, name) {
                Some(why) => refuse(format!("/{path}/{name}"), why),
                None if known.contains(&lower) => refuse(format!("/{path}/{name}"), "This header stands here twice."),
                None => known.push(lower),
            }
        }
    }
    if let Some(other) = actions.other {
        refuse(format!("/headers/{other}"), "Beside add, set and remove no header stands alone: put it into set.");
    }
    for (index, line) in actions.add.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let line = line.as_str().unwrap_or_default();
        let why = match (message, is_line(line)) {
            (Message::Request, _) => Some("This is an object of headers by name.".to_owned()),
            (Message::Answer, Err(why)) => Some(why),
            (Message::Answer, Ok(())) => {
                line.split_once(':').and_then(|(name, _)| reserved(message, name.trim_end())).map(str::to_owned)
            }
        };
        if let Some(why) = why {
            refuse(format!("/headers/add/{index}"), &why);
        }
    }
    if actions.remove.and_then(Value::as_array).is_some_and(Vec::is_empty) {
        refuse("/headers/remove".to_owned(), "This is a list of at least one header's name.");
    }
    for (index, name) in actions.remove.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let name = name.as_str().unwrap_or_default();
        let is_set = actions.set.is_some_and(|(set, _)| set.keys().any(|other| other.eq_ignore_ascii_case(name)));
        if let Some(why) = why_not(message, name) {
            refuse(format!("/headers/remove/{index}"), why);
        } else if is_set {
            // APISIX's documents and its code disagree on which comes last.
            refuse(format!("/headers/remove/{index}"), "This header is set as well. Decide for one of the two.");
        }
    }
    problems
}

fn why_not(message: Message, name: &str) -> Option<&'static str> {
    if is_header_name(name) {
        return reserved(message, name);
    }
    Some("This is a header name: letters, digits and '-', without blanks.")
}

/// Every text of the field `headers` that has to be filled in.
pub(super) fn texts(fields: &Map<String, Value>) -> Vec<Filled> {
    let Some(headers) = fields.get(FIELD).and_then(Value::as_object) else { return Vec::new() };
    let actions = Actions::of(headers);
    let added = actions.add.and_then(Value::as_object).into_iter();
    let named = added.chain(actions.set.map(|(set, _)| set)).flat_map(Map::values);
    let lines = actions.add.and_then(Value::as_array).into_iter().flatten();
    let each = |value: &Value| match value {
        Value::Array(items) => items.iter().filter_map(filled).collect(),
        one => filled(one).into_iter().collect::<Vec<_>>(),
    };
    named.chain(lines).flat_map(each).collect()
}
