//! consumer-restriction: only some consumers may ask, or all but some (`apisix/plugins/consumer-restriction.lua`).

use super::about::{About, Phase};
use super::schema::{Field, Kind};
use crate::problem::FieldProblem;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is told of it.
pub const ABOUT: About = About {
    slug: "consumer-restriction",
    label: "Consumer Restriction",
    summary: "Lets only requests of some consumers pass, or of all but those.",
    consequence_of_removal: "Requests of every consumer pass",
    priority: 2400,
    phase: Phase::Access,
    fields: FIELDS,
    check,
    example: "{\n  \"whitelist\": [\"alice\"]\n}",
    ..About::BASE
};

const METHOD: Kind =
    Kind::OneOf(&["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PURGE"]);

const ALLOWED: &[Field] = &[
    Field::new("user", Kind::TEXT, "Who.").needed("An entry has user and methods."),
    Field::new("methods", Kind::some(&METHOD), "By which methods.").needed("An entry has user and methods."),
];

/// Field names and defaults as in APISIX 3.18.
const FIELDS: &[Field] = &[
    Field::new(
        "type",
        Kind::OneOf(&["consumer_name", "service_id", "route_id"]),
        "What the lists name: consumers, or on a consumer the services or routes that it may ask.",
    )
    .or("\"consumer_name\"")
    .expected("This is 'consumer_name', 'service_id' or 'route_id'. There are no consumer groups here."),
    Field::new("blacklist", Kind::some(&Kind::TEXT), "Who may not ask, whatever else is said."),
    Field::new("whitelist", Kind::some(&Kind::TEXT), "Who may ask, by every method. No others may."),
    Field::new(
        "allowed_by_methods",
        Kind::some(&Kind::Object(ALLOWED)),
        "Who may ask by some methods alone. Whoever is not named here is not restricted by it.",
    ),
    Field::new("rejected_code", Kind::Integer { min: 200, max: 599 }, "The status of a refusal.").or("403"),
    Field::new(
        "rejected_msg",
        Kind::TEXT,
        "What a client is told that may not ask; left out, that its consumer, service or route is forbidden.",
    ),
];

/// Configuration on a service, route or consumer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ConsumerRestrictionPlugin {
    #[serde(rename = "type")]
    pub subject: Subject,
    /// Who may not ask, whatever else is said.
    #[serde(default)]
    pub blacklist: Vec<String>,
    /// Who may ask, by every method.
    #[serde(default)]
    pub whitelist: Vec<String>,
    /// Who may ask by some methods alone. Others are not restricted by it.
    #[serde(default)]
    pub allowed_by_methods: Vec<Allowed>,
    /// The status of a refusal, 200 to 599.
    pub rejected_code: u16,
    /// Its message; without it the documented one.
    pub rejected_msg: Option<String>,
}

/// What the lists name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    ConsumerName,
    ServiceId,
    RouteId,
}

/// The methods of one consumer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Allowed {
    pub user: String,
    pub methods: Vec<String>,
}

impl Subject {
    /// As in the field `type`, and in messages.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::ConsumerName => "consumer_name",
            Self::ServiceId => "service_id",
            Self::RouteId => "route_id",
        }
    }
}

impl ConsumerRestrictionPlugin {
    /// Whether a request of `who` by `method` may pass.
    #[must_use]
    pub fn admits(&self, who: &str, method: &str) -> bool {
        let is_in = |list: &[String]| list.iter().any(|name| name == who);
        if is_in(&self.blacklist) {
            return false;
        }
        if is_in(&self.whitelist) {
            return true;
        }
        let by_method = self.allowed_by_methods.iter().find(|allowed| allowed.user == who);
        self.whitelist.is_empty() && by_method.is_none_or(|allowed| allowed.methods.iter().any(|m| m == method))
    }
}

