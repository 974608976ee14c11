//! cors: browsers may let pages of other origins read the answers (`apisix/plugins/cors.lua`, the Fetch standard).

use super::about::{About, Phase};
use super::forms::is_header_name;
use super::pattern::{PATTERN, Pattern};
use super::schema::{Field, Form, Kind};
use crate::problem::FieldProblem;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is told of it.
pub const ABOUT: About = About {
    slug: "cors",
    label: "CORS",
    summary: "Lets pages of other origins read the answers, and answers browsers that ask whether they may.",
    consequence_of_removal: "Browsers keep pages of other origins from reading the answers",
    priority: 4000,
    phase: Phase::Rewrite,
    fields: FIELDS,
    check,
    example: "{\n  \"allow_origins\": \"https://app.example.com\",\n  \"allow_methods\": \"GET,POST\",\n  \"allow_headers\": \"Authorization\"\n}",
    ..About::BASE
};

const ORIGINS: Kind = Kind::Form(&Form {
    pattern: "^(\\*{1,2}|null|[A-Za-z0-9_+.-]+://[^,/\\s]+(,[A-Za-z0-9_+.-]+://[^,/\\s]+)*)$",
    read: is_origins,
});
const METHODS: Kind = Kind::Form(&Form { pattern: "^(\\*{1,2}|[^\\s,]+(, *[^\\s,]+)*)$", read: is_list });
const HEADERS: Kind = METHODS;
const PATTERNS: Kind = Kind::List { of: &PATTERN, min: 1, max: 1024, is_unique: true };

/// Field names and defaults as in APISIX 3.18.
const FIELDS: &[Field] = &[
    Field::new("allow_origins", ORIGINS, "Whose pages may read the answers: origins as https://app.example.com with commas between, * for all, ** for all also with credentials.")
        .or("\"*\""),
    Field::new("allow_methods", METHODS, "By which methods pages may ask: methods with commas between, * for all, ** for all also with credentials.")
        .or("\"*\""),
    Field::new("allow_headers", HEADERS, "Which headers pages may send: headers with commas between, * for all, ** for whichever the browser asks for.")
        .or("\"*\""),
    Field::new("expose_headers", HEADERS, "Which headers of the answer pages may read: headers with commas between, or *. Left out, the upstream server's word stands."),
    Field::new("max_age", Kind::Integer { min: -1, max: 31_536_000 }, "How long browsers may remember what they were told, in seconds; -1 for not at all.")
        .or("5"),
    Field::new("allow_credential", Kind::Boolean, "Whether pages may ask with cookies and other credentials. Then no * may stand in the other fields.")
        .or("false"),
    Field::new("allow_origins_by_regex", PATTERNS, "Regular expressions that find something in the origins that are meant; allow_origins means nothing then. End them with $, or https://a.test.com.evil.com is meant, too."),
    Field::new("allow_origins_by_metadata", Kind::Refused("There is no plugin metadata for cors: write the origins in allow_origins."), ""),
    Field::new("timing_allow_origins", ORIGINS, "Whose pages may read how long loading took, as in allow_origins. Left out, the upstream server's word stands."),
    Field::new("timing_allow_origins_by_regex", PATTERNS, "The same by regular expressions; timing_allow_origins means nothing then."),
];

/// Configuration on a service, route or consumer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CorsPlugin {
    /// `*`; `**`, which is whatever origin asks; or origins with commas between. Means nothing with patterns.
    pub allow_origins: String,
    /// `*`; `**`, which is every method by name; or methods with commas between.
    pub allow_methods: String,
    /// `*`; `**`, which is what the browser asks for; or headers with commas between.
    pub allow_headers: String,
    /// Without it the header is left as the upstream server has it.
    pub expose_headers: Option<String>,
    /// How long a browser may remember it, in seconds; -1 for not at all.
    pub max_age: i64,
    pub allow_credential: bool,
    pub allow_origins_by_regex: Option<Vec<Pattern>>,
    /// Who may read times: as `allow_origins`.
    pub timing_allow_origins: Option<String>,
    pub timing_allow_origins_by_regex: Option<Vec<Pattern>>,
}

/// Browsers do not take `*` for an answer to a request with credentials.
fn check(fields: &Map<String, Value>) -> Vec<FieldProblem> {
    if fields.get("allow_credential") != Some(&Value::Bool(true)) {
        return Vec::new();
    }
    let with_patterns = fields.contains_key("allow_origins_by_regex");
    let counts = |name: &&str| *name != "allow_origins" || !with_patterns;
    let is_star = |name: &&str| fields.get(*name).is_some_and(|value| value == "*");
    let names = ["allow_origins", "allow_methods", "allow_headers", "expose_headers"];
    let why = "you can not set '*' for other option when 'allow_credential' is true: browsers refuse it. Name what is allowed.";
    let stars = names.into_iter().filter(counts).filter(is_star);
    stars.map(|name| FieldProblem::new(format!("/{name}"), why)).collect()
}

