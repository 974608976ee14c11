//! response-rewrite: the client gets another status, other headers or another body (`apisix/plugins/response-rewrite.lua`).

use super::PluginConfig;
use super::about::{About, Phase};
use super::condition::Condition;
use super::filled::Filled;
use super::header_changes::{self, HeaderChanges, Message};
use super::pattern::{PATTERN, Pattern, PatternOptions};
use super::schema::{Field, Form, Kind};
use crate::problem::FieldProblem;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is told of it.
pub const ABOUT: About = About {
    slug: "response-rewrite",
    label: "Response Rewrite",
    summary: "Gives the client another status, other headers or another body than the upstream server gave.",
    consequence_of_removal: "Answers go to clients as the upstream server gives them",
    priority: 899,
    phase: Phase::Access,
    fields: FIELDS,
    check,
    example: "{\n  \"headers\": {\n    \"set\": {\n      \"X-Api-Version\": \"v1\"\n    },\n    \"remove\": [\"Server\"]\n  },\n  \"vars\": [[\"status\", \"==\", 200]]\n}",
    ..About::BASE
};

const FILTER: &[Field] = &[
    Field::new("regex", PATTERN, "What is looked for in the body.").needed("A filter has regex and replace."),
    Field::new("replace", Kind::Text { min: 0, max: 4096 }, "What takes its place, with $1 for what the first group found.")
        .needed("A filter has regex and replace."),
    Field::new("scope", Kind::OneOf(&["once", "global"]), "Whether the first or every place is replaced.").or("\"once\""),
    Field::new(
        "options",
        Kind::Form(&Form { pattern: "^[joismx]*$", read: is_options }),
        "Letters: i for either case, s for a dot that matches line ends, m for ^ and $ at each line, x for a pattern with blanks; j and o mean nothing here.",
    )
    .or("\"jo\""),
];

/// Field names and defaults as in APISIX 3.18.
const FIELDS: &[Field] = &[
    Field::new("status_code", Kind::Integer { min: 200, max: 598 }, "The status that the client gets."),
    Field::new("body", Kind::Text { min: 0, max: 131_072 }, "The body that the client gets."),
    Field::new("body_base64", Kind::Boolean, "Whether body is written in base64, for pictures and the like.")
        .or("false"),
    Field::new(
        "headers",
        header_changes::OF_ANSWER,
        "Headers to set, by name; or what to add, set and remove. Values may have variables. A reference may take the place of a value that is set.",
    ),
    Field::new(
        "vars",
        Kind::list(&Kind::Any),
        "Conditions that must hold for anything to be changed: [[\"status\", \"==\", 200], [\"arg_debug\", \"~~\", \"^on$\"]].",
    ),
    Field::new(
        "filters",
        Kind::some(&Kind::Object(FILTER)),
        "What is replaced in the upstream server's body. Not together with body.",
    ),
];

/// Configuration on a service, route or consumer. `F` is how a secret is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseRewritePlugin<F> {
    /// 200 to 598.
    pub status_code: Option<u16>,
    pub body: Option<String>,
    /// Whether `body` is base64.
    pub body_base64: bool,
    pub headers: HeaderChanges<F>,
    /// What has to hold for anything to be changed.
    pub vars: Option<Condition>,
    pub filters: Vec<Filter>,
}

/// What takes the place of what a pattern finds in the body.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Filter {
    pub regex: Pattern,
    /// With `$1` for what the pattern's groups found. No variables, as in APISIX.
    pub replace: String,
    pub scope: Scope,
    /// Letters: see [`PatternOptions`].
    pub options: String,
}

/// How often a filter replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Once,
    Global,
}

/// The fields as they stand.
#[derive(Deserialize)]
struct Settings {
    status_code: Option<u16>,
    body: Option<String>,
    body_base64: bool,
    headers: Option<Map<String, Value>>,
    vars: Option<Condition>,
    #[serde(default)]
    filters: Vec<Filter>,
}

/// An answer with this status has no body (RFC 9110 §15.3.5, §15.3.6, §15.4.5).
#[must_use]
pub fn is_bodiless(status: u16) -> bool {
    matches!(status, 204 | 205 | 304)
}

impl<F: Clone> ResponseRewritePlugin<F> {
    /// What a configuration of response-rewrite says.
    ///
    /// # Errors
    /// Why a stored configuration is none that this version knows, for the log.
    pub fn of(config: &PluginConfig<F>) -> Result<Self, String> {
        let Settings { status_code, body, body_base64, headers, vars, filters } = config.settings()?;
        let headers = HeaderChanges::of(config, headers.as_ref())?;
        Ok(Self { status_code, body, body_base64, headers, vars, filters })
    }
}

fn check(fields: &Map<String, Value>) -> Vec<FieldProblem> {
    let mut problems = header_changes::check(Message::Answer, fields);
    let mut refuse = |field: &str, why: String| problems.push(FieldProblem::new(field, why));
    let body = fields.get("body").and_then(Value::as_str);
    if body.is_some() && fields.contains_key("filters") {
        refuse(
            "/filters",
            "body and filters cannot be specified at the same time: the one replaces what the others look at."
                .to_owned(),
        );
    }
    if fields.get("body_base64") == Some(&Value::Bool(true)) && !body.is_some_and(is_base64) {
        refuse("/body", "invalid base64 content: with body_base64 the body is a text in base64.".to_owned());
    }
    let status = fields.get("status_code").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    if let (Some(status), true) =
        (status.filter(|status| is_bodiless(*status)), body.is_some_and(|body| !body.is_empty()))
    {
        refuse("/body", format!("An answer with the status {status} has no body."));
    }
    if let Some(Err(why)) = fields.get("vars").map(|vars| Condition::try_from(vars.clone())) {
        refuse("/vars", why);
    }
    if let Some(number) = header_changes::texts(fields).iter().find_map(Filled::highest_capture) {
        refuse("/headers", format!("${number} stands for what a pattern found; there is none here."));
    }
    problems
}

