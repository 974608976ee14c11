//! authz-casdoor: whoever comes with a browser signs in at Casdoor first (`apisix/plugins/authz-casdoor.lua`).

use super::about::{About, Phase, ServerAt};
use super::config::{PluginConfig, SecretAt, UnknownConfig};
use super::schema::{Field, Form, Kind};
use crate::web_address::{WebAddress, WebAddressError};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is told of it.
pub const ABOUT: About = About {
    slug: "authz-casdoor",
    label: "Authz-Casdoor",
    summary: "Lets only browsers pass whose user has signed in at Casdoor, and sends others there.",
    consequence_of_removal: "Requests pass without signing in at Casdoor",
    priority: 2559,
    phase: Phase::Access,
    authenticates: true,
    fields: FIELDS,
    servers,
    example: EXAMPLE,
    ..About::BASE
};

const EXAMPLE: &str = r#"{
  "endpoint_addr": "https://door.example.com",
  "callback_url": "https://api.example.com/callback",
  "client_id": "$secret://vault/my-vault/casdoor/client_id",
  "client_secret": "$secret://vault/my-vault/casdoor/client_secret"
}"#;

const ADDRESS_PATTERN: &str = "^https?://[^?#@\\\\\\s]*[^/?#@\\\\\\s]$";

/// Field names as in APISIX 3.18.
const FIELDS: &[Field] = &[
    Field::new(
        "endpoint_addr",
        Kind::Form(&Form { pattern: ADDRESS_PATTERN, read: endpoint }),
        "Casdoor's address: browsers are sent there, and the gateway asks it for tokens.",
    )
    .needed("Casdoor's address is needed.")
    .server(),
    Field::new(
        "callback_url",
        Kind::Form(&Form { pattern: ADDRESS_PATTERN, read: callback }),
        "Where Casdoor sends browsers back to: an address of the gateway, with a path that a route with this plugin has.",
    )
    .needed("The address that Casdoor sends browsers back to is needed."),
    Field::new("client_id", Kind::TEXT, "The Client ID of the application at Casdoor.")
        .needed("The application's Client ID at Casdoor is needed.")
        .secret(),
    Field::new("client_secret", Kind::TEXT, "The Client secret of the application at Casdoor; shown to Casdoor alone.")
        .needed("The application's Client secret at Casdoor is needed.")
        .secret(),
];

/// Configuration on a service or route. `F` is how a secret is held.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AuthzCasdoorPlugin<F> {
    pub endpoint_addr: WebAddress,
    pub callback_url: WebAddress,
    pub client_id: F,
    pub client_secret: F,
}

impl<F: Clone> AuthzCasdoorPlugin<F> {
    /// Its own type of a configuration, with its secrets.
    ///
    /// # Errors
    /// The configuration was stored by a version that knew others.
    pub fn of(config: &PluginConfig<F>) -> Result<Self, UnknownConfig> {
        let settings: AuthzCasdoorPlugin<SecretAt> = config.settings()?;
        Ok(Self {
            endpoint_addr: settings.endpoint_addr,
            callback_url: settings.callback_url,
            client_id: config.held(&settings.client_id)?,
            client_secret: config.held(&settings.client_secret)?,
        })
    }
}

fn address(text: &str) -> Result<WebAddress, String> {
    text.parse().map_err(|why: WebAddressError| why.to_string())
}

fn endpoint(text: &str) -> Result<(), String> {
    address(text).map(drop)
}

fn servers(fields: &Map<String, Value>) -> Vec<ServerAt> {
    let endpoint = fields.get("endpoint_addr").and_then(Value::as_str).and_then(|text| address(text).ok());
    endpoint.map(|at| ServerAt::new("/endpoint_addr", at.host(), at.port())).into_iter().collect()
}

/// Without a path every request would be the one that comes back from Casdoor.
fn callback(text: &str) -> Result<(), String> {
    let callback = address(text)?;
    let why = || "The callback needs a path of its own, for example /callback.".to_owned();
    (!callback.path().is_empty()).then_some(()).ok_or_else(why)
}

#[cfg(test)]
mod tests {
    use crate::plugin::{PluginConfig, PluginName};
    use serde_json::{Value, json};

    fn config(changes: Value) -> Value {
        let mut config = json!({
            "endpoint_addr": "https://door.example.com",
            "callback_url": "https://api.example.com/anything/callback",
            "client_id": "$secret://vault/my-vault/casdoor/client_id",
            "client_secret": "$secret://vault/my-vault/casdoor/client_secret",
        });
        for (name, value) in changes.as_object().unwrap() {
            config[name] = value.clone();
        }
        config
    }

    #[test]
    fn bad_fields_are_named_by_their_path() {
        for (changes, path) in [
            (json!({"endpoint_addr": "https://door.example.com/"}), "/endpoint_addr"),
            (json!({"endpoint_addr": "door.example.com"}), "/endpoint_addr"),
            (json!({"endpoint_addr": "http://169.254.169.254"}), "/endpoint_addr"),
            (json!({"endpoint_addr": "$secret://vault/my-vault/casdoor/address"}), "/endpoint_addr"),
            (json!({"callback_url": "https://api.example.com/anything/callback/?code=aaa"}), "/callback_url"),
            (json!({"callback_url": "https://api.example.com/callback/"}), "/callback_url"),
            (json!({"callback_url": "https://api.example.com"}), "/callback_url"),
            (json!({"client_id": ""}), "/client_id"),
            (json!({"client_id": "$SECRET://vault/my-vault/casdoor/client_id"}), "/client_id"),
            (json!({"client_secret": 7}), "/client_secret"),
            (json!({"client_secret": "$secret://vault"}), "/client_secret"),
            (json!({"scope": "read"}), "/scope"),
        ] {
            let problems = PluginConfig::parse(PluginName::AuthzCasdoor, &config(changes.clone()).to_string());
            assert_eq!(problems.unwrap_err()[0].field, path, "{changes}");
        }
    }

    #[test]
    fn every_field_is_needed() {
        for name in ["endpoint_addr", "callback_url", "client_id", "client_secret"] {
            let mut config = config(json!({}));
            config.as_object_mut().unwrap().remove(name);
            let problems = PluginConfig::parse(PluginName::AuthzCasdoor, &config.to_string()).unwrap_err();
            assert_eq!(problems[0].field, format!("/{name}"));
        }
    }

    #[test]
    fn its_references_are_known_and_survive_the_editor() {
        let parsed = PluginConfig::parse(PluginName::AuthzCasdoor, &config(json!({})).to_string()).unwrap();
        let places: Vec<&str> = parsed.references().map(|(at, _)| at.as_str()).collect();
        assert_eq!(places, ["client_id", "client_secret"]);
        let shown: Value = serde_json::from_str(&parsed.to_json()).unwrap();
        assert_eq!(shown, config(json!({})));
    }
}
