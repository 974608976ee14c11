//! basic-auth: a request passes when it carries a username and its password (`apisix/plugins/basic-auth.lua`).

use super::fields;
use crate::name::ConsumerName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Configuration on a service or route; field names and defaults as in APISIX 3.18.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BasicAuthPlugin {
    /// Whether `Authorization` is removed before the request goes upstream.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hide_credentials: bool,
    /// Named in `WWW-Authenticate`.
    #[serde(skip_serializing_if = "is_basic")]
    pub realm: String,
    /// The consumer that requests without a good password count as; none refuses them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous_consumer: Option<ConsumerName>,
}

impl Default for BasicAuthPlugin {
    fn default() -> Self {
        Self { hide_credentials: false, realm: "basic".to_owned(), anonymous_consumer: None }
    }
}

fn is_basic(text: &str) -> bool {
    text == "basic"
}

impl BasicAuthPlugin {
    pub(super) fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        match name {
            "hide_credentials" => self.hide_credentials = fields::boolean(value)?,
            "realm" => self.realm = fields::realm(value)?,
            "anonymous_consumer" => self.anonymous_consumer = Some(fields::consumer(value)?),
            _ => {
                return Err(
                    "basic-auth has no such field; it has hide_credentials, realm and anonymous_consumer.".to_owned()
                );
            }
        }
        Ok(())
    }
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
