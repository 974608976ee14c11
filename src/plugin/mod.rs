//! Plugins: what the gateway does to a request of a service or route.
//!
//! A new plugin is one new file here, one in `crates/gateway/src/plugin`, and the match arms the
//! compiler then asks for.

pub mod basic_auth;
mod fields;
pub mod key_auth;

use crate::name::ConsumerName;
use crate::problem::FieldProblem;
use basic_auth::BasicAuthPlugin;
use key_auth::KeyAuthPlugin;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The plugins of one service or route.
pub type Plugins = BTreeMap<PluginName, PluginConfig>;

/// The name of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginName {
    KeyAuth,
    BasicAuth,
}

impl PluginName {
    /// Every plugin, in the order of the catalogue.
    pub const ALL: [Self; 2] = [Self::KeyAuth, Self::BasicAuth];

    /// The machine name: `key-auth`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::KeyAuth => "key-auth",
            Self::BasicAuth => "basic-auth",
        }
    }

    /// As the dashboard shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::KeyAuth => "Key Auth",
            Self::BasicAuth => "Basic Auth",
        }
    }

    /// One sentence for the catalogue.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::KeyAuth => "Lets only requests pass that carry the key of a consumer.",
            Self::BasicAuth => "Lets only requests pass that carry the username and password of a consumer.",
        }
    }

    /// The plugin of that machine name.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.slug() == slug)
    }

    /// What the JSON editor opens with.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::KeyAuth | Self::BasicAuth => "{}",
        }
    }

    /// What happens when it is removed.
    #[must_use]
    pub fn consequence_of_removal(self) -> &'static str {
        match self {
            Self::KeyAuth => "Requests pass without a key",
            Self::BasicAuth => "Requests pass without a password",
        }
    }
}

/// The configuration of one plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "plugin", content = "config", rename_all = "kebab-case")]
pub enum PluginConfig {
    KeyAuth(KeyAuthPlugin),
    BasicAuth(BasicAuthPlugin),
}

impl PluginConfig {
    /// Which plugin it configures.
    #[must_use]
    pub fn name(&self) -> PluginName {
        match self {
            Self::KeyAuth(_) => PluginName::KeyAuth,
            Self::BasicAuth(_) => PluginName::BasicAuth,
        }
    }

    /// The consumer that unauthenticated requests count as, which must exist.
    #[must_use]
    pub fn anonymous_consumer(&self) -> Option<&ConsumerName> {
        match self {
            Self::KeyAuth(config) => config.anonymous_consumer.as_ref(),
            Self::BasicAuth(config) => config.anonymous_consumer.as_ref(),
        }
    }

    /// Reads the JSON editor's text.
    ///
    /// # Errors
    /// Problems by JSON path (`/header`); `json` for text that is no JSON object.
    pub fn parse(name: PluginName, text: &str) -> Result<Self, Vec<FieldProblem>> {
        let object = parse_object(text).map_err(|why| vec![FieldProblem::new("json", why)])?;
        match name {
            PluginName::KeyAuth => fields::parse(&object, KeyAuthPlugin::set).map(Self::KeyAuth),
            PluginName::BasicAuth => fields::parse(&object, BasicAuthPlugin::set).map(Self::BasicAuth),
        }
    }

    /// The text for the JSON editor: only what differs from the defaults.
    #[must_use]
    pub fn to_json(&self) -> String {
        let value = match self {
            Self::KeyAuth(config) => serde_json::to_value(config),
            Self::BasicAuth(config) => serde_json::to_value(config),
        };
        let value = value.unwrap_or(Value::Object(serde_json::Map::new()));
        serde_json::to_string_pretty(&value).unwrap_or_default()
    }
}

/// Refuses text that is no JSON object, and an object with the same key twice: two readers of one
/// configuration must not see two configurations (CVE-2022-25757).
fn parse_object(text: &str) -> Result<serde_json::Map<String, Value>, String> {
    let trimmed = text.trim();
    if trimmed.len() > 256 * 1024 {
        return Err("The configuration has at most 256 KiB.".to_owned());
    }
    if trimmed.starts_with('"') {
        return Err("The configuration is a JSON object: wrap it in { }.".to_owned());
    }
    match serde_json::from_str::<UniqueKeys>(trimmed) {
        Ok(UniqueKeys(Value::Object(object))) => Ok(object),
        Ok(_) => Err("The configuration is a JSON object: wrap it in { }.".to_owned()),
        Err(error) => Err(json_error(&error)),
    }
}

/// Serde's message quotes what it read; only its place is repeated.
fn json_error(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    if text.contains("duplicate key") {
        return format!("A name appears twice in one object (line {line}, column {column}).");
    }
    match error.classify() {
        serde_json::error::Category::Eof => "The JSON ends too early: a bracket or quote is not closed.".to_owned(),
        _ => format!("This is not valid JSON at line {line}, column {column}."),
    }
}

/// A JSON value none of whose objects names a member twice.
struct UniqueKeys(Value);

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Value;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }
            fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_str<E>(self, v: &str) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut array = Vec::new();
                while let Some(UniqueKeys(item)) = items.next_element()? {
                    array.push(item);
                }
                Ok(Value::Array(array))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
                let mut object = serde_json::Map::new();
                while let Some((key, UniqueKeys(value))) = members.next_entry::<String, UniqueKeys>()? {
                    if object.insert(key, value).is_some() {
                        return Err(serde::de::Error::custom("duplicate key"));
                    }
                }
                Ok(Value::Object(object))
            }
        }
        deserializer.deserialize_any(Visitor).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_editor_text_is_a_json_object_with_unique_names() {
        for (text, problem) in [
            ("{}", None),
            ("  {\n}\n", None),
            ("{\"header\": \"x-key\"}", None),
            ("\"header\": \"x-key\"", Some("wrap it in { }")),
            ("[]", Some("wrap it in { }")),
            ("{", Some("ends too early")),
            ("{\"header\": canary}", Some("line 1")),
            ("{\"header\":\"a\",\"header\":\"b\"}", Some("twice")),
            ("{\"a\":{\"b\":1,\"b\":2}}", Some("twice")),
            ("", Some("ends too early")),
        ] {
            let got = PluginConfig::parse(PluginName::KeyAuth, text);
            match problem {
                None => assert!(got.is_ok(), "{text}: {got:?}"),
                Some(part) => {
                    let problems = got.unwrap_err();
                    assert_eq!(problems[0].field, "json", "{text}");
                    assert!(problems[0].problem.contains(part), "{text}: {problems:?}");
                    assert!(!problems[0].problem.contains("canary"), "{problems:?}");
                }
            }
        }
    }
}
