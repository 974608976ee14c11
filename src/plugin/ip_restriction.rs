//! ip-restriction: only some addresses may ask, or all but some (`apisix/plugins/ip-restriction.lua`).

use super::about::{About, Phase};
use super::network::{NETWORK, Network};
use super::schema::{Field, Kind};
use crate::problem::FieldProblem;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is told of it.
pub const ABOUT: About = About {
    slug: "ip-restriction",
    label: "IP Restriction",
    summary: "Lets only requests pass that come from some addresses, or all but those.",
    consequence_of_removal: "Requests pass from every address",
    priority: 3000,
    phase: Phase::Access,
    fields: FIELDS,
    check,
    example: "{\n  \"whitelist\": [\"127.0.0.1\", \"10.0.0.0/8\"]\n}",
    ..About::BASE
};

/// Field names and defaults as in APISIX 3.18.
const FIELDS: &[Field] = &[
    Field::new(
        "whitelist",
        Kind::some(&NETWORK),
        "The addresses, or ranges of addresses, that may ask. No others may.",
    ),
    Field::new(
        "blacklist",
        Kind::some(&NETWORK),
        "The addresses, or ranges of addresses, that may not ask. All others may.",
    ),
    Field::new("message", Kind::Text { min: 1, max: 1024 }, "What a client is told that may not ask.")
        .or("\"Your IP address is not allowed\""),
    Field::new("response_code", Kind::Integer { min: 403, max: 404 }, "The status of a refusal.").or("403"),
];

/// Configuration on a service, route or consumer: one of the two lists.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IpRestrictionPlugin {
    /// These alone may ask.
    pub whitelist: Option<Vec<Network>>,
    /// All but these may ask.
    pub blacklist: Option<Vec<Network>>,
    pub message: String,
    /// 403 or 404.
    pub response_code: u16,
}

impl IpRestrictionPlugin {
    /// Whether a request from there may pass.
    #[must_use]
    pub fn admits(&self, address: std::net::IpAddr) -> bool {
        let is_in = |list: &Vec<Network>| list.iter().any(|network| network.contains(address));
        self.whitelist.as_ref().is_none_or(is_in) && !self.blacklist.as_ref().is_some_and(is_in)
    }
}

fn check(fields: &Map<String, Value>) -> Vec<FieldProblem> {
    match (fields.contains_key("whitelist"), fields.contains_key("blacklist")) {
        (true, true) => {
            vec![FieldProblem::new("/blacklist", "whitelist and blacklist cannot be specified at the same time.")]
        }
        (false, false) => {
            vec![FieldProblem::new("/whitelist", "ip-restriction has a whitelist or a blacklist of addresses.")]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::plugin::{PluginConfig, PluginName};

    #[test]
    fn a_list_that_would_not_do_what_it_says_is_refused() {
        for (json, path, part) in [
            (r#"{}"#, "/whitelist", "whitelist or a blacklist"),
            (r#"{"whitelist": ["10.0.0.1"], "blacklist": ["10.0.0.2"]}"#, "/blacklist", "same time"),
            (r#"{"whitelist": []}"#, "/whitelist", "at least 1"),
            (r#"{"blacklist": "10.0.0.1"}"#, "/blacklist", "list"),
            (r#"{"blacklist": ["10.0.0.1", "10.0.0.256"]}"#, "/blacklist/1", "range of addresses"),
            (r#"{"blacklist": ["10.0.0.0/33"]}"#, "/blacklist/0", "range of addresses"),
            (r#"{"blacklist": [7]}"#, "/blacklist/0", "range of addresses"),
            (r#"{"blacklist": ["::ffff:10.0.0.1"]}"#, "/blacklist/0", "IPv4 address"),
            (r#"{"blacklist": ["10.0.0.1"], "message": ""}"#, "/message", "not empty"),
            (r#"{"blacklist": ["10.0.0.1"], "response_code": 200}"#, "/response_code", "403 to 404"),
            (r#"{"blacklist": ["10.0.0.1"], "allow": []}"#, "/allow", "no such field"),
        ] {
            let problems = PluginConfig::parse(PluginName::IpRestriction, json).unwrap_err();
            assert_eq!(problems.len(), 1, "{json}: {problems:?}");
            assert_eq!(problems[0].field, path, "{json}: {problems:?}");
            assert!(problems[0].problem.contains(part), "{json}: {problems:?}");
        }
    }

    #[test]
    fn an_address_is_looked_for_in_the_list() {
        for (json, address, admitted) in [
            (r#"{"whitelist": ["127.0.0.1", "10.0.0.0/8"]}"#, "127.0.0.1", true),
            (r#"{"whitelist": ["127.0.0.1", "10.0.0.0/8"]}"#, "10.9.9.9", true),
            (r#"{"whitelist": ["127.0.0.1", "10.0.0.0/8"]}"#, "192.0.2.1", false),
            (r#"{"whitelist": ["127.0.0.1"]}"#, "::1", false),
            (r#"{"blacklist": ["2001:db8::/32"]}"#, "2001:db8::7", false),
            (r#"{"blacklist": ["2001:db8::/32"]}"#, "192.0.2.1", true),
        ] {
            let config = PluginConfig::parse(PluginName::IpRestriction, json).unwrap();
            let plugin: super::IpRestrictionPlugin = config.settings().unwrap();
            assert_eq!(plugin.admits(address.parse().unwrap()), admitted, "{json} {address}");
        }
    }
}
