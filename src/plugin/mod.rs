//! Plugins: what the gateway does to a request of a service, a route or a consumer, or to every request.
//!
//! A new plugin is a file here with its [`About`] (names, priority, a table of fields) and its own type; its line in
//! the list of plugins below; a file in `crates/gateway/src/plugin` with what it does; and the arms of
//! `Plugin` there that the compiler then asks for. Everything between (check, editor, store, sealing, references,
//! explanations) reads the table of fields.

pub mod about;
pub mod authz_casdoor;
pub mod basic_auth;
pub mod condition;
mod config;
pub mod consumer_restriction;
pub mod cors;
pub mod filled;
pub mod forms;
pub mod header_changes;
pub mod hmac_auth;
pub mod ip_restriction;
pub mod jwt_auth;
pub mod key_auth;
pub mod ldap_auth;
pub mod limit_count;
pub mod meta;
pub mod network;
pub mod pattern;
mod place;
pub mod prometheus;
pub mod proxy_rewrite;
pub mod public_api;
mod reader;
pub mod request_id;
pub mod response_rewrite;
pub mod schema;
mod set;
mod text;
pub mod variable;
pub mod wolf_rbac;

pub use about::{About, KnownBy, OnConsumer, Phase, Placement, ServerAt};
pub use config::{PluginConfig, SecretAt, UnknownConfig, try_map_all};
pub use place::SecretPlace;
pub use reader::STORED;
pub use set::{PluginOwner, PluginSet};

use crate::sensitive::{Entered, Masked, Sealed, SecretField};
use schema::Field;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A field with a secret as the dashboard gets it.
pub type MaskedField = SecretField<Masked>;
/// A field with a secret as it was typed.
pub type EnteredField = SecretField<Entered>;
/// A field with a secret as it is stored.
pub type SealedField = SecretField<Sealed>;

/// The plugins of one object. `F` is how their secrets are held.
pub type Plugins<F = MaskedField> = BTreeMap<PluginName, PluginConfig<F>>;

/// Lists every plugin with the module that has its `ABOUT`, in the order in which they run.
macro_rules! plugins {
    ($($name:ident in $module:ident),+ $(,)?) => {
        /// The name of a plugin, in the order in which they run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum PluginName {
            $($name),+
        }

        impl PluginName {
            /// Every plugin, in the order in which they run.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// All that is told of it.
            #[must_use]
            pub fn about(self) -> &'static About {
                match self {
                    $(Self::$name => &$module::ABOUT),+
                }
            }

            // Each of these by itself, not through `about`: who asks for a name alone need not carry every check.

            /// The machine name: `key-auth`.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self {
                    $(Self::$name => const { $module::ABOUT.slug }),+
                }
            }

            /// As the dashboard shows it.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$name => const { $module::ABOUT.label }),+
                }
            }

            /// Its fields there; none where it cannot be.
            #[must_use]
            pub fn fields(self, placement: Placement) -> &'static [Field] {
                match (self, placement) {
                    $((Self::$name, Placement::Route) => const { $module::ABOUT.fields(Placement::Route) },
                    (Self::$name, Placement::Consumer) => const { $module::ABOUT.fields(Placement::Consumer) },
                    (Self::$name, Placement::Metadata) => const { $module::ABOUT.fields(Placement::Metadata) }),+
                }
            }

            /// What happens when it is removed.
            #[must_use]
            pub fn consequence_of_removal(self) -> &'static str {
                match self {
                    $(Self::$name => const { $module::ABOUT.consequence_of_removal }),+
                }
            }
        }
    };
}

plugins! {
    RequestId in request_id,
    Cors in cors,
    IpRestriction in ip_restriction,
    AuthzCasdoor in authz_casdoor,
    WolfRbac in wolf_rbac,
    LdapAuth in ldap_auth,
    HmacAuth in hmac_auth,
    BasicAuth in basic_auth,
    JwtAuth in jwt_auth,
    KeyAuth in key_auth,
    ConsumerRestriction in consumer_restriction,
    ProxyRewrite in proxy_rewrite,
    LimitCount in limit_count,
    ResponseRewrite in response_rewrite,
    PublicApi in public_api,
    Prometheus in prometheus,
}

impl PluginName {
    /// One sentence for the catalogue.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.about().summary
    }

    /// Whether it lets nobody pass who does not prove who they are.
    #[must_use]
    pub fn authenticates(self) -> bool {
        self.about().authenticates
    }

    /// The plugin of that machine name.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|plugin| plugin.slug() == slug)
    }

    /// Those that can be on such an object.
    pub fn of(placement: Placement) -> impl Iterator<Item = Self> {
        let refused = move |plugin: &Self| match placement {
            Placement::Route => false,
            Placement::Consumer => matches!(plugin.about().on_consumer, OnConsumer::Refused(_)),
            Placement::Metadata => plugin.about().metadata.is_empty(),
        };
        Self::ALL.iter().copied().filter(move |plugin| !refused(plugin))
    }

    /// What the JSON editor opens with.
    #[must_use]
    pub fn example(self, placement: Placement) -> &'static str {
        match (placement, self.about().on_consumer) {
            (Placement::Consumer, OnConsumer::With { example, .. }) => example,
            (Placement::Metadata, _) => "{}",
            (Placement::Route, _) | (Placement::Consumer, OnConsumer::AsOnRoute | OnConsumer::Refused(_)) => {
                self.about().example
            }
        }
    }

    /// The fields that hold a secret, or a reference to one, as paths: `redis_password`, or `servers/*/password`
    /// where `*` stands for any item or name. No other field may hold a reference.
    #[must_use]
    pub fn secret_fields(self, placement: Placement) -> Vec<String> {
        schema::secret_patterns(self.fields(placement))
    }

    /// The JSON Schema (draft 7) of its configuration, `_meta` included. Fields that may hold a reference have
    /// `x-reference` and `writeOnly`; `x-order` of an object tells the order of its fields.
    #[must_use]
    pub fn json_schema(self, placement: Placement) -> Value {
        let mut schema = schema::fields_schema(&config::all_fields(placement, self.fields(placement)));
        schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
        schema["title"] = self.label().into();
        schema["description"] = self.summary().into();
        schema
    }

    /// What holds for the fields that are left out, as an object.
    #[must_use]
    pub fn defaults(self, placement: Placement) -> Value {
        let fields = self.fields(placement).iter();
        let defaults = fields.filter_map(|field| Some((field.name.to_owned(), field.default_value()?)));
        json!(defaults.collect::<serde_json::Map<_, _>>())
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

    #[test]
    fn the_documentation_has_every_plugin_with_its_place_in_the_order() {
        let docs = include_str!("../../docs/gateway.md");
        for plugin in PluginName::ALL {
            let (slug, phase, priority) = (plugin.slug(), plugin.about().phase, plugin.about().priority);
            let phase = match phase {
                Phase::Rewrite => "rewrite",
                Phase::Access => "access",
            };
            let mut rows = docs.lines().filter(|line| line.contains(&format!("`{slug}`")));
            let end = format!("| {phase} | {priority} |");
            assert!(rows.any(|row| row.ends_with(&end)), "docs/gateway.md has no row of {slug} that ends in {end}");
        }
    }
}
