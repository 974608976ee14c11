//! proxy-rewrite: what goes upstream is another path, host, method or other headers (`apisix/plugins/proxy-rewrite.lua`).

use super::PluginConfig;
use super::about::{About, Phase};
use super::filled::Filled;
use super::header_changes::{self, HeaderChanges, Message};
use super::pattern::{Pattern, PatternError};
use super::schema::{Field, Form, Kind};
use super::variable::VariableError;
use crate::problem::FieldProblem;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is told of it.
pub const ABOUT: About = About {
    slug: "proxy-rewrite",
    label: "Proxy Rewrite",
    summary: "Sends another path, host, method or other headers upstream than the client sent.",
    consequence_of_removal: "Requests go upstream as they came",
    priority: 1008,
    phase: Phase::Rewrite,
    fields: FIELDS,
    check,
    example: "{\n  \"regex_uri\": [\"^/api/(.*)\", \"/$1\"],\n  \"headers\": {\n    \"set\": {\n      \"X-Api-Version\": \"v1\"\n    }\n  }\n}",
    ..About::BASE
};

/// What a request may be made into. TRACE, which APISIX has, is forwarded by no gateway that passes credentials on.
const METHODS: &[&str] = &[
    "GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "MKCOL", "COPY", "MOVE", "PROPFIND", "LOCK", "UNLOCK", "PATCH",
];

/// Field names as in APISIX 3.18.
const FIELDS: &[Field] = &[
    Field::new(
        "uri",
        Kind::Form(&Form { pattern: "^/[^\\r\\n]{0,4095}$", read: is_uri }),
        "The path that goes upstream, with variables such as $arg_name. Arguments after a '?' come before those of the client.",
    ),
    Field::new(
        "regex_uri",
        Kind::List { of: &Kind::Text { min: 0, max: 4096 }, min: 2, max: 128, is_unique: false },
        "Pairs of a regular expression and what takes the place of what it finds in the path, with $1 for its first group. The first that finds something decides. uri wins over it.",
    ),
    Field::new("method", Kind::OneOf(METHODS), "The method that goes upstream.")
        .expected("This is GET, POST, PUT, HEAD, DELETE, OPTIONS, MKCOL, COPY, MOVE, PROPFIND, LOCK, UNLOCK or PATCH. TRACE is not forwarded: it would show the client what only the upstream server may see."),
    Field::new(
        "host",
        Kind::Form(&Form { pattern: "^[0-9a-zA-Z.-]+(:\\d{1,5})?$", read: is_host }),
        "The Host header that goes upstream: a name, or a name and a port.",
    ),
    Field::new(
        "headers",
        header_changes::OF_REQUEST,
        "Headers to set, by name; or what to add, set and remove. Values may have variables, and $1 for what regex_uri found. A reference may take the place of a value.",
    ),
    Field::new("use_real_request_uri_unsafe", Kind::Boolean, "Always false: the gateway forwards the path by which it chose the route, and no other.")
        .or("false"),
];

/// Configuration on a service, route or consumer. `F` is how a secret is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyRewritePlugin<F> {
    /// The path that goes upstream, and arguments before those of the client; wins over `regex_uri`.
    pub uri: Option<Filled>,
    /// The first pattern that finds something in the path decides.
    pub regex_uri: Vec<(Pattern, Filled)>,
    pub method: Option<String>,
    /// A name, or a name and a port.
    pub host: Option<String>,
    pub headers: HeaderChanges<F>,
}

/// The fields as they stand.
#[derive(Deserialize)]
struct Settings {
    uri: Option<Filled>,
    #[serde(default)]
    regex_uri: Vec<String>,
    method: Option<String>,
    host: Option<String>,
    headers: Option<Map<String, Value>>,
}

impl<F: Clone> ProxyRewritePlugin<F> {
    /// What a configuration of proxy-rewrite says.
    ///
    /// # Errors
    /// Why a stored configuration is none that this version knows, for the log.
    pub fn of(config: &PluginConfig<F>) -> Result<Self, String> {
        let Settings { uri, regex_uri, method, host, headers } = config.settings()?;
        let regex_uri = pairs(&regex_uri).iter().map(|[pattern, template]| replacement(pattern, template));
        Ok(Self {
            uri,
            regex_uri: regex_uri.collect::<Result<_, _>>().map_err(|(_, why)| format!("proxy-rewrite: {why}"))?,
            method,
            host,
            headers: HeaderChanges::of(config, headers.as_ref())?,
        })
    }
}

