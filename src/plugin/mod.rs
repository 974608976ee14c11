//! Plugins: what the gateway does to a request of a service or route.
//!
//! A new plugin is one new file here, one in `crates/gateway/src/plugin`, and the match arms the
//! compiler then asks for.

pub mod basic_auth;
mod fields;
pub mod hmac_auth;
pub mod jwt_auth;
pub mod key_auth;
pub mod limit_count;
mod reader;
pub mod variable;

pub use reader::STORED;

use crate::name::ConsumerName;
use crate::problem::FieldProblem;
use crate::reference::Reference;
use crate::sensitive::{Entered, Masked, Sealed, SecretField};
use basic_auth::BasicAuthPlugin;
use hmac_auth::HmacAuthPlugin;
use jwt_auth::JwtAuthPlugin;
use key_auth::KeyAuthPlugin;
use limit_count::LimitCountPlugin;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A field with a secret as the dashboard gets it.
pub type MaskedField = SecretField<Masked>;
/// A field with a secret as it was typed.
pub type EnteredField = SecretField<Entered>;
/// A field with a secret as it is stored.
pub type SealedField = SecretField<Sealed>;

/// The plugins of one service or route. `F` is how their secrets are held.
pub type Plugins<F = MaskedField> = BTreeMap<PluginName, PluginConfig<F>>;

/// Converts the holder of every secret in all plugins; `f` gets the plugin and the field's name.
///
/// # Errors
/// Whatever `f` answers.
pub fn try_map_all<F, G, E>(
    plugins: &Plugins<F>,
    mut f: impl FnMut(PluginName, &'static str, &F) -> Result<G, E>,
) -> Result<Plugins<G>, E> {
    let convert = |(name, config): (&PluginName, &PluginConfig<F>)| {
        Ok((*name, config.try_map(|field, secret| f(*name, field, secret))?))
    };
    plugins.iter().map(convert).collect()
}

/// The name of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginName {
    KeyAuth,
    BasicAuth,
    JwtAuth,
    HmacAuth,
    LimitCount,
}

impl PluginName {
    /// Every plugin, in the order of the catalogue.
    pub const ALL: [Self; 5] = [Self::KeyAuth, Self::BasicAuth, Self::JwtAuth, Self::HmacAuth, Self::LimitCount];

    /// The machine name: `key-auth`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::KeyAuth => "key-auth",
            Self::BasicAuth => "basic-auth",
            Self::JwtAuth => "jwt-auth",
            Self::HmacAuth => "hmac-auth",
            Self::LimitCount => "limit-count",
        }
    }

    /// As the dashboard shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::KeyAuth => "Key Auth",
            Self::BasicAuth => "Basic Auth",
            Self::JwtAuth => "JWT Auth",
            Self::HmacAuth => "HMAC Auth",
            Self::LimitCount => "Limit Count",
        }
    }

    /// One sentence for the catalogue.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::KeyAuth => "Lets only requests pass that carry the key of a consumer.",
            Self::BasicAuth => "Lets only requests pass that carry the username and password of a consumer.",
            Self::JwtAuth => "Lets only requests pass that carry a JSON Web Token which a consumer signed.",
            Self::HmacAuth => "Lets only requests pass that a consumer signed, headers and, if wanted, body.",
            Self::LimitCount => "Lets only so many requests pass in so much time, counted here or in Redis.",
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
            Self::KeyAuth | Self::BasicAuth | Self::JwtAuth | Self::HmacAuth => "{}",
            Self::LimitCount => {
                "{\n  \"count\": 3,\n  \"time_window\": 60,\n  \"key_type\": \"var\",\n  \"key\": \"remote_addr\",\n  \"policy\": \"local\",\n  \"rejected_code\": 429\n}"
            }
        }
    }

    /// The fields that hold a secret, or a reference to one. No other field may hold a reference.
    #[must_use]
    pub fn secret_fields(self) -> &'static [&'static str] {
        match self {
            Self::KeyAuth | Self::BasicAuth | Self::JwtAuth | Self::HmacAuth => &[],
            Self::LimitCount => limit_count::SECRETS,
        }
    }

    /// Whether it lets nobody pass who does not prove who they are.
    #[must_use]
    pub fn authenticates(self) -> bool {
        match self {
            Self::KeyAuth | Self::BasicAuth | Self::JwtAuth | Self::HmacAuth => true,
            Self::LimitCount => false,
        }
    }

    /// What happens when it is removed.
    #[must_use]
    pub fn consequence_of_removal(self) -> &'static str {
        match self {
            Self::KeyAuth => "Requests pass without a key",
            Self::BasicAuth => "Requests pass without a password",
            Self::JwtAuth => "Requests pass without a token",
            Self::HmacAuth => "Requests pass without a signature",
            Self::LimitCount => "Requests are no longer limited by their number",
        }
    }
}

/// The configuration of one plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "plugin", content = "config", rename_all = "kebab-case")]
pub enum PluginConfig<F = MaskedField> {
    KeyAuth(KeyAuthPlugin),
    BasicAuth(BasicAuthPlugin),
    JwtAuth(JwtAuthPlugin),
    HmacAuth(HmacAuthPlugin),
    LimitCount(Box<LimitCountPlugin<F>>),
}