fn is_options(letters: &str) -> Result<(), String> {
    letters.parse::<PatternOptions>().map(drop).map_err(|error| error.to_string())
}

/// The alphabet, in fours, with the padding at its end (RFC 4648 §4).
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let is_digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    !digits.is_empty() && text.len().is_multiple_of(4) && text.len() - digits.len() <= 2 && digits.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use crate::plugin::{PluginConfig, PluginName};

    #[test]
    fn what_cannot_be_done_is_refused_at_its_field() {
        for (json, path, part) in [
            (r#"{"status_code": 199}"#, "/status_code", "200 to 598"),
            (r#"{"status_code": 599}"#, "/status_code", "200 to 598"),
            (r#"{"status_code": "200"}"#, "/status_code", "200 to 598"),
            (r#"{"body": 1}"#, "/body", "text"),
            (r#"{"body": "a", "status_code": 204}"#, "/body", "no body"),
            (r#"{"body": "a", "status_code": 304}"#, "/body", "no body"),
            (r#"{"body_base64": true}"#, "/body", "invalid base64 content"),
            (r#"{"body_base64": true, "body": ""}"#, "/body", "invalid base64 content"),
            (r#"{"body_base64": true, "body": "a"}"#, "/body", "invalid base64 content"),
            (r#"{"body_base64": true, "body": "YQ=!"}"#, "/body", "invalid base64 content"),
            (r#"{"body_base64": 1}"#, "/body_base64", "true or false"),
            (r#"{"body": "a", "filters": [{"regex": "a", "replace": "b"}]}"#, "/filters", "same time"),
            (r#"{"filters": []}"#, "/filters", "at least 1"),
            (r#"{"filters": [1]}"#, "/filters/0", "regex, replace"),
            (r#"{"filters": [{"regex": "a"}]}"#, "/filters/0/replace", "regex and replace"),
            (r#"{"filters": [{"regex": "(", "replace": ""}]}"#, "/filters/0/regex", "not a regular expression"),
            (r#"{"filters": [{"regex": "a", "replace": "", "scope": "all"}]}"#, "/filters/0/scope", "'once'"),
            (r#"{"filters": [{"regex": "a", "replace": "", "options": "q"}]}"#, "/filters/0/options", "'q'"),
            (r#"{"filters": [{"regex": "a", "replace": "", "with": 1}]}"#, "/filters/0/with", "no such field"),
            (r#"{"vars": [["status", "=", 1]]}"#, "/vars", "not an operator"),
            (r#"{"vars": "status == 200"}"#, "/vars", "list of conditions"),
            (r#"{"headers": {"add": ["X-A"]}}"#, "/headers/add/0", "Name: value"),
            (r#"{"headers": {"add": ["X-A: "]}}"#, "/headers/add/0", "Name: value"),
            (r#"{"headers": {"add": ["X-A: a\nb"]}}"#, "/headers/add/0", "line ends"),
            (r#"{"headers": {"add": ["Content-Length: 1"]}}"#, "/headers/add/0", "message ends"),
            (
                r#"{"headers": {"set": {"Transfer-Encoding": "chunked"}}}"#,
                "/headers/set/Transfer-Encoding",
                "message ends",
            ),
            (r#"{"headers": {"Connection": "close"}}"#, "/headers/Connection", "one connection"),
            (r#"{"headers": {"set": {"X-A": "$1"}}}"#, "/headers", "a pattern found"),
            (r#"{"headers": {"set": {"X-A": "1"}, "remove": ["X-a"]}}"#, "/headers/remove/0", "set as well"),
            (r#"{"body": "$secret://vault/v/a/b"}"#, "/body", "not resolved"),
            (r#"{"nonsense": 1}"#, "/nonsense", "no such field"),
        ] {
            let problems = PluginConfig::parse(PluginName::ResponseRewrite, json).unwrap_err();
            assert_eq!(problems.len(), 1, "{json}: {problems:?}");
            assert_eq!(problems[0].field, path, "{json}: {problems:?}");
            assert!(problems[0].problem.contains(part), "{json}: {problems:?}");
        }
    }

    #[test]
    fn what_apisix_takes_is_taken() {
        for json in [
            r#"{}"#,
            r#"{"status_code": 201, "body": "{\"a\":1}", "headers": {"set": {"X-A": "$balancer_ip:$balancer_port"}}}"#,
            r#"{"body": "SGVsbG8=", "body_base64": true}"#,
            r#"{"headers": {"add": ["Set-Cookie: a=b; Max-Age=5", "X-Time: 10:20"], "remove": ["Server"]}, "vars": [["status", "==", 200]]}"#,
            r#"{"filters": [{"regex": "a", "replace": "b"}, {"regex": "c(.)", "replace": "$1", "scope": "global", "options": "joi"}]}"#,
            r#"{"headers": {"X-A": "1", "X-B": 2}, "body": ""}"#,
        ] {
            assert!(PluginConfig::parse(PluginName::ResponseRewrite, json).is_ok(), "{json}");
        }
    }

    #[test]
    fn a_reference_may_stand_in_a_header_that_is_set() {
        let json = r#"{"headers": {"set": {"X-T": "$secret://vault/v/a/b"}}}"#;
        let config = PluginConfig::parse(PluginName::ResponseRewrite, json).unwrap();
        assert_eq!(config.references().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), ["headers/set/X-T"]);
        let added = r#"{"headers": {"add": ["X-T: $secret://vault/v/a/b"]}}"#;
        assert!(PluginConfig::parse(PluginName::ResponseRewrite, added).is_err());
    }
}
