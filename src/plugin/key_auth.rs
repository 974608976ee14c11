//! key-auth: a request passes when it carries the key of a consumer (`apisix/plugins/key-auth.lua`).

use super::about::{About, OnConsumer, Phase};
use super::forms::{CONSUMER, HEADER_NAME, REALM};
use super::schema::{Field, Kind};
use crate::name::ConsumerName;
use serde::Deserialize;

/// What is told of it.
pub const ABOUT: About = About {
    slug: "key-auth",
    label: "Key Auth",
    summary: "Lets only requests pass that carry the key of a consumer.",
    consequence_of_removal: "Requests pass without a key",
    priority: 2500,
    phase: Phase::Rewrite,
    authenticates: true,
    fields: FIELDS,
    on_consumer: OnConsumer::Refused("A consumer's keys are credentials: add them on its Credentials tab."),
    ..About::BASE
};

/// Field names and defaults as in APISIX 3.18.
const FIELDS: &[Field] = &[
    Field::new("header", HEADER_NAME, "The header that carries the key; looked at first.").or("\"apikey\""),
    Field::new("query", Kind::TEXT, "The query parameter that carries the key; looked at when the header is absent.")
        .or("\"apikey\""),
    Field::new("hide_credentials", Kind::Boolean, "Whether the key is removed before the request goes upstream.")
        .or("false"),
    Field::new("realm", REALM, "The realm that WWW-Authenticate names.").or("\"key\""),
    Field::new(
        "anonymous_consumer",
        CONSUMER,
        "The consumer that requests without a good key count as; without one they are refused.",
    )
    .consumer(),
];

/// Configuration on a service or route.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KeyAuthPlugin {
    pub header: String,
    pub query: String,
    pub hide_credentials: bool,
    pub realm: String,
    pub anonymous_consumer: Option<ConsumerName>,
}

#[cfg(test)]
mod tests {
    use crate::plugin::{PluginConfig, PluginName};

    #[test]
    fn bad_fields_are_named_by_their_path() {
        for (json, path) in [
            ("{\"header\": 1}", "/header"),
            ("{\"header\": \"a b\"}", "/header"),
            ("{\"query\": \"\"}", "/query"),
            ("{\"hide_credentials\": \"yes\"}", "/hide_credentials"),
            ("{\"realm\": \"a\\\"b\"}", "/realm"),
            ("{\"anonymous_consumer\": \"a b\"}", "/anonymous_consumer"),
            ("{\"key\": \"x\"}", "/key"),
        ] {
            let problems = PluginConfig::parse(PluginName::KeyAuth, json).unwrap_err();
            assert_eq!(problems[0].field, path, "{json}");
        }
    }

    #[test]
    fn what_differs_from_the_defaults_survives_the_editor() {
        for json in ["{}", "{\n  \"header\": \"x-key\",\n  \"hide_credentials\": true\n}"] {
            assert_eq!(PluginConfig::parse(PluginName::KeyAuth, json).unwrap().to_json(), json);
        }
    }
}