fn check(fields: &Map<String, Value>) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    if !["blacklist", "whitelist", "allowed_by_methods"].into_iter().any(|name| fields.contains_key(name)) {
        let why = "consumer-restriction has a whitelist, a blacklist or allowed_by_methods.";
        problems.push(FieldProblem::new("/whitelist", why));
    }
    let allowed = fields.get("allowed_by_methods").and_then(Value::as_array).into_iter().flatten();
    let users: Vec<Option<&str>> = allowed.map(|entry| entry.get("user")?.as_str()).collect();
    for (index, user) in users.iter().enumerate() {
        if let (Some(user), true) = (user, users[..index].contains(user)) {
            let twice = format!("'{user}' stands here twice; only the first would count.");
            problems.push(FieldProblem::new(format!("/allowed_by_methods/{index}/user"), twice));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use crate::plugin::{PluginConfig, PluginName};

    #[test]
    fn a_list_that_would_not_do_what_it_says_is_refused() {
        for (json, path, part) in [
            (r#"{}"#, "/whitelist", "whitelist, a blacklist or allowed_by_methods"),
            (r#"{"whitelist": []}"#, "/whitelist", "at least 1"),
            (r#"{"blacklist": "alice"}"#, "/blacklist", "a list"),
            (r#"{"blacklist": [1]}"#, "/blacklist/0", "not empty"),
            (r#"{"blacklist": ["a"], "type": "consumer_group_id"}"#, "/type", "no consumer groups"),
            (r#"{"blacklist": ["a"], "type": "consumer"}"#, "/type", "'consumer_name'"),
            (r#"{"blacklist": ["a"], "rejected_code": 199}"#, "/rejected_code", "200 to 599"),
            (r#"{"blacklist": ["a"], "rejected_msg": ""}"#, "/rejected_msg", "not empty"),
            (r#"{"allowed_by_methods": []}"#, "/allowed_by_methods", "at least 1"),
            (r#"{"allowed_by_methods": [{"user": "a"}]}"#, "/allowed_by_methods/0/methods", "user and methods"),
            (r#"{"allowed_by_methods": [{"methods": ["GET"]}]}"#, "/allowed_by_methods/0/user", "user and methods"),
            (
                r#"{"allowed_by_methods": [{"user": "a", "methods": []}]}"#,
                "/allowed_by_methods/0/methods",
                "at least 1",
            ),
            (
                r#"{"allowed_by_methods": [{"user": "a", "methods": ["get"]}]}"#,
                "/allowed_by_methods/0/methods/0",
                "'GET'",
            ),
            (
                r#"{"allowed_by_methods": [{"user": "a", "methods": ["GET"]}, {"user": "a", "methods": ["PUT"]}]}"#,
                "/allowed_by_methods/1/user",
                "twice",
            ),
            (r#"{"blacklist": ["a"], "message": "x"}"#, "/message", "no such field"),
        ] {
            let problems = PluginConfig::parse(PluginName::ConsumerRestriction, json).unwrap_err();
            assert_eq!(problems.len(), 1, "{json}: {problems:?}");
            assert_eq!(problems[0].field, path, "{json}: {problems:?}");
            assert!(problems[0].problem.contains(part), "{json}: {problems:?}");
        }
    }

    #[test]
    fn the_blacklist_wins_then_the_whitelist_then_the_methods() {
        let (alice, methods) = (r#"["alice"]"#, r#"[{"user": "alice", "methods": ["GET"]}]"#);
        for (json, who, method, admitted) in [
            (format!(r#"{{"blacklist": {alice}}}"#), "alice", "GET", false),
            (format!(r#"{{"blacklist": {alice}}}"#), "bob", "GET", true),
            (format!(r#"{{"whitelist": {alice}}}"#), "alice", "GET", true),
            (format!(r#"{{"whitelist": {alice}}}"#), "bob", "GET", false),
            (format!(r#"{{"whitelist": {alice}, "blacklist": {alice}}}"#), "alice", "GET", false),
            (format!(r#"{{"allowed_by_methods": {methods}}}"#), "alice", "GET", true),
            (format!(r#"{{"allowed_by_methods": {methods}}}"#), "alice", "POST", false),
            (format!(r#"{{"allowed_by_methods": {methods}}}"#), "bob", "POST", true),
            (format!(r#"{{"whitelist": {alice}, "allowed_by_methods": {methods}}}"#), "alice", "POST", true),
            (format!(r#"{{"whitelist": ["bob"], "allowed_by_methods": {methods}}}"#), "alice", "GET", false),
            (format!(r#"{{"blacklist": ["bob"], "allowed_by_methods": {methods}}}"#), "alice", "POST", false),
        ] {
            let config = PluginConfig::parse(PluginName::ConsumerRestriction, &json).unwrap();
            let plugin: super::ConsumerRestrictionPlugin = config.settings().unwrap();
            assert_eq!(plugin.admits(who, method), admitted, "{json} {who} {method}");
        }
    }
}
