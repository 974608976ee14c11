//! key-auth: a request passes when it carries the key of a consumer (`apisix/plugins/key-auth.lua`).

use super::fields;
use crate::name::ConsumerName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Configuration on a service or route; field names and defaults as in APISIX 3.18.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyAuthPlugin {
    /// Header that carries the key; looked at first.
    #[serde(skip_serializing_if = "is_apikey")]
    pub header: String,
    /// Query parameter that carries the key; looked at when the header is absent.
    #[serde(skip_serializing_if = "is_apikey")]
    pub query: String,
    /// Whether the key is removed before the request goes upstream.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hide_credentials: bool,
    /// Named in `WWW-Authenticate`.
    #[serde(skip_serializing_if = "is_key")]
    pub realm: String,
    /// The consumer that requests without a good key count as; none refuses them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous_consumer: Option<ConsumerName>,
}

impl Default for KeyAuthPlugin {
    fn default() -> Self {
        Self {
            header: "apikey".to_owned(),
            query: "apikey".to_owned(),
            hide_credentials: false,
            realm: "key".to_owned(),
            anonymous_consumer: None,
        }
    }
}

fn is_apikey(text: &str) -> bool {
    text == "apikey"
}

fn is_key(text: &str) -> bool {
    text == "key"
}

impl KeyAuthPlugin {
    pub(super) fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        match name {
            "header" => self.header = fields::token(value)?,
            "query" => self.query = fields::text(value)?,
            "hide_credentials" => self.hide_credentials = fields::boolean(value)?,
            "realm" => self.realm = fields::realm(value)?,
            "anonymous_consumer" => self.anonymous_consumer = Some(fields::consumer(value)?),
            _ => {
                return Err(
                    "key-auth has no such field; it has header, query, hide_credentials, realm and anonymous_consumer."
                        .to_owned(),
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