impl<F> PluginConfig<F> {
    /// Which plugin it configures.
    #[must_use]
    pub fn name(&self) -> PluginName {
        match self {
            Self::KeyAuth(_) => PluginName::KeyAuth,
            Self::BasicAuth(_) => PluginName::BasicAuth,
            Self::JwtAuth(_) => PluginName::JwtAuth,
            Self::HmacAuth(_) => PluginName::HmacAuth,
            Self::LimitCount(_) => PluginName::LimitCount,
        }
    }

    /// The consumer that unauthenticated requests count as, which must exist.
    #[must_use]
    pub fn anonymous_consumer(&self) -> Option<&ConsumerName> {
        match self {
            Self::KeyAuth(config) => config.anonymous_consumer.as_ref(),
            Self::BasicAuth(config) => config.anonymous_consumer.as_ref(),
            Self::JwtAuth(config) => config.anonymous_consumer.as_ref(),
            Self::HmacAuth(config) => config.anonymous_consumer.as_ref(),
            Self::LimitCount(_) => None,
        }
    }

    /// The server that its secrets are shown to: one typed in for another is not shown to this one.
    #[must_use]
    pub fn server(&self) -> Option<String> {
        match self {
            Self::KeyAuth(_) | Self::BasicAuth(_) | Self::JwtAuth(_) | Self::HmacAuth(_) => None,
            Self::LimitCount(config) => config.policy.server(),
        }
    }

    /// Converts the holder of every secret in it; `f` gets the field's name.
    ///
    /// # Errors
    /// Whatever `f` answers.
    pub fn try_map<G, E>(&self, f: impl FnMut(&'static str, &F) -> Result<G, E>) -> Result<PluginConfig<G>, E> {
        Ok(match self {
            Self::KeyAuth(config) => PluginConfig::KeyAuth(config.clone()),
            Self::BasicAuth(config) => PluginConfig::BasicAuth(config.clone()),
            Self::JwtAuth(config) => PluginConfig::JwtAuth(config.clone()),
            Self::HmacAuth(config) => PluginConfig::HmacAuth(config.clone()),
            Self::LimitCount(config) => PluginConfig::LimitCount(Box::new(config.try_map(f)?)),
        })
    }
}

impl<S> PluginConfig<SecretField<S>> {
    /// Its references, by the field they stand in.
    pub fn references(&self) -> impl Iterator<Item = (&'static str, Reference)> + use<S> {
        let mut references = Vec::new();
        let collected = self.try_map(|name, field| {
            references.extend(field.reference().map(|reference| (name, reference.clone())));
            Ok::<_, std::convert::Infallible>(())
        });
        drop(collected);
        references.into_iter()
    }

    /// The text for the JSON editor: a reference as its text, and of a stored secret only that there is one.
    #[must_use]
    pub fn to_json(&self) -> String {
        let shown = |_: &'static str, field: &SecretField<S>| {
            Ok::<_, std::convert::Infallible>(match field {
                SecretField::Reference(reference) => reference.to_string(),
                SecretField::Literal(_) => STORED.to_owned(),
            })
        };
        let json = match self {
            Self::KeyAuth(config) => serde_json::to_string_pretty(config),
            Self::BasicAuth(config) => serde_json::to_string_pretty(config),
            Self::JwtAuth(config) => serde_json::to_string_pretty(config),
            Self::HmacAuth(config) => serde_json::to_string_pretty(config),
            Self::LimitCount(config) => match config.try_map(shown) {
                Ok(config) => serde_json::to_string_pretty(&config),
                Err(never) => match never {},
            },
        };
        json.unwrap_or_default()
    }
}

impl PluginConfig<EnteredField> {
    /// Reads the JSON editor's text.
    ///
    /// # Errors
    /// Problems by JSON path (`/header`); `json` for text that is no JSON object.
    pub fn parse(name: PluginName, text: &str) -> Result<Self, Vec<FieldProblem>> {
        let object = parse_object(text).map_err(|why| vec![FieldProblem::new("json", why)])?;
        let config = match name {
            PluginName::KeyAuth => fields::parse(&object, KeyAuthPlugin::set).map(Self::KeyAuth),
            PluginName::BasicAuth => fields::parse(&object, BasicAuthPlugin::set).map(Self::BasicAuth),
            PluginName::JwtAuth => fields::parse(&object, JwtAuthPlugin::set).map(Self::JwtAuth),
            PluginName::HmacAuth => fields::parse(&object, HmacAuthPlugin::set).map(Self::HmacAuth),
            PluginName::LimitCount => LimitCountPlugin::parse(&object).map(|config| Self::LimitCount(Box::new(config))),
        };
        let mut problems = reader::misplaced_references(&Value::Object(object), name.secret_fields());
        if problems.is_empty() {
            return config;
        }
        // That a reference stands in the wrong place says more than what it is not.
        let others = config.err().unwrap_or_default();
        let others: Vec<_> =
            others.into_iter().filter(|p| problems.iter().all(|known| known.field != p.field)).collect();
        problems.extend(others);
        Err(problems)
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
