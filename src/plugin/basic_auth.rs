//! basic-auth: a request passes when it carries a username and its password (`apisix/plugins/basic-auth.lua`).

use super::about::{About, OnConsumer, Phase};
use super::forms::{CONSUMER, REALM};
use super::schema::{Field, Kind};
use crate::name::ConsumerName;
use serde::Deserialize;

/// What is told of it.
pub const ABOUT: About = About {
    slug: "basic-auth",
    label: "Basic Auth",
    summary: "Lets only requests pass that carry the username and password of a consumer.",
    consequence_of_removal: "Requests pass without a password",
    priority: 2520,
    phase: Phase::Rewrite,
    authenticates: true,
    fields: FIELDS,
    on_consumer: OnConsumer::Refused("A consumer's passwords are credentials: add them on its Credentials tab."),
    ..About::BASE
};

/// Field names and defaults as in APISIX 3.18.
const FIELDS: &[Field] = &[
    Field::new("hide_credentials", Kind::Boolean, "Whether Authorization is removed before the request goes upstream.")
        .or("false"),
    Field::new("realm", REALM, "The realm that WWW-Authenticate names.").or("\"basic\""),
    Field::new(
        "anonymous_consumer",
        CONSUMER,
        "The consumer that requests without a good password count as; without one they are refused.",
    )
    .consumer(),
];

/// Configuration on a service or route.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BasicAuthPlugin {
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
            ("{\"hide_credentials\": 1}", "/hide_credentials"),
            ("{\"realm\": \"\"}", "/realm"),
            ("{\"anonymous_consumer\": null}", "/anonymous_consumer"),
            ("{\"header\": \"x\"}", "/header"),
            ("{\"username\": \"x\"}", "/username"),
        ] {
            let problems = PluginConfig::parse(PluginName::BasicAuth, json).unwrap_err();
            assert_eq!(problems[0].field, path, "{json}");
        }
    }

    #[test]
    fn what_differs_from_the_defaults_survives_the_editor() {
        for json in ["{}", "{\n  \"hide_credentials\": true,\n  \"realm\": \"b\"\n}"] {
            assert_eq!(PluginConfig::parse(PluginName::BasicAuth, json).unwrap().to_json(), json);
        }
    }
}