/// `*`, `**`, `null`, or `scheme://host:port` with commas between.
fn is_origins(text: &str) -> Result<(), String> {
    let is_origin = |origin: &str| {
        let (scheme, host) = origin.split_once("://").unwrap_or_default();
        let is_scheme = !scheme.is_empty()
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '.'));
        is_scheme && !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic() && c != '/')
    };
    let is_origins = matches!(text, "*" | "**" | "null") || text.split(',').all(is_origin);
    let why =
        || "This is *, **, null, or origins with commas between, each as scheme://host:port without a path.".to_owned();
    is_origins.then_some(()).ok_or_else(why)
}

fn is_list(text: &str) -> Result<(), String> {
    let is_list = matches!(text, "*" | "**") || text.split(',').all(|name| is_header_name(name.trim()));
    is_list.then_some(()).ok_or_else(|| "This is *, **, or names with commas between.".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::plugin::{PluginConfig, PluginName};

    #[test]
    fn what_browsers_would_not_take_is_refused_at_its_field() {
        for (json, path, part) in [
            (r#"{"allow_origins": ""}"#, "/allow_origins", "scheme://host:port"),
            (r#"{"allow_origins": "*a"}"#, "/allow_origins", "scheme://host:port"),
            (r#"{"allow_origins": "*,http://y.com"}"#, "/allow_origins", "scheme://host:port"),
            (r#"{"allow_origins": "nulll"}"#, "/allow_origins", "scheme://host:port"),
            (r#"{"allow_origins": "http//y.com.uk"}"#, "/allow_origins", "scheme://host:port"),
            (r#"{"allow_origins": "x.com"}"#, "/allow_origins", "scheme://host:port"),
            (r#"{"allow_origins": "https://x.com,y.com.uk"}"#, "/allow_origins", "scheme://host:port"),
            (r#"{"allow_origins": "https://x.com\r\nX-A: b"}"#, "/allow_origins", "scheme://host:port"),
            (r#"{"allow_methods": "GET POST"}"#, "/allow_methods", "commas"),
            (r#"{"allow_headers": "a\nb"}"#, "/allow_headers", "commas"),
            (r#"{"expose_headers": ""}"#, "/expose_headers", "commas"),
            (r#"{"max_age": -2}"#, "/max_age", "whole number"),
            (r#"{"max_age": "5"}"#, "/max_age", "whole number"),
            (r#"{"allow_credential": "true"}"#, "/allow_credential", "true or false"),
            (r#"{"allow_origins_by_regex": []}"#, "/allow_origins_by_regex", "at least 1"),
            (r#"{"allow_origins_by_regex": ["("]}"#, "/allow_origins_by_regex/0", "not a regular expression"),
            (r#"{"allow_origins_by_regex": ["a", "a"]}"#, "/allow_origins_by_regex/1", "already"),
            (r#"{"allow_origins_by_metadata": ["a"]}"#, "/allow_origins_by_metadata", "metadata"),
            (r#"{"timing_allow_origins": "x"}"#, "/timing_allow_origins", "scheme://host:port"),
            (r#"{"allow_origin": "*"}"#, "/allow_origin", "Is allow_origins meant"),
        ] {
            let problems = PluginConfig::parse(PluginName::Cors, json).unwrap_err();
            assert_eq!(problems.len(), 1, "{json}: {problems:?}");
            assert_eq!(problems[0].field, path, "{json}: {problems:?}");
            assert!(problems[0].problem.contains(part), "{json}: {problems:?}");
        }
    }

    #[test]
    fn credentials_and_stars_exclude_each_other() {
        let named = r#""allow_origins": "https://a.b", "allow_methods": "GET", "allow_headers": "x-a""#;
        for (json, stars) in [
            (r#"{"allow_credential": true}"#.to_owned(), vec!["/allow_origins", "/allow_methods", "/allow_headers"]),
            (format!(r#"{{"allow_credential": true, {named}}}"#), vec![]),
            (format!(r#"{{"allow_credential": true, {named}, "expose_headers": "*"}}"#), vec!["/expose_headers"]),
            (r#"{"allow_credential": true, "allow_origins": "**", "allow_methods": "**", "allow_headers": "**"}"#.to_owned(), vec![]),
            (r#"{"allow_credential": true, "allow_origins_by_regex": ["a"], "allow_methods": "**", "allow_headers": "**"}"#.to_owned(), vec![]),
        ] {
            let problems = PluginConfig::parse(PluginName::Cors, &json).err().unwrap_or_default();
            assert_eq!(problems.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), stars, "{json}");
        }
    }
}