fn pairs(texts: &[String]) -> &[[String; 2]] {
    texts.as_chunks().0
}

/// A pattern and what takes its place; else which of the two is wrong, and why.
fn replacement(pattern: &str, template: &str) -> Result<(Pattern, Filled), (usize, String)> {
    let pattern: Pattern = pattern.parse().map_err(|error: PatternError| (0, error.to_string()))?;
    let template: Filled = template.parse().map_err(|error: VariableError| (1, error.to_string()))?;
    of_request(&template).map_err(|why| (1, why))?;
    if let Some(missing) = template.highest_capture().filter(|number| !pattern.has_group(*number)) {
        return Err((1, format!("${missing} stands for a group that '{pattern}' does not have.")));
    }
    Ok((pattern, template))
}

fn of_request(filled: &Filled) -> Result<(), String> {
    match filled.variable_of_answer() {
        Some(variable) => Err(format!("${variable} is of the answer, and the request has none yet.")),
        None => Ok(()),
    }
}

fn check(fields: &Map<String, Value>) -> Vec<FieldProblem> {
    let mut problems = header_changes::check(Message::Request, fields);
    let refuse = |field: String, why: &str| FieldProblem::new(field, why);
    if fields.get("use_real_request_uri_unsafe") == Some(&Value::Bool(true)) {
        problems.push(refuse("/use_real_request_uri_unsafe".to_owned(), "The gateway forwards the path by which it chose the route, and no other: a path that is read in two ways gets past the plugins. Remove it."));
    }
    let changes = ["uri", "regex_uri", "method", "host", "headers"];
    if !changes.iter().any(|name| fields.contains_key(*name)) {
        problems.push(refuse(
            "json".to_owned(),
            "proxy-rewrite changes something: it has uri, regex_uri, method, host or headers.",
        ));
    }
    let texts = fields.get("regex_uri").and_then(Value::as_array).into_iter().flatten();
    let texts: Vec<String> = texts.filter_map(|text| text.as_str().map(str::to_owned)).collect();
    if texts.len() % 2 == 1 {
        problems.push(refuse("/regex_uri".to_owned(), "The length of regex_uri should be an even number: a regular expression, then what takes the place of what it finds."));
    }
    for (index, [pattern, template]) in pairs(&texts).iter().enumerate() {
        if let Err((place, why)) = replacement(pattern, template) {
            problems.push(refuse(format!("/regex_uri/{}", index * 2 + place), &why));
        }
    }
    let finds = !fields.contains_key("uri") && !texts.is_empty();
    for text in header_changes::texts(fields) {
        if let Err(why) = of_request(&text) {
            problems.push(refuse("/headers".to_owned(), &why));
        }
        if let Some(number) = text.highest_capture().filter(|_| !finds) {
            let why = format!("${number} stands for what regex_uri found, which is not in use here.");
            problems.push(refuse("/headers".to_owned(), &why));
        }
    }
    problems
}

fn is_uri(text: &str) -> Result<(), String> {
    if !text.starts_with('/') || text.chars().any(char::is_control) {
        return Err("A path begins with '/', and has no line ends.".to_owned());
    }
    let uri: Filled = text.parse().map_err(|error: VariableError| error.to_string())?;
    of_request(&uri)?;
    match uri.highest_capture() {
        Some(number) => Err(format!("${number} stands for what regex_uri found; uri takes its place.")),
        None => Ok(()),
    }
}

fn is_host(host: &str) -> Result<(), String> {
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_name =
        (1..=253).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    let is_port = |port: &str| {
        port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    let is_host = is_name && port.is_none_or(is_port);
    is_host.then_some(()).ok_or_else(|| "A host is a name, or a name and a port: api.example.com:8080.".to_owned())
}

#[cfg(test)]
#[path = "proxy_rewrite_tests.rs"]
mod tests;
