//! key-auth: a request passes when it carries the key of a consumer (`apisix/plugins/key-auth.lua`).

use crate::name::ConsumerName;
use crate::problem::FieldProblem;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    pub(super) fn parse(object: &Map<String, Value>) -> Result<Self, Vec<FieldProblem>> {
        let mut config = Self::default();
        let mut problems = Vec::new();
        for (name, value) in object {
            if let Err(why) = config.set(name, value) {
                problems.push(FieldProblem::new(format!("/{name}"), why));
            }
        }
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        match name {
            "header" => self.header = token(value)?,
            "query" => self.query = text(value).and_then(|t| if t.is_empty() { Err(needs_text()) } else { Ok(t) })?,
            "hide_credentials" => {
                self.hide_credentials = value.as_bool().ok_or("This is true or false.")?;
            }
            "realm" => self.realm = realm(value)?,
            "anonymous_consumer" => {
                self.anonymous_consumer =
                    Some(text(value)?.parse().map_err(|e: crate::name::NameError| e.to_string())?);
            }
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

fn needs_text() -> String {
    "This is a text that is not empty.".to_owned()
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(needs_text)
}

/// A header name: `token` of RFC 9110 §5.6.2.
fn token(value: &Value) -> Result<String, String> {
    let name = text(value)?;
    let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !name.is_empty() && name.len() <= 256 && name.chars().all(is_tchar) {
        Ok(name)
    } else {
        Err("This is a header name: letters, digits and '-', without blanks.".to_owned())
    }
}

/// 1 to 128 printable ASCII characters without `"` and `\`, as in APISIX 3.15.
fn realm(value: &Value) -> Result<String, String> {
    let realm = text(value)?;
    let printable = |c: char| (' '..='~').contains(&c) && c != '"' && c != '\\';
    if (1..=128).contains(&realm.len()) && realm.chars().all(printable) {
        Ok(realm)
    } else {
        Err("A realm has 1 to 128 printable characters, without quotes and backslashes.".to_owned())
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
